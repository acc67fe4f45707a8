//! This is `runledger export parquet`: it brings a dataset of Parquet files up to date with the archive.

use super::scope::open_scope;
use crate::cli::{ExportArgs, ParquetArgs, WritingArgs};
use crate::error::{Error, Result};
use crate::export::dataset::{self, Options, Summary};
use crate::report::Ledger;
use crate::report::dataset::Table;
use crate::settings::Settings;
use crate::store::Archive;
use std::io::Write;
use std::path::Path;

/// Writes the months that changed.
///
/// # Errors
/// [`Error::Usage`] when there is no `--output`, when it is no dataset that this one could go on with, or when something is asked
/// that a dataset does not have. [`Error::Partial`] when amounts are too large for their type.
pub fn run(args: &ExportArgs, path: &Path, settings: &Settings) -> Result<()> {
    let Some(output) = &args.output.output else {
        return Err(Error::Usage {
            what: "export parquet writes a folder of files, and there is none".to_owned(),
            hint: Some("name one with --output, such as --output dataset".to_owned()),
        });
    };
    refuse_what_it_has_not(args)?;
    let ParquetArgs { snapshots, watch_months, workspace } = &args.parquet;
    let tables = Table::ALL.into_iter().filter(|table| *table != Table::RunSnapshots || *snapshots);
    let options = Options {
        workspace: workspace.clone().unwrap_or_else(|| stem(path)),
        tables: tables.collect(),
        watch_months: *watch_months,
    };
    let archive = Archive::open_for_reading(path)?;
    // One moment for all tables.
    let _reading = archive.connection().unchecked_transaction()?;
    let ledger = Ledger::open(archive.connection(), open_scope(&args.scope, settings)?)?;
    let done = dataset::write(&ledger, output, &options)?;
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
    let WritingArgs { decimals, dialect, separator, decimal_mark, bom, manifest } = &args.writing;
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

/// The archive's name without its ending.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn told(summary: &Summary) -> String {
    let Summary { written, unchanged, left_alone, removed, rows_written, rows } = *summary;
    let mut told =
        format!("{written} written ({rows_written} rows), {unchanged} unchanged, {removed} removed");
    if left_alone > 0 {
        told.push_str(&format!(", {left_alone} left alone"));
    }
    told.push_str(&format!("; {rows} rows in all"));
    told
}
