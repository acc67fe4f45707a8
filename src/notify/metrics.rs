//! Metrics of syncs in the Prometheus text format, for the textfile collector of node_exporter.
//!
//! An unknown value has no line: a query can detect a missing metric with `absent()`, but not a wrong zero.

use crate::run::Instant;
use crate::store::{ArchiveStats, Freshness};
use std::fmt::Write as _;

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
}

/// A metric: its name, its help text and its value. All are gauges: each can go down when a backup is restored.
type Metric = (&'static str, &'static str, fn(&ArchiveMetrics) -> Option<String>);

/// The metrics, in the order of the file.
const METRICS: [Metric; 15] = [
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

/// The text of the metrics, with the archives in their order.
pub(super) fn render(archives: &[ArchiveMetrics]) -> String {
    let mut text = String::new();
    for (name, meaning, value) in METRICS {
        let _ = writeln!(text, "# HELP {name} {meaning}\n# TYPE {name} gauge");
        for of in archives {
            let Some(value) = value(of) else { continue };
            let label = of.workspace.as_ref().map(|name| format!("{{workspace=\"{}\"}}", escaped(name)));
            let _ = writeln!(text, "{name}{} {value}", label.unwrap_or_default());
        }
    }
    text
}

fn stat(of: &ArchiveMetrics, value: fn(&ArchiveStats) -> u64) -> Option<String> {
    whole(of.stats.as_ref().map(value))
}

fn whole(value: Option<u64>) -> Option<String> {
    value.map(|value| value.to_string())
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
        assert_eq!(text.matches("# TYPE ").count(), METRICS.len());
    }

    #[test]
    fn an_instant_has_no_exponent() {
        for (at, seconds) in [("1970-01-01T00:00:00Z", "0.000000"), ("1969-12-31T23:59:58.5Z", "-1.500000")] {
            assert_eq!(in_seconds(Instant::parse(at).unwrap()), seconds);
        }
    }
}
