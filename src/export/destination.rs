//! This is the place that output goes to: the standard output, or a file that is replaced in one step.

use crate::atomic_file::write_atomically;
use crate::error::{Error, Result};
use crate::store::{COMPANION_SUFFIXES, is_archive};
use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// How many bytes are collected before the system is asked to write them.
const BUFFER_BYTES: usize = 128 * 1024;

/// Where output goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Standard output. Whoever reads it may stop early: that is no error.
    StandardOutput,
    /// A file. Readers see the old one or the new one, whole.
    File(PathBuf),
}

/// Why something was not written: the place refused it, or what should be written could not be made.
#[derive(Debug)]
pub enum WriteError {
    /// The place refused it.
    Io(io::Error),
    /// It could not be made.
    Source(Error),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> WriteError {
        WriteError::Io(error)
    }
}

impl From<Error> for WriteError {
    fn from(error: Error) -> WriteError {
        WriteError::Source(error)
    }
}

/// Refuses a place that is an archive, or one of the files that belong to it: an answer that takes its place would be the end
/// of what was kept.
///
/// # Errors
/// [`Error::Usage`] naming it.
pub fn spare_archives(place: &Path) -> Result<()> {
    let text = place.to_string_lossy();
    let archive = COMPANION_SUFFIXES.iter().find_map(|ending| text.strip_suffix(ending)).map(Path::new);
    match [Some(place), archive].into_iter().flatten().find(|path| is_archive(path)) {
        None => Ok(()),
        Some(archive) => Err(Error::Usage {
            what: format!("{}: {} is an archive, and would be lost", place.display(), archive.display()),
            hint: Some("name another file".to_owned()),
        }),
    }
}

impl Destination {
    /// The file at `path`, or the standard output where there is none.
    pub fn at(path: Option<&Path>) -> Destination {
        path.map_or(Destination::StandardOutput, |path| Destination::File(path.to_owned()))
    }

    /// Puts there what `write` writes. After an error a file is as it was before.
    ///
    /// # Errors
    /// [`Error::Output`] when the place refuses, [`Error::Usage`] when it is an archive; whatever `write` says otherwise.
    pub fn write(&self, write: impl FnOnce(&mut dyn Write) -> Result<(), WriteError>) -> Result<()> {
        let written = match self {
            Destination::StandardOutput => match buffered(io::stdout().lock(), write) {
                Err(WriteError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                written => written,
            },
            Destination::File(path) => {
                spare_archives(path)?;
                write_file(path, write)
            }
        };
        written.map_err(|error| match error {
            WriteError::Io(cause) => Error::Output { what: self.to_string(), cause },
            WriteError::Source(error) => error,
        })
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Destination::StandardOutput => f.write_str("standard output"),
            Destination::File(path) => path.display().fmt(f),
        }
    }
}

fn buffered(
    place: impl Write,
    write: impl FnOnce(&mut dyn Write) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, place);
    let written = write(&mut out).and_then(|()| Ok(out.flush()?));
    // What an error left behind is not wanted: dropping the writer would write it.
    let (_place, _unwritten) = out.into_parts();
    written
}

/// Writes to the file at `path` in one step.
fn write_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    match fs::metadata(path) {
        // A device or a pipe, such as /dev/null, is written to and never replaced.
        Ok(there) if !there.is_file() => buffered(OpenOptions::new().write(true).open(path)?, write),
        _ => write_atomically(path, |beside| buffered(beside.as_file_mut(), write)),
    }
}
