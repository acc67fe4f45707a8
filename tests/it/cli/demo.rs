//! The command `demo`.

use super::{archived, command, run, with};
use crate::support::workspace;
use std::fs;

#[test]
fn the_demo_needs_no_account_and_prints_reports() {
    let folder = tempfile::tempdir().unwrap();
    let mut sizes = Vec::new();
    for _ in 0..2 {
        let printed = run(command(folder.path(), &["demo", "--runs", "300"])).out();
        for part in [
            "first sync: 300 runs seen, 300 new",
            "is closed: close 1",
            "full sync: ",
            "$ runledger restatements",
            "$ runledger report cost",
            "$ runledger report duration",
            "History",
            "runledger-demo.db status",
        ] {
            assert!(printed.contains(part), "{part:?} is not in {printed}");
        }
        let archive = folder.path().join("runledger-demo.db");
        sizes.push(workspace::rows_of(&archive, "SELECT count(*) FROM runs"));
        let status = run(command(folder.path(), &["status", "--db", "runledger-demo.db", "--json"])).json();
        assert_eq!(status["last_sync"]["outcome"], "complete");
    }
    assert_eq!(sizes, [["303"], ["303"]], "the second demo starts from scratch");
}

#[test]
fn the_demo_never_overwrites_other_files() {
    let workspace = archived(10);
    let notes = workspace.file("notes.txt");
    fs::write(&notes, "my notes, which are not an archive").unwrap();
    let other = workspace.file("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let real = workspace.file("real.db");
    fs::copy(workspace.path(), &real).unwrap();
    rusqlite::Connection::open(&real)
        .unwrap()
        .execute_batch("UPDATE syncs SET api_url = 'https://api.nekt.ai'")
        .unwrap();
    for file in [notes, other, real] {
        let before = fs::read(&file).unwrap();
        let ran = with(&workspace, &["demo", "--runs", "100", "--db", file.to_str().unwrap()]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains("already exists"), "{}", ran.err);
        assert!(fs::read(&file).unwrap() == before, "{} was changed", file.display());
    }
}
