//! Every error that can end a command: what failed, the cause, a hint, and the exit code.

use crate::escape::{escape_control, escape_json};
use crate::file_system::LOCAL_DISK_HINT;
use rusqlite::ErrorCode;
use serde_json::json;
use std::borrow::Cow;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Every exit code and its meaning: the table in `--help` and in the README. `status --check` uses the exit codes
/// of Nagios instead.
pub const EXIT_CODES: [(&str, &str); 10] = [
    ("0", "done"),
    ("1", "internal error"),
    ("2", "usage error"),
    ("3", "partial success: everything readable is kept, the rest is named"),
    ("4", "API key rejected"),
    ("5", "API unavailable"),
    ("6", "archive unusable: damaged, foreign, or written by a newer version"),
    ("7", "output not written"),
    ("11", "another process holds the lock"),
    ("129, 130, 143", "interrupted by SIGHUP, SIGINT, SIGTERM; committed data is kept"),
];

/// The hint for a damaged archive.
pub(crate) const DAMAGED_HINT: &str = "restore a backup with `runledger restore BACKUP`, which keeps the damaged files \
    under another name, or recover what is readable with `runledger salvage FILE --output NEW`";

/// The result of every fallible function of runledger.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error that a user can meet. Its text says what failed and why; [`Error::hint`] gives the next step.
#[derive(Debug, Error)]
pub enum Error {
    /// The command line, the environment or the settings file asks for something that is invalid.
    #[error("{what}")]
    Usage {
        /// What is invalid, and why.
        what: String,
        /// What to do instead; `None` when `what` already says it.
        hint: Option<String>,
    },

    /// Everything readable is kept; the rest is named.
    #[error("{what}")]
    Partial {
        /// What is missing.
        what: String,
    },

    /// The API rejected the key.
    #[error("the API rejected the key (HTTP {status}{})", after_colon(.detail))]
    KeyRefused {
        /// 401 or 403.
        status: u16,
        /// The API's explanation. `None`: it gave none.
        detail: Option<String>,
    },

    /// No connection to the API could be made.
    #[error("{what}\n  cause: {cause}")]
    Unreachable {
        /// The API.
        what: String,
        /// What failed: the lookup of its name, TLS, the proxy, or the connection.
        cause: String,
        /// The setting that can help.
        hint: String,
    },

    /// The API gave no usable response.
    #[error("{what}\n  cause: {cause}")]
    ApiUnavailable {
        /// The request that failed.
        what: String,
        /// What came back instead.
        cause: String,
    },

    /// The API is elsewhere: it redirects, or has no run list.
    #[error("{what}\n  cause: {cause}")]
    ApiMoved {
        /// The request that failed.
        what: String,
        /// What came back instead.
        cause: String,
    },

    /// A response of the API exceeds the size limit.
    #[error("{what} is larger than {limit_bytes} bytes")]
    ResponseTooLarge {
        /// Which response.
        what: String,
        /// The limit.
        limit_bytes: usize,
    },

    /// The archive is unusable in its present state.
    #[error("cannot use the archive {}\n  cause: {cause}", .path.display())]
    Archive {
        /// The archive's file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
        /// What to do; `None` when there is no general advice.
        hint: Option<String>,
    },

    /// SQLite rejected a statement on an open archive.
    #[error("a statement on the archive failed\n  cause: {}", describe(.0))]
    Sqlite(#[from] rusqlite::Error),

    /// A file or the standard output could not be written.
    #[error("{what} was not written\n  cause: {cause}")]
    Output {
        /// The file, or "standard output".
        what: String,
        /// The system's error.
        cause: io::Error,
    },

    /// Another process holds the archive's lock.
    #[error("another process is using the archive: {holder}")]
    Locked {
        /// The process and the time it took the lock, as far as known.
        holder: String,
    },

    /// A signal interrupted the command.
    #[error("interrupted by {name}; committed data is kept")]
    Interrupted {
        /// The signal's name.
        name: &'static str,
        /// The signal's number: 1, 2 or 15.
        number: u8,
    },

    /// The sync of some workspaces, or of all, failed. Each failure was reported when it happened.
    #[error("{} of {all} workspaces failed to sync: {}", .failed.len(), with_codes(.failed))]
    Workspaces {
        /// Their names, each with the exit code that its sync alone would have had.
        failed: Vec<(String, u8)>,
        /// The number of workspaces.
        all: usize,
    },

    /// An error that should not happen.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// A usage error without a hint.
    pub fn usage(what: impl Into<String>) -> Error {
        Error::Usage { what: what.into(), hint: None }
    }

    /// The lines that people see, with the cause and the hint.
    pub fn render(&self) -> String {
        render(&self.to_string(), self.hint().as_deref())
    }

    /// The line that `--json` prints instead: an object with the parts of the lines for people, and the exit code.
    pub fn render_json(&self) -> String {
        let text = self.to_string();
        let (error, cause) = match text.split_once("\n  cause: ") {
            Some((error, cause)) => (error, Some(cause)),
            None => (text.as_str(), None),
        };
        let object =
            json!({"error": error, "cause": cause, "hint": self.hint(), "exit_code": self.exit_code()});
        escape_json(&object.to_string()).into_owned()
    }

    /// The error and its cause on one line: `a.csv was not written: permission denied`.
    pub fn on_one_line(&self) -> String {
        self.to_string().replace("\n  cause", "")
    }

    /// The cause of a failed request, without the request: `HTTP 500`.
    pub(crate) fn cause(&self) -> Cow<'_, str> {
        match self {
            Error::ApiUnavailable { cause, .. } | Error::ApiMoved { cause, .. } => Cow::Borrowed(cause),
            Error::ResponseTooLarge { limit_bytes, .. } => {
                Cow::Owned(format!("the response is larger than {limit_bytes} bytes"))
            }
            other => Cow::Owned(other.on_one_line()),
        }
    }

    /// Adds the archive's path to an error of SQLite.
    pub fn in_archive(self, path: &Path) -> Error {
        match self {
            Error::Sqlite(cause) => {
                let hint = sqlite_hint(&cause).map(ToOwned::to_owned);
                Error::Archive { path: path.to_owned(), cause: describe(&cause), hint }
            }
            other => other,
        }
    }

    /// Whether another program kept the archive locked.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self, Error::Sqlite(cause) if is_busy(cause))
    }

    /// Whether SQLite found the file damaged.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(self, Error::Sqlite(cause)
            if matches!(cause.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)))
    }

    /// The exit code of a process that ends with this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Internal(_) => 1,
            Error::Usage { .. } => 2,
            Error::Partial { .. } => 3,
            Error::KeyRefused { .. } => 4,
            Error::Unreachable { .. }
            | Error::ApiUnavailable { .. }
            | Error::ApiMoved { .. }
            | Error::ResponseTooLarge { .. } => 5,
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

    /// The next step; `None` when there is no general advice.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Usage { hint, .. } | Error::Archive { hint, .. } => hint.clone(),
            Error::KeyRefused { .. } => {
                Some("check NEKT_API_KEY, or the file given by --api-key-file".to_owned())
            }
            Error::Unreachable { hint, .. } => Some(hint.clone()),
            Error::ApiUnavailable { .. } => {
                Some("everything read so far is kept; run `runledger sync` again".to_owned())
            }
            Error::ApiMoved { .. } => Some("check --api-url and RUNLEDGER_API_URL".to_owned()),
            Error::Sqlite(cause) => sqlite_hint(cause).map(ToOwned::to_owned),
            Error::Output { cause, .. } => hint_of_io(cause).map(ToOwned::to_owned),
            Error::Locked { .. } => Some("try again when that process has finished".to_owned()),
            _ => None,
        }
    }
}

fn after_colon(detail: &Option<String>) -> String {
    detail.as_ref().map_or_else(String::new, |detail| format!(": {detail}"))
}

fn with_codes(failed: &[(String, u8)]) -> String {
    let each: Vec<_> = failed.iter().map(|(name, code)| format!("{name} (exit code {code})")).collect();
    each.join(", ")
}

/// The hint for an error of the file system. `None`: there is no general advice.
pub(crate) fn hint_of_io(error: &io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "free some disk space or raise the file size limit (`ulimit -f`), then run the command again"
        }
        ErrorKind::NotFound | ErrorKind::NotADirectory => "the folder must exist",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "the file and its folder must be readable and writable for this user"
        }
        ErrorKind::IsADirectory => "give the name of a file, not of a folder",
        _ => return None,
    })
}

/// What the file system lacks, if SQLite failed for that reason. `None`: it failed for another reason.
fn missing_in_file_system(error: &rusqlite::Error) -> Option<&'static str> {
    use rusqlite::ffi::{
        SQLITE_IOERR_CHECKRESERVEDLOCK, SQLITE_IOERR_LOCK, SQLITE_IOERR_RDLOCK, SQLITE_IOERR_SHMLOCK,
        SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMOPEN, SQLITE_IOERR_UNLOCK, SQLITE_NOLFS, SQLITE_PROTOCOL,
    };
    match error.sqlite_error()?.extended_code {
        SQLITE_IOERR_SHMOPEN | SQLITE_IOERR_SHMMAP => Some("shared memory"),
        SQLITE_IOERR_LOCK
        | SQLITE_IOERR_RDLOCK
        | SQLITE_IOERR_UNLOCK
        | SQLITE_IOERR_CHECKRESERVEDLOCK
        | SQLITE_IOERR_SHMLOCK
        | SQLITE_PROTOCOL => Some("working locks"),
        SQLITE_NOLFS => Some("large files"),
        _ => None,
    }
}

/// SQLite's message, after a plain cause where one is known.
fn describe(error: &rusqlite::Error) -> String {
    if let Some(missing) = missing_in_file_system(error) {
        return format!("its file system has no {missing} ({error})");
    }
    let cause = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full",
        Some(ErrorCode::SystemIoFailure) => "reading or writing the file failed",
        Some(ErrorCode::ReadOnly) => "the file is not writable for this user",
        Some(ErrorCode::DatabaseCorrupt) => "the file is damaged",
        Some(ErrorCode::NotADatabase) => "the file is not an SQLite database, or its header is damaged",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another program has locked the file",
        _ => return error.to_string(),
    };
    format!("{cause} ({error})")
}

/// Whether SQLite waited for a lock of another program in vain.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// The hint for an error of SQLite. `None`: there is no general advice.
fn sqlite_hint(error: &rusqlite::Error) -> Option<&'static str> {
    if missing_in_file_system(error).is_some() {
        return Some(LOCAL_DISK_HINT);
    }
    Some(match error.sqlite_error_code()? {
        ErrorCode::DiskFull => "free some disk space, then run the command again; committed data is kept",
        ErrorCode::SystemIoFailure => {
            "check for a full or failing disk and for a file size limit (`ulimit -f`); committed data is kept"
        }
        ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
            "the file and its folder must be readable and writable for this user"
        }
        ErrorCode::DatabaseCorrupt => DAMAGED_HINT,
        ErrorCode::NotADatabase => {
            "name another file with --db, or restore a backup with `runledger restore BACKUP`"
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            "wait until the other program has finished, or close it, then try again"
        }
        _ => return None,
    })
}

/// The lines that people see: `error: …`, the cause and the hint. Control characters are escaped, because a text may
/// quote data.
pub(crate) fn render(text: &str, hint: Option<&str>) -> String {
    let lines: Vec<_> = text.lines().map(escape_control).collect();
    let hint = hint.map_or_else(String::new, |hint| format!("\n  hint:  {}", escape_control(hint)));
    format!("error: {}{hint}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_on_a_file_system_that_lacks_something_belongs_elsewhere() {
        use rusqlite::ffi;
        let rendered = |code| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            Error::from(error).in_archive(Path::new("a.db")).render()
        };
        for code in [
            ffi::SQLITE_IOERR_SHMMAP,
            ffi::SQLITE_IOERR_SHMLOCK,
            ffi::SQLITE_IOERR_RDLOCK,
            ffi::SQLITE_IOERR_LOCK,
            ffi::SQLITE_PROTOCOL,
        ] {
            let text = rendered(code);
            assert!(text.contains("its file system has no ") && text.contains("on a local disk"), "{text}");
        }
        // The index of the log does not fit on a full disk.
        for code in [ffi::SQLITE_IOERR_SHMSIZE, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_BUSY] {
            assert!(!rendered(code).contains("local disk"));
        }
    }

    #[test]
    fn an_error_renders_with_cause_and_hint() {
        let error =
            Error::ApiUnavailable { what: "no response".to_owned(), cause: "timeout\u{1b}".to_owned() };
        assert_eq!(error.on_one_line(), "no response: timeout\u{1b}");
        assert_eq!(
            error.render(),
            "error: no response\n  cause: timeout\\u{1b}\n  hint:  everything read so far is kept; run `runledger sync` again"
        );
        assert_eq!(
            error.render_json(),
            r#"{"cause":"timeout\u001b","error":"no response","exit_code":5,"hint":"everything read so far is kept; run `runledger sync` again"}"#
        );
        assert_eq!(
            Error::usage("x").render_json(),
            r#"{"cause":null,"error":"x","exit_code":2,"hint":null}"#
        );
    }
}
