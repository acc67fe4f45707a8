//! The objections to closing a month.

use crate::error::Result;
use crate::report::fx::Currency;
use crate::report::neighbors::{Conflict, Mismatch, conflicts};
use crate::report::restatements::{latest, restatements};
use crate::report::{Ledger, Scope, Span};
use crate::run::{Instant, Usd};
use crate::store::{Archive, ClockOffsets, Close, ClosedMonth, Frozen, LastComplete};
use std::fmt;

/// How many unsettled runs an objection lists.
const MAX_RUNS_LISTED: usize = 20;

/// A reason not to close a month yet. A close despite it stores its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objection {
    /// No sync has completed, so nothing shows that the month is complete.
    NeverSynced,
    /// The last complete sync began before the month ended, so it can lack the month's last runs.
    SyncedTooEarly {
        /// When the sync began.
        began_at: Instant,
        /// The first instant after the month.
        ends_at: Instant,
    },
    /// Each complete sync began in the future, so its clock was wrong.
    SyncedInFuture {
        /// When the last one began, by its clock.
        began_at: Instant,
    },
    /// Runs can still change, each as `ID (STATUS)`.
    UnsettledRuns(Vec<String>),
    /// This many archived runs are missing from the run list, without evidence that they are deleted.
    SuspectedRuns(u64),
    /// The API fails to return runs that can belong to the month, each as the archive names it.
    UnreadableRuns(Vec<String>),
    /// A neighboring month was closed in another zone and contains some of the same runs.
    SharedRuns {
        /// The other month.
        period: String,
        /// Its zone.
        zone: String,
    },
    /// A neighboring month was closed in another zone, and some runs are in neither month.
    LostRuns {
        /// The other month.
        period: String,
        /// Its zone.
        zone: String,
    },
    /// A neighboring month was closed with another date basis.
    OtherDateBasis {
        /// The other month.
        period: String,
        /// Its date basis.
        date_basis: String,
    },
    /// A month closed since then contains the corrections that a restatement would include as well.
    CorrectedElsewhere {
        /// The month with the corrections.
        period: String,
        /// The month to restate.
        corrected: String,
    },
    /// Runs with a known cost have no rate of the second currency, so that their amounts would stay blank.
    MissingRates {
        /// The number of the runs.
        runs: u64,
        /// The second currency.
        currency: Currency,
    },
}

/// The text in the archive, in errors and in output.
impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Objection::NeverSynced => f.write_str("no sync has completed yet"),
            Objection::SyncedTooEarly { began_at, ends_at } => {
                write!(f, "the last complete sync began at {began_at}, before the month ended at {ends_at}")
            }
            Objection::SyncedInFuture { began_at } => {
                write!(f, "the last complete sync began at {began_at}, in the future: its clock was wrong")
            }
            Objection::UnsettledRuns(runs) => {
                let listed = runs[..runs.len().min(MAX_RUNS_LISTED)].join(", ");
                match runs.len() {
                    1 => write!(f, "1 run is unsettled: {listed}")?,
                    count => write!(f, "{count} runs are unsettled: {listed}")?,
                }
                match runs.len().saturating_sub(MAX_RUNS_LISTED) {
                    0 => Ok(()),
                    more => write!(f, " and {more} more"),
                }
            }
            Objection::SuspectedRuns(1) => {
                f.write_str("1 archived run is missing from the run list and not known to be deleted")
            }
            Objection::SuspectedRuns(runs) => {
                write!(f, "{runs} archived runs are missing from the run list and not known to be deleted")
            }
            Objection::UnreadableRuns(runs) => {
                write!(f, "the API fails to return runs of the month: {}", runs.join("; "))
            }
            Objection::SharedRuns { period, zone } => {
                write!(f, "{period} was closed in {zone}: some runs would be in both months")
            }
            Objection::LostRuns { period, zone } => {
                write!(f, "{period} was closed in {zone}: some runs would be in neither month")
            }
            Objection::OtherDateBasis { period, date_basis } => {
                write!(
                    f,
                    "{period} was closed with runs booked by {date_basis}: a run can be in both months or in neither"
                )
            }
            Objection::CorrectedElsewhere { period, corrected } => write!(
                f,
                "{period} was closed with corrections of {corrected}, which count twice until it is restated too"
            ),
            Objection::MissingRates { runs: 1, currency } => {
                write!(f, "1 run with a known cost has no {currency} rate")
            }
            Objection::MissingRates { runs, currency } => {
                write!(f, "{runs} runs with a known cost have no {currency} rate")
            }
        }
    }
}

/// A month that a close is about to freeze.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Month<'a> {
    /// Its label: `2026-01`.
    pub label: &'a str,
    /// The first instant inside.
    pub starts_at: Instant,
    /// The first instant outside.
    pub ends_at: Instant,
}

/// The objections to closing a month whose ledger is open, in a fixed order.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn objections(
    archive: &Archive,
    ledger: &Ledger<'_>,
    month: Month<'_>,
    now: Instant,
) -> Result<Vec<Objection>> {
    let mut objections = Vec::new();
    // Only a sync that began after the month ended shows the runs of its last minute.
    match archive.freshness(now)?.last_complete {
        LastComplete::At(began_at) if began_at >= month.ends_at => {}
        LastComplete::At(began_at) => {
            objections.push(Objection::SyncedTooEarly { began_at, ends_at: month.ends_at });
        }
        LastComplete::InFuture(began_at) => objections.push(Objection::SyncedInFuture { began_at }),
        LastComplete::Never => objections.push(Objection::NeverSynced),
    }
    let unsettled = ledger.unsettled()?;
    if !unsettled.is_empty() {
        objections.push(Objection::UnsettledRuns(unsettled));
    }
    match archive.suspected_runs()? {
        0 => {}
        runs => objections.push(Objection::SuspectedRuns(runs)),
    }
    let unreadable = unreadable_runs(archive, month)?;
    if !unreadable.is_empty() {
        objections.push(Objection::UnreadableRuns(unreadable));
    }
    let span = Span { from: Some(month.starts_at), until: Some(month.ends_at) };
    let scope = Scope { span, period: Some(month.label.to_owned()), ..ledger.scope().clone() };
    objections.extend(conflicts(&scope, &archive.closed_months(None)?).iter().map(neighbor));
    Ok(objections)
}

/// The unreadable runs that can have been created in a month.
fn unreadable_runs(archive: &Archive, month: Month<'_>) -> Result<Vec<String>> {
    let mut gaps = archive.list_gaps()?;
    gaps.retain(|gap| {
        gap.is_missing()
            && gap.newer.is_none_or(|newer| newer.created_at >= month.starts_at)
            && gap.older.is_none_or(|older| older.created_at < month.ends_at)
    });
    Ok(gaps.iter().map(ToString::to_string).collect())
}

/// The objection to closing a month that does not add up with another closed month.
fn neighbor(Conflict { month, mismatch }: &Conflict<'_>) -> Objection {
    let ClosedMonth { period, zone, date_basis, .. } = month;
    let (period, zone, date_basis) = (period.clone(), zone.clone(), date_basis.clone());
    match mismatch {
        Mismatch::SharedRuns => Objection::SharedRuns { period, zone },
        Mismatch::LostRuns => Objection::LostRuns { period, zone },
        Mismatch::OtherDateBasis => Objection::OtherDateBasis { period, date_basis },
    }
}

/// The objections to restating a close: later closes that contain its corrections, which the restatement would contain
/// as well.
///
/// # Errors
/// Those of SQLite, and [`crate::error::Error::Internal`] when this version cannot read the close.
pub(crate) fn corrected_elsewhere(
    archive: &Archive,
    close: &Close,
    known_at: Instant,
) -> Result<Vec<Objection>> {
    let changes = restatements(archive.connection(), &Scope::of_close(close)?, Some(known_at))?;
    // Corrections are booked by the system clock, which observations can be ahead of.
    let clocks = ClockOffsets::of(archive.connection())?;
    let contains_correction = |Frozen { starts_at, ends_at, .. }: &Frozen| {
        changes.iter().any(|change| {
            (*starts_at..*ends_at).contains(&clocks.clock_at(change.seen_at))
                && change.difference.is_some_and(|difference| difference != Usd::default())
        })
    };
    let later = latest(archive.closes()?).into_iter().filter(|other| other.close_id > close.close_id);
    let corrected = later.filter(|other| contains_correction(&other.frozen));
    Ok(corrected
        .map(|other| Objection::CorrectedElsewhere {
            period: other.frozen.period,
            corrected: close.frozen.period.clone(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objection_lists_twenty_unsettled_runs() {
        let runs =
            |count: usize| Objection::UnsettledRuns((0..count).map(|n| format!("r{n} (queued)")).collect());
        assert_eq!(runs(1).to_string(), "1 run is unsettled: r0 (queued)");
        assert_eq!(runs(2).to_string(), "2 runs are unsettled: r0 (queued), r1 (queued)");
        let many = runs(25).to_string();
        assert!(
            many.starts_with("25 runs are unsettled: ") && many.ends_with("r19 (queued) and 5 more"),
            "{many}"
        );
    }
}
