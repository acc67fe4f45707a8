//! Statistics of an archive, in time that does not grow with the number of runs.

use super::Archive;
use super::drift::is_unknown;
use super::runs::UnsettledRuns;
use crate::error::Result;
use crate::run::Instant;

/// Statistics of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveStats {
    /// The version of the schema.
    pub schema_version: u32,
    /// The size of the file and its write-ahead log in bytes.
    pub file_bytes: u64,
    /// The size of the write-ahead log in bytes.
    pub log_bytes: u64,
    /// When the first sync started. `None`: there was none.
    pub archived_since: Option<Instant>,
    /// The number of syncs.
    pub syncs: u64,
    /// The number of runs.
    pub runs: u64,
    /// The number of snapshots.
    pub snapshots: u64,
    /// When the oldest run started, else was created. `None`: no run has either.
    pub oldest_booked_at: Option<Instant>,
    /// When the newest run started, else was created. `None`: no run has either.
    pub newest_booked_at: Option<Instant>,
    /// The number of pipelines in the catalog.
    pub pipelines: u64,
    /// The runs that are not settled.
    pub unsettled: UnsettledRuns,
    /// The number of runs that the API no longer has.
    pub vanished: u64,
    /// The number of runs that are missing from the run list, without evidence that they are deleted.
    pub suspected: u64,
    /// The number of distinct items in quarantine.
    pub quarantined: u64,
    /// The number of runs that the API fails to return, in the list and by id.
    pub unreadable: u64,
    /// The number of recorded deviations from the API's contract.
    pub drift: u64,
}

impl Archive {
    /// The statistics of the archive, with the runs that are unsettled as [`Archive::unsettled`] defines it.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn stats(&self, settled_before: Instant) -> Result<ArchiveStats> {
        let count = |sql: &str| self.connection.query_row(sql, [], |row| row.get::<_, u64>(0));
        let instant = |sql: &str| self.connection.query_row(sql, [], |row| row.get::<_, Option<Instant>>(0));
        let log_bytes = self.log_bytes();
        // Each sync counts its snapshots in the transaction that adds them, so the sums are exact without reading the
        // rows.
        Ok(ArchiveStats {
            schema_version: self.schema_version()?.unwrap_or(0),
            file_bytes: std::fs::metadata(&self.path).map_or(0, |file| file.len()) + log_bytes,
            log_bytes,
            archived_since: instant("SELECT min(started_at) FROM syncs")?,
            syncs: count("SELECT count(*) FROM syncs")?,
            runs: count("SELECT coalesce(sum(runs_new), 0) FROM syncs")?,
            snapshots: count("SELECT coalesce(sum(runs_new + runs_changed), 0) FROM syncs")?,
            oldest_booked_at: instant(
                "SELECT min(coalesce(started_at, created_at)) FROM run_snapshots WHERE superseded_at IS NULL",
            )?,
            newest_booked_at: instant(
                "SELECT max(coalesce(started_at, created_at)) FROM run_snapshots WHERE superseded_at IS NULL",
            )?,
            pipelines: count("SELECT count(*) FROM pipelines")?,
            unsettled: self.unsettled_runs(settled_before)?,
            vanished: count("SELECT count(*) FROM vanished_runs")?,
            suspected: self.suspected_runs()?,
            quarantined: count("SELECT count(*) FROM quarantine")?,
            unreadable: self.unreadable_runs()?,
            drift: count(&format!("SELECT count(*) FROM drift WHERE {}", is_unknown()))?,
        })
    }
}
