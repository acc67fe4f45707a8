//! Items of the API that cannot be stored as runs.

use super::Archive;
use crate::error::Result;
use crate::run::Instant;
use crate::snapshot::hash;
use rusqlite::params;

/// The items that were first seen on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedOnDay {
    /// The day in UTC: `2026-11-27`.
    pub day: String,
    /// The number of items.
    pub items: u64,
    /// When the last of them was first seen.
    pub last_at: Instant,
}

impl Archive {
    /// The items that were first seen since an instant, by day.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn quarantined_since(&self, since: Instant) -> Result<Vec<QuarantinedOnDay>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT substr(first_seen_at, 1, 10) AS day, count(*), max(first_seen_at) FROM quarantine \
             WHERE first_seen_at >= ?1 GROUP BY day ORDER BY day",
        )?;
        let days = statement.query_map([since], |row| {
            Ok(QuarantinedOnDay { day: row.get(0)?, items: row.get(1)?, last_at: row.get(2)? })
        })?;
        Ok(days.collect::<rusqlite::Result<_>>()?)
    }

    /// Stores an item that cannot be stored as a run, as the API sent it. Equal items are stored once.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn quarantine(&self, item: &str, reason: &str, at: Instant, sync_id: i64) -> Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO quarantine (item_hash, item, reason, first_seen_at, last_seen_at, sync_id) \
                 VALUES (?1, ?2, ?3, ?4, ?4, ?5) \
                 ON CONFLICT (item_hash) DO UPDATE SET last_seen_at = excluded.last_seen_at, sync_id = excluded.sync_id",
            )?
            .execute(params![hash(item.as_bytes()), item, reason, at, sync_id])?;
        Ok(())
    }
}
