//! Atomic writes: readers see the old file or the new one, never a part.

use crate::access::{Access, PRIVATE};
use crate::file_system::{sync_file, sync_folder};
use crate::symlinks::resolve;
use crate::temporary_file::TemporaryFile;
use std::io;
use std::path::Path;
use tempfile::NamedTempFile;

/// Who can read and write a written file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccessLike<'a> {
    /// As the file that it replaces; without one, the umask decides.
    Replaced,
    /// As this archive.
    Archive(&'a Path),
}

/// Lets `fill` write a temporary file in the same folder, syncs it to disk, and renames it to `path`. The file has the
/// access of the file that it replaces. After an error, `path` is unchanged.
///
/// # Errors
/// Those of the file system, and those of `fill`.
pub(crate) fn write_atomically<E: From<io::Error>>(
    path: &Path,
    fill: impl FnOnce(&mut NamedTempFile) -> Result<(), E>,
) -> Result<(), E> {
    write_with_access(path, AccessLike::Replaced, fill)
}

/// Writes as [`write_atomically`] does, with access like that of another file.
///
/// # Errors
/// As [`write_atomically`].
pub(crate) fn write_with_access<E: From<io::Error>>(
    path: &Path,
    access: AccessLike<'_>,
    fill: impl FnOnce(&mut NamedTempFile) -> Result<(), E>,
) -> Result<(), E> {
    // A symbolic link is kept: its target is replaced, or created.
    write(&resolve(path)?, access, fill, true)
}

/// Writes a file as [`write_with_access`] does, but never replaces one.
///
/// # Errors
/// As [`write_with_access`]; also when there is anything at `path`.
pub(crate) fn create_with_access<E: From<io::Error>>(
    path: &Path,
    access: AccessLike<'_>,
    fill: impl FnOnce(&mut NamedTempFile) -> Result<(), E>,
) -> Result<(), E> {
    write(&resolve(path)?, access, fill, false)
}

fn write<E: From<io::Error>>(
    target: &Path,
    access: AccessLike<'_>,
    fill: impl FnOnce(&mut NamedTempFile) -> Result<(), E>,
    replace: bool,
) -> Result<(), E> {
    let folder = target.parent().unwrap_or(Path::new("/"));
    // The umask narrows the mode until the file is complete.
    let (access, first_mode) = match access {
        AccessLike::Replaced => {
            let replaced = Access::of(target);
            (replaced, replaced.map_or(0o666, Access::mode))
        }
        AccessLike::Archive(archive) => (Access::of(archive), PRIVATE),
    };
    let mut temporary = TemporaryFile::create_in(folder, first_mode)?;
    let file = temporary.file_mut();
    fill(file)?;
    if let Some(access) = access {
        access.apply_to(file.as_file());
    }
    sync_file(file.as_file())?;
    temporary.install(target, replace)?;
    Ok(sync_folder(folder)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// Writes a text to `path`, and returns the mode of the file.
    fn mode_of_written(path: &Path, access: AccessLike<'_>) -> u32 {
        write_with_access(path, access, |file| io::Write::write_all(file, b"new")).unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "new");
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_replaced_file_keeps_its_mode_and_a_copy_has_that_of_the_archive() {
        let folder = tempfile::tempdir().unwrap();
        let (path, archive) = (folder.path().join("out"), folder.path().join("a.db"));
        fs::write(&path, "").unwrap();
        let plain = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        fs::remove_file(&path).unwrap();
        assert_eq!(mode_of_written(&path, AccessLike::Replaced), plain);
        for mode in [0o600, 0o644, 0o666] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(mode_of_written(&path, AccessLike::Replaced), mode);
        }
        assert_eq!(mode_of_written(&path, AccessLike::Archive(&archive)), PRIVATE);
        fs::write(&archive, "").unwrap();
        fs::set_permissions(&archive, Permissions::from_mode(0o660)).unwrap();
        assert_eq!(mode_of_written(&path, AccessLike::Archive(&archive)), 0o660);
    }

    #[test]
    fn a_dangling_link_is_followed_like_a_live_one() {
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("link"), folder.path().join("target"));
        symlink("target", &link).unwrap();
        for _ in 0..2 {
            mode_of_written(&link, AccessLike::Replaced);
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert!(fs::symlink_metadata(&target).unwrap().is_file());
        }
    }
}
