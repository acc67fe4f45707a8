//! Event triggers: which runs of its parents should have started a pipeline, on plain values.
//!
//! An event is the success of a parent. With the rule `any`, each success is one, except that successes within
//! [`TOGETHER`] are one event. With the rule `all`, the event is the success that completes the set: each parent has
//! succeeded since the event before. The pipeline's run can be created from the first of them on, because it waits for
//! the others.

use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeSet;

/// Successes of parents that start one run.
const TOGETHER: TimeDelta = TimeDelta::minutes(1);

/// The parents of a pipeline in a state of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parents {
    /// When the state was first seen.
    pub(super) from: DateTime<Utc>,
    /// When it was last seen. `None`: it is the current state.
    pub(super) until: Option<DateTime<Utc>>,
    /// The positions of the parents in the list of pipelines.
    pub(super) parents: Vec<usize>,
    /// Whether all of them must have succeeded.
    pub(super) needs_all: bool,
}

impl Parents {
    pub(super) fn contains(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && self.until.is_none_or(|until| at <= until)
    }
}

/// A run that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EndedRun {
    pub(super) ended_at: DateTime<Utc>,
    pub(super) has_succeeded: bool,
    pub(super) has_failed: bool,
}

/// When the run of an event is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Event {
    /// From then on the run can be created.
    pub(super) opens_at: DateTime<Utc>,
    /// When the event was complete.
    pub(super) due_at: DateTime<Utc>,
}

/// The events of a pipeline whose parents have these runs, each ascending.
pub(super) fn events(parents: &Parents, runs: &[&[EndedRun]]) -> Vec<Event> {
    let mut successes: Vec<(DateTime<Utc>, usize)> = Vec::new();
    for (parent, runs) in runs.iter().enumerate() {
        let succeeded = runs.iter().filter(|run| run.has_succeeded && parents.contains(run.ended_at));
        successes.extend(succeeded.map(|run| (run.ended_at, parent)));
    }
    successes.sort();
    let mut events: Vec<Event> = Vec::new();
    let (mut opens_at, mut done) = (None, BTreeSet::new());
    for (at, parent) in successes {
        if parents.needs_all {
            done.insert(parent);
            let first = *opens_at.get_or_insert(at);
            if done.len() == runs.len() {
                events.push(Event { opens_at: first, due_at: at });
                (opens_at, done) = (None, BTreeSet::new());
            }
        } else if events.last().is_none_or(|last| at - last.opens_at > TOGETHER) {
            events.push(Event { opens_at: at, due_at: at });
        }
    }
    events
}

/// The failures of parents after which the pipeline did not run: no run of an event was created until the parent's next
/// success, which was not within the grace period. `created` is ascending.
pub(super) fn failures_without_run(
    parents: &Parents,
    runs: &[&[EndedRun]],
    created: &[DateTime<Utc>],
    grace: TimeDelta,
) -> Vec<DateTime<Utc>> {
    let mut failures = Vec::new();
    for runs in runs {
        for (place, failed) in runs.iter().enumerate().filter(|(_, run)| run.has_failed) {
            let next = runs[place..].iter().find(|run| run.has_succeeded).map(|run| run.ended_at);
            let is_made_up_for = next.is_some_and(|next| next - failed.ended_at <= grace);
            let run = created.get(created.partition_point(|created| *created < failed.ended_at));
            let has_run = run.is_some_and(|created| next.is_none_or(|next| *created < next));
            if !is_made_up_for && !has_run && parents.contains(failed.ended_at) {
                failures.push(failed.ended_at);
            }
        }
    }
    failures.sort();
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn ended(minute: i64, status: &str) -> EndedRun {
        EndedRun { ended_at: at(minute), has_succeeded: status == "success", has_failed: status == "failed" }
    }

    fn parents(needs_all: bool) -> Parents {
        Parents { from: at(0), until: None, parents: vec![0, 1], needs_all }
    }

    fn event(opens: i64, due: i64) -> Event {
        Event { opens_at: at(opens), due_at: at(due) }
    }

    #[test]
    fn any_success_is_an_event_and_those_together_are_one() {
        let one = [ended(-5, "success"), ended(10, "success"), ended(20, "failed"), ended(70, "success")];
        let other = [ended(11, "success"), ended(40, "success")];
        assert_eq!(events(&parents(false), &[&one, &other]), [event(10, 10), event(40, 40), event(70, 70)]);
    }

    #[test]
    fn the_last_of_all_parents_completes_an_event() {
        let one = [ended(10, "success"), ended(20, "success"), ended(70, "success")];
        let other = [ended(30, "success"), ended(40, "failed"), ended(90, "success")];
        assert_eq!(events(&parents(true), &[&one, &other]), [event(10, 30), event(70, 90)]);
    }

    #[test]
    fn a_failure_counts_if_the_pipeline_did_not_run_after_it() {
        let failures = |runs: &[EndedRun], created: &[i64]| {
            let created: Vec<DateTime<Utc>> = created.iter().map(|created| at(*created)).collect();
            failures_without_run(&parents(false), &[runs], &created, TimeDelta::minutes(15))
        };
        let runs = [ended(10, "failed"), ended(70, "success"), ended(130, "failed"), ended(190, "failed")];
        assert_eq!(failures(&runs, &[71]), [at(10), at(130), at(190)]);
        assert!(failures(&runs, &[20, 71, 195]).is_empty(), "another parent started it");
        assert!(
            failures(&[ended(10, "failed"), ended(20, "success")], &[21]).is_empty(),
            "a retry succeeded"
        );
        assert!(failures(&[ended(10, "canceled")], &[]).is_empty());
    }
}
