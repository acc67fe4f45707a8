//! Slices: the runs of a group by period and ledger, for calculations that need the figures of each.

use super::ledger::Ledger;
use super::period::{Calendar, Period};
use super::run_scan::IndexedRun;
use crate::error::Result;
use crate::run::Instant;
use chrono_tz::Tz;
use std::collections::{BTreeMap, HashMap};

/// The period and the ledger of some runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Slice {
    /// The position among the ledgers.
    pub(crate) ledger: usize,
    /// The label of the period. `None`: nothing books the runs.
    pub(crate) period: Option<String>,
}

/// The aggregates of a group by the position of their slice.
#[derive(Debug, Clone)]
pub(crate) struct Sliced<T>(pub(crate) BTreeMap<usize, T>);

impl<T> Default for Sliced<T> {
    fn default() -> Sliced<T> {
        Sliced(BTreeMap::new())
    }
}

/// Finds the slices of runs.
pub(super) struct Slicer {
    calendar: Calendar,
    slices: Vec<Slice>,
    positions: HashMap<Slice, usize>,
    /// By ledger.
    zones: Vec<Tz>,
    /// The ledger and the period of the last run, and the position of their slice. Rows come in order of time, so the
    /// next run is mostly in the same period.
    current: Option<(usize, Period, usize)>,
}

impl Slicer {
    /// A slicer of these ledgers' runs by periods of one kind that has found no slice.
    pub(super) fn new(calendar: Calendar, ledgers: &[Ledger<'_>]) -> Slicer {
        let zones = ledgers.iter().map(|ledger| ledger.scope().zone).collect();
        Slicer { calendar, slices: Vec::new(), positions: HashMap::new(), zones, current: None }
    }

    /// The position of the slice of a run of the ledger at this position.
    pub(super) fn position_of(&mut self, ledger: usize, run: &IndexedRun<'_>) -> Result<usize> {
        let booked_at = run.booked_at()?;
        if let (Some(booked_at), Some((last, period, position))) = (booked_at, &self.current)
            && *last == ledger
            && period.contains(booked_at)
        {
            return Ok(*position);
        }
        let Some(instant) = booked_at.and_then(Instant::parse) else {
            return Ok(self.intern(Slice { ledger, period: None }));
        };
        let period = Period::around(instant, self.calendar, self.zones[ledger]);
        let position = self.intern(Slice { ledger, period: Some(period.label.clone()) });
        self.current = Some((ledger, period, position));
        Ok(position)
    }

    fn intern(&mut self, slice: Slice) -> usize {
        let next = self.slices.len();
        let position = *self.positions.entry(slice.clone()).or_insert(next);
        if position == next {
            self.slices.push(slice);
        }
        position
    }

    /// The slices found, by position.
    pub(super) fn into_slices(self) -> Vec<Slice> {
        self.slices
    }
}
