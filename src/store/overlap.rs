//! This is the telling of two archives of one workspace: taken together, their runs would count twice.

use super::Archive;
use crate::error::Result;
use rusqlite::OptionalExtension;

/// How many runs of an archive are looked for in another, spread evenly over its snapshots.
const LOOKS: i64 = 500;

/// The first run that was archived at that place or after it.
const RUN_AT: &str = "SELECT run_id FROM run_snapshots WHERE snapshot_id >= ?1 ORDER BY snapshot_id LIMIT 1";

impl Archive {
    /// A run that the other archive has too. `None`: none of those that were looked for, up to 501 of each archive.
    ///
    /// # Errors
    /// [`Error::Archive`](crate::error::Error::Archive) for the one that cannot be read.
    pub fn shared_run(&self, other: &Archive) -> Result<Option<String>> {
        Ok(self.first_of(&other.spread()?)?.or(other.first_of(&self.spread()?)?))
    }

    /// Some runs, from the first that was archived to the last.
    fn spread(&self) -> Result<Vec<String>> {
        self.spread_out().map_err(|error| error.in_archive(&self.path))
    }

    fn spread_out(&self) -> Result<Vec<String>> {
        let last: Option<i64> =
            self.connection.query_row("SELECT max(snapshot_id) FROM run_snapshots", [], |row| row.get(0))?;
        let Some(last) = last else { return Ok(Vec::new()) };
        let looks = LOOKS.min(last - 1).max(1);
        let mut run_at = self.connection.prepare(RUN_AT)?;
        let mut runs = Vec::new();
        for look in 0..=looks {
            // Below 2^63: a snapshot takes more than 500 bytes.
            let place = 1 + (last - 1) * look / looks;
            runs.extend(run_at.query_row([place], |row| row.get(0)).optional()?);
        }
        Ok(runs)
    }

    /// The first of these runs that is archived.
    fn first_of(&self, runs: &[String]) -> Result<Option<String>> {
        let look = || -> Result<Option<String>> {
            let mut has = self.connection.prepare("SELECT 1 FROM run_snapshots WHERE run_id = ?1")?;
            for run_id in runs {
                if has.exists([run_id])? {
                    return Ok(Some(run_id.clone()));
                }
            }
            Ok(None)
        };
        look().map_err(|error| error.in_archive(&self.path))
    }
}
