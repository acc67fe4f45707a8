//! `runledger drift`: lists undocumented API fields, values and types.

use crate::cli::JsonArgs;
use crate::commands::shared::facts::Moments;
use crate::commands::shared::numbers::grouped_count;
use crate::commands::shared::output::print_plain_table;
use crate::commands::shared::view::View;
use crate::error::Result;
use crate::report::{Cell, Table};
use crate::settings::Settings;
use crate::store::{Archive, DriftRow};
use crate::sync::{Clock, SystemClock};
use clap::Args;
use std::path::Path;

/// The arguments of `runledger drift`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger drift
  runledger drift --json")]
pub struct DriftArgs {
    /// Text or JSON.
    #[command(flatten)]
    pub format: JsonArgs,
}

/// Lists each unknown field, value and type with the time it was first seen and an example run: oldest first as JSON,
/// newest first for people.
pub(super) fn run(args: &DriftArgs, path: &Path, settings: Result<Settings>) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    if args.format.is_json() {
        return print_plain_table(&as_table(archive.drift()?), true);
    }
    let moments = Moments::of(&archive, settings)?;
    let mut rows = archive.drift()?;
    rows.reverse();
    let count = rows.len() as u64;
    let note = match count {
        0 => nothing(&archive)?,
        _ => format!(
            "{}; everything is kept as it was sent (runledger show RUN)",
            grouped_count(count, "difference")
        ),
    };
    let mut table = as_table(rows);
    if let Some(run) = table.columns.last_mut() {
        // People get the beginning of the id, which is enough to show the run.
        *run = "run_id".to_owned();
    }
    let context = moments.context();
    let view =
        View { name: "drift", subject: "Drift from the API's contract", context: &context, notes: &[note] };
    view.print(&table, moments)
}

/// What was compared with the contract, without a difference.
fn nothing(archive: &Archive) -> Result<String> {
    let stats = archive.stats(SystemClock.now())?;
    if stats.runs + stats.pipelines == 0 {
        return Ok("Nothing archived yet.".to_owned());
    }
    let (runs, pipelines) = (grouped_count(stats.runs, "run"), grouped_count(stats.pipelines, "pipeline"));
    Ok(format!("Nothing: {runs} and {pipelines} are as the contract says."))
}

fn as_table(rows: Vec<DriftRow>) -> Table {
    let columns = ["field", "kind", "observed", "first_seen_at", "example_run_id"];
    let rows = rows.into_iter().map(|row| {
        vec![
            Cell::text(row.drift.field),
            Cell::text(row.drift.kind.as_str()),
            Cell::text(row.drift.observed),
            Cell::text(row.first_seen_at.as_str()),
            Cell::text(row.example_run_id),
        ]
    });
    Table { columns: columns.map(str::to_owned).to_vec(), rows: rows.collect(), totals: None }
}
