//! This is CSV: a heading, a row a line, blank for what is not known, in a dialect.
//!
//! An empty text and an unknown one look alike in CSV; the JSON formats tell them apart.

use super::column_totals::ColumnTotals;
use super::destination::WriteError;
use super::dialect::Dialect;
use crate::report::Table;
use crate::report::rows::{RowStream, Value};
use csv::{ByteRecord, ReaderBuilder, StringRecord, Terminator, Writer, WriterBuilder};
use std::io::{self, BufRead, Write};

/// What tells a spreadsheet that a file is UTF-8.
const BOM: &[u8] = "\u{feff}".as_bytes();

/// Writes the table, money with so many decimals; in a dialect for spreadsheets with the totals.
pub fn write_table(
    table: &Table,
    dialect: &Dialect,
    usd_decimals: u32,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut csv = writer(dialect, out)?;
    csv.write_record(&table.columns).map_err(io_error)?;
    let totals = table.totals_row().filter(|_| dialect.is_for_spreadsheets());
    for row in table.rows.iter().chain(&totals) {
        for (column, cell) in table.columns.iter().zip(row) {
            let text = cell.exact_to(usd_decimals).unwrap_or_default();
            let field = match cell.is_number() {
                true => {
                    let mut number = text.into_bytes();
                    dialect.mark_decimals(&mut number);
                    number
                }
                false => dialect.text(column, &text).into_owned().into_bytes(),
            };
            csv.write_field(field).map_err(io_error)?;
        }
        csv.write_record(None::<&[u8]>).map_err(io_error)?;
    }
    csv.flush()
}

/// Writes each row as it comes, money with so many decimals, and lets `tally` see it. Doubles have the
/// fewest digits that give them back; bytes are in hexadecimal.
pub fn write_rows(
    selection: &mut RowStream<'_>,
    dialect: &Dialect,
    usd_decimals: u32,
    tally: &mut ColumnTotals,
    out: &mut dyn Write,
) -> Result<(), WriteError> {
    let mut csv = writer(dialect, out)?;
    let names: Vec<String> = selection.columns().iter().map(|column| column.name.clone()).collect();
    csv.write_record(&names).map_err(io_error)?;
    let (for_spreadsheets, mut text) = (dialect.is_for_spreadsheets(), Vec::new());
    selection.for_each(|row| -> Result<(), WriteError> {
        tally.add_row(&row);
        for (column, value) in names.iter().zip(row.values()) {
            text.clear();
            let field: &[u8] = match value {
                Value::Null => b"",
                Value::Text(words) | Value::Json(words) if !for_spreadsheets => words,
                Value::Text(words) | Value::Json(words) => {
                    text.extend_from_slice(dialect.text(column, &String::from_utf8_lossy(words)).as_bytes());
                    &text
                }
                Value::Integer(whole) => {
                    write!(text, "{whole}")?;
                    &text
                }
                Value::Usd(usd) => {
                    usd.append_fixed(usd_decimals, dialect.decimal_mark, &mut text);
                    &text
                }
                Value::Real(real) => {
                    write!(text, "{real}")?;
                    dialect.mark_decimals(&mut text);
                    &text
                }
                Value::Blob(bytes) => {
                    crate::digest::append_hex(bytes, &mut text);
                    &text
                }
            };
            csv.write_field(field).map_err(io_error)?;
        }
        csv.write_record(None::<&[u8]>).map_err(io_error)?;
        Ok(())
    })?;
    Ok(csv.flush()?)
}

/// Rows of which the caller makes each field: a heading first, then each row as it comes.
pub struct Rows<'w>(Writer<&'w mut dyn Write>);

impl<'w> Rows<'w> {
    /// Writes the heading.
    pub fn new<'n>(columns: impl Iterator<Item = &'n str>, out: &'w mut dyn Write) -> io::Result<Rows<'w>> {
        let mut csv = Writer::from_writer(out);
        csv.write_record(columns.map(str::as_bytes)).map_err(io_error)?;
        Ok(Rows(csv))
    }

    /// Writes the next field of the row; an empty one is "not known".
    pub fn field(&mut self, text: &str) -> io::Result<()> {
        self.0.write_field(text).map_err(io_error)
    }

    /// Ends the row, which has a field for each column.
    pub fn end(&mut self) -> io::Result<()> {
        self.0.write_record(None::<&[u8]>).map_err(io_error)
    }

    /// Writes what is left.
    pub fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Where the totals of a file stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Totals {
    /// Nowhere.
    None,
    /// In its last row, which is none of its rows.
    LastRow,
}

/// Reads a file of the dialect back: each of its rows is added to `tally`, which watches `columns` of it.
///
/// # Errors
/// What the system says, or that the file is no such CSV.
pub fn read_rows(
    mut file: impl BufRead,
    dialect: &Dialect,
    totals: Totals,
    columns: &[String],
    tally: &mut ColumnTotals,
) -> io::Result<()> {
    if file.fill_buf()?.starts_with(BOM) {
        file.consume(BOM.len());
    }
    let mut csv = ReaderBuilder::new().delimiter(dialect.separator).from_reader(file);
    let heading: StringRecord = csv.headers().map_err(io_error)?.clone();
    let places: Vec<usize> = columns
        .iter()
        .map(|column| {
            heading.iter().position(|name| name == column).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, format!("there is no column {column}"))
            })
        })
        .collect::<io::Result<_>>()?;
    let mut add = |record: &ByteRecord| {
        tally.add_texts(places.iter().map(|place| {
            let field = String::from_utf8_lossy(record.get(*place).unwrap_or_default());
            match dialect.decimal_mark {
                b'.' => field,
                mark => field.replace(char::from(mark), ".").into(),
            }
        }));
    };
    // A row is added once it is known not to be the last.
    let (mut record, mut before) = (ByteRecord::new(), None);
    while csv.read_byte_record(&mut record).map_err(io_error)? {
        if let Some(before) = before.replace(record.clone()) {
            add(&before);
        }
    }
    if let (Some(last), Totals::None) = (before, totals) {
        add(&last);
    }
    Ok(())
}

/// A writer in the dialect, behind its mark of UTF-8.
fn writer<'o>(dialect: &Dialect, out: &'o mut dyn Write) -> io::Result<Writer<&'o mut dyn Write>> {
    if dialect.bom {
        out.write_all(BOM)?;
    }
    let terminator = if dialect.is_for_spreadsheets() { Terminator::CRLF } else { Terminator::Any(b'\n') };
    Ok(WriterBuilder::new().delimiter(dialect.separator).terminator(terminator).from_writer(out))
}

/// The system's own error, with its kind: a closed pipe must be known as one.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}
