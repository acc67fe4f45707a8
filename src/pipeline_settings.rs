//! The settings of a pipeline that explain its costs and its schedule.
//!
//! The API's documents of pipelines also contain code and connector settings, which can hold credentials. So only the
//! settings in an allow-list are read, and of their values only the parts that are known.

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The settings whose values are numbers, texts or booleans, as the API names them.
const SCALARS: [&str; 14] = [
    "full_sync_cron",
    "full_sync_cron_timezone",
    "settings_number_of_retries",
    "settings_retry_delay_seconds",
    "settings_max_consecutive_failures",
    "spark_driver_cores",
    "spark_driver_memory",
    "spark_executor_cores",
    "spark_executor_memory",
    "spark_executor_instances",
    "spark_executor_disk",
    "spark_execution_timeout_minutes",
    "draft",
    "draft_only",
];

/// The settings that are a trigger, or an array of triggers.
pub(crate) const TRIGGERS: [&str; 2] = ["trigger", "pipeline_triggers"];

/// The fields of a trigger, without its events.
const TRIGGER_FIELDS: [&str; 4] = ["type", "cron_expression", "cron_timezone", "event_rule"];

/// The fields of an event: the pipeline that it waits for, and the status of its run.
const EVENT_FIELDS: [&str; 7] =
    ["source", "destination", "transformation", "pipeline", "type", "status", "id"];

/// The fields of an event that name its pipeline, in the order in which they are looked up.
const EVENT_PIPELINES: [&str; 5] = ["source", "destination", "transformation", "pipeline", "id"];

/// The longest text that is a setting. Code and notebooks are longer.
const MAX_TEXT: usize = 500;

/// The settings of a pipeline in one state of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineSettings {
    /// Allow-listed settings. It is not empty, and has no nulls.
    values: BTreeMap<String, Value>,
}

/// What starts the runs of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PipelineTrigger {
    /// A schedule.
    Cron {
        /// The cron expression, as sent.
        expression: String,
        /// The IANA time zone of the expression. `None`: not sent; UTC.
        zone: Option<String>,
    },
    /// The runs of other pipelines.
    Event {
        /// Whether `any` or `all` parents must have run, or a new word. `None`: not sent.
        rule: Option<String>,
        /// The ids or slugs of the parents.
        parents: Vec<String>,
    },
}

impl PipelineSettings {
    /// The settings in the API's document of a pipeline. `None`: it has none.
    pub fn of_document(raw: &RawValue) -> Option<PipelineSettings> {
        let document: Map<String, Value> = serde_json::from_str(raw.get()).ok()?;
        let scalars = SCALARS.iter().filter_map(|name| Some((*name, scalar(document.get(*name)?)?)));
        let triggers = TRIGGERS.iter().filter_map(|name| Some((*name, triggers(document.get(*name)?)?)));
        let values: BTreeMap<String, Value> =
            scalars.chain(triggers).map(|(name, value)| (name.to_owned(), value)).collect();
        (!values.is_empty()).then_some(PipelineSettings { values })
    }

    /// The settings in the column `settings` of the catalog. `None`: the text is no such object.
    pub fn of_stored(text: &str) -> Option<PipelineSettings> {
        let values: BTreeMap<String, Value> = serde_json::from_str(text).ok()?;
        (!values.is_empty()).then_some(PipelineSettings { values })
    }

    /// The text for the column `settings`: a JSON object, sorted by name.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.values).expect("an object is always JSON")
    }

    /// The settings by name, with the values that the API sent.
    pub(crate) fn values(&self) -> &BTreeMap<String, Value> {
        &self.values
    }

    /// Whether the API sent triggers, of whatever type.
    pub(crate) fn has_triggers(&self) -> bool {
        TRIGGERS.iter().any(|name| self.values.contains_key(*name))
    }

    /// The cron and event triggers. Manual triggers and types that are not known are left out.
    pub fn triggers(&self) -> Vec<PipelineTrigger> {
        let mut triggers = Vec::new();
        for value in TRIGGERS.iter().filter_map(|name| self.values.get(*name)) {
            for trigger in PipelineTrigger::all_of(value) {
                if !triggers.contains(&trigger) {
                    triggers.push(trigger);
                }
            }
        }
        triggers
    }

    /// The number of consecutive failures that disables the pipeline. `None`: not sent, or no limit.
    pub fn max_consecutive_failures(&self) -> Option<u64> {
        self.values.get("settings_max_consecutive_failures")?.as_u64().filter(|limit| *limit > 0)
    }

    /// Whether the pipeline is a draft: it has never been put into service.
    pub fn is_draft(&self) -> bool {
        ["draft", "draft_only"].iter().any(|name| self.values.get(*name) == Some(&Value::Bool(true)))
    }
}

impl PipelineTrigger {
    /// The cron and event triggers in a trigger object, or in an array of them.
    pub(crate) fn all_of(value: &Value) -> Vec<PipelineTrigger> {
        match value {
            Value::Array(items) => items.iter().filter_map(PipelineTrigger::of).collect(),
            one => PipelineTrigger::of(one).into_iter().collect(),
        }
    }

    fn of(value: &Value) -> Option<PipelineTrigger> {
        let text = |field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
        match (text("type").as_deref(), text("cron_expression")) {
            (Some("cron") | None, Some(expression)) => {
                Some(PipelineTrigger::Cron { expression, zone: text("cron_timezone") })
            }
            (Some("event"), _) => {
                let events = value.get("events").and_then(Value::as_array).map(Vec::as_slice);
                let parents = events.unwrap_or_default().iter().filter_map(parent).collect();
                Some(PipelineTrigger::Event { rule: text("event_rule"), parents })
            }
            _ => None,
        }
    }
}

/// The pipeline that an event waits for, by id or slug.
fn parent(event: &Value) -> Option<String> {
    match event {
        Value::String(pipeline) => Some(pipeline.clone()),
        event => EVENT_PIPELINES.iter().find_map(|field| event.get(*field)?.as_str().map(str::to_owned)),
    }
}

/// A number, a boolean or a short text. `None` for any other value.
fn scalar(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(_) | Value::Number(_) => Some(value.clone()),
        Value::String(text) if text.len() <= MAX_TEXT && !text.contains('\0') => Some(value.clone()),
        _ => None,
    }
}

/// A trigger, or an array of triggers, without what is not known.
fn triggers(value: &Value) -> Option<Value> {
    match value {
        Value::Array(items) => Some(items.iter().filter_map(trigger).collect()),
        one => trigger(one),
    }
}

fn trigger(value: &Value) -> Option<Value> {
    let mut known = known_fields(value, &TRIGGER_FIELDS)?;
    if let Some(Value::Array(events)) = value.get("events") {
        known.insert("events".to_owned(), events.iter().filter_map(event).collect());
    }
    Some(Value::Object(known))
}

/// An event: the name of a pipeline, or an object. An expanded pipeline becomes its id, or its slug.
fn event(value: &Value) -> Option<Value> {
    if let text @ Value::String(_) = value {
        return scalar(text);
    }
    let mut known = known_fields(value, &EVENT_FIELDS)?;
    for name in EVENT_PIPELINES {
        if let Some(expanded @ Value::Object(_)) = value.get(name)
            && let Some(id) = ["id", "slug"].iter().find_map(|key| scalar(expanded.get(*key)?))
        {
            known.insert(name.to_owned(), id);
        }
    }
    Some(Value::Object(known))
}

/// These fields of an object, if they are scalars. `None`: it is no object.
fn known_fields(value: &Value, names: &[&str]) -> Option<Map<String, Value>> {
    let object = value.as_object()?;
    let known = object.iter().filter(|(name, _)| names.contains(&name.as_str()));
    Some(known.filter_map(|(name, value)| Some((name.clone(), scalar(value)?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(document: &str) -> Option<PipelineSettings> {
        PipelineSettings::of_document(serde_json::from_str(document).unwrap())
    }

    #[test]
    fn only_settings_of_the_allow_list_are_read() {
        let read = settings(
            r#"{"id": "1", "spark_driver_memory": "4g", "settings_number_of_retries": 2, "draft_only": null,
                "code": "password = 'x'", "config": {"password": "x"}, "full_sync_cron": {"password": "x"},
                "trigger": {"type": "cron", "cron_expression": "0 3 * * *", "secret": "x"}}"#,
        );
        assert_eq!(
            read.unwrap().to_json(),
            r#"{"settings_number_of_retries":2,"spark_driver_memory":"4g","trigger":{"cron_expression":"0 3 * * *","type":"cron"}}"#
        );
        assert_eq!(settings(r#"{"id": "1", "code": "x", "draft": null}"#), None);
        let long = format!(r#"{{"full_sync_cron": "{}"}}"#, "x".repeat(MAX_TEXT + 1));
        assert_eq!(settings(&long), None);
    }

    #[test]
    fn an_expanded_parent_becomes_its_id() {
        let read = settings(
            r#"{"pipeline_triggers": [
                {"type": "event", "event_rule": "all", "events": [
                    "crm", {"source": {"id": "7", "code": "secret"}}, {"pipeline": "8", "type": "success"}, {"other": 1}]},
                {"type": "manual"}, {"type": "new"}, 5]}"#,
        );
        let read = read.unwrap();
        assert!(!read.to_json().contains("secret"), "{}", read.to_json());
        let parents = ["crm", "7", "8"].map(str::to_owned).to_vec();
        assert_eq!(read.triggers(), [PipelineTrigger::Event { rule: Some("all".to_owned()), parents }]);
        assert_eq!(PipelineSettings::of_stored(&read.to_json()), Some(read));
    }

    #[test]
    fn a_trigger_that_is_sent_twice_counts_once() {
        let read = settings(
            r#"{"trigger": {"type": "cron", "cron_expression": "0 3 * * *", "cron_timezone": "America/Sao_Paulo"},
                "pipeline_triggers": [
                    {"type": "cron", "cron_expression": "0 3 * * *", "cron_timezone": "America/Sao_Paulo"},
                    {"cron_expression": "0 4 * * *"}]}"#,
        );
        let cron = |expression: &str, zone: Option<&str>| PipelineTrigger::Cron {
            expression: expression.to_owned(),
            zone: zone.map(str::to_owned),
        };
        assert_eq!(
            read.unwrap().triggers(),
            [cron("0 3 * * *", Some("America/Sao_Paulo")), cron("0 4 * * *", None)]
        );
    }

    #[test]
    fn zero_failures_are_no_limit_and_a_draft_has_two_names() {
        let limit = |value| settings(value).unwrap().max_consecutive_failures();
        assert_eq!(limit(r#"{"settings_max_consecutive_failures": 5}"#), Some(5));
        assert_eq!(limit(r#"{"settings_max_consecutive_failures": 0}"#), None);
        assert!(settings(r#"{"draft": true}"#).unwrap().is_draft());
        assert!(settings(r#"{"draft_only": true}"#).unwrap().is_draft());
        assert!(!settings(r#"{"draft_only": false}"#).unwrap().is_draft());
    }
}
