//! Fields of a run's JSON: reading them, and rendering a run.

use super::Document;
use crate::store::PipelineKind;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use uuid::Uuid;

/// A run's fields in the API's order. Any other field comes after them.
const RUN_FIELDS: [&str; 21] = [
    "id",
    "number",
    "created_at",
    "updated_at",
    "started_at",
    "ended_at",
    "duration_seconds",
    "status",
    "trigger",
    "full_sync",
    "extra_config",
    "credit_charge_status",
    "el_cost_usd",
    "el_cost_metadata",
    "transformation_cost_usd",
    "transformation_cost_metadata",
    "triggered_by",
    "triggered_by_token",
    "source",
    "destination",
    "transformation",
];

/// An instant in the API's format.
pub(in crate::sandbox) fn format_instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A run as JSON, with its fields in the API's order.
pub(in crate::sandbox) fn render_run(document: &Document) -> String {
    let first = RUN_FIELDS.iter().filter_map(|&name| document.get_key_value(name));
    let others = document.iter().filter(|(name, _)| !RUN_FIELDS.contains(&name.as_str()));
    let mut text = String::with_capacity(1500);
    for (name, value) in first.chain(others) {
        text.push(if text.is_empty() { '{' } else { ',' });
        text.push_str(&Value::from(name.as_str()).to_string());
        text.push(':');
        text.push_str(&value.to_string());
    }
    text.push_str(if text.is_empty() { "{}" } else { "}" });
    text
}

pub(super) fn id_of(document: &Document) -> Option<Uuid> {
    Uuid::parse_str(document.get("id")?.as_str()?).ok()
}

/// The pipeline that a run belongs to.
pub(super) fn pipeline_of(run: &Document) -> Option<Uuid> {
    let named = PipelineKind::ALL.iter().filter_map(|kind| run.get(kind.as_str())?.as_str());
    named.filter_map(|text| Uuid::parse_str(text).ok()).next()
}

pub(super) fn instant_in(document: &Document, field: &str) -> Option<DateTime<Utc>> {
    let text = document.get(field)?.as_str()?;
    Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc())
}

pub(super) fn created_micros(document: &Document) -> Option<i64> {
    Some(instant_in(document, "created_at")?.timestamp_micros())
}
