//! The log of syncs: when the API was read, why, how far, what was found, and how it ended.

use super::Archive;
use super::run_row::RunId;
use crate::error::Result;
use crate::run::Instant;
use rusqlite::{OptionalExtension, Row, named_params, params};
use uuid::Uuid;

/// What a sync reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncKind {
    /// The whole list, for the first time.
    First,
    /// The list from its newest run until no more changes are expected.
    Incremental,
    /// The whole list again.
    Full,
    /// Runs by id.
    Fetch,
}

impl SyncKind {
    /// The kind's name in the archive.
    pub fn as_str(self) -> &'static str {
        match self {
            SyncKind::First => "first",
            SyncKind::Incremental => "incremental",
            SyncKind::Full => "full",
            SyncKind::Fetch => "fetch",
        }
    }
}

/// How a sync ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was read.
    Complete,
    /// Something could not be read; the rest is stored.
    Partial,
    /// It failed.
    Failed,
    /// A signal interrupted it.
    Interrupted,
}

impl Outcome {
    /// The outcome's name in the archive.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Complete => "complete",
            Outcome::Partial => "partial",
            Outcome::Failed => "failed",
            Outcome::Interrupted => "interrupted",
        }
    }
}

/// A position in a list that is newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// When the run at this position was created.
    pub created_at: Instant,
    /// The run.
    pub run_id: Uuid,
}

/// The progress of a walk of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WalkProgress {
    /// Whether the list is newest first. `None`: no page was read yet.
    pub newest_first: Option<bool>,
    /// When the newest run was created.
    pub top: Option<Instant>,
    /// The last page that is stored.
    pub page: Option<u32>,
    /// The oldest run of that page. `None`: the walk cannot be resumed.
    pub cursor: Option<Cursor>,
}

/// The counts of a sync.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SyncCounts {
    /// Requests sent, including retries.
    pub requests: u64,
    /// Pages of the run list stored.
    pub pages: u64,
    /// Distinct runs seen.
    pub seen: u64,
    /// Runs seen that are new.
    pub new: u64,
    /// Runs seen that have changed.
    pub changed: u64,
    /// Runs seen that have not changed.
    pub unchanged: u64,
    /// Runs that have vanished from the API.
    pub vanished: u64,
    /// Items put into quarantine.
    pub quarantined: u64,
}

/// An interrupted first walk, with the position to resume from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstWalk {
    /// When its first attempt started.
    pub started_at: Instant,
    /// The page size requested.
    pub page_size: u32,
    /// The last page stored.
    pub page: u32,
    /// The oldest run of that page.
    pub cursor: Cursor,
    /// When the newest run of its first page was created.
    pub top: Instant,
}

impl FirstWalk {
    /// The same position with another page size. It is an estimate: a resumed walk searches for the run of the cursor.
    pub fn in_pages_of(&self, page_size: u32) -> FirstWalk {
        let above = u64::from(self.page) * u64::from(self.page_size.max(1));
        let page = above.saturating_sub(1) / u64::from(page_size.max(1)) + 1;
        FirstWalk { page: u32::try_from(page).unwrap_or(u32::MAX), page_size, ..*self }
    }
}

/// A sync, as `runledger status` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRow {
    /// The number of the sync.
    pub sync_id: i64,
    /// The name of its [`SyncKind`].
    pub kind: String,
    /// When it started.
    pub started_at: Instant,
    /// When it ended. `None`: it is running, or was killed.
    pub ended_at: Option<Instant>,
    /// The name of its [`Outcome`]; `running` while it has not ended.
    pub outcome: String,
    /// Why its outcome is not complete. `None`: it is.
    pub error: Option<String>,
    /// The process id.
    pub process_id: u32,
    /// Its counts.
    pub counts: SyncCounts,
    /// The system clock when it started. `None`: an older version recorded none.
    pub clock_started_at: Option<Instant>,
    /// The system clock when it ended. `None`: it is running, was killed, or an older version recorded none.
    pub clock_ended_at: Option<Instant>,
}

const SYNC_COLUMNS: &str = "sync_id, kind, started_at, ended_at, outcome, error, process_id, requests, pages, \
     runs_seen, runs_new, runs_changed, runs_unchanged, runs_vanished, items_quarantined, clock_started_at, clock_ended_at";

impl Archive {
    /// Inserts a sync and returns its number.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn begin_sync(
        &self,
        kind: SyncKind,
        reason: &str,
        api_url: &str,
        page_size: Option<u32>,
        now: Instant,
    ) -> Result<i64> {
        self.connection.execute(
            "INSERT INTO syncs (kind, started_at, process_id, program_version, api_url, last_observed_at, page_size, \
                                reason, walk_started_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?2, ?6, ?7, ?2)",
            params![kind.as_str(), now, std::process::id(), env!("CARGO_PKG_VERSION"), api_url, page_size, reason],
        )?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Saves the progress of a sync, in the transaction of the rows that it stored.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn save_progress(
        &self,
        sync_id: i64,
        walk: &WalkProgress,
        counts: &SyncCounts,
        now: Instant,
    ) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE syncs SET last_observed_at = :now, newest_first = :newest_first, walk_top = :top, \
                     walk_page = :page, walk_cursor_at = :cursor_at, walk_cursor_id = :cursor_id, \
                     requests = :requests, pages = :pages, runs_seen = :seen, runs_new = :new, \
                     runs_changed = :changed, runs_unchanged = :unchanged, runs_vanished = :vanished, \
                     items_quarantined = :quarantined \
                 WHERE sync_id = :sync_id",
            )?
            .execute(named_params! {
                ":sync_id": sync_id,
                ":now": now,
                ":newest_first": walk.newest_first,
                ":top": walk.top,
                ":page": walk.page,
                ":cursor_at": walk.cursor.map(|cursor| cursor.created_at),
                ":cursor_id": walk.cursor.map(|cursor| cursor.run_id.hyphenated().to_string()),
                ":requests": counts.requests,
                ":pages": counts.pages,
                ":seen": counts.seen,
                ":new": counts.new,
                ":changed": counts.changed,
                ":unchanged": counts.unchanged,
                ":vanished": counts.vanished,
                ":quarantined": counts.quarantined,
            })?;
        Ok(())
    }

    /// Records that a sync resumes an earlier walk.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn resume_walk(&self, sync_id: i64, walk: &FirstWalk) -> Result<()> {
        self.connection.execute(
            "UPDATE syncs SET walk_started_at = ?2 WHERE sync_id = ?1",
            params![sync_id, walk.started_at],
        )?;
        Ok(())
    }

    /// Records that a sync continues with another page size.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn save_page_size(&self, sync_id: i64, page_size: u32) -> Result<()> {
        self.connection
            .execute("UPDATE syncs SET page_size = ?2 WHERE sync_id = ?1", params![sync_id, page_size])?;
        Ok(())
    }

    /// Records that the walk is complete: the watermark moves to its top, and not beyond `now`. A run that is dated in
    /// the future says nothing about the runs until then.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn complete_walk(
        &self,
        sync_id: i64,
        reached_end: bool,
        top: Option<Instant>,
        reason: &str,
        now: Instant,
    ) -> Result<()> {
        let watermark = top.into_iter().chain(self.watermark()?).max().map(|watermark| watermark.min(now));
        self.connection.execute(
            "UPDATE syncs SET walk_complete = 1, walk_whole = max(walk_whole, ?2), watermark = ?3, reason = ?4 WHERE sync_id = ?1",
            params![sync_id, reached_end, watermark, reason],
        )?;
        Ok(())
    }

    /// Records the end of a sync.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn end_sync(
        &self,
        sync_id: i64,
        outcome: Outcome,
        exit_code: u8,
        error: Option<&str>,
        now: Instant,
    ) -> Result<()> {
        self.connection.execute(
            "UPDATE syncs SET ended_at = ?2, last_observed_at = max(last_observed_at, ?2), outcome = ?3, exit_code = ?4, \
                 error = ?5 WHERE sync_id = ?1",
            params![sync_id, now, outcome.as_str(), exit_code, error],
        )?;
        Ok(())
    }

    /// The watermark: all runs created up to it had been read when a walk completed. Earlier versions stored times in
    /// the future too. `None`: no walk has completed.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn watermark(&self) -> Result<Option<Instant>> {
        let sql = "SELECT watermark FROM syncs WHERE watermark IS NOT NULL ORDER BY sync_id DESC LIMIT 1";
        Ok(self.connection.query_row(sql, [], |row| row.get(0)).optional()?)
    }

    /// The interrupted first walk. `None`: it is complete, was never started, or has to start again.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn interrupted_first_walk(&self) -> Result<Option<FirstWalk>> {
        let sql = "SELECT walk_started_at, page_size, walk_page, walk_cursor_at, walk_cursor_id, walk_top FROM syncs \
                   WHERE kind = 'first' AND newest_first = 1 AND walk_cursor_id IS NOT NULL AND walk_top IS NOT NULL \
                     AND page_size IS NOT NULL AND NOT EXISTS (SELECT 1 FROM syncs WHERE walk_whole = 1) \
                   ORDER BY sync_id DESC LIMIT 1";
        let walk = self.connection.query_row(sql, [], |row| {
            let run_id = row.get::<_, RunId>(4)?.uuid();
            Ok(FirstWalk {
                started_at: row.get(0)?,
                page_size: row.get(1)?,
                page: row.get(2)?,
                cursor: Cursor { created_at: row.get(3)?, run_id },
                top: row.get(5)?,
            })
        });
        Ok(walk.optional()?)
    }

    /// The latest observation. `None`: there was none.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn last_observed_at(&self) -> Result<Option<Instant>> {
        Ok(self.connection.query_row("SELECT max(last_observed_at) FROM syncs", [], |row| row.get(0))?)
    }

    /// The latest observation at or before `moment`; of all if it is `None`. A sync that failed before it read anything
    /// observed nothing, so an API that is down makes no answer look fresher. `None`: there was none.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn last_observed_by(&self, moment: Option<Instant>) -> Result<Option<Instant>> {
        // A sync that was running at the moment had observed everything until then.
        let sql = "SELECT max(iif(?1 IS NULL, last_observed_at, min(last_observed_at, ?1))) FROM syncs \
             WHERE (?1 IS NULL OR started_at <= ?1) \
               AND (outcome NOT IN ('failed', 'interrupted') OR pages > 0 OR runs_seen > 0 OR items_quarantined > 0)";
        Ok(self.connection.query_row(sql, [moment], |row| row.get(0))?)
    }

    /// The newest sync. `None`: there was none.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn last_sync(&self) -> Result<Option<SyncRow>> {
        let sql = format!("SELECT {SYNC_COLUMNS} FROM syncs ORDER BY sync_id DESC LIMIT 1");
        Ok(self.connection.query_row(&sql, [], sync_row).optional()?)
    }
}

fn sync_row(row: &Row<'_>) -> rusqlite::Result<SyncRow> {
    Ok(SyncRow {
        sync_id: row.get(0)?,
        kind: row.get(1)?,
        started_at: row.get(2)?,
        ended_at: row.get(3)?,
        outcome: row.get(4)?,
        error: row.get(5)?,
        process_id: row.get(6)?,
        counts: SyncCounts {
            requests: row.get(7)?,
            pages: row.get(8)?,
            seen: row.get(9)?,
            new: row.get(10)?,
            changed: row.get(11)?,
            unchanged: row.get(12)?,
            vanished: row.get(13)?,
            quarantined: row.get(14)?,
        },
        clock_started_at: row.get(15)?,
        clock_ended_at: row.get(16)?,
    })
}
