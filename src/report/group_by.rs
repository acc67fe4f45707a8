//! Grouping: one pass over the current runs, with one aggregate for each group.

use super::dimension::Dimension;
use super::interner::{Interner, ranks};
use super::ledger::Ledger;
use super::period::Span;
use super::run_scan::{self, IndexedRun};
use super::table::{Cell, Table};
use crate::error::Result;
use rusqlite::named_params;
use std::collections::HashMap;

/// The figures of a group of runs.
pub(crate) trait Aggregate: Default {
    /// The columns of [`Aggregate::cells`].
    const COLUMNS: &'static [&'static str];

    /// Adds a run.
    fn add(&mut self, run: &IndexedRun<'_>) -> Result<()>;

    /// Adds the runs of another aggregate.
    fn merge(&mut self, other: Self);

    /// The figures, one cell for each column.
    fn cells(&mut self) -> Vec<Cell>;
}

/// The aggregate of all of the ledger's runs.
pub(crate) fn total<T: Aggregate>(ledger: &Ledger<'_>) -> Result<T> {
    let mut aggregate = T::default();
    for_each_run(ledger, |run| aggregate.add(run))?;
    Ok(aggregate)
}

/// The aggregates of each group of the ledger's runs: periods ascending, then texts ascending, unknown labels last.
/// A table with more than one row has totals.
pub(crate) fn report<T: Aggregate>(ledger: &Ledger<'_>, by: &[Dimension]) -> Result<Table> {
    report_across::<T>(std::slice::from_ref(ledger), by)
}

/// The same report over several ledgers with the same zone. Rows of pipelines include the workspace.
pub(crate) fn report_across<T: Aggregate>(ledgers: &[Ledger<'_>], by: &[Dimension]) -> Result<Table> {
    let mut grouping = Grouping::<T>::new(by);
    for ledger in ledgers {
        grouping.enter_ledger(ledger);
        // Consecutive runs are mostly in the same group, so the last group is tried before the map.
        let mut last = None;
        for_each_run(ledger, |run| grouping.add(run, &mut last))
            .map_err(|error| ledger.with_archive_path(error))?;
    }
    grouping.into_table(ledgers)
}

/// Passes each of the ledger's runs to `visit`. The first error ends the scan.
pub(crate) fn for_each_run(
    ledger: &Ledger<'_>,
    visit: impl FnMut(&IndexedRun<'_>) -> Result<()>,
) -> Result<()> {
    for_each_run_in(ledger, ledger.scope().span, visit)
}

/// Passes each run booked in `span`, instead of the ledger's own span, to `visit`. The first error ends the scan.
pub(crate) fn for_each_run_in(
    ledger: &Ledger<'_>,
    span: Span,
    visit: impl FnMut(&IndexedRun<'_>) -> Result<()>,
) -> Result<()> {
    visit_all(ledger, span, &run_scan::runs(&span, ledger.scope().date), visit)
}

/// The same scan with [`IndexedRun::ended_at`] and [`IndexedRun::snapshot_id`], which is slightly slower.
pub(crate) fn for_each_run_with_end(
    ledger: &Ledger<'_>,
    span: Span,
    visit: impl FnMut(&IndexedRun<'_>) -> Result<()>,
) -> Result<()> {
    visit_all(ledger, span, &run_scan::runs_with_ends(&span, ledger.scope().date), visit)
}

fn visit_all(
    ledger: &Ledger<'_>,
    span: Span,
    sql: &str,
    mut visit: impl FnMut(&IndexedRun<'_>) -> Result<()>,
) -> Result<()> {
    let mut statement = ledger.connection().prepare(sql)?;
    let (from, until) = span.bounds();
    let mut rows = match span {
        Span { from: None, until: None } => statement.query([])?,
        _ => statement.query(named_params! {":from": from, ":until": until})?,
    };
    while let Some(row) = rows.next()? {
        visit(&IndexedRun::new(row))?;
    }
    Ok(())
}

/// The label indexes of a group, one for each dimension. Unused entries are zero.
type Key = [u32; Dimension::ALL.len()];

/// The groups found so far.
struct Grouping<T> {
    interners: Vec<Interner>,
    /// Indexes into `aggregates`.
    groups: HashMap<Key, usize>,
    aggregates: Vec<T>,
}

impl<T: Aggregate> Grouping<T> {
    fn new(by: &[Dimension]) -> Grouping<T> {
        let interners = by.iter().map(|dimension| Interner::new(*dimension)).collect();
        Grouping { interners, groups: HashMap::new(), aggregates: Vec::new() }
    }

    fn enter_ledger(&mut self, ledger: &Ledger<'_>) {
        for interner in &mut self.interners {
            interner.enter_ledger(ledger);
        }
    }

    fn add(&mut self, run: &IndexedRun<'_>, last: &mut Option<(Key, usize)>) -> Result<()> {
        let mut key = Key::default();
        for (index, interner) in key.iter_mut().zip(&mut self.interners) {
            *index = interner.index_of(run)?;
        }
        let group = match *last {
            Some((last_key, group)) if last_key == key => group,
            _ => *self.groups.entry(key).or_insert_with(|| {
                self.aggregates.push(T::default());
                self.aggregates.len() - 1
            }),
        };
        *last = Some((key, group));
        self.aggregates[group].add(run)
    }

    fn into_table(self, ledgers: &[Ledger<'_>]) -> Result<Table> {
        let mut labels = Vec::new();
        let mut label_columns = Vec::new();
        for interner in &self.interners {
            label_columns.push(interner.columns(&self.interners));
            labels.push(interner.labels(ledgers)?);
        }
        let mut columns: Vec<String> =
            label_columns.iter().flatten().map(|(_, name)| (*name).to_owned()).collect();
        let label_column_count = columns.len();
        columns.extend(T::COLUMNS.iter().map(|column| (*column).to_owned()));

        let ranks: Vec<Vec<usize>> = labels.iter().map(|labels| ranks(labels)).collect();
        let mut groups: Vec<(Key, usize)> = self.groups.into_iter().collect();
        groups.sort_by_cached_key(|(key, _)| {
            key.iter().zip(&ranks).map(|(index, ranks)| ranks[*index as usize]).collect::<Vec<_>>()
        });

        let mut aggregates: Vec<Option<T>> = self.aggregates.into_iter().map(Some).collect();
        let (mut all, mut rows) = (T::default(), Vec::with_capacity(groups.len()));
        for (key, group) in groups {
            let mut row = Vec::with_capacity(columns.len());
            for ((index, labels), label_columns) in key.iter().zip(&labels).zip(&label_columns) {
                let label = &labels[*index as usize];
                row.extend(label_columns.iter().map(|(part, _)| Cell::Text(label[*part].clone())));
            }
            let mut aggregate = aggregates[group].take().expect("each group is one row");
            row.extend(aggregate.cells());
            rows.push(row);
            all.merge(aggregate);
        }
        let totals = (rows.len() > 1).then(|| {
            let mut totals = vec![Cell::Text(None); label_column_count];
            totals.extend(all.cells());
            totals
        });
        Ok(Table { columns, rows, totals })
    }
}
