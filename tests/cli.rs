//! This is the test of the built command: what it prints where, what it leaves behind, and how it ends.

#[allow(dead_code, reason = "the command brings its own sync and its own clock")]
#[path = "support/workspace.rs"]
mod workspace;

use assert_cmd::Command;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use runledger::store::Lock;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc;
use uuid::Uuid;
use workspace::{Workspace, normal, page_of};

/// How a command ended.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    /// The standard output of a command that has to end well and say nothing on the standard error.
    fn out(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    fn json(self) -> Value {
        serde_json::from_str(&self.out()).unwrap()
    }
}

/// The command in a folder, with nothing in its environment.
fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runledger"));
    command.env_clear().current_dir(folder).args(args);
    command
}

fn run(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().expect("it ends by itself"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The command with the workspace's archive, API and key.
fn with(workspace: &Workspace, args: &[&str]) -> Ran {
    run(command_with(workspace, args))
}

fn command_with(workspace: &Workspace, args: &[&str]) -> Command {
    let mut command = command(&workspace.file(""), args);
    command
        .env("RUNLEDGER_DB", workspace.path())
        .env("RUNLEDGER_API_URL", workspace.sandbox.url())
        .env("NEKT_API_KEY", workspace.sandbox.api_key());
    command
}

/// A workspace whose archive is filled.
fn archived(runs: usize) -> Workspace {
    let workspace = Workspace::of(runs);
    assert_eq!(with(&workspace, &["sync", "--quiet"]).out(), "");
    workspace
}

/// The files of the workspace's folder.
fn files(workspace: &Workspace) -> Vec<String> {
    let entries = fs::read_dir(workspace.file("")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

// ---- sync

#[test]
fn a_query_that_fails_on_its_way_is_the_fault_of_its_sql() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("a.db");
    let db = db.to_str().unwrap();
    let runledger = || assert_cmd::Command::cargo_bin("runledger").unwrap();
    runledger().args(["demo", "--runs", "100", "--db", db]).assert().success();
    for format in ["table", "csv", "json", "ndjson"] {
        let sql = "SELECT sum(9223372036854775807) FROM runs";
        let failed = runledger().args(["--db", db, "query", sql, "--format", format]).assert().code(2);
        let said = String::from_utf8_lossy(&failed.get_output().stderr).into_owned();
        assert!(said.contains("the SQL cannot be run to its end: integer overflow"), "{format}: {said}");
    }
}

#[test]
fn a_sync_says_in_one_line_what_came() {
    let workspace = Workspace::of(150);
    let first = with(&workspace, &["sync"]).out();
    assert!(
        first.starts_with(
            "first sync: 150 runs seen, 150 new, 0 changed, 0 unchanged, 0 vanished; 4 requests in "
        ),
        "{first}"
    );
    assert_eq!(first.lines().count(), 1);
    assert_eq!(workspace.archived(), workspace.truth());
    assert_eq!(with(&workspace, &["sync", "--quiet"]).out(), "");
}

#[test]
fn a_sync_gives_its_numbers_as_one_json_object() {
    let workspace = archived(150);
    workspace.sandbox.model().add();
    let id = workspace.ids()[20];
    workspace.sandbox.model().change(id, |run| {
        run.insert("status".to_owned(), json!("paused"));
    });
    workspace.sandbox.forget_requests();
    let told =
        with(&workspace, &["sync", "--json", "--full", "--page-size", "50", "--concurrency", "2"]).json();
    let numbers = json!({
        "kind": "full", "reason": "asked for", "dry_run": false, "exit_code": 0, "error": null,
        "runs_seen": 151, "runs_new": 1, "runs_changed": 1, "runs_unchanged": 149, "runs_vanished": 0,
        "items_quarantined": 0, "pages": 4, "newest_first": true, "missing": [],
        "new_drift": [{"field": "status", "kind": "value", "observed": "paused", "example_run_id": id}],
        "requests": workspace.sandbox.request_count(),
    });
    for (name, value) in numbers.as_object().unwrap() {
        assert_eq!(&told[name], value, "{name}");
    }
    assert!(told["seconds"].is_number());
}

#[test]
fn a_dry_run_leaves_no_file_behind() {
    let workspace = Workspace::of(60);
    let told = with(&workspace, &["sync", "--dry-run", "--json"]).json();
    assert_eq!((&told["dry_run"], &told["runs_new"]), (&json!(true), &json!(60)));
    assert_eq!(files(&workspace), [""; 0]);
    let line = with(&workspace, &["sync", "--dry-run"]).out();
    assert!(line.trim_end().ends_with("(dry run: nothing was stored)"), "{line}");
}

#[test]
fn what_is_missing_is_named_and_the_exit_code_says_so() {
    let workspace = Workspace::of(60);
    workspace.sandbox.on_request(|call, _| {
        (!call.path.starts_with("/api/v1/runs/")).then(|| StatusCode::FORBIDDEN.into_response())
    });
    let ran = with(&workspace, &["sync"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("the names of sources"), "{}", ran.err);
    assert!(ran.out.trim_end().ends_with("(in part)"), "{}", ran.out);
    let ran = with(&workspace, &["sync", "--json"]);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &told["exit_code"], told["missing"].as_array().unwrap().len()), (3, &json!(3), 3));
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn a_redirect_is_an_api_that_is_not_available() {
    let workspace = Workspace::of(10);
    workspace.sandbox.on_request(|call, _| {
        page_of(call).map(|_| (StatusCode::FOUND, [("location", "http://127.0.0.1:1/")]).into_response())
    });
    let ran = with(&workspace, &["sync"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.err.contains("hint: what was read so far is kept"), "{}", ran.err);
    assert_eq!(with(&workspace, &["status"]).code, 0);
}

#[test]
fn a_second_sync_is_told_who_holds_the_lock() {
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
fn a_sync_that_gets_a_signal_keeps_what_it_has_and_the_next_goes_on() {
    let workspace = Workspace::of(100);
    let (tell_pid, pid) = mpsc::channel::<u32>();
    let (let_go, gone) = mpsc::channel::<()>();
    let (pid, gone) = (Mutex::new(pid), Mutex::new(gone));
    workspace.sandbox.on_request(move |call, _| {
        if page_of(call) == Some(3) {
            let pid = pid.lock().unwrap().recv().unwrap().to_string();
            assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
            // The answer is kept back until the command has ended.
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
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("interrupted by SIGTERM; what was committed is kept")
    );
    assert!(String::from_utf8(output.stdout).unwrap().contains("40 new"));
    assert_eq!(workspace.rows("SELECT outcome, exit_code FROM syncs"), ["interrupted|143"]);
    workspace.sandbox.on_request(|_, _| None);
    assert!(with(&workspace, &["sync"]).out().contains(" 60 new"));
    assert_eq!(workspace.archived(), workspace.truth());
}

// ---- the key and the address

#[test]
fn the_key_comes_from_the_environment_or_a_file_and_never_from_an_argument() {
    let workspace = Workspace::of(10);
    let key = workspace.sandbox.api_key();
    fs::write(workspace.file("key.txt"), format!("{key}\n")).unwrap();
    let url = workspace.sandbox.url();
    let sync = |args: &[&str]| {
        run(command(&workspace.file(""), &[&["sync", "--api-url", &url, "--db", "a.db"], args].concat()))
    };
    assert_eq!(sync(&["--api-key-file", "key.txt"]).code, 0);
    assert_eq!(workspace::archived_in(&workspace.file("a.db")), workspace.truth());

    let without = sync(&[]);
    assert_eq!(without.code, 2);
    assert!(
        without.err.contains("there is no API key") && without.err.contains("NEKT_API_KEY"),
        "{}",
        without.err
    );
    assert_eq!(sync(&["--api-key-file", "none.txt"]).code, 2);
    for argument in ["--api-key", "--key", "--token"] {
        for args in [vec![argument.to_owned(), key.to_owned()], vec![format!("{argument}={key}")]] {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let refused = sync(&args);
            assert_eq!(refused.code, 2, "{refused:?}");
            assert!(refused.err.contains("unexpected argument"), "{}", refused.err);
            assert!(!refused.err.contains(key), "{}", refused.err);
        }
    }
}

#[test]
fn the_key_is_never_printed_and_never_stored() {
    let workspace = Workspace::of(30);
    let shown = |key: &str, ran: &Ran| ran.out.contains(key) || ran.err.contains(key);
    for args in
        [&["sync", "-vvv"][..], &["sync", "-vvv", "--full"], &["fetch", "-vvv", &Uuid::nil().to_string()]]
    {
        let ran = with(&workspace, args);
        assert!(ran.err.contains("TRACE"), "it was talkative: {}", ran.err);
        assert!(!shown(workspace.sandbox.api_key(), &ran), "{args:?}");
    }
    let mut refused = command_with(&workspace, &["sync", "-vvv"]);
    refused.env("NEKT_API_KEY", "wrong-key-0123456789");
    let ran = run(refused);
    assert_eq!(ran.code, 4);
    assert!(ran.err.contains("hint: check NEKT_API_KEY"), "{}", ran.err);
    assert!(!shown("wrong-key-0123456789", &ran));
    let mut unfit = command_with(&workspace, &["sync", "-vvv"]);
    unfit.env("NEKT_API_KEY", "two words-0123");
    let ran = run(unfit);
    assert_eq!(ran.code, 2);
    assert!(!shown("words-0123", &ran), "{ran:?}");
    for name in files(&workspace) {
        let bytes = fs::read(workspace.file(&name)).unwrap();
        let key = workspace.sandbox.api_key().as_bytes();
        assert!(!bytes.windows(key.len()).any(|window| window == key), "{name} holds the key");
    }
}

#[test]
fn plain_http_to_another_machine_is_refused_before_anything_is_asked() {
    let workspace = Workspace::of(0);
    for url in ["http://api.nekt.ai", "http://10.0.0.1", "ftp://127.0.0.1", "https://a:b@127.0.0.1/"] {
        let ran = with(&workspace, &["sync", "--api-url", url]);
        assert_eq!(ran.code, 2, "{url}: {ran:?}");
        assert_eq!(files(&workspace), [""; 0]);
    }
}

// ---- fetch

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
    let told = with(&workspace, &["fetch", "--json", &one]).json();
    assert_eq!(
        (&told["kind"], &told["runs_unchanged"], &told["requests"]),
        (&json!("fetch"), &json!(1), &json!(1))
    );
}

// ---- status and show

#[test]
fn the_status_says_what_the_archive_holds_and_how_fresh_it_is() {
    let workspace = archived(150);
    let text = with(&workspace, &["status"]).out();
    for line in ["runs         150 in 150 snapshots", "pipelines    40", "vanished     0", "drift        0"] {
        assert!(text.lines().any(|found| found == line), "{line:?} is not in {text}");
    }
    let told = with(&workspace, &["status", "--json"]).json();
    let numbers = json!({
        "schema_version": 2, "runs": 150, "snapshots": 150, "pipelines": 40, "vanished": 0, "quarantined": 0, "drift": [],
    });
    for (name, value) in numbers.as_object().unwrap() {
        assert_eq!(&told[name], value, "{name}");
    }
    assert_eq!(
        (&told["last_sync"]["outcome"], &told["last_sync"]["runs_new"]),
        (&json!("complete"), &json!(150))
    );
    assert_eq!(told["last_sync"]["started_at"], told["last_complete_sync_at"]);
    assert_eq!(told["file_bytes"], fs::metadata(workspace.path()).unwrap().len());

    assert_eq!(with(&workspace, &["status", "--max-age", "26h"]).code, 0);
    let stale = with(&workspace, &["status", "--max-age", "0s"]);
    assert_eq!(stale.code, 3);
    assert!(stale.err.contains("stale") && stale.out.starts_with("archive "), "{stale:?}");
}

#[test]
fn the_status_of_an_archive_that_was_never_synced_whole_is_stale() {
    let workspace = Workspace::of(10);
    with(&workspace, &["fetch", &workspace.ids()[0].to_string()]).out();
    let stale = with(&workspace, &["status", "--max-age", "26h"]);
    assert_eq!(stale.code, 3);
    assert!(stale.err.contains("no sync was ever complete"), "{}", stale.err);
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
    let told = with(&workspace, &["show", &id.to_string(), "--json"]).json();
    assert_eq!(normal(&told["run"].to_string()), workspace.truth()[&id]);
    let history = told["history"].as_array().unwrap();
    assert_eq!((history.len(), &history[0]["changes"]), (2, &json!([])));
    assert_eq!(history[0]["superseded_at"], history[1]["observed_at"]);
    let changed: Vec<&Value> =
        history[1]["changes"].as_array().unwrap().iter().map(|change| &change["field"]).collect();
    assert_eq!(changed, ["number", "note"]);
    let kind =
        ["source", "destination", "transformation"].into_iter().find(|kind| !before[kind].is_null()).unwrap();
    assert_eq!((&told["pipeline"]["kind"], &told["pipeline"]["id"]), (&json!(kind), &before[kind]));
    assert_eq!(
        told["pipeline"]["name"].as_str().unwrap(),
        workspace.rows(&format!("SELECT pipeline_name FROM runs WHERE run_id = '{id}'"))[0]
    );

    let text = with(&workspace, &["show", &id.to_string()]).out();
    assert!(text.contains(&format!("number: {} → 4711", before["number"])), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{7}']), "a terminal obeys what it is shown");

    let unknown = with(&workspace, &["show", &Uuid::nil().to_string()]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("hint: `runledger fetch"), "{}", unknown.err);
}

// ---- query, report, export

#[test]
fn a_query_answers_in_every_format() {
    let workspace = archived(60);
    let sql = "SELECT :text AS text, :whole + 1 AS whole, count(*) AS runs FROM runs";
    let query = |format: &str| {
        with(
            &workspace,
            &["query", sql, "--param", "text=a, \"b\"", "--param", "whole=41", "--format", format],
        )
        .out()
    };
    assert_eq!(query("csv"), "text,whole,runs\n\"a, \"\"b\"\"\",42,60\n");
    let row = json!({"text": "a, \"b\"", "whole": 42, "runs": 60});
    assert_eq!(serde_json::from_str::<Value>(&query("json")).unwrap(), json!([row]));
    assert_eq!(serde_json::from_str::<Value>(query("ndjson").trim_end()).unwrap(), row);
    let table = query("table");
    assert!(table.contains("whole") && table.contains("42"), "{table}");

    fs::write(workspace.file("q.sql"), "SELECT run_id FROM runs ORDER BY run_id LIMIT 1").unwrap();
    let answer =
        with(&workspace, &["query", "--file", "q.sql", "--format", "csv", "--output", "out.csv"]).out();
    assert_eq!(answer, "");
    let smallest = workspace.truth().into_keys().next().unwrap();
    assert_eq!(fs::read_to_string(workspace.file("out.csv")).unwrap(), format!("run_id\n{smallest}\n"));
}

#[test]
fn a_query_that_writes_is_refused() {
    let workspace = archived(60);
    let before = fs::read(workspace.path()).unwrap();
    for sql in [
        "DELETE FROM run_snapshots",
        "UPDATE syncs SET outcome = 'complete'",
        "PRAGMA user_version = 7",
        "PRAGMA journal_mode = delete",
        "SELECT 1; DELETE FROM run_snapshots",
        "ATTACH 'other.db' AS other",
        "VACUUM INTO 'copy.db'",
        "CREATE TEMP TABLE t (x)",
        "BEGIN",
        "",
        "SELECT * FROM nowhere",
        "SELECT :missing",
    ] {
        let refused = with(&workspace, &["query", sql]);
        assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{sql}: {refused:?}");
    }
    assert_eq!(fs::read(workspace.path()).unwrap(), before);
    assert!(!workspace.file("other.db").exists() && !workspace.file("copy.db").exists());
}

#[test]
fn reports_go_to_the_standard_output_or_to_a_file() {
    let workspace = archived(200);
    for name in [
        "cost",
        "duration",
        "failures",
        "slowest-runs",
        "costliest-runs",
        "cost-changes-after-success",
        "pipelines-without-runs",
        "status-transitions",
        "settling",
        "audit",
        "waste",
        "anomalies",
    ] {
        for format in ["table", "csv", "json", "markdown"] {
            let printed = with(&workspace, &["report", name, "--format", format]).out();
            let file = workspace.file("report");
            fs::write(&file, "what was there before").unwrap();
            let args = ["report", name, "--format", format, "--output", "report"];
            assert_eq!(with(&workspace, &args).out(), "");
            assert_eq!(fs::read_to_string(&file).unwrap(), printed, "{name} {format}");
            if format == "json" {
                assert!(serde_json::from_str::<Value>(&printed).unwrap().is_array());
            }
        }
    }
    let listed = with(&workspace, &["report", "--format", "csv"]).out();
    assert_eq!(listed.lines().count(), 15);
}

#[test]
fn a_cost_report_adds_up_to_what_the_sandbox_charged() {
    let workspace = archived(200);
    let csv = with(&workspace, &["report", "cost", "--by", "status", "--format", "csv"]).out();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let columns: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let column = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let (mut runs, mut nanos, mut credits) = (0, 0, 0);
    for row in reader.records().map(Result::unwrap) {
        runs += row[column("runs")].parse::<u64>().unwrap();
        nanos += row[column("total_cost_usd")].replace('.', "").parse::<i64>().unwrap_or(0);
        credits += row[column("credits")].parse::<u64>().unwrap();
    }
    let truth = workspace.truth();
    let nano = |run: &Value, field: &str| (run[field].as_f64().unwrap_or(0.0) * 1e9).round_ties_even() as i64;
    let expected: i64 =
        truth.values().map(|run| nano(run, "el_cost_usd") + nano(run, "transformation_cost_usd")).sum();
    let charged = truth.values().filter(|run| run["credit_charge_status"] == "charged").count();
    assert_eq!((runs, credits), (200, charged as u64));
    // The doubles above are rounded twice: that is worth a nano-dollar a cost at most.
    assert!((nanos - expected).abs() < 10 && nanos > 0, "{nanos} {expected}");
}

#[test]
fn report_arguments_that_make_no_sense_are_usage_errors() {
    let workspace = archived(10);
    for args in [
        &["report", "nothing"][..],
        &["report", "cost", "--by", "colour"],
        &["report", "cost", "--by", "month,month"],
        &["report", "cost", "--limit", "3"],
        &["report", "failures", "--by", "month"],
        &["report", "cost", "--zone", "Mars/Olympus"],
        &["report", "cost", "--from", "2026-02-30"],
        &["report", "cost", "--from", "2026-03-01", "--until", "2026-03-01"],
        &["export", "documents", "--format", "csv"],
        &["export", "everything"],
        &["sync", "--lookback", "7"],
        &["sync", "--concurrency", "0"],
        &["status", "--max-age", "soon"],
        &["query", "SELECT 1", "--file", "q.sql"],
        &["report", "cost", "--period", "January"],
        &["report", "cost", "--date", "paid"],
        &["report", "cost", "--as-of", "yesterday"],
        &["export", "focus", "--period", "2026-W01"],
        &["close", "January"],
        &["close", "--restate"],
        &["close", "2025-01", "2025-02"],
        &["restatements", "--period", "2025-01"],
        &["restatements", "--totals", "--as-of", "soon"],
        &["reconcile", "--period", "2025-01"],
        &["reconcile", "--period", "2025-01", "--invoice", "much"],
        &["verify-file"],
        &["verify-file", "none.csv"],
        &["config", "--config", "none.toml"],
        &["nothing"],
        &[],
    ] {
        let ran = with(&workspace, args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {ran:?}");
        assert!(!ran.err.is_empty());
    }
}

#[test]
fn exported_documents_are_the_runs_as_the_api_has_them_one_a_line() {
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
fn output_that_cannot_be_written_has_an_exit_code_of_its_own() {
    let workspace = archived(10);
    for args in [&["export", "runs"][..], &["report", "cost"], &["query", "SELECT 1"]] {
        let args = [args, &["--output", "no/such/folder/file"]].concat();
        let ran = with(&workspace, &args);
        assert_eq!(ran.code, 7, "{args:?}: {ran:?}");
        assert!(ran.err.contains("no/such/folder/file was not written"), "{}", ran.err);
    }
}

#[test]
fn a_reader_that_stops_early_is_no_error() {
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

// ---- help, demo, files of others

#[test]
fn every_command_explains_itself() {
    let folder = tempfile::tempdir().unwrap();
    let help = run(command(folder.path(), &["--help"])).out();
    let commands = [
        "sync",
        "fetch",
        "status",
        "show",
        "report",
        "export",
        "query",
        "close",
        "restatements",
        "reconcile",
        "check",
        "backup",
        "verify",
        "verify-file",
        "coverage",
        "drift",
        "config",
        "demo",
        "sandbox",
        "completions",
        "man",
    ];
    for name in commands {
        assert!(help.lines().any(|line| line.trim_start().starts_with(name)), "{name}");
        let own = run(command(folder.path(), &[name, "--help"])).out();
        assert!(own.contains(&format!("Usage: runledger {name}")), "{own}");
        assert!(!own.contains("--api-key "), "{own}");
    }
    for code in ["0", "1", "2", "3", "4", "5", "6", "7", "11", "130, 143"] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(&format!("{code} "))), "{code}");
    }
    assert!(run(command(folder.path(), &["--version"])).out().starts_with("runledger "));
}

#[test]
fn a_demo_needs_nothing_and_shows_what_can_be_asked() {
    let folder = tempfile::tempdir().unwrap();
    let mut sizes = Vec::new();
    for _ in 0..2 {
        let told = run(command(folder.path(), &["demo", "--runs", "300"])).out();
        for part in [
            "first sync: 300 runs seen, 300 new",
            "is closed: close 1",
            "full sync: ",
            "$ runledger restatements",
            "$ runledger report cost",
            "$ runledger report duration",
            "History",
            "runledger-demo.db status",
        ] {
            assert!(told.contains(part), "{part:?} is not in {told}");
        }
        let archive = folder.path().join("runledger-demo.db");
        sizes.push(workspace::rows_of(&archive, "SELECT count(*) FROM runs"));
        let status = run(command(folder.path(), &["status", "--db", "runledger-demo.db", "--json"])).json();
        assert_eq!(status["last_sync"]["outcome"], "complete");
    }
    assert_eq!(sizes, [["303"], ["303"]], "the second demo begins anew");
}

#[test]
fn a_demo_leaves_the_files_of_others_alone() {
    let workspace = archived(10);
    let notes = workspace.file("notes.txt");
    fs::write(&notes, "my notes, which are not an archive").unwrap();
    let other = workspace.file("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let real = workspace.file("real.db");
    fs::copy(workspace.path(), &real).unwrap();
    rusqlite::Connection::open(&real)
        .unwrap()
        .execute_batch("UPDATE syncs SET api_url = 'https://api.nekt.ai'")
        .unwrap();
    for file in [notes, other, real] {
        let before = fs::read(&file).unwrap();
        let ran = with(&workspace, &["demo", "--runs", "100", "--db", file.to_str().unwrap()]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains("is there already"), "{}", ran.err);
        assert!(fs::read(&file).unwrap() == before, "{} was changed", file.display());
    }
}

#[test]
fn files_of_other_programs_are_refused_by_every_command() {
    let workspace = Workspace::of(10);
    fs::write(workspace.file("notes.txt"), "my notes, which are not an archive".repeat(100)).unwrap();
    let other = workspace.file("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let id = workspace.ids()[0].to_string();
    for name in ["notes.txt", "other.db"] {
        let before = fs::read(workspace.file(name)).unwrap();
        for args in [
            &["sync"][..],
            &["fetch", &id],
            &["status"],
            &["show", &id],
            &["report", "cost"],
            &["export", "runs"],
            &["query", "SELECT 1"],
            &["close"],
            &["close", "2025-01", "--force"],
            &["restatements"],
            &["reconcile", "--period", "2025-01", "--invoice", "1"],
            &["check"],
            &["drift"],
        ] {
            let ran = with(&workspace, &[args, &["--db", name]].concat());
            assert_eq!((ran.code, ran.out.as_str()), (6, ""), "{args:?} {name}: {ran:?}");
            assert!(
                ran.err.contains(name) && ran.err.contains("hint: name another file with --db"),
                "{}",
                ran.err
            );
        }
        assert!(fs::read(workspace.file(name)).unwrap() == before);
    }
    assert_eq!(workspace.sandbox.request_count(), 0);
}

#[test]
fn a_missing_archive_comes_with_a_hint() {
    let workspace = Workspace::of(0);
    for args in [
        &["status"][..],
        &["report", "cost"],
        &["export", "runs"],
        &["query", "SELECT 1"],
        &["close"],
        &["close", "2025-01", "--force"],
        &["restatements"],
        &["reconcile", "--period", "2025-01", "--invoice", "1"],
    ] {
        let ran = with(&workspace, args);
        assert_eq!(ran.code, 6);
        assert!(
            ran.err.contains("there is no such file") && ran.err.contains("hint: `runledger sync` makes it"),
            "{ran:?}"
        );
    }
    assert_eq!(files(&workspace), [""; 0], "looking makes no file");
    let ran = with(&workspace, &["sync", "--db", "no/such/folder/a.db"]);
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.err.contains("hint: "), "{}", ran.err);
}
