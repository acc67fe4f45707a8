//! The tiles with the figures of the headline month.

use super::ViewBuilder;
use crate::export::html::number::Number;
use crate::report::overview::{HeadlineMonth, Sums};
use crate::run::{Share, Usd};

/// A headline figure.
#[derive(Debug)]
pub(super) struct Tile {
    pub(super) id: &'static str,
    pub(super) heading: String,
    pub(super) value: Number,
    pub(super) unit: &'static str,
    /// The value and the maximum of a meter.
    pub(super) meter: Option<(u64, u64)>,
    pub(super) lines: Vec<String>,
}

impl ViewBuilder<'_> {
    pub(super) fn tiles(&self) -> Vec<Tile> {
        let Some(headline) = &self.overview.headline_month else { return Vec::new() };
        let suffix = match (headline.is_whole, headline.is_running) {
            (false, _) => self.language().page(" (partial)"),
            (true, true) => self.language().page(" so far"),
            (true, false) => "",
        };
        let month = format!("{}{suffix}", self.range.month(headline.month));
        let now = self.sums(headline.month);
        vec![
            self.cost_tile(headline, &now, &month),
            self.credits_tile(headline, &now, &month),
            self.success_tile(headline, &now, &month),
            self.unsettled_tile(),
        ]
    }

    /// Compares the month with the previous one, and with the same part of the previous one if the
    /// month is running.
    fn comparison(
        &self,
        headline: &HeadlineMonth,
        now: &Sums,
        value: &dyn Fn(&Sums) -> (Option<i128>, String),
    ) -> Vec<String> {
        if !headline.is_whole {
            return Vec::new();
        }
        let all = &self.overview.all;
        let label = self.range.month(headline.month - 1);
        let changed = |now, before| in_parentheses(self.numbers.change(now, before));
        let (now, _) = value(now);
        let (whole, whole_text) = value(&all.previous_month);
        match &all.previous_month_to_date {
            None => vec![format!("{label}: {whole_text}{}", changed(now, whole))],
            Some(to_date) => {
                let (part, part_text) = value(to_date);
                vec![
                    self.filled(
                        "{month} up to the same point: {value}{change}",
                        &[("month", &label), ("value", &part_text), ("change", &changed(now, part))],
                    ),
                    self.filled(
                        "{month}, whole month: {value}",
                        &[("month", &label), ("value", &whole_text)],
                    ),
                ]
            }
        }
    }

    fn cost_tile(&self, headline: &HeadlineMonth, now: &Sums, month: &str) -> Tile {
        let usd = |sums: &Sums| {
            let total = sums.cost.total();
            (total.map(Usd::units), format!("{} USD", self.numbers.usd_short(total).text))
        };
        let mut lines = self.comparison(headline, now, &usd);
        if !headline.is_whole {
            lines
                .push(self.text("The time range covers only a part of the month, so there is no comparison"));
        }
        if now.cost.runs_cost_unknown > 0 {
            lines.push(self.filled(
                "{unknown} of {runs} runs have no known cost",
                &[
                    ("unknown", &self.numbers.whole(now.cost.runs_cost_unknown)),
                    ("runs", &self.numbers.whole(now.cost.runs)),
                ],
            ));
        }
        Tile {
            id: "cost",
            heading: self.filled("Cost in {month}", &[("month", month)]),
            value: self.numbers.usd_short(now.cost.total()),
            unit: "USD",
            meter: None,
            lines,
        }
    }

    fn credits_tile(&self, headline: &HeadlineMonth, now: &Sums, month: &str) -> Tile {
        let credits =
            |sums: &Sums| (Some(i128::from(sums.cost.credits)), self.numbers.whole(sums.cost.credits));
        let mut lines = Vec::new();
        let terms = &self.overview.terms;
        let available = terms.available_credits().filter(|_| headline.is_whole);
        if let (Some(available), Some(plan)) = (available, terms.plan) {
            let share = Share::ratio(now.cost.credits.into(), available.into());
            let share = share.map(|share| self.numbers.percent(share));
            let purchased = terms.purchased_credits().map(|credits| self.numbers.whole(credits));
            let words = match (&share, &purchased) {
                (Some(_), Some(_)) => "{share} of the plan's {credits} and {purchased} bought",
                (Some(_), None) => "{share} of the plan's {credits}",
                (None, Some(_)) => "the plan's {credits} and {purchased} bought",
                (None, None) => "the plan's {credits}",
            };
            let (share, purchased) = (share.unwrap_or_default(), purchased.unwrap_or_default());
            let credits = self.numbers.whole(plan.credits);
            lines.push(
                self.filled(words, &[("share", &share), ("credits", &credits), ("purchased", &purchased)]),
            );
        }
        if let Some(expected) = headline.expected_credits.filter(|_| headline.is_whole && headline.is_running)
        {
            lines.push(self.filled(
                "{credits} expected by the end of the month",
                &[("credits", &self.numbers.whole(expected))],
            ));
        }
        if let Some(day) = headline.credits_run_out_on.as_ref().filter(|_| headline.is_whole) {
            let words = match terms.credit_purchases.is_empty() {
                true => "The plan's credits run out on {day}",
                false => "All credits run out on {day}",
            };
            lines.push(self.filled(words, &[("day", &self.range.period(day))]));
        }
        lines.extend(self.comparison(headline, now, &credits));
        Tile {
            id: "credits",
            heading: self.filled("Credits in {month}", &[("month", month)]),
            value: self.numbers.count(now.cost.credits),
            unit: "",
            meter: available.map(|available| (now.cost.credits, available)),
            lines,
        }
    }

    fn success_tile(&self, headline: &HeadlineMonth, now: &Sums, month: &str) -> Tile {
        let mut lines = vec![self.filled(
            "{failed} failed and {canceled} canceled of {ended} ended runs",
            &[
                ("failed", &self.numbers.whole(now.failed)),
                ("canceled", &self.numbers.whole(now.canceled)),
                ("ended", &self.numbers.whole(now.ended())),
            ],
        )];
        let rate = |sums: &Sums| (None, self.numbers.share(sums.success_rate()).text);
        lines.extend(self.comparison(headline, now, &rate));
        Tile {
            id: "success",
            heading: self.filled("Success rate in {month}", &[("month", month)]),
            value: self.numbers.share(now.success_rate()),
            unit: "",
            meter: None,
            lines,
        }
    }

    fn unsettled_tile(&self) -> Tile {
        let total = &self.overview.all.total;
        let mut lines = Vec::new();
        if total.unsettled > 0 {
            lines.push(self.text("Their status, cost or credit may still change"));
        }
        lines.push(self.filled(
            "{unknown} of all {runs} runs have no known cost",
            &[
                ("unknown", &self.numbers.whole(total.cost.runs_cost_unknown)),
                ("runs", &self.numbers.whole(total.cost.runs)),
            ],
        ));
        Tile {
            id: "unsettled",
            heading: self.text("Unsettled runs"),
            value: self.numbers.count(total.unsettled),
            unit: "",
            meter: None,
            lines,
        }
    }
}

fn in_parentheses(change: Option<String>) -> String {
    change.map_or_else(String::new, |change| format!(" ({change})"))
}
