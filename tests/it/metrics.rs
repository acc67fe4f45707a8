//! The metrics of pipelines and budgets, with the built binary on archives that are written row by row.

use crate::support::command::rows_of_csv;
use crate::support::machine::{Ended, RUNLEDGER};
use crate::support::scheduled::{Scheduled, cron};
use crate::support::workspace::at;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use runledger::internal::store::{Archive, Lock};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const MANUAL: &str = r#"{"type":"manual"}"#;

/// The name and labels of each line, with its value.
type Exported = BTreeMap<String, String>;

/// A folder with an archive, whose last sync began at noon on 11 March 2026.
struct Folder(TempDir);

fn day(day: u32, hour: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, day, hour, 0, 0).unwrap()
}

impl Folder {
    fn with(fill: impl FnOnce(&Scheduled<'_>)) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        let path = folder.file("runledger.db");
        let lock = Lock::acquire(&path, at("2026-02-15T00:00:00Z")).unwrap();
        let archive = Archive::open(&path, &lock).unwrap();
        archive.connection().execute_batch("BEGIN").unwrap();
        let rows = Scheduled(archive.connection());
        rows.sync(Utc.with_ymd_and_hms(2026, 2, 15, 0, 0, 0).unwrap(), "complete");
        fill(&rows);
        rows.sync(day(11, 12), "complete");
        archive.connection().execute_batch("COMMIT").unwrap();
        folder
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(RUNLEDGER);
        command.args(arguments).current_dir(self.0.path()).env("RUNLEDGER_DB", "runledger.db");
        for name in ["NEKT_API_KEY", "RUNLEDGER_CONFIG", "RUNLEDGER_ZONE"] {
            command.env_remove(name);
        }
        command.env("HOME", self.0.path()).output().unwrap().into()
    }

    /// The metrics file of a sync that fails before its first request, so that the archive stays as it is.
    fn text(&self, arguments: &[&str]) -> String {
        let sync = ["sync", "--api-key-file", "none.txt", "--metrics-file", "runledger.prom"];
        self.run(&[&sync, arguments].concat()).with(2);
        fs::read_to_string(self.file("runledger.prom")).unwrap()
    }

    fn exported(&self) -> Exported {
        values(&self.text(&[]))
    }
}

/// The lines of pipelines and budgets.
fn values(text: &str) -> Exported {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let lines = lines.filter_map(|line| line.strip_prefix("runledger_")?.rsplit_once(' '));
    let watched = |line: &(&str, &str)| line.0.starts_with("pipeline_") || line.0.starts_with("budget_");
    lines.filter(watched).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The metrics of a source of [`Scheduled`], by name.
fn of_pipeline(exported: &Exported, id: &str) -> BTreeMap<String, String> {
    let labels = format!(r#"{{pipeline_kind="source",pipeline_id="{id}",pipeline_name="Pipeline {id}"}}"#);
    let named = |(name, value): (&String, &String)| {
        Some((name.strip_suffix(&labels)?.strip_prefix("pipeline_")?.to_owned(), value.clone()))
    };
    exported.iter().filter_map(named).collect()
}

/// The values of a metric over all pipelines.
fn column(exported: &Exported, name: &str) -> Vec<f64> {
    let prefix = format!("pipeline_{name}{{");
    let lines = exported.iter().filter(|(line, _)| line.starts_with(&prefix));
    lines.map(|(_, value)| value.parse().unwrap()).collect()
}

/// Adds a pipeline with a schedule, and its runs since the first sync, except those at some times.
fn scheduled(rows: &Scheduled<'_>, id: &str, expression: &str, hours: &[u32], without: &[DateTime<Utc>]) {
    let trigger = cron(expression, "UTC");
    let settings = format!(r#"{{"trigger":{trigger},"settings_max_consecutive_failures":5}}"#);
    let begin = Utc.with_ymd_and_hms(2026, 2, 15, 0, 0, 0).unwrap();
    rows.state(id, begin, true, Some(&settings));
    for number in 0..25 {
        for hour in hours {
            let due = begin + TimeDelta::days(number) + TimeDelta::hours(i64::from(*hour));
            if due < day(11, 12) && !without.contains(&due) {
                rows.run(id, due, &trigger, "success");
            }
        }
    }
}

/// Sets the cost of the runs that a condition selects, each charged.
fn cost(rows: &Scheduled<'_>, nanos: i64, condition: &str) {
    let sql = format!(
        "UPDATE run_snapshots SET el_cost_nanos = {nanos}, el_cost_usd = {nanos} / 1e9, duration_seconds = 600, \
             credit_charge_status = 'charged' WHERE {condition}"
    );
    rows.0.execute(&sql, []).unwrap();
}

/// One pipeline for each kind of trouble, and one without.
fn troubled() -> Folder {
    Folder::with(|rows| {
        scheduled(rows, "good", "0 6 * * *", &[6], &[]);
        scheduled(rows, "late", "0 6 * * *", &[6], &[day(11, 6)]);
        scheduled(rows, "gap", "0 */6 * * *", &[0, 6, 12, 18], &[day(11, 0)]);
        scheduled(rows, "failing", "0 6 * * *", &[6], &[]);
        let failed = "UPDATE run_snapshots SET status = 'failed' WHERE source = 'failing' AND created_at > '2026-03-08'";
        rows.0.execute(failed, []).unwrap();
        scheduled(rows, "stuck", "0 3 * * *", &[3], &[day(11, 3)]);
        rows.run("stuck", day(11, 3), &cron("0 3 * * *", "UTC"), "running");
        scheduled(rows, "dear", "0 6 * * *", &[6], &[]);
        cost(rows, 100_000_000, "status <> 'running'");
        cost(rows, 2_500_000_000, "source = 'dear' AND created_at > '2026-03-11'");
        let unknown = "UPDATE run_snapshots SET el_cost_nanos = NULL, el_cost_usd = NULL \
                       WHERE source = 'good' AND created_at > '2026-03-11'";
        rows.0.execute(unknown, []).unwrap();
    })
}

#[test]
fn the_figures_of_each_kind_of_trouble_are_exported() {
    let folder = troubled();
    let exported = folder.exported();
    let good = of_pipeline(&exported, "good");
    let good = |name: &str| good.get(name).map(String::as_str);
    // Its last run began 20 seconds after 6:00 and took ten minutes.
    assert_eq!(good("last_success_timestamp_seconds"), Some("1773209420.000000"));
    assert_eq!(good("consecutive_failures"), Some("0"));
    assert_eq!((good("overdue_seconds"), good("missing_runs")), (Some("0"), Some("0")));
    assert_eq!(good("month_cost_usd"), Some("1.000000000"), "ten of the eleven runs have a cost");
    assert_eq!((good("month_runs_cost_unknown"), good("month_credits")), (Some("1"), Some("11")));
    for unknown in ["failures_until_disabled", "longest_open_run_seconds", "open_run_ratio"] {
        assert_eq!(good(unknown), None, "{unknown} is absent, not zero");
    }
    let is = |id: &str, name: &str, value: &str| {
        let found = of_pipeline(&exported, id);
        assert_eq!(found.get(name).map(String::as_str), Some(value), "{id}: {name} in {found:?}");
    };
    is("late", "overdue_seconds", "21600");
    is("late", "missing_runs", "0");
    is("gap", "overdue_seconds", "0");
    is("gap", "missing_runs", "1");
    is("failing", "consecutive_failures", "4");
    is("failing", "failures_until_disabled", "1");
    is("failing", "last_success_timestamp_seconds", "1772863820.000000");
    // From 3:00:20 to the end of the sync at 12:00:30, and 54 times the usual ten minutes.
    is("stuck", "longest_open_run_seconds", "32410");
    is("stuck", "open_run_ratio", "54.016667");
    is("dear", "last_run_cost_usd", "2.500000000");
    is("dear", "usual_run_cost_usd", "0.100000000");
    is("dear", "usual_run_duration_seconds", "600.000");
    assert!(!exported.keys().any(|line| line.contains("\"other\"")), "{exported:?}");
}

#[test]
fn the_sums_of_the_month_equal_the_reports() {
    let folder = troubled();
    fs::write(folder.file("runledger.toml"), "[[budget]]\nname = \"All\"\namount_usd = 20\n").unwrap();
    let exported = folder.exported();
    let report = |arguments: &[&str]| {
        let csv = folder.run(&[&["report"], arguments, &["--format", "csv"]].concat()).with(0).stdout;
        let rows = rows_of_csv(&csv);
        let value = |name: &str| rows[0][name].parse::<f64>().unwrap();
        [value("total_cost_usd"), value("credits"), value("runs_cost_unknown")]
    };
    let sum = |name: &str| column(&exported, name).iter().sum::<f64>();
    let sums = [sum("month_cost_usd"), sum("month_credits"), sum("month_runs_cost_unknown")];
    let reported = report(&["cost", "--period", "2026-03", "--by", "month"]);
    for (sum, reported) in sums.into_iter().zip(reported) {
        assert!((sum - reported).abs() < 1e-9, "{sums:?}, {reported:?}");
    }
    let spent: f64 = exported[r#"budget_spent_ratio{budget="All"}"#].parse().unwrap();
    let expected: f64 = exported[r#"budget_forecast_ratio{budget="All"}"#].parse().unwrap();
    assert!((spent * 20.0 - reported[0]).abs() < 1e-6, "{spent}");
    assert!((expected * 20.0 - sum("month_forecast_usd")).abs() < 1e-6, "{expected}");
    assert!(expected > spent);
}

#[test]
fn the_pipelines_beyond_fifty_are_one_series() {
    let folder = Folder::with(|rows| {
        for number in 0..70_u32 {
            let id = format!("p{number:02}");
            rows.state(&id, day(1, 0), true, None);
            rows.run(&id, day(2, 0) + TimeDelta::minutes(i64::from(number)), MANUAL, "success");
            cost(rows, i64::from(number) * 1_000_000, &format!("source = '{id}'"));
        }
        // The cheapest one fails, so it needs series of its own.
        for hour in 1..4 {
            rows.run("p00", day(10, hour), MANUAL, "failed");
        }
        // The slug of a pipeline is the same pipeline.
        rows.run("p69-slug", day(11, 1), MANUAL, "success");
        cost(rows, 7, "source = 'p69-slug'");
        let without = rows.run("p68", day(11, 2), MANUAL, "success");
        cost(rows, 11, &format!("run_id = '{without}'"));
        rows.0.execute("UPDATE run_snapshots SET source = NULL WHERE run_id = ?1", [without]).unwrap();
    });
    let exported = folder.exported();
    let of = |name: &str| column(&exported, name);
    assert_eq!(of("month_cost_usd").len(), 51);
    let total: f64 = of("month_cost_usd").iter().sum();
    assert!((total - 2.415_000_018).abs() < 1e-9, "{total}");
    assert_eq!(of("month_credits").iter().sum::<f64>(), 72.0);
    assert_eq!(of_pipeline(&exported, "p00")["consecutive_failures"], "3");
    assert_eq!(of_pipeline(&exported, "p69")["month_cost_usd"], "0.069000007");
    assert!(of_pipeline(&exported, "p20").is_empty() && !of_pipeline(&exported, "p21").is_empty());
    let rest = |name: &str| {
        exported[&format!(r#"pipeline_{name}{{pipeline_id="other",pipeline_name="other"}}"#)].clone()
    };
    // Those of 1 to 20 thousandths, and the run without a pipeline.
    assert_eq!(rest("month_cost_usd"), "0.210000011");
    assert_eq!((rest("month_credits"), rest("consecutive_failures")), ("21".to_owned(), "0".to_owned()));
    assert_eq!(rest("last_success_timestamp_seconds"), "1772410280.000000", "the oldest one");
}

#[test]
fn hostile_names_stay_one_label() {
    let folder = Folder::with(|rows| {
        for id in ["a", "other"] {
            rows.state(id, day(1, 0), true, None);
            rows.run(id, day(2, 0), MANUAL, "success");
        }
        let name =
            "UPDATE pipeline_snapshots SET name = '\"} 1' || char(10) || 'b\\n{' WHERE pipeline_id = 'a'";
        rows.0.execute(name, []).unwrap();
        rows.0
            .execute("UPDATE pipeline_snapshots SET name = 'other' WHERE pipeline_id = 'other'", [])
            .unwrap();
    });
    let exported = folder.exported();
    let labels = r#"{pipeline_kind="source",pipeline_id="a",pipeline_name="\"} 1\nb\\n{"}"#;
    assert_eq!(exported[&format!("pipeline_consecutive_failures{labels}")], "0");
    let labels = r#"{pipeline_kind="source",pipeline_id="other",pipeline_name="other"}"#;
    assert_eq!(exported[&format!("pipeline_consecutive_failures{labels}")], "0");
}

#[test]
fn a_reused_slug_counts_for_the_live_pipeline() {
    let folder = Folder::with(|rows| {
        for id in ["a", "b"] {
            rows.state(id, day(1, 0), true, None);
        }
        rows.0.execute("UPDATE pipeline_snapshots SET slug = 'same'", []).unwrap();
        let gone = "UPDATE pipeline_snapshots SET gone_at = observed_at WHERE pipeline_id = 'a'";
        rows.0.execute(gone, []).unwrap();
        rows.run("same", day(2, 0), MANUAL, "success");
    });
    let exported = folder.exported();
    assert!(of_pipeline(&exported, "a").is_empty(), "{exported:?}");
    assert_eq!(of_pipeline(&exported, "b")["consecutive_failures"], "0");
}

#[test]
fn an_incomplete_sync_leaves_open_what_is_overdue() {
    let folder = troubled();
    let archive = rusqlite::Connection::open(folder.file("runledger.db")).unwrap();
    Scheduled(&archive).sync(day(11, 13), "failed");
    drop(archive);
    let exported = folder.exported();
    assert!(column(&exported, "overdue_seconds").is_empty());
    assert!(column(&exported, "missing_runs").is_empty());
    assert_eq!(of_pipeline(&exported, "failing")["consecutive_failures"], "4");
}

#[test]
fn failures_of_long_ago_are_neither_a_number_nor_zero() {
    let folder = Folder::with(|rows| {
        let long_ago = Utc.with_ymd_and_hms(2026, 2, 1, 0, 0, 0).unwrap();
        rows.run("a", long_ago - TimeDelta::days(1), MANUAL, "success");
        rows.run("a", long_ago, MANUAL, "failed");
        rows.run("a", day(11, 11), MANUAL, "running");
    });
    let exported = folder.exported();
    let labels = r#"{pipeline_kind="source",pipeline_id="a",pipeline_name="a"}"#;
    assert_eq!(exported.get(&format!("pipeline_consecutive_failures{labels}")), None);
    assert!(exported.contains_key(&format!("pipeline_last_success_timestamp_seconds{labels}")));
}

#[test]
fn alerts_and_metrics_read_the_same() {
    let folder = troubled();
    let (alone, with_alerts) = (folder.text(&[]), folder.text(&["--alert"]));
    assert_eq!(values(&alone), values(&with_alerts));
    assert!(values(&alone).len() > 60, "{alone}");
    // A rule that is off is no reason to leave out a metric.
    fs::write(
        folder.file("runledger.toml"),
        "[alert]\noff = [\"overdue\", \"missing\", \"failing\", \"disabling\"]\n",
    )
    .unwrap();
    assert_eq!(values(&alone), values(&folder.text(&["--alert"])));
}

#[test]
fn an_archive_that_says_nothing_has_no_series() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let path = folder.file("runledger.db");
    let lock = Lock::acquire(&path, at("2026-02-15T00:00:00Z")).unwrap();
    drop(Archive::open(&path, &lock).unwrap());
    drop(lock);
    assert_eq!(folder.exported(), Exported::new(), "an empty archive");
    let version_1 = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1.db");
    fs::copy(version_1, &path).unwrap();
    assert_eq!(folder.exported(), Exported::new(), "a sync that fails does not migrate an older archive");
}

#[test]
fn invalid_settings_cost_only_the_series_that_need_them() {
    let folder = troubled();
    let settings = "[[budget]]\nname = \"Data\"\ncost_center = \"Dta\"\namount_usd = 5\n";
    fs::write(folder.file("runledger.toml"), settings).unwrap();
    let sync = ["sync", "--api-key-file", "none.txt", "--metrics-file", "runledger.prom"];
    let ended = folder.run(&sync).with(2);
    assert!(
        ended.stderr.contains("warning: the metrics lack pipelines and budgets: ")
            && ended.stderr.contains("there is no cost center Dta"),
        "{ended:?}"
    );
    let text = fs::read_to_string(folder.file("runledger.prom")).unwrap();
    assert!(text.contains("\nrunledger_last_attempt_exit_code 2\n") && values(&text).is_empty(), "{text}");
    // Settings of before pipelines and budgets were watched.
    fs::write(folder.file("runledger.toml"), "zone = \"America/Sao_Paulo\"\ndate_basis = \"ended\"\n")
        .unwrap();
    assert_eq!(of_pipeline(&folder.exported(), "good")["month_credits"], "11");
}

// ---- the samples and the documentation

fn in_repository(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The metrics in a text, by their full names.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("runledger_")).map(str::to_owned).collect()
}

/// The metrics that a sync exports. A metric that never has a value is exported in name only, so each has one here.
fn exported_names() -> BTreeSet<String> {
    let folder = troubled();
    fs::write(folder.file("runledger.toml"), "[[budget]]\nname = \"all\"\namount_usd = 50\n").unwrap();
    let text = folder.text(&[]);
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let typed: BTreeSet<String> = types.map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    let with_value: BTreeSet<String> = names(&lines_of_values(&text));
    let without: Vec<&str> = typed.difference(&with_value).map(String::as_str).collect();
    // A sync that fails before its first request has neither; `tests/it/notify.rs` has one that begins.
    assert_eq!(without, ["runledger_last_attempt_duration_seconds", "runledger_last_attempt_requests"]);
    typed
}

/// The text without its comments and labels.
fn lines_of_values(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(['{', ' ']).next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_sync_without_a_key_keeps_the_figures_of_the_archive() {
    let folder = troubled();
    let sync = ["sync", "--api-key-file", "none.txt", "--metrics-file", "runledger.prom"];
    let ended = folder.run(&sync).with(2);
    assert!(!ended.stderr.contains("the metrics lack"), "{ended:?}");
    let text = fs::read_to_string(folder.file("runledger.prom")).unwrap();
    for line in ["runledger_unsettled_runs 1", "runledger_last_success_timestamp_seconds 1773230400.000000"] {
        assert!(text.lines().any(|other| other == line), "{line}: {text}");
    }
    // A row that is no run: the metrics lack the figures, and the sync says why.
    let archive = rusqlite::Connection::open(folder.file("runledger.db")).unwrap();
    archive.execute("UPDATE run_snapshots SET run_id = 'x' WHERE status = 'running'", []).unwrap();
    drop(archive);
    let ended = folder.run(&sync).with(2);
    assert!(ended.stderr.contains("the metrics lack the figures of runledger.db: "), "{ended:?}");
    let text = fs::read_to_string(folder.file("runledger.prom")).unwrap();
    assert!(
        text.contains("\nrunledger_last_attempt_exit_code 2\n") && !text.contains("\nrunledger_runs "),
        "{text}"
    );
}

#[test]
fn the_table_of_metrics_lists_what_is_exported() {
    let page = in_repository("docs/scheduling.md");
    let (_, section) = page.split_once("\n### Prometheus\n").unwrap();
    let section = section.split("\n### ").next().unwrap();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let listed: BTreeSet<String> = cells.flat_map(names).collect();
    assert_eq!(listed, exported_names());
}

#[test]
fn the_samples_name_only_exported_metrics() {
    let exported = exported_names();
    let rules = in_repository("contrib/prometheus/runledger.rules.yml");
    // A comment and a description name a metric too.
    let of_rules = names(&rules);
    assert!(of_rules.len() >= 16, "{of_rules:?}");
    let dashboard: serde_json::Value =
        serde_json::from_str(&in_repository("contrib/grafana/runledger-prometheus.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let of_dashboard: BTreeSet<String> =
        targets.flat_map(|target| names(target["expr"].as_str().unwrap())).collect();
    assert!(of_dashboard.len() >= 14, "{of_dashboard:?}");
    let unknown: Vec<_> = of_rules.union(&of_dashboard).filter(|name| !exported.contains(*name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn each_rule_of_alerts_has_a_rule_for_prometheus() {
    let page = in_repository("docs/scheduling.md");
    let (_, table) = page.split_once("| rule | finds | level |\n|---|---|---|\n").unwrap();
    let cells = table.lines().map_while(|line| line.strip_prefix("| ")?.split(" | ").next());
    let alerts: BTreeSet<String> =
        cells.flat_map(|cell| cell.split(", ").map(|name| name.trim_matches('`').to_owned())).collect();
    assert_eq!(alerts.len(), 11, "{alerts:?}");
    let rules = in_repository("contrib/prometheus/runledger.rules.yml");
    let labels = rules.lines().filter_map(|line| line.trim().strip_prefix("rule: "));
    assert_eq!(labels.map(str::to_owned).collect::<BTreeSet<_>>(), alerts);
}
