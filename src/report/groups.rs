//! This is the one pass that cost and duration reports make over the current runs, group by group.

use super::booked::{BookedRun, EVERY_RUN, RUNS_IN_SPAN};
use super::dimension::Dimension;
use super::labels::{Interner, ranks};
use super::period::Span;
use super::table::{Cell, Table};
use crate::error::Result;
use crate::run::Instant;
use chrono_tz::Tz;
use rusqlite::{Connection, named_params};
use std::collections::HashMap;

/// Text that sorts before and after every instant.
const BEFORE_EVERYTHING: &str = "";
const AFTER_EVERYTHING: &str = "~";

/// What is worked out of the runs of one group.
pub trait Tally: Default {
    /// The columns that [`Tally::cells`] fills.
    const COLUMNS: &'static [&'static str];

    /// Takes one more run in.
    fn add(&mut self, run: &BookedRun<'_>) -> Result<()>;

    /// Takes in all runs of another tally.
    fn merge(&mut self, other: Self);

    /// The figures, one cell a column.
    fn cells(&mut self) -> Vec<Cell>;
}

/// The figures `T` of each group of the current runs in `span`: periods ascending, then texts, what
/// is not known last. Periods are those of `zone`. With more than one row the totals are given too.
pub fn report<T: Tally>(archive: &Connection, span: &Span, by: &[Dimension], zone: Tz) -> Result<Table> {
    let mut grouping = Grouping::<T>::new(by, zone);
    match span {
        Span { from: None, until: None } => grouping.read(&mut archive.prepare(EVERY_RUN)?.query([])?)?,
        Span { from, until } => {
            let mut statement = archive.prepare(RUNS_IN_SPAN)?;
            let mut rows = statement.query(named_params! {
                ":from": from.as_ref().map_or(BEFORE_EVERYTHING, Instant::as_str),
                ":until": until.as_ref().map_or(AFTER_EVERYTHING, Instant::as_str),
            })?;
            grouping.read(&mut rows)?;
        }
    }
    grouping.into_table(archive)
}

/// A group's place in each dimension.
type Key = [u32; Dimension::ALL.len()];

/// The groups met so far.
struct Grouping<T> {
    interners: Vec<Interner>,
    groups: HashMap<Key, usize>,
    tallies: Vec<T>,
}

impl<T: Tally> Grouping<T> {
    fn new(by: &[Dimension], zone: Tz) -> Grouping<T> {
        let interners = by.iter().map(|dimension| Interner::new(*dimension, zone)).collect();
        Grouping { interners, groups: HashMap::new(), tallies: Vec::new() }
    }

    fn read(&mut self, rows: &mut rusqlite::Rows<'_>) -> Result<()> {
        // Neighbours mostly share their group, so the last one is tried before the map is asked.
        let mut last: Option<(Key, usize)> = None;
        while let Some(row) = rows.next()? {
            let run = BookedRun::new(row);
            let mut key = Key::default();
            for (place, interner) in key.iter_mut().zip(&mut self.interners) {
                *place = interner.place_of(&run)?;
            }
            let group = match last {
                Some((known, group)) if known == key => group,
                _ => *self.groups.entry(key).or_insert_with(|| {
                    self.tallies.push(T::default());
                    self.tallies.len() - 1
                }),
            };
            last = Some((key, group));
            self.tallies[group].add(&run)?;
        }
        Ok(())
    }

    fn into_table(self, archive: &Connection) -> Result<Table> {
        let mut columns: Vec<String> = Vec::new();
        let mut labels = Vec::new();
        for interner in &self.interners {
            columns.extend(interner.columns(&self.interners));
            labels.push(interner.labels(archive)?);
        }
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
            for ((place, interner), labels) in key.iter().zip(&self.interners).zip(&labels) {
                let shown = interner.columns(&self.interners).len();
                row.extend(labels[*place as usize].iter().take(shown).cloned().map(Cell::Text));
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
