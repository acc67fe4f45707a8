//! Drift: deviations of the API from its contract, each with its first observation.

use super::Archive;
use crate::error::Result;
use crate::run::vocabulary::VOCABULARIES;
use crate::run::{Drift, DriftKind, Instant};
use rusqlite::params;
use uuid::Uuid;

/// A deviation from the contract, with its first observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftRow {
    /// The deviation.
    pub drift: Drift,
    /// When it was first seen.
    pub first_seen_at: Instant,
    /// A run that shows it.
    pub example_run_id: String,
}

/// The SQL condition for a recorded deviation that this version does not know either. An earlier version knew fewer
/// words.
pub(crate) fn is_unknown() -> String {
    let known = VOCABULARIES
        .map(|(field, words)| format!("(field = '{field}' AND observed IN ('{}'))", words.join("', '")));
    format!("NOT (kind = 'value' AND ({}))", known.join(" OR "))
}

impl Archive {
    /// Records a deviation, unless it is recorded already.
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

    /// Every recorded deviation, in the order of first observation, except for words that this version knows.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn drift(&self) -> Result<Vec<DriftRow>> {
        let mut statement = self.connection.prepare(&format!(
            "SELECT field, kind, observed, first_seen_at, example_run_id FROM drift WHERE {} \
             ORDER BY first_seen_at, field, kind, observed",
            is_unknown()
        ))?;
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
