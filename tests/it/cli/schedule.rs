//! `report schedule`: what people and programs get, closed months, several archives, refused arguments.

use super::{command, run};
use crate::support::command::{Ran, rows_of_csv};
use crate::support::golden::assert_golden;
use crate::support::scheduled::{Scheduled, cron, event, triggered_by, utc};
use crate::support::workspace::at;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use runledger::internal::store::{Archive, Lock};
use rusqlite::Connection;
use serde_json::Value;
use std::fmt::Write as _;
use tempfile::TempDir;

const MANUAL: &str = r#"{"type":"manual"}"#;
const BY_EVENT: &str = r#"{"type":"event"}"#;

/// A folder with archives, and the moment of their last sync.
struct Folder(TempDir);

fn day(month: u32, day: u32, hour: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, month, day, hour, 0, 0).unwrap()
}

impl Folder {
    /// One archive that begins on 15 February, as of noon on 11 March.
    fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        folder.create("runledger.db", "");
        folder
    }

    fn create(&self, name: &str, prefix: &str) {
        let path = self.0.path().join(name);
        let lock = Lock::acquire(&path, at("2026-02-15T00:00:00Z")).unwrap();
        let archive = Archive::open(&path, &lock).unwrap();
        archive.connection().execute_batch("BEGIN").unwrap();
        fill(&Scheduled(archive.connection()), prefix);
        archive.connection().execute_batch("COMMIT").unwrap();
    }

    fn edit(&self, edit: impl FnOnce(&Scheduled<'_>)) {
        edit(&Scheduled(&Connection::open(self.0.path().join("runledger.db")).unwrap()));
    }

    fn ask(&self, args: &[&str]) -> Ran {
        self.ask_in(80, args)
    }

    fn ask_in(&self, width: usize, args: &[&str]) -> Ran {
        let mut command = command(self.0.path(), &[&["report", "schedule"], args].concat());
        command.env("COLUMNS", width.to_string()).env("RUNLEDGER_ZONE", "America/Sao_Paulo");
        run(command)
    }

    fn screens(&self, args: &[&str]) -> String {
        let mut screens = String::new();
        for width in [60, 80, 120] {
            let shown = self.ask_in(width, args).out();
            assert!(shown.lines().all(|line| line.chars().count() <= width), "{width} columns: {shown}");
            writeln!(screens, "{width} columns:\n\n{shown}\n").unwrap();
        }
        screens
    }

    fn csv(&self, args: &[&str]) -> Vec<std::collections::BTreeMap<String, String>> {
        rows_of_csv(self.ask(&[&["--format", "csv"], args].concat()).out)
    }
}

/// One pipeline of each state, twelve that are punctual, and one without a schedule.
fn fill(rows: &Scheduled<'_>, prefix: &str) {
    let now = day(3, 11, 12);
    rows.sync(day(2, 15, 0), "complete");
    rows.sync(now, "complete");
    let id = |name: &str| format!("{prefix}{name}");
    let daily = |name: &str, hour: u32, is_left_out: &dyn Fn(DateTime<Utc>) -> bool| {
        let trigger = cron(&format!("0 {hour} * * *"), "UTC");
        rows.state(&id(name), day(2, 15, 0), true, Some(&triggered_by(&trigger)));
        let times = (0..25).map(|days| day(2, 15, hour) + TimeDelta::days(days));
        for due_at in times.filter(|due_at| *due_at < now && !is_left_out(*due_at)) {
            rows.run(&id(name), due_at + TimeDelta::seconds(3), &trigger, "success");
        }
        trigger
    };
    daily("overdue", 9, &|due_at| due_at == day(2, 20, 9) || due_at >= day(3, 10, 0));
    daily("missing", 4, &|due_at| due_at == day(3, 8, 4));
    let late = daily("late", 5, &|due_at| due_at == day(3, 7, 5));
    rows.run(&id("late"), day(3, 7, 7), &late, "failed");
    let parent = daily("parent", 2, &|due_at| due_at == day(3, 9, 2));
    rows.run(&id("parent"), day(3, 9, 2), &parent, "failed");
    let parents = event("any", &[&id("parent")]);
    rows.state(&id("child"), day(2, 15, 0), true, Some(&triggered_by(&parents)));
    for days in (0..25).filter(|days| *days != 22) {
        let ended_at = day(2, 15, 2) + TimeDelta::days(days) + TimeDelta::seconds(623);
        rows.run(&id("child"), ended_at + TimeDelta::seconds(9), BY_EVENT, "success");
    }
    for hour in 0..12 {
        daily(&format!("punctual-{hour:02}"), hour, &|_| false);
    }
    rows.state(&id("manual"), day(2, 15, 0), true, None);
    rows.run(&id("manual"), day(3, 10, 9), MANUAL, "success");
}

#[test]
fn the_report_fits_the_terminal() {
    let folder = Folder::new();
    assert_golden("screen-schedule.txt", folder.screens(&[]).as_bytes());
    let due = folder.screens(&["--pipeline", "overdue", "--last", "4d"]);
    assert_golden("screen-schedule-due.txt", due.as_bytes());
    let child = folder.screens(&["--pipeline", "child-slug", "--last", "4d"]);
    assert_golden("screen-schedule-events.txt", child.as_bytes());
    folder.edit(|rows| rows.sync(day(3, 11, 13), "interrupted"));
    assert_golden("screen-schedule-incomplete.txt", folder.screens(&["--last", "1d"]).as_bytes());
    folder.edit(|rows| {
        rows.0.execute_batch("DELETE FROM run_snapshots; DELETE FROM pipeline_snapshots").unwrap();
    });
    assert_golden("screen-schedule-empty.txt", folder.screens(&[]).as_bytes());
}

#[test]
fn every_format_matches_its_golden_file() {
    let folder = Folder::new();
    for (arguments, ending) in [
        (&["--format", "csv"][..], "csv"),
        (&["--format", "csv", "--dialect", "excel-br"], "excel-br.csv"),
        (&["--format", "json"], "json"),
        (&["--format", "markdown"], "md"),
    ] {
        assert_golden(&format!("schedule.{ending}"), folder.ask(arguments).out.as_bytes());
        let due = [arguments, &["--pipeline", "late", "--pipeline", "child"]].concat();
        assert_golden(&format!("schedule-due.{ending}"), folder.ask(&due).out.as_bytes());
    }
}

#[test]
fn an_incomplete_sync_is_named_in_notes_and_in_rows() {
    let folder = Folder::new();
    let asked = || folder.ask(&["--json"]).json();
    assert_eq!(asked()["rows"][0]["runs_may_be_absent"], 0);
    folder.edit(|rows| rows.sync(day(3, 12, 12), "interrupted"));
    let answer = asked();
    assert!(answer["rows"].as_array().unwrap().iter().all(|row| row["runs_may_be_absent"] == 1));
    assert!(answer["scope"]["notes"].to_string().contains("Runs may be absent"), "{answer}");
    // The run of that morning is not missing: the archive was last complete the day before.
    assert_eq!(answer["rows"][0]["overdue_since_at"], "2026-03-10T09:00:00.000000Z");
    assert_eq!(answer["rows"][0]["missing_runs"], 2);
}

#[test]
fn a_closed_month_stays_as_it_was_closed() {
    let folder = Folder::new();
    let close = ["close", "2026-02", "--force", "--zone", "America/Sao_Paulo"];
    assert_eq!(run(command(folder.0.path(), &close)).code, 0);
    let february = || folder.ask(&["--period", "2026-02", "--format", "csv"]).out;
    let closed = february();
    let missing = |csv: &str| -> Vec<String> {
        let rows = rows_of_csv(csv).into_iter().filter(|row| row["missing_runs"] != "0");
        rows.map(|row| format!("{} {}", row["pipeline_id"], row["state"])).collect()
    };
    assert_eq!(missing(&closed), ["overdue missing"]);
    folder.edit(|rows| {
        rows.sync(day(3, 12, 0), "complete");
        let trigger = cron("0 9 * * *", "UTC");
        let run_id = rows.run("overdue", day(2, 20, 9), &trigger, "success");
        let sql = "UPDATE run_snapshots SET observed_at = '2999-01-01T00:00:00.000000Z' WHERE run_id = ?1";
        rows.0.execute(sql, [run_id]).unwrap();
        rows.state("overdue", utc("2999-01-01T00:00:00Z"), false, None);
    });
    assert_eq!(february(), closed);
    let known_now = folder.ask(&["--from", "2026-02-01", "--until", "2026-03-01", "--format", "csv"]).out;
    assert_eq!(missing(&known_now), [""; 0]);
}

#[test]
fn several_archives_are_in_one_table() {
    let folder = Folder::new();
    folder.create("other.db", "b-");
    let both = &["--db", "runledger.db", "--db", "other.db"];
    let rows = folder.csv(both);
    let ids: Vec<&str> = rows.iter().map(|row| row["pipeline_id"].as_str()).collect();
    assert_eq!(ids.iter().filter(|id| ["overdue", "b-overdue"].contains(id)).count(), 2);
    let workspaces: Vec<&str> = rows.iter().map(|row| row["workspace"].as_str()).collect();
    assert!(workspaces.is_sorted_by(|one, next| one == next || *next == "other"), "{workspaces:?}");
    let shown = folder.ask(both).out;
    let (first, second) =
        (shown.find("Pipeline overdue").unwrap(), shown.find("Pipeline b-overdue").unwrap());
    assert!(second.max(first) < shown.find("Pipeline missing").unwrap(), "{shown}");
    let named = folder.csv(&[&both[..], &["--pipeline", "b-late"]].concat());
    assert!(!named.is_empty() && named.iter().all(|row| row["workspace"] == "other"));
}

#[test]
fn the_grace_period_is_given_or_learned() {
    let folder = Folder::new();
    let state = |args: &[&str], id: &str| -> (String, String) {
        let row = folder.csv(args).into_iter().find(|row| row["pipeline_id"] == id).unwrap();
        (row["state"].clone(), row["grace_seconds"].clone())
    };
    let pair = |state: &str, grace: &str| (state.to_owned(), grace.to_owned());
    // 18 runs before the last seven days are too few.
    assert_eq!(state(&[], "late"), pair("late", "900.000"));
    assert_eq!(state(&["--last", "2d"], "punctual-03"), pair("ok", "600.000"));
    assert_eq!(state(&["--grace", "3h"], "late"), pair("ok", "10800.000"));
    assert_eq!(state(&["--grace", "30h"], "overdue"), pair("ok", "108000.000"));
}

#[test]
fn rows_are_ordered_and_limited_as_asked() {
    let folder = Folder::new();
    let names = |args: &[&str]| -> Vec<String> {
        folder.csv(args).into_iter().map(|row| row["pipeline_id"].clone()).collect()
    };
    assert_eq!(names(&["--limit", "4"]), ["overdue", "missing", "child", "late"]);
    assert_eq!(names(&["--sort", "missing", "--limit", "2"]), ["overdue", "missing"]);
    let shown = folder.ask(&["--all-rows"]).out;
    assert!(shown.contains("Pipeline punctual-11") && !shown.contains("--all-rows"), "{shown}");
    let shown = folder.ask(&["--sort", "expected", "--limit", "3"]).out;
    assert!(shown.contains("14 more"), "{shown}");
    let filtered = folder.csv(&["--kind", "source"]);
    assert_eq!(filtered.len(), 17);
    assert!(folder.csv(&["--kind", "destination"]).is_empty());
}

#[test]
fn arguments_that_do_not_apply_are_refused() {
    let folder = Folder::new();
    for (args, words) in [
        (&["--by", "pipeline"][..], "--by does not apply to the report schedule"),
        (&["--what-if", "a=* * * * *"], "--what-if only applies"),
        (&["--status", "failed"], "--status does not apply to report schedule"),
        (&["--against", "year"], "--against only applies"),
        (&["--pipeline", "overdeu"], "did you mean `overdue`?"),
        (&["--grace", "soon"], "a span of time looks like"),
        (&["--sort", "usd"], "--sort usd"),
    ] {
        folder.ask(args).refused(2, &[words]);
    }
    run(command(folder.0.path(), &["report", "cost", "--grace", "15m"]))
        .refused(2, &["--grace only applies to the report schedule"]);
}

#[test]
fn check_ends_with_3_if_runs_are_overdue_missing_or_take_too_long() {
    let folder = Folder::new();
    let found = folder.ask(&["--check"]);
    assert_eq!(found.code, 3, "{found:?}");
    assert!(found.err.contains("overdue pipelines: 1; pipelines with missing runs: 1"), "{found:?}");
    assert!(found.out.contains("overdue"), "the table is printed too: {found:?}");
    assert_eq!(folder.ask(&[]).code, 0);
    assert_eq!(folder.ask(&["--check", "--pipeline", "late"]).code, 0, "a late run came");
    folder.ask(&["--check=forecast"]).refused(2, &["--check=forecast only applies to the report budget"]);
    let open = || run(command(folder.0.path(), &["report", "open", "--check"]));
    assert_eq!(open().code, 0);
    folder.edit(|rows| {
        rows.0.execute("UPDATE run_snapshots SET duration_seconds = 600", []).unwrap();
        rows.run("overdue", day(3, 11, 9), &cron("0 9 * * *", "UTC"), "running");
    });
    let found = open();
    assert!(found.code == 3 && found.err.contains("runs that take too long: 1"), "{found:?}");
    assert!(found.out.contains("too long"), "{found:?}");
}

#[test]
fn an_empty_archive_has_no_schedule() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let path = folder.0.path().join("runledger.db");
    let lock = Lock::acquire(&path, at("2026-02-15T00:00:00Z")).unwrap();
    drop(Archive::open(&path, &lock).unwrap());
    assert!(folder.ask(&[]).out().contains("No pipeline has a schedule."));
    let answer: Value = folder.ask(&["--json"]).json();
    assert_eq!(answer["rows"], Value::Array(Vec::new()));
}
