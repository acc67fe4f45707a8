//! The sheet of runs: what the other sheets are made of. Rows are read while they are written.

use super::figures::MonthFigures;
use super::{Context, TableSheet, words};
use crate::error::Result;
use crate::export::xlsx::book::{RowSink, Rows, Sheet};
use crate::export::xlsx::cell_format::CellFormat::{Count, Duration, Id, Instant, Name, Text, Usd};
use crate::export::xlsx::column::Column;
use crate::report::rows::{Value, booked_runs};
use crate::report::{Cell, Ledger};

/// The most runs of the sheet: what Excel holds, less the title, the totals and some room.
pub(super) const MAX_RUNS: u64 = 1_048_000;

/// The columns, in the order of `rows/booked_runs.sql`.
fn columns(context: &Context<'_>) -> Vec<Column> {
    let column = |field, format, width| Column::new(field, format, width, context.language);
    vec![
        column("booked_at", Instant, 17.0),
        column("pipeline_name", Name, 40.0),
        column("cost_center", Name, 22.0),
        column("pipeline_kind", Text, 15.0),
        column("status", Text, 12.0),
        column("trigger_type", Text, 13.0),
        column("el_cost_usd", Usd(4), 18.0).summed(),
        column("transformation_cost_usd", Usd(4), 18.0).summed(),
        column("total_cost_usd", Usd(4), 16.0).summed(),
        column("credits", Count, 10.0).summed(),
        column("duration_seconds", Duration, 12.0),
        column("ended_at", Instant, 17.0),
        column("number", Id, 12.0),
        column("run_id", Text, 38.0),
    ]
}

pub(super) fn sheet<'l>(
    context: &Context<'_>,
    figures: &MonthFigures,
    ledger: &'l Ledger<'_>,
) -> Result<Sheet<'l>> {
    let columns = columns(context);
    let count = figures.cost.runs;
    let mut empty = words::NO_RUNS;
    let mut notes = Vec::new();
    let rows = if count > MAX_RUNS {
        empty = words::TOO_MANY;
        let period = figures.scope.period.clone().unwrap_or_default();
        notes.push(words::TOO_MANY_RUNS.fill(context.language, &[("period", &period)]));
        Rows::Cells(Vec::new())
    } else {
        let mut stream = booked_runs(ledger)?;
        let each = move |sink: &mut RowSink<'_>| {
            let mut cells: Vec<Cell> = Vec::new();
            stream.for_each(|row| {
                cells.clear();
                cells.extend(row.values().map(Value::cell));
                sink(&cells)
            })
        };
        Rows::Stream { count, each: Box::new(each) }
    };
    let mut totals = vec![Cell::Text(None); columns.len()];
    totals[6] = Cell::Usd(figures.cost.el());
    totals[7] = Cell::Usd(figures.cost.transformation());
    totals[8] = Cell::Usd(figures.cost.total());
    totals[9] = Cell::count(figures.cost.credits);
    Ok(context.sheet(TableSheet {
        name: words::RUNS,
        table_name: "RL_runs",
        columns,
        rows,
        totals: Some(totals),
        empty,
        notes,
        frozen_columns: 2,
    }))
}
