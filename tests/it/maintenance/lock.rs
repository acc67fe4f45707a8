//! Waiting for the lock of an archive.

use super::run_online;
use crate::support::machine::with_default_hangup;
use crate::support::workspace::{Workspace, at};
use runledger::internal::store::Lock;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

/// A sync with `--wait`, after it has printed that it waits.
fn waiting(workspace: &Workspace) -> (std::process::Child, BufReader<std::process::ChildStderr>) {
    let mut child = with_default_hangup(env!("CARGO_BIN_EXE_runledger"))
        .args(["sync", "--lock-wait", "10m", "--db"])
        .arg(workspace.path())
        .env("NEKT_API_KEY", workspace.sandbox.api_key())
        .env("RUNLEDGER_API_URL", workspace.sandbox.url())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    err.read_line(&mut line).unwrap();
    let holder = format!(
        "waiting for another process: process {} since 2026-11-23T16:00:00.000000Z\n",
        std::process::id()
    );
    assert_eq!(line, holder);
    (child, err)
}

#[test]
fn a_waiting_sync_starts_when_the_lock_is_free() {
    let workspace = Workspace::of(50);
    let lock = Lock::acquire(&workspace.path(), at("2026-11-23T16:00:00Z")).unwrap();
    let (mut child, mut err) = waiting(&workspace);
    drop(lock);
    let status = child.wait().unwrap();
    let mut rest = String::new();
    err.read_to_string(&mut rest).unwrap();
    assert_eq!(status.code(), Some(0), "{rest}");
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn a_waiting_sync_stops_on_a_signal() {
    for (signal, code) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        let workspace = Workspace::of(50);
        let _lock = Lock::acquire(&workspace.path(), at("2026-11-23T16:00:00Z")).unwrap();
        let (mut child, _err) = waiting(&workspace);
        let sent = std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert!(!workspace.path().exists());
    }
}

#[test]
fn a_lock_timeout_names_the_holder() {
    let workspace = Workspace::of(50);
    let _lock = Lock::acquire(&workspace.path(), at("2026-11-23T16:00:00Z")).unwrap();
    let id = workspace.ids()[0].to_string();
    for arguments in
        [vec!["sync"], vec!["sync", "--lock-wait", "1s"], vec!["fetch", "--lock-wait", "1s", &id]]
    {
        let ran = run_online(&workspace, &arguments);
        assert_eq!(ran.code, 11, "{}", ran.err);
        assert!(
            ran.err.contains(&format!("process {} since 2026-11-23T16:00:00", std::process::id())),
            "{}",
            ran.err
        );
        assert_eq!(ran.err.contains("waiting for"), arguments.len() > 1);
    }
}
