//! Which pipelines' latest runs deviate from their earlier ones, as `queries/anomalies.sql` answers it, in one pass
//! over the newest runs in the index of the reports.

use super::dimension::Dimension;
use super::group_by;
use super::interner::Interner;
use super::ledger::Ledger;
use super::overview::outliers::{self, ControlBand, MAX_OUTLIERS, RecentRuns, ScoredRun};
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

/// The answer for a ledger.
///
/// # Errors
/// Those of SQLite.
pub(super) fn report(ledger: &Ledger<'_>, limit: Option<u32>) -> Result<Table> {
    let table = |rows| Table { columns: COLUMNS.map(str::to_owned).to_vec(), rows, totals: None };
    let Some(since) = outliers::first_moment(ledger, newest_booked_at(ledger)?)? else {
        return Ok(table(Vec::new()));
    };
    let (interner, pipelines) = recent_successes(ledger, &since)?;
    let scored = pipelines
        .into_iter()
        .enumerate()
        .flat_map(|(number, pipeline)| pipeline.runs.into_scored().into_iter().map(move |run| (number, run)));
    let limit = limit.map_or(MAX_OUTLIERS, |limit| limit as usize);
    let strongest = outliers::strongest(ledger, scored, &since, limit)?;
    let labels = interner.labels(std::slice::from_ref(ledger))?;
    let rows = strongest.into_iter().map(|(number, run, run_id)| {
        let mut row: Vec<Cell> = labels[number].iter().cloned().map(Cell::Text).collect();
        row.extend([Cell::text(run_id), Cell::text(run.booked_at.as_str())]);
        row.extend(figures(run.cost).map(|nanos| Cell::Usd(nanos.map(Usd::from_units))));
        row.extend(figures(run.duration).map(|millis| Cell::Seconds(millis.map(Seconds::from_units))));
        row.push(Cell::text(why(&run)));
        row
    });
    Ok(table(rows.collect()))
}

/// When the newest run before the end of the span is booked. `None`: there is none.
fn newest_booked_at(ledger: &Ledger<'_>) -> Result<Option<String>> {
    let booked_at = ledger.scope().date.sql();
    let sql = format!(
        "SELECT {booked_at} FROM run_snapshots \
         WHERE superseded_at IS NULL AND {booked_at} < :until ORDER BY {booked_at} DESC LIMIT 1"
    );
    let until = ledger.scope().span.bounds().1;
    let newest = ledger.connection().query_row(&sql, named_params! {":until": until}, |row| row.get(0));
    Ok(newest.optional()?)
}

/// The latest successful runs of a pipeline.
#[derive(Debug, Default)]
struct Pipeline {
    runs: RecentRuns,
    is_known: bool,
    is_complete: bool,
}

/// The pipelines with a success at or after a moment, each with its latest successes, by the number of its label.
fn recent_successes(ledger: &Ledger<'_>, since: &str) -> Result<(Interner, Vec<Pipeline>)> {
    let mut interner = Interner::new(Dimension::Pipeline);
    interner.enter_ledger(ledger);
    let mut pipelines: Vec<Pipeline> = Vec::new();
    let mut incomplete = 0;
    group_by::for_each_success_newest_first(ledger, |run| {
        let Some(booked_at) = run.booked_at()? else { return Ok(ControlFlow::Continue(())) };
        let is_recent = booked_at >= since;
        if !is_recent && incomplete == 0 {
            return Ok(ControlFlow::Break(()));
        }
        let number = interner.index_of(run)? as usize;
        if number >= pipelines.len() {
            pipelines.resize_with(number + 1, Pipeline::default);
        }
        let pipeline = &mut pipelines[number];
        // The latest run of a pipeline decides whether it can be in the answer.
        if number > 0 && (is_recent || pipeline.is_known) && !pipeline.is_complete {
            incomplete += usize::from(!pipeline.is_known);
            pipeline.is_known = true;
            pipeline.is_complete = pipeline.runs.add_earlier(run, booked_at)?;
            incomplete -= usize::from(pipeline.is_complete);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((interner, pipelines))
}

/// The value, its median and the ends of its band.
fn figures(band: Option<ControlBand>) -> [Option<i128>; 4] {
    band.map_or([None; 4], |band| [band.value, band.median, band.low, band.high].map(Some))
}

/// The sentences on the values outside their bands.
fn why(run: &ScoredRun) -> String {
    let outside = |band: Option<ControlBand>| band.filter(ControlBand::is_outside);
    let cost =
        outside(run.cost).map(|band| words(&band, "cost", "USD", |nanos| Usd::from_units(nanos).to_string()));
    let duration = outside(run.duration)
        .map(|band| words(&band, "duration", "s", |millis| Seconds::from_units(millis).to_string()));
    cost.into_iter().chain(duration).collect::<Vec<_>>().join("; ")
}

/// The sentence on a band. `text` prints a figure.
fn words(band: &ControlBand, measure: &str, unit: &str, text: fn(i128) -> String) -> String {
    let figure = |value| text(value).trim_end_matches('0').trim_end_matches('.').to_owned();
    let [value, median, low, high] = [band.value, band.median, band.low, band.high].map(figure);
    let runs = band.runs_before;
    format!(
        "{measure} {value} {unit} against a median of {median} (band {low} to {high}) of {runs} runs before"
    )
}
