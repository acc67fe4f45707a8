//! An archive that is moved, deleted or replaced during a sync.

use super::file_set::beside;
use super::{IN_PART, assert_whole, number, odd_machine};
use crate::support::invariants::contents;
use crate::support::machine::{Ended, Machine, SYNC, is_page};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

/// An archive with a complete sync, a backup of it, and an hour in which something changed.
fn prepared(machine: &Machine) -> (PathBuf, PathBuf) {
    let (archive, backup) = (machine.file("a.db"), machine.file("backup.db"));
    machine.synced(&archive, IN_PART);
    machine.run(&archive, ["backup", "backup.db"]).with(0);
    machine.let_an_hour_pass();
    (archive, backup)
}

/// Syncs, and acts when the sync has committed its first page.
fn sync_during(machine: &Machine, archive: &Path, act: impl FnOnce() + Send + 'static) -> Ended {
    let (path, mut act, mut pages) = (archive.to_owned(), Some(act), 0);
    machine.sandbox.on_request(move |call, _| {
        pages += usize::from(is_page(call));
        if pages == 2 && is_page(call) {
            let kept = "SELECT pages FROM syncs ORDER BY sync_id DESC LIMIT 1";
            while number(&path, kept) < 1 {
                thread::yield_now();
            }
            act.take().unwrap()();
        }
        None
    });
    let ended = machine.run(archive, [&SYNC[..], &["--full"]].concat());
    machine.sandbox.on_request(|_, _| None);
    ended
}

/// Asserts that the next sync, without options, ends with the archive of an undisturbed one.
fn assert_completed(machine: &Machine, archive: &Path, backup: &Path) {
    machine.synced(archive, IN_PART);
    assert_whole(machine, archive, "completed");
    let undisturbed = machine.file("undisturbed.db");
    fs::copy(backup, &undisturbed).unwrap();
    machine.synced(&undisturbed, IN_PART);
    assert_eq!(contents(archive), contents(&undisturbed));
}

#[test]
fn an_archive_moved_during_a_sync_is_reported() {
    let machine = odd_machine(60);
    let (archive, backup) = prepared(&machine);
    let (from, to) = (archive.clone(), machine.file("moved.db"));
    let moved = to.clone();
    let ended = sync_during(&machine, &archive, move || fs::rename(from, to).unwrap());
    ended.refused(6, "the file was moved while it was in use");
    assert!(ended.stderr.contains("a.db"), "{ended:?}");
    assert!(fs::metadata(beside(&archive, "-wal")).unwrap().len() > 0, "the log stays");
    machine.run(&archive, SYNC).refused(6, "but its write-ahead log");
    // The advice.
    fs::rename(&moved, &archive).unwrap();
    assert_whole(&machine, &archive, "moved back");
    assert_completed(&machine, &archive, &backup);
}

#[test]
fn an_archive_deleted_during_a_sync_is_reported() {
    let machine = odd_machine(60);
    let (archive, backup) = prepared(&machine);
    let path = archive.clone();
    let ended = sync_during(&machine, &archive, move || fs::remove_file(path).unwrap());
    ended.refused(6, "the file was deleted while it was in use");
    assert!(!archive.exists());
    machine.run(&archive, SYNC).refused(6, "but its write-ahead log");
    machine.run(&archive, ["restore", "backup.db"]).with(0);
    assert_completed(&machine, &archive, &backup);
}

#[test]
fn an_archive_replaced_during_a_sync_is_reported_and_the_new_one_kept() {
    let machine = odd_machine(60);
    let (archive, backup) = prepared(&machine);
    // One in WAL mode and one that is not, under a new name and in place.
    let other = machine.file("other.db");
    fs::copy(&backup, &other).unwrap();
    machine.synced(&other, IN_PART);
    let acts: [(&str, &Path, bool); 3] =
        [("renamed", &other, false), ("renamed backup", &backup, false), ("overwritten", &backup, true)];
    for (name, new, is_in_place) in acts {
        let (path, new) = (archive.clone(), new.to_owned());
        let bytes = fs::read(&new).unwrap();
        let copy = machine.file("copy.db");
        let ended = sync_during(&machine, &archive, move || {
            if is_in_place {
                fs::copy(&new, &path).unwrap();
            } else {
                fs::copy(&new, &copy).unwrap();
                fs::rename(&copy, &path).unwrap();
            }
        });
        ended.refused(6, "the file was replaced while it was in use");
        assert!(fs::read(&archive).unwrap() == bytes, "{name}: the new file was changed");
        assert!(!beside(&archive, "-wal").exists(), "{name}: the log of the old file is gone from there");
        assert!(ended.stderr.contains(".replaced-"), "{name}: {ended:?}");
        // The advice.
        machine.run(&archive, ["check"]).with(0);
        assert_completed(&machine, &archive, &backup);
        fs::remove_file(machine.file("undisturbed.db")).unwrap();
    }
}

#[test]
fn an_archive_moved_with_all_its_files_is_reported_and_whole() {
    let machine = odd_machine(60);
    let (archive, backup) = prepared(&machine);
    let (from, to) = (archive.clone(), machine.file("moved.db"));
    let moved = to.clone();
    let ended = sync_during(&machine, &archive, move || {
        for suffix in ["", "-wal", "-shm"] {
            fs::rename(beside(&from, suffix), beside(&to, suffix)).unwrap();
        }
    });
    ended.refused(6, "the file was moved while it was in use");
    assert_whole(&machine, &moved, "moved");
    assert_completed(&machine, &moved, &backup);
}
