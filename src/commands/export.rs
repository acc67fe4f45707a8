//! This is `runledger export`: it writes the archive's rows for other programs.

use super::span::span;
use super::writing::{asked, refuse_dialect, writing};
use crate::cli::{ExportArgs, Exported, RowFormat};
use crate::error::{Error, Result};
use crate::export::{Destination, Dialect, Format, write_documents, write_rows};
use crate::report::rows;
use crate::store::Archive;
use std::path::Path;

/// Writes each row as it comes; memory does not grow with the archive.
pub fn run(args: &ExportArgs, path: &Path) -> Result<()> {
    let (span, zone) = span(&args.span)?;
    let archive = Archive::open_for_reading(path)?;
    let connection = archive.connection();
    // One moment for the rows and for what the manifest says of the archive.
    let _reading = connection.unchecked_transaction()?;
    let asked = |what: &str| asked(format!("export {what}"), &args.span, &archive);
    let destination = Destination::at(args.output.output.as_deref());
    let format = match args.format.unwrap_or(RowFormat::Csv) {
        RowFormat::Csv => Format::Csv(Dialect::MACHINE),
        RowFormat::Json => Format::Json,
        RowFormat::Ndjson => Format::Ndjson,
    };
    let (mut selection, asked) = match args.what {
        Exported::Runs => (rows::runs(connection, &span)?, asked("runs")?),
        Exported::Snapshots => (rows::snapshots(connection, &span)?, asked("snapshots")?),
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
            let writing = writing(&args.writing, Format::Ndjson, zone, asked("documents")?)?;
            return write_documents(&mut rows::documents(connection, &span)?, &writing, &destination);
        }
    };
    write_rows(&mut selection, &writing(&args.writing, format, zone, asked)?, &destination)
}
