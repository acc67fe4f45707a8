//! Current runs read from the covering index of reports, without touching the table.

use super::cost::CHARGED;
use super::metadata_path::MetadataPath;
use super::period::Span;
use super::scope::DateBasis;
use crate::error::Result;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Null, ValueRef};
use rusqlite::{Connection, Row, named_params};
use std::sync::{Arc, Mutex};

/// Which columns of a run a scan reads. SQLite spends four fifths of a scan of all of them on decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns(u16);

impl Columns {
    /// No column.
    pub const NONE: Columns = Columns(0);
    /// For [`IndexedRun::booked_at`].
    pub const BOOKED_AT: Columns = Columns(1);
    /// For [`IndexedRun::status`].
    pub const STATUS: Columns = Columns(1 << 1);
    /// For [`IndexedRun::credit_charge_status`].
    pub const CREDIT: Columns = Columns(1 << 2);
    /// For [`IndexedRun::el_cost_nanos`] and [`IndexedRun::transformation_cost_nanos`].
    pub const COSTS: Columns = Columns(0b11 << 3);
    /// For [`IndexedRun::duration_seconds`].
    pub const DURATION: Columns = Columns(1 << 5);
    /// For [`IndexedRun::created_at`].
    pub const CREATED_AT: Columns = Columns(1 << 6);
    /// For [`IndexedRun::started_at`].
    pub const STARTED_AT: Columns = Columns(1 << 7);
    /// For [`IndexedRun::trigger_type`].
    pub const TRIGGER: Columns = Columns(1 << 8);
    /// For [`IndexedRun::pipeline`].
    pub const PIPELINE: Columns = Columns(0b111 << 9);
    /// For [`IndexedRun::ended_at`].
    pub const ENDED_AT: Columns = Columns(1 << 12);
    /// For [`IndexedRun::snapshot_id`].
    pub const SNAPSHOT: Columns = Columns(1 << 13);
    /// When a run is booked, how it ended, and what it cost, with its pipeline.
    pub(super) const OUTCOME: Columns =
        Columns::BOOKED_AT.and(Columns::STATUS).and(Columns::COSTS).and(Columns::PIPELINE);
    /// Every column so far.
    pub const ALL: Columns = Columns((1 << 14) - 1);
    /// For `IndexedRun::full_sync`.
    pub(super) const FULL_SYNC: Columns = Columns(1 << 14);

    /// These columns and others.
    #[must_use]
    pub const fn and(self, others: Columns) -> Columns {
        Columns(self.0 | others.0)
    }

    fn has(self, position: usize) -> bool {
        self.0 & (1 << position) != 0
    }
}

/// The columns after the booking date, by their position in a row.
const NAMES: [&str; 14] = [
    "status",
    "credit_charge_status",
    "el_cost_nanos",
    "transformation_cost_nanos",
    "duration_seconds",
    "created_at",
    "started_at",
    "trigger_type",
    "source",
    "destination",
    "transformation",
    "ended_at",
    "snapshot_id",
    "full_sync",
];

/// The position of the first JSON in a row.
const FIRST_JSON: usize = 1 + NAMES.len();

/// A query for current runs.
pub struct RunQuery {
    /// The text. It has the parameters `:from` and `:until` unless the span has no ends.
    pub sql: String,
    columns: Columns,
    booked_at: BookedAt,
}

/// Where the booking date of a row is.
#[derive(Debug, Clone, Copy)]
enum BookedAt {
    /// In a column of its own.
    Own,
    /// In the columns of its date basis, which are read anyway.
    Basis(DateBasis),
}

impl BookedAt {
    fn of(date: DateBasis, columns: Columns) -> BookedAt {
        let basis = match date {
            DateBasis::Started => Columns::STARTED_AT.and(Columns::CREATED_AT),
            DateBasis::Created => Columns::CREATED_AT,
            DateBasis::Ended => Columns::ENDED_AT,
        };
        if columns.and(basis) == columns { BookedAt::Basis(date) } else { BookedAt::Own }
    }
}

impl RunQuery {
    /// Every current run booked in a span. It reads the covering index only; the other columns are NULL.
    pub fn new(span: &Span, date: DateBasis, columns: Columns) -> RunQuery {
        RunQuery::with_json(span, date, columns, &[], &[])
    }

    /// The same, plus JSON from the table, as `IndexedRun::json` numbers it: whole documents by their column, then the
    /// value at each path. Each path is bound to [`path_parameter`].
    pub(super) fn with_json(
        span: &Span,
        date: DateBasis,
        columns: Columns,
        documents: &[&str],
        paths: &[&MetadataPath],
    ) -> RunQuery {
        let (booked_at, place) = (date.sql(), BookedAt::of(date, columns));
        let is_read = columns.has(0) && matches!(place, BookedAt::Own);
        let mut sql = format!("SELECT {}", if is_read { booked_at } else { "NULL" });
        for (position, name) in (1..).zip(NAMES) {
            sql.push_str(", ");
            sql.push_str(if columns.has(position) { name } else { "NULL" });
        }
        for document in documents {
            sql.push_str(", ");
            sql.push_str(document);
        }
        for (number, path) in paths.iter().enumerate() {
            // `->` gives JSON, so that true differs from 1, and a number keeps its digits.
            sql.push_str(&format!(", {} -> {}", path.column(), path_parameter(number)));
        }
        sql.push_str(" FROM run_snapshots WHERE superseded_at IS NULL");
        if *span != Span::default() {
            sql.push_str(&format!(" AND {booked_at} >= :from AND {booked_at} < :until"));
        }
        RunQuery { sql, columns, booked_at: place }
    }

    /// The query with more conditions, or an order.
    #[must_use]
    pub(super) fn and(mut self, more: &str) -> RunQuery {
        self.sql.push(' ');
        self.sql.push_str(more);
        self
    }

    /// A row as a run.
    pub fn run<'r>(&self, row: &'r Row<'r>) -> IndexedRun<'r> {
        self.run_of(Values::Row(row))
    }

    fn run_of<'r>(&self, values: Values<'r>) -> IndexedRun<'r> {
        IndexedRun { values, columns: self.columns, booked_at: self.booked_at }
    }

    /// Folds the runs into a state, in a function that SQLite calls with the columns of each: to read them from rows takes
    /// three times as many instructions. The query has its conditions after this `WHERE`, and no order.
    ///
    /// # Errors
    /// The first error of `add`. Those of SQLite.
    pub(super) fn fold<T: Send + 'static>(
        self,
        archive: &Connection,
        span: Span,
        state: T,
        add: fn(&mut T, &IndexedRun<'_>) -> Result<()>,
    ) -> Result<T> {
        let sql =
            self.sql.replacen("SELECT ", "SELECT count(visit_run(", 1).replacen(" FROM ", ")) FROM ", 1);
        let state = Arc::new(Mutex::new((state, Ok(()))));
        let shared = Arc::clone(&state);
        archive.create_scalar_function("visit_run", -1, FunctionFlags::SQLITE_UTF8, move |arguments| {
            let mut guard = shared.lock().map_err(|_| rusqlite::Error::InvalidQuery)?;
            let (state, outcome) = &mut *guard;
            match add(state, &self.run_of(Values::Arguments(arguments))) {
                Ok(()) => Ok(Null),
                Err(error) => {
                    *outcome = Err(error);
                    // It only ends the query.
                    Err(rusqlite::Error::InvalidQuery)
                }
            }
        })?;
        let (from, until) = span.bounds();
        let ended = match span == Span::default() {
            true => archive.query_row(&sql, [], |_| Ok(())),
            false => archive.query_row(&sql, named_params! {":from": from, ":until": until}, |_| Ok(())),
        };
        archive.remove_function("visit_run", -1)?;
        let state = Arc::into_inner(state).and_then(|state| state.into_inner().ok());
        let (state, outcome) = state.expect("the function was removed, and did not panic");
        outcome?;
        ended?;
        Ok(state)
    }
}

/// The name of the parameter for a path of [`RunQuery::with_json`].
pub(super) fn path_parameter(number: usize) -> String {
    format!(":path{number}")
}

/// Every current run that started, or else was created, at or after the parameter `:since`. The first JSON is the
/// trigger of the runs of schedules that were created then.
pub(super) fn triggered_runs() -> RunQuery {
    let started = DateBasis::Started;
    let times = Columns::CREATED_AT.and(Columns::STARTED_AT).and(Columns::ENDED_AT);
    let columns =
        times.and(Columns::STATUS).and(Columns::TRIGGER).and(Columns::PIPELINE).and(Columns::SNAPSHOT);
    let trigger = "CASE WHEN trigger_type = 'cron' AND created_at >= :since THEN \"trigger\" END";
    RunQuery::with_json(&Span::default(), started, columns, &[trigger], &[])
        .and(&format!("AND {} >= :since", started.sql()))
}

/// The runs of schedules and events that started, or else were created, between the parameters `:from` and `:since`, the
/// newest first.
pub(super) fn triggered_runs_before() -> RunQuery {
    let started = DateBasis::Started;
    let booked_at = started.sql();
    RunQuery::new(&Span::default(), started, Columns::PIPELINE.and(Columns::SNAPSHOT)).and(&format!(
        "AND {booked_at} >= :from AND {booked_at} < :since AND trigger_type IN ('cron', 'event') \
         ORDER BY {booked_at} DESC"
    ))
}

fn text(value: ValueRef<'_>) -> Result<Option<&str>> {
    Ok(value.as_str_or_null().map_err(rusqlite::Error::from)?)
}

/// The pipelines whose runs are read. Two threads read a part each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pipelines {
    /// All runs.
    All,
    /// The runs of sources, and of several pipelines with a source.
    Sources,
    /// The other runs.
    Others,
}

/// Current runs, the newest first, with their outcome, cost and end. With the default date basis, that is the order of
/// the index, which then takes no sorting.
pub fn outcomes_newest_first(date: DateBasis, pipelines: Pipelines) -> RunQuery {
    let columns = Columns::OUTCOME.and(Columns::ENDED_AT).and(Columns::SNAPSHOT);
    let condition = match pipelines {
        Pipelines::All => "",
        Pipelines::Sources => "AND source IS NOT NULL ",
        Pipelines::Others => "AND source IS NULL ",
    };
    RunQuery::new(&Span::default(), date, columns).and(&format!("{condition}ORDER BY {} DESC", date.sql()))
}

/// Every successful current run with a date before the parameter `:until`, the newest first, with its cost and
/// duration.
pub(super) fn successes_newest_first(date: DateBasis) -> RunQuery {
    let columns = Columns::OUTCOME.and(Columns::DURATION).and(Columns::SNAPSHOT);
    let booked_at = date.sql();
    RunQuery::new(&Span::default(), date, columns)
        .and(&format!("AND status = 'success' AND {booked_at} < :until ORDER BY {booked_at} DESC"))
}

/// Every current run in the order in which it started, or else was created, with its cost and times. That is the order
/// of the index, backwards.
pub(super) fn runs_as_started(date: DateBasis) -> RunQuery {
    let times = Columns::STARTED_AT.and(Columns::ENDED_AT);
    let columns = Columns::OUTCOME.and(times).and(Columns::SNAPSHOT).and(Columns::FULL_SYNC);
    RunQuery::new(&Span::default(), date, columns).and(&format!("ORDER BY {}", DateBasis::Started.sql()))
}

/// The values of a run's columns.
#[derive(Clone, Copy)]
enum Values<'r> {
    /// In a row of the query.
    Row(&'r Row<'r>),
    /// In the arguments of a function that the query calls.
    Arguments(&'r Context<'r>),
}

/// One current run, borrowed from SQLite; nothing is copied. It has the columns that its query reads.
pub struct IndexedRun<'r> {
    values: Values<'r>,
    columns: Columns,
    booked_at: BookedAt,
}

/// How a run ended: its final status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// `success`.
    Succeeded,
    /// `failed`.
    Failed,
    /// `canceled`.
    Canceled,
}

impl<'r> IndexedRun<'r> {
    fn value(&self, column: usize) -> Result<ValueRef<'r>> {
        Ok(match self.values {
            Values::Row(row) => row.get_ref(column)?,
            Values::Arguments(arguments) => arguments.get_raw(column),
        })
    }

    /// The instant that assigns the run to a period, by the date basis; `None`: not known, or not yet.
    pub fn booked_at(&self) -> Result<Option<&'r str>> {
        debug_assert!(self.columns.has(0), "the query reads no booking date");
        match self.booked_at {
            BookedAt::Own => self.text(0),
            BookedAt::Basis(DateBasis::Started) => match self.started_at()? {
                None => self.created_at(),
                started_at => Ok(started_at),
            },
            BookedAt::Basis(DateBasis::Created) => self.created_at(),
            BookedAt::Basis(DateBasis::Ended) => self.ended_at(),
        }
    }

    /// When the run was created, started, and is booked, each read once.
    pub(super) fn times(&self) -> Result<[Option<&'r str>; 3]> {
        let (created_at, started_at) = (self.created_at()?, self.started_at()?);
        let booked_at = match self.booked_at {
            BookedAt::Basis(DateBasis::Started) => started_at.or(created_at),
            BookedAt::Basis(DateBasis::Created) => created_at,
            BookedAt::Basis(DateBasis::Ended) | BookedAt::Own => self.booked_at()?,
        };
        Ok([created_at, started_at, booked_at])
    }

    /// The current status.
    pub fn status(&self) -> Result<Option<&'r str>> {
        self.text(1)
    }

    /// How the run ended. `None`: its status is not final.
    pub(super) fn outcome(&self) -> Result<Option<Outcome>> {
        Ok(match self.bytes(1)? {
            Some(b"success") => Some(Outcome::Succeeded),
            Some(b"failed") => Some(Outcome::Failed),
            Some(b"canceled") => Some(Outcome::Canceled),
            _ => None,
        })
    }

    /// Whether the run was charged a credit.
    pub(super) fn is_charged(&self) -> Result<bool> {
        Ok(self.bytes(2)? == Some(CHARGED.as_bytes()))
    }

    /// Whether the run was charged a credit, as the API spells it.
    pub fn credit_charge_status(&self) -> Result<Option<&'r str>> {
        self.text(2)
    }

    /// The cost of extraction and loading, in nano-dollars.
    pub fn el_cost_nanos(&self) -> Result<Option<i64>> {
        self.integer(3)
    }

    /// The cost of transformation, in nano-dollars.
    pub fn transformation_cost_nanos(&self) -> Result<Option<i64>> {
        self.integer(4)
    }

    /// The sum of the known costs, in nano-dollars. `None`: neither is known.
    pub(super) fn total_cost_nanos(&self) -> Result<Option<i64>> {
        let known = [self.el_cost_nanos()?, self.transformation_cost_nanos()?];
        Ok(known.into_iter().flatten().reduce(i64::saturating_add))
    }

    /// The duration of the run.
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

    /// `manual`, `cron` or `event`.
    pub fn trigger_type(&self) -> Result<Option<&'r str>> {
        self.text(8)
    }

    /// The kind and id of the run's only pipeline. `None`: it has no pipeline, or several.
    pub fn pipeline(&self) -> Result<Option<(&'static str, &'r str)>> {
        debug_assert!(self.columns.has(9), "the query reads no pipeline");
        let mut only = None;
        for (column, kind) in (9..).zip(["source", "destination", "transformation"]) {
            if let Some(id) = text(self.value(column)?)? {
                if only.is_some() {
                    return Ok(None);
                }
                only = Some((kind, id));
            }
        }
        Ok(only)
    }

    /// When the run ended.
    pub fn ended_at(&self) -> Result<Option<&'r str>> {
        self.text(12)
    }

    /// The id of the run's current snapshot.
    pub fn snapshot_id(&self) -> Result<i64> {
        Ok(self.value(13)?.as_i64().map_err(rusqlite::Error::from)?)
    }

    /// Whether the run synced everything. `None`: not known.
    pub(super) fn full_sync(&self) -> Result<Option<bool>> {
        Ok(self.integer(14)?.map(|value| value != 0))
    }

    /// A JSON document or value; only of `RunQuery::with_json`. `None`: the run has none.
    pub(super) fn json(&self, number: usize) -> Result<Option<&'r str>> {
        text(self.value(FIRST_JSON + number)?)
    }

    fn text(&self, column: usize) -> Result<Option<&'r str>> {
        debug_assert!(self.columns.has(column), "the query does not read column {column}");
        text(self.value(column)?)
    }

    /// The bytes of a text, which are not checked: that takes longer than to compare them.
    fn bytes(&self, column: usize) -> Result<Option<&'r [u8]>> {
        debug_assert!(self.columns.has(column), "the query does not read column {column}");
        Ok(self.value(column)?.as_bytes_or_null().map_err(rusqlite::Error::from)?)
    }

    fn integer(&self, column: usize) -> Result<Option<i64>> {
        debug_assert!(self.columns.has(column), "the query does not read column {column}");
        Ok(self.value(column)?.as_i64_or_null().map_err(rusqlite::Error::from)?)
    }
}
