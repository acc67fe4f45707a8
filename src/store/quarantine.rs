//! This is the account of what was not understood: items that are no run, and what the contract does not know.

use super::Archive;
use crate::error::Result;
use crate::run::{Drift, DriftKind, Instant};
use crate::snapshot::hash;
use rusqlite::params;
use uuid::Uuid;

/// The first sight of something that the contract does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftRow {
    /// What it is.
    pub drift: Drift,
    /// When it was first seen.
    pub first_seen_at: Instant,
    /// A run that shows it.
    pub example_run_id: String,
}

impl Archive {
    /// Keeps an item that cannot be kept as a run, whole; each distinct one once.
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

    /// Records the first sight of something that the contract does not know.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn record_drift(&self, drift: &Drift, example: Uuid, at: Instant, sync_id: i64) -> Result<()> {
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO drift (field, kind, observed, first_seen_at, sync_id, example_run_id) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                drift.field,
                drift.kind.as_str(),
                drift.observed,
                at,
                sync_id,
                example.hyphenated().to_string()
            ])?;
        Ok(())
    }

    /// Everything met so far that the contract does not know, in the order in which it was first seen.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn drift(&self) -> Result<Vec<DriftRow>> {
        let mut statement = self.connection.prepare(
            "SELECT field, kind, observed, first_seen_at, example_run_id FROM drift \
             ORDER BY first_seen_at, field, kind, observed",
        )?;
        let rows = statement.query_map([], |row| {
            let kind: String = row.get(1)?;
            let kind = match kind.as_str() {
                "field" => DriftKind::Field,
                "value" => DriftKind::Value,
                _ => DriftKind::Type,
            };
            let drift = Drift { field: row.get(0)?, kind, observed: row.get(2)? };
            Ok(DriftRow { drift, first_seen_at: row.get(3)?, example_run_id: row.get(4)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}
