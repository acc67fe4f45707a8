//! Closed standard output or standard error.

use super::number;
use crate::support::machine::{Ended, Machine, SYNC};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

#[test]
fn a_closed_pipe_ends_a_command_silently() {
    let machine = Machine::of(200);
    let archive = machine.file("a.db");
    machine.synced(&archive, 0);
    for command in [
        &["export", "runs"][..],
        &["export", "documents"],
        &["export", "snapshots", "--format", "json"],
        &["report", "cost", "--by", "day", "--format", "csv"],
        &["query", "SELECT * FROM run_snapshots"],
        &["status"],
        &["--help"],
        &["sync", "--json"],
    ] {
        let mut child =
            machine.command(&archive, command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        // `head -1`, and a reader that reads nothing.
        if command.len() > 1 && command[0] == "export" {
            lines.read_line(&mut first).unwrap();
        }
        drop(lines);
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{command:?}");
    }
}

#[test]
fn a_closed_standard_error_ends_no_sync() {
    let machine = Machine::of(30);
    let archive = machine.file("a.db");
    for verbosity in ["-v", "-vvv"] {
        let mut command = machine.command(&archive, SYNC);
        let mut child = command.arg(verbosity).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        drop(child.stderr.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{verbosity}");
    }
    assert_eq!(number(&archive, "SELECT count(*) FROM syncs WHERE outcome = 'complete'"), 2);
}
