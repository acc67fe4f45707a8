//! The runs before they have ids and costs: which pipeline ran when, why, and how it ended.

use super::cron::Cron;
use super::fixtures::USERS;
use super::incident::{DELAY, Incident, SKIPPED};
use super::profile::{Ending, Profile, TriggerPattern};
use super::random::{one_in, part_of};
use super::workload::parents_first;
use super::{IN_PROGRESS_STATUSES, in_progress_count};
use crate::sandbox::model::Plan;
use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;

/// After this many failures in a row, the next run succeeds: the platform never disables a pipeline by itself.
const MAX_FAILURES: u32 = 3;

/// What caused a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Cron,
    Event,
    /// The place of the user in [`USERS`].
    User(usize),
    /// The place of the token in the generator's.
    Token(usize),
}

/// A run's end, or its status if it has none.
#[derive(Clone, Copy)]
pub(super) enum Fate {
    Ends(Ending),
    InProgress(&'static str),
}

/// A run without id and costs.
#[derive(Clone, Copy)]
pub(super) struct Draft {
    /// In microseconds since 1970.
    pub(super) created: i64,
    /// The index of the profile.
    pub(super) pipeline: usize,
    pub(super) cause: Cause,
    pub(super) fate: Fate,
    pub(super) is_full_sync: bool,
}

impl Draft {
    /// When a successful run has ended, in microseconds since 1970. `None`: it triggers nothing.
    fn succeeded(&self) -> Option<i64> {
        match self.fate {
            Fate::Ends(Ending { status: "success", queued, duration, .. }) => {
                Some(self.created + micros(queued + duration))
            }
            _ => None,
        }
    }
}

/// The runs of the plan, in the order of their creation, which differs for any two. Users and tokens trigger those that
/// schedules and events do not.
pub(super) fn drafts(rng: &mut Rng, profiles: &[Profile], plan: &Plan, tokens: usize) -> Vec<Draft> {
    let in_progress = in_progress_count(plan.runs);
    let older = plan.runs - in_progress;
    let seed = rng.u64(..);
    let mut from = plan.now - plan.span;
    let mut drafts = loop {
        let triggered = triggered(profiles, plan, from, seed);
        let Some(surplus) = triggered.len().checked_sub(older).filter(|surplus| *surplus > 0) else {
            break triggered;
        };
        // The expectation was too low: the archive begins later.
        let mut created: Vec<i64> = triggered.iter().map(|draft| draft.created).collect();
        let (_, last, _) = created.select_nth_unstable(surplus - 1);
        from = instant(*last) + TimeDelta::microseconds(1);
    };
    add_manual(rng, profiles, plan, tokens, from, older, &mut drafts);
    drafts.sort_by_key(|draft| (draft.created, draft.pipeline));
    let mut last = i64::MIN;
    for draft in &mut drafts {
        draft.created = draft.created.max(last.saturating_add(1));
        last = draft.created;
    }
    add_in_progress(rng, profiles, plan, tokens, in_progress, &mut drafts);
    drafts
}

/// The runs since `from` that a cron expression or an event triggered, and the retries of failed ones. In no order.
fn triggered(profiles: &[Profile], plan: &Plan, from: DateTime<Utc>, seed: u64) -> Vec<Draft> {
    let mut of_pipeline: Vec<Vec<Draft>> = vec![Vec::new(); profiles.len()];
    for index in parents_first(profiles) {
        let profile = &profiles[index];
        // Each pipeline has its own numbers, so that it does not depend on the others'.
        let mut rng = Rng::with_seed(seed ^ (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut line = Line { profile, index, plan, rng: &mut rng, failures: 0, drafts: Vec::new() };
        match &profile.trigger_pattern {
            TriggerPattern::Cron(cron) => line.add_firings(cron),
            TriggerPattern::Event { rule, parents } => {
                let ends = parents.iter().enumerate().flat_map(|(place, &parent)| {
                    of_pipeline[parent].iter().filter_map(move |draft| Some((draft.succeeded()?, place)))
                });
                let mut ends: Vec<(i64, usize)> = ends.collect();
                ends.sort_unstable();
                line.add_events(&ends, if *rule == "all" { parents.len() } else { 1 });
            }
            TriggerPattern::Manual => {}
        }
        let mut drafts = line.drafts;
        drafts.retain(|draft| draft.created >= from.timestamp_micros());
        of_pipeline[index] = drafts;
    }
    of_pipeline.concat()
}

/// The runs of one pipeline.
struct Line<'a> {
    profile: &'a Profile,
    index: usize,
    plan: &'a Plan,
    rng: &'a mut Rng,
    failures: u32,
    drafts: Vec<Draft>,
}

impl Line<'_> {
    fn add_firings(&mut self, cron: &Cron) {
        let from = self.profile.created_at.max(self.plan.now - self.plan.span);
        let until = self.profile.paused_at.unwrap_or(self.plan.now);
        let has_full_sync = self.profile.full_sync_cron().is_some();
        let firings = cron.firings(from, until);
        for (place, &due) in firings.iter().enumerate() {
            let created = due * 1_000_000 + self.rng.i64(200_000..4_000_000);
            let is_full_sync = has_full_sync && cron.is_full_sync(due);
            match self.profile.incident.filter(|incident| self.applies(*incident, firings.len() - 1 - place))
            {
                Some(Incident::Skipped) => {}
                Some(Incident::Delayed) => self.add(created + micros(DELAY), Cause::Cron, is_full_sync),
                Some(Incident::Hung) => {
                    self.push(created, Cause::Cron, Fate::InProgress("running"), is_full_sync)
                }
                Some(Incident::Failing) => {
                    let ending = Ending { status: "failed", was_started: true, ..self.ending(created) };
                    self.push(created, Cause::Cron, Fate::Ends(ending), is_full_sync);
                }
                None => self.add(created, Cause::Cron, is_full_sync),
            }
        }
    }

    /// Whether an incident changes the firing before this number of later ones.
    fn applies(&self, incident: Incident, later: usize) -> bool {
        match incident {
            Incident::Skipped => later < SKIPPED,
            Incident::Delayed => later == 1,
            Incident::Hung => later == 0,
            Incident::Failing => later + 1 < self.profile.max_consecutive_failures as usize,
        }
    }

    /// A run after each `needed` different parents that have succeeded since the one before.
    fn add_events(&mut self, ends: &[(i64, usize)], needed: usize) {
        let mut succeeded: Vec<usize> = Vec::new();
        for &(end, parent) in ends {
            if !self.profile.runs_at(instant(end)) {
                continue;
            }
            if !succeeded.contains(&parent) {
                succeeded.push(parent);
            }
            if succeeded.len() == needed {
                succeeded.clear();
                let created = end + self.rng.i64(500_000..5_000_000);
                self.add(created, Cause::Event, false);
            }
        }
    }

    /// Adds a run, and sometimes a retry by a user if it fails. A run in the future does not exist yet.
    fn add(&mut self, created: i64, cause: Cause, is_full_sync: bool) {
        let ending = self.ending(created);
        self.push(created, cause, Fate::Ends(ending), is_full_sync);
        if ending.status == "failed" && one_in(self.rng, 4) {
            let minutes = self.rng.i64(15..90);
            let retried = created + micros(ending.queued + ending.duration) + minutes * 60_000_000;
            let user = self.rng.usize(..USERS.len());
            let ending = self.ending(retried);
            self.push(retried, Cause::User(user), Fate::Ends(ending), false);
        }
    }

    fn push(&mut self, created: i64, cause: Cause, fate: Fate, is_full_sync: bool) {
        if created < self.plan.now.timestamp_micros() {
            self.drafts.push(Draft { created, pipeline: self.index, cause, fate, is_full_sync });
        }
    }

    fn ending(&mut self, created: i64) -> Ending {
        let mut ending = self.profile.ending(self.rng);
        match ending.status {
            "failed" if self.failures == MAX_FAILURES => ending.status = "success",
            "failed" => self.failures += 1,
            _ => {}
        }
        if ending.status == "success" {
            self.failures = 0;
        }
        ended_by(self.plan.now, created, ending)
    }
}

/// Shortens a run that would not have ended by now.
fn ended_by(now: DateTime<Utc>, created: i64, ending: Ending) -> Ending {
    let whole = (now - instant(created)).max(TimeDelta::zero());
    Ending { queued: ending.queued.min(whole / 4), duration: ending.duration.min(whole / 2), ..ending }
}

/// Adds runs by users and tokens until there are `count`. They trigger no other runs.
fn add_manual(
    rng: &mut Rng,
    profiles: &[Profile],
    plan: &Plan,
    tokens: usize,
    from: DateTime<Utc>,
    count: usize,
    drafts: &mut Vec<Draft>,
) {
    let end = plan.now - recently(plan) * 3 / 2;
    let length = (end - from).max(TimeDelta::zero());
    let missing = count - drafts.len();
    let among = childless(profiles);
    for number in 0..missing {
        let part = (number as f64 + rng.f64()) / missing as f64;
        // The workspace grows: twice as many runs at the end as at the beginning.
        let at = from + part_of(length, part * (4.0 - part) / 3.0);
        let pipeline = choose(rng, &among, profiles, at);
        let ending = profiles[pipeline].ending(rng);
        let created = at.timestamp_micros();
        let fate = Fate::Ends(ended_by(plan.now, created, ending));
        drafts.push(Draft { created, pipeline, cause: by_hand(rng, tokens), fate, is_full_sync: false });
    }
}

/// Adds the newest runs, which are in progress.
fn add_in_progress(
    rng: &mut Rng,
    profiles: &[Profile],
    plan: &Plan,
    tokens: usize,
    count: usize,
    drafts: &mut Vec<Draft>,
) {
    let now = plan.now.timestamp_micros();
    let last = drafts.last().map_or(i64::MIN, |draft| draft.created + 1);
    let from = (now - micros(recently(plan))).max(last);
    let event = profiles.iter().position(|profile| {
        matches!(&profile.trigger_pattern, TriggerPattern::Event { .. }) && profile.runs_at(plan.now)
    });
    let among = childless(profiles);
    for number in 0..count {
        let status = IN_PROGRESS_STATUSES[count - 1 - number];
        let part = (number as f64 + rng.f64()) / count as f64;
        let created = (from + ((now - from).max(0) as f64 * part) as i64).max(from + number as i64);
        let (pipeline, cause) = match event {
            Some(event) if status == "pending_events" => (event, Cause::Event),
            _ => (choose(rng, &among, profiles, plan.now), by_hand(rng, tokens)),
        };
        let fate = Fate::InProgress(status);
        drafts.push(Draft { created, pipeline, cause, fate, is_full_sync: false });
    }
}

/// The time before the plan's end in which the runs in progress were created.
fn recently(plan: &Plan) -> TimeDelta {
    TimeDelta::minutes(20).min(plan.span / 10)
}

/// The pipelines that run, have no children and no incident.
fn childless(profiles: &[Profile]) -> Vec<usize> {
    let has_children = |index: &usize| {
        profiles.iter().any(|profile| {
            matches!(&profile.trigger_pattern, TriggerPattern::Event { parents, .. } if parents.contains(index))
        })
    };
    let is_healthy = |profile: &Profile| !profile.is_draft && profile.incident.is_none();
    let leaves = (0..profiles.len()).filter(|index| is_healthy(&profiles[*index]) && !has_children(index));
    leaves.collect()
}

/// A random one of these pipelines that runs at that time, or any if none does.
fn choose(rng: &mut Rng, among: &[usize], profiles: &[Profile], at: DateTime<Utc>) -> usize {
    let running = || among.iter().filter(|index| profiles[**index].runs_at(at));
    match running().count() {
        0 => among[rng.usize(..among.len())],
        count => *running().nth(rng.usize(..count)).expect("it is less than their number"),
    }
}

pub(super) fn by_hand(rng: &mut Rng, tokens: usize) -> Cause {
    match rng.u32(..100) < 35 {
        true => Cause::Token(rng.usize(..tokens)),
        false => Cause::User(rng.usize(..USERS.len())),
    }
}

pub(super) fn instant(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).expect("a moment near the span")
}

fn micros(time: TimeDelta) -> i64 {
    time.num_microseconds().expect("a span of less than 290,000 years")
}
