//! This is a table of typed cells: what every report answers, whatever the format it is printed in.

use crate::run::{Cost, Usd};
use crate::run::{Seconds, Share};

/// The decimals of an amount of money that a person reads.
pub const USD_DECIMALS_FOR_PEOPLE: u32 = 4;

/// The decimals of an amount of money that a program reads: all there are.
pub const USD_DECIMALS: u32 = 9;

/// The label of the row that takes all others together.
const ALL: &str = "all";

/// The column that counts the runs without a known cost.
const UNKNOWN_COSTS: &str = "runs_cost_unknown";

/// The decimals of a duration that a person reads.
const SECONDS_DECIMALS_FOR_PEOPLE: u32 = 1;

/// An answer: named columns, and rows with one cell for each.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The columns' names as programs know them: `el_cost_usd`.
    pub columns: Vec<String>,
    /// The rows in the report's own order.
    pub rows: Vec<Vec<Cell>>,
    /// All rows taken together, for people only; `None`: there is nothing to take together.
    pub totals: Option<Vec<Cell>>,
}

impl Table {
    /// The totals as a row of their own, with `all` where the first column has its label; `None`: there are none.
    pub fn totals_row(&self) -> Option<Vec<Cell>> {
        let mut totals = self.totals.clone()?;
        if let Some(label @ Cell::Text(None)) = totals.first_mut() {
            *label = Cell::text(ALL);
        }
        Some(totals)
    }

    /// Puts the rows of another answer to the same question below these, each with `label` under the first column,
    /// which is called `name`. Totals are left out: each answer has its own.
    pub fn take_in(&mut self, name: &str, label: &str, other: Table) {
        if self.columns.is_empty() {
            self.columns = std::iter::once(name.to_owned()).chain(other.columns).collect();
        }
        self.rows.extend(
            other
                .rows
                .into_iter()
                .map(|row| std::iter::once(Cell::text(label)).chain(row).collect::<Vec<_>>()),
        );
    }

    /// How many runs the table takes in whose cost is not known; `None`: it does not count them, or only row by row,
    /// as where a run can be in several.
    pub fn unknown_costs(&self) -> Option<i64> {
        let column = self.columns.iter().position(|column| column == UNKNOWN_COSTS)?;
        let row = match (&self.totals, self.rows.as_slice()) {
            (Some(totals), _) => totals,
            (None, [row]) => row,
            (None, _) => return None,
        };
        match row[column] {
            Cell::Count(count) => count,
            _ => None,
        }
    }
}

/// One value of a table. `None` is "not known (yet)": blank to a machine, a dash to a person, never zero.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words, an id or an instant.
    Text(Option<String>),
    /// A whole number.
    Count(Option<i64>),
    /// Money.
    Usd(Option<Usd>),
    /// A duration.
    Seconds(Option<Seconds>),
    /// A part of a whole.
    Share(Option<Share>),
    /// A double, as only `runledger query` shows it.
    Real(f64),
}

impl Cell {
    /// A known text.
    pub fn text(text: impl Into<String>) -> Cell {
        Cell::Text(Some(text.into()))
    }

    /// A known count.
    pub fn count(count: u64) -> Cell {
        Cell::Count(Some(i64::try_from(count).expect("an archive has fewer than 2^63 rows")))
    }

    /// The cell as programs read it: every decimal, no exponent. `None`: not known.
    pub fn exact(&self) -> Option<String> {
        self.exact_but(USD_DECIMALS)
    }

    /// The cell as programs read it, but money rounded to so many decimals. `None`: not known.
    pub fn exact_but(&self, usd_decimals: u32) -> Option<String> {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Count(count) => count.map(|count| count.to_string()),
            Cell::Usd(usd) => usd.map(|usd| usd.to_fixed(usd_decimals)),
            Cell::Seconds(seconds) => seconds.map(|seconds| seconds.to_string()),
            Cell::Share(share) => share.map(|share| share.to_string()),
            Cell::Real(real) => Some(real.to_string()),
        }
    }

    /// The cell as people read it: few decimals, those of money as told. `None`: not known.
    pub fn rounded(&self, usd_decimals: u32) -> Option<String> {
        match self {
            Cell::Usd(usd) => usd.map(|usd| usd.to_fixed(usd_decimals)),
            Cell::Seconds(seconds) => seconds.map(|seconds| seconds.to_fixed(SECONDS_DECIMALS_FOR_PEOPLE)),
            Cell::Share(share) => share.map(|share| share.to_percent()),
            Cell::Text(_) | Cell::Count(_) | Cell::Real(_) => self.exact(),
        }
    }

    /// Whether the cell is of a kind that is counted or measured.
    pub fn is_number(&self) -> bool {
        !matches!(self, Cell::Text(_))
    }
}

/// What the name of a column says of its values. The rule holds for every file in `queries/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// `…_usd`: US dollars.
    Usd,
    /// `…_seconds`: a duration.
    Seconds,
    /// `…_rate`: a part of a whole, 0 to 1.
    Share,
    /// Any other name: the value is what it is.
    Plain,
}

impl Measure {
    /// The measure of the column called `name`.
    pub fn of_column(name: &str) -> Measure {
        match name.rsplit('_').next() {
            Some("usd") => Measure::Usd,
            Some("seconds") => Measure::Seconds,
            Some("rate") => Measure::Share,
            _ => Measure::Plain,
        }
    }

    /// The cell for a number's own text, such as `12.500000000`. `None`: it is no number, or measures nothing.
    pub fn cell(self, text: &str) -> Option<Cell> {
        let nanos = || Some(i128::from(Cost::from_number(text)?.nanos));
        Some(match self {
            Measure::Usd => Cell::Usd(Some(Usd::from_units(nanos()?))),
            Measure::Seconds => Cell::Seconds(Seconds::ratio(nanos()?, 1_000_000_000)),
            Measure::Share => Cell::Share(Share::ratio(nanos()?, 1_000_000_000)),
            Measure::Plain => return None,
        })
    }

    /// The cell for a value that is not known.
    pub fn unknown(self) -> Cell {
        match self {
            Measure::Usd => Cell::Usd(None),
            Measure::Seconds => Cell::Seconds(None),
            Measure::Share => Cell::Share(None),
            Measure::Plain => Cell::Text(None),
        }
    }
}
