//! `runledger check`: checks the integrity of the archive.

use crate::cli::JsonArgs;
use crate::close::check_archive;
use crate::commands::shared::output::print_line;
use crate::commands::shared::span::format_span;
use crate::error::{DAMAGED_HINT, Error, Result};
use crate::escape::escape_control;
use crate::store::CheckResult;
use crate::sync::{Clock, SystemClock};
use chrono::TimeDelta;
use clap::Args;
use serde_json::{Value, json};
use std::path::Path;

/// The arguments of `runledger check`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger check
  runledger check --db runs-backup.db --json")]
pub struct CheckArgs {
    /// Text or JSON.
    #[command(flatten)]
    pub format: JsonArgs,
}

/// Checks the archive and prints one line per check.
///
/// # Errors
/// [`Error::Archive`] naming the checks that failed.
pub(super) fn run(args: &CheckArgs, path: &Path) -> Result<()> {
    let (archive, checked) = check_archive(path)?;
    // The checks report it if the syncs are unreadable.
    let ahead =
        archive.freshness(SystemClock.now()).map_or(TimeDelta::zero(), |found| found.observations_ahead);
    if args.format.is_json() {
        print_line(&as_json(path, &checked, ahead).to_string())?;
    } else {
        for checked in &checked {
            print_line(&line(checked))?;
        }
        // It is no damage: the order of snapshots is right.
        if ahead > TimeDelta::zero() {
            print_line(&format!(
                "note    {:10}  observations are {} ahead of the system clock: a sync ran with a wrong clock",
                "clock",
                format_span(ahead)
            ))?;
        }
    }
    failure(path, &checked).map_or(Ok(()), Err)
}

/// The error that names the checks that failed. `None`: all passed.
pub(super) fn failure(path: &Path, checked: &[CheckResult]) -> Option<Error> {
    let names: Vec<String> = checked
        .iter()
        .filter(|checked| checked.broken > 0)
        .map(|checked| format!("{} ({})", checked.name, checked.broken))
        .collect();
    (!names.is_empty()).then(|| Error::Archive {
        path: path.to_owned(),
        cause: format!("checks failed: {}", names.join(", ")),
        hint: Some(DAMAGED_HINT.to_owned()),
    })
}

fn line(checked: &CheckResult) -> String {
    let CheckResult { name, rule, examined, unit, broken, examples } = checked;
    if *broken == 0 {
        return format!("ok      {name:10}  {rule} ({examined} {unit})");
    }
    let mut line = format!("FAILED  {name:10}  {broken} violations: {rule} ({examined} {unit})");
    for example in examples {
        line.push_str(&format!("\n                      {}", escape_control(example)));
    }
    if *broken > examples.len() as u64 {
        line.push_str(&format!("\n                      and {} more", broken - examples.len() as u64));
    }
    line
}

fn as_json(path: &Path, checked: &[CheckResult], ahead: TimeDelta) -> Value {
    let checks: Vec<Value> = checked
        .iter()
        .map(|checked| {
            json!({
                "name": checked.name,
                "rule": checked.rule,
                "examined": checked.examined,
                "unit": checked.unit,
                "broken": checked.broken,
                "examples": checked.examples,
            })
        })
        .collect();
    json!({
        "archive": path.to_string_lossy(),
        "sound": checked.iter().all(|checked| checked.broken == 0),
        "observations_ahead_seconds": ahead.num_seconds(),
        "checks": checks,
    })
}
