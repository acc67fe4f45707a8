//! Bars and monthly sparklines in the tables of reports.

use crate::report::{Cell, Table};
use std::collections::{BTreeSet, HashMap};

/// The columns that can get bars; only the first one in a table does.
const MEASURES: [&str; 6] =
    ["total_cost_usd", "p95_seconds", "expected_credits", "duration_seconds", "failure_rate", USED];

/// The part of a budget that is used: its bar is full at 100 %, and every row has one.
pub(crate) const USED: &str = "used_rate";

/// The name of the sparkline column.
const TREND: &str = "by_month";

/// The maximum number of months in a sparkline: the latest ones.
const TREND_MONTHS: usize = 24;

/// The end of a bar, in eighths of a character.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// The heights of the bars in a sparkline.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Adds a sparkline to each row. `by_month` is the same report grouped by month too.
pub(crate) fn add_trends(table: &mut Table, by_month: &Table) {
    let Some(lines) = sparklines(table, by_month) else { return };
    table.columns.push(TREND.to_owned());
    for (row, line) in table.rows.iter_mut().zip(lines) {
        row.push(Cell::text(line));
    }
    if let Some(totals) = &mut table.totals {
        totals.push(Cell::Text(None));
    }
}

/// The column of the main amounts among those that `is_judged` accepts, and a bar for each row; the longest has `width`
/// characters. Unknown and negative amounts have no bar. `None`: there is nothing to compare.
pub(crate) fn bars(
    table: &Table,
    width: usize,
    is_judged: impl Fn(usize) -> bool,
) -> Option<(usize, Vec<String>)> {
    let column = MEASURES.iter().find_map(|measure| {
        let column = table.columns.iter().position(|column| column == measure)?;
        is_judged(column).then_some(column)
    })?;
    // The sum of a group would dwarf its rows.
    let is_group = |row: &[Cell]| row.iter().any(|cell| matches!(cell, Cell::Group { .. }));
    let amount_of = |row: &Vec<Cell>| amount(&row[column]).filter(|_| !is_group(row));
    let amounts: Vec<Option<f64>> = table.rows.iter().map(amount_of).collect();
    let (highest, fewest) = match table.columns[column].as_str() {
        USED => (1.0, 1),
        _ => (amounts.iter().flatten().copied().fold(0.0, f64::max), 2),
    };
    if table.rows.len() < fewest || highest <= 0.0 {
        return None;
    }
    let bar = |amount: &Option<f64>| match amount {
        Some(amount) if *amount > 0.0 => {
            // A positive amount is always visible.
            let eighths = ((amount / highest).min(1.0) * width as f64 * 8.0).round().max(1.0) as usize;
            let mut bar = "█".repeat(eighths / 8);
            bar.extend((eighths % 8).checked_sub(1).map(|rest| EIGHTHS[rest]));
            bar
        }
        _ => String::new(),
    };
    Some((column, amounts.iter().map(bar).collect()))
}

/// A sparkline for each row of the table: one character per month, relative to the costliest month of the row. A month
/// without a known cost is a space. `None`: there are fewer than two months.
fn sparklines(table: &Table, by_month: &Table) -> Option<Vec<String>> {
    let month = by_month.columns.iter().position(|column| column == "month")?;
    let amounts = by_month.columns.iter().position(|column| column == MEASURES[0])?;
    // Every line has the months of all rows, so that the lines are comparable.
    let months: BTreeSet<String> = by_month.rows.iter().filter_map(|row| row[month].exact()).collect();
    let months: Vec<String> = months.into_iter().rev().take(TREND_MONTHS).collect();
    if months.len() < 2 {
        return None;
    }
    let key = |row: &[Cell]| row[..month].iter().map(Cell::exact).collect::<Vec<_>>();
    let mut costs: HashMap<(Vec<Option<String>>, String), f64> = HashMap::new();
    for row in &by_month.rows {
        if let (Some(label), Some(amount)) = (row[month].exact(), amount(&row[amounts])) {
            costs.insert((key(row), label), amount);
        }
    }
    let lines = table.rows.iter().map(|row| {
        let known = |label: &String| costs.get(&(key(row), label.clone())).copied();
        let amounts: Vec<Option<f64>> = months.iter().rev().map(known).collect();
        let highest = amounts.iter().flatten().copied().fold(0.0, f64::max);
        let character = |amount: Option<f64>| match amount {
            None => ' ',
            Some(amount) if amount > 0.0 => HEIGHTS[((amount / highest * 7.0).round() as usize).min(7)],
            Some(_) => HEIGHTS[0],
        };
        amounts.into_iter().map(character).collect()
    });
    Some(lines.collect())
}

/// The amount as a number. `None`: it is unknown, or not a number.
fn amount(cell: &Cell) -> Option<f64> {
    if cell.is_number() { cell.exact()?.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Usd;

    fn usd(cents: i128) -> Cell {
        Cell::Usd(Some(Usd::from_units(cents * 10_000_000)))
    }

    fn costs(amounts: &[Cell]) -> Table {
        Table {
            columns: vec!["month".to_owned(), "total_cost_usd".to_owned(), "credits".to_owned()],
            rows: amounts
                .iter()
                .zip(1..)
                .map(|(amount, month)| {
                    vec![Cell::text(format!("2026-{month:02}")), amount.clone(), Cell::count(1)]
                })
                .collect(),
            totals: Some(vec![Cell::Text(None), usd(7), Cell::count(3)]),
        }
    }

    #[test]
    fn each_positive_cost_has_a_bar_in_proportion() {
        let table = costs(&[usd(1000), usd(500), usd(55), usd(1), Cell::Usd(None), usd(0), usd(-300)]);
        let (column, bars) = bars(&table, 10, |_| true).unwrap();
        assert_eq!(
            (column, bars),
            (1, ["██████████", "█████", "▌", "▏", "", "", ""].map(str::to_owned).to_vec())
        );
    }

    #[test]
    fn a_table_without_comparable_amounts_has_no_bars() {
        for amounts in [vec![usd(10)], vec![usd(0), usd(0)], vec![Cell::Usd(None), usd(-1)], vec![]] {
            assert_eq!(bars(&costs(&amounts), 8, |_| true), None);
        }
        let mut without_amounts = costs(&[usd(1000), usd(500)]);
        without_amounts.columns[1] = "why".to_owned();
        assert_eq!(bars(&without_amounts, 8, |_| true), None);
    }

    #[test]
    fn each_row_has_a_sparkline_of_its_months() {
        let by = |names: &[&str], rows: &[(&[&str], Cell)]| Table {
            columns: names.iter().map(|name| (*name).to_owned()).collect(),
            rows: rows
                .iter()
                .map(|(labels, amount)| {
                    labels.iter().map(|label| Cell::text(*label)).chain([amount.clone()]).collect()
                })
                .collect(),
            totals: None,
        };
        let mut table =
            by(&["kind", "total_cost_usd"], &[(&["source"], usd(90)), (&["destination"], usd(10))]);
        let by_month = by(
            &["kind", "month", "total_cost_usd"],
            &[
                (&["source", "2026-01"], usd(0)),
                (&["source", "2026-02"], usd(60)),
                (&["source", "2026-04"], usd(30)),
                (&["destination", "2026-03"], Cell::Usd(None)),
                (&["destination", "2026-04"], usd(10)),
            ],
        );
        add_trends(&mut table, &by_month);
        assert_eq!(table.columns, ["kind", "total_cost_usd", "by_month"]);
        let trends: Vec<String> = table.rows.iter().filter_map(|row| row[2].exact()).collect();
        assert_eq!(trends, ["▁█ ▅", "   █"]);
    }
}
