//! The main file of an archive: one shared descriptor, which reads its header.
//!
//! When a process closes any descriptor of a file, it loses all POSIX locks that it holds on that file, including those
//! of SQLite. So there is one descriptor per file in the process, and it stays open while an archive uses the file.

use super::header::Header;
use crate::file_system::FileId;
use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The open descriptors of this process.
static OPEN: Mutex<BTreeMap<FileId, Shared>> = Mutex::new(BTreeMap::new());

#[derive(Debug)]
struct Shared {
    file: File,
    users: usize,
}

fn open_files() -> MutexGuard<'static, BTreeMap<FileId, Shared>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A use of the shared descriptor of a file. It must be dropped after the SQLite connection that it protects.
#[derive(Debug)]
pub(super) struct MainFile(FileId);

impl MainFile {
    /// Opens the file for reading, or shares the descriptor that is open.
    ///
    /// # Errors
    /// Those of the file system; `NotFound` if there is no file.
    pub(super) fn open(path: &Path) -> io::Result<MainFile> {
        let mut open = open_files();
        let known = FileId::at(path)?;
        if let Some(shared) = open.get_mut(&known) {
            shared.users += 1;
            return Ok(MainFile(known));
        }
        let file = File::open(path)?;
        let id = FileId::of(&file.metadata()?);
        open.entry(id).or_insert(Shared { file, users: 0 }).users += 1;
        Ok(MainFile(id))
    }

    /// The file's identity.
    pub(super) fn id(&self) -> FileId {
        self.0
    }

    /// The file's header. It is shorter than that of a database if the file is.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn header(&self) -> io::Result<Header> {
        let mut bytes = [0; Header::LENGTH];
        let length = self.read_at(&mut bytes, 0)?;
        Ok(Header::new(bytes, length))
    }

    /// Reads bytes at an offset. Returns how many there were.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|file| {
            let mut length = 0;
            while length < bytes.len() {
                match file.read_at(&mut bytes[length..], offset + length as u64)? {
                    0 => break,
                    read => length += read,
                }
            }
            Ok(length)
        })
    }

    /// The file's current metadata, wherever the file is now.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.with(File::metadata)
    }

    fn with<T>(&self, act: impl FnOnce(&File) -> io::Result<T>) -> io::Result<T> {
        act(&open_files().get(&self.0).expect("the descriptor is open while it is used").file)
    }
}

impl Drop for MainFile {
    fn drop(&mut self) {
        let mut open = open_files();
        if let Some(shared) = open.get_mut(&self.0) {
            shared.users -= 1;
            if shared.users == 0 {
                open.remove(&self.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::is_archive;
    use rusqlite::Connection;
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    /// The number of POSIX locks that this process holds on the file. `None`: the system does not list them.
    fn locks_on(path: &Path) -> Option<usize> {
        let inode = format!(":{} ", fs::metadata(path).unwrap().ino());
        let process = format!(" {} ", std::process::id());
        let listed = fs::read_to_string("/proc/locks").ok()?;
        Some(listed.lines().filter(|line| line.contains(&inode) && line.contains(&process)).count())
    }

    #[test]
    fn reading_a_header_again_keeps_the_locks_of_sqlite() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE t (x)").unwrap();
        let _protected = MainFile::open(&path).unwrap();
        connection.execute_batch("BEGIN; SELECT * FROM t").unwrap();
        let Some(before) = locks_on(&path) else { return };
        assert!(before > 0, "SQLite locks the file");
        assert!(!is_archive(&path));
        drop(MainFile::open(&path).unwrap());
        assert_eq!(locks_on(&path), Some(before));
    }

    #[test]
    fn a_file_that_took_the_place_of_another_has_another_identity() {
        let folder = tempfile::tempdir().unwrap();
        let [path, other] = ["a", "b"].map(|name| folder.path().join(name));
        fs::write(&path, "one").unwrap();
        fs::write(&other, "two").unwrap();
        let open = MainFile::open(&path).unwrap();
        assert_eq!(FileId::at(&path).unwrap(), open.id());
        fs::rename(&other, &path).unwrap();
        assert_ne!(FileId::at(&path).unwrap(), open.id());
        assert_eq!(open.metadata().unwrap().nlink(), 0);
        let mut bytes = [0; 8];
        assert_eq!((open.read_at(&mut bytes, 1).unwrap(), &bytes[..2]), (2, &b"ne"[..]));
    }
}
