//! The removal of an archive: one without content, or an earlier demo.

use super::file_set::FileSet;
use super::{Archive, Lock};
use crate::error::{Error, Result};
use std::fs;
use std::io::{self, ErrorKind};

/// Whether the archive has no data from the API, and no close.
const IS_EMPTY: &str = "SELECT NOT EXISTS (SELECT 1 FROM run_snapshots)
    AND NOT EXISTS (SELECT 1 FROM pipeline_snapshots)
    AND NOT EXISTS (SELECT 1 FROM quarantine)
    AND NOT EXISTS (SELECT 1 FROM period_closes)";

impl Archive {
    /// Closes the archive. Removes its files, also the lock's, if it is new and has no content.
    ///
    /// # Errors
    /// Those of SQLite; [`Error::Archive`] when a file cannot be removed.
    pub(crate) fn close_and_discard_if_empty(self, lock: &Lock) -> Result<()> {
        if !self.is_new || !self.connection.query_row(IS_EMPTY, [], |row| row.get(0))? {
            return Ok(());
        }
        self.close_and_remove(lock)?;
        lock.remove_file().map_err(|cause| cannot_remove(lock, &cause))
    }

    /// Closes the archive and removes its files. The lock stays held.
    ///
    /// # Errors
    /// [`Error::Archive`] when a file cannot be removed.
    pub(crate) fn close_and_remove(self, lock: &Lock) -> Result<()> {
        // SQLite removes its log, unless another program has the archive open.
        drop(self);
        // The main file is last: every command refuses a log without one.
        for file in FileSet::at(lock.archive()).existing().into_iter().rev() {
            match fs::remove_file(file) {
                Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cannot_remove(lock, &cause)),
                _ => {}
            }
        }
        Ok(())
    }
}

fn cannot_remove(lock: &Lock, cause: &io::Error) -> Error {
    let hint = crate::error::hint_of_io(cause).map(ToOwned::to_owned);
    super::unusable(lock.archive(), format!("it cannot be removed: {cause}"), hint)
}
