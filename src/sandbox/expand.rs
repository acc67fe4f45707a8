//! This is `expand[]`: the fields of a document that turn from an id into the object behind it.

use super::model::{Document, Model};
use crate::store::PipelineKind;
use serde_json::Value;
use uuid::Uuid;

/// Expands the field that `path` leads to; a path that leads nowhere is ignored, as the API does
/// with a field it does not know.
pub(super) fn expand(model: &Model, document: &mut Document, path: &str) {
    let (field, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some(value) = document.get_mut(field) else {
        return;
    };
    if let Some(object) = behind(model, field, value) {
        *value = Value::Object(object);
    }
    if let (Value::Object(inner), false) = (value, rest.is_empty()) {
        expand(model, inner, rest);
    }
}

/// The object behind an id; `None` if there is nothing to expand.
fn behind(model: &Model, field: &str, value: &Value) -> Option<Document> {
    let workspace = model.workspace();
    if field == "triggered_by" {
        return workspace.user(value.as_u64()?);
    }
    let text = value.as_str()?;
    if field == "connector" {
        return workspace.connector(text);
    }
    let id = Uuid::parse_str(text).ok()?;
    match field {
        "triggered_by_token" => workspace.token(id),
        "connector_version" => workspace.connector_version(id),
        _ if PipelineKind::ALL.iter().any(|kind| kind.as_str() == field) => model.pipeline(id).cloned(),
        _ => None,
    }
}
