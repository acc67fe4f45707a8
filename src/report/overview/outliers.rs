//! Control bands: compares a pipeline's latest run with its own earlier runs, as `queries/anomalies.sql` does.

use super::figures::RunFacts;
use crate::error::Result;
use crate::report::interner::Label;
use crate::report::ledger::Ledger;
use crate::report::run_scan::IndexedRun;
use crate::run::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// How many outliers are listed unless another number is asked for, as in `queries/anomalies.sql`.
pub(in crate::report) const MAX_OUTLIERS: usize = 10;

/// How many values are kept: the latest one and up to 30 before it.
const MAX_VALUES: usize = 31;

/// How many values before the latest one a band needs.
const MIN_VALUES_BEFORE: usize = 10;

/// The smallest half width of a cost band: 0.01 USD.
const MIN_HALF_WIDTH_NANOS: i64 = 10_000_000;

/// The smallest half width of a duration band: one minute.
const MIN_HALF_WIDTH_MILLIS: i64 = 60_000;

/// Thirty days before an instant, as `queries/anomalies.sql` writes it.
const THIRTY_DAYS_BEFORE: &str = "SELECT strftime('%Y-%m-%dT%H:%M:%S', ?1, '-30 days')";

/// A latest run outside its pipeline's control band.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlier {
    /// The pipeline's index in [`super::Overview::pipelines`]; `None`: it has no run in the span.
    pub pipeline: Option<usize>,
    /// The pipeline's name, id and kind.
    pub label: Label,
    /// The run's id.
    pub run_id: String,
    /// The measured values and their bands.
    pub scored: ScoredRun,
}

/// A pipeline's latest run, with the bands of the measures for which it is the latest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoredRun {
    /// The instant that assigns the run to a period.
    pub booked_at: Instant,
    /// The id of the run's current snapshot.
    pub snapshot_id: i64,
    /// In nano-dollars. `None`: the cost is not compared.
    pub cost: Option<ControlBand>,
    /// In milliseconds. `None`: the duration is not compared.
    pub duration: Option<ControlBand>,
}

impl ScoredRun {
    /// The largest distance from a median, in thousandths of the band's half width. `None`: every value is in its band.
    pub fn strength(&self) -> Option<i128> {
        let bands = self.cost.iter().chain(&self.duration);
        bands.filter(|band| band.is_outside()).map(|band| band.strength).max()
    }
}

/// A value and its expected range, in nano-dollars or milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlBand {
    /// The value of the latest run.
    pub value: i128,
    /// The median of the earlier values.
    pub median: i128,
    /// The lower end of the band.
    pub low: i128,
    /// The upper end of the band.
    pub high: i128,
    /// The number of earlier runs.
    pub runs_before: u64,
    /// The distance from the median in thousandths of the band's half width.
    pub strength: i128,
}

impl ControlBand {
    /// `None`: there are too few earlier values.
    fn around(before: &[i64], value: i64, min_half_width: i64) -> Option<ControlBand> {
        if before.len() < MIN_VALUES_BEFORE {
            return None;
        }
        let twice_the_median = |mut sorted: Vec<i128>| {
            sorted.sort_unstable();
            sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]
        };
        let before: Vec<i128> = before.iter().copied().map(i128::from).collect();
        let (value, min_half_width) = (i128::from(value), i128::from(min_half_width));
        let twice = twice_the_median(before.clone());
        // Rounds half to even. Division truncates towards zero in both SQLite and Rust.
        let median = twice / 2 + i128::from(twice % 4 == 3) - i128::from(twice % 4 == -3);
        let twice_deviation = twice_the_median(before.iter().map(|before| (before - median).abs()).collect());
        let half_width = (5 * twice_deviation / 2).max(median.abs() / 5).max(min_half_width);
        Some(ControlBand {
            value,
            median,
            low: (median - half_width).max(median.min(0)),
            high: median + half_width,
            runs_before: before.len() as u64,
            strength: (value - median).abs() * 1000 / half_width,
        })
    }

    /// Whether the value is outside the band.
    pub fn is_outside(&self) -> bool {
        self.value < self.low || self.value > self.high
    }
}

/// The latest values of one measure of one pipeline. Values arrive in any order.
#[derive(Debug, Default)]
struct LatestValues {
    /// When each run is booked, its snapshot id and its value; the earliest on top.
    values: BinaryHeap<Reverse<(Instant, i64, i64)>>,
    /// The earliest value is on this day or later; `None`: no limit is known yet.
    earliest_day: Option<i32>,
}

impl LatestValues {
    /// Whether a value of that day can be among the latest. Comparing day numbers is cheaper than comparing texts.
    fn accepts(&self, day: i32) -> bool {
        self.earliest_day.is_none_or(|earliest| earliest <= day)
    }

    /// The earliest value, once there are as many as are kept.
    fn earliest(&self) -> Option<(&str, i64)> {
        let Reverse((booked_at, snapshot_id, _)) =
            self.values.peek().filter(|_| self.values.len() == MAX_VALUES)?;
        Some((booked_at.as_str(), *snapshot_id))
    }

    /// Adds a value. Returns whether it is among the latest.
    fn add(&mut self, booked_at: &str, snapshot_id: i64, value: i64) -> bool {
        if let Some(earliest) = self.earliest() {
            if earliest >= (booked_at, snapshot_id) {
                return false;
            }
            self.values.pop();
        }
        self.values.extend(Instant::parse(booked_at).map(|at| Reverse((at, snapshot_id, value))));
        true
    }

    fn merge(&mut self, other: LatestValues) {
        for Reverse((booked_at, snapshot_id, value)) in other.values {
            self.add(booked_at.as_str(), snapshot_id, value);
        }
    }

    fn add_on(&mut self, day: i32, booked_at: &str, snapshot_id: i64, value: i64) {
        if !self.add(booked_at, snapshot_id, value) {
            // The earliest is on this day or a later one.
            self.earliest_day = self.earliest_day.max(Some(day));
        }
    }

    /// The latest value with its band. `None`: there are too few values before it.
    fn into_band(self, min_half_width: i64) -> Option<(Instant, i64, ControlBand)> {
        // Sorting `Reverse` values ascending puts the latest first.
        let values = self.values.into_sorted_vec();
        let (Reverse((booked_at, snapshot_id, value)), before) = values.split_first()?;
        let before: Vec<i64> = before.iter().map(|Reverse((_, _, value))| *value).collect();
        Some((*booked_at, *snapshot_id, ControlBand::around(&before, *value, min_half_width)?))
    }
}

/// The latest successful runs of a pipeline.
#[derive(Debug, Default)]
pub(in crate::report) struct RecentRuns {
    costs: LatestValues,
    durations: LatestValues,
}

impl RecentRuns {
    /// Adds a successful run. `day` is the day number of `booked_at`.
    pub(super) fn add(&mut self, run: &RunFacts<'_>, booked_at: &str, day: i32) -> Result<()> {
        let cost = run.cost_nanos().filter(|_| self.costs.accepts(day));
        let seconds = run.duration_seconds.filter(|_| self.durations.accepts(day));
        if cost.is_none() && seconds.is_none() {
            return Ok(());
        }
        let snapshot_id = run.row.snapshot_id()?;
        if let Some(nanos) = cost {
            self.costs.add_on(day, booked_at, snapshot_id, nanos);
        }
        if let Some(seconds) = seconds {
            self.durations.add_on(day, booked_at, snapshot_id, millis(seconds));
        }
        Ok(())
    }

    /// Adds a successful run that is not booked later than those before. Returns whether no earlier run matters.
    pub(in crate::report) fn add_earlier(&mut self, run: &IndexedRun<'_>, booked_at: &str) -> Result<bool> {
        let measures = [run.total_cost_nanos()?, run.duration_seconds()?.map(millis)];
        let mut are_complete = true;
        for (values, value) in [&mut self.costs, &mut self.durations].into_iter().zip(measures) {
            let is_complete = values.earliest().is_some_and(|(earliest, _)| earliest > booked_at);
            if let Some(value) = value.filter(|_| !is_complete) {
                values.add(booked_at, run.snapshot_id()?, value);
            }
            are_complete &= is_complete;
        }
        Ok(are_complete)
    }

    /// Adds the latest runs of other runs of the pipeline.
    pub(super) fn merge(&mut self, other: RecentRuns) {
        self.costs.merge(other.costs);
        self.durations.merge(other.durations);
    }

    /// The latest runs with their bands. Cost and duration have separate entries if their latest runs differ.
    pub(in crate::report) fn into_scored(self) -> Vec<ScoredRun> {
        let mut scored: Vec<ScoredRun> = Vec::new();
        if let Some((booked_at, snapshot_id, band)) = self.costs.into_band(MIN_HALF_WIDTH_NANOS) {
            scored.push(ScoredRun { booked_at, snapshot_id, cost: Some(band), duration: None });
        }
        if let Some((booked_at, snapshot_id, band)) = self.durations.into_band(MIN_HALF_WIDTH_MILLIS) {
            match scored.iter_mut().find(|run| run.snapshot_id == snapshot_id) {
                Some(run) => run.duration = Some(band),
                None => scored.push(ScoredRun { booked_at, snapshot_id, cost: None, duration: Some(band) }),
            }
        }
        scored
    }
}

fn millis(seconds: i64) -> i64 {
    seconds.saturating_mul(1000)
}

/// From when on a latest run can be an outlier: the start of the span, else the 30 days before the newest run. `None`:
/// there is no run.
pub(in crate::report) fn first_moment(
    ledger: &Ledger<'_>,
    newest_booked_at: Option<String>,
) -> Result<Option<String>> {
    Ok(match ledger.scope().span.from {
        Some(from) => Some(from.to_string()),
        None => ledger.connection().query_row(THIRTY_DAYS_BEFORE, [newest_booked_at], |row| row.get(0))?,
    })
}

/// The strongest outliers since a moment, each with its pipeline's label index and its run id.
pub(in crate::report) fn strongest(
    ledger: &Ledger<'_>,
    scored: impl IntoIterator<Item = (usize, ScoredRun)>,
    since: &str,
    limit: usize,
) -> Result<Vec<(usize, ScoredRun, String)>> {
    let mut outside: Vec<(i128, usize, ScoredRun)> = scored
        .into_iter()
        .filter(|(_, run)| run.booked_at.as_str() >= since)
        .filter_map(|(index, run)| Some((run.strength()?, index, run)))
        .collect();
    outside.sort_by_key(|(strength, _, run)| (Reverse(*strength), Reverse(run.booked_at), run.snapshot_id));
    outside.truncate(limit);
    let named = outside.into_iter().map(|(_, index, run)| {
        let run_id = ledger.run_id_of(run.snapshot_id)?;
        Ok((index, run, run_id))
    });
    named.collect()
}
