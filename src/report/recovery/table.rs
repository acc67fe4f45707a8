//! The table of failure chains.

use super::chain::{FLAKY_CHAINS, LONG_CHAIN};
use super::{ChainState, FailureChain, Recovery, recovery, sort_key};
use crate::error::Result;
use crate::report::ledger::Ledger;
use crate::report::table::{Cell, Table};
use crate::run::{Instant, Seconds};

/// The columns, as in `queries/recovery.sql`.
const COLUMNS: [&str; 14] = [
    "pipeline_name",
    "pipeline_id",
    "pipeline_kind",
    "state",
    "failed_runs",
    "first_failure_at",
    "last_failure_at",
    "recovered_at",
    "lost_seconds",
    "lost_usd",
    "runs_cost_unknown",
    "failures_limit",
    "failures_left",
    RUN_ID,
];

/// The column with the last failed run.
const RUN_ID: &str = "run_id";

/// Between the number of a ledger and that of a snapshot.
const SEPARATOR: char = ' ';

/// A table, and what people have to know about it.
#[derive(Debug)]
pub struct RecoveryReport {
    /// A row for each chain, or for each pipeline.
    pub table: Table,
    /// The notes below the table.
    pub notes: Vec<String>,
}

/// The failure chains of the ledgers, in one order over all of them. With several ledgers, the first column is their
/// workspace. [`name_runs`] replaces the numbers of snapshots with the ids of runs.
///
/// # Errors
/// Those of SQLite.
pub fn report(ledgers: &[Ledger<'_>]) -> Result<RecoveryReport> {
    let all = recoveries(ledgers)?;
    let mut chains: Vec<(usize, &FailureChain)> = Vec::new();
    for (place, recovery) in all.iter().enumerate() {
        chains.extend(recovery.chains.iter().map(|chain| (place, chain)));
    }
    chains.sort_by_key(|(_, chain)| sort_key(chain));
    let has_workspaces = ledgers.len() > 1;
    let rows = chains.iter().map(|(place, chain)| {
        let workspace = has_workspaces.then(|| Cell::text(ledgers[*place].workspace()));
        workspace.into_iter().chain(cells(&all[*place], chain, *place)).collect()
    });
    let columns = has_workspaces.then_some("workspace").into_iter().chain(COLUMNS);
    Ok(RecoveryReport {
        table: Table { columns: columns.map(str::to_owned).collect(), rows: rows.collect(), totals: None },
        notes: notes(chains.iter().map(|(_, chain)| *chain)),
    })
}

/// The failure chains of each ledger.
pub(super) fn recoveries(ledgers: &[Ledger<'_>]) -> Result<Vec<Recovery>> {
    let of = |ledger: &Ledger<'_>| recovery(ledger).map_err(|error| ledger.with_archive_path(error));
    ledgers.iter().map(of).collect()
}

/// Replaces the numbers of snapshots with the ids of their runs. The rows that are not printed need none, so that
/// happens after they are cut.
///
/// # Errors
/// Those of SQLite.
pub fn name_runs(table: &mut Table, ledgers: &[Ledger<'_>]) -> Result<()> {
    let Some(column) = table.columns.iter().position(|column| column == RUN_ID) else { return Ok(()) };
    for row in &mut table.rows {
        let Cell::Text(Some(number)) = &row[column] else { continue };
        let place = number.split_once(SEPARATOR).and_then(|(ledger, snapshot)| {
            Some((ledger.parse::<usize>().ok()?, snapshot.parse::<i64>().ok()?))
        });
        let Some((ledger, snapshot_id)) = place else { continue };
        row[column] = Cell::text(ledgers[ledger].run_id_of(snapshot_id)?);
    }
    Ok(())
}

fn cells(recovery: &Recovery, chain: &FailureChain, ledger: usize) -> Vec<Cell> {
    let pipeline = recovery.pipeline_of(chain);
    let instant = |at: Instant| Cell::text(at.as_str());
    vec![
        Cell::Text(pipeline.name.clone()),
        Cell::Text(pipeline.id.clone()),
        Cell::Text(pipeline.kind.clone()),
        Cell::text(chain.state.as_str()),
        Cell::count(chain.failed_runs),
        instant(chain.first_failure_at),
        instant(chain.last_failure_at),
        Cell::Text(chain.recovered_at.map(|at| at.to_string())),
        Cell::Seconds(Some(Seconds::whole(chain.lost_seconds))),
        Cell::Usd(chain.lost),
        Cell::count(chain.runs_cost_unknown),
        optional_count(pipeline.failures_limit),
        optional_count(recovery.failures_left(chain)),
        Cell::text(format!("{ledger}{SEPARATOR}{}", chain.last_snapshot_id)),
    ]
}

/// A count that may not be known.
pub(super) fn optional_count(count: Option<u64>) -> Cell {
    count.map_or(Cell::Count(None), Cell::count)
}

/// What people have to know about the states in a table of chains.
pub(super) fn notes<'r>(chains: impl Iterator<Item = &'r FailureChain>) -> Vec<String> {
    let (mut is_broken, mut is_flaky, mut failing, mut unknown) = (false, false, 0, 0);
    for chain in chains {
        is_broken |= chain.state == ChainState::Broken;
        is_flaky |= chain.state == ChainState::Flaky;
        failing += usize::from(chain.is_failing());
        unknown += chain.runs_cost_unknown;
    }
    let mut notes = Vec::new();
    match failing {
        0 => {}
        1 => notes.push("1 chain has not recovered".to_owned()),
        chains => notes.push(format!("{chains} chains have not recovered")),
    }
    match unknown {
        0 => {}
        1 => notes.push("1 failed run: cost not known".to_owned()),
        runs => notes.push(format!("{runs} failed runs: cost not known")),
    }
    if is_broken {
        notes.push(format!("broken: not recovered, or after {LONG_CHAIN} failures or more"));
    }
    if is_flaky {
        notes.push(format!("flaky: {FLAKY_CHAINS} or more single failures within 30 days"));
    }
    notes
}
