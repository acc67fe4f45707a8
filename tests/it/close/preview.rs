//! `runledger close --dry-run`.

use super::SETTINGS;
use super::objections::untouched;
use crate::support::command::ran;
use crate::support::golden::assert_golden;
use crate::support::month_end::{MONTH, MonthEnd};
use crate::support::workspace::at;
use runledger::internal::store::Lock;
use serde_json::{Value, json};
use std::fmt::Write as _;
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
    assert!(preview.starts_with("Close 2025-02 (preview)"), "{preview}");
    assert!(preview.contains("\nReady         no objection to the close\n"), "{preview}");
    let next = "\nNothing is stored yet.   A close is permanent: runledger close 2025-02\n";
    assert!(preview.ends_with(next), "{preview}");

    let closed = month_end.output(&close);
    // Both end with different lines.
    let facts = |text: &str| {
        let lines = text.lines().filter(|line| !line.is_empty());
        lines
            .skip_while(|line| !line.starts_with("Total"))
            .take_while(|line| !line.starts_with("Ready"))
            // Only the preview says where the zone comes from.
            .filter(|line| !line.starts_with("Zone"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(facts(&closed).len() > 10, "{closed}");
    assert_eq!(facts(&closed), facts(&preview));
    let preview: Value = serde_json::from_str(&printed).unwrap();
    let mut listed: Value = serde_json::from_str(&month_end.output(&["close", "--json"])).unwrap();
    assert_eq!(preview[0]["close_id"], Value::Null);
    for varies in ["close_id", "closed_at"] {
        listed[0][varies] = preview[0][varies].clone();
    }
    assert_eq!(preview, listed);

    let restated = month_end.output(&["close", "--restate", MONTH, "--dry-run"]);
    assert!(restated.starts_with("Close 2025-02 (preview, restates close 1)"), "{restated}");
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
        &["close", "9998-12"][..],
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
    assert!(dry.out.contains("\nBlocked       1 run is unsettled: "), "{dry:?}");
    assert!(dry.out.ends_with("\nNothing is stored yet.\n"), "{dry:?}");
    assert!(
        dry.err.starts_with("error: 2025-02 is not ready to be closed: 1 objection, see above\n"),
        "{dry:?}"
    );
    let for_programs = month_end.run(&["close", MONTH, "--dry-run", "--json"]);
    assert!(for_programs.err.contains("1 run is unsettled: "), "{for_programs:?}");
    let forced = month_end.output(&["close", MONTH, "--dry-run", "--force"]);
    assert!(forced.contains("\nForced        1 run is unsettled: "), "{forced}");
    assert!(forced.ends_with("runledger close 2025-02 --force\n"), "{forced}");
    assert_eq!(untouched(&month_end), before);
    month_end.output(&["close", MONTH, "--force"]);
    month_end.run(&["close", MONTH, "--dry-run"]).refused(2, &["2025-02 was closed at "]);
    month_end.run(&["close", "--dry-run"]).refused(2, &["needs MONTH"]);
}

#[test]
fn a_preview_fits_its_terminal_and_rounds_for_people() {
    let month_end = MonthEnd::of(40);
    month_end.set(SETTINGS);
    let mut screens = String::new();
    for width in [45, 60, 80, 120, 200] {
        let mut command = month_end.command(&["close", MONTH, "--dry-run"]);
        command.env("COLUMNS", width.to_string());
        let preview = ran(command).out;
        let hash = |line: &&str| line.starts_with("SHA-256");
        assert!(
            preview.lines().filter(|line| !hash(line)).all(|line| line.chars().count() <= width),
            "{preview}"
        );
        writeln!(screens, "{width} columns:\n\n{preview}\n").unwrap();
    }
    assert_golden("screen-close-preview.txt", screens.as_bytes());
}

#[test]
fn a_preview_names_the_origin_of_the_zone() {
    let month_end = MonthEnd::of(40);
    let zone_of = |arguments: &[&str]| {
        let preview = month_end.output(&[&["close", MONTH, "--dry-run"], arguments].concat());
        preview
            .lines()
            .find(|line| line.starts_with("Zone "))
            .unwrap()
            .trim_start_matches("Zone")
            .trim()
            .to_owned()
    };
    assert_eq!(zone_of(&["--zone", "UTC"]), "UTC (--zone), booked by start");
    month_end.set("zone = \"America/Sao_Paulo\"\n");
    assert_eq!(zone_of(&[]), "America/Sao_Paulo (runledger.toml), booked by start");
    month_end.output(&["close", MONTH]);
    month_end.set("");
    assert_eq!(zone_of(&["--restate"]), "America/Sao_Paulo (close 1), booked by start");
}
