//! The tiles with the figures of the headline month.

use super::ViewBuilder;
use crate::export::html::number::{Number, format_change, format_percent, group_thousands};
use crate::report::overview::calendar::month_label;
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
            (false, _) => " (partial)",
            (true, true) => " so far",
            (true, false) => "",
        };
        let month = format!("{}{suffix}", month_label(headline.month));
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
        let label = month_label(headline.month - 1);
        let (now, _) = value(now);
        let (whole, whole_text) = value(&all.previous_month);
        match &all.previous_month_to_date {
            None => vec![format!("{label}: {whole_text}{}", in_parentheses(format_change(now, whole)))],
            Some(to_date) => {
                let (part, part_text) = value(to_date);
                vec![
                    format!(
                        "{label} up to the same point: {part_text}{}",
                        in_parentheses(format_change(now, part))
                    ),
                    format!("{label}, whole month: {whole_text}"),
                ]
            }
        }
    }

    fn cost_tile(&self, headline: &HeadlineMonth, now: &Sums, month: &str) -> Tile {
        let usd = |sums: &Sums| {
            let total = sums.cost.total();
            (total.map(Usd::units), format!("{} USD", Number::usd_short(total).text))
        };
        let mut lines = self.comparison(headline, now, &usd);
        if !headline.is_whole {
            lines
                .push("The time range covers only a part of the month, so there is no comparison".to_owned());
        }
        if now.cost.runs_cost_unknown > 0 {
            lines.push(format!(
                "{} of {} runs have no known cost",
                group_thousands(&now.cost.runs_cost_unknown.to_string()),
                group_thousands(&now.cost.runs.to_string())
            ));
        }
        Tile {
            id: "cost",
            heading: format!("Cost in {month}"),
            value: Number::usd_short(now.cost.total()),
            unit: "USD",
            meter: None,
            lines,
        }
    }

    fn credits_tile(&self, headline: &HeadlineMonth, now: &Sums, month: &str) -> Tile {
        let credits = |sums: &Sums| {
            (Some(i128::from(sums.cost.credits)), group_thousands(&sums.cost.credits.to_string()))
        };
        let mut lines = Vec::new();
        let terms = &self.overview.terms;
        let available = terms.available_credits().filter(|_| headline.is_whole);
        if let (Some(available), Some(plan)) = (available, terms.plan) {
            let share = Share::ratio(now.cost.credits.into(), available.into());
            let share = share.map_or(String::new(), |share| format!("{} of ", format_percent(share)));
            let thousands = |credits: u64| group_thousands(&credits.to_string());
            let purchased = terms.purchased_credits().map(thousands);
            let purchased = purchased.map_or(String::new(), |credits| format!(" and {credits} bought"));
            lines.push(format!("{share}the plan's {}{purchased}", thousands(plan.credits)));
        }
        if let Some(expected) = headline.expected_credits.filter(|_| headline.is_whole && headline.is_running)
        {
            lines
                .push(format!("{} expected by the end of the month", group_thousands(&expected.to_string())));
        }
        if let Some(day) = headline.credits_run_out_on.as_ref().filter(|_| headline.is_whole) {
            let whose = if terms.credit_purchases.is_empty() { "The plan's" } else { "All" };
            lines.push(format!("{whose} credits run out on {day}"));
        }
        lines.extend(self.comparison(headline, now, &credits));
        Tile {
            id: "credits",
            heading: format!("Credits in {month}"),
            value: Number::count(now.cost.credits),
            unit: "",
            meter: available.map(|available| (now.cost.credits, available)),
            lines,
        }
    }

    fn success_tile(&self, headline: &HeadlineMonth, now: &Sums, month: &str) -> Tile {
        let mut lines = vec![format!(
            "{} failed and {} canceled of {} ended runs",
            group_thousands(&now.failed.to_string()),
            group_thousands(&now.canceled.to_string()),
            group_thousands(&now.ended().to_string())
        )];
        let rate = |sums: &Sums| (None, Number::share(sums.success_rate()).text);
        lines.extend(self.comparison(headline, now, &rate));
        Tile {
            id: "success",
            heading: format!("Success rate in {month}"),
            value: Number::share(now.success_rate()),
            unit: "",
            meter: None,
            lines,
        }
    }

    fn unsettled_tile(&self) -> Tile {
        let total = &self.overview.all.total;
        let mut lines = Vec::new();
        if total.unsettled > 0 {
            lines.push("Their status, cost or credit may still change".to_owned());
        }
        lines.push(format!(
            "{} of all {} runs have no known cost",
            group_thousands(&total.cost.runs_cost_unknown.to_string()),
            group_thousands(&total.cost.runs.to_string())
        ));
        Tile {
            id: "unsettled",
            heading: "Unsettled runs".to_owned(),
            value: Number::count(total.unsettled),
            unit: "",
            meter: None,
            lines,
        }
    }
}

fn in_parentheses(change: Option<String>) -> String {
    change.map_or_else(String::new, |change| format!(" ({change})"))
}
