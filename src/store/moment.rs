//! This is the moment of an archive: up to when it knows the API, in which version of its schema.

use super::Archive;
use crate::error::Result;
use crate::run::Instant;

/// Up to when an archive knows the API, and in which schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The latest observation of any sync; `None`: there was no sync.
    pub known_at: Option<Instant>,
    /// The number of the last migration; `None`: there was none.
    pub schema_version: Option<u32>,
}

impl Archive {
    /// The moment of what is read in the same transaction.
    pub fn moment(&self) -> Result<Moment> {
        let last = "SELECT max(last_observed_at) FROM syncs";
        let known_at = self.connection().query_row(last, [], |row| row.get(0))?;
        Ok(Moment { known_at, schema_version: self.schema_version()? })
    }
}
