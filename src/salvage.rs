//! The salvage of a damaged archive: a new archive with everything that can be read, checked before it gets its name.

use crate::atomic_file::{AccessLike, create_with_access};
use crate::close::check_archive;
use crate::error::{Error, Result};
use crate::paths::with_suffix;
use crate::run::Instant;
use crate::store::{COMPANION_SUFFIXES, CheckResult, Lock, Recovery, recover};
use std::fs;
use std::io;
use std::path::Path;

/// A damaged archive that was salvaged.
#[derive(Debug)]
pub struct Salvage {
    /// What was recovered, and what is lost.
    pub recovery: Recovery,
    /// The checks that the new archive fails: a close whose month has lost rows no longer gives what it froze.
    pub failed: Vec<CheckResult>,
}

impl Salvage {
    /// Whether nothing is known to be lost or changed.
    pub fn is_whole(&self) -> bool {
        self.recovery.is_whole() && self.failed.is_empty()
    }
}

/// Why no archive was written.
enum SalvageError {
    Output(io::Error),
    Other(Error),
}

impl From<io::Error> for SalvageError {
    fn from(error: io::Error) -> SalvageError {
        SalvageError::Output(error)
    }
}

/// Writes a new archive to `output` with everything that can be read of `damaged`, which is only read. The file has the
/// access of the damaged one.
///
/// # Errors
/// [`Error::Usage`] when there is a file at `output`; [`Error::Locked`] when a sync is writing to the damaged archive;
/// [`Error::Archive`] when nothing can be read of it, or a newer version wrote it; [`Error::Output`] when `output`
/// cannot be written. `output` does not exist then.
pub fn salvage(damaged: &Path, output: &Path, now: Instant) -> Result<Salvage> {
    refuse_existing(output)?;
    let _lock = lock(damaged, now)?;
    let mut salvaged = None;
    create_with_access(output, AccessLike::Archive(damaged), |file| {
        let recovery = recover(damaged, file.path()).map_err(|error| match error {
            Error::Sqlite(error) => SalvageError::Output(io::Error::other(error.to_string())),
            other => SalvageError::Other(other),
        })?;
        let (_, mut failed) = check_archive(file.path()).map_err(SalvageError::Other)?;
        failed.retain(|checked| checked.broken > 0);
        salvaged = Some(Salvage { recovery, failed });
        Ok(())
    })
    .map_err(|error| match error {
        SalvageError::Output(cause) => Error::Output { what: output.display().to_string(), cause },
        SalvageError::Other(error) => error,
    })?;
    Ok(salvaged.expect("the archive was written"))
}

/// The lock of an archive that syncs have used. Without a lock file, none is writing to it.
fn lock(damaged: &Path, now: Instant) -> Result<Option<Lock>> {
    if !with_suffix(damaged, ".lock").exists() {
        return Ok(None);
    }
    match Lock::acquire(damaged, now) {
        Err(error @ Error::Locked { .. }) => Err(error),
        // A medium that cannot be written has no sync either.
        lock => Ok(lock.ok()),
    }
}

/// Refuses an output that exists, and files that SQLite would take for parts of it.
fn refuse_existing(output: &Path) -> Result<()> {
    let files = std::iter::once("").chain(COMPANION_SUFFIXES).map(|suffix| with_suffix(output, suffix));
    for file in files {
        if fs::symlink_metadata(&file).is_ok() {
            return Err(Error::Usage {
                what: format!("{} exists", file.display()),
                hint: Some("name a new file with --output".to_owned()),
            });
        }
    }
    Ok(())
}
