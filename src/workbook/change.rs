//! The sheet of changes: why the month cost more or less than the one before, the largest change first.

use super::figures::{Comparison, MonthFigures};
use super::{Context, TableSheet, words};
use crate::export::xlsx::book::{Rows, Sheet};
use crate::export::xlsx::cell_format::CellFormat::{Change, Count, Name, Usd};
use crate::export::xlsx::column::Column;
use crate::report::Cell;
use crate::report::change::ChangedGroup;

pub(super) fn sheet(context: &Context<'_>, figures: &MonthFigures) -> Sheet<'static> {
    let column = |field, format, width| Column::new(field, format, width, context.language);
    let columns = vec![
        column("pipeline_name", Name, 40.0),
        column("cost_center", Name, 22.0),
        column("previous_usd", Usd(2), 16.0).summed(),
        column("current_usd", Usd(2), 16.0).summed(),
        column("change_usd", Change(2), 14.0).summed(),
        column("volume_usd", Change(2), 16.0).summed(),
        column("price_usd", Change(2), 16.0).summed(),
        column("new_usd", Change(2), 16.0).summed(),
        column("gone_usd", Change(2), 18.0).summed(),
        column("unknown_usd", Change(2), 18.0).summed(),
        column("previous_runs", Count, 14.0).summed(),
        column("current_runs", Count, 14.0).summed(),
    ];
    let mut notes = Vec::new();
    let (rows, totals) = match &figures.comparison {
        Comparison::None(why) => {
            notes.push(context.language.sentence(why).into_owned());
            (Vec::new(), None)
        }
        Comparison::With(change) => {
            notes.push(context.text(words::KNOWN_COST_ONLY));
            notes.extend(change.notes().iter().map(|note| context.language.sentence(note).into_owned()));
            let center = |group: &ChangedGroup| {
                let center = figures.centers_of(group.labels.get(1).and_then(Option::as_ref));
                // One center is translated, several are names.
                if center.is_empty() { Cell::Text(None) } else { Cell::text(center) }
            };
            let rows = change.groups.iter().map(|group| row(group, center(group))).collect();
            (rows, Some(row(&change.all, Cell::Text(None))))
        }
    };
    context.sheet(TableSheet {
        name: words::CHANGE,
        table_name: "RL_change",
        columns,
        rows: Rows::Cells(rows),
        totals,
        empty: words::NOT_COMPARED,
        notes,
        frozen_columns: 1,
    })
}

fn row(group: &ChangedGroup, center: Cell) -> Vec<Cell> {
    let ChangedGroup { labels, old, new, effects, .. } = group;
    let mut row = vec![
        Cell::Text(labels.first().cloned().flatten()),
        center,
        Cell::Usd(old.total()),
        Cell::Usd(new.total()),
    ];
    row.extend(effects.cells());
    row.extend([Cell::count(old.runs_cost_known()), Cell::count(new.runs_cost_known())]);
    row
}
