//! This is `runledger export`: it writes the archive's rows for other programs.

use super::focus;
use super::span::span;
use crate::cli::{ExportArgs, Exported, RowFormat};
use crate::error::{Error, Result};
use crate::export::json::Layout;
use crate::export::{Destination, csv, json};
use crate::report::rows;
use crate::store::Archive;
use std::path::Path;

/// Writes each row as it comes; memory does not grow with the archive.
pub fn run(args: &ExportArgs, path: &Path) -> Result<()> {
    let of_focus = args.period.is_some() || args.focus_version.is_some() || args.focus_dataset.is_some();
    if of_focus && args.what != Exported::Focus {
        return Err(Error::usage(
            "--period, --focus-version and --focus-dataset are for `runledger export focus`",
        ));
    }
    let (span, zone) = span(&args.span)?;
    let archive = Archive::open_for_reading(path)?;
    let destination = Destination::at(args.output.output.as_deref());
    let mut selection = match args.what {
        Exported::Runs => rows::runs(archive.connection(), &span)?,
        Exported::Snapshots => rows::snapshots(archive.connection(), &span)?,
        Exported::Focus => return focus::run(args, zone, &archive, &destination),
        Exported::Documents => {
            if args.format.is_some() {
                return Err(Error::usage(
                    "documents have no --format: each is a JSON object on a line of its own",
                ));
            }
            return destination.write(|out| {
                rows::documents(archive.connection(), &span)?
                    .for_each(|row| Ok(writeln!(out, "{}", rows::document(&row)?)?))
            });
        }
    };
    destination.write(|out| match args.format.unwrap_or(RowFormat::Csv) {
        RowFormat::Csv => csv::write_rows(&mut selection, out),
        RowFormat::Json => json::write_rows(&mut selection, Layout::Array, out),
        RowFormat::Ndjson => json::write_rows(&mut selection, Layout::Lines, out),
    })
}
