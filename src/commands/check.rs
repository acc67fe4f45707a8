//! `runledger check`: checks the integrity of the archive.

use crate::commands::shared::output::print_line;
use crate::error::{DAMAGED_HINT, Error, Result};
use crate::escape::escape_control;
use crate::export::closed::figures;
use crate::report::{Ledger, Scope};
use crate::store::{Archive, Checked, Close};
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
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Checks the archive and prints one line per check.
///
/// # Errors
/// [`Error::Archive`] naming the checks that failed.
pub fn run(args: &CheckArgs, path: &Path) -> Result<()> {
    let archive = Archive::open_for_checking(path)?;
    let mut checked = archive.check()?;
    // The reports of a close need temporary views, which the connection for checking does not create.
    checked.push(closes(&Archive::open_for_reading(path)?));
    let broken: Vec<&Checked> = checked.iter().filter(|checked| checked.broken > 0).collect();
    if args.json {
        print_line(&as_json(path, &checked).to_string())?;
    } else {
        for checked in &checked {
            print_line(&line(checked))?;
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    let names: Vec<String> =
        broken.iter().map(|checked| format!("{} ({})", checked.name, checked.broken)).collect();
    Err(Error::Archive {
        path: path.to_owned(),
        cause: format!("checks failed: {}", names.join(", ")),
        hint: Some(DAMAGED_HINT.to_owned()),
    })
}

/// Checks that each closed month still gives the frozen totals, names and rows.
fn closes(archive: &Archive) -> Checked {
    let mut checked =
        Checked::new("closes", "closes", "each close gives the totals, names and rows that it froze");
    match archive.closes() {
        Ok(closes) => {
            let mut before: Option<Close> = None;
            for close in closes {
                checked.examined += 1;
                let name = format!("the close {} of {}", close.close_id, close.frozen.period);
                let earlier = before.filter(|before| before.frozen.period == close.frozen.period);
                if close.frozen.restates != earlier.map(|earlier| earlier.close_id) {
                    checked.fail(|| format!("{name} does not refer to the close before it"));
                }
                match differing(archive, &close) {
                    Ok(differing) if differing.is_empty() => {}
                    Ok(differing) => checked.fail(|| format!("{name}: {}", differing.join(", "))),
                    Err(error) => checked.fail(|| format!("{name}: {}", error.on_one_line())),
                }
                before = Some(close);
            }
        }
        Err(error) => checked.fail(|| format!("cannot read the closes: {}", error.on_one_line())),
    }
    checked
}

/// The parts of a closed month that differ from its close.
fn differing(archive: &Archive, close: &Close) -> Result<Vec<&'static str>> {
    let ledger = Ledger::open(archive.connection(), Scope::of_close(close)?)?;
    let (now, then) = (figures(&ledger)?, &close.frozen);
    let same = [
        ("runs", now.runs == then.runs),
        ("runs_cost_unknown", now.runs_cost_unknown == then.runs_cost_unknown),
        ("el_cost_nanos", now.el_cost_nanos == then.el_cost_nanos),
        ("transformation_cost_nanos", now.transformation_cost_nanos == then.transformation_cost_nanos),
        ("total_cost_nanos", now.total_cost_nanos == then.total_cost_nanos),
        ("credits", now.credits == then.credits),
        ("names", now.names == then.names),
        ("rows_sha256", now.rows_sha256 == then.rows_sha256),
    ];
    Ok(same.into_iter().filter(|(_, same)| !same).map(|(what, _)| what).collect())
}

fn line(checked: &Checked) -> String {
    let Checked { name, rule, examined, unit, broken, examples } = checked;
    if *broken == 0 {
        return format!("ok      {name:10}  {rule} ({examined} {unit})");
    }
    let mut line = format!("FAILED  {name:10}  {rule}: {broken} violations ({examined} {unit})");
    for example in examples {
        line.push_str(&format!("\n                      {}", escape_control(example)));
    }
    if *broken > examples.len() as u64 {
        line.push_str(&format!("\n                      and {} more", broken - examples.len() as u64));
    }
    line
}

fn as_json(path: &Path, checked: &[Checked]) -> Value {
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
        "checks": checks,
    })
}
