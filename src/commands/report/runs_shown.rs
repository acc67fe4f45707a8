//! Which rows of a question the terminal shows, in which order, and what it says about the others.

use crate::cli::TableFormat;
use crate::commands::report::ReportArgs;
use crate::commands::shared::numbers::grouped;
use crate::commands::shared::output::table_screen;
use crate::error::Result;
use crate::export::terminal;
use crate::report::question::Question;
use crate::report::{Cell, Ledger, Table, cost, duration, median_factor};
use std::cmp::Reverse;

/// The reports that list single runs.
const LISTS: [&str; 2] = ["costliest-runs", "slowest-runs"];

/// The report about costs that changed.
const COST_CHANGES: &str = "cost-changes-after-success";

/// Whether the report's list for people ends with one row for those beyond its limit.
pub(super) fn has_rest(name: &str) -> bool {
    ["waste", COST_CHANGES].contains(&name)
}

/// The columns that the row for the rest adds up. Without columns, there is no such row.
pub(super) fn columns_of_rest(name: &str, has_rest: bool) -> &'static [&'static str] {
    match name {
        "failures" => &["failed_runs", "final_runs"],
        COST_CHANGES if has_rest => &["difference_usd"],
        "waste" if has_rest => &["runs", "total_cost_usd"],
        _ => &[],
    }
}

/// The runs that the hint asks for.
const MORE_ROWS: u32 = 50;

/// Whether the report lists single runs, the first ones of all.
pub(super) fn is_list(name: &str) -> bool {
    LISTS.contains(&name)
}

/// Whether a list has the column that compares each duration with the median of its pipeline: where there is room.
fn has_median_factor(name: &str, args: &ReportArgs) -> bool {
    let is_table = args.table.format() == TableFormat::Table;
    is_list(name) && is_table && table_screen(&args.table, None).has_more_columns()
}

/// Asks the question, and compares single runs with their pipelines where there is room.
///
/// # Errors
/// Those of SQLite.
pub(super) fn ask(
    question: Question,
    args: &ReportArgs,
    ledger: &Ledger<'_>,
    limit: Option<u32>,
) -> Result<Table> {
    let mut table = question.answer(ledger, limit)?;
    if has_median_factor(question.name, args) {
        median_factor::add_to(&mut table, ledger)?;
    }
    if args.table.format() == TableFormat::Table && has_rest(question.name) {
        table.put_first("pipeline_name");
        if question.name == COST_CHANGES && args.sort.is_none() {
            put_largest_changes_first(&mut table);
        }
    }
    Ok(table)
}

/// Puts the largest changes of costs first. A cost that was not known at success has changed by all of it.
fn put_largest_changes_first(table: &mut Table) {
    let column = |name: &str| table.columns.iter().position(|column| column == name);
    let (Some(before), Some(now)) = (column("cost_at_success_usd"), column("cost_now_usd")) else { return };
    let units = |cell: &Cell| match cell {
        Cell::Usd(Some(usd)) => usd.units(),
        _ => 0,
    };
    table.rows.sort_by_key(|row| Reverse((units(&row[now]) - units(&row[before])).abs()));
}

/// The notes below a list for people: how many runs of how many it shows, and how many could not be in it.
///
/// # Errors
/// Those of SQLite.
pub(super) fn notes(
    name: &str,
    args: &ReportArgs,
    table: &Table,
    ledgers: &[Ledger<'_>],
) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    if !is_list(name) || args.table.format() != TableFormat::Table || table.rows.is_empty() {
        return Ok(notes);
    }
    let (mut runs, mut unknown) = (0, 0);
    for ledger in ledgers {
        let (all, without) = match name {
            "slowest-runs" => duration::counts(ledger)?,
            _ => {
                let total = cost::total(ledger)?;
                (total.runs, total.runs_cost_unknown)
            }
        };
        runs += all;
        unknown += without;
    }
    let shown = table.rows.len() as u64;
    if shown < runs - unknown {
        let more = args.limit.map_or(MORE_ROWS, |limit| limit.saturating_mul(5).max(MORE_ROWS));
        notes.push(format!("{} of {} runs (--limit {more})", grouped(shown), grouped(runs)));
    }
    let what = if name == "slowest-runs" { "duration" } else { "cost" };
    notes.extend(terminal::note_of_unknown(unknown, what));
    notes.extend(median_factor::note(table));
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Usd;

    #[test]
    fn the_largest_change_of_a_cost_is_first_in_either_direction() {
        let usd = |units: Option<i128>| Cell::Usd(units.map(Usd::from_units));
        let row = |name: &str, before, now| vec![Cell::text(name), usd(before), usd(now)];
        let mut table = Table {
            columns: ["pipeline_name", "cost_at_success_usd", "cost_now_usd"].map(str::to_owned).to_vec(),
            rows: vec![
                row("more", Some(10), Some(12)),
                row("less", Some(10), Some(5)),
                row("arrived", None, Some(9)),
                row("withdrawn", Some(7), None),
            ],
            totals: None,
        };
        put_largest_changes_first(&mut table);
        let names: Vec<_> = table.rows.iter().map(|row| row[0].clone()).collect();
        assert_eq!(names, ["arrived", "withdrawn", "less", "more"].map(Cell::text));
    }
}
