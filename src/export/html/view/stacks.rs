//! The dashboard's chart of a selection: cost by month, cost by day, credits by month.

use super::selection::{Selected, Selection};
use super::{KIND_LABELS, ViewBuilder};
use crate::export::html::scale::Unit;
use crate::export::html::stack::{BarValues, StackChart, StackFrame};
use crate::report::cost::CostTotals;
use crate::report::month_states::CLOSED;
use crate::report::overview::calendar::{month_label, month_of};
use crate::report::overview::{PipelineSummary, Series};
use crate::run::{Instant, Share, Usd};
use chrono::{Datelike, NaiveDate};

/// The order of the kinds in a bar, from the bottom: sources, transformations, destinations, no single pipeline.
const STACKED: [usize; KIND_LABELS.len()] = [0, 2, 1, 3];

/// The plan's fee is drawn up to this many times the highest bar, in percent. A higher one would flatten the bars.
const MAX_FEE_PERCENT: i128 = 150;

/// Days that a phone labels: the first, and every fifth.
const LABELED_DAYS: u32 = 5;

/// What a bar measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Usd,
    Credits,
}

impl Measure {
    /// In nano-dollars, or in credits. `None`: no cost is known.
    fn of(self, cost: &CostTotals) -> Option<i128> {
        match self {
            Measure::Usd => cost.total().map(Usd::units),
            Measure::Credits => Some(cost.credits.into()),
        }
    }
}

impl<'o> ViewBuilder<'o> {
    /// The chart of the cost by month.
    pub(super) fn cost_chart(&self, selected: &Selected<'o>) -> StackChart {
        let bars: Vec<BarValues> =
            self.range.dashboard().map(|month| self.month_bar(selected, month, Measure::Usd)).collect();
        let plan = self.fee().filter(|_| selected.selection == Selection::All);
        let plan = plan.filter(|fee| self.is_fee_in_scale(*fee)).map(|fee| {
            let fee_text = self.numbers.money(Some(fee)).text;
            (fee.units(), self.filled("Plan {amount}", &[("amount", &fee_text)]))
        });
        let frame = StackFrame {
            class: "month",
            unit: (Unit::Usd, "USD".to_owned()),
            label: self.text("Cost by month, stacked by pipeline kind, in USD"),
            plan,
        };
        StackChart::new(frame, bars, self.numbers)
    }

    /// The chart of the credits by month.
    pub(super) fn credit_chart(&self, selected: &Selected<'o>) -> StackChart {
        let bars = self.range.dashboard().map(|month| self.month_bar(selected, month, Measure::Credits));
        let plan = self.overview.terms.plan.filter(|_| selected.selection == Selection::All);
        let frame = StackFrame {
            class: "credit",
            unit: (Unit::Count, self.text("Credits")),
            label: self.text("Credits by month, stacked by pipeline kind"),
            plan: plan.map(|plan| {
                let credits = self.numbers.whole(plan.credits);
                (plan.credits.into(), self.filled("Plan {amount}", &[("amount", &credits)]))
            }),
        };
        StackChart::new(frame, bars.collect(), self.numbers)
    }

    /// The chart of the cost by day of a month, over all kinds.
    pub(super) fn day_chart(&self, month: i32) -> StackChart {
        let all = Selected { selection: Selection::All, summary: &self.overview.all };
        let first = first_day(month);
        let days = first.map_or(0, |first| u32::from(first.num_days_in_month()));
        let bars = (1..=days).filter_map(|day| Some(self.day_bar(&all, first?.with_day(day)?)));
        let frame = StackFrame {
            class: "day",
            unit: (Unit::Usd, "USD".to_owned()),
            label: self.filled(
                "Cost by day of {month}, stacked by pipeline kind, in USD",
                &[("month", &self.range.month_name(month))],
            ),
            plan: None,
        };
        StackChart::new(frame, bars.collect(), self.numbers)
    }

    /// The figures of each part of a bar, from the bottom, with the class and name of its kind.
    fn parts(
        &self,
        selected: &Selected<'o>,
        costs: &dyn Fn(&PipelineSummary) -> CostTotals,
    ) -> Vec<(&'static str, String, CostTotals)> {
        let part = |kind: usize, summary: &PipelineSummary| {
            let (class, label) = KIND_LABELS[kind];
            (class, self.text(label), costs(summary))
        };
        let kinds = &self.overview.kinds;
        let own = KIND_LABELS.iter().position(|(class, _)| Some(*class) == selected.summary.kind.as_deref());
        match selected.selection {
            Selection::All => STACKED.map(|kind| part(kind, &kinds[kind])).to_vec(),
            Selection::Kind(kind) => vec![part(kind, selected.summary)],
            Selection::Pipeline(_) => vec![part(own.unwrap_or(KIND_LABELS.len() - 1), selected.summary)],
            Selection::CostCenter(_) => vec![("none", self.text("All kinds"), costs(selected.summary))],
        }
    }

    /// Whether runs of the month are still to come, or are not in the archive or the time range.
    pub(super) fn is_partial(&self, month: i32) -> bool {
        self.is_running(month)
            || self.begins_in(month)
            || self.headline_of(month).is_some_and(|headline| !headline.is_whole)
    }

    fn month_bar(&self, selected: &Selected<'o>, month: i32, measure: Measure) -> BarValues {
        let cost_of = |months: &Series<_>| months.get(month).copied().unwrap_or_default();
        let costs = |summary: &PipelineSummary| cost_of(&summary.months).cost;
        let all = costs(selected.summary);
        let label = month_label(month);
        let is_running = self.is_running(month);
        let forecast = match measure {
            Measure::Usd => self.forecast(all.total(), month).map(Usd::units),
            Measure::Credits => {
                let forecast = self.credits_forecast(month).filter(|_| self.has_forecast(month));
                let expected = forecast.and_then(|forecast| forecast.expected).map(i128::from);
                expected.filter(|_| selected.selection == Selection::All)
            }
        };
        let short_name: String = self.range.month_word(month).chars().take(3).collect();
        let mut bar = BarValues {
            expected: forecast.map(|value| (value, self.amount(measure, Some(value)))),
            is_partial: self.is_partial(month),
            is_running,
            is_closed: self.months.mark(&label) == Some(CLOSED),
            label: short_name,
            year: match month.rem_euclid(12) == 0 || Some(month) == self.range.dashboard().next() {
                true => month.div_euclid(12).to_string(),
                false => String::new(),
            },
            month: label,
            ..BarValues::default()
        };
        self.fill_bar(&mut bar, selected, measure, &costs);
        if all.runs > 0 {
            let state = self.month_state(month, &all, measure);
            bar.title = self.bar_title(&self.range.month_name(month), &state, selected, measure, &costs);
        }
        bar
    }

    fn day_bar(&self, selected: &Selected<'o>, date: NaiveDate) -> BarValues {
        let day = date.num_days_from_ce();
        let costs = |summary: &PipelineSummary| summary.days.get(day).copied().unwrap_or_default().cost;
        let known_on = self.overview.known_at.map(|at| at.to_utc().with_timezone(&self.overview.scope.zone));
        let is_running = known_on.is_some_and(|at| at.date_naive() == date);
        let mut bar = BarValues {
            is_partial: is_running,
            is_running,
            label: date.day().to_string(),
            is_wide: date.day() != 1 && !date.day().is_multiple_of(LABELED_DAYS),
            ..BarValues::default()
        };
        if costs(selected.summary).runs == 0 {
            return bar;
        }
        self.fill_bar(&mut bar, selected, Measure::Usd, &costs);
        let name = self.range.long_day(date);
        let state = match known_on.filter(|_| is_running) {
            Some(at) => {
                self.filled("Running: known until {moment}", &[("moment", &at.format("%H:%M").to_string())])
            }
            None => String::new(),
        };
        bar.title = self.bar_title(&name, &state, selected, Measure::Usd, &costs);
        bar
    }

    fn fill_bar(
        &self,
        bar: &mut BarValues,
        selected: &Selected<'o>,
        measure: Measure,
        costs: &dyn Fn(&PipelineSummary) -> CostTotals,
    ) {
        let parts = self.parts(selected, costs);
        bar.parts = parts.iter().map(|(class, _, cost)| (*class, measure.of(cost))).collect();
        let all = costs(selected.summary);
        if all.runs == 0 {
            return;
        }
        bar.total = self.amount(measure, measure.of(&all));
        if measure == Measure::Usd && !bar.month.is_empty() {
            bar.short = self.numbers.short_usd(all.total());
        }
    }

    /// What the tooltip of a bar says: the period, its state, the parts from the top, the total, runs and credits.
    fn bar_title(
        &self,
        name: &str,
        state: &str,
        selected: &Selected<'o>,
        measure: Measure,
        costs: &dyn Fn(&PipelineSummary) -> CostTotals,
    ) -> String {
        let all = costs(selected.summary);
        let total = measure.of(&all);
        let mut lines = vec![name.to_owned(), state.to_owned()];
        let parts = self.parts(selected, costs);
        // A single part is the total.
        let named = parts.iter().rev().filter(|(_, _, cost)| cost.runs > 0 && parts.len() > 1);
        for (_, label, cost) in named {
            let value = measure.of(cost);
            let share = value.zip(total).and_then(|(part, total)| Share::ratio(part, total));
            let share = share.map_or_else(String::new, |share| format!(" · {}", self.numbers.percent(share)));
            lines.push(format!("{label}: {}{share}", self.amount(measure, value)));
        }
        let (unit, other, other_unit) = match measure {
            Measure::Usd => ("USD", self.numbers.whole(all.credits), "credits"),
            Measure::Credits => ("credits", self.numbers.money(all.total()).text, "USD"),
        };
        let word = |unit: &'static str| if unit == "USD" { unit.to_owned() } else { self.text("credits") };
        lines.push(format!("{} {}: {}", self.text("Total"), word(unit), self.amount(measure, total)));
        lines.push(format!(
            "{} {} · {other} {}",
            self.numbers.whole(all.runs),
            self.text("runs"),
            word(other_unit)
        ));
        lines.join("\n")
    }

    /// `Closed at 111.25, +0.82 since`; empty for a month that is over and not closed.
    fn month_state(&self, month: i32, all: &CostTotals, measure: Measure) -> String {
        if self.is_running(month) {
            let at = self.overview.known_at.map(|at| self.range.short_moment(at)).unwrap_or_default();
            return self.filled("Running: known until {moment}", &[("moment", &at)]);
        }
        let label = month_label(month);
        if let Some(booked) = self.months.booked(&label).filter(|_| measure == Measure::Usd) {
            let since = all.total().unwrap_or_default() - booked.unwrap_or_default();
            let values = [self.numbers.money(booked).text, self.numbers.usd_change(Some(since), 2).text];
            return match since.units() {
                0 => self.filled("Closed at {booked}, unchanged since", &[("booked", &values[0])]),
                _ => self.filled(
                    "Closed at {booked}, {change} since",
                    &[("booked", &values[0]), ("change", &values[1])],
                ),
            };
        }
        match self.months.mark(&label) == Some(CLOSED) {
            true => self.text("Closed"),
            false if self.begins_in(month) => self.text("Not complete: the archive begins in this month"),
            false => String::new(),
        }
    }

    fn amount(&self, measure: Measure, value: Option<i128>) -> String {
        match measure {
            Measure::Usd => self.numbers.money(value.map(Usd::from_units)).text,
            Measure::Credits => self.numbers.decimal(&value.unwrap_or_default().to_string()),
        }
    }

    fn fee(&self) -> Option<Usd> {
        self.overview.terms.plan.map(|plan| plan.fee_usd)
    }

    fn is_fee_in_scale(&self, fee: Usd) -> bool {
        let costs = self.range.dashboard().filter_map(|month| self.sums(month).cost.total());
        let highest = costs.map(Usd::units).max().unwrap_or_default();
        fee.units() * 100 <= highest * MAX_FEE_PERCENT
    }

    /// The sentences under the charts by month, by day and of credits. Empty: there is nothing to say.
    pub(super) fn chart_notes(&self, month: Option<i32>) -> [String; 3] {
        let fee = self.fee().map(|fee| self.numbers.money(Some(fee)).text);
        let of_month = match (&fee, self.fee()) {
            (Some(text), Some(fee)) if !self.is_fee_in_scale(fee) => self.filled(
                "The plan's fee, {fee} USD a month, is above this scale. Credits shows the plan as a line.",
                &[("fee", text)],
            ),
            _ => String::new(),
        };
        let of_credits = self.overview.terms.plan.zip(fee).map(|(plan, fee)| {
            let credits = self.numbers.whole(plan.credits);
            self.filled(
                "The plan has {credits} credits a month for {fee} USD. A credit is one charged run.",
                &[("credits", &credits), ("fee", &fee)],
            )
        });
        let of_days = month.map_or_else(String::new, |month| self.days_sentence(month));
        [of_month, of_days, of_credits.unwrap_or_else(|| self.text("A credit is one charged run."))]
    }

    /// The most expensive day of a month.
    pub(super) fn days_sentence(&self, month: i32) -> String {
        let name = self.range.month_name(month);
        let days = self.overview.all.days.iter().filter(|(day, _)| month_of(*day) == Some(month));
        let known = days.rev().filter_map(|(day, runs)| Some((runs.cost.total()?, *day)));
        let Some((usd, day)) = known.max_by_key(|(usd, _)| *usd) else {
            return self.filled("{month}: no known cost", &[("month", &name)]);
        };
        let values = [
            ("month", name.as_str()),
            ("day", &self.range.short_day(day)),
            ("cost", &self.numbers.money(Some(usd)).text),
        ];
        let highest = self.filled("{month}. Most expensive day: {day}, {cost} USD.", &values);
        let mean = self.mean_of_whole_days(month).map(|mean| {
            let mean = self.numbers.money(Some(mean)).text;
            self.filled("Mean of the whole days: {cost} USD.", &[("cost", &mean)])
        });
        [Some(highest), mean].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// The mean known cost of the days of a month that the page has from midnight to midnight. `None`: there are fewer
    /// than two, or no cost is known.
    fn mean_of_whole_days(&self, month: i32) -> Option<Usd> {
        let (days, scope) = (&self.overview.all.days, &self.overview.scope);
        let number = |at: Instant| at.to_utc().with_timezone(&scope.zone).date_naive().num_days_from_ce();
        let first = days.ends()?.0;
        // The archive can begin in the middle of its first day.
        let begins_at_midnight = scope.span.from.is_some_and(|from| number(from) == first);
        let first_whole = if begins_at_midnight { first } else { first + 1 };
        let last = scope.span.until.into_iter().chain(self.overview.known_at).map(number).min()?;
        let start = first_day(month)?;
        let end = start.num_days_from_ce() + i32::from(start.num_days_in_month());
        let whole = start.num_days_from_ce().max(first_whole)..end.min(last);
        let count = u64::try_from(whole.len()).ok().filter(|days| *days > 1)?;
        let known =
            days.iter().filter(|(day, _)| whole.contains(day)).filter_map(|(_, runs)| runs.cost.total());
        known.reduce(|sum, usd| sum + usd)?.per(count)
    }
}

/// The first day of a month. `None`: the calendar does not reach it.
fn first_day(month: i32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(month.div_euclid(12), month.rem_euclid(12) as u32 + 1, 1)
}
