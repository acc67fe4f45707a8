//! Pipelines as their lists return them.

use super::profile::{Profile, TriggerPattern};
use super::random::{object, one_in};
use crate::sandbox::model::{Document, Plan, format_instant};
use fastrand::Rng;
use serde_json::{Value, json};

/// The fields of a pipeline. Its parents are among the `profiles`.
pub(super) fn pipeline_document(
    rng: &mut Rng,
    profile: &Profile,
    profiles: &[Profile],
    plan: &Plan,
) -> Document {
    let (slug, connector, description) = profile.name;
    let status = match profile.paused_at {
        _ if profile.is_draft => "draft",
        Some(_) => "paused",
        None => "active",
    };
    let updated_at = profile.paused_at.unwrap_or(profile.created_at.max(plan.now - plan.span));
    object(json!({
        "id": profile.id,
        "slug": slug,
        "active": profile.paused_at.is_none(),
        "description": description,
        "status": status,
        "created_at": format_instant(profile.created_at),
        "updated_at": format_instant(updated_at),
        "connector_version": profile.connector_version,
        "connector_slug": connector,
        "trigger": trigger(rng, profile, profiles),
        "notifications": { "on_failure": true, "emails": ["dados@example.com"] },
        "tags": ["financeiro", "produção"],
        "output_layer": if one_in(rng, 3) { "trusted" } else { "raw" },
    }))
    .expect("the literal is an object")
}

fn trigger(rng: &mut Rng, profile: &Profile, profiles: &[Profile]) -> Value {
    match &profile.trigger_pattern {
        TriggerPattern::Cron(cron) => json!({
            "type": "cron",
            "cron_expression": cron.expression,
            "cron_timezone": cron.zone.name(),
        }),
        TriggerPattern::Event { rule, parents } => {
            let events: Vec<Value> = parents.iter().map(|&parent| event(rng, &profiles[parent])).collect();
            json!({ "type": "event", "event_rule": rule, "events": events })
        }
        TriggerPattern::Manual => json!({ "type": "manual" }),
    }
}

/// A success of a parent, in one of the spellings that the API may use.
fn event(rng: &mut Rng, parent: &Profile) -> Value {
    let (id, slug, kind) = (parent.id, parent.name.0, parent.kind.as_str());
    match rng.u8(..5) {
        0 => json!(id),
        1 => json!(slug),
        2 => json!({ kind: slug, "type": "success" }),
        3 => json!({ "pipeline": id, "status": "success" }),
        _ => json!({ kind: id, "type": "success" }),
    }
}
