//! This is the band of a pipeline: what its latest run cost or lasted, against its own runs before, as `queries/anomalies.sql` has it.

use super::figures::RunFacts;
use crate::error::Result;
use crate::run::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The latest value, and how many before it make its band.
const KEPT: usize = 31;

/// How many values before the latest it takes.
const LEAST_BEFORE: usize = 10;

/// The least half width of a band: a cent, and a minute.
const LEAST_NANOS: i64 = 10_000_000;
const LEAST_MILLIS: i64 = 60_000;

/// The latest values of one measure of one pipeline, in any order of arrival.
#[derive(Debug, Default)]
struct Latest {
    /// When each is booked, the number of its state, and what it was; the earliest on top.
    values: BinaryHeap<Reverse<(Instant, i64, i64)>>,
    /// A day that the earliest is not before; `None`: it is not known yet.
    earliest_day: Option<i32>,
}

impl Latest {
    /// Whether one of that day can be among the latest: whole numbers are compared sooner than texts.
    fn may_take(&self, day: i32) -> bool {
        self.earliest_day.is_none_or(|earliest| earliest <= day)
    }

    fn add(&mut self, (booked_at, day): (&str, i32), snapshot_id: i64, value: i64) {
        if self.values.len() == KEPT {
            let Some(Reverse((earliest, number, _))) = self.values.peek() else { return };
            if (earliest.as_str(), *number) >= (booked_at, snapshot_id) {
                // The earliest is on this day or a later one.
                self.earliest_day = Some(self.earliest_day.map_or(day, |earliest| earliest.max(day)));
                return;
            }
            self.values.pop();
        }
        self.values.extend(Instant::parse(booked_at).map(|at| Reverse((at, snapshot_id, value))));
    }

    /// The latest with its band. `None`: there are too few before it.
    fn judged(self, least_width: i64) -> Option<(Instant, i64, ControlBand)> {
        // Reversed twice, so the latest is first.
        let values = self.values.into_sorted_vec();
        let (Reverse((booked_at, snapshot_id, value)), before) = values.split_first()?;
        let before: Vec<i64> = before.iter().map(|Reverse((_, _, value))| *value).collect();
        Some((*booked_at, *snapshot_id, ControlBand::around(&before, *value, least_width)?))
    }
}

/// A value and the band that it was expected in, in nano-dollars or milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlBand {
    /// What it was.
    pub value: i128,
    /// The median of those before.
    pub median: i128,
    /// Where the band begins.
    pub low: i128,
    /// Where it ends.
    pub high: i128,
    /// How many runs before made it.
    pub runs_before: u64,
    /// The distance from the median in thousandths of the band's half width.
    pub strength: i128,
}

impl ControlBand {
    /// `None`: there are too few before it.
    fn around(before: &[i64], value: i64, least_width: i64) -> Option<ControlBand> {
        if before.len() < LEAST_BEFORE {
            return None;
        }
        let twice_the_middle = |mut sorted: Vec<i128>| {
            sorted.sort_unstable();
            sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]
        };
        let before: Vec<i128> = before.iter().copied().map(i128::from).collect();
        let (value, least_width) = (i128::from(value), i128::from(least_width));
        let twice = twice_the_middle(before.clone());
        // Halves to the even one; SQLite and Rust both cut towards zero.
        let median = twice / 2 + i128::from(twice % 4 == 3) - i128::from(twice % 4 == -3);
        let twice_deviation = twice_the_middle(before.iter().map(|before| (before - median).abs()).collect());
        let width = (5 * twice_deviation / 2).max(median.abs() / 5).max(least_width);
        Some(ControlBand {
            value,
            median,
            low: (median - width).max(median.min(0)),
            high: median + width,
            runs_before: before.len() as u64,
            strength: (value - median).abs() * 1000 / width,
        })
    }

    /// Whether the value is outside.
    pub fn is_left(&self) -> bool {
        self.value < self.low || self.value > self.high
    }
}

/// The latest successes of a pipeline.
#[derive(Debug, Default)]
pub(super) struct Recent {
    costs: Latest,
    durations: Latest,
}

/// A pipeline's latest run, with the measures that it is the latest of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// When it is booked.
    pub booked_at: Instant,
    /// The number of its current state.
    pub snapshot_id: i64,
    /// In nano-dollars. `None`: it is not judged by its cost.
    pub cost: Option<ControlBand>,
    /// In milliseconds. `None`: it is not judged by its duration.
    pub duration: Option<ControlBand>,
}

impl Judged {
    /// How far it left its bands, in thousandths of their half widths. `None`: it left none.
    pub fn strength(&self) -> Option<i128> {
        let bands = self.cost.iter().chain(&self.duration);
        bands.filter(|band| band.is_left()).map(|band| band.strength).max()
    }
}

impl Recent {
    /// Takes in a success that is booked then, on that day.
    pub fn add(&mut self, run: &RunFacts<'_>, booked_at: &str, day: i32) -> Result<()> {
        let cost = run.cost_nanos().filter(|_| self.costs.may_take(day));
        let seconds = run.duration_seconds.filter(|_| self.durations.may_take(day));
        if cost.is_none() && seconds.is_none() {
            return Ok(());
        }
        let number = run.row.snapshot_id()?;
        if let Some(nanos) = cost {
            self.costs.add((booked_at, day), number, nanos);
        }
        if let Some(seconds) = seconds {
            self.durations.add((booked_at, day), number, seconds.saturating_mul(1000));
        }
        Ok(())
    }

    /// The latest runs that can be judged: one, or one for each measure.
    pub fn judged(self) -> Vec<Judged> {
        let mut found: Vec<Judged> = Vec::new();
        if let Some((booked_at, snapshot_id, band)) = self.costs.judged(LEAST_NANOS) {
            found.push(Judged { booked_at, snapshot_id, cost: Some(band), duration: None });
        }
        if let Some((booked_at, snapshot_id, band)) = self.durations.judged(LEAST_MILLIS) {
            match found.iter_mut().find(|judged| judged.snapshot_id == snapshot_id) {
                Some(same) => same.duration = Some(band),
                None => found.push(Judged { booked_at, snapshot_id, cost: None, duration: Some(band) }),
            }
        }
        found
    }
}
