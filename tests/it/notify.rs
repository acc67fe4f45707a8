//! Notifications about syncs, with the built binary: pings, metrics and the Nagios check.

#![cfg(unix)]

use crate::support::machine;
use crate::support::machine::{Ended, Machine, RUNLEDGER, SYNC, Victim};
use crate::support::ping_server::{Ping, PingServer, Reply};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use runledger::internal::run::Instant as Moment;
use runledger::internal::store::Lock;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The exit code's placeholder in the ping URL.
const CODE: &str = "5a0c9d3e-marked";

struct Stage {
    machine: Machine,
    ping_server: PingServer,
}

impl Stage {
    fn new() -> Stage {
        Stage { machine: Machine::of(30), ping_server: PingServer::new() }
    }

    /// A sync into `a.db` with a ping URL.
    fn sync(&self) -> Command {
        let mut command = self.machine.command(&self.machine.file("a.db"), SYNC);
        command.env("RUNLEDGER_PING_URL", self.ping_server.url(CODE));
        command
    }
}

fn ended(mut command: Command) -> Ended {
    command.output().unwrap().into()
}

/// The pinged paths in order; asserts that each request is well-formed.
fn paths(pings: &[Ping]) -> Vec<&str> {
    let paths = pings.iter().map(|ping| {
        let (path, query) = ping.target.split_once('?').unwrap();
        assert_eq!((ping.method.as_str(), query), ("POST", format!("key={CODE}&rid=1").as_str()), "{ping:?}");
        assert!(ping.head.contains("user-agent: runledger/"), "{ping:?}");
        path.strip_prefix(&format!("/ping/{CODE}")).unwrap()
    });
    paths.collect()
}

// ---- pings

#[test]
fn a_sync_pings_its_start_and_its_success_with_the_summary() {
    let stage = Stage::new();
    let done = ended(stage.sync()).with(0);
    let pings = stage.ping_server.pings();
    assert_eq!(paths(&pings), ["/start", ""]);
    assert_eq!(pings[0].body, "");
    assert!(pings[1].body.starts_with("Synced 30 runs: 30 new   (first, "), "{pings:?}");
    assert!(pings[1].head.contains("text/plain; charset=utf-8"), "{pings:?}");
    assert!(done.stderr.is_empty(), "{done:?}");
}

#[test]
fn the_ping_url_comes_from_the_flag_file_or_environment() {
    let stage = Stage::new();
    let file = stage.machine.file("ping.txt");
    fs::write(&file, format!("{}\n", stage.ping_server.url(CODE))).unwrap();
    for arguments in
        [["--ping-url", &stage.ping_server.url(CODE)], ["--ping-url-file", file.to_str().unwrap()]]
    {
        let mut sync = stage.sync();
        sync.env("RUNLEDGER_PING_URL", "http://127.0.0.1:1/").args(arguments);
        ended(sync).with(0);
        assert_eq!(paths(&stage.ping_server.pings()), ["/start", ""]);
    }
}

#[test]
fn a_ping_url_over_plain_http_is_not_sent_to_another_machine() {
    let stage = Stage::new();
    let file = stage.machine.file("ping.txt");
    // A proxy would see the URL as well.
    let proxy = stage.ping_server.url("proxy");
    fs::write(&file, format!("http://ping.example/{CODE}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let mut sync = stage.sync();
    sync.arg("--ping-url-file").arg(&file);
    for name in ["http_proxy", "HTTP_PROXY", "ALL_PROXY"] {
        sync.env(name, &proxy);
    }
    let done = ended(sync).with(0);
    assert!(done.stderr.contains("no ping is sent") && done.stderr.contains("ping.txt"), "{done:?}");
    assert!(!done.stderr.contains(CODE), "{done:?}");
    assert!(stage.ping_server.pings().is_empty());
}

#[test]
fn a_failed_sync_pings_its_exit_code() {
    let stage = Stage::new();
    let fails = |command: Command, code: i32, words: &str| {
        let done = ended(command).with(code);
        let pings = stage.ping_server.pings();
        assert_eq!(paths(&pings), ["/start", &format!("/{code}")], "{done:?}");
        assert!(pings[1].body.contains(words), "{words}: {pings:?}");
        done
    };
    let mut wrong_key = stage.sync();
    wrong_key.env("NEKT_API_KEY", "wrong");
    fails(wrong_key, 4, "\n  hint:  check NEKT_API_KEY");
    let mut no_key = stage.sync();
    no_key.args(["--api-key-file", "none.txt"]);
    fails(no_key, 2, "error: cannot read the API key from the file none.txt");

    stage
        .machine
        .sandbox
        .on_request(|call, _| machine::is_page(call).then(|| StatusCode::IM_A_TEAPOT.into_response()));
    fails(stage.sync(), 5, "error: ");
    stage
        .machine
        .sandbox
        .on_request(|call, _| (!machine::is_page(call)).then(|| StatusCode::FORBIDDEN.into_response()));
    fails(stage.sync(), 3, "(first, partial, ");
    stage.machine.sandbox.on_request(|_, _| None);

    let archive = stage.machine.file("a.db");
    let lock = Lock::acquire(&archive, Moment::parse("2026-01-01T00:00:00Z").unwrap()).unwrap();
    fails(stage.sync(), 11, "error: another process is using the archive");
    drop(lock);
    fs::write(&archive, "Buy milk. ".repeat(100)).unwrap();
    fails(stage.sync(), 6, "error: cannot use the archive ");
}

#[test]
fn a_signal_is_pinged_within_two_seconds() {
    let stage = Stage::new();
    for (signal, code) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        // A server that waits responds slowly.
        stage.ping_server.reply(&[Reply::Status("200 OK"), Reply::Silence(Duration::from_secs(30))]);
        let victim = Victim::default();
        let (done, is_done) = mpsc::channel::<()>();
        stage.machine.sandbox.on_request({
            let (victim, ping_server) = (victim.clone(), stage.ping_server.clone());
            let mut first = true;
            move |_, _| {
                if std::mem::take(&mut first) {
                    ping_server.wait();
                    victim.signal(signal);
                    let _ = is_done.recv();
                }
                None
            }
        });
        let began = Instant::now();
        let ended = victim.start(&mut stage.sync()).wait().with(code);
        done.send(()).unwrap();
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert!(ended.stderr.contains("the final ping failed"), "{ended:?}");
        let pings = stage.ping_server.pings();
        assert_eq!(paths(&pings), ["/start", &format!("/{code}")]);
        assert!(pings[1].body.contains(&format!("error: interrupted by SIG{signal}")), "{pings:?}");
    }
}

#[test]
fn a_failing_ping_is_a_warning_and_changes_nothing() {
    let fails_with = |reply: Reply, attempts: usize, words: &str| {
        let stage = Stage::new();
        stage.ping_server.reply(&[reply]);
        let began = Instant::now();
        let done = ended(stage.sync()).with(0);
        assert!(began.elapsed() < Duration::from_secs(20), "{words}: {:?}", began.elapsed());
        assert!(done.stderr.contains(&format!("the final ping failed: {words}")), "{done:?}");
        assert!(!done.stderr.contains(CODE), "{done:?}");
        let ends = stage.ping_server.pings().iter().filter(|ping| !ping.target.contains("/start")).count();
        assert_eq!(ends, attempts, "{words}");
    };
    // Each of them waits, so they run in parallel.
    thread::scope(|scope| {
        for (reply, attempts, words) in [
            (Reply::Status("404 Not Found"), 1, "HTTP 404"),
            (Reply::Status("302 Found"), 1, "HTTP 302, and redirects are not followed"),
            (Reply::Status("503 Service Unavailable"), 2, "HTTP 503"),
            (Reply::Silence(Duration::from_secs(60)), 2, "no response in time"),
        ] {
            scope.spawn(move || fails_with(reply, attempts, words));
        }
        // No server listens, or the URL does not exist.
        for url in ["http://127.0.0.1:1/marked", "https://marked.invalid/marked"] {
            scope.spawn(move || {
                let stage = Stage::new();
                let mut sync = stage.sync();
                // Not even the highest verbosity names the host.
                sync.args(["--ping-url", url, "-vvv"]);
                let done = ended(sync).with(0);
                assert_eq!(done.stderr.matches("ping failed: ").count(), 2, "{done:?}");
                assert!(!done.stderr.contains("marked"), "{done:?}");
            });
        }
    });
}

#[test]
fn a_ping_that_fails_once_succeeds_the_second_time() {
    let stage = Stage::new();
    stage.ping_server.reply(&[Reply::Status("500 Internal Server Error"), Reply::Status("200 OK")]);
    assert_eq!(ended(stage.sync()).with(0).stderr, "");
    assert_eq!(paths(&stage.ping_server.pings()), ["/start", "/start", ""]);
}

#[test]
fn an_invalid_ping_url_is_rejected_before_any_request() {
    let stage = Stage::new();
    for arguments in [["--ping-url", "marked"], ["--ping-url", "ftp://h/marked"], ["--ping-url-file", "none"]]
    {
        let mut sync = stage.sync();
        sync.args(arguments);
        let done = ended(sync).with(2);
        assert!(done.stderr.contains("ping") && !done.stderr.contains("marked"), "{done:?}");
    }
    assert!(stage.ping_server.pings().is_empty() && stage.machine.sandbox.request_count() == 0);
}

#[test]
fn dry_runs_and_other_commands_send_no_ping() {
    let stage = Stage::new();
    let mut dry = stage.sync();
    dry.args(["--dry-run", "--metrics-file", "m.prom"]);
    ended(dry).with(0);
    ended(stage.sync()).with(0);
    assert_eq!(stage.ping_server.pings().len(), 2);
    assert!(!stage.machine.file("m.prom").exists());
    let archive = stage.machine.file("a.db");
    let id = stage.machine.sandbox.model().ids().next().unwrap().to_string();
    for arguments in [&["fetch", &id][..], &["status"], &["verify"]] {
        let mut command = stage.machine.command(&archive, arguments);
        command.env("RUNLEDGER_PING_URL", stage.ping_server.url(CODE));
        ended(command).with(0);
    }
    assert!(stage.ping_server.pings().is_empty());
}

// ---- metrics

/// The values of a metrics page.
fn values(path: &Path) -> BTreeMap<String, f64> {
    let page = fs::read_to_string(path).unwrap();
    assert!(page.ends_with('\n'));
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.strip_prefix("runledger_").unwrap().to_owned(), value.parse().unwrap())
        })
        .collect()
}

/// The metrics of a sync with this key, which must exit with this code.
fn metrics_of_sync(stage: &Stage, code: i32, key: &str) -> BTreeMap<String, f64> {
    let path = stage.machine.file("runledger.prom");
    let mut sync = stage.sync();
    sync.args(["--metrics-file", path.to_str().unwrap()]).env("NEKT_API_KEY", key);
    ended(sync).with(code);
    values(&path)
}

#[test]
fn metrics_describe_the_archive_and_the_last_attempt() {
    let stage = Stage::new();
    let sync = |code: i32, key: &str| metrics_of_sync(&stage, code, key);
    let good = sync(0, stage.machine.sandbox.api_key());
    let number = |name: &str| good[name];
    assert_eq!((number("runs"), number("snapshots"), number("last_attempt_exit_code")), (30.0, 30.0, 0.0));
    assert!(number("last_attempt_requests") >= 4.0 && number("last_attempt_duration_seconds") > 0.0);
    assert!(number("archive_size_bytes") > 10_000.0);
    assert_eq!((number("vanished_runs"), number("quarantined_items"), number("drift")), (0.0, 0.0, 0.0));
    let now = chrono::Utc::now().timestamp_micros() as f64 / 1e6;
    assert!((0.0..60.0).contains(&(now - number("last_success_timestamp_seconds"))));

    // After a failure, the last success stays unchanged.
    let failed = sync(4, "wrong");
    assert_eq!(failed["last_attempt_exit_code"], 4.0);
    assert_eq!(failed["last_success_timestamp_seconds"], good["last_success_timestamp_seconds"]);
    assert!(failed["last_attempt_timestamp_seconds"] > good["last_attempt_timestamp_seconds"]);
    assert_eq!(failed["runs"], 30.0);

    // An unreadable archive has no figures.
    fs::write(stage.machine.file("a.db"), "Buy milk. ".repeat(100)).unwrap();
    let unusable = sync(6, "any");
    let names: Vec<&str> = unusable.keys().map(String::as_str).collect();
    assert_eq!(names, ["last_attempt_exit_code", "last_attempt_timestamp_seconds"]);
}

#[test]
fn a_signal_ends_no_series_of_pipelines_and_budgets() {
    let stage = Stage::new();
    let machine = &stage.machine;
    fs::write(machine.file("key.txt"), machine.sandbox.api_key()).unwrap();
    let settings = ["reached", "waiting"].map(|name| {
        let url = machine.sandbox.url();
        format!(
            "[[workspace]]\nname = \"{name}\"\narchive = \"{name}.db\"\napi_key_file = \"key.txt\"\n\
             api_url = \"{url}\"\n[[budget]]\nname = \"{name}\"\namount_usd = 20\nworkspace = \"{name}\"\n"
        )
    });
    fs::write(machine.file("runledger.toml"), settings.concat()).unwrap();
    let sync = || {
        let mut command = Command::new(RUNLEDGER);
        command.args(["sync", "--all", "--quiet", "--metrics-file", "runledger.prom"]);
        command.current_dir(machine.folder()).env_remove("RUNLEDGER_DB");
        command
    };
    // After an incomplete sync, it is not known what is overdue or missing.
    let series = || -> Vec<String> {
        let names = values(&machine.file("runledger.prom")).into_keys();
        let watched = names.filter(|name| name.starts_with("pipeline_") || name.starts_with("budget_"));
        watched.filter(|name| !name.contains("_overdue_") && !name.contains("_missing_")).collect()
    };
    ended(sync()).with(0);
    let before = series();
    for name in ["reached", "waiting"] {
        assert!(before.contains(&format!("budget_spent_ratio{{workspace=\"{name}\",budget=\"{name}\"}}")));
        let of_workspace = format!("{{workspace=\"{name}\",pipeline_kind=");
        assert!(before.iter().filter(|series| series.contains(&of_workspace)).count() > 20, "{before:?}");
    }
    let victim = Victim::default();
    let (done, is_done) = mpsc::channel::<()>();
    machine.sandbox.on_request({
        let victim = victim.clone();
        let mut first = true;
        move |_, _| {
            if std::mem::take(&mut first) {
                victim.signal("TERM");
                let _ = is_done.recv();
            }
            None
        }
    });
    victim.start(&mut sync()).wait().with(143);
    done.send(()).unwrap();
    assert_eq!(
        values(&machine.file("runledger.prom"))["last_attempt_exit_code{workspace=\"waiting\"}"],
        143.0
    );
    assert_eq!(series(), before);
}

#[test]
fn metrics_report_no_success_in_the_future() {
    let stage = Stage::new();
    let sync = |code: i32, key: &str| metrics_of_sync(&stage, code, key);
    let good = sync(0, stage.machine.sandbox.api_key());
    assert_eq!(good["observations_ahead_seconds"], 0.0);
    // A sync with a clock a year ahead.
    let ahead =
        (chrono::Utc::now() + chrono::TimeDelta::days(365)).format("%Y-%m-%dT%H:%M:%S.000000Z").to_string();
    let sql = "UPDATE syncs SET started_at = ?1, last_observed_at = ?1, walk_started_at = ?1, ended_at = ?1,
                                clock_started_at = ?1, clock_ended_at = ?1";
    Connection::open(stage.machine.file("a.db")).unwrap().execute(sql, [ahead]).unwrap();
    let failed = sync(4, "wrong");
    assert!(!failed.contains_key("last_success_timestamp_seconds"), "{failed:?}");
    assert!(failed["observations_ahead_seconds"] > 364.0 * 86_400.0, "{failed:?}");
    let repaired = sync(0, stage.machine.sandbox.api_key());
    let now = chrono::Utc::now().timestamp() as f64;
    assert!((now - 60.0..=now + 1.0).contains(&repaired["last_success_timestamp_seconds"]), "{repaired:?}");
}

#[test]
fn a_metrics_file_keeps_its_mode_without_leftovers() {
    let stage = Stage::new();
    let folder = stage.machine.file("collector");
    fs::create_dir(&folder).unwrap();
    let path = folder.join("runledger.prom");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 077; exec \"$@\"", "sh", RUNLEDGER, "sync", "--db"]);
    shell.arg(stage.machine.file("a.db")).arg("--metrics-file").arg(&path);
    shell.env("NEKT_API_KEY", stage.machine.sandbox.api_key());
    shell.env("RUNLEDGER_API_URL", stage.machine.sandbox.url());
    ended(shell).with(0);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn unwritable_metrics_are_an_error_unless_a_graver_one_occurred() {
    let stage = Stage::new();
    let sync = |key: &str| {
        let mut sync = stage.sync();
        sync.args(["--metrics-file", "none/m.prom"]).env("NEKT_API_KEY", key);
        ended(sync)
    };
    sync(stage.machine.sandbox.api_key()).refused(7, "error: none/m.prom was not written");
    let pings = stage.ping_server.pings();
    assert_eq!(paths(&pings), ["/start", "/7"]);
    assert!(pings[1].body.contains("\nerror: none/m.prom was not written"), "{pings:?}");
    let both = sync("wrong");
    both.refused(4, "none/m.prom was not written");
    assert_eq!(paths(&stage.ping_server.pings()), ["/start", "/4"]);
    // A device is written to and never replaced.
    let mut sync = stage.sync();
    sync.args(["--metrics-file", "/dev/stdout"]);
    assert!(ended(sync).with(0).stdout.starts_with("# HELP runledger_last_success_timestamp_seconds "));
}

// ---- Nagios

/// The output of `status --check`, and its exit code.
fn checked(machine: &Machine, arguments: &[&str]) -> (i32, String) {
    let done = machine.run(&machine.file("a.db"), [&["status", "--check"], arguments].concat());
    assert_eq!((done.stderr.as_str(), done.stdout.lines().count()), ("", 1), "{done:?}");
    (done.code.unwrap(), done.stdout.trim_end().to_owned())
}

#[test]
fn status_check_prints_one_nagios_line() {
    let machine = Machine::of(30);
    let (code, line) = checked(&machine, &[]);
    assert_eq!(code, 2);
    assert!(
        line.starts_with("RUNLEDGER CRITICAL - cannot use the archive ")
            && line.ends_with(": there is no such file"),
        "{line}"
    );

    let archive = machine.file("a.db");
    machine.synced(&archive, 0);
    let (code, line) = checked(&machine, &[]);
    assert_eq!(code, 0);
    let (words, measured) = line.split_once(" | ").unwrap();
    assert!(
        words.starts_with("RUNLEDGER OK - last complete sync ") && words.contains(" ago, 30 runs, "),
        "{line}"
    );
    for value in measured.split(' ') {
        let (label, value) = value.split_once('=').unwrap();
        let fields: Vec<&str> = value.split(';').collect();
        assert!(
            label.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_') && fields.len() == 5 - 1,
            "{value}"
        );
        assert!(fields[0].trim_end_matches(['s', 'B']).parse::<u64>().is_ok(), "{value}");
    }
    assert!(
        measured.contains("s;93600;180000;0 runs=30;;;0 ") && measured.contains(" quarantined=0;0;;0 "),
        "{line}"
    );

    let connection = Connection::open(&archive).unwrap();
    let old = |days: i64| {
        let at = (chrono::Utc::now() - chrono::TimeDelta::days(days))
            .format("%Y-%m-%dT%H:%M:%S.000000Z")
            .to_string();
        connection.execute("UPDATE syncs SET started_at = ?1", [at]).unwrap();
    };
    old(2);
    assert_eq!(checked(&machine, &[]).0, 1);
    assert_eq!(checked(&machine, &["--warning", "3d", "--critical", "4d"]).0, 0);
    old(20);
    let (code, line) = checked(&machine, &[]);
    assert!(code == 2 && line.starts_with("RUNLEDGER CRITICAL - last complete sync 20 d 0 h ago"), "{line}");
    connection.execute("UPDATE syncs SET walk_complete = 0", []).unwrap();
    let (code, line) = checked(&machine, &[]);
    assert!(
        code == 2 && line.contains("CRITICAL - no sync has completed yet, ") && line.contains("| age=U;"),
        "{line}"
    );
    drop(connection);
    fs::write(&archive, "Buy milk. ".repeat(100)).unwrap();
    assert_eq!(checked(&machine, &[]).0, 2);
}

#[test]
fn runs_suspected_missing_are_reported_until_confirmed() {
    let machine = Machine::of(60);
    let archive = machine.file("a.db");
    machine.synced(&archive, 0);
    {
        let mut model = machine.sandbox.model();
        let ids: Vec<_> = model.ids().step_by(2).take(25).collect();
        ids.into_iter().for_each(|id| model.delete(id));
    }
    let metrics = |machine: &Machine| fs::read_to_string(machine.file("runledger.prom")).unwrap();
    let arguments = ["sync", "--metrics-file", "runledger.prom", "--full"];
    let ran = machine.run(&archive, &arguments[..]).with(3);
    assert!(metrics(&machine).contains("\nrunledger_runs_suspected 25\n"), "{}", metrics(&machine));
    let (code, line) = checked(&machine, &[]);
    assert!(
        code == 1
            && line.starts_with("RUNLEDGER WARNING - ")
            && line.contains(", 25 suspected missing from the run list |")
            && line.contains(" suspected=25;0;;0 "),
        "{line}"
    );
    let text = machine.run(&archive, ["status"]).with(0).stdout;
    assert!(text.contains("\nSuspected    25: missing from the run list"), "{text}");
    let text = machine.run(&archive, ["status", "--json"]).with(0).stdout;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["suspected"], 25);
    let coverage = machine.run(&archive, ["coverage", "--offline"]).with(3);
    assert!(coverage.stdout.contains("\nSuspected    25 missing from the list"), "{}", coverage.stdout);
    assert!(
        coverage.stderr.contains("25 archived runs are missing from the run list"),
        "{}",
        coverage.stderr
    );

    // The advice, as the sync prints it.
    let advice = ran.stderr.split('`').find(|text| text.contains("--confirm-vanished"));
    let words: Vec<&str> = advice.unwrap().strip_prefix("runledger ").unwrap().split(' ').collect();
    assert_eq!(words[..3], ["sync", "--confirm-vanished", "--db"]);
    let confirmed = machine.run(Path::new(words[3]), &words[..2]).with(0);
    assert!(confirmed.stdout.contains(" 25 vanished   ("), "{}", confirmed.stdout);
    assert_eq!(checked(&machine, &[]).0, 0);
    machine.run(&archive, ["coverage", "--offline"]).with(0);
    machine.run(&archive, &arguments[..3]).with(0);
    assert!(metrics(&machine).contains("\nrunledger_runs_suspected 0\n"), "{}", metrics(&machine));
}

#[test]
fn status_check_reports_unknown_arguments_as_unknown() {
    let machine = Machine::of(30);
    for arguments in [
        &["--no-such-flag"][..],
        &["--warning", "soon"],
        &["--critical", "1h"],
        &["--json"],
        &["--max-age", "1h"],
        &["surplus"],
    ] {
        let (code, line) = checked(&machine, arguments);
        assert!(code == 3 && line.starts_with("RUNLEDGER UNKNOWN - "), "{arguments:?}: {line}");
    }
    // Without --check, the output is the usual one.
    machine.run(&machine.file("a.db"), ["status", "--warning", "3h"]).with(2);
}
