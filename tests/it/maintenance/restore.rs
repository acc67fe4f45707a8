//! The command `restore`.

use super::{PAGE, broken, eventful, run};
use crate::support::command::Ran;
use crate::support::workspace::{self, Workspace, at, options};
use runledger::internal::store::Lock;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// A workspace with an archive and a backup of it, after which the archive went on.
fn with_backup() -> (Workspace, PathBuf) {
    let workspace = eventful(60);
    let backup = workspace.file("backup.db");
    workspace.archive().backup_to(&backup, at("2026-11-24T00:00:00Z")).unwrap();
    workspace.wait(chrono::TimeDelta::hours(1));
    workspace.sandbox.model().add();
    workspace.sync(&options());
    assert_ne!(documents(&backup), documents(&workspace.path()));
    (workspace, backup)
}

fn documents(path: &Path) -> String {
    run(path, &["export", "documents"]).out
}

fn restore(path: &Path, backup: &Path) -> Ran {
    run(path, &["restore", backup.to_str().unwrap()])
}

/// The files of the folder that a restore moved aside, by what follows the archive's name and the time.
fn moved_aside(path: &Path) -> BTreeMap<String, PathBuf> {
    let start = format!("{}.replaced-", path.file_name().unwrap().to_str().unwrap());
    let files = fs::read_dir(path.parent().unwrap()).unwrap().map(|file| file.unwrap());
    files
        .filter_map(|file| {
            let name = file.file_name().into_string().unwrap();
            let end = name.strip_prefix(&start)?.split_once('Z')?.1.to_owned();
            Some((end, file.path()))
        })
        .collect()
}

#[test]
fn restore_replaces_the_archive_and_keeps_its_files() {
    let (workspace, backup) = with_backup();
    let path = workspace.path();
    let (old, bytes) = (documents(&path), fs::read(&path).unwrap());
    let ran = restore(&path, &backup);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("restored from") && ran.out.contains("next: `runledger sync`"), "{}", ran.out);
    assert_eq!(documents(&path), documents(&backup));
    assert_eq!(broken(&path), (0, Vec::new()));
    let moved = moved_aside(&path);
    assert!(fs::read(&moved[""]).unwrap() == bytes);
    for file in moved.values() {
        assert!(ran.out.contains(file.file_name().unwrap().to_str().unwrap()), "{}", ran.out);
    }
    assert_eq!(documents(&moved[""]), old);
    // The advice.
    workspace.sync(&options());
    assert_eq!(workspace.archived(), workspace::archived_in(&moved[""]));
    assert_eq!(broken(&path), (0, Vec::new()));
    // A second restore within the same second keeps those files, too.
    let before = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!((restore(&path, &backup).code, restore(&path, &backup).code), (0, 0));
    assert!(fs::read_dir(path.parent().unwrap()).unwrap().count() >= before + 2);
}

#[test]
fn restore_needs_no_archive_and_follows_a_link() {
    let (workspace, backup) = with_backup();
    let path = workspace.file("new.db");
    let ran = restore(&path, &backup);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(!ran.out.contains("kept the file"), "{}", ran.out);
    assert_eq!(documents(&path), documents(&backup));
    let link = workspace.file("link.db");
    symlink(workspace.path(), &link).unwrap();
    assert_eq!(restore(&link, &backup).code, 0);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(documents(&workspace.path()), documents(&backup));
}

#[test]
fn restore_accepts_every_schema_version() {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut versions = 0;
    for file in fs::read_dir(fixtures).unwrap() {
        let fixture = file.unwrap().path();
        if fixture.extension().is_none_or(|extension| extension != "db") {
            continue;
        }
        versions += 1;
        // A medium that cannot be written.
        let backup = folder.path().join(fixture.file_name().unwrap());
        fs::copy(&fixture, &backup).unwrap();
        fs::set_permissions(&backup, fs::Permissions::from_mode(0o444)).unwrap();
        let path = folder.path().join(format!("restored{versions}.db"));
        fs::write(&path, "damaged beyond recognition").unwrap();
        let ran = restore(&path, &backup);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", fixture.display());
        assert!(ran.out.contains("next: "), "{}", ran.out);
        // The next sync migrates it.
        let lock = Lock::acquire(&path, at("2026-11-24T00:00:00Z")).unwrap();
        drop(runledger::internal::store::Archive::open(&path, &lock).unwrap());
        assert_eq!(broken(&path), (0, Vec::new()), "{}", fixture.display());
    }
    assert!(versions >= 3);
}

#[test]
fn restore_reads_a_backup_together_with_its_log() {
    let workspace = eventful(60);
    // Another program keeps the log.
    let reader = Connection::open(workspace.path()).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM runs").unwrap();
    workspace.wait(chrono::TimeDelta::hours(1));
    workspace.sandbox.model().add();
    workspace.sync(&options());
    let copy = workspace.file("copy.db");
    for suffix in ["", "-wal"] {
        let name = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        fs::copy(name(&workspace.path()), name(&copy)).unwrap();
    }
    let restored = workspace.file("restored.db");
    assert_eq!(restore(&restored, &copy).code, 0);
    assert_eq!(documents(&restored), documents(&workspace.path()));
    assert_eq!(broken(&restored), (0, Vec::new()));
    drop(reader);
}

#[test]
fn restore_refuses_what_is_no_sound_backup_and_changes_nothing() {
    let (workspace, backup) = with_backup();
    let path = workspace.path();
    let bytes = fs::read(&path).unwrap();
    let refused = |file: &Path, code: i32, words: &str| {
        let ran = restore(&path, file);
        ran.refused(code, &[words, "hint:"]);
        assert!(fs::read(&path).unwrap() == bytes, "{words}");
        assert_eq!(moved_aside(&path).len(), 0, "{words}");
    };
    let made = |name: &str, sql: &str| {
        let file = workspace.file(name);
        fs::copy(&backup, &file).unwrap();
        Connection::open(&file).unwrap().execute_batch(sql).unwrap();
        file
    };
    let text = workspace.file("notes.txt");
    fs::write(&text, "Buy milk. ".repeat(50)).unwrap();
    let empty = workspace.file("empty.db");
    fs::write(&empty, "").unwrap();
    refused(&text, 6, "it is no SQLite database");
    refused(&empty, 6, "it is empty");
    refused(&workspace.file("none.db"), 6, "there is no such file");
    refused(&made("foreign.db", "PRAGMA application_id = 7"), 6, "of another program");
    let newer = "UPDATE refinery_schema_history SET version = 999 WHERE version = 1";
    refused(&made("newer.db", newer), 6, "its schema is version 999");
    refused(&path, 2, "belongs to the archive itself");
    // The root of a table, and an index entry that differs from its row.
    let damaged = workspace.file("damaged.db");
    let root: u64 = Connection::open(&backup)
        .unwrap()
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'run_snapshots'", [], |row| row.get(0))
        .unwrap();
    let mut pages = fs::read(&backup).unwrap();
    pages[((root - 1) * PAGE) as usize..][..64].fill(0xff);
    fs::write(&damaged, pages).unwrap();
    refused(&damaged, 6, "runledger salvage");

    let lock = Lock::acquire(&path, at("2026-11-24T00:00:00Z")).unwrap();
    refused(&backup, 11, "another process is using the archive");
    drop(lock);
    // A file of another program in the archive's place.
    let foreign = made("other.db", "PRAGMA application_id = 7");
    let before = fs::read(&foreign).unwrap();
    restore(&foreign, &backup).refused(6, &["it is a SQLite database of another program"]);
    assert!(fs::read(&foreign).unwrap() == before);
    restore(workspace.file("").as_path(), &backup).refused(6, &["it is a directory"]);
    let leftovers = fs::read_dir(path.parent().unwrap()).unwrap();
    let leftovers = leftovers
        .filter(|file| file.as_ref().unwrap().file_name().to_str().unwrap().starts_with(".runledger-"));
    assert_eq!(leftovers.count(), 0);
}
