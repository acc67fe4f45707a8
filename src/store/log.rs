//! The size of the write-ahead log, and whether a reader keeps it from being emptied.

use super::file_set::{LOG, LOG_INDEX};
use super::{Archive, CHECKPOINT_PAGES, PAGE_SIZE_BYTES};
use crate::error::Result;
use crate::paths::with_suffix;
use std::fs::File;
use std::io::Read;

/// The size above which SQLite truncates the log, unless a reader needs it.
pub(super) const LOG_LIMIT_BYTES: u32 = CHECKPOINT_PAGES * PAGE_SIZE_BYTES;

/// The bytes of a frame of the log: a page and its header.
const FRAME_BYTES: u64 = PAGE_SIZE_BYTES as u64 + 24;

/// Where the index of the log has the number of frames, and after two copies of its header the number of those that
/// are in the main file (<https://sqlite.org/walformat.html>).
const FRAMES_AT: usize = 16;
const COPIED_FRAMES_AT: usize = 96;

impl Archive {
    /// The size of the write-ahead log in bytes. Zero: there is none.
    pub fn log_bytes(&self) -> u64 {
        std::fs::metadata(with_suffix(&self.path, LOG)).map_or(0, |file| file.len())
    }

    /// Whether the part of the log that is not in the main file yet is larger than it gets without a long-running
    /// reader. A log can be long and have no such part: SQLite then writes it again from its start.
    pub(crate) fn has_large_log(&self) -> bool {
        let log_bytes = self.log_bytes();
        is_large(log_bytes) && is_large(self.bytes_to_copy().unwrap_or(log_bytes))
    }

    /// The size in bytes of a log that cannot be emptied, because a reader still needs an older state and much of the
    /// log is newer. Copies as much of it into the archive as possible. `None`: that part is small.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn held_log_bytes(&self) -> Result<Option<u64>> {
        if !is_large(self.log_bytes()) {
            return Ok(None);
        }
        // A passive checkpoint waits for no reader.
        let (frames, copied): (u64, u64) =
            self.connection
                .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get(1)?, row.get(2)?)))?;
        Ok(is_large(frames.saturating_sub(copied) * FRAME_BYTES).then(|| self.log_bytes()))
    }

    /// The bytes of the log that are not in the main file yet, by the index of the log. `None`: there is no index, or
    /// another process is changing it.
    fn bytes_to_copy(&self) -> Option<u64> {
        let mut index = [0; COPIED_FRAMES_AT + 4];
        File::open(with_suffix(&self.path, LOG_INDEX))
            .and_then(|mut file| file.read_exact(&mut index))
            .ok()?;
        let number = |at: usize| Some(u32::from_ne_bytes(*index[at..].first_chunk()?));
        let (header, copy) = index[..COPIED_FRAMES_AT].split_at(COPIED_FRAMES_AT / 2);
        let frames = number(FRAMES_AT).filter(|_| header == copy)?;
        Some(u64::from(frames.saturating_sub(number(COPIED_FRAMES_AT)?)) * FRAME_BYTES)
    }
}

fn is_large(bytes: u64) -> bool {
    bytes > u64::from(LOG_LIMIT_BYTES)
}
