//! The command `demo`.

use super::{archived, command, command_with, run, with};
use crate::support::workspace;
use runledger::internal::store::Lock;
use std::fs;

#[test]
fn the_demo_needs_no_account_and_prints_its_steps() {
    let folder = tempfile::tempdir().unwrap();
    let mut sizes = Vec::new();
    for _ in 0..2 {
        let printed = run(command(folder.path(), &["demo", "--runs", "300", "--verbose"]));
        assert_eq!(printed.code, 0, "{printed:?}");
        let printed = printed.out;
        for part in [
            "Synced 297 runs: 297 new   (first, ",
            "is closed: close 1",
            "$ runledger sync --full\nSynced 300 runs: 3 new, ",
            "$ runledger show ",
            "History",
            " pipelines in runledger-demo.db: ",
        ] {
            assert!(printed.contains(part), "{part:?} is not in {printed}");
        }
        let archive = folder.path().join("runledger-demo.db");
        sizes.push(workspace::rows_of(&archive, "SELECT count(*) FROM runs"));
        let status = run(command(folder.path(), &["status", "--db", "runledger-demo.db", "--json"])).json();
        assert_eq!(status["last_sync"]["outcome"], "complete");
    }
    assert_eq!(sizes, [["300"], ["300"]], "the second demo starts from scratch");
}

#[test]
fn the_demo_fits_one_screen_and_its_commands_work() {
    let folder = tempfile::tempdir().unwrap();
    let printed = run(command(folder.path(), &["demo", "--runs", "300", "--db", "demo.db"])).out();
    let lines: Vec<&str> = printed.lines().collect();
    // The months begin with the closed one, which is four months ago on a few days of the year.
    assert!((15..=16).contains(&lines.len()), "{} lines: {printed}", lines.len());
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{printed}");
    assert!(
        lines[0].starts_with("300 generated runs of ") && lines[0].contains(" in demo.db: "),
        "{printed}"
    );
    assert!(lines[2].starts_with("Cost by month, last "), "{printed}");
    assert!(printed.contains("◆ closed with ") && printed.contains("   … running"), "{printed}");
    let next: Vec<&str> = printed.split("Next   ").nth(1).unwrap().lines().collect();
    assert_eq!(next[0], "export RUNLEDGER_DB=demo.db");
    for line in &next[1..] {
        let line = line.trim().strip_prefix("runledger ").unwrap();
        let words: Vec<&str> = line.split("   ").next().unwrap().split(' ').collect();
        let mut command = command(folder.path(), &words);
        command.env("RUNLEDGER_DB", "demo.db");
        assert_eq!(run(command).code, 0, "{line}");
    }
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
    // A sync through a tunnel has a loopback address, as the demo has.
    let tunneled = workspace.path();
    for file in [notes, other, real, tunneled] {
        let before = fs::read(&file).unwrap();
        let ran = with(&workspace, &["demo", "--runs", "100", "--db", file.to_str().unwrap()]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains("already exists"), "{}", ran.err);
        assert!(fs::read(&file).unwrap() == before, "{} was changed", file.display());
    }
}

#[test]
fn a_demo_archive_that_another_command_wrote_to_is_kept() {
    let workspace = workspace::Workspace::of(10);
    let demo = ["demo", "--runs", "100", "--db", "demo.db"];
    for writes in [&["sync", "--accept-workspace", "--db", "demo.db"][..], &["close", "2025-01", "--force"]] {
        with(&workspace, &demo).out();
        with(&workspace, &["status", "--db", "demo.db"]).out();
        with(&workspace, &demo).out();
        let mut command = command_with(&workspace, writes);
        command.env("RUNLEDGER_DB", workspace.file("demo.db"));
        let wrote = run(command);
        assert!([0, 3].contains(&wrote.code), "{wrote:?}");
        let before = fs::read(workspace.file("demo.db")).unwrap();
        with(&workspace, &demo).refused(2, &["already exists", "hint:  choose another file with --db"]);
        assert!(fs::read(workspace.file("demo.db")).unwrap() == before);
        fs::remove_file(workspace.file("demo.db")).unwrap();
    }
}

#[test]
fn a_demo_waits_for_no_other_writer_and_follows_links() {
    let workspace = workspace::Workspace::of(10);
    let demo = ["demo", "--runs", "100", "--db", "link.db"];
    std::os::unix::fs::symlink("demo.db", workspace.file("link.db")).unwrap();
    for _ in 0..2 {
        with(&workspace, &demo).out();
        assert!(fs::symlink_metadata(workspace.file("link.db")).unwrap().is_symlink());
    }
    let before = fs::read(workspace.file("demo.db")).unwrap();
    let _lock = Lock::acquire(&workspace.file("demo.db"), workspace::at("2026-11-23T16:00:00Z")).unwrap();
    with(&workspace, &demo).refused(11, &["another process is using the archive"]);
    assert!(fs::read(workspace.file("demo.db")).unwrap() == before);
}
