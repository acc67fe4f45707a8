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
    /// The position and the zone of the ledger whose runs are read.
    ledger: Option<(usize, Tz)>,
    /// The period of the last run. Rows come in order of time, so the next run is mostly in the same period.
    current: Option<(Period, usize)>,
}

impl Slicer {
    /// A slicer by periods of one kind that has found no slice.
    pub(super) fn new(calendar: Calendar) -> Slicer {
        Slicer { calendar, slices: Vec::new(), positions: HashMap::new(), ledger: None, current: None }
    }

    /// Starts a ledger: the runs that follow belong to it.
    pub(super) fn enter_ledger(&mut self, ledger: &Ledger<'_>) {
        let position = self.ledger.map_or(0, |(position, _)| position + 1);
        self.ledger = Some((position, ledger.scope().zone));
        self.current = None;
    }

    /// The position of the run's slice.
    pub(super) fn position_of(&mut self, run: &IndexedRun<'_>) -> Result<usize> {
        let booked_at = run.booked_at()?;
        if let (Some(booked_at), Some((period, position))) = (booked_at, &self.current)
            && period.contains(booked_at)
        {
            return Ok(*position);
        }
        let (ledger, zone) = self.ledger.expect("a ledger is entered before its runs are read");
        let Some(instant) = booked_at.and_then(Instant::parse) else {
            return Ok(self.intern(Slice { ledger, period: None }));
        };
        let period = Period::around(instant, self.calendar, zone);
        let position = self.intern(Slice { ledger, period: Some(period.label.clone()) });
        self.current = Some((period, position));
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
