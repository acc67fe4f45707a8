//! The failure chains of each pipeline, added up.

use super::table::{notes, optional_count, recoveries};
use super::{ChainState, FailingPipeline, FailureChain, RecoveryReport};
use crate::error::Result;
use crate::report::ledger::Ledger;
use crate::report::table::{Cell, Table};
use crate::run::{Seconds, Usd};
use std::cmp::Reverse;

const COLUMNS: [&str; 13] = [
    "pipeline_name",
    "pipeline_id",
    "pipeline_kind",
    "state",
    "chains",
    "failed_runs",
    "longest_chain",
    "failures_in_a_row",
    "lost_seconds",
    "lost_usd",
    "runs_cost_unknown",
    "failures_limit",
    "failures_left",
];

/// The failure chains of a pipeline together.
#[derive(Debug, Default)]
struct ChainTotals {
    chains: u64,
    failed_runs: u64,
    longest_chain: u64,
    /// The failed runs since the last success.
    failures_in_a_row: u64,
    is_flaky: bool,
    is_broken: bool,
    lost_seconds: i64,
    lost: Option<Usd>,
    runs_cost_unknown: u64,
    failures_left: Option<u64>,
}

/// The failure chains of the ledgers by pipeline: those that still fail first, then those that lost most time. With
/// several ledgers, the first column is their workspace.
///
/// # Errors
/// Those of SQLite.
pub fn report_by_pipeline(ledgers: &[Ledger<'_>]) -> Result<RecoveryReport> {
    let all = recoveries(ledgers)?;
    let mut found: Vec<(&str, &FailingPipeline, ChainTotals)> = Vec::new();
    for (ledger, recovery) in ledgers.iter().zip(&all) {
        let first = found.len();
        let pipelines = recovery.pipelines.iter();
        found.extend(pipelines.map(|pipeline| (ledger.workspace(), pipeline, ChainTotals::default())));
        for chain in &recovery.chains {
            found[first + chain.pipeline].2.add(chain, recovery.failures_left(chain));
        }
    }
    found.sort_by_key(|(_, pipeline, totals)| {
        let is_failing = totals.failures_in_a_row > 0;
        (!is_failing, Reverse(totals.lost_seconds), pipeline.kind.clone(), pipeline.id.clone())
    });
    let has_workspaces = ledgers.len() > 1;
    let rows = found.iter().map(|(name, pipeline, totals)| {
        let workspace = has_workspaces.then(|| Cell::text(*name));
        workspace.into_iter().chain(totals.cells(pipeline)).collect()
    });
    let columns = has_workspaces.then_some("workspace").into_iter().chain(COLUMNS);
    Ok(RecoveryReport {
        table: Table { columns: columns.map(str::to_owned).collect(), rows: rows.collect(), totals: None },
        notes: notes(all.iter().flat_map(|recovery| &recovery.chains)),
    })
}

impl ChainTotals {
    fn add(&mut self, chain: &FailureChain, failures_left: Option<u64>) {
        self.chains += 1;
        self.failed_runs += chain.failed_runs;
        self.longest_chain = self.longest_chain.max(chain.failed_runs);
        self.is_broken |= chain.state == ChainState::Broken;
        self.is_flaky |= chain.state == ChainState::Flaky;
        self.lost_seconds += chain.lost_seconds;
        self.lost = self.lost.into_iter().chain(chain.lost).reduce(|one, other| one + other);
        self.runs_cost_unknown += chain.runs_cost_unknown;
        if chain.is_failing() {
            self.failures_in_a_row = chain.failed_runs;
            self.failures_left = failures_left;
        }
    }

    fn state(&self) -> ChainState {
        match self {
            ChainTotals { is_broken: true, .. } => ChainState::Broken,
            ChainTotals { is_flaky: true, .. } => ChainState::Flaky,
            _ => ChainState::Recovered,
        }
    }

    fn cells(&self, pipeline: &FailingPipeline) -> Vec<Cell> {
        vec![
            Cell::Text(pipeline.name.clone()),
            Cell::Text(pipeline.id.clone()),
            Cell::Text(pipeline.kind.clone()),
            Cell::text(self.state().as_str()),
            Cell::count(self.chains),
            Cell::count(self.failed_runs),
            Cell::count(self.longest_chain),
            Cell::count(self.failures_in_a_row),
            Cell::Seconds(Some(Seconds::whole(self.lost_seconds))),
            Cell::Usd(self.lost),
            Cell::count(self.runs_cost_unknown),
            optional_count(pipeline.failures_limit),
            optional_count(self.failures_left),
        ]
    }
}
