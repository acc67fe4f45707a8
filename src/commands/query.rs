//! `runledger query`: runs one read-only SQL statement and prints its rows.

use super::shared::terminal::screen;
use crate::cli::{FileType, OutputArgs, OutputFormat, WidthArgs, resolve};
use crate::commands::shared::scope::scope_of_all_runs;
use crate::error::{Error, Result};
use crate::export::{Destination, Dialect, Format, WriteOptions, terminal, write_rows};
use crate::report::Ledger;
use crate::report::rows::RowStream;
use crate::settings::Settings;
use crate::store::{Archive, hint_for_unknown_name};
use clap::{Args, ValueEnum};
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, Statement};
use std::fs;
use std::path::{Path, PathBuf};

/// The arguments of `runledger query`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger query 'SELECT status, count(*) AS runs FROM runs GROUP BY status'
  runledger query --file question.sql --param status=failed --format csv
  runledger query --as-of 2026-02-01 'SELECT sum(el_cost_nanos) FROM runs'
  runledger schema runs           # the columns that a query can read")]
pub struct QueryArgs {
    /// One read-only SQL statement
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    pub sql: Option<String>,

    /// Read the statement from this file
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Use the data as known at this instant or day
    ///
    /// An instant such as 2026-02-01T12:00:00Z; a day counts up to its end.
    #[arg(long, value_name = "INSTANT|DAY")]
    pub as_of: Option<String>,

    /// Value of the parameter `:NAME`; repeatable
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,

    /// Output format [default: that of the extension of --output, else table]
    #[arg(long, help_heading = "Output", value_enum)]
    pub format: Option<QueryFormat>,

    /// Short form of --format json
    #[arg(long, help_heading = "Output", conflicts_with = "format")]
    pub json: bool,

    /// Show whole values in a terminal table
    #[arg(long, help_heading = "Output", hide_short_help = true)]
    pub wide: bool,

    /// How wide it is.
    #[command(flatten)]
    pub width: WidthArgs,

    /// The destination.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QueryFormat {
    /// Table for the terminal; keeps all rows in memory
    Table,
    /// Comma-separated values
    Csv,
    /// Array of JSON objects
    Json,
    /// One JSON object per line
    Ndjson,
}

impl OutputFormat for QueryFormat {
    fn file_type(self) -> Option<FileType> {
        match self {
            QueryFormat::Table => None,
            QueryFormat::Csv => Some(FileType::Csv),
            QueryFormat::Json => Some(FileType::Json),
            QueryFormat::Ndjson => Some(FileType::Ndjson),
        }
    }
}

/// Runs the statement.
///
/// # Errors
/// [`Error::Usage`] when the text is not exactly one read-only statement, or when its parameters do not match `--param`
/// one to one.
pub fn run(args: &QueryArgs, path: &Path, settings: &Settings) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    let scope = scope_of_all_runs(args.as_of.as_deref(), settings, &archive)?;
    let ledger = Ledger::open(archive.connection(), scope)?;
    run_on(args, ledger.connection())
}

/// Runs the statement on a connection, after making it read-only.
///
/// # Errors
/// As [`run`].
pub fn run_on(args: &QueryArgs, archive: &Connection) -> Result<()> {
    let format = resolve(args.format, args.json, args.output.output.as_deref(), QueryFormat::Table)?;
    archive.pragma_update(None, "query_only", true)?;
    let sql = match (&args.sql, &args.file) {
        (Some(sql), _) => sql.clone(),
        (None, Some(file)) => fs::read_to_string(file)
            .map_err(|cause| Error::usage(format!("--file {}: {cause}", file.display())))?,
        (None, None) => return Err(Error::usage("give an SQL statement, or a file with --file")),
    };
    let mut statement = prepare(archive, &sql)?;
    bind(&mut statement, &args.params)?;
    let destination = Destination::at(args.output.output.as_deref());
    let mut selection = RowStream::new(statement);
    let format = match format {
        QueryFormat::Table => {
            let screen = screen(args.output.output.as_deref(), args.wide, None);
            Format::Terminal(screen.with_width(args.width.width))
        }
        QueryFormat::Csv => Format::Csv(Dialect::MACHINE),
        QueryFormat::Json => Format::Json,
        QueryFormat::Ndjson => Format::Ndjson,
    };
    let options = WriteOptions::plain(format);
    let result = match format {
        Format::Terminal(screen) => selection
            .table(|_, value| value.cell())
            .and_then(|table| destination.write(|out| Ok(terminal::write_query_rows(&table, &screen, out)?))),
        _ => write_rows(&mut selection, &options, &destination),
    };
    result.map_err(as_sql_error)
}

/// Turns an error that the statement itself causes, such as an overflow or invalid JSON, into a usage error.
fn as_sql_error(error: Error) -> Error {
    match error {
        Error::Sqlite(rusqlite::Error::SqliteFailure(failure, text))
            if matches!(failure.code, ErrorCode::Unknown | ErrorCode::TooBig | ErrorCode::TypeMismatch) =>
        {
            let cause = text.unwrap_or_else(|| failure.to_string());
            Error::usage(format!("the SQL failed: {cause}"))
        }
        other => other,
    }
}

fn prepare<'a>(archive: &'a Connection, sql: &str) -> Result<Statement<'a>> {
    let statement = archive.prepare(sql).map_err(|error| match error {
        rusqlite::Error::MultipleStatement => Error::usage("the SQL has several statements; give one"),
        error => invalid_sql(archive, &error),
    })?;
    if !statement.readonly() {
        return Err(Error::Usage {
            what: "the SQL would write to the archive, but queries are read-only".to_owned(),
            hint: Some("to change data, open a copy of the archive in sqlite3".to_owned()),
        });
    }
    if statement.column_count() == 0 {
        return Err(Error::usage("the SQL returns no rows; use SELECT, VALUES, EXPLAIN or PRAGMA"));
    }
    Ok(statement)
}

/// The error for SQL that SQLite rejects, with a similar name if the archive lacks a table or column.
fn invalid_sql(archive: &Connection, error: &rusqlite::Error) -> Error {
    let cause = match error {
        // The message without the statement, which the user has just typed.
        rusqlite::Error::SqliteFailure(_, Some(text)) | rusqlite::Error::SqlInputError { msg: text, .. } => {
            text.clone()
        }
        other => other.to_string(),
    };
    Error::Usage { hint: hint_for_unknown_name(archive, &cause), what: format!("invalid SQL: {cause}") }
}

/// Binds each parameter: as an integer or a double if the text is a number, else as text.
fn bind(statement: &mut Statement<'_>, params: &[String]) -> Result<()> {
    let mut bound = vec![false; statement.parameter_count()];
    for param in params {
        let (name, text) = param
            .split_once('=')
            .ok_or_else(|| Error::usage(format!("--param {param}: the form is NAME=VALUE")))?;
        let mut index = None;
        for mark in [":", "@", "$"] {
            index = index.or(statement.parameter_index(&format!("{mark}{name}"))?);
        }
        let index = index.ok_or_else(|| Error::usage(format!("the SQL has no parameter :{name}")))?;
        if std::mem::replace(&mut bound[index - 1], true) {
            return Err(Error::usage(format!("--param sets :{name} twice")));
        }
        statement.raw_bind_parameter(index, value(text))?;
    }
    if let Some(missing) = bound.iter().position(|bound| !bound) {
        let name = statement.parameter_name(missing + 1).unwrap_or("?").to_owned();
        return Err(Error::Usage {
            what: format!("the SQL parameter {name} has no value"),
            hint: Some(format!("set it with --param {}=…", name.trim_start_matches([':', '@', '$']))),
        });
    }
    Ok(())
}

fn value(text: &str) -> Value {
    // Rust parses `inf` and `nan` as doubles; here they are text.
    let numeric = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(whole), _) => Value::Integer(whole),
        (_, Ok(real)) if numeric => Value::Real(real),
        _ => Value::Text(text.to_owned()),
    }
}
