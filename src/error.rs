//! This is the catalogue of everything that can end a command: what happened, why, what to do, and the exit code.

use crate::escape::escape_control;
use rusqlite::ErrorCode;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Every exit code, and what it means: the table of `--help` and of the README. `status --check` alone has others:
/// those of Nagios.
pub const EXIT_CODES: [(&str, &str); 10] = [
    ("0", "done"),
    ("1", "unforeseen"),
    ("2", "usage"),
    ("3", "done in part: what could be read is kept, the rest is named"),
    ("4", "key refused"),
    ("5", "API unavailable"),
    ("6", "archive unusable: damaged, foreign, or made by a newer version"),
    ("7", "output not written"),
    ("11", "another sync holds the lock"),
    ("130, 143", "interrupted by SIGINT, SIGTERM; what was committed is kept"),
];

/// What to do about an archive that is damaged.
pub const DAMAGED_HINT: &str = "copy the file before anything else; then put a backup in its place (`runledger backup` makes one), or save what can be read with `sqlite3 FILE .recover`";

/// What every fallible function of runledger returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One thing that a user can meet. Its text names the thing; [`Error::hint`] says what to do about it.
#[derive(Debug, Error)]
pub enum Error {
    /// The command line, the environment or a file of settings asks for something that cannot be.
    #[error("{what}")]
    Usage {
        /// What was asked, and why it cannot be.
        what: String,
        /// What to do instead; `None` when the sentence says it.
        hint: Option<String>,
    },

    /// What could be read is kept; the rest is named.
    #[error("done in part: {what}")]
    Partial {
        /// What is missing.
        what: String,
    },

    /// The API refused the key.
    #[error("the API refused the key (HTTP {status})")]
    KeyRefused {
        /// 401 or 403.
        status: u16,
    },

    /// The API did not give an answer that can be used.
    #[error("{what}\n  because: {cause}")]
    ApiUnavailable {
        /// What was asked of the API.
        what: String,
        /// What came instead.
        cause: String,
    },

    /// The API's answer is larger than any that is read.
    #[error("{what} is larger than {limit_bytes} bytes")]
    ResponseTooLarge {
        /// The answer to what.
        what: String,
        /// The limit.
        limit_bytes: usize,
    },

    /// The archive cannot be used as it is.
    #[error("the archive {} cannot be used\n  because: {cause}", .path.display())]
    Archive {
        /// The archive's file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
        /// What to do; `None` when nothing general can be said.
        hint: Option<String>,
    },

    /// SQLite refused a statement while the archive was in use.
    #[error("the archive answered with an error\n  because: {}", in_words(.0))]
    Sqlite(#[from] rusqlite::Error),

    /// A file or the standard output could not be written.
    #[error("{what} was not written\n  because: {cause}")]
    Output {
        /// The file, or "standard output".
        what: String,
        /// What the system said.
        cause: io::Error,
    },

    /// Another sync holds the archive's lock.
    #[error("another sync is using the archive: {holder}")]
    Locked {
        /// Which process, since when, as far as it is known.
        holder: String,
    },

    /// A signal asked the command to stop.
    #[error("interrupted by {name}; what was committed is kept")]
    Interrupted {
        /// The signal's name.
        name: &'static str,
        /// The signal's number: 2 or 15.
        number: u8,
    },

    /// Some workspaces, or all, were not brought up to date; each was told about when it failed.
    #[error("{} of {all} workspaces were not brought up to date: {}", .failed.len(), with_codes(.failed))]
    Workspaces {
        /// Their names, each with the exit code that its sync alone would have ended with.
        failed: Vec<(String, u8)>,
        /// How many there are.
        all: usize,
    },

    /// Something that nobody foresaw.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// A usage error that needs no hint.
    pub fn usage(what: impl Into<String>) -> Error {
        Error::Usage { what: what.into(), hint: None }
    }

    /// The sentence and its cause on one line.
    pub fn on_one_line(&self) -> String {
        self.to_string().replace("\n  because", "")
    }

    /// Names the archive in what SQLite said of it.
    pub fn in_archive(self, path: &Path) -> Error {
        match self {
            Error::Sqlite(cause) => {
                let hint = what_to_do(&cause).map(ToOwned::to_owned);
                Error::Archive { path: path.to_owned(), cause: in_words(&cause), hint }
            }
            other => other,
        }
    }

    /// The exit code of the process that ends with this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Internal(_) => 1,
            Error::Usage { .. } => 2,
            Error::Partial { .. } => 3,
            Error::KeyRefused { .. } => 4,
            Error::ApiUnavailable { .. } | Error::ResponseTooLarge { .. } => 5,
            Error::Archive { .. } | Error::Sqlite(_) => 6,
            Error::Output { .. } => 7,
            Error::Locked { .. } => 11,
            Error::Interrupted { number, .. } => 128 + number,
            Error::Workspaces { failed, all } => match failed.as_slice() {
                [(_, code), others @ ..]
                    if failed.len() == *all && others.iter().all(|(_, other)| other == code) =>
                {
                    *code
                }
                _ => 3,
            },
        }
    }

    /// What the user can do about it, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Usage { hint, .. } | Error::Archive { hint, .. } => hint.clone(),
            Error::KeyRefused { .. } => {
                Some("check NEKT_API_KEY, or the file given by --api-key-file".to_owned())
            }
            Error::ApiUnavailable { .. } => {
                Some("what was read so far is kept; run `runledger sync` again".to_owned())
            }
            Error::Sqlite(cause) => what_to_do(cause).map(ToOwned::to_owned),
            Error::Output { cause, .. } => hint_of_io(cause).map(ToOwned::to_owned),
            Error::Locked { .. } => Some("wait until it ends, then try again".to_owned()),
            _ => None,
        }
    }
}

fn with_codes(failed: &[(String, u8)]) -> String {
    let each: Vec<_> = failed.iter().map(|(name, code)| format!("{name} (exit code {code})")).collect();
    each.join(", ")
}

/// What to do about a file that the system refused. `None`: nothing general can be said.
pub fn hint_of_io(error: &io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "make room on the disk, or lift the limit on file sizes (`ulimit -f`), then run the command again"
        }
        ErrorKind::NotFound | ErrorKind::NotADirectory => "its folder must exist",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "the file and its folder must be readable and writable for this user"
        }
        ErrorKind::IsADirectory => "name a file",
        _ => return None,
    })
}

/// What SQLite says, after the plain cause where that is known.
fn in_words(error: &rusqlite::Error) -> String {
    let plainly = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full",
        Some(ErrorCode::SystemIoFailure) => "the system could not read or write it",
        Some(ErrorCode::ReadOnly) => "this user may not write to it",
        Some(ErrorCode::DatabaseCorrupt) => "it is damaged",
        Some(ErrorCode::NotADatabase) => "it is no SQLite database, or its beginning is damaged",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another program keeps it busy",
        _ => return error.to_string(),
    };
    format!("{plainly} ({error})")
}

/// What to do about an error of SQLite. `None`: nothing general can be said.
fn what_to_do(error: &rusqlite::Error) -> Option<&'static str> {
    Some(match error.sqlite_error_code()? {
        ErrorCode::DiskFull => "make room, then run the command again; what was committed is kept",
        ErrorCode::SystemIoFailure => {
            "the disk may be full or failing, or a limit on file sizes reached (`ulimit -f`); what was committed is kept"
        }
        ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
            "the file and its folder must be readable and writable for this user"
        }
        ErrorCode::DatabaseCorrupt => DAMAGED_HINT,
        ErrorCode::NotADatabase => "name another file with --db, or restore a backup",
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            "wait until the other program is done, or close it, then try again"
        }
        _ => return None,
    })
}

/// What went wrong and what to do about it, in lines for people. Most of it is the program's own words, but some may be quoted.
pub fn render(text: &str, hint: Option<&str>) -> String {
    let lines: Vec<_> = text.lines().map(escape_control).collect();
    let hint = hint.map_or_else(String::new, |hint| format!("\nhint: {}", escape_control(hint)));
    format!("error: {}{hint}", lines.join("\n"))
}
