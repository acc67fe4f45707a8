//! This is the store: one SQLite file that holds every state of every run.

mod contents;
mod history;
mod lock;
mod oddities;
mod pipelines;
mod rows;
mod runs;
mod syncs;

pub use contents::Contents;
pub use lock::Lock;
pub use oddities::DriftRow;
pub use pipelines::{Pipeline, PipelineKind};
pub use rows::{RUN_COLUMNS, run_from_row};
pub use runs::{Candidate, HistoryEntry, Kept, Likely, View};
pub use syncs::{Cursor, FirstWalk, Outcome, SyncKind, SyncRow, Tally, WalkProgress};

use crate::error::{Error, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags, OptionalExtension};
use std::error::Error as _;
use std::path::{Path, PathBuf};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Marks a SQLite file as an archive of runledger: "RLGD".
pub const APPLICATION_ID: i32 = 0x524C_4744;

/// How large the archive's pages are. Rows of about a kilobyte fill 16 KiB pages well: a load is
/// twice as fast as with SQLite's default.
const PAGE_SIZE_BYTES: u32 = 16 * 1024;

/// How much of the archive a writer holds in memory, so that the index on random ids is not read
/// from disk again and again.
const WRITER_CACHE_KIB: i32 = 48 * 1024;

/// After how many pages the write-ahead log is worked into the file.
const CHECKPOINT_PAGES: u32 = 4000;

/// How long a statement waits for another program that is using the file.
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

/// An open archive.
#[derive(Debug)]
pub struct Archive {
    connection: Connection,
    path: PathBuf,
}

impl Archive {
    /// Opens the archive for writing, making and migrating it where needed. The lock shows that
    /// this process alone does so.
    ///
    /// # Errors
    /// [`Error::Archive`] when the file is damaged, foreign, or made by a newer version; nothing
    /// is written then.
    pub fn open(path: &Path, _lock: &Lock) -> Result<Archive> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut archive = Archive::connect(path, flags)?;
        archive.prepare_for_writing().map_err(|error| error.in_archive(path))?;
        Ok(archive)
    }

    /// Makes an archive that is gone when it is closed: for trying out what a sync would do.
    ///
    /// # Errors
    /// [`Error::Sqlite`] when there is no place for temporary files.
    pub fn temporary() -> Result<Archive> {
        // An empty name is a private file on disk that SQLite deletes.
        let mut archive = Archive { connection: Connection::open("")?, path: PathBuf::from("(temporary)") };
        archive.prepare_for_writing()?;
        Ok(archive)
    }

    /// Opens an existing archive for reading. A sync may be writing meanwhile.
    ///
    /// # Errors
    /// [`Error::Archive`] when there is none, or it is damaged, foreign, or of another version.
    pub fn open_for_reading(path: &Path) -> Result<Archive> {
        if !path.exists() {
            return Err(unusable(
                path,
                "there is no such file".to_owned(),
                Some("`runledger sync` makes it".to_owned()),
            ));
        }
        let archive =
            Archive::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        archive.check_readable().map_err(|error| error.in_archive(path))?;
        Ok(archive)
    }

    /// The connection, for questions that reports ask.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The archive's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Archive> {
        if path.is_dir() {
            return Err(unusable(
                path,
                "it is a directory".to_owned(),
                Some("name a file with --db".to_owned()),
            ));
        }
        let connection = Connection::open_with_flags(path, flags).map_err(|error| {
            let hint = "its folder must exist, and be readable and writable for this user".to_owned();
            unusable(path, error.to_string(), Some(hint))
        })?;
        let archive = Archive { connection, path: path.to_owned() };
        archive.set_up().map_err(|error| error.in_archive(path))?;
        Ok(archive)
    }

    fn set_up(&self) -> Result<()> {
        self.connection.busy_timeout(BUSY_TIMEOUT)?;
        self.connection.set_prepared_statement_cache_capacity(64);
        // A misspelt column must be an error, not a text.
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        Ok(())
    }

    fn prepare_for_writing(&mut self) -> Result<()> {
        if self.connection.is_readonly(MAIN_DB)? {
            let hint = "the file and its folder must be readable and writable for this user";
            return Err(unusable(&self.path, "it is read-only".to_owned(), Some(hint.to_owned())));
        }
        match self.identity()? {
            Identity::Empty => {
                // The page size must be set before the first page is written.
                self.connection.pragma_update(None, "page_size", PAGE_SIZE_BYTES)?;
                self.connection.pragma_update(None, "journal_mode", "wal")?;
                self.connection.pragma_update(None, "application_id", APPLICATION_ID)?;
            }
            Identity::Archive => self.refuse_newer()?,
            Identity::Foreign => return Err(self.foreign()),
        }
        // Every commit survives a power cut; with commits a second apart it costs nothing measurable.
        self.connection.pragma_update(None, "synchronous", "full")?;
        self.connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        self.connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        // A burst must not leave a huge log behind for good.
        self.connection.pragma_update(None, "journal_size_limit", CHECKPOINT_PAGES * PAGE_SIZE_BYTES)?;
        if self.schema_version()? != Some(newest_version()) {
            if let Some(fault) = self.fault_in_history()? {
                let cause = format!("its history of migrations cannot be read: {fault}");
                return Err(unusable(&self.path, cause, Some("restore a backup".to_owned())));
            }
            // In one transaction with the row that says so: an archive that has a migration and does
            // not know it can never be opened again.
            embedded::migrations::runner().set_grouped(true).run(&mut self.connection).map_err(|error| {
                let cause = format!("its schema could not be migrated: {error}");
                unusable(&self.path, cause, hint_of(&error))
            })?;
        }
        Ok(())
    }

    fn check_readable(&self) -> Result<()> {
        match self.identity()? {
            Identity::Archive => self.refuse_newer()?,
            Identity::Empty | Identity::Foreign => return Err(self.foreign()),
        }
        if self.schema_version()? == Some(newest_version()) {
            return Ok(());
        }
        Err(unusable(
            &self.path,
            "its schema is older than this program".to_owned(),
            Some("`runledger sync` migrates it".to_owned()),
        ))
    }

    fn identity(&self) -> Result<Identity> {
        let id: i32 = self.connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let tables: i64 =
            self.connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok(match (id, tables) {
            (APPLICATION_ID, _) => Identity::Archive,
            (0, 0) => Identity::Empty,
            _ => Identity::Foreign,
        })
    }

    fn foreign(&self) -> Error {
        let cause = "it is a SQLite database of another program".to_owned();
        unusable(&self.path, cause, Some("name another file with --db".to_owned()))
    }

    fn refuse_newer(&self) -> Result<()> {
        match self.schema_version()? {
            Some(version) if version > newest_version() => Err(unusable(
                &self.path,
                format!(
                    "its schema is version {version}, and this program knows versions up to {}",
                    newest_version()
                ),
                Some("use a newer runledger, as the one that wrote it".to_owned()),
            )),
            _ => Ok(()),
        }
    }

    /// The version of the newest migration that was applied. `None`: none was.
    fn schema_version(&self) -> Result<Option<u32>> {
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

    /// Begins to collect changes, which become visible and lasting together.
    ///
    /// # Errors
    /// [`Error::Sqlite`] when another program is writing to the file.
    pub fn begin(&self) -> Result<()> {
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    /// Makes the changes since [`Archive::begin`] visible and lasting.
    ///
    /// # Errors
    /// [`Error::Sqlite`] when the disk is full or fails.
    pub fn commit(&self) -> Result<()> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Forgets the changes since [`Archive::begin`].
    ///
    /// # Errors
    /// [`Error::Sqlite`] when none was begun.
    pub fn roll_back(&self) -> Result<()> {
        Ok(self.connection.execute_batch("ROLLBACK")?)
    }
}

/// Whose file it is.
enum Identity {
    Empty,
    Archive,
    Foreign,
}

/// The version of the newest migration that this program has.
fn newest_version() -> u32 {
    let migrations = embedded::migrations::runner();
    let versions = migrations.get_migrations().iter().map(|migration| migration.version());
    versions.max().and_then(|version| u32::try_from(version).ok()).expect("the program has its migrations")
}

/// What to do about a migration that SQLite did not let through.
fn hint_of(error: &refinery::Error) -> Option<String> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(error) = cause {
        match error.downcast_ref::<rusqlite::Error>() {
            Some(rusqlite::Error::SqliteFailure(failure, text)) => {
                return Error::from(rusqlite::Error::SqliteFailure(*failure, text.clone())).hint();
            }
            _ => cause = error.source(),
        }
    }
    None
}

fn unusable(path: &Path, cause: String, hint: Option<String>) -> Error {
    Error::Archive { path: path.to_owned(), cause, hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Instant;

    fn lock(path: &Path) -> Lock {
        Lock::acquire(path, Instant::parse("2026-01-01T00:00:00Z").unwrap()).unwrap()
    }

    fn cause(result: Result<Archive>) -> String {
        result.map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn a_new_archive_is_marked_and_opens_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        drop(Archive::open(&path, &lock(&path)).unwrap());
        drop(Archive::open(&path, &lock(&path)).unwrap());
        let archive = Archive::open_for_reading(&path).unwrap();
        assert_eq!(archive.schema_version().unwrap(), Some(newest_version()));
    }

    #[test]
    fn files_that_are_no_archive_are_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "not a database, and longer than a header would be".repeat(10)).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(cause(Archive::open(&path, &lock(&path))).contains("file is not a database"));
        assert!(cause(Archive::open_for_reading(&path)).contains("file is not a database"));
        assert_eq!(std::fs::read(&path).unwrap(), before);

        let path = folder.path().join("other.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        assert!(cause(Archive::open(&path, &lock(&path))).contains("of another program"));
        assert!(cause(Archive::open(folder.path(), &lock(&path))).contains("is a directory"));
        assert!(cause(Archive::open_for_reading(&folder.path().join("none.db"))).contains("no such file"));
    }

    #[test]
    fn an_archive_from_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let archive = Archive::open(&path, &lock(&path)).unwrap();
        archive
            .connection
            .execute_batch(
                "INSERT INTO refinery_schema_history SELECT 999, 'future', applied_on, checksum FROM refinery_schema_history",
            )
            .unwrap();
        drop(archive);
        assert!(cause(Archive::open(&path, &lock(&path))).contains("schema is version 999"));
        assert!(cause(Archive::open_for_reading(&path)).contains("schema is version 999"));
    }
}
