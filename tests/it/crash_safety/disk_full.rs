//! Full disks, file size limits, and unwritable outputs.

use super::{IN_PART, assert_whole, odd_machine};
use crate::support::invariants::contents;
use crate::support::machine::{Ended, Machine, SYNC};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn a_sync_at_a_file_size_limit_reports_it_and_completes_later() {
    let machine = odd_machine(60);
    let undisturbed = machine.file("undisturbed.db");
    machine.synced(&undisturbed, IN_PART);
    let expected = contents(&undisturbed);
    let mut refused = 0;
    // A page in the log is 33 blocks: each limit lets one more page through.
    for blocks in [0, 1, 8, 32, 63].into_iter().chain((64..=600).step_by(33)) {
        let archive = machine.file(&format!("{blocks}.db"));
        let ended: Ended = machine.limited(blocks, &archive, SYNC).output().unwrap().into();
        let when = format!("{blocks} blocks: {ended:?}");
        assert_whole(&machine, &archive, &when);
        if ended.code != Some(IN_PART) {
            ended.refused(6, &archive.display().to_string());
            assert!(ended.stderr.contains("file size limit"), "{when}");
            refused += 1;
        }
        let ended = machine.run(&archive, SYNC);
        assert_eq!(ended.code, Some(IN_PART), "after {when}: {ended:?}");
        assert_whole(&machine, &archive, &when);
        assert_eq!(contents(&archive), expected, "{when}");
    }
    assert!(refused >= 10, "most limits are too small: {refused}");
}

#[test]
fn a_full_disk_keeps_the_archive_sound_and_the_next_sync_ends() {
    let machine = odd_machine(60);
    let undisturbed = machine.file("undisturbed.db");
    machine.synced(&undisturbed, IN_PART);
    let Some(disk) = Disk::of_kib(machine.file("disk"), 1650) else { return };
    let archive = disk.0.join("a.db");
    // Another file on the disk, which shrinks.
    let ballast = disk.0.join("ballast");
    let mut refused = 0;
    for kib in [1650, 1646, 1630, 1600, 1570, 1550, 1500, 1450, 1400] {
        let _ = fs::write(&ballast, vec![1; kib * 1024]);
        let ended = machine.run(&archive, SYNC);
        assert_whole(&machine, &archive, &format!("{kib} KiB are taken"));
        if ended.code != Some(IN_PART) {
            ended.refused(6, "a.db");
            refused += 1;
        }
        fs::remove_file(&ballast).unwrap();
    }
    assert!(refused >= 5, "most disks are too small: {refused}");
    machine.synced(&archive, IN_PART);
    assert_whole(&machine, &archive, "finished");
    assert_eq!(contents(&archive), contents(&undisturbed));

    // An export needs space for the new file beside the old one.
    let export = disk.0.join("runs.csv");
    fs::write(&export, "the old one").unwrap();
    let _ = fs::write(&ballast, vec![1; 1650 * 1024]);
    // A reader needs 32 KiB for the index of SQLite's log.
    let taken = fs::metadata(&ballast).unwrap().len();
    fs::OpenOptions::new().write(true).open(&ballast).unwrap().set_len(taken - 40 * 1024).unwrap();
    let ended = machine.run(&archive, ["export", "runs", "--output", export.to_str().unwrap()]);
    ended.refused(7, "runs.csv");
    assert_eq!(fs::read_to_string(&export).unwrap(), "the old one");
    assert_eq!(partial_files(&disk.0), [""; 0]);
}

/// A small disk, mounted for the test.
struct Disk(PathBuf);

impl Disk {
    /// `None`, with a message on standard error: this user cannot mount a disk.
    fn of_kib(place: PathBuf, kib: u32) -> Option<Disk> {
        fs::create_dir(&place).unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"])
            .arg(&place)
            .output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Disk(place));
        }
        // Writes past the test harness, which captures output.
        let mut stderr = std::io::stderr();
        writeln!(stderr, "SKIPPED: a full disk: only root can mount a small one").unwrap();
        None
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A process with an open file keeps the disk mounted until it ends.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Partial files that an export left behind.
fn partial_files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".runledger-")).collect()
}

#[test]
fn an_export_at_a_file_size_limit_keeps_the_old_file() {
    let machine = Machine::of(100);
    let archive = machine.file("a.db");
    machine.synced(&archive, 0);
    for what in
        [&["export", "documents"][..], &["export", "snapshots"], &["query", "SELECT * FROM run_snapshots"]]
    {
        let output = machine.file("out");
        fs::write(&output, "the old one").unwrap();
        let arguments = [what, &["--output", "out"]].concat();
        // Enough for the index of SQLite's log, 32 KiB, which a reader creates.
        let ended: Ended = machine.limited(64, &archive, &*arguments).output().unwrap().into();
        ended.refused(7, "out was not written");
        assert_eq!(fs::read_to_string(&output).unwrap(), "the old one");
        assert_eq!(partial_files(machine.folder()), [""; 0]);
        machine.run(&archive, &*arguments).with(0);
        assert!(fs::metadata(&output).unwrap().len() > 40_000);
    }
}

#[test]
fn an_unwritable_output_is_named() {
    let machine = Machine::of(30);
    let archive = machine.file("a.db");
    machine.synced(&archive, 0);
    for (output, cause) in [("none/out", "No such file or directory"), (".", "directory")] {
        let ended = machine.run(&archive, ["export", "runs", "--output", output]);
        ended.refused(7, cause);
        assert!(ended.stderr.contains(&format!("{output} was not written")), "{ended:?}");
    }
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended: Ended = machine.command(&archive, ["export", "runs"]).stdout(full).output().unwrap().into();
    ended.refused(7, "standard output was not written");
}
