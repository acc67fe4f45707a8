//! The identity of files, and file systems that lack something: locks, shared memory, or the sync of a folder.

use rustix::fs::{FlockOperation, OFlags, fcntl_lock};
use rustix::io::Errno;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The hint where an archive cannot work, such as on some network shares and FUSE mounts.
pub(crate) const LOCAL_DISK_HINT: &str = "put the archive on a local disk";

/// The flags that open a file itself: a symbolic link is an error, and a named pipe does not block.
pub(crate) const NO_FOLLOW: i32 = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits().cast_signed();

/// Whether the file system does not have the operation. Each reports that in its own way.
pub(crate) fn is_unsupported(error: &io::Error) -> bool {
    let unsupported =
        [Errno::INVAL, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::NOSYS, Errno::NOTTY, Errno::NOLCK];
    Errno::from_io_error(error).is_some_and(|errno| unsupported.contains(&errno))
}

/// The identity of a file. A rename keeps it; a file that takes its place has another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// The identity of the file at `path`, behind symbolic links.
    ///
    /// # Errors
    /// Those of the file system; `NotFound` if there is no file.
    pub(crate) fn at(path: &Path) -> io::Result<FileId> {
        fs::metadata(path).map(|metadata| FileId::of(&metadata))
    }

    /// The identity in the metadata of a file.
    pub(crate) fn of(metadata: &Metadata) -> FileId {
        FileId { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// Whether the open file is still the one at `place`.
pub(crate) fn is_at(file: &File, place: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(place)) {
        (Ok(file), Ok(found)) => FileId::of(&file) == FileId::of(&found),
        _ => false,
    }
}

/// Syncs a file to disk. A file system without that operation writes when it does.
///
/// # Errors
/// Those of the disk.
pub(crate) fn sync_file(file: &File) -> io::Result<()> {
    match file.sync_all() {
        Err(error) if is_unsupported(&error) => Ok(()),
        synced => synced,
    }
}

/// Syncs a folder to disk, so that a rename in it survives a power failure. Some file systems cannot sync folders, and
/// some folders cannot be read; the rename is done all the same.
///
/// # Errors
/// Those of the disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    match synced {
        Err(error) if is_unsupported(&error) || is_refused(&error) => Ok(()),
        synced => synced,
    }
}

/// Whether the folder itself cannot be opened or synced, though files in it can be replaced.
fn is_refused(error: &io::Error) -> bool {
    let refused = [Errno::ACCESS, Errno::PERM, Errno::ISDIR, Errno::BADF];
    Errno::from_io_error(error).is_some_and(|errno| refused.contains(&errno))
}

/// Whether the file system has the POSIX locks that SQLite needs. SQLite takes their absence for a lock of another
/// program. To be called only when no connection to the file is in use: closing a file releases the process's locks.
pub(crate) fn has_posix_locks(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return true };
    match fcntl_lock(&file, FlockOperation::NonBlockingLockShared) {
        Err(errno) => !is_unsupported(&errno.into()),
        Ok(()) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_that_a_file_system_lacks_differs_from_a_failure() {
        let error = |errno: Errno| io::Error::from(errno);
        for errno in [Errno::INVAL, Errno::OPNOTSUPP, Errno::NOSYS, Errno::NOLCK] {
            assert!(is_unsupported(&error(errno)), "{errno:?}");
        }
        for errno in [Errno::IO, Errno::NOSPC, Errno::DQUOT, Errno::AGAIN, Errno::ROFS] {
            assert!(!is_unsupported(&error(errno)) && !is_refused(&error(errno)), "{errno:?}");
        }
        assert!(!is_unsupported(&io::Error::other("made up")));
    }

    #[test]
    fn a_local_disk_has_what_an_archive_needs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "").unwrap();
        assert!(has_posix_locks(&path) && has_posix_locks(&folder.path().join("none")));
        assert!(sync_folder(folder.path()).is_ok() && sync_file(&File::open(&path).unwrap()).is_ok());
        assert!(sync_folder(&folder.path().join("none")).is_err());
    }
}
