//! A verified backup of the archive at one moment, written atomically.

use super::copy::{self, CopyError, Verified};
use super::file_set::FileSet;
use super::{Archive, Lock, unusable, user_objects};
use crate::atomic_file::{AccessLike, write_with_access};
use crate::error::{Error, Result};
use crate::paths::{folder_of, with_suffix};
use crate::run::Instant;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The content of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupSummary {
    /// The size of the file in bytes.
    pub bytes: u64,
    /// The number of snapshots.
    pub snapshots: u64,
    /// The number of syncs.
    pub syncs: u64,
}

impl Archive {
    /// Writes a backup to `destination`, with the access of the archive, and holds the lock of that file meanwhile. A
    /// sync may be writing to the archive at the same time: the backup is the archive at one moment, in one compact
    /// file without a log.
    ///
    /// # Errors
    /// [`Error::Usage`] when the destination is neither empty nor an older state of this archive, [`Error::Locked`]
    /// when another process uses it, [`Error::Output`] when it cannot be written, [`Error::Archive`] when the backup is
    /// damaged, and those of SQLite when the archive cannot be read. `destination` is unchanged then.
    pub fn backup_to(&self, destination: &Path, now: Instant) -> Result<BackupSummary> {
        self.verify_backup_target(destination)?;
        let _lock = lock(destination, now)?;
        // Another process can have written to it before the lock was taken.
        self.verify_backup_target(destination)?;
        self.write_backup(destination)
    }

    /// Backs up an archive before its migration and returns the path: `runledger.db.v1-20261123T101500Z.bak`.
    ///
    /// # Errors
    /// As [`Archive::backup_to`]; [`Error::Archive`] when the migration needs the name of an object that a user added.
    pub(super) fn backup_before_migrating(&self, version: i32, at: Instant) -> Result<PathBuf> {
        user_objects::reject_needed_names(&self.path, &self.connection, version)?;
        let stamp = at.to_utc().format("%Y%m%dT%H%M%SZ");
        let path = with_suffix(&self.path, &format!(".v{version}-{stamp}.bak"));
        // The lock of the archive covers this name.
        self.verify_replaceable(&path)?;
        self.write_backup(&path)?;
        Ok(path)
    }

    fn write_backup(&self, destination: &Path) -> Result<BackupSummary> {
        let mut written = None;
        write_with_access(destination, AccessLike::Archive(&self.path), |file| {
            let before = self.row_counts()?;
            copy::copy_into(&self.connection, &self.path, file.path())?;
            let after = self.row_counts()?;
            let copied = self.verified(file.path(), before, after)?;
            written = Some((copied, file.as_file().metadata()?.len()));
            Ok(())
        })
        .map_err(|error: CopyError| error.at(destination))?;
        let (copied, bytes) = written.expect("the file was written");
        copy::verify_in_final_place(destination, copied).map_err(|cause| Error::Output {
            what: destination.display().to_string(),
            cause: io::Error::other(cause),
        })?;
        Ok(BackupSummary { bytes, snapshots: copied.snapshots, syncs: copied.syncs })
    }

    /// The row counts of the tables that only grow.
    fn row_counts(&self) -> Result<(u64, u64), CopyError> {
        copy::row_counts(&self.connection).map_err(|error| CopyError::of(error, &self.path))
    }

    /// Verifies that the backup is intact and complete.
    fn verified(&self, backup: &Path, before: (u64, u64), after: (u64, u64)) -> Result<Verified, CopyError> {
        let damaged = |what: String| {
            let hint = "run `runledger check` to find the fault in the archive".to_owned();
            CopyError::Source(unusable(&self.path, format!("its backup is damaged: {what}"), Some(hint)))
        };
        let found = copy::verify_file(backup).map_err(damaged)?;
        // Rows are only added, so a moment between two counts has a number between them.
        if !(before.0..=after.0).contains(&found.snapshots) || !(before.1..=after.1).contains(&found.syncs) {
            return Err(damaged("its number of rows differs from the archive's".to_owned()));
        }
        Ok(found)
    }
}

/// Takes the lock of a backup that is about to be written.
fn lock(destination: &Path, now: Instant) -> Result<Lock> {
    let failed = |cause| Error::Output { what: destination.display().to_string(), cause };
    let files = FileSet::at(destination);
    fs::metadata(folder_of(files.main())).map_err(failed)?;
    Lock::acquire(files.main(), now).map_err(|error| match error {
        Error::Archive { cause, .. } => failed(io::Error::other(cause)),
        other => other,
    })
}
