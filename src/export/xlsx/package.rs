//! The parts of a spreadsheet in their ZIP archive, with rows that are written while they are read.
//!
//! rust_xlsxwriter writes a book without the rows of its tables. Here they are inserted below the headings. Its own
//! mode for constant memory would write all rows to a temporary file first, panic when that disk is full, and keep a
//! map of every cell of an Excel table.

use super::book::Rows;
use super::cell_xml::RowWriter;
use super::column::letters;
use crate::error::Error;
use crate::export::destination::WriteError;
use std::collections::HashMap;
use std::io::{self, Cursor, Read, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The bytes of rows that are compressed together.
const BUFFER_BYTES: usize = 64 * 1024;

/// The cells above which a part could exceed 4 GiB, and needs the 64-bit form of ZIP.
const MANY_CELLS: u64 = 10_000_000;

/// The rows of a sheet, and where they belong.
pub(super) struct SheetRows<'a> {
    /// The number of the sheet, counted from one.
    pub(super) sheet: usize,
    /// The row of the headings, counted from zero.
    pub(super) header_row: u32,
    /// The last row of the sheet that is in use, counted from zero.
    pub(super) last_row: u32,
    /// The number of columns.
    pub(super) columns: usize,
    /// The rows.
    pub(super) rows: Rows<'a>,
    /// Their form.
    pub(super) writer: RowWriter,
    /// The number of the Excel table, counted from one, and whether it has a row of totals.
    pub(super) table: usize,
    /// Whether the table has a row of totals.
    pub(super) has_totals: bool,
}

impl SheetRows<'_> {
    /// The range of the table with one row, as it is in the book, or with all rows.
    fn range(&self, rows: u64, has_totals: bool) -> String {
        let (first, last) = (self.header_row + 1, letters(self.columns - 1));
        format!("\"A{first}:{last}{}\"", u64::from(first) + rows + u64::from(has_totals))
    }
}

/// Writes the book with its rows. Returns the number of texts that were cut.
///
/// # Errors
/// Those of the output, and of reading the rows.
pub(super) fn write(
    book: Vec<u8>,
    sheets: Vec<SheetRows<'_>>,
    out: &mut dyn Write,
) -> Result<usize, WriteError> {
    let mut sheets: HashMap<String, SheetRows<'_>> =
        sheets.into_iter().map(|sheet| (format!("xl/worksheets/sheet{}.xml", sheet.sheet), sheet)).collect();
    let tables: HashMap<String, (String, String)> = sheets.values().map(table_ranges).collect();
    let mut parts = ZipArchive::new(Cursor::new(book)).map_err(io_error)?;
    let mut zip = ZipWriter::new_stream(UntilError { out, has_failed: false });
    let mut cut = 0;
    for index in 0..parts.len() {
        let mut part = parts.by_index(index).map_err(io_error)?;
        let name = part.name().map_err(io_error)?.into_owned();
        let mut xml = String::new();
        part.read_to_string(&mut xml)?;
        let rows = sheets.remove(&name);
        let cells = rows.as_ref().map_or(0, |sheet| sheet.rows.count() * sheet.columns as u64);
        // The time of a part is the first that the format has.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(0o600)
            .large_file(cells > MANY_CELLS);
        zip.start_file(name.as_str(), options).map_err(io_error)?;
        if let Some(sheet) = rows {
            cut += write_sheet(&xml, sheet, &mut zip)?;
        } else if let Some((own, whole)) = tables.get(&name) {
            zip.write_all(with_ranges(&xml, own, whole).as_bytes())?;
        } else {
            zip.write_all(xml.as_bytes())?;
        }
    }
    zip.finish().map_err(io_error)?;
    Ok(cut)
}

/// An output that ignores what follows its first error. A dropped ZIP writer tries to complete the archive, and prints
/// another error if it cannot.
struct UntilError<'o> {
    out: &'o mut dyn Write,
    has_failed: bool,
}

impl Write for UntilError<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.has_failed {
            true => Ok(bytes.len()),
            false => self.out.write(bytes).inspect_err(|error| {
                self.has_failed = error.kind() != io::ErrorKind::Interrupted;
            }),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.has_failed {
            true => Ok(()),
            false => self.out.flush().inspect_err(|_| self.has_failed = true),
        }
    }
}

/// Writes the part of a sheet with its rows. Returns the number of texts that were cut.
fn write_sheet(xml: &str, sheet: SheetRows<'_>, out: &mut dyn Write) -> Result<usize, WriteError> {
    let (before, after) = split_below(xml, sheet.header_row, sheet.rows.count())
        .ok_or_else(|| Error::Internal("a sheet has no row of headings".to_owned()))?;
    let size = format!("<dimension ref=\"A1:{}{}\"/>", letters(sheet.columns - 1), sheet.last_row + 1);
    out.write_all(with_dimension(before, &size).as_bytes())?;
    let SheetRows { rows, mut writer, .. } = sheet;
    let mut buffer = Vec::with_capacity(BUFFER_BYTES + BUFFER_BYTES / 4);
    match rows {
        Rows::Cells(rows) => {
            for row in &rows {
                writer.append(row, &mut buffer);
                flush_above(BUFFER_BYTES, &mut buffer, out)?;
            }
        }
        Rows::Stream { each, .. } => each(&mut |row| {
            writer.append(row, &mut buffer);
            flush_above(BUFFER_BYTES, &mut buffer, out)
        })?,
    }
    flush_above(0, &mut buffer, out)?;
    out.write_all(after.as_bytes())?;
    Ok(writer.cut)
}

fn flush_above(limit: usize, buffer: &mut Vec<u8>, out: &mut dyn Write) -> Result<(), WriteError> {
    if buffer.len() > limit {
        out.write_all(buffer)?;
        buffer.clear();
    }
    Ok(())
}

/// The part of a sheet up to its headings, and from the first row below the inserted ones. `None`: there is no row of
/// headings.
fn split_below(xml: &str, header_row: u32, rows: u64) -> Option<(&str, &str)> {
    let header = xml.find(&format!("<row r=\"{}\"", header_row + 1))?;
    let end = header + xml[header..].find("</row>")? + "</row>".len();
    let (before, mut after) = xml.split_at(end);
    // An Excel table of one row left its row of totals in the place of a row, empty.
    if rows > 1 && after.starts_with(&format!("<row r=\"{}\"", header_row + 3)) {
        let row_end = match (after.find("/>"), after.find('>')) {
            (Some(empty), Some(open)) if empty + 1 == open => open + 1,
            _ => after.find("</row>")? + "</row>".len(),
        };
        after = &after[row_end..];
    }
    Some((before, after))
}

/// The part with the size of the sheet.
fn with_dimension(xml: &str, dimension: &str) -> String {
    let found = xml.find("<dimension ").and_then(|start| Some((start, start + xml[start..].find("/>")? + 2)));
    match found {
        Some((start, end)) => [&xml[..start], dimension, &xml[end..]].concat(),
        None => xml.to_owned(),
    }
}

/// The part of a sheet's table, with its ranges in the book and in the file.
fn table_ranges(sheet: &SheetRows<'_>) -> (String, (String, String)) {
    let ranges = |rows: u64| {
        let whole = sheet.range(rows, sheet.has_totals);
        [whole, sheet.range(rows, false)].join(" ")
    };
    (format!("xl/tables/table{}.xml", sheet.table), (ranges(1), ranges(sheet.rows.count())))
}

/// The part of a table with other ranges: of the table, and of its filter without the totals.
fn with_ranges(xml: &str, own: &str, whole: &str) -> String {
    let pairs = own.split(' ').zip(whole.split(' '));
    let mut parts = xml.to_owned();
    for ((own, whole), element) in pairs.zip(["displayName=", "<autoFilter "]) {
        if let Some(at) = parts.find(element) {
            let (before, after) = parts.split_at(at);
            parts = format!("{before}{}", after.replacen(&format!("ref={own}"), &format!("ref={whole}"), 1));
        }
    }
    parts
}

fn io_error(error: zip::result::ZipError) -> WriteError {
    WriteError::Io(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_ignores_what_follows_its_error() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::StorageFull.into())
            }
        }
        let mut out = UntilError { out: &mut Full, has_failed: false };
        assert_eq!(out.write_all(b"first").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(out.write_all(b"second").is_ok() && out.flush().is_ok());
    }

    #[test]
    fn rows_are_inserted_below_the_headings() {
        let sheet = "<sheetData><row r=\"1\"><c/></row><row r=\"5\"><c/></row><row r=\"7\"></row><row r=\"9\"><c/></row>";
        let (before, after) = split_below(sheet, 4, 3).unwrap();
        assert!(before.ends_with("<row r=\"5\"><c/></row>") && after == "<row r=\"9\"><c/></row>", "{after}");
        assert!(split_below(sheet, 4, 1).unwrap().1.starts_with("<row r=\"7\">"), "these are its totals");
        let short = sheet.replace("<row r=\"7\"></row>", "<row r=\"7\"/>");
        assert_eq!(split_below(&short, 4, 3).unwrap().1, "<row r=\"9\"><c/></row>");
        assert_eq!(split_below(sheet, 7, 3), None);
    }

    #[test]
    fn a_table_and_its_filter_get_their_ranges() {
        let xml =
            r#"<table id="1" displayName="RL_a" ref="A5:C7" totalsRowCount="1"><autoFilter ref="A5:C6"/>"#;
        assert_eq!(
            with_ranges(xml, "\"A5:C7\" \"A5:C6\"", "\"A5:C16\" \"A5:C15\""),
            r#"<table id="1" displayName="RL_a" ref="A5:C16" totalsRowCount="1"><autoFilter ref="A5:C15"/>"#
        );
        assert_eq!(with_dimension("a<dimension ref=\"A1\"/>b", "<d/>"), "a<d/>b");
    }
}
