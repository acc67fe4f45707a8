//! The folder of statements: locked, checked, and written together with its index.
//!
//! Write order: the files of each statement, the removal of files without a statement, last the index. A killed export
//! leaves the old index, whose hashes the check compares with the files; writing again completes it. Other files in
//! the folder are left alone.

use super::file_name::month_of;
use super::index::{INDEX_FILE, Index};
use crate::error::{Error, Result};
use crate::export::Destination;
use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// A folder, locked for this process until it is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// The files of the statements that it had before.
    old_files: BTreeSet<String>,
    /// The lock, which the kernel releases when the process ends. It leaves no file behind. `None`: the file system
    /// has no locks.
    _lock: Option<File>,
}

impl Folder {
    /// Opens the folder for the statements of `wanted`, or creates it.
    ///
    /// # Errors
    /// [`Error::Usage`] when it has statements of another month, time zone, date basis or archive; nothing is changed
    /// then. [`Error::Output`] when it cannot be written, or when another process is writing statements to it.
    pub(super) fn open(path: &Path, wanted: &Index) -> Result<Folder> {
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_dir() => {
                return Err(Error::Usage {
                    what: format!("--output {} is not a folder, but statements need one", path.display()),
                    hint: Some("give another folder".to_owned()),
                });
            }
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(output_error(path, cause)),
            _ => {}
        }
        fs::create_dir_all(path).map_err(|cause| output_error(path, cause))?;
        let lock = lock(path)?;
        let old_files = inspect(path, wanted)?;
        Ok(Folder { path: path.to_owned(), old_files, _lock: lock })
    }

    /// The path of a file.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Removes the files of statements that `index` does not list, and writes the index.
    ///
    /// # Errors
    /// [`Error::Output`] when the folder cannot be written.
    pub(super) fn complete(&self, index: &Index) -> Result<()> {
        let files: BTreeSet<&str> = index
            .statements
            .iter()
            .flat_map(|statement| &statement.files)
            .map(|file| file.name.as_str())
            .collect();
        for file in self.old_files.iter().filter(|file| !files.contains(file.as_str())) {
            let path = self.file(file);
            match fs::remove_file(&path) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                    return Err(output_error(&path, cause));
                }
                _ => {}
            }
        }
        Destination::File(self.file(INDEX_FILE)).write(|out| Ok(out.write_all(&index.json())?))
    }
}

/// The names of the statements' files in the folder, sorted.
///
/// # Errors
/// Those of the file system.
pub(super) fn files_of_statements(folder: &Path) -> io::Result<BTreeSet<String>> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        // A name that is not UTF-8 is none of ours.
        files.extend(entry?.file_name().into_string().ok().filter(|name| month_of(name).is_some()));
    }
    Ok(files)
}

/// The files of the statements that the folder already has, all of the wanted month.
fn inspect(folder: &Path, wanted: &Index) -> Result<BTreeSet<String>> {
    let refused = |what: String| Error::Usage {
        what: format!("{} has {what}", folder.display()),
        hint: Some(format!(
            "give a folder of its own, such as --output statements-{}",
            wanted.identity.period
        )),
    };
    let index = Index::read(folder)?;
    if let Some(difference) = index.as_ref().and_then(|index| index.identity.difference(&wanted.identity)) {
        return Err(refused(format!("statements of {difference}")));
    }
    let files = files_of_statements(folder).map_err(|cause| output_error(folder, cause))?;
    let other = files.iter().find(|file| month_of(file) != Some(&wanted.identity.period));
    if let Some(other) = other {
        return Err(refused(format!("{other}, a statement of another month")));
    }
    let listed = index.into_iter().flat_map(|index| index.statements).flat_map(|statement| statement.files);
    Ok(listed.map(|file| file.name).collect())
}

fn lock(folder: &Path) -> Result<Option<File>> {
    let file = File::open(folder).map_err(|cause| output_error(folder, cause))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {
            let cause =
                io::Error::new(io::ErrorKind::ResourceBusy, "another process is writing statements to it");
            Err(output_error(folder, cause))
        }
        // A network share may not lock folders. Each file is written atomically there too.
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

fn output_error(path: &Path, cause: io::Error) -> Error {
    Error::Output { what: path.display().to_string(), cause }
}
