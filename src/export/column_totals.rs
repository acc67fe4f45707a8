//! This is a tally: the rows, sums and unknown values of what is written, taken from the ledger's own values.

use crate::report::Cell;
use crate::report::cost::CHARGED;
use crate::report::rows::{Row, Value};
use crate::run::Usd;
use crate::run::money::nanos_of_number;

/// The sums of the columns that have some, and the count of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnTotals {
    /// How many rows there were.
    pub rows: u64,
    /// The sums, in the order of their columns.
    pub sums: Vec<Sum>,
}

/// The sum of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// The column's name.
    pub column: String,
    /// The sum of what is known: nano-dollars, or a count.
    pub total: i128,
    /// How many values are known.
    pub known: u64,
    /// How many are not.
    pub unknown: u64,
    place: usize,
    of: Of,
}

/// What is summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    /// Money.
    Usd,
    /// Whole numbers.
    Counts,
    /// One for each run that cost a credit.
    Charged,
}

impl Of {
    /// What is summed up of the column called `column`; `None`: nothing.
    fn column(column: &str) -> Option<Of> {
        match column {
            "runs" | "runs_cost_unknown" | "credits" => Some(Of::Counts),
            "credit_charge_status" => Some(Of::Charged),
            // FOCUS names its own columns.
            "BilledCost" | "EffectiveCost" => Some(Of::Usd),
            _ => column.ends_with("_usd").then_some(Of::Usd),
        }
    }

    /// What a text adds, that of a machine; `None`: nothing that is known.
    fn text(self, text: &str) -> Option<i128> {
        match self {
            Of::Usd => nanos_of_number(text),
            Of::Counts => text.parse().ok(),
            Of::Charged => (!text.is_empty()).then(|| i128::from(text == CHARGED)),
        }
    }

    /// What a value adds; `None`: it is not known.
    fn value(self, value: Value<'_>) -> Option<i128> {
        match value {
            Value::Usd(usd) => Some(usd.units()),
            Value::Integer(whole) if self == Of::Counts => Some(whole.into()),
            Value::Text(text) => self.text(&String::from_utf8_lossy(text)),
            _ => None,
        }
    }

    /// What a cell adds; `None`: it is not known.
    fn cell(self, cell: &Cell) -> Option<i128> {
        match cell {
            Cell::Usd(usd) => usd.map(Usd::units),
            Cell::Count(count) => count.map(i128::from),
            Cell::Text(text) => self.text(text.as_deref()?),
            _ => None,
        }
    }
}

impl Sum {
    fn add(&mut self, value: Option<i128>) {
        match value {
            Some(value) => {
                self.total += value;
                self.known += 1;
            }
            None => self.unknown += 1,
        }
    }

    /// The sum as an exact decimal; `None`: nothing in it is known.
    pub fn text(&self) -> Option<String> {
        (self.known > 0).then(|| match self.of {
            Of::Usd => Usd::from_units(self.total).to_string(),
            Of::Counts | Of::Charged => self.total.to_string(),
        })
    }

    /// How far the sum of the written amounts can be from this one, when each was rounded to so many decimals.
    pub fn rounding(&self, usd_decimals: u32) -> i128 {
        match self.of {
            Of::Usd if usd_decimals < 9 => i128::from(self.known) * 10_i128.pow(9 - usd_decimals) / 2,
            _ => 0,
        }
    }

    /// The sum that another printed as [`Sum::text`] does; `None`: it is none.
    pub fn parse(&self, text: &str) -> Option<i128> {
        match self.of {
            Of::Usd => nanos_of_number(text),
            Of::Counts | Of::Charged => text.parse().ok(),
        }
    }
}

impl ColumnTotals {
    /// A tally of rows with these columns.
    pub fn of<'c>(columns: impl IntoIterator<Item = &'c str>) -> ColumnTotals {
        let sum = |(place, column): (usize, &str)| {
            let of = Of::column(column)?;
            Some(Sum { column: column.to_owned(), total: 0, known: 0, unknown: 0, place, of })
        };
        ColumnTotals { rows: 0, sums: columns.into_iter().enumerate().filter_map(sum).collect() }
    }

    /// Adds a row of a selection with the tally's columns.
    #[inline]
    pub fn add_row(&mut self, row: &Row<'_>) {
        self.rows += 1;
        for sum in &mut self.sums {
            sum.add(sum.of.value(row.value(sum.place)));
        }
    }

    /// Adds a row of a table with the tally's columns.
    pub fn add_cells(&mut self, cells: &[Cell]) {
        self.rows += 1;
        for sum in &mut self.sums {
            sum.add(sum.of.cell(&cells[sum.place]));
        }
    }

    /// Takes so many rows at once, of which the column called `column` is known in each, with that sum.
    pub fn take_rows(&mut self, rows: u64, sums: &[(&str, Usd)]) {
        self.rows += rows;
        for (column, total) in sums {
            for sum in self.sums.iter_mut().filter(|sum| sum.column == *column) {
                sum.total += total.units();
                sum.known += rows;
            }
        }
    }

    /// Adds a row that was read back: a text for each sum, in their order, blank for what is not known.
    pub fn add_texts(&mut self, texts: impl IntoIterator<Item = impl AsRef<str>>) {
        self.rows += 1;
        for (sum, text) in self.sums.iter_mut().zip(texts) {
            sum.add(sum.of.text(text.as_ref()));
        }
    }
}
