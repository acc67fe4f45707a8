//! Tables of typed cells: the result of every report, in any output format.

use super::fx::Amount;
use crate::run::{Cost, Fixed, Usd};
use crate::run::{Seconds, Share};
use crate::wording::counted;

/// The decimals of money in output for people.
pub const USD_DECIMALS_FOR_PEOPLE: u32 = 4;

/// The decimals of money in output for programs: all of them.
pub const USD_DECIMALS: u32 = 9;

/// The label of the totals row.
const ALL: &str = "all";

/// The column that counts the runs without a known cost.
const UNKNOWN_COSTS: &str = "runs_cost_unknown";

/// The column that counts the runs without a known duration.
const UNKNOWN_DURATIONS: &str = "runs_duration_unknown";

/// The decimals of durations in output for people.
const SECONDS_DECIMALS_FOR_PEOPLE: u32 = 1;

/// The decimals of exchange rates in output for people.
pub(crate) const RATE_DECIMALS_FOR_PEOPLE: u32 = 4;

/// Named columns, and rows with one cell for each column.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Column names for programs: `el_cost_usd`.
    pub columns: Vec<String>,
    /// The rows in the order of the report.
    pub rows: Vec<Vec<Cell>>,
    /// The totals of all rows, for people only; `None`: there is nothing to sum up.
    pub totals: Option<Vec<Cell>>,
}

impl Table {
    /// The totals as a row with the label `all` in the first column; `None`: there are none.
    pub fn totals_row(&self) -> Option<Vec<Cell>> {
        self.totals_labeled(ALL)
    }

    /// The totals as a row with the label in the first column; `None`: there are none.
    pub fn totals_labeled(&self, label: &str) -> Option<Vec<Cell>> {
        let mut totals = self.totals.clone()?;
        if let Some(first @ Cell::Text(None)) = totals.first_mut() {
            *first = Cell::text(label);
        }
        Some(totals)
    }

    /// Appends the rows of another table of the same report, with `label` in a new first column called `name`. Totals
    /// are dropped, because each table has its own.
    pub fn append_labeled(&mut self, name: &str, label: &str, other: Table) {
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

    /// Swaps the column with the first one, where the labels of totals and of the rest are. Without the column, nothing
    /// changes.
    pub(crate) fn put_first(&mut self, name: &str) {
        let Some(place) = self.columns.iter().position(|column| column == name) else { return };
        self.columns.swap(0, place);
        self.rows.iter_mut().chain(&mut self.totals).for_each(|row| row.swap(0, place));
    }

    /// Keeps only the columns whose name `is_kept`, in rows and totals.
    pub(crate) fn retain_columns(&mut self, is_kept: impl Fn(&str) -> bool) {
        let kept: Vec<bool> = self.columns.iter().map(|column| is_kept(column)).collect();
        for row in self.rows.iter_mut().chain(&mut self.totals) {
            let mut kept = kept.iter();
            row.retain(|_| *kept.next().expect("each row has a cell for each column"));
        }
        let mut kept = kept.iter();
        self.columns.retain(|_| *kept.next().expect("each column was decided on"));
    }

    /// The number of runs without a known cost; `None`: the table does not count them, or only by row, because a run
    /// can be in several rows.
    pub fn unknown_costs(&self) -> Option<i64> {
        self.unknown(UNKNOWN_COSTS)
    }

    /// The number of runs without a known duration; `None`: as for costs.
    pub(crate) fn unknown_durations(&self) -> Option<i64> {
        self.unknown(UNKNOWN_DURATIONS)
    }

    fn unknown(&self, name: &str) -> Option<i64> {
        let column = self.columns.iter().position(|column| column == name)?;
        let is_group = |row: &&Vec<Cell>| row.iter().any(|cell| matches!(cell, Cell::Group { .. }));
        let mut groups = self.rows.iter().filter(is_group);
        let row = match (&self.totals, self.rows.as_slice()) {
            (Some(totals), _) => totals,
            (None, [row]) => row,
            // A single group is the total.
            (None, _) => groups.next().filter(|_| groups.next().is_none())?,
        };
        match row[column] {
            Cell::Count(count) => count,
            _ => None,
        }
    }
}

/// One value of a table. `None` means not known (yet): blank for programs, a dash for people, never zero.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A text, an id or an instant.
    Text(Option<String>),
    /// The label of the row that has the rest: how many rows it sums up.
    Rest(u64),
    /// The label of the row that sums up a group: how many rows of which kind the group has.
    Group {
        /// The number of the rows.
        rows: u64,
        /// What one of them is.
        noun: &'static str,
    },
    /// No value makes sense here, such as the kind of several pipelines.
    Blank,
    /// An integer.
    Count(Option<i64>),
    /// Money.
    Usd(Option<Usd>),
    /// Money in the second currency.
    Converted(Option<Amount>),
    /// A multiple, such as what one US dollar costs in the second currency.
    Rate(Option<Fixed<9>>),
    /// A duration.
    Seconds(Option<Seconds>),
    /// A ratio, such as a success rate.
    Share(Option<Share>),
    /// A floating-point number, only in `runledger query`.
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

    /// The cell for programs: every decimal, no exponent. `None`: not known.
    pub fn exact(&self) -> Option<String> {
        self.exact_to(USD_DECIMALS)
    }

    /// The cell for programs, with money rounded to `usd_decimals`. `None`: not known.
    pub fn exact_to(&self, usd_decimals: u32) -> Option<String> {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Rest(rows) => Some(format!("{rows} more")),
            Cell::Group { rows, noun } => Some(counted(*rows, noun)),
            Cell::Blank => None,
            Cell::Count(count) => count.map(|count| count.to_string()),
            Cell::Usd(usd) => usd.map(|usd| usd.to_fixed(usd_decimals)),
            Cell::Converted(amount) => amount.map(|amount| amount.to_fixed(usd_decimals)),
            Cell::Rate(rate) => rate.map(|rate| rate.to_string()),
            Cell::Seconds(seconds) => seconds.map(|seconds| seconds.to_string()),
            Cell::Share(share) => share.map(|share| share.to_string()),
            Cell::Real(real) => Some(real.to_string()),
        }
    }

    /// The cell for people: few decimals, money rounded to `usd_decimals`. `None`: not known.
    pub fn rounded(&self, usd_decimals: u32) -> Option<String> {
        match self {
            Cell::Usd(usd) => usd.map(|usd| usd.to_fixed(usd_decimals)),
            Cell::Rate(rate) => rate.map(|rate| rate.to_fixed(RATE_DECIMALS_FOR_PEOPLE)),
            Cell::Seconds(seconds) => seconds.map(|seconds| seconds.to_fixed(SECONDS_DECIMALS_FOR_PEOPLE)),
            Cell::Share(share) => share.map(|share| share.to_percent()),
            Cell::Converted(_) => self.exact_to(usd_decimals),
            Cell::Text(_)
            | Cell::Rest(_)
            | Cell::Group { .. }
            | Cell::Blank
            | Cell::Count(_)
            | Cell::Real(_) => self.exact(),
        }
    }

    /// Whether the value is not known (yet).
    pub fn is_unknown(&self) -> bool {
        matches!(
            self,
            Cell::Text(None)
                | Cell::Count(None)
                | Cell::Usd(None)
                | Cell::Converted(None)
                | Cell::Rate(None)
                | Cell::Seconds(None)
                | Cell::Share(None)
                | Cell::Blank
        )
    }

    /// Whether the cell is numeric.
    pub fn is_number(&self) -> bool {
        !matches!(self, Cell::Text(_) | Cell::Rest(_) | Cell::Group { .. } | Cell::Blank)
    }
}

/// The unit of a column, derived from its name. Every file in `queries/` follows this convention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// `…_usd`: US dollars.
    Usd,
    /// `…_seconds`: a duration.
    Seconds,
    /// `…_rate`: a ratio from 0 to 1.
    Share,
    /// `…_factor`: a multiple.
    Factor,
    /// Any other name: no unit.
    Plain,
}

impl Measure {
    /// The measure of a column.
    pub(crate) fn of_column(name: &str) -> Measure {
        match name.rsplit('_').next() {
            Some("usd") => Measure::Usd,
            Some("seconds") => Measure::Seconds,
            Some("rate") => Measure::Share,
            Some("factor") => Measure::Factor,
            _ => Measure::Plain,
        }
    }

    /// The cell for a number as text, such as `12.500000000`. `None`: the text is not a number, or the measure is
    /// [`Measure::Plain`].
    pub(crate) fn cell(self, text: &str) -> Option<Cell> {
        let nanos = || Some(i128::from(Cost::from_number(text)?.nanos));
        Some(match self {
            Measure::Usd => Cell::Usd(Some(Usd::from_units(nanos()?))),
            Measure::Seconds => Cell::Seconds(Seconds::ratio(nanos()?, 1_000_000_000)),
            Measure::Share => Cell::Share(Share::ratio(nanos()?, 1_000_000_000)),
            Measure::Factor => Cell::Rate(Some(Fixed::from_units(nanos()?))),
            Measure::Plain => return None,
        })
    }

    /// The cell for an unknown value.
    pub(crate) fn unknown(self) -> Cell {
        match self {
            Measure::Usd => Cell::Usd(None),
            Measure::Seconds => Cell::Seconds(None),
            Measure::Share => Cell::Share(None),
            Measure::Factor => Cell::Rate(None),
            Measure::Plain => Cell::Text(None),
        }
    }
}
