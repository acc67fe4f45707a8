//! CSV dialects: separators, decimal marks and dates for programs, or for spreadsheets in some
//! locale.
//!
//! A period label (`2026-01`, `2026-W01`, `2026-01-31`) is the same in every dialect. Excel reads a
//! month as its first day, which sorts and filters correctly; LibreOffice keeps the text. Any other
//! text that a spreadsheet would convert is escaped.

use super::conversion_guard::escape_for_spreadsheet;
use super::formula_guard::escape_formula;
use super::headings::Headings;
use crate::language::Language;
use crate::run::Instant;
use chrono_tz::Tz;
use std::borrow::Cow;

/// The preset of a dialect: its name, and the properties that cannot be set separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preset {
    /// Instants as stored, texts unchanged, line end LF, no totals.
    Machine,
    /// Instants as `2026-01-31 23:30:00`, formulas escaped, line end CRLF, totals in the last row.
    Excel,
    /// As `Excel`, with instants as `31/01/2026 23:30:00`.
    ExcelBr,
}

/// A dialect of CSV. Every dialect has a heading, and quotes fields only where necessary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    preset: Preset,
    /// The field separator, an ASCII character.
    pub separator: u8,
    /// The decimal mark: a dot or a comma.
    pub decimal_mark: u8,
    /// Whether the file starts with a byte order mark, by which Excel recognizes UTF-8.
    pub bom: bool,
    /// The time zone of instants in a dialect for spreadsheets. The machine dialect always uses
    /// UTC.
    pub zone: Tz,
    /// What the first line and the values are written for: programs, or people.
    pub headings: Headings,
}

/// The suffix of the names of instant columns.
const INSTANT_SUFFIX: &str = "_at";

impl Dialect {
    /// The dialect for programs: UTF-8, comma, dot, instants in UTC as stored, no totals.
    pub const MACHINE: Dialect = Dialect {
        preset: Preset::Machine,
        separator: b',',
        decimal_mark: b'.',
        bom: false,
        zone: Tz::UTC,
        headings: Headings::Machine,
    };

    /// The names of all dialects.
    pub const NAMES: [&str; 3] = ["machine", "excel", "excel-br"];

    /// The dialect of that name, with its instants in UTC, and headings in its language. `None`: the name is unknown.
    pub fn named(name: &str) -> Option<Dialect> {
        let machine = Dialect::MACHINE;
        let mut dialect = match name {
            "machine" => return Some(machine),
            "excel" => Dialect { preset: Preset::Excel, bom: true, ..machine },
            "excel-br" => {
                Dialect { preset: Preset::ExcelBr, separator: b';', decimal_mark: b',', bom: true, ..machine }
            }
            _ => return None,
        };
        dialect.headings = Headings::In(dialect.language());
        Some(dialect)
    }

    /// The language of the country that the dialect is for.
    pub fn language(&self) -> Language {
        match self.preset {
            Preset::Machine | Preset::Excel => Language::English,
            Preset::ExcelBr => Language::Portuguese,
        }
    }

    /// The name of the dialect, which stays when single properties are changed.
    pub fn name(&self) -> &'static str {
        match self.preset {
            Preset::Machine => "machine",
            Preset::Excel => "excel",
            Preset::ExcelBr => "excel-br",
        }
    }

    /// Whether the dialect is for a spreadsheet, which people read.
    pub fn is_for_spreadsheets(&self) -> bool {
        self.preset != Preset::Machine
    }

    /// The line end.
    pub fn line_end(&self) -> &'static str {
        if self.is_for_spreadsheets() { "\r\n" } else { "\n" }
    }

    /// The format of an instant, for the manifest.
    pub fn instant_format(&self) -> &'static str {
        match self.preset {
            Preset::Machine => "YYYY-MM-DDTHH:MM:SS.ffffffZ",
            Preset::Excel => "YYYY-MM-DD HH:MM:SS",
            Preset::ExcelBr => "DD/MM/YYYY HH:MM:SS",
        }
    }

    /// Replaces the decimal point of the number by the decimal mark of the dialect.
    pub fn set_decimal_mark(&self, number: &mut [u8]) {
        if let Some(point) = number.iter_mut().find(|byte| **byte == b'.') {
            *point = self.decimal_mark;
        }
    }

    /// Formats a text of the column, in the language of the headings. In a dialect for spreadsheets, instants are
    /// truncated to the second; when clocks go back, two instants in the repeated hour can get the same text.
    pub fn format_text<'t>(&self, column: &str, text: &'t str) -> Cow<'t, str> {
        let format = match self.preset {
            Preset::Machine => return Cow::Borrowed(text),
            Preset::Excel => "%Y-%m-%d %H:%M:%S",
            Preset::ExcelBr => "%d/%m/%Y %H:%M:%S",
        };
        match Instant::parse(text).filter(|_| is_instant_column(column)) {
            Some(instant) => {
                Cow::Owned(instant.to_utc().with_timezone(&self.zone).format(format).to_string())
            }
            None if is_date_column(column) => escape_formula(text),
            None => match self.headings.value(column, text) {
                Cow::Borrowed(text) => escape_for_spreadsheet(text),
                Cow::Owned(text) => Cow::Owned(escape_for_spreadsheet(&text).into_owned()),
            },
        }
    }
}

/// Whether the texts of the column are days or the labels of periods.
fn is_date_column(column: &str) -> bool {
    matches!(column, "month" | "week" | "day" | "period")
        || column.ends_with("_on")
        || column.ends_with("fx_date")
}

/// Whether the texts of the column are instants.
pub(crate) fn is_instant_column(column: &str) -> bool {
    column.ends_with(INSTANT_SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_is_found_by_its_name() {
        for name in Dialect::NAMES {
            assert_eq!(Dialect::named(name).unwrap().name(), name);
        }
        assert_eq!(Dialect::named("lotus"), None);
    }

    #[test]
    fn an_instant_is_in_the_requested_zone_and_truncated_to_the_second() {
        let instant = "2026-02-01T02:30:00.999700Z";
        let formatted = |name: &str| {
            let dialect = Dialect { zone: Tz::America__Sao_Paulo, ..Dialect::named(name).unwrap() };
            dialect.format_text("started_at", instant).into_owned()
        };
        assert_eq!(formatted("machine"), instant);
        assert_eq!(formatted("excel"), "2026-01-31 23:30:00");
        assert_eq!(formatted("excel-br"), "31/01/2026 23:30:00");
        let excel = Dialect::named("excel").unwrap();
        assert_eq!(
            excel.format_text("pipeline_name", instant),
            instant,
            "only instant columns contain instants"
        );
        assert_eq!(excel.format_text("vanished_at", "=1"), "'=1");
    }
}
