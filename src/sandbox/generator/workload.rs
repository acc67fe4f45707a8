//! How often and how long the pipelines run, so that their runs come to about the plan's number.

use super::cron::{Cron, LADDER};
use super::fixtures::PAUSED;
use super::profile::{Profile, TriggerPattern};
use super::random::{one_in, part_of, random_part};
use crate::sandbox::model::Plan;
use crate::store::PipelineKind;
use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;

/// The share of the runs that schedules and events trigger. Users and tokens trigger the others.
const TRIGGERED_PERCENT: f64 = 94.0;

/// The place of [`super::cron::Rate::Daily`] on the ladder.
const DAILY: usize = 3;

const SECONDS_PER_YEAR: f64 = 365.0 * 86_400.0;

/// Sets when each pipeline was created and paused, its parents, its cron expression and its typical duration.
pub(super) fn distribute(rng: &mut Rng, profiles: &mut [Profile], plan: &Plan) {
    set_lifetimes(rng, profiles, plan);
    set_parents(rng, profiles);
    let rates = chosen_rates(profiles, plan);
    let expected = expected_runs(profiles, &rates, plan);
    for ((profile, rate), workload) in profiles.iter_mut().zip(rates).zip(expected) {
        // It fired before the span.
        let rate = if profile.slug == PAUSED { Some(DAILY) } else { rate };
        if let Some(rung) = rate {
            profile.trigger_pattern =
                TriggerPattern::Cron(Cron::new(LADDER[rung], profile.phase, profile.zone));
        }
        // Pipelines that run rarely run long, and a run seldom takes until the next one.
        let longest = 7200.0 / f64::from(profile.weight.min(12));
        let period =
            if workload.per_year > 0.0 { SECONDS_PER_YEAR / workload.per_year } else { SECONDS_PER_YEAR };
        profile.typical_seconds = (20.0 + profile.length * longest).min(0.3 * period);
    }
}

/// The order in which a parent comes before its children.
pub(super) fn parents_first(profiles: &[Profile]) -> Vec<usize> {
    let kinds = [PipelineKind::Source, PipelineKind::Transformation, PipelineKind::Destination];
    let of_kind = |kind| (0..profiles.len()).filter(move |&index| profiles[index].kind == kind);
    kinds.into_iter().flat_map(of_kind).collect()
}

/// Half of the pipelines, by their weight, are older than the plan's span. The others are created within it, and a
/// few are paused.
fn set_lifetimes(rng: &mut Rng, profiles: &mut [Profile], plan: &Plan) {
    let start = plan.now - plan.span;
    let mut by_weight: Vec<usize> = (0..profiles.len()).collect();
    by_weight.sort_by_key(|&index| u32::MAX - profiles[index].weight);
    let newer = profiles.len() / 2;
    for (place, &index) in by_weight.iter().enumerate() {
        let profile = &mut profiles[index];
        profile.created_at = if place % 2 == 0 {
            start - TimeDelta::hours(1) - random_part(rng, TimeDelta::days(200))
        } else {
            // A permutation, so that the heavy ones are spread over the span.
            let position = (place / 2) * 7 % newer;
            start + part_of(plan.span, 0.05 + 0.85 * position as f64 / newer as f64)
        };
        let lived = plan.now - profile.created_at.max(start);
        let pause = part_of(lived, 0.4 + 0.5 * rng.f64());
        let is_paused = one_in(rng, 12) && !profile.is_draft;
        profile.paused_at = is_paused.then(|| plan.now - pause);
        if profile.slug == PAUSED {
            profile.created_at = start - TimeDelta::days(90);
            profile.paused_at = Some(start - TimeDelta::days(1));
        }
    }
}

/// Chooses the parents of the pipelines with an event trigger, among those that run by themselves.
fn set_parents(rng: &mut Rng, profiles: &mut [Profile]) {
    for index in parents_first(profiles) {
        let kind = profiles[index].kind;
        let is_parent = |other: &usize, kinds: &[PipelineKind]| {
            let profile = &profiles[*other];
            // The runs of a busy parent would leave few to the others.
            *other != index
                && !profile.is_draft
                && (profile.is_scheduled || matches!(profile.trigger_pattern, TriggerPattern::Event { .. }))
                && profile.paused_at.is_none()
                && profile.weight <= 12
                && kinds.contains(&profile.kind)
        };
        let candidates: Vec<usize> = match kind {
            PipelineKind::Destination => (0..profiles.len())
                .filter(|other| is_parent(other, &[PipelineKind::Source, PipelineKind::Transformation]))
                .collect(),
            // An earlier transformation cannot wait for a later one.
            _ => (0..index)
                .filter(|other| is_parent(other, &[PipelineKind::Source, PipelineKind::Transformation]))
                .collect(),
        };
        let TriggerPattern::Event { rule, parents } = &mut profiles[index].trigger_pattern else { continue };
        let least = if *rule == "all" { 2 } else { 1 };
        let count = rng.usize(least..=3).min(candidates.len());
        while parents.len() < count {
            let parent = candidates[rng.usize(..candidates.len())];
            if !parents.contains(&parent) {
                parents.push(parent);
            }
        }
    }
}

/// The runs that are expected of a pipeline.
#[derive(Clone, Copy, Default)]
struct Workload {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    per_year: f64,
}

impl Workload {
    fn count(&self) -> f64 {
        self.per_year * (self.until - self.from).as_seconds_f64().max(0.0) / SECONDS_PER_YEAR
    }
}

/// The place of each pipeline's rate on [`LADDER`]. `None`: it has no cron expression.
fn chosen_rates(profiles: &[Profile], plan: &Plan) -> Vec<Option<usize>> {
    // Few runs differ much from what is expected, and a surplus would cut off the oldest.
    let margin = 2 * plan.runs.isqrt();
    let limit = plan.runs as f64 * TRIGGERED_PERCENT / 100.0 - margin as f64;
    let mut rates: Vec<Option<usize>> = vec![None; profiles.len()];
    let start = plan.now - plan.span;
    let fires = |profile: &Profile| {
        profile.is_scheduled
            && !profile.is_draft
            && profile.created_at.max(start) < profile.paused_at.unwrap_or(plan.now)
    };
    let mut waiting: Vec<usize> = (0..profiles.len()).filter(|&index| fires(&profiles[index])).collect();
    loop {
        // The one that lags most behind its weight is raised first.
        let relative = |index: usize| {
            let current = rates[index].map_or(0, |rung| LADDER[rung].per_year());
            f64::from(current) / f64::from(profiles[index].weight)
        };
        let least = (0..waiting.len())
            .min_by(|&one, &other| relative(waiting[one]).total_cmp(&relative(waiting[other])));
        let Some(place) = least else { return rates };
        let index = waiting[place];
        let current = rates[index];
        let raised = current.map_or(0, |rung| rung + 1);
        rates[index] = Some(raised);
        let total: f64 = expected_runs(profiles, &rates, plan).iter().map(Workload::count).sum();
        if total > limit {
            rates[index] = current;
        }
        // The others only grow: what does not fit now never fits.
        if total > limit || raised + 1 == LADDER.len() {
            waiting.remove(place);
        }
    }
}

fn expected_runs(profiles: &[Profile], rates: &[Option<usize>], plan: &Plan) -> Vec<Workload> {
    let start = plan.now - plan.span;
    let mut workloads = vec![Workload::default(); profiles.len()];
    for index in parents_first(profiles) {
        let profile = &profiles[index];
        let from = profile.created_at.max(start);
        let until = profile.paused_at.unwrap_or(plan.now);
        workloads[index] = match &profile.trigger_pattern {
            _ if profile.is_draft => Workload::default(),
            TriggerPattern::Event { rule, parents } => {
                let of_parents = parents.iter().map(|&parent| {
                    let success = f64::from(980 - profiles[parent].failures_per_mille) / 1000.0;
                    let workload: &Workload = &workloads[parent];
                    Workload { per_year: workload.per_year * success, ..*workload }
                });
                events_of(*rule == "all", of_parents, from, until)
            }
            _ => {
                let per_year = rates[index].map_or(0.0, |rung| f64::from(LADDER[rung].per_year()));
                Workload { from, until, per_year }
            }
        };
    }
    workloads
}

/// The runs that the successes of its parents trigger.
fn events_of(
    waits_for_all: bool,
    parents: impl Iterator<Item = Workload>,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Workload {
    let parents = parents.map(|parent| Workload {
        from: parent.from.max(from),
        until: parent.until.min(until),
        ..parent
    });
    if waits_for_all {
        let rarest = parents.min_by(|one, other| one.count().total_cmp(&other.count()));
        return rarest.unwrap_or_default();
    }
    // Spread over the pipeline's own life.
    let count: f64 = parents.map(|parent| parent.count()).sum();
    let years = (until - from).as_seconds_f64() / SECONDS_PER_YEAR;
    Workload { from, until, per_year: if years > 0.0 { count / years } else { 0.0 } }
}
