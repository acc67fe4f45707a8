//! A reproducible random sample of the settled runs: the same archive and seed give the same runs.

use super::{Archive, settled};
use crate::error::Result;
use crate::run::Instant;
use fastrand::Rng;
use rusqlite::named_params;
use uuid::Uuid;

/// The current snapshots of the settled runs that the API still has. An index covers the conditions.
fn settled_sql() -> String {
    format!(
        "SELECT snapshot_id FROM run_snapshots \
         WHERE superseded_at IS NULL AND {} \
           AND snapshot_id NOT IN \
               (SELECT s.snapshot_id FROM vanished_runs AS v JOIN run_snapshots AS s ON s.run_id = v.run_id) \
         ORDER BY snapshot_id",
        *settled::SETTLED
    )
}

impl Archive {
    /// Draws `size` settled runs (`store::settled`), each with the same probability; all of them if there are fewer.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn settled_sample(&self, settled_before: Instant, size: usize, seed: u64) -> Result<Vec<Uuid>> {
        let mut random = Rng::with_seed(seed);
        // Reservoir sampling: one pass, and memory for the sample alone.
        let mut sample: Vec<i64> = Vec::new();
        let mut statement = self.connection.prepare(&settled_sql())?;
        let mut rows = statement.query(named_params! {":settled_before": settled_before})?;
        let mut index = 0;
        while let Some(row) = rows.next()? {
            let snapshot_id = row.get(0)?;
            if sample.len() < size {
                sample.push(snapshot_id);
            } else if let Some(place) = sample.get_mut(random.usize(0..=index)) {
                *place = snapshot_id;
            }
            index += 1;
        }
        sample.sort_unstable();
        let mut statement =
            self.connection.prepare("SELECT run_id FROM run_snapshots WHERE snapshot_id = ?1")?;
        let mut ids = Vec::with_capacity(sample.len());
        for snapshot_id in sample {
            let id: String = statement.query_row([snapshot_id], |row| row.get(0))?;
            ids.push(Uuid::try_parse(&id).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
            })?);
        }
        Ok(ids)
    }
}
