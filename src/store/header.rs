//! The header of a SQLite file. It identifies an archive without changing the file or creating files next to it.

use super::{APPLICATION_ID, unusable};
use crate::error::Result;
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The first bytes of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The length of the header in bytes.
const HEADER_LENGTH: usize = 100;

/// The offset of the `application_id` in the header: four bytes, big-endian.
const APPLICATION_ID_OFFSET: usize = 68;

/// The hint for a database of another program. Copies that sqlite3 makes with `.dump` or `.clone` lose the mark of an
/// archive.
const FOREIGN_HINT: &str = "name another file with --db; if sqlite3 made it from an archive, with `.dump` or `.clone`, \
    `runledger salvage FILE --output NEW` makes an archive of it";

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
    let mut header = [0; HEADER_LENGTH];
    let read = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(FileKind::Nothing),
        Ok(_) if path.is_dir() => return refuse("it is a directory", "name a file with --db"),
        Ok(file) => read_up_to(file, &mut header),
        Err(error) => Err(error),
    };
    let read = read.map_err(|error| {
        let hint = "make the file readable for this user".to_owned();
        unusable(path, format!("it cannot be read: {error}"), Some(hint))
    })?;
    if read == 0 {
        return Ok(FileKind::Nothing);
    }
    match application_id(&header[..read]) {
        Some(APPLICATION_ID) if read == HEADER_LENGTH => Ok(FileKind::Archive),
        Some(_) if read == HEADER_LENGTH => {
            refuse("it is a SQLite database of another program", FOREIGN_HINT)
        }
        _ => refuse(
            "it is no SQLite database, or its header is damaged (file is not a database)",
            "name another file with --db; of a damaged archive, restore a backup with `runledger restore BACKUP`, or \
             recover what is readable with `runledger salvage FILE --output NEW`",
        ),
    }
}

/// Whether the path is a file with the header of an archive.
pub(crate) fn is_archive(path: &Path) -> bool {
    let mut header = [0; HEADER_LENGTH];
    let read = fs::metadata(path)
        .is_ok_and(|file| file.is_file())
        .then(|| File::open(path).and_then(|file| read_up_to(file, &mut header)).ok())
        .flatten();
    read.is_some_and(|read| application_id(&header[..read]) == Some(APPLICATION_ID))
}

/// The `application_id` in the first bytes of a file. `None`: it is not a SQLite file.
fn application_id(header: &[u8]) -> Option<i32> {
    let id = header.get(APPLICATION_ID_OFFSET..)?.first_chunk()?;
    header.starts_with(MAGIC).then(|| i32::from_be_bytes(*id))
}

fn read_up_to(mut file: File, bytes: &mut [u8]) -> std::io::Result<usize> {
    let mut length = 0;
    while length < bytes.len() {
        match file.read(&mut bytes[length..])? {
            0 => break,
            read => length += read,
        }
    }
    Ok(length)
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

/// The path with a suffix: `runledger.db-wal` for `runledger.db` and `-wal`.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_the_magic_and_the_application_id() {
        let mut header = [0; HEADER_LENGTH];
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
