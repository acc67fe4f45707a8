//! The commands `status` and `show`.

use super::{archived, with};
use crate::support::workspace::{Workspace, normal, options};
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use std::fs;
use uuid::Uuid;

#[test]
fn status_shows_contents_and_freshness() {
    let workspace = archived(150);
    let text = with(&workspace, &["status"]).out();
    for line in ["Vanished     0", "Quarantined  0", "API drift    0"] {
        assert!(text.lines().any(|found| found == line), "{line:?} is not in {text}");
    }
    for part in
        ["150 of 40 pipelines, ", ": complete (first), 150 new", " MiB, 150 states of runs, 1 sync since "]
    {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    let printed = with(&workspace, &["status", "--json"]).json();
    let numbers = json!({
        "schema_version": 7, "runs": 150, "snapshots": 150, "pipelines": 40, "vanished": 0, "quarantined": 0, "drift": [],
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
    assert!(stale.err.contains("stale") && stale.out.starts_with("Archive "), "{stale:?}");
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
fn one_healthy_sync_repairs_the_report_after_a_wrong_clock() {
    let workspace = Workspace::of(30);
    let now = Utc::now();
    let clock = |days: i64| workspace.clock.set(&(now + TimeDelta::days(days)).to_rfc3339());
    // The last sync that was right is two years old, and the one after it ran with a clock a year ahead of now.
    for days in [-730, 365] {
        clock(days);
        assert!(workspace.sync(&options()).result.is_ok());
    }
    let stale = with(&workspace, &["status", "--max-age", "26h"]);
    assert_eq!(stale.code, 3, "{stale:?}");
    assert!(stale.err.contains("longer than --max-age ago"), "{stale:?}");
    assert!(stale.out.contains("\nClock        observations are 36"), "{stale:?}");
    let printed = with(&workspace, &["status", "--json"]).json();
    let ahead = |printed: &Value| printed["observations_ahead_seconds"].as_i64().unwrap();
    assert!((364 * 86_400..=365 * 86_400).contains(&ahead(&printed)), "{printed}");
    let two_years_ago = (now - TimeDelta::days(730)).format("%Y-%m-%d").to_string();
    assert!(printed["last_complete_sync_at"].as_str().unwrap().starts_with(&two_years_ago), "{printed}");
    let check = with(&workspace, &["status", "--check"]);
    assert_eq!(check.code, 2, "{check:?}");
    assert!(check.out.contains("ahead of the clock | age=6"), "{check:?}");
    let check = with(&workspace, &["check"]);
    assert!(check.code == 0 && check.out.contains("\nobservations are 36"), "{check:?}");
    assert!(ahead(&with(&workspace, &["check", "--json"]).json()) > 0);

    // The first sync with the right clock reports it, even with --quiet.
    let repaired = with(&workspace, &["sync", "--quiet"]);
    let warning = "warning: observations in the archive are 36";
    assert!(repaired.code == 0 && repaired.err.starts_with(warning), "{repaired:?}");
    with(&workspace, &["status", "--max-age", "1m"]).out();
    let check = with(&workspace, &["status", "--check"]);
    assert!(check.code == 0 && check.out.starts_with("RUNLEDGER OK - last complete sync "), "{check:?}");
    assert!(check.out.contains(" ahead of the clock | age="), "{check:?}");
    assert_eq!(with(&workspace, &["sync", "--quiet"]).out(), "");
    let printed = with(&workspace, &["sync", "--json"]);
    assert!(printed.err.starts_with(warning), "{printed:?}");
    assert!(ahead(&serde_json::from_str(&printed.out).unwrap()) > 0);
}

#[test]
fn an_archive_synced_only_with_a_clock_ahead_is_stale() {
    let workspace = Workspace::of(10);
    let ahead = (Utc::now() + TimeDelta::days(365)).to_rfc3339();
    workspace.clock.set(&ahead);
    assert!(workspace.sync(&options()).result.is_ok());
    let stale = with(&workspace, &["status", "--max-age", "26h"]);
    assert!(stale.code == 3 && stale.err.contains(", in the future: its clock was wrong"), "{stale:?}");
    assert!(stale.out.contains(", in the future: the clock was wrong\n"), "{stale:?}");
    assert_eq!(with(&workspace, &["status", "--json"]).json()["last_complete_sync_at"], Value::Null);
    let check = with(&workspace, &["status", "--check"]);
    assert!(check.code == 2 && check.out.contains("| age=U;"), "{check:?}");
    // A month that ended long ago is not known to be complete.
    let close = ["close", "2026-01", "--zone", "UTC"];
    let refused = with(&workspace, &close);
    refused.refused(2, &["2026-01 is not ready to be closed: ", "in the future: its clock was wrong"]);
    with(&workspace, &["sync", "--quiet"]);
    assert_eq!(with(&workspace, &close).code, 0);
}

#[test]
fn as_of_after_a_wrong_clock_names_the_syncs_that_it_leaves_out() {
    let workspace = Workspace::of(10);
    let now = Utc::now();
    for days in [-3, 365, -2] {
        workspace.clock.set(&(now + TimeDelta::days(days)).to_rfc3339());
        assert!(workspace.sync(&options()).result.is_ok());
    }
    let yesterday = (now - TimeDelta::days(1)).to_rfc3339();
    let ran = with(&workspace, &["report", "cost", "--as-of", &yesterday]);
    assert!(ran.code == 0 && ran.err.contains("leaves out syncs that began before it: 1."), "{ran:?}");
    let before = (now - TimeDelta::days(2) - TimeDelta::hours(1)).to_rfc3339();
    with(&workspace, &["report", "cost", "--as-of", &before]).out();
}

#[test]
fn forecasts_and_pages_are_dated_by_the_clock() {
    let workspace = Workspace::of(60);
    let asked = || {
        let credits = with(&workspace, &["report", "credits", "--format", "csv"]).out();
        with(&workspace, &["report", "html", "--output", "page.html"]).out();
        let page = fs::read_to_string(workspace.file("page.html")).unwrap();
        (credits, page)
    };
    assert!(workspace.sync(&options()).result.is_ok());
    let (credits, page) = asked();
    assert!(page.contains("Known 23 Nov 2026"), "the page is dated");
    workspace.clock.set("2027-11-23T16:00:00Z");
    assert!(workspace.sync(&options()).result.is_ok());
    workspace.clock.set("2026-11-23T16:00:00Z");
    assert!(workspace.sync(&options()).result.is_ok());
    assert_eq!(workspace.number("SELECT max(last_observed_at) > '2027' FROM syncs"), 1);
    let (credits_after, page_after) = asked();
    assert_eq!(credits_after, credits);
    assert!(page_after.contains("Known 23 Nov 2026") && !page_after.contains("2027"), "{page_after}");
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

#[test]
fn status_counts_drift_and_names_the_command_that_lists_it() {
    let workspace = archived(10);
    let archive = rusqlite::Connection::open(workspace.path()).unwrap();
    archive
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
             INSERT INTO drift (field, kind, observed, first_seen_at, sync_id, example_run_id) \
             SELECT printf('f%05d', i), 'field', 'string', printf('2026-01-01T00:00:00.%06dZ', i), 1, 'r' FROM n",
        )
        .unwrap();
    let text = with(&workspace, &["status"]).out();
    assert!(
        text.contains("\nAPI drift    10,000: `runledger drift` lists it; everything is kept\n"),
        "{text}"
    );
    let listed = with(&workspace, &["drift"]).out();
    assert!(listed.lines().nth(4).unwrap().ends_with("f10000"), "the newest is first: {listed}");
    assert_eq!(listed.matches("  field  string  ").count(), 10_000);
    let printed = with(&workspace, &["status", "--json"]).json();
    assert_eq!(printed["drift"].as_array().unwrap().len(), 10_000);
}

#[test]
fn status_and_its_check_find_runs_that_hang() {
    let workspace = archived(150);
    let open = with(&workspace, &["report", "open", "--json"]).json();
    let rows = open["rows"].as_array().unwrap();
    assert!(!rows.is_empty(), "the sandbox has runs that have not ended");
    let ages: Vec<i64> =
        rows.iter().filter_map(|row| row["age_seconds"].as_f64()).map(|age| age as i64).collect();
    let oldest = *ages.iter().max().unwrap();
    let status = with(&workspace, &["status", "--json"]).json();
    let too_long = rows.iter().filter(|row| row["state"] == "too long").count();
    assert_eq!(status["open"]["runs"], rows.len());
    assert_eq!(status["open"]["too_long"], too_long);
    assert_eq!(status["open"]["oldest_seconds"], oldest);
    let text = with(&workspace, &["status"]).out();
    assert!(text.lines().any(|line| line.starts_with("Open  ")), "{text}");

    let check = |most: &str| with(&workspace, &["status", "--check", "--max-run-age", most]);
    let hanging = check(&format!("{}s", oldest - 1));
    assert_eq!(hanging.code, 1, "{hanging:?}");
    assert!(
        hanging.out.starts_with("RUNLEDGER WARNING - ") && hanging.out.contains(" open for "),
        "{hanging:?}"
    );
    assert!(hanging.out.contains(&format!(" oldest_run={oldest}s;{};;0 ", oldest - 1)), "{hanging:?}");
    assert_eq!(check(&format!("{oldest}s")).code, 0);
    assert_eq!(with(&workspace, &["status", "--max-run-age", "1h"]).code, 2);
}

#[test]
fn a_sync_that_reads_nothing_makes_no_answer_fresher() {
    let workspace = Workspace::of(60);
    workspace.sync(&options());
    let answers = || {
        [
            &["report", "cost"][..],
            &["report", "cost", "--last", "30d"],
            &["runs"],
            &["report", "credits", "--json"],
        ]
        .map(|args| with(&workspace, args).out())
    };
    let before = answers();
    assert!(before[0].contains("as of "), "{}", before[0]);
    workspace.wait(TimeDelta::days(3));
    workspace.sync_with_key("wrong", &options());
    assert_eq!(workspace.rows("SELECT outcome, runs_seen FROM syncs").last().unwrap(), "failed|0");
    assert_eq!(answers(), before);
    workspace.sync(&options());
    assert_ne!(answers(), before);
}
