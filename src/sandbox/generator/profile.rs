//! A pipeline of the generated workspace, and how its runs behave.

use super::COST_DEADLINE;
use super::cron::{Cron, Phase};
use super::fixtures::{DRAFTS, Name, PAUSED};
use super::incident::Incident;
use super::random::{micros, one_in, random_part, random_uuid};
use super::wire::{Costs, ElCostMetadata, TransformationCostMetadata};
use crate::store::PipelineKind;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use fastrand::Rng;
use uuid::Uuid;

/// What triggers a pipeline's runs, apart from users and tokens.
pub(super) enum TriggerPattern {
    Cron(Cron),
    /// A successful run of any parent, or of all of them. `parents` are indices of profiles.
    Event {
        rule: &'static str,
        parents: Vec<usize>,
    },
    Manual,
}

/// A pipeline and the properties of its runs.
pub(super) struct Profile {
    pub(super) id: Uuid,
    pub(super) kind: PipelineKind,
    pub(super) slug: String,
    pub(super) connector: &'static str,
    pub(super) description: Option<&'static str>,
    pub(super) connector_version: Uuid,
    pub(super) trigger_pattern: TriggerPattern,
    /// Whether it has a cron expression if the plan has enough runs for it.
    pub(super) is_scheduled: bool,
    /// How often it runs relative to the others.
    pub(super) weight: u32,
    pub(super) phase: Phase,
    pub(super) zone: Tz,
    /// Whether one firing a week is a full sync, if it fires every Sunday.
    pub(super) has_full_sync: bool,
    /// A draft never runs.
    pub(super) is_draft: bool,
    pub(super) created_at: DateTime<Utc>,
    /// Since when it does not run. `None`: it is active.
    pub(super) paused_at: Option<DateTime<Utc>>,
    /// How long a run takes relative to what its pipeline allows, 0 to 1.
    pub(super) length: f64,
    pub(super) typical_seconds: f64,
    pub(super) el_usd_per_hour: Option<f64>,
    pub(super) transformation_usd_per_hour: Option<f64>,
    pub(super) failures_per_mille: u32,
    /// The failures in a row after which the platform disables the pipeline.
    pub(super) max_consecutive_failures: u32,
    /// Whether its document has the settings of retries and failures.
    pub(super) sends_settings: bool,
    /// What goes wrong with its newest runs.
    pub(super) incident: Option<Incident>,
    /// Number of runs so far.
    pub(super) runs: u32,
}

/// How a run ends.
#[derive(Clone, Copy)]
pub(super) struct Ending {
    pub(super) status: &'static str,
    pub(super) queued: TimeDelta,
    pub(super) duration: TimeDelta,
    pub(super) was_started: bool,
}

/// The state of a run at the plan's time.
pub(super) struct RunState {
    pub(super) status: &'static str,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) ended_at: Option<DateTime<Utc>>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) costs: Costs,
    pub(super) charged: bool,
}

impl Profile {
    /// A pipeline that was created long ago. [`super::workload`] sets how often and how long it runs. Its slug ends
    /// with its number among those of this name, from 2 on.
    pub(super) fn new(rng: &mut Rng, kind: PipelineKind, name: Name, number: usize) -> Profile {
        let (slug, connector, description) = name;
        let slug = if number == 1 { slug.to_owned() } else { format!("{slug}-{number}") };
        let weight = [1, 1, 2, 4, 6, 12, 24, 48][rng.usize(..8)];
        let (trigger_pattern, is_scheduled) = match (kind, rng.u32(..10)) {
            _ if slug == PAUSED => (TriggerPattern::Manual, true),
            (PipelineKind::Transformation, 0..=6) | (PipelineKind::Destination, 0..=3) => {
                let rule = ["any", "all"][rng.usize(..2)];
                (TriggerPattern::Event { rule, parents: Vec::new() }, false)
            }
            // A pipeline that runs often is not started manually.
            (_, place) => (TriggerPattern::Manual, place < 9 || weight > 2),
        };
        let phase = Phase::new(rng);
        let zone = [Tz::America__Sao_Paulo, Tz::America__Sao_Paulo, Tz::UTC, Tz::Europe__Lisbon];
        let zone = zone[rng.usize(..4)];
        let has_full_sync = kind != PipelineKind::Transformation && !one_in(rng, 3);
        let length = rng.f64() * rng.f64();
        let el = (kind != PipelineKind::Transformation).then(|| 0.03 + rng.f64() * 0.4);
        // Some sources include a transformation.
        let transforms =
            kind == PipelineKind::Transformation || (kind == PipelineKind::Source && one_in(rng, 4));
        let transformation = transforms.then(|| 0.2 + rng.f64() * rng.f64() * 6.0);
        let is_draft = DRAFTS.contains(&slug.as_str());
        Profile {
            id: random_uuid(rng),
            kind,
            slug,
            connector,
            description,
            connector_version: random_uuid(rng),
            trigger_pattern,
            is_scheduled,
            weight,
            phase,
            zone,
            has_full_sync,
            is_draft,
            created_at: DateTime::UNIX_EPOCH,
            paused_at: None,
            length,
            typical_seconds: 0.0,
            el_usd_per_hour: el,
            transformation_usd_per_hour: transformation,
            failures_per_mille: [3, 10, 15, 30, 60, 240][rng.usize(..6)],
            max_consecutive_failures: [5, 10][rng.usize(..2)],
            sends_settings: !one_in(rng, 5),
            incident: None,
            runs: 0,
        }
    }

    /// Whether it exists and is active at that time.
    pub(super) fn runs_at(&self, at: DateTime<Utc>) -> bool {
        !self.is_draft && self.created_at <= at && self.paused_at.is_none_or(|paused| at < paused)
    }

    /// The cron expression of its full syncs is [`Cron::full_sync_expression`] of this one. `None`: it has none.
    pub(super) fn full_sync_cron(&self) -> Option<&Cron> {
        match &self.trigger_pattern {
            TriggerPattern::Cron(cron) if self.has_full_sync && cron.fires_on_sundays() => Some(cron),
            _ => None,
        }
    }

    /// How a run ends: its status, how long it waits, and how long it takes.
    pub(super) fn ending(&self, rng: &mut Rng) -> Ending {
        let roll = rng.u32(..1000);
        let status = match roll {
            _ if roll < self.failures_per_mille => "failed",
            980.. => "canceled",
            _ => "success",
        };
        let queued = micros(2_000_000.0 + rng.f64() * rng.f64() * rng.f64() * 240_000_000.0);
        let spread = 0.55 + rng.f64() * 0.5 + rng.f64() * rng.f64() * rng.f64() * 3.0;
        let completed = if status == "success" { 1.0 } else { rng.f64() };
        let duration = micros(self.typical_seconds * spread * completed * 1_000_000.0);
        // Some runs are canceled before they start.
        Ending { status, queued, duration, was_started: status != "canceled" || !one_in(rng, 3) }
    }

    /// A run that is still in progress.
    pub(super) fn unfinished(
        rng: &mut Rng,
        status: &'static str,
        created_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> RunState {
        let is_waiting = matches!(status, "queued" | "pending_events");
        // A run that hangs has started as usual.
        let since = now - created_at;
        let since = if since > TimeDelta::hours(1) { TimeDelta::minutes(1) } else { since };
        let started_at = (!is_waiting).then(|| created_at + random_part(rng, since));
        RunState {
            status,
            started_at,
            ended_at: None,
            updated_at: started_at.unwrap_or(created_at),
            costs: Costs::default(),
            charged: false,
        }
    }

    /// A finished run. Its costs may be pending if `may_lack_costs`, and a few old runs never get any.
    pub(super) fn finished(
        &self,
        rng: &mut Rng,
        ending: Ending,
        may_lack_costs: bool,
        created_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> RunState {
        let Ending { status, queued, duration, was_started } = ending;
        let started_at = was_started.then(|| created_at + queued);
        let ended_at = created_at + queued + duration;
        let mut updated_at = ended_at + random_part(rng, TimeDelta::seconds(9)).min((now - ended_at) / 2);

        let lost = now - created_at > COST_DEADLINE && one_in(rng, 500);
        let pending = status == "success" && may_lack_costs && rng.u32(..10) < 6;
        let costs = if lost || pending {
            Costs::default()
        } else {
            updated_at += random_part(rng, TimeDelta::hours(2)).min((now - updated_at) / 2);
            self.costs(rng, if was_started { duration.as_seconds_f64() } else { 0.0 })
        };
        RunState {
            status,
            started_at,
            ended_at: Some(ended_at),
            updated_at,
            costs,
            charged: status == "success" && !pending,
        }
    }

    pub(super) fn costs(&self, rng: &mut Rng, seconds: f64) -> Costs {
        let hours = seconds / 3600.0;
        // Some runs find nothing to do.
        let free = one_in(rng, 30);
        let mut price = |per_hour: f64| match free {
            true => 0.0,
            false => per_hour * hours * (0.8 + rng.f64() * 0.4),
        };
        let el = self.el_usd_per_hour.map(&mut price);
        let transformation = self.transformation_usd_per_hour.map(&mut price);
        Costs {
            el_cost_usd: el,
            el_cost_metadata: el.map(|usd| ElCostMetadata::new(rng, usd, seconds)),
            transformation_cost_usd: transformation,
            transformation_cost_metadata: transformation
                .map(|usd| TransformationCostMetadata::new(rng, usd, hours)),
        }
    }
}
