//! The table of the runs that have not ended.

use super::{Factor, MIN_RUNS, OpenRun, OpenRuns, OpenState, TOO_LONG_FROM_SECONDS, open_runs, sort_key};
use crate::error::Result;
use crate::report::ledger::Ledger;
use crate::report::table::{Cell, Table};
use crate::run::{Fixed, Instant, Seconds};

/// The columns, as in `queries/open.sql`.
const COLUMNS: [&str; 15] = [
    "pipeline_name",
    "pipeline_id",
    "pipeline_kind",
    "run_id",
    "state",
    "status",
    "trigger_type",
    "created_at",
    "started_at",
    "age_seconds",
    "p50_seconds",
    "p95_seconds",
    "p99_seconds",
    "p95_factor",
    "runs_before",
];

/// The table and what people have to know about it.
#[derive(Debug)]
pub struct OpenReport {
    /// A row for each run.
    pub table: Table,
    /// The notes below the table.
    pub notes: Vec<String>,
    /// How many runs take too long.
    pub too_long: usize,
}

/// The runs of the ledgers that have not ended, in one order over all of them. With several ledgers, the first column
/// is their workspace.
///
/// # Errors
/// Those of SQLite.
pub fn report(ledgers: &[Ledger<'_>], factor: Factor) -> Result<OpenReport> {
    let mut runs: Vec<(&str, OpenRun)> = Vec::new();
    for ledger in ledgers {
        let OpenRuns { runs: of_ledger, .. } =
            open_runs(ledger, factor).map_err(|error| ledger.with_archive_path(error))?;
        runs.extend(of_ledger.into_iter().map(|run| (ledger.workspace(), run)));
    }
    runs.sort_by_cached_key(|(_, run)| sort_key(run));
    let has_workspaces = ledgers.len() > 1;
    let workspace = |name: &str| has_workspaces.then(|| Cell::text(name));
    let rows = runs.iter().map(|(name, run)| workspace(name).into_iter().chain(cells(run)).collect());
    let columns = has_workspaces.then_some("workspace").into_iter().chain(COLUMNS);
    Ok(OpenReport {
        table: Table { columns: columns.map(str::to_owned).collect(), rows: rows.collect(), totals: None },
        notes: notes(runs.iter().map(|(_, run)| run), factor),
        too_long: runs.iter().filter(|(_, run)| run.is_too_long()).count(),
    })
}

fn cells(run: &OpenRun) -> Vec<Cell> {
    let instant = |at: Option<Instant>| Cell::Text(at.map(|at| at.to_string()));
    let usual = run.usual.as_ref();
    vec![
        Cell::Text(run.pipeline_name.clone()),
        Cell::Text(run.pipeline_id.clone()),
        Cell::Text(run.pipeline_kind.clone()),
        Cell::text(&run.run_id),
        Cell::text(run.state.as_str()),
        Cell::Text(run.status.clone()),
        Cell::Text(run.trigger_type.clone()),
        instant(run.created_at),
        instant(run.started_at),
        Cell::Seconds(run.age_seconds.map(Seconds::whole)),
        Cell::Seconds(usual.map(|usual| usual.p50)),
        Cell::Seconds(usual.map(|usual| usual.p95)),
        Cell::Seconds(usual.map(|usual| usual.p99)),
        Cell::Rate(run.factor().map(|factor| Fixed::from_units(factor.units() * 1_000))),
        Cell::Count(usual.map(|usual| i64::try_from(usual.runs).unwrap_or(i64::MAX))),
    ]
}

fn notes<'r>(runs: impl Iterator<Item = &'r OpenRun>, factor: Factor) -> Vec<String> {
    let states: Vec<OpenState> = runs.map(|run| run.state).collect();
    let mut notes = Vec::new();
    if states.contains(&OpenState::TooLong) {
        let minutes = TOO_LONG_FROM_SECONDS / 60;
        notes.push(format!(
            "too long: more than {factor} times the 95 % of the pipeline, and {minutes} min or more"
        ));
    }
    match states.iter().filter(|state| **state == OpenState::Unknown).count() {
        0 => {}
        1 => notes.push(format!("1 run: fewer than {MIN_RUNS} successful runs to compare it with")),
        runs => {
            notes.push(format!("{runs} runs: fewer than {MIN_RUNS} successful runs to compare them with"))
        }
    }
    if !states.is_empty() {
        notes.push("a run may have ended since the last sync".to_owned());
    }
    notes
}
