//! The modes of the files that runledger writes.

use crate::support::machine::{Machine, SYNC};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs a command with this umask and asserts that it succeeds.
fn run_with_umask(machine: &Machine, umask: &str, archive: &Path, arguments: &[&str]) {
    let output = machine.under_shell(&format!("umask {umask}"), archive, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

#[test]
fn a_new_archive_is_private_whatever_the_umask_is() {
    let machine = Machine::of(5);
    for umask in ["000", "022", "077"] {
        let archive = machine.file(&format!("{umask}.db"));
        run_with_umask(&machine, umask, &archive, &SYNC);
        let copy = machine.file("copy.db");
        run_with_umask(&machine, umask, &archive, &["backup", "copy.db"]);
        for path in [&archive, &machine.file(&format!("{umask}.db.lock")), &copy] {
            assert_eq!(mode(path), 0o600, "{} with umask {umask}", path.display());
        }
        fs::remove_file(&copy).unwrap();
    }
    let demo = machine.file("demo.db");
    run_with_umask(&machine, "022", &demo, &["demo", "--runs", "100"]);
    assert_eq!(mode(&demo), 0o600);
}

#[test]
fn an_archive_keeps_its_mode_and_its_copies_follow_it() {
    let machine = Machine::of(5);
    let archive = machine.file("a.db");
    // A version 3 archive is copied before its migration.
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v3.db"), &archive).unwrap();
    for archive_mode in [0o640, 0o660] {
        set_mode(&archive, archive_mode);
        let mut sync = machine.under_shell("umask 077", &archive, ["sync", "--quiet", "--accept-workspace"]);
        // The API has none of its runs.
        let code = sync.output().unwrap().status.code();
        assert!([Some(0), Some(3)].contains(&code), "{code:?}");
        // Its own connection keeps the log.
        let reader = rusqlite::Connection::open(&archive).unwrap();
        reader.query_row("SELECT count(*) FROM runs", [], |_| Ok(())).unwrap();
        run_with_umask(&machine, "077", &archive, &["backup", "copy.db"]);
        let entries = fs::read_dir(machine.folder()).unwrap().map(|entry| entry.unwrap().path());
        // The copy from before the migration is as old as its mode, and the lock of a backup is older than that.
        let is_old = |path: &PathBuf| {
            let name = path.to_string_lossy();
            name.ends_with("copy.db.lock") || (archive_mode != 0o640 && name.ends_with(".bak"))
        };
        let files: Vec<_> = entries.filter(|path| !is_old(path)).collect();
        assert!(files.len() >= 5, "{files:?}");
        for path in &files {
            assert_eq!(mode(path), archive_mode, "{}", path.display());
        }
    }
}

#[test]
fn outputs_follow_the_umask_and_keep_the_mode_of_what_they_replace() {
    let machine = Machine::of(5);
    let archive = machine.file("a.db");
    run_with_umask(&machine, "022", &archive, &SYNC);
    for (name, arguments) in [
        ("runs.csv", &["export", "runs", "--output", "runs.csv"][..]),
        ("page.html", &["report", "html", "--output", "page.html"]),
        ("rows.csv", &["query", "SELECT 1", "--format", "csv", "--output", "rows.csv"]),
        ("runledger.prom", &["sync", "--quiet", "--metrics-file", "runledger.prom"]),
        ("dataset/_runledger.json", &["export", "parquet", "--output", "dataset"]),
    ] {
        let path = machine.file(name);
        run_with_umask(&machine, "027", &archive, arguments);
        assert_eq!(mode(&path), 0o640, "{name}");
        for kept in [0o600, 0o664] {
            set_mode(&path, kept);
            run_with_umask(&machine, "027", &archive, arguments);
            assert_eq!(mode(&path), kept, "{name}");
        }
    }
    assert_eq!(mode(&archive), 0o600);
}
