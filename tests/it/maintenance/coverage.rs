//! The command `coverage`: gaps in the archive.

use super::{json_of, run, run_online, tamper};
use crate::support::workspace::{Workspace, options};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::fs;
use uuid::Uuid;

/// A pipeline with enough runs.
fn busy_pipeline(workspace: &Workspace) -> (Uuid, Vec<Uuid>) {
    let sql = "SELECT pipeline_id FROM runs GROUP BY pipeline_id ORDER BY count(*) DESC, pipeline_id LIMIT 1";
    let pipeline: Uuid = workspace.rows(sql)[0].parse().unwrap();
    let runs =
        workspace.rows(&format!("SELECT run_id FROM runs WHERE pipeline_id = '{pipeline}' ORDER BY number"));
    (pipeline, runs.iter().map(|id| id.parse().unwrap()).collect())
}

/// The gaps of a kind, as `first-last`.
fn gaps(printed: &Value, why: &str) -> Vec<String> {
    let gaps = printed["gaps"].as_array().unwrap().iter().filter(|gap| gap["why"] == why);
    gaps.map(|gap| format!("{}-{}", gap["first"], gap["last"])).collect()
}

#[test]
fn coverage_explains_missing_run_numbers() {
    let workspace = Workspace::of(300);
    // Another archive, only to find a pipeline with many runs.
    workspace.sync(&options());
    let (pipeline, runs) = busy_pipeline(&workspace);
    assert!(runs.len() >= 10);
    fs::remove_file(workspace.path()).unwrap();
    let _ = fs::remove_file(format!("{}-wal", workspace.path().display()));
    let number = |id: Uuid| workspace.sandbox.model().document(id).unwrap()["number"].as_i64().unwrap();
    let (lowest, early) = (number(runs[0]), number(runs[3]));
    workspace.sandbox.model().delete(runs[0]);
    workspace.sandbox.model().delete(runs[3]);
    assert!(workspace.sync(&options()).result.is_ok());

    let ran = run(&workspace.path(), &["coverage", "--offline", "--json"]);
    let printed = json_of(&ran);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(gaps(&printed, "below_first").contains(&format!("1-{lowest}")), "{printed}");
    assert!(gaps(&printed, "before_archive").contains(&format!("{early}-{early}")), "{printed}");
    assert_eq!(gaps(&printed, "unexplained"), [""; 0]);

    // A vanished run keeps its number.
    workspace.wait(TimeDelta::hours(1));
    workspace.sandbox.model().delete(runs[5]);
    workspace.sync(&runledger::internal::sync::Options { full: true, ..options() });
    assert_eq!(run(&workspace.path(), &["coverage", "--offline"]).code, 0);

    workspace.wait(TimeDelta::hours(1));
    let added: Vec<Uuid> = (0..4).map(|_| workspace.sandbox.model().add_to(pipeline)).collect();
    let (lost, odd) = (number(added[0]), number(added[2]));
    {
        let mut model = workspace.sandbox.model();
        model.delete(added[0]);
        let mut document = model.document(added[2]).unwrap();
        document.insert("id".to_owned(), json!(7));
        model.set_text(added[2], &Value::Object(document).to_string());
    }
    workspace.sync(&options());
    let ran = run(&workspace.path(), &["coverage", "--offline"]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("1 run number is missing without explanation"), "{}", ran.err);
    assert!(
        ran.out.contains(&format!(": {lost}\n")) || ran.out.trim_end().ends_with(&format!(": {lost}")),
        "{}",
        ran.out
    );
    let printed = json_of(&run(&workspace.path(), &["coverage", "--offline", "--json"]));
    assert_eq!(gaps(&printed, "unexplained"), [format!("{lost}-{lost}")]);
    assert_eq!(gaps(&printed, "quarantined"), [format!("{odd}-{odd}")]);
}

#[test]
fn coverage_compares_the_apis_count_with_the_archive() {
    let workspace = Workspace::of(100);
    workspace.sync(&options());
    let asked = |workspace: &Workspace| {
        workspace.sandbox.forget_requests();
        let ran = run_online(workspace, &["coverage"]);
        assert_eq!(workspace.sandbox.request_count(), 1);
        ran
    };
    let ran = asked(&workspace);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("lists 100 runs, the same as the archive"), "{}", ran.out);
    let added = workspace.sandbox.model().add();
    let ran = asked(&workspace);
    assert!(
        ran.code == 0 && ran.out.contains("1 more than the archive: new since the last sync"),
        "{}",
        ran.out
    );
    workspace.sandbox.model().delete(added);
    let last = *workspace.ids().last().unwrap();
    workspace.sandbox.model().delete(last);
    let ran = asked(&workspace);
    assert!(ran.code == 0 && ran.out.contains("1 fewer than the archive"), "{}", ran.out);

    // A run that the archive lost, while the newest one is present.
    workspace.sandbox.model().add();
    workspace.sync(&options());
    let id = workspace.ids()[5];
    tamper(
        &workspace.path(),
        &format!(
            "DELETE FROM run_snapshots WHERE run_id = '{id}'; UPDATE syncs SET runs_new = runs_new - 3 WHERE sync_id = 1"
        ),
    );
    let ran = asked(&workspace);
    assert_eq!(ran.code, 3, "{}", ran.out);
    assert!(ran.err.contains("than the archive has"), "{}", ran.err);
    // Without a key, no request is sent.
    let ran = run(&workspace.path(), &["coverage"]);
    let words = "API          not asked: no API key (as with --offline)";
    assert!(ran.err.is_empty() && ran.out.contains(words), "{ran:?}");
    let ran = run(&workspace.path(), &["coverage", "--json"]);
    assert!(ran.err.contains("there is no API key"), "{ran:?}");
}

#[test]
fn an_incomplete_walk_gives_no_coverage() {
    let workspace = Workspace::of(100);
    let stop = runledger::internal::sync::CancelToken::default();
    stop.cancel(15);
    workspace.sync_until(&stop, &options());
    let ran = run(&workspace.path(), &["coverage", "--offline"]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("the run list was never read to its end"), "{}", ran.err);
}

#[test]
fn days_without_a_complete_sync_are_listed() {
    let workspace = Workspace::of(50);
    for day in ["2025-11-20", "2025-11-22", "2025-11-26"] {
        workspace.clock.set(&format!("{day}T12:00:00Z"));
        workspace.sync(&options());
    }
    let printed = json_of(&run(&workspace.path(), &["coverage", "--offline", "--json"]));
    let days = printed["days_without_complete_sync"].as_array().unwrap();
    assert_eq!(
        days[..2],
        [
            json!({"first": "2025-11-21", "last": "2025-11-21"}),
            json!({"first": "2025-11-23", "last": "2025-11-25"})
        ]
    );
    assert_eq!(days[2]["first"], "2025-11-27");
}
