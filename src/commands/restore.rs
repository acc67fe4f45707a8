//! `runledger restore`: replaces the archive by a backup, and keeps its files under another name.

use super::check;
use crate::cli::OutcomeArgs;
use crate::close::check_archive;
use crate::commands::shared::outcome::print_outcome;
use crate::commands::shared::output::print_line;
use crate::error::{Error, Result};
use crate::store::{Lock, Restored, restore};
use crate::sync::{Clock, SystemClock};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The arguments of `runledger restore`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger restore runs-backup.db
  runledger restore --db runs.db /var/backups/runs.db")]
pub struct RestoreArgs {
    /// The backup, of this version of runledger or an earlier one; it is verified first, and stays as it is
    #[arg(value_name = "BACKUP")]
    pub backup: PathBuf,

    /// What to print.
    #[command(flatten)]
    pub outcome: OutcomeArgs,
}

/// Replaces the archive by the backup, checks the result, and prints what was moved where and what to do next.
///
/// # Errors
/// Those of [`restore`], [`Error::Locked`], and [`Error::Archive`] naming the checks that failed.
pub(super) fn run(args: &RestoreArgs, path: &Path) -> Result<()> {
    let lock = Lock::acquire(path, SystemClock.now())?;
    let restored = restore(&args.backup, path, &lock)?;
    print_outcome(args.outcome, || text(args, path, &restored), || as_json(args, path, &restored))?;
    if restored.is_current {
        let failure = check::failure(path, &check_archive(path)?.1);
        failure.map_or(Ok(()), Err::<(), Error>)?;
    }
    match args.outcome.quiet || args.outcome.format.is_json() {
        true => Ok(()),
        false => print_line(&next(&restored)),
    }
}

/// What to do next.
fn next(restored: &Restored) -> String {
    match restored.is_current {
        true => "next: `runledger sync` adds what has happened since the backup".to_owned(),
        false => format!(
            "next: the backup has schema version {}; `runledger sync` or `runledger migrate` upgrades the archive",
            restored.content.schema_version
        ),
    }
}

/// What was restored and kept.
fn text(args: &RestoreArgs, path: &Path, restored: &Restored) -> String {
    let mut lines = vec![format!(
        "{}: restored from {}, {} snapshots and {} syncs, verified",
        path.display(),
        args.backup.display(),
        restored.content.snapshots,
        restored.content.syncs
    )];
    let kept = |moved: &PathBuf| format!("kept the file that was there: {}", moved.display());
    lines.extend(restored.moved.iter().map(kept));
    lines.join("\n")
}

fn as_json(args: &RestoreArgs, path: &Path, restored: &Restored) -> Value {
    let moved: Vec<_> = restored.moved.iter().map(|moved| moved.to_string_lossy()).collect();
    json!({
        "archive": path.to_string_lossy(),
        "backup": args.backup.to_string_lossy(),
        "snapshots": restored.content.snapshots,
        "syncs": restored.content.syncs,
        "schema_version": restored.content.schema_version,
        "is_current": restored.is_current,
        "kept": moved,
    })
}
