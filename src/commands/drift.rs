//! `runledger drift`: lists undocumented API fields, values and types.

use crate::cli::JsonArgs;
use crate::commands::shared::output::print_plain_table;
use crate::error::Result;
use crate::report::{Cell, Table};
use crate::store::Archive;
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

/// Lists each unknown field, value and type with the time it was first seen and an example run, oldest first.
pub(super) fn run(args: &DriftArgs, path: &Path) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    let columns = ["field", "kind", "observed", "first_seen_at", "example_run_id"];
    let rows = archive.drift()?.into_iter().map(|row| {
        vec![
            Cell::text(row.drift.field),
            Cell::text(row.drift.kind.as_str()),
            Cell::text(row.drift.observed),
            Cell::text(row.first_seen_at.as_str()),
            Cell::text(row.example_run_id),
        ]
    });
    let table = Table { columns: columns.map(str::to_owned).to_vec(), rows: rows.collect(), totals: None };
    print_plain_table(&table, args.format.is_json())
}
