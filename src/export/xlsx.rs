//! This is a spreadsheet (XLSX): real numbers, real dates, and the manifest on a second sheet.
//!
//! Texts are written as texts, so none is ever a formula or a link. A spreadsheet's numbers are doubles: money is the
//! double nearest to the exact amount, or to what it was to be rounded to, and shown with so many decimals. The exact sums stand as texts in the manifest.

use super::destination::WriteError;
use super::manifest::Manifest;
use crate::error::Error;
use crate::report::Table;
use chrono_tz::Tz;
use std::io::Write;

/// Writes the table with its totals, money rounded to so many decimals (`None`: shown with few, and not rounded) and
/// instants in `zone`; and the manifest.
#[cfg(not(feature = "xlsx"))]
pub fn write_table(
    _table: &Table,
    _manifest: &Manifest,
    _zone: Tz,
    _usd_decimals: Option<u32>,
    _out: &mut dyn Write,
) -> Result<(), WriteError> {
    Err(WriteError::Source(Error::Usage {
        what: "this runledger was built without spreadsheets".to_owned(),
        hint: Some("build it with `cargo install --path . --features xlsx`, or use --format csv".to_owned()),
    }))
}

/// Writes the table with its totals, money rounded to so many decimals (`None`: shown with few, and not rounded) and
/// instants in `zone`; and the manifest.
///
/// # Errors
/// [`Error::Usage`] when the answer is more than a sheet holds.
#[cfg(feature = "xlsx")]
pub fn write_table(
    table: &Table,
    manifest: &Manifest,
    zone: Tz,
    usd_decimals: Option<u32>,
    out: &mut dyn Write,
) -> Result<(), WriteError> {
    let refused = |cause: rust_xlsxwriter::XlsxError| {
        WriteError::Source(Error::Usage {
            what: format!("the answer does not fit into a spreadsheet: {cause}"),
            hint: Some("use --format csv".to_owned()),
        })
    };
    let bytes = book::of(table, manifest, zone, usd_decimals).map_err(refused)?;
    Ok(out.write_all(&bytes)?)
}

#[cfg(feature = "xlsx")]
mod book {
    use crate::export::dialect::has_instants;
    use crate::export::manifest::Manifest;
    use crate::report::table::{USD_DECIMALS, USD_DECIMALS_FOR_PEOPLE};
    use crate::report::{Cell, Table};
    use crate::run::Instant;
    use crate::run::json::Entries;
    use chrono::{Datelike, Timelike};
    use chrono_tz::Tz;
    use rust_xlsxwriter::{
        DocProperties, ExcelDateTime, Format, FormatBorder, Workbook, Worksheet, XlsxError,
    };
    use serde_json::value::RawValue;

    /// The bounds of a column's width, in digits.
    const NARROWEST: usize = 8;
    const WIDEST: usize = 60;

    /// What the button of a filter takes from a heading's width, in digits.
    const FILTER_BUTTON: usize = 3;

    const INSTANT_FORM: &str = "yyyy-mm-dd hh:mm:ss";

    /// The whole file. The same answer gives the same bytes.
    pub fn of(
        table: &Table,
        manifest: &Manifest,
        zone: Tz,
        usd_decimals: Option<u32>,
    ) -> Result<Vec<u8>, XlsxError> {
        let mut book = Workbook::new();
        // Every file has an instant of creation; this is the first that the format can have.
        let long_ago = ExcelDateTime::from_ymd(1980, 1, 1)?;
        book.set_properties(&DocProperties::new().set_creation_datetime(&long_ago));
        write_answer(book.add_worksheet().set_name("report")?, table, zone, usd_decimals)?;
        write_manifest(book.add_worksheet().set_name("manifest")?, manifest)?;
        book.save_to_buffer()
    }

    fn write_answer(
        sheet: &mut Worksheet,
        table: &Table,
        zone: Tz,
        usd_decimals: Option<u32>,
    ) -> Result<(), XlsxError> {
        let bold = Format::new().set_bold();
        let mut widths = Vec::with_capacity(table.columns.len());
        for (column, name) in (0..).zip(&table.columns) {
            sheet.write_string_with_format(0, column, name, &bold)?;
            widths.push(name.chars().count() + FILTER_BUTTON);
        }
        let totals = table.totals_row();
        for (nth, row) in (1..).zip(table.rows.iter().chain(&totals)) {
            // The totals are told from the rows by a line above them.
            let base = match totals.is_some() && nth as usize > table.rows.len() {
                true => Format::new().set_bold().set_border_top(FormatBorder::Thin),
                false => Format::new(),
            };
            for (column, cell) in (0..).zip(row) {
                let name = &table.columns[usize::from(column)];
                let width = write_cell(sheet, (nth, column), name, cell, &base, zone, usd_decimals)?;
                widths[usize::from(column)] = widths[usize::from(column)].max(width);
            }
        }
        for (column, width) in (0..).zip(widths) {
            sheet.set_column_width(column, width.clamp(NARROWEST, WIDEST) as f64)?;
        }
        sheet.set_freeze_panes(1, 0)?;
        if let (Some(last), Ok(rows)) = (table.columns.len().checked_sub(1), u32::try_from(table.rows.len()))
        {
            sheet.autofilter(0, 0, rows, last as u16)?;
        }
        Ok(())
    }

    /// Writes the cell, and says how wide it is shown. What is not known stays empty.
    fn write_cell(
        sheet: &mut Worksheet,
        (row, column): (u32, u16),
        name: &str,
        cell: &Cell,
        base: &Format,
        zone: Tz,
        usd_decimals: Option<u32>,
    ) -> Result<usize, XlsxError> {
        let form = |form: &str| base.clone().set_num_format(form);
        let decimals = |count: u32| match count {
            0 => "#,##0".to_owned(),
            count => format!("#,##0.{}", "0".repeat(count as usize)),
        };
        let Some(exact) = cell.exact_to(usd_decimals.unwrap_or(USD_DECIMALS)) else {
            sheet.write_blank(row, column, base)?;
            return Ok(0);
        };
        let instant = || Instant::parse(&exact).filter(|_| has_instants(name)).and_then(|at| local(at, zone));
        let format = match cell {
            Cell::Text(_) => match instant() {
                Some(instant) => {
                    sheet.write_datetime_with_format(row, column, &instant, &form(INSTANT_FORM))?;
                    return Ok(INSTANT_FORM.len());
                }
                None => {
                    sheet.write_string_with_format(row, column, &exact, base)?;
                    return Ok(exact.chars().count());
                }
            },
            Cell::Usd(_) => form(&decimals(usd_decimals.unwrap_or(USD_DECIMALS_FOR_PEOPLE))),
            Cell::Seconds(_) => form(&decimals(3)),
            Cell::Share(_) => form("0.0%"),
            Cell::Count(_) => form("0"),
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

    /// The instant as a spreadsheet counts it, cut to the second; `None`: it knows no such year.
    fn local(instant: Instant, zone: Tz) -> Option<ExcelDateTime> {
        let at = instant.to_utc().with_timezone(&zone);
        let day =
            ExcelDateTime::from_ymd(u16::try_from(at.year()).ok()?, at.month() as u8, at.day() as u8).ok()?;
        day.and_hms(at.hour() as u16, at.minute() as u8, at.second() as f64).ok()
    }

    fn write_manifest(sheet: &mut Worksheet, manifest: &Manifest) -> Result<(), XlsxError> {
        let json = manifest.json();
        let mut lines = Vec::new();
        if let Ok(whole) = serde_json::from_slice::<&RawValue>(&json) {
            flatten(String::new(), whole, &mut lines);
        }
        let bold = Format::new().set_bold();
        for (row, (name, value)) in (0..).zip(&lines) {
            sheet.write_string_with_format(row, 0, name, &bold)?;
            sheet.write_string(row, 1, value)?;
        }
        sheet.set_column_width(0, 36)?;
        sheet.set_column_width(1, WIDEST as f64)?;
        Ok(())
    }

    /// Every value of the JSON with the path that leads to it, in its order; null is blank.
    fn flatten(path: String, json: &RawValue, lines: &mut Vec<(String, String)>) {
        let inner = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        if let Some(entries) = Entries::of(json) {
            for entry in &entries.0 {
                flatten(inner(&entry.key), entry.value, lines);
            }
        } else if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(json.get()) {
            for (nth, item) in (1..).zip(items) {
                flatten(inner(&format!("{nth}")), item, lines);
            }
        } else {
            let text = match json.get() {
                "null" => String::new(),
                value => serde_json::from_str(value).unwrap_or_else(|_| value.to_owned()),
            };
            lines.push((path, text));
        }
    }
}
