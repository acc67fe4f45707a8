//! The completeness of an archive: its gaps, compared with the run count of the API.

use super::question::Question;
use super::scope::Scope;
use super::{Ledger, Table};
use crate::error::Result;
use crate::run::Instant;
use crate::store::{Archive, Coverage, GapReason};
use crate::sync::ListHead;
use chrono::NaiveDate;
use std::fmt;

/// What can be missing from an archive.
#[derive(Debug)]
pub(crate) struct CoverageReport {
    /// The gaps that the archive shows.
    pub coverage: Coverage,
    /// The run count of the API, compared with the archive.
    pub api_count: ApiCount,
    /// The pipelines without runs: the answer to the question `pipelines-without-runs`.
    pub never_ran: Table,
    /// The days (UTC) without a complete sync, as ranges of first and last day.
    pub days_without_sync: Vec<(NaiveDate, NaiveDate)>,
}

impl CoverageReport {
    /// Reads the archive, without the API.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn new(archive: &Archive, now: Instant) -> Result<CoverageReport> {
        let coverage = archive.coverage()?;
        let ledger = Ledger::open(archive.connection(), Scope::default())?;
        let question = Question::named("pipelines-without-runs").expect("the question is in the list");
        let never_ran = question.answer(&ledger, None)?;
        drop(ledger);
        let days_without_sync = coverage.days_without_sync(now);
        Ok(CoverageReport { coverage, api_count: ApiCount::NotAsked, never_ran, days_without_sync })
    }

    /// Adds the comparison with the API. Ask the API after the archive was read: a sync in between then counts as new
    /// runs and not as deleted ones.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn compare(&mut self, archive: &Archive, listed: ListHead) -> Result<()> {
        self.api_count =
            ApiCount::compare(listed, &self.coverage, |id| Ok(!archive.history(id)?.is_empty()))?;
        Ok(())
    }

    /// The unexplained gaps, one sentence each. Empty: everything missing is explained.
    pub(crate) fn unexplained(&self) -> Vec<String> {
        let mut unexplained = Vec::new();
        if self.coverage.first_whole_walk_at.is_none() {
            unexplained.push("the run list was never read to its end".to_owned());
        }
        match self.coverage.missing_numbers(GapReason::Unexplained) {
            0 => {}
            1 => unexplained.push("1 run number is missing without explanation".to_owned()),
            numbers => unexplained.push(format!("{numbers} run numbers are missing without explanation")),
        }
        match self.coverage.suspected_runs {
            0 => {}
            1 => unexplained.push("1 archived run is missing from the run list".to_owned()),
            runs => unexplained.push(format!("{runs} archived runs are missing from the run list")),
        }
        if let ApiCount::MoreUnexplained { by, .. } = self.api_count {
            let runs = if by == 1 { "run" } else { "runs" };
            unexplained.push(format!("the API lists {by} more {runs} than the archive has"));
        }
        unexplained
    }
}

/// The run count of the API, compared with the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApiCount {
    /// The API was not asked.
    NotAsked,
    /// The API does not report a count.
    Unknown,
    /// The archive has the same count.
    Equal(u64),
    /// The API has fewer: runs were deleted since the last complete walk of the run list.
    Fewer {
        /// The count of the API.
        count: u64,
        /// The difference.
        by: u64,
    },
    /// The API has more, and the newest is not archived: they are new.
    MoreNew {
        /// The count of the API.
        count: u64,
        /// The difference.
        by: u64,
    },
    /// The API has more, and the quarantine contains at least as many items.
    MoreQuarantined {
        /// The count of the API.
        count: u64,
        /// The difference.
        by: u64,
    },
    /// The API has more, and it fails to return at least as many, together with those in quarantine.
    MoreUnreadable {
        /// The count of the API.
        count: u64,
        /// The difference.
        by: u64,
    },
    /// The API has more without explanation.
    MoreUnexplained {
        /// The count of the API.
        count: u64,
        /// The difference.
        by: u64,
    },
}

impl ApiCount {
    fn compare(
        listed: ListHead,
        coverage: &Coverage,
        is_archived: impl Fn(uuid::Uuid) -> Result<bool>,
    ) -> Result<ApiCount> {
        let Some(count) = listed.count else { return Ok(ApiCount::Unknown) };
        let by = count.abs_diff(coverage.present_runs);
        Ok(match listed.first {
            _ if by == 0 => ApiCount::Equal(count),
            _ if count < coverage.present_runs => ApiCount::Fewer { count, by },
            _ if by <= coverage.quarantined_items => ApiCount::MoreQuarantined { count, by },
            _ if by <= coverage.quarantined_items + coverage.unreadable_runs => {
                ApiCount::MoreUnreadable { count, by }
            }
            Some(first) if !is_archived(first)? => ApiCount::MoreNew { count, by },
            _ => ApiCount::MoreUnexplained { count, by },
        })
    }

    /// The count of the API. `None`: it is unknown.
    pub(crate) fn count(self) -> Option<u64> {
        match self {
            ApiCount::NotAsked | ApiCount::Unknown => None,
            ApiCount::Equal(count)
            | ApiCount::Fewer { count, .. }
            | ApiCount::MoreNew { count, .. }
            | ApiCount::MoreQuarantined { count, .. }
            | ApiCount::MoreUnreadable { count, .. }
            | ApiCount::MoreUnexplained { count, .. } => Some(count),
        }
    }
}

/// A phrase after the word "API".
impl fmt::Display for ApiCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApiCount::NotAsked => f.write_str("not asked"),
            ApiCount::Unknown => f.write_str("does not report a run count"),
            ApiCount::Equal(count) => write!(f, "lists {count} runs, the same as the archive"),
            ApiCount::Fewer { count, by } => write!(
                f,
                "lists {count} runs, {by} fewer than the archive: deleted since; `runledger sync --full` finds them"
            ),
            ApiCount::MoreNew { count, by } => {
                write!(f, "lists {count} runs, {by} more than the archive: new since the last sync")
            }
            ApiCount::MoreQuarantined { count, by } => {
                write!(f, "lists {count} runs, {by} more than the archive: in quarantine")
            }
            ApiCount::MoreUnreadable { count, by } => {
                write!(f, "lists {count} runs, {by} more than the archive: it fails to return them")
            }
            ApiCount::MoreUnexplained { count, by } => {
                write!(
                    f,
                    "lists {count} runs, {by} more than the archive; `runledger sync --full` reads them"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn coverage(present_runs: u64, quarantined_items: u64) -> Coverage {
        Coverage { present_runs, quarantined_items, ..Archive::temporary().unwrap().coverage().unwrap() }
    }

    #[test]
    fn a_difference_to_the_api_is_explained_where_possible() {
        let (archived, new) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let compare = |count, first, quarantined| {
            let listed = ListHead { count, first };
            ApiCount::compare(listed, &coverage(10, quarantined), |id| Ok(id == archived)).unwrap()
        };
        assert_eq!(compare(Some(10), Some(archived), 0), ApiCount::Equal(10));
        assert_eq!(compare(Some(8), Some(archived), 0), ApiCount::Fewer { count: 8, by: 2 });
        assert_eq!(compare(Some(12), Some(archived), 2), ApiCount::MoreQuarantined { count: 12, by: 2 });
        assert_eq!(compare(Some(12), Some(new), 1), ApiCount::MoreNew { count: 12, by: 2 });
        assert_eq!(compare(Some(12), Some(archived), 1), ApiCount::MoreUnexplained { count: 12, by: 2 });
        assert_eq!(compare(None, None, 0), ApiCount::Unknown);
    }

    #[test]
    fn a_missing_run_number_is_unexplained_after_a_complete_walk() {
        let archive = Archive::temporary().unwrap();
        let now = Instant::parse("2026-11-26T00:00:00Z").unwrap();
        let empty = CoverageReport::new(&archive, now).unwrap();
        assert_eq!(empty.unexplained(), ["the run list was never read to its end"]);
        archive
            .connection()
            .execute_batch(
                "INSERT INTO syncs (sync_id, kind, started_at, ended_at, outcome, process_id, program_version, api_url,
                                    last_observed_at, walk_complete, walk_whole)
                 VALUES (1, 'first', '2026-11-24T00:00:00.000000Z', '2026-11-24T00:01:00.000000Z', 'complete', 1,
                         '0.1.0', 'http://h/', '2026-11-24T00:01:00.000000Z', 1, 1);
                 INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, number, source) VALUES
                     ('run-1', '2026-11-24T00:00:30.000000Z', 1, zeroblob(32), 2, 's-1'),
                     ('run-2', '2026-11-25T00:00:30.000000Z', 1, zeroblob(32), 5, 's-1');",
            )
            .unwrap();
        let report = CoverageReport::new(&archive, now).unwrap();
        assert_eq!(report.unexplained(), ["2 run numbers are missing without explanation"]);
        assert_eq!(report.coverage.missing_numbers(GapReason::BelowFirst), 1);
        assert_eq!(report.days_without_sync.len(), 1);
    }
}
