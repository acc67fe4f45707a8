//! XLSX spreadsheets: real numbers, real dates, and the manifest on a second sheet.
//!
//! Texts are written as string cells, so no text becomes a formula or a link. Numbers in
//! spreadsheets are doubles: a cell contains the double nearest to the exact or rounded amount. The
//! manifest contains the exact sums as texts. A text that exceeds a cell is cut, says so at its end,
//! and is reported on standard error.

use super::destination::WriteError;
use super::manifest::Manifest;
use crate::error::Error;
use crate::report::Table;
use chrono_tz::Tz;
use std::io::Write;

/// Without the feature `xlsx`, reports that it is missing.
///
/// # Errors
/// Always [`Error::Usage`].
#[cfg(not(feature = "xlsx"))]
pub fn write_table(
    _table: &Table,
    _manifest: &Manifest,
    _zone: Tz,
    _usd_decimals: Option<u32>,
    _out: &mut dyn Write,
) -> Result<(), WriteError> {
    Err(WriteError::Source(Error::Usage {
        what: "this runledger was built without the format xlsx".to_owned(),
        hint: Some("build it with `cargo install --path . --features xlsx`, or use --format csv".to_owned()),
    }))
}

/// Writes the table with its totals, and the manifest. Amounts are rounded to `usd_decimals`
/// decimals (`None`: displayed with few decimals but not rounded). Instants are in `zone`.
///
/// # Errors
/// [`Error::Usage`] when the table exceeds the limits of a sheet.
#[cfg(feature = "xlsx")]
pub(crate) fn write_table(
    table: &Table,
    manifest: &Manifest,
    zone: Tz,
    usd_decimals: Option<u32>,
    out: &mut dyn Write,
) -> Result<(), WriteError> {
    let too_large = |cause: rust_xlsxwriter::XlsxError| {
        WriteError::Source(Error::Usage {
            what: format!("the table does not fit into a spreadsheet: {cause}"),
            hint: Some("use --format csv".to_owned()),
        })
    };
    let (bytes, cut) = workbook::build(table, manifest, zone, usd_decimals).map_err(too_large)?;
    out.write_all(&bytes)?;
    if cut > 0 {
        tracing::warn!(
            "{cut} {} longer than the 32,767 characters of a spreadsheet cell and cut; --format csv writes each text whole",
            if cut == 1 { "text is" } else { "texts are" }
        );
    }
    Ok(())
}

#[cfg(feature = "xlsx")]
mod workbook {
    use crate::export::dialect::is_instant_column;
    use crate::export::manifest::{Manifest, Provenance};
    use crate::export::title::Title;
    use crate::report::table::{RATE_DECIMALS_FOR_PEOPLE, USD_DECIMALS, USD_DECIMALS_FOR_PEOPLE};
    use crate::report::{Cell, Table};
    use crate::run::Instant;
    use crate::run::json::Entries;
    use chrono::{Datelike, Timelike};
    use chrono_tz::Tz;
    use rust_xlsxwriter::{
        DocProperties, ExcelDateTime, Format, FormatBorder, Workbook, Worksheet, XlsxError,
    };
    use serde_json::value::RawValue;
    use std::borrow::Cow;

    /// The limits of the column width, in digits.
    const MIN_WIDTH: usize = 8;
    const MAX_WIDTH: usize = 60;

    /// The width of a filter button in a heading, in digits.
    const FILTER_BUTTON: usize = 3;

    const INSTANT_FORMAT: &str = "yyyy-mm-dd hh:mm:ss";

    /// The most UTF-16 code units of a text in a cell.
    const MAX_TEXT: usize = 32_767;

    /// The end of a text that was cut.
    const CUT: &str = "… [cut: a spreadsheet cell has at most 32,767 characters]";

    /// Builds the file, and returns it with the number of texts that were cut. The same table gives
    /// the same bytes.
    pub(super) fn build(
        table: &Table,
        manifest: &Manifest,
        zone: Tz,
        usd_decimals: Option<u32>,
    ) -> Result<(Vec<u8>, usize), XlsxError> {
        let mut workbook = Workbook::new();
        // The creation time is fixed, as it is mandatory: the first that the format allows.
        let created_at = ExcelDateTime::from_ymd(1980, 1, 1)?;
        workbook.set_properties(&DocProperties::new().set_creation_datetime(&created_at));
        let sheet = workbook.add_worksheet().set_name("report")?;
        let cut = write_sheet(sheet, table, &manifest.provenance, zone, usd_decimals)?;
        write_manifest(workbook.add_worksheet().set_name("manifest")?, manifest)?;
        Ok((workbook.save_to_buffer()?, cut))
    }

    /// Whether the text is too long for a cell.
    fn exceeds_a_cell(text: &str) -> bool {
        text.len() > MAX_TEXT && text.encode_utf16().count() > MAX_TEXT
    }

    /// The text as it fits into a cell. Lines end with LF: a CR would be the letters `_x000D_` in the file, which
    /// many readers show.
    fn fit(text: &str) -> Cow<'_, str> {
        if text.contains('\r') {
            return Cow::Owned(fit(&text.replace("\r\n", "\n").replace('\r', "\n")).into_owned());
        }
        if !exceeds_a_cell(text) {
            return Cow::Borrowed(text);
        }
        let mut left = MAX_TEXT - CUT.encode_utf16().count();
        let kept = text.chars().take_while(|letter| {
            let fits = letter.len_utf16() <= left;
            left -= letter.len_utf16().min(left);
            fits
        });
        Cow::Owned(kept.chain(CUT.chars()).collect())
    }

    /// Writes the title, the table and the notes. Returns the number of texts that were cut.
    fn write_sheet(
        sheet: &mut Worksheet,
        table: &Table,
        provenance: &Provenance,
        zone: Tz,
        usd_decimals: Option<u32>,
    ) -> Result<usize, XlsxError> {
        let mut cut = 0;
        let bold = Format::new().set_bold();
        let header = write_title(sheet, provenance)?;
        let mut widths = Vec::with_capacity(table.columns.len());
        for (column, name) in (0..).zip(&table.columns) {
            sheet.write_string_with_format(header, column, fit(name), &bold)?;
            widths.push(name.chars().count() + FILTER_BUTTON);
        }
        let totals = table.totals_row();
        let mut end = header + 1;
        for (number, row) in (1..).zip(table.rows.iter().chain(&totals)) {
            let index = header + number;
            end = index + 1;
            // A border separates the totals from the rows.
            let base = match totals.is_some() && number as usize > table.rows.len() {
                true => Format::new().set_bold().set_border_top(FormatBorder::Thin),
                false => Format::new(),
            };
            for (column, cell) in (0..).zip(row) {
                let name = &table.columns[usize::from(column)];
                let width = write_cell(sheet, (index, column), name, cell, &base, zone, usd_decimals)?;
                cut += usize::from(matches!(cell, Cell::Text(Some(text)) if exceeds_a_cell(text)));
                widths[usize::from(column)] = widths[usize::from(column)].max(width);
            }
        }
        for (column, width) in (0..).zip(widths) {
            sheet.set_column_width(column, width.clamp(MIN_WIDTH, MAX_WIDTH) as f64)?;
        }
        for (row, note) in (end + 1..).zip(&provenance.notes) {
            sheet.write_string(row, 0, fit(note))?;
        }
        sheet.set_freeze_panes(header + 1, 0)?;
        if let (Some(last), Ok(rows)) = (table.columns.len().checked_sub(1), u32::try_from(table.rows.len()))
        {
            sheet.autofilter(header, 0, header + rows, last as u16)?;
        }
        Ok(cut)
    }

    /// Writes the title of the answer, and returns the row of the headings below it.
    fn write_title(sheet: &mut Worksheet, provenance: &Provenance) -> Result<u32, XlsxError> {
        let Some(Title { subject, context }) = Title::of(provenance) else { return Ok(0) };
        sheet.write_string_with_format(0, 0, fit(&subject), &Format::new().set_bold())?;
        sheet.write_string(1, 0, fit(&context))?;
        match &provenance.summary {
            Some(summary) => sheet.write_string(2, 0, fit(summary))?,
            None => return Ok(3),
        };
        Ok(4)
    }

    /// Writes the cell and returns its width in characters. An unknown value is an empty cell.
    fn write_cell(
        sheet: &mut Worksheet,
        (row, column): (u32, u16),
        name: &str,
        cell: &Cell,
        base: &Format,
        zone: Tz,
        usd_decimals: Option<u32>,
    ) -> Result<usize, XlsxError> {
        let number_format = |format: &str| base.clone().set_num_format(format);
        let decimals = |count: u32| match count {
            0 => "#,##0".to_owned(),
            count => format!("#,##0.{}", "0".repeat(count as usize)),
        };
        let Some(exact) = cell.exact_to(usd_decimals.unwrap_or(USD_DECIMALS)) else {
            sheet.write_blank(row, column, base)?;
            return Ok(0);
        };
        let instant =
            || Instant::parse(&exact).filter(|_| is_instant_column(name)).and_then(|at| local(at, zone));
        let format = match cell {
            Cell::Text(_) => match instant() {
                Some(instant) => {
                    sheet.write_datetime_with_format(
                        row,
                        column,
                        &instant,
                        &number_format(INSTANT_FORMAT),
                    )?;
                    return Ok(INSTANT_FORMAT.len());
                }
                None => {
                    sheet.write_string_with_format(row, column, fit(&exact), base)?;
                    return Ok(exact.chars().count());
                }
            },
            Cell::Usd(_) => number_format(&decimals(usd_decimals.unwrap_or(USD_DECIMALS_FOR_PEOPLE))),
            Cell::Converted(_) => number_format(&decimals(usd_decimals.unwrap_or(USD_DECIMALS_FOR_PEOPLE))),
            Cell::Rate(_) => number_format(&decimals(RATE_DECIMALS_FOR_PEOPLE)),
            Cell::Seconds(_) => number_format(&decimals(3)),
            Cell::Share(_) => number_format("0.0%"),
            Cell::Count(_) => number_format("0"),
            Cell::Real(_) => base.clone(),
        };
        match exact.parse::<f64>() {
            Ok(number) if number.is_finite() => {
                sheet.write_number_with_format(row, column, number, &format)?
            }
            _ => sheet.write_string_with_format(row, column, &exact, base)?,
        };
        Ok(exact.len())
    }

    /// The instant as spreadsheet date, truncated to the second; `None`: spreadsheets do not
    /// support its year.
    fn local(instant: Instant, zone: Tz) -> Option<ExcelDateTime> {
        let at = instant.to_utc().with_timezone(&zone);
        let day =
            ExcelDateTime::from_ymd(u16::try_from(at.year()).ok()?, at.month() as u8, at.day() as u8).ok()?;
        day.and_hms(at.hour() as u16, at.minute() as u8, at.second() as f64).ok()
    }

    fn write_manifest(sheet: &mut Worksheet, manifest: &Manifest) -> Result<(), XlsxError> {
        let json = manifest.json();
        let mut entries = Vec::new();
        if let Ok(root) = serde_json::from_slice::<&RawValue>(&json) {
            flatten(String::new(), root, &mut entries);
        }
        let bold = Format::new().set_bold();
        for (row, (name, value)) in (0..).zip(&entries) {
            sheet.write_string_with_format(row, 0, fit(name), &bold)?;
            sheet.write_string(row, 1, fit(value))?;
        }
        sheet.set_column_width(0, 36)?;
        sheet.set_column_width(1, MAX_WIDTH as f64)?;
        Ok(())
    }

    /// Appends every value of the JSON with its path, in order; null becomes an empty text.
    fn flatten(path: String, json: &RawValue, output: &mut Vec<(String, String)>) {
        let child = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        if let Some(entries) = Entries::of(json) {
            for entry in &entries.0 {
                flatten(child(&entry.key), entry.value, output);
            }
        } else if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(json.get()) {
            for (nth, item) in (1..).zip(items) {
                flatten(child(&format!("{nth}")), item, output);
            }
        } else {
            let text = match json.get() {
                "null" => String::new(),
                value => serde_json::from_str(value).unwrap_or_else(|_| value.to_owned()),
            };
            output.push((path, text));
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn lines_in_a_cell_end_with_lf() {
            assert_eq!(fit("a\r\nb\rc\nd"), "a\nb\nc\nd");
            assert_eq!(fit(&"\r\n".repeat(MAX_TEXT)), "\n".repeat(MAX_TEXT));
        }

        #[test]
        fn a_text_longer_than_a_cell_is_cut_and_says_so() {
            for (letter, units) in [("x", 1), ("é", 1), ("👩", 2)] {
                let longest = letter.repeat(MAX_TEXT / units);
                assert_eq!(fit(&longest), longest);
                let too_long = format!("{longest}{letter}");
                let fitting = fit(&too_long);
                let length = fitting.encode_utf16().count();
                assert!(fitting.starts_with(letter) && fitting.ends_with(CUT), "{letter}");
                assert!((MAX_TEXT - 1..=MAX_TEXT).contains(&length), "{letter}: {length}");
            }
        }
    }
}
