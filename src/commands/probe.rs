//! `runledger probe`: reports how the API behaves. Stores nothing.

use crate::cli::{ApiArgs, JsonArgs, WidthArgs};
use crate::commands::shared::facts::{notes, title};
use crate::commands::shared::output::{print_line, print_view};
use crate::commands::shared::runtime::{Runtime, client};
use crate::commands::shared::terminal::screen;
use crate::error::{Error, Result};
use crate::export::terminal::{Role, Screen, wrap};
use crate::probe::{Agreement, Connection, Finding, Report, probe};
use crate::settings::{self, Settings};
use crate::sync::SystemClock;
use crate::wording::counted;
use clap::Args;
use serde_json::{Value, json};
use std::path::Path;

/// The columns of the word `differs` and the space after it.
const RESULT_WIDTH: usize = 9;

/// The columns of the label `observed` and the space after it.
const LABEL_WIDTH: usize = 10;

/// The widest name of a finding that is followed by its text on the same line.
const MAX_NAME_WIDTH: usize = 24;

/// The space after the name of a finding.
const GAP: usize = 2;

/// The least columns of a text, also on a narrow screen.
const MIN_TEXT_WIDTH: usize = 24;

/// The arguments of `runledger probe`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  NEKT_API_KEY=… runledger probe
  runledger probe --api-key-file key.txt --json > probe.json

Standard output has no names, ids or secrets of the workspace, so it can go into a bug report.
The exit code is 3 if something differs from what sync expects. Requests are sent one after another;
--concurrency is that of the sync whose duration is estimated.")]
pub struct ProbeArgs {
    /// Text or JSON.
    #[command(flatten)]
    pub format: JsonArgs,

    /// Also show in full what is as expected
    #[arg(long, help_heading = "Output")]
    pub wide: bool,

    /// How wide it is.
    #[command(flatten)]
    pub width: WidthArgs,

    /// How to reach the API.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Prints what the API does, what sync expects, and what a difference means.
///
/// # Errors
/// [`Error::Partial`] when something differs; [`Error::KeyRefused`]; [`Error::Unreachable`].
pub(super) fn run(args: &ProbeArgs, path: &Path, settings: &Settings) -> Result<()> {
    let client = client(&args.api, settings.workspace_at(path))?;
    let redaction = settings::redaction()?;
    let connection = Connection {
        is_nekt_api: settings::is_nekt_api(client.base_url()),
        proxy_variable: settings::proxy_variable(&client.base_url().join("")),
        ca_variables: settings::ca_variables(),
        concurrency: args.api.concurrency,
    };
    let runtime = Runtime::start()?;
    let report = runtime.runtime.block_on(async {
        tokio::select! {
            biased;
            interrupted = runtime.cancel.cancelled() => Err(interrupted),
            report = probe(&client, &redaction, &connection, &SystemClock) => Ok(report),
        }
    });
    runtime.shut_down();
    let report = report?;
    if args.format.is_json() {
        print_line(&as_json(&report, &connection).to_string())?;
    } else {
        let screen = screen(None, args.wide, None).with_width(args.width.width);
        print_view(&as_text(&report, &connection, &screen))?;
    }
    report.result?;
    let differing = report.findings.iter().filter(|finding| finding.result == Agreement::Differs);
    let differing: Vec<&str> = differing.map(|finding| finding.name.as_str()).collect();
    if differing.is_empty() {
        return Ok(());
    }
    Err(Error::Partial { what: format!("the API differs from what sync expects: {}", differing.join(", ")) })
}

/// What differs first, with all that is known about it, then what is unknown, then what is as expected on a line each.
/// On a wide screen, each finding is shown in full.
fn as_text(report: &Report, connection: &Connection, screen: &Screen) -> String {
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| match finding.result {
        Agreement::Differs => 0,
        Agreement::Unknown => 1,
        Agreement::Ok => 2,
    });
    let api = if connection.is_nekt_api { "api.nekt.ai" } else { "another address" };
    let context = [
        Some(api.to_owned()),
        Some(counted(report.requests, "request")),
        Some(format!("runledger {}", env!("CARGO_PKG_VERSION"))),
    ];
    let mut lines = title("Probe of the API".to_owned(), &context, screen);
    lines.push(String::new());
    let is_short = |finding: &Finding| finding.result != Agreement::Differs && !screen.wide;
    let names = findings.iter().filter(|finding| is_short(finding)).map(|finding| finding.name.len());
    let name_width = names.filter(|width| *width <= MAX_NAME_WIDTH).max().unwrap_or(0);
    for finding in &findings {
        match is_short(finding) {
            true => lines.extend(summary(finding, name_width, screen)),
            false => lines.extend(record(finding, screen)),
        }
    }
    let count = |result| report.findings.iter().filter(|finding| finding.result == result).count();
    let unknown = match count(Agreement::Unknown) {
        0 => String::new(),
        unknown => format!(", {unknown} unknown"),
    };
    let last = format!("{} ok, {} differ{unknown}", count(Agreement::Ok), count(Agreement::Differs));
    let mut full = "";
    if findings.iter().any(|finding| is_short(finding)) {
        full = "in full: --wide";
    }
    lines.push(String::new());
    lines.extend(notes(&[&last, "nothing was stored", full], screen));
    lines.join("\n")
}

/// The finding on one line, continued below itself: `ok       order of the run list  newest first`. A longer name than
/// `name_width` has its own line.
fn summary(finding: &Finding, name_width: usize, screen: &Screen) -> Vec<String> {
    let indent = RESULT_WIDTH + name_width + GAP;
    let head = format!("{}{}", result(finding, screen), finding.name);
    let texts = wrapped(&finding.observed, indent, screen);
    let mut lines: Vec<String> = texts.lines().map(|line| format!("{:indent$}{line}", "")).collect();
    match (name_width.checked_sub(finding.name.len()), texts.lines().next()) {
        (Some(room), Some(first)) => lines[0] = format!("{head}{:room$}{:GAP$}{first}", "", ""),
        _ => lines.insert(0, head),
    }
    lines
}

/// Four lines, or more if a text is wrapped.
fn record(finding: &Finding, screen: &Screen) -> Vec<String> {
    let mut lines = vec![format!("{}{}", result(finding, screen), finding.name)];
    for (label, text) in [
        ("observed", finding.observed.as_str()),
        ("expected", finding.expected),
        ("for sync", &finding.for_sync),
    ] {
        let indent = RESULT_WIDTH + LABEL_WIDTH;
        for (number, line) in wrapped(text, indent, screen).lines().enumerate() {
            let label = if number == 0 { label } else { "" };
            let padding = LABEL_WIDTH - label.len();
            let label = Role::Dim.paint(label, screen.color);
            lines.push(format!("{:RESULT_WIDTH$}{label}{:padding$}{line}", "", ""));
        }
    }
    lines
}

fn result(finding: &Finding, screen: &Screen) -> String {
    let role = match finding.result {
        Agreement::Differs => Role::Warning,
        Agreement::Ok | Agreement::Unknown => Role::Dim,
    };
    let word = finding.result.as_str();
    format!("{}{:padding$}", role.paint(word, screen.color), "", padding = RESULT_WIDTH - word.len())
}

fn wrapped(text: &str, indent: usize, screen: &Screen) -> String {
    wrap(text.split(' '), screen.table_width().saturating_sub(indent).max(MIN_TEXT_WIDTH))
}

fn as_json(report: &Report, connection: &Connection) -> Value {
    let as_expected = report.findings.iter().all(|finding| finding.result != Agreement::Differs);
    json!({
        "runledger_version": env!("CARGO_PKG_VERSION"),
        "is_nekt_api": connection.is_nekt_api,
        "requests": report.requests,
        "as_expected": as_expected && report.result.is_ok(),
        "findings": report.findings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(result: Agreement) -> Finding {
        Finding {
            name: "next link".to_owned(),
            result,
            observed: "word ".repeat(30).trim_end().to_owned(),
            expected: "a short text",
            for_sync: "nothing".to_owned(),
        }
    }

    #[test]
    fn a_record_is_wrapped_at_the_width_of_the_screen() {
        let lines = record(&finding(Agreement::Differs), &Screen::FILE);
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:?}");
        assert_eq!((lines.len(), lines[0].as_str()), (6, "differs  next link"));
        assert_eq!(lines[1].find("word"), lines[2].find("word"));
        assert_eq!(lines[4], "         expected  a short text");
    }

    #[test]
    fn what_is_as_expected_continues_below_itself() {
        let lines = summary(&finding(Agreement::Ok), 12, &Screen { width: 60, ..Screen::FILE });
        assert!(lines.iter().all(|line| line.chars().count() <= 60), "{lines:?}");
        assert!(lines[0].starts_with("ok       next link     word word"), "{lines:?}");
        assert_eq!(lines[0].find("word"), lines[1].find("word"));
        let lines = summary(&finding(Agreement::Ok), 4, &Screen::FILE);
        assert_eq!(lines[0], "ok       next link", "a long name has its own line");
        assert_eq!(lines[1].find("word"), Some(15));
    }
}
