//! `runledger check`: checks the integrity of the archive.

use crate::cli::OutcomeArgs;
use crate::close::check_archive;
use crate::commands::shared::facts::{Moments, from_here};
use crate::commands::shared::numbers::{grouped, grouped_count};
use crate::commands::shared::output::print_line;
use crate::commands::shared::span::format_span;
use crate::commands::shared::terminal::screen;
use crate::commands::shared::view::View;
use crate::error::{DAMAGED_HINT, Error, Result};
use crate::escape::escape_control;
use crate::export::terminal::wrap;
use crate::report::{Cell, Table};
use crate::store::CheckResult;
use crate::sync::{Clock, SystemClock};
use chrono::TimeDelta;
use chrono_tz::Tz;
use clap::Args;
use serde_json::{Value, json};
use std::path::Path;

/// Before the second and later lines of an example.
const EXAMPLE_INDENT: &str = "    ";

/// The arguments of `runledger check`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger check
  runledger check --quiet                 # only what is broken
  runledger check --db runs-backup.db --json")]
pub struct CheckArgs {
    /// What to print.
    #[command(flatten)]
    pub outcome: OutcomeArgs,
}

/// Checks the archive and prints one row per check, with `--quiet` per broken one.
///
/// # Errors
/// [`Error::Archive`] naming the checks that failed.
pub(super) fn run(args: &CheckArgs, path: &Path) -> Result<()> {
    let (archive, checked) = check_archive(path)?;
    // The checks report it if the syncs are unreadable.
    let ahead =
        archive.freshness(SystemClock.now()).map_or(TimeDelta::zero(), |found| found.observations_ahead);
    let is_broken = checked.iter().any(|checked| checked.broken > 0);
    if args.outcome.format.is_json() {
        print_line(&as_json(path, &checked, ahead).to_string())?;
    } else if args.outcome.quiet {
        if is_broken {
            print_broken(path, &checked)?;
        }
    } else {
        print_results(path, checked.clone(), ahead)?;
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

/// Prints a row per check, the broken ones first, and below them examples of what is broken.
fn print_results(path: &Path, mut checked: Vec<CheckResult>, ahead: TimeDelta) -> Result<()> {
    checked.sort_by_key(|checked| checked.broken == 0);
    let held = checked.iter().filter(|checked| checked.broken == 0).count();
    let is_empty = checked.iter().all(|checked| checked.name != "history" || checked.examined == 0);
    let mut table = as_table(&checked);
    let mut notes = vec![format!("{held} of {} hold", checked.len())];
    if is_empty && held == checked.len() {
        table.rows.clear();
        notes[0].insert_str(0, "Nothing archived yet: ");
    }
    // It is no damage: the order of snapshots is right.
    if ahead > TimeDelta::zero() {
        notes.push(format!(
            "observations are {} ahead of the system clock: a sync ran with a wrong clock",
            format_span(ahead)
        ));
    }
    let subject = format!("Check of {}", from_here(path));
    let view = View { name: "check", subject: &subject, context: &[], notes: &notes };
    view.print(&table, Moments { zone: Tz::UTC, moment: None })?;
    print_examples(&checked)
}

/// Prints a row per broken check, and below them examples of what is broken.
fn print_broken(path: &Path, checked: &[CheckResult]) -> Result<()> {
    let broken: Vec<CheckResult> = checked.iter().filter(|checked| checked.broken > 0).cloned().collect();
    let subject = format!("Check of {}", from_here(path));
    let notes = [format!("{} of {} hold", checked.len() - broken.len(), checked.len())];
    let view = View { name: "check", subject: &subject, context: &[], notes: &notes };
    view.print(&as_table(&broken), Moments { zone: Tz::UTC, moment: None })?;
    print_examples(&broken)
}

fn print_examples(checked: &[CheckResult]) -> Result<()> {
    let width = screen(None, false, None).table_width();
    for broken in checked.iter().filter(|checked| checked.broken > 0) {
        print_line(&format!("\n{}", examples(broken, width)))?;
    }
    Ok(())
}

fn as_table(checked: &[CheckResult]) -> Table {
    let rows = checked.iter().map(|checked| {
        vec![
            Cell::text(if checked.broken == 0 { "ok" } else { "broken" }),
            Cell::text(checked.name),
            Cell::count(checked.examined),
            Cell::text(checked.unit),
            Cell::text(checked.rule),
        ]
    });
    let columns = ["result", "check", "examined", "unit", "rule"];
    Table { columns: columns.map(str::to_owned).to_vec(), rows: rows.collect(), totals: None }
}

/// What is broken: `derived: 60 violations`, and examples.
fn examples(checked: &CheckResult, width: usize) -> String {
    let CheckResult { name, broken, examples, .. } = checked;
    let mut text = format!("{name}: {}", grouped_count(*broken, "violation"));
    for example in examples {
        let example = escape_control(example);
        let wrapped = wrap(example.split(' '), width.saturating_sub(EXAMPLE_INDENT.len()));
        text.push_str(&format!("\n  {}", wrapped.replace('\n', &format!("\n{EXAMPLE_INDENT}"))));
    }
    if *broken > examples.len() as u64 {
        text.push_str(&format!("\n  and {} more", grouped(broken - examples.len() as u64)));
    }
    text
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
