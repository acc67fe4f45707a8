//! This is a dialect of CSV: how programs, or a spreadsheet of some country, read separators, decimals and dates.
//!
//! A period's label (`2026-01`, `2026-W01`, `2026-01-31`) is the same text in every dialect. Excel takes the month's
//! for the first day of the month, which sorts and filters as it should; LibreOffice leaves it a text.
//! The formula `="2026-01"` that would prevent it is one that other readers do not undo.

use super::formula_guard::escape_formula;
use crate::run::Instant;
use chrono_tz::Tz;
use std::borrow::Cow;

/// Who a file is for: the name of a dialect, and what cannot be set one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Instants as they are stored; texts as they are; lines end with LF; no totals.
    Machine,
    /// Instants as `2026-01-31 23:30:00`; texts harmless; lines end with CRLF; totals in the last row.
    Excel,
    /// The same with instants as `31/01/2026 23:30:00`.
    ExcelBr,
}

/// A dialect of CSV. All have a heading, and quotation marks around what needs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    reader: Reader,
    /// The ASCII character between two fields.
    pub separator: u8,
    /// The ASCII character before the decimals: a dot or a comma.
    pub decimal_mark: u8,
    /// Whether the file begins with the mark that tells Excel that it is UTF-8.
    pub bom: bool,
    /// The zone of the instants for a spreadsheet; those for programs are in UTC.
    pub zone: Tz,
}

/// How a name of a column ends that has instants.
const INSTANT_ENDING: &str = "_at";

impl Dialect {
    /// The dialect for programs: UTF-8, comma, dot, instants in UTC as they are stored, no totals.
    pub const MACHINE: Dialect =
        Dialect { reader: Reader::Machine, separator: b',', decimal_mark: b'.', bom: false, zone: Tz::UTC };

    /// Every dialect's name.
    pub const NAMES: [&str; 3] = ["machine", "excel", "excel-br"];

    /// The dialect of that name, with instants for spreadsheets in UTC.
    pub fn named(name: &str) -> Option<Dialect> {
        let machine = Dialect::MACHINE;
        Some(match name {
            "machine" => machine,
            "excel" => Dialect { reader: Reader::Excel, bom: true, ..machine },
            "excel-br" => {
                Dialect { reader: Reader::ExcelBr, separator: b';', decimal_mark: b',', bom: true, ..machine }
            }
            _ => return None,
        })
    }

    /// The dialect's name, whatever was set otherwise since.
    pub fn name(&self) -> &'static str {
        match self.reader {
            Reader::Machine => "machine",
            Reader::Excel => "excel",
            Reader::ExcelBr => "excel-br",
        }
    }

    /// Whether a spreadsheet reads it, and so a person.
    pub fn is_for_spreadsheets(&self) -> bool {
        self.reader != Reader::Machine
    }

    /// The text at the end of each line.
    pub fn line_end(&self) -> &'static str {
        if self.is_for_spreadsheets() { "\r\n" } else { "\n" }
    }

    /// The form of an instant.
    pub fn instants(&self) -> &'static str {
        match self.reader {
            Reader::Machine => "YYYY-MM-DDTHH:MM:SS.ffffffZ",
            Reader::Excel => "YYYY-MM-DD HH:MM:SS",
            Reader::ExcelBr => "DD/MM/YYYY HH:MM:SS",
        }
    }

    /// Gives the plain decimal the dialect's mark before its decimals.
    pub fn mark_decimals(&self, plain: &mut [u8]) {
        if let Some(point) = plain.iter_mut().find(|byte| **byte == b'.') {
            *point = self.decimal_mark;
        }
    }

    /// A text of the column called `column` as the dialect writes it. An instant for a spreadsheet is cut to the second;
    /// in the hour that a clock put back shows twice, two instants look alike.
    pub fn text<'t>(&self, column: &str, text: &'t str) -> Cow<'t, str> {
        let form = match self.reader {
            Reader::Machine => return Cow::Borrowed(text),
            Reader::Excel => "%Y-%m-%d %H:%M:%S",
            Reader::ExcelBr => "%d/%m/%Y %H:%M:%S",
        };
        match Instant::parse(text).filter(|_| has_instants(column)) {
            Some(instant) => Cow::Owned(instant.to_utc().with_timezone(&self.zone).format(form).to_string()),
            None => escape_formula(text),
        }
    }
}

/// Whether the texts of the column called `column` are instants.
pub fn has_instants(column: &str) -> bool {
    column.ends_with(INSTANT_ENDING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_has_its_name() {
        for name in Dialect::NAMES {
            assert_eq!(Dialect::named(name).unwrap().name(), name);
        }
        assert_eq!(Dialect::named("lotus"), None);
    }

    #[test]
    fn an_instant_is_shown_in_the_zone_asked_for_and_cut_to_the_second() {
        let instant = "2026-02-01T02:30:00.999700Z";
        let shown = |name: &str| {
            let dialect = Dialect { zone: Tz::America__Sao_Paulo, ..Dialect::named(name).unwrap() };
            dialect.text("started_at", instant).into_owned()
        };
        assert_eq!(shown("machine"), instant);
        assert_eq!(shown("excel"), "2026-01-31 23:30:00");
        assert_eq!(shown("excel-br"), "31/01/2026 23:30:00");
        let excel = Dialect::named("excel").unwrap();
        assert_eq!(excel.text("pipeline_name", instant), instant, "only a column of instants has instants");
        assert_eq!(excel.text("vanished_at", "=1"), "'=1");
    }
}
