//! `runledger export`: writes runs, snapshots, costs or documents for other programs.

mod focus;
mod parquet;
mod workbook;

use crate::cli::{FileType, FormatArgs, OutputArgs, OutputFormat, ScopeArgs, require_type, resolve};
use crate::commands::Cli;
use crate::commands::export::parquet::ParquetArgs;
use crate::commands::shared::allocation::warn_of_idle_rules_in;
use crate::commands::shared::output::{provenance, reject_csv_flags, write_options};
use crate::commands::shared::scope::{print_default_booking, request, scope};
use crate::error::{Error, Result};
use crate::export::{Destination, Dialect, Format, write_documents, write_rows};
use crate::report::filter::{FilterSupport, require_known};
use crate::report::neighbors::{refuse_conflicts, warn_of_conflicts};
use crate::report::rows::{self, RowStream};
use crate::report::{Ledger, Span};
use crate::settings::Settings;
use crate::store::Archive;
use clap::{Args, ValueEnum};
use std::path::Path;

/// The arguments of `runledger export`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger export runs --period 2026-01 --output runs.csv
  runledger export costs --period 2026-01 --format xlsx --output costs.xlsx
  runledger export runs --status failed --last 30d --output failed.csv
  runledger export runs --dialect excel-br --manifest --output runs.csv
  runledger export snapshots --format ndjson | gzip > snapshots.ndjson.gz
  runledger export documents --output runs.ndjson
  runledger export focus --period 2026-01 --output focus.csv
  runledger export parquet --output dataset --recheck-months 3
  runledger export workbook --period 2026-01 --output 2026-01.xlsx")]
pub struct ExportArgs {
    /// What to export
    #[arg(value_enum)]
    pub what: Exported,

    /// Which runs to read.
    #[command(flatten)]
    pub scope: ScopeArgs,

    /// Output format [default: csv]
    ///
    /// Applies to runs, snapshots and costs. The extension of --output selects another one.
    #[arg(long, value_enum, help_heading = "Output")]
    pub format: Option<RowFormat>,

    /// Short form of --format json
    #[arg(long, help_heading = "Output", conflicts_with = "format")]
    pub json: bool,

    /// FOCUS version [default: 1.2]
    #[arg(long, value_enum, value_name = "VERSION", help_heading = "FOCUS", hide_short_help = true)]
    pub focus_version: Option<focus::FocusVersion>,

    /// FOCUS dataset [default: cost-and-usage]
    #[arg(long, value_enum, value_name = "DATASET", help_heading = "FOCUS", hide_short_help = true)]
    pub focus_dataset: Option<focus::FocusDataset>,

    /// Options of `export parquet`.
    #[command(flatten)]
    pub parquet: ParquetArgs,

    /// Details of the format.
    #[command(flatten)]
    pub format_options: FormatArgs,

    /// The destination.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Exported {
    /// The current state of each run
    Runs,
    /// Every observed state of each run
    Snapshots,
    /// Cost and cost center of each run: the rows that a close freezes
    Costs,
    /// JSON document of each run as the API sent it, one per line
    Documents,
    /// Costs of a month as charges in FOCUS, the FinOps Open Cost and Usage Specification
    Focus,
    /// Runs and pipelines as Parquet files, one per month; unchanged files are not rewritten
    Parquet,
    /// A month as one spreadsheet: summary, cost centers, pipelines, change, days, credits, runs
    Workbook,
}

impl Exported {
    /// Its name on the command line.
    fn name(self) -> &'static str {
        match self {
            Exported::Runs => "runs",
            Exported::Snapshots => "snapshots",
            Exported::Costs => "costs",
            Exported::Documents => "documents",
            Exported::Focus => "focus",
            Exported::Parquet => "parquet",
            Exported::Workbook => "workbook",
        }
    }

    /// The filters that it can have.
    fn supported_filter(self) -> FilterSupport {
        match self {
            Exported::Runs | Exported::Costs | Exported::Documents => FilterSupport::Every,
            // A run has states with different statuses.
            Exported::Snapshots => FilterSupport::WholePipelines,
            Exported::Focus | Exported::Parquet | Exported::Workbook => FilterSupport::None,
        }
    }
}

/// The formats of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RowFormat {
    /// Comma-separated values
    Csv,
    /// Array of JSON objects
    Json,
    /// One JSON object per line
    Ndjson,
    /// Spreadsheet for Excel; needs --output
    Xlsx,
}

impl OutputFormat for RowFormat {
    fn file_type(self) -> Option<FileType> {
        Some(match self {
            RowFormat::Csv => FileType::Csv,
            RowFormat::Json => FileType::Json,
            RowFormat::Ndjson => FileType::Ndjson,
            RowFormat::Xlsx => FileType::Xlsx,
        })
    }
}

/// Writes the export. Rows are streamed, so memory does not grow with the archive.
///
/// # Errors
/// [`Error::Usage`] when a flag does not apply to the export.
pub(super) fn run(args: &ExportArgs, cli: &Cli, path: &Path, settings: &Settings) -> Result<()> {
    reject_unsupported_flags(args)?;
    request(&args.scope)?
        .filter
        .require(args.what.supported_filter(), &format!("export {}", args.what.name()))?;
    let destination = Destination::at(args.output.output.as_deref());
    let on_ledger = |export: &dyn Fn(&Archive, &Ledger<'_>) -> Result<()>| {
        let archive = Archive::open_for_reading(path)?;
        // One read transaction, so that the rows and the manifest show the same state.
        let _reading = archive.connection().unchecked_transaction()?;
        let scope = scope(&args.scope, settings, &archive)?;
        require_known(&scope.filter, &[(&scope, archive.connection())])?;
        let is_for_finance = matches!(args.what, Exported::Costs | Exported::Focus);
        match is_for_finance {
            true => refuse_conflicts(&scope, &archive)?,
            false => warn_of_conflicts(&scope, &archive)?,
        }
        if scope.span != Span::default() || args.format_options.dialect.is_some() {
            print_default_booking(&scope);
        }
        let ledger = Ledger::open(archive.connection(), scope)?;
        if is_for_finance {
            warn_of_idle_rules_in(std::slice::from_ref(&ledger), settings)?;
        }
        export(&archive, &ledger)
    };
    let rows_have_a_format = matches!(args.what, Exported::Runs | Exported::Snapshots | Exported::Costs);
    // The other exports have one format each.
    let row_format = match rows_have_a_format {
        true => resolve(args.format, args.json, args.output.output.as_deref(), RowFormat::Csv)?,
        false => RowFormat::Csv,
    };
    let write = |archive: &Archive, ledger: &Ledger<'_>, name: &str, mut selection: RowStream<'_>| {
        let format = match row_format {
            RowFormat::Csv => Format::Csv(Dialect::MACHINE),
            RowFormat::Json => Format::Json,
            RowFormat::Ndjson => Format::Ndjson,
            RowFormat::Xlsx => Format::Xlsx(ledger.scope().zone),
        };
        let provenance = provenance(format!("export {name}"), ledger.scope(), archive)?;
        let options = write_options(&args.format_options, settings, format, ledger.scope().zone, provenance)?;
        write_rows(&mut selection, &options, &destination)
    };
    match args.what {
        Exported::Runs => on_ledger(&|archive, ledger| write(archive, ledger, "runs", rows::runs(ledger)?)),
        Exported::Snapshots => {
            on_ledger(&|archive, ledger| write(archive, ledger, "snapshots", rows::snapshots(ledger)?))
        }
        Exported::Costs => {
            on_ledger(&|archive, ledger| write(archive, ledger, "costs", rows::costs(ledger)?))
        }
        Exported::Documents => on_ledger(&|archive, ledger| {
            let provenance = provenance("export documents".to_owned(), ledger.scope(), archive)?;
            let zone = ledger.scope().zone;
            let options = write_options(&args.format_options, settings, Format::Ndjson, zone, provenance)?;
            write_documents(&mut rows::documents(ledger)?, &options, &destination)
        }),
        Exported::Focus => on_ledger(&|archive, ledger| focus::run(args, ledger, archive, &destination)),
        Exported::Parquet => parquet::run(args, cli),
        Exported::Workbook => workbook::run(args, cli),
    }
}

/// Rejects flags that only apply to other exports.
fn reject_unsupported_flags(args: &ExportArgs) -> Result<()> {
    let is_focus = args.focus_version.is_some() || args.focus_dataset.is_some();
    if is_focus && args.what != Exported::Focus {
        return Err(Error::usage(
            "--focus-version and --focus-dataset only apply to `runledger export focus`",
        ));
    }
    if args.parquet != ParquetArgs::default() && args.what != Exported::Parquet {
        return Err(Error::usage(
            "--snapshots, --recheck-months, --all and --workspace only apply to `runledger export parquet`",
        ));
    }
    if args.what == Exported::Documents {
        if args.format.is_some() || args.json {
            return Err(Error::usage("--format does not apply to documents: each line is a JSON object"));
        }
        if args.format_options.decimals.is_some() {
            return Err(Error::usage(
                "--decimals does not apply to documents: numbers stay as the API sent them",
            ));
        }
        reject_csv_flags(&args.format_options, "JSON")?;
        require_type(args.output.output.as_deref(), FileType::Ndjson, "export documents")?;
    }
    Ok(())
}
