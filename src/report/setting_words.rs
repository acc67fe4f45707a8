//! The settings of pipelines in words.

use super::cron_words::in_words;
use super::ledger::Ledger;
use super::settings_history::{ACTIVE, ChangedSetting};
use crate::error::Result;
use crate::pipeline_settings::PipelineTrigger;
use serde_json::Value;
use std::collections::HashMap;

/// The settings and their labels, in the order in which people see them.
const LABELS: [(&str, &str); 17] = [
    (ACTIVE, "Active"),
    ("trigger", "Trigger"),
    ("pipeline_triggers", "Triggers"),
    ("full_sync_cron", "Full sync"),
    ("full_sync_cron_timezone", "Full sync zone"),
    ("settings_number_of_retries", "Retries"),
    ("settings_retry_delay_seconds", "Retry delay"),
    ("settings_max_consecutive_failures", "Failure limit"),
    ("spark_driver_cores", "Driver cores"),
    ("spark_driver_memory", "Driver memory"),
    ("spark_executor_instances", "Executors"),
    ("spark_executor_cores", "Executor cores"),
    ("spark_executor_memory", "Executor memory"),
    ("spark_executor_disk", "Executor disk"),
    ("spark_execution_timeout_minutes", "Timeout"),
    ("draft", "Draft"),
    ("draft_only", "Draft"),
];

/// The words for settings, which name the parents of event triggers by their slugs.
#[derive(Debug, Default)]
pub(crate) struct SettingWords {
    /// The slugs of pipelines by id.
    slugs: HashMap<String, String>,
}

impl SettingWords {
    /// The words for the pipelines of a ledger.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn of(ledger: &Ledger<'_>) -> Result<SettingWords> {
        let sql = "SELECT pipeline_id, slug FROM pipelines WHERE slug <> ''";
        let mut statement = ledger.connection().prepare(sql)?;
        let slugs = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(SettingWords { slugs: slugs.collect::<rusqlite::Result<_>>()? })
    }

    /// The value of a setting. `None`, the value is not set, is a dash.
    pub(crate) fn value(&self, name: &str, value: Option<&Value>) -> String {
        let Some(value) = value else { return "–".to_owned() };
        match (name, value) {
            ("trigger" | "pipeline_triggers", triggers) => self.triggers(triggers),
            ("full_sync_cron", Value::String(expression)) => schedule(expression, None),
            ("settings_max_consecutive_failures", Value::Number(limit)) if limit.as_u64() == Some(0) => {
                "none".to_owned()
            }
            ("settings_retry_delay_seconds", Value::Number(seconds)) => format!("{seconds} s"),
            ("spark_execution_timeout_minutes", Value::Number(minutes)) => format!("{minutes} min"),
            (_, Value::Bool(true)) => "yes".to_owned(),
            (_, Value::Bool(false)) => "no".to_owned(),
            (_, Value::String(text)) => text.clone(),
            (_, other) => other.to_string(),
        }
    }

    /// The values of a setting that changed: `4g → 8g`.
    pub(crate) fn change(&self, changed: &ChangedSetting) -> String {
        let ChangedSetting { name, old, new } = changed;
        let (old, new) = (self.value(name, old.as_ref()), self.value(name, new.as_ref()));
        format!("{old} → {new}")
    }

    fn triggers(&self, value: &Value) -> String {
        let words = |trigger: PipelineTrigger| match trigger {
            PipelineTrigger::Cron { expression, zone } => {
                schedule(&expression, Some(zone.as_deref().unwrap_or("UTC")))
            }
            PipelineTrigger::Event { rule, parents } => {
                let slug = |id: &String| self.slugs.get(id).unwrap_or(id).clone();
                let parents: Vec<String> = parents.iter().map(slug).collect();
                let which = match (rule, parents.len()) {
                    (Some(rule), count) if count != 1 => format!("{rule} of "),
                    _ => String::new(),
                };
                match parents.as_slice() {
                    [] => "after other pipelines".to_owned(),
                    parents => format!("after {which}{}", parents.join(", ")),
                }
            }
        };
        let triggers: Vec<String> = PipelineTrigger::all_of(value).into_iter().map(words).collect();
        match triggers.as_slice() {
            [] if value.get("type").and_then(Value::as_str) == Some("manual") => "manual".to_owned(),
            [] => "none".to_owned(),
            triggers => triggers.join("; "),
        }
    }
}

/// A schedule in words, with the exact expression and its zone: `every 30 minutes (*/30 * * * *, UTC)`.
pub(crate) fn schedule(expression: &str, zone: Option<&str>) -> String {
    let exact = match zone {
        Some(zone) => format!("{expression}, {zone}"),
        None => expression.to_owned(),
    };
    match in_words(expression) {
        Some(words) => format!("{words} ({exact})"),
        None => exact,
    }
}

/// The label of a setting. A setting without one has its name.
pub(crate) fn label(name: &str) -> &str {
    LABELS.iter().find(|(known, _)| *known == name).map_or(name, |(_, label)| label)
}

/// The label of a setting that changed, within a sentence.
pub(crate) fn label_within(changed: &ChangedSetting) -> String {
    label(&changed.name).to_lowercase()
}

/// The place of a setting among others.
pub(crate) fn place(name: &str) -> usize {
    LABELS.iter().position(|(known, _)| *known == name).unwrap_or(LABELS.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_setting_is_in_words() {
        let slugs = HashMap::from([("7".to_owned(), "crm".to_owned())]);
        let words = SettingWords { slugs };
        let cron = json!({"type": "cron", "cron_expression": "0 3 * * *", "cron_timezone": "Europe/Lisbon"});
        let event = json!({"type": "event", "event_rule": "all", "events": [{"source": "7"}, "erp"]});
        for (name, value, expected) in [
            ("trigger", cron.clone(), "daily at 03:00 (0 3 * * *, Europe/Lisbon)"),
            (
                "pipeline_triggers",
                json!([cron, event]),
                "daily at 03:00 (0 3 * * *, Europe/Lisbon); after all of crm, erp",
            ),
            ("trigger", json!({"cron_expression": "0-9 3 * * *"}), "0-9 3 * * *, UTC"),
            ("trigger", json!({"type": "event", "event_rule": "any", "events": ["7"]}), "after crm"),
            ("trigger", json!({"type": "event"}), "after other pipelines"),
            ("trigger", json!({"type": "manual"}), "manual"),
            ("pipeline_triggers", json!([]), "none"),
            ("full_sync_cron", json!("0 4 * * 0"), "Sundays at 04:00 (0 4 * * 0)"),
            ("settings_max_consecutive_failures", json!(0), "none"),
            ("settings_number_of_retries", json!(0), "0"),
            ("settings_retry_delay_seconds", json!(300), "300 s"),
            ("spark_execution_timeout_minutes", json!(60), "60 min"),
            ("spark_driver_memory", json!("4g"), "4g"),
            ("draft", json!(true), "yes"),
        ] {
            assert_eq!(words.value(name, Some(&value)), expected, "{name}");
        }
        let changed = ChangedSetting { name: "draft".to_owned(), old: None, new: Some(json!(false)) };
        assert_eq!(words.change(&changed), "– → no");
    }
}
