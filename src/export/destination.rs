//! Output destinations: standard output, or a file that is replaced atomically.

use crate::atomic_file::write_atomically;
use crate::error::{Error, Result};
use crate::store::{COMPANION_SUFFIXES, is_archive};
use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The size of the output buffer.
const BUFFER_BYTES: usize = 128 * 1024;

/// The target of an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Standard output. A reader that closes the pipe early causes no error.
    StandardOutput,
    /// A file. Readers see the old file or the new one, never a part of it.
    File(PathBuf),
}

/// The reason that output was not written.
#[derive(Debug)]
pub enum WriteError {
    /// The destination could not be written.
    Io(io::Error),
    /// The content could not be produced.
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

/// Rejects an archive as a destination, and the files that belong to one: writing there would
/// destroy its data.
///
/// # Errors
/// [`Error::Usage`] with the path of the archive.
pub(crate) fn reject_archive(path: &Path) -> Result<()> {
    let text = path.to_string_lossy();
    let archive = COMPANION_SUFFIXES.iter().find_map(|suffix| text.strip_suffix(suffix)).map(Path::new);
    match [Some(path), archive].into_iter().flatten().find(|path| is_archive(path)) {
        None => Ok(()),
        Some(archive) => Err(Error::Usage {
            what: format!(
                "cannot write to {}: it would overwrite the archive {}",
                path.display(),
                archive.display()
            ),
            hint: Some("choose another output file".to_owned()),
        }),
    }
}

impl Destination {
    /// The file at `path`; `None`: standard output.
    pub fn at(path: Option<&Path>) -> Destination {
        path.map_or(Destination::StandardOutput, |path| Destination::File(path.to_owned()))
    }

    /// Writes what `write` produces. After an error a file is unchanged.
    ///
    /// # Errors
    /// [`Error::Output`] when the destination cannot be written, [`Error::Usage`] when it is an
    /// archive, and the errors of `write`.
    pub fn write(&self, write: impl FnOnce(&mut dyn Write) -> Result<(), WriteError>) -> Result<()> {
        let result = match self {
            Destination::StandardOutput => match buffered(io::stdout().lock(), write) {
                Err(WriteError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                result => result,
            },
            Destination::File(path) => {
                reject_archive(path)?;
                write_file(path, write)
            }
        };
        result.map_err(|error| match error {
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
    inner: impl Write,
    write: impl FnOnce(&mut dyn Write) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, inner);
    let result = write(&mut out).and_then(|()| Ok(out.flush()?));
    // Discard what an error left in the buffer: dropping the writer would write it.
    let (_inner, _unwritten) = out.into_parts();
    result
}

/// Replaces the file at `path` atomically.
fn write_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    match fs::metadata(path) {
        // A device or a pipe, such as /dev/null, is written to and never replaced.
        Ok(metadata) if !metadata.is_file() => buffered(OpenOptions::new().write(true).open(path)?, write),
        _ => write_atomically(path, |file| buffered(file.as_file_mut(), write)),
    }
}
