//! The close made last, whose zone and date basis apply where neither arguments nor settings give them.
//!
//! Otherwise an open month would have other bounds than the closed month before it, and both would share or lose runs.

use super::scope::{AsOf, DateBasis};
use crate::error::{Error, Result};
use crate::store::{Archive, ClosedMonth};
use chrono_tz::Tz;

/// The booking of the close made last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LatestClose {
    /// The closed month: `2026-01`.
    pub period: String,
    /// Its zone.
    pub zone: Tz,
    /// Its date basis.
    pub date: DateBasis,
}

impl LatestClose {
    /// The close made last. With `as_of`, closes with later knowledge are left out: they did not exist then. `None`:
    /// there is none.
    ///
    /// # Errors
    /// Those of SQLite; [`Error::Internal`] when this version cannot read the close; as [`AsOf::instant`].
    pub(crate) fn of(archive: &Archive, as_of: Option<AsOf>) -> Result<Option<LatestClose>> {
        for month in archive.closes_by_age()? {
            let close = LatestClose::read(&month)?;
            // A day ends in the zone of the question, which is that of the close if it existed then.
            let existed = match as_of {
                Some(as_of) => month.known_at <= as_of.instant(close.zone)?,
                None => true,
            };
            if existed {
                return Ok(Some(close));
            }
        }
        Ok(None)
    }

    fn read(month: &ClosedMonth) -> Result<LatestClose> {
        let ClosedMonth { period, zone, date_basis, .. } = month;
        let unreadable = || {
            Error::Internal(format!("the close of {period} is in {zone} by {date_basis}, which is unknown"))
        };
        Ok(LatestClose {
            period: period.clone(),
            zone: zone.parse().map_err(|_| unreadable())?,
            date: DateBasis::named(date_basis).ok_or_else(unreadable)?,
        })
    }
}
