//! The closes that booked a run: into which month, and with which cost.

use super::run::total_cost;
use crate::report::DateBasis;
use crate::run::{Instant, Usd};
use crate::store::{Close, HistoryEntry};

/// A close of the month that a run was in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Booking {
    /// When the month was closed.
    pub(super) closed_at: Instant,
    /// The close's number.
    pub(super) close_id: i64,
    /// The close that it replaces. `None`: it is the first of the month.
    pub(super) restates: Option<i64>,
    /// The month: `2026-09`.
    pub(super) month: String,
    /// The cost of the run as the close knew it. `None`: it was not known.
    pub(super) cost: Option<Usd>,
}

impl Booking {
    /// The closes of the months that the run was in when they were closed.
    pub(super) fn all(closes: &[Close], history: &[HistoryEntry]) -> Vec<Booking> {
        closes.iter().filter_map(|close| Booking::of(close, history)).collect()
    }

    /// `None`: the run was not known yet, or was in another month.
    fn of(close: &Close, history: &[HistoryEntry]) -> Option<Booking> {
        let frozen = &close.frozen;
        let known = history.iter().rfind(|entry| entry.observed_at <= frozen.known_at)?;
        let booked_at = DateBasis::named(&frozen.date_basis)?.of_run(&known.run)?;
        (frozen.starts_at <= booked_at && booked_at < frozen.ends_at).then(|| Booking {
            closed_at: frozen.closed_at,
            close_id: close.close_id,
            restates: frozen.restates,
            month: frozen.period.clone(),
            cost: total_cost(&known.run),
        })
    }
}
