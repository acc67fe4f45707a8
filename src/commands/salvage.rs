//! `runledger salvage`: recovers what can be read of a damaged archive.

use crate::cli::JsonArgs;
use crate::commands::shared::output::{print_line, print_note};
use crate::error::{Error, Result};
use crate::escape::{escape_control, shell_word};
use crate::salvage::{Salvage, salvage};
use crate::store::{Repairs, TableRecovery};
use crate::sync::{Clock, SystemClock};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The arguments of `runledger salvage`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Reads each page of the file on its own, with its -wal file, and keeps each row that can be read:
a snapshot only if it has the hash of its document. The damaged file is not changed. The new file
is checked; it has the newest schema, whatever the version of the damaged one. Copies that sqlite3
made with `.dump`, `.recover` or `.clone` are accepted too.

Exit code 3 means that something is lost, and the output names it. `runledger sync --full` then
reads again what the API still has.

Examples:
  runledger salvage runledger.db --output new.db
  runledger salvage damaged.db --output new.db --json")]
pub struct SalvageArgs {
    /// The damaged archive, or a copy of an archive
    #[arg(value_name = "DAMAGED")]
    pub damaged: PathBuf,

    /// The new archive; nothing may exist there
    #[arg(long, value_name = "NEW")]
    pub output: PathBuf,

    /// Text or JSON.
    #[command(flatten)]
    pub format: JsonArgs,
}

/// Writes the new archive and prints what became of each table.
///
/// # Errors
/// As [`salvage`]; [`Error::Partial`] when something is lost.
pub(super) fn run(args: &SalvageArgs) -> Result<()> {
    let salvaged = salvage(&args.damaged, &args.output, SystemClock.now())?;
    if args.format.is_json() {
        print_line(&as_json(&args.output, &salvaged).to_string())?;
    } else {
        print_line(&table(&salvaged.recovery.tables))?;
        for note in notes(&salvaged) {
            print_note(&escape_control(&note));
        }
    }
    if salvaged.is_whole() {
        return match args.format.is_json() {
            true => Ok(()),
            false => {
                print_line(&format!("{}: nothing is lost, and it passes the check", args.output.display()))
            }
        };
    }
    Err(Error::Partial {
        what: format!(
            "{} has everything that can be read, and something is lost; `runledger sync --full --db {}` reads again \
             what the API still has",
            args.output.display(),
            shell_word(&args.output)
        ),
    })
}

/// One line per table, with names of lost rows below.
fn table(tables: &[TableRecovery]) -> String {
    let mut lines = vec![format!(
        "{:18}  {:>9}  {:>9}  {:>9}  {:>13}",
        "table", "recovered", "lost", "rejected", "damaged pages"
    )];
    for TableRecovery { table, recovered, lost, rejected, damaged_pages, examples, .. } in tables {
        lines.push(format!("{table:18}  {recovered:>9}  {lost:>9}  {rejected:>9}  {damaged_pages:>13}"));
        lines.extend(
            examples.iter().map(|example| format!("                    {}", escape_control(example))),
        );
        let more = (lost + rejected).saturating_sub(examples.len() as u64);
        if more > 0 && !examples.is_empty() {
            lines.push(format!("                    and {more} more"));
        }
    }
    lines.join("\n")
}

/// What was changed or left aside, in sentences.
fn notes(Salvage { recovery, failed }: &Salvage) -> Vec<String> {
    let mut notes: Vec<String> = recovery.notes.iter().map(|note| format!("note: {note}")).collect();
    let mut count = |number: u64, words: &str| {
        if number > 0 {
            notes.push(format!("note: {number} {words}"));
        }
    };
    let Repairs { prolonged, rebuilt_syncs, missing_snapshots, removed_absences, relinked_closes } =
        &recovery.repairs;
    count(recovery.unknown_pages, "pages cannot be read, and nothing shows what was on them");
    count(*missing_snapshots, "snapshots are missing that the syncs counted");
    count(*prolonged, "states now last until the next recovered state of their run or pipeline");
    count(*removed_absences, "absences were left out, because no snapshot of their run is left");
    count(*relinked_closes, "closes now name another close before them, because that one is lost");
    count(rebuilt_syncs.len() as u64, "syncs were rebuilt from the rows that they stored");
    for failed in failed {
        let examples = failed.examples.join("; ");
        notes.push(format!("note: the new archive fails the check of {}: {examples}", failed.name));
    }
    notes
}

fn as_json(output: &Path, salvaged: &Salvage) -> Value {
    let recovery = &salvaged.recovery;
    let tables: Vec<Value> = recovery
        .tables
        .iter()
        .map(|table| {
            json!({
                "table": table.table,
                "recovered": table.recovered,
                "lost": table.lost,
                "rejected": table.rejected,
                "damaged_pages": table.damaged_pages,
                "damaged_rows": table.damaged_rows,
                "examples": table.examples,
            })
        })
        .collect();
    let failed: Vec<&str> = salvaged.failed.iter().map(|failed| failed.name).collect();
    json!({
        "archive": output.to_string_lossy(),
        "complete": salvaged.is_whole(),
        "schema_version": recovery.schema_version,
        "tables": tables,
        "unknown_pages": recovery.unknown_pages,
        "damaged_log_pages": recovery.damaged_log_pages,
        "prolonged_states": recovery.repairs.prolonged,
        "rebuilt_syncs": recovery.repairs.rebuilt_syncs,
        "missing_snapshots": recovery.repairs.missing_snapshots,
        "removed_absences": recovery.repairs.removed_absences,
        "relinked_closes": recovery.repairs.relinked_closes,
        "failed_checks": failed,
        "notes": recovery.notes,
    })
}
