//! Runs that have not ended, with their age compared to what is usual in their pipeline, as `queries/open.sql` does.

mod table;
mod usual_times;

pub use table::{OpenReport, report};
pub use usual_times::{Factor, OpenState, UsualTimes};
pub(crate) use usual_times::{MIN_RUNS, TOO_LONG_FROM_SECONDS};

use super::by_pipeline::ByPipeline;
use super::group_by::for_each_run_in;
use super::ledger::Ledger;
use super::moment::{moment_of, whole_seconds_between};
use super::period::Span;
use super::run_scan::{Columns, Outcome};
use crate::error::Result;
use crate::run::{Instant, Share};
use chrono::TimeDelta;
use rusqlite::{Row, named_params};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Successful runs that are compared with: all of this many days before the moment.
const RECENT_DAYS: i64 = 90;

/// Successful runs that are compared with, however old they are.
const NEWEST_RUNS: usize = 20;

/// The runs that have not ended, without those that have vanished. The condition on the status is that of the index
/// `run_snapshots_open`.
const OPEN_RUNS: &str = "
SELECT run_id, pipeline_name, pipeline_id, pipeline_kind, status, trigger_type, created_at, started_at
FROM runs
WHERE (status IS NULL OR (status <> 'success' AND status <> 'failed' AND status <> 'canceled')) AND ended_at IS NULL
  AND run_id NOT IN (SELECT run_id FROM vanished_runs)
  AND (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)";

/// The runs of an archive that have not ended.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenRuns {
    /// The moment of the ages. `None`: nothing was archived.
    pub moment: Option<Instant>,
    /// Those that are too long first, then the longest in proportion to what is usual.
    pub runs: Vec<OpenRun>,
}

/// A run that has not ended.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenRun {
    /// The id of the run.
    pub run_id: String,
    /// The name of its pipeline. `None`: not in the catalog.
    pub pipeline_name: Option<String>,
    /// The id or slug of its pipeline. `None`: it has none, or several.
    pub pipeline_id: Option<String>,
    /// `source`, `destination` or `transformation`.
    pub pipeline_kind: Option<String>,
    /// The status, as sent. `None`: none was sent.
    pub status: Option<String>,
    /// `manual`, `cron` or `event`.
    pub trigger_type: Option<String>,
    /// When it was created.
    pub created_at: Option<Instant>,
    /// When it started. `None`: not yet.
    pub started_at: Option<Instant>,
    /// The seconds since its start, or since its creation if it has not started. `None`: neither is known.
    pub age_seconds: Option<i64>,
    /// What is usual in its pipeline. `None`: too few successful runs.
    pub usual: Option<UsualTimes>,
    /// What that says about it.
    pub state: OpenState,
}

impl OpenRun {
    /// The age as a multiple of the pipeline's 95th percentile. `None`: one of them is not known.
    pub fn factor(&self) -> Option<Share> {
        self.usual.as_ref()?.factor_of(self.age_seconds?)
    }

    /// Whether it takes longer than is usual.
    pub fn is_too_long(&self) -> bool {
        self.state == OpenState::TooLong
    }
}

/// The ledger's runs that have not ended. A run is too long if its age is more than `factor` times its pipeline's 95th
/// percentile.
///
/// # Errors
/// Those of SQLite.
pub fn open_runs(ledger: &Ledger<'_>, factor: Factor) -> Result<OpenRuns> {
    compared(ledger, factor, |_| true)
}

/// As [`open_runs`], but reads what is usual only for runs that are old enough to be too long. Most archives have none,
/// and then the time does not depend on the number of runs that have ended.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn open_runs_judged(ledger: &Ledger<'_>, factor: Factor) -> Result<OpenRuns> {
    compared(ledger, factor, |run| run.age_seconds.is_some_and(|age| age >= TOO_LONG_FROM_SECONDS))
}

fn compared(ledger: &Ledger<'_>, factor: Factor, is_compared: fn(&OpenRun) -> bool) -> Result<OpenRuns> {
    let mut open = runs_without_usual(ledger)?;
    let Some(moment) = open.moment else { return Ok(open) };
    let mut samples = Samples::of(open.runs.iter().filter(|run| is_compared(run)));
    samples.read(ledger, moment)?;
    let usual: Vec<[Option<UsualTimes>; 2]> =
        samples.times.into_iter().map(PipelineTimes::into_usual).collect();
    for run in &mut open.runs {
        let pipeline = run.pipeline_kind.as_deref().zip(run.pipeline_id.as_deref());
        let position = pipeline.and_then(|(kind, id)| samples.pipelines.get(kind, id));
        run.usual =
            position.and_then(|position| usual[*position][usize::from(run.started_at.is_some())].clone());
        run.state = OpenState::of(run.age_seconds, run.started_at.is_some(), run.usual.as_ref(), factor);
    }
    open.runs.sort_by_cached_key(sort_key);
    Ok(open)
}

/// The ledger's runs that have not ended, the oldest first, without a comparison. Its time does not depend on the
/// number of runs that have ended.
///
/// # Errors
/// Those of SQLite.
pub fn runs_without_usual(ledger: &Ledger<'_>) -> Result<OpenRuns> {
    let moment = moment_of(ledger)?;
    let mut statement = ledger.connection().prepare(OPEN_RUNS)?;
    let span = ledger.scope().span;
    let mut rows = statement.query(named_params! {":from": span.from, ":until": span.until})?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(read(row, moment)?);
    }
    runs.sort_by(|one, other| {
        (Reverse(one.age_seconds), &one.run_id).cmp(&(Reverse(other.age_seconds), &other.run_id))
    });
    Ok(OpenRuns { moment, runs })
}

fn read(row: &Row<'_>, moment: Option<Instant>) -> Result<OpenRun> {
    let (created_at, started_at): (Option<Instant>, Option<Instant>) = (row.get(6)?, row.get(7)?);
    let began_at = started_at.or(created_at);
    let age = |moment: Instant| whole_seconds_between(began_at?.as_str(), moment.as_str());
    let age_seconds = moment.and_then(age).map(|age| age.max(0));
    Ok(OpenRun {
        run_id: row.get(0)?,
        pipeline_name: row.get(1)?,
        pipeline_id: row.get(2)?,
        pipeline_kind: row.get(3)?,
        status: row.get(4)?,
        trigger_type: row.get(5)?,
        created_at,
        started_at,
        age_seconds,
        usual: None,
        state: OpenState::of(age_seconds, started_at.is_some(), None, Factor::default()),
    })
}

/// The order of `queries/open.sql`.
fn sort_key(run: &OpenRun) -> (bool, Reverse<Option<Share>>, Reverse<Option<i64>>, String) {
    (!run.is_too_long(), Reverse(run.factor()), Reverse(run.age_seconds), run.run_id.clone())
}

/// The times of the successful runs of some pipelines.
#[derive(Debug)]
struct Samples {
    /// The position of each pipeline.
    pipelines: ByPipeline<usize>,
    times: Vec<PipelineTimes>,
}

/// The times of a pipeline's successful runs, in seconds.
#[derive(Debug, Default, Clone)]
struct PipelineTimes {
    recent: Vec<RunTimes>,
    /// The newest of the runs before: when each is booked, its snapshot, and its times. The oldest is on top.
    older: BinaryHeap<Reverse<(Instant, i64, RunTimes)>>,
}

/// How long a run took from its start, and from its creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct RunTimes {
    duration: i64,
    total: Option<i64>,
}

impl Samples {
    fn of<'r>(runs: impl Iterator<Item = &'r OpenRun>) -> Samples {
        let (mut pipelines, mut times) = (ByPipeline::default(), Vec::new());
        for run in runs {
            if let (Some(kind), Some(id)) = (&run.pipeline_kind, &run.pipeline_id) {
                pipelines.get_or_insert_with(kind, id, || {
                    times.push(PipelineTimes::default());
                    times.len() - 1
                });
            }
        }
        Samples { pipelines, times }
    }

    /// Reads the recent runs, and the older ones if a pipeline has too few.
    fn read(&mut self, ledger: &Ledger<'_>, moment: Instant) -> Result<()> {
        if self.times.is_empty() {
            return Ok(());
        }
        let day = moment.plus(TimeDelta::days(-RECENT_DAYS)).to_string();
        let recent_from = Instant::parse(&format!("{}.000000Z", &day[..19]));
        let Samples { pipelines, times } = self;
        let recent = Span { from: recent_from, until: None };
        for_each_success(ledger, recent, pipelines, |pipeline, _, _, run| times[pipeline].recent.push(run))?;
        let wanted = |times: &PipelineTimes| NEWEST_RUNS.saturating_sub(times.recent.len());
        let wanted: Vec<usize> = times.iter().map(wanted).collect();
        if wanted.iter().all(|wanted| *wanted == 0) {
            return Ok(());
        }
        let older = Span { from: None, until: recent_from };
        for_each_success(ledger, older, pipelines, |pipeline, booked_at, snapshot_id, run| {
            times[pipeline].add_older(booked_at, snapshot_id, run, wanted[pipeline]);
        })
    }
}

/// Passes each successful run of the pipelines in a span to `visit`: the number of its pipeline, when it is booked, its
/// snapshot and its times.
fn for_each_success(
    ledger: &Ledger<'_>,
    span: Span,
    pipelines: &ByPipeline<usize>,
    mut visit: impl FnMut(usize, &str, i64, RunTimes),
) -> Result<()> {
    let times = Columns::DURATION.and(Columns::CREATED_AT).and(Columns::ENDED_AT);
    let columns = times.and(Columns::BOOKED_AT).and(Columns::STATUS).and(Columns::PIPELINE);
    for_each_run_in(ledger, span, columns.and(Columns::SNAPSHOT), |run| {
        if run.outcome()? != Some(Outcome::Succeeded) {
            return Ok(());
        }
        let Some(duration) = run.duration_seconds()?.filter(|duration| *duration >= 0) else { return Ok(()) };
        let Some((kind, id)) = run.pipeline()? else { return Ok(()) };
        let Some(pipeline) = pipelines.get(kind, id) else { return Ok(()) };
        let Some(booked_at) = run.booked_at()? else { return Ok(()) };
        let total = match (run.created_at()?, run.ended_at()?) {
            (Some(created_at), Some(ended_at)) => whole_seconds_between(created_at, ended_at),
            _ => None,
        };
        let times = RunTimes { duration, total: total.filter(|total| *total >= 0) };
        visit(*pipeline, booked_at, run.snapshot_id()?, times);
        Ok(())
    })
}

impl PipelineTimes {
    /// Adds a run of before the recent ones, if it is one of the `wanted` newest.
    fn add_older(&mut self, booked_at: &str, snapshot_id: i64, run: RunTimes, wanted: usize) {
        if self.older.len() == wanted {
            match self.older.peek() {
                Some(Reverse((oldest, id, _))) if (oldest.as_str(), *id) < (booked_at, snapshot_id) => {
                    self.older.pop();
                }
                _ => return,
            }
        }
        self.older.extend(Instant::parse(booked_at).map(|at| Reverse((at, snapshot_id, run))));
    }

    /// What is usual for runs that have not started, and for those that have.
    fn into_usual(self) -> [Option<UsualTimes>; 2] {
        let older = self.older.into_iter().map(|Reverse((_, _, run))| run);
        let runs: Vec<RunTimes> = self.recent.into_iter().chain(older).collect();
        let totals = runs.iter().filter_map(|run| run.total).collect();
        let durations = runs.iter().map(|run| run.duration).collect();
        [UsualTimes::of(totals), UsualTimes::of(durations)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_of_the_older_runs_are_kept() {
        let mut times = PipelineTimes::default();
        for (nth, month) in ["03", "01", "05", "02", "04"].into_iter().enumerate() {
            let run = RunTimes { duration: month.parse().unwrap(), total: None };
            times.add_older(&format!("2026-{month}-01T00:00:00.000000Z"), nth as i64, run, 2);
        }
        let mut kept: Vec<i64> = times.older.iter().map(|Reverse((_, _, run))| run.duration).collect();
        kept.sort_unstable();
        assert_eq!(kept, [4, 5]);
        times.add_older("2026-05-01T00:00:00.000000Z", 9, RunTimes { duration: 9, total: None }, 2);
        assert_eq!(times.older.into_iter().map(|Reverse((_, _, run))| run.duration).min(), Some(5));
    }

    #[test]
    fn runs_that_have_not_ended_are_found_in_their_index() {
        let archive = crate::store::Archive::temporary().unwrap();
        let mut statement = archive.connection().prepare(&format!("EXPLAIN QUERY PLAN {OPEN_RUNS}")).unwrap();
        let span = named_params! {":from": None::<String>, ":until": None::<String>};
        let steps = statement.query_map(span, |row| row.get::<_, String>(3)).unwrap();
        let plan = steps.collect::<rusqlite::Result<Vec<_>>>().unwrap();
        assert!(plan[0].contains("USING INDEX run_snapshots_open"), "{plan:?}");
    }
}
