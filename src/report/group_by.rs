//! Grouping: one pass over the current runs, with one aggregate for each group.

use super::dimension::Dimension;
use super::interner::{Interner, Label, ranks};
use super::ledger::Ledger;
use super::metadata_path::MetadataPath;
use super::period::{Calendar, Span};
use super::ranking::Ranking;
use super::run_fold::fold;
use super::run_scan::{self, Columns, IndexedRun, Pipelines, RunQuery};
use super::slices::{Slice, Sliced, Slicer};
use super::table::{Cell, Table};
use super::two_levels::{TwoLevelRequest, TwoLevels};
use crate::error::{Error, Result};
use crate::run::Instant;
use foldhash::{HashMap, HashMapExt};
use rusqlite::named_params;
use std::ops::ControlFlow;

/// The most dimensions of a report.
pub(crate) const MAX_DIMENSIONS: usize = 16;

/// The figures of a group of runs.
pub(crate) trait Aggregate: Default + Send + 'static {
    /// The columns of [`Aggregate::cells`].
    const COLUMNS: &'static [&'static str];

    /// What it reads of a run.
    const READS: Columns;

    /// Adds a run.
    fn add(&mut self, run: &IndexedRun<'_>) -> Result<()>;

    /// Adds the runs of another aggregate.
    fn merge(&mut self, other: Self);

    /// The figures, one cell for each column.
    fn cells(&mut self) -> Vec<Cell>;
}

/// The aggregate of all of the ledger's runs.
pub(crate) fn total<T: Aggregate>(ledger: &Ledger<'_>) -> Result<T> {
    fold_runs_in(ledger, ledger.scope().span, T::READS, T::default(), T::add)
}

/// The aggregates of each group of the ledger's runs: periods ascending, then texts ascending, unknown labels last.
/// A table with more than one row has totals.
pub(crate) fn report<T: Aggregate>(ledger: &Ledger<'_>, by: &[Dimension]) -> Result<Table> {
    report_across::<T>(std::slice::from_ref(ledger), by)
}

/// The same report over several ledgers with the same zone. Rows of pipelines include the workspace.
pub(crate) fn report_across<T: Aggregate>(ledgers: &[Ledger<'_>], by: &[Dimension]) -> Result<Table> {
    ranked_across::<T>(ledgers, by, &Ranking::default())
}

/// The same report in an order, with one row for the groups beyond a limit: their figures together.
///
/// # Errors
/// [`Error::Usage`] when the report has no column with the name of the order. Those of SQLite.
pub(crate) fn ranked_across<T: Aggregate>(
    ledgers: &[Ledger<'_>],
    by: &[Dimension],
    ranking: &Ranking,
) -> Result<Table> {
    let figures = T::COLUMNS.iter().map(|column| (*column).to_owned());
    groups_across::<T>(ledgers, by)?.into_table_of(ranking, figures, T::cells, T::merge)
}

/// The same report by two dimensions, for people.
///
/// # Errors
/// As [`ranked_across`].
pub(crate) fn two_levels_across<T: Aggregate + Clone>(
    ledgers: &[Ledger<'_>],
    by: &[Dimension],
    request: &TwoLevelRequest<'_>,
) -> Result<TwoLevels> {
    let figures = T::COLUMNS.iter().map(|column| (*column).to_owned());
    groups_across::<T>(ledgers, by)?.into_two_levels(request, figures, T::cells, T::merge)
}

/// The groups of [`report_across`], for a calculation with their aggregates.
pub(crate) fn groups_across<T: Aggregate>(ledgers: &[Ledger<'_>], by: &[Dimension]) -> Result<Groups<T>> {
    let add = |(): &mut (), figures: &mut T, _, run: &IndexedRun<'_>| figures.add(run);
    Ok(groups_with_documents(ledgers, by, T::READS, &[], (), add)?.0)
}

/// The groups of the ledgers' runs, in the order of [`report`], and the context. `add` adds a run of the ledger at a
/// position to its group's figures, with the context, and reads these columns of it; the JSON columns in `documents`
/// are the run's first JSON, see [`IndexedRun::json`].
///
/// # Errors
/// [`Error::Usage`] when there are more than [`MAX_DIMENSIONS`]. Those of SQLite.
pub(super) fn groups_with_documents<C: Send + 'static, T: Default + Send + 'static>(
    ledgers: &[Ledger<'_>],
    by: &[Dimension],
    reads: Columns,
    documents: &[&'static str],
    mut context: C,
    add: fn(&mut C, &mut T, usize, &IndexedRun<'_>) -> Result<()>,
) -> Result<(Groups<T>, C)> {
    if by.len() > MAX_DIMENSIONS {
        return Err(Error::usage(format!("a report has at most {MAX_DIMENSIONS} dimensions")));
    }
    let paths: Vec<&MetadataPath> = by
        .iter()
        .filter_map(|dimension| match dimension {
            Dimension::Metadata(path) => Some(path),
            _ => None,
        })
        .collect();
    let columns = by.iter().fold(reads, |columns, dimension| columns.and(Interner::reads(dimension)));
    let mut grouping = Grouping::<T>::new(by, documents.len());
    for (position, ledger) in ledgers.iter().enumerate() {
        grouping.enter_ledger(ledger);
        let (span, date) = (ledger.scope().span, ledger.scope().date);
        let query = RunQuery::with_json(&span, date, columns, documents, &paths);
        // Consecutive runs are mostly in the same group, so the last group is tried before the map.
        let state = (grouping, context, None);
        let folded = fold(ledger, span, query, &paths, state, move |(grouping, context, last), run| {
            add(context, grouping.group_of(run, last)?, position, run)
        });
        (grouping, context, _) = folded.map_err(|error| ledger.with_archive_path(error))?;
    }
    Ok((grouping.into_groups(ledgers)?, context))
}

/// Passes each run booked in `span` to `visit`, with these columns and the JSON columns in `documents`, see
/// [`IndexedRun::json`]. The first error ends the scan.
pub(super) fn for_each_run_with_documents(
    ledger: &Ledger<'_>,
    span: Span,
    columns: Columns,
    documents: &[&'static str],
    visit: impl FnMut(&IndexedRun<'_>) -> Result<()>,
) -> Result<()> {
    let query = RunQuery::with_json(&span, ledger.scope().date, columns, documents, &[]);
    visit_all(ledger, span, &query, &[], visit)
}

/// The groups of [`report_across`], each with its runs by ledger and by period of one kind, and these slices.
pub(crate) fn sliced_groups_across<T: Aggregate>(
    ledgers: &[Ledger<'_>],
    by: &[Dimension],
    calendar: Calendar,
) -> Result<(Groups<Sliced<T>>, Vec<Slice>)> {
    let slicer = Slicer::new(calendar, ledgers);
    let reads = T::READS.and(Columns::BOOKED_AT);
    let add = |slicer: &mut Slicer, figures: &mut Sliced<T>, ledger, run: &IndexedRun<'_>| {
        figures.0.entry(slicer.position_of(ledger, run)?).or_default().add(run)
    };
    let (groups, slicer) = groups_with_documents(ledgers, by, reads, &[], slicer, add)?;
    Ok((groups, slicer.into_slices()))
}

/// Passes each of the ledger's runs with these columns to `visit`. The first error ends the scan.
pub(crate) fn for_each_run(
    ledger: &Ledger<'_>,
    columns: Columns,
    visit: impl FnMut(&IndexedRun<'_>) -> Result<()>,
) -> Result<()> {
    for_each_run_in(ledger, ledger.scope().span, columns, visit)
}

/// Passes each run booked in `span`, instead of the ledger's own span, with these columns to `visit`. The first error
/// ends the scan.
pub(crate) fn for_each_run_in(
    ledger: &Ledger<'_>,
    span: Span,
    columns: Columns,
    visit: impl FnMut(&IndexedRun<'_>) -> Result<()>,
) -> Result<()> {
    visit_all(ledger, span, &RunQuery::new(&span, ledger.scope().date, columns), &[], visit)
}

/// Folds the runs booked in `span` into a state, see [`fold`].
pub(super) fn fold_runs_in<T: Send + 'static>(
    ledger: &Ledger<'_>,
    span: Span,
    columns: Columns,
    state: T,
    add: fn(&mut T, &IndexedRun<'_>) -> Result<()>,
) -> Result<T> {
    fold(ledger, span, RunQuery::new(&span, ledger.scope().date, columns), &[], state, add)
}

/// Folds the runs that nothing books into a state, see [`fold`].
pub(super) fn fold_runs_without_date<T: Send + 'static>(
    ledger: &Ledger<'_>,
    columns: Columns,
    state: T,
    add: fn(&mut T, &IndexedRun<'_>) -> Result<()>,
) -> Result<T> {
    let date = ledger.scope().date;
    let query = RunQuery::new(&Span::default(), date, columns).and(&format!("AND {} IS NULL", date.sql()));
    fold(ledger, Span::default(), query, &[], state, add)
}

/// When the first and the last run in a span are booked. `None`: the span has no run, or one of both texts is not an
/// instant.
pub(super) fn booked_ends(ledger: &Ledger<'_>, span: Span) -> Result<Option<(Instant, Instant)>> {
    let date = ledger.scope().date;
    let end = |order: &str| -> Result<Option<Instant>> {
        let order = format!("AND {0} IS NOT NULL ORDER BY {0} {order}", date.sql());
        let query = RunQuery::new(&span, date, Columns::BOOKED_AT).and(&order);
        let mut end = None;
        visit_while(ledger, span, &query, &[], |run| {
            end = run.booked_at()?.and_then(Instant::parse);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(end)
    };
    Ok(end("")?.zip(end("DESC")?))
}

/// Whether a run is booked before the ledger's span. A span without a start has none.
pub(crate) fn has_earlier_runs(ledger: &Ledger<'_>) -> Result<bool> {
    let Some(from) = ledger.scope().span.from else { return Ok(false) };
    let earlier = Span { from: None, until: Some(from) };
    let query = RunQuery::new(&earlier, ledger.scope().date, Columns::BOOKED_AT);
    let sql = format!("SELECT EXISTS ({})", query.sql);
    let (from, until) = earlier.bounds();
    let parameters = named_params! {":from": from, ":until": until};
    Ok(ledger.connection().query_row(&sql, parameters, |row| row.get(0))?)
}

/// Passes each run of these pipelines with its outcome to `visit`, whatever the span, the newest first. Runs that are
/// booked at the same instant are in no order, and those without a date come last. [`ControlFlow::Break`] ends the
/// scan.
pub(crate) fn for_each_outcome_newest_first(
    ledger: &Ledger<'_>,
    pipelines: Pipelines,
    visit: impl FnMut(&IndexedRun<'_>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let query = run_scan::outcomes_newest_first(ledger.scope().date, pipelines);
    visit_while(ledger, Span::default(), &query, &[], visit)
}

/// Passes each run to `visit`, whatever the span, in the order in which it started, or else was created, with
/// [`IndexedRun::full_sync`]. Runs of the same instant are in no order.
pub(super) fn for_each_run_as_started(
    ledger: &Ledger<'_>,
    visit: impl FnMut(&IndexedRun<'_>) -> Result<()>,
) -> Result<()> {
    visit_all(ledger, Span::default(), &run_scan::runs_as_started(ledger.scope().date), &[], visit)
}

/// Passes each successful run that is booked before the end of the ledger's span to `visit`, the newest first. Runs of
/// the same instant are in no order. [`ControlFlow::Break`] ends the scan.
pub(super) fn for_each_success_newest_first(
    ledger: &Ledger<'_>,
    visit: impl FnMut(&IndexedRun<'_>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let scope = ledger.scope();
    visit_while(ledger, scope.span, &run_scan::successes_newest_first(scope.date), &[], visit)
}

fn visit_all(
    ledger: &Ledger<'_>,
    span: Span,
    query: &RunQuery,
    paths: &[&MetadataPath],
    mut visit: impl FnMut(&IndexedRun<'_>) -> Result<()>,
) -> Result<()> {
    visit_while(ledger, span, query, paths, |run| visit(run).map(ControlFlow::Continue))
}

fn visit_while(
    ledger: &Ledger<'_>,
    span: Span,
    query: &RunQuery,
    paths: &[&MetadataPath],
    mut visit: impl FnMut(&IndexedRun<'_>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let mut statement = ledger.connection().prepare(&query.sql)?;
    run_scan::bind(&mut statement, span, paths)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        if visit(&query.run(row))?.is_break() {
            break;
        }
    }
    Ok(())
}

/// The label indexes of a group, one for each dimension. Unused entries are zero.
type Key = [u32; MAX_DIMENSIONS];

/// The groups found so far.
struct Grouping<T> {
    interners: Vec<Interner>,
    /// Indexes into `aggregates`.
    groups: HashMap<Key, usize>,
    aggregates: Vec<T>,
}

impl<T: Default> Grouping<T> {
    /// No groups yet. A run's JSON begins with `documents`; the values of paths follow.
    fn new(by: &[Dimension], documents: usize) -> Grouping<T> {
        let mut json_number = documents;
        let mut interners = Vec::with_capacity(by.len());
        for dimension in by {
            interners.push(Interner::new(dimension.clone()).reading_json(json_number));
            json_number += usize::from(matches!(dimension, Dimension::Metadata(_)));
        }
        Grouping { interners, groups: HashMap::new(), aggregates: Vec::new() }
    }

    fn enter_ledger(&mut self, ledger: &Ledger<'_>) {
        for interner in &mut self.interners {
            interner.enter_ledger(ledger);
        }
    }

    /// The aggregate of the run's group. `last` is the group of the run before.
    fn group_of(&mut self, run: &IndexedRun<'_>, last: &mut Option<(Key, usize)>) -> Result<&mut T> {
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
        Ok(&mut self.aggregates[group])
    }

    fn into_groups(self, ledgers: &[Ledger<'_>]) -> Result<Groups<T>> {
        let mut labels = Vec::new();
        let mut columns = Vec::new();
        for interner in &self.interners {
            columns.push(interner.columns(&self.interners));
            labels.push(interner.labels(ledgers)?);
        }
        let ranks: Vec<Vec<usize>> = labels.iter().map(|labels| ranks(labels)).collect();
        let mut groups: Vec<(Key, usize)> = self.groups.into_iter().collect();
        groups.sort_by_cached_key(|(key, _)| {
            key.iter().zip(&ranks).map(|(index, ranks)| ranks[*index as usize]).collect::<Vec<_>>()
        });
        let mut aggregates: Vec<Option<T>> = self.aggregates.into_iter().map(Some).collect();
        let groups = groups.into_iter().map(|(key, group)| {
            let mut parts = Vec::new();
            for ((index, labels), columns) in key.iter().zip(&labels).zip(&columns) {
                let label = &labels[*index as usize];
                parts.extend(columns.iter().map(|(part, _)| label[*part].clone()));
            }
            let identity = key.iter().zip(&self.interners).map(|(index, interner)| interner.key(*index));
            Group {
                identity: identity.map(|key| key.map(str::to_owned)).collect(),
                labels: parts,
                aggregate: aggregates[group].take().expect("each group is listed once"),
            }
        });
        Ok(Groups {
            groups: groups.collect(),
            label_columns: columns.iter().map(Vec::len).collect(),
            columns: columns.into_iter().flatten().map(|(_, name)| name).collect(),
        })
    }
}

/// The groups of some runs, in the order of the report.
pub(crate) struct Groups<T> {
    /// The names of the label columns.
    pub(crate) columns: Vec<String>,
    /// How many of the label columns each dimension has.
    pub(super) label_columns: Vec<usize>,
    /// The groups. No two have the same identity.
    pub(crate) groups: Vec<Group<T>>,
}

/// A group of runs.
pub(crate) struct Group<T> {
    /// What makes it the same group in another scope of the same ledgers. A pipeline stays the same when it is renamed.
    pub(crate) identity: Vec<Option<String>>,
    /// One for each label column. `None`: not known.
    pub(crate) labels: Label,
    /// The figures.
    pub(crate) aggregate: T,
}

impl<T> Groups<T> {
    /// The same groups with other figures.
    pub(crate) fn map<U>(self, figures: impl Fn(T) -> U) -> Groups<U> {
        let groups = self.groups.into_iter().map(|Group { identity, labels, aggregate }| Group {
            identity,
            labels,
            aggregate: figures(aggregate),
        });
        Groups { groups: groups.collect(), columns: self.columns, label_columns: self.label_columns }
    }
}

impl<T: Default> Groups<T> {
    /// The table with these figures after the labels, in an order, and with the figures of the groups beyond a limit
    /// together. A table with more than one row has totals.
    ///
    /// # Errors
    /// [`Error::Usage`] when the table has no column with the name of the order.
    pub(crate) fn into_table_of(
        self,
        ranking: &Ranking,
        figures: impl IntoIterator<Item = String>,
        cells: impl Fn(&mut T) -> Vec<Cell>,
        merge: impl Fn(&mut T, T),
    ) -> Result<Table> {
        let columns: Vec<String> = self.columns.iter().cloned().chain(figures).collect();
        let order = ranking.order(&columns)?;
        let mut groups = Vec::with_capacity(self.groups.len());
        for Group { labels, mut aggregate, .. } in self.groups {
            let mut row: Vec<Cell> = labels.into_iter().map(Cell::Text).collect();
            row.extend(cells(&mut aggregate));
            groups.push((row, aggregate));
        }
        match order {
            Some(order) => groups.sort_by(|(one, _), (other, _)| order.compare(one, other)),
            None if ranking.is_reversed => groups.reverse(),
            None => {}
        }
        let has_totals = groups.len() > 1;
        let hidden = groups.split_off(ranking.limit.unwrap_or(groups.len()).min(groups.len()));
        let labeled = |first: Cell, others: Cell, figures: &mut T| -> Vec<Cell> {
            let labels = std::iter::once(first).chain(std::iter::repeat(others));
            labels.take(self.columns.len()).chain(cells(figures)).collect()
        };
        let (count, mut all, mut rest) = (hidden.len(), T::default(), T::default());
        hidden.into_iter().for_each(|(_, aggregate)| merge(&mut rest, aggregate));
        let rest_row = (count > 0).then(|| labeled(Cell::Rest(count as u64), Cell::Blank, &mut rest));
        let mut rows = Vec::with_capacity(groups.len() + 1);
        for (row, aggregate) in groups {
            rows.push(row);
            merge(&mut all, aggregate);
        }
        rows.extend(rest_row);
        merge(&mut all, rest);
        let totals = has_totals.then(|| labeled(Cell::Text(None), Cell::Text(None), &mut all));
        Ok(Table { columns, rows, totals })
    }
}
