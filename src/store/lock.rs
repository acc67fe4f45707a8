//! The lock that allows one writer at a time on an archive.

use super::header::with_suffix;
use crate::error::{Error, Result, hint_of_io};
use crate::run::Instant;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// The kernel's advisory lock on a file next to the archive. The kernel releases it when the process ends, even when it
/// is killed. The file stays; only the lock counts.
#[derive(Debug)]
pub struct Lock {
    file: File,
    acquired_at: Instant,
}

impl Lock {
    /// Acquires the archive's lock for this process.
    ///
    /// # Errors
    /// [`Error::Locked`] with the holder's process and time; [`Error::Archive`] when the lock file cannot be opened.
    pub fn acquire(archive: &Path, now: Instant) -> Result<Lock> {
        let path = with_suffix(archive, ".lock");
        let unusable = |cause: std::io::Error| Error::Archive {
            path: archive.to_owned(),
            cause: format!("its lock {} cannot be used: {cause}", path.display()),
            hint: hint_of_io(&cause).map(ToOwned::to_owned),
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = holder.trim();
                return Err(Error::Locked {
                    holder: if holder.is_empty() {
                        "an unknown process".to_owned()
                    } else {
                        holder.to_owned()
                    },
                });
            }
            Err(TryLockError::Error(cause)) => return Err(unusable(cause)),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "process {} since {now}", std::process::id()));
        written.map_err(unusable)?;
        Ok(Lock { file, acquired_at: now })
    }

    /// When the lock was acquired.
    pub(super) fn acquired_at(&self) -> Instant {
        self.acquired_at
    }
}

impl Drop for Lock {
    /// Unlocks explicitly: a child process that another thread is starting can hold the file open for a moment, and
    /// with it the lock.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_learns_the_process_and_time_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("a.db");
        let now = Instant::parse("2026-01-01T00:00:00Z").unwrap();
        let lock = Lock::acquire(&archive, now).unwrap();
        let Err(Error::Locked { holder }) = Lock::acquire(&archive, now) else {
            panic!("the lock was acquired twice")
        };
        assert_eq!(holder, format!("process {} since 2026-01-01T00:00:00.000000Z", std::process::id()));
        drop(lock);
        assert!(Lock::acquire(&archive, now).is_ok());
    }
}
