//! Whether an open archive is still the file at its path. Another program can move, delete or replace it during a sync,
//! and SQLite would go on writing to a file that is no archive any more.

use super::file_set::{FileSet, LOG, LOG_INDEX};
use super::main_file::MainFile;
use super::{Archive, unusable};
use crate::error::{Error, Result};
use crate::file_system::FileId;
use crate::run::Instant;
use rusqlite::config::DbConfig;
use std::cell::Cell;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The file that an archive was opened from.
#[derive(Debug)]
pub(super) struct InPlace {
    files: FileSet,
    main: MainFile,
    /// The write-ahead log of this connection. `None`: nothing was committed yet.
    log: Cell<Option<FileId>>,
    /// When the archive was opened for writing, in WAL mode. `None`: it is only read, or in another mode.
    writing_since: Option<Instant>,
}

/// What happened to the file.
enum Loss {
    Moved,
    Deleted,
    /// Another file is at its path.
    Replaced,
    /// Its content was replaced.
    Overwritten,
}

impl InPlace {
    /// The file at `path`, which SQLite has just opened.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn of(path: &Path) -> io::Result<InPlace> {
        let main = MainFile::open(path)?;
        Ok(InPlace { files: FileSet::at(path), main, log: Cell::new(None), writing_since: None })
    }

    /// Records that the archive was opened for writing.
    pub(super) fn expect_wal_mode(&mut self, now: Instant) {
        // Some file systems have no shared memory, so SQLite stays in rollback mode there.
        let is_in_wal_mode = self.main.header().is_ok_and(|header| header.is_in_wal_mode());
        self.writing_since = is_in_wal_mode.then_some(now);
    }

    /// What happened to the file. `None`: it is at its path.
    fn loss(&self) -> Option<Loss> {
        match FileId::at(self.files.main()) {
            Ok(id) if id == self.main.id() => {
                // In WAL mode, nothing but a checkpoint writes to the file.
                let is_in_wal_mode = self.main.header().is_ok_and(|header| header.is_in_wal_mode());
                (self.writing_since.is_some() && !is_in_wal_mode).then_some(Loss::Overwritten)
            }
            Ok(_) => Some(Loss::Replaced),
            Err(_) if self.main.metadata().is_ok_and(|file| file.nlink() == 0) => Some(Loss::Deleted),
            Err(_) => Some(Loss::Moved),
        }
    }

    /// Moves the log of this connection away from the file that has taken the archive's place: SQLite would apply it.
    fn move_log_aside(&self) -> Option<PathBuf> {
        let log = self.files.file(LOG);
        if self.log.get().is_none() || FileId::at(&log).ok() != self.log.get() {
            return None;
        }
        let aside = self.files.new_aside(self.writing_since?);
        fs::rename(&log, aside.file(LOG)).ok()?;
        // The index is rebuilt from the log when it is missing.
        let _ = fs::rename(self.files.file(LOG_INDEX), aside.file(LOG_INDEX));
        Some(aside.file(LOG))
    }
}

impl Archive {
    /// Verifies that the open file is still the one at its path. It costs two system calls.
    ///
    /// # Errors
    /// [`crate::error::Error::Archive`] that says what happened. From then on, nothing is copied from the log into a
    /// file.
    pub(crate) fn verify_in_place(&self) -> Result<()> {
        let Some(in_place) = &self.in_place else { return Ok(()) };
        let Some(loss) = in_place.loss() else { return Ok(()) };
        self.keep_log();
        let again = "move it back, with its -wal file, and run the command again";
        let (cause, hint) = match loss {
            Loss::Moved => ("the file was moved while it was in use".to_owned(), again.to_owned()),
            Loss::Deleted => (
                "the file was deleted while it was in use".to_owned(),
                "restore a backup with `runledger restore BACKUP`".to_owned(),
            ),
            Loss::Replaced | Loss::Overwritten => {
                let log = in_place.move_log_aside();
                let log = log.map(|log| format!("; its log was moved to {}", log.display()));
                (
                    format!("the file was replaced while it was in use{}", log.unwrap_or_default()),
                    "check the new file with `runledger check`, then run the command again".to_owned(),
                )
            }
        };
        Err(unusable(&self.path, cause, Some(hint)))
    }

    /// Leaves the log as it is from now on if the error shows that the archive is damaged: `salvage` may need it.
    pub(crate) fn keep_log_of_damaged(&self, error: &Error) {
        if error.is_damage() {
            self.keep_log();
        }
    }

    /// Leaves the log as it is from now on, also when the archive is closed.
    fn keep_log(&self) {
        let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        let _ = self.connection.pragma_update(None, "wal_autocheckpoint", 0);
    }

    /// Remembers which log this connection writes to.
    pub(super) fn remember_log(&self) {
        if let Some(in_place) = self.in_place.as_ref().filter(|in_place| in_place.log.get().is_none()) {
            in_place.log.set(FileId::at(&in_place.files.file(LOG)).ok());
        }
    }
}
