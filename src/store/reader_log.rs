//! What only a writable connection can do for a reader: remove the empty log that SQLite creates when an archive is
//! read, and roll back the journal of an interrupted change of the journal mode.

use super::archive_path::{ArchivePath, sqlite_path};
use super::file_set::{FileSet, JOURNAL, LOG};
use rusqlite::{Connection, OpenFlags};
use std::fs;

/// An archive that had no log before it was opened for reading. Must be dropped after the connection.
#[derive(Debug)]
pub(super) struct ReaderLog {
    archive: ArchivePath,
}

impl ReaderLog {
    /// To be called before SQLite opens the archive. `None`: there is a log, which a writer has created or left.
    pub(super) fn before_opening(archive: &ArchivePath) -> Option<ReaderLog> {
        let has_log = fs::symlink_metadata(FileSet::at(archive).file(LOG)).is_ok();
        (!has_log).then(|| ReaderLog { archive: archive.clone() })
    }
}

impl Drop for ReaderLog {
    /// The last connection removes the log when it is closed. If another process has the archive open, or this user may
    /// only read it, the log stays.
    fn drop(&mut self) {
        let log = fs::metadata(FileSet::at(&self.archive).file(LOG));
        if !log.is_ok_and(|log| log.is_file() && log.len() == 0) {
            return;
        }
        visit_as_writer(&self.archive);
    }
}

/// Rolls back a journal with data, which [`FileSet::verify`] has accepted as the archive's own. Where this user may
/// only read, it stays, and SQLite refuses to read the archive.
pub(super) fn roll_back_journal(archive: &ArchivePath) {
    let journal = fs::metadata(FileSet::at(archive).file(JOURNAL));
    if journal.is_ok_and(|journal| journal.is_file() && journal.len() > 0) {
        visit_as_writer(archive);
    }
}

/// Opens the archive for writing and reads from it. If that fails, what a reader does next reports it.
fn visit_as_writer(archive: &ArchivePath) {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    if let Ok(connection) = Connection::open_with_flags(sqlite_path(archive), flags) {
        // Without a statement, SQLite opens neither log nor journal.
        let _ = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
    }
}
