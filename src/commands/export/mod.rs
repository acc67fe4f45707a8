//! This is `runledger export`: it writes the archive's rows for other programs.

mod focus;
mod parquet;

use crate::cli::{FormatArgs, OutputArgs, ScopeArgs};
use crate::commands::Cli;
use crate::commands::export::parquet::ParquetArgs;
use crate::commands::shared::output::{asked, refuse_dialect, writing};
use crate::commands::shared::scope::scope;
use crate::error::{Error, Result};
use crate::export::{Destination, Dialect, Format, write_documents, write_rows};
use crate::report::{Ledger, rows};
use crate::settings::Settings;
use crate::store::Archive;
use clap::Args;
use clap::ValueEnum;
use std::path::Path;

/// `runledger export`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger export runs --period 2026-01 --output runs.csv
  runledger export runs --dialect excel-br --zone America/Sao_Paulo --manifest --output runs.csv
  runledger export snapshots --format ndjson | gzip > snapshots.ndjson.gz
  runledger export documents --output runs.ndjson
  runledger export focus --period 2026-01 --output focus.csv
  runledger export parquet --output dataset --watch-months 3")]
pub struct ExportArgs {
    /// What to write
    #[arg(value_enum)]
    pub what: Exported,

    /// Which runs are meant.
    #[command(flatten)]
    pub scope: ScopeArgs,

    /// How to write runs and snapshots [default: csv]
    #[arg(long, value_enum)]
    pub format: Option<RowFormat>,

    /// The version of FOCUS [default: 1.2]
    #[arg(long, value_enum, value_name = "VERSION")]
    pub focus_version: Option<focus::FocusVersion>,

    /// Which dataset of FOCUS [default: cost-and-usage]
    #[arg(long, value_enum, value_name = "DATASET")]
    pub focus_dataset: Option<focus::FocusDataset>,

    /// What is written as Parquet.
    #[command(flatten)]
    pub parquet: ParquetArgs,

    /// How it is written.
    #[command(flatten)]
    pub writing: FormatArgs,

    /// Where the answer goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Exported {
    /// The current state of each run
    Runs,
    /// Every state that each run was seen in
    Snapshots,
    /// What each run cost and whom: the rows of a closed month
    Costs,
    /// Each run's own JSON as the API sent it, one a line
    Documents,
    /// Each known cost of a month's runs as a charge of FOCUS, the FinOps Open Cost and Usage Specification
    Focus,
    /// Runs and pipelines as a dataset of Parquet files by month, of which only those that changed are written again
    Parquet,
}

/// The formats of a stream of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RowFormat {
    /// Comma-separated values
    Csv,
    /// An array of objects
    Json,
    /// One object a line
    Ndjson,
}

/// Writes each row as it comes; memory does not grow with the archive.
pub fn run(args: &ExportArgs, cli: &Cli, path: &Path, settings: &Settings) -> Result<()> {
    let of_focus = args.focus_version.is_some() || args.focus_dataset.is_some();
    if of_focus && args.what != Exported::Focus {
        return Err(Error::usage("--focus-version and --focus-dataset are for `runledger export focus`"));
    }
    if args.what == Exported::Parquet {
        return parquet::run(args, cli);
    }
    if args.parquet != ParquetArgs::default() {
        return Err(Error::usage(
            "--snapshots, --watch-months, --all and --workspace are for `runledger export parquet`",
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
        Exported::Parquet => return parquet::run(args, cli),
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
