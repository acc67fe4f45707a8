//! Gaps: records of the run list that the API fails to return.

use super::run_row::RunId;
use super::{Archive, Candidate, Cursor};
use crate::error::Result;
use crate::run::Instant;
use rusqlite::{Row, named_params, params};
use std::fmt;
use uuid::Uuid;

/// Records that a sync could not read, between two runs that it read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListGap {
    /// The next newer run. `None`: the gap is at the top of the list.
    pub newer: Option<Cursor>,
    /// The next older run. `None`: the gap is at the end of the list.
    pub older: Option<Cursor>,
    /// The number of records.
    pub records: u64,
    /// The place of the first record in the list when the gap was last seen, from 1.
    pub position: u64,
    /// The number of runs in the list at that time. `None`: not given.
    pub list_count: Option<u64>,
    /// The run, if it is known. `None`: the API never returned its id.
    pub run_id: Option<Uuid>,
    /// When the run was last fetched by its id. `None`: never.
    pub fetched_at: Option<Instant>,
    /// How the request for the list failed.
    pub cause: String,
}

impl ListGap {
    /// Whether the archive lacks the run, or has an old state of it.
    pub fn is_missing(&self) -> bool {
        self.fetched_at.is_none()
    }
}

/// `run X, at position 12 of the list: HTTP 500`; without the id: `1 run at position 12 of the list, between …`.
impl fmt::Display for ListGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.run_id, self.records) {
            (Some(run_id), _) => write!(f, "run {run_id}, at position {} of the list", self.position)?,
            (None, 1) => write!(f, "1 run at position {} of the list", self.position)?,
            (None, records) => write!(f, "{records} runs from position {} of the list on", self.position)?,
        }
        let run = |run: &Cursor| format!("{} (created {})", run.run_id, run.created_at);
        match (self.run_id, &self.newer, &self.older) {
            (Some(_), ..) | (None, None, None) => {}
            (None, Some(newer), Some(older)) => write!(f, ", between {} and {}", run(newer), run(older))?,
            (None, Some(newer), None) => write!(f, ", below {}", run(newer))?,
            (None, None, Some(older)) => write!(f, ", above {}", run(older))?,
        }
        write!(f, ": {}", self.cause)
    }
}

const COLUMNS: &str = "newer_run_id, newer_created_at, older_run_id, older_created_at, records, position, list_count, \
     run_id, fetched_at, cause";

impl Archive {
    /// The gaps that the API still has, newest first.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn list_gaps(&self) -> Result<Vec<ListGap>> {
        let sql =
            format!("SELECT {COLUMNS} FROM list_gaps WHERE resolved_at IS NULL ORDER BY position, gap_id");
        let mut statement = self.connection.prepare(&sql)?;
        let gaps = statement.query_map([], gap)?;
        Ok(gaps.collect::<rusqlite::Result<_>>()?)
    }

    /// The number of runs that the API fails to return, in the list and by id.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn unreadable_runs(&self) -> Result<u64> {
        let sql = "SELECT coalesce(sum(records), 0) FROM list_gaps WHERE resolved_at IS NULL AND fetched_at IS NULL";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    /// Stores a gap that a sync has seen. A gap with one of the same neighbors is the same gap, and there is only one
    /// position below which the API refuses everything.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn save_gap(&self, gap: &ListGap, at: Instant, sync_id: i64) -> Result<()> {
        let id = |run: Option<Cursor>| run.map(|run| run.run_id.hyphenated().to_string());
        let values = named_params! {
            ":newer_run_id": id(gap.newer),
            ":newer_created_at": gap.newer.map(|run| run.created_at),
            ":older_run_id": id(gap.older),
            ":older_created_at": gap.older.map(|run| run.created_at),
            ":records": gap.records,
            ":position": gap.position,
            ":list_count": gap.list_count,
            ":run_id": gap.run_id.map(|id| id.hyphenated().to_string()),
            ":fetched_at": gap.fetched_at,
            ":cause": gap.cause,
            ":at": at,
            ":sync_id": sync_id,
        };
        let updated = self
            .connection
            .prepare_cached(
                "UPDATE list_gaps SET newer_run_id = :newer_run_id, newer_created_at = :newer_created_at, \
                     older_run_id = :older_run_id, older_created_at = :older_created_at, records = :records, \
                     position = :position, list_count = :list_count, run_id = coalesce(:run_id, run_id), \
                     fetched_at = coalesce(:fetched_at, fetched_at), cause = :cause, last_seen_at = :at, \
                     sync_id = :sync_id \
                 WHERE resolved_at IS NULL \
                   AND (newer_run_id = :newer_run_id OR older_run_id = :older_run_id \
                        OR (older_run_id IS NULL AND :older_run_id IS NULL AND records > 1 AND :records > 1))",
            )?
            .execute(values)?;
        if updated == 0 {
            self.connection
                .prepare_cached(
                    "INSERT INTO list_gaps (newer_run_id, newer_created_at, older_run_id, older_created_at, records, \
                                            position, list_count, run_id, fetched_at, cause, first_seen_at, \
                                            last_seen_at, sync_id) \
                     VALUES (:newer_run_id, :newer_created_at, :older_run_id, :older_created_at, :records, :position, \
                             :list_count, :run_id, :fetched_at, :cause, :at, :at, :sync_id)",
                )?
                .execute(values)?;
        }
        Ok(())
    }

    /// Records that the API returns the runs of gaps again: those between `newest` and `oldest` that the sync has read
    /// without seeing them. `None`: the end of the list.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn resolve_gaps(
        &self,
        newest: Option<Instant>,
        oldest: Option<Instant>,
        at: Instant,
        sync_id: i64,
    ) -> Result<()> {
        self.connection.execute(
            "UPDATE list_gaps SET resolved_at = ?3 \
             WHERE resolved_at IS NULL AND sync_id <> ?4 \
               AND (?1 IS NULL OR newer_created_at <= ?1) AND (?2 IS NULL OR older_created_at >= ?2)",
            params![newest, oldest, at, sync_id],
        )?;
        Ok(())
    }

    /// The runs created between two instants, inclusive, that have not vanished: at most `limit`.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn runs_between(
        &self,
        newest: Option<Instant>,
        oldest: Option<Instant>,
        limit: u64,
    ) -> Result<Vec<Candidate>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT snapshot_id, run_id FROM run_snapshots AS s \
             WHERE superseded_at IS NULL AND (?1 IS NULL OR created_at <= ?1) AND (?2 IS NULL OR created_at >= ?2) \
               AND NOT EXISTS (SELECT 1 FROM vanished_runs AS v WHERE v.run_id = s.run_id) \
             LIMIT ?3",
        )?;
        let runs = statement.query_map(params![newest, oldest, limit], super::runs::candidate)?;
        Ok(runs.collect::<rusqlite::Result<_>>()?)
    }
}

fn gap(row: &Row<'_>) -> rusqlite::Result<ListGap> {
    let neighbor = |id: usize, created_at: usize| -> rusqlite::Result<Option<Cursor>> {
        let run_id: Option<RunId> = row.get(id)?;
        let created_at: Option<Instant> = row.get(created_at)?;
        Ok(run_id.zip(created_at).map(|(run_id, created_at)| Cursor { created_at, run_id: run_id.uuid() }))
    };
    Ok(ListGap {
        newer: neighbor(0, 1)?,
        older: neighbor(2, 3)?,
        records: row.get(4)?,
        position: row.get(5)?,
        list_count: row.get(6)?,
        run_id: row.get::<_, Option<RunId>>(7)?.map(RunId::uuid),
        fetched_at: row.get(8)?,
        cause: row.get(9)?,
    })
}
