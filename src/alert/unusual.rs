//! Rules about the latest run of each pipeline: it cost or took far more than usual.

use super::{Facts, Rule};
use crate::error::Result;
use crate::export::terminal::duration;
use crate::report::period::Span;
use crate::report::run_scan::{self, IndexedRun};
use crate::report::scope::DateBasis;
use crate::run::{Instant, Seconds, Usd};
use crate::store::{AlertLevel, Finding};
use chrono::TimeDelta;
use rusqlite::named_params;
use std::collections::HashMap;

const SUCCESS: &str = "success";

/// How far back runs are read.
const READ: TimeDelta = TimeDelta::days(90);

/// The latest run of a pipeline is news for this long. After that, a pipeline that no longer runs has no alert.
const NEWS: TimeDelta = TimeDelta::days(7);

/// The numbers of earlier runs that are compared: with fewer, nothing is usual yet.
const EARLIER: (usize, usize) = (10, 30);

/// The successful runs of a pipeline, newest first: the latest, and those that it is compared with.
#[derive(Debug, Default)]
struct Latest {
    /// When the latest run was booked.
    at: String,
    nanos: Vec<i64>,
    seconds: Vec<i64>,
}

pub(super) fn findings(facts: &Facts<'_>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let news = facts.moment.plus(-NEWS);
    for ((kind, id), Latest { at, nanos, seconds }) in latest(facts)? {
        if at.as_str() < news.as_str() {
            continue;
        }
        let factor = facts.options.unusual_factor;
        let cost = unusual(&nanos, factor, (facts.options.unusual_usd * 1e9) as i64);
        let time = unusual(&seconds, factor, facts.options.unusual_duration.num_seconds());
        if cost.is_none() && time.is_none() {
            continue;
        }
        let (name, subject) = (facts.name_of(kind, &id)?, format!("{kind} {id}"));
        let local = Instant::parse(&at).map_or(at, |at| facts.local(at));
        if let Some((value, median)) = cost {
            let [value, median] = [value, median].map(|nanos| Usd::from_units(nanos.into()).to_fixed(2));
            let message = format!("{name}: the run of {local} cost {value} USD, and {median} USD is usual");
            findings.push(Rule::UnusualCost.finding(subject.clone(), AlertLevel::Warning, message));
        }
        if let Some((value, median)) = time {
            let [value, median] =
                [value, median].map(|seconds| duration(Seconds::from_units(i128::from(seconds) * 1000)));
            let message = format!("{name}: the run of {local} took {value}, and {median} is usual");
            findings.push(Rule::UnusualDuration.finding(subject, AlertLevel::Warning, message));
        }
    }
    findings.sort_by(|one, other| one.subject.cmp(&other.subject).then_with(|| one.rule.cmp(&other.rule)));
    Ok(findings)
}

/// The latest value, and the median of those before it, if the value is at least `factor` times the median and exceeds
/// it by `least`.
fn unusual(newest_first: &[i64], factor: f64, least: i64) -> Option<(i64, i64)> {
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
fn latest(facts: &Facts<'_>) -> Result<HashMap<(&'static str, String), Latest>> {
    let basis = DateBasis::default();
    let span = Span { from: Some(facts.moment.plus(-READ)), until: Some(facts.moment.next()) };
    let sql = format!("{} ORDER BY {} DESC", run_scan::runs(&span, basis), basis.sql());
    let (from, until) = span.bounds();
    let mut statement = facts.ledger.connection().prepare(&sql)?;
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
                .or_insert_with(|| Latest { at: at.to_owned(), ..Latest::default() }),
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
    fn only_a_large_multiple_with_a_large_excess_is_unusual() {
        let with_latest = |latest: i64| [vec![latest], vec![100; 10]].concat();
        assert_eq!(unusual(&with_latest(500), 5.0, 400), Some((500, 100)));
        assert_eq!(unusual(&with_latest(499), 5.0, 1), None);
        assert_eq!(unusual(&with_latest(500), 5.0, 401), None);
        assert_eq!(unusual(&[500, 100, 100], 5.0, 1), None, "too few earlier runs");
        assert_eq!(unusual(&[], 5.0, 1), None);
    }
}
