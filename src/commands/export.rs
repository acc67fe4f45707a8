//! This is `runledger export`: it writes the archive's rows for other programs.

use super::focus;
use super::scope::scope;
use crate::cli::{ExportArgs, Exported, RowFormat};
use crate::error::{Error, Result};
use crate::export::json::Layout;
use crate::export::{Destination, csv, json};
use crate::report::{Ledger, rows};
use crate::settings::Settings;
use crate::store::Archive;
use std::path::Path;

/// Writes each row as it comes; memory does not grow with the archive.
pub fn run(args: &ExportArgs, path: &Path, settings: &Settings) -> Result<()> {
    let of_focus = args.focus_version.is_some() || args.focus_dataset.is_some();
    if of_focus && args.what != Exported::Focus {
        return Err(Error::usage("--focus-version and --focus-dataset are for `runledger export focus`"));
    }
    let archive = Archive::open_for_reading(path)?;
    let ledger = Ledger::open(archive.connection(), scope(&args.scope, settings, &archive)?)?;
    let destination = Destination::at(args.output.output.as_deref());
    let mut selection = match args.what {
        Exported::Runs => rows::runs(&ledger)?,
        Exported::Snapshots => rows::snapshots(&ledger)?,
        Exported::Costs => rows::costs(&ledger)?,
        Exported::Focus => return focus::run(args, &ledger, &archive, settings, &destination),
        Exported::Documents => {
            if args.format.is_some() {
                return Err(Error::usage(
                    "documents have no --format: each is a JSON object on a line of its own",
                ));
            }
            return destination.write(|out| {
                rows::documents(&ledger)?.for_each(|row| Ok(writeln!(out, "{}", rows::document(&row)?)?))
            });
        }
    };
    destination.write(|out| match args.format.unwrap_or(RowFormat::Csv) {
        RowFormat::Csv => csv::write_rows(&mut selection, out),
        RowFormat::Json => json::write_rows(&mut selection, Layout::Array, out),
        RowFormat::Ndjson => json::write_rows(&mut selection, Layout::Lines, out),
    })
}
