//! What goes wrong in a generated workspace, and nothing else.

use super::schedule::TOLERANCE;
use super::{at, firings, now, pipelines, runs, trigger};
use chrono::{DateTime, TimeDelta, Utc};
use runledger::internal::sandbox::{Document, Incident, Model, Plan};
use std::collections::BTreeMap;
use uuid::Uuid;

fn model(runs: usize, now: DateTime<Utc>, seed: u64) -> Model {
    Model::new(&Plan { runs, seed, incidents: Incident::ALL.to_vec(), ..Plan::ending_at(now) })
}

/// The last firings of a pipeline, and its cron runs since the first of them.
fn newest(
    model: &Model,
    of_pipeline: &[Document],
    id: Uuid,
    count: usize,
) -> (Vec<DateTime<Utc>>, Vec<Document>) {
    let trigger = trigger(&pipelines(model)[&id]).clone();
    let text = |field: &str| trigger[field].as_str().unwrap().to_owned();
    let due = firings(
        &text("cron_expression"),
        &text("cron_timezone"),
        model.now() - TimeDelta::days(14),
        model.now() - TOLERANCE,
    );
    let due = due[due.len() - count..].to_vec();
    let is_new =
        |run: &Document| run["trigger"]["type"] == "cron" && at(run, "created_at").unwrap() >= due[0];
    let newest = of_pipeline.iter().filter(|run| is_new(run)).cloned().collect();
    (due, newest)
}

#[test]
fn each_incident_has_its_own_pipeline_and_can_be_found() {
    // The demo begins at any hour.
    for (hour, seed) in [(0, 7), (5, 7), (9, 7), (13, 7), (17, 7), (22, 7), (16, 1), (16, 2), (16, 3)] {
        let model = model(12_000, now() - TimeDelta::hours(16 - hour), seed);
        let incidents: BTreeMap<String, Uuid> =
            model.incidents().iter().map(|(incident, id)| (format!("{incident:?}"), *id)).collect();
        assert_eq!(incidents.len(), 4, "{incidents:?} at {hour}");

        let runs = runs(&model);
        let newest =
            |incident: &str, count| newest(&model, &runs[&incidents[incident]], incidents[incident], count);

        let (_, skipped) = newest("Skipped", 3);
        assert!(skipped.is_empty(), "{skipped:?}");
        assert_eq!(newest("Skipped", 4).1.len(), 1);

        let (due, delayed) = newest("Delayed", 2);
        let late = at(&delayed[0], "created_at").unwrap() - due[0];
        assert!(late > TimeDelta::minutes(46) && late < TimeDelta::minutes(48), "{late}");
        assert!(at(&delayed[1], "created_at").unwrap() - due[1] < TOLERANCE);

        let (due, hung) = newest("Hung", 1);
        assert!(model.now() - due[0] > TimeDelta::hours(5), "{due:?}");
        assert_eq!((hung.len(), &hung[0]["status"]), (1, &"running".into()));
        let longest =
            runs[&incidents["Hung"]].iter().filter_map(|run| run["duration_seconds"].as_i64()).max();
        assert!(longest.unwrap() * 2 < (model.now() - due[0]).num_seconds(), "{longest:?} of {hung:?}");

        let limit = &pipelines(&model)[&incidents["Failing"]]["settings_max_consecutive_failures"];
        let limit = usize::try_from(limit.as_u64().unwrap()).unwrap();
        let (_, failing) = newest("Failing", limit);
        let failed: Vec<bool> = failing.iter().map(|run| run["status"] == "failed").collect();
        assert_eq!(failed, [&[false][..], &vec![true; limit - 1]].concat());
    }
}

#[test]
fn the_children_of_a_failing_pipeline_do_not_run() {
    let model = model(12_000, now(), 7);
    let (_, failing) =
        *model.incidents().iter().find(|(incident, _)| *incident == Incident::Failing).unwrap();
    let pipelines = pipelines(&model);
    let slug = &pipelines[&failing]["slug"];
    let names = [failing.to_string(), slug.as_str().unwrap().to_owned()];
    let is_child = |pipeline: &Document| {
        let events = trigger(pipeline)["events"].as_array();
        events.into_iter().flatten().any(|event| names.iter().any(|name| event.to_string().contains(name)))
    };
    let children: Vec<&Uuid> = pipelines.iter().filter(|(_, p)| is_child(p)).map(|(id, _)| id).collect();
    assert!(!children.is_empty(), "{slug} has no children");
    let runs = runs(&model);
    let failures = runs[&failing].iter().rev().take(4);
    for end in failures.map(|run| at(run, "ended_at").unwrap()) {
        for child in children.iter().filter_map(|child| runs.get(child)).flatten() {
            let created = at(child, "created_at").unwrap();
            let is_event = child["trigger"]["type"] == "event" && child["status"] != "pending_events";
            assert!(!is_event || !(end..end + TOLERANCE).contains(&created), "{child:?}");
        }
    }
}

#[test]
fn a_workspace_without_incidents_has_none() {
    assert!(super::model(1000, 365, 7).incidents().is_empty());
}
