//! Tests of opening, migrating and refusing archives.

use super::*;
use rusqlite::functions::FunctionFlags;
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
    u32::try_from(migrations::newest(migrations::migrations())).unwrap()
}

/// This program's migrations, and later ones.
fn later(sql: &[&str]) -> Vec<Migration> {
    let mut migrations = migrations::migrations().to_vec();
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
        let now = Instant::parse("2026-01-01T00:00:00Z").unwrap();
        let opened = Lock::acquire(path, now).and_then(|lock| Archive::open(path, &lock));
        assert!(cause(opened).contains(why), "{}", path.display());
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
    let migrations = later(&["CREATE TABLE later (x TEXT) STRICT", "ALTER TABLE later ADD COLUMN y TEXT"]);
    let archive = Archive::open_with(&path, &lock(&path), &migrations, None).unwrap();
    assert_eq!(archive.schema_version().unwrap(), Some(newest() + 2));
    archive.connection.execute_batch("SELECT x, y FROM later").unwrap();
    drop(archive);
    let backup = folder.path().join(format!("a.db.v{}-20260101T000000Z.bak", newest()));
    let copied = Archive::open_for_reading(&backup).unwrap();
    assert_eq!(copied.last_sync().unwrap().unwrap().kind, "first");
    // The older program refuses the newer archive, and can continue with the backup.
    assert!(
        cause(Archive::open(&path, &lock(&path))).contains(&format!("schema is version {}", newest() + 2))
    );
    drop(copied);
    assert!(Archive::open(&backup, &lock(&backup)).is_ok());
    // A second start has nothing to migrate, and writes no backup.
    let before = files(&folder).len();
    drop(Archive::open_with(&path, &lock(&path), &migrations, None).unwrap());
    assert_eq!(files(&folder).len(), before);
}

#[test]
fn a_failed_migration_leaves_the_archive_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = archive_in(&folder);
    let migrations = later(&["CREATE TABLE later (x TEXT) STRICT", "CREATE TABLE syncs (x)"]);
    let why = cause(Archive::open_with(&path, &lock(&path), &migrations, None));
    assert!(why.contains("table syncs already exists"), "{why}");
    let archive = Archive::open(&path, &lock(&path)).unwrap();
    assert_eq!(archive.schema_version().unwrap(), Some(newest()));
    assert!(archive.connection.execute_batch("SELECT x FROM later").is_err());
}

#[test]
fn no_reader_sees_a_migration_without_what_users_added() {
    let folder = tempfile::tempdir().unwrap();
    let path = archive_in(&folder);
    let migrations = later(&[
        "CREATE TABLE later (x TEXT) STRICT",
        "DROP TABLE later; CREATE TABLE later (x TEXT) STRICT; INSERT INTO later VALUES ('row')",
    ]);
    let (last, before) = migrations.split_last().unwrap();
    drop(Archive::open_with(&path, &lock(&path), before, None).unwrap());

    // SQLite calls the function for each row, while it creates the index.
    let mut connection = Connection::open(&path).unwrap();
    let (sender, versions) = std::sync::mpsc::channel();
    let reader = path.clone();
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let see = move |_: &rusqlite::functions::Context<'_>| {
        let sql = "SELECT max(version) FROM refinery_schema_history";
        let version: i32 = Connection::open(&reader)?.query_row(sql, [], |row| row.get(0))?;
        sender.send(version).unwrap();
        Ok(version)
    };
    connection.create_scalar_function("seen", 1, flags, see).unwrap();
    connection.execute_batch("CREATE INDEX mine ON later (seen(x))").unwrap();
    migrations::migrate(&path, &mut connection, &migrations).unwrap();

    assert_eq!(versions.try_iter().collect::<Vec<i32>>(), [last.version() - 1]);
    let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'mine'";
    assert_eq!(connection.query_row(sql, [], |row| row.get(0)), Ok(1));
}

#[test]
fn nothing_is_migrated_without_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let path = archive_in(&folder);
    fs::create_dir(folder.path().join(format!("a.db.v{}-20260101T000000Z.bak", newest()))).unwrap();
    let migrations = later(&["CREATE TABLE later (x TEXT) STRICT"]);
    let error = Archive::open_with(&path, &lock(&path), &migrations, None).unwrap_err();
    assert_eq!(error.exit_code(), 7, "{error}");
    let archive = Archive::open(&path, &lock(&path)).unwrap();
    assert_eq!(archive.schema_version().unwrap(), Some(newest()));
}

#[test]
fn the_migrations_are_numbered_without_a_gap() {
    let versions: Vec<i32> = migrations::migrations().iter().map(Migration::version).collect();
    assert_eq!(versions, Vec::from_iter(1..=migrations::newest(migrations::migrations())));
}
