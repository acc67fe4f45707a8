//! This is `runledger backup`: a verified copy of the archive, also while a sync is writing.

use crate::atomic_file::same_file;
use crate::commands::shared::output::say;
use crate::error::{Error, Result};
use crate::store::{Archive, BESIDE};
use clap::Args;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// `runledger backup`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger backup runs-backup.db
  runledger backup --db runs.db /var/backups/runs.db")]
pub struct BackupArgs {
    /// The copy; a file that is there is replaced in one step, once the copy is verified
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Copies the archive to the file, which is replaced in one step.
///
/// # Errors
/// [`Error::Usage`] when the file is the archive itself or lies in its way, [`Error::Output`] when it
/// cannot be written, [`Error::Archive`] when the archive cannot be copied whole.
pub fn run(args: &BackupArgs, path: &Path) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    let place = &args.file;
    refuse_own_files(path, place)?;
    let copied = archive.copy_to(place)?;
    say(&format!(
        "{}: {} snapshots and {} syncs in {:.1} MiB, verified",
        place.display(),
        copied.snapshots,
        copied.syncs,
        copied.bytes as f64 / (1024.0 * 1024.0)
    ))
}

/// Refuses to write over the archive, or over a file beside it that belongs to it, by whatever name.
fn refuse_own_files(archive: &Path, place: &Path) -> Result<()> {
    if fs::metadata(place).is_ok_and(|there| !there.is_file()) {
        return Err(Error::usage(format!("{} is no file that a backup could replace", place.display())));
    }
    // SQLite's own files stand beside the file that a link leads to.
    let behind = fs::canonicalize(archive).unwrap_or_else(|_| archive.to_owned());
    let own = [archive, behind.as_path()].into_iter().flat_map(|archive| {
        std::iter::once("").chain(BESIDE).map(|suffix| {
            let mut own: OsString = archive.as_os_str().to_owned();
            own.push(suffix);
            PathBuf::from(own)
        })
    });
    for own in own {
        if same_file(&own, place) {
            return Err(Error::Usage {
                what: format!("{} belongs to the archive itself", place.display()),
                hint: Some("name another file for the backup".to_owned()),
            });
        }
    }
    Ok(())
}
