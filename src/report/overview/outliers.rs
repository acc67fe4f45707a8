//! Control bands: compares a pipeline's latest run with its own earlier runs, as `queries/anomalies.sql` does.

use super::figures::RunFacts;
use crate::error::Result;
use crate::report::interner::Label;
use crate::report::scope::Scope;
use crate::run::Instant;
use rusqlite::Connection;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// How many outliers are listed, as in `queries/anomalies.sql`.
const MAX_OUTLIERS: usize = 10;

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

    fn add(&mut self, (booked_at, day): (&str, i32), snapshot_id: i64, value: i64) {
        if self.values.len() == MAX_VALUES {
            let Some(Reverse((earliest, id, _))) = self.values.peek() else { return };
            if (earliest.as_str(), *id) >= (booked_at, snapshot_id) {
                // The earliest is on this day or a later one.
                self.earliest_day = Some(self.earliest_day.map_or(day, |earliest| earliest.max(day)));
                return;
            }
            self.values.pop();
        }
        self.values.extend(Instant::parse(booked_at).map(|at| Reverse((at, snapshot_id, value))));
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
pub(super) struct RecentRuns {
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
            self.costs.add((booked_at, day), snapshot_id, nanos);
        }
        if let Some(seconds) = seconds {
            self.durations.add((booked_at, day), snapshot_id, seconds.saturating_mul(1000));
        }
        Ok(())
    }

    /// The latest runs with their bands. Cost and duration have separate entries if their latest runs differ.
    pub(super) fn into_scored(self) -> Vec<ScoredRun> {
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

/// The strongest outliers, each with its pipeline's label index and its run id. Without a start of the span, only
/// the 30 days before `newest_booked_at` count.
pub(super) fn strongest(
    archive: &Connection,
    scope: &Scope,
    scored: Vec<(usize, ScoredRun)>,
    newest_booked_at: Option<String>,
) -> Result<Vec<(usize, ScoredRun, String)>> {
    let since: Option<String> = match scope.span.from {
        Some(from) => Some(from.to_string()),
        None => archive.query_row(THIRTY_DAYS_BEFORE, [newest_booked_at], |row| row.get(0))?,
    };
    let mut outside: Vec<(i128, usize, ScoredRun)> = scored
        .into_iter()
        .filter(|(_, run)| since.as_ref().is_some_and(|since| run.booked_at.as_str() >= since.as_str()))
        .filter_map(|(index, run)| Some((run.strength()?, index, run)))
        .collect();
    outside.sort_by_key(|(strength, _, run)| (Reverse(*strength), Reverse(run.booked_at), run.snapshot_id));
    outside.truncate(MAX_OUTLIERS);
    let mut run_id_of = archive.prepare("SELECT run_id FROM run_snapshots WHERE snapshot_id = ?1")?;
    let mut strongest = Vec::with_capacity(outside.len());
    for (_, index, run) in outside {
        let run_id = run_id_of.query_row([run.snapshot_id], |row| row.get(0))?;
        strongest.push((index, run, run_id));
    }
    Ok(strongest)
}
