//! This is the first look at a file: whose it is, told without changing it or leaving anything beside it.

use super::{APPLICATION_ID, unusable};
use crate::error::Result;
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The bytes that every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Where the header has the `application_id`, as four bytes, the highest first.
const APPLICATION_ID_AT: usize = 68;

/// What is at an archive's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    /// Nothing, or a file without a byte: an archive can be made there.
    Nothing,
    /// An archive of runledger, in whatever state.
    Archive,
}

/// Looks at the file. SQLite is not asked: it would work a foreign log into a foreign file.
///
/// # Errors
/// [`crate::error::Error::Archive`] when it is no file, cannot be read, or is another program's.
pub(super) fn look(path: &Path) -> Result<FileKind> {
    let another = || Some("name another file with --db".to_owned());
    let mut header = [0; 100];
    let read = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(FileKind::Nothing),
        Ok(_) if path.is_dir() => {
            return Err(unusable(
                path,
                "it is a directory".to_owned(),
                Some("name a file with --db".to_owned()),
            ));
        }
        Ok(file) => read_up_to(file, &mut header),
        Err(error) => Err(error),
    };
    let read = read.map_err(|error| {
        let hint = "the file must be readable for this user".to_owned();
        unusable(path, format!("it cannot be read: {error}"), Some(hint))
    })?;
    if read == 0 {
        return Ok(FileKind::Nothing);
    }
    if read < header.len() || !header.starts_with(MAGIC) {
        return Err(unusable(
            path,
            "it is no SQLite database, or its beginning is damaged (file is not a database)".to_owned(),
            Some("name another file with --db, or restore a backup".to_owned()),
        ));
    }
    let id = header[APPLICATION_ID_AT..APPLICATION_ID_AT + 4].try_into().expect("four bytes are four");
    if i32::from_be_bytes(id) != APPLICATION_ID {
        return Err(unusable(path, "it is a SQLite database of another program".to_owned(), another()));
    }
    Ok(FileKind::Archive)
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

/// A connection that takes the file as it lies there and touches nothing. `None`: some of it is in a log
/// or a journal beside it, so the file alone does not tell.
pub(super) fn untouched(path: &Path) -> Option<Connection> {
    let beside = ["-wal", "-journal"].map(|suffix| beside(path, suffix));
    if beside.iter().any(|file| fs::metadata(file).is_ok_and(|file| file.len() > 0)) {
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

/// `runledger.db-wal` for `runledger.db` and `-wal`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
