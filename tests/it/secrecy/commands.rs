//! Secrets in the output of every command.

use super::{KEY, PING, Stage, Traces, month_of};
use runledger::internal::store::Archive;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

/// The exit code of writing a spreadsheet: a build without that feature rejects it.
const SPREADSHEET: i32 = if cfg!(feature = "xlsx") { 0 } else { 2 };

#[test]
fn no_command_leaks_a_secret() {
    let stage = Stage::new();
    let ids = stage.plant();
    let mut traces = Traces::default();
    let key_file = stage.safe.path().join("key");
    let (key_file, id) = (key_file.to_str().unwrap(), ids[12].to_string());
    let ping_file = stage.safe.path().join("ping");
    let ping_file = ping_file.to_str().unwrap();
    let (ping_url, no_ping_url) = (stage.ping_server.url(PING), format!("{PING}://{PING}"));
    let api_url = stage.proxy.url();
    // A key in the settings file, where it does not belong.
    let mistaken = stage.safe.path().join("mistaken.toml");
    std::fs::write(&mistaken, format!("zone = \"UTC\"\napi_key = \"{KEY}\"\n")).unwrap();
    let mistaken = mistaken.to_str().unwrap();
    let month = &month_of(&stage, ids[60]);
    let commands: Vec<(Vec<&str>, i32)> = vec![
        (vec!["sync", "--dry-run"], 3),
        (vec!["sync"], 3),
        (vec!["sync", "--full", "--json", "--api-key-file", key_file, "--api-url", &api_url], 3),
        (vec!["sync", "--full", "--ping-url-file", ping_file, "--metrics-file", "runledger.prom"], 3),
        (vec!["sync", "--full", "--ping-url", &ping_url], 3),
        (vec!["sync", "--ping-url", &no_ping_url], 2),
        (vec!["sync", "--ping-url", &ping_url, "--ping-url-file", ping_file], 2),
        (vec!["sync", "--ping-ulr", &ping_url], 2),
        (vec!["status", "--check", "--max-drift", "0"], 1),
        (vec!["fetch", &id, "--json"], 0),
        (vec!["status"], 0),
        (vec!["status", "--json"], 0),
        (vec!["show", &id], 0),
        (vec!["show", &id, "--json"], 0),
        (vec!["report", "cost"], 0),
        (vec!["report", "failures", "--format", "json"], 0),
        (vec!["export", "runs", "--output", "runs.csv"], 0),
        (vec!["export", "snapshots", "--output", "snapshots.csv", "--manifest"], 0),
        (vec!["verify-file", "snapshots.csv"], 0),
        (
            vec!["report", "cost", "--by", "pipeline", "--format", "xlsx", "--output", "cost.xlsx"],
            SPREADSHEET,
        ),
        (vec!["export", "documents", "--output", "documents.ndjson"], 0),
        (vec!["query", "SELECT * FROM runs", "--format", "json"], 0),
        (vec!["query", "SELECT * FROM quarantine"], 0),
        (vec!["query", "SELECT * FROM no_such_table"], 2),
        (vec!["schema", "no_such_table"], 2),
        (vec!["schema", "runs", "--json"], 0),
        (vec!["check"], 0),
        (vec!["check", "--json"], 0),
        (vec!["backup", "copy.db"], 0),
        (vec!["verify", "--sample", "20", "--seed", "1"], 0),
        (vec!["verify", "--sample", "20", "--seed", "1", "--json"], 0),
        (vec!["coverage", "--json"], 0),
        (vec!["probe"], 3),
        (vec!["probe", "--json", "--api-key-file", key_file, "--api-url", &api_url], 3),
        (vec!["drift"], 0),
        (vec!["drift", "--json"], 0),
        (vec!["close", month, "--force", "--zone", "UTC"], 0),
        (vec!["close", "--json"], 0),
        (vec!["close", month], 2),
        (vec!["export", "focus", "--period", month, "--output", "focus.csv"], 0),
        (vec!["export", "costs", "--period", month, "--output", "costs.csv", "--manifest"], 0),
        (vec!["export", "workbook", "--period", month, "--output", "workbook.xlsx"], SPREADSHEET),
        (vec!["export", "costs", "--format", "xlsx", "--output", "costs.xlsx"], SPREADSHEET),
        (vec!["statements", "--period", month, "--output", "statements"], 0),
        (vec!["statements", "--check", "statements"], 0),
        (vec!["restatements"], 0),
        (vec!["restatements", "--totals", "--format", "json"], 0),
        (vec!["reconcile", "--period", month, "--invoice", "1000000"], 3),
        (vec!["report", "audit"], 0),
        (vec!["config"], 0),
        (vec!["config", "--json"], 0),
        (vec!["config", "--config", mistaken], 2),
        (vec!["report", "cost", "--config", mistaken], 2),
        (vec!["sync", "--no-such-flag"], 2),
    ];
    for (arguments, code) in commands {
        assert_eq!(stage.run(&arguments, &mut traces), code, "{arguments:?}");
    }
    traces.add_folder(stage.folder.path());
    assert!(traces.0.keys().any(|place| place.ends_with("runledger.db")), "the archive was searched");
    let archive = &traces.0.iter().find(|(place, _)| place.ends_with("runledger.db")).unwrap().1;
    let has = |text: &[u8]| archive.windows(text.len()).any(|window| window == text);
    assert!(has(b"[redacted]") && has(b"tax-id"), "the text around the secrets is kept");
    traces.assert_clean();
    let received = stage.ping_server.pings();
    assert!(received.len() >= 6 && received.iter().all(|ping| ping.target.contains(PING)), "{received:?}");
    let mut pings = Traces::default();
    // The ping server receives no secret except its own URL.
    let bodies = received.iter().map(|ping| ping.head.clone() + &ping.body).collect::<String>();
    pings.add("the pings".to_owned(), bodies.into_bytes());
    pings.assert_clean();
    let asked = stage.proxy.request_heads();
    assert!(asked.len() > 10 && asked.iter().all(|head| head.contains(KEY)), "the API received the key");
}

#[test]
fn the_write_ahead_log_contains_no_secret() {
    let stage = Stage::new();
    stage.plant();
    let mut traces = Traces::default();
    assert_eq!(stage.run(&["sync"], &mut traces), 3);
    // An open reader prevents a checkpoint, so the log exists while it is searched.
    let path = stage.folder.path().join("runledger.db");
    let reader = Archive::open_for_reading(&path).unwrap();
    reader.connection().execute_batch("BEGIN; SELECT count(*) FROM runs").unwrap();
    stage.sandbox.model().add();
    assert_eq!(stage.run(&["sync", "--full"], &mut traces), 3);
    traces.add_folder(stage.folder.path());
    let log = traces.0.iter().find(|(place, _)| place.ends_with("-wal")).map(|(_, bytes)| bytes.len());
    assert!(log.is_some_and(|bytes| bytes > 1000), "the log was searched");
    traces.assert_clean();
}

#[test]
fn the_process_list_never_shows_the_key() {
    let stage = Stage::new();
    let key_file = stage.safe.path().join("key");
    let (started, process_id) = mpsc::channel::<u32>();
    let (sender, receiver) = mpsc::channel();
    stage.sandbox.on_request(move |call, _| {
        if call.number == 1 {
            let id = process_id.recv_timeout(Duration::from_secs(60)).unwrap();
            sender.send(std::fs::read(format!("/proc/{id}/cmdline")).unwrap()).unwrap();
        }
        None
    });
    let mut command = stage.command(&["sync", "--api-key-file", key_file.to_str().unwrap()]);
    let mut child =
        command.env_remove("NEKT_API_KEY").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    started.send(child.id()).unwrap();
    assert!(child.wait().unwrap().success());
    let arguments = receiver.recv().unwrap();
    assert!(arguments.starts_with(b"/") && arguments.windows(4).any(|window| window == b"sync"));
    let mut traces = Traces::default();
    traces.add("the arguments".to_owned(), arguments);
    traces.assert_clean();
    drop(stage.runtime);
}
