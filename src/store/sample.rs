//! This is a sample of the settled runs: the same archive and the same seed draw the same ones.

use super::Archive;
use crate::error::Result;
use crate::run::Instant;
use fastrand::Rng;
use rusqlite::named_params;
use uuid::Uuid;

/// The current snapshots of settled runs that the API still has, by an index alone.
const SETTLED: &str = "SELECT snapshot_id FROM run_snapshots \
     WHERE superseded_at IS NULL \
       AND ((status IN ('success', 'failed', 'canceled') \
             AND (el_cost_nanos IS NOT NULL OR transformation_cost_nanos IS NOT NULL)) \
            OR ended_at < :settled_before) \
       AND snapshot_id NOT IN (SELECT s.snapshot_id FROM vanished_runs AS v JOIN run_snapshots AS s ON s.run_id = v.run_id) \
     ORDER BY snapshot_id";

impl Archive {
    /// So many settled runs, each as likely as any other; all of them when there are no more. Settled is
    /// whatever [`Archive::unsettled`] does not name.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn settled_sample(&self, settled_before: Instant, size: usize, seed: u64) -> Result<Vec<Uuid>> {
        let mut random = Rng::with_seed(seed);
        let mut drawn: Vec<i64> = Vec::new();
        let mut statement = self.connection.prepare(SETTLED)?;
        let mut rows = statement.query(named_params! {":settled_before": settled_before})?;
        let mut nth = 0;
        while let Some(row) = rows.next()? {
            let snapshot_id = row.get(0)?;
            if drawn.len() < size {
                drawn.push(snapshot_id);
            } else if let Some(place) = drawn.get_mut(random.usize(0..=nth)) {
                *place = snapshot_id;
            }
            nth += 1;
        }
        drawn.sort_unstable();
        let mut statement =
            self.connection.prepare("SELECT run_id FROM run_snapshots WHERE snapshot_id = ?1")?;
        let mut ids = Vec::with_capacity(drawn.len());
        for snapshot_id in drawn {
            let id: String = statement.query_row([snapshot_id], |row| row.get(0))?;
            ids.push(Uuid::try_parse(&id).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
            })?);
        }
        Ok(ids)
    }
}
