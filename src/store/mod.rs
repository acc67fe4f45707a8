//! This is the store: one SQLite file that holds every state of every run.

mod backup;
mod check;
mod closes;
mod coverage;
mod data_dictionary;
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

pub use backup::BackupSummary;
pub use check::Checked;
pub use closes::{Close, CloseTotals, Frozen, RowLayout};
pub use coverage::{Coverage, Gap, GapReason};
pub use data_dictionary::Described;
pub use lock::Lock;
pub use pipelines::{Pipeline, PipelineKind};
pub use quarantine::DriftRow;
pub use run_row::{RUN_COLUMNS, run_from_row};
pub use runs::{Candidate, Detail, HistoryEntry, InsertHint, Upsert};
pub use stats::ArchiveStats;
pub use syncs::{Cursor, FirstWalk, Outcome, SyncCounts, SyncKind, SyncRow, WalkProgress};

use crate::error::{Error, Result};
use crate::run::Instant;
use header::FileKind;
use migrations::SchemaStatus;
use refinery::Migration;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags, OptionalExtension};
use std::path::{Path, PathBuf};

/// Marks a SQLite file as an archive of runledger: "RLGD".
pub const APPLICATION_ID: i32 = 0x524C_4744;

/// How the names of the files end that stand beside an archive and belong to it: SQLite's own, and the lock.
pub const BESIDE: [&str; 4] = ["-wal", "-shm", "-journal", ".lock"];

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
    /// this process alone does so. Before an existing archive is migrated a verified copy of it is
    /// put beside it.
    ///
    /// # Errors
    /// [`Error::Archive`] when the file is damaged, foreign, or made by a newer version; nothing
    /// is written then. [`Error::Output`] when the copy before a migration cannot be written.
    pub fn open(path: &Path, lock: &Lock) -> Result<Archive> {
        Archive::open_with(path, lock, &migrations::migrations())
    }

    fn open_with(path: &Path, lock: &Lock, migrations: &[Migration]) -> Result<Archive> {
        let found = header::look(path)?;
        if found == FileKind::Archive {
            refuse_untouched(path, migrations)?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut archive = Archive::connect(path, flags)?;
        let prepared = archive.prepare_for_writing(found, lock.taken_at(), migrations);
        prepared.map_err(|error| error.in_archive(path))?;
        Ok(archive)
    }

    /// Makes an archive that is gone when it is closed: for trying out what a sync would do.
    ///
    /// # Errors
    /// [`Error::Sqlite`] when there is no place for temporary files.
    pub fn temporary() -> Result<Archive> {
        // An empty name is a private file on disk that SQLite deletes.
        let mut archive = Archive { connection: Connection::open("")?, path: PathBuf::from("(temporary)") };
        archive.mark()?;
        migrations::migrate(&archive.path, &mut archive.connection, &migrations::migrations())?;
        archive.tune()?;
        Ok(archive)
    }

    /// Opens an existing archive for reading. A sync may be writing meanwhile.
    ///
    /// # Errors
    /// [`Error::Archive`] when there is none, or it is damaged, foreign, or of another version.
    pub fn open_for_reading(path: &Path) -> Result<Archive> {
        Archive::open_existing(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    /// Opens an existing archive for [`Archive::check`]. It is not written to, but SQLite knows the CHECK
    /// constraints of a table only where it may write.
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
        if header::look(path)? == FileKind::Nothing {
            let what = if path.exists() { "it is empty" } else { "there is no such file" };
            return Err(unusable(path, what.to_owned(), Some("`runledger sync` makes it".to_owned())));
        }
        refuse_untouched(path, &migrations)?;
        let archive = Archive::connect(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        archive.check_readable(&migrations).map_err(|error| error.in_archive(path))?;
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

    fn prepare_for_writing(&mut self, found: FileKind, now: Instant, migrations: &[Migration]) -> Result<()> {
        if self.connection.is_readonly(MAIN_DB)? {
            let hint = "the file and its folder must be readable and writable for this user";
            return Err(unusable(&self.path, "it is read-only".to_owned(), Some(hint.to_owned())));
        }
        // Whoever refuses the archive leaves the log beside it as it was.
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        let standing = match found {
            FileKind::Nothing => {
                self.mark()?;
                SchemaStatus::Blank
            }
            FileKind::Archive => migrations::judge(&self.path, &self.connection, migrations)?,
        };
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        if let SchemaStatus::Older(version) = standing {
            let copy = self.copy_before_migrating(version, now)?;
            tracing::warn!(
                "the archive's schema is migrated from version {version} to {}; a verified copy of it as it was is in {}",
                migrations::newest(migrations),
                copy.display()
            );
        }
        // A copy that was put in the archive's place has no log yet.
        self.connection.pragma_update(None, "journal_mode", "wal")?;
        self.tune()?;
        if standing != SchemaStatus::Current {
            migrations::migrate(&self.path, &mut self.connection, migrations)?;
        }
        Ok(())
    }

    /// Makes the file an archive, as yet without a table.
    fn mark(&self) -> Result<()> {
        // The page size must be set before the first page is written.
        self.connection.pragma_update(None, "page_size", PAGE_SIZE_BYTES)?;
        // The mark must be in the file before anything is in a log: it is looked for in the file alone.
        Ok(self.connection.pragma_update(None, "application_id", APPLICATION_ID)?)
    }

    fn tune(&self) -> Result<()> {
        // Every commit survives a power cut; with commits a second apart it costs nothing measurable.
        self.connection.pragma_update(None, "synchronous", "full")?;
        self.connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        self.connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        // A burst must not leave a huge log behind for good.
        Ok(self.connection.pragma_update(None, "journal_size_limit", CHECKPOINT_PAGES * PAGE_SIZE_BYTES)?)
    }

    fn check_readable(&self, migrations: &[Migration]) -> Result<()> {
        if migrations::judge(&self.path, &self.connection, migrations)? == SchemaStatus::Current {
            return Ok(());
        }
        Err(unusable(
            &self.path,
            "its schema is older than this program".to_owned(),
            Some("`runledger sync` migrates it".to_owned()),
        ))
    }

    /// The version of the newest migration that was applied. `None`: none was.
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

/// Judges an archive before SQLite opens it in earnest, so that one that is refused is left as it lies
/// there, with nothing new beside it.
fn refuse_untouched(path: &Path, migrations: &[Migration]) -> Result<()> {
    let Some(connection) = header::untouched(path) else { return Ok(()) };
    match migrations::judge(path, &connection, migrations) {
        // A sync that just began may have moved pages meanwhile; opened in earnest, it tells for certain.
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

    /// A folder with an archive of this version.
    fn archive_in(folder: &TempDir) -> PathBuf {
        let path = folder.path().join("a.db");
        drop(Archive::open(&path, &lock(&path)).unwrap());
        path
    }

    /// Every file of the folder with its bytes, but for the index of a log: whoever looks at it marks it.
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

    /// The version of this program's schema.
    fn newest() -> u32 {
        u32::try_from(migrations::newest(&migrations::migrations())).unwrap()
    }

    /// This program's migrations and more of a later one.
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
    fn an_archive_that_was_marked_and_never_migrated_is_migrated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        edit(&path, &format!("PRAGMA application_id = {APPLICATION_ID}"));
        drop(Archive::open(&path, &lock(&path)).unwrap());
        assert!(Archive::open_for_reading(&path).is_ok());
    }

    #[test]
    fn files_that_are_no_archive_are_refused_and_left_alone() {
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
        assert!(files(&folder) == before, "a file was changed, or one more is there");
    }

    #[test]
    fn a_history_that_is_newer_damaged_or_edited_is_refused_and_left_alone() {
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
            ("DELETE FROM refinery_schema_history", "no migration that made them"),
            ("DROP TABLE refinery_schema_history", "no migration that made them"),
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
    fn what_is_refused_for_what_its_log_holds_keeps_its_log() {
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
    fn before_an_archive_is_migrated_a_verified_copy_is_put_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive_in(&folder);
        let archive = Archive::open(&path, &lock(&path)).unwrap();
        archive
            .begin_sync(SyncKind::First, "a test", "http://127.0.0.1:1/", None, lock(&path).taken_at())
            .unwrap();
        drop(archive);
        let migrations =
            later(&["CREATE TABLE later (x TEXT) STRICT", "ALTER TABLE later ADD COLUMN y TEXT"]);
        let archive = Archive::open_with(&path, &lock(&path), &migrations).unwrap();
        assert_eq!(archive.schema_version().unwrap(), Some(newest() + 2));
        archive.connection.execute_batch("SELECT x, y FROM later").unwrap();
        drop(archive);
        let copy = folder.path().join(format!("a.db.v{}-20260101T000000Z.bak", newest()));
        let copied = Archive::open_for_reading(&copy).unwrap();
        assert_eq!(copied.last_sync().unwrap().unwrap().kind, "first");
        // The program of the older version refuses the newer archive, and may go on with the copy.
        assert!(
            cause(Archive::open(&path, &lock(&path)))
                .contains(&format!("schema is version {}", newest() + 2))
        );
        drop(copied);
        assert!(Archive::open(&copy, &lock(&copy)).is_ok());
        // A second start has nothing to migrate, and copies nothing.
        let before = files(&folder).len();
        drop(Archive::open_with(&path, &lock(&path), &migrations).unwrap());
        assert_eq!(files(&folder).len(), before);
    }

    #[test]
    fn a_migration_that_fails_leaves_the_archive_as_it_was() {
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
    fn without_the_copy_nothing_is_migrated() {
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
