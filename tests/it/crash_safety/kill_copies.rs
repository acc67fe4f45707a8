//! Backups and restores that are killed at any point.

use super::file_set::{beside, killed_archive};
use super::{IN_PART, assert_whole, odd_machine};
use crate::support::invariants::{contents, copied};
use crate::support::machine::{Ended, Machine, Victim};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// How many processes each test kills. `RUNLEDGER_KILLS=200` is for a run by hand.
pub(super) fn kills() -> u32 {
    #[allow(clippy::disallowed_methods, reason = "only the program's own variables have one home")]
    std::env::var("RUNLEDGER_KILLS").map_or(20, |kills| kills.parse().expect("it is a number"))
}

/// Runs the command and kills it after the delay.
pub(super) fn kill_after(machine: &Machine, archive: &Path, arguments: &[&str], delay: Duration) -> Ended {
    let victim = Victim::default();
    let running = victim.start(&mut machine.command(archive, arguments));
    thread::sleep(delay);
    victim.kill();
    running.wait()
}

/// How long the command takes.
pub(super) fn duration(machine: &Machine, archive: &Path, arguments: &[&str]) -> Duration {
    let began = Instant::now();
    machine.run(archive, arguments).with(0);
    began.elapsed()
}

#[test]
fn a_killed_backup_leaves_the_archive_and_the_backup_before_it() {
    let machine = odd_machine(60);
    let archive = machine.file("a.db");
    machine.synced(&archive, IN_PART);
    machine.run(&archive, ["backup", "older.db"]).with(0);
    machine.let_an_hour_pass();
    machine.synced(&archive, IN_PART);
    let (older, newer) = (contents(&machine.file("older.db")), contents(&archive));
    let backup = machine.file("backup.db");
    let longest = duration(&machine, &archive, &["backup", "backup.db"]);
    let mut random = fastrand::Rng::with_seed(41);
    let mut killed = 0;
    for round in 0..kills() {
        let has_older = round % 2 == 0;
        match has_older {
            true => drop(fs::copy(machine.file("older.db"), &backup).unwrap()),
            false => fs::remove_file(&backup).unwrap_or_default(),
        }
        let delay = longest.mul_f64(random.f64() * 1.1);
        let ended = kill_after(&machine, &archive, &["backup", "backup.db"], delay);
        killed += u32::from(ended.code.is_none());
        let when = format!("round {round}, after {delay:?}: {ended:?}");
        assert_whole(&machine, &archive, &when);
        assert_whole(&machine, &backup, &when);
        assert!(backup.exists() || !has_older, "{when}");
        if backup.exists() {
            let found = contents(&backup);
            assert!(found == newer || (has_older && found == older), "{when}");
            assert!(!beside(&backup, "-wal").exists() && !beside(&backup, "-journal").exists(), "{when}");
        }
        machine.run(&archive, ["backup", "backup.db"]).with(0);
        assert_eq!(contents(&backup), newer, "{when}");
    }
    assert_eq!(contents(&archive), newer);
    assert!(killed >= kills() / 3, "most kills hit a running process: {killed}");
}

/// The main files that restores have moved aside.
fn moved_aside(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_main = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("a.db.replaced-") && name.ends_with('Z')
    };
    let mut found: Vec<PathBuf> = files.filter(is_main).collect();
    found.sort_unstable();
    found
}

#[test]
fn a_killed_restore_loses_no_file_and_continues() {
    let machine = odd_machine(60);
    let (original, backup) = killed_archive(&machine);
    let of = |path: &Path| contents(&copied(path).1);
    let (before, after) = (of(&original), of(&backup));
    assert_ne!(before, after);
    let backup_bytes = fs::read(&backup).unwrap();
    let restore = ["restore", backup.to_str().unwrap()];
    let begin = |name: &str| {
        let folder = machine.file(name);
        fs::create_dir(&folder).unwrap();
        let archive = folder.join("a.db");
        for suffix in ["", "-wal"] {
            fs::copy(beside(&original, suffix), beside(&archive, suffix)).unwrap();
        }
        archive
    };
    let longest = duration(&machine, &begin("timed"), &restore);
    let mut random = fastrand::Rng::with_seed(42);
    let mut killed = 0;
    for round in 0..kills() {
        let archive = begin(&format!("{round}"));
        let folder = archive.parent().unwrap();
        let delay = longest.mul_f64(random.f64() * 1.1);
        let ended = kill_after(&machine, &archive, &restore, delay);
        killed += u32::from(ended.code.is_none());
        let when = format!("round {round}, after {delay:?}: {ended:?}");
        // The old archive, the new one, or none, and that is said.
        let status = machine.run(&archive, ["status"]);
        match status.code {
            Some(0) => {
                assert_whole(&machine, &archive, &when);
                let found = of(&archive);
                assert!(found == before || found == after, "{when}");
            }
            _ => status.refused(6, "restore"),
        }
        machine.run(&archive, restore).with(0);
        assert_whole(&machine, &archive, &when);
        assert_eq!(of(&archive), after, "{when}");
        let moved = moved_aside(folder);
        assert!(moved.iter().any(|moved| of(moved) == before), "{when}: {moved:?}");
        for moved in moved {
            assert_whole(&machine, &moved, &when);
        }
        assert!(fs::read(&backup).unwrap() == backup_bytes, "{when}");
        fs::remove_dir_all(folder).unwrap();
    }
    assert!(killed >= kills() / 3, "most kills hit a running process: {killed}");
}
