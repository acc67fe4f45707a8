//! The archive: one SQLite file with every state of every run.

mod alerts;
mod archive_path;
mod backup;
mod backup_target;
mod busy;
mod check;
mod clock;
mod closed_months;
mod closes;
mod copy;
mod coverage;
pub(crate) mod data_dictionary;
mod demo_mark;
mod discard;
mod drift;
mod evidence;
pub(crate) mod file_set;
mod find_pipeline;
mod find_run;
mod frozen_terms;
mod gaps;
mod header;
mod in_place;
mod journal;
mod late_costs;
mod lock;
mod log;
mod main_file;
mod migrate;
mod migrations;
mod overlap;
mod pipelines;
mod quarantine;
mod reader_log;
mod restore;
mod run_row;
mod runs;
mod salvage;
mod sample;
pub(crate) mod settled;
mod stats;
mod syncs;
mod twin;
mod unknown_name;
mod user_objects;

#[cfg(test)]
pub(crate) use alerts::AlertEventKind;
pub(crate) use alerts::{Alert, AlertEvent, AlertLevel, Evaluation, Finding};
pub(crate) use archive_path::{ArchivePath, check_archive_name};
pub(crate) use check::CheckResult;
pub(crate) use clock::{ClockOffsets, Freshness, LastComplete, trusted_until};
pub(crate) use closed_months::ClosedMonth;
pub use closes::{Close, CloseTotals, Frozen, RowLayout};
pub(crate) use coverage::{Coverage, Gap, GapReason};
pub(crate) use data_dictionary::TableDescription;
pub(crate) use drift::{DriftRow, is_unknown as is_unknown_drift};
pub(crate) use evidence::WorkspaceEvidence;
pub(crate) use find_pipeline::{Found, KnownPipeline};
pub(crate) use find_run::{ID_BEGINS_SO, id_prefix};
pub use frozen_terms::FrozenTerms;
pub use gaps::ListGap;
pub(crate) use header::is_archive;
pub(crate) use late_costs::LateCosts;
pub use lock::Lock;
pub(crate) use migrate::{Migrated, migrate};
pub(crate) use pipelines::Pipeline;
pub use pipelines::PipelineKind;
pub(crate) use quarantine::QuarantinedOnDay;
pub(crate) use restore::{Restored, restore};
pub use run_row::{run_columns, run_from_row};
pub(crate) use runs::{Candidate, HistoryEntry, UnseenRun, UnsettledRuns};
pub use runs::{Detail, InsertHint, Upsert};

pub(crate) use salvage::{Recovery, Repairs, TableRecovery, recover};
pub(crate) use stats::ArchiveStats;
pub use syncs::SyncKind;
pub(crate) use syncs::{Cursor, FirstWalk, Outcome, SyncCounts, SyncRow, WalkProgress};
pub(crate) use twin::SecondConnection;
pub(crate) use unknown_name::hint_for_unknown_name;

use crate::access::PRIVATE;
use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::escape::shell_word;
use crate::file_system::{LOCAL_DISK_HINT, has_posix_locks};
use crate::run::Instant;
use archive_path::sqlite_path;
use file_set::{FileSet, JOURNAL, LOG, LOG_INDEX};
use header::FileKind;
use in_place::InPlace;
use migrations::SchemaStatus;
use reader_log::{ReaderLog, roll_back_journal};
use refinery::Migration;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags, OptionalExtension};
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The `application_id` of an archive: "RLGD".
pub(crate) const APPLICATION_ID: i32 = 0x524C_4744;

/// The suffixes of the files that belong to an archive: SQLite's logs, and the lock.
pub(crate) const COMPANION_SUFFIXES: [&str; 4] = [LOG, LOG_INDEX, JOURNAL, ".lock"];

/// The page size. Rows of about one kilobyte fill 16 KiB pages well: a load is twice as fast as with SQLite's default.
const PAGE_SIZE_BYTES: u32 = 16 * 1024;

/// The page cache of a writer. It keeps the index on random ids in memory.
const WRITER_CACHE_KIB: i32 = 48 * 1024;

/// The number of pages in the write-ahead log that triggers a checkpoint.
const CHECKPOINT_PAGES: u32 = 4000;

/// An open archive.
#[derive(Debug)]
pub struct Archive {
    connection: Connection,
    path: PathBuf,
    /// Whether opening it created the file.
    is_new: bool,
    /// `None`: it is open for writing, or its log existed before. It must be dropped after the connection.
    reader_log: Option<ReaderLog>,
    /// `None`: the archive is temporary. It must be dropped last.
    in_place: Option<InPlace>,
}

impl Archive {
    /// Opens the archive for writing. Creates it, for this user only, if it does not exist, and migrates it if its
    /// schema is older; before a migration, a verified backup is written next to it. The lock proves that this process
    /// is the only writer.
    ///
    /// # Errors
    /// [`Error::Archive`] when the file is damaged, belongs to another program, or was written by a newer version;
    /// nothing is written then. [`Error::Output`] when the backup before a migration cannot be written.
    /// [`Error::Internal`] when the lock is that of another archive.
    pub fn open(path: &Path, lock: &Lock) -> Result<Archive> {
        Archive::open_with(path, lock, migrations::migrations(), None)
    }

    /// Opens the archive as [`Archive::open`] does. `cancel` ends each wait for a lock of another program, also later.
    ///
    /// # Errors
    /// As [`Archive::open`]; [`Error::Interrupted`] when `cancel` ended a wait.
    pub(crate) fn open_until(path: &Path, lock: &Lock, cancel: &Arc<CancelToken>) -> Result<Archive> {
        Archive::open_with(path, lock, migrations::migrations(), Some(cancel))
    }

    fn open_with(
        path: &Path,
        lock: &Lock,
        migrations: &[Migration],
        cancel: Option<&Arc<CancelToken>>,
    ) -> Result<Archive> {
        let path = lock.archive_at(path)?;
        let kind = header::identify(path)?;
        FileSet::at(path).verify(path)?;
        if kind == FileKind::Archive {
            verify_before_opening(path, |connection| {
                migrations::schema_status(path, connection, migrations)
            })?;
        }
        let is_new = kind == FileKind::Nothing && create(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut archive = Archive::connect(path, flags, cancel)?;
        archive.is_new = is_new;
        let prepared = archive.prepare_for_writing(kind, lock.acquired_at(), migrations);
        prepared.map_err(|error| explain(path, cancel, error).in_archive(path))?;
        Ok(archive)
    }

    /// Creates an archive that is deleted when it is closed, for a dry run.
    ///
    /// # Errors
    /// [`Error::Sqlite`] when no temporary file can be created.
    pub fn temporary() -> Result<Archive> {
        // SQLite takes an empty name for a temporary file on disk.
        let connection = Connection::open("")?;
        let path = PathBuf::from("(temporary)");
        let mut archive = Archive { connection, path, is_new: true, reader_log: None, in_place: None };
        archive.mark()?;
        migrations::migrate(&archive.path, &mut archive.connection, migrations::migrations())?;
        archive.tune()?;
        Ok(archive)
    }

    /// Opens an existing archive for reading. A sync may be writing at the same time.
    ///
    /// # Errors
    /// [`Error::Archive`] when it does not exist, is damaged, belongs to another program, or has another version.
    pub fn open_for_reading(path: &Path) -> Result<Archive> {
        Archive::open_existing(path, OpenFlags::SQLITE_OPEN_READ_ONLY, None)
    }

    /// Opens the archive as [`Archive::open_for_reading`] does. `cancel` ends each wait for a lock of another program.
    ///
    /// # Errors
    /// As [`Archive::open_for_reading`]; [`Error::Interrupted`] when `cancel` ended a wait.
    pub(crate) fn open_for_reading_until(path: &Path, cancel: &Arc<CancelToken>) -> Result<Archive> {
        Archive::open_existing(path, OpenFlags::SQLITE_OPEN_READ_ONLY, Some(cancel))
    }

    /// Opens an existing archive for [`Archive::check`]. Nothing is written, but SQLite verifies CHECK constraints only
    /// on a writable connection.
    ///
    /// # Errors
    /// As [`Archive::open_for_reading`].
    pub fn open_for_checking(path: &Path) -> Result<Archive> {
        let archive = Archive::open_existing(path, OpenFlags::SQLITE_OPEN_READ_WRITE, None)?;
        archive.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        archive.connection.pragma_update(None, "query_only", true)?;
        Ok(archive)
    }

    fn open_existing(path: &Path, access: OpenFlags, cancel: Option<&Arc<CancelToken>>) -> Result<Archive> {
        let path = &ArchivePath::resolve(path)?;
        let archive = Archive::open_any_version(path, access, cancel)?;
        let readable = archive.check_readable();
        readable.map_err(|error| explain(path, cancel, error).in_archive(path))?;
        if access.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) {
            path.warn_of_other_links();
        }
        Ok(archive)
    }

    /// Opens an existing archive of any schema version that this program knows.
    fn open_any_version(
        path: &ArchivePath,
        access: OpenFlags,
        cancel: Option<&Arc<CancelToken>>,
    ) -> Result<Archive> {
        let kind = header::identify(path)?;
        FileSet::at(path).verify(path)?;
        if kind == FileKind::Nothing {
            let what = if path.exists() { "it is empty" } else { "there is no such file" };
            let missing = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists());
            let hint = match (path.similar(), missing) {
                (Some(similar), _) => format!("did you mean `--db {}`?", shell_word(&similar)),
                (None, Some(folder)) => format!("check the path: there is no folder {}", folder.display()),
                (None, None) => "`runledger sync` creates it".to_owned(),
            };
            return Err(unusable(path, what.to_owned(), Some(hint)));
        }
        verify_before_opening(path, |connection| migrations::own_schema_status(path, connection))?;
        roll_back_journal(path);
        let reader_log = ReaderLog::before_opening(path);
        let mut archive = Archive::connect(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX, cancel)?;
        archive.reader_log = reader_log;
        Ok(archive)
    }

    /// Lets `cancel` end each wait for a lock of another program from now on.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn cancel_waits_with(&mut self, cancel: &Arc<CancelToken>) -> Result<()> {
        Ok(busy::wait_for_locks(&mut self.connection, Some(Arc::clone(cancel)))?)
    }

    /// The connection, for the queries of reports.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The path of the archive, without symbolic links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn connect(path: &ArchivePath, flags: OpenFlags, cancel: Option<&Arc<CancelToken>>) -> Result<Archive> {
        let flags = flags | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connection = Connection::open_with_flags(sqlite_path(path), flags)
            .map_err(|error| cannot_open(path, &error.to_string()))?;
        let in_place = InPlace::of(path).map_err(|error| unusable(path, error.to_string(), None))?;
        let mut archive = Archive {
            connection,
            path: path.to_path_buf(),
            is_new: false,
            reader_log: None,
            in_place: Some(in_place),
        };
        Archive::configure(&mut archive.connection, cancel).map_err(|error| error.in_archive(path))?;
        Ok(archive)
    }

    fn configure(connection: &mut Connection, cancel: Option<&Arc<CancelToken>>) -> Result<()> {
        busy::wait_for_locks(connection, cancel.map(Arc::clone))?;
        connection.set_prepared_statement_cache_capacity(64);
        // With double-quoted strings, a misspelled column would be a text instead of an error.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        Ok(())
    }

    fn prepare_for_writing(&mut self, kind: FileKind, now: Instant, migrations: &[Migration]) -> Result<()> {
        self.require_writable()?;
        // If the archive is refused, its log stays as it is.
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        let status = match kind {
            FileKind::Nothing => SchemaStatus::Blank,
            FileKind::Archive => migrations::schema_status(&self.path, &self.connection, migrations)?,
        };
        if status == SchemaStatus::Blank {
            // Also when SQLite has just rolled back the mark of a process that was killed.
            self.mark()?;
        }
        if let SchemaStatus::Older(version) = status {
            let backup = self.backup_before_migrating(version, now)?;
            tracing::warn!(
                "migrating the archive from schema version {version} to {}; a verified backup is in {}",
                migrations::newest(migrations),
                backup.display()
            );
        }
        // SQLite waits for no other writer while it changes the journal mode, so wait before.
        self.begin()?;
        self.roll_back()?;
        // Journal mode is persistent, but a restored backup does not have it.
        self.connection.pragma_update(None, "journal_mode", "wal")?;
        self.tune()?;
        if status != SchemaStatus::Current {
            migrations::migrate(&self.path, &mut self.connection, migrations)?;
        }
        self.remove_demo_mark()?;
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        if let Some(in_place) = &mut self.in_place {
            in_place.expect_wal_mode(now);
        }
        Ok(())
    }

    fn require_writable(&self) -> Result<()> {
        if self.connection.is_readonly(MAIN_DB)? {
            let hint = "make the file and its folder readable and writable for this user";
            return Err(unusable(&self.path, "it is read-only".to_owned(), Some(hint.to_owned())));
        }
        Ok(())
    }

    /// Marks the file as an archive, without tables yet.
    fn mark(&self) -> Result<()> {
        // The page size must be set before the first page is written.
        self.connection.pragma_update(None, "page_size", PAGE_SIZE_BYTES)?;
        // The mark must be in the file before anything is in a log: only the file is read to identify it.
        Ok(self.connection.pragma_update(None, "application_id", APPLICATION_ID)?)
    }

    fn tune(&self) -> Result<()> {
        // Every commit survives a power failure. With commits a second apart, the cost is not measurable.
        self.connection.pragma_update(None, "synchronous", "full")?;
        self.connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        self.connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        // After a burst, the log shrinks again.
        Ok(self.connection.pragma_update(None, "journal_size_limit", log::LOG_LIMIT_BYTES)?)
    }

    /// Lets SQLite store rows without evaluating the CHECK constraints of their tables, which would read each JSON text
    /// once more. Their values come from types that meet the constraints, and [`Archive::check`] verifies them. Debug
    /// builds, such as those of the tests, evaluate them.
    pub(crate) fn trust_rows(&self) -> Result<()> {
        Ok(self.connection.pragma_update(None, "ignore_check_constraints", !cfg!(debug_assertions))?)
    }

    fn check_readable(&self) -> Result<()> {
        if migrations::own_schema_status(&self.path, &self.connection)? == SchemaStatus::Current {
            return Ok(());
        }
        Err(unusable(
            &self.path,
            "its schema is older than this program".to_owned(),
            Some(format!(
                "`runledger migrate --db {}` migrates it, after a verified copy; a sync does so, too",
                shell_word(&self.path)
            )),
        ))
    }

    /// The version of the newest applied migration. `None`: none was applied.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn schema_version(&self) -> Result<Option<u32>> {
        let migrated: bool = self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'refinery_schema_history')",
            [],
            |row| row.get(0),
        )?;
        if !migrated {
            return Ok(None);
        }
        let version = "SELECT version FROM refinery_schema_history ORDER BY version DESC LIMIT 1";
        Ok(self.connection.query_row(version, [], |row| row.get(0)).optional()?)
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// [`Error::Sqlite`] when another program is writing to the file.
    pub fn begin(&self) -> Result<()> {
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    /// Commits the transaction of [`Archive::begin`].
    ///
    /// # Errors
    /// [`Error::Sqlite`] when the disk is full or fails; [`Error::Archive`] when the file is no longer at its path.
    pub fn commit(&self) -> Result<()> {
        self.verify_in_place()?;
        self.connection.execute_batch("COMMIT")?;
        self.remember_log();
        Ok(())
    }

    /// Rolls back the transaction of [`Archive::begin`].
    ///
    /// # Errors
    /// [`Error::Sqlite`] when there is none.
    pub fn roll_back(&self) -> Result<()> {
        Ok(self.connection.execute_batch("ROLLBACK")?)
    }
}

impl Drop for Archive {
    /// SQLite copies the log into the file when it closes it, but not into a file that was replaced.
    fn drop(&mut self) {
        let _ = self.verify_in_place();
    }
}

/// Verifies an archive before SQLite opens it for writing, so that a refused archive is left unchanged, without new
/// files next to it.
fn verify_before_opening(
    path: &Path,
    schema_status: impl FnOnce(&Connection) -> Result<SchemaStatus>,
) -> Result<()> {
    let Some(connection) = header::open_immutable(path) else { return Ok(()) };
    match schema_status(&connection) {
        // A sync that just started may have moved pages. The verification after opening is reliable.
        Ok(_) | Err(Error::Sqlite(_)) => Ok(()),
        Err(refused) => Err(refused),
    }
}

/// Creates an empty file that only this user can read. Returns false when there is a file already.
fn create(path: &ArchivePath) -> Result<bool> {
    match OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(cannot_open(path, &error.to_string())),
    }
}

fn cannot_open(path: &Path, cause: &str) -> Error {
    let hint = "create the folder, or make it readable and writable for this user";
    unusable(path, cause.to_owned(), Some(hint.to_owned()))
}

/// The error to report, as [`CancelToken::explain`] says. Without locks in the file system, SQLite seems to wait for
/// another program.
fn explain(path: &Path, cancel: Option<&Arc<CancelToken>>, error: Error) -> Error {
    let error = match cancel {
        Some(cancel) => cancel.explain(error),
        None => error,
    };
    if error.is_busy() && !has_posix_locks(path) {
        return unusable(path, "its file system has no locks".to_owned(), Some(LOCAL_DISK_HINT.to_owned()));
    }
    error
}

fn unusable(path: &Path, cause: String, hint: Option<String>) -> Error {
    Error::Archive { path: path.to_owned(), cause, hint }
}

#[cfg(test)]
mod tests;
