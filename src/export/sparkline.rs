//! This is small pictures beside the amounts of a table: bars to compare rows by, and lines of how each row went.

use crate::report::{Cell, Table};
use std::collections::{BTreeSet, HashMap};

/// The amounts that get bars: the first of these columns that a table has.
const MEASURES: [&str; 5] =
    ["total_cost_usd", "p95_seconds", "expected_credits", "duration_seconds", "failure_rate"];

/// The column that a line of bars for months has.
const TREND: &str = "by_month";

/// The greatest width of a bar, in letters. Longer ones are no easier to compare.
const BAR_WIDTH: usize = 20;

/// The least width of a bar that tells anything.
const LEAST_BAR_WIDTH: usize = 5;

/// What a terminal's table has between two columns.
const GAP: usize = 3;

/// The most months that a line shows: the latest.
const TREND_MONTHS: usize = 24;

/// The eighths of a letter that a bar ends in.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// The heights of a line's letters.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The table with a line for each row from `by_month`, the same answer split by month too, and with bars beside its main
/// amounts, as far as `room` letters are left beside it.
pub fn pictured(table: &Table, by_month: Option<&Table>, room: usize) -> Table {
    let mut pictured = table.clone();
    let mut room = room;
    if let Some((lines, width)) = by_month.and_then(|by_month| trend(table, by_month))
        && let Some(left) = room.checked_sub(width.max(TREND.len()) + GAP)
    {
        add_column(&mut pictured, table.columns.len(), TREND, lines);
        room = left;
    }
    let width = room.saturating_sub(GAP).min(BAR_WIDTH);
    if width >= LEAST_BAR_WIDTH
        && let Some((column, bars)) = bars(table, width)
    {
        add_column(&mut pictured, column + 1, "", bars);
    }
    pictured
}

fn add_column(table: &mut Table, place: usize, name: &str, texts: Vec<String>) {
    table.columns.insert(place, name.to_owned());
    for (row, text) in table.rows.iter_mut().zip(texts) {
        row.insert(place, Cell::text(text));
    }
    if let Some(totals) = &mut table.totals {
        totals.insert(place, Cell::Text(None));
    }
}

/// The column of the main amounts, and a bar for each row: the greatest is `width` letters long. What is not known, and
/// what is negative, has none. `None`: there is nothing to compare.
fn bars(table: &Table, width: usize) -> Option<(usize, Vec<String>)> {
    let column =
        MEASURES.iter().find_map(|measure| table.columns.iter().position(|column| column == measure))?;
    let amounts: Vec<Option<f64>> = table.rows.iter().map(|row| amount(&row[column])).collect();
    let greatest = amounts.iter().flatten().copied().fold(0.0, f64::max);
    if table.rows.len() < 2 || greatest <= 0.0 {
        return None;
    }
    let bar = |amount: &Option<f64>| match amount {
        Some(amount) if *amount > 0.0 => {
            // What is there at all is seen.
            let eighths = ((amount / greatest * width as f64 * 8.0).round() as usize).max(1);
            let mut bar = "█".repeat(eighths / 8);
            bar.extend((eighths % 8).checked_sub(1).map(|rest| EIGHTHS[rest]));
            bar
        }
        _ => String::new(),
    };
    Some((column, amounts.iter().map(bar).collect()))
}

/// For each row of the table a letter a month, as high as the month's part of the row's dearest one, and how many
/// letters that are. A month without a known cost has a blank. `None`: there are not two months to compare.
fn trend(table: &Table, by_month: &Table) -> Option<(Vec<String>, usize)> {
    let month = by_month.columns.iter().position(|column| column == "month")?;
    let amounts = by_month.columns.iter().position(|column| column == MEASURES[0])?;
    // The months of all rows are one after another in each line, so that lines can be held against each other.
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
        let greatest = amounts.iter().flatten().copied().fold(0.0, f64::max);
        let letter = |amount: Option<f64>| match amount {
            None => ' ',
            Some(amount) if amount > 0.0 => HEIGHTS[((amount / greatest * 7.0).round() as usize).min(7)],
            Some(_) => HEIGHTS[0],
        };
        amounts.into_iter().map(letter).collect()
    });
    Some((lines.collect(), months.len()))
}

/// An amount to draw. `None`: it is not known, or no number.
fn amount(cell: &Cell) -> Option<f64> {
    if cell.is_number() { cell.exact()?.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::terminal;
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

    fn drawn(table: &Table, column: usize) -> Vec<String> {
        table.rows.iter().map(|row| row[column].exact().unwrap()).collect()
    }

    #[test]
    fn a_bar_stands_beside_each_cost_as_long_as_its_part_of_the_greatest() {
        let table = costs(&[usd(1000), usd(500), usd(55), usd(1), Cell::Usd(None), usd(0), usd(-300)]);
        let pictured = pictured(&table, None, 13);
        assert_eq!(pictured.columns, ["month", "total_cost_usd", "", "credits"]);
        assert_eq!(drawn(&pictured, 2), ["██████████", "█████", "▌", "▏", "", "", ""]);
        assert_eq!(pictured.totals.unwrap()[2], Cell::Text(None));
    }

    #[test]
    fn where_there_is_no_room_or_nothing_to_compare_the_table_stays_as_it_is() {
        let table = costs(&[usd(1000), usd(500)]);
        assert_eq!(pictured(&table, None, 7), table);
        assert_ne!(pictured(&table, None, 8), table);
        for amounts in [vec![usd(10)], vec![usd(0), usd(0)], vec![Cell::Usd(None), usd(-1)], vec![]] {
            let table = costs(&amounts);
            assert_eq!(pictured(&table, None, 100), table);
        }
        let mut words = table;
        words.columns[1] = "why".to_owned();
        assert_eq!(pictured(&words, None, 100), words);
    }

    #[test]
    fn no_picture_makes_a_line_longer_than_the_terminal() {
        let table = costs(&[usd(1000), usd(500), Cell::Usd(None)]);
        let plain = terminal::width(&table, 4);
        for width in plain..plain + 60 {
            let pictured = pictured(&table, Some(&table), width - plain);
            assert!(terminal::width(&pictured, 4) <= width, "{width}");
        }
    }

    #[test]
    fn each_row_has_a_line_of_its_months() {
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
        let table = by(&["kind", "total_cost_usd"], &[(&["source"], usd(90)), (&["destination"], usd(10))]);
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
        let pictured = pictured(&table, Some(&by_month), 40);
        assert_eq!(pictured.columns, ["kind", "total_cost_usd", "", "by_month"]);
        assert_eq!(drawn(&pictured, 3), ["▁█ ▅", "   █"]);
    }
}
