//! How long each run of a list took, as a multiple of what is usual in its pipeline.

use super::duration::Distribution;
use super::ledger::Ledger;
use super::open::MIN_RUNS;
use super::table::{Cell, Table};
use super::usual::USUAL_RUNS;
use crate::error::{Error, Result};
use crate::run::{Fixed, Instant, Seconds};
use chrono::TimeDelta;
use rusqlite::named_params;
use std::collections::HashMap;

/// The column: the duration as a multiple of the median.
const COLUMN: &str = "p50_factor";

/// What the column is, below a table.
const NOTE: &str = "x median: of the pipeline's 30 successful runs before, at most 90 days old";

/// How far back the runs are that a run is compared with. It bounds the part of the index that is read.
const READ: TimeDelta = TimeDelta::days(90);

/// The successful runs of some pipelines in a span, newest first, from the covering index of the reports. `main` is the
/// archive as it is known now, whatever the ledger selects.
const SUCCESSFUL_RUNS: &str = "
SELECT coalesce(source, destination, transformation), coalesce(started_at, created_at), duration_seconds
FROM main.run_snapshots INDEXED BY run_snapshots_for_reports
WHERE superseded_at IS NULL AND status = 'success' AND duration_seconds IS NOT NULL
  AND coalesce(started_at, created_at) >= :from AND coalesce(started_at, created_at) < :until
  AND coalesce(source, destination, transformation) IN (SELECT value FROM json_each(:pipelines))
ORDER BY coalesce(started_at, created_at) DESC";

/// A run of the list that can be compared.
struct Listed {
    row: usize,
    began_at: String,
    seconds: Seconds,
}

/// The runs of the list of one pipeline, and the successful runs of it, newest first.
#[derive(Default)]
struct Pipeline {
    listed: Vec<Listed>,
    /// When the first of the listed runs began.
    oldest: Option<String>,
    began_at: Vec<String>,
    seconds: Vec<i64>,
}

impl Pipeline {
    /// Whether enough runs were read before each listed one.
    fn is_complete(&self) -> bool {
        let last_needed = self.began_at.len().checked_sub(USUAL_RUNS as usize);
        last_needed.zip(self.oldest.as_ref()).is_some_and(|(place, oldest)| self.began_at[place] < *oldest)
    }

    fn add(&mut self, run: Listed) {
        let oldest = self.oldest.take().filter(|oldest| *oldest < run.began_at);
        self.oldest = oldest.or_else(|| Some(run.began_at.clone()));
        self.listed.push(run);
    }

    /// The duration of a run as a multiple of the median before it. `None`: there are too few runs, or they took no
    /// time.
    fn factor(&self, run: &Listed) -> Option<Fixed<9>> {
        let before = self.began_at.partition_point(|began_at| *began_at >= run.began_at);
        let after = self.seconds.len().min(before + USUAL_RUNS as usize);
        let mut seconds = self.seconds[before..after].to_vec();
        if seconds.len() < MIN_RUNS {
            return None;
        }
        let median = Distribution::of(&mut seconds, 1).percentile(50)?;
        Fixed::ratio(run.seconds.units(), median.units())
    }
}

/// Adds the column to a list of runs. It reads nothing if no run of the list has a duration and a pipeline.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn add_to(table: &mut Table, ledger: &Ledger<'_>) -> Result<()> {
    let mut pipelines = listed(table);
    read(&mut pipelines, ledger)?;
    let mut factors = vec![None; table.rows.len()];
    for pipeline in pipelines.values() {
        for run in &pipeline.listed {
            factors[run.row] = pipeline.factor(run);
        }
    }
    table.columns.push(COLUMN.to_owned());
    for (row, factor) in table.rows.iter_mut().zip(factors) {
        row.push(Cell::Rate(factor));
    }
    Ok(())
}

/// The note below a table. `None`: no run is compared.
pub(crate) fn note(table: &Table) -> Option<String> {
    let column = table.columns.iter().position(|column| column == COLUMN)?;
    table.rows.iter().any(|row| !row[column].is_unknown()).then(|| NOTE.to_owned())
}

/// The runs of the list by the name of their pipeline in runs.
fn listed(table: &Table) -> HashMap<String, Pipeline> {
    let column = |name: &str| table.columns.iter().position(|column| column == name);
    let places = [column("pipeline_id"), column("duration_seconds"), column("started_at")];
    let [Some(id), Some(duration), Some(started_at)] = places else { return HashMap::new() };
    let mut pipelines: HashMap<String, Pipeline> = HashMap::new();
    for (number, row) in table.rows.iter().enumerate() {
        let seconds = match row[duration] {
            Cell::Seconds(seconds) => seconds,
            Cell::Count(seconds) => seconds.map(Seconds::whole),
            _ => None,
        };
        if let (Cell::Text(Some(id)), Some(seconds), Cell::Text(Some(began_at))) =
            (&row[id], seconds, &row[started_at])
        {
            let run = Listed { row: number, began_at: began_at.clone(), seconds };
            pipelines.entry(id.clone()).or_default().add(run);
        }
    }
    pipelines
}

/// Reads the successful runs before the listed ones, until there are enough of each pipeline.
fn read(pipelines: &mut HashMap<String, Pipeline>, ledger: &Ledger<'_>) -> Result<()> {
    let listed = || pipelines.values().flat_map(|pipeline| &pipeline.listed).map(|run| &run.began_at);
    let (Some(oldest), Some(newest)) = (listed().min(), listed().max()) else { return Ok(()) };
    let from = Instant::parse(oldest).map_or_else(String::new, |oldest| oldest.plus(-READ).to_string());
    let names = serde_json::to_string(&pipelines.keys().collect::<Vec<_>>());
    let names = names.map_err(|error| Error::Internal(error.to_string()))?;
    let until = newest.clone();
    let mut statement = ledger.connection().prepare(SUCCESSFUL_RUNS)?;
    let mut rows = statement.query(named_params! {":from": from, ":until": until, ":pipelines": names})?;
    let mut incomplete = pipelines.len();
    while let Some(row) = rows.next()?.filter(|_| incomplete > 0) {
        let name: String = row.get(0)?;
        let Some(pipeline) = pipelines.get_mut(&name).filter(|pipeline| !pipeline.is_complete()) else {
            continue;
        };
        pipeline.began_at.push(row.get(1)?);
        pipeline.seconds.push(row.get(2)?);
        incomplete -= usize::from(pipeline.is_complete());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: u32) -> String {
        format!("2026-03-{day:02}T00:00:00.000000Z")
    }

    #[test]
    fn a_run_is_compared_with_successful_runs_before_it_alone() {
        let pipeline = Pipeline {
            began_at: [9, 8, 7, 6, 5, 4, 3].map(at).to_vec(),
            seconds: vec![900, 20, 10, 10, 10, 30, 10],
            ..Pipeline::default()
        };
        let factor = |day, seconds| {
            let run = Listed { row: 0, began_at: at(day), seconds: Seconds::whole(seconds) };
            pipeline.factor(&run).map(|factor| factor.to_fixed(1))
        };
        assert_eq!(factor(9, 25), Some("2.5".to_owned()), "the run of the same moment is not before it");
        assert_eq!(factor(8, 5), Some("0.5".to_owned()));
        assert_eq!(factor(7, 5), None, "four runs are too few");
    }

    #[test]
    fn a_pipeline_is_complete_with_thirty_runs_before_its_oldest_listed_one() {
        let run = |day| Listed { row: 0, began_at: at(day), seconds: Seconds::whole(1) };
        let mut pipeline = Pipeline { began_at: vec![at(5); 29], ..Pipeline::default() };
        pipeline.add(run(9));
        assert!(!pipeline.is_complete(), "29 runs");
        pipeline.began_at.push(at(5));
        assert!(pipeline.is_complete());
        pipeline.add(run(5));
        pipeline.add(run(6));
        assert!(!pipeline.is_complete(), "none of them is before the run of the 5th");
    }
}
