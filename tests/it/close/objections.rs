//! Objections to closing a month.

use super::closed;
use crate::support::command::ran;
use crate::support::month_end;
use crate::support::month_end::{MONTH, MonthEnd, ZONE};
use crate::support::workspace::at;
use chrono::TimeDelta;
use runledger::internal::store::{Archive, Lock};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;

/// The rows of the archive that a close could change, and the hash of its file.
pub(super) fn untouched(month_end: &MonthEnd) -> Vec<String> {
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

/// A text whose long lines are wrapped.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_rejected_close_lists_its_objections_and_writes_nothing() {
    let month_end = MonthEnd::of(60);
    let before = untouched(&month_end);
    let this_month = chrono::Utc::now().format("%Y-%m").to_string();
    for (arguments, words) in [
        (
            &["close", &this_month, "--zone", "UTC"][..],
            &["is still running in UTC: it ends at", "hint:  close it after its end"][..],
        ),
        (&["close", "9998-12", "--zone", "UTC"], &["is still running"]),
        (&["close", MONTH], &["2025-02 needs a time zone", "hint:  give it, as in --zone America/Sao_Paulo"]),
        (&["close", "9999-12"], &["9999-12 is not a month"]),
        (&["close", "2025-W06"], &["2025-W06 is not a month: a close takes a whole month, such as 2026-01"]),
        (&["close", "2025-02-03"], &["is not a month"]),
        (&["close", "2025-2"], &["MONTH 2025-2: not a month", "did you mean 2025-02?"]),
        (&["close", "February"], &["not a month", "a month looks like 2026-01"]),
        (&["close", ""], &["not a month"]),
        (&["close", MONTH, "--zone", "Brasilia"], &["--zone Brasilia: there is no such time zone"]),
        (
            &["close", MONTH, "--date-basis", "paid"],
            &["--date-basis paid: not one of started, ended, created"],
        ),
        // The sync began in March in UTC, and no sync ran after March.
        (
            &["close", "2025-03", "--zone", "UTC"],
            &[
                "2025-03 is not ready to be closed: the last complete sync began at 2025-03-05T13:00:00",
                "before the month ended at 2025-04-01T00:00:00",
            ],
        ),
        (&["close", "--restate"], &["needs MONTH"]),
        (&["close", "--force"], &["needs MONTH"]),
    ] {
        month_end.run(arguments).refused(2, words);
        assert_eq!(untouched(&month_end), before, "{arguments:?}");
    }
}

#[test]
fn a_close_lists_unsettled_runs_and_records_them_when_forced() {
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
            "hint:  sync again later, or close it with --force",
        ],
    );
    assert_eq!(untouched(&month_end), before);

    let printed = month_end.output(&["close", MONTH, "--zone", ZONE, "--force"]);
    assert!(
        printed.contains("\nForced        2 runs are unsettled: ")
            && on_one_line(&printed).contains(&objection),
        "{printed}"
    );
    let objections: Vec<String> =
        serde_json::from_str(&month_end.table("SELECT objections FROM period_closes")[0]).unwrap();
    assert_eq!(objections.len(), 1);
    assert!(objections[0].starts_with(&objection), "{objections:?}");

    // The runs settle, and the month is closed again without --force.
    month_end.settle();
    month_end.sync();
    month_end.output(&["close", MONTH, "--restate"]);
    assert_eq!(month_end.table("SELECT count(objections) FROM period_closes"), ["1"]);
}

#[test]
fn a_close_lists_the_first_unsettled_runs_and_counts_all() {
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
fn a_close_with_runs_suspected_missing_needs_force() {
    let month_end = MonthEnd::of(60);
    // Older runs stay, so upstream retention explains nothing.
    let missing = &month_end.runs_of_the_month()[5..30];
    let documents: Vec<_> = missing
        .iter()
        .map(|id| {
            let mut model = month_end.workspace.sandbox.model();
            let document = model.document(*id).unwrap();
            model.delete(*id);
            (*id, document)
        })
        .collect();
    month_end.workspace.wait(TimeDelta::hours(1));
    assert_eq!(month_end.sync_now().result.unwrap_err().exit_code(), 3);
    let before = untouched(&month_end);
    let objection = "25 archived runs are missing from the run list and not known to be deleted";
    month_end.run(&["close", MONTH, "--zone", ZONE]).refused(2, &[objection, "--force"]);
    assert_eq!(untouched(&month_end), before);
    let printed = month_end.output(&["close", MONTH, "--zone", ZONE, "--force"]);
    assert!(on_one_line(&printed).contains(objection), "{printed}");

    // The runs are back, and the month is closed again without --force.
    for (id, document) in &documents {
        month_end.workspace.sandbox.model().insert(*id, document);
    }
    month_end.sync();
    month_end.output(&["close", MONTH, "--restate"]);
    assert_eq!(month_end.table("SELECT count(objections) FROM period_closes"), ["1"]);
}

#[test]
fn a_close_reports_neighboring_months_that_share_or_lose_runs() {
    let month_end = MonthEnd::of(60);
    month_end.settle();
    month_end.sync();
    month_end.output(&["close", MONTH, "--zone", ZONE]);
    for (arguments, words) in [
        (
            &["close", "2025-01", "--zone", "UTC"][..],
            "2025-02 was closed in America/Sao_Paulo: some runs would be in neither month",
        ),
        (
            &["close", "2025-01", "--zone", "America/Los_Angeles"],
            "2025-02 was closed in America/Sao_Paulo: some runs would be in both months",
        ),
        (
            &["close", "2025-01", "--zone", ZONE, "--date-basis", "ended"],
            "2025-02 was closed with runs booked by started: a run can be in both months or in neither",
        ),
    ] {
        month_end.run(arguments).refused(2, &["2025-01 is not ready to be closed: ", words]);
        assert_eq!(month_end.table("SELECT count(*) FROM period_closes"), ["1"]);
    }
    month_end.output(&["close", "2025-01", "--zone", ZONE]);
    // A superseded close of a neighboring month raises no objection.
    month_end.output(&["close", "2024-11", "--zone", "UTC"]);
    month_end.output(&["close", "2024-11", "--zone", ZONE, "--restate"]);
    month_end.output(&["close", "2024-12", "--zone", ZONE]);
}

#[test]
fn a_close_needs_an_existing_and_unlocked_archive() {
    let month_end = MonthEnd::opening(month_end::OPENS, 20, 30);
    month_end.run(&["close", MONTH]).refused(6, &["there is no such file", "`runledger sync` creates it"]);
    assert_eq!(fs::read_dir(month_end.workspace.file("")).unwrap().count(), 0);

    // An archive without any observation.
    let lock = Lock::acquire(&month_end.workspace.path(), at("2025-03-05T12:00:00Z")).unwrap();
    drop(Archive::open(&month_end.workspace.path(), &lock).unwrap());
    drop(lock);
    month_end
        .run(&["close", MONTH, "--zone", ZONE])
        .refused(2, &["the archive is empty: there is nothing to close"]);
    assert!(month_end.output(&["close"]).ends_with("\nNo month is closed.\n"));
    assert_eq!(month_end.output(&["close", "--json"]).split_whitespace().collect::<String>(), "[]");

    month_end.sync();
    let before = untouched(&month_end);
    let lock = Lock::acquire(&month_end.workspace.path(), at("2025-03-05T12:00:00Z")).unwrap();
    let holder = format!("process {} since 2025-03-05T12:00:00", std::process::id());
    month_end.run(&["close", MONTH, "--force"]).refused(11, &[&holder]);
    assert_eq!(untouched(&month_end), before);
    // Listing closes needs no lock.
    month_end.output(&["close"]);
    month_end.output(&["restatements"]);
    drop(lock);
    month_end.output(&["close", MONTH, "--force", "--zone", ZONE]);
}

#[test]
fn a_closed_month_rejects_another_zone_or_date_basis() {
    let month_end = closed(60);
    let before = month_end.output(&["report", "cost", "--period", MONTH]);
    let known_at = month_end.table("SELECT known_at FROM period_closes").remove(0);
    for contradiction in [["--zone", "UTC"], ["--date-basis", "ended"], ["--as-of", "2025-03-05"]] {
        for question in
            [&["report", "cost"][..], &["report", "failures"], &["export", "costs"], &["export", "focus"]]
        {
            let refused = month_end.run(&[question, &["--period", MONTH], &contradiction].concat());
            refused.refused(
                2,
                &[
                    "2025-02 is closed: its runs are booked by started in America/Sao_Paulo",
                    contradiction[0],
                    &format!("hint:  leave out {}; reports with --from and --until", contradiction[0]),
                ],
            );
        }
    }
    // Repeating the closed zone and date basis is accepted.
    let same = [
        "report",
        "cost",
        "--period",
        MONTH,
        "--zone",
        ZONE,
        "--date-basis",
        "started",
        "--as-of",
        &known_at,
    ];
    assert_eq!(month_end.output(&same), before);
    // Environment variables do not conflict with a close: they apply to other months.
    let mut command = month_end.command(&["report", "cost", "--period", MONTH]);
    command.env("RUNLEDGER_ZONE", "Asia/Tokyo").env("RUNLEDGER_DATE_BASIS", "created");
    assert_eq!(ran(command).out, before);
    // A week or a day in the month is not closed.
    month_end.output(&["report", "cost", "--period", "2025-W07", "--zone", "UTC"]);
    month_end.run(&["report", "cost", "--period", MONTH, "--from", "2025-02-01"]).refused(2, &["--from"]);
}

#[test]
fn a_month_beyond_the_sums_of_a_close_is_refused_until_corrected() {
    let month_end = MonthEnd::of(40);
    let runs = month_end.runs_of_the_month();
    let usual = month_end.workspace.sandbox.model().document(runs[0]).unwrap()["el_cost_usd"].clone();
    for id in &runs[..2] {
        month_end.change(*id, json!({ "el_cost_usd": 9_000_000_000.0 }));
    }
    month_end.sync();
    for arguments in [&["close", MONTH][..], &["close", MONTH, "--force"]] {
        let refused = month_end.run(&[arguments, &["--zone", ZONE]].concat());
        refused.refused(
            2,
            &[&format!("{MONTH} costs 18000000"), "a close stores sums of up to 9.2 billion USD"],
        );
        // The advice lists both runs first.
        let advice = refused.err.split('`').nth(1).unwrap().to_owned();
        let listed = month_end.rows(&advice.split(' ').skip(1).collect::<Vec<_>>());
        let costliest: BTreeSet<&str> = listed[..2].iter().map(|row| row["run_id"].as_str()).collect();
        assert_eq!(
            costliest,
            runs[..2]
                .iter()
                .map(|id| id.to_string())
                .collect::<Vec<_>>()
                .iter()
                .map(String::as_str)
                .collect()
        );
    }
    assert_eq!(month_end.workspace.number("SELECT count(*) FROM period_closes"), 0);
    // One such cost fits. Later ones are restatements of the closed month.
    month_end.change(runs[0], json!({ "el_cost_usd": usual }));
    month_end.sync();
    month_end.output(&["close", MONTH, "--zone", ZONE]);
    month_end.change(runs[0], json!({ "el_cost_usd": 9_000_000_000.0 }));
    month_end.sync();
    month_end.output(&["restatements"]);
    month_end.output(&["close"]);
    month_end.output(&["check"]);
    month_end.run(&["close", "--restate", MONTH]).refused(2, &["9.2 billion USD"]);
}

#[test]
fn the_first_close_asks_for_the_zone_that_later_closes_keep() {
    for set_zone in [&["--zone", ZONE][..], &[]] {
        let month_end = MonthEnd::of(40);
        let before = untouched(&month_end);
        for arguments in
            [&["close", MONTH][..], &["close", MONTH, "--force"], &["close", MONTH, "--dry-run", "--json"]]
        {
            let refused = month_end.run(arguments);
            refused.refused(
                2,
                &["2025-02 needs a time zone", "--zone America/Sao_Paulo", "`zone` in runledger.toml"],
            );
            assert_eq!(refused.out, "");
            assert_eq!(untouched(&month_end), before);
        }
        // Both ways that the hint names.
        if set_zone.is_empty() {
            month_end.set(&format!("zone = \"{ZONE}\""));
        }
        month_end.output(&[&["close", MONTH], set_zone].concat());
        assert_eq!(month_end.table("SELECT zone FROM period_closes"), [ZONE]);
        month_end.set("");
        month_end.output(&["close", "--restate", MONTH]);
        assert_eq!(month_end.table("SELECT DISTINCT zone FROM period_closes"), [ZONE]);
    }
    // A variable sets it too.
    let month_end = MonthEnd::of(40);
    let mut command = month_end.command(&["close", MONTH]);
    command.env("RUNLEDGER_ZONE", ZONE);
    assert_eq!(ran(command).code, 0);
}
