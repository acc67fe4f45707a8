//! Answers that are added up never overlap: the rule about closed months, through every command that passes it.

use crate::support::command::{Ran, ran};
use crate::support::month_end::{MONTH, MonthEnd, ZONE, nanos};
use chrono::TimeDelta;
use runledger::internal::report::question::reports;
use serde_json::json;
use std::fs;

/// A workspace with a closed month in [`ZONE`], and no settings.
fn closed() -> MonthEnd {
    let month_end = MonthEnd::of(60);
    month_end.output(&["close", MONTH, "--zone", ZONE]);
    month_end
}

/// The arguments that the hint of a refusal or a warning advises.
fn advised(ran: &Ran) -> Vec<String> {
    let advice = ran.err.split('`').nth(1).unwrap_or_else(|| panic!("no advice: {}", ran.err));
    advice.split(' ').filter(|word| *word != "runledger").map(str::to_owned).collect()
}

/// Runs the command with the arguments that its refusal or warning advises.
fn follow(month_end: &MonthEnd, arguments: &[&str], ran: &Ran) -> Ran {
    let advised = advised(ran);
    let kept: Vec<&str> = match arguments.iter().position(|word| *word == "--zone") {
        Some(zone) => [&arguments[..zone], &arguments[zone + 2..]].concat(),
        None => arguments.to_vec(),
    };
    month_end.run(&[kept, advised.iter().map(String::as_str).collect()].concat())
}

#[test]
fn files_for_finance_that_overlap_a_closed_month_are_refused() {
    let month_end = closed();
    let focus = ["export", "focus", "--focus-version", "1.4", "--focus-dataset", "billing-period"];
    for file in [&["export", "costs"][..], &["export", "focus"], &focus] {
        for (scope, words) in [
            (
                &["--period", "2025-03", "--zone", "UTC"][..],
                "2025-03 in UTC, booked by started, does not add up with 2025-02, closed in \
                 America/Sao_Paulo, booked by started: some runs are in both",
            ),
            (&["--period", "2025-01", "--zone", "UTC"], ": some runs are in neither"),
            (&["--period", "2025-03", "--zone", "America/Denver"], ": some runs are in neither"),
        ] {
            let arguments = [file, scope].concat();
            let refused = month_end.run(&arguments);
            refused.refused(2, &[words, "hint:  add `--zone America/Sao_Paulo --date-basis started`"]);
            let followed = follow(&month_end, &arguments, &refused);
            assert_eq!(followed.code, 0, "{arguments:?}: {followed:?}");
        }
        let arguments = [file, &["--period", "2025-03", "--date-basis", "ended"]].concat();
        month_end.run(&arguments).refused(2, &["booked by ended, does not add up with 2025-02"]);
    }
    for scope in [
        &["--zone", "UTC"][..],
        &["--from", "2025-03-01", "--zone", "UTC"],
        &["--from", "2025-02-01", "--until", "2025-03-01", "--zone", "UTC"],
        &["--period", "2025-W09", "--zone", "UTC"],
        &["--period", "2025-03-01", "--zone", "UTC"],
    ] {
        let arguments = [&["export", "costs"], scope].concat();
        let refused = month_end.run(&arguments);
        refused.refused(2, &["does not add up with 2025-02"]);
        assert_eq!(follow(&month_end, &arguments, &refused).code, 0, "{arguments:?}");
    }
    // A setting overlaps as a flag does.
    let mut command = month_end.command(&["export", "costs", "--period", "2025-03"]);
    command.env("RUNLEDGER_ZONE", "UTC");
    ran(command).refused(2, &["2025-03 in UTC"]);
    // Days inside of the month, and months that do not adjoin it, share nothing with it.
    month_end.output(&["export", "costs", "--zone", "UTC", "--from", "2025-02-10", "--until", "2025-02-20"]);
    month_end.output(&["export", "costs", "--zone", "UTC", "--period", "2024-12"]);
}

#[test]
fn adjoining_months_of_the_default_zone_add_up() {
    let month_end = closed();
    let months = ["2025-02", "2025-03"].map(|month| {
        let files = [["export", "costs"], ["export", "focus"]];
        files.map(|file| month_end.rows(&[&file[..], &["--period", month]].concat()))
    });
    let all = month_end.rows(&["export", "costs"]);
    let counted: usize = months.iter().map(|[costs, _]| costs.len()).sum();
    assert!(counted == all.len() && !months[1][0].is_empty(), "{counted} of {} runs", all.len());
    let total = month_end.sum(&["report", "cost"], "total_cost_usd");
    let charged = months.iter().flat_map(|[_, focus]| focus).map(|row| nanos(&row["EffectiveCost"]));
    assert_eq!(charged.sum::<i128>(), total);
}

#[test]
fn every_report_warns_where_it_overlaps_a_closed_month() {
    let month_end = closed();
    let mut answers: Vec<Vec<&str>> =
        reports().map(|(name, _)| vec!["report", name, "--format", "csv"]).collect();
    answers.push(vec!["report", "html"]);
    answers.extend([vec!["export", "runs"], vec!["export", "snapshots"], vec!["export", "documents"]]);
    answers.push(vec!["reconcile", "--period", "2025-03", "--invoice", "1.00"]);
    if cfg!(feature = "parquet") {
        answers.push(vec!["export", "parquet", "--output", "dataset"]);
    }
    let warning = "does not add up with 2025-02, closed in America/Sao_Paulo";
    for answer in answers.iter().filter(|answer| cfg!(feature = "page") || !answer.contains(&"html")) {
        let arguments = [&answer[..], &["--zone", "UTC"]].concat();
        let overlapping = month_end.run(&arguments);
        assert!([0, 3].contains(&overlapping.code), "{arguments:?}: {overlapping:?}");
        assert!(
            overlapping.err.contains("WARN") && overlapping.err.contains(warning),
            "{arguments:?}: {overlapping:?}"
        );
        let _ = fs::remove_dir_all(month_end.workspace.file("dataset"));
        for adding_up in [month_end.run(answer), follow(&month_end, &arguments, &overlapping)] {
            assert!([0, 3].contains(&adding_up.code), "{answer:?}: {adding_up:?}");
            assert!(!adding_up.err.contains("does not add up"), "{answer:?}: {}", adding_up.err);
        }
        let _ = fs::remove_dir_all(month_end.workspace.file("dataset"));
    }
}

#[test]
fn closed_months_that_do_not_add_up_are_refused_and_named() {
    let month_end = closed();
    month_end.output(&["close", "2025-01", "--zone", "UTC", "--force"]);
    let file = ["export", "costs", "--period", "2025-01"];
    let refused = month_end.run(&file);
    refused.refused(
        2,
        &["2025-01 in UTC, booked by started, does not add up with 2025-02", "hint:  close 2025-02 again"],
    );
    for report in [&["report", "cost", "--period", "2025-01"][..], &["restatements", "--totals"]] {
        let warned = month_end.run(report);
        assert!(warned.code == 0 && warned.err.contains("does not add up with"), "{warned:?}");
    }
    let again = advised(&refused);
    month_end.output(&again.iter().map(String::as_str).collect::<Vec<_>>());
    for period in ["2025-01", "2025-02"] {
        month_end.output(&["export", "costs", "--period", period]);
    }
    assert_eq!(month_end.run(&["restatements", "--totals"]).err, "");
}

#[test]
fn the_zone_and_date_basis_of_the_latest_close_are_the_default() {
    let month_end = MonthEnd::of(60);
    let cost = ["report", "cost", "--by", "day", "--format", "csv"];
    let told = "time zone America/Sao_Paulo and date basis ended, as 2025-02 was closed";
    assert!(!month_end.run(&cost).err.contains("time zone"));
    month_end.output(&["close", MONTH, "--zone", ZONE, "--date-basis", "ended"]);
    let given = month_end.run(&[&cost[..], &["--zone", ZONE, "--date-basis", "ended"]].concat());
    let default = month_end.run(&cost);
    assert_eq!((default.out, given.err.as_str()), (given.out, ""));
    assert!(default.err.contains(told), "{}", default.err);
    for export in
        [&["export", "costs", "--period", "2025-03"][..], &["export", "runs", "--from", "2025-03-01"]]
    {
        assert!(month_end.run(export).err.contains(told), "{export:?}");
    }
    // Flags, variables and settings come first.
    let explicit = month_end.run(&[&cost[..], &["--zone", "UTC", "--date-basis", "ended"]].concat());
    let mut command = month_end.command(&cost);
    command.env("RUNLEDGER_ZONE", "UTC");
    assert_eq!(ran(command).out, explicit.out);
    // The next close, the settings, and the end of a day.
    let config = month_end.run(&["config", "--json"]).json();
    let origin = |name: &str| {
        let row = config.as_array().unwrap().iter().find(|row| row["setting"] == name).unwrap();
        (row["value"].as_str().unwrap().to_owned(), row["from"].as_str().unwrap().to_owned())
    };
    assert_eq!(origin("zone"), (ZONE.to_owned(), "close of 2025-02".to_owned()));
    assert_eq!(origin("date_basis"), ("ended".to_owned(), "close of 2025-02".to_owned()));
    month_end.output(&["close", "2025-01"]);
    assert_eq!(
        month_end.table("SELECT zone, date_basis FROM period_closes WHERE period = '2025-01'"),
        ["America/Sao_Paulo|ended"]
    );
    month_end.set("zone = \"UTC\"\ndate_basis = \"ended\"\n");
    assert_eq!(month_end.run(&cost).out, explicit.out);
}

#[test]
fn an_earlier_as_of_moment_takes_the_closes_known_then() {
    let month_end = MonthEnd::of(60);
    let before = month_end.known_at();
    let cost = ["report", "cost", "--by", "day", "--format", "csv"];
    let said = month_end.output(&cost);
    month_end.sync();
    month_end.output(&["close", MONTH, "--zone", ZONE]);
    let asked = month_end.run(&[&cost[..], &["--as-of", &before]].concat());
    assert_eq!((asked.code, &asked.out), (0, &said));
    // It is named, because today's closes have another zone.
    assert!(asked.err.contains("does not add up with 2025-02"), "{}", asked.err);
    // A day ends in the zone of the close: six in the evening of the fifth in UTC is that day in both zones.
    let by_day = month_end.output(&[&cost[..], &["--as-of", "2025-03-05"]].concat());
    assert_eq!(by_day, month_end.output(&[&cost[..], &["--zone", ZONE]].concat()));
}

#[test]
fn a_day_in_as_of_of_a_query_ends_in_the_zone_of_the_latest_close() {
    let month_end = MonthEnd::of(40);
    month_end.output(&["close", MONTH, "--zone", "Asia/Tokyo"]);
    // The change is seen after the fifth has ended in Tokyo, and before it ends in UTC.
    month_end.change(month_end.runs_of_the_month()[3], json!({"el_cost_usd": 7.5}));
    month_end.workspace.wait(TimeDelta::hours(3));
    month_end.sync();
    let query =
        ["query", "--as-of", "2025-03-05", "SELECT count(*) AS states FROM run_snapshots", "--format", "csv"];
    let states = |out: String| out.lines().nth(1).unwrap().parse::<u64>().unwrap();
    let mut in_utc = month_end.command(&query);
    in_utc.env("RUNLEDGER_ZONE", "UTC");
    assert_eq!(states(ran(in_utc).out), states(month_end.output(&query)) + 1);
    for (as_of, changes) in [("2025-03-05", 0), ("2025-03-06", 1)] {
        assert_eq!(month_end.rows(&["restatements", "--as-of", as_of]).len(), changes, "{as_of}");
    }
}

#[test]
fn an_existing_dataset_keeps_its_zone_and_date_basis() {
    if !cfg!(feature = "parquet") {
        return;
    }
    let month_end = MonthEnd::of(60);
    let export = ["export", "parquet", "--output", "dataset"];
    let layout = || {
        let index = fs::read_to_string(month_end.workspace.file("dataset/_runledger.json")).unwrap();
        let index: serde_json::Value = serde_json::from_str(&index).unwrap();
        format!("{} {}", index["zone"].as_str().unwrap(), index["date_basis"].as_str().unwrap())
    };
    month_end.output(&[&export[..], &["--zone", "Asia/Tokyo", "--date-basis", "created"]].concat());
    month_end.output(&["close", MONTH, "--zone", ZONE]);
    // Neither the close nor the settings change the months of a dataset.
    for settings in ["", "zone = \"UTC\"\ndate_basis = \"ended\"\n"] {
        month_end.set(settings);
        let kept = month_end.run(&export);
        assert_eq!((kept.code, layout().as_str()), (0, "Asia/Tokyo created"), "{kept:?}");
        assert!(kept.err.contains("0 written") && kept.err.contains("does not add up with"), "{}", kept.err);
    }
    for flag in [["--zone", "UTC"], ["--date-basis", "ended"]] {
        let refused = month_end.run(&[&export[..], &flag].concat());
        refused.refused(2, &["dataset has ", &format!("hint:  leave out {}", flag[0])]);
    }
    // A new folder takes the zone of the close.
    month_end.set("");
    month_end.output(&["export", "parquet", "--output", "other"]);
    fs::remove_dir_all(month_end.workspace.file("dataset")).unwrap();
    fs::rename(month_end.workspace.file("other"), month_end.workspace.file("dataset")).unwrap();
    assert_eq!(layout(), "America/Sao_Paulo started");
}
