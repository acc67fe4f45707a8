//! The outcomes of groups of runs: failed runs with their cost, and the median duration.

use super::cost::CostTotals;
use super::dimension::Dimension;
use super::duration::Distribution;
use super::group_by::{self, Aggregate, Groups};
use super::ledger::Ledger;
use super::run_scan::{Columns, IndexedRun, Outcome};
use super::table::Cell;
use crate::error::Result;
use crate::run::{Seconds, Usd};

/// The outcomes of some runs.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    failed: CostTotals,
    durations_seconds: Vec<i64>,
}

/// The outcomes of each group of the ledger's runs.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn outcomes(ledger: &Ledger<'_>, by: &[Dimension]) -> Result<Groups<Outcomes>> {
    group_by::groups_across(std::slice::from_ref(ledger), by)
}

impl Outcomes {
    /// The number of failed runs.
    pub(crate) fn failed_runs(&self) -> u64 {
        self.failed.runs
    }

    /// The cost of failed runs. `None`: no run failed, or no cost is known.
    pub(crate) fn failed_cost(&self) -> Option<Usd> {
        self.failed.total()
    }

    /// The median of the known durations. `None`: none is known.
    pub(crate) fn median_duration(&mut self) -> Option<Seconds> {
        self.percentile_of_duration(50)
    }

    /// A percentile of the known durations. `None`: none is known.
    pub(crate) fn percentile_of_duration(&mut self, percent: usize) -> Option<Seconds> {
        Distribution::of(&mut self.durations_seconds, 1).percentile(percent)
    }
}

impl Aggregate for Outcomes {
    const COLUMNS: &'static [&'static str] = &["failed_runs", "failed_usd", "p50_seconds"];

    const READS: Columns = CostTotals::READS.and(Columns::STATUS).and(Columns::DURATION);

    fn add(&mut self, run: &IndexedRun<'_>) -> Result<()> {
        if run.outcome()? == Some(Outcome::Failed) {
            Aggregate::add(&mut self.failed, run)?;
        }
        self.durations_seconds.extend(run.duration_seconds()?);
        Ok(())
    }

    fn merge(&mut self, mut other: Outcomes) {
        Aggregate::merge(&mut self.failed, other.failed);
        self.durations_seconds.append(&mut other.durations_seconds);
    }

    fn cells(&mut self) -> Vec<Cell> {
        vec![
            Cell::count(self.failed_runs()),
            Cell::Usd(self.failed_cost()),
            Cell::Seconds(self.median_duration()),
        ]
    }
}
