//! The lock that allows one writer at a time on an archive.

use super::archive_path::ArchivePath;
use super::unusable;
use crate::access::{Access, PRIVATE};
use crate::error::{Error, Result, hint_of_io};
use crate::file_system::{LOCAL_DISK_HINT, NO_FOLLOW, is_at, is_unsupported};
use crate::paths::with_suffix;
use crate::run::Instant;
use crate::symlinks::same_file;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How often to open a lock file that another process removes at the same time.
const ATTEMPTS: usize = 5;

/// What the name of the holder begins with.
const HOLDER_PREFIX: &str = "process ";

/// The most bytes in the name of the holder.
const MAX_HOLDER_BYTES: u64 = 120;

/// The kernel's advisory lock on a file next to the archive. The kernel releases it when the process ends, even when it
/// is killed. The file stays; only the lock counts.
#[derive(Debug)]
pub struct Lock {
    file: File,
    place: PathBuf,
    archive: ArchivePath,
    acquired_at: Instant,
}

impl Lock {
    /// Acquires the archive's lock for this process. A lock file contains the holder's name, or nothing; any other file
    /// in its place stays as it is.
    ///
    /// # Errors
    /// [`Error::Locked`] with the holder's process and time; [`Error::Archive`] when the lock file cannot be opened, or
    /// something else has its name; [`Error::Usage`] when the name cannot be an archive's.
    pub fn acquire(archive: &Path, now: Instant) -> Result<Lock> {
        let archive = ArchivePath::resolve_for_writing(archive)?;
        let place = with_suffix(&archive, ".lock");
        for _ in 0..ATTEMPTS {
            let (file, holder) = open(&archive, &place)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, &place) => {
                    let mut lock = Lock { file, place, archive, acquired_at: now };
                    let named =
                        lock.write_holder(&format!("{HOLDER_PREFIX}{} since {now}\n", std::process::id()));
                    named.map_err(|cause| cannot_use(&lock.archive, &lock.place, &cause))?;
                    return Ok(lock);
                }
                // The process before removed the file, and another can have created a new one.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let holder = if holder.is_empty() { "an unknown process".to_owned() } else { holder };
                    return Err(Error::Locked { holder });
                }
                Err(TryLockError::Error(cause)) if is_unsupported(&cause) => {
                    let cause =
                        format!("the file system of its lock {} has no locks ({cause})", place.display());
                    return Err(unusable(&archive, cause, Some(LOCAL_DISK_HINT.to_owned())));
                }
                Err(TryLockError::Error(cause)) => return Err(cannot_use(&archive, &place, &cause)),
            }
        }
        let why = "the file changes each time it is opened";
        Err(unusable(
            &archive,
            format!("its lock {}: {why}", place.display()),
            Some(LOCAL_DISK_HINT.to_owned()),
        ))
    }

    /// The archive that it locks, which must be the one at `path`.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is another one.
    pub(super) fn archive_at(&self, path: &Path) -> Result<&ArchivePath> {
        if same_file(&self.archive, path) {
            return Ok(&self.archive);
        }
        let (path, locked) = (path.display(), self.archive.display());
        Err(Error::Internal(format!("the lock of {locked} is no lock of {path}")))
    }

    /// The archive that it locks.
    pub(super) fn archive(&self) -> &ArchivePath {
        &self.archive
    }

    /// When the lock was acquired.
    pub(super) fn acquired_at(&self) -> Instant {
        self.acquired_at
    }

    /// Removes the lock file. A process that waits for it notices that.
    pub(super) fn remove_file(&self) -> io::Result<()> {
        fs::remove_file(&self.place)
    }

    fn write_holder(&mut self, name: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(name.as_bytes())
    }
}

impl Drop for Lock {
    /// Unlocks explicitly: a child process that another thread is starting can hold the file open for a moment, and
    /// with it the lock.
    fn drop(&mut self) {
        let _ = self.write_holder("");
        let _ = self.file.unlock();
    }
}

/// Opens the lock file, or creates it with the access of the archive. Also returns the name in it: nothing is written
/// to a file that contains anything else.
fn open(archive: &ArchivePath, place: &Path) -> Result<(File, String)> {
    let foreign = |what: &str| {
        let hint = format!("move {} elsewhere, or give the archive another name", place.display());
        unusable(archive, format!("its lock {} is {what}", place.display()), Some(hint))
    };
    if let Ok(found) = fs::symlink_metadata(place) {
        match found.file_type() {
            kind if kind.is_symlink() => return Err(foreign("a symbolic link, which is not followed")),
            kind if !kind.is_file() => return Err(foreign("not a file")),
            _ => {}
        }
    }
    let access = Access::of(archive).map(Access::writable_by_owner);
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(access.map_or(PRIVATE, Access::mode))
        .custom_flags(NO_FOLLOW)
        .open(place);
    let read = || -> io::Result<(File, fs::Metadata, Vec<u8>)> {
        let file = opened?;
        let (metadata, mut bytes) = (file.metadata()?, Vec::new());
        (&file).take(MAX_HOLDER_BYTES + 1).read_to_end(&mut bytes)?;
        Ok((file, metadata, bytes))
    };
    let (file, metadata, bytes) = read().map_err(|cause| cannot_use(archive, place, &cause))?;
    if !metadata.is_file() || metadata.nlink() > 1 {
        return Err(foreign("also another file, through a hard link"));
    }
    let Some(holder) = holder(&bytes) else { return Err(foreign("a file of another program")) };
    if let Some(access) = access {
        access.apply_to(&file);
    }
    Ok((file, holder.to_owned()))
}

/// The name of the holder in a lock file, which is empty after a release. `None`: it is not a lock file.
fn holder(bytes: &[u8]) -> Option<&str> {
    let text = str::from_utf8(bytes).ok().filter(|text| text.len() as u64 <= MAX_HOLDER_BYTES)?;
    let name = text.trim_end();
    // A full disk can have cut it.
    let is_name = name.starts_with(HOLDER_PREFIX) || HOLDER_PREFIX.starts_with(name);
    (is_name && name.lines().count() <= 1).then_some(name)
}

fn cannot_use(archive: &Path, place: &Path, cause: &io::Error) -> Error {
    let hint = hint_of_io(cause).map(ToOwned::to_owned);
    unusable(archive, format!("its lock {} cannot be used: {cause}", place.display()), hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn now() -> Instant {
        Instant::parse("2026-01-01T00:00:00Z").unwrap()
    }

    #[test]
    fn a_second_holder_learns_the_process_and_time_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("a.db");
        let lock = Lock::acquire(&archive, now()).unwrap();
        let Err(Error::Locked { holder }) = Lock::acquire(&archive, now()) else {
            panic!("the lock was acquired twice")
        };
        assert_eq!(holder, format!("process {} since 2026-01-01T00:00:00.000000Z", std::process::id()));
        drop(lock);
        assert_eq!(fs::read_to_string(folder.path().join("a.db.lock")).unwrap(), "", "the name is cleared");
        assert!(Lock::acquire(&archive, now()).is_ok());
    }

    #[test]
    fn every_name_of_an_archive_has_the_same_lock() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink("a.db", at("link.db")).unwrap();
        symlink(at("link.db"), at("second.db")).unwrap();
        for _ in 0..2 {
            let lock = Lock::acquire(&at("second.db"), now()).unwrap();
            for name in ["a.db", "link.db", "second.db", "./a.db"] {
                assert!(matches!(Lock::acquire(&at(name), now()), Err(Error::Locked { .. })), "{name}");
            }
            drop(lock);
            fs::write(at("a.db"), "").unwrap();
        }
    }

    #[test]
    fn a_lock_opens_no_other_archive() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::acquire(&folder.path().join("a.db"), now()).unwrap();
        assert!(lock.archive_at(&folder.path().join("./a.db")).is_ok());
        assert_eq!(lock.archive_at(&folder.path().join("b.db")).unwrap_err().exit_code(), 1);
    }

    #[test]
    fn what_is_not_a_lock_file_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, place) = (folder.path().join("a.db"), folder.path().join("a.db.lock"));
        let precious = folder.path().join("precious");
        let refused = |why: &str| {
            let error = Lock::acquire(&archive, now()).unwrap_err();
            assert!(error.exit_code() == 6 && error.to_string().contains(why), "{error}");
            assert!(error.hint().unwrap().contains("elsewhere"), "{error:?}");
        };
        for text in
            ["my notes\n", "process 1\nand more\n", "process 1 since then, and so on".repeat(9).as_str()]
        {
            fs::write(&place, text).unwrap();
            refused("a file of another program");
            assert_eq!(fs::read_to_string(&place).unwrap(), text);
        }
        fs::remove_file(&place).unwrap();
        symlink(&precious, &place).unwrap();
        refused("a symbolic link");
        assert!(!precious.exists());
        fs::write(&precious, "").unwrap();
        refused("a symbolic link");
        fs::remove_file(&place).unwrap();
        fs::hard_link(&precious, &place).unwrap();
        refused("a hard link");
        fs::remove_file(&place).unwrap();
        fs::create_dir(&place).unwrap();
        refused("not a file");
        assert_eq!(fs::read_to_string(&precious).unwrap(), "");
    }

    #[test]
    fn a_lock_of_an_older_version_or_a_killed_process_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("a.db");
        for text in ["", "proc", "process 17 since 2026-01-01T00:00:00.000000Z\n"] {
            fs::write(folder.path().join("a.db.lock"), text).unwrap();
            assert!(Lock::acquire(&archive, now()).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_lock_has_the_mode_of_its_archive() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, place) = (folder.path().join("a.db"), folder.path().join("a.db.lock"));
        let mode_after_locking = || {
            drop(Lock::acquire(&archive, now()).unwrap());
            fs::metadata(&place).unwrap().mode() & 0o777
        };
        assert_eq!(mode_after_locking(), 0o600);
        fs::write(&archive, "").unwrap();
        for mode in [0o660, 0o640] {
            fs::set_permissions(&archive, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(mode_after_locking(), mode);
        }
    }
}
