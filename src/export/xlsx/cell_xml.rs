//! The cells of rows as XML, written one row at a time.
//!
//! Amounts are written with all of their digits, which a spreadsheet reads as the nearest double.

use super::cell_format::CellFormat;
use super::column::{Column, letters};
use super::render::{LINE_HEIGHT, MAX_ROW_HEIGHT, WRAP_MARGIN};
use super::text::{append_xml, exceeds_a_cell, fit, lines_in, one_line};
use crate::language::Language;
use crate::report::Cell;
use crate::report::month_states::{CLOSED, RUNNING};
use crate::report::table::USD_DECIMALS;
use crate::run::Instant;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use chrono_tz::Tz;
use std::io::Write;

/// Seconds in a day.
const SECONDS_A_DAY: f64 = 86_400.0;

/// Writes rows of cells.
pub(super) struct RowWriter {
    columns: Vec<CellColumn>,
    language: Language,
    zone: Tz,
    usd_decimals: u32,
    /// The row, counted from one.
    row: u64,
    /// The number of texts that were cut.
    pub(super) cut: usize,
}

/// What the cells of a column have in common.
struct CellColumn {
    field: String,
    letters: String,
    format: CellFormat,
    width: f64,
    styles: ColumnStyles,
}

/// The numbers of the styles of a column's cells in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ColumnStyles {
    /// The style of its format.
    pub(super) usual: u32,
    /// The style of a closed month.
    pub(super) closed: u32,
    /// The style of the running month.
    pub(super) running: u32,
}

impl RowWriter {
    /// A writer whose first row is below `header_row`, which is counted from zero.
    pub(super) fn new(
        columns: &[(&Column, ColumnStyles)],
        language: Language,
        zone: Tz,
        usd_decimals: Option<u32>,
        header_row: u32,
    ) -> RowWriter {
        let column = |(index, (column, styles)): (usize, &(&Column, ColumnStyles))| CellColumn {
            field: column.field.clone(),
            letters: letters(index),
            format: column.format,
            width: column.width,
            styles: *styles,
        };
        RowWriter {
            columns: columns.iter().enumerate().map(column).collect(),
            language,
            zone,
            usd_decimals: usd_decimals.unwrap_or(USD_DECIMALS),
            row: u64::from(header_row) + 2,
            cut: 0,
        }
    }

    /// Appends the next row to `xml`. An unknown value is no cell.
    pub(super) fn append(&mut self, cells: &[Cell], xml: &mut Vec<u8>) {
        put(xml, format_args!("<row r=\"{}\"", self.row));
        // Not every spreadsheet makes room for wrapped texts.
        if let Some(lines @ 2..) = self.lines(cells) {
            let height = (LINE_HEIGHT * lines as f64).min(MAX_ROW_HEIGHT);
            put(xml, format_args!(" ht=\"{height}\" customHeight=\"1\""));
        }
        xml.push(b'>');
        for (column, cell) in self.columns.iter().zip(cells) {
            let open = |style: u32, xml: &mut Vec<u8>| {
                put(xml, format_args!("<c r=\"{}{}\" s=\"{style}\"", column.letters, self.row));
            };
            match value(cell, column.format, self.zone, self.usd_decimals) {
                None => {}
                Some(Value::Number(number)) => {
                    open(column.styles.usual, xml);
                    put(xml, format_args!("><v>{number}</v></c>"));
                }
                Some(Value::Month(day, mark)) => {
                    let style = match mark {
                        Some(CLOSED) => column.styles.closed,
                        Some(_) => column.styles.running,
                        None => column.styles.usual,
                    };
                    open(style, xml);
                    put(xml, format_args!("><v>{day}</v></c>"));
                }
                Some(Value::Text(text)) => {
                    self.cut += usize::from(exceeds_a_cell(&text));
                    let text = self.language.value(&column.field, &text);
                    let text = match column.format {
                        CellFormat::Name => one_line(&text),
                        _ => text,
                    };
                    open(column.styles.usual, xml);
                    xml.extend(b" t=\"inlineStr\"><is><t xml:space=\"preserve\">");
                    append_xml(&fit(&text), xml);
                    xml.extend(b"</t></is></c>");
                }
            }
        }
        xml.extend(b"</row>");
        self.row += 1;
    }

    /// The lines of the longest wrapped text. `None`: there is none.
    fn lines(&self, cells: &[Cell]) -> Option<usize> {
        let wrapped =
            self.columns.iter().zip(cells).filter(|(column, _)| column.format == CellFormat::Wrapped);
        wrapped
            .filter_map(|(column, cell)| match cell {
                Cell::Text(Some(text)) => {
                    Some(lines_in(&self.language.value(&column.field, text), column.width - WRAP_MARGIN))
                }
                _ => None,
            })
            .max()
    }
}

/// A value in the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A number, with its digits.
    Number(String),
    /// The first day of a month, and its mark.
    Month(String, Option<&'static str>),
    /// A text.
    Text(String),
}

/// The value of the cell in the format. `None`: not known.
pub(super) fn value(cell: &Cell, format: CellFormat, zone: Tz, usd_decimals: u32) -> Option<Value> {
    let number = |number: f64| Value::Number(number.to_string());
    Some(match cell {
        Cell::Text(text) => {
            let text = text.as_deref()?;
            of_text(text, format, zone).unwrap_or_else(|| Value::Text(text.to_owned()))
        }
        Cell::Rest(_) | Cell::Group { .. } | Cell::Blank => Value::Text(cell.exact()?),
        Cell::Count(count) => match format {
            CellFormat::Duration => number((*count)? as f64 / SECONDS_A_DAY),
            _ => Value::Number((*count)?.to_string()),
        },
        Cell::Seconds(seconds) if format == CellFormat::Duration => {
            number((*seconds)?.units() as f64 / 1000.0 / SECONDS_A_DAY)
        }
        Cell::Real(real) if format == CellFormat::Duration => number(real / SECONDS_A_DAY),
        Cell::Real(real) if !real.is_finite() => Value::Text(real.to_string()),
        Cell::Usd(_)
        | Cell::Converted(_)
        | Cell::Rate(_)
        | Cell::Seconds(_)
        | Cell::Share(_)
        | Cell::Real(_) => Value::Number(cell.exact_to(usd_decimals)?),
    })
}

/// A text that is a date in the format. `None`: it is a text, or spreadsheets do not support its year.
fn of_text(text: &str, format: CellFormat, zone: Tz) -> Option<Value> {
    let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    match format {
        CellFormat::Instant | CellFormat::PreciseInstant => {
            let local = Instant::parse(text)?.to_utc().with_timezone(&zone).naive_local();
            serial(local).map(Value::Number)
        }
        CellFormat::Day => serial(day(text)?.and_time(NaiveTime::MIN)).map(Value::Number),
        CellFormat::Month => {
            let (month, mark) = match text.split_once(' ') {
                Some((month, mark)) => (month, [CLOSED, RUNNING].into_iter().find(|known| *known == mark)),
                None => (text, None),
            };
            let first = serial(day(&format!("{month}-01"))?.and_time(NaiveTime::MIN))?;
            Some(Value::Month(first, mark))
        }
        _ => None,
    }
}

/// The date and time as a spreadsheet counts it: days since the end of 1899, truncated to the second. `None`: the year
/// is before 1901, which spreadsheets count differently, or after 9999.
pub(super) fn serial(at: NaiveDateTime) -> Option<String> {
    let start = NaiveDate::from_ymd_opt(1899, 12, 30)?;
    let (first, last) = (NaiveDate::from_ymd_opt(1901, 1, 1)?, NaiveDate::from_ymd_opt(9999, 12, 31)?);
    if !(first..=last).contains(&at.date()) {
        return None;
    }
    let days = (at.date() - start).num_days() as f64;
    Some((days + f64::from(at.num_seconds_from_midnight()) / SECONDS_A_DAY).to_string())
}

fn put(xml: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    xml.write_fmt(text).expect("writing to a vector cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Seconds, Share, Usd};

    fn number(cell: &Cell, format: CellFormat) -> String {
        match value(cell, format, Tz::America__Sao_Paulo, 9).unwrap() {
            Value::Number(number) => number,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_number_keeps_its_digits() {
        let usd = |nanos: i128| Cell::Usd(Some(Usd::from_units(nanos)));
        assert_eq!(number(&usd(133_407_300_001), CellFormat::Usd(2)), "133.407300001");
        assert_eq!(number(&usd(-1), CellFormat::Usd(2)), "-0.000000001");
        assert_eq!(number(&Cell::Count(Some(7)), CellFormat::Id), "7");
        assert_eq!(number(&Cell::Share(Share::ratio(1, 8)), CellFormat::Percent), "0.125000");
        assert_eq!(
            number(&Cell::Seconds(Some(Seconds::from_units(43_200_000))), CellFormat::Duration),
            "0.5"
        );
        assert_eq!(value(&Cell::Usd(None), CellFormat::Usd(2), Tz::UTC, 9), None, "unknown is no cell");
        let rounded = value(&usd(1_005_000_000), CellFormat::Usd(2), Tz::UTC, 2);
        assert_eq!(rounded, Some(Value::Number("1.00".to_owned())), "half to even");
    }

    #[test]
    fn an_instant_is_a_date_in_the_zone_of_the_book() {
        let at = |text: &str| number(&Cell::text(text), CellFormat::Instant);
        assert_eq!(at("2026-02-01T15:00:00.999999Z"), "46054.5");
        assert_eq!(number(&Cell::text("2026-01-31"), CellFormat::Day), "46053");
        for text in ["1850-01-01T00:00:00.000000Z", "soon", ""] {
            let found = value(&Cell::text(text), CellFormat::Instant, Tz::UTC, 9);
            assert_eq!(found, Some(Value::Text(text.to_owned())));
        }
    }

    #[test]
    fn a_month_is_its_first_day_with_its_mark() {
        let month = |text: &str| value(&Cell::text(text), CellFormat::Month, Tz::UTC, 9).unwrap();
        let first = "46296".to_owned();
        assert_eq!(month("2026-10"), Value::Month(first.clone(), None));
        assert_eq!(month("2026-10 ◆"), Value::Month(first.clone(), Some(CLOSED)));
        assert_eq!(month("2026-10 …"), Value::Month(first, Some(RUNNING)));
        assert_eq!(month("all"), Value::Text("all".to_owned()));
    }

    #[test]
    fn a_row_has_no_cell_for_an_unknown_value() {
        let columns = ["status", "total_cost_usd", "month"]
            .map(|field| Column::new(field, CellFormat::of(field, None, None), 10.0, Language::Portuguese));
        let styles = ColumnStyles { usual: 3, closed: 4, running: 5 };
        let columns: Vec<(&Column, ColumnStyles)> = columns.iter().map(|column| (column, styles)).collect();
        let mut rows = RowWriter::new(&columns, Language::Portuguese, Tz::UTC, None, 4);
        let mut xml = Vec::new();
        rows.append(&[Cell::text("success"), Cell::Usd(None), Cell::text("2026-10 ◆")], &mut xml);
        assert_eq!(
            String::from_utf8(xml).unwrap(),
            "<row r=\"6\"><c r=\"A6\" s=\"3\" t=\"inlineStr\"><is><t xml:space=\"preserve\">Sucesso</t></is></c>\
             <c r=\"C6\" s=\"4\"><v>46296</v></c></row>"
        );
    }
}
