//! This is the test of the commands that look after an archive: check, backup, verify, coverage, drift, and waiting for the lock.

#[path = "support/golden.rs"]
mod golden;
#[path = "support/workspace.rs"]
#[allow(dead_code, reason = "each test uses what it needs")]
mod workspace;

use assert_cmd::Command;
use chrono::TimeDelta;
use golden::assert_golden;
use runledger::export::closed::figures;
use runledger::report::period::Period;
use runledger::report::{Ledger, Scope, Span};
use runledger::store::{Archive, Frozen, Lock};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use uuid::Uuid;
use workspace::{Workspace, at, options};

/// How large a page of an archive is.
const PAGE: u64 = 16 * 1024;

/// How many runs a fixture has: it lies in the repository for good.
const FIXTURE_RUNS: usize = 60;

/// What a command did.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn command(db: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("runledger").unwrap();
    command.arg("--db").arg(db).args(arguments);
    command.env_remove("NEKT_API_KEY").env_remove("RUNLEDGER_API_URL").env_remove("RUNLEDGER_DB");
    command
}

fn ran(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(!err.contains("panicked"), "{err}");
    Ran { code: output.status.code().unwrap(), out, err }
}

fn run(db: &Path, arguments: &[&str]) -> Ran {
    ran(command(db, arguments))
}

/// Runs a command that asks the workspace's API.
fn run_online(workspace: &Workspace, arguments: &[&str]) -> Ran {
    let mut command = command(&workspace.path(), arguments);
    command
        .env("NEKT_API_KEY", workspace.sandbox.api_key())
        .env("RUNLEDGER_API_URL", workspace.sandbox.url());
    ran(command)
}

fn json_of(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.out))
}

/// A workspace with all that an archive can hold: changed, vanished and quarantined runs, drift, a sync that was killed.
fn eventful(runs: usize) -> Workspace {
    let workspace = Workspace::of(runs);
    workspace.sync(&options());
    workspace.wait(TimeDelta::hours(1));
    let ids = workspace.ids();
    {
        let mut model = workspace.sandbox.model();
        model.change(ids[2], |run| {
            run.insert("status".to_owned(), json!("paused"));
            run.insert("colour".to_owned(), json!("green"));
        });
        model.change(ids[3], |run| {
            run.insert("el_cost_usd".to_owned(), json!(0.25));
        });
        let number = model.document(ids[5]).unwrap()["number"].clone();
        model.set_text(ids[5], &json!({ "id": 7, "number": number }).to_string());
        model.delete(ids[7]);
    }
    workspace.sync(&runledger::sync::Options { full: true, ..options() });
    workspace.wait(TimeDelta::hours(1));
    let lock = Lock::acquire(&workspace.path(), at("2026-11-23T18:00:00Z")).unwrap();
    let archive = Archive::open(&workspace.path(), &lock).unwrap();
    archive
        .begin_sync(
            runledger::store::SyncKind::Incremental,
            "it is killed",
            "http://127.0.0.1:1/",
            None,
            at("2026-11-23T18:00:00Z"),
        )
        .unwrap();
    workspace
}

/// An eventful workspace whose October is closed, changed since, closed again, and changed once more; a pipeline was
/// renamed in between and another is gone.
fn closed(runs: usize) -> Workspace {
    let workspace = eventful(runs);
    let full = runledger::sync::Options { full: true, ..options() };
    close(&workspace, "2026-11-23T18:00:00.000001Z");
    let october: Vec<Uuid> = workspace
        .rows("SELECT run_id FROM runs WHERE booked_at < '2026-11-01' ORDER BY booked_at, run_id")
        .iter()
        .map(|id| id.parse().unwrap())
        .collect();
    let cost = |id: Uuid, usd: f64| {
        workspace.sandbox.model().change(id, |run| {
            run.insert("el_cost_usd".to_owned(), json!(usd));
        });
    };
    let named: Vec<Uuid> = workspace
        .rows("SELECT DISTINCT pipeline_id FROM runs WHERE booked_at < '2026-11-01' ORDER BY 1")
        .iter()
        .map(|id| id.parse().unwrap())
        .collect();
    workspace.wait(TimeDelta::hours(1));
    cost(october[0], 1.25);
    workspace.sandbox.model().change(october[1], |run| {
        run.insert("started_at".to_owned(), json!("2026-11-01T03:00:00.000000Z"));
    });
    workspace.sandbox.model().rename_pipeline(named[0], "Vendas, renomeado");
    workspace.sandbox.model().delete_pipeline(named[1]);
    workspace.sync(&full);
    close(&workspace, "2026-11-23T19:30:00Z");
    workspace.wait(TimeDelta::hours(1));
    cost(october[0], 1.5);
    workspace.sandbox.model().rename_pipeline(named[0], "Vendas, de novo");
    workspace.sync(&full);
    workspace
}

/// Closes October as `runledger close --force` does, at an instant that is the same in each test.
fn close(workspace: &Workspace, closed_at: &str) {
    let lock = Lock::acquire(&workspace.path(), at(closed_at)).unwrap();
    let archive = Archive::open(&workspace.path(), &lock).unwrap();
    let known_at = archive.last_observed_at().unwrap().unwrap();
    let zone = chrono_tz::Tz::America__Sao_Paulo;
    let october = Period::named("2026-10", zone).unwrap();
    let rules =
        r#"[{"centre":"Fontes","kind":"source"},{"centre":"À mão","trigger":"manual","from":"2026-10-28"}]"#;
    let scope = Scope {
        span: Span { from: october.start, until: october.end },
        zone,
        as_of: Some(known_at),
        allocation: serde_json::from_str(rules).unwrap(),
        ..Scope::default()
    };
    let ledger = Ledger::open(archive.connection(), scope).unwrap();
    let figures = figures(&ledger).unwrap();
    drop(ledger);
    archive
        .keep_close(&Frozen {
            period: october.label,
            restates: archive.close_of("2026-10").unwrap().map(|before| before.close_id),
            closed_at: at(closed_at),
            known_at,
            zone: zone.to_string(),
            starts_at: october.start.unwrap(),
            ends_at: october.end.unwrap(),
            date_basis: "started".to_owned(),
            allocation: rules.to_owned(),
            names: figures.names,
            objections: Some(json!(["it is a test"]).to_string()),
            runs: figures.runs,
            runs_cost_unknown: figures.runs_cost_unknown,
            el_cost_nanos: figures.el_cost_nanos,
            transformation_cost_nanos: figures.transformation_cost_nanos,
            total_cost_nanos: figures.total_cost_nanos,
            credits: figures.credits,
            rows_sha256: figures.rows_sha256,
        })
        .unwrap();
}

/// Changes an archive by hand, whatever it says against it.
fn tamper(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF").unwrap();
    connection.execute_batch(sql).unwrap();
    assert!(connection.total_changes() > 0 || sql.contains("DROP"), "nothing was changed: {sql}");
}

/// The names of what `check` finds broken.
fn broken(path: &Path) -> (i32, Vec<String>) {
    let ran = run(path, &["check", "--json"]);
    let told = json_of(&ran);
    let checks = told["checks"].as_array().unwrap();
    let broken: Vec<String> = checks
        .iter()
        .filter(|check| check["broken"] != 0)
        .inspect(|check| assert!(!check["examples"].as_array().unwrap().is_empty(), "{check}"))
        .map(|check| check["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told["sound"], json!(broken.is_empty()));
    for name in &broken {
        assert!(ran.err.contains(name.as_str()), "{}", ran.err);
    }
    (ran.code, broken)
}

// ---- check

#[test]
fn a_sound_archive_passes_every_check() {
    let workspace = eventful(60);
    let ran = run(&workspace.path(), &["check"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let names: Vec<&str> = ran.out.lines().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(
        names,
        [
            "file",
            "references",
            "schema",
            "history",
            "hashes",
            "derived",
            "json",
            "instants",
            "counts",
            "syncs",
            "vanished",
            "catalogue",
            "closes"
        ]
    );
    assert!(ran.out.lines().all(|line| line.starts_with("ok ")), "{}", ran.out);
    assert_eq!(broken(&workspace.path()), (0, Vec::new()));
}

#[test]
fn whatever_is_broken_is_named() {
    let workspace = eventful(60);
    let changed = "run_id IN (SELECT run_id FROM run_snapshots WHERE superseded_at IS NOT NULL)";
    let one = "snapshot_id = (SELECT min(snapshot_id) FROM run_snapshots WHERE el_cost_usd > 0 AND superseded_at IS NULL)";
    let sound = workspace.file("sound.db");
    workspace.archive().copy_to(&sound).unwrap();
    for (sql, expected) in [
        ("UPDATE run_snapshots SET superseded_at = '2026-11-23T16:30:00.000000Z' WHERE superseded_at IS NOT NULL".to_owned(), "history"),
        ("UPDATE run_snapshots SET superseded_at = '2026-11-23T23:00:00.000000Z' WHERE superseded_at IS NOT NULL".to_owned(), "history"),
        (format!("UPDATE run_snapshots SET superseded_at = '2027-01-01T00:00:00.000000Z' WHERE superseded_at IS NULL AND {changed}"), "history"),
        ("UPDATE run_snapshots SET superseded_at = '2000-01-01T00:00:00.000000Z' WHERE superseded_at IS NOT NULL".to_owned(), "file history"),
        (format!("DROP INDEX run_snapshots_of_run; UPDATE run_snapshots SET superseded_at = NULL WHERE {changed}"), "schema history"),
        ("DROP INDEX run_snapshots_open".to_owned(), "schema"),
        ("DROP VIEW runs".to_owned(), "schema"),
        (format!("UPDATE run_snapshots SET content_hash = zeroblob(32) WHERE {one}"), "hashes"),
        (format!("UPDATE run_snapshots SET number = number + 1 WHERE {one}"), "hashes"),
        (format!("UPDATE run_snapshots SET absent = '[\"nonsense\"]' WHERE {one}"), "hashes"),
        ("UPDATE quarantine SET item = item || ' '".to_owned(), "hashes"),
        (format!("UPDATE run_snapshots SET trigger_type = 'webhook' WHERE {one}"), "derived"),
        (format!("UPDATE run_snapshots SET el_cost_nanos = el_cost_nanos + 1 WHERE {one}"), "derived"),
        (format!("UPDATE run_snapshots SET extra_config = '{{' WHERE {one}"), "file hashes json"),
        (format!("UPDATE run_snapshots SET created_at = '23.11.2026' WHERE {one}"), "hashes instants"),
        ("UPDATE pipeline_snapshots SET observed_at = '2026-11-23T16:00:00Z'".to_owned(), "instants"),
        ("UPDATE syncs SET runs_new = runs_new + 1 WHERE sync_id = 1".to_owned(), "counts"),
        ("UPDATE syncs SET runs_changed = 0 WHERE sync_id = 2".to_owned(), "counts"),
        ("DELETE FROM syncs WHERE sync_id = 1".to_owned(), "references"),
        ("UPDATE syncs SET ended_at = NULL WHERE sync_id = 1".to_owned(), "syncs"),
        ("UPDATE syncs SET exit_code = 0 WHERE sync_id = 3".to_owned(), "syncs"),
        ("UPDATE vanishings SET run_id = 'nobody'".to_owned(), "vanished"),
        ("DELETE FROM run_snapshots WHERE run_id IN (SELECT run_id FROM vanished_runs)".to_owned(), "counts vanished"),
        ("UPDATE pipeline_snapshots SET superseded_at = '2027-01-01T00:00:00.000000Z'".to_owned(), "catalogue"),
    ] {
        let path = workspace.file("broken.db");
        fs::copy(&sound, &path).unwrap();
        tamper(&path, &sql);
        let (code, names) = broken(&path);
        assert_eq!((code, names.join(" ").as_str()), (6, expected), "{sql}");
    }
}

#[test]
fn whatever_is_changed_of_a_closed_month_is_named() {
    let workspace = closed(60);
    assert_eq!(broken(&workspace.path()), (0, Vec::new()));
    let sound = workspace.file("sound.db");
    workspace.archive().copy_to(&sound).unwrap();
    let frozen = |change: &str| format!("UPDATE period_closes SET {change} WHERE close_id = 1");
    // A run of the closed month as it was then, and as it is still.
    let then = "snapshot_id = (SELECT min(snapshot_id) FROM run_snapshots \
                WHERE started_at < '2026-11-01' AND el_cost_usd > 0 AND superseded_at IS NOT NULL)";
    let still = "snapshot_id = (SELECT min(snapshot_id) FROM run_snapshots \
                 WHERE started_at < '2026-11-01' AND started_at > '2026-10-25' AND el_cost_usd > 0 AND superseded_at IS NULL)";
    for (sql, expected) in [
        (frozen("runs = runs + 1"), "closes"),
        (frozen("runs_cost_unknown = runs_cost_unknown + 1"), "closes"),
        (frozen("el_cost_nanos = el_cost_nanos + 1"), "closes"),
        (frozen("el_cost_nanos = NULL"), "closes"),
        (frozen("transformation_cost_nanos = transformation_cost_nanos - 1"), "closes"),
        (frozen("total_cost_nanos = -total_cost_nanos"), "closes"),
        (frozen("credits = credits - 1"), "closes"),
        (frozen("rows_sha256 = zeroblob(32)"), "closes"),
        (frozen("rows_sha256 = zeroblob(31)"), "file closes"),
        (frozen("names = '[]'"), "closes"),
        (frozen("names = replace(names, '\"name\":\"', '\"name\":\"x')"), "closes"),
        (frozen("names = '['"), "file closes"),
        (frozen("allocation = '[{\"centre\":\"X\"}]'"), "closes"),
        (frozen("allocation = '[{\"center\":\"X\"}]'"), "closes"),
        (frozen("zone = 'Mars/Olympus'"), "closes"),
        (frozen("date_basis = 'ended'"), "closes"),
        (frozen("date_basis = 'paid'"), "file closes"),
        (frozen("starts_at = '2026-10-27T00:00:00.000000Z'"), "closes"),
        (frozen("ends_at = '2026-10-27T00:00:00.000000Z'"), "closes"),
        (frozen("known_at = '2026-11-23T20:30:00.000000Z'"), "closes"),
        (frozen("known_at = 'yesterday'"), "instants closes"),
        (
            "DROP INDEX period_closes_first; UPDATE period_closes SET restates = NULL WHERE close_id = 2"
                .to_owned(),
            "schema closes",
        ),
        ("UPDATE period_closes SET period = '2026-09' WHERE close_id = 1".to_owned(), "closes"),
        ("DELETE FROM period_closes WHERE close_id = 1".to_owned(), "references closes"),
        (
            format!("UPDATE run_snapshots SET el_cost_nanos = el_cost_nanos + 1 WHERE {then}"),
            "derived closes",
        ),
        (
            format!("UPDATE run_snapshots SET el_cost_nanos = el_cost_nanos + 1 WHERE {still}"),
            "derived closes",
        ),
        (format!("UPDATE run_snapshots SET content_hash = zeroblob(32) WHERE {still}"), "hashes closes"),
        (format!("UPDATE run_snapshots SET trigger_type = 'webhook' WHERE {still}"), "derived closes"),
        ("UPDATE pipeline_snapshots SET name = 'x' WHERE superseded_at IS NOT NULL".to_owned(), "closes"),
        (
            "UPDATE pipeline_snapshots SET slug = 'x', name = NULL WHERE superseded_at IS NULL".to_owned(),
            "closes",
        ),
        ("UPDATE vanishings SET vanished_at = 'yesterday'".to_owned(), "instants"),
    ] {
        let path = workspace.file("broken.db");
        fs::copy(&sound, &path).unwrap();
        tamper(&path, &sql);
        let (code, names) = broken(&path);
        assert_eq!((code, names.join(" ").as_str()), (6, expected), "{sql}");
    }
    let path = workspace.file("broken.db");
    fs::copy(&sound, &path).unwrap();
    tamper(&path, &frozen("credits = credits + 1, runs = 0"));
    let ran = run(&path, &["check"]);
    assert!(ran.out.contains("the close 1 of 2026-10: runs, credits\n"), "{}", ran.out);
}

#[test]
fn all_is_counted_and_some_of_it_named() {
    let workspace = eventful(60);
    tamper(&workspace.path(), "UPDATE run_snapshots SET trigger_type = 'x'");
    let ran = run(&workspace.path(), &["check"]);
    let snapshots = workspace.number("SELECT count(*) FROM run_snapshots");
    assert_eq!(ran.code, 6);
    assert!(ran.out.contains(&format!("broken  derived     {snapshots} times not true")), "{}", ran.out);
    assert!(ran.out.contains(&format!("and {} more", snapshots - 5)), "{}", ran.out);
    assert!(ran.err.contains(&format!("it is broken: derived ({snapshots})")), "{}", ran.err);
}

#[test]
fn a_page_that_is_overwritten_is_found_wherever_it_is() {
    let workspace = eventful(60);
    let sound = workspace.file("sound.db");
    workspace.archive().copy_to(&sound).unwrap();
    let bytes = fs::read(&sound).unwrap();
    let pages = bytes.len() as u64 / PAGE;
    assert!(pages >= 12);
    for page in 0..pages {
        let path = workspace.file("damaged.db");
        let mut damaged = bytes.clone();
        damaged[(page * PAGE) as usize..][..64].fill(0xff);
        fs::write(&path, damaged).unwrap();
        let checked = Archive::open_for_checking(&path).and_then(|archive| archive.check());
        match checked {
            Ok(checked) => assert!(checked.iter().any(|checked| checked.broken > 0), "page {page}"),
            Err(error) => assert_eq!(error.exit_code(), 6, "page {page}: {error}"),
        }
    }
}

#[test]
fn an_archive_that_was_cut_off_is_unusable() {
    let workspace = eventful(60);
    let sound = workspace.file("sound.db");
    workspace.archive().copy_to(&sound).unwrap();
    let length = fs::metadata(&sound).unwrap().len();
    for length in [50, 100, PAGE, 3 * PAGE, length / 2, length - PAGE, length - 1] {
        let path = workspace.file("cut.db");
        fs::copy(&sound, &path).unwrap();
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
        let ran = run(&path, &["check"]);
        assert_eq!(ran.code, 6, "{length}: {}", ran.err);
        assert!(ran.err.starts_with("error: the archive "), "{length}: {}", ran.err);
        assert!(ran.err.contains("hint: "), "{length}: {}", ran.err);
    }
}

// ---- backup

#[test]
fn a_backup_is_the_archive_in_one_file() {
    let workspace = eventful(60);
    let backup = workspace.file("backup.db");
    fs::write(&backup, "an older backup").unwrap();
    let ran = run(&workspace.path(), &["backup", backup.to_str().unwrap()]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("verified"), "{}", ran.out);
    assert_eq!(workspace::archived_in(&backup), workspace.archived());
    let documents = |path: &Path| run(path, &["export", "documents"]).out;
    assert_eq!(documents(&backup), documents(&workspace.path()));
    assert_eq!(broken(&backup), (0, Vec::new()));
    let plain = workspace.file("plain");
    fs::write(&plain, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&backup), mode(&plain));
    // It can take the archive's place and go on from there.
    let summary = workspace.sync_into(&backup, &options());
    assert_eq!((summary.tally.new, summary.tally.changed), (0, 0));
    assert_eq!(broken(&backup), (0, Vec::new()));
}

#[test]
fn a_backup_while_a_sync_is_writing_is_one_moment_of_the_archive() {
    let workspace = Workspace::of(200);
    let (path, backup) = (workspace.path(), workspace.file("backup.db"));
    let (from, to) = (path.clone(), backup.clone());
    workspace.sandbox.on_request(move |call, _| {
        if workspace::page_of(call) == Some(7) {
            Archive::open_for_reading(&from).unwrap().copy_to(&to).unwrap();
        }
        None
    });
    assert!(workspace.sync(&options()).result.is_ok());
    assert_eq!(broken(&backup), (0, Vec::new()));
    assert_eq!(workspace::rows_of(&backup, "SELECT outcome FROM syncs"), ["running"]);
    // What is written and not committed is not in it, and a log that is not worked in is.
    let lock = Lock::acquire(&path, at("2026-11-23T18:00:00Z")).unwrap();
    let archive = Archive::open(&path, &lock).unwrap();
    archive
        .connection()
        .execute_batch("UPDATE syncs SET reason = 'committed'; BEGIN; DELETE FROM pipeline_snapshots")
        .unwrap();
    assert_eq!(run(&path, &["backup", backup.to_str().unwrap()]).code, 0);
    assert_eq!(
        workspace::rows_of(&backup, "SELECT reason, (SELECT count(*) FROM pipelines) FROM syncs"),
        ["committed|40"]
    );
}

#[test]
fn a_backup_never_replaces_the_archive_itself() {
    let workspace = eventful(60);
    let path = workspace.path();
    let (link, hard) = (workspace.file("link.db"), workspace.file("hard.db"));
    symlink(&path, &link).unwrap();
    fs::hard_link(&path, &hard).unwrap();
    let roundabout = path.parent().unwrap().join(".").join("runledger.db");
    let own = ["-wal", "-shm", "-journal", ".lock"]
        .map(|suffix| PathBuf::from(format!("{}{suffix}", path.display())));
    let before = fs::metadata(&path).unwrap().ino();
    for place in [&path, &link, &hard, &roundabout].into_iter().chain(&own) {
        let ran = run(&path, &["backup", place.to_str().unwrap()]);
        assert_eq!(ran.code, 2, "{}", place.display());
        assert!(ran.err.contains("belongs to the archive itself"), "{}", ran.err);
    }
    let through_link = run(&link, &["backup", own[0].to_str().unwrap()]);
    assert_eq!(through_link.code, 2);
    assert_eq!(run(&path, &["backup", "/dev/null"]).code, 2);
    assert_eq!(fs::metadata(&path).unwrap().ino(), before);
    assert_eq!(broken(&path), (0, Vec::new()));
}

#[test]
fn a_backup_that_fails_leaves_the_one_before() {
    let workspace = eventful(60);
    let backup = workspace.file("backup.db");
    fs::write(&backup, "the one before").unwrap();
    let nowhere = workspace.file("nowhere/backup.db");
    let ran = run(&workspace.path(), &["backup", nowhere.to_str().unwrap()]);
    assert_eq!(ran.code, 7, "{}", ran.err);
    assert!(ran.err.contains("was not written"), "{}", ran.err);
    // A table whose pages are gone.
    let damaged = workspace.file("damaged.db");
    workspace.archive().copy_to(&damaged).unwrap();
    let root: u64 = Connection::open(&damaged)
        .unwrap()
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'run_snapshots'", [], |row| row.get(0))
        .unwrap();
    let mut bytes = fs::read(&damaged).unwrap();
    bytes[((root - 1) * PAGE) as usize..][..64].fill(0xff);
    fs::write(&damaged, bytes).unwrap();
    let ran = run(&damaged, &["backup", backup.to_str().unwrap()]);
    assert_eq!(ran.code, 6, "{}", ran.err);
    assert_eq!(fs::read_to_string(&backup).unwrap(), "the one before");
    let leftovers = fs::read_dir(backup.parent().unwrap()).unwrap();
    let leftovers = leftovers
        .filter(|file| file.as_ref().unwrap().file_name().to_str().unwrap().starts_with(".runledger-"));
    assert_eq!(leftovers.count(), 0);
}

// ---- verify

#[test]
fn settled_runs_are_compared_with_what_the_api_says_now() {
    let workspace = Workspace::of(100);
    workspace.sync(&options());
    let before = fs::read(workspace.path()).unwrap();
    let ran = run_online(&workspace, &["verify", "--sample", "1000"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let open: BTreeSet<Uuid> = {
        let model = workspace.sandbox.model();
        model.in_progress().into_iter().chain(model.costs_unknown()).collect()
    };
    let settled: Vec<Uuid> = workspace.ids().into_iter().filter(|id| !open.contains(id)).collect();
    let told = json_of(&run_online(&workspace, &["verify", "--sample", "1000", "--json"]));
    assert_eq!(told["same"], told["compared"]);
    assert!(told["compared"].as_u64().unwrap() >= settled.len() as u64);

    let (corrected, gone) = (settled[10], settled[20]);
    workspace.sandbox.model().change(corrected, |run| {
        run.insert("el_cost_usd".to_owned(), json!(0.5));
    });
    workspace.sandbox.model().delete(gone);
    let ran = run_online(&workspace, &["verify", "--sample", "1000"]);
    assert_eq!(ran.code, 3);
    assert!(ran.out.contains(&format!("run {corrected}\n")), "{}", ran.out);
    assert!(ran.out.contains("  el_cost_usd\n") && ran.out.contains("    API now   0.5\n"), "{}", ran.out);
    assert!(ran.out.contains(&format!("run {gone}: the API has no such run\n")), "{}", ran.out);
    assert!(ran.err.contains("1 differ from the API, 1 are gone"), "{}", ran.err);
    let told = json_of(&run_online(&workspace, &["verify", "--sample", "1000", "--json"]));
    let runs = told["runs"].as_array().unwrap();
    let verdicts: BTreeSet<(&str, &str)> =
        runs.iter().map(|run| (run["run_id"].as_str().unwrap(), run["verdict"].as_str().unwrap())).collect();
    let (corrected, gone) = (corrected.to_string(), gone.to_string());
    assert_eq!(verdicts, BTreeSet::from([(corrected.as_str(), "differs"), (gone.as_str(), "gone")]));
    assert!(runs.iter().any(|run| run["differences"].to_string().contains(r#""api":0.5"#)), "{told}");
    assert!(fs::read(workspace.path()).unwrap() == before, "verifying stores nothing");
}

#[test]
fn a_seed_draws_the_same_runs_again() {
    let workspace = Workspace::of(200);
    workspace.sync(&options());
    let archive = workspace.archive();
    let draw = |size, seed| archive.settled_sample(at("2026-11-01T00:00:00Z"), size, seed).unwrap();
    assert_eq!(draw(10, 1), draw(10, 1));
    assert_ne!(draw(10, 1), draw(10, 2));
    let all = draw(1000, 1);
    let distinct: BTreeSet<&Uuid> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    assert!(draw(10, 3).iter().all(|id| distinct.contains(id)));
    // Every run is drawn now and then.
    let drawn: BTreeSet<Uuid> = (0..200).flat_map(|seed| draw(20, seed)).collect();
    assert_eq!(drawn.len(), all.len());
    let unsettled = archive.unsettled(at("2026-11-01T00:00:00Z")).unwrap();
    assert_eq!(all.len() + unsettled.len(), 200);
    assert!(unsettled.iter().all(|run| !distinct.contains(&run.run_id)));
}

#[test]
fn verifying_with_a_refused_key_ends_at_once() {
    let workspace = Workspace::of(50);
    workspace.sync(&options());
    let mut command = command(&workspace.path(), &["verify", "--sample", "5"]);
    command.env("NEKT_API_KEY", "wrong").env("RUNLEDGER_API_URL", workspace.sandbox.url());
    assert_eq!(ran(command).code, 4);
}

// ---- coverage

/// A pipeline with runs enough.
fn busy_pipeline(workspace: &Workspace) -> (Uuid, Vec<Uuid>) {
    let sql = "SELECT pipeline_id FROM runs GROUP BY pipeline_id ORDER BY count(*) DESC, pipeline_id LIMIT 1";
    let pipeline: Uuid = workspace.rows(sql)[0].parse().unwrap();
    let runs =
        workspace.rows(&format!("SELECT run_id FROM runs WHERE pipeline_id = '{pipeline}' ORDER BY number"));
    (pipeline, runs.iter().map(|id| id.parse().unwrap()).collect())
}

/// The gaps of a kind, as `first-last`.
fn gaps(told: &Value, why: &str) -> Vec<String> {
    let gaps = told["gaps"].as_array().unwrap().iter().filter(|gap| gap["why"] == why);
    gaps.map(|gap| format!("{}-{}", gap["first"], gap["last"])).collect()
}

#[test]
fn numbers_that_are_missing_are_told_by_what_explains_them() {
    let workspace = Workspace::of(300);
    // In another archive, only to see which pipeline has many runs.
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
    let told = json_of(&ran);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(gaps(&told, "below_first").contains(&format!("1-{lowest}")), "{told}");
    assert!(gaps(&told, "before_archive").contains(&format!("{early}-{early}")), "{told}");
    assert_eq!(gaps(&told, "unexplained"), [""; 0]);

    // A run that vanished keeps its number.
    workspace.wait(TimeDelta::hours(1));
    workspace.sandbox.model().delete(runs[5]);
    workspace.sync(&runledger::sync::Options { full: true, ..options() });
    assert_eq!(run(&workspace.path(), &["coverage", "--offline"]).code, 0);

    workspace.wait(TimeDelta::hours(1));
    let added: Vec<Uuid> = (0..4).map(|_| workspace.sandbox.model().add_of(pipeline)).collect();
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
    assert!(ran.err.contains("1 run numbers are missing, and nothing explains it"), "{}", ran.err);
    assert!(
        ran.out.contains(&format!(": {lost}\n")) || ran.out.trim_end().ends_with(&format!(": {lost}")),
        "{}",
        ran.out
    );
    let told = json_of(&run(&workspace.path(), &["coverage", "--offline", "--json"]));
    assert_eq!(gaps(&told, "unexplained"), [format!("{lost}-{lost}")]);
    assert_eq!(gaps(&told, "quarantined"), [format!("{odd}-{odd}")]);
}

#[test]
fn the_count_of_the_api_is_held_against_the_archive() {
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
    assert!(ran.out.contains("lists 100 runs, as many as the archive has"), "{}", ran.out);
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

    // A run that the archive lost, and the newest one is there.
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
    assert!(ran.err.contains("runs more than the archive has"), "{}", ran.err);
    // Without a key nobody is asked.
    let ran = run(&workspace.path(), &["coverage"]);
    assert!(
        ran.err.contains("there is no API key") && ran.out.contains("API          not asked"),
        "{}",
        ran.err
    );
}

#[test]
fn a_list_that_was_never_read_whole_is_no_coverage() {
    let workspace = Workspace::of(100);
    let stop = runledger::sync::Stop::default();
    stop.request(15);
    workspace.sync_until(&stop, &options());
    let ran = run(&workspace.path(), &["coverage", "--offline"]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("the run list was never read whole"), "{}", ran.err);
}

#[test]
fn days_without_a_complete_sync_are_listed() {
    let workspace = Workspace::of(50);
    for day in ["2025-11-20", "2025-11-22", "2025-11-26"] {
        workspace.clock.set(&format!("{day}T12:00:00Z"));
        workspace.sync(&options());
    }
    let told = json_of(&run(&workspace.path(), &["coverage", "--offline", "--json"]));
    let days = told["days_without_complete_sync"].as_array().unwrap();
    assert_eq!(
        days[..2],
        [
            json!({"first": "2025-11-21", "last": "2025-11-21"}),
            json!({"first": "2025-11-23", "last": "2025-11-25"})
        ]
    );
    assert_eq!(days[2]["first"], "2025-11-27");
}

// ---- drift

#[test]
fn drift_names_what_the_contract_does_not_know_with_an_example() {
    let workspace = eventful(60);
    let id = workspace.ids()[2].to_string();
    let told = json_of(&run(&workspace.path(), &["drift", "--json"]));
    let rows: Vec<_> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            assert_eq!(row["example_run_id"], id.as_str());
            assert!(row["first_seen_at"].as_str().unwrap().starts_with("2026-11-23T17:00:00."));
            ["field", "kind", "observed"].map(|key| row[key].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(rows, [["colour", "field", "string"], ["status", "value", "paused"]]);
    let ran = run(&workspace.path(), &["drift"]);
    assert!(ran.code == 0 && ran.out.contains("paused") && ran.out.contains(&id), "{}", ran.out);
}

// ---- waiting for the lock

/// A sync that was told to wait, once it has said that it waits.
fn waiting(workspace: &Workspace) -> (std::process::Child, BufReader<std::process::ChildStderr>) {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_runledger"))
        .args(["sync", "--lock-wait", "10m", "--db"])
        .arg(workspace.path())
        .env("NEKT_API_KEY", workspace.sandbox.api_key())
        .env("RUNLEDGER_API_URL", workspace.sandbox.url())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    err.read_line(&mut line).unwrap();
    let holder = format!(
        "waiting for another sync: process {} since 2026-11-23T16:00:00.000000Z\n",
        std::process::id()
    );
    assert_eq!(line, holder);
    (child, err)
}

#[test]
fn a_sync_that_waits_begins_when_the_lock_is_free() {
    let workspace = Workspace::of(50);
    let lock = Lock::acquire(&workspace.path(), at("2026-11-23T16:00:00Z")).unwrap();
    let (mut child, mut err) = waiting(&workspace);
    drop(lock);
    let status = child.wait().unwrap();
    let mut rest = String::new();
    err.read_to_string(&mut rest).unwrap();
    assert_eq!(status.code(), Some(0), "{rest}");
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn a_sync_that_waits_heeds_a_signal() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let workspace = Workspace::of(50);
        let _lock = Lock::acquire(&workspace.path(), at("2026-11-23T16:00:00Z")).unwrap();
        let (mut child, _err) = waiting(&workspace);
        let sent = std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert!(!workspace.path().exists());
    }
}

#[test]
fn without_waiting_or_when_the_wait_is_over_the_holder_is_named() {
    let workspace = Workspace::of(50);
    let _lock = Lock::acquire(&workspace.path(), at("2026-11-23T16:00:00Z")).unwrap();
    let id = workspace.ids()[0].to_string();
    for arguments in
        [vec!["sync"], vec!["sync", "--lock-wait", "1s"], vec!["fetch", "--lock-wait", "1s", &id]]
    {
        let ran = run_online(&workspace, &arguments);
        assert_eq!(ran.code, 11, "{}", ran.err);
        assert!(
            ran.err.contains(&format!("process {} since 2026-11-23T16:00:00", std::process::id())),
            "{}",
            ran.err
        );
        assert_eq!(ran.err.contains("waiting for"), arguments.len() > 1);
    }
}

// ---- archives of released versions

fn fixture(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/v{version}.db"))
}

/// A copy of the fixture of that version, changed by `sql` as that version may have, and migrated by this program.
fn migrated(folder: &tempfile::TempDir, version: u32, sql: &str) -> PathBuf {
    let path = folder.path().join(format!("v{version}.db"));
    fs::copy(fixture(version), &path).unwrap();
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    // A sync migrates it where there is something to migrate.
    let lock = Lock::acquire(&path, at("2026-11-24T00:00:00Z")).unwrap();
    drop(Archive::open(&path, &lock).unwrap());
    assert_eq!(broken(&path), (0, Vec::new()));
    path
}

/// Holds what the archive says against the golden files of that version.
fn assert_reports(path: &Path, version: u32) {
    let mut told = json_of(&run(path, &["status", "--json", "--settle", "36500d"]));
    for varies in ["archive", "file_bytes", "schema_version"] {
        told.as_object_mut().unwrap().remove(varies);
    }
    assert_golden(&format!("v{version}-status.json"), format!("{told:#}\n").as_bytes());
    let said = |arguments: &[&str]| run(path, arguments).out;
    assert_golden(&format!("v{version}-cost.csv"), said(&["report", "cost", "--format", "csv"]).as_bytes());
    assert_golden(&format!("v{version}-drift.json"), said(&["drift", "--json"]).as_bytes());
}

#[test]
fn an_archive_of_version_1_opens_checks_and_reports() {
    let folder = tempfile::tempdir().unwrap();
    assert_reports(&migrated(&folder, 1, ""), 1);
}

#[test]
fn an_archive_of_version_2_opens_checks_and_reports_its_closed_month() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(&folder, 2, "");
    assert_reports(&path, 2);
    for (golden, arguments) in [
        ("v2-closes.json", &["close", "--json"][..]),
        ("v2-restatements.csv", &["restatements", "--format", "csv"]),
        (
            "v2-closed-cost.csv",
            &["report", "cost", "--by", "pipeline", "--period", "2026-10", "--format", "csv"],
        ),
        ("v2-closed-costs.csv", &["export", "costs", "--period", "2026-10"]),
    ] {
        assert_golden(golden, run(&path, arguments).out.as_bytes());
    }
}

#[test]
fn an_archive_of_version_1_keeps_its_pipelines_and_what_had_vanished() {
    let folder = tempfile::tempdir().unwrap();
    let untouched = Connection::open(fixture(1)).unwrap();
    let texts = |archive: &Connection, sql: &str| -> Vec<String> {
        let mut statement = archive.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    };
    let pipelines = "SELECT json_array(kind, pipeline_id, slug, name, description, active, status, created_at, updated_at, \
                            first_seen_at, gone_at) FROM pipelines ORDER BY kind, pipeline_id";
    let ids = texts(&untouched, "SELECT pipeline_id FROM pipelines ORDER BY kind, pipeline_id");
    let first_seen = texts(&untouched, "SELECT first_seen_at FROM pipelines ORDER BY kind, pipeline_id");
    drop(untouched);
    // One is gone since an hour later, and one was gone when it was first seen.
    let gone = format!(
        "UPDATE pipelines SET gone_at = '2026-11-23T17:00:00.000000Z' WHERE pipeline_id = '{}';
         UPDATE pipelines SET gone_at = first_seen_at WHERE pipeline_id = '{}';",
        ids[0], ids[1]
    );
    let before = Connection::open_in_memory().unwrap();
    before.execute_batch(&format!("ATTACH '{}' AS v1", fixture(1).display())).unwrap();
    before.execute_batch("CREATE TABLE pipelines AS SELECT * FROM v1.pipelines; CREATE TABLE vanished_runs AS SELECT * FROM v1.vanished_runs").unwrap();
    before.execute_batch(&gone.replace("UPDATE pipelines", "UPDATE main.pipelines")).unwrap();

    let path = migrated(&folder, 1, &gone);
    let after = Connection::open(&path).unwrap();
    assert_eq!(
        texts(&after, pipelines),
        texts(&before, &pipelines.replace("FROM pipelines", "FROM main.pipelines"))
    );
    let vanished = "SELECT json_array(run_id, vanished_at, sync_id) FROM vanished_runs ORDER BY run_id";
    assert_eq!(texts(&after, vanished), texts(&before, vanished));
    assert_eq!(texts(&after, vanished).len(), 1);
    let states = |id: &str| {
        texts(
            &after,
            &format!(
                "SELECT json_array(observed_at, superseded_at, gone_at) FROM pipeline_snapshots \
                 WHERE pipeline_id = '{id}' ORDER BY observed_at"
            ),
        )
    };
    assert_eq!(
        states(&ids[0]),
        [
            format!("[\"{}\",\"2026-11-23T17:00:00.000000Z\",null]", first_seen[0]),
            "[\"2026-11-23T17:00:00.000000Z\",null,\"2026-11-23T17:00:00.000000Z\"]".to_owned()
        ]
    );
    assert_eq!(states(&ids[1]), [format!("[\"{0}\",null,\"{0}\"]", first_seen[1])]);
    assert_eq!(states(&ids[2]), [format!("[\"{}\",null,null]", first_seen[2])]);
}

/// Writes the fixture of the newest version. `migrations/README.md` says when.
#[test]
#[ignore = "it writes tests/fixtures; only a new schema version needs it"]
fn write_the_fixture_of_the_newest_version() {
    let workspace = closed(FIXTURE_RUNS);
    let archive = workspace.archive();
    let version = archive.contents(at("2026-11-23T18:00:00Z")).unwrap().schema_version;
    let path = fixture(version);
    assert!(!path.exists(), "{} is there: a released fixture is never written again", path.display());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    archive.copy_to(&path).unwrap();
}
