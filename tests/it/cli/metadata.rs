//! Reports on and by the metadata of runs, on the demo's metadata.

use super::{archived, with};
use crate::support::command::rows_of_csv;
use std::fs;

const ATTEMPTS: &str = "el_cost_metadata.attempts";

#[test]
fn every_report_with_groups_accepts_a_path() {
    let workspace = archived(200);
    for (report, path) in [
        ("cost", ATTEMPTS),
        ("duration", "transformation_cost_metadata.engine"),
        ("change", ATTEMPTS),
        ("components", "el_cost_metadata.streams[0]"),
    ] {
        let by = format!("kind,{path}");
        let rows = rows_of_csv(with(&workspace, &["report", report, "--by", &by, "--format", "csv"]).out());
        assert!(rows.iter().any(|row| !row[path].is_empty()), "{report}: {rows:?}");
        for format in ["table", "json", "markdown"] {
            let printed = with(&workspace, &["report", report, "--by", &by, "--format", format]).out();
            let last = path.rsplit('.').next().unwrap();
            assert!(printed.replace('\\', "").contains(last), "{report} {format}: {printed}");
        }
    }
}

#[test]
fn groups_by_a_path_add_up_to_the_whole() {
    let workspace = archived(200);
    for (report, column) in [("cost", "total_cost_usd"), ("change", "change_usd")] {
        let sum = |by: &str| -> i64 {
            let csv = with(&workspace, &["report", report, "--by", by, "--format", "csv"]).out();
            let nanos = |usd: &String| usd.replace('.', "").parse::<i64>().unwrap_or(0);
            rows_of_csv(csv).iter().map(|row| nanos(&row[column])).sum()
        };
        assert_eq!(sum(ATTEMPTS), sum("kind"), "{report}");
    }
}

#[test]
fn a_path_that_no_run_has_is_reported() {
    let workspace = archived(50);
    let mistyped = "el_cost_metadata.atempts";
    for report in ["cost", "duration", "change", "components"] {
        let ran = with(&workspace, &["report", report, "--by", mistyped, "--format", "csv"]);
        assert_eq!(ran.code, 0);
        let warning =
            format!("warning: no run has a value at {mistyped}; `runledger report metadata` lists the paths");
        assert!(ran.err.contains(&warning), "{report}: {ran:?}");
    }
    // The advice.
    let listed = rows_of_csv(with(&workspace, &["report", "metadata", "--format", "csv"]).out());
    assert!(listed.iter().any(|row| row["path"] == ATTEMPTS));
    let by = ["report", "cost", "--by", ATTEMPTS, "--format", "csv"];
    assert_eq!(with(&workspace, &by).out().lines().next().unwrap().split(',').next(), Some(ATTEMPTS));
}

#[test]
fn an_invalid_path_names_the_cause_and_the_report_of_paths() {
    let workspace = archived(10);
    let by = ["report", "cost", "--by", "el_cost_metadata.streams[*]"];
    with(&workspace, &by).refused(2, &["one group only", "report metadata"]);
    let by = ["report", "cost", "--by", "el_cost_metdata.streams"];
    with(&workspace, &by).refused(2, &["there is no such dimension", "el_cost_metadata"]);
}

#[test]
fn the_settings_choose_which_names_are_amounts() {
    let workspace = archived(100);
    let components = ["report", "components", "--format", "csv"];
    let paths = || -> Vec<String> {
        let rows = rows_of_csv(with(&workspace, &components).out());
        let mut paths: Vec<String> = rows.into_iter().map(|row| row["path"].clone()).collect();
        paths.sort();
        paths.dedup();
        paths
    };
    assert_eq!(
        paths(),
        [
            "el_cost_metadata.compute.usd",
            "el_cost_metadata.network.usd",
            "transformation_cost_metadata.cluster.usd",
            "transformation_cost_metadata.storage_usd",
        ]
    );
    fs::write(workspace.file("runledger.toml"), "[components]\nnames_ending_in = [\"_USD\"]\n").unwrap();
    assert!(paths().contains(&"transformation_cost_metadata.storage_usd".to_owned()));
    assert!(!paths().contains(&"el_cost_metadata.compute.usd".to_owned()));
    let config = with(&workspace, &["config", "--json"]).json();
    let setting =
        config.as_array().unwrap().iter().find(|row| row["setting"] == "components.names_ending_in");
    assert_eq!(setting.unwrap()["value"], "_USD");
    for invalid in ["[]", "[\"\"]", "\"usd\""] {
        let settings = format!("[components]\nnames_ending_in = {invalid}\n");
        fs::write(workspace.file("runledger.toml"), settings).unwrap();
        with(&workspace, &components).refused(2, &["invalid settings", "line 2"]);
    }
}

#[test]
fn amounts_of_different_paths_come_with_a_warning() {
    let workspace = archived(100);
    let printed = with(&workspace, &["report", "components"]).out();
    assert!(printed.contains("do not add up"), "{printed}");
}

#[test]
fn amounts_add_up_to_the_sums_of_json_tree() {
    let workspace = archived(300);
    let rows = rows_of_csv(with(&workspace, &["report", "components", "--format", "csv"]).out());
    let mut found: Vec<(String, i64)> = rows
        .iter()
        .filter(|row| !row["path"].is_empty())
        .map(|row| {
            let nanos = row["component_usd"].replace('.', "").parse::<i64>().unwrap();
            (format!("{} {} {}", row["month"], row["path"], row["runs_with_path"]), nanos)
        })
        .collect();
    let mut expected = Vec::new();
    for column in ["el_cost_metadata", "transformation_cost_metadata"] {
        expected.extend(workspace.rows(&format!(
            "SELECT substr(r.booked_at, 1, 7) || ' {column}' || replace(substr(j.fullkey, 2), char(34), '') ||
                    ' ' || count(*) || '|' || sum(CAST(round(j.atom * 1e9) AS INTEGER))
             FROM runs AS r, json_tree(r.{column}) AS j
             WHERE j.key LIKE '%usd' AND j.type IN ('integer', 'real') GROUP BY substr(r.booked_at, 1, 7), j.fullkey"
        )));
    }
    expected.sort();
    found.sort();
    assert!(found.len() > 4 && found.len() == expected.len(), "{found:?} {expected:?}");
    for ((group, nanos), expected) in found.iter().zip(&expected) {
        let (other, sum) = expected.split_once('|').unwrap();
        assert_eq!(group, other);
        // SQL rounds doubles, which is at most one nano-dollar per amount.
        assert!((nanos - sum.parse::<i64>().unwrap()).abs() <= 300, "{group}: {nanos} {sum}");
    }
}

#[test]
fn people_get_the_range_of_numbers_or_an_example() {
    let workspace = archived(100);
    let printed = with(&workspace, &["report", "metadata", "--format", "markdown"]).out().replace('\\', "");
    let line =
        |path: &str| printed.lines().find(|line| line.split_whitespace().any(|word| word == path)).unwrap();
    assert!(line("el_cost_metadata.currency").contains("USD"), "{printed}");
    assert!(line(ATTEMPTS).contains(" to ") || line(ATTEMPTS).contains("1, sum"), "{printed}");
    assert!(line("el_cost_metadata.compute.usd").contains(", sum "), "{printed}");
    let machine = rows_of_csv(with(&workspace, &["report", "metadata", "--format", "csv"]).out());
    let currency = machine.iter().find(|row| row["path"] == "el_cost_metadata.currency").unwrap();
    assert_eq!((currency["example"].as_str(), currency["min"].as_str()), ("USD", ""));
    assert!(currency["first_booked_at"] <= currency["last_booked_at"]);
}

#[test]
fn manifests_have_no_sums_of_amounts_that_overlap() {
    let workspace = archived(100);
    let args = ["report", "components", "--format", "csv", "--manifest", "--output", "components.csv"];
    assert_eq!(with(&workspace, &args).code, 0);
    let manifest = fs::read_to_string(workspace.file("components.manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let sums = manifest["sums"].to_string();
    assert_eq!(sums, "[]", "{manifest}");
    assert_eq!(with(&workspace, &["verify-file", "components.csv"]).code, 0);
}
