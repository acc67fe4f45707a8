//! Which schedules a pipeline had when, as far as the archive knows, on plain values.
//!
//! There are two sources. The catalog knows a pipeline's triggers at each sync, if the API sends them. A run carries
//! the trigger that started it. Between two pieces of evidence that agree, the schedule was in force. Between two that
//! differ it is not known which one was, so nothing is expected there.

use super::matching::EARLIEST;
use chrono::{DateTime, TimeDelta, Utc};

/// How long a schedule that only runs show is expected to go on after the last of them.
pub(super) const VALID_AFTER_RUN: TimeDelta = TimeDelta::days(100);

/// The position of a schedule in a list of distinct ones.
pub(super) type ScheduleId = usize;

/// A state of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CatalogState {
    /// When it was first seen.
    pub(super) from: DateTime<Utc>,
    /// When it was last seen. `None`: it is the current state.
    pub(super) until: Option<DateTime<Utc>>,
    /// Whether the pipeline was disabled, deleted or a draft.
    pub(super) is_idle: bool,
    /// The schedules in its triggers, ascending. `None`: the triggers are not known.
    pub(super) schedules: Option<Vec<ScheduleId>>,
}

impl CatalogState {
    fn contains(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && self.until.is_none_or(|until| at <= until)
    }
}

/// A run, and the trigger that started it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RunTrigger {
    pub(super) created_at: DateTime<Utc>,
    /// The schedule. `None`: an event, or a schedule that is not readable.
    pub(super) schedule: Option<ScheduleId>,
}

/// Schedules, and when they were in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// The first evidence.
    pub(super) from: DateTime<Utc>,
    /// Whether that is a run: then its due time is the first one.
    pub(super) begins_with_run: bool,
    /// The last moment. `None`: they are in force.
    pub(super) until: Option<DateTime<Utc>>,
    /// At least one, ascending.
    pub(super) schedules: Vec<ScheduleId>,
}

/// What a piece of evidence shows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shown {
    /// These schedules were in force; none if it is empty.
    Schedules(Vec<ScheduleId>),
    /// The pipeline was enabled again, with the schedules it had.
    Resumed,
}

/// A piece of evidence.
struct Evidence {
    from: DateTime<Utc>,
    /// `None`: until now.
    until: Option<DateTime<Utc>>,
    is_run: bool,
    shown: Shown,
    /// When the pipeline was last seen enabled before this. `None`: the catalog does not say.
    enabled_until: Option<DateTime<Utc>>,
}

/// The schedules of a pipeline and when they were in force, ascending and without overlaps. Both lists are ascending. A
/// pipeline without states is not in the catalog: nothing is expected of it after its last run.
pub(super) fn known_schedules(states: &[CatalogState], runs: &[RunTrigger]) -> Vec<Known> {
    let mut known: Vec<Known> = Vec::new();
    let mut current: Option<Known> = None;
    let mut last = None;
    for Evidence { from, until, is_run, shown, enabled_until } in evidence(states, runs) {
        let schedules = match shown {
            Shown::Schedules(schedules) => schedules,
            Shown::Resumed => last.clone().unwrap_or_default(),
        };
        if !schedules.is_empty() {
            last = Some(schedules.clone());
        }
        match &mut current {
            Some(current) if current.schedules == schedules => {
                current.until = until.map(|until| current.until.map_or(until, |before| before.max(until)));
            }
            _ => {
                if let Some(mut ended) = current.take() {
                    // A pipeline that was seen enabled kept its schedule until then.
                    ended.until = ended.until.max(enabled_until);
                    known.push(ended);
                }
                current = Some(Known { from, begins_with_run: is_run, until, schedules });
            }
        }
    }
    if let Some(mut current) = current {
        if !states.is_empty() {
            current.until = current.until.map(|until| until + VALID_AFTER_RUN);
        }
        known.push(current);
    }
    known.retain(|known| !known.schedules.is_empty());
    known
}

fn evidence(states: &[CatalogState], runs: &[RunTrigger]) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for (place, state) in states.iter().enumerate() {
        let before = place.checked_sub(1).map(|before| &states[before]);
        let shown = match &state.schedules {
            _ if state.is_idle => Shown::Schedules(Vec::new()),
            Some(schedules) => Shown::Schedules(schedules.clone()),
            None if before.is_some_and(|before| before.is_idle) => {
                let until = Some(state.from);
                let shown = Shown::Resumed;
                evidence.push(Evidence {
                    from: state.from,
                    until,
                    is_run: false,
                    shown,
                    enabled_until: None,
                });
                continue;
            }
            None => continue,
        };
        let enabled = before.filter(|before| state.is_idle && !before.is_idle && before.schedules.is_none());
        evidence.push(Evidence {
            from: state.from,
            until: state.until,
            is_run: false,
            shown,
            enabled_until: enabled.and_then(|before| before.until),
        });
    }
    let definite: Vec<&CatalogState> =
        states.iter().filter(|state| state.is_idle || state.schedules.is_some()).collect();
    for run in runs {
        let next = definite.partition_point(|state| state.from <= run.created_at);
        if next.checked_sub(1).is_none_or(|before| !definite[before].contains(run.created_at)) {
            evidence.push(Evidence {
                from: run.created_at,
                until: Some(run.created_at + EARLIEST),
                is_run: true,
                shown: Shown::Schedules(run.schedule.into_iter().collect()),
                enabled_until: None,
            });
        }
    }
    evidence.sort_by_key(|evidence| evidence.from);
    evidence
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(day)
    }

    fn run(at: i64, schedule: Option<ScheduleId>) -> RunTrigger {
        RunTrigger { created_at: day(at), schedule }
    }

    fn state(from: i64, until: Option<i64>, schedules: Option<&[ScheduleId]>) -> CatalogState {
        let schedules = schedules.map(<[ScheduleId]>::to_vec);
        CatalogState { from: day(from), until: until.map(day), is_idle: false, schedules }
    }

    fn idle(from: i64, until: Option<i64>) -> CatalogState {
        CatalogState { is_idle: true, ..state(from, until, None) }
    }

    /// The days, rounded down, and the schedules.
    fn known(states: &[CatalogState], runs: &[RunTrigger]) -> Vec<(i64, Option<i64>, Vec<ScheduleId>)> {
        let day = |at: DateTime<Utc>| (at - DateTime::UNIX_EPOCH).num_days();
        let known = known_schedules(states, runs).into_iter();
        known.map(|known| (day(known.from), known.until.map(day), known.schedules)).collect()
    }

    #[test]
    fn a_schedule_is_in_force_between_runs_that_agree() {
        let states = [state(1, None, None)];
        assert_eq!(known(&states, &[run(2, Some(0)), run(9, Some(0))]), [(2, Some(109), vec![0])]);
        let changed = [run(2, Some(0)), run(4, Some(0)), run(6, Some(1)), run(7, Some(1))];
        assert_eq!(known(&states, &changed), [(2, Some(4), vec![0]), (6, Some(107), vec![1])]);
        let by_events_now = [run(2, Some(0)), run(4, Some(0)), run(6, None)];
        assert_eq!(known(&states, &by_events_now), [(2, Some(4), vec![0])]);
        assert_eq!(known(&states, &[]), []);
    }

    #[test]
    fn nothing_is_expected_of_a_pipeline_that_is_not_in_the_catalog() {
        assert_eq!(known(&[], &[run(2, Some(0)), run(9, Some(0))]), [(2, Some(9), vec![0])]);
    }

    #[test]
    fn the_catalog_knows_the_schedule_without_runs() {
        assert_eq!(known(&[state(1, None, Some(&[0, 1]))], &[]), [(1, None, vec![0, 1])]);
        let moved = [state(1, Some(5), Some(&[0])), state(6, None, Some(&[1]))];
        assert_eq!(known(&moved, &[]), [(1, Some(5), vec![0]), (6, None, vec![1])]);
        let since_run = known(&[state(5, None, Some(&[0]))], &[run(2, Some(0)), run(7, Some(1))]);
        assert_eq!(since_run, [(2, None, vec![0])], "the catalog decides where it knows");
        assert_eq!(known(&[state(5, None, Some(&[]))], &[run(2, Some(0))]), [(2, Some(2), vec![0])]);
    }

    #[test]
    fn nothing_is_expected_while_a_pipeline_is_disabled() {
        let states = [state(1, Some(5), None), idle(6, Some(8)), state(9, None, None)];
        let runs = [run(2, Some(0)), run(3, Some(0))];
        assert_eq!(known(&states, &runs), [(2, Some(5), vec![0]), (9, Some(109), vec![0])]);
        assert_eq!(known(&[idle(6, None)], &runs), [(2, Some(3), vec![0])]);
        let settings = [state(1, Some(5), Some(&[0])), idle(6, Some(8)), state(9, None, Some(&[0]))];
        assert_eq!(known(&settings, &[]), [(1, Some(5), vec![0]), (9, None, vec![0])]);
    }
}
