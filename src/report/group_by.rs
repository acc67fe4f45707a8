//! This is the one pass that cost and duration reports make over the current runs, group by group.

use super::dimension::Dimension;
use super::interner::{Interner, ranks};
use super::ledger::Ledger;
use super::period::Span;
use super::run_scan::{self, IndexedRun};
use super::table::{Cell, Table};
use crate::error::Result;
use rusqlite::named_params;
use std::collections::HashMap;

/// What is worked out of the runs of one group.
pub trait Aggregate: Default {
    /// The columns that [`Aggregate::cells`] fills.
    const COLUMNS: &'static [&'static str];

    /// Takes one more run in.
    fn add(&mut self, run: &IndexedRun<'_>) -> Result<()>;

    /// Takes in all runs of another tally.
    fn merge(&mut self, other: Self);

    /// The figures, one cell a column.
    fn cells(&mut self) -> Vec<Cell>;
}

/// The figures `T` of all of the ledger's runs taken together.
pub fn total<T: Aggregate>(ledger: &Ledger<'_>) -> Result<T> {
    let mut tally = T::default();
    for_each_run(ledger, |run| tally.add(run))?;
    Ok(tally)
}

/// The figures `T` of each group of the ledger's runs: periods ascending, then texts, what is not known
/// last. With more than one row the totals are given too.
pub fn report<T: Aggregate>(ledger: &Ledger<'_>, by: &[Dimension]) -> Result<Table> {
    report_across::<T>(std::slice::from_ref(ledger), by)
}

/// The same of the runs of several ledgers, which mean days, weeks and months in one zone. The rows of pipelines say
/// of which workspace each is.
pub fn report_across<T: Aggregate>(ledgers: &[Ledger<'_>], by: &[Dimension]) -> Result<Table> {
    let mut grouping = Grouping::<T>::new(by);
    for ledger in ledgers {
        grouping.enter_ledger(ledger);
        // Neighbours mostly share their group, so the last one is tried before the map is asked.
        let mut last = None;
        for_each_run(ledger, |run| grouping.add(run, &mut last)).map_err(|error| ledger.blamed(error))?;
    }
    grouping.into_table(ledgers)
}

/// Gives each of the ledger's runs to `visit`; the first error ends it.
pub fn for_each_run(ledger: &Ledger<'_>, visit: impl FnMut(&IndexedRun<'_>) -> Result<()>) -> Result<()> {
    for_each_run_in(ledger, ledger.scope().span, visit)
}

/// Gives each run of the ledger that is booked in another span to `visit`; the first error ends it.
pub fn for_each_run_in(
    ledger: &Ledger<'_>,
    span: Span,
    visit: impl FnMut(&IndexedRun<'_>) -> Result<()>,
) -> Result<()> {
    visit_all(ledger, span, &run_scan::runs(&span, ledger.scope().date), visit)
}

/// The same with the ends of runs, which takes a little longer.
pub fn for_each_run_with_end(
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

/// A group's place in each dimension.
type Key = [u32; Dimension::ALL.len()];

/// The groups met so far.
struct Grouping<T> {
    interners: Vec<Interner>,
    groups: HashMap<Key, usize>,
    tallies: Vec<T>,
}

impl<T: Aggregate> Grouping<T> {
    fn new(by: &[Dimension]) -> Grouping<T> {
        let interners = by.iter().map(|dimension| Interner::new(*dimension)).collect();
        Grouping { interners, groups: HashMap::new(), tallies: Vec::new() }
    }

    /// The runs that come are those of that ledger.
    fn enter_ledger(&mut self, ledger: &Ledger<'_>) {
        for interner in &mut self.interners {
            interner.enter_ledger(ledger);
        }
    }

    fn add(&mut self, run: &IndexedRun<'_>, last: &mut Option<(Key, usize)>) -> Result<()> {
        let mut key = Key::default();
        for (place, interner) in key.iter_mut().zip(&mut self.interners) {
            *place = interner.index_of(run)?;
        }
        let group = match *last {
            Some((known, group)) if known == key => group,
            _ => *self.groups.entry(key).or_insert_with(|| {
                self.tallies.push(T::default());
                self.tallies.len() - 1
            }),
        };
        *last = Some((key, group));
        self.tallies[group].add(run)
    }

    fn into_table(self, ledgers: &[Ledger<'_>]) -> Result<Table> {
        let mut labels = Vec::new();
        let mut shown = Vec::new();
        for interner in &self.interners {
            shown.push(interner.columns(&self.interners));
            labels.push(interner.labels(ledgers)?);
        }
        let mut columns: Vec<String> = shown.iter().flatten().map(|(_, name)| (*name).to_owned()).collect();
        let label_columns = columns.len();
        columns.extend(T::COLUMNS.iter().map(|column| (*column).to_owned()));

        let ranks: Vec<Vec<usize>> = labels.iter().map(|labels| ranks(labels)).collect();
        let mut groups: Vec<(Key, usize)> = self.groups.into_iter().collect();
        groups.sort_by_cached_key(|(key, _)| {
            key.iter().zip(&ranks).map(|(place, ranks)| ranks[*place as usize]).collect::<Vec<_>>()
        });

        let mut tallies: Vec<Option<T>> = self.tallies.into_iter().map(Some).collect();
        let (mut all, mut rows) = (T::default(), Vec::with_capacity(groups.len()));
        for (key, group) in groups {
            let mut row = Vec::with_capacity(columns.len());
            for ((place, labels), shown) in key.iter().zip(&labels).zip(&shown) {
                let label = &labels[*place as usize];
                row.extend(shown.iter().map(|(part, _)| Cell::Text(label[*part].clone())));
            }
            let mut tally = tallies[group].take().expect("each group is one row");
            row.extend(tally.cells());
            rows.push(row);
            all.merge(tally);
        }
        let totals = (rows.len() > 1).then(|| {
            let mut totals = vec![Cell::Text(None); label_columns];
            totals.extend(all.cells());
            totals
        });
        Ok(Table { columns, rows, totals })
    }
}
