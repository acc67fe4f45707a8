//! Reports by two dimensions on a terminal: the second dimension as columns where they fit, else in groups.

use super::{ROWS_FOR_PEOPLE, ReportArgs};
use crate::error::Result;
use crate::export::terminal::{self, Screen};
use crate::report::period::Calendar;
use crate::report::two_levels::{TwoLevelRequest, TwoLevels};
use crate::report::{Cell, Dimension, Ledger, Table, cost, duration};

/// The column with the cost of a row.
pub(super) const COST: &str = "total_cost_usd";

/// The rows of a group that people get without `--limit`.
const MEMBERS_FOR_PEOPLE: usize = 3;

/// The answer of a report.
pub(super) struct Answer {
    /// The table.
    pub(super) table: Table,
    /// The same on a terminal where its columns fit. `None`: there is one form.
    pub(super) columns: Option<Table>,
}

impl From<Table> for Answer {
    fn from(table: Table) -> Answer {
        Answer { table, columns: None }
    }
}

impl Answer {
    /// The tables of all forms.
    pub(super) fn tables(&mut self) -> impl Iterator<Item = &mut Table> {
        [&mut self.table].into_iter().chain(&mut self.columns)
    }

    /// The costs of all runs by month, for what has changed since a close. `None`: the rows of the table add up to
    /// them.
    pub(super) fn whole_months(&self, by: &[Dimension], ledgers: &[Ledger<'_>]) -> Result<Option<Table>> {
        let month = Dimension::Period(Calendar::Month);
        let cells = || self.table.rows.iter().flatten();
        let hides_rows = cells().any(|cell| matches!(cell, Cell::Rest(_)));
        let has_sums = cells().any(|cell| matches!(cell, Cell::Group { .. })) && by[0] == month;
        let is_needed = by.contains(&month) && hides_rows && !has_sums;
        let has = |name: &str| self.table.columns.iter().any(|column| column == name);
        if is_needed && has("month") && has(COST) {
            cost::report_across(ledgers, &[month]).map(Some)
        } else {
            Ok(None)
        }
    }

    /// The table in the form for this screen.
    pub(super) fn on(self, question: &str, usd_decimals: Option<u32>, screen: &Screen) -> Table {
        let fitting = self.columns.filter(|columns| terminal::fits(columns, question, usd_decimals, screen));
        fitting.unwrap_or(self.table)
    }
}

/// The answer of the report cost or duration by two dimensions.
///
/// # Errors
/// As [`cost::ranked_across`].
pub(super) fn answer(
    name: &str,
    args: &ReportArgs,
    by: [&Dimension; 2],
    ledgers: &[Ledger<'_>],
) -> Result<Answer> {
    let ranking = args.ranking();
    let request = |figure| TwoLevelRequest {
        by,
        ranking: &ranking,
        has_all_rows: args.all_rows,
        figure,
        groups: ROWS_FOR_PEOPLE,
        members: MEMBERS_FOR_PEOPLE,
    };
    let dimensions = by.map(Clone::clone);
    let TwoLevels { rows, columns } = match name {
        "cost" => cost::two_levels_across(ledgers, &dimensions, &request(COST))?,
        _ => duration::two_levels_across(ledgers, &dimensions, &request("total_seconds"))?,
    };
    Ok(Answer { table: rows, columns })
}
