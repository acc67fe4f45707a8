//! Symbolic links, resolved: the file that a path leads to, even if that file does not exist yet.

use crate::file_system::FileId;
use crate::paths::folder_of;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The most dangling links to follow, as many as Linux follows of any kind.
const MAX_LINKS: usize = 40;

/// The absolute path without symbolic links. The last link may be dangling: the file need not exist, but its folder
/// must.
///
/// # Errors
/// Those of the file system, such as a missing folder or a loop of links; [`ErrorKind::IsADirectory`] when the path
/// names a folder that does not exist.
pub(crate) fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::canonicalize(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            resolved => return resolved,
        }
        let folder = fs::canonicalize(folder_of(&path))?;
        let name = path.file_name().filter(|_| !names_a_folder(&path)).ok_or(ErrorKind::IsADirectory)?;
        let file = folder.join(name);
        match fs::read_link(&file) {
            Ok(target) => path = folder.join(target),
            Err(_) => return Ok(file),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// Whether two paths lead to the same file, which need not exist yet.
pub(crate) fn same_file(one: &Path, other: &Path) -> bool {
    if let (Ok(one), Ok(other)) = (FileId::at(one), FileId::at(other)) {
        return one == other;
    }
    matches!((resolve(one), resolve(other)), (Ok(one), Ok(other)) if one == other)
}

/// Whether the path can only name a folder: `Path` ignores a slash at its end.
fn names_a_folder(path: &Path) -> bool {
    let bytes = path.as_os_str().as_bytes();
    bytes.ends_with(b"/") || bytes.ends_with(b"/.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_resolved_also_dangling_ones() {
        let folder = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(folder.path()).unwrap();
        let at = |name: &str| folder.join(name);
        fs::create_dir(at("data")).unwrap();
        symlink("data/runs.db", at("first.db")).unwrap();
        symlink(at("first.db"), at("second.db")).unwrap();
        symlink("data", at("linked")).unwrap();
        for path in ["first.db", "second.db", "linked/runs.db", "data/../linked/./runs.db"] {
            assert_eq!(resolve(&at(path)).unwrap(), at("data/runs.db"), "{path}");
            assert!(same_file(&at(path), &at("data/runs.db")), "{path}");
        }
        assert!(!same_file(&at("first.db"), &at("other.db")));
        fs::write(at("data/runs.db"), "").unwrap();
        assert_eq!(resolve(&at("second.db")).unwrap(), at("data/runs.db"));
    }

    #[test]
    fn a_path_that_cannot_name_a_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink(at("b"), at("a")).unwrap();
        symlink(at("a"), at("b")).unwrap();
        assert!(resolve(&at("a")).is_err());
        assert_eq!(resolve(&at("none/runs.db")).unwrap_err().kind(), ErrorKind::NotFound);
        for name in ["none/", "none/."] {
            assert_eq!(resolve(&at(name)).unwrap_err().kind(), ErrorKind::IsADirectory, "{name}");
        }
    }
}
