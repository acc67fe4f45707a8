//! The mark of a demo archive, which the next demo may replace.

use super::Archive;
use crate::error::Result;

/// The `user_version` of an archive that only `demo` has written to: "DEMO".
const DEMO_MARK: i32 = 0x4445_4D4F;

impl Archive {
    /// Marks the archive as a demo. Opening it for writing removes the mark, so a marked archive has no other data.
    ///
    /// # Errors
    /// Those of SQLite.
    #[cfg(feature = "sandbox")]
    pub(crate) fn mark_as_demo(&self) -> Result<()> {
        Ok(self.connection.pragma_update(None, "user_version", DEMO_MARK)?)
    }

    /// Whether only a demo has written to the archive.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn is_demo(&self) -> Result<bool> {
        let version: i32 = self.connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok(version == DEMO_MARK)
    }

    /// Removes the mark before another command writes to the archive.
    pub(super) fn remove_demo_mark(&self) -> Result<()> {
        match self.is_demo()? {
            true => Ok(self.connection.pragma_update(None, "user_version", 0)?),
            false => Ok(()),
        }
    }
}
