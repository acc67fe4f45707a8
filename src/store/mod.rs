//! The archive: one SQLite file with every state of every run.

mod backup;
mod check;
mod closes;
mod coverage;
pub(crate) mod data_dictionary;
mod drift;
mod evidence;
mod gaps;
mod header;
mod lock;
mod migrations;
mod overlap;
mod pipelines;
mod quarantine;
mod run_row;
mod runs;
mod sample;
pub(crate) mod settled;
mod stats;
mod syncs;

pub(crate) use check::CheckResult;
pub use closes::{Close, CloseTotals, Frozen, RowLayout};
pub(crate) use coverage::{Coverage, Gap, GapReason};
pub(crate) use data_dictionary::TableDescription;
pub(crate) use drift::DriftRow;
pub(crate) use evidence::WorkspaceEvidence;
pub use gaps::ListGap;
pub(crate) use header::is_archive;
pub use lock::Lock;
pub(crate) use pipelines::Pipeline;
pub use pipelines::PipelineKind;
pub use run_row::{run_columns, run_from_row};
pub(crate) use runs::{Candidate, HistoryEntry, UnseenRun};
pub use runs::{Detail, InsertHint, Upsert};
pub(crate) use stats::ArchiveStats;
pub use syncs::SyncKind;
pub(crate) use syncs::{Cursor, FirstWalk, Outcome, SyncCounts, SyncRow, WalkProgress};

use crate::error::{Error, Result};
use crate::run::Instant;
use header::FileKind;
use migrations::SchemaStatus;
use refinery::Migration;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags, OptionalExtension};
use std::path::{Path, PathBuf};

/// The `application_id` of an archive: "RLGD".
pub(crate) const APPLICATION_ID: i32 = 0x524C_4744;

/// The suffixes of the files that belong to an archive: SQLite's logs, and the lock.
pub(crate) const COMPANION_SUFFIXES: [&str; 4] = ["-wal", "-shm", "-journal", ".lock"];

/// The page size. Rows of about one kilobyte fill 16 KiB pages well: a load is twice as fast as with SQLite's default.
const PAGE_SIZE_BYTES: u32 = 16 * 1024;

/// The page cache of a writer. It keeps the index on random ids in memory.
const WRITER_CACHE_KIB: i32 = 48 * 1024;

/// The number of pages in the write-ahead log that triggers a checkpoint.
const CHECKPOINT_PAGES: u32 = 4000;

/// The time that a statement waits for a lock of another program.
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

/// An open archive.
#[derive(Debug)]
pub struct Archive {
    connection: Connection,
    path: PathBuf,
}

impl Archive {
    /// Opens the archive for writing. Creates it if it does not exist, and migrates it if its schema is older; before a
    /// migration, a verified backup is written next to it. The lock proves that this process is the only writer.
    ///
    /// # Errors
    /// [`Error::Archive`] when the file is damaged, belongs to another program, or was written by a newer version;
    /// nothing is written then. [`Error::Output`] when the backup before a migration cannot be written.
    pub fn open(path: &Path, lock: &Lock) -> Result<Archive> {
        Archive::open_with(path, lock, &migrations::migrations())
    }

    fn open_with(path: &Path, lock: &Lock, migrations: &[Migration]) -> Result<Archive> {
        let kind = header::identify(path)?;
        if kind == FileKind::Archive {
            verify_before_opening(path, migrations)?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut archive = Archive::connect(path, flags)?;
        let prepared = archive.prepare_for_writing(kind, lock.acquired_at(), migrations);
        prepared.map_err(|error| error.in_archive(path))?;
        Ok(archive)
    }

    /// Creates an archive that is deleted when it is closed, for a dry run.
    ///
    /// # Errors
    /// [`Error::Sqlite`] when no temporary file can be created.
    pub fn temporary() -> Result<Archive> {
        // SQLite takes an empty name for a temporary file on disk.
        let mut archive = Archive { connection: Connection::open("")?, path: PathBuf::from("(temporary)") };
        archive.mark()?;
        migrations::migrate(&archive.path, &mut archive.connection, &migrations::migrations())?;
        archive.tune()?;
        Ok(archive)
    }

    /// Opens an existing archive for reading. A sync may be writing at the same time.
    ///
    /// # Errors
    /// [`Error::Archive`] when it does not exist, is damaged, belongs to another program, or has another version.
    pub fn open_for_reading(path: &Path) -> Result<Archive> {
        Archive::open_existing(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    /// Opens an existing archive for [`Archive::check`]. Nothing is written, but SQLite verifies CHECK constraints only
    /// on a writable connection.
    ///
    /// # Errors
    /// As [`Archive::open_for_reading`].
    pub fn open_for_checking(path: &Path) -> Result<Archive> {
        let archive = Archive::open_existing(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        archive.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        archive.connection.pragma_update(None, "query_only", true)?;
        Ok(archive)
    }

    fn open_existing(path: &Path, access: OpenFlags) -> Result<Archive> {
        let migrations = migrations::migrations();
        if header::identify(path)? == FileKind::Nothing {
            let what = if path.exists() { "it is empty" } else { "there is no such file" };
            return Err(unusable(path, what.to_owned(), Some("`runledger sync` creates it".to_owned())));
        }
        verify_before_opening(path, &migrations)?;
        let archive = Archive::connect(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        archive.check_readable(&migrations).map_err(|error| error.in_archive(path))?;
        Ok(archive)
    }

    /// The connection, for the queries of reports.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The path of the archive.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Archive> {
        let connection = Connection::open_with_flags(path, flags).map_err(|error| {
            let hint = "create the folder, or make it readable and writable for this user".to_owned();
            unusable(path, error.to_string(), Some(hint))
        })?;
        let archive = Archive { connection, path: path.to_owned() };
        archive.set_up().map_err(|error| error.in_archive(path))?;
        Ok(archive)
    }

    fn set_up(&self) -> Result<()> {
        self.connection.busy_timeout(BUSY_TIMEOUT)?;
        self.connection.set_prepared_statement_cache_capacity(64);
        // With double-quoted strings, a misspelled column would be a text instead of an error.
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        Ok(())
    }

    fn prepare_for_writing(&mut self, kind: FileKind, now: Instant, migrations: &[Migration]) -> Result<()> {
        if self.connection.is_readonly(MAIN_DB)? {
            let hint = "make the file and its folder readable and writable for this user";
            return Err(unusable(&self.path, "it is read-only".to_owned(), Some(hint.to_owned())));
        }
        // If the archive is refused, its log stays as it is.
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        let status = match kind {
            FileKind::Nothing => {
                self.mark()?;
                SchemaStatus::Blank
            }
            FileKind::Archive => migrations::schema_status(&self.path, &self.connection, migrations)?,
        };
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        if let SchemaStatus::Older(version) = status {
            let backup = self.backup_before_migrating(version, now)?;
            tracing::warn!(
                "migrating the archive from schema version {version} to {}; a verified backup is in {}",
                migrations::newest(migrations),
                backup.display()
            );
        }
        // Journal mode is persistent, but a restored backup does not have it.
        self.connection.pragma_update(None, "journal_mode", "wal")?;
        self.tune()?;
        if status != SchemaStatus::Current {
            migrations::migrate(&self.path, &mut self.connection, migrations)?;
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
        Ok(self.connection.pragma_update(None, "journal_size_limit", CHECKPOINT_PAGES * PAGE_SIZE_BYTES)?)
    }

    fn check_readable(&self, migrations: &[Migration]) -> Result<()> {
        if migrations::schema_status(&self.path, &self.connection, migrations)? == SchemaStatus::Current {
            return Ok(());
        }
        Err(unusable(
            &self.path,
            "its schema is older than this program".to_owned(),
            Some("`runledger sync` migrates it".to_owned()),
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
    /// [`Error::Sqlite`] when the disk is full or fails.
    pub fn commit(&self) -> Result<()> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Rolls back the transaction of [`Archive::begin`].
    ///
    /// # Errors
    /// [`Error::Sqlite`] when there is none.
    pub fn roll_back(&self) -> Result<()> {
        Ok(self.connection.execute_batch("ROLLBACK")?)
    }
}

/// Verifies an archive before SQLite opens it for writing, so that a refused archive is left unchanged, without new
/// files next to it.
fn verify_before_opening(path: &Path, migrations: &[Migration]) -> Result<()> {
    let Some(connection) = header::open_immutable(path) else { return Ok(()) };
    match migrations::schema_status(path, &connection, migrations) {
        // A sync that just started may have moved pages. The verification after opening is reliable.
        Ok(_) | Err(Error::Sqlite(_)) => Ok(()),
        Err(refused) => Err(refused),
    }
}

fn unusable(path: &Path, cause: String, hint: Option<String>) -> Error {
    Error::Archive { path: path.to_owned(), cause, hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::fs;
    use tempfile::TempDir;

    fn lock(path: &Path) -> Lock {
        Lock::acquire(path, Instant::parse("2026-01-01T00:00:00Z").unwrap()).unwrap()
    }

    fn cause<T>(result: Result<T>) -> String {
        result.map(|_| ()).unwrap_err().to_string()
    }

    /// Creates an archive in the folder.
    fn archive_in(folder: &TempDir) -> PathBuf {
        let path = folder.path().join("a.db");
        drop(Archive::open(&path, &lock(&path)).unwrap());
        path
    }

    /// Every file of the folder with its bytes, except the index of a log, which readers change.
    fn files(folder: &TempDir) -> BTreeMap<String, Vec<u8>> {
        let files = fs::read_dir(folder.path()).unwrap().map(|file| {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let bytes = if name.ends_with("-shm") { Vec::new() } else { fs::read(path).unwrap() };
            (name, bytes)
        });
        files.filter(|(name, _)| !name.ends_with(".lock")).collect()
    }

    fn edit(path: &Path, sql: &str) {
        Connection::open(path).unwrap().execute_batch(sql).unwrap();
    }

    /// The schema version of this program.
    fn newest() -> u32 {
        u32::try_from(migrations::newest(&migrations::migrations())).unwrap()
    }

    /// This program's migrations, and later ones.
    fn later(sql: &[&str]) -> Vec<Migration> {
        let mut migrations = migrations::migrations();
        for sql in sql {
            let version = migrations.len() + 1;
            migrations.push(Migration::unapplied(&format!("V{version}__later"), sql).unwrap());
        }
        migrations
    }

    #[test]
    fn a_new_archive_is_marked_and_opens_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive_in(&folder);
        drop(Archive::open(&path, &lock(&path)).unwrap());
        let archive = Archive::open_for_reading(&path).unwrap();
        assert_eq!(archive.schema_version().unwrap(), Some(newest()));
        assert!(files(&folder).keys().all(|name| !name.ends_with(".bak")));
    }

    #[test]
    fn an_archive_without_migrations_is_migrated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        edit(&path, &format!("PRAGMA application_id = {APPLICATION_ID}"));
        drop(Archive::open(&path, &lock(&path)).unwrap());
        assert!(Archive::open_for_reading(&path).is_ok());
    }

    #[test]
    fn files_of_other_programs_are_refused_and_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("notes.txt");
        fs::write(&text, "not a database, and longer than a header would be".repeat(10)).unwrap();
        let other = folder.path().join("other.db");
        edit(&other, "CREATE TABLE t (x)");
        // Another program is writing: part of its data is in a log.
        let busy = folder.path().join("busy.db");
        let writer = Connection::open(&busy).unwrap();
        writer.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE t (x)").unwrap();
        let before = files(&folder);
        for (path, why) in [
            (&text, "file is not a database"),
            (&other, "of another program"),
            (&busy, "of another program"),
            (&folder.path().to_owned(), "is a directory"),
        ] {
            assert!(cause(Archive::open(path, &lock(path))).contains(why), "{}", path.display());
            assert!(cause(Archive::open_for_reading(path)).contains(why), "{}", path.display());
        }
        assert!(cause(Archive::open_for_reading(&folder.path().join("none.db"))).contains("no such file"));
        assert!(files(&folder) == before, "a file was changed or created");
    }

    #[test]
    fn a_newer_damaged_or_edited_history_is_refused_unchanged() {
        let future = "INSERT INTO refinery_schema_history SELECT 999, 'future', applied_on, checksum FROM refinery_schema_history WHERE version = 1";
        let known = format!("its schema is version 999, and this program knows versions up to {}", newest());
        for (sql, why) in [
            (future, known.as_str()),
            ("UPDATE refinery_schema_history SET applied_on = 'yesterday'", "is no date and time"),
            ("UPDATE refinery_schema_history SET applied_on = NULL", "is no date and time"),
            ("UPDATE refinery_schema_history SET applied_on = '2026-01-01 10:00:00Z'", "is no date and time"),
            ("UPDATE refinery_schema_history SET checksum = 'x'", "by another text of the migration"),
            ("UPDATE refinery_schema_history SET checksum = '17'", "by another text of the migration"),
            ("UPDATE refinery_schema_history SET name = 'x'", "has another name"),
            ("UPDATE refinery_schema_history SET version = 0 WHERE version = 1", "version 1 is missing"),
            ("UPDATE refinery_schema_history SET version = NULL WHERE version = 1", "version 1 is missing"),
            ("DELETE FROM refinery_schema_history", "no migration that created them"),
            ("DROP TABLE refinery_schema_history", "no migration that created them"),
            ("ALTER TABLE refinery_schema_history DROP COLUMN checksum", "no such column: checksum"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = archive_in(&folder);
            edit(&path, sql);
            let before = files(&folder);
            assert!(cause(Archive::open(&path, &lock(&path))).contains(why), "{sql}");
            assert!(cause(Archive::open_for_reading(&path)).contains(why), "{sql}");
            assert!(files(&folder) == before, "{sql}");
        }
    }

    #[test]
    fn an_archive_refused_for_its_log_keeps_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive_in(&folder);
        let newer = Connection::open(&path).unwrap();
        newer.execute_batch("UPDATE refinery_schema_history SET version = 999 WHERE version = 1").unwrap();
        let before = files(&folder);
        assert!(before["a.db-wal"].len() > 1000);
        assert!(cause(Archive::open(&path, &lock(&path))).contains("version 999"));
        assert!(cause(Archive::open_for_reading(&path)).contains("version 999"));
        assert!(files(&folder) == before);
    }

    #[test]
    fn a_migration_first_writes_a_verified_backup() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive_in(&folder);
        let archive = Archive::open(&path, &lock(&path)).unwrap();
        archive
            .begin_sync(SyncKind::First, "a test", "http://127.0.0.1:1/", None, lock(&path).acquired_at())
            .unwrap();
        drop(archive);
        let migrations =
            later(&["CREATE TABLE later (x TEXT) STRICT", "ALTER TABLE later ADD COLUMN y TEXT"]);
        let archive = Archive::open_with(&path, &lock(&path), &migrations).unwrap();
        assert_eq!(archive.schema_version().unwrap(), Some(newest() + 2));
        archive.connection.execute_batch("SELECT x, y FROM later").unwrap();
        drop(archive);
        let backup = folder.path().join(format!("a.db.v{}-20260101T000000Z.bak", newest()));
        let copied = Archive::open_for_reading(&backup).unwrap();
        assert_eq!(copied.last_sync().unwrap().unwrap().kind, "first");
        // The older program refuses the newer archive, and can continue with the backup.
        assert!(
            cause(Archive::open(&path, &lock(&path)))
                .contains(&format!("schema is version {}", newest() + 2))
        );
        drop(copied);
        assert!(Archive::open(&backup, &lock(&backup)).is_ok());
        // A second start has nothing to migrate, and writes no backup.
        let before = files(&folder).len();
        drop(Archive::open_with(&path, &lock(&path), &migrations).unwrap());
        assert_eq!(files(&folder).len(), before);
    }

    #[test]
    fn a_failed_migration_leaves_the_archive_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive_in(&folder);
        let migrations = later(&["CREATE TABLE later (x TEXT) STRICT", "CREATE TABLE syncs (x)"]);
        let why = cause(Archive::open_with(&path, &lock(&path), &migrations));
        assert!(why.contains("table syncs already exists"), "{why}");
        let archive = Archive::open(&path, &lock(&path)).unwrap();
        assert_eq!(archive.schema_version().unwrap(), Some(newest()));
        assert!(archive.connection.execute_batch("SELECT x FROM later").is_err());
    }

    #[test]
    fn nothing_is_migrated_without_a_backup() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive_in(&folder);
        fs::create_dir(folder.path().join(format!("a.db.v{}-20260101T000000Z.bak", newest()))).unwrap();
        let migrations = later(&["CREATE TABLE later (x TEXT) STRICT"]);
        let error = Archive::open_with(&path, &lock(&path), &migrations).unwrap_err();
        assert_eq!(error.exit_code(), 7, "{error}");
        let archive = Archive::open(&path, &lock(&path)).unwrap();
        assert_eq!(archive.schema_version().unwrap(), Some(newest()));
    }

    #[test]
    fn the_migrations_are_numbered_without_a_gap() {
        let versions: Vec<i32> = migrations::migrations().iter().map(Migration::version).collect();
        assert_eq!(versions, Vec::from_iter(1..=migrations::newest(&migrations::migrations())));
    }
}
