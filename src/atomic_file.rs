//! Atomic writes: readers see the old file or the new one, never a part.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, PersistError};

/// Lets `fill` write a temporary file in the same folder, syncs it to disk, and renames it to `path`. After an error,
/// `path` is unchanged.
///
/// # Errors
/// Those of the file system, and those of `fill`.
pub(crate) fn write_atomically<E: From<io::Error>>(
    path: &Path,
    fill: impl FnOnce(&mut NamedTempFile) -> Result<(), E>,
) -> Result<(), E> {
    // A symbolic link is kept: its target is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    write(&target, fill, |temporary| temporary.persist(&target))
}

/// Writes a file as [`write_atomically`] does, but never replaces one.
///
/// # Errors
/// Those of the file system, also when there is anything at `path`, and those of `fill`.
pub(crate) fn create_atomically<E: From<io::Error>>(
    path: &Path,
    fill: impl FnOnce(&mut NamedTempFile) -> Result<(), E>,
) -> Result<(), E> {
    write(path, fill, |temporary| temporary.persist_noclobber(path))
}

fn write<E: From<io::Error>>(
    target: &Path,
    fill: impl FnOnce(&mut NamedTempFile) -> Result<(), E>,
    install: impl FnOnce(NamedTempFile) -> Result<File, PersistError>,
) -> Result<(), E> {
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".runledger-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The umask decides, as for any new file; tempfile's default would be 0600.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut temporary = builder.tempfile_in(folder)?;
    fill(&mut temporary)?;
    temporary.as_file().sync_all()?;
    install(temporary).map_err(|error| error.error)?;
    // The rename must survive a power failure, too.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// Whether two paths lead to the same file, which need not exist yet.
pub(crate) fn same_file(one: &Path, other: &Path) -> bool {
    if let (Ok(one), Ok(other)) = (fs::metadata(one), fs::metadata(other)) {
        return (one.dev(), one.ino()) == (other.dev(), other.ino());
    }
    let resolved = |path: &Path| -> Option<PathBuf> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        Some(fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?.join(path.file_name()?))
    };
    resolved(one).is_some_and(|one| resolved(other) == Some(one))
}
