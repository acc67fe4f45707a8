//! Current runs read from the covering index of reports, without touching the table.

use super::metadata_path::MetadataPath;
use super::period::Span;
use super::scope::DateBasis;
use crate::error::Result;
use rusqlite::Row;
use rusqlite::types::ValueRef;

/// The query for every current run booked in a span. It reads the covering index only, and has the parameters
/// `:from` and `:until` unless the span has no ends.
pub fn runs(span: &Span, date: DateBasis) -> String {
    select(span, date, "")
}

/// The same query, plus the columns of [`IndexedRun::ended_at`] and [`IndexedRun::snapshot_id`].
pub fn runs_with_ends(span: &Span, date: DateBasis) -> String {
    select(span, date, ", ended_at, snapshot_id")
}

/// The query for every current run that started, or else was created, at or after the parameter `:since`.
/// [`IndexedRun::trigger`] is read from the table for runs of schedules created then.
pub(super) fn triggered_runs() -> String {
    let started = DateBasis::Started;
    let columns = ", ended_at, snapshot_id, \
         CASE WHEN trigger_type = 'cron' AND created_at >= :since THEN \"trigger\" END";
    format!("{} AND {} >= :since", select(&Span::default(), started, columns), started.sql())
}

/// The query for the pipelines and the snapshots of the runs of schedules and events that started, or else were
/// created, between the parameters `:from` and `:since`, the newest first. See [`only_pipeline`].
pub(super) fn triggered_runs_before() -> String {
    let booked_at = DateBasis::Started.sql();
    format!(
        "SELECT source, destination, transformation, snapshot_id FROM run_snapshots \
         WHERE superseded_at IS NULL AND {booked_at} >= :from AND {booked_at} < :since \
           AND trigger_type IN ('cron', 'event') \
         ORDER BY {booked_at} DESC"
    )
}

/// The kind and id of the only pipeline of a row, whose columns for the three kinds begin at `first`. `None`: it has no
/// pipeline, or several.
pub(super) fn only_pipeline<'r>(row: &'r Row<'_>, first: usize) -> Result<Option<(&'static str, &'r str)>> {
    let pipelines = [
        ("source", text(row, first)?),
        ("destination", text(row, first + 1)?),
        ("transformation", text(row, first + 2)?),
    ];
    let mut known = pipelines.into_iter().filter_map(|(kind, id)| Some((kind, id?)));
    Ok(known.next().filter(|_| known.next().is_none()))
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<Option<&'r str>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => None,
        value => Some(value.as_str().map_err(rusqlite::Error::from)?),
    })
}

/// The query for every current run, the newest first, without what says nothing about its outcome: the charge, the
/// duration, the trigger and when the run was created and started. With the default date basis, that is the order of
/// the index, which then takes no sorting.
pub fn outcomes_newest_first(date: DateBasis) -> String {
    let booked_at = date.sql();
    format!(
        "SELECT {booked_at}, status, NULL, el_cost_nanos, transformation_cost_nanos, NULL, NULL, NULL, NULL, source, \
                destination, transformation, ended_at, snapshot_id \
         FROM run_snapshots WHERE superseded_at IS NULL ORDER BY {booked_at} DESC"
    )
}

/// The query for every successful current run with a date before the parameter `:until`, the newest first, with its
/// duration and snapshot.
pub(super) fn successes_newest_first(date: DateBasis) -> String {
    let booked_at = date.sql();
    let runs = runs_with_ends(&Span::default(), date);
    format!("{runs} AND status = 'success' AND {booked_at} < :until ORDER BY {booked_at} DESC")
}

/// The query for every current run in the order in which it started, or else was created, with
/// [`IndexedRun::full_sync`]. That is the order of the index, backwards.
pub(super) fn runs_as_started(date: DateBasis) -> String {
    let began_at = DateBasis::Started.sql();
    format!("{} ORDER BY {began_at}", select(&Span::default(), date, ", ended_at, snapshot_id, full_sync"))
}

/// The query of [`runs`], plus JSON from the table, as [`IndexedRun::json`] numbers it: whole documents by their
/// column, then the value at each path. Each path is bound to [`path_parameter`].
pub(super) fn runs_with_json(
    span: &Span,
    date: DateBasis,
    documents: &[&'static str],
    paths: &[&MetadataPath],
) -> String {
    let mut columns = String::new();
    for document in documents {
        columns.push_str(", ");
        columns.push_str(document);
    }
    for (number, path) in paths.iter().enumerate() {
        // `->` gives JSON, so that true differs from 1, and a number keeps its digits.
        columns.push_str(&format!(", {} -> {}", path.column(), path_parameter(number)));
    }
    select(span, date, &columns)
}

/// The name of the parameter for a path of [`runs_with_json`].
pub(super) fn path_parameter(number: usize) -> String {
    format!(":path{number}")
}

fn select(span: &Span, date: DateBasis, more_columns: &str) -> String {
    let booked_at = date.sql();
    let condition = match span {
        Span { from: None, until: None } => String::new(),
        _ => format!(" AND {booked_at} >= :from AND {booked_at} < :until"),
    };
    format!(
        "SELECT {booked_at}, status, credit_charge_status, el_cost_nanos, transformation_cost_nanos, \
                duration_seconds, created_at, started_at, trigger_type, source, destination, \
                transformation{more_columns} \
         FROM run_snapshots WHERE superseded_at IS NULL{condition}"
    )
}

/// One current run, borrowed from SQLite; nothing is copied.
pub struct IndexedRun<'r>(&'r Row<'r>);

impl<'r> IndexedRun<'r> {
    /// Wraps a row of [`runs`].
    pub fn new(row: &'r Row<'r>) -> IndexedRun<'r> {
        IndexedRun(row)
    }

    /// The instant that assigns the run to a period, by the date basis; `None`: not known, or not yet.
    pub fn booked_at(&self) -> Result<Option<&'r str>> {
        self.text(0)
    }

    /// The current status.
    pub fn status(&self) -> Result<Option<&'r str>> {
        self.text(1)
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
        only_pipeline(self.0, 9)
    }

    /// When the run ended; only in a row of [`runs_with_ends`].
    pub fn ended_at(&self) -> Result<Option<&'r str>> {
        self.text(12)
    }

    /// The id of the run's current snapshot; only in a row of [`runs_with_ends`].
    pub fn snapshot_id(&self) -> Result<i64> {
        Ok(self.0.get(13)?)
    }

    /// Whether the run synced everything; only in a row of `runs_as_started`.
    pub(super) fn full_sync(&self) -> Result<Option<bool>> {
        Ok(self.integer(14)?.map(|value| value != 0))
    }

    /// The JSON of the run's trigger; only in a row of `triggered_runs`.
    pub(super) fn trigger(&self) -> Result<Option<&'r str>> {
        self.text(14)
    }

    /// A JSON document or value; only in a row of `runs_with_json`. `None`: the run has none.
    pub(super) fn json(&self, number: usize) -> Result<Option<&'r str>> {
        self.text(12 + number)
    }

    fn text(&self, column: usize) -> Result<Option<&'r str>> {
        text(self.0, column)
    }

    fn integer(&self, column: usize) -> Result<Option<i64>> {
        Ok(self.0.get_ref(column)?.as_i64_or_null().map_err(rusqlite::Error::from)?)
    }
}
