//! Which pipelines' latest runs deviate from their earlier ones, as `queries/anomalies.sql` answers it, in one pass
//! over the newest runs in the index of the reports.

use super::dimension::Dimension;
use super::group_by;
use super::interner::Interner;
use super::ledger::Ledger;
use super::run_scan::IndexedRun;
use super::table::{Cell, Table};
use crate::error::Result;
use crate::run::{Seconds, Usd};
use rusqlite::{OptionalExtension as _, named_params};
use std::ops::ControlFlow;

/// The columns, as in the file.
const COLUMNS: [&str; 14] = [
    "pipeline_name",
    "pipeline_id",
    "pipeline_kind",
    "run_id",
    "booked_at",
    "cost_usd",
    "cost_median_usd",
    "cost_low_usd",
    "cost_high_usd",
    "duration_seconds",
    "duration_median_seconds",
    "duration_low_seconds",
    "duration_high_seconds",
    "why",
];

/// The default for the maximum number of runs.
const LIMIT: u32 = 10;

/// The latest value and those before it that it is compared with.
const VALUES: usize = 31;

/// The fewest values that a latest one is compared with.
const MIN_VALUES_BEFORE: usize = 10;

/// What is measured, by the position in [`Pipeline::values`].
const COST: usize = 0;
const DURATION: usize = 1;

/// The answer for a ledger.
///
/// # Errors
/// Those of SQLite.
pub(super) fn report(ledger: &Ledger<'_>, limit: Option<u32>) -> Result<Table> {
    let Some(from) = first_moment(ledger)? else { return Ok(table(Vec::new())) };
    let (interner, pipelines) = recent_successes(ledger, &from)?;
    let mut deviating = Vec::new();
    for (number, pipeline) in pipelines.into_iter().enumerate() {
        deviating.extend(pipeline.deviations(number).into_iter().filter(|run| run.latest.booked_at >= from));
    }
    deviating.sort_by(|one, other| {
        (other.strength, &other.latest.booked_at, one.latest.snapshot_id).cmp(&(
            one.strength,
            &one.latest.booked_at,
            other.latest.snapshot_id,
        ))
    });
    deviating.truncate(limit.unwrap_or(LIMIT) as usize);
    let labels = interner.labels(std::slice::from_ref(ledger))?;
    let mut run_id =
        ledger.connection().prepare("SELECT run_id FROM main.run_snapshots WHERE snapshot_id = ?1")?;
    let mut rows = Vec::with_capacity(deviating.len());
    for run in deviating {
        let mut row: Vec<Cell> = labels[run.pipeline].iter().cloned().map(Cell::Text).collect();
        row.push(Cell::Text(run_id.query_row([run.latest.snapshot_id], |row| row.get(0))?));
        row.push(Cell::text(&*run.latest.booked_at));
        row.extend(
            run.bands[COST]
                .map_or([None; 4], Band::figures)
                .map(|nanos| Cell::Usd(nanos.map(Usd::from_units))),
        );
        let millis = run.bands[DURATION].map_or([None; 4], Band::figures);
        row.extend(millis.map(|millis| Cell::Seconds(millis.map(Seconds::from_units))));
        row.push(Cell::text(run.why()));
        rows.push(row);
    }
    Ok(table(rows))
}

fn table(rows: Vec<Vec<Cell>>) -> Table {
    Table { columns: COLUMNS.map(str::to_owned).to_vec(), rows, totals: None }
}

/// The start of the span, else 30 days before the newest run. `None`: there is no run.
fn first_moment(ledger: &Ledger<'_>) -> Result<Option<String>> {
    let scope = ledger.scope();
    if let Some(from) = scope.span.from {
        return Ok(Some(from.to_string()));
    }
    let booked_at = scope.date.sql();
    let sql = format!(
        "SELECT strftime('%Y-%m-%dT%H:%M:%S', {booked_at}, '-30 days') FROM run_snapshots \
         WHERE superseded_at IS NULL AND {booked_at} < :until ORDER BY {booked_at} DESC LIMIT 1"
    );
    let until = scope.span.bounds().1;
    let newest = ledger.connection().query_row(&sql, named_params! {":until": until}, |row| row.get(0));
    Ok(newest.optional()?.flatten())
}

/// The pipelines with a success at or after `from`, each with its latest values.
fn recent_successes(ledger: &Ledger<'_>, from: &str) -> Result<(Interner, Vec<Pipeline>)> {
    let mut interner = Interner::new(Dimension::Pipeline);
    interner.enter_ledger(ledger);
    let mut pipelines: Vec<Pipeline> = Vec::new();
    let mut unfinished = 0;
    group_by::for_each_success_newest_first(ledger, |run| {
        let Some(booked_at) = run.booked_at()? else { return Ok(ControlFlow::Continue(())) };
        let is_recent = booked_at >= from;
        if !is_recent && unfinished == 0 {
            return Ok(ControlFlow::Break(()));
        }
        let number = interner.index_of(run)? as usize;
        if number >= pipelines.len() {
            pipelines.resize_with(number + 1, Pipeline::default);
        }
        let pipeline = &mut pipelines[number];
        // The latest run of a pipeline decides whether it can be in the answer.
        if number > 0 && (is_recent || pipeline.is_known) {
            unfinished += usize::from(!pipeline.is_known);
            unfinished -= usize::from(pipeline.add(run, booked_at)?);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((interner, pipelines))
}

/// A value of a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Value {
    booked_at: String,
    snapshot_id: i64,
    /// Nano-dollars or milliseconds.
    value: i64,
}

/// The latest successful runs of a pipeline.
#[derive(Debug, Default)]
struct Pipeline {
    is_known: bool,
    is_finished: bool,
    /// The latest known costs and durations.
    values: [Vec<Value>; 2],
}

impl Pipeline {
    /// Adds a run. Returns whether the pipeline needs no older one, if it did before.
    fn add(&mut self, run: &IndexedRun<'_>, booked_at: &str) -> Result<bool> {
        self.is_known = true;
        if self.is_finished {
            return Ok(false);
        }
        let cost = match (run.el_cost_nanos()?, run.transformation_cost_nanos()?) {
            (None, None) => None,
            (el, transformation) => Some(el.unwrap_or(0).saturating_add(transformation.unwrap_or(0))),
        };
        let millis = run.duration_seconds()?.map(|seconds| seconds.saturating_mul(1000));
        let mut are_enough = true;
        for (values, value) in self.values.iter_mut().zip([cost, millis]) {
            // All runs of an instant are kept, because they are in no order.
            let is_enough =
                values.len() >= VALUES && values.last().is_some_and(|last| last.booked_at != booked_at);
            if let Some(value) = value.filter(|_| !is_enough) {
                values.push(Value {
                    booked_at: booked_at.to_owned(),
                    snapshot_id: run.snapshot_id()?,
                    value,
                });
            }
            are_enough &= is_enough;
        }
        self.is_finished = are_enough;
        Ok(are_enough)
    }

    /// The latest run with a cost and that with a duration, often the same, if they deviate.
    fn deviations(self, pipeline: usize) -> Vec<Deviation> {
        let mut found: Vec<Deviation> = Vec::new();
        for (measure, mut values) in self.values.into_iter().enumerate() {
            values.sort_unstable_by(|one, other| other.cmp(one));
            values.truncate(VALUES);
            let Some((latest, before)) = values.split_first() else { continue };
            let before = before.iter().map(|value| i128::from(value.value)).collect();
            let Some(band) = Band::around(before, latest.value.into(), LEAST_WIDTHS[measure]) else {
                continue;
            };
            match found.iter_mut().find(|run| run.latest.snapshot_id == latest.snapshot_id) {
                Some(run) => run.bands[measure] = Some(band),
                None => {
                    let mut run =
                        Deviation { pipeline, latest: latest.clone(), bands: [None; 2], strength: 0 };
                    run.bands[measure] = Some(band);
                    found.push(run);
                }
            }
        }
        found.retain_mut(|run| {
            let strengths = run.bands.iter().flatten().filter(|band| band.is_left());
            let strongest = strengths.map(Band::strength).max();
            run.strength = strongest.unwrap_or_default();
            strongest.is_some()
        });
        found
    }
}

/// The least half widths: 0.01 USD in nano-dollars, and a minute in milliseconds.
const LEAST_WIDTHS: [i128; 2] = [10_000_000, 60_000];

/// A value and the band in which it was expected.
#[derive(Debug, Clone, Copy)]
struct Band {
    value: i128,
    median: i128,
    /// Half of the width.
    width: i128,
    runs_before: usize,
}

impl Band {
    /// The band around the median of the values before. `None`: there are too few.
    fn around(mut before: Vec<i128>, value: i128, least_width: i128) -> Option<Band> {
        if before.len() < MIN_VALUES_BEFORE {
            return None;
        }
        let twice = twice_median(&mut before);
        // Rounded half to even.
        let median = twice / 2 + i128::from(twice % 4 == 3) - i128::from(twice % 4 == -3);
        let mut deviations: Vec<i128> = before.iter().map(|value| (value - median).abs()).collect();
        let width = (5 * twice_median(&mut deviations) / 2).max(median.abs() / 5).max(least_width);
        Some(Band { value, median, width, runs_before: before.len() })
    }

    /// The lower bound is not below zero or a negative median.
    fn low(&self) -> i128 {
        (self.median - self.width).max(self.median.min(0))
    }

    fn high(&self) -> i128 {
        self.median + self.width
    }

    /// Whether the value is outside.
    fn is_left(&self) -> bool {
        self.value < self.low() || self.value > self.high()
    }

    /// The distance from the median in thousandths of a half width.
    fn strength(&self) -> i128 {
        (self.value - self.median).abs() * 1000 / self.width
    }

    fn figures(self) -> [Option<i128>; 4] {
        [self.value, self.median, self.low(), self.high()].map(Some)
    }

    /// The sentence on the band. `text` prints a figure.
    fn words(&self, measure: &str, unit: &str, text: fn(i128) -> String) -> String {
        let figure = |value| {
            let text = text(value);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        let [value, median, low, high] = [self.value, self.median, self.low(), self.high()].map(figure);
        format!(
            "{measure} {value} {unit} against a median of {median} (band {low} to {high}) of {} runs before",
            self.runs_before
        )
    }
}

/// Twice the median, which stays a whole number.
fn twice_median(values: &mut [i128]) -> i128 {
    values.sort_unstable();
    values[(values.len() - 1) / 2] + values[values.len() / 2]
}

/// A run whose cost or duration deviates.
#[derive(Debug)]
struct Deviation {
    pipeline: usize,
    latest: Value,
    bands: [Option<Band>; 2],
    /// The higher one of those that deviate.
    strength: i128,
}

impl Deviation {
    fn why(&self) -> String {
        let left = |measure: usize| self.bands[measure].filter(Band::is_left);
        let cost =
            left(COST).map(|band| band.words("cost", "USD", |nanos| Usd::from_units(nanos).to_string()));
        let duration = left(DURATION)
            .map(|band| band.words("duration", "s", |millis| Seconds::from_units(millis).to_string()));
        cost.into_iter().chain(duration).collect::<Vec<_>>().join("; ")
    }
}
