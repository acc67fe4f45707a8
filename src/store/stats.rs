//! This is what the archive holds, told in time that does not grow with it.

use super::Archive;
use crate::error::Result;
use crate::run::Instant;

/// What the archive holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveStats {
    /// The version of its schema.
    pub schema_version: u32,
    /// The size of the file and its write-ahead log.
    pub file_bytes: u64,
    /// When the first sync began. `None`: there was none.
    pub archived_since: Option<Instant>,
    /// How many runs there are.
    pub runs: u64,
    /// How many states of them there are.
    pub snapshots: u64,
    /// When the oldest run started, or was created. `None`: there is none that says.
    pub oldest_booked_at: Option<Instant>,
    /// When the newest run started, or was created.
    pub newest_booked_at: Option<Instant>,
    /// How many pipelines are in the catalogue.
    pub pipelines: u64,
    /// How many runs may still change.
    pub unsettled: u64,
    /// How many runs the API no longer has.
    pub vanished: u64,
    /// How many distinct items could not be kept as runs.
    pub quarantined: u64,
    /// How many things are known that the API's contract does not know.
    pub drift: u64,
}

impl Archive {
    /// What the archive holds. A run is settled as [`Archive::unsettled`] says.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn contents(&self, settled_before: Instant) -> Result<ArchiveStats> {
        let count = |sql: &str| self.connection.query_row(sql, [], |row| row.get::<_, u64>(0));
        let instant = |sql: &str| self.connection.query_row(sql, [], |row| row.get::<_, Option<Instant>>(0));
        let size = |path: &std::ffi::OsStr| std::fs::metadata(path).map_or(0, |file| file.len());
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        // Each snapshot was counted by the sync that added it, in the transaction that added it: the
        // sums are exact, and need not read a million rows.
        Ok(ArchiveStats {
            schema_version: self.schema_version()?.unwrap_or(0),
            file_bytes: size(self.path.as_os_str()) + size(&log),
            archived_since: instant("SELECT min(started_at) FROM syncs")?,
            runs: count("SELECT coalesce(sum(runs_new), 0) FROM syncs")?,
            snapshots: count("SELECT coalesce(sum(runs_new + runs_changed), 0) FROM syncs")?,
            oldest_booked_at: instant(
                "SELECT min(coalesce(started_at, created_at)) FROM run_snapshots WHERE superseded_at IS NULL",
            )?,
            newest_booked_at: instant(
                "SELECT max(coalesce(started_at, created_at)) FROM run_snapshots WHERE superseded_at IS NULL",
            )?,
            pipelines: count("SELECT count(*) FROM pipelines")?,
            unsettled: self.unsettled(settled_before)?.len() as u64,
            vanished: count("SELECT count(*) FROM vanished_runs")?,
            quarantined: count("SELECT count(*) FROM quarantine")?,
            drift: count("SELECT count(*) FROM drift")?,
        })
    }
}
