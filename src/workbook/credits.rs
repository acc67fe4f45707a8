//! The sheet of credits: the last twelve months. Months are not added up, because credits do not carry over.

use super::figures::MonthFigures;
use super::{Context, TableSheet, words};
use crate::export::xlsx::book::{Rows, Sheet};
use crate::export::xlsx::cell_format::CellFormat::{Count, Day, Month, Percent, Text};
use crate::export::xlsx::column::Column;
use crate::report::Cell;

/// The columns of `report credits` in the order of the sheet, with their widths.
const SHOWN: [(&str, f64); 9] = [
    ("charged_runs", 11.0),
    ("free_runs", 14.0),
    ("undecided_runs", 12.0),
    ("forecast_credits", 12.0),
    ("expected_credits", 16.0),
    ("plan_credits", 14.0),
    ("purchased_credits", 14.0),
    ("plan_used_rate", 12.0),
    ("credits_run_out_on", 15.0),
];

pub(super) fn sheet(context: &Context<'_>, figures: &MonthFigures) -> Sheet<'static> {
    let column = |field, format, width| Column::new(field, format, width, context.language);
    let mut columns = vec![column("month", Month, 11.0), column("state", Text, 15.0)];
    columns.extend(SHOWN.map(|(field, width)| {
        let format = match field {
            "plan_used_rate" => Percent,
            "credits_run_out_on" => Day,
            _ => Count,
        };
        // One charged run uses one credit.
        let heading = if field == "charged_runs" { "credits" } else { field };
        Column { heading: context.language.heading(heading).into_owned(), ..column(field, format, width) }
    }));
    let place = |field: &str| figures.credits.columns.iter().position(|column| column == field);
    let running = figures.scope.period.as_deref().filter(|_| !figures.is_over);
    let row = |cells: &Vec<Cell>| {
        let cell = |field: &str| place(field).map_or(Cell::Text(None), |place| cells[place].clone());
        let month = cell("month");
        let label = month.exact().unwrap_or_default();
        let state = if figures.closed.contains(&label) {
            "closed"
        } else if running == Some(label.as_str()) {
            "running"
        } else {
            "current"
        };
        let mut row = vec![month, Cell::text(state)];
        row.extend(SHOWN.map(|(field, _)| cell(field)));
        row
    };
    context.sheet(TableSheet {
        name: words::CREDITS,
        table_name: "RL_credits",
        columns,
        rows: Rows::Cells(figures.credits.rows.iter().map(row).collect()),
        totals: None,
        empty: words::NO_CREDITS,
        notes: vec![context.text(words::CREDITS_PER_MONTH)],
        frozen_columns: 1,
    })
}
