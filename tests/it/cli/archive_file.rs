//! Missing archives and files of other programs, for every command.

use super::{files, with};
use crate::support::workspace::Workspace;
use std::fs;

#[test]
fn every_command_rejects_files_of_other_programs() {
    let workspace = Workspace::of(10);
    fs::write(workspace.file("notes.txt"), "my notes, which are not an archive".repeat(100)).unwrap();
    let other = workspace.file("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let id = workspace.ids()[0].to_string();
    for name in ["notes.txt", "other.db"] {
        let before = fs::read(workspace.file(name)).unwrap();
        for args in [
            &["sync"][..],
            &["fetch", &id],
            &["status"],
            &["show", &id],
            &["report", "cost"],
            &["export", "runs"],
            &["query", "SELECT 1"],
            &["close"],
            &["close", "2025-01", "--force"],
            &["restatements"],
            &["reconcile", "--period", "2025-01", "--invoice", "1"],
            &["check"],
            &["drift"],
        ] {
            let ran = with(&workspace, &[args, &["--db", name]].concat());
            assert_eq!((ran.code, ran.out.as_str()), (6, ""), "{args:?} {name}: {ran:?}");
            assert!(
                ran.err.contains(name) && ran.err.contains("hint:  name another file with --db"),
                "{}",
                ran.err
            );
        }
        assert!(fs::read(workspace.file(name)).unwrap() == before);
    }
    assert_eq!(workspace.sandbox.request_count(), 0);
}

#[test]
fn a_missing_archive_comes_with_a_hint() {
    let workspace = Workspace::of(0);
    for args in [
        &["status"][..],
        &["report", "cost"],
        &["export", "runs"],
        &["query", "SELECT 1"],
        &["close"],
        &["close", "2025-01", "--force"],
        &["restatements"],
        &["reconcile", "--period", "2025-01", "--invoice", "1"],
    ] {
        let ran = with(&workspace, args);
        assert_eq!(ran.code, 6);
        assert!(
            ran.err.contains("there is no such file")
                && ran.err.contains("hint:  `runledger sync` creates it"),
            "{ran:?}"
        );
    }
    assert_eq!(files(&workspace), [""; 0], "reading creates no file");
    let ran = with(&workspace, &["sync", "--db", "no/such/folder/a.db"]);
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.err.contains("hint:  "), "{}", ran.err);
}

#[test]
fn a_mistyped_archive_comes_with_the_one_in_its_folder() {
    let workspace = Workspace::of(5);
    assert_eq!(with(&workspace, &["sync", "--db", "finance.db"]).code, 0);
    for (typed, hint) in [
        ("fniance.db", "did you mean `--db finance.db`?"),
        ("./finance.sqlite", "did you mean `--db ./finance.db`?"),
        ("other.db", "`runledger sync` creates it"),
        ("no/such/other.db", "check the path: there is no folder no/such"),
    ] {
        let ran = with(&workspace, &["report", "cost", "--db", typed]);
        assert!(ran.code == 6 && ran.err.contains(hint), "{typed}: {ran:?}");
    }
}
