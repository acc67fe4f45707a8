//! Metrics of syncs, pipelines and budgets in the Prometheus text format, for the textfile collector of node_exporter.
//!
//! An unknown value has no line: a query can detect a missing metric with `absent()`, but not a wrong zero.

mod watched;

pub(crate) use watched::Watched;

use crate::run::{Fixed, Instant};
use crate::store::{ArchiveStats, Freshness};
use std::fmt::Write as _;
use watched::{BudgetFigures, PipelineFigures};

/// The metrics of one archive after an attempt to sync it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ArchiveMetrics {
    /// The label `workspace` of each line. `None`: no label, for a single archive.
    pub workspace: Option<String>,
    /// When the attempt began.
    pub began_at: Instant,
    /// Its exit code.
    pub exit_code: u8,
    /// Its duration. `None`: it failed before it began.
    pub seconds: Option<f64>,
    /// The requests that it sent. `None`: it failed before it began.
    pub requests: Option<u64>,
    /// The statistics of the archive. `None`: it is unreadable.
    pub stats: Option<ArchiveStats>,
    /// The freshness of the archive. `None`: it is unreadable.
    pub freshness: Option<Freshness>,
    /// Its pipelines and budgets. `None`: they were not read.
    pub watched: Option<Watched>,
}

/// A metric of something: its name, its help text and its value. All are gauges: each can go down when a backup is
/// restored.
type Metric<T> = (&'static str, &'static str, fn(&T) -> Option<String>);

/// The metrics of an archive, in the order of the file.
const ARCHIVE_METRICS: [Metric<ArchiveMetrics>; 15] = [
    ("runledger_last_success_timestamp_seconds", "When the last complete sync began.", |of| {
        of.freshness?.last_complete.at().map(in_seconds)
    }),
    ("runledger_last_attempt_timestamp_seconds", "When the last attempt to sync began.", |of| {
        Some(in_seconds(of.began_at))
    }),
    ("runledger_last_attempt_exit_code", "The exit code of the last attempt; 0 is a success.", |of| {
        Some(of.exit_code.to_string())
    }),
    (
        "runledger_last_attempt_duration_seconds",
        "The duration of the last attempt, without the wait for the lock.",
        |of| of.seconds.map(|seconds| format!("{seconds:.3}")),
    ),
    ("runledger_last_attempt_requests", "Requests that the last attempt sent to the API.", |of| {
        whole(of.requests)
    }),
    ("runledger_runs", "Runs in the archive.", |of| stat(of, |stats| stats.runs)),
    ("runledger_snapshots", "Snapshots of runs in the archive.", |of| stat(of, |stats| stats.snapshots)),
    (
        "runledger_unsettled_runs",
        "Runs that can still change, for example when their cost becomes known.",
        |of| stat(of, |stats| stats.unsettled.total()),
    ),
    ("runledger_vanished_runs", "Runs that the API no longer has.", |of| stat(of, |stats| stats.vanished)),
    (
        "runledger_runs_suspected",
        "Runs that are missing from the run list, without evidence that they are deleted.",
        |of| stat(of, |stats| stats.suspected),
    ),
    ("runledger_quarantined_items", "Items of the run list that could not be decoded as runs.", |of| {
        stat(of, |stats| stats.quarantined)
    }),
    ("runledger_unreadable_runs", "Runs that the API fails to return, in the list and by id.", |of| {
        stat(of, |stats| stats.unreadable)
    }),
    (
        "runledger_drift",
        "Fields, values and types that the API sends and its contract does not document.",
        |of| stat(of, |stats| stats.drift),
    ),
    (
        "runledger_observations_ahead_seconds",
        "How far the latest observation is ahead of the system clock, because a sync ran with a wrong clock.",
        |of| of.freshness.map(|freshness| freshness.observations_ahead.num_seconds().to_string()),
    ),
    ("runledger_archive_size_bytes", "The size of the archive and its write-ahead log in bytes.", |of| {
        stat(of, |stats| stats.file_bytes)
    }),
];

/// The metrics of a pipeline.
const PIPELINE_METRICS: [Metric<PipelineFigures>; 16] = [
    ("runledger_pipeline_last_success_timestamp_seconds", "When the last successful run ended.", |of| {
        of.last_success_at.map(in_seconds)
    }),
    (
        "runledger_pipeline_consecutive_failures",
        "Failures since the last success; absent if the last failure is older than 30 days.",
        |of| whole(of.consecutive_failures),
    ),
    (
        "runledger_pipeline_failures_until_disabled",
        "How many more failures disable the pipeline, while it fails and its limit is known.",
        |of| whole(of.failures_until_disabled),
    ),
    (
        "runledger_pipeline_overdue_seconds",
        "How long the latest due run is overdue; absent if a sync was incomplete.",
        |of| whole(of.overdue_seconds),
    ),
    (
        "runledger_pipeline_missing_runs",
        "Due runs of the last 24 hours that did not come, without those that are overdue.",
        |of| whole(of.missing_runs),
    ),
    (
        "runledger_pipeline_longest_open_run_seconds",
        "The age of the oldest run that has not ended, while there is one.",
        |of| whole(of.longest_open_run_seconds),
    ),
    (
        "runledger_pipeline_open_run_ratio",
        "The age of a run that has not ended, as a multiple of the pipeline's 95th percentile.",
        |of| of.open_run_factor.map(exact),
    ),
    ("runledger_pipeline_month_cost_usd", "The known cost of the runs of this month in US dollars.", |of| {
        of.month_cost.map(exact)
    }),
    ("runledger_pipeline_month_runs_cost_unknown", "Runs of this month without a known cost.", |of| {
        whole(of.month_runs_cost_unknown)
    }),
    ("runledger_pipeline_month_credits", "Runs of this month that were charged a credit.", |of| {
        whole(of.month_credits)
    }),
    ("runledger_pipeline_month_forecast_usd", "The cost that is expected by the end of this month.", |of| {
        of.month_expected_cost.map(exact)
    }),
    (
        "runledger_pipeline_month_forecast_credits",
        "The credits that are expected by the end of this month.",
        |of| of.month_expected_credits.map(exact),
    ),
    ("runledger_pipeline_last_run_cost_usd", "The cost of the latest successful run in US dollars.", |of| {
        of.last_run_cost.map(exact)
    }),
    (
        "runledger_pipeline_usual_run_cost_usd",
        "The median cost of the 10 to 30 successful runs before the latest.",
        |of| of.usual_run_cost.map(exact),
    ),
    (
        "runledger_pipeline_last_run_duration_seconds",
        "The duration of the latest successful run, if it is at most 7 days old.",
        |of| of.last_run_duration.map(exact),
    ),
    (
        "runledger_pipeline_usual_run_duration_seconds",
        "The median duration of the 10 to 30 successful runs before the latest.",
        |of| of.usual_run_duration.map(exact),
    ),
];

/// The metrics of a budget.
const BUDGET_METRICS: [Metric<BudgetFigures>; 2] = [
    ("runledger_budget_spent_ratio", "What is spent this month, as a share of the budget.", |of| {
        of.spent.map(exact)
    }),
    (
        "runledger_budget_forecast_ratio",
        "What is expected by the end of this month, as a share of the budget.",
        |of| of.expected.map(exact),
    ),
];

/// The text of the metrics, with the archives in their order.
pub(super) fn render(archives: &[ArchiveMetrics]) -> String {
    let workspace = |of: &ArchiveMetrics| of.workspace.clone().map(|name| ("workspace", name));
    let watched = || archives.iter().filter_map(|of| Some((workspace(of), of.watched.as_ref()?)));
    let mut text = String::new();
    let all: Vec<_> = archives.iter().map(|of| (labels(workspace(of)), of)).collect();
    ARCHIVE_METRICS.iter().for_each(|metric| write_metric(&mut text, metric, &all));
    let pipelines: Vec<_> = watched()
        .flat_map(|(workspace, watched)| watched.pipelines.iter().map(move |of| (workspace.clone(), of)))
        .map(|(workspace, of)| (labels(workspace.into_iter().chain(of.labels())), of))
        .collect();
    PIPELINE_METRICS.iter().for_each(|metric| write_metric(&mut text, metric, &pipelines));
    let budgets: Vec<_> = watched()
        .flat_map(|(workspace, watched)| watched.budgets.iter().map(move |of| (workspace.clone(), of)))
        .map(|(workspace, of)| (labels(workspace.into_iter().chain([("budget", of.name.clone())])), of))
        .collect();
    BUDGET_METRICS.iter().for_each(|metric| write_metric(&mut text, metric, &budgets));
    text
}

/// Writes a metric of several things, each with its labels.
fn write_metric<T>(text: &mut String, (name, meaning, value): &Metric<T>, all: &[(String, &T)]) {
    let _ = writeln!(text, "# HELP {name} {meaning}\n# TYPE {name} gauge");
    for (labels, of) in all {
        if let Some(value) = value(of) {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    }
}

/// Labels in their order: `{budget="Data team"}`. A label without a value is left out: that is the same label.
fn labels(all: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let all = all.into_iter().filter(|(_, value)| !value.is_empty());
    let all: Vec<String> = all.map(|(name, value)| format!("{name}=\"{}\"", escaped(&value))).collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

impl PipelineFigures {
    fn labels(&self) -> [(&'static str, String); 3] {
        let PipelineFigures { kind, id, name, .. } = self;
        [("pipeline_kind", kind), ("pipeline_id", id), ("pipeline_name", name)]
            .map(|(label, value)| (label, value.clone()))
    }
}

fn stat(of: &ArchiveMetrics, value: fn(&ArchiveStats) -> u64) -> Option<String> {
    whole(of.stats.as_ref().map(value))
}

fn whole(value: Option<impl ToString>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// A number with all of its decimals.
fn exact<const DECIMALS: u32>(value: Fixed<DECIMALS>) -> String {
    value.to_fixed(DECIMALS)
}

/// Seconds since 1970 with six decimals.
fn in_seconds(at: Instant) -> String {
    let micros = at.to_utc().timestamp_micros();
    let sign = if micros < 0 { "-" } else { "" };
    format!("{sign}{}.{:06}", micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000)
}

/// Escapes a label value.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(workspace: Option<&str>) -> ArchiveMetrics {
        ArchiveMetrics {
            workspace: workspace.map(str::to_owned),
            began_at: Instant::parse("2026-11-23T16:00:00.25Z").unwrap(),
            exit_code: 5,
            seconds: Some(0.25),
            requests: None,
            stats: None,
            freshness: None,
            watched: None,
        }
    }

    #[test]
    fn an_unknown_value_has_no_line() {
        let text = render(&[metrics(None)]);
        let values: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            values,
            [
                "runledger_last_attempt_timestamp_seconds 1795449600.250000",
                "runledger_last_attempt_exit_code 5",
                "runledger_last_attempt_duration_seconds 0.250",
            ]
        );
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn a_metric_has_one_line_per_archive() {
        let text = render(&[metrics(Some("a")), metrics(Some("b\"\\\n"))]);
        let (_, codes) = text.split_once("# TYPE runledger_last_attempt_exit_code gauge\n").unwrap();
        let codes: Vec<&str> = codes.lines().take(2).collect();
        assert_eq!(
            codes,
            [
                "runledger_last_attempt_exit_code{workspace=\"a\"} 5",
                "runledger_last_attempt_exit_code{workspace=\"b\\\"\\\\\\n\"} 5",
            ]
        );
        let metrics = ARCHIVE_METRICS.len() + PIPELINE_METRICS.len() + BUDGET_METRICS.len();
        assert_eq!(text.matches("# TYPE ").count(), metrics);
    }

    #[test]
    fn an_instant_has_no_exponent() {
        for (at, seconds) in [("1970-01-01T00:00:00Z", "0.000000"), ("1969-12-31T23:59:58.5Z", "-1.500000")] {
            assert_eq!(in_seconds(Instant::parse(at).unwrap()), seconds);
        }
    }
}
