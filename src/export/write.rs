//! This is the writing of an answer: in its format, to its place, with its manifest beside it.

use super::column_totals::ColumnTotals;
use super::csv::{self, Totals};
use super::destination::{Destination, WriteError};
use super::dialect::Dialect;
use super::json::{self, Layout};
use super::manifest::{self, Asked, Manifest, Written};
use super::{markdown, terminal, xlsx};
use crate::digest::HashingWriter;
use crate::error::{Error, Result};
use crate::report::rows::{self, RowStream};
use crate::report::table::{USD_DECIMALS, USD_DECIMALS_FOR_PEOPLE};
use crate::report::{Cell, Table};
use chrono_tz::Tz;
use std::io::Write;

/// Every format that an answer can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people at a terminal.
    Terminal,
    /// CSV in a dialect.
    Csv(Dialect),
    /// An array of objects.
    Json,
    /// One object a line.
    Ndjson,
    /// For people reading a page.
    Markdown,
    /// A spreadsheet, with its instants in this zone.
    Xlsx(Tz),
}

/// How an answer is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOptions {
    /// The format.
    pub format: Format,
    /// The decimals of money; `None`: few for people, all for programs.
    pub usd_decimals: Option<u32>,
    /// What stands beside the file.
    pub beside: Sidecar,
    /// What was asked, for the manifest.
    pub asked: Asked,
}

/// What stands beside a file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sidecar {
    /// Nothing.
    Nothing,
    /// Its manifest.
    Manifest,
}

impl Format {
    /// The format's name.
    pub fn name(&self) -> &'static str {
        match self {
            Format::Terminal => "table",
            Format::Csv(_) => "csv",
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Markdown => "markdown",
            Format::Xlsx(_) => "xlsx",
        }
    }

    /// The decimals of money unless others are asked for.
    fn usd_decimals(&self) -> u32 {
        match self {
            Format::Terminal | Format::Markdown | Format::Xlsx(_) => USD_DECIMALS_FOR_PEOPLE,
            Format::Csv(_) | Format::Json | Format::Ndjson => USD_DECIMALS,
        }
    }

    /// Where the totals of a table stand.
    fn totals(&self, table: &Table) -> Totals {
        let shown = match self {
            Format::Terminal | Format::Xlsx(_) => true,
            Format::Csv(dialect) => dialect.is_for_spreadsheets(),
            Format::Json | Format::Ndjson | Format::Markdown => false,
        };
        if shown && table.totals.is_some() { Totals::LastRow } else { Totals::None }
    }
}

/// Writes the table.
///
/// # Errors
/// [`Error::Usage`] when the format or the manifest needs a file and there is none, [`Error::Output`] when
/// the place refuses.
pub fn write_table(table: &Table, writing: &WriteOptions, destination: &Destination) -> Result<()> {
    if matches!((writing.format, destination), (Format::Xlsx(_), Destination::StandardOutput)) {
        return Err(Error::Usage {
            what: "a spreadsheet is written to a file, and there is none".to_owned(),
            hint: Some("name one with --output".to_owned()),
        });
    }
    let mut tally = ColumnTotals::of(table.columns.iter().map(String::as_str));
    table.rows.iter().for_each(|row| tally.add_cells(row));
    let decimals = writing.usd_decimals();
    let mut manifest = writing.manifest(table.columns.clone(), Some(decimals), writing.format.totals(table));
    manifest.take(&tally);
    let inside = manifest.clone();
    writing.write(manifest, &mut tally, destination, |_, out| match writing.format {
        Format::Terminal => Ok(terminal::write_table(table, decimals, out)?),
        Format::Csv(dialect) => Ok(csv::write_table(table, &dialect, decimals, out)?),
        Format::Json => Ok(json::write_table(table, Layout::Array, decimals, out)?),
        Format::Ndjson => Ok(json::write_table(table, Layout::Lines, decimals, out)?),
        Format::Markdown => Ok(markdown::write_table(table, decimals, out)?),
        Format::Xlsx(zone) => xlsx::write_table(table, &inside, zone, writing.usd_decimals, out),
    })
}

/// Writes each row of the selection as it comes.
///
/// # Errors
/// As [`write_table`]; [`Error::Usage`] when the format holds no stream of rows.
pub fn write_rows(
    selection: &mut RowStream<'_>,
    writing: &WriteOptions,
    destination: &Destination,
) -> Result<()> {
    let columns: Vec<String> = selection.columns().iter().map(|column| column.name.clone()).collect();
    let decimals = writing.usd_decimals();
    let mut tally = writing.tally(&columns);
    let manifest = writing.manifest(columns, Some(decimals), Totals::None);
    writing.write(manifest, &mut tally, destination, |tally, out| match writing.format {
        Format::Csv(dialect) => csv::write_rows(selection, &dialect, decimals, tally, out),
        Format::Json => json::write_rows(selection, Layout::Array, decimals, tally, out),
        Format::Ndjson => json::write_rows(selection, Layout::Lines, decimals, tally, out),
        Format::Terminal | Format::Markdown | Format::Xlsx(_) => {
            Err(Error::usage("rows are written as CSV, JSON or NDJSON").into())
        }
    })
}

/// Writes rows with these columns that `fill` makes and tallies itself.
///
/// # Errors
/// As [`write_table`], and whatever `fill` says.
pub fn write_made(
    columns: Vec<String>,
    writing: &WriteOptions,
    destination: &Destination,
    fill: impl FnOnce(&mut ColumnTotals, &mut dyn Write) -> Result<(), WriteError>,
) -> Result<()> {
    let mut tally = writing.tally(&columns);
    let manifest = writing.manifest(columns, Some(writing.usd_decimals()), Totals::None);
    writing.write(manifest, &mut tally, destination, fill)
}

/// Writes each run's own JSON, one a line, from a selection of [`rows::documents`].
///
/// # Errors
/// As [`write_table`].
pub fn write_documents(
    selection: &mut RowStream<'_>,
    writing: &WriteOptions,
    destination: &Destination,
) -> Result<()> {
    let columns =
        ["credit_charge_status", "el_cost_usd", "transformation_cost_usd"].map(str::to_owned).to_vec();
    let mut tally = writing.tally(&columns);
    let manifest = writing.manifest(columns, None, Totals::None);
    writing.write(manifest, &mut tally, destination, |tally, out| {
        selection.for_each(|row| {
            let run = rows::read_run(&row)?;
            let usd = |cost: Option<crate::run::Cost>| {
                Cell::Usd(cost.map(|cost| crate::run::Usd::from_units(cost.nanos.into())))
            };
            tally.add_cells(&[
                Cell::Text(run.credit_charge_status.as_ref().map(|status| status.as_str().to_owned())),
                usd(run.el_cost_usd),
                usd(run.transformation_cost_usd),
            ]);
            Ok(writeln!(out, "{}", run.document())?)
        })
    })
}

impl WriteOptions {
    /// In that format with its own decimals, and nothing beside it.
    pub fn plain(format: Format) -> WriteOptions {
        WriteOptions { format, usd_decimals: None, beside: Sidecar::Nothing, asked: Asked::default() }
    }

    fn usd_decimals(&self) -> u32 {
        self.usd_decimals.unwrap_or(self.format.usd_decimals())
    }

    /// A tally of the columns, or of nothing when nobody will read it.
    fn tally(&self, columns: &[String]) -> ColumnTotals {
        match self.beside {
            Sidecar::Nothing => ColumnTotals::default(),
            Sidecar::Manifest => ColumnTotals::of(columns.iter().map(String::as_str)),
        }
    }

    fn manifest(&self, columns: Vec<String>, usd_decimals: Option<u32>, totals: Totals) -> Manifest {
        let dialect = match &self.format {
            Format::Csv(dialect) => Some(dialect),
            _ => None,
        };
        Manifest::new(self.format.name(), dialect, usd_decimals, columns, totals, self.asked.clone())
    }

    /// Writes what `fill` writes and tallies, then the manifest beside it. Whoever is stopped between the two
    /// leaves a file that the old manifest does not fit, which `verify-file` tells.
    fn write(
        &self,
        mut manifest: Manifest,
        tally: &mut ColumnTotals,
        destination: &Destination,
        fill: impl FnOnce(&mut ColumnTotals, &mut dyn Write) -> Result<(), WriteError>,
    ) -> Result<()> {
        if self.beside == Sidecar::Nothing {
            return destination.write(|out| fill(tally, out));
        }
        let (file, place) = manifest::places(destination)?;
        let mut written = None;
        destination.write(|out| {
            let mut hashing = HashingWriter::new(out);
            fill(tally, &mut hashing)?;
            written = Some(hashing.finish());
            Ok(())
        })?;
        let (bytes, hash) = written.expect("a file that was written was hashed");
        manifest.take(tally);
        manifest.written = Some(Written::new(file, bytes, &hash));
        Destination::File(place).write(|out| Ok(out.write_all(&manifest.json())?))
    }
}
