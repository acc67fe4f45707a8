//! Archives whose files do not belong together: every command refuses them, and `restore` repairs them.

use super::{IN_PART, assert_whole, kill_after_commit, odd_machine};
use crate::support::invariants::contents;
use crate::support::machine::{Machine, SYNC};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const RUN: &str = "00000000-0000-4000-8000-000000000000";

/// Every command that opens an archive, with its exit code.
const COMMANDS: [(&[&str], i32); 24] = [
    (&SYNC, 6),
    (&["sync", "--full"], 6),
    (&["sync", "--dry-run"], 6),
    (&["fetch", RUN], 6),
    (&["status"], 6),
    (&["status", "--json"], 6),
    (&["status", "--check"], 2),
    (&["show", RUN], 6),
    (&["report", "cost"], 6),
    (&["report", "failures"], 6),
    (&["report", "html", "--output", "page.html"], 6),
    (&["export", "runs"], 6),
    (&["export", "parquet", "--output", "lake"], 6),
    (&["query", "SELECT count(*) FROM runs"], 6),
    (&["close", "2026-01"], 6),
    (&["close"], 6),
    (&["restatements"], 6),
    (&["reconcile", "--period", "2026-01", "--invoice", "1"], 6),
    (&["check"], 6),
    (&["backup", "copy.db"], 6),
    (&["verify"], 6),
    (&["coverage"], 6),
    (&["drift"], 6),
    (&["datasette-metadata"], 6),
];

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// Every file of the folder with its bytes, without locks.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.is_file() && path.extension().is_none_or(|extension| extension != "lock"))
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

/// Asserts that every command refuses the archive, names a file of the set and a hint, and changes nothing.
fn assert_refused_by_every_command(machine: &Machine, archive: &Path, words: &str) {
    let before = files(machine.folder());
    for (arguments, code) in COMMANDS {
        let ended = machine.run(archive, arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        let printed = format!("{}{}", ended.stdout, ended.stderr);
        assert!(printed.contains(words), "{words:?} is not in {arguments:?}: {ended:?}");
        if code == 6 {
            let hint = if arguments.contains(&"--json") { "\"hint\":" } else { "\n  hint:  " };
            assert!(ended.stderr.contains(hint), "{arguments:?}: {ended:?}");
            assert!(ended.stderr.contains("runledger restore BACKUP"), "{arguments:?}: {ended:?}");
        }
        assert!(files(machine.folder()) == before, "{arguments:?} changed a file");
    }
    let demo = machine.run(archive, ["demo", "--runs", "100"]);
    assert_ne!(demo.code, Some(0), "{demo:?}");
    assert!(files(machine.folder()) == before, "demo changed a file");
}

/// An archive whose sync was killed, so that a part of it is only in its log, and a backup from before that sync.
pub(super) fn killed_archive(machine: &Machine) -> (PathBuf, PathBuf) {
    let (archive, backup) = (machine.file("a.db"), machine.file("backup.db"));
    machine.synced(&archive, IN_PART);
    machine.run(&archive, ["backup", "backup.db"]).with(0);
    machine.let_an_hour_pass();
    kill_after_commit(machine, &archive, 2);
    assert!(fs::metadata(beside(&archive, "-wal")).unwrap().len() > 0, "the log has data");
    (archive, backup)
}

/// Follows the hint: restores the backup, and syncs.
fn assert_restored(machine: &Machine, archive: &Path, backup: &Path) {
    let expected = contents(backup);
    let ended = machine.run(archive, ["restore", backup.to_str().unwrap()]).with(0);
    assert_eq!(ended.stderr, "", "{ended:?}");
    assert_whole(machine, archive, "restored");
    assert_eq!(contents(archive), expected);
    machine.synced(archive, IN_PART);
    let undisturbed = machine.file("undisturbed.db");
    fs::copy(backup, &undisturbed).unwrap();
    machine.synced(&undisturbed, IN_PART);
    assert_eq!(contents(archive), contents(&undisturbed));
    assert_whole(machine, archive, "synced after the restore");
}

#[test]
fn a_backup_copied_over_an_archive_with_a_log_is_refused() {
    let machine = odd_machine(60);
    let (archive, backup) = killed_archive(&machine);
    fs::copy(&backup, &archive).unwrap();
    assert_refused_by_every_command(&machine, &archive, "a.db-wal has data of another file");
    let two = machine.run(&archive, ["report", "cost", "--db", "backup.db"]);
    assert_eq!(two.code, Some(6), "{two:?}");
    assert_restored(&machine, &archive, &backup);
}

#[test]
fn a_log_with_another_page_size_is_refused() {
    let machine = odd_machine(60);
    let (archive, backup) = (machine.file("a.db"), machine.file("backup.db"));
    machine.synced(&archive, IN_PART);
    machine.run(&archive, ["backup", "backup.db"]).with(0);
    let other = machine.file("other.db");
    let writer = Connection::open(&other).unwrap();
    writer
        .execute_batch("PRAGMA page_size = 4096; PRAGMA journal_mode = wal; CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        .unwrap();
    fs::copy(beside(&other, "-wal"), beside(&archive, "-wal")).unwrap();
    drop(writer);
    assert_refused_by_every_command(&machine, &archive, "that is the log of another file");
    assert_restored(&machine, &archive, &backup);
}

/// The journal of a program that is writing to a copy of the file.
fn journal_of_another_write(machine: &Machine, file: &Path) -> Vec<u8> {
    let other = machine.file("other.db");
    fs::copy(file, &other).unwrap();
    let writer = Connection::open(&other).unwrap();
    let write = "PRAGMA journal_mode = delete; PRAGMA cache_size = 1; BEGIN; UPDATE run_snapshots SET unmapped = '{}'";
    writer.execute_batch(write).unwrap();
    let journal = fs::read(beside(&other, "-journal")).unwrap();
    drop(writer);
    fs::remove_file(&other).unwrap();
    journal
}

#[test]
fn a_journal_of_another_file_is_refused() {
    let machine = odd_machine(60);
    let (archive, backup) = (machine.file("a.db"), machine.file("backup.db"));
    machine.synced(&archive, IN_PART);
    machine.run(&archive, ["backup", "backup.db"]).with(0);
    let journal = journal_of_another_write(&machine, &archive);
    for file in [&archive, &backup] {
        fs::write(beside(file, "-journal"), &journal).unwrap();
        assert_refused_by_every_command(&machine, file, "-journal has pages that differ");
        fs::write(beside(file, "-journal"), "no journal at all").unwrap();
        machine.run(file, ["status"]).refused(6, "-journal has pages that differ");
        fs::remove_file(beside(file, "-journal")).unwrap();
    }
    fs::write(beside(&archive, "-journal"), &journal).unwrap();
    assert_restored(&machine, &archive, &backup);
}

#[test]
fn a_reader_ends_an_interrupted_switch_of_the_journal_mode() {
    let machine = odd_machine(60);
    let (archive, backup) = (machine.file("a.db"), machine.file("backup.db"));
    machine.synced(&archive, IN_PART);
    machine.run(&archive, ["backup", "backup.db"]).with(0);
    let before = fs::read(&backup).unwrap();
    // The journal of a write of the first page, which a switch makes: a setter journals the page although the value is
    // the same.
    let other = machine.file("other.db");
    fs::copy(&backup, &other).unwrap();
    let writer = Connection::open(&other).unwrap();
    let version: i64 = writer.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    writer
        .execute_batch(&format!("PRAGMA synchronous = off; BEGIN; PRAGMA user_version = {version}"))
        .unwrap();
    let journal = fs::read(beside(&other, "-journal")).unwrap();
    drop(writer);
    for arguments in [&["status"][..], &["report", "cost"], &["check"], &["export", "runs"]] {
        let mut switched = before.clone();
        switched[18..20].fill(2);
        fs::write(&backup, switched).unwrap();
        fs::write(beside(&backup, "-journal"), &journal).unwrap();
        machine.run(&backup, arguments).with(0);
        assert!(fs::read(&backup).unwrap() == before, "{arguments:?}");
        assert!(!beside(&backup, "-journal").exists(), "{arguments:?}");
    }
}

#[test]
fn a_log_without_its_file_is_refused() {
    let machine = odd_machine(60);
    let (archive, backup) = killed_archive(&machine);
    let before = fs::read(&archive).unwrap();
    for is_empty in [false, true] {
        fs::remove_file(&archive).unwrap();
        if is_empty {
            fs::write(&archive, "").unwrap();
        }
        for arguments in [&SYNC[..], &["status"], &["check"], &["export", "runs"]] {
            let ended = machine.run(&archive, arguments);
            ended.refused(6, "the file is missing or empty, but its write-ahead log");
        }
        assert!(fs::metadata(beside(&archive, "-wal")).unwrap().len() > 0, "the log was kept");
        fs::write(&archive, &before).unwrap();
    }
    // The first advice: the file is back next to its log.
    machine.run(&archive, ["status"]).with(0);
    fs::remove_file(&archive).unwrap();
    assert_restored(&machine, &archive, &backup);
}

#[test]
fn a_log_moved_elsewhere_permits_a_new_archive() {
    let machine = odd_machine(30);
    let (archive, _) = killed_archive(&machine);
    fs::remove_file(&archive).unwrap();
    machine.run(&archive, SYNC).refused(6, "move");
    fs::rename(beside(&archive, "-wal"), machine.file("elsewhere")).unwrap();
    machine.synced(&archive, IN_PART);
}

#[test]
fn an_archive_killed_at_its_first_page_is_completed() {
    let machine = Machine::of(30);
    let (model, archive) = (machine.file("model.db"), machine.file("a.db"));
    machine.synced(&model, 0);
    // As SQLite leaves it: one page, and a journal that says that there was none before.
    let mut page = fs::read(&model).unwrap()[..16 * 1024].to_vec();
    page[18..20].fill(1);
    page[28..32].copy_from_slice(&1_u32.to_be_bytes());
    page[100..].fill(0);
    page[100] = 13;
    fs::write(&archive, page).unwrap();
    let mut journal = vec![0; 512];
    journal[..8].copy_from_slice(&[0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]);
    journal[20..24].copy_from_slice(&512_u32.to_be_bytes());
    journal[24..28].copy_from_slice(&(16 * 1024_u32).to_be_bytes());
    fs::write(beside(&archive, "-journal"), journal).unwrap();
    machine.synced(&archive, 0);
    assert_eq!(contents(&archive), contents(&model));
    machine.run(&archive, ["check"]).with(0);
    let header = fs::read(&archive).unwrap();
    assert_eq!((&header[16..18], &header[68..72]), (&[0x40, 0][..], &b"RLGD"[..]));
}

#[test]
fn a_damaged_archive_keeps_its_log() {
    let machine = odd_machine(60);
    let (archive, _) = killed_archive(&machine);
    let (log, main) = (fs::read(beside(&archive, "-wal")).unwrap(), fs::read(&archive).unwrap());
    // A page that only the archive has, and that a sync reads.
    let root: usize = Connection::open(machine.file("backup.db"))
        .unwrap()
        .query_row("SELECT count(*) FROM runs", [], |row| row.get(0))
        .unwrap();
    assert!(root > 0);
    let mut damaged = main.clone();
    let pages = damaged.len() / PAGE_BYTES;
    for page in pages / 2..pages {
        damaged[page * PAGE_BYTES..][..64].fill(0xA5);
    }
    fs::write(&archive, &damaged).unwrap();
    let ended = machine.run(&archive, SYNC);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert!(fs::read(&archive).unwrap() == damaged, "nothing of the log was copied into the file");
    assert!(fs::read(beside(&archive, "-wal")).unwrap().len() >= log.len());
}

const PAGE_BYTES: usize = 16 * 1024;

#[test]
fn an_interrupted_restore_is_refused_and_continued() {
    let machine = odd_machine(60);
    let (archive, backup) = killed_archive(&machine);
    let (main, log) = (fs::read(&archive).unwrap(), fs::read(beside(&archive, "-wal")).unwrap());
    let aside = machine.file("a.db.replaced-20260101T000000Z");
    let marker = beside(&aside, ".unfinished");
    // Killed after the first rename.
    fs::write(&marker, "").unwrap();
    fs::rename(&archive, &aside).unwrap();
    for arguments in [&SYNC[..], &["status"], &["check"]] {
        machine.run(&archive, arguments).refused(6, "a restore was interrupted");
    }
    // The second advice: to go back.
    fs::rename(&aside, &archive).unwrap();
    machine.run(&archive, ["check"]).with(0);
    fs::rename(&archive, &aside).unwrap();
    machine.run(&archive, ["restore", "backup.db"]).with(0);
    assert!(fs::read(&aside).unwrap() == main && fs::read(beside(&aside, "-wal")).unwrap() == log);
    assert_eq!(contents(&archive), contents(&backup));
    assert!(!marker.exists());

    // Killed after the last one, when the backup is not installed yet.
    fs::write(&marker, "").unwrap();
    fs::remove_file(&archive).unwrap();
    for arguments in [&SYNC[..], &["status"], &["check"]] {
        machine.run(&archive, arguments).refused(6, "a restore was interrupted");
    }
    assert!(!archive.exists());
    machine.run(&archive, ["restore", "backup.db"]).with(0);
    machine.run(&archive, ["check"]).with(0);
    assert!(fs::read(&aside).unwrap() == main && fs::read(beside(&aside, "-wal")).unwrap() == log);
    machine.run(&aside, ["check"]).with(0);

    // Killed at the very end: the archive is there. The next restore moves it to a new name.
    fs::write(&marker, "").unwrap();
    machine.run(&archive, ["status"]).with(0);
    machine.run(&archive, ["restore", "backup.db"]).with(0);
    assert!(!marker.exists() && fs::read(beside(&aside, "-wal")).is_ok());
    // An archive that is deleted later can be created again.
    fs::remove_file(&archive).unwrap();
    machine.synced(&archive, IN_PART);
}
