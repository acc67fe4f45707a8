//! The header of the page, the note of the filter, and the footer.

use super::ViewBuilder;
use super::prepared::Prepared;
use crate::export::html::Labels;
use crate::export::html::number::FEW_DECIMALS;
use crate::report::DateBasis;
use crate::report::overview::Overview;
use crate::report::period::{Calendar, Period, Span};
use crate::run::Instant;
use chrono::TimeDelta;

impl ViewBuilder<'_> {
    /// What the archive knows: the last observation, and the last complete sync with the time zone.
    pub(super) fn fresh(&self) -> (String, String) {
        let Some(known_at) = self.overview.known_at else {
            return (self.text("The archive is empty."), self.overview.scope.zone.name().to_owned());
        };
        let known = self.filled("Known {moment}", &[("moment", &self.range.moment(known_at))]);
        let sync = match &self.overview.last_sync {
            None => self.text("No complete sync yet"),
            // The end of the sync is its last observation.
            Some(sync) if (known_at.to_utc() - sync.ended_at.to_utc()).num_minutes() < 2 => {
                self.text("Last complete sync at the same time")
            }
            Some(sync) => {
                self.filled("Last complete sync {moment}", &[("moment", &self.range.moment(sync.ended_at))])
            }
        };
        (known, format!("{sync} · {}", self.overview.scope.zone.name()))
    }

    /// The heading and the sentences of a page without runs. `None`: it has runs.
    pub(super) fn empty(&self) -> Option<(String, Vec<String>)> {
        let Overview { all, scope, last_sync, .. } = self.overview;
        let (heading, sentences): (_, &[&'static str]) = match (all.total.cost.runs, scope.span, last_sync) {
            (1.., ..) => return None,
            (_, span, _) if span != Span::default() => (
                "No runs in this time range",
                &["Name another time range, or run runledger sync to read newer runs."],
            ),
            (_, _, None) => {
                ("This archive has no runs", &["Run runledger sync to read the runs of the workspace."])
            }
            (_, _, Some(_)) => (
                "This archive has no runs",
                &[
                    "The last complete sync found none. Costs, credits and failures appear here after the first run.",
                    "Not what you expect? runledger status counts the pipelines that the API key can see.",
                ],
            ),
        };
        Some((self.text(heading), sentences.iter().map(|sentence| self.text(sentence)).collect()))
    }

    /// The scope of the page, as terms with descriptions.
    pub(super) fn scope(&self, labels: &Labels) -> Vec<(&'static str, String)> {
        let scope = &self.overview.scope;
        let text = |english| self.language().page(english);
        let day = |at: Instant| self.range.period(&Period::around(at, Calendar::Day, scope.zone).label);
        let last = |until: Instant| day(until.plus(TimeDelta::microseconds(-1)));
        let span = match (scope.span.from, scope.span.until) {
            (None, None) => self.text("all runs"),
            (Some(from), None) => self.filled("from {from}", &[("from", &day(from))]),
            (None, Some(until)) => self.filled("until {last}, inclusive", &[("last", &last(until))]),
            (Some(from), Some(until)) => self
                .filled("from {from} to {last}, inclusive", &[("from", &day(from)), ("last", &last(until))]),
        };
        let date_basis = match scope.date {
            DateBasis::Started => text("start, or creation if not started"),
            DateBasis::Ended => text("end"),
            DateBasis::Created => text("creation"),
        };
        let last_observation =
            self.overview.known_at.map_or_else(|| self.text("none yet"), |at| self.range.moment(at));
        let last_sync = self.overview.last_sync.as_ref().map_or_else(
            || self.text("never"),
            |sync| {
                let at = self.range.moment(sync.ended_at);
                let words = match sync.kind.as_str() {
                    "first" => "{at} (first sync)",
                    "incremental" => "{at} (incremental sync)",
                    "full" => "{at} (full sync)",
                    _ => "{at} ({kind} sync)",
                };
                self.filled(words, &[("at", &at), ("kind", &sync.kind)])
            },
        );
        let mut entries = vec![
            (text("Runs"), span),
            (text("Date basis"), date_basis.to_owned()),
            (text("Time zone"), scope.zone.name().to_owned()),
            (text("Last observation"), last_observation),
            (text("Last complete sync"), last_sync),
        ];
        if !labels.state.is_empty() {
            let moment = |at: &String| Some((at.clone(), self.range.moment(Instant::parse(at)?)));
            let state = match labels.closed_at.as_ref().and_then(moment) {
                Some((stored, shown)) => labels.state.replace(&stored, &shown),
                None => labels.state.clone(),
            };
            entries.push((text("State"), self.language().sentence(&state).into_owned()));
        }
        if let Some(plan) = self.overview.terms.plan {
            let fee = self.numbers.decimal(&plan.fee_usd.to_fixed(FEW_DECIMALS));
            let values = [("fee", fee.as_str()), ("credits", &self.numbers.whole(plan.credits))];
            entries.push((text("Plan"), self.filled("{fee} USD a month for {credits} credits", &values)));
        }
        let purchases = self.overview.terms.credit_purchases.iter().map(|purchase| {
            self.filled(
                "{credits} for {price} USD on {day}",
                &[
                    ("credits", &self.numbers.whole(purchase.credits)),
                    ("price", &self.numbers.decimal(&purchase.price_usd.to_fixed(FEW_DECIMALS))),
                    ("day", &self.range.period(&purchase.date.to_string())),
                ],
            )
        });
        let purchases: Vec<String> = purchases.collect();
        if !purchases.is_empty() {
            entries.push((text("Credits bought"), purchases.join("; ")));
        }
        entries
    }

    /// The limits of the filter. `None`: it has none.
    pub(super) fn filter_note(&self, data: &Prepared) -> Option<String> {
        let (selectable, pipelines) = (data.selectable.len(), self.overview.pipelines.len());
        let mut notes = Vec::new();
        if selectable < pipelines {
            notes.push(self.filled(
                "The filter lists {selectable} of {pipelines} pipelines; the totals include the others.",
                &[
                    ("selectable", &self.numbers.whole(selectable as u64)),
                    ("pipelines", &self.numbers.whole(pipelines as u64)),
                ],
            ));
        }
        (!notes.is_empty()).then(|| {
            notes.push(self.text("For any pipeline: runledger report cost --by month,pipeline."));
            notes.join(" ")
        })
    }
}
