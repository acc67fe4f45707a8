//! How punctual pipelines are: which runs came when they were due, and which did not come.
//!
//! The moment of an answer is the start of the last sync whose walk of the list was complete: every run created by then
//! is in the archive. A run that no schedule or event started satisfies nothing, even if it was created at a due time.
//!
//! A rule that watches pipelines opens a ledger with a span of the last hours and asks [`Punctuality::overdue`] and
//! [`Punctuality::missing_since`].

use super::Schedule;
use super::evidence::HISTORY;
use super::evidence::{Completeness, Evidence, PipelineHistory, TriggeredRun, completeness};
use super::known::{Known, known_schedules};
use super::matching::{EARLIEST, Outcome, match_runs, outcome};
use super::parents::{events, failures_without_run};
use crate::error::Result;
use crate::report::duration::Distribution;
use crate::report::filter::{RunFilter, RunSelector};
use crate::report::ledger::Ledger;
use crate::run::Seconds;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;

/// The grace period of a pipeline with little history.
pub const DEFAULT_GRACE: TimeDelta = TimeDelta::minutes(15);

/// The bounds of a grace period that is learned.
const LEAST_GRACE: TimeDelta = TimeDelta::minutes(10);
const MOST_GRACE: TimeDelta = TimeDelta::hours(6);

/// How many runs show how punctual a pipeline usually is.
const ENOUGH_RUNS: usize = 20;

/// What starts the runs of a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StartedBy {
    /// A cron expression.
    Schedule,
    /// Successful runs of other pipelines.
    Events,
}

/// A time at which a run was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueRun {
    /// When it was due.
    pub due_at: DateTime<Utc>,
    /// The run that came for it.
    pub run: Option<TriggeredRun>,
    /// How it was met.
    pub outcome: Outcome,
}

impl DueRun {
    /// How long after the due time the run was created; zero if it was early. `None`: there is no run.
    pub fn lateness(&self) -> Option<TimeDelta> {
        self.run.map(|run| (run.created_at - self.due_at).max(TimeDelta::zero()))
    }
}

/// The worst that can be said of a pipeline, from the most to the least urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// The latest run that was due has not come yet.
    Overdue,
    /// A run did not come.
    Missing,
    /// A parent failed, so the pipeline did not run.
    Blocked,
    /// A run was created or started late.
    Late,
    /// Every run came within the grace period.
    Ok,
}

impl Standing {
    /// The word in the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Standing::Overdue => "overdue",
            Standing::Missing => "missing",
            Standing::Blocked => "blocked",
            Standing::Late => "late",
            Standing::Ok => "ok",
        }
    }
}

/// The due runs of one pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelinePunctuality {
    /// `source`, `destination` or `transformation`.
    pub kind: String,
    /// The id in the catalog, else the id or slug in the runs.
    pub pipeline_id: String,
    /// The name. `None`: the catalog has none.
    pub name: Option<String>,
    /// What starts its runs.
    pub started_by: StartedBy,
    /// The schedules that were in force last, each with its zone. Empty for events.
    pub schedules: Vec<String>,
    /// How late a run can be.
    pub grace: TimeDelta,
    /// The due runs of the span, ascending.
    pub due: Vec<DueRun>,
    /// The due time after the moment of the archive. `None`: the span ends before, or no schedule is in force.
    pub next_due_at: Option<DateTime<Utc>>,
    /// The first of the latest due times that no run has come for. `None`: none is overdue, or the span ends before the
    /// moment of the archive.
    pub overdue_since: Option<DateTime<Utc>>,
    /// The creation of the last run of a schedule or an event. `None`: there is none in the history.
    pub last_run_at: Option<DateTime<Utc>>,
    /// The failures of parents after which the pipeline did not run.
    pub failed_parents: Vec<DateTime<Utc>>,
    /// When the archive was last known to be complete.
    complete_until: DateTime<Utc>,
}

impl PipelinePunctuality {
    /// The number of due runs with this outcome.
    fn count(&self, outcome: Outcome) -> u64 {
        self.due.iter().filter(|due| due.outcome == outcome).count() as u64
    }

    /// The number of runs that did not come.
    pub fn missing(&self) -> u64 {
        self.count(Outcome::Missing)
    }

    /// The number of runs that came.
    pub fn found(&self) -> u64 {
        self.count(Outcome::OnTime) + self.created_late()
    }

    /// The number of runs that came or should have come by now.
    pub fn expected(&self) -> u64 {
        self.found() + self.missing()
    }

    /// The number of runs that were created after the grace period.
    pub fn created_late(&self) -> u64 {
        self.count(Outcome::Late)
    }

    /// The number of runs that waited for longer than the grace period between creation and start.
    pub fn started_late(&self) -> u64 {
        let is_late = |run: &TriggeredRun| match run.started_at {
            Some(started_at) => started_at - run.created_at > self.grace,
            None => !run.has_ended && self.complete_until - run.created_at > self.grace,
        };
        self.due.iter().filter_map(|due| due.run).filter(is_late).count() as u64
    }

    /// The 95th percentile of the time from due to created. `None`: no run came.
    pub fn p95_lateness(&self) -> Option<Seconds> {
        p95(self.due.iter())
    }

    /// The worst that can be said.
    pub fn standing(&self) -> Standing {
        match () {
            () if self.overdue_since.is_some() => Standing::Overdue,
            () if self.missing() > 0 => Standing::Missing,
            () if !self.failed_parents.is_empty() => Standing::Blocked,
            () if self.created_late() > 0 || self.started_late() > 0 => Standing::Late,
            () => Standing::Ok,
        }
    }

    /// The due times since an instant that no run came for.
    pub fn missing_since(&self, since: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
        let missing =
            self.due.iter().filter(move |due| due.outcome == Outcome::Missing && due.due_at >= since);
        missing.map(|due| due.due_at)
    }
}

/// The due runs of the pipelines of an archive.
#[derive(Debug, Clone, PartialEq)]
pub struct Punctuality {
    /// How complete the archive is.
    pub completeness: Completeness,
    /// The pipelines with a schedule, and those with event triggers and known parents.
    pub pipelines: Vec<PipelinePunctuality>,
    /// The pipelines with an expression that cannot be read.
    pub unreadable: u64,
    /// The pipelines in `pipelines` without a next due time, because their newest expression cannot be read.
    pub newly_unreadable: u64,
    /// The pipelines with event triggers whose parents the archive does not know.
    pub parents_unknown: u64,
    /// The pipelines without a schedule and without event triggers.
    pub unscheduled: u64,
}

impl Punctuality {
    /// The punctuality of the pipelines that the filter selects, in the span of the ledger. The ledger itself has no
    /// filter, because events need the runs of parents. `grace` is how late a run can be; `None`: learned from the
    /// pipeline's history. `None`: nothing was archived.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn of(
        ledger: &Ledger<'_>,
        filter: &RunFilter,
        grace: Option<TimeDelta>,
    ) -> Result<Option<Punctuality>> {
        let archive = ledger.connection();
        let Some(completeness) = completeness(archive, ledger.scope().as_of)? else { return Ok(None) };
        let selector = RunSelector::new(filter, Arc::clone(ledger.allocator()), archive)?;
        let span = ledger.scope().span;
        let (from, until) = (span.from.map(|from| from.to_utc()), span.until.map(|until| until.to_utc()));
        let evidence = Evidence::read(ledger, from)?;
        let question = Question {
            evidence: &evidence,
            from,
            until: until.map_or(completeness.until, |until| until.min(completeness.until)),
            is_current: until.is_none_or(|until| until >= completeness.until),
            complete_until: completeness.until,
            grace,
        };
        let mut answer = Punctuality {
            completeness,
            pipelines: Vec::new(),
            unreadable: 0,
            newly_unreadable: 0,
            parents_unknown: 0,
            unscheduled: 0,
        };
        for pipeline in &evidence.pipelines {
            if !selector.selects_all_runs_of(&pipeline.kind, &pipeline.pipeline_id) {
                continue;
            }
            let by_schedule = question.of_schedule(pipeline);
            let by_events = question.of_events(pipeline);
            if by_schedule.is_none() && by_events.is_none() {
                let counter = match () {
                    () if pipeline.has_unreadable_schedule => &mut answer.unreadable,
                    () if pipeline.has_unknown_parents() => &mut answer.parents_unknown,
                    () => &mut answer.unscheduled,
                };
                *counter += 1;
            }
            let has_no_next = by_schedule.as_ref().is_some_and(|one| one.next_due_at.is_none());
            if question.is_current && pipeline.has_unreadable_schedule && has_no_next {
                answer.newly_unreadable += 1;
            }
            answer.pipelines.extend(by_schedule.into_iter().chain(by_events));
        }
        Ok(Some(answer))
    }

    /// The pipelines whose latest due run has not come yet.
    pub fn overdue(&self) -> impl Iterator<Item = &PipelinePunctuality> {
        self.pipelines.iter().filter(|pipeline| pipeline.overdue_since.is_some())
    }

    /// The pipelines with due runs that did not come since an instant, each with their due times.
    pub fn missing_since(
        &self,
        since: DateTime<Utc>,
    ) -> impl Iterator<Item = (&PipelinePunctuality, Vec<DateTime<Utc>>)> {
        let missing = move |pipeline: &PipelinePunctuality| pipeline.missing_since(since).collect::<Vec<_>>();
        let each = self.pipelines.iter().map(move |pipeline| (pipeline, missing(pipeline)));
        each.filter(|(_, missing)| !missing.is_empty())
    }
}

/// What is asked about each pipeline.
struct Question<'e> {
    evidence: &'e Evidence,
    from: Option<DateTime<Utc>>,
    /// The end of the span, at most the moment of the archive.
    until: DateTime<Utc>,
    /// Whether the span reaches the moment of the archive.
    is_current: bool,
    complete_until: DateTime<Utc>,
    grace: Option<TimeDelta>,
}

impl Question<'_> {
    /// The pipeline's runs by its schedules. `None`: it has none in the span.
    fn of_schedule(&self, pipeline: &PipelineHistory) -> Option<PipelinePunctuality> {
        let known = known_schedules(&pipeline.states, &pipeline.triggers);
        let in_span = |known: &&Known| {
            known.from < self.until
                && known.until.is_none_or(|until| self.from.is_none_or(|from| from <= until))
        };
        let last = known.iter().rfind(in_span)?;
        let (due_times, is_expected) = self.due_times(&known);
        let created: Vec<DateTime<Utc>> = pipeline.by_schedule.iter().map(|run| run.created_at).collect();
        let matches = match_runs(&due_times, &created);
        let met = due_times.iter().zip(matches).zip(is_expected);
        let met = met.filter(|(_, is_expected)| *is_expected);
        let runs: Vec<(DateTime<Utc>, Option<TriggeredRun>)> =
            met.map(|((due_at, run), _)| (*due_at, run.map(|run| pipeline.by_schedule[run]))).collect();
        let is_in_force =
            |known: &Known| self.is_current && known.until.is_none_or(|until| until >= self.until);
        let mut answer =
            self.judged(pipeline, StartedBy::Schedule, &runs, &pipeline.by_schedule, is_in_force(last));
        // The last sync can have found a new schedule after its start.
        let next = known.last().filter(|known| is_in_force(known));
        answer.schedules = self.schedules(next.unwrap_or(last)).map(Schedule::to_string).collect();
        answer.next_due_at = next.and_then(|next| {
            let after = self.until.max(next.from);
            self.schedules(next).filter_map(|schedule| schedule.next_after(after)).min()
        });
        Some(answer)
    }

    fn schedules<'k>(&'k self, known: &'k Known) -> impl Iterator<Item = &'k Schedule> {
        known.schedules.iter().map(|schedule| &self.evidence.schedules[*schedule])
    }

    /// The due times of the span and the history before, ascending, and those that only end the window of another.
    fn due_times(&self, known: &[Known]) -> (Vec<DateTime<Utc>>, Vec<bool>) {
        let begin = self.from.map_or(DateTime::<Utc>::MIN_UTC, |from| from - HISTORY);
        let mut due: Vec<(DateTime<Utc>, bool)> = Vec::new();
        for known in known {
            let until =
                known.until.map_or(self.until, |until| self.until.min(until + TimeDelta::microseconds(1)));
            if until <= begin || until < known.from {
                continue;
            }
            for schedule in self.schedules(known) {
                let first = match known.begins_with_run && begin < known.from {
                    true => schedule.last_by(known.from + EARLIEST).unwrap_or(known.from),
                    false => known.from,
                };
                due.extend(schedule.due_times(first.max(begin), until).into_iter().map(|time| (time, true)));
                let end = schedule.next_after(until - TimeDelta::microseconds(1));
                due.extend(end.map(|time| (time, false)));
            }
        }
        // Of equal times, one that is expected comes first.
        due.sort_by_key(|(time, is_expected)| (*time, !is_expected));
        due.dedup_by_key(|(time, _)| *time);
        due.into_iter().unzip()
    }

    /// The pipeline's runs by events. `None`: it has no parents in the span.
    fn of_events(&self, pipeline: &PipelineHistory) -> Option<PipelinePunctuality> {
        let last = pipeline.parents.iter().rfind(|parents| {
            parents.from < self.until
                && parents.until.is_none_or(|until| self.from.is_none_or(|from| from <= until))
        })?;
        let created: Vec<DateTime<Utc>> = pipeline.by_event.iter().map(|run| run.created_at).collect();
        let runs_of = |place: &usize| self.evidence.pipelines[*place].ended.as_slice();
        let mut due = Vec::new();
        for parents in &pipeline.parents {
            due.extend(events(parents, &parents.parents.iter().map(runs_of).collect::<Vec<_>>()));
        }
        let opens: Vec<DateTime<Utc>> = due.iter().map(|event| event.opens_at).collect();
        let met = due.iter().zip(match_runs(&opens, &created));
        let begin = self.from.map_or(DateTime::<Utc>::MIN_UTC, |from| from - HISTORY);
        let met = met.filter(|(event, _)| begin <= event.due_at && event.due_at < self.until);
        let runs: Vec<(DateTime<Utc>, Option<TriggeredRun>)> =
            met.map(|(event, run)| (event.due_at, run.map(|run| pipeline.by_event[run]))).collect();
        let is_in_force = self.is_current && last.until.is_none();
        let mut answer = self.judged(pipeline, StartedBy::Events, &runs, &pipeline.by_event, is_in_force);
        for parents in &pipeline.parents {
            let runs: Vec<_> = parents.parents.iter().map(runs_of).collect();
            let failures = failures_without_run(parents, &runs, &created, answer.grace);
            answer.failed_parents.extend(failures.into_iter().filter(|at| {
                self.from.is_none_or(|from| from <= *at)
                    && *at < self.until
                    && *at + answer.grace < self.complete_until
            }));
        }
        Some(answer)
    }

    /// The outcomes of due runs, of which those before the span are history.
    fn judged(
        &self,
        pipeline: &PipelineHistory,
        started_by: StartedBy,
        runs: &[(DateTime<Utc>, Option<TriggeredRun>)],
        all: &[TriggeredRun],
        is_in_force: bool,
    ) -> PipelinePunctuality {
        let judged = |grace: TimeDelta| {
            runs.iter().map(move |(due_at, run)| {
                let created_at = run.map(|run| run.created_at);
                DueRun {
                    due_at: *due_at,
                    run: *run,
                    outcome: outcome(*due_at, created_at, grace, self.complete_until),
                }
            })
        };
        let is_history = |due: &DueRun| self.from.is_some_and(|from| due.due_at < from);
        let grace = self
            .grace
            .unwrap_or_else(|| learned_grace(&judged(DEFAULT_GRACE).filter(is_history).collect::<Vec<_>>()));
        let overdue = judged(grace)
            .rev()
            .skip_while(|due| due.outcome == Outcome::Pending)
            .take_while(|due| due.outcome == Outcome::Missing)
            .last();
        let last_run = all.iter().rev().find(|run| run.created_at < self.until);
        PipelinePunctuality {
            kind: pipeline.kind.clone(),
            pipeline_id: pipeline.pipeline_id.clone(),
            name: pipeline.name.clone(),
            started_by,
            schedules: Vec::new(),
            grace,
            due: judged(grace).filter(|due| !is_history(due)).collect(),
            next_due_at: None,
            overdue_since: overdue.filter(|_| is_in_force).map(|due| due.due_at),
            last_run_at: last_run.map(|run| run.created_at),
            failed_parents: Vec::new(),
            complete_until: self.complete_until,
        }
    }
}

/// The grace period that the history of a pipeline shows: twice the 95th percentile of its lateness, in whole minutes
/// within bounds.
fn learned_grace(history: &[DueRun]) -> TimeDelta {
    if history.iter().filter(|due| due.run.is_some()).count() < ENOUGH_RUNS {
        return DEFAULT_GRACE;
    }
    let Some(p95) = p95(history.iter()) else { return DEFAULT_GRACE };
    let minutes = i64::try_from((2 * p95.units() + 59_999) / 60_000).unwrap_or(i64::MAX);
    TimeDelta::try_minutes(minutes).unwrap_or(MOST_GRACE).clamp(LEAST_GRACE, MOST_GRACE)
}

fn p95<'d>(due: impl Iterator<Item = &'d DueRun>) -> Option<Seconds> {
    let mut micros: Vec<i64> =
        due.filter_map(DueRun::lateness).filter_map(|lateness| lateness.num_microseconds()).collect();
    Distribution::of(&mut micros, 1_000_000).percentile(95)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grace_period_is_learned_from_enough_runs() {
        let history = |late_seconds: i64, runs: usize| -> Vec<DueRun> {
            let due_at = DateTime::UNIX_EPOCH;
            let created_at = due_at + TimeDelta::seconds(late_seconds);
            let run = Some(TriggeredRun { created_at, started_at: None, has_ended: true, snapshot_id: 1 });
            vec![DueRun { due_at, run, outcome: Outcome::OnTime }; runs]
        };
        assert_eq!(learned_grace(&history(3_600, ENOUGH_RUNS - 1)), DEFAULT_GRACE);
        for (late_seconds, minutes) in [(0, 10), (299, 10), (601, 21), (3_600, 120), (86_400, 360)] {
            assert_eq!(learned_grace(&history(late_seconds, ENOUGH_RUNS)), TimeDelta::minutes(minutes));
        }
    }
}
