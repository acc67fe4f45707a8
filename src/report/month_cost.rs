//! The cost of one month, read from the part of the index that has its runs: for answers that must not read every run.

use super::cost::{self, CostTotals};
use super::ledger::Ledger;
use super::period::{Calendar, Period, Span};
use super::scope::{DateBasis, Scope};
use crate::error::Result;
use crate::run::{Instant, Usd};
use crate::store::{Archive, ClosedMonth};
use chrono_tz::Tz;

/// The month of a moment and the cost of its runs. `None`: the index is not in the order of this date basis, so every
/// run would be read.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn around(
    archive: &Archive,
    moment: Instant,
    zone: Tz,
    date: DateBasis,
) -> Result<Option<(String, CostTotals)>> {
    let Period { label, start, end } = Period::around(moment, Calendar::Month, zone);
    let span = Span { from: start, until: end };
    Ok(cost_in(archive, span, date)?.map(|totals| (label, totals)))
}

/// What has changed in a closed month since its close. `None`: as [`around`].
///
/// # Errors
/// Those of SQLite.
pub(crate) fn change_since_close(archive: &Archive, month: &ClosedMonth) -> Result<Option<Usd>> {
    let Some(date) = DateBasis::named(&month.date_basis) else { return Ok(None) };
    let span = Span { from: Some(month.starts_at), until: Some(month.ends_at) };
    let closed = Usd::from_units(month.total_cost_nanos.unwrap_or_default().into());
    Ok(cost_in(archive, span, date)?.map(|totals| totals.total().unwrap_or_default() - closed))
}

fn cost_in(archive: &Archive, span: Span, date: DateBasis) -> Result<Option<CostTotals>> {
    if date != DateBasis::Started {
        return Ok(None);
    }
    let ledger = Ledger::open(archive.connection(), Scope { span, ..Scope::default() })?;
    cost::total(&ledger).map(Some)
}
