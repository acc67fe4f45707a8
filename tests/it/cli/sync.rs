//! The commands `sync` and `fetch`: output, files and exit codes.

use super::{archived, command, files, run, with};
use crate::support::command::Ran;
use crate::support::invariants::contents;
use crate::support::workspace;
use crate::support::workspace::{Workspace, foreign, page_of};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use runledger::internal::store::Lock;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Mutex, mpsc};
use uuid::Uuid;

#[test]
fn a_sync_prints_what_it_did_and_what_is_open() {
    let workspace = Workspace::of(150);
    let first = with(&workspace, &["sync"]).out();
    assert!(first.starts_with("Synced 150 runs: 150 new   (first, 4 requests, "), "{first}");
    let unsettled = with(&workspace, &["status", "--json"]).json()["unsettled"].as_u64().unwrap();
    let expected = first.lines().nth(1).unwrap();
    let counts = expected.split("   ").map(|part| part.split(' ').next().unwrap().parse::<u64>().unwrap());
    assert!(unsettled > 0 && counts.sum::<u64>() == unsettled, "{expected}: {unsettled}");
    let place = format!("archive: {}", workspace.path().display());
    assert_eq!(
        first.lines().skip(2).collect::<Vec<_>>(),
        [place],
        "the first sync says where the archive is"
    );
    let next = with(&workspace, &["sync"]).out();
    assert!(next.contains(" runs: nothing new   (incremental, ") && next.lines().count() == 2, "{next}");
    assert_eq!(workspace.archived(), workspace.truth());
    assert_eq!(with(&workspace, &["sync", "--quiet"]).out(), "");
}

#[test]
fn a_sync_prints_its_counts_as_one_json_object() {
    let workspace = archived(150);
    workspace.sandbox.model().add();
    let id = workspace.ids()[20];
    workspace.sandbox.model().change(id, |run| {
        run.insert("status".to_owned(), json!("paused"));
    });
    workspace.sandbox.forget_requests();
    let printed =
        with(&workspace, &["sync", "--json", "--full", "--page-size", "50", "--concurrency", "2"]).json();
    let numbers = json!({
        "kind": "full", "reason": "requested", "dry_run": false, "exit_code": 0, "error": null,
        "runs_seen": 151, "runs_new": 1, "runs_changed": 1, "runs_unchanged": 149, "runs_vanished": 0,
        "items_quarantined": 0, "pages": 4, "newest_first": true, "missing": [],
        "new_drift": [{"field": "status", "kind": "value", "observed": "paused", "example_run_id": id}],
        "drift_unrecorded": 0,
        "requests": workspace.sandbox.request_count(),
    });
    for (name, value) in numbers.as_object().unwrap() {
        assert_eq!(&printed[name], value, "{name}");
    }
    assert!(printed["seconds"].is_number());
}

#[test]
fn a_dry_run_leaves_no_file_behind() {
    let workspace = Workspace::of(60);
    let printed = with(&workspace, &["sync", "--dry-run", "--json"]).json();
    assert_eq!((&printed["dry_run"], &printed["runs_new"]), (&json!(true), &json!(60)));
    assert_eq!(files(&workspace), [""; 0]);
    let line = with(&workspace, &["sync", "--dry-run"]).out();
    assert!(line.starts_with("Synced 60 runs: 60 new   (first, dry run: nothing was stored, "), "{line}");
}

#[test]
fn an_incomplete_sync_names_the_gap_and_exits_3() {
    let workspace = Workspace::of(60);
    workspace.sandbox.on_request(|call, _| {
        (!call.path.starts_with("/api/v1/runs/")).then(|| StatusCode::FORBIDDEN.into_response())
    });
    let ran = with(&workspace, &["sync"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("the names of sources"), "{}", ran.err);
    assert!(ran.out.starts_with("Synced 60 runs: 60 new   (first, partial, "), "{}", ran.out);
    let ran = with(&workspace, &["sync", "--json"]);
    let printed: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (ran.code, &printed["exit_code"], printed["missing"].as_array().unwrap().len()),
        (3, &json!(3), 3)
    );
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn a_redirect_means_the_api_is_unavailable() {
    let workspace = Workspace::of(10);
    workspace.sandbox.on_request(|call, _| {
        page_of(call).map(|_| (StatusCode::FOUND, [("location", "http://127.0.0.1:1/")]).into_response())
    });
    let ran = with(&workspace, &["sync"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.err.contains("hint:  check --api-url"), "{}", ran.err);
    assert_eq!(with(&workspace, &["status"]).code, 0);
}

#[test]
fn a_second_sync_names_the_lock_holder() {
    let workspace = Workspace::of(10);
    let _lock = Lock::acquire(&workspace.path(), workspace::at("2026-11-23T16:00:00Z")).unwrap();
    let ran = with(&workspace, &["sync"]);
    assert_eq!((ran.code, ran.out.as_str()), (11, ""));
    assert!(
        ran.err.contains(&format!("process {} since 2026-11-23T16:00:00", std::process::id())),
        "{}",
        ran.err
    );
    assert_eq!(workspace.sandbox.request_count(), 0);
}

#[test]
fn a_signaled_sync_keeps_its_pages_and_the_next_one_resumes() {
    let workspace = Workspace::of(100);
    let (tell_pid, pid) = mpsc::channel::<u32>();
    let (let_go, gone) = mpsc::channel::<()>();
    let (pid, gone) = (Mutex::new(pid), Mutex::new(gone));
    workspace.sandbox.on_request(move |call, _| {
        if page_of(call) == Some(3) {
            let pid = pid.lock().unwrap().recv().unwrap().to_string();
            assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
            // The response is held back until the command has ended.
            let _ = gone.lock().unwrap().recv();
        }
        None
    });
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_runledger"))
        .args(["sync", "--concurrency", "1", "--page-size", "20"])
        .env("RUNLEDGER_DB", workspace.path())
        .env("RUNLEDGER_API_URL", workspace.sandbox.url())
        .env("NEKT_API_KEY", workspace.sandbox.api_key())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    tell_pid.send(child.id()).unwrap();
    let output = child.wait_with_output().unwrap();
    let_go.send(()).unwrap();
    assert_eq!(output.status.code(), Some(143));
    assert!(
        String::from_utf8(output.stderr).unwrap().contains("interrupted by SIGTERM; committed data is kept")
    );
    assert!(String::from_utf8(output.stdout).unwrap().contains("40 new"));
    assert_eq!(workspace.rows("SELECT outcome, exit_code FROM syncs"), ["interrupted|143"]);
    workspace.sandbox.on_request(|_, _| None);
    assert!(with(&workspace, &["sync"]).out().contains(" 60 new"));
    assert_eq!(workspace.archived(), workspace.truth());
}

/// A sync with the default archive, as the quick start shows it.
fn sync_from(api: &Workspace, folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = command(folder, &[&["sync"], arguments].concat());
    command.env("RUNLEDGER_API_URL", api.sandbox.url()).env("NEKT_API_KEY", api.sandbox.api_key());
    run(command)
}

#[test]
fn sandbox_runs_and_real_runs_never_share_the_default_archive() {
    let (sandbox, real) = (Workspace::of(15), Workspace::of(0));
    real.serve(foreign(40));
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("runledger.db");
    assert_eq!(sync_from(&sandbox, folder.path(), &["--quiet"]).out(), "");
    let before = contents(&archive);

    let refused = sync_from(&real, folder.path(), &[]);
    assert_eq!((refused.code, contents(&archive)), (2, before.clone()), "{refused:?}");
    for words in [&real.sandbox.url(), &sandbox.sandbox.url(), "\n  cause: ", "\n  hint:  "] {
        assert!(refused.err.contains(words), "{words:?} is not in {}", refused.err);
    }
    let attempts = workspace::rows_of(&archive, "SELECT api_url, outcome, exit_code FROM syncs");
    assert_eq!(attempts[1], format!("{}|failed|2", real.sandbox.url()));
    let printed: Value = serde_json::from_str(&sync_from(&real, folder.path(), &["--json"]).out).unwrap();
    assert_eq!((&printed["exit_code"], &printed["runs_seen"]), (&json!(2), &json!(0)));

    // The first advice: another archive. It has the runs of the real API only.
    assert!(refused.err.contains("name another file with --db"), "{}", refused.err);
    let own = sync_from(&real, folder.path(), &["--db", "real.db"]).out();
    assert!(own.starts_with("Synced 40 runs: 40 new   (first, "), "{own}");
    assert_eq!(contents(&archive), before);

    // The second advice, as it is printed.
    let advice = refused.err.split('`').find(|text| text.contains("--accept-workspace")).unwrap();
    let words: Vec<&str> = advice.strip_prefix("runledger sync ").unwrap().split(' ').collect();
    let accepted = sync_from(&real, folder.path(), &words).out();
    let report = format!(
        "the archive's runs are now read from {} (before: {})",
        real.sandbox.url(),
        sandbox.sandbox.url()
    );
    assert_eq!(accepted.lines().next(), Some(report.as_str()));
    assert!(accepted.contains("Synced 40 runs: 40 new, 15 vanished   (incremental, "), "{accepted}");
    assert_eq!(sync_from(&real, folder.path(), &["--quiet"]).out(), "");
}

#[test]
fn runs_are_fetched_by_id_and_unknown_ones_are_named() {
    let workspace = Workspace::of(30);
    let ids = workspace.ids();
    let (one, other, unknown) = (ids[3].to_string(), ids[9].to_string(), Uuid::from_u128(7).to_string());
    let malformed = with(&workspace, &["fetch", &one, "run-7"]);
    assert_eq!((malformed.code, workspace.sandbox.request_count()), (2, 0), "{malformed:?}");
    assert_eq!(files(&workspace), [""; 0]);

    let ran = with(&workspace, &["fetch", &one, &unknown, &other]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains(&unknown) && !ran.err.contains(&one), "{}", ran.err);
    let truth = workspace.truth();
    assert_eq!(workspace.archived(), [ids[3], ids[9]].map(|id| (id, truth[&id].clone())).into());
    let printed = with(&workspace, &["fetch", "--json", &one]).json();
    assert_eq!(
        (&printed["kind"], &printed["runs_unchanged"], &printed["requests"]),
        (&json!("fetch"), &json!(1), &json!(1))
    );
}
