//! The sheet of days, also those without runs, with a column chart.

use super::figures::MonthFigures;
use super::{Context, TableSheet, words};
use crate::export::xlsx::book::{Chart, Content, Rows, Sheet};
use crate::export::xlsx::cell_format::CellFormat::{Count, Day, Usd};
use crate::export::xlsx::column::Column;
use crate::report::Cell;
use crate::report::cost::CostTotals;

/// The column of the chart.
const TOTAL_COST: usize = 1;

pub(super) fn sheet(context: &Context<'_>, figures: &MonthFigures) -> Sheet<'static> {
    let column = |field, format, width| Column::new(field, format, width, context.language);
    let columns = vec![
        column("day", Day, 13.0),
        column("total_cost_usd", Usd(2), 16.0).summed(),
        column("el_cost_usd", Usd(2), 18.0).summed(),
        column("transformation_cost_usd", Usd(2), 18.0).summed(),
        column("runs", Count, 12.0).summed(),
        column("runs_cost_unknown", Count, 14.0).summed(),
        column("credits", Count, 11.0).summed(),
    ];
    let row = |label: Cell, cost: &CostTotals| {
        vec![
            label,
            Cell::Usd(cost.total()),
            Cell::Usd(cost.el()),
            Cell::Usd(cost.transformation()),
            Cell::count(cost.runs),
            Cell::count(cost.runs_cost_unknown),
            Cell::count(cost.credits),
        ]
    };
    let rows = figures.days.iter().map(|(label, cost)| row(Cell::text(label), cost));
    let mut sheet = context.sheet(TableSheet {
        name: words::DAYS,
        table_name: "RL_days",
        columns,
        rows: Rows::Cells(rows.collect()),
        totals: Some(row(Cell::Text(None), &figures.cost)),
        empty: words::NO_RUNS,
        notes: Vec::new(),
        frozen_columns: 1,
    });
    if let Content::Table(table) = &mut sheet.content {
        table.chart = Some(Chart { column: TOTAL_COST });
    }
    sheet
}
