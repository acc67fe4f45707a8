//! The command `backup`.

use super::{PAGE, broken, eventful, run};
use crate::support::workspace;
use crate::support::workspace::{Workspace, at, options};
use runledger::internal::store::{Archive, Lock};
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

#[test]
fn a_backup_is_one_complete_file() {
    let workspace = eventful(60);
    let backup = workspace.file("backup.db");
    fs::write(&backup, "").unwrap();
    let ran = run(&workspace.path(), &["backup", backup.to_str().unwrap()]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("verified"), "{}", ran.out);
    assert_eq!(workspace::archived_in(&backup), workspace.archived());
    let documents = |path: &Path| run(path, &["export", "documents"]).out;
    assert_eq!(documents(&backup), documents(&workspace.path()));
    assert_eq!(broken(&backup), (0, Vec::new()));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&backup), mode(&workspace.path()));
    // It can replace the archive and continue.
    let summary = workspace.sync_into(&backup, &options());
    assert_eq!((summary.counts.new, summary.counts.changed), (0, 0));
    assert_eq!(broken(&backup), (0, Vec::new()));
}

#[test]
fn a_backup_during_a_sync_is_consistent() {
    let workspace = Workspace::of(200);
    let (path, backup) = (workspace.path(), workspace.file("backup.db"));
    let (from, to) = (path.clone(), backup.clone());
    workspace.sandbox.on_request(move |call, _| {
        if workspace::page_of(call) == Some(7) {
            Archive::open_for_reading(&from).unwrap().backup_to(&to, at("2026-11-24T00:00:00Z")).unwrap();
        }
        None
    });
    assert!(workspace.sync(&options()).result.is_ok());
    assert_eq!(broken(&backup), (0, Vec::new()));
    assert_eq!(workspace::rows_of(&backup, "SELECT outcome FROM syncs"), ["running"]);
    // The backup excludes uncommitted rows and includes the write-ahead log.
    let lock = Lock::acquire(&path, at("2026-11-23T18:00:00Z")).unwrap();
    let archive = Archive::open(&path, &lock).unwrap();
    archive
        .connection()
        .execute_batch("UPDATE syncs SET reason = 'committed'; BEGIN; DELETE FROM pipeline_snapshots")
        .unwrap();
    assert_eq!(run(&path, &["backup", backup.to_str().unwrap()]).code, 0);
    assert_eq!(
        workspace::rows_of(&backup, "SELECT reason, (SELECT count(*) FROM pipelines) FROM syncs"),
        ["committed|40"]
    );
}

#[test]
fn a_backup_never_replaces_the_archive_itself() {
    let workspace = eventful(60);
    let path = workspace.path();
    let (link, hard) = (workspace.file("link.db"), workspace.file("hard.db"));
    symlink(&path, &link).unwrap();
    fs::hard_link(&path, &hard).unwrap();
    let roundabout = path.parent().unwrap().join(".").join("runledger.db");
    let own = ["-wal", "-shm", "-journal", ".lock"]
        .map(|suffix| PathBuf::from(format!("{}{suffix}", path.display())));
    let before = fs::metadata(&path).unwrap().ino();
    for place in [&path, &link, &hard, &roundabout].into_iter().chain(&own) {
        let ran = run(&path, &["backup", place.to_str().unwrap()]);
        assert_eq!(ran.code, 2, "{}", place.display());
        assert!(ran.err.contains("belongs to the archive itself"), "{}", ran.err);
    }
    let through_link = run(&link, &["backup", own[0].to_str().unwrap()]);
    assert_eq!(through_link.code, 2);
    assert_eq!(run(&path, &["backup", "/dev/null"]).code, 2);
    assert_eq!(fs::metadata(&path).unwrap().ino(), before);
    assert_eq!(broken(&path), (0, Vec::new()));
}

#[test]
fn a_failed_backup_keeps_the_previous_one() {
    let workspace = eventful(60);
    let backup = workspace.file("backup.db");
    workspace.archive().backup_to(&backup, at("2026-11-24T00:00:00Z")).unwrap();
    let before = fs::read(&backup).unwrap();
    let nowhere = workspace.file("nowhere/backup.db");
    let ran = run(&workspace.path(), &["backup", nowhere.to_str().unwrap()]);
    assert_eq!(ran.code, 7, "{}", ran.err);
    assert!(ran.err.contains("was not written"), "{}", ran.err);
    // A table without its pages.
    let damaged = workspace.file("damaged.db");
    workspace.archive().backup_to(&damaged, at("2026-11-24T00:00:00Z")).unwrap();
    let root: u64 = Connection::open(&damaged)
        .unwrap()
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'run_snapshots'", [], |row| row.get(0))
        .unwrap();
    let mut bytes = fs::read(&damaged).unwrap();
    bytes[((root - 1) * PAGE) as usize..][..64].fill(0xff);
    fs::write(&damaged, bytes).unwrap();
    let ran = run(&damaged, &["backup", backup.to_str().unwrap()]);
    assert_eq!(ran.code, 6, "{}", ran.err);
    assert!(fs::read(&backup).unwrap() == before);
    let leftovers = fs::read_dir(backup.parent().unwrap()).unwrap();
    let leftovers = leftovers
        .filter(|file| file.as_ref().unwrap().file_name().to_str().unwrap().starts_with(".runledger-"));
    assert_eq!(leftovers.count(), 0);
}

#[test]
fn a_backup_replaces_only_an_older_state_of_the_same_archive() {
    let workspace = eventful(60);
    let (path, target) = (workspace.path(), workspace.file("target.db"));
    let refused = |words: &str| {
        let before = fs::read(&target).unwrap();
        let ran = run(&path, &["backup", target.to_str().unwrap()]);
        ran.refused(2, &["cannot replace", words, "hint:"]);
        assert!(fs::read(&target).unwrap() == before, "{words}");
    };
    let backup = |from: &Path, to: &Path| {
        let ran = run(from, &["backup", to.to_str().unwrap()]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    };
    let edited = |sql: &str| Connection::open(&target).unwrap().execute_batch(sql).unwrap();
    fs::write(&target, "A thesis.").unwrap();
    refused("it is not a backup of this archive");
    fs::write(&target, "").unwrap();
    edited("CREATE TABLE t (x)");
    refused("it is not a backup of this archive");
    // Of another workspace, with the same numbers.
    let other = eventful(61);
    fs::remove_file(&target).unwrap();
    other.wait(chrono::TimeDelta::seconds(1));
    other.sync_into(&target, &options());
    refused("other syncs");
    // An older state, also one that was written during a sync.
    fs::remove_file(&target).unwrap();
    backup(&path, &target);
    backup(&path, &target);
    edited("UPDATE syncs SET outcome = 'running', ended_at = NULL, exit_code = NULL");
    backup(&path, &target);
    // A newer one, and one in which a month was closed.
    workspace.wait(chrono::TimeDelta::hours(1));
    workspace.sync_into(&target, &options());
    refused("1 other syncs");
    fs::remove_file(&target).unwrap();
    backup(&path, &target);
    let close = ["close", "2026-10", "--force", "--zone", "UTC"];
    assert_eq!(run(&target, &close).code, 0);
    refused("1 other closes");
    // One that cannot be compared.
    fs::remove_file(&target).unwrap();
    backup(&path, &target);
    edited("ALTER TABLE syncs RENAME COLUMN kind TO sort");
    refused("cannot be compared");
    let of =
        |version: u32| Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/v{version}.db"));
    fs::copy(of(1), &target).unwrap();
    refused("other syncs");
}

#[test]
fn a_backup_to_a_file_with_a_log_or_a_held_lock_is_refused() {
    let workspace = eventful(60);
    let (path, target) = (workspace.path(), workspace.file("target.db"));
    let backup = || run(&path, &["backup", target.to_str().unwrap()]);
    assert_eq!(backup().code, 0);
    let bytes = fs::read(&target).unwrap();
    for suffix in ["-wal", "-journal"] {
        let log = workspace.file(&format!("target.db{suffix}"));
        for content in ["", "of an earlier file"] {
            fs::write(&log, content).unwrap();
            backup().refused(2, &[&format!("target.db{suffix}"), "choose another file"]);
            assert!(fs::read(&target).unwrap() == bytes && fs::read_to_string(&log).unwrap() == content);
        }
        fs::remove_file(&target).unwrap();
        backup().refused(2, &[&format!("target.db{suffix}")]);
        fs::write(&target, &bytes).unwrap();
        fs::remove_file(log).unwrap();
    }
    let lock = Lock::acquire(&target, at("2026-11-24T00:00:00Z")).unwrap();
    backup().refused(11, &["another process is using the archive"]);
    assert!(fs::read(&target).unwrap() == bytes);
    drop(lock);
    assert_eq!(backup().code, 0);
}

#[test]
fn a_backup_over_an_archive_that_a_sync_writes_to_is_refused() {
    let workspace = eventful(60);
    let (path, target) = (workspace.path(), workspace.file("target.db"));
    assert_eq!(run(&path, &["backup", target.to_str().unwrap()]).code, 0);
    let (from, to) = (path.clone(), target.clone());
    let tried = std::sync::Arc::new(std::sync::Mutex::new(None));
    workspace.sandbox.on_request({
        let tried = std::sync::Arc::clone(&tried);
        move |call, _| {
            if workspace::page_of(call) == Some(2) {
                *tried.lock().unwrap() = Some(run(&from, &["backup", to.to_str().unwrap()]));
            }
            None
        }
    });
    workspace.sync_into(&target, &runledger::internal::sync::Options { full: true, ..options() });
    let tried = tried.lock().unwrap().take().unwrap();
    assert!([2, 11].contains(&tried.code), "{tried:?}");
    assert_eq!(broken(&target), (0, Vec::new()));
}
