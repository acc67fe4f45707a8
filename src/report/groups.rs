//! This is the one pass that cost and duration reports make over the current runs, group by group.

use super::dimension::Dimension;
use super::labels::{Interner, ranks};
use super::period::Span;
use super::table::{Cell, Table};
use crate::error::Result;
use crate::run::Instant;
use chrono_tz::Tz;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, named_params};
use std::collections::HashMap;

/// Every current run, newest first, from the covering index alone.
pub const EVERY_RUN: &str = "
SELECT coalesce(started_at, created_at), status, credit_charge_status, el_cost_nanos,
       transformation_cost_nanos, duration_seconds, created_at, started_at, trigger_type,
       source, destination, transformation
FROM run_snapshots
WHERE superseded_at IS NULL
ORDER BY coalesce(started_at, created_at) DESC";

/// The current runs booked in a span, newest first, from the covering index alone.
pub const RUNS_IN_SPAN: &str = "
SELECT coalesce(started_at, created_at), status, credit_charge_status, el_cost_nanos,
       transformation_cost_nanos, duration_seconds, created_at, started_at, trigger_type,
       source, destination, transformation
FROM run_snapshots
WHERE superseded_at IS NULL
  AND coalesce(started_at, created_at) >= :from
  AND coalesce(started_at, created_at) < :until
ORDER BY coalesce(started_at, created_at) DESC";

/// Text that sorts before and after every instant.
const BEFORE_EVERYTHING: &str = "";
const AFTER_EVERYTHING: &str = "~";

/// One current run as the pass sees it: borrowed from SQLite, nothing copied.
pub struct BookedRun<'r>(&'r Row<'r>);

impl<'r> BookedRun<'r> {
    /// When the run started, or else was created; `None`: neither is known.
    pub fn booked_at(&self) -> Result<Option<&'r str>> {
        self.text(0)
    }

    /// The current status.
    pub fn status(&self) -> Result<Option<&'r str>> {
        self.text(1)
    }

    /// Whether the run cost a credit, in the API's words.
    pub fn credit_charge_status(&self) -> Result<Option<&'r str>> {
        self.text(2)
    }

    /// What extracting or loading cost, in nano-dollars.
    pub fn el_cost_nanos(&self) -> Result<Option<i64>> {
        self.integer(3)
    }

    /// What transforming cost, in nano-dollars.
    pub fn transformation_cost_nanos(&self) -> Result<Option<i64>> {
        self.integer(4)
    }

    /// How long the run took.
    pub fn duration_seconds(&self) -> Result<Option<i64>> {
        self.integer(5)
    }

    /// When the run was created.
    pub fn created_at(&self) -> Result<Option<&'r str>> {
        self.text(6)
    }

    /// When the run started.
    pub fn started_at(&self) -> Result<Option<&'r str>> {
        self.text(7)
    }

    /// What set the run off.
    pub fn trigger_type(&self) -> Result<Option<&'r str>> {
        self.text(8)
    }

    /// The run's one pipeline: its kind and id. `None`: it has none or several.
    pub fn pipeline(&self) -> Result<Option<(&'static str, &'r str)>> {
        let pipelines =
            [("source", self.text(9)?), ("destination", self.text(10)?), ("transformation", self.text(11)?)];
        let mut known = pipelines.into_iter().filter_map(|(kind, id)| Some((kind, id?)));
        Ok(known.next().filter(|_| known.next().is_none()))
    }

    fn text(&self, column: usize) -> Result<Option<&'r str>> {
        Ok(match self.0.get_ref(column)? {
            ValueRef::Null => None,
            value => Some(value.as_str().map_err(rusqlite::Error::from)?),
        })
    }

    fn integer(&self, column: usize) -> Result<Option<i64>> {
        Ok(self.0.get_ref(column)?.as_i64_or_null().map_err(rusqlite::Error::from)?)
    }
}

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
            let run = BookedRun(row);
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
