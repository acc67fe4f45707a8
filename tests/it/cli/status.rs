//! The commands `status` and `show`.

use super::{archived, with};
use crate::support::workspace::{Workspace, normal};
use serde_json::{Value, json};
use std::fs;
use uuid::Uuid;

#[test]
fn status_shows_contents_and_freshness() {
    let workspace = archived(150);
    let text = with(&workspace, &["status"]).out();
    for line in ["runs         150 in 150 snapshots", "pipelines    40", "vanished     0", "drift        0"] {
        assert!(text.lines().any(|found| found == line), "{line:?} is not in {text}");
    }
    let printed = with(&workspace, &["status", "--json"]).json();
    let numbers = json!({
        "schema_version": 4, "runs": 150, "snapshots": 150, "pipelines": 40, "vanished": 0, "quarantined": 0, "drift": [],
    });
    for (name, value) in numbers.as_object().unwrap() {
        assert_eq!(&printed[name], value, "{name}");
    }
    assert_eq!(
        (&printed["last_sync"]["outcome"], &printed["last_sync"]["runs_new"]),
        (&json!("complete"), &json!(150))
    );
    assert_eq!(printed["last_sync"]["started_at"], printed["last_complete_sync_at"]);
    assert_eq!(printed["file_bytes"], fs::metadata(workspace.path()).unwrap().len());

    assert_eq!(with(&workspace, &["status", "--max-age", "26h"]).code, 0);
    let stale = with(&workspace, &["status", "--max-age", "0s"]);
    assert_eq!(stale.code, 3);
    assert!(stale.err.contains("stale") && stale.out.starts_with("archive "), "{stale:?}");
}

#[test]
fn an_archive_without_a_complete_sync_is_stale() {
    let workspace = Workspace::of(10);
    with(&workspace, &["fetch", &workspace.ids()[0].to_string()]).out();
    let stale = with(&workspace, &["status", "--max-age", "26h"]);
    assert_eq!(stale.code, 3);
    assert!(stale.err.contains("no sync has completed yet"), "{}", stale.err);
}

#[test]
fn a_run_is_shown_with_its_history() {
    let workspace = archived(60);
    let id = workspace.ids()[10];
    let before = workspace.truth()[&id].clone();
    workspace.sandbox.model().change(id, |run| {
        run.insert("number".to_owned(), json!(4711));
        run.insert("note".to_owned(), json!("\u{1b}[31mred\u{7}"));
    });
    with(&workspace, &["sync", "--quiet"]);
    let printed = with(&workspace, &["show", &id.to_string(), "--json"]).json();
    assert_eq!(normal(&printed["run"].to_string()), workspace.truth()[&id]);
    let history = printed["history"].as_array().unwrap();
    assert_eq!((history.len(), &history[0]["changes"]), (2, &json!([])));
    assert_eq!(history[0]["superseded_at"], history[1]["observed_at"]);
    let changed: Vec<&Value> =
        history[1]["changes"].as_array().unwrap().iter().map(|change| &change["field"]).collect();
    assert_eq!(changed, ["number", "note"]);
    let kind =
        ["source", "destination", "transformation"].into_iter().find(|kind| !before[kind].is_null()).unwrap();
    assert_eq!((&printed["pipeline"]["kind"], &printed["pipeline"]["id"]), (&json!(kind), &before[kind]));
    assert_eq!(
        printed["pipeline"]["name"].as_str().unwrap(),
        workspace.rows(&format!("SELECT pipeline_name FROM runs WHERE run_id = '{id}'"))[0]
    );

    let text = with(&workspace, &["show", &id.to_string()]).out();
    assert!(text.contains(&format!("number: {} → 4711", before["number"])), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{7}']), "control characters are escaped");

    let unknown = with(&workspace, &["show", &Uuid::nil().to_string()]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("hint:  `runledger fetch"), "{}", unknown.err);
}
