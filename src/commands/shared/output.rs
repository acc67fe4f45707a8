//! Printing in the format and to the destination that the arguments give.

use super::progress::beside_bar;
use super::terminal::{paint_message, screen};
use crate::cli::{FormatArgs, LanguageArgs, TableArgs, TableFormat, YesNo};
use crate::error::{Error, Result};
use crate::escape::escape_json;
use crate::export::manifest::Provenance;
use crate::export::terminal::{Screen, in_ascii};
use crate::export::{Destination, Dialect, Format, Headings, Sidecar, WriteOptions, write_table};
use crate::language::Language;
use crate::report::run_list::ListConditions;
use crate::report::{Scope, Table};
use crate::settings::{self, Settings};
use crate::store::{Archive, Close};
use crate::suggest::did_you_mean;
use chrono_tz::Tz;
use std::borrow::Cow;
use std::io::Write as _;

/// Prints text for people or a JSON object to standard output. Control characters that JSON leaves as they are, such
/// as bidirectional ones, are escaped as JSON. A closed pipe is not an error.
pub(crate) fn print_line(line: &str) -> Result<()> {
    Destination::StandardOutput.write(|out| Ok(writeln!(out, "{}", escape_json(line))?))
}

/// Prints a view for people to standard output. Its colors stay, so its values must be escaped already. A closed pipe
/// is not an error.
pub(crate) fn print_view(view: &str) -> Result<()> {
    let view = if settings::has_unicode() { Cow::Borrowed(view) } else { in_ascii(view) };
    Destination::StandardOutput.write(|out| Ok(writeln!(out, "{view}")?))
}

/// Prints a line to standard error, above the progress bar. If standard error is closed, gives up silently.
pub(crate) fn print_note(line: &str) {
    let _ = beside_bar(|| writeln!(std::io::stderr(), "{}", paint_message(line)));
}

/// The options for writing output in `format`. Instants for spreadsheets are in `zone`.
///
/// # Errors
/// [`Error::Usage`] when a CSV flag is given for another format, when `--language` is given for a format in English, or
/// when separator and decimal mark are equal.
pub(crate) fn write_options(
    args: &FormatArgs,
    settings: &Settings,
    format: Format,
    zone: Tz,
    provenance: impl Into<Option<Provenance>>,
) -> Result<WriteOptions> {
    let format = match format {
        Format::Csv(_) => Format::Csv(dialect(args, settings, zone)?),
        other => {
            reject_csv_flags(args, other.name())?;
            other
        }
    };
    reject_language(&args.language, format)?;
    let sidecar = if args.manifest { Sidecar::Manifest } else { Sidecar::None };
    Ok(WriteOptions {
        format,
        usd_decimals: args.decimals,
        sidecar,
        provenance: provenance.into(),
        language: language(args, settings)?,
    })
}

/// The language of spreadsheets, pages and typed amounts.
///
/// # Errors
/// [`Error::Usage`] when there is no such language or dialect.
pub(crate) fn language(args: &FormatArgs, settings: &Settings) -> Result<Language> {
    Ok(settings.language(args.language.language.as_deref(), args.dialect.as_deref())?.value)
}

/// Prints a table as the arguments ask. Instants for spreadsheets are in `zone`. Without a provenance, the table is no
/// answer about runs: it has no title, and its JSON is an array.
///
/// # Errors
/// As [`write_options`], and [`Error::Output`] when the destination cannot be written.
pub(crate) fn print_table(
    table: &Table,
    args: &TableArgs,
    settings: &Settings,
    zone: Tz,
    provenance: impl Into<Option<Provenance>>,
) -> Result<()> {
    let format = match args.format() {
        TableFormat::Table => Format::Terminal(table_screen(args, zone)),
        TableFormat::Csv => Format::Csv(Dialect::MACHINE),
        TableFormat::Json => Format::Json,
        TableFormat::Markdown => Format::Markdown,
        TableFormat::Xlsx => Format::Xlsx(zone),
    };
    let options = write_options(&args.format_options, settings, format, zone, provenance)?;
    write_table(table, &options, &Destination::at(args.output.output.as_deref()))
}

/// The screen that a table is shown on.
pub(crate) fn table_screen(args: &TableArgs, zone: impl Into<Option<Tz>>) -> Screen {
    screen(args.output.output.as_deref(), args.wide, zone).with_width(args.width.width)
}

/// Prints a table for people, or as JSON.
///
/// # Errors
/// [`Error::Output`] when standard output cannot be written.
pub(crate) fn print_plain_table(table: &Table, as_json: bool) -> Result<()> {
    let format = if as_json { Format::Json } else { Format::Terminal(screen(None, false, None)) };
    write_table(table, &WriteOptions::plain(format), &Destination::StandardOutput)
}

/// The description of a query, for manifests, titles and JSON.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn provenance(question: String, scope: &Scope, archive: &Archive) -> Result<Provenance> {
    // Observations after the as-of instant affect neither the output nor its manifest.
    let known_at = archive
        .last_observed_by(None)?
        .map(|known_at| scope.as_of.map_or(known_at, |as_of| as_of.min(known_at)));
    let close = match (&scope.period, scope.close_id) {
        (Some(period), Some(_)) => archive.close_of(period)?,
        _ => None,
    };
    let moment = archive.clock_at_last_observation(scope.as_of)?;
    let is_running = moment.zip(scope.span.until).is_some_and(|(moment, until)| moment < until);
    let close_state = match &close {
        Some(close) => close_state(close),
        None => if is_running { "running" } else { "current" }.to_owned(),
    };
    let closed_at = close.as_ref().map(|close| close.frozen.closed_at.to_string());
    let (closed_by, close_note) =
        close.map(|close| (close.frozen.closed_by, close.frozen.note)).unwrap_or_default();
    Ok(Provenance {
        question,
        by: Vec::new(),
        limit: None,
        cost_center: None,
        filter: (!scope.filter.is_empty()).then(|| scope.filter.clone()),
        list: ListConditions::default(),
        last: scope.last.map(|last| last.to_string()),
        from: scope.span.from.map(|at| at.to_string()),
        until: scope.span.until.map(|at| at.to_string()),
        zone: scope.zone.name().to_owned(),
        defaults_from_close: scope.defaults_from_close.clone(),
        period: scope.period.clone(),
        date_basis: Some(scope.date.as_str().to_owned()),
        as_of: scope.as_of.map(|at| at.to_string()),
        known_at: known_at.map(|at| at.to_string()),
        close_state: Some(close_state),
        closed_at,
        closed_by,
        close_note,
        notes: scope.default_booking().into_iter().collect(),
        // The title has the zone and the date basis.
        definitions: scope.default_booking().into_iter().collect(),
        cost_centers: scope.allocation.0.iter().map(ToString::to_string).collect(),
        fx: None,
        schema_version: archive.schema_version()?,
        summary: None,
        against: None,
        workspaces: Vec::new(),
    })
}

/// The state of a closed period: `closed at …, close 2, restates close 1`. It says so if the close froze no terms.
fn close_state(close: &Close) -> String {
    let Close { close_id, frozen } = close;
    let restates = frozen.restates.map_or_else(String::new, |before| format!(", restates close {before}"));
    let terms = if frozen.terms.is_none() {
        ", with the plan, billed_by and account of today's settings"
    } else {
        ""
    };
    format!("closed at {}, close {close_id}{restates}{terms}", frozen.closed_at)
}

/// The dialect from the settings, changed by the flags. Instants for spreadsheets are in `zone`.
///
/// # Errors
/// [`Error::Usage`] when the dialect is unknown, or when separator and decimal mark are equal.
pub(crate) fn dialect(args: &FormatArgs, settings: &Settings, zone: Tz) -> Result<Dialect> {
    let mut dialect = settings.dialect(args.dialect.as_deref())?.value;
    if dialect.is_for_spreadsheets() {
        dialect.zone = zone;
    }
    dialect.separator = args.separator.unwrap_or(dialect.separator);
    dialect.decimal_mark = args.decimal_mark.unwrap_or(dialect.decimal_mark);
    dialect.bom = args.bom.map_or(dialect.bom, |bom| bom == YesNo::Yes);
    dialect.headings = headings(args, settings, &dialect)?;
    if dialect.separator == dialect.decimal_mark {
        return Err(Error::Usage {
            what: format!(
                "the field separator and the decimal mark must differ: both are {}",
                char::from(dialect.separator)
            ),
            hint: Some("add another --separator, such as --separator ';'".to_owned()),
        });
    }
    Ok(dialect)
}

/// The headings of CSV in the dialect: those of the flag, else in the language. Programs get names in any language.
fn headings(args: &FormatArgs, settings: &Settings, dialect: &Dialect) -> Result<Headings> {
    let Some(name) = &args.headings else {
        return Ok(match dialect.is_for_spreadsheets() {
            true => Headings::In(language(args, settings)?),
            false => Headings::Machine,
        });
    };
    match Headings::named(name) {
        Some(Headings::In(_)) if !dialect.is_for_spreadsheets() => Err(Error::Usage {
            what: format!("--headings {name} does not apply to the dialect {}", dialect.name()),
            hint: Some("add --dialect excel or --dialect excel-br".to_owned()),
        }),
        Some(headings) => Ok(headings),
        None => Err(Error::Usage {
            what: format!("--headings {name}: must be one of {}", Headings::NAMES.join(", ")),
            hint: did_you_mean(name, Headings::NAMES),
        }),
    }
}

/// Rejects a language for a format that is always in English.
fn reject_language(args: &LanguageArgs, format: Format) -> Result<()> {
    let what = match (&args.language, format) {
        (None, _) | (_, Format::Xlsx(_)) => return Ok(()),
        (_, Format::Csv(dialect)) if dialect.is_for_spreadsheets() => return Ok(()),
        (_, Format::Csv(dialect)) => format!("--language does not apply to the dialect {}", dialect.name()),
        (_, format) => {
            format!("--language only applies to spreadsheets, and the format is {}", format.name())
        }
    };
    Err(Error::Usage { what, hint: Some("add --format csv --dialect excel-br, or --format xlsx".to_owned()) })
}

/// Rejects flags that only apply to CSV.
///
/// # Errors
/// [`Error::Usage`] when one is given.
pub(crate) fn reject_csv_flags(args: &FormatArgs, format: &str) -> Result<()> {
    match args.csv_only_flag() {
        None => Ok(()),
        Some(flag) => Err(Error::Usage {
            what: format!("{flag} only applies to CSV, and the format is {format}"),
            hint: Some("add --format csv".to_owned()),
        }),
    }
}

/// The error for a feature that this binary was built without. Callers test the feature with `cfg!`, so that the
/// compiler leaves its code out of the binary.
pub(crate) fn built_without(what: &str, feature: &str) -> Error {
    Error::Usage {
        what: format!("this runledger was built without {what}"),
        hint: Some(format!("build it with `cargo install --path . --features {feature}`")),
    }
}
