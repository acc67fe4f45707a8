//! Pipelines as their lists return them: names, settings, and what an archive must not store.

use super::SETTINGS_PREFIX;
use super::profile::{Profile, TriggerPattern};
use super::random::{object, one_in};
use crate::sandbox::model::{Document, Plan, format_instant};
use crate::store::PipelineKind;
use fastrand::Rng;
use serde_json::{Value, json};

/// The fields of a pipeline. Its parents are among the `profiles`.
pub(super) fn pipeline_document(
    rng: &mut Rng,
    profile: &Profile,
    profiles: &[Profile],
    plan: &Plan,
) -> Document {
    let status = match profile.paused_at {
        _ if profile.is_draft => "draft",
        Some(_) => "paused",
        None => "active",
    };
    let updated_at = profile.paused_at.unwrap_or(profile.created_at.max(plan.now - plan.span));
    let mut document = object(json!({
        "id": profile.id,
        "slug": profile.slug,
        "active": profile.paused_at.is_none(),
        "description": profile.description,
        "status": status,
        "created_at": format_instant(profile.created_at),
        "updated_at": format_instant(updated_at),
        "connector_version": profile.connector_version,
        "connector_slug": profile.connector,
        "notifications": { "on_failure": true, "emails": ["dados@example.com"] },
        "tags": ["financeiro", "produção"],
        "output_layer": if one_in(rng, 3) { "trusted" } else { "raw" },
    }))
    .expect("the literal is an object");
    let trigger = trigger(rng, profile, profiles);
    let retries = retries(rng, profile);
    let of_kind = match profile.kind {
        PipelineKind::Source => source(rng, profile, trigger),
        PipelineKind::Destination => destination(rng, trigger),
        PipelineKind::Transformation => transformation(rng, profile, trigger),
    };
    for part in [retries, of_kind] {
        document.extend(object(part).expect("the literals are objects"));
    }
    document
}

/// The settings of retries and failures, which some pipelines lack.
fn retries(rng: &mut Rng, profile: &Profile) -> Value {
    let (retries, delay) = (rng.u32(..4), [60, 300, 900][rng.usize(..3)]);
    match profile.sends_settings {
        true => json!({
            "settings_number_of_retries": retries,
            "settings_retry_delay_seconds": delay,
            "settings_max_consecutive_failures": profile.max_consecutive_failures,
        }),
        false => json!({}),
    }
}

/// A source has a list of triggers, and may have a schedule of full syncs.
fn source(rng: &mut Rng, profile: &Profile, trigger: Value) -> Value {
    let full_sync = profile.full_sync_cron();
    let triggers = if trigger["type"] == "manual" { Vec::new() } else { vec![trigger] };
    json!({
        "pipeline_triggers": triggers,
        "full_sync_cron": full_sync.map(|cron| cron.full_sync_expression()),
        "full_sync_cron_timezone": full_sync.map(|cron| cron.zone.name()),
        "draft": profile.is_draft,
        "connector_settings": connector_settings(rng),
    })
}

fn destination(rng: &mut Rng, trigger: Value) -> Value {
    json!({ "trigger": trigger, "connector_settings": connector_settings(rng) })
}

/// A transformation runs its code on Spark.
fn transformation(rng: &mut Rng, profile: &Profile, trigger: Value) -> Value {
    let mut memory = || ["4g", "8g", "16g"][rng.usize(..3)];
    let (driver_memory, executor_memory) = (memory(), memory());
    let driver_cores = [1, 2, 4][rng.usize(..3)];
    let executor_cores = [2, 4][rng.usize(..2)];
    let timeout_minutes = [60, 240, 720][rng.usize(..3)];
    let mut document = json!({
        "trigger": trigger,
        "spark_driver_cores": driver_cores,
        "spark_driver_memory": driver_memory,
        "spark_executor_cores": executor_cores,
        "spark_executor_memory": executor_memory,
        "spark_executor_instances": rng.u32(1..9),
        "spark_executor_disk": "20g",
        "spark_execution_timeout_minutes": timeout_minutes,
        "draft_only": profile.is_draft,
        "code": format!(
            "-- {} \nSELECT * FROM pedidos -- senha: {SETTINGS_PREFIX}{:016x}\n",
            profile.slug,
            rng.u64(..)
        ),
    });
    if one_in(rng, 4) {
        // Some engines have no disk of their own, and no time limit.
        let fields = document.as_object_mut().expect("the literal is an object");
        fields.remove("spark_executor_disk");
        fields.remove("spark_execution_timeout_minutes");
    }
    document
}

fn connector_settings(rng: &mut Rng) -> Value {
    json!({
        "host": "db.example.com",
        "user": "nekt",
        "password": format!("{SETTINGS_PREFIX}{:016x}", rng.u64(..)),
        "query": format!("SELECT 1 /* {SETTINGS_PREFIX}{:016x} */", rng.u64(..)),
    })
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
    let (id, slug, kind) = (parent.id, parent.slug.as_str(), parent.kind.as_str());
    match rng.u8(..5) {
        0 => json!(id),
        1 => json!(slug),
        2 => json!({ kind: slug, "type": "success" }),
        3 => json!({ "pipeline": id, "status": "success" }),
        _ => json!({ kind: id, "type": "success" }),
    }
}
