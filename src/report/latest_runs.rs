//! The latest run of each pipeline, compared with those before it: some cost or took far more than usual.
//!
//! `report anomalies` shows each deviation of interest. These are the few that are worth a message: the value is a
//! large multiple of the usual one, and exceeds it by an amount that matters.

use super::by_pipeline::ByPipeline;
use super::ledger::Ledger;
use super::period::Span;
use super::run_scan::{Columns, Outcome, RunQuery};
use super::scope::DateBasis;
use crate::error::Result;
use crate::run::{Fixed, Instant, Seconds, Usd};
use chrono::TimeDelta;
use rusqlite::named_params;

/// How far back runs are read.
const READ: TimeDelta = TimeDelta::days(90);

/// The latest run of a pipeline is news for this long. After that, a pipeline that no longer runs is not unusual.
const NEWS: TimeDelta = TimeDelta::days(7);

/// The least and the most earlier runs that a run is compared with.
const EARLIER: (usize, usize) = (10, 30);

/// What is far more than usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct UnusualLimits {
    /// At least this many times the median of the runs before.
    pub(crate) factor: f64,
    /// A cost exceeds the median by at least this.
    pub(crate) excess: Usd,
    /// A duration exceeds the median by at least this.
    pub(crate) excess_duration: TimeDelta,
}

impl UnusualLimits {
    /// The cost of a run, if it is far more than usual.
    pub(crate) fn unusual_cost(&self, run: &LatestRun) -> Option<Compared<Usd>> {
        run.cost.filter(|cost| cost.is_unusual(self.factor, self.excess))
    }

    /// The duration of a run, if it is far more than usual.
    pub(crate) fn unusual_duration(&self, run: &LatestRun) -> Option<Compared<Seconds>> {
        let excess = Seconds::whole(self.excess_duration.num_seconds());
        run.duration.filter(|duration| duration.is_unusual(self.factor, excess))
    }
}

/// A value of a run, and the median of those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Compared<T> {
    pub(crate) latest: T,
    pub(crate) usual: T,
}

impl<const DECIMALS: u32> Compared<Fixed<DECIMALS>> {
    /// Whether the value is at least `factor` times the median, and exceeds it by `least`.
    fn is_unusual(&self, factor: f64, least: Fixed<DECIMALS>) -> bool {
        let Compared { latest, usual } = *self;
        latest.units() as f64 >= factor * usual.units() as f64 && latest - usual >= least
    }
}

/// The latest successful run of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LatestRun {
    /// `source`, `destination` or `transformation`.
    pub(crate) kind: &'static str,
    /// The id or slug of the pipeline, as in the run.
    pub(crate) pipeline_id: String,
    /// When the run was booked.
    pub(crate) booked_at: Instant,
    /// Its cost. `None`: it is not known, or too few runs before it have one.
    pub(crate) cost: Option<Compared<Usd>>,
    /// Its duration. `None`: as for the cost.
    pub(crate) duration: Option<Compared<Seconds>>,
}

/// The successful runs of a pipeline, newest first: the latest, and those that it is compared with.
#[derive(Debug, Default)]
struct Latest {
    /// When the latest run was booked.
    booked_at: String,
    nanos: Vec<i64>,
    seconds: Vec<i64>,
}

/// The latest successful runs in the week before `moment`, by pipeline.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn latest_runs(ledger: &Ledger<'_>, moment: Instant) -> Result<Vec<LatestRun>> {
    let news = moment.plus(-NEWS);
    let mut runs = Vec::new();
    for (kind, pipeline_id, Latest { booked_at, nanos, seconds }) in latest(ledger, moment)?.into_pipelines()
    {
        let Some(booked_at) = Instant::parse(&booked_at).filter(|at| *at >= news) else { continue };
        let cost = compared(&nanos, |nanos| Usd::from_units(nanos.into()));
        let duration = compared(&seconds, Seconds::whole);
        runs.push(LatestRun { kind, pipeline_id, booked_at, cost, duration });
    }
    runs.sort_by(|one, other| (one.kind, &one.pipeline_id).cmp(&(other.kind, &other.pipeline_id)));
    Ok(runs)
}

/// The latest value, and the median of those before it. `None`: they are too few.
fn compared<T>(newest_first: &[i64], value: impl Fn(i64) -> T) -> Option<Compared<T>> {
    let (latest, earlier) = newest_first.split_first()?;
    if earlier.len() < EARLIER.0 {
        return None;
    }
    let mut earlier = earlier.to_vec();
    earlier.sort_unstable();
    Some(Compared { latest: value(*latest), usual: value(earlier[earlier.len() / 2]) })
}

/// The latest successful runs of each pipeline.
fn latest(ledger: &Ledger<'_>, moment: Instant) -> Result<ByPipeline<Latest>> {
    let basis = DateBasis::default();
    let span = Span { from: Some(moment.plus(-READ)), until: Some(moment.next()) };
    let query = RunQuery::new(&span, basis, Columns::OUTCOME.and(Columns::DURATION))
        .and(&format!("ORDER BY {} DESC", basis.sql()));
    let (from, until) = span.bounds();
    let mut statement = ledger.connection().prepare(&query.sql)?;
    let mut rows = statement.query(named_params! {":from": from, ":until": until})?;
    let mut pipelines: ByPipeline<Latest> = ByPipeline::default();
    while let Some(row) = rows.next()? {
        let run = query.run(row);
        if run.outcome()? != Some(Outcome::Succeeded) {
            continue;
        }
        let (Some((kind, id)), Some(at)) = (run.pipeline()?, run.booked_at()?) else { continue };
        let latest = pipelines
            .get_or_insert_with(kind, id, || Latest { booked_at: at.to_owned(), ..Latest::default() });
        let nanos = run.total_cost_nanos()?;
        for (values, value) in [(&mut latest.nanos, nanos), (&mut latest.seconds, run.duration_seconds()?)] {
            if values.len() <= EARLIER.1 {
                values.extend(value);
            }
        }
    }
    Ok(pipelines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_large_multiple_with_a_large_excess_is_unusual() {
        let is_unusual = |latest: i64, least: i64| {
            let values = [vec![latest], vec![100; 10]].concat();
            compared(&values, Seconds::whole).unwrap().is_unusual(5.0, Seconds::whole(least))
        };
        assert!(is_unusual(500, 400));
        assert!(!is_unusual(499, 1));
        assert!(!is_unusual(500, 401));
        assert_eq!(compared(&[500, 100, 100], Seconds::whole), None, "too few earlier runs");
        assert_eq!(compared(&[], Seconds::whole), None);
    }
}
