//! `runledger probe`: checks how the API behaves. Stores nothing.

use crate::cli::ApiArgs;
use crate::commands::shared::output::print_line;
use crate::commands::shared::runtime::{Runtime, client};
use crate::error::{Error, Result};
use crate::escape::escape_control;
use crate::probe::{Check, Connection, probe};
use crate::settings::{self, Settings};
use crate::sync::{Clock, SystemClock};
use clap::Args;
use serde_json::json;
use std::path::Path;

/// The arguments of `runledger probe`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  NEKT_API_KEY=… runledger probe
  runledger probe --json --api-key-file key.txt

The output contains no name, id or secret, so it can go into a bug report.")]
pub struct ProbeArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,

    /// How to reach the API.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Prints what the API answers, and what that means for a sync.
///
/// # Errors
/// [`Error::Partial`] when something deviates from what is expected; [`Error::KeyRefused`]; [`Error::Unreachable`].
pub(super) fn run(args: &ProbeArgs, path: &Path, settings: &Settings) -> Result<()> {
    let client = client(&args.api, settings.workspace_at(path))?;
    let redaction = settings::redaction()?;
    let connection = Connection {
        proxy_variable: settings::proxy_variable(&client.base_url().join("")),
        has_own_certificates: settings::has_own_certificates(),
    };
    let runtime = Runtime::start()?;
    let checks = runtime.runtime.block_on(async {
        tokio::select! {
            biased;
            error = runtime.cancel.cancelled() => Err(error),
            checks = probe(&client, &redaction, &connection, SystemClock.now()) => checks,
        }
    });
    runtime.shut_down();
    let checks = checks?;
    let deviations: Vec<&str> =
        checks.iter().filter(|check| !check.as_expected).map(|check| check.name).collect();
    if args.json {
        let object = json!({
            "as_expected": deviations.is_empty(),
            "requests": client.requests(),
            "checks": checks,
        });
        print_line(&object.to_string())?;
    } else {
        print_line(&checks.iter().map(as_text).collect::<Vec<_>>().join("\n"))?;
    }
    match deviations.as_slice() {
        [] => Ok(()),
        names => Err(Error::Partial { what: format!("the API is not as expected: {}", names.join(", ")) }),
    }
}

/// Two lines: what was observed, and what it means.
fn as_text(check: &Check) -> String {
    let Check { name, observed, expected, meaning, as_expected } = check;
    let mark = if *as_expected { "ok   " } else { "other" };
    let observed = escape_control(observed);
    format!("{mark}  {name}: {observed} (expected: {expected})\n       {}", escape_control(meaning))
}
