//! `runledger runs` and `show`: lists of runs, and one run by what people know of it.

use super::{archived, with};
use crate::support::command::rows_of_csv;
use crate::support::month_end::{MONTH, MonthEnd, ZONE};
use crate::support::workspace::Workspace;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::fs;
use uuid::Uuid;

fn rows(workspace: &Workspace, args: &[&str]) -> Vec<Value> {
    let answer = with(workspace, &[&["runs"], args, &["--json"]].concat()).json();
    answer["rows"].as_array().unwrap().clone()
}

fn column(rows: &[Value], name: &str) -> Vec<String> {
    rows.iter().map(|row| row[name].as_str().map_or_else(|| row[name].to_string(), str::to_owned)).collect()
}

#[test]
fn a_list_has_every_run_once_in_each_order() {
    let workspace = archived(200);
    let mut all = workspace.rows("SELECT run_id FROM runs ORDER BY run_id");
    all.sort_unstable();
    for (order, sql) in [
        ("started", "booked_at DESC, snapshot_id DESC"),
        ("duration", "duration_seconds DESC, booked_at DESC, snapshot_id DESC"),
        ("-duration", "duration_seconds DESC, booked_at DESC, snapshot_id DESC"),
        ("usd", "total_cost_nanos DESC, booked_at DESC, snapshot_id DESC"),
        ("waited", "queued_seconds DESC, booked_at DESC, snapshot_id DESC"),
        ("status", "status, booked_at DESC, snapshot_id DESC"),
        ("-status", "status DESC, booked_at DESC, snapshot_id DESC"),
    ] {
        let listed = column(&rows(&workspace, &["--sort", order]), "run_id");
        assert_eq!(listed, workspace.rows(&format!("SELECT run_id FROM runs ORDER BY {sql}")), "{order}");
        let mut reversed = column(&rows(&workspace, &["--sort", order, "--reverse"]), "run_id");
        reversed.sort_unstable();
        assert_eq!(reversed, all, "{order}");
        let first = column(&rows(&workspace, &["--sort", order, "--limit", "3"]), "run_id");
        assert_eq!(first, listed[..3], "{order}");
    }
}

#[test]
fn people_get_fifteen_runs_and_programs_all() {
    let workspace = archived(60);
    let shown = |args: &[&str]| with(&workspace, &[&["runs"], args].concat()).out();
    let lines_of_runs = |text: &str| {
        let ids = workspace.rows("SELECT substr(run_id, 1, 8) FROM runs");
        text.lines().filter(|line| ids.iter().any(|id| line.contains(id.as_str()))).count()
    };
    let page = shown(&[]);
    assert_eq!(lines_of_runs(&page), 15, "{page}");
    assert!(page.starts_with("Runs") && page.contains("15 of 60 runs"), "{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    assert_eq!(lines_of_runs(&shown(&["--all-rows"])), 60);
    assert_eq!(lines_of_runs(&shown(&["--limit", "2"])), 2);
    assert_eq!(rows(&workspace, &[]).len(), 60);
    assert_eq!(rows(&workspace, &["--limit", "2"]).len(), 2);
    assert_eq!(rows_of_csv(shown(&["--format", "csv"])).len(), 60);
    assert_eq!(shown(&["--ids"]).lines().count(), 60);
}

#[test]
fn a_list_is_filtered_and_says_by_what() {
    let workspace = archived(200);
    let ids = |condition: &str| {
        workspace.rows(&format!(
            "SELECT run_id FROM runs WHERE {condition} ORDER BY booked_at DESC, snapshot_id DESC"
        ))
    };
    let listed = |args: &[&str]| column(&rows(&workspace, args), "run_id");
    let failed = ids("status = 'failed'");
    assert!(!failed.is_empty());
    assert_eq!(listed(&["--status", "failed"]), failed);
    assert_eq!(listed(&["--kind", "source", "--trigger", "cron,event"]), {
        ids("pipeline_kind = 'source' AND trigger_type IN ('cron', 'event')")
    });
    let page = with(&workspace, &["runs", "--status", "failed", "--last", "30d"]).out();
    assert!(page.starts_with("Runs: last 30d, ") && page.contains("status failed"), "{page}");
    assert!(!page.contains("Status"), "each row has the same status: {page}");
    let first = &ids("1")[0];
    assert_eq!(listed(&["--id", &first[..8]]), [first.as_str()]);
    assert_eq!(
        listed(&["--id", &first[..2].to_uppercase()]),
        ids(&format!("run_id LIKE '{}%'", &first[..2]))
    );
    let empty = with(&workspace, &["runs", "--period", "2001-01"]).out();
    assert!(empty.contains("\nNo such run.\nThe latest began "), "{empty}");
}

#[test]
fn a_list_compares_durations_with_the_median_before() {
    let workspace = archived(400);
    let factor = |id: &str| {
        let run = format!("(SELECT * FROM runs WHERE run_id >= '{id}' AND run_id < '{id}g')");
        let before = workspace.rows(&format!(
            "SELECT r.duration_seconds FROM runs AS r, {run} AS own \
             WHERE r.pipeline_id = own.pipeline_id AND r.status = 'success' AND r.booked_at < own.booked_at \
             ORDER BY r.booked_at DESC LIMIT 30"
        ));
        let mut before: Vec<f64> = before.iter().map(|seconds| seconds.parse().unwrap()).collect();
        before.sort_by(f64::total_cmp);
        let seconds = &workspace.rows(&format!("SELECT duration_seconds FROM {run}"))[0];
        let median =
            (before.len() >= 5).then(|| (before[before.len() / 2] + before[(before.len() - 1) / 2]) / 2.0);
        median.map(|median| seconds.parse::<f64>().unwrap() / median)
    };
    let mut compared = 0;
    for list in [&["runs", "--status", "success"][..], &["report", "slowest-runs"]] {
        let shown = with(&workspace, &[list, &["--limit", "20", "--width", "120"]].concat()).out();
        let cells = |line: &str| -> Vec<String> {
            // A bar has no heading.
            let is_cell = |cell: &&str| !cell.trim_matches(|letter| ('█'..='▏').contains(&letter)).is_empty();
            line.split("  ").map(str::trim).filter(is_cell).map(str::to_owned).collect()
        };
        let mut lines = shown.lines().skip_while(|line| !line.contains("x median"));
        let heading = cells(lines.next().unwrap());
        let place = |name: &str| heading.iter().position(|heading| heading == name).unwrap();
        for line in lines.skip(1).take(20) {
            let row = cells(line);
            match factor(&row[place("Run")]) {
                None => assert_eq!(row[place("x median")], "–", "{line}"),
                Some(factor) => {
                    let shown: f64 = row[place("x median")].trim_end_matches(" x").parse().unwrap();
                    assert!((shown - factor).abs() < 0.051, "{factor}: {line}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 20, "{compared}");
    let narrow = with(&workspace, &["runs", "--width", "80"]).out();
    assert!(!narrow.contains("x median"), "{narrow}");
    assert!(with(&workspace, &["runs", "--json"]).json()["rows"][0].get("p50_factor").is_none());
}

#[test]
fn a_list_has_the_runs_of_a_cost() {
    let workspace = archived(200);
    let ids = |condition: &str| {
        workspace.rows(&format!(
            "SELECT run_id FROM runs WHERE {condition} ORDER BY booked_at DESC, snapshot_id DESC"
        ))
    };
    let listed = |args: &[&str]| column(&rows(&workspace, args), "run_id");
    let at_least = ids("total_cost_nanos >= 100000000");
    assert!(!at_least.is_empty() && at_least.len() < 200);
    assert_eq!(listed(&["--min-usd", "0.1"]), at_least);
    assert_eq!(listed(&["--min-usd", "0.100", "--status", "success"]), {
        ids("total_cost_nanos >= 100000000 AND status = 'success'")
    });
    let unknown = ids("total_cost_nanos IS NULL");
    assert!(!unknown.is_empty());
    assert_eq!(listed(&["--unknown"]), unknown);
    assert_eq!(with(&workspace, &["runs", "--unknown", "--ids"]).out(), unknown.join("\n") + "\n");

    let page = with(&workspace, &["runs", "--unknown"]).out();
    assert!(page.starts_with("Runs: cost not known"), "{page}");
    assert!(!page.contains("USD") && page.matches("cost not known").count() == 1, "{page}");
    let page = with(&workspace, &["runs", "--min-usd", "0.1"]).out();
    assert!(page.starts_with("Runs with costs: at least 0.1 USD"), "{page}");
    let heading = page.lines().find(|line| line.contains("Pipeline")).unwrap();
    assert!(heading.trim_start().starts_with("USD"), "{page}");
    for amount in ["-1", "1e3", "much"] {
        with(&workspace, &["runs", &format!("--min-usd={amount}")]).refused(2, &["an amount of US dollars"]);
    }
    with(&workspace, &["runs", "--min-usd", "1", "--unknown"]).refused(2, &["cannot be combined"]);
}

#[test]
fn an_empty_list_says_how_to_list_the_latest() {
    let workspace = archived(200);
    let args = ["runs", "--kind", "source", "--status", "failed", "--min-usd", "0.01"];
    let page = with(&workspace, &[&args[..], &["--period", "2001-01"]].concat()).out();
    let command = page.split('`').nth(1).unwrap().replace('\n', " ");
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(words[..8], [&["runledger"], &args[..]].concat(), "{page}");
    let listed = with(&workspace, &words[1..]).out();
    assert!(!listed.contains("No such run"), "{command}: {listed}");
    let page = with(&workspace, &["runs", "--min-usd", "1000000", "--last", "24h"]).out();
    assert!(page.contains("\nNo such run.\n") && !page.contains("The latest"), "{page}");
}

#[test]
fn a_filter_for_one_value_takes_its_column_away() {
    let workspace = archived(200);
    let slug = &workspace.rows(
        "SELECT slug FROM pipelines JOIN runs USING (pipeline_id) GROUP BY slug ORDER BY count(*) DESC LIMIT 1",
    )[0];
    let page = with(&workspace, &["runs", "--pipeline", slug, "--trigger", "cron"]).out();
    assert!(page.starts_with(&format!("Runs: pipeline {slug}, trigger cron")), "{page}");
    let heading = page.lines().find(|line| line.contains("Status")).unwrap();
    assert!(!heading.contains("Pipeline") && !heading.contains("Trigger"), "{page}");
    let page = with(&workspace, &["runs", "--pipeline", &format!("{slug}*")]).out();
    assert!(page.contains("Pipeline\n"), "a pattern can have several: {page}");
}

#[test]
fn a_closed_month_lists_its_runs_as_closed() {
    let month_end = MonthEnd::of(80);
    month_end.set(&format!("zone = \"{ZONE}\""));
    month_end.output(&["close", MONTH]);
    let list = ["runs", "--period", MONTH, "--format", "csv"];
    let (before, now) = (month_end.output(&list), month_end.output(&["runs", "--format", "csv"]));
    let id = month_end.runs_of_the_month()[0];
    month_end.change(id, json!({"status": "failed", "el_cost_usd": 12.5}));
    month_end.sync();
    assert_eq!(month_end.output(&list), before);
    assert_ne!(month_end.output(&["runs", "--format", "csv"]), now);
    let total: usize = ["success", "failed", "canceled"]
        .iter()
        .map(|status| rows_of_csv(month_end.output(&[&list[..], &["--status", status]].concat())).len())
        .sum();
    assert_eq!(total, rows_of_csv(before).len());
}

#[test]
fn runs_of_several_archives_are_one_list() {
    let (one, other) = (MonthEnd::of(30), MonthEnd::elsewhere(30, 9));
    let paths = [&one, &other].map(|month_end| month_end.workspace.path().display().to_string());
    let both = ["runs", "--db", &paths[0], "--db", &paths[1], "--json", "--limit", "20"];
    for order in [&[][..], &["--sort", "usd"]] {
        let answer: Value = serde_json::from_str(&one.output(&[&both, order].concat())).unwrap();
        let rows = answer["rows"].as_array().unwrap().clone();
        assert_eq!(rows.len(), 20);
        let key = if order.is_empty() { "booked_at" } else { "total_cost_usd" };
        let keys = rows.iter().map(|row| &row[key]).collect::<Vec<_>>();
        let is_sorted = keys.windows(2).all(|pair| match (pair[0].as_f64(), pair[1].as_f64()) {
            (Some(one), Some(other)) => one >= other,
            _ => pair[0].as_str() >= pair[1].as_str(),
        });
        assert!(is_sorted, "{keys:?}");
        let names = column(&rows, "workspace").into_iter().collect::<std::collections::BTreeSet<_>>();
        assert_eq!(names.len(), 2, "{names:?}");
    }
}

#[test]
fn a_list_of_the_newest_runs_reads_no_whole_index() {
    let workspace = archived(20);
    let archive = Connection::open(workspace.path()).unwrap();
    let sql = "EXPLAIN QUERY PLAN SELECT snapshot_id, booked_at AS sort_key, booked_at FROM runs \
               WHERE booked_at >= '2026-01-01' ORDER BY booked_at DESC, snapshot_id DESC LIMIT 15";
    let mut statement = archive.prepare(sql).unwrap();
    let plan: Vec<String> =
        statement.query_map([], |row| row.get(3)).unwrap().collect::<rusqlite::Result<_>>().unwrap();
    assert!(
        plan[0].contains("SEARCH run_snapshots USING COVERING INDEX run_snapshots_for_reports"),
        "{plan:?}"
    );
    assert!(!plan.iter().any(|step| step.contains("USE TEMP B-TREE FOR ORDER BY")), "{plan:?}");
}

#[test]
fn a_run_is_shown_by_the_beginning_of_its_id() {
    let workspace = archived(60);
    let ids = workspace.rows("SELECT run_id FROM runs ORDER BY run_id");
    let shown = |name: &str| with(&workspace, &["show", name, "--json"]).json()["run"]["id"].clone();
    let id = &ids[20];
    for name in [id.clone(), id[..13].to_owned(), id.replace('-', ""), id.to_uppercase()] {
        assert_eq!(shown(&name), *id, "{name}");
    }
    let digit = &ids[0][..1];
    let several = ids.iter().filter(|id| id.starts_with(digit)).count();
    let ran = with(&workspace, &["show", digit]);
    assert!(several > 1);
    ran.refused(2, &[&format!("{digit} is the beginning of {several} runs"), "`runledger runs --id "]);
    let unknown = Uuid::nil().to_string();
    with(&workspace, &["show", &unknown]).refused(2, &[&format!("`runledger fetch {unknown}`")]);
    with(&workspace, &["show", &unknown[..8]])
        .refused(2, &["no run and no pipeline whose id begins with 00000000"]);
    with(&workspace, &["show", "nothing"]).refused(2, &["nothing: no pipeline has such a slug, name or id"]);
}

#[test]
fn a_run_is_shown_by_pipeline_and_number() {
    let workspace = archived(60);
    let archive = Connection::open(workspace.path()).unwrap();
    let (id, number, pipeline, slug, name): (String, i64, String, String, String) = archive
        .query_row(
            "SELECT r.run_id, r.number, p.pipeline_id, p.slug, p.name FROM runs AS r \
             JOIN pipelines AS p ON p.kind = r.pipeline_kind AND p.pipeline_id = r.pipeline_id \
             WHERE p.slug IS NOT NULL AND p.name IS NOT NULL ORDER BY r.run_id LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
        )
        .unwrap();
    for pipeline in [pipeline, slug.clone(), name] {
        let shown = with(&workspace, &["show", &format!("{pipeline}#{number}"), "--json"]).json();
        assert_eq!(shown["run"]["id"], id, "{pipeline}");
    }
    with(&workspace, &["show", &format!("{slug}#999999")]).refused(2, &["no run 999999 of a pipeline"]);
    with(&workspace, &["show", &format!("{slug}#x")]).refused(2, &["`runledger runs --pipeline"]);
}

#[test]
fn a_run_has_its_total_its_times_and_its_page() {
    let workspace = archived(30);
    let id = workspace.ids()[3];
    workspace.sandbox.model().change(id, |run| {
        for (field, value) in [
            ("el_cost_usd", json!(0.125)),
            ("transformation_cost_usd", json!(0.25)),
            ("created_at", json!("2026-01-05T12:00:00Z")),
            ("started_at", json!("2026-01-05T12:00:12Z")),
            ("ended_at", json!("2026-01-05T12:22:14Z")),
            ("duration_seconds", json!(1322)),
            ("number", json!(7)),
            ("extra_config", json!({"tables": ["a", "b"]})),
        ] {
            run.insert(field.to_owned(), value);
        }
    });
    with(&workspace, &["sync", "--quiet"]);
    let settings =
        "zone = \"America/Sao_Paulo\"\nrun_url = \"https://app.example.com/{pipeline_kind}/runs/{run_id}\"\n";
    fs::write(workspace.file("runledger.toml"), settings).unwrap();
    let text = with(&workspace, &["show", &id.to_string()]).out();
    for words in [
        &format!("Total{}0.3750", " ".repeat(24)),
        &format!("Waited{}12 s", " ".repeat(25)),
        &format!("Ran{}22 min 2 s", " ".repeat(22)),
        "Created 5 Jan 2026 09:00:00 · started 09:00:12 · ended 09:22:14",
        "run 7",
        &format!("/runs/{id}"),
    ] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    assert!(!text.contains("\nDocument\n"), "{text}");
    let raw = with(&workspace, &["show", &id.to_string(), "--raw"]).out();
    assert!(raw.contains("\nDocument\n  {\n") && raw.contains("\"tables\": [\n        \"a\","), "{raw}");
    let document = raw.split_once("\nDocument\n").unwrap().1;
    let document: serde_json::Value = serde_json::from_str(document).unwrap();
    let printed = with(&workspace, &["show", &id.to_string(), "--json"]).json();
    assert_eq!(document, printed["run"]);
    with(&workspace, &["show", &id.to_string(), "--raw", "--json"]).refused(2, &["cannot be combined"]);
    assert_eq!(printed["total_cost_usd"], json!(0.375));
    assert!(printed["web_url"].as_str().unwrap().starts_with("https://app.example.com/"), "{printed}");
    fs::write(workspace.file("runledger.toml"), "run_url = \"javascript:{run_id}\"\n").unwrap();
    with(&workspace, &["show", &id.to_string()]).refused(2, &["run_url must begin with https://"]);
}
