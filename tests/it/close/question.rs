//! The question that `runledger close` asks at a terminal.

use super::SETTINGS;
use super::objections::untouched;
use crate::support::month_end::{MONTH, MonthEnd};
use serde_json::json;
use std::io::Write;
use std::process::{Command, Stdio};

/// Runs the command at a terminal that `script` makes, and types an answer. Returns its exit code, and what the
/// terminal shows.
fn at_a_terminal(month_end: &MonthEnd, arguments: &str, typed: &str) -> (i32, String) {
    let command = format!("'{}' {arguments}", env!("CARGO_BIN_EXE_runledger"));
    let mut child = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .current_dir(month_end.workspace.file(""))
        .env("RUNLEDGER_DB", month_end.workspace.path())
        .envs([("TERM", "xterm"), ("NO_COLOR", "1"), ("COLUMNS", "200"), ("SHELL", "/bin/sh")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_close_at_a_terminal_needs_a_yes() {
    let month_end = MonthEnd::of(40);
    month_end.set(SETTINGS);
    let before = untouched(&month_end);
    let close = format!("close {MONTH}");
    for typed in ["n\n", "\n", ""] {
        let (code, shown) = at_a_terminal(&month_end, &close, typed);
        assert_eq!(code, 2, "{typed:?}: {shown}");
        assert!(shown.contains("Close 2025-02 (preview)"), "{shown}");
        assert!(shown.contains(" USD? [y/N] "), "{shown}");
        assert!(shown.contains("error: 2025-02 is not closed: the answer was not yes"), "{shown}");
        assert_eq!(untouched(&month_end), before, "{typed:?}");
    }
    let (code, shown) = at_a_terminal(&month_end, &close, "y\n");
    assert_eq!(code, 0, "{shown}");
    assert!(shown.ends_with("2025-02 is closed: close 1\r\n"), "{shown}");
}

#[test]
fn scripts_and_previews_at_a_terminal_are_not_asked() {
    let month_end = MonthEnd::of(40);
    month_end.set(SETTINGS);
    for arguments in ["--dry-run", "--yes", "--restate --json"] {
        let (code, shown) = at_a_terminal(&month_end, &format!("close {MONTH} {arguments}"), "");
        assert_eq!(code, 0, "{shown}");
        assert!(!shown.contains("[y/N]"), "{arguments}: {shown}");
    }
    assert_eq!(month_end.workspace.rows("SELECT count(*) FROM period_closes"), ["2"]);
}

#[test]
fn a_month_with_objections_is_shown_once_and_not_asked_about() {
    let month_end = MonthEnd::of(60);
    month_end.set(SETTINGS);
    let runs = month_end.runs_of_the_month();
    month_end.change(runs[1], json!({"status": "running", "ended_at": null}));
    month_end.sync();
    let (code, shown) = at_a_terminal(&month_end, &format!("close {MONTH}"), "y\n");
    assert_eq!(code, 2, "{shown}");
    assert_eq!(shown.matches("1 run is unsettled: ").count(), 1, "{shown}");
    assert!(!shown.contains("[y/N]"), "{shown}");
}
