//! Who can read and write a file: its mode, owner and group.

use std::fs::{File, Metadata, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

/// The mode of a new archive: it contains the ids of users and tokens.
pub(crate) const PRIVATE: u32 = 0o600;

/// The bits of a mode that give access.
const ACCESS_BITS: u32 = 0o777;

/// The bits that give access to the group.
const GROUP_BITS: u32 = 0o070;

/// The mode, owner and group of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Access {
    mode: u32,
    owner: u32,
    group: u32,
}

impl Access {
    /// The access to the file at `path`. `None`: there is no such file.
    pub(crate) fn of(path: &Path) -> Option<Access> {
        std::fs::metadata(path).ok().filter(Metadata::is_file).as_ref().map(Access::from)
    }

    /// The same, and the owner can read and write the file.
    pub(crate) fn writable_by_owner(self) -> Access {
        Access { mode: self.mode | PRIVATE, ..self }
    }

    /// The mode.
    pub(crate) fn mode(self) -> u32 {
        self.mode
    }

    /// Gives the file this access, as far as the system permits. A group that cannot be set gets no access through its
    /// bits in the mode, because they would apply to another group.
    pub(crate) fn apply_to(self, file: &File) {
        let Ok(current) = file.metadata().as_ref().map(Access::from) else { return };
        if current == self {
            return;
        }
        let mut mode = self.mode;
        // Only root can set another owner.
        if (current.owner, current.group) != (self.owner, self.group)
            && fchown(file, Some(self.owner), Some(self.group)).is_err()
            && current.group != self.group
            && fchown(file, None, Some(self.group)).is_err()
        {
            mode &= !GROUP_BITS;
        }
        // Some file systems have no modes.
        let _ = file.set_permissions(Permissions::from_mode(mode));
    }
}

impl From<&Metadata> for Access {
    fn from(metadata: &Metadata) -> Access {
        Access { mode: metadata.mode() & ACCESS_BITS, owner: metadata.uid(), group: metadata.gid() }
    }
}
