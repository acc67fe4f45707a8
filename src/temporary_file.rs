//! Temporary files next to the files that they replace. None is left behind: an error or a signal removes it, and after
//! a kill the next write into the folder does.
//!
//! Each has a lock file, which its process keeps locked: `.runledger-a1B2c3.lock` for `.runledger-a1B2c3`. A lock on
//! the temporary file itself would, on network file systems, keep SQLite from filling it.

use crate::file_system::{NO_FOLLOW, is_at};
use crate::paths::with_suffix;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::{NamedTempFile, PersistError, TempPath};

/// What the names of temporary files begin with.
const PREFIX: &str = ".runledger-";

/// What the names of their lock files end with.
const LOCK_SUFFIX: &str = ".lock";

/// The number of random letters and digits in a name.
const RANDOM_LENGTH: usize = 6;

/// What SQLite can create next to a temporary file that it fills.
const COMPANIONS: [&str; 3] = ["-journal", "-wal", "-shm"];

/// How often to choose another name.
const ATTEMPTS: usize = 20;

/// The temporary files of this process.
static LIVE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A temporary file. It is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct TemporaryFile {
    file: NamedTempFile,
    name: LiveName,
}

/// The name of a temporary file while it exists, and its lock.
#[derive(Debug)]
struct LiveName {
    path: PathBuf,
    _lock: NamedTempFile,
}

impl TemporaryFile {
    /// Creates a file in `folder` with a mode that the umask narrows. Removes those that killed processes left there.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn create_in(folder: &Path, mode: u32) -> io::Result<TemporaryFile> {
        remove_abandoned(folder);
        for _ in 0..ATTEMPTS {
            let Some(name) = LiveName::choose_in(folder)? else { continue };
            match OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(&name.path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                opened => {
                    let path = TempPath::try_from_path(&name.path)?;
                    return Ok(TemporaryFile { file: NamedTempFile::from_parts(opened?, path), name });
                }
            }
        }
        Err(io::Error::other("no name is free for a temporary file"))
    }

    /// The file.
    pub(crate) fn file_mut(&mut self) -> &mut NamedTempFile {
        &mut self.file
    }

    /// Renames it. With `replace`, it takes the place of a file that exists.
    ///
    /// # Errors
    /// Those of the file system; without `replace`, also when there is anything at `target`.
    pub(crate) fn install(self, target: &Path, replace: bool) -> io::Result<()> {
        // The name is free again when `self.name` is dropped, after the rename.
        let TemporaryFile { file, name: _name } = self;
        let installed = if replace { file.persist(target) } else { file.persist_noclobber(target) };
        installed.map(drop).map_err(|PersistError { error, .. }| error)
    }
}

impl LiveName {
    /// Chooses a name and locks it. `None`: another process removed the lock file meanwhile, as abandoned.
    fn choose_in(folder: &Path) -> io::Result<Option<LiveName>> {
        let lock = tempfile::Builder::new()
            .prefix(PREFIX)
            .rand_bytes(RANDOM_LENGTH)
            .suffix(LOCK_SUFFIX)
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(folder)?;
        match lock.as_file().try_lock() {
            Ok(()) if !is_at(lock.as_file(), lock.path()) => return Ok(None),
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            // A file system without locks gives an error, and no lock is ever found free there.
            Ok(()) | Err(fs::TryLockError::Error(_)) => {}
        }
        let path = lock.path().with_extension("");
        live().insert(path.clone());
        Ok(Some(LiveName { path, _lock: lock }))
    }
}

impl Drop for LiveName {
    fn drop(&mut self) {
        let mut live = live();
        remove_companions(&self.path);
        live.remove(&self.path);
    }
}

/// Removes the temporary files of this process, and lets it create no other one while the result exists.
pub(crate) fn remove_all() -> impl Sized {
    let live = live();
    for path in live.iter() {
        remove(path);
    }
    live
}

fn live() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the temporary files in a folder whose lock is free: their process was killed.
fn remove_abandoned(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for place in entries.flatten().filter(|entry| is_lock_name(&entry.file_name())).map(|entry| entry.path())
    {
        let Ok(lock) = OpenOptions::new().write(true).custom_flags(NO_FOLLOW).open(&place) else { continue };
        let is_abandoned = is_empty_file(&lock) && lock.try_lock().is_ok() && is_at(&lock, &place);
        if is_abandoned {
            remove(&place.with_extension(""));
        }
    }
}

/// Whether it is the name of a lock file, such as `.runledger-a1B2c3.lock`.
fn is_lock_name(name: &OsStr) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(LOCK_SUFFIX));
    random.is_some_and(|random| {
        random.len() == RANDOM_LENGTH && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn is_empty_file(file: &File) -> bool {
    file.metadata().is_ok_and(|found| found.is_file() && found.len() == 0)
}

/// Removes a temporary file, what SQLite left next to it, and last its lock file.
fn remove(path: &Path) {
    let _ = fs::remove_file(path);
    remove_companions(path);
    let _ = fs::remove_file(with_suffix(path, LOCK_SUFFIX));
}

fn remove_companions(path: &Path) {
    for suffix in COMPANIONS {
        let _ = fs::remove_file(with_suffix(path, suffix));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> BTreeSet<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_temporary_file_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = TemporaryFile::create_in(folder.path(), 0o666).unwrap();
        assert_eq!(names(folder.path()).len(), 2);
        fs::write(with_suffix(&file.name.path, "-journal"), "x").unwrap();
        drop(file);
        assert_eq!(names(folder.path()), BTreeSet::new());
        for (replace, installed) in [(false, true), (false, false), (true, true)] {
            let file = TemporaryFile::create_in(folder.path(), 0o666).unwrap();
            assert_eq!(file.install(&folder.path().join("out"), replace).is_ok(), installed);
            assert_eq!(names(folder.path()), BTreeSet::from(["out".to_owned()]));
        }
    }

    #[test]
    fn only_files_with_a_free_lock_are_abandoned() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let live = TemporaryFile::create_in(folder.path(), 0o600).unwrap();
        for name in
            [".runledger-aaaaaa", ".runledger-aaaaaa-wal", ".runledger-aaaaaa.lock", ".runledger-bbbbbb.lock"]
        {
            fs::write(at(name), "").unwrap();
        }
        let kept =
            [".runledger-notes", ".runledger-cccccc", ".runledger-dddddd.lock", ".runledger-toolong.lock"];
        for name in kept {
            fs::write(at(name), "mine").unwrap();
        }
        std::os::unix::fs::symlink("out", at(".runledger-eeeeee.lock")).unwrap();
        drop(TemporaryFile::create_in(folder.path(), 0o600).unwrap());
        let mut expected: BTreeSet<String> = kept.into_iter().map(str::to_owned).collect();
        expected.insert(".runledger-eeeeee.lock".to_owned());
        let own = live.name.path.file_name().unwrap().to_str().unwrap().to_owned();
        expected.extend([format!("{own}.lock"), own]);
        assert_eq!(names(folder.path()), expected);
    }
}
