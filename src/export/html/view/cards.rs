//! The three cards of the dashboard: cost, credits and failures of one month and one selection, as texts.

use super::ViewBuilder;
use super::selection::{Selected, Selection};
use crate::report::overview::calendar::{month_label, month_of};
use crate::report::overview::{CreditsForecast, HeadlineMonth, Sums};
use crate::report::period::Period;
use crate::run::{Share, Usd};
use chrono::{Datelike, NaiveDate, TimeDelta};

/// A change is colored from this share of the value on, in percent.
const NOTABLE_PERCENT: i128 = 2;

/// The day of a month on which three full days are known: from then on there is a forecast.
const FORECAST_DAY: u32 = 4;

/// A change against another month: `▲ 29.52 (27.3%)`, and its CSS class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Delta {
    pub(super) text: String,
    /// `worse`, `better`, or nothing for a small change.
    pub(super) class: &'static str,
}

/// The texts of the cards. An empty text is hidden.
#[derive(Debug, Clone, Default)]
pub(super) struct Cards {
    count: String,
    pub(super) cost: String,
    pub(super) cost_exact: String,
    unknown: String,
    cost_delta: Delta,
    forecast: String,
    booked: String,
    previous: String,
    credits: String,
    credits_of: String,
    over: String,
    credits_delta: Delta,
    credits_previous: String,
    expected: String,
    runs_out: String,
    failed: String,
    failed_of: String,
    failed_delta: Delta,
    worst: String,
    worst_value: String,
    failed_cost: String,
}

impl Cards {
    /// The name of each text in the page, with the text.
    pub(super) fn slots(&self) -> [(&'static str, &str); 24] {
        [
            ("count", &self.count),
            ("cost", &self.cost),
            ("cost-exact", &self.cost_exact),
            ("unknown", &self.unknown),
            ("cost-delta", &self.cost_delta.text),
            ("cost-delta-class", self.cost_delta.class),
            ("forecast", &self.forecast),
            ("booked", &self.booked),
            ("previous", &self.previous),
            ("credits", &self.credits),
            ("credits-of", &self.credits_of),
            ("over", &self.over),
            ("credits-delta", &self.credits_delta.text),
            ("credits-delta-class", self.credits_delta.class),
            ("credits-previous", &self.credits_previous),
            ("expected", &self.expected),
            ("runs-out", &self.runs_out),
            ("failed", &self.failed),
            ("failed-of", &self.failed_of),
            ("failed-delta", &self.failed_delta.text),
            ("failed-delta-class", self.failed_delta.class),
            ("worst", &self.worst),
            ("worst-value", &self.worst_value),
            ("failed-cost", &self.failed_cost),
        ]
    }

    /// The text of a slot.
    pub(super) fn get(&self, name: &str) -> &str {
        self.slots().into_iter().find(|(slot, _)| *slot == name).map_or("", |(_, text)| text)
    }
}

/// The texts of a month that are the same for every selection.
#[derive(Debug, Clone, Default)]
pub(super) struct MonthTexts {
    /// `2026-10`.
    pub(super) key: String,
    /// `October 2026`.
    pub(super) name: String,
    /// `Oct 2026`.
    pub(super) option: String,
    /// `running`, `closed` or nothing, and the words of the badge.
    pub(super) badge: (&'static str, String),
    pub(super) headings: [String; 3],
    /// What the changes are against.
    pub(super) against: String,
    pub(super) forecast: String,
    pub(super) previous: String,
    pub(super) expected: String,
}

impl MonthTexts {
    /// The name of each text in the page, with the text.
    pub(super) fn slots(&self) -> [(&'static str, &str); 10] {
        let [cost, credits, failures] = &self.headings;
        [
            ("month-name", &self.name),
            ("badge", &self.badge.1),
            ("badge-class", self.badge.0),
            ("cost-heading", cost),
            ("credits-heading", credits),
            ("failed-heading", failures),
            ("against", &self.against),
            ("forecast-label", &self.forecast),
            ("previous-label", &self.previous),
            ("expected-label", &self.expected),
        ]
    }
}

impl ViewBuilder<'_> {
    /// The headline month, if it is this one.
    pub(super) fn headline_of(&self, month: i32) -> Option<&HeadlineMonth> {
        self.overview.headline_month.as_ref().filter(|headline| headline.month == month)
    }

    /// What is expected of the credits, if this is the headline month.
    pub(super) fn credits_forecast(&self, month: i32) -> Option<&CreditsForecast> {
        self.headline_of(month).map(|_| &self.overview.forecast)
    }

    /// Whether the month goes on after the last observation.
    pub(super) fn is_running(&self, month: i32) -> bool {
        self.headline_of(month).is_some_and(|headline| headline.is_running && headline.is_whole)
    }

    /// The day of the last observation, from 1. `None`: the month is not running.
    pub(super) fn running_day(&self, month: i32) -> Option<NaiveDate> {
        let known_at = self.overview.known_at.filter(|_| self.is_running(month))?;
        Some(known_at.to_utc().with_timezone(&self.overview.scope.zone).date_naive())
    }

    /// Whether the archive begins within the month.
    pub(super) fn begins_in(&self, month: i32) -> bool {
        let Some((first, _)) = self.overview.all.days.ends() else { return false };
        let is_first_day = NaiveDate::from_num_days_from_ce_opt(first).is_some_and(|day| day.day() == 1);
        month_of(first) == Some(month) && !is_first_day
    }

    /// What a month is compared with: the month before, up to the same point if the month is running. `None`: the
    /// month before is not known whole, or the month has no full day yet.
    pub(super) fn before(&self, selected: &Selected<'_>, month: i32) -> Option<Sums> {
        match self.headline_of(month) {
            Some(headline) if !headline.is_whole => None,
            Some(_) if self.running_day(month).is_some_and(|day| day.day() == 1) => None,
            Some(_) => {
                let of = selected.summary;
                Some(of.previous_month_to_date.unwrap_or(of.previous_month)).filter(|_| self.has_before())
            }
            None => {
                let (first, _) = self.overview.all.months.ends()?;
                (month > first && !self.begins_in(month - 1))
                    .then(|| selected.summary.months.get(month - 1).copied().unwrap_or_default())
            }
        }
    }

    fn has_before(&self) -> bool {
        self.overview.all.previous_month.cost.runs > 0
    }

    pub(super) fn month_texts(&self, month: i32) -> MonthTexts {
        let label = month_label(month);
        let name = self.range.month_name(month);
        let today = self.running_day(month);
        let is_partial = self.headline_of(month).is_some_and(|headline| !headline.is_whole);
        let is_as_closed = self.months.is_as_closed(&label);
        let is_closed = is_as_closed || self.months.booked(&label).is_some();
        let badge = match today {
            Some(today) => (
                "run",
                self.filled(
                    "Running, day {day} of {days}",
                    &[("day", &today.day().to_string()), ("days", &today.num_days_in_month().to_string())],
                ),
            ),
            None if is_closed => (
                "closed",
                self.months.closed_at(&label).map_or_else(
                    || self.text("Closed"),
                    |at| self.filled("Closed {moment}", &[("moment", &self.range.moment(at))]),
                ),
            ),
            None => ("", String::new()),
        };
        let headings = [
            ["Cost so far", "Cost, part of the month", "Cost as closed", "Cost"],
            ["Credits so far", "Credits, part of the month", "Credits as closed", "Credits"],
            ["Failed runs so far", "Failed runs, part of the month", "Failed runs as closed", "Failed runs"],
        ];
        let state = match (today.is_some(), is_partial, is_as_closed) {
            (true, ..) => 0,
            (_, true, _) => 1,
            (_, _, true) => 2,
            _ => 3,
        };
        let before = self.range.month_word(month - 1);
        let of_month = |english: &'static str| self.filled(english, &[("month", before)]);
        let against = match today {
            Some(today) if today.day() == 1 => self.filled(
                "Compared with {month} from {day} on",
                &[("month", before), ("day", &self.language().day_of_month(today + TimeDelta::days(1)))],
            ),
            Some(_) => of_month("against {month} at this point"),
            None if is_partial => self.text("Only a part of the month, so not compared"),
            None => of_month("against {month}"),
        };
        let last = today.and_then(|today| today.with_day(u32::from(today.num_days_in_month())));
        let last = last.map(|day| self.language().day_of_month(day)).unwrap_or_default();
        let by_last = |english: &'static str| match today {
            Some(_) => self.filled(english, &[("day", &last)]),
            None => String::new(),
        };
        MonthTexts {
            key: label,
            option: self.range.short_month(month),
            name,
            badge,
            headings: headings.map(|of_state| {
                let [running, partial, closed, complete] = of_state;
                self.text([running, partial, closed, complete][state])
            }),
            against,
            forecast: by_last("Forecast to {day}"),
            previous: of_month("{month}, whole month"),
            expected: by_last("Expected by {day}"),
        }
    }

    /// The cards of a month and a selection.
    pub(super) fn cards(&self, selected: &Selected<'_>, month: i32) -> Cards {
        let now = selected.summary.months.get(month).copied().unwrap_or_default();
        let before = self.before(selected, month);
        let runs = self.numbers.whole(now.cost.runs);
        let all = self.sums(month);
        let is_all = matches!(selected.selection, Selection::All);
        let count = match is_all {
            true => self.filled(
                "{runs} runs of {pipelines} pipelines",
                &[("runs", &runs), ("pipelines", &self.numbers.whole(self.pipelines_of(month)))],
            ),
            false => self.filled(
                "{runs} of {all} runs",
                &[("runs", &runs), ("all", &self.numbers.whole(all.cost.runs))],
            ),
        };
        let cost = self.numbers.money(now.cost.total());
        let unknown = match now.cost.runs_cost_unknown {
            0 => String::new(),
            1 => self.text("1 cost unknown"),
            unknown => self.filled("{unknown} costs unknown", &[("unknown", &self.numbers.whole(unknown))]),
        };
        let whole_before = self.whole_before(selected, month);
        let ended = now.ended();
        let mut cards = Cards {
            count,
            cost_exact: cost.exact.clone().unwrap_or_default(),
            cost: cost.text,
            unknown,
            cost_delta: self.money_delta(now.cost.total(), before.and_then(|sums| sums.cost.total()), None),
            forecast: self.forecast_text(now.cost.total(), month),
            previous: whole_before
                .map_or_else(String::new, |sums| self.numbers.money(sums.cost.total()).text),
            credits: self.numbers.whole(now.cost.credits),
            credits_delta: self.count_delta(now.cost.credits, before.map(|sums| sums.cost.credits)),
            failed: self.numbers.whole(now.failed),
            failed_of: match Share::ratio(now.failed.into(), ended.into()) {
                Some(share) => self.filled(
                    "{share} of {ended}",
                    &[("share", &self.numbers.percent(share)), ("ended", &self.numbers.whole(ended))],
                ),
                None => self.text("none has ended"),
            },
            failed_delta: self.count_delta(now.failed, before.map(|sums| sums.failed)),
            failed_cost: match now.failed {
                0 => self.numbers.money(Some(Usd::default())).text,
                _ => self.numbers.money(now.failed_cost.total()).text,
            },
            ..Cards::default()
        };
        if is_all {
            self.add_plan(&mut cards, &now, month);
            cards.booked = self.booked_text(month);
        }
        if cards.runs_out.is_empty() {
            let credits = whole_before.map(|sums| self.numbers.whole(sums.cost.credits));
            cards.credits_previous = credits.unwrap_or_default();
        }
        if !matches!(selected.selection, Selection::Pipeline(_)) {
            self.add_worst(&mut cards, selected, month);
        }
        cards
    }

    /// The whole month before. `None`: it is not known whole.
    fn whole_before(&self, selected: &Selected<'_>, month: i32) -> Option<Sums> {
        match self.headline_of(month) {
            Some(headline) => {
                Some(selected.summary.previous_month).filter(|_| headline.is_whole && self.has_before())
            }
            None => self.before(selected, month),
        }
    }

    /// Whether enough of the running month is known for a forecast.
    pub(super) fn has_forecast(&self, month: i32) -> bool {
        self.running_day(month).is_some_and(|day| day.day() >= FORECAST_DAY)
    }

    /// The cost so far, divided by the share of the month that has passed. `None`: the month is over, or fewer than
    /// three full days are known.
    pub(super) fn forecast(&self, cost: Option<Usd>, month: i32) -> Option<Usd> {
        if !self.has_forecast(month) {
            return None;
        }
        let period = Period::named(&month_label(month), self.overview.scope.zone)?;
        let (start, end) = (period.start?.to_utc(), period.end?.to_utc());
        let passed = (self.overview.known_at?.to_utc() - start).num_seconds();
        cost?.scaled((end - start).num_seconds().into(), u64::try_from(passed).ok()?)
    }

    /// What a closed month was closed with, if the page shows it as known now.
    fn booked_text(&self, month: i32) -> String {
        let booked = self.months.booked(&month_label(month));
        booked.map_or_else(String::new, |usd| self.numbers.money(usd).text)
    }

    fn forecast_text(&self, cost: Option<Usd>, month: i32) -> String {
        let Some(today) = self.running_day(month) else { return String::new() };
        match today.with_day(FORECAST_DAY).filter(|_| today.day() < FORECAST_DAY) {
            Some(day) => self.filled("from {day} on", &[("day", &self.language().day_of_month(day))]),
            None => {
                self.forecast(cost, month).map_or_else(String::new, |usd| self.numbers.money(Some(usd)).text)
            }
        }
    }

    /// The credits of the month in relation to the plan.
    fn add_plan(&self, cards: &mut Cards, now: &Sums, month: i32) {
        let terms = self.overview.scope.terms_of(&month_label(month));
        let available = terms.available_credits();
        if let Some(available) = available {
            cards.credits_of = self.filled("of {credits}", &[("credits", &self.numbers.whole(available))]);
        }
        let forecast = self.credits_forecast(month).filter(|_| self.is_running(month));
        let expected = forecast.and_then(|forecast| forecast.expected);
        let reached = expected.unwrap_or_default().max(now.cost.credits);
        if let Some(over) =
            available.and_then(|available| reached.checked_sub(available)).filter(|over| *over > 0)
        {
            cards.over = self.filled("{credits} over plan", &[("credits", &self.numbers.whole(over))]);
        }
        if let (Some(expected), Some(today)) = (expected, self.running_day(month)) {
            let day = today.with_day(FORECAST_DAY).filter(|_| today.day() < FORECAST_DAY);
            cards.expected = match day {
                Some(day) => self.filled("from {day} on", &[("day", &self.language().day_of_month(day))]),
                None => self.numbers.whole(expected),
            };
        }
        let runs_out = forecast.and_then(|forecast| forecast.run_out_on.as_ref());
        let runs_out = runs_out.and_then(|day| day.parse().ok());
        cards.runs_out = runs_out.map_or_else(String::new, |day| self.language().day_of_month(day));
    }

    /// The pipeline with the most failures in the month.
    fn add_worst(&self, cards: &mut Cards, selected: &Selected<'_>, month: i32) {
        if matches!(selected.selection, Selection::CostCenter(_)) {
            return;
        }
        let candidates =
            self.overview.pipelines.iter().filter(|pipeline| selected.selection.includes(pipeline));
        let failed = candidates.filter_map(|pipeline| Some((pipeline, pipeline.months.get(month)?)));
        let worst = failed.filter(|(_, sums)| sums.failed > 0).min_by_key(|(_, sums)| u64::MAX - sums.failed);
        if let Some((pipeline, sums)) = worst {
            let name = super::pipelines::name_of(pipeline, self.language());
            cards.worst = self.filled("Worst: {pipeline}", &[("pipeline", &name.name)]);
            cards.worst_value = self.filled(
                "{failed} of {ended}",
                &[("failed", &self.numbers.whole(sums.failed)), ("ended", &self.numbers.whole(sums.ended()))],
            );
        }
    }

    /// The difference of the two amounts as they are shown. It is colored if it is at least 2% of `whole`, by default
    /// of `now`.
    pub(super) fn money_delta(&self, now: Option<Usd>, before: Option<Usd>, whole: Option<Usd>) -> Delta {
        let (Some(now), Some(before)) = (now, before) else { return Delta::default() };
        let difference = in_cents(now) - in_cents(before);
        let amount = self.numbers.usd(Some(Usd::from_units(difference.units().abs())), 2).text;
        if difference.units() == 0 && whole.is_some() {
            // A column of amounts has no room for words.
            return Delta { text: amount, class: "" };
        }
        let percent = whole.is_none().then(|| self.numbers.change(Some(now.units()), Some(before.units())));
        self.delta(difference.units(), amount, percent.flatten(), whole.unwrap_or(now).units())
    }

    fn count_delta(&self, now: u64, before: Option<u64>) -> Delta {
        let Some(before) = before else { return Delta::default() };
        let (now, before) = (i128::from(now), i128::from(before));
        let amount = self.numbers.decimal(&(now - before).abs().to_string());
        self.delta(now - before, amount, self.numbers.change(Some(now), Some(before)), now)
    }

    fn delta(&self, difference: i128, amount: String, percent: Option<String>, whole: i128) -> Delta {
        let arrow = match difference {
            0 => return Delta { text: self.text("No change"), class: "" },
            1.. => "▲",
            _ => "▼",
        };
        let percent = percent.map(|percent| percent.replace(['+', '\u{2212}'], ""));
        let percent = percent.map_or_else(String::new, |percent| format!(" ({percent})"));
        let is_notable = difference.abs() * 100 >= whole.abs() * NOTABLE_PERCENT;
        let class = match (is_notable, difference > 0) {
            (false, _) => "",
            (true, true) => "worse",
            (true, false) => "better",
        };
        Delta { text: format!("{arrow} {amount}{percent}"), class }
    }

    fn pipelines_of(&self, month: i32) -> u64 {
        let pipelines = self.overview.pipelines.iter().filter(|pipeline| pipeline.id.is_some());
        pipelines.filter(|pipeline| pipeline.months.get(month).is_some()).count() as u64
    }
}

/// The amount in whole cents, half to even.
pub(super) fn in_cents(usd: Usd) -> Usd {
    crate::report::apportionment::in_cents(&[Some(usd)])[0].unwrap_or_default()
}
