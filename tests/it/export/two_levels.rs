//! Costs and durations by two dimensions, on terminals of several widths and in the other formats.

use super::title::closed;
use crate::support::command::{ran, rows_of_csv};
use crate::support::golden::assert_golden;
use crate::support::month_end::MonthEnd;
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr;

const WIDTHS: [&str; 5] = ["40", "60", "80", "120", "200"];

/// The answer at each width.
fn screens(month_end: &MonthEnd, arguments: &[&str]) -> String {
    let mut screens = String::new();
    for width in WIDTHS {
        let shown = month_end.output(&[&["report"], arguments, &["--width", width]].concat());
        let limit: usize = width.parse().unwrap();
        assert!(shown.lines().all(|line| line.width() <= limit), "{width} columns: {shown}");
        assert!(shown.lines().all(|line| line.trim_end() == line), "{shown}");
        writeln!(screens, "{width} columns:\n\n{shown}\n").unwrap();
    }
    screens.trim_end().to_owned()
}

#[test]
fn few_values_are_columns_where_they_fit() {
    let shown = screens(&closed(), &["cost", "--by", "week,kind"]);
    assert_golden("cost-by-week-and-kind.txt", shown.as_bytes());
}

#[test]
fn many_values_are_the_rows_of_groups() {
    let shown = screens(&closed(), &["cost", "--by", "month,pipeline"]);
    assert_golden("cost-by-month-and-pipeline.txt", shown.as_bytes());
}

#[test]
fn durations_by_two_dimensions_are_in_groups() {
    let shown = screens(&closed(), &["duration", "--by", "kind,pipeline"]);
    assert_golden("duration-by-kind-and-pipeline.txt", shown.as_bytes());
}

#[test]
fn groups_that_are_names_have_their_name_last() {
    let shown = screens(&closed(), &["cost", "--by", "pipeline,status", "--limit", "2"]);
    assert_golden("cost-by-pipeline-and-status.txt", shown.as_bytes());
}

#[test]
fn other_formats_have_a_row_for_each_pair() {
    let month_end = closed();
    for format in ["csv", "json", "markdown"] {
        let rows = |by: &str| month_end.run(&["report", "cost", "--by", by, "--format", format]).out;
        let pairs = rows("kind,pipeline");
        assert!(!pairs.contains("more") && !pairs.contains(" pipelines"), "{pairs}");
        let (of_pairs, of_pipelines) = (pairs.lines().count(), rows("pipeline").lines().count());
        assert_eq!(of_pairs, of_pipelines, "each pipeline has one kind: {pairs}");
    }
}

#[test]
fn hidden_rows_are_in_what_a_month_was_closed_with() {
    let month_end = closed();
    for (by, limit) in
        [("pipeline,month", "1"), ("month,pipeline", "1"), ("month", "0"), ("kind,pipeline,month", "2")]
    {
        for format in ["table", "markdown", "json"] {
            let arguments = ["report", "cost", "--by", by, "--limit", limit, "--format", format];
            let shown = month_end.output(&arguments).replace('\n', " ").replace('\\', "");
            assert!(shown.contains(", unchanged since"), "{arguments:?}: {shown}");
        }
    }
    let shown = month_end.output(&["report", "cost", "--by", "kind,month"]);
    assert!(shown.contains("  2025-02 ◆  2025-03 …  "), "months are marked as columns too: {shown}");
}

#[test]
fn every_row_is_shown_on_request() {
    let month_end = closed();
    let shown = |arguments: &[&str]| {
        month_end.output(&[&["report", "cost", "--by", "month,pipeline"], arguments].concat())
    };
    assert!(shown(&[]).contains(" more (--all-rows)"));
    let all = shown(&["--all-rows"]);
    assert!(!all.contains(" more"), "{all}");
    let wide = shown(&["--wide"]);
    assert!(wide.lines().any(|line| line.contains("Pipeline id") && line.contains("Not known")), "{wide}");
}

#[test]
fn a_terminal_without_unicode_gets_ascii() {
    let month_end = closed();
    for (name, value) in [("NO_UNICODE", "1"), ("LC_ALL", "C"), ("LANG", "en_US.ISO-8859-1")] {
        for arguments in
            [&["report", "cost"][..], &["close"], &["status"], &["report", "cost", "--by", "week,kind"]]
        {
            let mut command = month_end.command(arguments);
            command.env(name, value);
            let shown = ran(command).out;
            assert!(shown.is_ascii(), "{name}: {shown}");
        }
    }
    let mut command = month_end.command(&["report", "cost"]);
    command.env("LC_ALL", "C.UTF-8").env("LANG", "C");
    assert!(ran(command).out.contains('─'));
}

#[test]
fn a_width_is_given_by_hand_or_the_table_is_wide() {
    let month_end = closed();
    let rule = |arguments: &[&str], columns: &str| {
        let mut command = month_end.command(arguments);
        command.env("COLUMNS", columns);
        let shown = ran(command).out;
        shown.lines().next().unwrap().chars().count()
    };
    assert_eq!(rule(&["report", "cost"], "100"), 100);
    assert_eq!(rule(&["report", "cost", "--width", "90"], "100"), 90);
    assert_eq!(rule(&["close", "--width", "72"], "100"), 72);
    for command in [&["report", "cost"][..], &["close"], &["runs"], &["query", "SELECT 1"]] {
        for wrong in [&["--width", "72", "--wide"][..], &["--width", "39"], &["--width", "much"]] {
            month_end.run(&[command, wrong].concat()).refused(2, &["--width"]);
        }
    }
    let sql = "SELECT printf('%.*c', 90, 'x') AS text, 1 AS one, 2 AS two";
    let query = month_end.output(&["query", sql, "--width", "60"]);
    assert!(query.lines().all(|line| line.chars().count() <= 60), "{query}");
}

#[test]
fn the_list_of_closed_months_can_be_wide() {
    let month_end = closed();
    let brief = month_end.output(&["close"]);
    assert!(!brief.contains("Known") && !brief.contains("T13:"), "{brief}");
    let wide = month_end.output(&["close", "--wide"]);
    assert!(
        wide.contains("Known") && wide.contains("Rows sha256") && wide.contains("2025-03-05T13:00:00Z"),
        "{wide}"
    );
    month_end.run(&["close", "2025-01", "--wide"]).refused(2, &["--wide"]);
}

#[test]
fn lists_of_runs_have_ten_rows_and_say_of_how_many() {
    let month_end = closed();
    for name in ["costliest-runs", "slowest-runs"] {
        let shown = |arguments: &[&str]| month_end.output(&[&["report", name], arguments].concat());
        let rows = |text: &str| {
            let below = text.lines().skip_while(|line| !line.starts_with('─'));
            below.filter(|line| line.contains(" Feb ") || line.contains(" Mar ")).count()
        };
        let ten = shown(&[]);
        assert_eq!(rows(&ten), 10, "{ten}");
        assert!(ten.contains("10 of 60 runs (--limit 50)"), "{ten}");
        assert!(shown(&["--sort", "status"]).contains("10 of 60 runs (--limit 50)"));
        let all = shown(&["--all-rows"]);
        assert!(!all.contains(" of 60 runs"), "{all}");
        assert!(shown(&["--limit", "20"]).contains("20 of 60 runs (--limit 100)"));
        let csv = month_end.run(&["report", name, "--format", "csv"]).out;
        assert_eq!(rows_of_csv(&csv).len(), 20, "programs get as many as before");
    }
}
