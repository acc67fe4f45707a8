//! `runledger probe`: reports how the API behaves. Stores nothing.

use crate::cli::{ApiArgs, JsonArgs};
use crate::commands::shared::output::print_line;
use crate::commands::shared::runtime::{Runtime, client};
use crate::error::{Error, Result};
use crate::export::terminal::wrap;
use crate::probe::{Agreement, Connection, Finding, Report, probe};
use crate::settings::{self, Settings};
use crate::sync::SystemClock;
use crate::wording::counted;
use clap::Args;
use serde_json::{Value, json};
use std::path::Path;

/// The columns of a line of text.
const WIDTH: usize = 80;

/// The columns in front of what was observed, expected, and so on.
const INDENT: usize = 19;

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
        print_line(&as_text(&report, &connection))?;
    }
    report.result?;
    let differing = report.findings.iter().filter(|finding| finding.result == Agreement::Differs);
    let differing: Vec<&str> = differing.map(|finding| finding.name.as_str()).collect();
    if differing.is_empty() {
        return Ok(());
    }
    Err(Error::Partial { what: format!("the API differs from what sync expects: {}", differing.join(", ")) })
}

/// One record for each finding. What differs comes first.
fn as_text(report: &Report, connection: &Connection) -> String {
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| match finding.result {
        Agreement::Differs => 0,
        Agreement::Unknown => 1,
        Agreement::Ok => 2,
    });
    let api = if connection.is_nekt_api { "api.nekt.ai" } else { "the API" };
    let title = format!(
        "runledger {} probed {api} with {}; nothing was stored",
        env!("CARGO_PKG_VERSION"),
        counted(report.requests, "request")
    );
    let records = findings.into_iter().map(record).collect::<Vec<_>>().join("\n");
    let count = |result| report.findings.iter().filter(|finding| finding.result == result).count();
    let unknown = match count(Agreement::Unknown) {
        0 => String::new(),
        unknown => format!(", {unknown} unknown"),
    };
    format!(
        "{title}\n\n{records}\n\n{} ok, {} differ{unknown}",
        count(Agreement::Ok),
        count(Agreement::Differs)
    )
}

/// Four lines, or more if a text is wrapped.
fn record(finding: &Finding) -> String {
    let row = |label: &str, text: &str| {
        let text = wrap(text.split(' '), WIDTH - INDENT).replace('\n', &format!("\n{:INDENT$}", ""));
        format!("\n         {label:8}  {text}")
    };
    format!(
        "{:7}  {}{}{}{}",
        finding.result.as_str(),
        finding.name,
        row("observed", &finding.observed),
        row("expected", finding.expected),
        row("for sync", &finding.for_sync)
    )
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

    #[test]
    fn a_record_is_wrapped_at_80_columns() {
        let finding = Finding {
            name: "next link".to_owned(),
            result: Agreement::Differs,
            observed: "word ".repeat(30).trim_end().to_owned(),
            expected: "a short text",
            for_sync: "nothing".to_owned(),
        };
        let text = record(&finding);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[0]), (6, "differs  next link"));
        assert_eq!(lines[1].find("word"), lines[2].find("word"));
        assert_eq!(lines[4], "         expected  a short text");
    }
}
