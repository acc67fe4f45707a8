//! The order of the rows of a table, and how many of them: the most important first, and one row with the rest.

use super::table::{Cell, Table};
use crate::error::{Error, Result};
use crate::suggest::did_you_mean;
use std::cmp::Ordering;

/// Names of columns on the command line that are shorter than the columns.
const SHORT_NAMES: [(&str, &str); 8] = [
    ("usd", "total_cost_usd"),
    ("cost", "total_cost_usd"),
    ("usd/run", "cost_per_run_usd"),
    ("extract", "el_cost_usd"),
    ("transform", "transformation_cost_usd"),
    ("duration", "duration_seconds"),
    ("all-runs", "total_seconds"),
    ("failed", "failed_runs"),
];

/// The order and the number of the rows. The default keeps those of the report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ranking {
    /// The column to order by, as `--sort` gives it. `None`: the order of the report.
    pub(crate) sort: Option<String>,
    /// Whether the order is reversed.
    pub(crate) is_reversed: bool,
    /// The maximum number of rows. One more row has the rest. `None`: all.
    pub(crate) limit: Option<usize>,
}

/// A resolved order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowOrder {
    column: usize,
    /// `None`: figures have their largest value first, and texts begin with A.
    is_descending: Option<bool>,
    is_reversed: bool,
}

impl RowOrder {
    /// The order by a figure, with the largest first.
    pub(super) fn largest_first(column: usize, is_reversed: bool) -> RowOrder {
        RowOrder { column, is_descending: Some(true), is_reversed }
    }

    /// The position of the column.
    pub(super) fn column(self) -> usize {
        self.column
    }

    /// Compares two rows. An unknown value is last, in both directions.
    pub(super) fn compare(self, one: &[Cell], other: &[Cell]) -> Ordering {
        let (one, other) = (&one[self.column], &other[self.column]);
        let is_descending = self.is_descending.unwrap_or(one.is_number()) != self.is_reversed;
        compare_cells(one, other, is_descending)
    }
}

impl Ranking {
    /// The order by a column of a table. `None`: the order of the report.
    ///
    /// # Errors
    /// [`Error::Usage`] when the table has no such column.
    pub(super) fn order(&self, columns: &[String]) -> Result<Option<RowOrder>> {
        let Some(text) = &self.sort else { return Ok(None) };
        let name = text.strip_prefix('-').unwrap_or(text);
        let short = SHORT_NAMES.into_iter().find(|(short, _)| *short == name).map(|(_, column)| column);
        let wanted = name.replace('-', "_");
        let named = |wanted: &str| columns.iter().position(|column| column == wanted);
        let mut similar = columns.iter().enumerate().filter(|(_, column)| column.contains(&wanted));
        let only_similar = similar.next().filter(|_| similar.next().is_none()).map(|(place, _)| place);
        let found = named(name).or_else(|| short.and_then(named)).or_else(|| named(&wanted)).or(only_similar);
        let Some(column) = found.filter(|_| !wanted.is_empty()) else {
            return Err(Error::Usage {
                what: format!("--sort {text}: the answer has no such column"),
                hint: did_you_mean(&wanted, columns.iter().map(String::as_str))
                    .or_else(|| Some(format!("the columns are {}", columns.join(", ")))),
            });
        };
        let is_descending = (name != text).then_some(true);
        Ok(Some(RowOrder { column, is_descending, is_reversed: self.is_reversed }))
    }

    /// Orders and cuts a table whose groups are not known. The row with the rest has the sums of these columns. Without
    /// columns, there is no such row.
    ///
    /// # Errors
    /// As [`Ranking::order`].
    pub(crate) fn apply(&self, table: &mut Table, additive: &[&str]) -> Result<()> {
        match self.order(&table.columns)? {
            Some(order) => table.rows.sort_by(|one, other| order.compare(one, other)),
            None if self.is_reversed => table.rows.reverse(),
            None => {}
        }
        let limit = self.limit.unwrap_or(usize::MAX);
        if table.rows.len() > limit {
            let hidden = table.rows.split_off(limit);
            if !additive.is_empty() {
                table.rows.push(rest_of(&hidden, &table.columns, additive));
            }
        }
        Ok(())
    }
}

/// One row with the sums of the hidden ones.
fn rest_of(hidden: &[Vec<Cell>], columns: &[String], additive: &[&str]) -> Vec<Cell> {
    let sum = |(place, column): (usize, &String)| {
        if place == 0 {
            return Cell::Rest(hidden.len() as u64);
        }
        if !additive.contains(&column.as_str()) {
            return Cell::Blank;
        }
        let unknown = unknown_like(&hidden[0][place]);
        hidden.iter().fold(unknown, |sum, row| match (sum, &row[place]) {
            (Cell::Count(sum), Cell::Count(Some(count))) => Cell::Count(Some(sum.unwrap_or(0) + count)),
            (Cell::Seconds(sum), Cell::Seconds(Some(seconds))) => {
                Cell::Seconds(Some(sum.map_or(*seconds, |sum| sum + *seconds)))
            }
            (Cell::Usd(sum), Cell::Usd(Some(usd))) => Cell::Usd(Some(sum.map_or(*usd, |sum| sum + *usd))),
            (sum, _) => sum,
        })
    };
    columns.iter().enumerate().map(sum).collect()
}

/// The unknown value of a sum of cells like this one.
fn unknown_like(cell: &Cell) -> Cell {
    match cell {
        Cell::Count(_) => Cell::Count(None),
        Cell::Usd(_) => Cell::Usd(None),
        Cell::Seconds(_) => Cell::Seconds(None),
        _ => Cell::Blank,
    }
}

/// Compares two cells of a column. An unknown one is last, in both directions.
pub(super) fn compare_cells(one: &Cell, other: &Cell, is_descending: bool) -> Ordering {
    let known = match (one, other) {
        (Cell::Text(Some(one)), Cell::Text(Some(other))) => Some(one.cmp(other)),
        (Cell::Count(Some(one)), Cell::Count(Some(other))) => Some(one.cmp(other)),
        (Cell::Seconds(Some(one)), Cell::Seconds(Some(other))) => Some(one.cmp(other)),
        (Cell::Usd(Some(one)), Cell::Usd(Some(other))) => Some(one.cmp(other)),
        (Cell::Share(Some(one)), Cell::Share(Some(other))) => Some(one.cmp(other)),
        (Cell::Rate(Some(one)), Cell::Rate(Some(other))) => Some(one.cmp(other)),
        (Cell::Converted(Some(one)), Cell::Converted(Some(other))) => Some(one.cmp(other)),
        (Cell::Real(one), Cell::Real(other)) => Some(one.total_cmp(other)),
        _ => None,
    };
    match known {
        Some(order) if is_descending => order.reverse(),
        Some(order) => order,
        None => one.is_unknown().cmp(&other.is_unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Usd;

    fn table() -> Table {
        let row = |name: &str, runs: i64, nanos: Option<i128>| {
            vec![Cell::text(name), Cell::Count(Some(runs)), Cell::Usd(nanos.map(Usd::from_units))]
        };
        Table {
            columns: ["pipeline_name", "runs", "total_cost_usd"].map(str::to_owned).to_vec(),
            rows: vec![row("b", 1, Some(5)), row("a", 3, None), row("d", 2, Some(-1)), row("c", 2, Some(9))],
            totals: None,
        }
    }

    fn ranked(sort: &str, is_reversed: bool, limit: Option<usize>) -> Vec<String> {
        let mut table = table();
        let ranking = Ranking { sort: Some(sort.to_owned()), is_reversed, limit };
        ranking.apply(&mut table, &["runs", "total_cost_usd"]).unwrap();
        let text = |row: &Vec<Cell>| {
            row.iter().map(|cell| cell.exact().unwrap_or_default()).collect::<Vec<_>>().join(" ")
        };
        table.rows.iter().map(text).collect()
    }

    fn names(sort: &str, is_reversed: bool) -> String {
        ranked(sort, is_reversed, None).iter().map(|row| &row[..1]).collect()
    }

    #[test]
    fn figures_begin_with_the_largest_and_texts_with_a() {
        assert_eq!(
            [names("usd", false), names("-usd", false), names("runs", false)],
            ["cbda", "cbda", "adcb"]
        );
        assert_eq!([names("pipeline", false), names("-pipeline_name", false)], ["abcd", "dcba"]);
        assert_eq!(names("usd", true), "dbca", "an unknown amount stays last");
    }

    #[test]
    fn the_rest_is_one_row_with_sums() {
        assert_eq!(ranked("usd", false, Some(1)), ["c 2 0.000000009", "3 more 6 0.000000004"]);
        assert_eq!(ranked("usd", false, Some(4)).len(), 4);
    }

    #[test]
    fn an_unknown_column_is_refused_with_a_similar_one() {
        let error = Ranking { sort: Some("runz".to_owned()), ..Ranking::default() }.order(&table().columns);
        assert_eq!(error.unwrap_err().hint().unwrap(), "did you mean `runs`?");
    }
}
