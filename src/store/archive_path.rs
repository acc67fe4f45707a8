//! The path of an archive, resolved once: the lock, the header check and SQLite all use the same file.

use super::header::is_archive;
use super::{COMPANION_SUFFIXES, unusable};
use crate::error::{Error, Result, hint_of_io};
use crate::escape::shell_word;
use crate::paths::folder_of;
use crate::suggest::nearest;
use crate::symlinks::resolve;
use std::borrow::Cow;
use std::fs;
use std::io::ErrorKind;
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A path without symbolic links. It stays as the user gave it if it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ArchivePath(PathBuf);

impl ArchivePath {
    /// Resolves the path of an archive, which need not exist yet.
    ///
    /// # Errors
    /// [`Error::Usage`] when SQLite would take the name for something else than a path; [`Error::Archive`] when the
    /// path leads to a device or pipe, or nowhere.
    pub(crate) fn resolve(given: &Path) -> Result<ArchivePath> {
        check_archive_name(given)?;
        refuse_special_file(given)?;
        let resolved = match resolve(given) {
            Ok(resolved) => resolved,
            // Without its folder there is nothing to resolve. The error comes where the file is needed.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(ArchivePath(given.to_owned())),
            Err(error) => {
                return Err(unusable(given, error.to_string(), hint_of_io(&error).map(ToOwned::to_owned)));
            }
        };
        // Messages then name the file as the user does.
        let has_links = std::path::absolute(given).map_or(true, |absolute| absolute != resolved);
        Ok(ArchivePath(if has_links { resolved } else { given.to_owned() }))
    }

    /// The archive in the same folder with the most similar name, apart from the extension, as the user would give it.
    /// `None`: there is none.
    pub(super) fn similar(&self) -> Option<PathBuf> {
        let files = fs::read_dir(folder_of(self)).ok()?.flatten();
        let names = files.map(|file| self.with_file_name(file.file_name()));
        let archives: Vec<PathBuf> = names.filter(|path| is_archive(path)).collect();
        let stem = |path: &Path| Some(path.file_stem()?.to_str()?.to_owned());
        let stems: Vec<String> = archives.iter().filter_map(|path| stem(path)).collect();
        let most_similar = nearest(&stem(self)?, stems.iter().map(String::as_str))?;
        archives.iter().find(|path| stem(path).as_deref() == Some(most_similar)).cloned()
    }

    /// Resolves the path of an archive to write to.
    ///
    /// # Errors
    /// As [`ArchivePath::resolve`]; [`Error::Archive`] when the file has other hard links, or belongs to another
    /// archive as its log or lock.
    pub(super) fn resolve_for_writing(given: &Path) -> Result<ArchivePath> {
        let path = ArchivePath::resolve(given)?;
        if let Some(links) = path.other_links() {
            let hint =
                format!("use a copy, which has one name: `runledger backup --db {} NEW`", shell_word(&path));
            return Err(unusable(
                &path,
                format!("{links}, and each would have a log of its own"),
                Some(hint),
            ));
        }
        if let Some(owner) = path.owner() {
            let cause = format!("it belongs to the archive {}", owner.display());
            return Err(unusable(&path, cause, Some("name another file with --db".to_owned())));
        }
        Ok(path)
    }

    /// Warns a reader of other hard links: a sync through another name can have its newest data in another log.
    pub(super) fn warn_of_other_links(&self) {
        if let Some(links) = self.other_links() {
            tracing::warn!(
                "{}: {links}. Data that a sync wrote under another name can be missing here",
                self.0.display()
            );
        }
    }

    /// How many names the file has. `None`: only this one, or there is no file.
    fn other_links(&self) -> Option<String> {
        let file = fs::metadata(&self.0).ok().filter(fs::Metadata::is_file)?;
        (file.nlink() > 1).then(|| format!("the file has {} names (hard links)", file.nlink()))
    }

    /// The archive whose log or lock has this name. `None`: there is none.
    fn owner(&self) -> Option<PathBuf> {
        let name = self.0.as_os_str().as_bytes();
        let owners = COMPANION_SUFFIXES.iter().filter_map(|suffix| name.strip_suffix(suffix.as_bytes()));
        let mut owners = owners.map(|owner| PathBuf::from(std::ffi::OsStr::from_bytes(owner)));
        owners.find(|owner| is_archive(owner))
    }
}

impl Deref for ArchivePath {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl AsRef<Path> for ArchivePath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

/// Refuses names that SQLite takes for something else: a URI, or a database in memory.
///
/// # Errors
/// [`Error::Usage`] with the name.
pub(crate) fn check_archive_name(name: &Path) -> Result<()> {
    let bytes = name.as_os_str().as_bytes();
    let is_special = bytes.is_empty() || bytes == b":memory:" || bytes.starts_with(b"file:");
    if !is_special {
        return Ok(());
    }
    Err(Error::Usage {
        what: format!(
            "an archive cannot be named `{}`, which SQLite does not take for a path",
            name.display()
        ),
        hint: Some(match bytes.is_empty() {
            true => "name a file with --db".to_owned(),
            false => format!("name another file with --db, or write ./{}", name.display()),
        }),
    })
}

/// The path for SQLite, which takes `file:` at its start for a URI.
pub(super) fn sqlite_path(path: &Path) -> Cow<'_, Path> {
    match path.is_absolute() {
        true => Cow::Borrowed(path),
        false => Cow::Owned(Path::new(".").join(path)),
    }
}

/// Refuses what is neither a file nor a folder, before anything opens it: a named pipe would block.
///
/// # Errors
/// [`Error::Archive`] that says what it is.
pub(super) fn refuse_special_file(path: &Path) -> Result<()> {
    let Ok(kind) = fs::metadata(path).map(|found| found.file_type()) else { return Ok(()) };
    let what = match () {
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_socket() => "a socket",
        () if kind.is_char_device() || kind.is_block_device() => "a device",
        () => return Ok(()),
    };
    let hint = "name another file with --db".to_owned();
    Err(unusable(path, format!("it is {what}, and an archive is a file"), Some(hint)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_name_that_sqlite_does_not_take_for_a_path_is_refused() {
        for name in ["", ":memory:", "file:", "file:a.db", "file:a.db?nolock=1", "file:///tmp/a.db"] {
            assert_eq!(ArchivePath::resolve(Path::new(name)).unwrap_err().exit_code(), 2, "{name}");
        }
        for name in ["./file:a.db", "./:memory:", "files.db", ":memory:.db", "a.db?nolock=1", "FILE:a.db"] {
            let path = ArchivePath::resolve(Path::new(name)).unwrap();
            assert_eq!(&*path, Path::new(name));
            assert!(sqlite_path(&path).starts_with("."), "{name}");
        }
    }

    #[test]
    fn a_path_with_links_is_replaced_by_that_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(folder.path()).unwrap();
        let (link, file) = (folder.join("link.db"), folder.join("file.db"));
        symlink("file.db", &link).unwrap();
        for _ in 0..2 {
            assert_eq!(&*ArchivePath::resolve(&link).unwrap(), file);
            assert_eq!(&*ArchivePath::resolve(&file).unwrap(), file);
            fs::write(&file, "").unwrap();
        }
        let nowhere = folder.join("none/a.db");
        assert_eq!(&*ArchivePath::resolve(&nowhere).unwrap(), nowhere);
        assert_eq!(ArchivePath::resolve(Path::new("/dev/null")).unwrap_err().exit_code(), 6);
    }

    #[test]
    fn a_file_with_several_names_is_for_readers_only() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one.db"), folder.path().join("other.db"));
        fs::write(&one, "").unwrap();
        assert!(ArchivePath::resolve_for_writing(&one).is_ok());
        fs::hard_link(&one, &other).unwrap();
        for path in [&one, &other] {
            let refused = ArchivePath::resolve_for_writing(path).unwrap_err();
            assert!(refused.exit_code() == 6 && refused.to_string().contains("2 names"), "{refused}");
            assert!(ArchivePath::resolve(path).is_ok());
        }
    }
}
