//! The replacement of an archive by a backup. The files of the archive are kept under another name.

use super::archive_path::sqlite_path;
use super::backup_target::reject_own_files;
use super::copy::{self, CopyError, Verified};
use super::file_set::FileSet;
use super::header::{self, FileKind};
use super::main_file::MainFile;
use super::{APPLICATION_ID, Lock, migrations, unusable};
use crate::error::{Error, Result};
use rusqlite::{Connection, OpenFlags};
use std::fs;
use std::path::{Path, PathBuf};

/// The hint for a backup that cannot be used.
const OTHER_BACKUP_HINT: &str = "nothing was changed: use another backup, or recover what is readable with \
    `runledger salvage BACKUP --output NEW`";

/// An archive that was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Restored {
    /// The content of the backup.
    pub(crate) content: Verified,
    /// Whether the next sync has nothing to migrate.
    pub(crate) is_current: bool,
    /// The files that were at the archive's path, under their new names. Empty: there were none.
    pub(crate) moved: Vec<PathBuf>,
}

/// Replaces the archive at `path`, whatever its state, by a copy of a backup of any known schema version. The backup is
/// verified before, and the result after. The lock proves that this process is the archive's only writer.
///
/// # Errors
/// [`Error::Usage`] when the backup belongs to the archive itself, [`Error::Archive`] when the backup is unusable or
/// `path` belongs to another program, [`Error::Output`] when the archive cannot be written. The archive is unchanged
/// then.
pub(crate) fn restore(backup: &Path, path: &Path, lock: &Lock) -> Result<Restored> {
    let path = lock.archive_at(path)?;
    reject_own_files(path, backup, "name a backup of the archive")?;
    let source = open_backup(backup)?;
    reject_foreign(path)?;
    let unusable_backup = |what: String| unusable(backup, what, Some(OTHER_BACKUP_HINT.to_owned()));
    let mut verified = None;
    let files = FileSet::at(path);
    let aside = files
        .replace(lock.acquired_at(), |temporary| {
            copy::copy_into(&source, backup, temporary).map_err(|error| match error {
                CopyError::Source(Error::Sqlite(cause)) => {
                    CopyError::Source(unusable_backup(format!("it cannot be read: {cause}")))
                }
                other => other,
            })?;
            let found =
                copy::verify_file(temporary).map_err(|cause| CopyError::Source(unusable_backup(cause)))?;
            verified = Some(found);
            Ok(())
        })
        .map_err(|error: CopyError| error.at(path))?;
    let content = verified.expect("the copy was verified");
    copy::verify_in_final_place(files.main(), content).map_err(|cause| {
        unusable(
            path,
            format!("the restored file is not the backup: {cause}"),
            Some("run the command again".to_owned()),
        )
    })?;
    Ok(Restored {
        content,
        is_current: content.schema_version == migrations::newest(migrations::migrations()),
        moved: aside.map(|aside| aside.existing()).unwrap_or_default(),
    })
}

/// Opens a backup for reading. One without a log is read from a read-only medium, too.
fn open_backup(backup: &Path) -> Result<Connection> {
    let unusable = |cause: String| unusable(backup, cause, Some(OTHER_BACKUP_HINT.to_owned()));
    let cause = |error: Error| match error {
        Error::Archive { cause, .. } => unusable(cause),
        other => other,
    };
    if header::identify(backup).map_err(cause)? == FileKind::Nothing {
        let what = if backup.exists() { "it is empty" } else { "there is no such file" };
        return Err(unusable(what.to_owned()));
    }
    FileSet::at(backup).verify(backup).map_err(cause)?;
    if let Some(connection) = header::open_immutable(backup) {
        return Ok(connection);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(sqlite_path(backup), flags).map_err(|error| unusable(error.to_string()))
}

/// Rejects a path whose file is not the archive's. A file whose header is damaged beyond recognition can be.
fn reject_foreign(path: &Path) -> Result<()> {
    let refuse = |cause: &str| {
        let hint = "name another file with --db, or move this one elsewhere first".to_owned();
        Err(unusable(path, cause.to_owned(), Some(hint)))
    };
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => return refuse("it is a directory"),
        Ok(there) if !there.is_file() => return refuse("it is not a regular file"),
        _ => {}
    }
    let header = MainFile::open(path).and_then(|file| file.header());
    match header.ok().and_then(|header| header.application_id()) {
        Some(id) if id != APPLICATION_ID => refuse("it is a SQLite database of another program"),
        _ => Ok(()),
    }
}
