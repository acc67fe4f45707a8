//! This is the catalogue of everything that can end a command: what happened, why, what to do, and the exit code.

use std::path::PathBuf;
use thiserror::Error;

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
    AnswerTooLarge {
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
    #[error("the archive answered with an error\n  because: {0}")]
    Sqlite(#[from] rusqlite::Error),

    /// A file or the standard output could not be written.
    #[error("{what} was not written\n  because: {cause}")]
    Output {
        /// The file, or "standard output".
        what: String,
        /// What the system said.
        cause: std::io::Error,
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

    /// Something that nobody foresaw.
    #[error("{0}")]
    Unforeseen(String),
}

impl Error {
    /// A usage error that needs no hint.
    pub fn usage(what: impl Into<String>) -> Error {
        Error::Usage { what: what.into(), hint: None }
    }

    /// The exit code of the process that ends with this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Unforeseen(_) => 1,
            Error::Usage { .. } => 2,
            Error::Partial { .. } => 3,
            Error::KeyRefused { .. } => 4,
            Error::ApiUnavailable { .. } | Error::AnswerTooLarge { .. } => 5,
            Error::Archive { .. } | Error::Sqlite(_) => 6,
            Error::Output { .. } => 7,
            Error::Locked { .. } => 11,
            Error::Interrupted { number, .. } => 128 + number,
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
            Error::Locked { .. } => Some("wait until it ends, then try again".to_owned()),
            _ => None,
        }
    }
}
