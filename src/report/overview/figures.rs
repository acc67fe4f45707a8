//! The figures of one pipeline: sums by month, times by week, counts by day, and failures.

use crate::error::Result;
use crate::report::cost::CostTotals;
use crate::report::duration::{Distribution, MICROS_PER_SECOND, micros_between};
use crate::report::group_by::Aggregate;
use crate::report::run_scan::{IndexedRun, Outcome};
use crate::run::{Instant, Seconds, Share};
use crate::store::settled;
use std::collections::VecDeque;

/// Figures by day, week or month number, in ascending order. Most scans read the newest runs first, so that figures are
/// added at the front.
#[derive(Debug, Clone)]
pub struct Series<T>(VecDeque<(i32, T)>);

impl<T> Default for Series<T> {
    fn default() -> Series<T> {
        Series(VecDeque::new())
    }
}

impl<T> Series<T> {
    /// The figures of a number. `None`: it has no run.
    pub fn get(&self, number: i32) -> Option<&T> {
        self.0.binary_search_by_key(&number, |(number, _)| *number).ok().map(|index| &self.0[index].1)
    }

    /// All numbers with their figures.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &(i32, T)> {
        self.0.iter()
    }

    /// The smallest and the largest number. `None`: the series is empty.
    pub fn ends(&self) -> Option<(i32, i32)> {
        Some((self.0.front()?.0, self.0.back()?.0))
    }

    /// All numbers, ascending, with their figures.
    pub(super) fn into_pairs(self) -> impl Iterator<Item = (i32, T)> {
        self.0.into_iter()
    }

    pub(super) fn push(&mut self, number: i32, figures: T) {
        debug_assert!(self.0.back().is_none_or(|(last, _)| *last < number));
        self.0.push_back((number, figures));
    }
}

impl<T: Default> Series<T> {
    /// The figures of a number, inserted if missing. The first entry is tried first.
    pub(super) fn entry(&mut self, number: i32) -> &mut T {
        let index = match self.0.front() {
            Some((first, _)) if *first == number => 0,
            _ => match self.0.binary_search_by_key(&number, |(number, _)| *number) {
                Ok(index) => index,
                Err(index) => {
                    self.0.insert(index, (number, T::default()));
                    index
                }
            },
        };
        &mut self.0[index].1
    }

    /// Adds a series of earlier runs: `merge` adds the figures of a number that both have.
    pub(super) fn merge_earlier(&mut self, earlier: Series<T>, merge: impl Fn(&mut T, T)) {
        let Series(mut earlier) = earlier;
        let first = self.0.front().map_or(i32::MAX, |(first, _)| *first);
        while earlier.back().is_some_and(|(last, _)| first <= *last)
            && let Some((number, figures)) = earlier.pop_back()
        {
            merge(self.entry(number), figures);
        }
        earlier.append(&mut self.0);
        self.0 = earlier;
    }
}

impl<T: Copy> Series<T> {
    /// Adds the figures of another series: `merge` those of its numbers to the same numbers of this one.
    pub(super) fn merge(&mut self, other: &Series<T>, merge: impl Fn(&mut T, T)) {
        let mut place = 0;
        for (number, figures) in other.iter() {
            while self.0.get(place).is_some_and(|(own, _)| own < number) {
                place += 1;
            }
            match self.0.get_mut(place) {
                Some((own, sums)) if own == number => merge(sums, *figures),
                _ => self.0.insert(place, (*number, *figures)),
            }
        }
    }
}

impl<T> FromIterator<(i32, T)> for Series<T> {
    /// The numbers must be in ascending order.
    fn from_iter<I: IntoIterator<Item = (i32, T)>>(figures: I) -> Series<T> {
        Series(figures.into_iter().collect())
    }
}

/// Run counts, costs and outcomes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    /// The number of runs and their costs.
    pub cost: CostTotals,
    /// Runs with the status `success`.
    pub succeeded: u64,
    /// Runs with the status `failed`.
    pub failed: u64,
    /// Runs with the status `canceled`.
    pub canceled: u64,
    /// Runs that may still change.
    pub unsettled: u64,
    /// The failed runs and their costs.
    pub failed_cost: CostTotals,
}

impl Sums {
    /// The share of successes among the runs with a final status. `None`: no run has one.
    pub fn success_rate(&self) -> Option<Share> {
        Share::ratio(self.succeeded.into(), self.ended().into())
    }

    /// The number of runs with a final status.
    pub fn ended(&self) -> u64 {
        self.succeeded + self.failed + self.canceled
    }

    /// Adds the runs of other sums.
    pub fn merge(&mut self, other: Sums) {
        self.cost.merge(other.cost);
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.canceled += other.canceled;
        self.unsettled += other.unsettled;
        self.failed_cost.merge(other.failed_cost);
    }

    /// Adds a run. One that ended before `settled_before` counts as settled, as in the view `runs`.
    pub(super) fn add(&mut self, run: &RunFacts<'_>, settled_before: &str) -> Result<()> {
        self.cost.add_run(run.el_cost_nanos, run.transformation_cost_nanos, run.is_charged);
        let is_final = run.outcome.is_some();
        match run.outcome {
            Some(Outcome::Succeeded) => self.succeeded += 1,
            Some(Outcome::Failed) => {
                self.failed += 1;
                self.failed_cost.add_run(run.el_cost_nanos, run.transformation_cost_nanos, run.is_charged);
            }
            Some(Outcome::Canceled) => self.canceled += 1,
            None => {}
        }
        // The end is read only where it decides.
        let settled = settled::is_complete(is_final, run.cost_nanos().is_some())
            || settled::was_over(is_final, run.row.ended_at()?, run.created_at, settled_before);
        self.unsettled += u64::from(!settled);
        Ok(())
    }
}

/// The values of a run that most figures use, read from its row once.
pub(super) struct RunFacts<'r> {
    pub row: &'r IndexedRun<'r>,
    /// `None`: the status is not final.
    pub outcome: Option<Outcome>,
    pub el_cost_nanos: Option<i64>,
    pub transformation_cost_nanos: Option<i64>,
    pub is_charged: bool,
    pub duration_seconds: Option<i64>,
    pub created_at: Option<&'r str>,
    pub started_at: Option<&'r str>,
    /// The instant that assigns the run to a period.
    pub booked_at: Option<&'r str>,
}

impl<'r> RunFacts<'r> {
    pub(super) fn read(row: &'r IndexedRun<'r>) -> Result<RunFacts<'r>> {
        let [created_at, started_at, booked_at] = row.times()?;
        Ok(RunFacts {
            row,
            outcome: row.outcome()?,
            el_cost_nanos: row.el_cost_nanos()?,
            transformation_cost_nanos: row.transformation_cost_nanos()?,
            is_charged: row.is_charged()?,
            duration_seconds: row.duration_seconds()?,
            created_at,
            started_at,
            booked_at,
        })
    }

    /// The sum of the known cost components. `None`: neither is known.
    pub(super) fn cost_nanos(&self) -> Option<i64> {
        let components = [self.el_cost_nanos, self.transformation_cost_nanos];
        components.into_iter().flatten().reduce(i64::saturating_add)
    }
}

/// All durations and queue times of some runs.
#[derive(Debug, Default)]
pub(super) struct TimeSamples {
    pub durations_seconds: Vec<i64>,
    pub queued_micros: Vec<i64>,
}

impl TimeSamples {
    pub(super) fn add(&mut self, run: &RunFacts<'_>) {
        self.durations_seconds.extend(run.duration_seconds);
        if let (Some(created_at), Some(started_at)) = (run.created_at, run.started_at) {
            self.queued_micros.extend(micros_between(created_at, started_at));
        }
    }

    pub(super) fn merge(&mut self, mut other: TimeSamples) {
        self.durations_seconds.append(&mut other.durations_seconds);
        self.queued_micros.append(&mut other.queued_micros);
    }

    pub(super) fn times(&mut self) -> Times {
        let duration = Percentiles::of(Distribution::of(&mut self.durations_seconds, 1));
        let queued = Percentiles::of(Distribution::of(&mut self.queued_micros, MICROS_PER_SECOND));
        Times { duration, queued }
    }
}

/// Durations and queue times, as in `runledger report duration`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// From start to end.
    pub duration: Percentiles,
    /// From creation to start.
    pub queued: Percentiles,
}

/// The median and the 95th percentile of some times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Percentiles {
    /// The number of runs whose time is known.
    pub runs: u64,
    /// `None`: no time is known.
    pub p50: Option<Seconds>,
    /// `None`: no time is known.
    pub p95: Option<Seconds>,
}

impl Percentiles {
    pub(super) fn of(mut times: Distribution<'_>) -> Percentiles {
        Percentiles { runs: times.count(), p50: times.percentile(50), p95: times.percentile(95) }
    }
}

/// The runs of one day.
#[derive(Debug, Clone, Copy, Default)]
pub struct DayRuns {
    /// All runs and their costs.
    pub cost: CostTotals,
    /// Failed runs.
    pub failed: u64,
}

impl DayRuns {
    pub(super) fn add(&mut self, run: &RunFacts<'_>) {
        self.cost.add_run(run.el_cost_nanos, run.transformation_cost_nanos, run.is_charged);
        self.failed += u64::from(run.outcome == Some(Outcome::Failed));
    }

    pub(super) fn merge(&mut self, other: DayRuns) {
        self.cost.merge(other.cost);
        self.failed += other.failed;
    }
}

/// The failures of a pipeline and its last success.
#[derive(Debug, Clone, Default)]
pub struct Failures {
    failed_at: Vec<Instant>,
    /// The day number and the instant.
    last_success_at: Option<(i32, Instant)>,
}

impl Failures {
    /// `day` is the day number of `booked_at`. Comparing numbers first is cheaper than comparing texts.
    pub(super) fn add(&mut self, booked_at: &str, day: i32, outcome: Option<Outcome>) {
        match outcome {
            Some(Outcome::Failed) => self.failed_at.extend(Instant::parse(booked_at)),
            Some(Outcome::Succeeded)
                if self.last_success_at.is_none_or(|(last_day, last)| {
                    last_day <= day && last.as_bytes() < booked_at.as_bytes()
                }) =>
            {
                self.last_success_at = Instant::parse(booked_at).map(|at| (day, at)).or(self.last_success_at);
            }
            _ => {}
        }
    }

    /// Adds the failures and successes of other runs.
    pub(super) fn merge(&mut self, other: Failures) {
        self.failed_at.extend(other.failed_at);
        self.last_success_at = self.last_success_at.max(other.last_success_at);
    }

    /// The number of failures since the last success.
    pub fn consecutive(&self) -> u64 {
        let since = self.last_success_at();
        self.failed_at.iter().filter(|at| since.is_none_or(|since| **at > since)).count() as u64
    }

    /// When the last failed run is booked. `None`: no run failed.
    pub fn last_failure_at(&self) -> Option<Instant> {
        self.failed_at.iter().copied().max()
    }

    /// When the last successful run is booked. `None`: no run succeeded.
    pub fn last_success_at(&self) -> Option<Instant> {
        self.last_success_at.map(|(_, at)| at)
    }
}
