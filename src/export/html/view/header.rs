//! The header of the page, the note of the filter, and the footer.

use super::ViewBuilder;
use crate::export::html::data::ScriptData;
use crate::export::html::number::{FEW_DECIMALS, group_thousands};
use crate::report::DateBasis;
use crate::report::period::{Calendar, Period};
use crate::run::Instant;
use chrono::TimeDelta;

impl ViewBuilder<'_> {
    pub(super) fn lead(&self) -> String {
        let pipelines = self.overview.pipelines.iter().filter(|pipeline| pipeline.id.is_some()).count();
        format!(
            "{} runs of {} pipelines: cost, duration, and what is still unknown.",
            group_thousands(&self.overview.all.total.cost.runs.to_string()),
            group_thousands(&pipelines.to_string())
        )
    }

    /// The scope of the page, as terms with descriptions.
    pub(super) fn scope(&self, close_state: &str) -> Vec<(&'static str, String)> {
        let scope = &self.overview.scope;
        let day = |at: Instant| Period::around(at, Calendar::Day, scope.zone).label;
        let last = |until: Instant| day(until.plus(TimeDelta::microseconds(-1)));
        let span = match (scope.span.from, scope.span.until) {
            (None, None) => "all runs".to_owned(),
            (Some(from), None) => format!("from {}", day(from)),
            (None, Some(until)) => format!("until {}, inclusive", last(until)),
            (Some(from), Some(until)) => format!("from {} to {}, inclusive", day(from), last(until)),
        };
        let date_basis = match scope.date {
            DateBasis::Started => "start, or creation if not started",
            DateBasis::Ended => "end",
            DateBasis::Created => "creation",
        };
        let last_observation =
            self.overview.known_at.map_or("none yet".to_owned(), |at| self.range.format_instant(at));
        let last_sync = self.overview.last_sync.as_ref().map_or("never".to_owned(), |sync| {
            format!("{} ({} sync)", self.range.format_instant(sync.ended_at), sync.kind)
        });
        let mut entries = vec![
            ("Runs", span),
            ("Date basis", date_basis.to_owned()),
            ("Time zone", scope.zone.name().to_owned()),
            ("Last observation", last_observation),
            ("Last complete sync", last_sync),
        ];
        if !close_state.is_empty() {
            entries.push(("State", close_state.to_owned()));
        }
        if let Some(plan) = self.overview.terms.plan {
            entries.push((
                "Plan",
                format!(
                    "{} USD a month for {} credits",
                    group_thousands(&plan.fee_usd.to_fixed(FEW_DECIMALS)),
                    group_thousands(&plan.credits.to_string())
                ),
            ));
        }
        let purchases = self.overview.terms.credit_purchases.iter().map(|purchase| {
            format!(
                "{} for {} USD on {}",
                group_thousands(&purchase.credits.to_string()),
                group_thousands(&purchase.price_usd.to_fixed(FEW_DECIMALS)),
                purchase.date
            )
        });
        let purchases: Vec<String> = purchases.collect();
        if !purchases.is_empty() {
            entries.push(("Credits bought", purchases.join("; ")));
        }
        entries
    }

    pub(super) fn freshness(&self) -> String {
        match self.overview.known_at {
            Some(known_at) => format!("Last observation: {known_at}."),
            None => "The archive is empty.".to_owned(),
        }
    }
}

/// The limits of the filter. `None`: it has none.
pub(super) fn filter_note(data: &ScriptData, pipelines: usize) -> Option<String> {
    let selectable = data.selectable.len();
    let mut notes = Vec::new();
    if selectable < pipelines {
        notes.push(format!(
            "The filter lists {} of {} pipelines; the totals include the others.",
            group_thousands(&selectable.to_string()),
            group_thousands(&pipelines.to_string())
        ));
    }
    if !data.has_all_details {
        notes.push("Weeks and days are available only for the most important pipelines.".to_owned());
    }
    (!notes.is_empty())
        .then(|| notes.join(" ") + " For any pipeline: runledger report cost --by month,pipeline.")
}
