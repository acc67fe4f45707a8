//! Which pipelines fail, how often, and how many times in a row, as `queries/failures.sql` answers it, in one pass over
//! the index of the reports.

use super::dimension::Dimension;
use super::group_by;
use super::ledger::Ledger;
use super::run_scan::{Columns, IndexedRun, Outcome};
use super::table::{Cell, Table};
use crate::error::Result;
use crate::run::Share;
use std::cmp::Reverse;

/// The columns, as in the file.
const COLUMNS: [&str; 9] = [
    "pipeline_name",
    "pipeline_id",
    "pipeline_kind",
    "failed_runs",
    "final_runs",
    "failure_rate",
    "failures_in_a_row",
    "last_failure_at",
    "last_success_at",
];

/// The answer for a ledger.
///
/// # Errors
/// Those of SQLite.
pub(super) fn report(ledger: &Ledger<'_>) -> Result<Table> {
    let ledgers = std::slice::from_ref(ledger);
    let (by, reads) = ([Dimension::Pipeline], Columns::BOOKED_AT.and(Columns::STATUS));
    let add = |(): &mut (), runs: &mut Runs, _, run: &IndexedRun<'_>| runs.add(run);
    let (found, ()) = group_by::groups_with_documents(ledgers, &by, reads, &[], (), add)?;
    let mut failing: Vec<_> = found.groups.into_iter().filter(|group| group.aggregate.failed > 0).collect();
    failing.sort_by_cached_key(|group| {
        let [_, id, kind] = [0, 1, 2].map(|part| group.labels[part].clone());
        (Reverse(group.aggregate.failed), kind, id)
    });
    let rows = failing.into_iter().map(|group| {
        let labels = group.labels.into_iter().map(Cell::Text);
        labels.chain(group.aggregate.cells()).collect()
    });
    Ok(Table { columns: COLUMNS.map(str::to_owned).to_vec(), rows: rows.collect(), totals: None })
}

/// The runs of a pipeline that have a final status.
#[derive(Debug, Default)]
struct Runs {
    all: u64,
    failed: u64,
    last_failure_at: Option<String>,
    last_success_at: Option<String>,
    /// When the failures since the last success are booked.
    failures_in_a_row: Vec<String>,
}

impl Runs {
    fn add(&mut self, run: &IndexedRun<'_>) -> Result<()> {
        match run.outcome()? {
            Some(Outcome::Succeeded) => {
                self.all += 1;
                let booked_at = run.booked_at()?;
                if booked_at > self.last_success_at.as_deref() {
                    self.last_success_at = booked_at.map(str::to_owned);
                    self.failures_in_a_row.retain(|failure| Some(failure.as_str()) > booked_at);
                }
            }
            Some(Outcome::Failed) => {
                self.all += 1;
                self.failed += 1;
                let booked_at = run.booked_at()?;
                if booked_at > self.last_failure_at.as_deref() {
                    self.last_failure_at = booked_at.map(str::to_owned);
                }
                // Most scans begin with the newest run, so that the list ends at a success.
                if booked_at > self.last_success_at.as_deref() {
                    self.failures_in_a_row.extend(booked_at.map(str::to_owned));
                }
            }
            Some(Outcome::Canceled) => self.all += 1,
            _ => {}
        }
        Ok(())
    }

    fn cells(self) -> [Cell; 6] {
        [
            Cell::count(self.failed),
            Cell::count(self.all),
            Cell::Share(Share::ratio(self.failed.into(), self.all.into())),
            Cell::count(self.failures_in_a_row.len() as u64),
            Cell::Text(self.last_failure_at),
            Cell::Text(self.last_success_at),
        ]
    }
}
