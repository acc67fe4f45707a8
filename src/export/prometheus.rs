//! This is the text format of Prometheus: the figures of syncs, for the textfile collector of node_exporter.
//!
//! What is not known has no line: a figure that is missing can be asked about (`absent`), a zero would be a lie.

use crate::run::Instant;
use crate::store::ArchiveStats;
use std::fmt::Write as _;

/// One archive, after an attempt to sync it.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// The label `workspace` of each line. `None`: without one, as there is one archive only.
    pub workspace: Option<String>,
    /// When the attempt began.
    pub began_at: Instant,
    /// The exit code that it ended with.
    pub exit_code: u8,
    /// How long it took. `None`: it ended before it could begin.
    pub seconds: Option<f64>,
    /// The requests that it sent. `None`: it ended before it could begin.
    pub requests: Option<u64>,
    /// What the archive holds. `None`: it cannot be read.
    pub contents: Option<ArchiveStats>,
    /// When the last complete sync began. `None`: there was none, or the archive cannot be read.
    pub last_success_at: Option<Instant>,
}

/// A metric: its name, what it means, and its value. All are gauges: each can go down, with a copy that is put back.
type Metric = (&'static str, &'static str, fn(&Figures) -> Option<String>);

/// The metrics, in the order in which they are written.
const METRICS: [Metric; 12] = [
    (
        "runledger_last_success_timestamp_seconds",
        "When the last complete sync began: the archive has what the API showed then.",
        |of| of.last_success_at.map(in_seconds),
    ),
    ("runledger_last_attempt_timestamp_seconds", "When the last attempt to sync began.", |of| {
        Some(in_seconds(of.began_at))
    }),
    (
        "runledger_last_attempt_exit_code",
        "The exit code that the last attempt ended with; 0 is a success.",
        |of| Some(of.exit_code.to_string()),
    ),
    (
        "runledger_last_attempt_duration_seconds",
        "How long the last attempt took, waiting for a lock aside.",
        |of| of.seconds.map(|seconds| format!("{seconds:.3}")),
    ),
    ("runledger_last_attempt_requests", "How many requests the last attempt sent to the API.", |of| {
        whole(of.requests)
    }),
    ("runledger_runs", "Runs in the archive.", |of| held(of, |contents| contents.runs)),
    ("runledger_snapshots", "States of runs in the archive.", |of| held(of, |contents| contents.snapshots)),
    ("runledger_unsettled_runs", "Runs that may still change, such as by a cost that arrives.", |of| {
        held(of, |contents| contents.unsettled)
    }),
    ("runledger_vanished_runs", "Runs that the API no longer has.", |of| {
        held(of, |contents| contents.vanished)
    }),
    ("runledger_quarantined_items", "Items that could not be kept as runs.", |of| {
        held(of, |contents| contents.quarantined)
    }),
    ("runledger_drift", "Things that the API sends and its contract does not know.", |of| {
        held(of, |contents| contents.drift)
    }),
    ("runledger_archive_size_bytes", "The size of the archive and its write-ahead log.", |of| {
        held(of, |contents| contents.file_bytes)
    }),
];

/// The page of these archives, in their order.
pub fn page(archives: &[Figures]) -> String {
    let mut page = String::new();
    for (name, meaning, value) in METRICS {
        let _ = writeln!(page, "# HELP {name} {meaning}\n# TYPE {name} gauge");
        for of in archives {
            let Some(value) = value(of) else { continue };
            let label = of.workspace.as_ref().map(|name| format!("{{workspace=\"{}\"}}", escaped(name)));
            let _ = writeln!(page, "{name}{} {value}", label.unwrap_or_default());
        }
    }
    page
}

fn held(of: &Figures, value: fn(&ArchiveStats) -> u64) -> Option<String> {
    whole(of.contents.as_ref().map(value))
}

fn whole(value: Option<u64>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// Seconds since 1970, to the microsecond.
fn in_seconds(at: Instant) -> String {
    let micros = at.to_utc().timestamp_micros();
    let sign = if micros < 0 { "-" } else { "" };
    format!("{sign}{}.{:06}", micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000)
}

/// A label's value as the format has it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(workspace: Option<&str>) -> Figures {
        Figures {
            workspace: workspace.map(str::to_owned),
            began_at: Instant::parse("2026-11-23T16:00:00.25Z").unwrap(),
            exit_code: 5,
            seconds: Some(0.25),
            requests: None,
            contents: None,
            last_success_at: None,
        }
    }

    #[test]
    fn what_is_not_known_has_no_line() {
        let page = page(&[figures(None)]);
        let values: Vec<&str> = page.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            values,
            [
                "runledger_last_attempt_timestamp_seconds 1795449600.250000",
                "runledger_last_attempt_exit_code 5",
                "runledger_last_attempt_duration_seconds 0.250",
            ]
        );
        assert!(page.ends_with('\n'));
    }

    #[test]
    fn each_archive_has_its_label_under_one_heading() {
        let page = page(&[figures(Some("a")), figures(Some("b\"\\\n"))]);
        let (_, codes) = page.split_once("# TYPE runledger_last_attempt_exit_code gauge\n").unwrap();
        let codes: Vec<&str> = codes.lines().take(2).collect();
        assert_eq!(
            codes,
            [
                "runledger_last_attempt_exit_code{workspace=\"a\"} 5",
                "runledger_last_attempt_exit_code{workspace=\"b\\\"\\\\\\n\"} 5",
            ]
        );
        assert_eq!(page.matches("# TYPE ").count(), METRICS.len());
    }

    #[test]
    fn a_moment_is_written_without_an_exponent() {
        for (at, seconds) in [("1970-01-01T00:00:00Z", "0.000000"), ("1969-12-31T23:59:58.5Z", "-1.500000")] {
            assert_eq!(in_seconds(Instant::parse(at).unwrap()), seconds);
        }
    }
}
