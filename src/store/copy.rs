//! A compact copy of a database in one file without a log, and its verification.

use super::APPLICATION_ID;
use super::archive_path::sqlite_path;
use super::migrations::{SchemaStatus, migrations, schema_status};
use crate::error::Error;
use rusqlite::ffi::{SQLITE_IOERR_READ, SQLITE_IOERR_SHORT_READ};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::io;
use std::path::Path;

/// Why a copy failed.
#[derive(Debug)]
pub(crate) enum CopyError {
    /// The destination could not be written.
    Destination(io::Error),
    /// The source could not be read, or the copy is damaged.
    Source(Error),
}

impl From<io::Error> for CopyError {
    fn from(error: io::Error) -> CopyError {
        CopyError::Destination(error)
    }
}

impl CopyError {
    /// The error to report about a copy to `destination`.
    pub(crate) fn at(self, destination: &Path) -> Error {
        match self {
            CopyError::Destination(cause) => Error::Output { what: destination.display().to_string(), cause },
            CopyError::Source(error) => error,
        }
    }

    /// Attributes an error of SQLite to the destination or to the source, whose path is given.
    pub(super) fn of(error: rusqlite::Error, source: &Path) -> CopyError {
        let extended = error.sqlite_error().map(|error| error.extended_code);
        match error.sqlite_error_code() {
            Some(ErrorCode::SystemIoFailure)
                if matches!(extended, Some(SQLITE_IOERR_READ | SQLITE_IOERR_SHORT_READ)) =>
            {
                CopyError::Source(Error::from(error).in_archive(source))
            }
            Some(
                ErrorCode::DiskFull
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::SystemIoFailure,
            ) => CopyError::Destination(io::Error::other(error.to_string())),
            // The callers add the path. A busy archive stays recognizable until then.
            _ => CopyError::Source(error.into()),
        }
    }
}

/// The content of an archive that was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verified {
    /// The version of its schema.
    pub(crate) schema_version: i32,
    /// The number of snapshots.
    pub(crate) snapshots: u64,
    /// The number of syncs.
    pub(crate) syncs: u64,
}

/// Copies the database into an empty file, as it is at one moment.
///
/// It uses `VACUUM INTO` instead of SQLite's backup API, because that reads every row in one transaction, does not
/// restart after writes, and needs no `-wal` file next to the copy.
///
/// # Errors
/// [`CopyError`], with `source` as the path of the database.
pub(super) fn copy_into(connection: &Connection, source: &Path, empty_file: &Path) -> Result<(), CopyError> {
    let path = empty_file.to_str().ok_or_else(|| io::Error::other("its path is not UTF-8"))?;
    connection.execute("VACUUM INTO ?1", [path]).map(drop).map_err(|error| CopyError::of(error, source))
}

/// Opens the file and verifies it as a whole: it is an archive of a known schema version, and each page is intact.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn verify_file(path: &Path) -> Result<Verified, String> {
    let connection = open(path).map_err(|error| error.to_string())?;
    let verified = verify_content(&connection, path)?;
    let verdict: rusqlite::Result<String> =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0));
    match verdict {
        Ok(verdict) if verdict == "ok" => Ok(verified),
        Ok(verdict) => Err(verdict),
        Err(error) => Err(error.to_string()),
    }
}

/// Opens the file as every reader does, and verifies that it has this content. Its pages were verified under another
/// name.
///
/// # Errors
/// What is wrong with it.
pub(super) fn verify_in_final_place(path: &Path, expected: Verified) -> Result<(), String> {
    super::file_set::FileSet::at(path).verify(path).map_err(|error| error.on_one_line())?;
    let connection = open(path).map_err(|error| error.to_string())?;
    match verify_content(&connection, path)? {
        found if found == expected => Ok(()),
        _ => Err("another program has replaced it".to_owned()),
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(
        sqlite_path(path),
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
}

/// Verifies whose file it is, the history of its schema, and that its rows can be counted.
fn verify_content(connection: &Connection, path: &Path) -> Result<Verified, String> {
    let read = |error: rusqlite::Error| error.to_string();
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(read)?;
    if id != APPLICATION_ID {
        return Err("it is not marked as an archive".to_owned());
    }
    let migrations = migrations();
    let status = schema_status(path, connection, migrations).map_err(|error| match error {
        Error::Archive { cause, .. } => cause,
        other => other.on_one_line(),
    })?;
    let schema_version = match status {
        SchemaStatus::Blank => return Err("it has no tables: no sync has written to it".to_owned()),
        SchemaStatus::Older(version) => version,
        SchemaStatus::Current => super::migrations::newest(migrations),
    };
    let (snapshots, syncs) = row_counts(connection).map_err(read)?;
    Ok(Verified { schema_version, snapshots, syncs })
}

/// The numbers of snapshots and syncs.
pub(super) fn row_counts(connection: &Connection) -> rusqlite::Result<(u64, u64)> {
    let sql = "SELECT (SELECT count(*) FROM run_snapshots), (SELECT count(*) FROM syncs)";
    connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Instant;
    use crate::store::{Archive, Lock};

    #[test]
    fn a_copy_with_a_log_or_other_content_fails_at_its_final_path() {
        let folder = tempfile::tempdir().unwrap();
        let [archive, copy] = ["a.db", "copy.db"].map(|name| folder.path().join(name));
        let now = Instant::parse("2026-01-01T00:00:00Z").unwrap();
        let open = Archive::open(&archive, &Lock::acquire(&archive, now).unwrap()).unwrap();
        std::fs::write(&copy, "").unwrap();
        copy_into(open.connection(), &archive, &copy).unwrap();
        let verified = verify_file(&copy).unwrap();
        assert_eq!((verified.snapshots, verified.syncs), (0, 0));
        assert_eq!(verify_in_final_place(&copy, verified), Ok(()));
        let other = Verified { syncs: 1, ..verified };
        assert!(verify_in_final_place(&copy, other).unwrap_err().contains("replaced"));
        std::fs::write(folder.path().join("copy.db-wal"), "of another file").unwrap();
        assert!(verify_in_final_place(&copy, verified).unwrap_err().contains("copy.db-wal"));
    }
}
