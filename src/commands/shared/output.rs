//! This is the writing of an answer as the arguments want it: `--format`, `--dialect`, `--decimals`, `--manifest`, `--output`.

use crate::cli::{FormatArgs, TableArgs, TableFormat, YesNo};
use crate::error::{Error, Result};
use crate::export::manifest::Provenance;
use crate::export::{Destination, Dialect, Format, Sidecar, WriteOptions, write_table};
use crate::report::{Scope, Table};
use crate::settings::Settings;
use crate::store::{Archive, Close};
use chrono_tz::Tz;

/// How the arguments want an answer written whose format is `format`; instants for a spreadsheet in `zone`.
///
/// # Errors
/// [`Error::Usage`] when a dialect is given for what is no CSV, or when its parts cannot go together.
pub fn writing(
    args: &FormatArgs,
    settings: &Settings,
    format: Format,
    zone: Tz,
    asked: Provenance,
) -> Result<WriteOptions> {
    let format = match format {
        Format::Csv(_) => Format::Csv(dialect(args, settings, zone)?),
        other => {
            refuse_dialect(args, other.name())?;
            other
        }
    };
    let beside = if args.manifest { Sidecar::Manifest } else { Sidecar::None };
    Ok(WriteOptions { format, usd_decimals: args.decimals, sidecar: beside, provenance: asked })
}

/// Prints a table as the arguments want it; instants for a spreadsheet in `zone`.
///
/// # Errors
/// As [`writing`], and whatever the place says.
pub fn print(
    table: &Table,
    args: &TableArgs,
    settings: &Settings,
    zone: Tz,
    asked: Provenance,
) -> Result<()> {
    let format = match args.format {
        TableFormat::Table => Format::Terminal,
        TableFormat::Csv => Format::Csv(Dialect::MACHINE),
        TableFormat::Json => Format::Json,
        TableFormat::Markdown => Format::Markdown,
        TableFormat::Xlsx => Format::Xlsx(zone),
    };
    let writing = writing(&args.writing, settings, format, zone, asked)?;
    write_table(table, &writing, &Destination::at(args.output.output.as_deref()))
}

/// What is asked of the archive in that scope.
///
/// # Errors
/// Those of SQLite.
pub fn asked(question: String, scope: &Scope, archive: &Archive) -> Result<Provenance> {
    // What was observed later does not speak in an answer as known earlier, nor in its manifest.
    let known_at =
        archive.last_observed_at()?.map(|known_at| scope.as_of.map_or(known_at, |as_of| as_of.min(known_at)));
    let close_state = match (&scope.period, scope.close_id) {
        (None, _) => None,
        (Some(_), None) => Some("open".to_owned()),
        (Some(period), Some(_)) => archive.close_of(period)?.map(|close| state_of(&close)),
    };
    Ok(Provenance {
        question,
        by: Vec::new(),
        limit: None,
        from: scope.span.from.map(|at| at.to_string()),
        until: scope.span.until.map(|at| at.to_string()),
        zone: scope.zone.name().to_owned(),
        period: scope.period.clone(),
        date_basis: Some(scope.date.as_str().to_owned()),
        as_of: scope.as_of.map(|at| at.to_string()),
        known_at: known_at.map(|at| at.to_string()),
        close_state,
        cost_centers: scope.allocation.0.iter().map(ToString::to_string).collect(),
        schema_version: archive.schema_version()?,
        workspaces: Vec::new(),
    })
}

/// The close in words: `closed at …, close 2, restates close 1`.
fn state_of(close: &Close) -> String {
    let Close { close_id, frozen } = close;
    let restates = frozen.restates.map_or_else(String::new, |before| format!(", restates close {before}"));
    format!("closed at {}, close {close_id}{restates}", frozen.closed_at)
}

/// The dialect by its name, with what is set one by one over it.
fn dialect(args: &FormatArgs, settings: &Settings, zone: Tz) -> Result<Dialect> {
    let mut dialect = settings.dialect(args.dialect.as_deref())?.value;
    if dialect.is_for_spreadsheets() {
        dialect.zone = zone;
    }
    dialect.separator = args.separator.unwrap_or(dialect.separator);
    dialect.decimal_mark = args.decimal_mark.unwrap_or(dialect.decimal_mark);
    dialect.bom = args.bom.map_or(dialect.bom, |bom| bom == YesNo::Yes);
    if dialect.separator == dialect.decimal_mark {
        return Err(Error::Usage {
            what: format!(
                "fields and decimals cannot both be separated by {}: no program could tell them apart",
                char::from(dialect.separator)
            ),
            hint: Some("give another --separator too, such as --separator ';'".to_owned()),
        });
    }
    Ok(dialect)
}

/// Refuses what only CSV has.
///
/// # Errors
/// [`Error::Usage`] when any of it is given.
pub fn refuse_dialect(args: &FormatArgs, format: &str) -> Result<()> {
    match dialect_given(args) {
        None => Ok(()),
        Some(flag) => Err(Error::Usage {
            what: format!("{flag} is for CSV alone, and the format is {format}"),
            hint: Some("add --format csv".to_owned()),
        }),
    }
}

/// The first argument that only CSV has. `None`: none is given.
pub fn dialect_given(args: &FormatArgs) -> Option<&'static str> {
    let given = [
        ("--dialect", args.dialect.is_some()),
        ("--separator", args.separator.is_some()),
        ("--decimal-mark", args.decimal_mark.is_some()),
        ("--bom", args.bom.is_some()),
    ];
    given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
}

/// What to say where the program was built without one of its features. Provenance with `cfg!`, so that what needs the feature is
/// left out of the binary.
pub fn built_without(what: &str, feature: &str) -> Error {
    Error::Usage {
        what: format!("this runledger was built without {what}"),
        hint: Some(format!("build it with `cargo install --path . --features {feature}`")),
    }
}

/// Prints a line to the standard output. Whoever reads it may stop early: that is no error.
pub fn say(line: &str) -> Result<()> {
    Destination::StandardOutput.write(|out| Ok(writeln!(out, "{line}")?))
}
