//! Files that are no archive, and damaged archives.

use super::{IN_PART, kill_after_commit, number, odd_machine, text};
use crate::support::invariants::{contents, copied};
use crate::support::machine::{Machine, SYNC};
use rusqlite::Connection;
use std::fs;
use std::path::Path;

/// Asserts that every command rejects the file with exit code 6 and this text, and does not change it.
fn assert_refused(machine: &Machine, file: &Path, words: &str) {
    let bytes = || fs::read(file).ok();
    let before = bytes();
    for arguments in
        [&SYNC[..], &["status"], &["export", "runs"], &["report", "cost"], &["query", "SELECT 1"]]
    {
        let ended = machine.run(file, arguments);
        ended.refused(6, words);
        assert!(ended.stderr.contains(file.file_name().unwrap().to_str().unwrap()), "{ended:?}");
        assert_eq!(bytes(), before, "{arguments:?} changed the file");
    }
}

#[test]
fn files_that_are_no_archive_are_rejected_unchanged() {
    let machine = Machine::of(30);
    let notes = machine.file("notes.txt");
    fs::write(&notes, "Buy milk. ".repeat(5000)).unwrap();
    assert_refused(&machine, &notes, "it is no SQLite database");

    let foreign = machine.file("foreign.db");
    Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        .unwrap();
    assert_refused(&machine, &foreign, "it is a SQLite database of another program");

    let folder = machine.file("folder.db");
    fs::create_dir(&folder).unwrap();
    assert_refused(&machine, &folder, "it is a directory");

    let nowhere = machine.file("none/a.db");
    machine.run(&nowhere, SYNC).refused(6, "No such file or directory");
    machine.run(&nowhere, ["status"]).refused(6, "there is no such file");
    assert!(!machine.file("none").exists());
}

#[test]
fn an_archive_of_a_newer_version_is_rejected_unchanged() {
    let machine = Machine::of(30);
    let archive = machine.file("a.db");
    machine.synced(&archive, 0);
    let future = "INSERT INTO refinery_schema_history SELECT 999, 'future', applied_on, checksum FROM refinery_schema_history WHERE version = 1";
    Connection::open(&archive).unwrap().execute_batch(future).unwrap();
    assert_refused(&machine, &archive, "its schema is version 999");
}

#[test]
fn a_damaged_archive_is_named_and_not_made_worse() {
    let machine = Machine::of(100);
    let sound = machine.file("sound.db");
    machine.synced(&sound, 0);
    let bytes = fs::read(&sound).unwrap();
    let root =
        number(&sound, "SELECT rootpage FROM sqlite_schema WHERE name = 'run_snapshots_of_run'") as usize;
    let damaged = |name: &str, from: usize, until: usize| {
        let file = machine.file(name);
        let mut bytes = bytes.clone();
        bytes[from..until].fill(0xA5);
        fs::write(&file, bytes).unwrap();
        file
    };
    let schema = damaged("schema.db", 100, PAGE_BYTES);
    assert_refused(&machine, &schema, "the file is damaged (database disk image is malformed)");
    let beginning = damaged("beginning.db", 0, 16);
    assert_refused(&machine, &beginning, "it is no SQLite database, or its header is damaged");

    let truncated = machine.file("truncated.db");
    fs::write(&truncated, &bytes[..bytes.len() / PAGE_BYTES / 2 * PAGE_BYTES]).unwrap();
    assert_refused(&machine, &truncated, "the file is damaged (database disk image is malformed)");

    // Damage further in is found during the sync: only the record of the attempt has been written by then.
    let middle = damaged("middle.db", (root - 1) * PAGE_BYTES, root * PAGE_BYTES);
    let before = fs::read(&middle).unwrap();
    for _ in 0..2 {
        let ended = machine.run(&middle, SYNC);
        ended.refused(6, "the file is damaged (database disk image is malformed)");
        assert!(ended.stderr.contains("runledger restore BACKUP"), "{ended:?}");
    }
    assert_eq!(text(&middle, "SELECT group_concat(outcome) FROM syncs"), "complete,failed,failed");
    let after = fs::read(&middle).unwrap();
    assert_eq!(after.len(), before.len());
    let pages = |bytes: &[u8]| bytes.chunks(PAGE_BYTES).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let changed =
        pages(&before).into_iter().zip(pages(&after)).filter(|(before, after)| before != after).count();
    assert!(changed <= 3, "only the record of the sync is written: {changed} pages");
    let ended = machine.run(&middle, ["export", "snapshots", "--output", "out"]).with(0);
    assert_eq!(ended.stderr, "", "undamaged tables can be read");
}

/// The SQL that the archive is created with.
const PAGE_BYTES: usize = 16 * 1024;

#[test]
fn an_unreadable_migration_history_is_an_error() {
    let machine = Machine::of(30);
    let sound = machine.file("sound.db");
    machine.synced(&sound, 0);
    for (name, damage) in [
        (
            "text.db",
            "PRAGMA writable_schema = 1; UPDATE refinery_schema_history SET version = 'one' WHERE version = 1",
        ),
        ("negative.db", "UPDATE refinery_schema_history SET version = -1 WHERE version = 1"),
        ("renamed.db", "UPDATE refinery_schema_history SET version = 0, name = 'other' WHERE version = 1"),
        (
            "undated.db",
            "UPDATE refinery_schema_history SET version = 0, applied_on = 'yesterday' WHERE version = 1",
        ),
        ("unsummed.db", "UPDATE refinery_schema_history SET version = 0, checksum = 'x' WHERE version = 1"),
        ("huge.db", "UPDATE refinery_schema_history SET version = 4294967296 WHERE version = 1"),
        ("empty.db", "DELETE FROM refinery_schema_history"),
    ] {
        let file = machine.file(name);
        fs::copy(&sound, &file).unwrap();
        let _ = Connection::open(&file).unwrap().execute_batch(damage);
        let ended = machine.run(&file, SYNC);
        assert_eq!(ended.code, Some(6), "{name}: {ended:?}");
        assert!(!ended.stderr.contains("panicked"), "{name}: {ended:?}");
        assert_eq!(number(&file, "SELECT count(*) FROM runs"), 30, "{name}");
    }
}

#[test]
fn a_leftover_write_ahead_log_is_replayed() {
    let machine = odd_machine(60);
    let archive = machine.file("a.db");
    kill_after_commit(&machine, &archive, 3);
    let (_folder, copy) = copied(&archive);
    assert!(fs::metadata(format!("{}-wal", copy.display())).unwrap().len() > 0, "the rows are in the log");
    let kept = number(&archive, "SELECT count(*) FROM runs");
    let status = machine.run(&copy, ["status", "--json"]).with(0);
    assert!(status.stdout.contains(&format!("\"runs\":{kept},")), "{status:?}");
    machine.synced(&copy, IN_PART);
    machine.synced(&archive, IN_PART);
    assert_eq!(contents(&copy), contents(&archive));
}
