//! Archives that grow without need: values that differ in every response, readers that keep the log large.

use super::{archived, with};
use crate::support::workspace::Workspace;
use rusqlite::Connection;
use serde_json::json;
use std::fs;

/// Gives each run new values in two fields inside `extra_config`.
fn sign(workspace: &Workspace, signature: u32) {
    let ids = workspace.ids();
    let mut model = workspace.sandbox.model();
    for id in ids {
        model.change(id, |run| {
            let files =
                [1, 2].map(|number| json!({"url": format!("https://f.example/{number}?s={signature}")}));
            run.insert(
                "extra_config".to_owned(),
                json!({"rows": 7, "files": files, "re\"ad": {"at": signature}}),
            );
        });
    }
}

fn snapshots(workspace: &Workspace) -> i64 {
    workspace.number("SELECT count(*) FROM run_snapshots")
}

/// The lines after the introduction of the advice, as a settings file.
fn follow_advice(workspace: &Workspace, printed: &str) {
    let settings = workspace.file("runledger.toml");
    assert!(printed.contains(&format!("under [sync] in {}:\n", settings.display())), "{printed}");
    let setting = printed.lines().find(|line| line.starts_with("ignore_changes_in = ")).unwrap();
    fs::write(settings, format!("[sync]\n{setting}\n")).unwrap();
}

#[test]
fn a_field_that_differs_in_every_response_is_named_and_ignored() {
    let workspace = Workspace::of(60);
    sign(&workspace, 1);
    with(&workspace, &["sync", "--quiet"]).out();
    sign(&workspace, 2);
    let ran = with(&workspace, &["sync", "--full", "--quiet"]);
    assert_eq!((ran.code, ran.out.as_str(), snapshots(&workspace)), (0, "", 120), "{ran:?}");
    assert!(
        ran.err.starts_with(
            "warning: 60 of 60 changed runs differ in `extra_config.files.url` and `extra_config.re\"ad.at`, "
        ),
        "{}",
        ran.err
    );
    follow_advice(&workspace, &ran.err);

    // Neither sync, fetch nor verify takes it for a change now.
    sign(&workspace, 3);
    assert_eq!(with(&workspace, &["sync", "--full", "--quiet"]).out(), "");
    let id = workspace.ids()[30].to_string();
    assert!(with(&workspace, &["fetch", &id]).out().starts_with("Fetched 1 run: nothing new   (by id, "));
    let verified = with(&workspace, &["verify", "--json"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    assert_eq!(snapshots(&workspace), 120);

    // Other changes of the same runs are stored, with the document as the API sent it.
    let id = workspace.ids()[30];
    workspace.sandbox.model().change(id, |run| {
        run.insert("el_cost_usd".to_owned(), json!(0.25));
    });
    let printed = with(&workspace, &["sync", "--full", "--json"]).json();
    assert_eq!((&printed["runs_changed"], &printed["noisy_fields"]), (&json!(1), &json!([])));
    assert_eq!(workspace.archived()[&id], workspace.truth()[&id]);
    assert!(with(&workspace, &["check"]).code == 0, "the hash is that of the stored document");
}

#[test]
fn changes_that_reports_use_are_never_called_noise() {
    let workspace = archived(60);
    let ids = workspace.ids();
    for (number, id) in ids.iter().enumerate() {
        workspace.sandbox.model().change(*id, |run| {
            run.insert("el_cost_usd".to_owned(), json!(number as f64 + 0.5));
            run.insert("updated_at".to_owned(), json!("2026-11-23T15:59:00.000000Z"));
        });
    }
    let printed = with(&workspace, &["sync", "--full", "--full-every", "1d", "--json"]).json();
    assert_eq!((&printed["runs_changed"], &printed["noisy_fields"]), (&json!(60), &json!([])));
    // A field that appears once is none either.
    for id in ids {
        workspace.sandbox.model().change(id, |run| {
            run.insert("priority".to_owned(), json!("high"));
        });
    }
    let printed = with(&workspace, &["sync", "--full", "--full-every", "1d", "--json"]).json();
    assert_eq!((&printed["runs_changed"], &printed["noisy_fields"]), (&json!(60), &json!([])));
}

#[test]
fn a_setting_that_ignores_what_reports_use_is_refused() {
    let workspace = archived(20);
    let settings = workspace.file("runledger.toml");
    for (setting, words) in [
        ("[\"status\"]", "reports need every change of `status`"),
        ("[\"el_cost_usd\"]", "reports need every change of `el_cost_usd`"),
        ("[\"extra_config.\"]", "`extra_config.` is no path"),
    ] {
        fs::write(&settings, format!("[sync]\nignore_changes_in = {setting}\n")).unwrap();
        with(&workspace, &["sync"]).refused(2, &["runledger.toml: line 2: ", words]);
    }
    fs::write(&settings, "[sync]\nignore_changes_in = [\"extra_config.a\", \"log\"]\n").unwrap();
    let config = with(&workspace, &["config", "--json"]).json();
    let row =
        config.as_array().unwrap().iter().find(|row| row["setting"] == "sync.ignore_changes_in").unwrap();
    assert_eq!(row["value"], "extra_config.a, log");
}

#[test]
fn a_reader_that_keeps_the_log_large_is_reported_until_it_ends() {
    let workspace = archived(60);
    let reader = Connection::open(workspace.path()).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM runs").unwrap();
    let writer = Connection::open(workspace.path()).unwrap();
    let fill = "INSERT INTO quarantine (item_hash, sync_id, first_seen_at, last_seen_at, reason, item) \
                SELECT randomblob(32), 1, observed_at, observed_at, 'a test', json_quote(hex(randomblob(1000000))) \
                FROM run_snapshots LIMIT 40";
    writer.execute_batch(fill).unwrap();
    drop(writer);

    let ran = with(&workspace, &["sync", "--quiet"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran:?}");
    assert!(ran.err.starts_with("warning: the write-ahead log of the archive has grown to "), "{}", ran.err);
    assert!(ran.err.contains("MiB: another program has kept a transaction open"), "{}", ran.err);
    let status = with(&workspace, &["status"]).out();
    assert!(status.lines().any(|line| line.starts_with("Log          ")), "{status}");
    let log_bytes = || with(&workspace, &["status", "--json"]).json()["log_bytes"].as_u64().unwrap();
    assert!(log_bytes() > 62 << 20);

    // Once the reader is idle, the log is still long, but SQLite can write it again from its start.
    reader.execute_batch("COMMIT; PRAGMA wal_checkpoint(PASSIVE)").unwrap();
    assert!(log_bytes() > 62 << 20);
    assert!(!with(&workspace, &["status"]).out().contains("\nLog "));

    // The advice: end the reader and sync again.
    drop(reader);
    assert_eq!(with(&workspace, &["sync", "--quiet"]).out(), "");
    assert_eq!(log_bytes(), 0);
    assert!(!with(&workspace, &["status"]).out().contains("\nLog "));
}
