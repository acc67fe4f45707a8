//! The columns of a sheet: heading, format, width, and whether the column is added up.

use super::cell_format::CellFormat;
use crate::language::Language;
use crate::report::{Cell, Table};

/// The limits of the width of a column of texts, in digits.
const MIN_TEXT_WIDTH: usize = 10;
const MAX_TEXT_WIDTH: usize = 40;

/// The width of exported texts.
const EXPORTED_TEXT_WIDTH: f64 = 20.0;

/// The width of ids and hashes whose texts are not read ahead.
const ID_WIDTH: f64 = 38.0;

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    /// Its name for programs, by which values are translated.
    pub field: String,
    /// The heading.
    pub heading: String,
    /// The format of its cells.
    pub format: CellFormat,
    /// The width, in digits.
    pub width: f64,
    /// Whether its cells are added up.
    pub total: Total,
    /// Whether it is folded away at first.
    pub is_folded: bool,
}

/// What the row of totals has below a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Total {
    /// Nothing: averages, ranks, shares, names.
    None,
    /// The sum of the shown rows.
    Sum,
}

/// The columns of amounts, counts and durations that are no quantities of their row: ranks, averages, parts of a row's
/// runs, and what does not add up over rows.
const NEVER_SUMMED: [&str; 9] =
    ["per_run", "p50", "p95", "p99", "max_", "mean", "median", "costliest", "plan_"];

impl Total {
    /// Whether the name of the column says that its values add up. Only amounts, runs and credits do: durations of runs
    /// overlap.
    pub(crate) fn of(field: &str, format: CellFormat) -> Total {
        let is_quantity = match format {
            CellFormat::Usd(_) | CellFormat::Change(_) | CellFormat::Brl(_) => true,
            CellFormat::Count => {
                field.starts_with("runs")
                    || field.ends_with("runs")
                    || field.contains("runs_")
                    || field.ends_with("credits")
                    || field == "failed"
            }
            _ => false,
        };
        match is_quantity && !NEVER_SUMMED.iter().any(|part| field.contains(part)) {
            true => Total::Sum,
            false => Total::None,
        }
    }
}

impl Column {
    /// A column with the heading of the language.
    pub(crate) fn new(field: &str, format: CellFormat, width: f64, language: Language) -> Column {
        Column {
            field: field.to_owned(),
            heading: language.heading(field).into_owned(),
            format,
            width,
            total: Total::None,
            is_folded: false,
        }
    }

    /// The column, added up.
    pub(crate) fn summed(self) -> Column {
        Column { total: Total::Sum, ..self }
    }

    /// The column, folded away at first.
    pub(crate) fn folded(self) -> Column {
        Column { is_folded: true, ..self }
    }

    /// The columns of a table, by names and cells. Amounts have `usd_decimals` decimals.
    pub(crate) fn of_table(table: &Table, usd_decimals: Option<u32>, language: Language) -> Vec<Column> {
        let column = |(index, field): (usize, &String)| {
            let cells = || table.rows.iter().chain(&table.totals).map(|row| &row[index]);
            let known = cells().find(|cell| cell.exact().is_some()).or_else(|| cells().next());
            let format = CellFormat::of(field, known, usd_decimals);
            let text_width = |cell: &Cell| match cell {
                Cell::Text(text) => Some(language.value(field, text.as_deref()?).chars().count()),
                _ => None,
            };
            let longest = || cells().filter_map(text_width).max().unwrap_or_default();
            let width = format
                .width()
                .unwrap_or_else(|| (longest() + 1).clamp(MIN_TEXT_WIDTH, MAX_TEXT_WIDTH) as f64);
            Column {
                total: Total::of(field, format),
                // Few people read the id of a pipeline, and with it a table does not fit on a page.
                is_folded: field == "pipeline_id",
                ..Column::new(field, format, width, language)
            }
        };
        table.columns.iter().enumerate().map(column).collect()
    }

    /// A column of an export of rows, whose texts are not read ahead. `sample` is a cell of it, if there is one.
    pub(crate) fn of_export(
        field: &str,
        sample: Option<&Cell>,
        usd_decimals: Option<u32>,
        language: Language,
    ) -> Column {
        let format = match CellFormat::of(field, sample, usd_decimals) {
            CellFormat::Instant => CellFormat::PreciseInstant,
            format => format,
        };
        let is_id = field.ends_with("_id") || field.ends_with("hash");
        let width = match (format.width(), format) {
            (Some(width), _) => width,
            (None, CellFormat::Name) => MAX_TEXT_WIDTH as f64,
            (None, _) if is_id => ID_WIDTH,
            (None, _) => EXPORTED_TEXT_WIDTH,
        };
        Column { total: Total::of(field, format), ..Column::new(field, format, width, language) }
    }
}

/// Makes the headings of a table unique whatever their case, as Excel requires, and none of them empty.
pub(super) fn unique_headings(columns: &[Column]) -> Vec<String> {
    let mut unique: Vec<String> = Vec::with_capacity(columns.len());
    let is_taken = |unique: &[String], heading: &str| {
        unique.iter().any(|other| other.to_lowercase() == heading.to_lowercase())
    };
    for column in columns {
        let heading = column.heading.replace(['\r', '\n'], " ");
        let mut candidate = if heading.trim().is_empty() { "–".to_owned() } else { heading.clone() };
        if is_taken(&unique, &candidate) {
            candidate = format!("{heading} ({})", column.field);
        }
        let mut number = 2;
        while is_taken(&unique, &candidate) {
            candidate = format!("{heading} {number}");
            number += 1;
        }
        unique.push(candidate);
    }
    unique
}

/// The letters of a column, counted from zero: `A`, `Z`, `AA`.
pub(crate) fn letters(mut index: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'A' + (index % 26) as u8));
        if index < 26 {
            return letters.into_iter().rev().collect();
        }
        index = index / 26 - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(heading: &str, field: &str) -> Column {
        Column {
            heading: heading.to_owned(),
            ..Column::new(field, CellFormat::Text, 10.0, Language::English)
        }
    }

    #[test]
    fn averages_ranks_shares_and_durations_are_never_summed() {
        let total = |field: &str, format| Total::of(field, format);
        for (field, format) in [
            ("cost_per_run_usd", CellFormat::Usd(4)),
            ("cost_median_usd", CellFormat::Usd(4)),
            ("costliest_run_usd", CellFormat::Usd(4)),
            ("plan_fee_usd", CellFormat::Usd(2)),
            ("plan_credits", CellFormat::Count),
            ("plan_used_rate", CellFormat::Percent),
            ("p95_seconds", CellFormat::Duration),
            ("total_seconds", CellFormat::Duration),
            ("number", CellFormat::Id),
            ("failures_in_a_row", CellFormat::Count),
            ("pipeline_name", CellFormat::Name),
        ] {
            assert_eq!(total(field, format), Total::None, "{field}");
        }
        for (field, format) in [
            ("total_cost_usd", CellFormat::Usd(4)),
            ("change_usd", CellFormat::Change(4)),
            ("runs", CellFormat::Count),
            ("runs_cost_unknown", CellFormat::Count),
            ("against_runs", CellFormat::Count),
            ("expected_credits", CellFormat::Count),
            ("credits", CellFormat::Count),
        ] {
            assert_eq!(total(field, format), Total::Sum, "{field}");
        }
    }

    #[test]
    fn columns_are_named_by_letters() {
        let names = [0, 25, 26, 51, 52, 701, 702].map(letters);
        assert_eq!(names, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }

    #[test]
    fn headings_are_unique_whatever_their_case() {
        let columns =
            [column("Runs", "runs"), column("runs", "again"), column("", "x"), column("RUNS (again)", "y")];
        assert_eq!(unique_headings(&columns), ["Runs", "runs (again)", "–", "RUNS (again) (y)"]);
    }
}
