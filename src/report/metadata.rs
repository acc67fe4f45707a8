//! The metadata report: every path in the JSON columns, its types, and its values.

use super::components::MonetaryNames;
use super::group_by;
use super::json_tree::{JsonTree, PathValue};
use super::ledger::Ledger;
use super::metadata_path::JSON_COLUMNS;
use super::period::{Calendar, Period};
use super::run_scan::Columns;
use super::table::{Cell, Table, USD_DECIMALS_FOR_PEOPLE};
use crate::error::Result;
use crate::excerpt::excerpt;
use crate::run::json::JsonType;
use crate::run::money::nanos_of_number;
use crate::run::{Instant, Usd};
use chrono_tz::Tz;

/// The characters of an example.
const EXAMPLE_LENGTH: usize = 40;

/// The nano-units in 1.
const NANOS: i128 = 1_000_000_000;

const COLUMNS: [&str; 9] =
    ["path", "types", "runs_with_path", "first_booked_at", "last_booked_at", "min", "max", "sum", "example"];

/// Every path in the JSON columns of the ledger's runs, by column and path.
///
/// Numbers count with nine decimals, as amounts do, so that sums are exact in any order. Min, max and sum are unknown
/// if a number has more than 21 digits before the decimal point.
///
/// # Errors
/// Those of SQLite.
pub fn report(ledger: &Ledger<'_>, monetary: &MonetaryNames) -> Result<Table> {
    let mut tree = JsonTree::new();
    let mut found: Vec<Found> = Vec::new();
    let mut run_number = 0;
    let (span, reads) = (ledger.scope().span, Columns::BOOKED_AT);
    group_by::for_each_run_with_documents(ledger, span, reads, &JSON_COLUMNS, |run| {
        run_number += 1;
        let booked_at = run.booked_at()?;
        for column in 0..JSON_COLUMNS.len() {
            let Some(document) = run.json(column)? else { continue };
            tree.for_each_value(column, document, &mut |_, value| {
                if value.path >= found.len() {
                    found.resize_with(value.path + 1, Found::default);
                }
                found[value.path].add(value, run_number, booked_at);
            });
        }
        Ok(())
    })?;
    let mut paths: Vec<_> = found.iter().enumerate().filter(|(_, found)| found.runs > 0).collect();
    paths.sort_by_cached_key(|(path, _)| (tree.column(*path), tree.text(*path)));
    let row = |(path, found): (usize, &Found)| {
        let is_monetary = tree.name(path).is_some_and(|name| monetary.include(name));
        found.row(tree.text(path), is_monetary)
    };
    Ok(Table {
        columns: COLUMNS.map(str::to_owned).to_vec(),
        rows: paths.into_iter().map(row).collect(),
        totals: None,
    })
}

/// The table of [`report`] for people: days in `zone` instead of instants, and one column with the range of numbers and
/// their sum, or the example.
pub fn for_people(table: &Table, zone: Tz) -> Table {
    let at = |name: &str| table.columns.iter().position(|column| column == name);
    let text = |row: &[Cell], name: &str| row[at(name)?].rounded(USD_DECIMALS_FOR_PEOPLE);
    let day = |row: &[Cell], name: &str| {
        let instant = Instant::parse(&row[at(name)?].exact()?)?;
        Some(Period::around(instant, Calendar::Day, zone).label)
    };
    let values = |row: &[Cell]| {
        let (min, max) = (text(row, "min")?, text(row, "max")?);
        let range = if min == max { min } else { format!("{min} to {max}") };
        Some(format!("{range}, sum {}", text(row, "sum")?))
    };
    let first = at("first_booked_at").unwrap_or(table.columns.len());
    let columns = ["first_day", "last_day", "values"].map(str::to_owned);
    let row = |row: &Vec<Cell>| {
        let figures = [
            day(row, "first_booked_at"),
            day(row, "last_booked_at"),
            values(row).or_else(|| text(row, "example")),
        ];
        row[..first].iter().cloned().chain(figures.map(Cell::Text)).collect()
    };
    Table {
        columns: table.columns[..first].iter().cloned().chain(columns).collect(),
        rows: table.rows.iter().map(row).collect(),
        totals: None,
    }
}

/// What was found at a path.
#[derive(Debug, Default)]
struct Found {
    runs: u64,
    /// The number of the last run with the path, from 1.
    last_run: u64,
    first_booked_at: Option<String>,
    last_booked_at: Option<String>,
    /// In the order in which they were found.
    types: Vec<JsonType>,
    numbers: Numbers,
    /// The JSON of the least string or boolean.
    example: Option<String>,
}

/// The numbers at a path, in nano-units.
#[derive(Debug, Default, Clone, Copy)]
struct Numbers {
    known: u64,
    is_out_of_range: bool,
    min: i128,
    max: i128,
    sum: i128,
}

impl Found {
    fn add(&mut self, value: PathValue<'_>, run_number: u64, booked_at: Option<&str>) {
        // Several elements of an array are in one run.
        if self.last_run != run_number {
            self.last_run = run_number;
            self.runs += 1;
            if let Some(at) = booked_at {
                extend(&mut self.first_booked_at, at, |first| at < first);
                extend(&mut self.last_booked_at, at, |last| at > last);
            }
        }
        let (json_type, json) = (value.json.json_type(), value.json.get());
        if !self.types.contains(&json_type) {
            self.types.push(json_type);
        }
        match json_type {
            JsonType::Number => self.numbers.add(json),
            JsonType::String | JsonType::Boolean => {
                extend(&mut self.example, json, |example| json < example);
            }
            JsonType::Null | JsonType::Array | JsonType::Object => {}
        }
    }

    fn row(&self, path: String, is_monetary: bool) -> Vec<Cell> {
        let mut types: Vec<&str> = self.types.iter().map(|json_type| json_type.name()).collect();
        types.sort_unstable();
        let Numbers { known, is_out_of_range, min, max, sum } = self.numbers;
        let number = |nanos| match known == 0 || is_out_of_range {
            true => Cell::Count(None),
            false => number_cell(nanos, is_monetary),
        };
        let example = self.example.as_deref().filter(|_| known == 0).map(example_text);
        vec![
            Cell::text(path),
            Cell::text(types.join(", ")),
            Cell::count(self.runs),
            Cell::Text(self.first_booked_at.clone()),
            Cell::Text(self.last_booked_at.clone()),
            number(min),
            number(max),
            number(sum),
            Cell::Text(example),
        ]
    }
}

impl Numbers {
    fn add(&mut self, number: &str) {
        let nanos = nanos_of_number(number);
        let Some((nanos, sum)) = nanos.and_then(|nanos| Some((nanos, self.sum.checked_add(nanos)?))) else {
            self.known += 1;
            self.is_out_of_range = true;
            return;
        };
        self.min = if self.known == 0 { nanos } else { self.min.min(nanos) };
        self.max = if self.known == 0 { nanos } else { self.max.max(nanos) };
        self.sum = sum;
        self.known += 1;
    }
}

/// Replaces a text that is missing or that `is_better` rejects.
fn extend(text: &mut Option<String>, other: &str, is_better: impl FnOnce(&str) -> bool) {
    match text {
        None => *text = Some(other.to_owned()),
        Some(text) if is_better(text) => {
            text.clear();
            text.push_str(other);
        }
        Some(_) => {}
    }
}

/// A number of nano-units: an amount with all decimals, a whole number without any.
fn number_cell(nanos: i128, is_monetary: bool) -> Cell {
    if is_monetary {
        return Cell::Usd(Some(Usd::from_units(nanos)));
    }
    match i64::try_from(nanos / NANOS) {
        Ok(whole) if nanos % NANOS == 0 => Cell::Count(Some(whole)),
        _ => Cell::Real(nanos as f64 / NANOS as f64),
    }
}

/// The text of a string, or `true` or `false`, cut to [`EXAMPLE_LENGTH`].
fn example_text(json: &str) -> String {
    let text = serde_json::from_str::<String>(json).unwrap_or_else(|_| json.to_owned());
    excerpt(&text, EXAMPLE_LENGTH, 0).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_nine_decimals_and_whole_ones_have_none() {
        assert_eq!(number_cell(1_500_000_000, false), Cell::Real(1.5));
        assert_eq!(number_cell(-2_000_000_000, false), Cell::Count(Some(-2)));
        assert_eq!(number_cell(2_000_000_000, true), Cell::Usd(Some(Usd::from_units(2_000_000_000))));
        let mut numbers = Numbers::default();
        ["0.1", "0.2", "9007199254740993"].into_iter().for_each(|number| numbers.add(number));
        assert_eq!(numbers.sum, 9_007_199_254_740_993_300_000_000);
        numbers.add("1e300");
        assert!(numbers.is_out_of_range);
    }
}
