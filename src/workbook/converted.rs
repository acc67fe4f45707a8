//! The second currency in the sheet of cost centers: the amount to book of each, with rate, date and source.

use super::figures::{Center, Converted};
use crate::export::xlsx::cell_format::CellFormat::{Brl, Count, Day, Rate, Text, Usd};
use crate::export::xlsx::column::Column;
use crate::language::Language;
use crate::report::Cell;
use crate::report::apportionment::in_cents;
use crate::report::fx::RATE_COLUMNS;
use crate::report::table::USD_DECIMALS;
use crate::run::Usd as Amount;

impl Converted {
    /// The columns: the amount to book, rate, date, source, and runs without a rate.
    pub(super) fn columns(&self, language: Language) -> [Column; 5] {
        let column = |field: &str, format, width| Column::new(field, format, width, language);
        // The heading names any other currency.
        let format = if self.suffix == "brl" { Brl(2) } else { Usd(2) };
        let [rate, date, source, unknown] = RATE_COLUMNS;
        [
            column(&format!("amount_to_book_{}", self.suffix), format, 18.0).summed(),
            column(rate, Rate, 13.0),
            column(date, Day, 13.0),
            column(source, Text, 20.0),
            column(unknown, Count, 14.0).summed(),
        ]
    }

    /// The rate of all runs, its date and its source. Unknown: there is none, or more than one.
    pub(super) fn rate(&self) -> [Cell; 3] {
        let all = self.table.totals.as_ref().or(self.table.rows.first());
        let place = |column: &str| self.table.columns.iter().position(|name| name == column);
        let cell =
            |column: &str| all.zip(place(column)).map_or(Cell::Text(None), |(row, place)| row[place].clone());
        let [rate, date, source, _] = RATE_COLUMNS;
        [cell(rate), cell(date), cell(source)]
    }

    /// The cells of each center, and then of the totals. Amounts are in whole cents, so that they add up.
    pub(super) fn cells(&self, centers: &[Center]) -> Vec<[Cell; 5]> {
        let place = |column: &str| self.table.columns.iter().position(|name| name == column);
        let cell = |row: Option<&Vec<Cell>>, column: &str| {
            row.zip(place(column)).map_or(Cell::Text(None), |(row, place)| row[place].clone())
        };
        let total = format!("total_cost_{}", self.suffix);
        let row_of = |center: &Center| self.table.rows.iter().find(|row| row[0] == Cell::text(&center.name));
        let amounts: Vec<Option<Amount>> =
            centers.iter().map(|center| exact(&cell(row_of(center), &total))).collect();
        let to_book = in_cents(&amounts);
        // A table of one row has no totals.
        let all = self.table.totals.as_ref().or(self.table.rows.first());
        // Where a center has no rate, its amount is not known, and nor is the total.
        let is_known = exact(&cell(all, &total)).is_some();
        let sum = to_book.iter().flatten().copied().reduce(|one, other| one + other).filter(|_| is_known);
        let cells = |row: Option<&Vec<Cell>>, booked: Option<Amount>| {
            let [rate, date, source, unknown] = RATE_COLUMNS.map(|column| cell(row, column));
            [Cell::Usd(booked), rate, date, source, unknown]
        };
        let centers = centers.iter().zip(&to_book).map(|(center, booked)| cells(row_of(center), *booked));
        centers.chain([cells(all, sum)]).collect()
    }
}

/// The converted amount to nine decimals. `None`: not known.
fn exact(cell: &Cell) -> Option<Amount> {
    let units = cell.exact_to(USD_DECIMALS)?.replace('.', "").parse().ok()?;
    Some(Amount::from_units(units))
}
