//! Latest runs that cost or took far more than usual.
//!
//! `report anomalies` shows each deviation of interest. These are the few that are worth a message: the value is a
//! large multiple of the usual one, and exceeds it by an amount that matters.

use super::ledger::Ledger;
use super::period::Span;
use super::run_scan::{self, IndexedRun};
use super::scope::DateBasis;
use crate::error::Result;
use crate::run::{Instant, Seconds, Usd};
use chrono::TimeDelta;
use rusqlite::named_params;
use std::collections::HashMap;

const SUCCESS: &str = "success";

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

/// The latest successful run of a pipeline, if its cost or its duration is unusual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnusualRun {
    /// `source`, `destination` or `transformation`.
    pub(crate) kind: &'static str,
    /// The id or slug of the pipeline, as in the run.
    pub(crate) pipeline_id: String,
    /// When the run was booked.
    pub(crate) booked_at: Instant,
    /// Its cost and the usual one. `None`: its cost is as usual, or not known.
    pub(crate) cost: Option<(Usd, Usd)>,
    /// Its duration and the usual one. `None`: its duration is as usual, or not known.
    pub(crate) duration: Option<(Seconds, Seconds)>,
}

/// The successful runs of a pipeline, newest first: the latest, and those that it is compared with.
#[derive(Debug, Default)]
struct Latest {
    /// When the latest run was booked.
    booked_at: String,
    nanos: Vec<i64>,
    seconds: Vec<i64>,
}

/// The unusual runs in the week before `moment`, by pipeline.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn unusual_runs(
    ledger: &Ledger<'_>,
    moment: Instant,
    limits: UnusualLimits,
) -> Result<Vec<UnusualRun>> {
    let news = moment.plus(-NEWS);
    let excess = i64::try_from(limits.excess.units()).unwrap_or(i64::MAX);
    let mut unusual = Vec::new();
    for ((kind, pipeline_id), Latest { booked_at, nanos, seconds }) in latest(ledger, moment)? {
        let Some(booked_at) = Instant::parse(&booked_at).filter(|at| *at >= news) else { continue };
        let usd = |nanos: i64| Usd::from_units(nanos.into());
        let cost = excess_over(&nanos, limits.factor, excess);
        let duration = excess_over(&seconds, limits.factor, limits.excess_duration.num_seconds());
        if cost.is_some() || duration.is_some() {
            unusual.push(UnusualRun {
                kind,
                pipeline_id,
                booked_at,
                cost: cost.map(|(value, median)| (usd(value), usd(median))),
                duration: duration.map(|(value, median)| (Seconds::whole(value), Seconds::whole(median))),
            });
        }
    }
    unusual.sort_by(|one, other| (one.kind, &one.pipeline_id).cmp(&(other.kind, &other.pipeline_id)));
    Ok(unusual)
}

/// The latest value, and the median of those before it, if the value is at least `factor` times the median and exceeds
/// it by `least`.
fn excess_over(newest_first: &[i64], factor: f64, least: i64) -> Option<(i64, i64)> {
    let (latest, earlier) = newest_first.split_first()?;
    if earlier.len() < EARLIER.0 {
        return None;
    }
    let mut earlier = earlier.to_vec();
    earlier.sort_unstable();
    let median = earlier[earlier.len() / 2];
    (*latest as f64 >= factor * median as f64 && latest - median >= least).then_some((*latest, median))
}

/// The latest successful runs of each pipeline, by kind and id.
fn latest(ledger: &Ledger<'_>, moment: Instant) -> Result<HashMap<(&'static str, String), Latest>> {
    let basis = DateBasis::default();
    let span = Span { from: Some(moment.plus(-READ)), until: Some(moment.next()) };
    let sql = format!("{} ORDER BY {} DESC", run_scan::runs(&span, basis), basis.sql());
    let (from, until) = span.bounds();
    let mut statement = ledger.connection().prepare(&sql)?;
    let mut rows = statement.query(named_params! {":from": from, ":until": until})?;
    let mut pipelines: HashMap<&'static str, HashMap<String, Latest>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let run = IndexedRun::new(row);
        if run.status()? != Some(SUCCESS) {
            continue;
        }
        let (Some((kind, id)), Some(at)) = (run.pipeline()?, run.booked_at()?) else { continue };
        let of_kind = pipelines.entry(kind).or_default();
        let latest = match of_kind.get_mut(id) {
            Some(latest) => latest,
            None => of_kind
                .entry(id.to_owned())
                .or_insert_with(|| Latest { booked_at: at.to_owned(), ..Latest::default() }),
        };
        let nanos = match (run.el_cost_nanos()?, run.transformation_cost_nanos()?) {
            (None, None) => None,
            (el, transformation) => Some(el.unwrap_or(0).saturating_add(transformation.unwrap_or(0))),
        };
        for (values, value) in [(&mut latest.nanos, nanos), (&mut latest.seconds, run.duration_seconds()?)] {
            if values.len() <= EARLIER.1 {
                values.extend(value);
            }
        }
    }
    let of_kinds = pipelines.into_iter();
    Ok(of_kinds
        .flat_map(|(kind, ids)| ids.into_iter().map(move |(id, latest)| ((kind, id), latest)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_large_multiple_with_a_large_excess_is_excess_over() {
        let with_latest = |latest: i64| [vec![latest], vec![100; 10]].concat();
        assert_eq!(excess_over(&with_latest(500), 5.0, 400), Some((500, 100)));
        assert_eq!(excess_over(&with_latest(499), 5.0, 1), None);
        assert_eq!(excess_over(&with_latest(500), 5.0, 401), None);
        assert_eq!(excess_over(&[500, 100, 100], 5.0, 1), None, "too few earlier runs");
        assert_eq!(excess_over(&[], 5.0, 1), None);
    }
}
