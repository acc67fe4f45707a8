//! The header of a SQLite file. It identifies an archive without changing the file or creating files next to it.

use super::archive_path::refuse_special_file;
use super::main_file::MainFile;
use super::{APPLICATION_ID, unusable};
use crate::error::Result;
use crate::paths::with_suffix;
use rusqlite::{Connection, OpenFlags};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The first bytes of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The offset of the page size in the header: two bytes, big-endian; 1 is 65,536.
const PAGE_SIZE_OFFSET: usize = 16;

/// The offset of the version that a reader must know: 1 for a rollback journal, 2 for a write-ahead log.
const READ_VERSION_OFFSET: usize = 19;

/// The offset of the `application_id` in the header: four bytes, big-endian.
const APPLICATION_ID_OFFSET: usize = 68;

/// The hint for a database of another program. Copies that sqlite3 makes with `.dump` or `.clone` lose the mark of an
/// archive.
const FOREIGN_HINT: &str = "name another file with --db; if sqlite3 made it from an archive, with `.dump` or `.clone`, \
    `runledger salvage FILE --output NEW` makes an archive of it";

/// The first bytes of a file, which are the header of a database in every SQLite file.
#[derive(Debug)]
pub(super) struct Header {
    bytes: [u8; Header::LENGTH],
    /// The number of bytes that the file has.
    length: usize,
}

impl Header {
    /// The length of a database's header in bytes.
    pub(super) const LENGTH: usize = 100;

    /// The first `length` bytes of a file.
    pub(super) fn new(bytes: [u8; Header::LENGTH], length: usize) -> Header {
        Header { bytes, length }
    }

    /// Whether the file is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether the header is whole.
    pub(super) fn is_complete(&self) -> bool {
        self.length == Header::LENGTH
    }

    /// The `application_id`. `None`: it is not a SQLite file.
    pub(super) fn application_id(&self) -> Option<i32> {
        application_id(&self.bytes[..self.length])
    }

    /// Whether the file keeps changes in a write-ahead log. Otherwise, as in each copy that `VACUUM INTO` makes, no log
    /// belongs to it.
    pub(super) fn is_in_wal_mode(&self) -> bool {
        self.bytes[READ_VERSION_OFFSET] == 2
    }

    /// The size of the file's pages in bytes.
    pub(super) fn page_size(&self) -> u32 {
        match u16::from_be_bytes([self.bytes[PAGE_SIZE_OFFSET], self.bytes[PAGE_SIZE_OFFSET + 1]]) {
            1 => 65_536,
            bytes => bytes.into(),
        }
    }
}

/// What an archive's path points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    /// Nothing, or an empty file: an archive can be created there.
    Nothing,
    /// An archive, in any state.
    Archive,
}

/// Identifies the file. SQLite is not used: it would write another program's log into that program's file.
///
/// # Errors
/// [`crate::error::Error::Archive`] when it is not a file, cannot be read, or belongs to another program.
pub(super) fn identify(path: &Path) -> Result<FileKind> {
    let refuse = |cause: &str, hint: &str| Err(unusable(path, cause.to_owned(), Some(hint.to_owned())));
    refuse_special_file(path)?;
    let header = match MainFile::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(FileKind::Nothing),
        Ok(_) if path.is_dir() => return refuse("it is a directory", "name a file with --db"),
        Ok(file) => file.header(),
        Err(error) => Err(error),
    };
    let header = header.map_err(|error| {
        let hint = "make the file readable for this user".to_owned();
        unusable(path, format!("it cannot be read: {error}"), Some(hint))
    })?;
    if header.is_empty() {
        return Ok(FileKind::Nothing);
    }
    match header.application_id() {
        Some(APPLICATION_ID) if header.is_complete() => Ok(FileKind::Archive),
        Some(_) if header.is_complete() => refuse("it is a SQLite database of another program", FOREIGN_HINT),
        _ => refuse(
            "it is no SQLite database, or its header is damaged (file is not a database)",
            "name another file with --db; of a damaged archive, restore a backup with `runledger restore BACKUP`, or \
             recover what is readable with `runledger salvage FILE --output NEW`",
        ),
    }
}

/// Whether the path is a file with the header of an archive.
pub(crate) fn is_archive(path: &Path) -> bool {
    let header = fs::metadata(path)
        .is_ok_and(|file| file.is_file())
        .then(|| MainFile::open(path).and_then(|file| file.header()).ok())
        .flatten();
    header.is_some_and(|header| header.application_id() == Some(APPLICATION_ID))
}

/// The `application_id` in the first bytes of a file. `None`: it is not a SQLite file.
fn application_id(header: &[u8]) -> Option<i32> {
    let id = header.get(APPLICATION_ID_OFFSET..)?.first_chunk()?;
    header.starts_with(MAGIC).then(|| i32::from_be_bytes(*id))
}

/// Opens the file as it is, without locks, logs or writes. `None`: part of the data is in a log or journal next to
/// the file.
pub(super) fn open_immutable(path: &Path) -> Option<Connection> {
    let logs = ["-wal", "-journal"].map(|suffix| with_suffix(path, suffix));
    if logs.iter().any(|file| fs::metadata(file).is_ok_and(|file| file.len() > 0)) {
        return None;
    }
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' => {
                uri.push(char::from(*byte))
            }
            other => uri.push_str(&format!("%{other:02x}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(uri, flags).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_the_magic_and_the_application_id() {
        let mut header = [0; Header::LENGTH];
        header[..MAGIC.len()].copy_from_slice(MAGIC);
        assert_eq!(application_id(&header), Some(0));
        header[APPLICATION_ID_OFFSET..APPLICATION_ID_OFFSET + 4]
            .copy_from_slice(&APPLICATION_ID.to_be_bytes());
        assert_eq!(application_id(&header), Some(APPLICATION_ID));
        assert_eq!(application_id(&header[..71]), None);
        header[0] = b's';
        assert_eq!(application_id(&header), None);
    }
}
