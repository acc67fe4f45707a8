//! Items of the API that cannot be stored as runs.

use super::Archive;
use crate::error::Result;
use crate::run::Instant;
use crate::snapshot::hash;
use rusqlite::params;

impl Archive {
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
