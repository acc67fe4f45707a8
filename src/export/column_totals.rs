//! Column totals: row count, sums and unknown values of an export, computed from the ledger's own
//! values.

use crate::report::Cell;
use crate::report::cost::CHARGED;
use crate::report::rows::{Row, Value};
use crate::run::Usd;
use crate::run::money::nanos_of_number;

/// The row count, and the totals of the columns that can be summed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnTotals {
    /// The number of rows.
    pub rows: u64,
    /// The totals, in the order of their columns.
    pub sums: Vec<ColumnTotal>,
}

/// The total of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnTotal {
    /// The name of the column.
    pub column: String,
    /// The sum of the known values: nano-dollars, or a count.
    pub total: i128,
    /// The number of known values.
    pub known: u64,
    /// The number of unknown values.
    pub unknown: u64,
    index: usize,
    summand: Summand,
}

/// What a value of a column adds to its sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Summand {
    /// Nano-dollars.
    Usd,
    /// A whole number.
    Count,
    /// One for each run that was charged a credit.
    Charged,
}

impl Summand {
    /// The summand of the column; `None`: the column cannot be summed.
    fn of_column(column: &str) -> Option<Summand> {
        match column {
            "runs" | "runs_cost_unknown" | "runs_fx_unknown" | "credits" => Some(Summand::Count),
            "against_runs" | "against_runs_cost_unknown" | "against_runs_fx_unknown" => Some(Summand::Count),
            "credit_charge_status" => Some(Summand::Charged),
            // Rows of one group repeat its cost, and an amount can contain that of another row.
            "component_usd" | "group_cost_usd" => None,
            // FOCUS defines its own column names.
            "BilledCost" | "EffectiveCost" => Some(Summand::Usd),
            _ => column.ends_with("_usd").then_some(Summand::Usd),
        }
    }

    /// The summand of a text in the machine dialect; `None`: unknown.
    fn of_text(self, text: &str) -> Option<i128> {
        match self {
            Summand::Usd => nanos_of_number(text),
            Summand::Count => text.parse().ok(),
            Summand::Charged => (!text.is_empty()).then(|| i128::from(text == CHARGED)),
        }
    }

    /// The summand of a value; `None`: unknown.
    fn of_value(self, value: Value<'_>) -> Option<i128> {
        match value {
            Value::Usd(usd) => Some(usd.units()),
            Value::Integer(whole) if self == Summand::Count => Some(whole.into()),
            Value::Text(text) => self.of_text(&String::from_utf8_lossy(text)),
            _ => None,
        }
    }

    /// The summand of a cell; `None`: unknown.
    fn of_cell(self, cell: &Cell) -> Option<i128> {
        match cell {
            Cell::Usd(usd) => usd.map(Usd::units),
            Cell::Count(count) => count.map(i128::from),
            Cell::Text(text) => self.of_text(text.as_deref()?),
            _ => None,
        }
    }
}

impl ColumnTotal {
    fn add(&mut self, value: Option<i128>) {
        match value {
            Some(value) => {
                self.total += value;
                self.known += 1;
            }
            None => self.unknown += 1,
        }
    }

    /// The sum as an exact decimal; `None`: no value is known.
    pub fn text(&self) -> Option<String> {
        (self.known > 0).then(|| match self.summand {
            Summand::Usd => Usd::from_units(self.total).to_string(),
            Summand::Count | Summand::Charged => self.total.to_string(),
        })
    }

    /// The largest difference to the sum of the same amounts, each rounded to `usd_decimals`
    /// decimals.
    pub fn rounding_error(&self, usd_decimals: u32) -> i128 {
        match self.summand {
            Summand::Usd if usd_decimals < 9 => i128::from(self.known) * 10_i128.pow(9 - usd_decimals) / 2,
            _ => 0,
        }
    }

    /// Parses the output of [`ColumnTotal::text`]; `None`: the text is something else.
    pub fn parse(&self, text: &str) -> Option<i128> {
        match self.summand {
            Summand::Usd => nanos_of_number(text),
            Summand::Count | Summand::Charged => text.parse().ok(),
        }
    }
}

impl ColumnTotals {
    /// Empty totals of rows with these columns.
    pub fn new<'c>(columns: impl IntoIterator<Item = &'c str>) -> ColumnTotals {
        let total = |(index, column): (usize, &str)| {
            let summand = Summand::of_column(column)?;
            Some(ColumnTotal { column: column.to_owned(), total: 0, known: 0, unknown: 0, index, summand })
        };
        ColumnTotals { rows: 0, sums: columns.into_iter().enumerate().filter_map(total).collect() }
    }

    /// Adds a row of a row stream that has the columns of these totals.
    #[inline]
    pub fn add_row(&mut self, row: &Row<'_>) {
        self.rows += 1;
        for sum in &mut self.sums {
            sum.add(sum.summand.of_value(row.value(sum.index)));
        }
    }

    /// Adds a row of a table that has the columns of these totals.
    pub fn add_cells(&mut self, cells: &[Cell]) {
        self.rows += 1;
        for sum in &mut self.sums {
            sum.add(sum.summand.of_cell(&cells[sum.index]));
        }
    }

    /// Adds `rows` rows in which the columns of `sums` are always known, with their sums.
    pub fn add_known_rows(&mut self, rows: u64, sums: &[(&str, Usd)]) {
        self.rows += rows;
        for (column, total) in sums {
            for sum in self.sums.iter_mut().filter(|sum| sum.column == *column) {
                sum.total += total.units();
                sum.known += rows;
            }
        }
    }

    /// Adds a row that was read from a file: one text per summed column, in order; an empty text is
    /// an unknown value.
    pub fn add_texts(&mut self, texts: impl IntoIterator<Item = impl AsRef<str>>) {
        self.rows += 1;
        for (sum, text) in self.sums.iter_mut().zip(texts) {
            sum.add(sum.summand.of_text(text.as_ref()));
        }
    }
}
