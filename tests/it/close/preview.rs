//! `runledger close --dry-run`.

use super::SETTINGS;
use super::objections::untouched;
use crate::support::month_end::{MONTH, MonthEnd};
use crate::support::workspace::at;
use runledger::internal::store::Lock;
use serde_json::{Value, json};
use std::fs;

#[test]
fn a_dry_run_prints_what_the_close_freezes_and_stores_nothing() {
    let month_end = MonthEnd::of(40);
    month_end.set(SETTINGS);
    let before = untouched(&month_end);
    let bytes = fs::read(month_end.workspace.path()).unwrap();
    let close = ["close", MONTH, "--by", "Ana"];
    // It takes no lock.
    let lock = Lock::acquire(&month_end.workspace.path(), at("2025-03-05T12:00:00Z")).unwrap();
    let preview = month_end.output(&[&close[..], &["--dry-run"]].concat());
    let printed = month_end.output(&[&close[..], &["--dry-run", "--json"]].concat());
    drop(lock);
    assert_eq!(untouched(&month_end), before);
    assert_eq!(fs::read(month_end.workspace.path()).unwrap(), bytes);
    assert!(preview.starts_with("2025-02 would be closed (dry run: nothing is stored)\n"), "{preview}");

    let closed = month_end.output(&close);
    assert_eq!(closed.lines().skip(1).collect::<Vec<_>>(), preview.lines().skip(1).collect::<Vec<_>>());
    let preview: Value = serde_json::from_str(&printed).unwrap();
    let mut listed: Value = serde_json::from_str(&month_end.output(&["close", "--json"])).unwrap();
    assert_eq!(preview[0]["close_id"], Value::Null);
    for varies in ["close_id", "closed_at"] {
        listed[0][varies] = preview[0][varies].clone();
    }
    assert_eq!(preview, listed);

    let restated = month_end.output(&["close", "--restate", MONTH, "--dry-run"]);
    assert!(restated.starts_with("2025-02 would be closed, restating close 1 (dry run"), "{restated}");
}

#[test]
fn a_dry_run_fails_as_the_close_would() {
    let month_end = MonthEnd::of(60);
    month_end.set(SETTINGS);
    let runs = month_end.runs_of_the_month();
    month_end.change(runs[1], json!({"status": "running", "ended_at": null}));
    month_end.sync();
    let before = untouched(&month_end);
    for arguments in [
        &["close", MONTH][..],
        &["close", "9998-12"],
        &["close", "2025-W06"],
        &["close", "--restate", MONTH],
        &["close", MONTH, "--zone", "Brasilia"],
        &["close", MONTH, "--by", ""],
    ] {
        let real = month_end.run(arguments);
        let dry = month_end.run(&[arguments, &["--dry-run"]].concat());
        assert_eq!((dry.code, &dry.err), (real.code, &real.err), "{arguments:?}");
        assert_eq!(dry.code, 2);
        assert_eq!(untouched(&month_end), before);
    }
    // With objections, it prints what --force would freeze too.
    let dry = month_end.run(&["close", MONTH, "--dry-run"]);
    assert!(dry.out.contains("\nobjections   [\"1 run is unsettled: "), "{dry:?}");
    let forced = month_end.output(&["close", MONTH, "--dry-run", "--force"]);
    assert_eq!(forced, dry.out);
    assert_eq!(untouched(&month_end), before);
    month_end.output(&["close", MONTH, "--force"]);
    month_end.run(&["close", MONTH, "--dry-run"]).refused(2, &["2025-02 was closed at "]);
    month_end.run(&["close", "--dry-run"]).refused(2, &["required"]);
}
