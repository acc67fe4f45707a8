//! Overlap of archives: two archives of one workspace would count their runs twice.

use super::Archive;
use crate::error::{Error, Result};
use rusqlite::{Rows, Statement};
use std::cmp::Ordering;

/// The run ids in order, once for each snapshot. An index covers the query.
const RUN_IDS: &str = "SELECT run_id FROM run_snapshots ORDER BY run_id";

/// A cursor over the run ids of an archive.
struct Ids<'a> {
    rows: Rows<'a>,
    /// `None`: there are no more.
    id: Option<String>,
}

impl<'a> Ids<'a> {
    fn of(statement: &'a mut Statement<'_>) -> Result<Ids<'a>> {
        let mut ids = Ids { rows: statement.query([])?, id: None };
        ids.advance()?;
        Ok(ids)
    }

    fn advance(&mut self) -> Result<()> {
        match self.rows.next()? {
            Some(row) => {
                let text = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
                let id = self.id.get_or_insert_default();
                id.clear();
                id.push_str(text);
            }
            None => self.id = None,
        }
        Ok(())
    }
}

impl Archive {
    /// The first run, in the order of ids, that both archives have. `None`: there is none. All ids are compared.
    ///
    /// # Errors
    /// [`Error::Archive`] for the archive that cannot be read.
    pub fn shared_run(&self, other: &Archive) -> Result<Option<String>> {
        let of_this = |error: Error| error.in_archive(&self.path);
        let of_other = |error: Error| error.in_archive(&other.path);
        let mut here = self.connection.prepare(RUN_IDS).map_err(|error| of_this(error.into()))?;
        let mut there = other.connection.prepare(RUN_IDS).map_err(|error| of_other(error.into()))?;
        let (mut here, mut there) =
            (Ids::of(&mut here).map_err(of_this)?, Ids::of(&mut there).map_err(of_other)?);
        while let (Some(one), Some(two)) = (&here.id, &there.id) {
            match one.cmp(two) {
                Ordering::Equal => return Ok(Some(one.clone())),
                Ordering::Less => here.advance().map_err(of_this)?,
                Ordering::Greater => there.advance().map_err(of_other)?,
            }
        }
        Ok(None)
    }
}
