//! This is the command line: every argument that runledger understands.

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

use crate::report::question::QUESTIONS;

/// `runledger report`
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// The question to answer; without one the questions are listed
    #[arg(value_parser = PossibleValuesParser::new(QUESTIONS.map(|question| question.name)))]
    pub name: Option<String>,

    /// List the questions
    #[arg(long, conflicts_with = "name")]
    pub list: bool,

    /// Split cost and duration by month, week, day, pipeline, kind, trigger, status; several with commas
    /// [default: month]
    #[arg(long, value_delimiter = ',', value_name = "WHAT")]
    pub by: Vec<String>,

    /// At most this many rows, where the question has a limit
    #[arg(long, value_name = "N")]
    pub limit: Option<u32>,

    #[command(flatten)]
    pub span: SpanArgs,

    /// How to print the answer
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub format: TableFormat,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// Which runs are meant, by the day they are booked in.
#[derive(Debug, Clone, Args)]
pub struct SpanArgs {
    /// Only runs booked on this day (YYYY-MM-DD) or later
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,

    /// Only runs booked before this day (YYYY-MM-DD), the day itself left out
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,

    /// The IANA time zone that days, weeks and months are meant in
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub zone: String,
}

/// Where the answer goes.
#[derive(Debug, Clone, Args)]
pub struct OutputArgs {
    /// Write to this file, replaced in one step, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// The formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// For people at a terminal
    Table,
    /// For programs: every decimal
    Csv,
    /// For programs: an array of objects
    Json,
    /// For people reading a page
    Markdown,
}

/// `runledger export`
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// What to write
    #[arg(value_enum)]
    pub what: Exported,

    #[command(flatten)]
    pub span: SpanArgs,

    /// How to write it
    #[arg(long, value_enum, default_value_t = RowFormat::Csv)]
    pub format: RowFormat,

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

/// `runledger query`
#[derive(Debug, Clone, Args)]
pub struct QueryArgs {
    /// One SQL statement that reads
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    pub sql: Option<String>,

    /// Read the statement from this file
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// A value for `:name` in the statement; can be repeated
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,

    /// How to print the answer
    #[arg(long, value_enum, default_value_t = QueryFormat::Table)]
    pub format: QueryFormat,

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
