//! The folder of statements: what is refused, what is replaced, and what is left alone.

use super::{MONTH, MonthEnd, ZONE, closed, files, written};
use runledger::internal::statements::{INDEX_FILE, stem};
use std::fs;

fn write_to<'a>(folder: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["statements", "--output", folder], more].concat()
}

#[test]
fn a_folder_of_another_month_zone_basis_or_archive_is_refused() {
    let month_end = MonthEnd::of(120);
    let folder = written(&month_end, "out");
    let before = files(&folder);
    let run = |more: &[&str]| month_end.run(&write_to("out", more));
    let hint = "give a folder of its own";
    run(&["--period", "2025-03"]).refused(2, &["out has statements of 2025-02, not 2025-03", hint]);
    run(&["--period", MONTH, "--zone", ZONE])
        .refused(2, &["statements of the time zone UTC, not the time zone America/Sao_Paulo", hint]);
    run(&["--period", MONTH, "--date-basis", "ended"])
        .refused(2, &["statements of the date basis started, not the date basis ended", hint]);
    let other = MonthEnd::elsewhere(60, 11);
    let copy = month_end.workspace.file("other.db");
    other.output(&["backup", copy.to_str().unwrap()]);
    run(&["--period", MONTH, "--db", "other.db"]).refused(2, &["the archive of", hint]);
    assert_eq!(files(&folder), before);
    // The advice.
    month_end.output(&write_to("statements-2025-03", &["--period", "2025-03"]));
}

#[test]
fn a_statement_of_another_month_without_an_index_is_refused() {
    let month_end = MonthEnd::of(60);
    fs::create_dir(month_end.workspace.file("out")).unwrap();
    let other = format!("{}.xlsx", stem("2025-01", "Data"));
    fs::write(month_end.workspace.file("out").join(&other), "").unwrap();
    let run = month_end.run(&write_to("out", &["--period", MONTH]));
    run.refused(2, &[&format!("out has {other}, a statement of another month")]);
    assert_eq!(files(&month_end.workspace.file("out")).len(), 1);
}

#[test]
fn an_index_that_is_none_is_refused() {
    let month_end = MonthEnd::of(60);
    let folder = written(&month_end, "out");
    let index = folder.join(INDEX_FILE);
    let good = fs::read_to_string(&index).unwrap();
    let name = format!("{}.csv", stem(MONTH, "unallocated"));
    let newer = good.replace("\"statements_version\": 1", "\"statements_version\": 2");
    for (text, cause) in [
        ("{}", "is not an index of statements"),
        (newer.as_str(), "was written by a newer version"),
        (good.replace(&name, "../runledger.toml").as_str(), "lists ../runledger.toml, which is no file"),
    ] {
        fs::write(&index, text).unwrap();
        month_end.run(&write_to("out", &["--period", MONTH])).refused(2, &[cause]);
        month_end.run(&["statements", "--check", "out"]).refused(2, &[cause]);
        assert_eq!(fs::read_to_string(&index).unwrap(), text);
    }
}

#[test]
fn other_files_in_the_folder_are_left_alone() {
    let month_end = closed(80);
    let folder = month_end.workspace.file("out");
    fs::create_dir_all(folder.join("below")).unwrap();
    let others = ["notes.txt", "outubro.csv", ".DS_Store", "2025-01-costs.csv", "below/x.csv"];
    for other in others {
        fs::write(folder.join(other), other).unwrap();
    }
    for _ in 0..2 {
        written(&month_end, "out");
        for other in others {
            assert_eq!(fs::read_to_string(folder.join(other)).unwrap(), other);
        }
        month_end.output(&["statements", "--check", "out"]);
    }
}

#[test]
fn a_statement_whose_cost_center_is_gone_is_removed() {
    let month_end = MonthEnd::of(80);
    month_end.set("[[cost_center]]\ncost_center = \"Old\"\nkind = \"source\"\n");
    let folder = written(&month_end, "out");
    let (old, new) = (format!("{}.csv", stem(MONTH, "Old")), format!("{}.csv", stem(MONTH, "New")));
    assert!(folder.join(&old).exists());
    month_end.set("[[cost_center]]\ncost_center = \"New\"\nkind = \"source\"\n");
    written(&month_end, "out");
    let names: Vec<String> = files(&folder).into_keys().collect();
    assert!(names.contains(&new) && !names.iter().any(|name| name.contains("-Old-")), "{names:?}");
    month_end.output(&["statements", "--check", "out"]);
}

#[test]
fn an_interrupted_write_is_reported_and_completed() {
    let month_end = MonthEnd::of(80);
    let folder = written(&month_end, "out");
    let complete = files(&folder);
    // Killed before the index of the second write, whose first file differs.
    let csv = folder.join(format!("{}.csv", stem(MONTH, "unallocated")));
    fs::write(&csv, "of another state").unwrap();
    assert_eq!(month_end.run(&["statements", "--check", "out"]).code, 3);
    written(&month_end, "out");
    assert_eq!(files(&folder), complete);
}

#[test]
fn a_folder_that_another_process_writes_to_is_refused() {
    let month_end = MonthEnd::of(60);
    let folder = written(&month_end, "out");
    let lock = fs::File::open(&folder).unwrap();
    lock.lock().unwrap();
    month_end
        .run(&write_to("out", &["--period", MONTH]))
        .refused(7, &["out was not written", "another process is writing statements to it"]);
    drop(lock);
    written(&month_end, "out");
    fs::write(month_end.workspace.file("taken"), "").unwrap();
    month_end.run(&write_to("taken", &["--period", MONTH])).refused(2, &["taken is not a folder"]);
}
