//! The cost of the months in the second currency, with the rates.

use crate::export::html::number::{Number, Numbers};
use crate::export::html::range::ChartRange;
use crate::report::overview::Overview;
use crate::report::table::USD_DECIMALS_FOR_PEOPLE;
use crate::report::{Cell, Table};
use askama::Template;

/// The columns of the cost report that the table leaves out.
const LEFT_OUT: [&str; 6] =
    ["runs", "runs_cost_unknown", "el_cost_usd", "transformation_cost_usd", "credits", "cost_per_run_usd"];

/// The table of the months.
#[derive(Debug, Template)]
#[template(path = "second_currency.html")]
pub(super) struct SecondCurrency {
    caption: String,
    headings: Vec<String>,
    /// The label of each month, and its cells.
    rows: Vec<(String, Vec<Number>)>,
}

impl SecondCurrency {
    /// The months of the overview. `None`: there is no second currency, or there are no months.
    pub(super) fn of(overview: &Overview, range: ChartRange) -> Option<SecondCurrency> {
        let mut table = overview.converted.clone().filter(|table| !table.rows.is_empty())?;
        table.retain_columns(|column| !LEFT_OUT.contains(&column));
        let currency = overview.scope.fx()?.currency.to_string();
        let of_currency =
            |english: &'static str| range.language.page_with(english, &[("currency", &currency)]);
        let Table { columns, rows, .. } = table;
        let of_row = |row: &Vec<Cell>| {
            let month = row[0].exact().unwrap_or_default();
            (range.period(&month), row[1..].iter().map(|each| cell(each, range)).collect())
        };
        Some(SecondCurrency {
            caption: of_currency("Cost by month in {currency}, as in runledger report cost"),
            headings: columns.iter().map(|column| of_currency(heading(column))).collect(),
            rows: rows.iter().map(of_row).collect(),
        })
    }
}

/// A cell for people, and exact. A rate has the day, the month, or the first and the last day that it is of.
fn cell(cell: &Cell, range: ChartRange) -> Number {
    let numbers = Numbers(range.language);
    let shown = cell.rounded(USD_DECIMALS_FOR_PEOPLE).map(|text| match cell.is_number() {
        true => numbers.decimal(&text),
        false => text.split('/').map(|part| range.period(part)).collect::<Vec<_>>().join("/"),
    });
    numbers.of(shown.zip(cell.exact()))
}

/// The heading of a column in English; that of an amount has a placeholder.
fn heading(column: &str) -> &'static str {
    match column {
        "month" => "Month",
        "total_cost_usd" => "Total, USD",
        "fx_rate" => "Exchange rate",
        "fx_date" => "Date of the rate",
        "fx_source" => "Source of the rate",
        "runs_fx_unknown" => "Runs without a rate",
        _ => "Total, {currency}",
    }
}
