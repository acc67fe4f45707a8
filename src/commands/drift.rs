//! This is `runledger drift`: when each thing that the API's contract does not know was first seen.

use crate::error::Result;
use crate::export::{Destination, Format, WriteOptions, write_table};
use crate::report::{Cell, Table};
use crate::store::Archive;
use clap::Args;
use std::path::Path;

/// `runledger drift`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger drift
  runledger drift --json")]
pub struct DriftArgs {
    /// Print an array of objects
    #[arg(long)]
    pub json: bool,
}

/// Lists each unknown field, value and type with its first sight and an example, oldest first.
pub fn run(args: &DriftArgs, path: &Path) -> Result<()> {
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
    let format = if args.json { Format::Json } else { Format::Terminal };
    write_table(&table, &WriteOptions::plain(format), &Destination::StandardOutput)
}
