//! `runledger backup`: a verified copy of the archive, even during a sync.

use crate::cli::OutcomeArgs;
use crate::commands::shared::outcome::print_outcome;
use crate::error::Result;
use crate::store::Archive;
use crate::sync::{Clock, SystemClock};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

/// The arguments of `runledger backup`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger backup runs-backup.db
  runledger backup --db runs.db /var/backups/runs.db --quiet")]
pub struct BackupArgs {
    /// Destination; an older backup of the same archive is replaced atomically after the copy is verified
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// What to print.
    #[command(flatten)]
    pub outcome: OutcomeArgs,
}

/// Copies the archive to the file, which is replaced atomically.
///
/// # Errors
/// Those of [`Archive::backup_to`].
pub(super) fn run(args: &BackupArgs, path: &Path) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    let copied = archive.backup_to(&args.file, SystemClock.now())?;
    let text = || {
        format!(
            "{}: {} snapshots and {} syncs, {:.1} MiB, verified",
            args.file.display(),
            copied.snapshots,
            copied.syncs,
            copied.bytes as f64 / (1024.0 * 1024.0)
        )
    };
    let as_json = || {
        json!({
            "archive": path.to_string_lossy(),
            "backup": args.file.to_string_lossy(),
            "bytes": copied.bytes,
            "snapshots": copied.snapshots,
            "syncs": copied.syncs,
        })
    };
    print_outcome(args.outcome, text, as_json)
}
