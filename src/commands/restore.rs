//! `runledger restore`: replaces the archive by a backup, and keeps its files under another name.

use super::check;
use crate::close::check_archive;
use crate::commands::shared::output::print_line;
use crate::error::{Error, Result};
use crate::store::{Lock, restore};
use crate::sync::{Clock, SystemClock};
use clap::Args;
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
}

/// Replaces the archive by the backup, checks the result, and prints what was moved where and what to do next.
///
/// # Errors
/// Those of [`restore`], [`Error::Locked`], and [`Error::Archive`] naming the checks that failed.
pub(super) fn run(args: &RestoreArgs, path: &Path) -> Result<()> {
    let lock = Lock::acquire(path, SystemClock.now())?;
    let restored = restore(&args.backup, path, &lock)?;
    print_line(&format!(
        "{}: restored from {}, {} snapshots and {} syncs, verified",
        path.display(),
        args.backup.display(),
        restored.content.snapshots,
        restored.content.syncs
    ))?;
    for moved in &restored.moved {
        print_line(&format!("kept the file that was there: {}", moved.display()))?;
    }
    if !restored.is_current {
        return print_line(&format!(
            "next: the backup has schema version {}; `runledger sync` or `runledger migrate` upgrades the archive",
            restored.content.schema_version
        ));
    }
    let failure = check::failure(path, &check_archive(path)?.1);
    failure.map_or(Ok(()), Err::<(), Error>)?;
    print_line("next: `runledger sync` adds what has happened since the backup")
}
