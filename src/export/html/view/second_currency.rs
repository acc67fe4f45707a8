//! The cost of the months in the second currency, with the rates.

use crate::export::html::number::group_thousands;
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
    /// The label of each month, and its cells for people and exact. `None`: not known.
    rows: Vec<(String, Vec<Option<(String, String)>>)>,
}

impl SecondCurrency {
    /// The months of the overview. `None`: there is no second currency, or there are no months.
    pub(super) fn of(overview: &Overview) -> Option<SecondCurrency> {
        let mut table = overview.converted.clone().filter(|table| !table.rows.is_empty())?;
        table.retain_columns(|column| !LEFT_OUT.contains(&column));
        let currency = overview.scope.fx()?.currency.to_string();
        let Table { columns, rows, .. } = table;
        Some(SecondCurrency {
            caption: format!("Cost by month in {currency}, as in runledger report cost"),
            headings: columns.iter().map(|column| heading(column, &currency)).collect(),
            rows: rows
                .iter()
                .map(|row| (cell(&row[0]).unwrap_or_default().0, row[1..].iter().map(cell).collect()))
                .collect(),
        })
    }
}

fn cell(cell: &Cell) -> Option<(String, String)> {
    let text = cell.rounded(USD_DECIMALS_FOR_PEOPLE)?;
    Some((if cell.is_number() { group_thousands(&text) } else { text }, cell.exact()?))
}

fn heading(column: &str, currency: &str) -> String {
    match column {
        "month" => "Month".to_owned(),
        "total_cost_usd" => "Total, USD".to_owned(),
        "fx_rate" => "Exchange rate".to_owned(),
        "fx_date" => "Date of the rate".to_owned(),
        "fx_source" => "Source of the rate".to_owned(),
        "runs_fx_unknown" => "Runs without a rate".to_owned(),
        _ => format!("Total, {currency}"),
    }
}
