//! The command `report`.

use super::{archived, with};
use serde_json::Value;
use std::fs;

#[test]
fn reports_are_written_to_stdout_or_a_file() {
    let workspace = archived(200);
    for name in [
        "cost",
        "change",
        "duration",
        "failures",
        "schedule",
        "recovery",
        "open",
        "slowest-runs",
        "costliest-runs",
        "cost-changes-after-success",
        "pipelines-without-runs",
        "status-transitions",
        "settling",
        "audit",
        "waste",
        "anomalies",
        "metadata",
        "components",
    ] {
        for format in ["table", "csv", "json", "markdown"] {
            let printed = with(&workspace, &["report", name, "--format", format]).out();
            let file = workspace.file("report");
            fs::write(&file, "what was there before").unwrap();
            let args = ["report", name, "--format", format, "--output", "report"];
            assert_eq!(with(&workspace, &args).out(), "");
            assert_eq!(fs::read_to_string(&file).unwrap(), printed, "{name} {format}");
            if format == "json" {
                assert!(serde_json::from_str::<Value>(&printed).unwrap()["rows"].is_array());
            }
        }
    }
    let listed = with(&workspace, &["report", "--format", "csv"]).out();
    assert_eq!(listed.lines().count(), 22);
}

#[test]
fn a_cost_report_sums_to_the_sandboxs_charges() {
    let workspace = archived(200);
    let csv = with(&workspace, &["report", "cost", "--by", "status", "--format", "csv"]).out();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let columns: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let column = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let (mut runs, mut nanos, mut credits) = (0, 0, 0);
    for row in reader.records().map(Result::unwrap) {
        runs += row[column("runs")].parse::<u64>().unwrap();
        nanos += row[column("total_cost_usd")].replace('.', "").parse::<i64>().unwrap_or(0);
        credits += row[column("credits")].parse::<u64>().unwrap();
    }
    let truth = workspace.truth();
    let nano = |run: &Value, field: &str| (run[field].as_f64().unwrap_or(0.0) * 1e9).round_ties_even() as i64;
    let expected: i64 =
        truth.values().map(|run| nano(run, "el_cost_usd") + nano(run, "transformation_cost_usd")).sum();
    let charged = truth.values().filter(|run| run["credit_charge_status"] == "charged").count();
    assert_eq!((runs, credits), (200, charged as u64));
    // The doubles above are rounded twice, which is at most one nano-dollar per cost.
    assert!((nanos - expected).abs() < 10 && nanos > 0, "{nanos} {expected}");
}

#[test]
fn invalid_report_arguments_are_usage_errors() {
    let workspace = archived(10);
    for args in [
        &["report", "nothing"][..],
        &["report", "cost", "--by", "colour"],
        &["report", "cost", "--by", "month,month"],
        &["report", "cost", "--by", "el_cost_metadata.streams[*]"],
        &["report", "cost", "--by", "extra_config.a,extra_config.a"],
        &["report", "credits", "--by", "extra_config.a"],
        &["report", "metadata", "--by", "month"],
        &["report", "failures", "--by", "month"],
        &["report", "open", "--by", "pipeline"],
        &["report", "open", "--factor", "0"],
        &["report", "open", "--status", "running"],
        &["report", "failures", "--factor", "3"],
        &["report", "recovery", "--by", "kind"],
        &["report", "recovery", "--what-if", "a=b"],
        &["report", "cost", "--against", "previous"],
        &["report", "change", "--against", "last"],
        &["report", "change", "--by", "month"],
        &["report", "change", "--from", "2026-01-01"],
        &["report", "change", "--what-if", "a=b"],
        &["report", "change", "--period", "2025-01", "--against", "2025-01"],
        &["report", "change", "--period", "2025-01", "--against", "2025-W01"],
        &["report", "change", "--period", "2024-02-29", "--against", "year"],
        &["report", "change", "--period", "2999-01"],
        &["report", "cost", "--zone", "Mars/Olympus"],
        &["report", "cost", "--from", "2026-02-30"],
        &["report", "cost", "--from", "2026-03-01", "--until", "2026-03-01"],
        &["export", "documents", "--format", "csv"],
        &["export", "everything"],
        &["sync", "--lookback", "7"],
        &["sync", "--concurrency", "0"],
        &["status", "--max-age", "soon"],
        &["query", "SELECT 1", "--file", "q.sql"],
        &["report", "cost", "--period", "January"],
        &["report", "cost", "--date-basis", "paid"],
        &["report", "cost", "--as-of", "yesterday"],
        &["export", "focus", "--period", "2026-W01"],
        &["close", "January"],
        &["close", "--restate"],
        &["close", "2025-01", "2025-02"],
        &["restatements", "--period", "2025-01"],
        &["restatements", "--totals", "--as-of", "soon"],
        &["reconcile", "--period", "2025-01"],
        &["reconcile", "--period", "2025-01", "--invoice", "much"],
        &["verify-file"],
        &["verify-file", "none.csv"],
        &["config", "--config", "none.toml"],
        &["nothing"],
    ] {
        let ran = with(&workspace, args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {ran:?}");
        assert!(!ran.err.is_empty());
    }
}

#[cfg(feature = "xlsx")]
#[test]
fn a_text_longer_than_a_cell_does_not_prevent_a_spreadsheet() {
    let workspace = archived(60);
    let pipelines: Vec<uuid::Uuid> = workspace
        .rows("SELECT DISTINCT pipeline_id FROM runs WHERE pipeline_name IS NOT NULL ORDER BY 1")
        .iter()
        .map(|id| id.parse().unwrap())
        .collect();
    for id in &pipelines[..2] {
        workspace.sandbox.model().rename_pipeline(*id, &"é".repeat(40_000));
    }
    with(&workspace, &["sync", "--quiet"]).out();
    for (report, texts) in [
        (&["cost", "--by", "pipeline"][..], "2 texts are"),
        (&["cost", "--by", "pipeline", "--manifest"], "2 texts are"),
    ] {
        let ran =
            with(&workspace, &[&["report"], report, &["--format", "xlsx", "--output", "a.xlsx"]].concat());
        let warning = format!(
            " WARN {texts} longer than the 32,767 characters of a spreadsheet cell and cut; --format csv writes each text \
             whole\n"
        );
        assert_eq!((ran.code, ran.err.as_str()), (0, warning.as_str()));
        assert!(fs::read(workspace.file("a.xlsx")).unwrap().starts_with(b"PK"));
    }
    // The advice.
    let whole = with(&workspace, &["report", "cost", "--by", "pipeline", "--format", "csv"]).out();
    assert_eq!(whole.matches(&"é".repeat(40_000)).count(), 2);
}

#[test]
fn runs_that_have_not_ended_have_a_title_a_factor_and_a_rest() {
    let workspace = archived(400);
    let text = with(&workspace, &["report", "open", "--limit", "1"]).out();
    assert!(text.starts_with("Runs that have not ended"), "{text}");
    assert!(!text.contains("by start"), "{text}");
    let rows = |args: &[&str]| {
        let printed = with(&workspace, &[&["report", "open", "--json"], args].concat()).json();
        printed["rows"].as_array().unwrap().clone()
    };
    let all = rows(&[]);
    assert!(text.contains(&format!("{} more", all.len() - 1)), "{text}");
    assert_eq!(rows(&["--factor", "2"]), all);
    let kinds: usize = ["source", "destination", "transformation", "unknown"]
        .iter()
        .map(|kind| rows(&["--kind", kind]).len())
        .sum();
    assert_eq!(kinds, all.len());
}

#[test]
fn the_rest_of_failure_chains_adds_up_to_all_of_them() {
    let workspace = archived(400);
    let sum = |args: &[&str], column: &str| -> f64 {
        let printed = with(&workspace, &[&["report", "recovery", "--json"], args].concat()).json();
        printed["rows"].as_array().unwrap().iter().filter_map(|row| row[column].as_f64()).sum()
    };
    let failed = sum(&[], "failed_runs");
    assert!(failed > 3.0);
    for args in [
        &["--limit", "2"][..],
        &["--by", "pipeline"],
        &["--by", "pipeline", "--limit", "1"],
        &["--sort", "usd"],
    ] {
        assert_eq!(sum(args, "failed_runs"), failed, "{args:?}");
        assert_eq!(sum(args, "lost_seconds"), sum(&[], "lost_seconds"), "{args:?}");
        assert!((sum(args, "lost_usd") - sum(&[], "lost_usd")).abs() < 1e-6, "{args:?}");
    }
    let listed =
        workspace.number("SELECT count(*) FROM runs WHERE status = 'failed' AND pipeline_id IS NOT NULL");
    assert_eq!(failed as i64, listed);
}

#[test]
fn a_terminal_gets_ten_rows_of_waste_and_the_rest() {
    let workspace = archived(600);
    let json = with(&workspace, &["report", "waste", "--json"]).json();
    let rows = json["rows"].as_array().unwrap().len();
    assert!(rows > 12, "{json}");
    let table = with(&workspace, &["report", "waste"]).out();
    assert!(table.contains(&format!("  {} more (--all-rows)\n", rows - 10)), "{table}");
    let all = with(&workspace, &["report", "waste", "--all-rows"]).out();
    assert_eq!(all.lines().count(), table.lines().count() + rows - 11, "{all}");
    let some = with(&workspace, &["report", "waste", "--limit", "3", "--json"]).json();
    assert_eq!(some["rows"].as_array().unwrap().len(), 3, "programs get no row for the rest");
}
