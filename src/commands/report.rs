//! This is `runledger report`: it answers a question that has a name.

use super::span::span;
use super::writing::{asked, writing};
use crate::cli::{ReportArgs, TableFormat};
use crate::error::{Error, Result};
use crate::export::manifest::Asked;
use crate::export::{Destination, Dialect, Format, write_table};
use crate::report::period::Calendar;
use crate::report::question::{QUESTIONS, Question};
use crate::report::{Cell, Dimension, Table, cost, duration};
use crate::store::Archive;
use rusqlite::Connection;
use std::path::Path;

/// Answers the question, or lists the questions when none is named.
pub fn run(args: &ReportArgs, path: &Path) -> Result<()> {
    let (table, asked) = match args.name.as_deref() {
        Some(name) => {
            let archive = Archive::open_for_reading(path)?;
            // One moment for the answer and for what the manifest says of the archive.
            let _reading = archive.connection().unchecked_transaction()?;
            let table = answer(name, args, archive.connection())?;
            let asked = asked(format!("report {name}"), &args.span, &archive)?;
            (table, Asked { by: args.by.clone(), limit: args.limit, ..asked })
        }
        None => (list(), Asked { question: "report --list".to_owned(), ..Asked::default() }),
    };
    let (_, zone) = span(&args.span)?;
    let format = match args.format {
        TableFormat::Table => Format::Terminal,
        TableFormat::Csv => Format::Csv(Dialect::MACHINE),
        TableFormat::Json => Format::Json,
        TableFormat::Markdown => Format::Markdown,
        TableFormat::Xlsx => Format::Xlsx(zone),
    };
    let writing = writing(&args.writing, format, zone, asked)?;
    write_table(&table, &writing, &Destination::at(args.output.output.as_deref()))
}

fn answer(name: &str, args: &ReportArgs, archive: &Connection) -> Result<Table> {
    let (span, zone) = span(&args.span)?;
    match name {
        "cost" | "duration" if args.limit.is_some() => {
            Err(Error::usage(format!("the report {name} has no --limit: it gives every row")))
        }
        "cost" => cost::report(archive, &span, &dimensions(&args.by)?, zone),
        "duration" => duration::report(archive, &span, &dimensions(&args.by)?, zone),
        _ if !args.by.is_empty() => {
            Err(Error::usage(format!("the report {name} has no --by: only cost and duration can be split")))
        }
        _ => Question::named(name)
            .ok_or_else(|| Error::usage(format!("there is no report {name}")))?
            .ask(archive, &span, args.limit),
    }
}

/// What `--by` names; a month where it names nothing.
fn dimensions(names: &[String]) -> Result<Vec<Dimension>> {
    let mut dimensions = Vec::with_capacity(names.len());
    for name in names {
        let dimension = Dimension::named(name).ok_or_else(|| Error::Usage {
            what: format!("--by {name}: a report cannot be split by that"),
            hint: Some(format!("it can by {}", Dimension::ALL.map(|(name, _)| name).join(", "))),
        })?;
        if dimensions.contains(&dimension) {
            return Err(Error::usage(format!("--by names {name} twice")));
        }
        dimensions.push(dimension);
    }
    if dimensions.is_empty() {
        dimensions.push(Dimension::Period(Calendar::Month));
    }
    Ok(dimensions)
}

fn list() -> Table {
    Table {
        columns: vec!["report".to_owned(), "question".to_owned()],
        rows: QUESTIONS
            .iter()
            .map(|question| vec![Cell::text(question.name), Cell::text(question.words())])
            .collect(),
        totals: None,
    }
}
