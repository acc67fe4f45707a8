//! `runledger backup`: a verified copy of the archive, even during a sync.

use crate::commands::shared::output::print_line;
use crate::error::Result;
use crate::store::Archive;
use crate::sync::{Clock, SystemClock};
use clap::Args;
use std::path::{Path, PathBuf};

/// The arguments of `runledger backup`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger backup runs-backup.db
  runledger backup --db runs.db /var/backups/runs.db")]
pub struct BackupArgs {
    /// Destination; an older backup of the same archive is replaced atomically after the copy is verified
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Copies the archive to the file, which is replaced atomically.
///
/// # Errors
/// Those of [`Archive::backup_to`].
pub(super) fn run(args: &BackupArgs, path: &Path) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    let copied = archive.backup_to(&args.file, SystemClock.now())?;
    print_line(&format!(
        "{}: {} snapshots and {} syncs, {:.1} MiB, verified",
        args.file.display(),
        copied.snapshots,
        copied.syncs,
        copied.bytes as f64 / (1024.0 * 1024.0)
    ))
}
