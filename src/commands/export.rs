//! This is `runledger export`: it writes the archive's rows for other programs.

use super::span::span;
use crate::cli::{ExportArgs, Exported, RowFormat};
use crate::error::Result;
use crate::export::json::Layout;
use crate::export::{Destination, csv, json};
use crate::report::rows;
use rusqlite::Connection;

/// Writes each row as it comes; memory does not grow with the archive.
pub fn run(args: &ExportArgs, archive: &Connection) -> Result<()> {
    let (span, _zone) = span(&args.span)?;
    let mut selection = match args.what {
        Exported::Runs => rows::runs(archive, &span)?,
        Exported::Snapshots => rows::snapshots(archive, &span)?,
    };
    Destination::at(args.output.output.as_deref()).write(|out| match args.format {
        RowFormat::Csv => csv::write_rows(&mut selection, out),
        RowFormat::Json => json::write_rows(&mut selection, Layout::Array, out),
        RowFormat::Ndjson => json::write_rows(&mut selection, Layout::Lines, out),
    })
}
