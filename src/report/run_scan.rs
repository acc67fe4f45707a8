//! Current runs read from the covering index of reports, without touching the table.

use super::cost::CHARGED;
use super::metadata_path::MetadataPath;
use super::period::Span;
use super::scope::DateBasis;
use crate::error::Result;
use rusqlite::functions::Context;
use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement};

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
    /// Where the values end in it, which begin after [`SELECT`].
    values_end: usize,
    columns: Columns,
    booked_at: BookedAt,
}

/// The beginning of each query.
const SELECT: &str = "SELECT ";

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
        let mut sql = format!("{SELECT}{}", if is_read { booked_at } else { "NULL" });
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
        let values_end = sql.len();
        sql.push_str(" FROM run_snapshots WHERE superseded_at IS NULL");
        if *span != Span::default() {
            sql.push_str(&format!(" AND {booked_at} >= :from AND {booked_at} < :until"));
        }
        RunQuery { sql, values_end, columns, booked_at: place }
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

    /// The query that calls a function with the values of each row.
    pub(super) fn calling(&self, function: &str) -> String {
        let (values, rest) = self.sql.split_at(self.values_end);
        // An aggregate of it: SQLite calls it exactly once for each row.
        format!("SELECT count({function}({})){rest}", &values[SELECT.len()..])
    }

    /// The arguments of the function in [`RunQuery::calling`] as a run.
    pub(super) fn run_of_arguments<'r>(&self, arguments: &'r Context<'r>) -> IndexedRun<'r> {
        self.run_of(Values::Arguments(arguments))
    }

    fn run_of<'r>(&self, values: Values<'r>) -> IndexedRun<'r> {
        IndexedRun { values, columns: self.columns, booked_at: self.booked_at }
    }
}

/// The name of the parameter for a path of [`RunQuery::with_json`].
pub(super) fn path_parameter(number: usize) -> String {
    format!(":path{number}")
}

/// Binds the parameters of a query for a span and paths.
pub(super) fn bind(statement: &mut Statement<'_>, span: Span, paths: &[&MetadataPath]) -> Result<()> {
    let (from, until) = span.bounds();
    for (name, bound) in [(":from", from), (":until", until)] {
        // A span without ends has no parameters.
        if let Some(index) = statement.parameter_index(name)? {
            statement.raw_bind_parameter(index, bound)?;
        }
    }
    for (number, path) in paths.iter().enumerate() {
        let index = statement.parameter_index(&path_parameter(number))?;
        let index = index.expect("the query has a parameter for each path");
        statement.raw_bind_parameter(index, path.json_path())?;
    }
    Ok(())
}

/// Every current run that started, or else was created, in a span with a start. The first JSON is the trigger of the
/// runs of schedules that were created since that start.
pub(super) fn runs_with_trigger(span: &Span) -> RunQuery {
    let times = Columns::BOOKED_AT.and(Columns::CREATED_AT).and(Columns::STARTED_AT).and(Columns::ENDED_AT);
    let columns =
        times.and(Columns::STATUS).and(Columns::TRIGGER).and(Columns::PIPELINE).and(Columns::SNAPSHOT);
    let trigger = "CASE WHEN trigger_type = 'cron' AND created_at >= :from THEN \"trigger\" END";
    RunQuery::with_json(span, DateBasis::Started, columns, &[trigger], &[])
}

/// The runs of schedules and events that started, or else were created, in a span.
pub(super) fn triggered_runs(span: &Span) -> RunQuery {
    let columns = Columns::BOOKED_AT.and(Columns::PIPELINE).and(Columns::SNAPSHOT);
    RunQuery::new(span, DateBasis::Started, columns).and("AND trigger_type IN ('cron', 'event')")
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
