//! CSV in a dialect: a heading, then one line per row; an unknown value is an empty field.
//!
//! CSV cannot distinguish an empty text from an unknown one; the JSON formats can.

mod record;

use super::column_totals::ColumnTotals;
use super::destination::WriteError;
use super::dialect::Dialect;
use crate::report::Table;
use crate::report::rows::{RowStream, Value};
use csv::{ByteRecord, ReaderBuilder, StringRecord};
use record::RecordWriter;
use std::io::{self, BufRead, Write};

/// The byte order mark, by which a spreadsheet recognizes UTF-8.
const BOM: &[u8] = "\u{feff}".as_bytes();

/// The most rows of a sheet in Excel and LibreOffice, the heading included.
const MAX_SHEET_ROWS: u64 = 1_048_576;

/// Writes the table, amounts with `usd_decimals` decimals. A dialect for spreadsheets gets the
/// totals as last row.
pub fn write_table(
    table: &Table,
    dialect: &Dialect,
    usd_decimals: u32,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut csv = writer(dialect, out)?;
    heading(&mut csv, dialect, table.columns.iter().map(String::as_str))?;
    let totals = match dialect.headings.total() {
        Some(label) => table.totals_labeled(label),
        None => table.totals_row(),
    };
    let totals = totals.filter(|_| dialect.is_for_spreadsheets());
    for row in table.rows.iter().chain(&totals) {
        for (column, cell) in table.columns.iter().zip(row) {
            let text = cell.exact_to(usd_decimals).unwrap_or_default();
            let field = match cell.is_number() {
                true => {
                    let mut number = text.into_bytes();
                    dialect.set_decimal_mark(&mut number);
                    number
                }
                false => dialect.format_text(column, &text).into_owned().into_bytes(),
            };
            csv.field(&field)?;
        }
        csv.end()?;
    }
    csv.flush()?;
    warn_of_rows_beyond_a_sheet(dialect, csv.records());
    Ok(())
}

/// Writes the rows as they are read, amounts with `usd_decimals` decimals, and adds them to the
/// totals. Doubles have the shortest text that parses to the same value; bytes are hexadecimal.
pub fn write_rows(
    rows: &mut RowStream<'_>,
    dialect: &Dialect,
    usd_decimals: u32,
    totals: &mut ColumnTotals,
    out: &mut dyn Write,
) -> Result<(), WriteError> {
    let mut csv = writer(dialect, out)?;
    let names: Vec<String> = rows.columns().iter().map(|column| column.name.clone()).collect();
    heading(&mut csv, dialect, names.iter().map(String::as_str))?;
    let for_spreadsheets = dialect.is_for_spreadsheets();
    let (mut text, mut digits) = (Vec::new(), itoa::Buffer::new());
    rows.for_each(|row| -> Result<(), WriteError> {
        totals.add_row(&row);
        for (column, value) in names.iter().zip(row.values()) {
            text.clear();
            let field: &[u8] = match value {
                Value::Null => b"",
                Value::Text(utf8) | Value::Json(utf8) if !for_spreadsheets => utf8,
                Value::Text(utf8) | Value::Json(utf8) => {
                    text.extend_from_slice(
                        dialect.format_text(column, &String::from_utf8_lossy(utf8)).as_bytes(),
                    );
                    &text
                }
                Value::Integer(whole) => digits.format(whole).as_bytes(),
                Value::Usd(usd) => {
                    usd.append_fixed(usd_decimals, dialect.decimal_mark, &mut text);
                    &text
                }
                Value::Real(real) => {
                    write!(text, "{real}")?;
                    dialect.set_decimal_mark(&mut text);
                    &text
                }
                Value::Blob(bytes) => {
                    crate::digest::append_hex(bytes, &mut text);
                    &text
                }
            };
            csv.field(field)?;
        }
        Ok(csv.end()?)
    })?;
    csv.flush()?;
    warn_of_rows_beyond_a_sheet(dialect, csv.records());
    Ok(())
}

/// Writes the first line.
fn heading<'c>(
    csv: &mut RecordWriter<'_>,
    dialect: &Dialect,
    columns: impl Iterator<Item = &'c str>,
) -> io::Result<()> {
    for column in columns {
        csv.field(dialect.headings.heading(column).as_bytes())?;
    }
    csv.end()
}

/// Warns if a spreadsheet would open only the first of the rows.
fn warn_of_rows_beyond_a_sheet(dialect: &Dialect, rows: u64) {
    if dialect.is_for_spreadsheets() && rows > MAX_SHEET_ROWS {
        tracing::warn!(
            "the file has {rows} rows with its heading, and a spreadsheet opens only the first 1,048,576: write several \
             files, with --period or with --from and --until"
        );
    }
}

/// A writer of rows whose fields the caller formats.
pub struct RowWriter<'w>(RecordWriter<'w>);

impl<'w> RowWriter<'w> {
    /// Writes the heading.
    pub fn new<'n>(
        columns: impl Iterator<Item = &'n str>,
        out: &'w mut dyn Write,
    ) -> io::Result<RowWriter<'w>> {
        let mut csv = RecordWriter::new(out, b',', "\n");
        csv.record(columns)?;
        Ok(RowWriter(csv))
    }

    /// Writes the next field of the row; an empty text is an unknown value.
    pub fn field(&mut self, text: &str) -> io::Result<()> {
        self.0.field(text.as_bytes())
    }

    /// Ends the row, which must have one field per column.
    pub fn end(&mut self) -> io::Result<()> {
        self.0.end()
    }

    /// Flushes the output.
    pub fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The position of the totals in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TotalsRow {
    /// The file has no totals.
    None,
    /// The last row contains the totals and does not count as a row.
    Last,
}

/// Reads a file in the dialect and adds each row to `totals`, which has the columns `columns`. Each of them is a column
/// for programs with its heading in the file.
///
/// # Errors
/// An I/O error, also when the file is not CSV in this dialect.
pub fn read_rows(
    mut file: impl BufRead,
    dialect: &Dialect,
    totals_row: TotalsRow,
    columns: &[(&str, &str)],
    totals: &mut ColumnTotals,
) -> io::Result<()> {
    if file.fill_buf()?.starts_with(BOM) {
        file.consume(BOM.len());
    }
    let mut csv = ReaderBuilder::new().delimiter(dialect.separator).from_reader(file);
    let headings: StringRecord = csv.headers().map_err(io_error)?.clone();
    let indexes: Vec<(&str, usize)> = columns
        .iter()
        .map(|(column, heading)| {
            let index = headings.iter().position(|found| found == *heading).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, format!("there is no column {heading}"))
            })?;
            Ok((*column, index))
        })
        .collect::<io::Result<_>>()?;
    let mut add = |record: &ByteRecord| {
        totals.add_texts(indexes.iter().map(|(column, index)| {
            let field = String::from_utf8_lossy(record.get(*index).unwrap_or_default());
            let text = dialect.headings.original_value(column, &field);
            match dialect.decimal_mark {
                b'.' => text.to_owned(),
                mark => text.replace(char::from(mark), "."),
            }
        }));
    };
    // The last row may contain the totals, so each row is added after the next one is read.
    let (mut record, mut previous) = (ByteRecord::new(), None);
    while csv.read_byte_record(&mut record).map_err(io_error)? {
        if let Some(previous) = previous.replace(record.clone()) {
            add(&previous);
        }
    }
    if let (Some(last), TotalsRow::None) = (previous, totals_row) {
        add(&last);
    }
    Ok(())
}

/// A writer in the dialect, after its byte order mark.
fn writer<'o>(dialect: &Dialect, out: &'o mut dyn Write) -> io::Result<RecordWriter<'o>> {
    if dialect.bom {
        out.write_all(BOM)?;
    }
    Ok(RecordWriter::new(out, dialect.separator, dialect.line_end()))
}

/// Unwraps the I/O error, so that its kind stays: a closed pipe must be recognized.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.map_or_else(String::new, |pos| format!("line {} has ", pos.line()));
            io::Error::other(format!("{line}{len} fields, and the header has {expected_len}"))
        }
        csv::ErrorKind::Utf8 { pos, .. } => {
            let line = pos.map_or_else(String::new, |pos| format!("line {} ", pos.line()));
            io::Error::other(format!("{line}is not UTF-8"))
        }
        _ => io::Error::other("it is not CSV"),
    }
}
