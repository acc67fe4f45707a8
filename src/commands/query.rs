//! This is `runledger query`: it runs one SQL statement that reads, and prints its answer.

use crate::cli::OutputArgs;
use crate::commands::shared::scope::as_of;
use crate::error::{Error, Result};
use crate::export::{Destination, Dialect, Format, WriteOptions, write_rows, write_table};
use crate::report::rows::RowStream;
use crate::report::{Ledger, Scope};
use crate::settings::Settings;
use crate::store::Archive;
use clap::Args;
use clap::ValueEnum;
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, Statement};
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// `runledger query`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger query 'SELECT status, count(*) AS runs FROM runs GROUP BY status'
  runledger query --file question.sql --param status=failed --format csv
  runledger query --as-of 2026-02-01 'SELECT sum(el_cost_nanos) FROM runs'")]
pub struct QueryArgs {
    /// One SQL statement that reads
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    pub sql: Option<String>,

    /// Read the statement from this file
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Ask the archive as it was known at this instant (2026-02-01T12:00:00Z), or at the end of this day
    #[arg(long, value_name = "INSTANT|DAY")]
    pub as_of: Option<String>,

    /// A value for `:name` in the statement; can be repeated
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,

    /// How to print the answer
    #[arg(long, value_enum, default_value_t = QueryFormat::Table)]
    pub format: QueryFormat,

    /// Where the answer goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The formats of a query's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QueryFormat {
    /// For people at a terminal; the whole answer is held in memory
    Table,
    /// Comma-separated values
    Csv,
    /// An array of objects
    Json,
    /// One object a line
    Ndjson,
}

/// Runs the statement.
///
/// # Errors
/// [`Error::Usage`] when the text is not exactly one statement that reads, or when its parameters and
/// `--param` do not match one to one.
pub fn run(args: &QueryArgs, path: &Path, settings: &Settings) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    let zone = settings.zone(None)?.value;
    let as_of = args.as_of.as_deref().map(|moment| as_of(moment, zone)).transpose()?;
    let allocation = settings.allocation().clone();
    let ledger = Ledger::open(archive.connection(), Scope { as_of, zone, allocation, ..Scope::default() })?;
    answer(args, ledger.connection())
}

/// Runs the statement on a connection, which is told to read only.
///
/// # Errors
/// As [`run`].
pub fn answer(args: &QueryArgs, archive: &Connection) -> Result<()> {
    archive.pragma_update(None, "query_only", true)?;
    let sql = match (&args.sql, &args.file) {
        (Some(sql), _) => sql.clone(),
        (None, Some(file)) => fs::read_to_string(file)
            .map_err(|cause| Error::usage(format!("--file {}: {cause}", file.display())))?,
        (None, None) => return Err(Error::usage("give a statement, or a file with --file")),
    };
    let mut statement = prepare(archive, &sql)?;
    bind(&mut statement, &args.params)?;
    let destination = Destination::at(args.output.output.as_deref());
    let mut selection = RowStream::new(statement);
    let format = match args.format {
        QueryFormat::Table => Format::Terminal,
        QueryFormat::Csv => Format::Csv(Dialect::MACHINE),
        QueryFormat::Json => Format::Json,
        QueryFormat::Ndjson => Format::Ndjson,
    };
    let writing = WriteOptions::plain(format);
    let answered = match format {
        Format::Terminal => selection
            .table(|_, value| value.cell())
            .and_then(|table| write_table(&table, &writing, &destination)),
        _ => write_rows(&mut selection, &writing, &destination),
    };
    answered.map_err(blame)
}

/// What fails while the statement runs is mostly its own fault: a sum that overflows, JSON that is none.
fn blame(error: Error) -> Error {
    match error {
        Error::Sqlite(rusqlite::Error::SqliteFailure(failure, text))
            if matches!(failure.code, ErrorCode::Unknown | ErrorCode::TooBig | ErrorCode::TypeMismatch) =>
        {
            let cause = text.unwrap_or_else(|| failure.to_string());
            Error::usage(format!("the SQL cannot be run to its end: {cause}"))
        }
        other => other,
    }
}

fn prepare<'a>(archive: &'a Connection, sql: &str) -> Result<Statement<'a>> {
    let statement = archive.prepare(sql).map_err(|error| match error {
        rusqlite::Error::MultipleStatement => Error::usage("the SQL has several statements: give one"),
        error => Error::usage(format!("the SQL cannot be run: {error}")),
    })?;
    if !statement.readonly() {
        return Err(Error::Usage {
            what: "the SQL would write: a query only reads".to_owned(),
            hint: Some("to change data, copy the archive and open the copy in sqlite3".to_owned()),
        });
    }
    if statement.column_count() == 0 {
        return Err(Error::usage("the SQL gives no rows: a query is a SELECT, VALUES, EXPLAIN or PRAGMA"));
    }
    Ok(statement)
}

/// Gives each parameter its value: a whole number or a double where the text is one, else the text.
fn bind(statement: &mut Statement<'_>, params: &[String]) -> Result<()> {
    let mut bound = vec![false; statement.parameter_count()];
    for param in params {
        let (name, text) = param
            .split_once('=')
            .ok_or_else(|| Error::usage(format!("--param {param}: not of the form name=value")))?;
        let mut index = None;
        for mark in [":", "@", "$"] {
            index = index.or(statement.parameter_index(&format!("{mark}{name}"))?);
        }
        let index = index.ok_or_else(|| Error::usage(format!("the SQL has no parameter :{name}")))?;
        if std::mem::replace(&mut bound[index - 1], true) {
            return Err(Error::usage(format!("--param gives :{name} twice")));
        }
        statement.raw_bind_parameter(index, value(text))?;
    }
    if let Some(missing) = bound.iter().position(|bound| !bound) {
        let name = statement.parameter_name(missing + 1).unwrap_or("?").to_owned();
        return Err(Error::Usage {
            what: format!("the SQL's parameter {name} has no value"),
            hint: Some(format!("give it with --param {}=…", name.trim_start_matches([':', '@', '$']))),
        });
    }
    Ok(())
}

fn value(text: &str) -> Value {
    // Rust reads `inf` and `nan` as doubles; to everybody else they are words.
    let numeric = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(whole), _) => Value::Integer(whole),
        (_, Ok(real)) if numeric => Value::Real(real),
        _ => Value::Text(text.to_owned()),
    }
}
