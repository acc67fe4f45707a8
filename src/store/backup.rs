//! This is a copy of the archive: one moment of it, verified, put in its place in one step.

use super::{APPLICATION_ID, Archive, header, unusable};
use crate::atomic_file::write_atomically;
use crate::error::{Error, Result};
use crate::run::Instant;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::io;
use std::path::{Path, PathBuf};

/// What a copy holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupSummary {
    /// The size of the file.
    pub bytes: u64,
    /// How many states of runs are in it.
    pub snapshots: u64,
    /// How many attempts to sync are in it.
    pub syncs: u64,
}

/// Why there is no copy.
enum NoCopy {
    /// The place refused it.
    Place(io::Error),
    /// The archive could not be read, or what was read is not sound.
    Archive(Error),
}

impl From<io::Error> for NoCopy {
    fn from(error: io::Error) -> NoCopy {
        NoCopy::Place(error)
    }
}

impl Archive {
    /// Writes a copy of the archive to `place`. A sync may be writing meanwhile: the copy is the archive
    /// as it was at one moment, in one file without a log, and packed.
    ///
    /// It is made with `VACUUM INTO` and not with SQLite's backup of pages: it reads every row in one
    /// transaction, never begins anew when somebody writes, and needs no `-wal` beside the copy.
    ///
    /// # Errors
    /// [`Error::Output`] when the place refuses it, [`Error::Archive`] when the archive cannot be read to
    /// its end or the copy is not sound. What was at `place` stays then.
    pub fn copy_to(&self, place: &Path) -> Result<BackupSummary> {
        let mut copied = None;
        write_atomically(place, |beside| {
            let before = self.extent()?;
            let path = beside.path().to_str().ok_or_else(|| io::Error::other("its path is not UTF-8"))?;
            self.connection.execute("VACUUM INTO ?1", [path]).map_err(|error| self.blame(error))?;
            let after = self.extent()?;
            let found = self.verified(beside.path(), before, after)?;
            copied = Some(BackupSummary { bytes: beside.as_file().metadata()?.len(), ..found });
            Ok(())
        })
        .map_err(|error| match error {
            NoCopy::Place(cause) => Error::Output { what: place.display().to_string(), cause },
            NoCopy::Archive(error) => error,
        })?;
        Ok(copied.expect("a file that was replaced was copied"))
    }

    /// Copies an archive that is about to be migrated; gives the copy's place:
    /// `runledger.db.v1-20261123T101500Z.bak`.
    pub(super) fn copy_before_migrating(&self, version: i32, at: Instant) -> Result<PathBuf> {
        let stamp = at.to_utc().format("%Y%m%dT%H%M%SZ");
        let place = header::with_suffix(&self.path, &format!(".v{version}-{stamp}.bak"));
        self.copy_to(&place)?;
        Ok(place)
    }

    /// How much there is of what is only ever added to.
    fn extent(&self) -> Result<(u64, u64), NoCopy> {
        extent(&self.connection).map_err(|error| self.blame(error))
    }

    /// Whether the place or the archive is to blame for what SQLite says of a copy under way.
    fn blame(&self, error: rusqlite::Error) -> NoCopy {
        use rusqlite::ffi::{SQLITE_IOERR_READ, SQLITE_IOERR_SHORT_READ};
        let extended = error.sqlite_error().map(|error| error.extended_code);
        match error.sqlite_error_code() {
            Some(ErrorCode::SystemIoFailure)
                if matches!(extended, Some(SQLITE_IOERR_READ | SQLITE_IOERR_SHORT_READ)) =>
            {
                NoCopy::Archive(Error::from(error).in_archive(&self.path))
            }
            Some(
                ErrorCode::DiskFull
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::SystemIoFailure,
            ) => NoCopy::Place(io::Error::other(error.to_string())),
            _ => NoCopy::Archive(Error::from(error).in_archive(&self.path)),
        }
    }

    /// Opens the copy and sees to it that it is sound, and no less than the archive was before.
    fn verified(&self, copy: &Path, before: (u64, u64), after: (u64, u64)) -> Result<BackupSummary, NoCopy> {
        let unsound = |what: String| {
            let hint = "`runledger check` tells what is wrong with the archive".to_owned();
            NoCopy::Archive(unusable(&self.path, format!("its copy is not sound: {what}"), Some(hint)))
        };
        let read = || -> rusqlite::Result<_> {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(copy, flags)?;
            let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
            let verdict: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
            Ok((id, verdict, extent(&connection)?))
        };
        let (id, verdict, found) = read().map_err(|error| unsound(error.to_string()))?;
        if id != APPLICATION_ID {
            return Err(unsound("it is not marked as an archive".to_owned()));
        }
        if verdict != "ok" {
            return Err(unsound(verdict));
        }
        // Nothing is ever taken from these tables, so a moment in between lies in between.
        if !(before.0..=after.0).contains(&found.0) || !(before.1..=after.1).contains(&found.1) {
            return Err(unsound("it has not as many rows as the archive".to_owned()));
        }
        Ok(BackupSummary { bytes: 0, snapshots: found.0, syncs: found.1 })
    }
}

/// How many snapshots and syncs there are.
fn extent(connection: &Connection) -> rusqlite::Result<(u64, u64)> {
    let sql = "SELECT (SELECT count(*) FROM run_snapshots), (SELECT count(*) FROM syncs)";
    connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
}
