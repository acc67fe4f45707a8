//! The sheet of pipelines: the most expensive first. One whose runs are in two cost centers has two rows.

use super::cost_centers::share;
use super::figures::{MonthFigures, Pipeline};
use super::{Context, TableSheet, words};
use crate::export::xlsx::book::{Rows, Sheet};
use crate::export::xlsx::cell_format::CellFormat::{Count, Duration, Name, Percent, Text, Usd};
use crate::export::xlsx::column::Column;
use crate::report::Cell;

pub(super) fn sheet(context: &Context<'_>, figures: &mut MonthFigures) -> Sheet<'static> {
    let column = |field, format, width| Column::new(field, format, width, context.language);
    let columns = vec![
        column("pipeline_name", Name, 40.0),
        column("pipeline_kind", Text, 15.0),
        column("cost_center", Name, 22.0),
        column("total_cost_usd", Usd(2), 16.0).summed(),
        column("share", Percent, 13.0),
        column("el_cost_usd", Usd(2), 18.0).summed(),
        column("transformation_cost_usd", Usd(2), 18.0).summed(),
        column("runs", Count, 12.0).summed(),
        column("failed_runs", Count, 14.0).summed(),
        column("failed_usd", Usd(2), 16.0).summed(),
        column("runs_cost_unknown", Count, 14.0).summed(),
        column("credits", Count, 11.0).summed(),
        column("cost_per_run_usd", Usd(4), 16.0),
        column("p50_seconds", Duration, 14.0),
        column("pipeline_id", Text, 38.0).folded(),
    ];
    let cost = figures.cost;
    let (mut failed_runs, mut failed_cost) = (0, None);
    let row = |Pipeline { labels, cost: now, outcomes }: &mut Pipeline| {
        let label = |place: usize| Cell::Text(labels.get(place).cloned().flatten());
        failed_runs += outcomes.failed_runs();
        failed_cost =
            [failed_cost, outcomes.failed_cost()].into_iter().flatten().reduce(|one, other| one + other);
        vec![
            label(0),
            label(2),
            label(3),
            Cell::Usd(now.total()),
            Cell::Share(share(now.total(), cost.total())),
            Cell::Usd(now.el()),
            Cell::Usd(now.transformation()),
            Cell::count(now.runs),
            Cell::count(outcomes.failed_runs()),
            Cell::Usd(outcomes.failed_cost()),
            Cell::count(now.runs_cost_unknown),
            Cell::count(now.credits),
            Cell::Usd(now.total().and_then(|total| total.per(now.runs_cost_known()))),
            Cell::Seconds(outcomes.median_duration()),
            label(1),
        ]
    };
    let rows: Vec<Vec<Cell>> = figures.pipelines.iter_mut().map(row).collect();
    let totals = vec![
        Cell::Text(None),
        Cell::Text(None),
        Cell::Text(None),
        Cell::Usd(cost.total()),
        Cell::Share(None),
        Cell::Usd(cost.el()),
        Cell::Usd(cost.transformation()),
        Cell::count(cost.runs),
        Cell::count(failed_runs),
        Cell::Usd(failed_cost),
        Cell::count(cost.runs_cost_unknown),
        Cell::count(cost.credits),
        Cell::Usd(None),
        Cell::Seconds(None),
        Cell::Text(None),
    ];
    context.sheet(TableSheet {
        name: words::PIPELINES,
        table_name: "RL_pipelines",
        columns,
        rows: Rows::Cells(rows),
        totals: Some(totals),
        empty: words::NO_RUNS,
        notes: Vec::new(),
        frozen_columns: 1,
    })
}
