//! The change report as a table.

use super::converted::ChangeFx;
use super::{Change, ChangedGroup, Effects};
use crate::report::fx::RATE_COLUMNS;
use crate::report::table::{Cell, Table};
use crate::run::Usd;

/// The columns after the labels.
const FIGURES: [&str; 12] = [
    "change_usd",
    "volume_usd",
    "price_usd",
    "new_usd",
    "gone_usd",
    "unknown_usd",
    "against_total_cost_usd",
    "total_cost_usd",
    "against_runs",
    "runs",
    "against_runs_cost_unknown",
    "runs_cost_unknown",
];

impl Change {
    /// The groups as rows. With a limit, one more row has the sums of the groups beyond it, so that the rows add up.
    pub fn table(&self, limit: Option<usize>) -> Table {
        let limit = limit.unwrap_or(self.groups.len());
        let row = |group: &ChangedGroup| {
            let mut row = row(group);
            row.extend(self.fx.iter().flat_map(|fx| fx.cells(group)));
            row
        };
        let mut rows: Vec<Vec<Cell>> = self.groups.iter().take(limit).map(row).collect();
        if let Some((count, rest)) = self.rest(limit) {
            let mut rest = row(&rest);
            let labels = rest.iter_mut().take(self.columns.len());
            let texts = std::iter::once(Cell::Rest(count as u64)).chain(std::iter::repeat(Cell::Blank));
            labels.zip(texts).for_each(|(label, text)| *label = text);
            rows.push(rest);
        }
        Table {
            columns: self
                .columns
                .iter()
                .cloned()
                .chain(FIGURES.map(str::to_owned))
                .chain(self.fx.iter().flat_map(ChangeFx::columns))
                .collect(),
            totals: (rows.len() > 1).then(|| row(&self.all)),
            rows,
        }
    }

    /// The same for people: without counts of unknown costs and exchange rates, which are in the notes, and without
    /// parts that no group has.
    pub fn table_for_people(&self, limit: Option<usize>) -> Table {
        let all = self.all.effects;
        let missing = |part: Option<Usd>| part.is_none();
        let left_out = [
            ("volume_usd", missing(all.volume)),
            ("price_usd", missing(all.price)),
            ("new_usd", missing(all.new)),
            ("gone_usd", missing(all.gone)),
            ("unknown_usd", missing(all.unknown)),
            ("against_runs_cost_unknown", true),
            ("runs_cost_unknown", true),
        ];
        let mut table = self.table(limit);
        let is_of_a_rate = |column: &str| RATE_COLUMNS.iter().any(|name| column.ends_with(name));
        table.retain_columns(|column| !left_out.contains(&(column, true)) && !is_of_a_rate(column));
        table
    }

    /// The number of the groups beyond the first `shown`, and all of them together. `None`: there are none.
    pub(crate) fn rest(&self, shown: usize) -> Option<(usize, ChangedGroup)> {
        let rest = self.groups.get(shown..).filter(|rest| !rest.is_empty())?;
        Some((rest.len(), ChangedGroup::sum(rest, self.columns.len())))
    }
}

fn row(group: &ChangedGroup) -> Vec<Cell> {
    let ChangedGroup { labels, old, new, effects, .. } = group;
    let mut row: Vec<Cell> = labels.iter().cloned().map(Cell::Text).collect();
    row.extend(effects.cells());
    row.extend([
        Cell::Usd(old.total()),
        Cell::Usd(new.total()),
        Cell::count(old.runs),
        Cell::count(new.runs),
        Cell::count(old.runs_cost_unknown),
        Cell::count(new.runs_cost_unknown),
    ]);
    row
}

impl Effects {
    /// The difference and its parts, in the order of the report's columns.
    pub(crate) fn cells(&self) -> [Cell; 6] {
        [self.total(), self.volume, self.price, self.new, self.gone, self.unknown].map(Cell::Usd)
    }
}
