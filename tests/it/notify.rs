//! This is the test of the watch over syncs: pings, metrics, and the answer to Nagios, by the built command.

#![cfg(unix)]

use crate::support::machine;
use crate::support::machine::{Ended, Machine, RUNLEDGER, SYNC, Victim};
use crate::support::ping_server::{PingServer, Reply, Told};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use runledger::run::Instant as Moment;
use runledger::store::Lock;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What stands for the code in the address of a ping.
const CODE: &str = "5a0c9d3e-marked";

struct Stage {
    machine: Machine,
    ping_server: PingServer,
}

impl Stage {
    fn new() -> Stage {
        Stage { machine: Machine::of(30), ping_server: PingServer::new() }
    }

    /// A sync into `a.db` that is watched.
    fn sync(&self) -> Command {
        let mut command = self.machine.command(&self.machine.file("a.db"), SYNC);
        command.env("RUNLEDGER_PING_URL", self.ping_server.url(CODE));
        command
    }
}

fn ended(mut command: Command) -> Ended {
    command.output().unwrap().into()
}

/// The paths that were told, in their order; each has to come as it should.
fn paths(told: &[Told]) -> Vec<&str> {
    let paths = told.iter().map(|told| {
        let (path, query) = told.target.split_once('?').unwrap();
        assert_eq!((told.method.as_str(), query), ("POST", format!("key={CODE}&rid=1").as_str()), "{told:?}");
        assert!(told.head.contains("user-agent: runledger/"), "{told:?}");
        path.strip_prefix(&format!("/ping/{CODE}")).unwrap()
    });
    paths.collect()
}

// ---- pings

#[test]
fn a_sync_tells_its_start_and_its_success_with_the_summary() {
    let stage = Stage::new();
    let done = ended(stage.sync()).with(0);
    let told = stage.ping_server.told();
    assert_eq!(paths(&told), ["/start", ""]);
    assert_eq!(told[0].body, "");
    assert!(told[1].body.starts_with("first sync: 30 runs seen, 30 new, "), "{told:?}");
    assert!(told[1].head.contains("text/plain; charset=utf-8"), "{told:?}");
    assert!(done.stderr.is_empty(), "{done:?}");
}

#[test]
fn the_address_comes_from_the_argument_else_its_file_else_the_environment() {
    let stage = Stage::new();
    let file = stage.machine.file("ping.txt");
    fs::write(&file, format!("{}\n", stage.ping_server.url(CODE))).unwrap();
    for arguments in
        [["--ping-url", &stage.ping_server.url(CODE)], ["--ping-url-file", file.to_str().unwrap()]]
    {
        let mut sync = stage.sync();
        sync.env("RUNLEDGER_PING_URL", "http://127.0.0.1:1/").args(arguments);
        ended(sync).with(0);
        assert_eq!(paths(&stage.ping_server.told()), ["/start", ""]);
    }
}

#[test]
fn however_a_sync_fails_its_exit_code_is_told() {
    let stage = Stage::new();
    let fails = |command: Command, code: i32, words: &str| {
        let done = ended(command).with(code);
        let told = stage.ping_server.told();
        assert_eq!(paths(&told), ["/start", &format!("/{code}")], "{done:?}");
        assert!(told[1].body.contains(words), "{words}: {told:?}");
        done
    };
    let mut wrong_key = stage.sync();
    wrong_key.env("NEKT_API_KEY", "wrong");
    fails(wrong_key, 4, "\nhint: check NEKT_API_KEY");
    let mut no_key = stage.sync();
    no_key.args(["--api-key-file", "none.txt"]);
    fails(no_key, 2, "error: the file none.txt with the API key cannot be read");

    stage
        .machine
        .sandbox
        .on_request(|call, _| machine::is_page(call).then(|| StatusCode::IM_A_TEAPOT.into_response()));
    fails(stage.sync(), 5, "error: ");
    stage
        .machine
        .sandbox
        .on_request(|call, _| (!machine::is_page(call)).then(|| StatusCode::FORBIDDEN.into_response()));
    fails(stage.sync(), 3, "(in part)\nerror: done in part: ");
    stage.machine.sandbox.on_request(|_, _| None);

    let archive = stage.machine.file("a.db");
    let lock = Lock::acquire(&archive, Moment::parse("2026-01-01T00:00:00Z").unwrap()).unwrap();
    fails(stage.sync(), 11, "error: another sync is using the archive");
    drop(lock);
    fs::write(&archive, "Buy milk. ".repeat(100)).unwrap();
    fails(stage.sync(), 6, "error: the archive ");
}

#[test]
fn a_signal_is_told_without_waiting_for_long() {
    let stage = Stage::new();
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        // Whoever waits is slow to answer.
        stage.ping_server.reply(&[Reply::Status("200 OK"), Reply::NoProgress(Duration::from_secs(30))]);
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
        assert!(ended.stderr.contains("the ping of the end did not arrive"), "{ended:?}");
        let told = stage.ping_server.told();
        assert_eq!(paths(&told), ["/start", &format!("/{code}")]);
        assert!(told[1].body.contains(&format!("error: interrupted by SIG{signal}")), "{told:?}");
    }
}

#[test]
fn trouble_with_a_ping_is_a_warning_and_changes_nothing() {
    let stage = Stage::new();
    for (reply, attempts, words) in [
        (Reply::Status("404 Not Found"), 1, "HTTP 404"),
        (Reply::Status("302 Found"), 1, "HTTP 302, and no redirect is followed"),
        (Reply::Status("503 Service Unavailable"), 2, "HTTP 503"),
        (Reply::NoProgress(Duration::from_secs(60)), 2, "no answer in time"),
    ] {
        stage.ping_server.reply(&[reply]);
        let began = Instant::now();
        let done = ended(stage.sync()).with(0);
        assert!(began.elapsed() < Duration::from_secs(20), "{words}: {:?}", began.elapsed());
        assert!(done.stderr.contains(&format!("the ping of the end did not arrive: {words}")), "{done:?}");
        assert!(!done.stderr.contains(CODE), "{done:?}");
        let ends = stage.ping_server.told().iter().filter(|told| !told.target.contains("/start")).count();
        assert_eq!(ends, attempts, "{words}");
    }
    // One that fails once arrives the second time.
    stage.ping_server.reply(&[Reply::Status("500 Internal Server Error"), Reply::Status("200 OK")]);
    assert_eq!(ended(stage.sync()).with(0).stderr, "");
    assert_eq!(paths(&stage.ping_server.told()), ["/start", "/start", ""]);
    // Nobody is there, or there is no such place.
    for url in ["http://127.0.0.1:1/marked", "https://marked.invalid/marked"] {
        let mut sync = stage.sync();
        // The loudest does not even name its host.
        sync.args(["--ping-url", url, "-vvv"]);
        let done = ended(sync).with(0);
        assert_eq!(done.stderr.matches("did not arrive").count(), 2, "{done:?}");
        assert!(!done.stderr.contains("marked"), "{done:?}");
    }
}

#[test]
fn an_address_that_is_none_is_refused_before_anything_is_done() {
    let stage = Stage::new();
    for arguments in [["--ping-url", "marked"], ["--ping-url", "ftp://h/marked"], ["--ping-url-file", "none"]]
    {
        let mut sync = stage.sync();
        sync.args(arguments);
        let done = ended(sync).with(2);
        assert!(done.stderr.contains("ping") && !done.stderr.contains("marked"), "{done:?}");
    }
    assert!(stage.ping_server.told().is_empty() && stage.machine.sandbox.request_count() == 0);
}

#[test]
fn of_a_dry_run_and_of_other_commands_nobody_is_told() {
    let stage = Stage::new();
    let mut dry = stage.sync();
    dry.args(["--dry-run", "--metrics-file", "m.prom"]);
    ended(dry).with(0);
    ended(stage.sync()).with(0);
    assert_eq!(stage.ping_server.told().len(), 2);
    assert!(!stage.machine.file("m.prom").exists());
    let archive = stage.machine.file("a.db");
    let id = stage.machine.sandbox.model().ids().next().unwrap().to_string();
    for arguments in [&["fetch", &id][..], &["status"], &["verify"]] {
        let mut command = stage.machine.command(&archive, arguments);
        command.env("RUNLEDGER_PING_URL", stage.ping_server.url(CODE));
        ended(command).with(0);
    }
    assert!(stage.ping_server.told().is_empty());
}

// ---- metrics

/// The values of a page of metrics.
fn values(path: &Path) -> BTreeMap<String, f64> {
    let page = fs::read_to_string(path).unwrap();
    assert!(page.ends_with('\n'));
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.split_once(' ').unwrap();
            (name.strip_prefix("runledger_").unwrap().to_owned(), value.parse().unwrap())
        })
        .collect()
}

#[test]
fn the_metrics_say_what_the_archive_holds_and_how_the_last_attempt_ended() {
    let stage = Stage::new();
    let path = stage.machine.file("runledger.prom");
    let sync = |code: i32, key: &str| {
        let mut sync = stage.sync();
        sync.args(["--metrics-file", path.to_str().unwrap()]).env("NEKT_API_KEY", key);
        ended(sync).with(code);
        values(&path)
    };
    let good = sync(0, stage.machine.sandbox.api_key());
    let number = |name: &str| good[name];
    assert_eq!((number("runs"), number("snapshots"), number("last_attempt_exit_code")), (30.0, 30.0, 0.0));
    assert!(number("last_attempt_requests") >= 4.0 && number("last_attempt_duration_seconds") > 0.0);
    assert!(number("archive_size_bytes") > 10_000.0);
    assert_eq!((number("vanished_runs"), number("quarantined_items"), number("drift")), (0.0, 0.0, 0.0));
    let now = chrono::Utc::now().timestamp_micros() as f64 / 1e6;
    assert!((0.0..60.0).contains(&(now - number("last_success_timestamp_seconds"))));

    // After a failure the last success stays what it was.
    let failed = sync(4, "wrong");
    assert_eq!(failed["last_attempt_exit_code"], 4.0);
    assert_eq!(failed["last_success_timestamp_seconds"], good["last_success_timestamp_seconds"]);
    assert!(failed["last_attempt_timestamp_seconds"] > good["last_attempt_timestamp_seconds"]);
    assert_eq!(failed["runs"], 30.0);

    // An archive that cannot be read has no figures.
    fs::write(stage.machine.file("a.db"), "Buy milk. ".repeat(100)).unwrap();
    let unusable = sync(6, "any");
    let names: Vec<&str> = unusable.keys().map(String::as_str).collect();
    assert_eq!(names, ["last_attempt_exit_code", "last_attempt_timestamp_seconds"]);
}

#[test]
fn everybody_may_read_the_metrics_and_nothing_is_left_beside_them() {
    let stage = Stage::new();
    let folder = stage.machine.file("collector");
    fs::create_dir(&folder).unwrap();
    let path = folder.join("runledger.prom");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
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
fn metrics_that_cannot_be_written_are_an_error_unless_there_is_a_graver_one() {
    let stage = Stage::new();
    let sync = |key: &str| {
        let mut sync = stage.sync();
        sync.args(["--metrics-file", "none/m.prom"]).env("NEKT_API_KEY", key);
        ended(sync)
    };
    sync(stage.machine.sandbox.api_key()).refused(7, "error: none/m.prom was not written");
    let told = stage.ping_server.told();
    assert_eq!(paths(&told), ["/start", "/7"]);
    assert!(told[1].body.contains("\nerror: none/m.prom was not written"), "{told:?}");
    let both = sync("wrong");
    both.refused(4, "none/m.prom was not written");
    assert_eq!(paths(&stage.ping_server.told()), ["/start", "/4"]);
    // A device is written to and never replaced.
    let mut sync = stage.sync();
    sync.args(["--metrics-file", "/dev/stdout"]);
    assert!(ended(sync).with(0).stdout.starts_with("# HELP runledger_last_success_timestamp_seconds "));
}

// ---- Nagios

/// What `status --check` says, and its exit code.
fn checked(machine: &Machine, arguments: &[&str]) -> (i32, String) {
    let done = machine.run(&machine.file("a.db"), [&["status", "--check"], arguments].concat());
    assert_eq!((done.stderr.as_str(), done.stdout.lines().count()), ("", 1), "{done:?}");
    (done.code.unwrap(), done.stdout.trim_end().to_owned())
}

#[test]
fn nagios_is_told_in_one_line_of_its_own_form() {
    let machine = Machine::of(30);
    let (code, line) = checked(&machine, &[]);
    assert_eq!(code, 2);
    assert!(
        line.starts_with("RUNLEDGER CRITICAL - the archive ") && line.ends_with(": there is no such file"),
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
        assert!(label.chars().all(|letter| letter.is_ascii_lowercase()) && fields.len() == 5 - 1, "{value}");
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
        code == 2 && line.contains("CRITICAL - no sync was ever complete, ") && line.contains("| age=U;"),
        "{line}"
    );
    drop(connection);
    fs::write(&archive, "Buy milk. ".repeat(100)).unwrap();
    assert_eq!(checked(&machine, &[]).0, 2);
}

#[test]
fn an_argument_that_is_not_understood_is_unknown_to_nagios() {
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
    // Without --check everything is as ever.
    machine.run(&machine.file("a.db"), ["status", "--warning", "3h"]).with(2);
}
