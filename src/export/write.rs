//! Writing of tables and rows: in a format, to a destination, with an optional manifest.

use super::column_totals::ColumnTotals;
use super::csv::{self, TotalsRow};
use super::destination::{Destination, WriteError};
use super::dialect::Dialect;
use super::json::{self, Layout};
use super::manifest::{self, Manifest, Provenance, WrittenFile};
use super::terminal::Screen;
use super::xlsx::{self, SpreadsheetForm, Survey};
use super::{markdown, terminal};
use crate::digest::HashingWriter;
use crate::error::{Error, Result};
use crate::language::Language;
use crate::report::rows::{self, RowStream};
use crate::report::table::{USD_DECIMALS, USD_DECIMALS_FOR_PEOPLE};
use crate::report::{Cell, Table};
use crate::run::{Cost, Usd};
use chrono_tz::Tz;
use std::io::Write;

/// An output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table for terminals.
    Terminal(Screen),
    /// CSV in a dialect.
    Csv(Dialect),
    /// An array of objects; for the answer of a report, an object with `scope` and `rows`.
    Json,
    /// One object per line.
    Ndjson,
    /// A Markdown table.
    Markdown,
    /// A spreadsheet, with its instants in this zone.
    Xlsx(Tz),
}

/// How output is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOptions {
    /// The format.
    pub format: Format,
    /// The decimals of amounts; `None`: few for people, all for programs.
    pub usd_decimals: Option<u32>,
    /// The additional file that describes the output file.
    pub sidecar: Sidecar,
    /// The query, for the manifest, titles and JSON. `None`: the table answers no question about runs.
    pub provenance: Option<Provenance>,
    /// The language of a spreadsheet. Terminal tables and Markdown are in English; a CSV dialect has its own headings.
    pub language: Language,
}

/// An additional file next to an output file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sidecar {
    /// No additional file.
    None,
    /// The manifest.
    Manifest,
}

impl Format {
    /// The name of the format.
    pub fn name(&self) -> &'static str {
        match self {
            Format::Terminal(_) => "table",
            Format::Csv(_) => "csv",
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Markdown => "markdown",
            Format::Xlsx(_) => "xlsx",
        }
    }

    /// The default decimals of amounts.
    fn usd_decimals(&self) -> u32 {
        match self {
            Format::Terminal(_) | Format::Markdown | Format::Xlsx(_) => USD_DECIMALS_FOR_PEOPLE,
            Format::Csv(_) | Format::Json | Format::Ndjson => USD_DECIMALS,
        }
    }

    /// Whether the file of the table has a row of totals.
    fn totals_row(&self, table: &Table) -> TotalsRow {
        let has_totals = match self {
            Format::Terminal(_) | Format::Xlsx(_) => true,
            Format::Csv(dialect) => dialect.is_for_spreadsheets(),
            Format::Json | Format::Ndjson | Format::Markdown => false,
        };
        if has_totals && table.totals.is_some() { TotalsRow::Last } else { TotalsRow::None }
    }
}

/// Writes the table.
///
/// # Errors
/// [`Error::Usage`] when the format or the manifest needs an output file and none is given,
/// [`Error::Output`] when the destination cannot be written.
pub fn write_table(table: &Table, options: &WriteOptions, destination: &Destination) -> Result<()> {
    require_file(options, destination)?;
    let mut totals = ColumnTotals::new(table.columns.iter().map(String::as_str));
    table.rows.iter().for_each(|row| totals.add_cells(row));
    let decimals = options.usd_decimals();
    let mut manifest =
        options.manifest(table.columns.clone(), Some(decimals), options.format.totals_row(table));
    manifest.set_totals(&totals);
    let embedded = manifest.clone();
    options.write(manifest, &mut totals, destination, |_, out| match options.format {
        Format::Terminal(screen) => {
            let provenance = options.provenance.as_ref();
            Ok(terminal::write_answer(table, provenance, options.usd_decimals, &screen, out)?)
        }
        Format::Csv(dialect) => Ok(csv::write_table(table, &dialect, decimals, out)?),
        Format::Json => match &options.provenance {
            Some(scope) => Ok(json::write_answer(table, scope, decimals, out)?),
            None => Ok(json::write_table(table, Layout::Array, decimals, out)?),
        },
        Format::Ndjson => Ok(json::write_table(table, Layout::Lines, decimals, out)?),
        Format::Markdown => Ok(markdown::write_answer(table, options.provenance.as_ref(), decimals, out)?),
        Format::Xlsx(zone) => {
            let form = SpreadsheetForm { language: options.language, zone };
            xlsx::write_table(table, &embedded, form, options.usd_decimals, out)
        }
    })
}

/// Writes the rows as they are read.
///
/// # Errors
/// As [`write_table`]; [`Error::Usage`] when the format cannot be streamed, or when a sheet has too few rows.
pub fn write_rows(rows: &mut RowStream<'_>, options: &WriteOptions, destination: &Destination) -> Result<()> {
    if let Format::Xlsx(zone) = options.format {
        return write_spreadsheet_of_rows(rows, zone, options, destination);
    }
    let columns: Vec<String> = rows.columns().iter().map(|column| column.name.clone()).collect();
    let decimals = options.usd_decimals();
    let mut totals = options.column_totals(&columns);
    let manifest = options.manifest(columns, Some(decimals), TotalsRow::None);
    options.write(manifest, &mut totals, destination, |totals, out| match options.format {
        Format::Csv(dialect) => csv::write_rows(rows, &dialect, decimals, totals, out),
        Format::Json => json::write_rows(rows, Layout::Array, decimals, totals, out),
        Format::Ndjson => json::write_rows(rows, Layout::Lines, decimals, totals, out),
        Format::Terminal(_) | Format::Markdown | Format::Xlsx(_) => {
            Err(Error::usage("rows can only be written as CSV, JSON, NDJSON or XLSX").into())
        }
    })
}

/// Counts the rows and adds them up, and then writes them.
///
/// # Errors
/// As [`write_table`]; [`Error::Usage`] when they are more than a sheet holds, before a file is created.
fn write_spreadsheet_of_rows(
    rows: &mut RowStream<'_>,
    zone: Tz,
    options: &WriteOptions,
    destination: &Destination,
) -> Result<()> {
    require_file(options, destination)?;
    let survey = Survey::of(rows)?;
    let columns: Vec<String> = rows.columns().iter().map(|column| column.name.clone()).collect();
    let mut manifest = options.manifest(columns, Some(options.usd_decimals()), TotalsRow::Last);
    manifest.set_totals(&survey.totals);
    let form = SpreadsheetForm { language: options.language, zone };
    let book = survey.book(rows, &manifest, form, options.usd_decimals)?;
    let mut totals = survey.totals.clone();
    options.write(manifest.clone(), &mut totals, destination, |_, out| book.write(out))
}

/// Checks that a spreadsheet has a file to go to.
fn require_file(options: &WriteOptions, destination: &Destination) -> Result<()> {
    match (options.format, destination) {
        (Format::Xlsx(_), Destination::StandardOutput) => Err(Error::Usage {
            what: "the format xlsx needs an output file".to_owned(),
            hint: Some("give it with --output".to_owned()),
        }),
        _ => Ok(()),
    }
}

/// Writes rows with these columns that `fill` produces; `fill` also adds them to the totals.
///
/// # Errors
/// As [`write_table`], and the errors of `fill`.
pub(crate) fn write_with(
    columns: Vec<String>,
    options: &WriteOptions,
    destination: &Destination,
    fill: impl FnOnce(&mut ColumnTotals, &mut dyn Write) -> Result<(), WriteError>,
) -> Result<()> {
    let mut totals = options.column_totals(&columns);
    let manifest = options.manifest(columns, Some(options.usd_decimals()), TotalsRow::None);
    options.write(manifest, &mut totals, destination, fill)
}

/// Writes the JSON document of each run, one per line, from the rows of [`rows::documents`].
///
/// # Errors
/// As [`write_table`].
pub fn write_documents(
    rows: &mut RowStream<'_>,
    options: &WriteOptions,
    destination: &Destination,
) -> Result<()> {
    let columns =
        ["credit_charge_status", "el_cost_usd", "transformation_cost_usd"].map(str::to_owned).to_vec();
    let mut totals = options.column_totals(&columns);
    let manifest = options.manifest(columns, None, TotalsRow::None);
    options.write(manifest, &mut totals, destination, |totals, out| {
        rows.for_each(|row| {
            let run = rows::read_run(&row)?;
            let usd = |cost: Option<Cost>| Cell::Usd(cost.map(|cost| Usd::from_units(cost.nanos.into())));
            totals.add_cells(&[
                Cell::Text(run.credit_charge_status.as_ref().map(|status| status.as_str().to_owned())),
                usd(run.el_cost_usd),
                usd(run.transformation_cost_usd),
            ]);
            Ok(writeln!(out, "{}", run.document())?)
        })
    })
}

impl WriteOptions {
    /// The format with its default decimals and without a manifest.
    pub fn plain(format: Format) -> WriteOptions {
        WriteOptions {
            format,
            usd_decimals: None,
            sidecar: Sidecar::None,
            provenance: None,
            language: Language::default(),
        }
    }

    fn usd_decimals(&self) -> u32 {
        self.usd_decimals.unwrap_or(self.format.usd_decimals())
    }

    /// Totals of the columns; of no columns if there is no manifest, which saves the additions.
    fn column_totals(&self, columns: &[String]) -> ColumnTotals {
        match self.sidecar {
            Sidecar::None => ColumnTotals::default(),
            Sidecar::Manifest => ColumnTotals::new(columns.iter().map(String::as_str)),
        }
    }

    fn manifest(&self, columns: Vec<String>, usd_decimals: Option<u32>, totals_row: TotalsRow) -> Manifest {
        let dialect = match &self.format {
            Format::Csv(dialect) => Some(dialect),
            _ => None,
        };
        let provenance = self.provenance.clone().unwrap_or_default();
        Manifest::new(self.format.name(), dialect, usd_decimals, columns, totals_row, provenance)
    }

    /// Writes the output of `fill`, then the manifest. If the process is killed in between, the
    /// file does not match the old manifest, and `verify-file` reports it.
    fn write(
        &self,
        mut manifest: Manifest,
        totals: &mut ColumnTotals,
        destination: &Destination,
        fill: impl FnOnce(&mut ColumnTotals, &mut dyn Write) -> Result<(), WriteError>,
    ) -> Result<()> {
        if self.sidecar == Sidecar::None {
            return destination.write(|out| fill(totals, out));
        }
        let (path, manifest_path) = manifest::output_paths(destination)?;
        let mut written = None;
        destination.write(|out| {
            let mut hashing = HashingWriter::new(out);
            fill(totals, &mut hashing)?;
            written = Some(hashing.finish());
            Ok(())
        })?;
        let (bytes, hash) = written.expect("a written file was hashed");
        manifest.set_totals(totals);
        manifest.file = Some(WrittenFile::new(path, bytes, &hash));
        Destination::File(manifest_path).write(|out| Ok(out.write_all(&manifest.json())?))
    }
}
