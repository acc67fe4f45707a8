//! What the archive knows about the schedules of pipelines and the runs that they started.

use super::Schedule;
use super::known::{CatalogState, RunTrigger, ScheduleId, VALID_AFTER_RUN};
use super::parents::{EndedRun, Parents};
use crate::error::Result;
use crate::pipeline_settings::{PipelineSettings, PipelineTrigger};
use crate::report::by_pipeline::ByPipeline;
use crate::report::ledger::Ledger;
use crate::report::period::Span;
use crate::report::run_fold::fold;
use crate::report::run_scan::{self, IndexedRun, Outcome};
use crate::run::Instant;
use crate::store::{ClockOffsets, PipelineKind};
use chrono::{DateTime, TimeDelta, Utc};
use foldhash::HashMap;
use rusqlite::{Connection, OptionalExtension, named_params};
use std::collections::BTreeSet;

/// The history before a question's first moment that shows how punctual a pipeline usually is.
pub(super) const HISTORY: TimeDelta = TimeDelta::days(35);

const STATES: &str = "
SELECT kind, pipeline_id, slug, name, observed_at, superseded_at, coalesce(active, 1) AND gone_at IS NULL, settings
FROM pipeline_snapshots
ORDER BY kind, pipeline_id, observed_at";

/// The syncs that read the lists, each with its start.
const SYNCS: &str = "
SELECT started_at FROM main.syncs
WHERE kind <> 'fetch' AND outcome IN ('complete', 'partial') AND started_at <= :moment
ORDER BY started_at";

/// The last sync whose walk of the list was complete: its number, its start by observations and by the clock, and
/// whether it read everything.
const LAST_COMPLETE: &str = "
SELECT sync_id, min(coalesce(clock_started_at, started_at), started_at), outcome = 'complete'
FROM main.syncs
WHERE kind <> 'fetch' AND walk_complete = 1 AND outcome IN ('complete', 'partial') AND ended_at <= :moment
ORDER BY sync_id DESC
LIMIT 1";

/// The last sync of any kind that began after a sync.
const LATER: &str = "
SELECT min(coalesce(clock_started_at, started_at), started_at) FROM main.syncs
WHERE kind <> 'fetch' AND sync_id > :sync_id AND started_at <= :moment
ORDER BY sync_id DESC
LIMIT 1";

/// Whether the list had records that could not be read.
const GAPS: &str = "
SELECT EXISTS (SELECT 1 FROM main.list_gaps WHERE first_seen_at <= :moment AND fetched_at IS NULL
               AND (resolved_at IS NULL OR resolved_at > :moment))";

/// How complete the archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completeness {
    /// Every run created by then is in the archive, as far as the API listed it.
    pub until: DateTime<Utc>,
    /// Whether a sync was incomplete, so that runs may be absent.
    pub runs_may_be_absent: bool,
}

/// A run that a schedule or an event started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TriggeredRun {
    /// When the run was created.
    pub created_at: DateTime<Utc>,
    /// When the run started. `None`: it has not.
    pub started_at: Option<DateTime<Utc>>,
    /// Whether the run has stopped.
    pub has_ended: bool,
    /// The run's current snapshot.
    pub snapshot_id: i64,
}

/// A pipeline, its states and its runs.
#[derive(Debug, Default)]
pub(super) struct PipelineHistory {
    pub(super) kind: String,
    /// The id in the catalog, else the id or slug in the runs.
    pub(super) pipeline_id: String,
    pub(super) name: Option<String>,
    /// Ascending. Empty: the catalog does not have the pipeline.
    pub(super) states: Vec<CatalogState>,
    /// The parents of the pipeline while an event triggered it, ascending.
    pub(super) parents: Vec<Parents>,
    /// The triggers of the runs, ascending.
    pub(super) triggers: Vec<RunTrigger>,
    /// The runs that a schedule started, ascending.
    pub(super) by_schedule: Vec<TriggeredRun>,
    /// The runs that an event started, ascending.
    pub(super) by_event: Vec<TriggeredRun>,
    /// The runs that have ended, ascending; only of parents.
    pub(super) ended: Vec<EndedRun>,
    /// Whether a run had an expression that cannot be read.
    pub(super) has_unreadable_schedule: bool,
    /// Whether an event started a run, or the catalog has an event trigger.
    pub(super) is_triggered_by_events: bool,
    is_parent: bool,
    /// The last triggered run before the history: when it is booked, and its snapshot.
    before: Option<(Instant, i64)>,
}

impl PipelineHistory {
    /// Whether events start the pipeline, and the archive does not know whose.
    pub(super) fn has_unknown_parents(&self) -> bool {
        let is_idle = self.states.last().is_some_and(|state| state.is_idle);
        self.is_triggered_by_events && self.parents.is_empty() && !is_idle
    }
}

/// What the archive knows.
pub(super) struct Evidence {
    pub(super) pipelines: Vec<PipelineHistory>,
    pub(super) schedules: Vec<Schedule>,
}

/// How complete the archive was at `as_of`; now if it is `None`. `None`: nothing was archived.
pub(crate) fn completeness(archive: &Connection, as_of: Option<Instant>) -> Result<Option<Completeness>> {
    let moment = as_of.unwrap_or(Instant::MAX);
    let last = archive.query_row(LAST_COMPLETE, named_params! {":moment": moment}, |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Instant>(1)?, row.get::<_, bool>(2)?))
    });
    let last = last.optional()?;
    let sync_id = last.as_ref().map_or(0, |(sync_id, ..)| *sync_id);
    let later: Option<Instant> = archive
        .query_row(LATER, named_params! {":sync_id": sync_id, ":moment": moment}, |row| row.get(0))
        .optional()?;
    let has_gaps: bool = archive.query_row(GAPS, named_params! {":moment": moment}, |row| row.get(0))?;
    Ok(match last {
        Some((_, until, is_complete)) => Some(Completeness {
            until: until.to_utc(),
            runs_may_be_absent: !is_complete || later.is_some() || has_gaps,
        }),
        None => later.map(|later| Completeness { until: later.to_utc(), runs_may_be_absent: true }),
    })
}

impl Evidence {
    /// Reads the catalog, and the runs created since [`HISTORY`] before `from`.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn read(ledger: &Ledger<'_>, from: Option<DateTime<Utc>>) -> Result<Evidence> {
        let mut reader = Reader::default();
        reader.read_catalog(ledger)?;
        reader.read_runs(ledger, from)?;
        let Reader { mut pipelines, schedules, .. } = reader;
        for pipeline in &mut pipelines {
            pipeline.triggers.sort_by_key(|run| run.created_at);
            pipeline.by_schedule.sort_by_key(|run| run.created_at);
            pipeline.by_event.sort_by_key(|run| run.created_at);
            pipeline.ended.sort_by_key(|run| run.ended_at);
        }
        Ok(Evidence { pipelines, schedules: schedules.schedules })
    }
}

/// Distinct schedules.
#[derive(Default)]
struct Schedules {
    schedules: Vec<Schedule>,
    /// By expression and zone. `None`: it is not readable.
    known: HashMap<(String, Option<String>), Option<ScheduleId>>,
    /// By the JSON of a run's trigger.
    of_runs: HashMap<String, Option<ScheduleId>>,
}

impl Schedules {
    fn id_of(&mut self, expression: &str, zone: Option<&str>) -> Option<ScheduleId> {
        let key = (expression.to_owned(), zone.map(str::to_owned));
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let id = Schedule::new(expression, zone).ok().map(|schedule| self.add(schedule));
        self.known.insert(key, id);
        id
    }

    fn id_of_run(&mut self, trigger: &str) -> Option<ScheduleId> {
        if let Some(known) = self.of_runs.get(trigger) {
            return *known;
        }
        let id = Schedule::of_trigger(trigger).map(|schedule| self.add(schedule));
        self.of_runs.insert(trigger.to_owned(), id);
        id
    }

    /// Adds a schedule, unless it is known by another text: a zone that is not sent is UTC.
    fn add(&mut self, schedule: Schedule) -> ScheduleId {
        let known = self.schedules.iter().position(|known| *known == schedule);
        known.unwrap_or_else(|| {
            self.schedules.push(schedule);
            self.schedules.len() - 1
        })
    }
}

/// The parents of a pipeline as a state of the catalog names them.
struct NamedParents {
    place: usize,
    from: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
    names: Vec<String>,
    needs_all: bool,
}

#[derive(Default)]
struct Reader {
    pipelines: Vec<PipelineHistory>,
    schedules: Schedules,
    /// The place of each pipeline, by its id and its slug.
    places: ByPipeline<usize>,
}

impl Reader {
    fn read_catalog(&mut self, ledger: &Ledger<'_>) -> Result<()> {
        let archive = ledger.connection();
        let clock = ClockOffsets::of(archive)?;
        let moment = ledger.scope().as_of.unwrap_or(Instant::MAX);
        let mut statement = archive.prepare(SYNCS)?;
        let syncs = statement.query_map(named_params! {":moment": moment}, |row| row.get::<_, Instant>(0))?;
        let syncs = syncs.collect::<rusqlite::Result<Vec<_>>>()?;
        // The sync before the one that saw a new state is the last that saw the old one.
        let last_seen = |superseded_at: Instant| {
            let began = syncs.partition_point(|sync| *sync <= superseded_at);
            let before = began.checked_sub(2).map(|before| syncs[before]);
            before.map(|before| clock.clock_at(before).to_utc())
        };
        let mut statement = archive.prepare(STATES)?;
        let mut rows = statement.query([])?;
        let mut slugs: Vec<(String, String, usize)> = Vec::new();
        let mut events: Vec<NamedParents> = Vec::new();
        while let Some(row) = rows.next()? {
            let (kind, id): (String, String) = (row.get(0)?, row.get(1)?);
            let place = self.place_of(&kind, &id);
            let from = clock.clock_at(row.get(4)?).to_utc();
            let until = row.get::<_, Option<Instant>>(5)?;
            let until = until.map(|until| last_seen(until).unwrap_or(from).max(from));
            let is_enabled: bool = row.get(6)?;
            let settings = row.get::<_, Option<String>>(7)?;
            let settings = settings.and_then(|settings| PipelineSettings::of_stored(&settings));
            let is_draft = settings.as_ref().is_some_and(PipelineSettings::is_draft);
            let mut schedules = None;
            if let Some(triggers) =
                settings.filter(|settings| settings.has_triggers()).map(|settings| settings.triggers())
            {
                let mut ids = BTreeSet::new();
                for trigger in triggers {
                    match trigger {
                        PipelineTrigger::Cron { expression, zone } => {
                            let id = self.schedules.id_of(&expression, zone.as_deref());
                            self.pipelines[place].has_unreadable_schedule |= id.is_none();
                            ids.extend(id);
                        }
                        PipelineTrigger::Event { rule, parents } => {
                            self.pipelines[place].is_triggered_by_events = true;
                            if is_enabled && !is_draft {
                                let needs_all = rule.as_deref() == Some("all");
                                events.push(NamedParents { place, from, until, names: parents, needs_all });
                            }
                        }
                    }
                }
                schedules = Some(ids.into_iter().collect());
            }
            let pipeline = &mut self.pipelines[place];
            pipeline.name = row.get(3)?;
            pipeline.states.push(CatalogState { from, until, is_idle: !is_enabled || is_draft, schedules });
            if let Some(slug) = row.get::<_, Option<String>>(2)? {
                slugs.push((kind, slug, place));
            }
        }
        // A slug names the pipeline that has it now, if several had it.
        slugs.sort_by_key(|(_, _, place)| self.pipelines[*place].states.last().map(|state| state.is_idle));
        for (kind, slug, place) in slugs {
            self.places.get_or_insert_with(&kind, &slug, || place);
        }
        self.resolve(events);
        Ok(())
    }

    /// Adds parents to their pipelines, unless the catalog lacks one of them.
    fn resolve(&mut self, events: Vec<NamedParents>) {
        for NamedParents { place, from, until, names, needs_all } in events {
            let place_of = |kind: PipelineKind, name: &str| self.places.get(kind.as_str(), name).copied();
            let named = |name: &String| PipelineKind::ALL.into_iter().find_map(|kind| place_of(kind, name));
            let parents: Vec<usize> = names.iter().filter_map(named).collect();
            parents.iter().for_each(|parent| self.pipelines[*parent].is_parent = true);
            if !parents.is_empty() && parents.len() == names.len() {
                self.pipelines[place].parents.push(Parents { from, until, parents, needs_all });
            }
        }
    }

    fn place_of(&mut self, kind: &str, id: &str) -> usize {
        let next = self.pipelines.len();
        let place = *self.places.get_or_insert_with(kind, id, || next);
        if place == next {
            self.pipelines.push(PipelineHistory {
                kind: kind.to_owned(),
                pipeline_id: id.to_owned(),
                ..PipelineHistory::default()
            });
        }
        place
    }

    fn read_runs(&mut self, ledger: &Ledger<'_>, from: Option<DateTime<Utc>>) -> Result<()> {
        let instant = |at: Option<DateTime<Utc>>| at.and_then(Instant::from_utc).unwrap_or(Instant::MIN);
        let history = from.map(|from| from - HISTORY);
        let (begins, since) = (instant(history.map(|history| history - VALID_AFTER_RUN)), instant(history));
        let span = Span { from: Some(since), until: None };
        let query = run_scan::runs_with_trigger(&span);
        let reader = std::mem::take(self);
        let reader = fold(ledger, span, query, &[], reader, move |reader, run| reader.add(run, since))?;
        let before = Span { from: Some(begins), until: Some(since) };
        let query = run_scan::triggered_runs(&before);
        *self = fold(ledger, before, query, &[], reader, Reader::add_before)?;
        let mut statement = ledger.connection().prepare(
            "SELECT created_at, trigger_type, \"trigger\" FROM main.run_snapshots WHERE snapshot_id = ?1",
        )?;
        for pipeline in &mut self.pipelines {
            let Some((_, snapshot_id)) = pipeline.before else { continue };
            let (created_at, trigger_type, trigger): (Instant, Option<String>, Option<String>) =
                statement.query_row([snapshot_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            let trigger = trigger.filter(|_| trigger_type.as_deref() == Some("cron"));
            let schedule = trigger.and_then(|trigger| self.schedules.id_of_run(&trigger));
            pipeline.triggers.push(RunTrigger { created_at: created_at.to_utc(), schedule });
        }
        Ok(())
    }

    /// Adds a run that started, or else was created, since the history begins.
    fn add(&mut self, run: &IndexedRun<'_>, since: Instant) -> Result<()> {
        let Some(((kind, id), created)) = run.pipeline()?.zip(run.created_at()?) else { return Ok(()) };
        if created < since.as_str() {
            return match run.trigger_type()? {
                Some("cron" | "event") => self.add_before(run),
                _ => Ok(()),
            };
        }
        let place = self.place_of(kind, id);
        self.add_run(place, run, created)
    }

    /// Adds a run of a schedule or an event that was created before the history begins.
    fn add_before(&mut self, run: &IndexedRun<'_>) -> Result<()> {
        let Some(((kind, id), booked_at)) = run.pipeline()?.zip(run.booked_at()?) else { return Ok(()) };
        let place = self.place_of(kind, id);
        let before = &mut self.pipelines[place].before;
        if before.is_none_or(|(last, _)| last.as_str() < booked_at) {
            *before = Instant::parse(booked_at).zip(Some(run.snapshot_id()?)).or(*before);
        }
        Ok(())
    }

    fn add_run(&mut self, place: usize, run: &IndexedRun<'_>, created: &str) -> Result<()> {
        let instant = |text: Option<&str>| text.and_then(Instant::parse).map(Instant::to_utc);
        let Some(created_at) = instant(Some(created)) else { return Ok(()) };
        let pipeline = &mut self.pipelines[place];
        let outcome = run.outcome()?;
        let has_ended = outcome.is_some();
        if pipeline.is_parent
            && has_ended
            && let Some(ended_at) = instant(run.ended_at()?)
        {
            let (has_succeeded, has_failed) =
                (outcome == Some(Outcome::Succeeded), outcome == Some(Outcome::Failed));
            pipeline.ended.push(EndedRun { ended_at, has_succeeded, has_failed });
        }
        let trigger_type = run.trigger_type()?;
        if !matches!(trigger_type, Some("cron" | "event")) {
            return Ok(());
        }
        let started_at = instant(run.started_at()?);
        let snapshot_id = run.snapshot_id()?;
        let triggered = TriggeredRun { created_at, started_at, has_ended, snapshot_id };
        if trigger_type == Some("event") {
            pipeline.is_triggered_by_events = true;
            pipeline.by_event.push(triggered);
            pipeline.triggers.push(RunTrigger { created_at, schedule: None });
            return Ok(());
        }
        let schedule = run.json(0)?.and_then(|trigger| self.schedules.id_of_run(trigger));
        pipeline.has_unreadable_schedule |= schedule.is_none();
        pipeline.by_schedule.push(triggered);
        pipeline.triggers.push(RunTrigger { created_at, schedule });
        Ok(())
    }
}
