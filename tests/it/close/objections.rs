//! This is the test of what speaks against closing a month.

use super::closed;
use crate::support::month_end;
use crate::support::month_end::{MONTH, MonthEnd, ZONE, ran};
use crate::support::workspace::at;
use runledger::store::{Archive, Lock};
use serde_json::json;
use std::fs;

/// The archive's rows that a close could touch, and its file's own.
fn untouched(month_end: &MonthEnd) -> Vec<String> {
    let tables = ["period_closes", "run_snapshots", "pipeline_snapshots", "syncs", "vanishings"];
    let mut rows: Vec<String> = tables
        .iter()
        .flat_map(|table| month_end.table(&format!("SELECT * FROM {table} ORDER BY 1, 2, 3")))
        .collect();
    let mut files: Vec<String> = fs::read_dir(month_end.workspace.file(""))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm") && !name.ends_with(".lock"))
        .collect();
    files.sort_unstable();
    rows.extend(files);
    rows
}

#[test]
fn what_speaks_against_a_close_is_named_and_nothing_is_written() {
    let month_end = MonthEnd::of(60);
    let before = untouched(&month_end);
    let this_month = chrono::Utc::now().format("%Y-%m").to_string();
    for (arguments, words) in [
        (
            &["close", &this_month][..],
            &["is still running in UTC: it ends at", "hint: close it when it is over"][..],
        ),
        (&["close", "9998-12"], &["is still running"]),
        (&["close", "9999-12"], &["9999-12 is no month"]),
        (&["close", "2025-W06"], &["2025-W06 is no month: a month is closed whole, such as 2026-01"]),
        (&["close", "2025-02-03"], &["is no month"]),
        (&["close", "2025-2"], &["--period 2025-2: no month, week or day"]),
        (&["close", "February"], &["no month, week or day"]),
        (&["close", ""], &["no month, week or day"]),
        (&["close", MONTH, "--zone", "Brasilia"], &["--zone Brasilia: there is no such time zone"]),
        (
            &["close", MONTH, "--date", "paid"],
            &["--date paid: a run is booked by one of started, ended, created"],
        ),
        // The sync began in March in UTC, and there was no sync after March.
        (
            &["close", "2025-03"],
            &[
                "2025-03 is not ready to be closed: the last complete sync began at 2025-03-05T13:00:00",
                "before the month ended at 2025-04-01T00:00:00",
            ],
        ),
        (&["close", "--restate"], &["required"]),
        (&["close", "--force"], &["required"]),
    ] {
        month_end.run(arguments).refused(2, words);
        assert_eq!(untouched(&month_end), before, "{arguments:?}");
    }
}

#[test]
fn unsettled_runs_are_named_and_a_forced_close_records_them() {
    let month_end = MonthEnd::of(60);
    let runs = month_end.runs_of_the_month();
    let (running, unknown) = (runs[1], runs[7]);
    month_end.change(running, json!({"status": "running", "ended_at": null}));
    month_end.change(unknown, json!({"el_cost_usd": null, "transformation_cost_usd": null}));
    month_end.sync();
    let before = untouched(&month_end);
    let refused = month_end.run(&["close", MONTH, "--zone", ZONE]);
    let objection = format!("2 runs are unsettled: {running} (running), {unknown} (");
    refused.refused(
        2,
        &[
            "2025-02 is not ready to be closed: ",
            &objection,
            "hint: sync again later, or close it with --force",
        ],
    );
    assert_eq!(untouched(&month_end), before);

    let told = month_end.says(&["close", MONTH, "--zone", ZONE, "--force"]);
    assert!(told.contains("\nforced       ") && told.contains(&objection), "{told}");
    let objections: Vec<String> =
        serde_json::from_str(&month_end.table("SELECT objections FROM period_closes")[0]).unwrap();
    assert_eq!(objections.len(), 1);
    assert!(objections[0].starts_with(&objection), "{objections:?}");

    // They settle, and the month is closed again without force.
    month_end.settle();
    month_end.sync();
    month_end.says(&["close", MONTH, "--restate"]);
    assert_eq!(month_end.table("SELECT count(objections) FROM period_closes"), ["1"]);
}

#[test]
fn of_many_unsettled_runs_the_first_are_named_and_all_are_counted() {
    let month_end = MonthEnd::of(60);
    let runs = month_end.runs_of_the_month();
    for run in &runs[..25] {
        month_end.change(*run, json!({"status": "queued"}));
    }
    month_end.sync();
    let refused = month_end.run(&["close", MONTH, "--zone", ZONE]);
    refused.refused(2, &["25 runs are unsettled: ", " and 5 more"]);
    assert_eq!(refused.err.matches("(queued)").count(), 20);
}

#[test]
fn neighbours_that_share_runs_or_lose_some_are_told() {
    let month_end = MonthEnd::of(60);
    month_end.settle();
    month_end.sync();
    month_end.says(&["close", MONTH, "--zone", ZONE]);
    for (arguments, words) in [
        (
            &["close", "2025-01", "--zone", "UTC"][..],
            "2025-02 was closed in America/Sao_Paulo: between the two runs would be lost",
        ),
        (
            &["close", "2025-01", "--zone", "America/Los_Angeles"],
            "2025-02 was closed in America/Sao_Paulo: the two would share runs",
        ),
        (
            &["close", "2025-01", "--zone", ZONE, "--date", "ended"],
            "2025-02 was closed with runs booked by started: a run may be in both, or in neither",
        ),
    ] {
        month_end.run(arguments).refused(2, &["2025-01 is not ready to be closed: ", words]);
        assert_eq!(month_end.table("SELECT count(*) FROM period_closes"), ["1"]);
    }
    month_end.says(&["close", "2025-01", "--zone", ZONE]);
    // What a neighbour was closed as before it was closed again speaks against nothing.
    month_end.says(&["close", "2024-11", "--zone", "UTC"]);
    month_end.says(&["close", "2024-11", "--zone", ZONE, "--restate"]);
    month_end.says(&["close", "2024-12", "--zone", ZONE]);
}

#[test]
fn a_close_needs_an_archive_that_is_there_and_free() {
    let month_end = MonthEnd::opening(month_end::OPENS, 20, 30);
    month_end.run(&["close", MONTH]).refused(6, &["there is no such file", "`runledger sync` makes it"]);
    assert_eq!(fs::read_dir(month_end.workspace.file("")).unwrap().count(), 0);

    // An archive of which nothing is known yet.
    let lock = Lock::acquire(&month_end.workspace.path(), at("2025-03-05T12:00:00Z")).unwrap();
    drop(Archive::open(&month_end.workspace.path(), &lock).unwrap());
    drop(lock);
    month_end.run(&["close", MONTH]).refused(2, &["nothing is archived yet: there is nothing to close"]);
    assert_eq!(month_end.says(&["close"]), "no month is closed\n");
    assert_eq!(month_end.says(&["close", "--json"]).split_whitespace().collect::<String>(), "[]");

    month_end.sync();
    let before = untouched(&month_end);
    let lock = Lock::acquire(&month_end.workspace.path(), at("2025-03-05T12:00:00Z")).unwrap();
    let holder = format!("process {} since 2025-03-05T12:00:00", std::process::id());
    month_end.run(&["close", MONTH, "--force"]).refused(11, &[&holder]);
    assert_eq!(untouched(&month_end), before);
    // Reading needs no lock.
    month_end.says(&["close"]);
    month_end.says(&["restatements"]);
    drop(lock);
    month_end.says(&["close", MONTH, "--force"]);
}

#[test]
fn a_closed_month_is_not_asked_otherwise_than_it_was_closed() {
    let month_end = closed(60);
    let before = month_end.says(&["report", "cost", "--period", MONTH]);
    let known_at = month_end.table("SELECT known_at FROM period_closes").remove(0);
    for contradiction in [["--zone", "UTC"], ["--date", "ended"], ["--as-of", "2025-03-05"]] {
        for question in
            [&["report", "cost"][..], &["report", "failures"], &["export", "costs"], &["export", "focus"]]
        {
            let refused = month_end.run(&[question, &["--period", MONTH], &contradiction].concat());
            refused.refused(
                2,
                &[
                    "2025-02 is closed: its runs are booked by started in America/Sao_Paulo",
                    contradiction[0],
                    "hint: --from and --until",
                ],
            );
        }
    }
    // What it was closed with may be said.
    let same =
        ["report", "cost", "--period", MONTH, "--zone", ZONE, "--date", "started", "--as-of", &known_at];
    assert_eq!(month_end.says(&same), before);
    // The environment is no contradiction: it is how other months are meant.
    let mut command = month_end.command(&["report", "cost", "--period", MONTH]);
    command.env("RUNLEDGER_ZONE", "Asia/Tokyo").env("RUNLEDGER_DATE", "created");
    assert_eq!(ran(command).out, before);
    // Neither a week nor a day in it is closed.
    month_end.says(&["report", "cost", "--period", "2025-W07", "--zone", "UTC"]);
    month_end.run(&["report", "cost", "--period", MONTH, "--from", "2025-02-01"]).refused(2, &["--from"]);
}
