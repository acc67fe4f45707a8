//! The sheet of corrections: what became known of earlier closed months.

use super::figures::{Correction, MonthFigures};
use super::{Context, TableSheet, words};
use crate::export::xlsx::book::{Rows, Sheet};
use crate::export::xlsx::cell_format::CellFormat::{Change, Id, Instant, Month, Name, Text, Usd};
use crate::export::xlsx::column::Column;
use crate::report::Cell;
use crate::report::table::Measure;

pub(super) fn sheet(context: &Context<'_>, figures: &MonthFigures) -> Sheet<'static> {
    let column = |field, format, width| Column::new(field, format, width, context.language);
    let columns = vec![
        Column {
            heading: words::CLOSED_MONTH.text(context.language).to_owned(),
            ..column("month", Month, 13.0)
        },
        column("close", Id, 12.0),
        column("pipeline_name", Name, 40.0),
        column("cost_center", Name, 22.0),
        column("part", Text, 26.0),
        column("booked_usd", Usd(4), 16.0),
        column("now_usd", Usd(4), 16.0),
        column("difference_usd", Change(4), 16.0).summed(),
        column("seen_at", Instant, 17.0),
        column("run_id", Text, 38.0),
    ];
    let row = |Correction { period, close_id, cost_center, change }: &Correction| {
        let amount = |text: &Option<String>| {
            text.as_deref().and_then(|text| Measure::Usd.cell(text)).unwrap_or(Cell::Usd(None))
        };
        vec![
            Cell::text(period),
            Cell::Count(Some(*close_id)),
            Cell::Text(change.pipeline_name.clone()),
            Cell::Text(cost_center.clone()),
            Cell::text(change.field),
            amount(&change.before),
            amount(&change.after),
            Cell::Usd(change.difference),
            Cell::text(change.seen_at.as_str()),
            Cell::text(&change.run_id),
        ]
    };
    let sum = figures.corrections.iter().filter_map(|correction| correction.change.difference);
    let mut totals = vec![Cell::Text(None); columns.len()];
    totals[7] = Cell::Usd(sum.reduce(|one, other| one + other));
    let latest = figures.corrections.last().map(|correction| correction.period.as_str());
    let note = latest.map(|period| words::CORRECTIONS.fill(context.language, &[("period", period)]));
    context.sheet(TableSheet {
        name: words::AFTER_CLOSE,
        table_name: "RL_restatements",
        columns,
        rows: Rows::Cells(figures.corrections.iter().map(row).collect()),
        totals: Some(totals),
        empty: words::NO_CHANGES,
        notes: note.into_iter().collect(),
        frozen_columns: 2,
    })
}
