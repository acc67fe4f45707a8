//! This is the closed months: what each was closed with, and what came out.

use super::Archive;
use crate::digest::Hash;
use crate::error::Result;
use crate::run::Instant;
use rusqlite::{OptionalExtension, Row, params};

/// A month that was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// Its number.
    pub close_id: i64,
    /// What it froze.
    pub frozen: Frozen,
}

/// Everything that a closed month's answers depend on, and what they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// The month: `2026-01`.
    pub period: String,
    /// The close that this one takes the place of. `None`: it is the month's first.
    pub restates: Option<i64>,
    /// When it was closed.
    pub closed_at: Instant,
    /// The moment of knowledge: the month's answers are those as known at it.
    pub known_at: Instant,
    /// The IANA zone of the month.
    pub zone: String,
    /// The first instant inside.
    pub starts_at: Instant,
    /// The first instant outside.
    pub ends_at: Instant,
    /// Which instant books a run: `started`, `ended` or `created`.
    pub date_basis: String,
    /// The cost centres' rules, as JSON.
    pub allocation: String,
    /// What spoke against closing, as a JSON array of sentences. `None`: nothing did; otherwise it was forced.
    pub objections: Option<String>,
    /// The totals of the month.
    pub totals: CloseTotals,
}

/// The totals of a month, with the hash of its rows and the names of its pipelines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseTotals {
    /// The runs booked in the month.
    pub runs: u64,
    /// The runs without a known cost among them.
    pub runs_cost_unknown: u64,
    /// The sum of the known costs of extraction and loading, in nano-dollars. `None`: no run has one.
    pub el_cost_nanos: Option<i64>,
    /// The sum of the known costs of transformation, in nano-dollars. `None`: no run has one.
    pub transformation_cost_nanos: Option<i64>,
    /// The sum of both, in nano-dollars. `None`: no run has a known cost.
    pub total_cost_nanos: Option<i64>,
    /// The runs that were charged a credit.
    pub credits: u64,
    /// The SHA-256 of the month's rows as `runledger export costs --period` writes them.
    pub rows_sha256: Hash,
    /// The names of the month's pipelines: a JSON array of objects with `kind`, `pipeline_id` and `name`, in this order.
    pub names: String,
}

const COLUMNS: &str = "period, restates, closed_at, known_at, zone, starts_at, ends_at, date_basis, allocation, names, \
                       objections, runs, runs_cost_unknown, el_cost_nanos, transformation_cost_nanos, \
                       total_cost_nanos, credits, rows_sha256";

impl Archive {
    /// The close that answers for a month: its latest. `None`: it is not closed.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn close_of(&self, period: &str) -> Result<Option<Close>> {
        let sql = format!(
            "SELECT close_id, {COLUMNS} FROM period_closes WHERE period = ?1 ORDER BY close_id DESC LIMIT 1"
        );
        Ok(self.connection.query_row(&sql, [period], close).optional()?)
    }

    /// Every close, by month, then in the order in which they were made.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn closes(&self) -> Result<Vec<Close>> {
        let sql = format!("SELECT close_id, {COLUMNS} FROM period_closes ORDER BY period, close_id");
        let mut statement = self.connection.prepare(&sql)?;
        let closes = statement.query_map([], close)?.collect::<rusqlite::Result<_>>()?;
        Ok(closes)
    }

    /// Keeps a close for ever; gives its number.
    ///
    /// # Errors
    /// Those of SQLite; also when the month was closed meanwhile.
    pub fn keep_close(&self, frozen: &Frozen) -> Result<i64> {
        let sql = format!(
            "INSERT INTO period_closes ({COLUMNS}, program_version) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)"
        );
        self.connection.execute(
            &sql,
            params![
                frozen.period,
                frozen.restates,
                frozen.closed_at,
                frozen.known_at,
                frozen.zone,
                frozen.starts_at,
                frozen.ends_at,
                frozen.date_basis,
                frozen.allocation,
                frozen.totals.names,
                frozen.objections,
                frozen.totals.runs,
                frozen.totals.runs_cost_unknown,
                frozen.totals.el_cost_nanos,
                frozen.totals.transformation_cost_nanos,
                frozen.totals.total_cost_nanos,
                frozen.totals.credits,
                frozen.totals.rows_sha256,
                env!("CARGO_PKG_VERSION"),
            ],
        )?;
        Ok(self.connection.last_insert_rowid())
    }
}

fn close(row: &Row<'_>) -> rusqlite::Result<Close> {
    Ok(Close {
        close_id: row.get(0)?,
        frozen: Frozen {
            period: row.get(1)?,
            restates: row.get(2)?,
            closed_at: row.get(3)?,
            known_at: row.get(4)?,
            zone: row.get(5)?,
            starts_at: row.get(6)?,
            ends_at: row.get(7)?,
            date_basis: row.get(8)?,
            allocation: row.get(9)?,
            objections: row.get(11)?,
            totals: CloseTotals {
                runs: row.get(12)?,
                runs_cost_unknown: row.get(13)?,
                el_cost_nanos: row.get(14)?,
                transformation_cost_nanos: row.get(15)?,
                total_cost_nanos: row.get(16)?,
                credits: row.get(17)?,
                rows_sha256: row.get(18)?,
                names: row.get(10)?,
            },
        },
    })
}
