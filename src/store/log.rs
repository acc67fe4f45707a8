//! The size of the write-ahead log, and whether a reader keeps it from shrinking.

use super::{Archive, CHECKPOINT_PAGES, PAGE_SIZE_BYTES};
use crate::error::Result;
use crate::paths::with_suffix;

/// The size above which SQLite truncates the log, unless a reader needs it.
pub(super) const LOG_LIMIT_BYTES: u32 = CHECKPOINT_PAGES * PAGE_SIZE_BYTES;

impl Archive {
    /// The size of the write-ahead log in bytes. Zero: there is none.
    pub fn log_bytes(&self) -> u64 {
        std::fs::metadata(with_suffix(&self.path, "-wal")).map_or(0, |file| file.len())
    }

    /// Whether the write-ahead log is larger than it gets without a long-running reader.
    pub(crate) fn has_large_log(&self) -> bool {
        self.log_bytes() > u64::from(LOG_LIMIT_BYTES)
    }

    /// The size in bytes of a large log that cannot be emptied, because a reader still needs an older state. Copies as
    /// much of it into the archive as possible. `None`: the log is small, or no reader needs it.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn held_log_bytes(&self) -> Result<Option<u64>> {
        if !self.has_large_log() {
            return Ok(None);
        }
        // A passive checkpoint waits for no reader.
        let (frames, copied): (i64, i64) =
            self.connection
                .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get(1)?, row.get(2)?)))?;
        Ok((copied < frames).then(|| self.log_bytes()))
    }
}
