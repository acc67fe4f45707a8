//! Files that commands create for themselves: none is left behind.

use super::IN_PART;
use super::file_set::beside;
use crate::support::machine::{Ended, Machine, Victim};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The commands that replace a file, with what they replace.
const WRITERS: [(&str, &[&str]); 5] = [
    ("b.db", &["backup", "b.db"]),
    ("runs.csv", &["export", "runs", "--format", "csv", "--output", "runs.csv"]),
    ("page.html", &["report", "html", "--output", "page.html"]),
    ("dataset", &["export", "parquet", "--output", "dataset"]),
    // It ends only by a signal.
    (
        "numbers.csv",
        &[
            "query",
            "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
            "--format",
            "csv",
            "--output",
            "numbers.csv",
        ],
    ),
];

/// The names of the files in a folder and in the folders in it.
fn names(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    // A folder can have been removed meanwhile.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            names.extend(self::names(&entry.path()));
        }
        names.insert(entry.file_name().into_string().unwrap());
    }
    names
}

fn temporary(folder: &Path) -> BTreeSet<String> {
    names(folder).into_iter().filter(|name| name.starts_with(".runledger-")).collect()
}

fn synced(runs: usize) -> Machine {
    let machine = Machine::of(runs);
    machine.run(&machine.file("a.db"), ["sync", "--quiet"]).with(0);
    machine
}

/// Starts the command until a temporary file of it can be seen, and stops it then.
fn stopped_in_the_middle(machine: &Machine, arguments: &[&str], stop: impl Fn(&Victim)) -> Ended {
    for _ in 0..50 {
        let victim = Victim::default();
        let running = victim.start(&mut machine.command(&machine.file("a.db"), arguments));
        let began = Instant::now();
        while temporary(machine.folder()).is_empty() && began.elapsed() < Duration::from_secs(2) {
            thread::yield_now();
        }
        stop(&victim);
        let ended = running.wait();
        if ended.code != Some(0) {
            return ended;
        }
    }
    panic!("the command always ended before: {arguments:?}");
}

#[test]
fn a_signal_leaves_no_temporary_file() {
    let machine = synced(600);
    for (nth, (name, arguments)) in WRITERS.iter().enumerate() {
        let (signal, code) = [("INT", 130), ("TERM", 143), ("HUP", 129)][nth % 3];
        let ended = stopped_in_the_middle(&machine, arguments, |victim| victim.signal(signal));
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(code), ""), "{name}");
        assert_eq!(temporary(machine.folder()), BTreeSet::new(), "{name}");
    }
}

#[test]
fn the_next_write_removes_what_a_killed_process_left() {
    let machine = synced(600);
    for (name, arguments) in WRITERS {
        let mut left = BTreeSet::new();
        for _ in 0..50 {
            let ended = stopped_in_the_middle(&machine, arguments, Victim::kill);
            assert_eq!(ended.code, None, "{name}: {ended:?}");
            left = temporary(machine.folder());
            if !left.is_empty() {
                break;
            }
        }
        assert!(!left.is_empty(), "{name}: a kill can remove nothing");
        // Another command that writes into the same folder.
        let output = if name == "dataset" { "dataset" } else { "other.csv" };
        let other: &[&str] = match name {
            "dataset" => &["export", "parquet", "--output", output],
            _ => &["query", "SELECT 1", "--format", "csv", "--output", output],
        };
        machine.run(&machine.file("a.db"), other).with(0);
        assert_eq!(temporary(machine.folder()), BTreeSet::new(), "{name}");
    }
}

#[test]
fn a_temporary_file_in_use_is_not_removed() {
    let machine = synced(40);
    let (_, endless) = WRITERS[4];
    let victim = Victim::default();
    let running = victim.start(&mut machine.command(&machine.file("a.db"), endless));
    while temporary(machine.folder()).len() < 2 {
        thread::yield_now();
    }
    let own = temporary(machine.folder());
    machine.run(&machine.file("a.db"), ["query", "SELECT 1", "--format", "csv", "--output", "x.csv"]).with(0);
    assert_eq!(temporary(machine.folder()), own);
    victim.signal("TERM");
    assert_eq!(running.wait().code, Some(143));
}

#[test]
fn a_reader_leaves_no_log_where_there_was_none() {
    let machine = synced(40);
    let archive = machine.file("a.db");
    let before = names(machine.folder());
    for arguments in [
        ["status", "--json"].as_slice(),
        &["report", "cost"],
        &["check"],
        &["query", "SELECT count(*) FROM runs"],
        &["backup", "b.db"],
        &["export", "runs", "--format", "csv", "--output", "runs.csv"],
    ] {
        machine.run(&archive, arguments).with(0);
        for suffix in ["-wal", "-shm"] {
            assert!(!beside(&archive, suffix).exists(), "{arguments:?} left {suffix}; before: {before:?}");
        }
    }
}

#[test]
fn a_reader_leaves_a_log_with_data_alone() {
    let machine = super::odd_machine(60);
    let archive = machine.file("a.db");
    super::kill_after_commit(&machine, &archive, 3);
    let log = beside(&archive, "-wal");
    let before = fs::read(&log).unwrap();
    assert!(!before.is_empty());
    for arguments in [["status"].as_slice(), &["report", "cost"], &["check"]] {
        machine.run(&archive, arguments);
        assert!(fs::read(&log).unwrap() == before, "{arguments:?}");
    }
    machine.synced(&archive, IN_PART);
}
