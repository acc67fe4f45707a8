//! A pipeline of the generated workspace, and how its runs behave.

use super::COST_DEADLINE;
use super::fixtures::Name;
use super::random::{micros, object, one_in, random_part, random_uuid};
use super::wire::{Costs, ElCostMetadata, TransformationCostMetadata};
use crate::sandbox::model::{Document, format_instant};
use crate::store::PipelineKind;
use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use serde_json::json;
use uuid::Uuid;

/// What triggers a pipeline's runs, apart from users and tokens.
pub(super) enum TriggerPattern {
    Cron { expression: String, zone: &'static str },
    Event { rule: &'static str },
    Manual,
}

/// A pipeline and the properties of its runs.
pub(super) struct Profile {
    pub(super) id: Uuid,
    pub(super) kind: PipelineKind,
    pub(super) name: Name,
    pub(super) connector_version: Uuid,
    pub(super) trigger_pattern: TriggerPattern,
    /// How often it runs relative to the others.
    pub(super) weight: u32,
    pub(super) typical_seconds: f64,
    pub(super) el_usd_per_hour: Option<f64>,
    pub(super) transformation_usd_per_hour: Option<f64>,
    pub(super) failures_per_mille: u32,
    /// Number of runs so far.
    pub(super) runs: u32,
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
    pub(super) fn new(rng: &mut Rng, kind: PipelineKind, name: Name) -> Profile {
        let weight = [1, 1, 2, 4, 6, 12, 24, 48][rng.usize(..8)];
        let minute = rng.u32(..60);
        let trigger_pattern = match (kind, rng.u32(..10)) {
            (PipelineKind::Transformation, 0..=6) | (PipelineKind::Destination, 0..=3) => {
                TriggerPattern::Event { rule: ["any", "all"][rng.usize(..2)] }
            }
            // A pipeline that runs every hour is not started manually.
            (_, 9) if weight <= 2 => TriggerPattern::Manual,
            _ => TriggerPattern::Cron {
                expression: match weight {
                    48 => "*/30 * * * *".to_string(),
                    24 => format!("{minute} * * * *"),
                    6 | 12 => format!("{minute} */{} * * *", 24 / weight),
                    _ => format!("{minute} {} * * 1-5", rng.u32(2..9)),
                },
                zone: ["America/Sao_Paulo", "America/Sao_Paulo", "UTC", "Europe/Lisbon"][rng.usize(..4)],
            },
        };
        // Pipelines that run rarely run long.
        let typical_seconds = 20.0 + rng.f64() * rng.f64() * 7200.0 / f64::from(weight.min(12));
        let el = (kind != PipelineKind::Transformation).then(|| 0.03 + rng.f64() * 0.4);
        // Some sources include a transformation.
        let transforms =
            kind == PipelineKind::Transformation || (kind == PipelineKind::Source && one_in(rng, 4));
        let transformation = transforms.then(|| 0.2 + rng.f64() * rng.f64() * 6.0);
        Profile {
            id: random_uuid(rng),
            kind,
            name,
            connector_version: random_uuid(rng),
            trigger_pattern,
            weight,
            typical_seconds,
            el_usd_per_hour: el,
            transformation_usd_per_hour: transformation,
            failures_per_mille: [3, 10, 15, 30, 60, 240][rng.usize(..6)],
            runs: 0,
        }
    }

    pub(super) fn document(
        &self,
        rng: &mut Rng,
        created_at: DateTime<Utc>,
        updated_at: DateTime<Utc>,
    ) -> Document {
        let (slug, connector, description) = self.name;
        let (trigger, cron) = match &self.trigger_pattern {
            TriggerPattern::Cron { expression, .. } => ("cron", Some(expression)),
            TriggerPattern::Event { .. } => ("event", None),
            TriggerPattern::Manual => ("manual", None),
        };
        let active = !one_in(rng, 10);
        object(json!({
            "id": self.id,
            "slug": slug,
            "active": active,
            "description": description,
            "status": if active { "active" } else { "paused" },
            "created_at": format_instant(created_at),
            "updated_at": format_instant(updated_at),
            "connector_version": self.connector_version,
            "connector_slug": connector,
            "trigger": { "type": trigger, "cron_expression": cron },
            "notifications": { "on_failure": true, "emails": ["dados@example.com"] },
            "tags": ["financeiro", "produção"],
            "output_layer": if one_in(rng, 3) { "trusted" } else { "raw" },
        }))
        .expect("the literal is an object")
    }

    /// One of the newest runs, which is still in progress.
    pub(super) fn unfinished(
        &self,
        rng: &mut Rng,
        age: usize,
        created_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> RunState {
        let status = ["queued", "pending_events", "running", "running", "cancelling", "running"][age % 6];
        let is_waiting = matches!(status, "queued" | "pending_events");
        let started_at = (!is_waiting).then(|| created_at + random_part(rng, now - created_at));
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
        may_lack_costs: bool,
        created_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> RunState {
        let roll = rng.u32(..1000);
        let status = match roll {
            _ if roll < self.failures_per_mille => "failed",
            980.. => "canceled",
            _ => "success",
        };
        let whole = now - created_at;
        let queued = micros(2_000_000.0 + rng.f64() * rng.f64() * rng.f64() * 240_000_000.0);
        let queued = queued.min(whole / 4);
        let spread = 0.55 + rng.f64() * 0.5 + rng.f64() * rng.f64() * rng.f64() * 3.0;
        let completed = if status == "success" { 1.0 } else { rng.f64() };
        let duration = micros(self.typical_seconds * spread * completed * 1_000_000.0).min(whole / 2);
        // Some runs are canceled before they start.
        let was_started = status != "canceled" || !one_in(rng, 3);
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
