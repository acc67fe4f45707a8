//! Every answer says what it is: titles and marks for people, the scope for programs.

use crate::support::command::{Ran, ran};
use crate::support::golden;
use crate::support::month_end::{MONTH, MonthEnd, ZONE};
#[cfg(feature = "xlsx")]
use crate::support::{sheet::cells, zip};
use runledger::internal::digest::{hash, to_hex};
use runledger::internal::report::question::reports;
use serde_json::{Value, json};
use std::fs;

/// A workspace in March, with its February closed in [`ZONE`].
pub(super) fn closed() -> MonthEnd {
    let month_end = MonthEnd::of(60);
    month_end.output(&["close", MONTH, "--zone", ZONE]);
    month_end
}

/// Every command that answers about runs with a table, without its scope.
fn answers() -> Vec<Vec<&'static str>> {
    let mut answers: Vec<Vec<&str>> = reports().map(|(name, _)| vec!["report", name]).collect();
    answers.push(vec!["reconcile", "--invoice", "1.00"]);
    answers
}

fn answered(month_end: &MonthEnd, arguments: &[&str]) -> Ran {
    let ran = month_end.run(arguments);
    assert!([0, 3].contains(&ran.code), "{arguments:?}: {ran:?}");
    ran
}

#[test]
fn every_answer_says_what_it_is_in_every_format() {
    let month_end = closed();
    for answer in answers() {
        for (period, state, moment) in [
            (MONTH, "closed at ", "by start · closed "),
            ("2025-03", "running", "by start · running, as of 5 Mar 2025 10:"),
            ("2025-01", "current", "by start · as of 5 Mar 2025 10:"),
        ] {
            let scoped = [&answer[..], &["--period", period]].concat();
            let table = answered(&month_end, &scoped).out;
            let title: Vec<&str> = table.split("\n\n").next().unwrap().lines().collect();
            assert!(title.iter().all(|line| line.chars().count() <= 80), "{scoped:?}: {title:?}");
            let title = title.join(" ");
            // Due times and ages have no date basis.
            let is_booked = !answer.contains(&"schedule") && !answer.contains(&"open");
            let moment = if is_booked { moment } else { moment.trim_start_matches("by start · ") };
            let context = format!("{ZONE} · {moment}");
            assert!(
                title.contains(&context) && title.contains(&format!(": {period} ")),
                "{scoped:?}: {title}"
            );

            let markdown = answered(&month_end, &[&scoped[..], &["--format", "markdown"]].concat()).out;
            assert!(markdown.starts_with("**"), "{markdown}");
            assert!(markdown.replace('\\', "").contains(&context), "{scoped:?}: {markdown}");

            let json = answered(&month_end, &[&scoped[..], &["--format", "json"]].concat()).out;
            let json: Value = serde_json::from_str(&json).unwrap();
            let (scope, rows) = (&json["scope"], &json["rows"]);
            assert!(rows.is_array(), "{json}");
            let basis = is_booked.then_some("started");
            assert_eq!((scope["zone"].as_str(), scope["date_basis"].as_str()), (Some(ZONE), basis));
            assert_eq!(scope["period"], period);
            assert!(scope["close_state"].as_str().unwrap().starts_with(state), "{scoped:?}: {scope}");
            assert!(scope["known_at"].as_str().unwrap().starts_with("2025-03-05T13:"), "{scope}");
            assert_eq!(scope["closed_at"].is_null(), period != MONTH);

            // CSV has rows alone.
            let csv = answered(&month_end, &[&scoped[..], &["--format", "csv"]].concat()).out;
            assert!(!csv.contains("· by ") && !csv.contains('◆'), "{csv}");
        }
    }
}

#[test]
fn a_title_names_the_zone_the_date_basis_and_the_moment_asked_for() {
    let month_end = closed();
    for (arguments, title) in [
        (&["--zone", "UTC", "--date-basis", "ended"][..], "Cost by month "),
        (
            &["--by", "day,kind", "--from", "2025-02-10", "--until", "2025-02-12"],
            "Cost by day and kind: 2025-02-10 to 2025-02-11",
        ),
        (&["--as-of", "2025-03-05T13:30:00Z"], "as of 5 Mar 2025 13:30"),
    ] {
        let printed = month_end.run(&[&["report", "cost"], arguments].concat()).out;
        let first: String = printed.split("\n\n").next().unwrap().to_owned();
        let zone = if arguments.contains(&"UTC") { "UTC · by end" } else { "America/Sao_Paulo · by start" };
        let title = if title.contains("13:30") { "as of 5 Mar 2025 10:30" } else { title };
        assert!(first.contains(title) && first.contains(zone), "{arguments:?}: {first}");
    }
    let restatements = month_end.output(&["restatements", "--period", MONTH]);
    assert!(restatements.starts_with("Changes after the close: 2025-02 "), "{restatements}");
    assert!(
        restatements.lines().next().unwrap().ends_with("America/Sao_Paulo · as of 5 Mar 2025 10:00"),
        "{restatements}"
    );
}

#[test]
fn an_answer_matches_its_golden_file_in_every_format() {
    let month_end = closed();
    month_end.change(month_end.runs_of_the_month()[3], json!({"el_cost_usd": 7.5}));
    month_end.sync();
    for (format, ending) in [("table", "txt"), ("markdown", "md"), ("json", "json"), ("csv", "csv")] {
        let answer = month_end.run(&["report", "cost", "--format", format]).out;
        golden::assert_golden(&format!("answer.{ending}"), answer.as_bytes());
    }
}

#[test]
fn json_that_is_data_stays_rows() {
    let month_end = closed();
    for arguments in [
        &["export", "runs", "--format", "json"][..],
        &["export", "costs", "--format", "json"],
        &["query", "SELECT 1 AS one", "--format", "json"],
        &["report", "--list", "--format", "json"],
        &["close", "--json"],
        &["config", "--json"],
        &["drift", "--json"],
    ] {
        let json: Value = serde_json::from_str(&month_end.output(arguments)).unwrap();
        assert!(json.is_array(), "{arguments:?}: {json}");
    }
}

#[test]
fn verify_file_reads_both_layouts_of_json() {
    let month_end = closed();
    let (file, manifest) =
        (month_end.workspace.file("cost.json"), month_end.workspace.file("cost.manifest.json"));
    let ask = ["report", "cost", "--by", "day", "--format", "json", "--manifest", "--output", "cost.json"];
    month_end.output(&ask);
    let verified = month_end.output(&["verify-file", "cost.json"]);
    assert!(verified.contains("ok       sum of total_cost_usd: "), "{verified}");
    let text = fs::read_to_string(&file).unwrap();
    let scope: Value = serde_json::from_str::<Value>(&text).unwrap()["scope"].clone();
    let mut description: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    // A migration changes the version, and must not change the answer.
    let version = description["asked"].as_object_mut().unwrap().remove("schema_version");
    assert!(version.is_some());
    assert_eq!(description["asked"], scope, "the scope and the manifest have one definition");

    // A changed amount is found.
    fs::write(&file, text.replacen("\"runs\":", "\"runs\":9", 1)).unwrap();
    let changed = month_end.run(&["verify-file", "cost.json"]);
    assert!(changed.code == 3 && changed.out.contains("DIFFERS  sum of runs"), "{changed:?}");

    // The layout before: an array.
    let array = text.split_once("\"rows\":").unwrap().1.trim_end().trim_end_matches('}').to_owned();
    fs::write(&file, &array).unwrap();
    description["bytes"] = json!(array.len());
    description["sha256"] = json!(to_hex(&hash(array.as_bytes())));
    for new in ["notes", "closed_at", "defaults_from_close"] {
        description["asked"].as_object_mut().unwrap().remove(new);
    }
    fs::write(&manifest, description.to_string()).unwrap();
    month_end.output(&["verify-file", "cost.json"]);

    // An object without rows is no answer.
    fs::write(&file, "{\"scope\":{}}").unwrap();
    let without = month_end.run(&["verify-file", "cost.json"]);
    assert!(without.out.contains("the rows cannot be read: missing field `rows`"), "{without:?}");
}

#[test]
fn tables_mark_closed_and_running_months_and_what_changed() {
    let month_end = closed();
    let unchanged = month_end.output(&["report", "cost"]);
    let closed_report = month_end.output(&["report", "cost", "--period", MONTH]);
    assert!(unchanged.contains(", unchanged since   … running\n"), "{unchanged}");
    month_end.change(month_end.runs_of_the_month()[3], json!({"el_cost_usd": 7.5}));
    month_end.sync();
    let totals = month_end.rows(&["restatements", "--totals"]).remove(0);
    let since = format!(
        "2025-02 was closed with {} USD; {} USD more is known since",
        totals["closed_total_cost_usd"], totals["difference_usd"]
    );
    for by in ["month", "month,kind"] {
        let table = month_end.output(&["report", "cost", "--by", by, "--decimals", "9"]);
        for words in ["\n2025-02 ◆ ", "\n2025-03 … ", "\n◆ closed   … running"] {
            assert!(table.contains(words), "{words:?} by {by}: {table}");
        }
        // Notes are wrapped.
        let on_one_line = table.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(on_one_line.contains(&since), "{since:?} by {by}: {table}");
        assert!(!table.contains("2025-01 ◆"), "{table}");
        let markdown =
            month_end.output(&["report", "cost", "--by", by, "--decimals", "9", "--format", "markdown"]);
        assert!(
            markdown.contains("| 2025-02 ◆ |") && markdown.contains(&format!("\n- {since}")),
            "{markdown}"
        );
        let json: Value =
            serde_json::from_str(&month_end.output(&["report", "cost", "--by", by, "--format", "json"]))
                .unwrap();
        assert!(json["rows"].as_array().unwrap().iter().any(|row| row["month"] == "2025-02"), "{json}");
        assert!(
            json["scope"]["notes"]
                .as_array()
                .unwrap()
                .iter()
                .any(|note| note.as_str().unwrap().starts_with(&since))
        );
        let csv = month_end.output(&["report", "cost", "--by", by, "--format", "csv"]);
        assert!(csv.contains("\n2025-02,") && !csv.contains('◆'), "{csv}");
    }
    if cfg!(feature = "page") {
        let page = month_end.output(&["report", "html"]);
        for words in [
            "<th scope=\"row\">2025-02 ◆</th>",
            "<th scope=\"row\">2025-03 …</th>",
            "<p class=\"note\">2025-02 was closed with ",
            " USD more is known since</p>",
            "<dt>State</dt><dd>current</dd>",
        ] {
            assert!(page.contains(words), "{words}");
        }
    }
    // The closed month's own report has its mark, and stays as it was.
    assert_eq!(month_end.output(&["report", "cost", "--period", MONTH]), closed_report);
    assert!(closed_report.contains("\n2025-02 ◆ ") && !closed_report.contains("since"), "{closed_report}");
    // In another zone the rows are not those of the close.
    let utc = month_end.run(&["report", "cost", "--zone", "UTC"]).out;
    assert!(!utc.contains('◆') && utc.contains("2025-02 is closed, but shown as known now"), "{utc}");
}

#[test]
fn a_day_or_week_in_a_closed_month_is_labelled_as_current_knowledge() {
    let month_end = closed();
    for part in ["2025-02-10", "2025-W07"] {
        let note = format!("{part} is as known now, not as 2025-02 was closed");
        for report in ["cost", "duration", "failures", "slowest-runs"] {
            let printed = month_end.output(&["report", report, "--period", part]);
            assert!(printed.contains(&note), "{report} {part}: {printed}");
        }
    }
    let by_week = month_end.output(&["report", "cost", "--by", "week"]);
    assert!(
        by_week.contains("2025-02 is closed, but shown as known now: `--period 2025-02` gives it as closed"),
        "{by_week}"
    );
    // The advice works.
    month_end.output(&["report", "cost", "--by", "week", "--period", "2025-02"]);
    // Before the close was known, nothing was closed.
    let mut command = month_end.command(&["report", "cost", "--as-of", "2025-03-05T12:59:00Z"]);
    command.env("RUNLEDGER_ZONE", ZONE);
    let before = ran(command);
    assert!(before.code == 2 || !before.out.contains('◆'), "{before:?}");
}

#[test]
#[cfg(feature = "xlsx")]
fn a_spreadsheet_has_the_title_the_marks_and_the_notes() {
    let month_end = closed();
    month_end.output(&["report", "cost", "--format", "xlsx", "--output", "cost.xlsx"]);
    let bytes = fs::read(month_end.workspace.file("cost.xlsx")).unwrap();
    // The texts around the table are in one part of the archive.
    let texts = zip::inflated(&bytes, "xl/sharedStrings.xml");
    for words in [
        "Cost by month",
        "Known until 2025-03-05 10:00",
        "America/Sao_Paulo · by start · USD",
        "◆ closed   … running",
        "2025-02 was closed with ",
    ] {
        assert!(texts.contains(words), "{words}: {texts}");
    }
    // A mark is in the format of its month, which stays a date: 2025-02-01.
    let styles = zip::inflated(&bytes, "xl/styles.xml");
    assert!(styles.contains("yyyy-mm&quot; ◆&quot;"), "{styles}");
    assert_eq!(cells(&bytes, 1)["A6"], "45689");
}
