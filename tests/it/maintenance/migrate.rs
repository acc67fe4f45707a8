//! The command `migrate`: archives and backups of every landed schema version, without the API.

use super::salvage::fixtures;
use super::{broken, closed, command, ran, run};
use crate::support::invariants::contents;
use crate::support::workspace::at;
use runledger::internal::store::Lock;
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};

/// The version of the newest migration in that file.
fn version(path: &Path) -> u32 {
    let archive = Connection::open(path).unwrap();
    archive.query_row("SELECT max(version) FROM refinery_schema_history", [], |row| row.get(0)).unwrap()
}

/// The verified copies in the folder.
fn copies(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut copies: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|extension| extension == "bak")).collect();
    copies.sort_unstable();
    copies
}

/// The version of this program's newest migration.
fn newest() -> u32 {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
    files.filter(|name| name.to_str().unwrap().ends_with(".sql")).count() as u32
}

#[test]
fn archives_of_every_landed_schema_are_migrated_and_checked() {
    for fixture in fixtures() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        fs::copy(&fixture, &path).unwrap();
        let before = version(&path);
        if before < newest() {
            // The hint of a report is the command to run.
            let refused = run(&path, &["report", "cost"]);
            assert_eq!(refused.code, 6, "{refused:?}");
            let advice = format!("`runledger migrate --db {}` migrates it", path.display());
            assert!(refused.err.contains(&advice), "{}", refused.err);
            let done = ran(command(&path, &["migrate"]));
            assert_eq!((done.code, done.err.as_str()), (0, ""), "{done:?}");
            let copy = copies(folder.path()).pop().unwrap();
            assert!(
                done.out.contains(&format!("from schema version {before} to {}", newest())),
                "{}",
                done.out
            );
            assert!(
                done.out.contains(&format!("a verified copy of it is in {}", copy.display())),
                "{}",
                done.out
            );
            assert_eq!(version(&copy), before);
            assert_eq!(contents(&copy), contents(&fixture));
        }
        assert_eq!(version(&path), newest());
        assert_eq!(broken(&path), (0, Vec::new()));
        assert_eq!(run(&path, &["report", "cost"]).code, 0);
        // A second one has nothing to do.
        let bytes = fs::read(&path).unwrap();
        let number = copies(folder.path()).len();
        let done = run(&path, &["migrate"]);
        assert_eq!(done.code, 0, "{done:?}");
        assert!(
            done.out.contains(&format!("nothing to do, its schema is version {}", newest())),
            "{}",
            done.out
        );
        assert_eq!((copies(folder.path()).len(), fs::read(&path).unwrap() == bytes), (number, true));
        // A backup stays one file: the fixtures are backups.
        let files: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with("-wal") || name.ends_with("-shm") || name.ends_with("-journal"))
            .collect();
        assert_eq!(files, [""; 0]);
        assert_eq!(bytes[18..20], [1, 1], "it is in rollback mode, as it was");
    }
}

#[test]
fn several_archives_are_migrated_and_each_failure_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let [one, other] = ["one.db", "other.db"].map(file);
    for path in [&one, &other] {
        fs::copy(&fixtures()[0], path).unwrap();
    }
    fs::write(file("notes.txt"), "no archive").unwrap();
    let mut several = assert_cmd::Command::cargo_bin("runledger").unwrap();
    several.arg("migrate").env_remove("NEKT_API_KEY").env_remove("RUNLEDGER_DB");
    for path in [file("none.db"), one.clone(), file("notes.txt"), other.clone()] {
        several.arg("--db").arg(path);
    }
    let done = ran(several);
    assert_eq!(done.code, 6, "{done:?}");
    assert!(done.err.contains("none.db") && done.err.contains("notes.txt"), "{}", done.err);
    assert_eq!(done.out.lines().count(), 2, "{}", done.out);
    assert_eq!([version(&one), version(&other)], [newest(); 2]);

    // With JSON, each archive has its line, and the last error is also the last line of standard error.
    let mut several = assert_cmd::Command::cargo_bin("runledger").unwrap();
    several.args(["migrate", "--json"]).env_remove("NEKT_API_KEY").env_remove("RUNLEDGER_DB");
    for path in [file("none.db"), one.clone()] {
        several.arg("--db").arg(path);
    }
    let done = ran(several);
    let lines: Vec<serde_json::Value> =
        done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines[0]["exit_code"] == 6 && lines[1]["exit_code"] == 0, "{done:?}");
    assert_eq!(lines[1]["schema_version"], newest(), "{done:?}");
    assert!(done.code == 6 && lines[0]["error"].is_string() && lines[1]["error"].is_null(), "{done:?}");

    // Every workspace in the settings.
    for path in [&one, &other] {
        fs::copy(&fixtures()[1], path).unwrap();
    }
    let workspace = |name: &str| {
        format!("[[workspace]]\nname = \"{name}\"\narchive = \"{name}.db\"\napi_key_file = \"none\"\n")
    };
    fs::write(file("runledger.toml"), workspace("one") + &workspace("other")).unwrap();
    let mut all = assert_cmd::Command::cargo_bin("runledger").unwrap();
    all.args(["migrate", "--all", "--config"]).arg(file("runledger.toml"));
    all.env_remove("NEKT_API_KEY").env_remove("RUNLEDGER_DB").current_dir(folder.path());
    let done = ran(all);
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{done:?}");
    assert_eq!([version(&one), version(&other)], [newest(); 2]);
}

#[test]
fn an_archive_that_cannot_be_migrated_is_named_and_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let assert_refused = |code: i32, why: &str| {
        let before = fs::read(&path).ok();
        let refused = run(&path, &["migrate"]);
        assert_eq!(refused.code, code, "{refused:?}");
        assert!(refused.err.contains(why) && refused.err.contains("hint:  "), "{}", refused.err);
        assert_eq!((fs::read(&path).ok(), copies(folder.path()).len()), (before, 0));
    };
    assert_refused(6, "there is no such file");
    assert!(!path.exists());
    let workspace = closed(20);
    workspace.archive().backup_to(&path, at("2026-11-24T00:00:00Z")).unwrap();
    let newer = Connection::open(&path).unwrap();
    newer.execute_batch("UPDATE refinery_schema_history SET version = 999 WHERE version = 1").unwrap();
    drop(newer);
    assert_refused(6, "its schema is version 999");
    fs::copy(&fixtures()[0], &path).unwrap();
    let lock = Lock::acquire(&path, at("2026-11-24T00:00:00Z")).unwrap();
    assert_refused(11, "another process is using the archive");
    drop(lock);
    // A current archive needs no lock.
    let lock = Lock::acquire(&workspace.path(), at("2026-11-24T00:00:00Z")).unwrap();
    let done = run(&workspace.path(), &["migrate"]);
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{done:?}");
    drop(lock);
}
