//! This is `runledger export parquet`: it brings a dataset of Parquet files up to date with the archive.

use crate::cli::FormatArgs;
use crate::cli::at_least_one;
use crate::commands::Cli;
use crate::commands::export::ExportArgs;
use crate::commands::shared::archives::{at_one_moment, ledgers, open};
use crate::error::{Error, Result};
use crate::export::parquet::{self, Options, TableSummary};
use crate::report::rows::dataset::DatasetTable;
use clap::Args;
use std::io::Write;

/// What `runledger export parquet` writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Parquet")]
pub struct ParquetArgs {
    /// Write every state of each run too, as the table run_snapshots
    #[arg(long)]
    pub snapshots: bool,

    /// Compare only so many of the newest months with their files, and write what has none yet; older ones are left alone
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub watch_months: Option<usize>,

    /// Write the archives of all workspaces that the settings name
    #[arg(long)]
    pub all: bool,

    /// What the column `workspace` says [default: as the settings call it, else the archive's name without its ending]
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    pub workspace: Option<String>,
}

/// Writes the months that changed, of one archive or of those of several workspaces.
///
/// # Errors
/// [`Error::Usage`] when there is no `--output`, when it is no dataset that this one could go on with, or when something is asked
/// that a dataset does not have. [`Error::Partial`] when amounts are too large for their type.
pub fn run(args: &ExportArgs, cli: &Cli) -> Result<()> {
    let output = args.output.output.as_ref().filter(|output| output.as_os_str() != "-");
    let Some(output) = output else {
        return Err(Error::Usage {
            what: "export parquet writes a folder of files, and there is none".to_owned(),
            hint: Some("name one with --output, such as --output dataset".to_owned()),
        });
    };
    refuse_what_it_has_not(args)?;
    let ParquetArgs { snapshots, watch_months, all, workspace } = &args.parquet;
    let tables =
        DatasetTable::ALL.into_iter().filter(|table| *table != DatasetTable::RunSnapshots || *snapshots);
    let options = Options { tables: tables.collect(), recheck_months: *watch_months };
    let mut workspaces = open(cli, *all)?;
    match (workspace, workspaces.as_mut_slice()) {
        (Some(name), [_]) if name.trim().is_empty() || name.chars().any(char::is_control) => {
            return Err(Error::usage("--workspace needs a name that can be printed"));
        }
        (Some(name), [only]) => only.name.clone_from(name),
        (Some(_), _) => {
            return Err(Error::Usage {
                what: "--workspace names one archive, and several are exported".to_owned(),
                hint: Some("name each in the settings, as a [[workspace]] with name and archive".to_owned()),
            });
        }
        (None, _) => {}
    }
    // One moment for all tables of each.
    let _reading = at_one_moment(&workspaces)?;
    let done = parquet::write(&ledgers(&workspaces, &args.scope)?, output, &options)?;
    let mut stderr = std::io::stderr().lock();
    for (table, summary) in &done.tables {
        // Whoever closed it does not want to be told.
        let _ = writeln!(stderr, "{}: {}", table.name(), told(summary));
    }
    match done.amounts_too_large {
        0 => Ok(()),
        amounts => Err(Error::Partial {
            what: format!(
                "{amounts} {} beyond 999,999,999.999999999 USD and NULL in the exact columns; the doubles beside have them",
                if amounts == 1 { "amount is" } else { "amounts are" }
            ),
        }),
    }
}

/// Refuses what is for other exports: a dataset always has every month, in types of its own.
fn refuse_what_it_has_not(args: &ExportArgs) -> Result<()> {
    let scope = &args.scope;
    if [&scope.period, &scope.from, &scope.until].into_iter().any(Option::is_some) {
        return Err(Error::Usage {
            what: "a dataset has every month: --period, --from and --until are for other exports".to_owned(),
            hint: Some(
                "ask the dataset by its column month; --watch-months writes only what is new".to_owned(),
            ),
        });
    }
    let FormatArgs { decimals, dialect, separator, decimal_mark, bom, manifest } = &args.writing;
    let given = [
        ("--format", args.format.is_some()),
        ("--decimals", decimals.is_some()),
        ("--dialect", dialect.is_some()),
        ("--separator", separator.is_some()),
        ("--decimal-mark", decimal_mark.is_some()),
        ("--bom", bom.is_some()),
        ("--manifest", *manifest),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((flag, _)) => Err(Error::usage(format!(
            "a dataset has no {flag}: it is Parquet, and _schema.md in it says what it holds"
        ))),
    }
}

fn told(summary: &TableSummary) -> String {
    let TableSummary { written, unchanged, not_compared: left_alone, removed, rows_written, rows } = *summary;
    let mut told =
        format!("{written} written ({rows_written} rows), {unchanged} unchanged, {removed} removed");
    if left_alone > 0 {
        told.push_str(&format!(", {left_alone} left alone"));
    }
    told.push_str(&format!("; {rows} rows in all"));
    told
}
