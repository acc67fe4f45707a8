//! `runledger export parquet`: updates a dataset of Parquet files from the archive.

use crate::cli::{FileType, FormatArgs, ScopeArgs, at_least_one, first_given, require_type};
use crate::commands::Cli;
use crate::commands::export::ExportArgs;
use crate::commands::shared::archives::{open, open_ledgers};
use crate::commands::shared::output::print_note;
use crate::commands::shared::scope::{print_default_booking, request};
use crate::error::{Error, Result};
use crate::export::parquet::{self, Options, TableSummary};
use crate::report::rows::dataset::DatasetTable;
use crate::report::scope::ScopeRequest;
use crate::workspace::read_transactions;
use clap::Args;
use std::path::Path;

/// The arguments of `runledger export parquet`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Parquet")]
pub struct ParquetArgs {
    /// Also write every observed state of each run, as the table run_snapshots
    #[arg(long, hide_short_help = true)]
    pub snapshots: bool,

    /// Compare only the newest N months with their files, and older ones that a run entered, left or changed in
    #[arg(long, value_name = "N", value_parser = at_least_one, hide_short_help = true)]
    pub recheck_months: Option<usize>,

    /// Export the archives of all workspaces in the settings
    #[arg(long)]
    pub all: bool,

    /// Value of the column `workspace` [default: its name in the settings, else the file name of the archive]
    #[arg(long, value_name = "NAME", conflicts_with = "all", hide_short_help = true)]
    pub workspace: Option<String>,
}

/// Writes the months that changed, from one archive or from several workspaces.
///
/// # Errors
/// [`Error::Usage`] when `--output` is missing or contains something other than a matching dataset, or when a flag does
/// not apply to datasets. [`Error::Partial`] when amounts are too large for their type.
pub(super) fn run(args: &ExportArgs, cli: &Cli) -> Result<()> {
    let output = args.output.output.as_ref().filter(|output| output.as_os_str() != "-");
    let Some(output) = output else {
        return Err(Error::Usage {
            what: "export parquet needs a folder to write to".to_owned(),
            hint: Some("give it with --output, such as --output dataset".to_owned()),
        });
    };
    reject_unsupported_flags(args)?;
    let ParquetArgs { snapshots, recheck_months, all, workspace } = &args.parquet;
    let tables =
        DatasetTable::ALL.into_iter().filter(|table| *table != DatasetTable::RunSnapshots || *snapshots);
    let options = Options { tables: tables.collect(), recheck_months: *recheck_months };
    let (mut workspaces, _) = open(cli, *all, &args.scope)?;
    match (workspace, workspaces.as_mut_slice()) {
        (Some(name), [_]) if name.trim().is_empty() || name.chars().any(char::is_control) => {
            return Err(Error::usage("--workspace needs a printable name"));
        }
        (Some(name), [only]) => only.name.clone_from(name),
        (Some(_), _) => {
            return Err(Error::Usage {
                what: "--workspace applies to one archive, but several are exported".to_owned(),
                hint: Some(
                    "name each archive in the settings, in a [[workspace]] with name and archive".to_owned(),
                ),
            });
        }
        (None, _) => {}
    }
    // One read transaction per archive, so that all tables show the same state.
    let _reading = read_transactions(&workspaces)?;
    let ledgers = open_ledgers(&workspaces, &request_for_folder(output, &args.scope)?)?;
    print_default_booking(ledgers[0].scope());
    let export = parquet::write(&ledgers, output, &options)?;
    for (table, summary) in &export.tables {
        print_note(&format!("{}: {}", table.name(), summary_line(summary)));
    }
    match export.amounts_too_large {
        0 => Ok(()),
        amounts => Err(Error::Partial {
            what: format!(
                "{amounts} {} 999,999,999.999999999 USD: NULL in the decimal columns, rounded in the double columns",
                if amounts == 1 { "amount exceeds" } else { "amounts exceed" }
            ),
        }),
    }
}

/// The arguments, completed with the zone and the date basis of the dataset that is in the folder: it keeps them, also
/// when the settings or the latest close have others.
fn request_for_folder(output: &Path, scope: &ScopeArgs) -> Result<ScopeRequest> {
    let request = request(scope)?;
    Ok(match parquet::booking_of(output)? {
        Some((zone, date)) => ScopeRequest {
            zone: request.zone.or(Some(zone)),
            date_basis: request.date_basis.or(Some(date)),
            ..request
        },
        None => request,
    })
}

/// Rejects flags of other exports: a dataset always has every month, with Parquet types.
fn reject_unsupported_flags(args: &ExportArgs) -> Result<()> {
    let scope = &args.scope;
    if [&scope.period, &scope.from, &scope.until, &scope.last].into_iter().any(Option::is_some) {
        return Err(Error::Usage {
            what: "a dataset contains every month: --period, --from, --until and --last do not apply"
                .to_owned(),
            hint: Some(
                "filter the dataset by its column month; --recheck-months limits which months are compared"
                    .to_owned(),
            ),
        });
    }
    let FormatArgs { decimals, dialect, separator, decimal_mark, bom, headings, language, manifest } =
        &args.format_options;
    let flags = [
        ("--format", args.format.is_some()),
        ("--json", args.json),
        ("--decimals", decimals.is_some()),
        ("--dialect", dialect.is_some()),
        ("--separator", separator.is_some()),
        ("--decimal-mark", decimal_mark.is_some()),
        ("--bom", bom.is_some()),
        ("--headings", headings.is_some()),
        ("--language", language.language.is_some()),
        ("--manifest", *manifest),
    ];
    match first_given(&flags) {
        None => require_type(args.output.output.as_deref(), FileType::Parquet, "export parquet"),
        Some(flag) => Err(Error::usage(format!(
            "{flag} does not apply to a Parquet dataset; its _schema.md describes the columns"
        ))),
    }
}

/// The files and rows of one table.
fn summary_line(summary: &TableSummary) -> String {
    let TableSummary { written, unchanged, not_compared, removed, rows_written, rows } = *summary;
    let mut line =
        format!("{written} written ({rows_written} rows), {unchanged} unchanged, {removed} removed");
    if not_compared > 0 {
        line.push_str(&format!(", {not_compared} not compared"));
    }
    line.push_str(&format!("; {rows} rows in total"));
    line
}
