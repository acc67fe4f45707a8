//! `runledger backup`: a verified copy of the archive, even during a sync.

use crate::commands::shared::output::print_line;
use crate::error::{Error, Result};
use crate::store::{Archive, COMPANION_SUFFIXES};
use crate::symlinks::same_file;
use clap::Args;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The arguments of `runledger backup`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger backup runs-backup.db
  runledger backup --db runs.db /var/backups/runs.db")]
pub struct BackupArgs {
    /// Destination; an existing file is replaced atomically after the copy is verified
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Copies the archive to the file, which is replaced atomically.
///
/// # Errors
/// [`Error::Usage`] when the destination belongs to the archive, [`Error::Output`] when it cannot be written,
/// [`Error::Archive`] when the archive cannot be copied completely.
pub(super) fn run(args: &BackupArgs, path: &Path) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    let destination = &args.file;
    reject_own_files(path, destination)?;
    let copied = archive.backup_to(destination)?;
    print_line(&format!(
        "{}: {} snapshots and {} syncs, {:.1} MiB, verified",
        destination.display(),
        copied.snapshots,
        copied.syncs,
        copied.bytes as f64 / (1024.0 * 1024.0)
    ))
}

/// Rejects a destination that is the archive or one of its companion files, also through a link.
fn reject_own_files(archive: &Path, destination: &Path) -> Result<()> {
    if fs::metadata(destination).is_ok_and(|there| !there.is_file()) {
        return Err(Error::usage(format!("{} is not a regular file", destination.display())));
    }
    // SQLite keeps its companion files next to the target of a link.
    let target = fs::canonicalize(archive).unwrap_or_else(|_| archive.to_owned());
    let own = [archive, target.as_path()].into_iter().flat_map(|archive| {
        std::iter::once("").chain(COMPANION_SUFFIXES).map(|suffix| {
            let mut own: OsString = archive.as_os_str().to_owned();
            own.push(suffix);
            PathBuf::from(own)
        })
    });
    for own in own {
        if same_file(&own, destination) {
            return Err(Error::Usage {
                what: format!("{} belongs to the archive itself", destination.display()),
                hint: Some("choose another file for the backup".to_owned()),
            });
        }
    }
    Ok(())
}
