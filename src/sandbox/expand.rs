//! The `expand[]` parameter: replaces an id by the object with that id.

use super::model::{Document, Model};
use crate::store::PipelineKind;
use serde_json::Value;
use uuid::Uuid;

/// Expands the field at `path`, such as `source.connector_version`. Like the API, ignores unknown fields.
pub(super) fn expand(model: &Model, document: &mut Document, path: &str) {
    let (field, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some(value) = document.get_mut(field) else {
        return;
    };
    if let Some(object) = object_of(model, field, value) {
        *value = Value::Object(object);
    }
    if let (Value::Object(inner), false) = (value, rest.is_empty()) {
        expand(model, inner, rest);
    }
}

/// The object with the id `value`. `None`: the field has no expansion, or the id is unknown.
fn object_of(model: &Model, field: &str, value: &Value) -> Option<Document> {
    let generator = model.generator();
    if field == "triggered_by" {
        return generator.user(value.as_u64()?);
    }
    let text = value.as_str()?;
    if field == "connector" {
        return generator.connector(text);
    }
    let id = Uuid::parse_str(text).ok()?;
    match field {
        "triggered_by_token" => generator.token(id),
        "connector_version" => generator.connector_version(id),
        _ if PipelineKind::ALL.iter().any(|kind| kind.as_str() == field) => model.pipeline(id).cloned(),
        _ => None,
    }
}
