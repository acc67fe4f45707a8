//! This is the lock that lets one sync at a time write to an archive.

use crate::error::{Error, Result, hint_of_io};
use crate::run::Instant;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The kernel's advisory lock on a file beside the archive. The kernel lets go of it when the
/// process ends, however it ends, so the file may stay: only the lock counts.
#[derive(Debug)]
pub struct Lock {
    file: File,
    taken_at: Instant,
}

impl Lock {
    /// Takes the archive's lock for this process.
    ///
    /// # Errors
    /// [`Error::Locked`] naming the process that holds it and since when; [`Error::Archive`] when
    /// the file beside the archive cannot be opened.
    pub fn acquire(archive: &Path, now: Instant) -> Result<Lock> {
        let path = lock_path(archive);
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
                        "it did not say which".to_owned()
                    } else {
                        holder.to_owned()
                    },
                });
            }
            Err(TryLockError::Error(cause)) => return Err(unusable(cause)),
        }
        let told = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "process {} since {now}", std::process::id()));
        told.map_err(unusable)?;
        Ok(Lock { file, taken_at: now })
    }

    /// When it was taken.
    pub(super) fn taken_at(&self) -> Instant {
        self.taken_at
    }
}

/// `runledger.db.lock` for `runledger.db`.
fn lock_path(archive: &Path) -> PathBuf {
    let mut name = archive.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

impl Drop for Lock {
    /// Closing the file alone would not do: a program that is being started by another thread has it
    /// open too, for a moment, and with it the lock.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_told_who_holds_the_lock_and_since_when() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("a.db");
        let now = Instant::parse("2026-01-01T00:00:00Z").unwrap();
        let lock = Lock::acquire(&archive, now).unwrap();
        let Err(Error::Locked { holder }) = Lock::acquire(&archive, now) else {
            panic!("it was locked twice")
        };
        assert_eq!(holder, format!("process {} since 2026-01-01T00:00:00.000000Z", std::process::id()));
        drop(lock);
        assert!(Lock::acquire(&archive, now).is_ok());
    }
}
