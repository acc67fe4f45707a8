//! Salvages and migrations that are killed at any point.

use super::kill_copies::{duration, kill_after, kills};
use super::{IN_PART, assert_whole, odd_machine, text};
use crate::support::invariants::{assert_sound, contents};
use crate::support::machine::Machine;
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};

const PAGE_BYTES: usize = 16 * 1024;

#[test]
fn a_killed_salvage_leaves_no_archive_or_a_whole_one() {
    let machine = odd_machine(60);
    let archive = machine.file("a.db");
    machine.synced(&archive, IN_PART);
    machine.run(&archive, ["backup", "damaged.db"]).with(0);
    let damaged = machine.file("damaged.db");
    let mut bytes = fs::read(&damaged).unwrap();
    let last = bytes.len() - PAGE_BYTES;
    bytes[last..].fill(0xA5);
    fs::write(&damaged, &bytes).unwrap();
    let salvage = ["salvage", "damaged.db", "--output", "new.db"];
    let new = machine.file("new.db");
    let longest = duration(&machine, &archive, &["salvage", "a.db", "--output", "timed.db"]);
    let ended = machine.run(&archive, salvage);
    assert!([Some(0), Some(3)].contains(&ended.code), "{ended:?}");
    let (code, expected) = (ended.code.unwrap(), contents(&new));
    let mut random = fastrand::Rng::with_seed(43);
    let mut killed = 0;
    for round in 0..kills() {
        fs::remove_file(&new).unwrap_or_default();
        let delay = longest.mul_f64(random.f64() * 1.1);
        let ended = kill_after(&machine, &archive, &salvage, delay);
        killed += u32::from(ended.code.is_none());
        let when = format!("round {round}, after {delay:?}: {ended:?}");
        assert!(fs::read(&damaged).unwrap() == bytes, "{when}");
        if new.exists() {
            assert_whole(&machine, &new, &when);
            assert_eq!(contents(&new), expected, "{when}");
            fs::remove_file(&new).unwrap();
        }
        // The lock file of the check may be left; only the archive must not be.
        machine.run(&archive, salvage).with(code);
        assert_eq!(contents(&new), expected, "{when}");
    }
    assert!(killed >= kills() / 3, "most kills hit a running process: {killed}");
}

/// The verified copies next to an archive.
fn copies(machine: &Machine) -> Vec<PathBuf> {
    let files = fs::read_dir(machine.folder()).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "bak")).collect()
}

#[test]
fn a_killed_migration_leaves_the_archive_before_or_after_it() {
    let machine = Machine::of(0);
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1.db");
    let archive = machine.file("a.db");
    // As a backup, and as an archive that a sync has used.
    let begin = |round: u32| {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            fs::remove_file(machine.file(&format!("a.db{suffix}"))).unwrap_or_default();
        }
        fs::copy(&fixture, &archive).unwrap();
        if round.is_multiple_of(2) {
            Connection::open(&archive).unwrap().pragma_update(None, "journal_mode", "wal").unwrap();
        }
    };
    begin(0);
    let longest = duration(&machine, &archive, &["migrate"]);
    let expected = contents(&archive);
    let version = "SELECT CAST(max(version) AS TEXT) FROM refinery_schema_history";
    let newest = text(&archive, version);
    let mut random = fastrand::Rng::with_seed(44);
    let mut killed = 0;
    for round in 0..kills() {
        begin(round);
        for copy in copies(&machine) {
            fs::remove_file(copy).unwrap();
        }
        let delay = longest.mul_f64(random.f64() * 1.1);
        let ended = kill_after(&machine, &archive, &["migrate"], delay);
        killed += u32::from(ended.code.is_none());
        let when = format!("round {round}, after {delay:?}: {ended:?}");
        assert_sound(&archive, &when);
        for copy in copies(&machine) {
            assert_sound(&copy, &when);
            assert_eq!(text(&copy, version), "1", "{when}");
        }
        machine.run(&archive, ["migrate"]).with(0);
        assert_eq!(text(&archive, version), newest, "{when}");
        assert!(!copies(&machine).is_empty(), "{when}");
        assert_whole(&machine, &archive, &when);
        assert_eq!(contents(&archive), expected, "{when}");
    }
    assert!(killed >= kills() / 3, "most kills hit a running process: {killed}");
}
