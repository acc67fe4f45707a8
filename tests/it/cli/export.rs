//! The command `export`.

use super::{archived, with};
use crate::support::workspace::normal;
use serde_json::{Value, json};
use std::fs;
use uuid::Uuid;

#[test]
fn exported_documents_are_the_apis_runs_one_per_line() {
    let workspace = archived(120);
    let printed = with(&workspace, &["export", "documents"]).out();
    let documents = printed.lines().map(|line| {
        let run = normal(line);
        (run["id"].as_str().unwrap().parse::<Uuid>().unwrap(), run)
    });
    assert_eq!(documents.collect::<std::collections::BTreeMap<_, _>>(), workspace.truth());
    assert_eq!(printed.lines().count(), 120);
    assert_eq!(with(&workspace, &["export", "documents", "--output", "documents.ndjson"]).out(), "");
    assert_eq!(fs::read_to_string(workspace.file("documents.ndjson")).unwrap(), printed);
}

#[test]
fn exported_rows_have_every_run_and_every_snapshot() {
    let workspace = archived(60);
    let id = workspace.ids()[10];
    workspace.sandbox.model().change(id, |run| {
        run.insert("number".to_owned(), json!(4711));
    });
    with(&workspace, &["sync", "--quiet"]).out();
    for (what, rows) in [("runs", 60), ("snapshots", 61)] {
        let csv = with(&workspace, &["export", what]).out();
        assert_eq!(csv::Reader::from_reader(csv.as_bytes()).records().map(Result::unwrap).count(), rows);
        let json = with(&workspace, &["export", what, "--format", "json"]).json();
        assert_eq!(json.as_array().unwrap().len(), rows);
        let lines = with(&workspace, &["export", what, "--format", "ndjson"]).out();
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(&lines, json.as_array().unwrap());
    }
}

#[test]
fn unwritable_output_has_its_own_exit_code() {
    let workspace = archived(10);
    for args in [&["export", "runs"][..], &["report", "cost"], &["query", "SELECT 1"]] {
        let args = [args, &["--output", "no/such/folder/file"]].concat();
        let ran = with(&workspace, &args);
        assert_eq!(ran.code, 7, "{args:?}: {ran:?}");
        assert!(ran.err.contains("no/such/folder/file was not written"), "{}", ran.err);
    }
}

#[test]
fn a_reader_that_stops_early_causes_no_error() {
    let workspace = archived(200);
    let mut export = std::process::Command::new(env!("CARGO_BIN_EXE_runledger"))
        .args(["export", "documents"])
        .env("RUNLEDGER_DB", workspace.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(export.stdout.take());
    let output = export.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}
