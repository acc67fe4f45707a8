//! This is `runledger export`: it writes the archive's rows for other programs.

use super::scope::scope;
use super::writing::{asked, refuse_dialect, writing};
use super::{dataset, focus};
use crate::cli::{ExportArgs, Exported, ParquetArgs, RowFormat};
use crate::error::{Error, Result};
use crate::export::{Destination, Dialect, Format, write_documents, write_rows};
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
    if args.what == Exported::Parquet {
        return dataset::run(args, path, settings);
    }
    if args.parquet != ParquetArgs::default() {
        return Err(Error::usage(
            "--snapshots, --watch-months and --workspace are for `runledger export parquet`",
        ));
    }
    let archive = Archive::open_for_reading(path)?;
    // One moment for the rows and for what the manifest says of the archive.
    let _reading = archive.connection().unchecked_transaction()?;
    let ledger = Ledger::open(archive.connection(), scope(&args.scope, settings, &archive)?)?;
    let asked = |what: &str| asked(format!("export {what}"), ledger.scope(), &archive);
    let zone = ledger.scope().zone;
    let destination = Destination::at(args.output.output.as_deref());
    let format = match args.format.unwrap_or(RowFormat::Csv) {
        RowFormat::Csv => Format::Csv(Dialect::MACHINE),
        RowFormat::Json => Format::Json,
        RowFormat::Ndjson => Format::Ndjson,
    };
    let (mut selection, asked) = match args.what {
        Exported::Runs => (rows::runs(&ledger)?, asked("runs")?),
        Exported::Snapshots => (rows::snapshots(&ledger)?, asked("snapshots")?),
        Exported::Costs => (rows::costs(&ledger)?, asked("costs")?),
        Exported::Focus => return focus::run(args, &ledger, &archive, settings, &destination),
        Exported::Parquet => return dataset::run(args, path, settings),
        Exported::Documents => {
            if args.format.is_some() {
                return Err(Error::usage(
                    "documents have no --format: each is a JSON object on a line of its own",
                ));
            }
            if args.writing.decimals.is_some() {
                return Err(Error::usage("documents have no --decimals: each number is as the API sent it"));
            }
            refuse_dialect(&args.writing, "JSON")?;
            let writing = writing(&args.writing, settings, Format::Ndjson, zone, asked("documents")?)?;
            return write_documents(&mut rows::documents(&ledger)?, &writing, &destination);
        }
    };
    write_rows(&mut selection, &writing(&args.writing, settings, format, zone, asked)?, &destination)
}
