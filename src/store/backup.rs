//! A verified backup of the archive at one moment, written atomically.

use super::{APPLICATION_ID, Archive, header, unusable, user_objects};
use crate::atomic_file::write_atomically;
use crate::error::{Error, Result};
use crate::run::Instant;
use rusqlite::{Connection, ErrorCode, OpenFlags};
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

/// Why a backup failed.
enum BackupError {
    /// The destination could not be written.
    Destination(io::Error),
    /// The archive could not be read, or the backup is damaged.
    Archive(Error),
}

impl From<io::Error> for BackupError {
    fn from(error: io::Error) -> BackupError {
        BackupError::Destination(error)
    }
}

impl Archive {
    /// Writes a backup to `destination`. A sync may be writing at the same time: the backup is the archive at one
    /// moment, in one compact file without a log.
    ///
    /// It uses `VACUUM INTO` instead of SQLite's backup API, because that reads every row in one transaction, does not
    /// restart after writes, and needs no `-wal` file next to the backup.
    ///
    /// # Errors
    /// [`Error::Output`] when the destination cannot be written, [`Error::Archive`] when the backup is damaged, and
    /// those of SQLite when the archive cannot be read. `destination` is unchanged then.
    pub fn backup_to(&self, destination: &Path) -> Result<BackupSummary> {
        let mut summary = None;
        write_atomically(destination, |file| {
            let before = self.row_counts()?;
            let path = file.path().to_str().ok_or_else(|| io::Error::other("its path is not UTF-8"))?;
            self.connection.execute("VACUUM INTO ?1", [path]).map_err(|error| self.attribute(error))?;
            let after = self.row_counts()?;
            let found = self.verified(file.path(), before, after)?;
            summary = Some(BackupSummary { bytes: file.as_file().metadata()?.len(), ..found });
            Ok(())
        })
        .map_err(|error| match error {
            BackupError::Destination(cause) => {
                Error::Output { what: destination.display().to_string(), cause }
            }
            BackupError::Archive(error) => error,
        })?;
        Ok(summary.expect("the file was written"))
    }

    /// Backs up an archive before its migration and returns the path: `runledger.db.v1-20261123T101500Z.bak`.
    ///
    /// # Errors
    /// As [`Archive::backup_to`]; [`Error::Archive`] when the migration needs the name of an object that a user added.
    pub(super) fn backup_before_migrating(&self, version: i32, at: Instant) -> Result<PathBuf> {
        user_objects::reject_needed_names(&self.path, &self.connection, version)?;
        let stamp = at.to_utc().format("%Y%m%dT%H%M%SZ");
        let path = header::with_suffix(&self.path, &format!(".v{version}-{stamp}.bak"));
        self.backup_to(&path)?;
        Ok(path)
    }

    /// The row counts of the tables that only grow.
    fn row_counts(&self) -> Result<(u64, u64), BackupError> {
        row_counts(&self.connection).map_err(|error| self.attribute(error))
    }

    /// Attributes an error of SQLite during a backup to the destination or to the archive.
    fn attribute(&self, error: rusqlite::Error) -> BackupError {
        use rusqlite::ffi::{SQLITE_IOERR_READ, SQLITE_IOERR_SHORT_READ};
        let extended = error.sqlite_error().map(|error| error.extended_code);
        match error.sqlite_error_code() {
            Some(ErrorCode::SystemIoFailure)
                if matches!(extended, Some(SQLITE_IOERR_READ | SQLITE_IOERR_SHORT_READ)) =>
            {
                BackupError::Archive(Error::from(error).in_archive(&self.path))
            }
            Some(
                ErrorCode::DiskFull
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::SystemIoFailure,
            ) => BackupError::Destination(io::Error::other(error.to_string())),
            // The callers add the path. A busy archive stays recognizable until then.
            _ => BackupError::Archive(error.into()),
        }
    }

    /// Opens the backup and verifies that it is intact and complete.
    fn verified(
        &self,
        backup: &Path,
        before: (u64, u64),
        after: (u64, u64),
    ) -> Result<BackupSummary, BackupError> {
        let damaged = |what: String| {
            let hint = "run `runledger check` to find the fault in the archive".to_owned();
            BackupError::Archive(unusable(&self.path, format!("its backup is damaged: {what}"), Some(hint)))
        };
        let read = || -> rusqlite::Result<_> {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(backup, flags)?;
            let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
            let verdict: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
            Ok((id, verdict, row_counts(&connection)?))
        };
        let (id, verdict, found) = read().map_err(|error| damaged(error.to_string()))?;
        if id != APPLICATION_ID {
            return Err(damaged("it is not marked as an archive".to_owned()));
        }
        if verdict != "ok" {
            return Err(damaged(verdict));
        }
        // Rows are only added, so a moment between two counts has a number between them.
        if !(before.0..=after.0).contains(&found.0) || !(before.1..=after.1).contains(&found.1) {
            return Err(damaged("its number of rows differs from the archive's".to_owned()));
        }
        Ok(BackupSummary { bytes: 0, snapshots: found.0, syncs: found.1 })
    }
}

/// The numbers of snapshots and syncs.
fn row_counts(connection: &Connection) -> rusqlite::Result<(u64, u64)> {
    let sql = "SELECT (SELECT count(*) FROM run_snapshots), (SELECT count(*) FROM syncs)";
    connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
}
