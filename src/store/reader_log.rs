//! The empty log that SQLite creates when an archive is read, and that only a writable connection can remove.

use super::archive_path::{ArchivePath, sqlite_path};
use super::file_set::{FileSet, LOG};
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
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        if let Ok(connection) = Connection::open_with_flags(sqlite_path(&self.archive), flags) {
            // Without a statement, SQLite does not open the log.
            let _ = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
        }
    }
}
