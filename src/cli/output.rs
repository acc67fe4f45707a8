//! Arguments for the format and the destination of output.

use super::json::JsonArgs;
use super::output_format::{FileType, OutputFormat, resolve};
use super::value_parsers::{Names, decimal_mark, first_given, separator};
use crate::error::Result;
use crate::export::{Dialect, Headings};
use crate::language::Language;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What a sync prints.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct VerbosityArgs {
    /// Print nothing but errors, and warnings that need an action
    ///
    /// The retries of a sync are logged only if it fails.
    #[arg(long, short)]
    pub quiet: bool,

    /// Text or JSON.
    #[command(flatten)]
    pub format: JsonArgs,
}

/// What a command prints about what it has done.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutcomeArgs {
    /// Print nothing but errors and warnings
    #[arg(long, short)]
    pub quiet: bool,

    /// Text or JSON.
    #[command(flatten)]
    pub format: JsonArgs,
}

/// How and where to print a table.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct TableArgs {
    /// Output format [default: table]
    ///
    /// The extension of --output selects another one.
    #[arg(long, value_enum)]
    pub format: Option<TableFormat>,

    /// Short form of --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,

    /// Show every column, whole names, and UTC
    ///
    /// Applies to tables for the terminal: whole names and ids, and instants in UTC.
    #[arg(long)]
    pub wide: bool,

    /// The width of a table for the terminal.
    #[command(flatten)]
    pub width: WidthArgs,

    /// Details of the format.
    #[command(flatten)]
    pub format_options: FormatArgs,

    /// The destination.
    #[command(flatten)]
    pub output: OutputArgs,
}

impl TableArgs {
    /// These arguments with the format that they ask for.
    ///
    /// # Errors
    /// As [`resolve`].
    pub(crate) fn resolved(&self) -> Result<TableArgs> {
        let format = resolve(self.format, self.json, self.output.output.as_deref(), TableFormat::Table)?;
        Ok(TableArgs { format: Some(format), ..self.clone() })
    }

    /// Whether the columns that people rarely need are left out.
    pub(crate) fn is_brief(&self) -> bool {
        matches!(self.format(), TableFormat::Table | TableFormat::Markdown) && !self.wide
    }

    /// Whether the table is one for a terminal that does not show everything.
    pub(crate) fn is_for_terminal(&self) -> bool {
        self.format() == TableFormat::Table && !self.wide
    }

    /// The format of resolved arguments.
    pub(crate) fn format(&self) -> TableFormat {
        self.format.unwrap_or(TableFormat::Table)
    }
}

/// The width of output for the terminal. The command also has `--wide`.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct WidthArgs {
    /// Width in columns of what a terminal shows, for mails and documents [default: COLUMNS, else that of the terminal,
    /// else 80]
    // Below the least width, no record has room for a value.
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(40..=1000),
        conflicts_with = "wide",
        hide_short_help = true
    )]
    pub width: Option<u16>,
}

/// Details of a format.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct FormatArgs {
    /// Decimals of amounts, rounded half to even [default: 9, or 4 for people; in terminal tables 2, or 4 if they are
    /// small]
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(0..=9),
        hide_short_help = true
    )]
    pub decimals: Option<u32>,

    /// CSV dialect: machine, or excel and excel-br with dates, totals and protection against formula injection
    /// [default: machine]
    #[arg(
        long,
        value_name = "NAME",
        value_parser = Names(Dialect::NAMES.to_vec()),
        hide_possible_values = true,
        hide_short_help = true
    )]
    pub dialect: Option<String>,

    /// CSV field separator: one of , ; | or tab [default: set by the dialect]
    #[arg(long, value_name = "C", value_parser = separator, hide_short_help = true)]
    pub separator: Option<u8>,

    /// CSV decimal mark: . or , [default: set by the dialect]
    #[arg(long, value_name = "C", value_parser = decimal_mark, hide_short_help = true)]
    pub decimal_mark: Option<u8>,

    /// Start CSV with a byte order mark [default: set by the dialect]
    #[arg(long, value_enum, value_name = "yes|no", hide_possible_values = true, hide_short_help = true)]
    pub bom: Option<YesNo>,

    /// First line and values of CSV in the dialects excel and excel-br: machine for the names of the columns, or the
    /// language en or pt-BR [default: the language]
    #[arg(
        long,
        value_name = "NAME",
        value_parser = Names(Headings::NAMES.to_vec()),
        hide_possible_values = true,
        hide_short_help = true
    )]
    pub headings: Option<String>,

    /// The language.
    #[command(flatten)]
    pub language: LanguageArgs,

    /// Write NAME.manifest.json next to NAME.csv, with query, row count, sums and SHA-256
    #[arg(long, requires = "output", hide_short_help = true)]
    pub manifest: bool,
}

impl FormatArgs {
    /// The first given flag that only applies to CSV. `None`: there is none.
    pub fn csv_only_flag(&self) -> Option<&'static str> {
        first_given(&[
            ("--dialect", self.dialect.is_some()),
            ("--separator", self.separator.is_some()),
            ("--decimal-mark", self.decimal_mark.is_some()),
            ("--bom", self.bom.is_some()),
            ("--headings", self.headings.is_some()),
        ])
    }
}

/// The language of output for people.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct LanguageArgs {
    /// Language of spreadsheets and pages: en or pt-BR [default: en, or pt-BR in the dialect excel-br]
    #[arg(
        long,
        value_name = "NAME",
        value_parser = Names(Language::NAMES.to_vec()),
        hide_possible_values = true,
        hide_short_help = true
    )]
    pub language: Option<String>,
}

/// A yes or no whose absence has a third meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum YesNo {
    /// Yes
    Yes,
    /// No
    No,
}

/// The destination of output.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Write to this file; its extension selects the format
    ///
    /// The file is replaced atomically. Without it, the output goes to standard output. The extensions .csv, .json,
    /// .ndjson, .md, .xlsx and .html select the format.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl OutputFormat for TableFormat {
    fn file_type(self) -> Option<FileType> {
        match self {
            TableFormat::Table => None,
            TableFormat::Csv => Some(FileType::Csv),
            TableFormat::Json => Some(FileType::Json),
            TableFormat::Markdown => Some(FileType::Markdown),
            TableFormat::Xlsx => Some(FileType::Xlsx),
        }
    }
}

/// The formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// Table for the terminal, with rounded amounts
    Table,
    /// Comma-separated values with every decimal
    Csv,
    /// JSON object: what the answer is as `scope`, the rows as `rows`
    Json,
    /// Markdown table
    Markdown,
    /// Excel workbook with numbers, dates and a manifest; requires --output
    Xlsx,
}
