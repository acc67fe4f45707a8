//! The settings of generated pipelines.

use super::{firings, model, pipelines, runs, trigger};
use runledger::internal::sandbox::{PipelineKind, SETTINGS_PREFIX};
use serde_json::json;
use std::collections::BTreeMap;

#[test]
fn each_setting_is_in_some_documents_and_secrets_are_in_all() {
    let model = model(8000, 365, 7);
    let pipelines = pipelines(&model);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for pipeline in pipelines.values() {
        for (field, value) in pipeline {
            *counts.entry(field).or_default() += usize::from(!value.is_null());
        }
        let text = json!(pipeline).to_string();
        assert!(text.contains(SETTINGS_PREFIX), "{text}");
    }
    for field in
        ["settings_number_of_retries", "settings_retry_delay_seconds", "settings_max_consecutive_failures"]
    {
        assert!((25..40).contains(&counts[field]), "{field}: {}", counts[field]);
    }
    for field in ["full_sync_cron", "full_sync_cron_timezone"] {
        assert!((3..18).contains(&counts[field]), "{field}: {}", counts[field]);
    }
    assert_eq!((counts["trigger"], counts["pipeline_triggers"], counts["draft"]), (22, 18, 18));
    for field in
        ["spark_driver_cores", "spark_executor_memory", "spark_executor_instances", "draft_only", "code"]
    {
        assert_eq!(counts[field], 14, "{field}");
    }
    assert!((1..14).contains(&counts["spark_execution_timeout_minutes"]), "{counts:?}");
    let drafts = pipelines.iter().filter(|(_, pipeline)| pipeline["status"] == "draft");
    let runs = runs(&model);
    assert_eq!(drafts.inspect(|(id, _)| assert!(!runs.contains_key(id))).count(), 2);
}

#[test]
fn the_full_syncs_of_a_source_follow_their_own_expression() {
    let model = model(8000, 365, 7);
    let (pipelines, runs) = (pipelines(&model), runs(&model));
    let mut full = 0;
    for (id, pipeline) in &pipelines {
        let Some(expression) = pipeline.get("full_sync_cron").and_then(|cron| cron.as_str()) else {
            continue;
        };
        let zone = pipeline["full_sync_cron_timezone"].as_str().unwrap();
        assert_eq!(trigger(pipeline)["cron_timezone"], zone);
        for run in runs.get(id).into_iter().flatten() {
            let created = super::at(run, "created_at").unwrap();
            let due = !firings(expression, zone, created - super::schedule::TOLERANCE, created).is_empty();
            assert_eq!(
                run["full_sync"] == true,
                due && run["trigger"]["type"] == "cron",
                "{expression} {run:?}"
            );
            full += usize::from(due);
        }
    }
    assert!(full > 50, "{full}");
}

#[test]
fn a_changed_setting_stays_and_has_a_date() {
    let mut model = model(10, 30, 7);
    let (id, before) = model.pipelines(PipelineKind::Transformation).next().unwrap();
    let before = before.clone();
    model.advance(chrono::TimeDelta::hours(1));
    model.change_pipeline(id, |pipeline| {
        drop(pipeline.insert("spark_executor_instances".to_owned(), json!(99)))
    });
    let mut after = pipelines(&model)[&id].clone();
    assert_eq!(after["spark_executor_instances"], 99);
    assert!(after["updated_at"].as_str() > before["updated_at"].as_str());
    for field in ["spark_executor_instances", "updated_at"] {
        after[field] = before[field].clone();
    }
    assert_eq!(after, before);
}
