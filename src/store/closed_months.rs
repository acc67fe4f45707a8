//! The closed months without their rules and names: the bounds and the total that a close froze.

use super::Archive;
use crate::error::Result;
use crate::run::Instant;
use rusqlite::{Row, named_params};

/// The bounds and the total of a closed month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClosedMonth {
    /// The close's number. Later closes have higher numbers.
    pub close_id: i64,
    /// The month: `2026-01`.
    pub period: String,
    /// When the close was made.
    pub closed_at: Instant,
    /// The moment of knowledge of the close.
    pub known_at: Instant,
    /// The IANA time zone of the month.
    pub zone: String,
    /// The instant that books a run: `started`, `ended` or `created`.
    pub date_basis: String,
    /// The first instant of the month.
    pub starts_at: Instant,
    /// The first instant after the month.
    pub ends_at: Instant,
    /// The sum of the known costs, in nano-dollars. `None`: no run has a known cost.
    pub total_cost_nanos: Option<i64>,
}

const COLUMNS: &str =
    "close_id, period, known_at, zone, date_basis, starts_at, ends_at, total_cost_nanos, closed_at";

impl Archive {
    /// Each closed month as its latest close froze it, by month. With `known_by`, closes with later knowledge are left
    /// out: they did not exist then.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn closed_months(&self, known_by: Option<Instant>) -> Result<Vec<ClosedMonth>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM period_closes WHERE close_id IN ( \
                 SELECT max(close_id) FROM period_closes \
                 WHERE :known_by IS NULL OR known_at <= :known_by GROUP BY period \
             ) ORDER BY period"
        );
        let mut statement = self.connection().prepare(&sql)?;
        let months = statement.query_map(named_params! {":known_by": known_by}, closed_month)?;
        Ok(months.collect::<rusqlite::Result<_>>()?)
    }

    /// Every close, the one made last first.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn closes_by_age(&self) -> Result<Vec<ClosedMonth>> {
        let sql = format!("SELECT {COLUMNS} FROM period_closes ORDER BY close_id DESC");
        let mut statement = self.connection().prepare(&sql)?;
        let months = statement.query_map([], closed_month)?;
        Ok(months.collect::<rusqlite::Result<_>>()?)
    }
}

fn closed_month(row: &Row<'_>) -> rusqlite::Result<ClosedMonth> {
    Ok(ClosedMonth {
        close_id: row.get(0)?,
        period: row.get(1)?,
        known_at: row.get(2)?,
        zone: row.get(3)?,
        date_basis: row.get(4)?,
        starts_at: row.get(5)?,
        ends_at: row.get(6)?,
        total_cost_nanos: row.get(7)?,
        closed_at: row.get(8)?,
    })
}
