//! The report on schedules as tables: one row per pipeline, or one per due run.

use super::matching::Outcome;
use super::punctuality::{PipelinePunctuality, Punctuality, Standing, StartedBy};
use crate::error::Result;
use crate::report::ranking::Ranking;
use crate::report::table::{Cell, Table};
use crate::run::{Instant, Seconds};
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension};
use std::cmp::Reverse;

/// The columns of one row per pipeline.
const COLUMNS: [&str; 18] = [
    "pipeline_name",
    "pipeline_id",
    "pipeline_kind",
    "trigger_type",
    "state",
    "expected_runs",
    "found_runs",
    "missing_runs",
    "created_late_runs",
    "started_late_runs",
    "failed_parent_runs",
    "lateness_p95_seconds",
    "grace_seconds",
    "next_due_at",
    "overdue_since_at",
    "last_run_at",
    "schedule",
    "runs_may_be_absent",
];

/// The columns that add up over pipelines.
const ADDITIVE: [&str; 6] = [
    "expected_runs",
    "found_runs",
    "missing_runs",
    "created_late_runs",
    "started_late_runs",
    "failed_parent_runs",
];

/// The columns of one row per due run.
const DUE_COLUMNS: [&str; 11] = [
    "due_at",
    "state",
    "created_at",
    "started_at",
    "lateness_seconds",
    "status",
    "run_id",
    "trigger_type",
    "pipeline_name",
    "pipeline_id",
    "pipeline_kind",
];

const RUN: &str = "SELECT run_id, status FROM main.run_snapshots WHERE snapshot_id = ?1";

/// The order of the states, the most urgent first.
const STANDINGS: [Standing; 5] =
    [Standing::Overdue, Standing::Missing, Standing::Blocked, Standing::Late, Standing::Ok];

/// One row per pipeline, the most urgent first.
pub fn pipelines(punctuality: &Punctuality) -> Table {
    let mut pipelines: Vec<&PipelinePunctuality> = punctuality.pipelines.iter().collect();
    pipelines.sort_by_cached_key(|pipeline| {
        let standing = pipeline.standing();
        let next_due_at = pipeline.next_due_at.filter(|_| standing == Standing::Ok);
        let late = pipeline.created_late() + pipeline.started_late();
        let much = (pipeline.missing(), pipeline.failed_parents.len(), late);
        (standing, Reverse(much), next_due_at.is_none(), next_due_at, pipeline.name.clone())
    });
    let may_be_absent = u64::from(punctuality.completeness.runs_may_be_absent);
    let rows = pipelines.into_iter().map(|pipeline| {
        let schedule = pipeline.schedules.join(", ");
        vec![
            Cell::Text(pipeline.name.clone()),
            Cell::text(&pipeline.pipeline_id),
            Cell::text(&pipeline.kind),
            Cell::text(trigger_type(pipeline.started_by)),
            Cell::text(pipeline.standing().as_str()),
            Cell::count(pipeline.expected()),
            Cell::count(pipeline.found()),
            Cell::count(pipeline.missing()),
            Cell::count(pipeline.created_late()),
            Cell::count(pipeline.started_late()),
            match pipeline.started_by {
                StartedBy::Schedule => Cell::Count(None),
                StartedBy::Events => Cell::count(pipeline.failed_parents.len() as u64),
            },
            Cell::Seconds(pipeline.p95_lateness()),
            Cell::Seconds(seconds(pipeline.grace)),
            instant(pipeline.next_due_at),
            instant(pipeline.overdue_since),
            instant(pipeline.last_run_at),
            Cell::Text(Some(schedule).filter(|schedule| !schedule.is_empty())),
            Cell::count(may_be_absent),
        ]
    });
    let mut table = Table { columns: names(&COLUMNS), rows: rows.collect(), totals: None };
    add_totals(&mut table);
    table
}

/// One row per due run and per failure of a parent, the newest first.
///
/// # Errors
/// Those of SQLite.
pub fn due_runs(punctuality: &Punctuality, archive: &Connection) -> Result<Table> {
    let mut run = archive.prepare(RUN)?;
    let mut rows: Vec<(DateTime<Utc>, Vec<Cell>)> = Vec::new();
    for pipeline in &punctuality.pipelines {
        let pipeline_cells = || {
            [
                Cell::text(trigger_type(pipeline.started_by)),
                Cell::Text(pipeline.name.clone()),
                Cell::text(&pipeline.pipeline_id),
                Cell::text(&pipeline.kind),
            ]
        };
        for due in &pipeline.due {
            let is_overdue = pipeline.overdue_since.is_some_and(|since| since <= due.due_at);
            let state = match due.outcome {
                Outcome::OnTime => Standing::Ok.as_str(),
                Outcome::Late => Standing::Late.as_str(),
                Outcome::Missing if is_overdue => Standing::Overdue.as_str(),
                Outcome::Missing => Standing::Missing.as_str(),
                Outcome::Pending => "pending",
            };
            let named: Option<(String, Option<String>)> = match due.run {
                Some(found) => {
                    run.query_row([found.snapshot_id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?
                }
                None => None,
            };
            let (run_id, status) = named.map_or((None, None), |(run_id, status)| (Some(run_id), status));
            let mut row = vec![
                instant(Some(due.due_at)),
                Cell::text(state),
                instant(due.run.map(|run| run.created_at)),
                instant(due.run.and_then(|run| run.started_at)),
                Cell::Seconds(due.lateness().and_then(seconds)),
                Cell::Text(status),
                Cell::Text(run_id),
            ];
            row.extend(pipeline_cells());
            rows.push((due.due_at, row));
        }
        for failed_at in &pipeline.failed_parents {
            let mut row = vec![instant(Some(*failed_at)), Cell::text(Standing::Blocked.as_str())];
            row.extend([Cell::Text(None), Cell::Text(None), Cell::Seconds(None)]);
            row.extend([Cell::Text(None), Cell::Text(None)]);
            row.extend(pipeline_cells());
            rows.push((*failed_at, row));
        }
    }
    rows.sort_by_key(|(due_at, _)| Reverse(*due_at));
    let rows = rows.into_iter().map(|(_, row)| row).collect();
    Ok(Table { columns: names(&DUE_COLUMNS), rows, totals: None })
}

/// Orders the table of all workspaces, and puts what people do not need one by one into one row: pipelines without a
/// finding, unless there are only those, and those beyond the limit. The next due time of an overdue pipeline is the
/// one that has passed.
///
/// # Errors
/// [`crate::error::Error::Usage`] when the table has no column with the name of the order.
pub(crate) fn rank_for_people(table: &mut Table, ranking: &Ranking, shows_all: bool) -> Result<()> {
    let place = |name: &str| place_of(&table.columns, name);
    if let (Some(next), Some(overdue)) = (place("next_due_at"), place("overdue_since_at")) {
        for row in table.rows.iter_mut().filter(|row| !row[overdue].is_unknown()) {
            row[next] = row[overdue].clone();
        }
    }
    let Some(state) = place("state").filter(|_| ranking.sort.is_none()) else {
        ranking.apply(table, &ADDITIVE)?;
        add_totals(table);
        return Ok(());
    };
    let standing =
        |row: &Vec<Cell>| STANDINGS.iter().position(|standing| row[state] == Cell::text(standing.as_str()));
    // Rows of several workspaces are each in this order.
    table.rows.sort_by_key(standing);
    let findings = table.rows.iter().filter(|row| row[state] != Cell::text(Standing::Ok.as_str())).count();
    add_totals(table);
    let limit = match ranking.limit {
        _ if shows_all => table.rows.len(),
        Some(limit) if findings > 0 => limit.min(findings),
        Some(limit) => limit,
        None => table.rows.len(),
    };
    if ranking.is_reversed {
        table.rows.reverse();
    }
    if table.rows.len() > limit {
        let hidden = table.rows.split_off(limit);
        let mut rest = sums(&table.columns, &hidden);
        rest[0] = Cell::Rest(hidden.len() as u64);
        if let Some(next) = place_of(&table.columns, "next_due_at") {
            let times = hidden.iter().map(|row| &row[next]).filter(|time| !time.is_unknown());
            rest[next] = times.min_by_key(|time| time.exact()).cloned().unwrap_or(Cell::Text(None));
        }
        let first = &hidden[0][state];
        if hidden.iter().all(|row| row[state] == *first) {
            rest[state] = first.clone();
        }
        table.rows.push(rest);
    }
    Ok(())
}

fn place_of(columns: &[String], name: &str) -> Option<usize> {
    columns.iter().position(|column| column == name)
}

/// Names the totals in the column of the pipelines.
pub(crate) fn label_totals(table: &mut Table, label: &str) {
    if let (Some(totals), Some(place)) = (&mut table.totals, place_of(&table.columns, "pipeline_name")) {
        totals[place] = Cell::text(label);
    }
}

/// The totals of a table with more than one row. Those of a table that has them stay.
fn add_totals(table: &mut Table) {
    if table.totals.is_none() && table.rows.len() > 1 {
        table.totals = Some(sums(&table.columns, &table.rows));
    }
}

fn sums(columns: &[String], rows: &[Vec<Cell>]) -> Vec<Cell> {
    let sum = |(place, name): (usize, &String)| {
        let counts = rows.iter().filter_map(|row| match row[place] {
            Cell::Count(count) => count,
            _ => None,
        });
        match &rows[0][place] {
            Cell::Count(_) if ADDITIVE.contains(&name.as_str()) => {
                Cell::Count(counts.reduce(|sum, count| sum + count))
            }
            Cell::Count(_) => Cell::Count(None),
            Cell::Seconds(_) => Cell::Seconds(None),
            _ => Cell::Text(None),
        }
    };
    columns.iter().enumerate().map(sum).collect()
}

fn names(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|column| (*column).to_owned()).collect()
}

fn trigger_type(started_by: StartedBy) -> &'static str {
    match started_by {
        StartedBy::Schedule => "cron",
        StartedBy::Events => "event",
    }
}

fn instant(at: Option<DateTime<Utc>>) -> Cell {
    Cell::Text(at.and_then(Instant::from_utc).map(|at| at.to_string()))
}

fn seconds(span: TimeDelta) -> Option<Seconds> {
    Seconds::ratio(span.num_microseconds()?.into(), 1_000_000)
}
