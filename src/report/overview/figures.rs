//! This is what an overview keeps of the runs of one pipeline: sums by month, times by week, counts by day, failures.

use crate::error::Result;
use crate::report::cost::{CHARGED, CostTally};
use crate::report::duration::{MICROS, Spread, micros_between};
use crate::report::group_by::Aggregate;
use crate::report::run_scan::BookedRun;
use crate::run::{Instant, Seconds, Share};
use crate::store::settled;

/// Figures by the number of a day, week or month, in ascending order.
#[derive(Debug, Clone)]
pub struct Series<T>(Vec<(i32, T)>);

impl<T> Default for Series<T> {
    fn default() -> Series<T> {
        Series(Vec::new())
    }
}

impl<T> Series<T> {
    /// The figures of that number. `None`: there was no run.
    pub fn get(&self, number: i32) -> Option<&T> {
        self.0.binary_search_by_key(&number, |(number, _)| *number).ok().map(|place| &self.0[place].1)
    }

    /// All of them with their numbers.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &(i32, T)> {
        self.0.iter()
    }

    /// The least and the greatest number. `None`: there are none.
    pub fn ends(&self) -> Option<(i32, i32)> {
        Some((self.0.first()?.0, self.0.last()?.0))
    }

    pub(super) fn push(&mut self, number: i32, figures: T) {
        debug_assert!(self.0.last().is_none_or(|(last, _)| *last < number));
        self.0.push((number, figures));
    }
}

impl<T: Default> Series<T> {
    /// The figures of that number, to add to. Runs mostly come newest first, so it is looked for from the front.
    pub(super) fn at(&mut self, number: i32) -> &mut T {
        let place = match self.0.first() {
            Some((first, _)) if *first == number => 0,
            _ => match self.0.binary_search_by_key(&number, |(number, _)| *number) {
                Ok(place) => place,
                Err(place) => {
                    self.0.insert(place, (number, T::default()));
                    place
                }
            },
        };
        &mut self.0[place].1
    }
}

/// How many runs, what they cost, and how they ended.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    /// Their count and costs.
    pub cost: CostTally,
    /// Those with the status `success`.
    pub succeeded: u64,
    /// Those with the status `failed`.
    pub failed: u64,
    /// Those with the status `canceled`.
    pub canceled: u64,
    /// Those that may still change.
    pub unsettled: u64,
}

impl Sums {
    /// The part of the runs with a final status that succeeded. `None`: none has one.
    pub fn success_rate(&self) -> Option<Share> {
        Share::ratio(self.succeeded.into(), self.ended().into())
    }

    /// The runs with a final status.
    pub fn ended(&self) -> u64 {
        self.succeeded + self.failed + self.canceled
    }

    /// Takes in all runs of others.
    pub fn merge(&mut self, others: Sums) {
        self.cost.merge(others.cost);
        self.succeeded += others.succeeded;
        self.failed += others.failed;
        self.canceled += others.canceled;
        self.unsettled += others.unsettled;
    }

    /// `settled_before`: of what ended earlier no change is expected, as the view `runs` has it.
    pub(super) fn add(&mut self, run: &RunFacts<'_>, settled_before: &str) -> Result<()> {
        self.cost.take(run.el_cost_nanos, run.transformation_cost_nanos, run.is_charged);
        let is_final = run.outcome.is_some();
        match run.outcome {
            Some(Outcome::Succeeded) => self.succeeded += 1,
            Some(Outcome::Failed) => self.failed += 1,
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

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Succeeded,
    Failed,
    Canceled,
}

/// What most figures need of a run, read from its row once.
pub(super) struct RunFacts<'r> {
    pub row: &'r BookedRun<'r>,
    /// `None`: its status is not final.
    pub outcome: Option<Outcome>,
    pub el_cost_nanos: Option<i64>,
    pub transformation_cost_nanos: Option<i64>,
    pub is_charged: bool,
    pub duration_seconds: Option<i64>,
    pub created_at: Option<&'r str>,
}

impl<'r> RunFacts<'r> {
    pub fn read(row: &'r BookedRun<'r>) -> Result<RunFacts<'r>> {
        let outcome = match row.status()? {
            Some("success") => Some(Outcome::Succeeded),
            Some("failed") => Some(Outcome::Failed),
            Some("canceled") => Some(Outcome::Canceled),
            _ => None,
        };
        Ok(RunFacts {
            row,
            outcome,
            el_cost_nanos: row.el_cost_nanos()?,
            transformation_cost_nanos: row.transformation_cost_nanos()?,
            is_charged: row.credit_charge_status()? == Some(CHARGED),
            duration_seconds: row.duration_seconds()?,
            created_at: row.created_at()?,
        })
    }

    /// Both parts of its cost. `None`: neither is known.
    pub fn cost_nanos(&self) -> Option<i64> {
        let parts = [self.el_cost_nanos, self.transformation_cost_nanos];
        parts.into_iter().flatten().reduce(i64::saturating_add)
    }
}

/// How long runs took and waited, each value kept.
#[derive(Debug, Default)]
pub(super) struct Timed {
    pub durations_seconds: Vec<i64>,
    pub queued_micros: Vec<i64>,
}

impl Timed {
    pub fn add(&mut self, run: &RunFacts<'_>) -> Result<()> {
        self.durations_seconds.extend(run.duration_seconds);
        if let (Some(created_at), Some(started_at)) = (run.created_at, run.row.started_at()?) {
            self.queued_micros.extend(micros_between(created_at, started_at));
        }
        Ok(())
    }

    pub fn merge(&mut self, mut other: Timed) {
        self.durations_seconds.append(&mut other.durations_seconds);
        self.queued_micros.append(&mut other.queued_micros);
    }

    pub fn times(&mut self) -> Times {
        let durations = Times::percentiles(&Spread::of(&mut self.durations_seconds, 1));
        let queued = Times::percentiles(&Spread::of(&mut self.queued_micros, MICROS));
        Times { took: durations, waited: queued }
    }
}

/// How long runs took and waited, as `runledger report duration` has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// From start to end.
    pub took: Percentiles,
    /// From creation to start.
    pub waited: Percentiles,
}

/// The middle of some times, and what only one in twenty exceeds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Percentiles {
    /// Of how many runs the time is known.
    pub runs: u64,
    /// `None`: of none.
    pub p50: Option<Seconds>,
    /// `None`: of none.
    pub p95: Option<Seconds>,
}

impl Times {
    fn percentiles(spread: &Spread<'_>) -> Percentiles {
        Percentiles {
            runs: spread.values.len() as u64,
            p50: spread.percentile(50),
            p95: spread.percentile(95),
        }
    }
}

/// The runs of one day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DayRuns {
    /// All of them.
    pub runs: u64,
    /// Those that failed.
    pub failed: u64,
}

/// When a pipeline failed, and when it did not.
#[derive(Debug, Clone, Default)]
pub struct Failures {
    failed_at: Vec<Instant>,
    /// With its day.
    last_success_at: Option<(i32, Instant)>,
}

impl Failures {
    /// `day` is that of `booked_at`: whole numbers are compared sooner than texts.
    pub(super) fn add(&mut self, booked_at: &str, day: i32, outcome: Option<Outcome>) {
        match outcome {
            Some(Outcome::Failed) => self.failed_at.extend(Instant::parse(booked_at)),
            Some(Outcome::Succeeded)
                if self
                    .last_success_at
                    .is_none_or(|(last_day, last)| last_day <= day && last.as_str() < booked_at) =>
            {
                self.last_success_at = Instant::parse(booked_at).map(|at| (day, at)).or(self.last_success_at);
            }
            _ => {}
        }
    }

    /// How many times it failed since it last succeeded.
    pub fn in_a_row(&self) -> u64 {
        let since = self.last_success_at();
        self.failed_at.iter().filter(|at| since.is_none_or(|since| **at > since)).count() as u64
    }

    /// When the last failed run is booked. `None`: there is none.
    pub fn last_failure_at(&self) -> Option<Instant> {
        self.failed_at.iter().copied().max()
    }

    /// Likewise the last success.
    pub fn last_success_at(&self) -> Option<Instant> {
        self.last_success_at.map(|(_, at)| at)
    }
}

impl<T> FromIterator<(i32, T)> for Series<T> {
    /// From figures in ascending order of their numbers.
    fn from_iter<I: IntoIterator<Item = (i32, T)>>(figures: I) -> Series<T> {
        Series(figures.into_iter().collect())
    }
}
