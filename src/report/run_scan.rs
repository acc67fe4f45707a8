//! This is a current run as the reports' covering index holds it.

use super::period::Span;
use super::scope::DateBasis;
use crate::error::Result;
use rusqlite::Row;
use rusqlite::types::ValueRef;

/// Every current run that is booked in a span, from the covering index alone; with `:from` and `:until` where
/// the span has an end.
pub fn runs(span: &Span, date: DateBasis) -> String {
    selected(span, date, "")
}

/// The same with what [`IndexedRun::ended_at`] and [`IndexedRun::snapshot_id`] tell.
pub fn runs_with_ends(span: &Span, date: DateBasis) -> String {
    selected(span, date, ", ended_at, snapshot_id")
}

fn selected(span: &Span, date: DateBasis, more: &str) -> String {
    let booked = date.sql();
    let within = match span {
        Span { from: None, until: None } => String::new(),
        _ => format!(" AND {booked} >= :from AND {booked} < :until"),
    };
    format!(
        "SELECT {booked}, status, credit_charge_status, el_cost_nanos, transformation_cost_nanos, \
                duration_seconds, created_at, started_at, trigger_type, source, destination, transformation{more} \
         FROM run_snapshots WHERE superseded_at IS NULL{within}"
    )
}

/// One current run as the pass sees it: borrowed from SQLite, nothing copied.
pub struct IndexedRun<'r>(&'r Row<'r>);

impl<'r> IndexedRun<'r> {
    /// The run in a row of [`runs`].
    pub fn new(row: &'r Row<'r>) -> IndexedRun<'r> {
        IndexedRun(row)
    }

    /// What books the run, on the basis asked for; `None`: it is not known, or not yet.
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

    /// When the run ended; only in a row of [`runs_with_ends`].
    pub fn ended_at(&self) -> Result<Option<&'r str>> {
        self.text(12)
    }

    /// The number of the run's current state; only in a row of [`runs_with_ends`].
    pub fn snapshot_id(&self) -> Result<i64> {
        Ok(self.0.get(13)?)
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
