//! The check of a folder of statements.

use super::{MONTH, MonthEnd, ZONE, closed, files, written};
use crate::support::command::{Ran, ran};
use runledger::internal::statements::{INDEX_FILE, stem};
use serde_json::json;
use std::fs;
use std::process::Command;

fn check(month_end: &MonthEnd, folder: &str) -> Ran {
    month_end.run(&["statements", "--check", folder])
}

/// Asserts that the check fails with these lines.
fn assert_differs(month_end: &MonthEnd, folder: &str, lines: &[&str]) {
    let ran = check(month_end, folder);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("are not those of the archive"), "{ran:?}");
    for line in lines {
        let is_there = |printed: &str| printed.starts_with("DIFFERS  ") && printed.contains(line);
        assert!(ran.out.lines().any(is_there), "{line:?} is not in\n{}", ran.out);
    }
}

#[test]
fn the_check_names_the_close_and_each_cost_center() {
    let month_end = closed(150);
    written(&month_end, "out");
    let ran = check(&month_end, "out");
    assert_eq!(ran.code, 0, "{ran:?}");
    let cost = month_end.rows(&["report", "cost", "--period", MONTH]).remove(0);
    for expected in [
        "ok       2025-02: close 1".to_owned(),
        format!("ok       sum of runs: {}, as in close 1", cost["runs"]),
        format!("ok       sum of runs_cost_unknown: {}, as in close 1", cost["runs_cost_unknown"]),
        format!("ok       sum of total_cost_usd: {}, as in close 1", cost["total_cost_usd"]),
        "ok       each cost center: as in the archive".to_owned(),
    ] {
        assert!(ran.out.lines().any(|line| line == expected), "{expected} is not in\n{}", ran.out);
    }
    for center in ["Data", "data", "../=Operações: CON", "unallocated"] {
        assert!(ran.out.lines().any(|line| line.starts_with(&format!("ok       {center}: "))), "{center}");
    }
}

#[test]
fn the_check_reports_each_changed_file() {
    let month_end = closed(120);
    let folder = written(&month_end, "out");
    let stem = stem(MONTH, "Data");
    let csv = format!("{stem}.csv");
    for name in [&csv, &format!("{stem}.xlsx"), &format!("{stem}.manifest.json")] {
        let good = fs::read(folder.join(name)).unwrap();
        fs::write(folder.join(name), [good.as_slice(), b"\n"].concat()).unwrap();
        assert_differs(&month_end, "out", &[&format!("Data: {name} was changed")]);
        fs::remove_file(folder.join(name)).unwrap();
        assert_differs(&month_end, "out", &[&format!("Data: {name} cannot be read")]);
        fs::write(folder.join(name), good).unwrap();
        assert_eq!(check(&month_end, "out").code, 0);
    }
    let stray = format!("{}.csv", super::stem_of("Stray"));
    fs::write(folder.join(&stray), "").unwrap();
    assert_differs(&month_end, "out", &[&format!("{INDEX_FILE} does not list {stray}")]);
}

#[test]
fn the_check_reports_a_statement_that_was_left_out() {
    let month_end = closed(120);
    let folder = written(&month_end, "out");
    let index = folder.join(INDEX_FILE);
    let mut edited: serde_json::Value = serde_json::from_slice(&fs::read(&index).unwrap()).unwrap();
    let removed = edited["statements"].as_array_mut().unwrap().remove(0);
    fs::write(&index, edited.to_string()).unwrap();
    for file in removed["files"].as_array().unwrap() {
        fs::remove_file(folder.join(file["file"].as_str().unwrap())).unwrap();
    }
    assert_differs(&month_end, "out", &["sum of runs: ", "sum of total_cost_usd: ", "in the archive"]);
}

#[test]
fn the_check_reports_a_close_made_since() {
    let month_end = MonthEnd::of(150);
    month_end.set(super::RULES);
    month_end.output(&["statements", "--period", MONTH, "--zone", ZONE, "--output", "out"]);
    let open = check(&month_end, "out");
    assert_eq!(open.code, 0, "{open:?}");
    assert!(open.out.contains("-        2025-02 is not closed: compared with `report cost`"), "{open:?}");

    month_end.output(&["close", MONTH, "--zone", ZONE]);
    assert_differs(&month_end, "out", &["2025-02: not closed when they were written, close 1 now"]);
    written(&month_end, "out");
    assert_eq!(check(&month_end, "out").code, 0);

    // A late change alone changes nothing; a second close does.
    month_end.change(month_end.runs_of_the_month()[0], json!({"el_cost_usd": 99.5}));
    month_end.sync();
    assert_eq!(check(&month_end, "out").code, 0);
    month_end.output(&["close", "--restate", MONTH]);
    assert_differs(
        &month_end,
        "out",
        &["2025-02: close 1 when they were written, close 2 now", "sum of total_cost_usd: "],
    );
    written(&month_end, "out");
    assert_eq!(check(&month_end, "out").code, 0);
}

#[test]
fn the_check_reports_an_open_month_that_has_changed() {
    let month_end = MonthEnd::of(120);
    written(&month_end, "out");
    month_end.change(month_end.runs_of_the_month()[0], json!({"el_cost_usd": 99.5}));
    month_end.sync();
    assert_differs(&month_end, "out", &["sum of total_cost_usd: ", "unallocated: "]);
}

#[test]
fn a_restated_month_before_is_no_fault_of_the_statements() {
    let month_end = MonthEnd::opening("2025-03-05T12:00:00Z", 200, 90);
    month_end.settle();
    month_end.sync();
    month_end.output(&["close", "2025-01", "--zone", ZONE]);
    month_end.output(&["close", MONTH]);
    written(&month_end, "out");
    let january = month_end.rows(&["export", "costs", "--period", "2025-01"]).remove(0);
    month_end.change(january["run_id"].parse().unwrap(), json!({"el_cost_usd": 12.5}));
    month_end.sync();
    assert!(!check(&month_end, "out").out.contains("2025-01 has changed since"));
    month_end.output(&["close", "--restate", "2025-01", "--force"]);
    let ran = check(&month_end, "out");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("2025-01 has changed since, which the statements compare with"), "{ran:?}");
}

#[test]
fn the_check_needs_the_archive_under_any_name() {
    let month_end = closed(80);
    written(&month_end, "out");
    month_end.output(&["backup", "copy.db"]);
    month_end.output(&["statements", "--check", "out", "--db", "copy.db"]);
    let other = MonthEnd::elsewhere(60, 11);
    let path = month_end.workspace.file("other.db");
    other.output(&["backup", path.to_str().unwrap()]);
    month_end
        .run(&["statements", "--check", "out", "--db", "other.db"])
        .refused(2, &["give the archives that they were written from"]);
    month_end.run(&["statements", "--check", "nowhere"]).refused(2, &["there is no statements.json in it"]);
    assert!(files(&month_end.workspace.file("out")).len() > 1);
}

#[test]
fn statements_of_two_archives_add_up_to_both_closes() {
    let (acme, globex) = (closed(120), MonthEnd::elsewhere(60, 11));
    globex.output(&["close", MONTH, "--zone", ZONE]);
    for (month_end, name) in [(&acme, "acme.db"), (&globex, "globex.db")] {
        month_end.output(&["backup", acme.workspace.file(name).to_str().unwrap()]);
    }
    let both =
        |arguments: &[&str]| acme.output(&[arguments, &["--db", "acme.db", "--db", "globex.db"]].concat());
    both(&["statements", "--period", MONTH, "--output", "both"]);
    let checked = both(&["statements", "--check", "both"]);
    let total = both(&["report", "cost", "--period", MONTH, "--format", "csv"]);
    let total = crate::support::command::rows_of_csv(total).remove(0)["total_cost_usd"].clone();
    assert!(
        checked.contains(&format!(
            "sum of total_cost_usd: {total}, as in close 1 of acme and close 1 of globex"
        )),
        "{checked}"
    );
    // Nothing is closed in only one of both, and the order does not matter.
    acme.output(&["statements", "--check", "both", "--db", "globex.db", "--db", "acme.db"]);
    acme.run(&["statements", "--check", "both", "--db", "acme.db"])
        .refused(2, &["the archive of acme, globex"]);
}

#[test]
fn statements_of_months_closed_under_older_schemas_add_up() {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for version in 2..=5 {
        let name = format!("v{version}.db");
        fs::copy(fixtures.join(&name), folder.path().join(&name)).unwrap();
        let run = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_runledger"));
            command.env_clear().current_dir(folder.path()).args(arguments).args(["--db", &name]);
            let ran = ran(command);
            assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
            ran.out
        };
        run(&["migrate"]);
        let out = format!("v{version}");
        run(&["statements", "--period", "2026-10", "--output", &out]);
        let checked = run(&["statements", "--check", &out]);
        assert!(checked.contains("sum of total_cost_usd: 1.574112275, as in close 2"), "{checked}");
    }
}
