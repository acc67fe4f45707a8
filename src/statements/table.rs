//! A statement as a table.

use super::Statement;
use crate::report::change::{Change, ChangedGroup};
use crate::report::{Cell, Table};
use std::cmp::Reverse;

/// The columns before the labels of a pipeline: they identify a row where files of several statements are combined.
const IDENTITY: [&str; 2] = ["month", "cost_center"];

/// The columns after the labels.
const FIGURES: [&str; 12] = [
    "total_cost_usd",
    "against_total_cost_usd",
    "change_usd",
    "volume_usd",
    "price_usd",
    "new_usd",
    "gone_usd",
    "unknown_usd",
    "runs",
    "against_runs",
    "runs_cost_unknown",
    "against_runs_cost_unknown",
];

impl Statement {
    /// One row for each pipeline, the most expensive one of the month first, and the totals. Without a row, there are
    /// no totals.
    pub fn table(&self) -> Table {
        let change = &self.change;
        let mut columns: Vec<String> = IDENTITY.map(str::to_owned).to_vec();
        columns.extend_from_slice(change.label_columns());
        let labels = columns.len();
        columns.extend(FIGURES.map(str::to_owned));
        columns.extend(change.converted_columns());
        let mut groups: Vec<&ChangedGroup> = change.groups.iter().collect();
        // Groups of the same cost stay in the order of the report change.
        groups.sort_by_key(|group| Reverse(group.new.total()));
        let row = |group: &ChangedGroup| {
            let mut row = vec![Cell::text(&change.period), Cell::text(&self.cost_center)];
            row.extend(group.labels.iter().cloned().map(Cell::Text));
            row.extend(figures(group));
            row.extend(change.converted_cells(group));
            row
        };
        let totals = || {
            let mut totals = vec![Cell::Text(None); labels];
            totals.extend(figures(&change.all));
            totals.extend(change.converted_cells(&change.all));
            totals
        };
        Table {
            columns,
            totals: (!groups.is_empty()).then(totals),
            rows: groups.into_iter().map(row).collect(),
        }
    }

    /// The same for people: without the month and the cost center, which are in the title, ids, parts that no pipeline
    /// has, and what the notes say about exchange rates.
    pub(crate) fn table_for_people(&self) -> Table {
        let Change { all, .. } = &self.change;
        let left_out = [
            ("month", true),
            ("cost_center", true),
            ("pipeline_id", true),
            ("volume_usd", all.effects.volume.is_none()),
            ("price_usd", all.effects.price.is_none()),
            ("new_usd", all.effects.new.is_none()),
            ("gone_usd", all.effects.gone.is_none()),
            ("unknown_usd", all.effects.unknown.is_none()),
            ("against_runs_cost_unknown", all.old.runs_cost_unknown == 0),
        ];
        let mut table = self.table();
        table.retain_columns(|column| {
            !left_out.contains(&(column, true))
                && !column.starts_with("against_fx_")
                && !column.ends_with("runs_fx_unknown")
        });
        table
    }
}

fn figures(group: &ChangedGroup) -> Vec<Cell> {
    let ChangedGroup { old, new, effects, .. } = group;
    let mut figures = vec![Cell::Usd(new.total()), Cell::Usd(old.total())];
    figures.extend(effects.cells());
    figures.extend([
        Cell::count(new.runs),
        Cell::count(old.runs),
        Cell::count(new.runs_cost_unknown),
        Cell::count(old.runs_cost_unknown),
    ]);
    figures
}
