//! What goes wrong with the newest runs of a pipeline, so that monitoring has something to find.

use super::profile::{Profile, TriggerPattern};
use crate::sandbox::model::Plan;
use chrono::{DateTime, TimeDelta, Utc};

/// Something that goes wrong with the newest runs of one pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incident {
    /// The last three firings have no runs.
    Skipped,
    /// The run of the last firing but one was created 47 minutes late.
    Delayed,
    /// The run of the last firing, some hours ago, is still running.
    Hung,
    /// The last runs failed. One more failure disables the pipeline.
    Failing,
}

/// The firings that [`Incident::Skipped`] skips.
pub(super) const SKIPPED: usize = 3;

/// How late the run of [`Incident::Delayed`] is created.
pub(super) const DELAY: TimeDelta = TimeDelta::minutes(47);

/// A run that takes less is not hung.
const LEAST_AGE: TimeDelta = TimeDelta::hours(5);

/// A run that takes more is that of a pipeline which hardly ever runs.
const GREATEST_AGE: TimeDelta = TimeDelta::hours(80);

/// The firings of a pipeline before an incident makes it unusual.
const LEAST_FIRINGS: usize = 8;

impl Incident {
    /// Every incident.
    pub const ALL: [Incident; 4] = [Incident::Skipped, Incident::Delayed, Incident::Hung, Incident::Failing];
}

/// Chooses another pipeline for each incident of the plan. An incident that suits none is left out.
pub(super) fn assign(profiles: &mut [Profile], plan: &Plan) {
    for &incident in &plan.incidents {
        let suitable = (0..profiles.len()).filter_map(|index| {
            let score = score(incident, index, profiles, plan)?;
            // The first of equals.
            Some((score, usize::MAX - index))
        });
        if let Some((_, index)) = suitable.max() {
            profiles[usize::MAX - index].incident = Some(incident);
        }
    }
}

/// How well an incident suits a pipeline. `None`: not at all.
fn score(incident: Incident, index: usize, profiles: &[Profile], plan: &Plan) -> Option<i64> {
    let profile = &profiles[index];
    let TriggerPattern::Cron(cron) = &profile.trigger_pattern else { return None };
    if profile.incident.is_some() || !profile.runs_at(plan.now) || profile.failures_per_mille > 100 {
        return None;
    }
    let from = profile.created_at.max(plan.now - plan.span);
    let firings = cron.firings(from, plan.now);
    let last = DateTime::<Utc>::from_timestamp(*firings.last()?, 0)?;
    if firings.len() < LEAST_FIRINGS + profile.max_consecutive_failures as usize {
        return None;
    }
    let has_children = profiles.iter().any(
        |other| matches!(&other.trigger_pattern, TriggerPattern::Event { parents, .. } if parents.contains(&index)),
    );
    let per_year = i64::from(cron.rate.per_year());
    match incident {
        // As often as possible, but so rarely that a firing is an event.
        Incident::Skipped => (per_year <= 8760).then_some(per_year),
        // A late run must not be taken for that of the next firing.
        Incident::Delayed => (per_year <= 4380).then_some(per_year - if has_children { 10_000 } else { 0 }),
        Incident::Hung => {
            let age = plan.now - last;
            let usual = (profile.typical_seconds * 10.0) as i64;
            let is_hung = (LEAST_AGE..GREATEST_AGE).contains(&age) && age.num_seconds() > usual;
            is_hung.then(|| -age.num_seconds())
        }
        Incident::Failing => {
            let is_near = profile.sends_settings && profile.max_consecutive_failures == 5;
            is_near.then_some(per_year.min(1460) + if has_children { 10_000 } else { 0 })
        }
    }
}
