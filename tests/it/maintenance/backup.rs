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
