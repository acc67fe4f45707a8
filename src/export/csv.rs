//! This is CSV for machines: UTF-8, commas, line feeds, a heading, blank for what is not known.
//!
//! An empty text and an unknown one look alike in CSV; the JSON formats tell them apart.

use super::file::WriteError;
use crate::report::Table;
use crate::report::rows::{Selection, Value};
use csv::Writer;
use std::io::{self, Write};

/// Writes the table, every decimal, without the totals.
pub fn write_table(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = Writer::from_writer(out);
    csv.write_record(&table.columns).map_err(io_error)?;
    for row in &table.rows {
        csv.write_record(row.iter().map(|cell| cell.exact().unwrap_or_default())).map_err(io_error)?;
    }
    csv.flush()
}

/// Writes each row as it comes. Doubles have the fewest digits that give them back; bytes are in hexadecimal.
pub fn write_rows(selection: &mut Selection<'_>, out: &mut dyn Write) -> Result<(), WriteError> {
    let mut csv = Writer::from_writer(out);
    csv.write_record(selection.columns().iter().map(|column| column.name.as_bytes())).map_err(io_error)?;
    let mut text = Vec::new();
    selection.for_each(|row| -> Result<(), WriteError> {
        for value in row.values() {
            text.clear();
            let field = match value {
                Value::Null => b"",
                Value::Text(text) | Value::Json(text) => text,
                Value::Integer(whole) => {
                    write!(text, "{whole}")?;
                    &text
                }
                Value::Real(real) => {
                    write!(text, "{real}")?;
                    &text
                }
                Value::Blob(bytes) => {
                    super::write_hex(bytes, &mut text);
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

/// The system's own error, with its kind: a closed pipe must be known as one.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}
