//! The runs of a generated workspace follow their triggers, by a cron package that the generator does not use.

use super::{at, firings, model, now, pipelines, runs, trigger};
use chrono::{DateTime, TimeDelta, Utc};
use runledger::internal::sandbox::{Document, Model};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A run is created at most this long after its firing, or after the end of its parent.
pub(super) const TOLERANCE: TimeDelta = TimeDelta::seconds(6);

/// Checks that each firing has one cron run and the reverse. Returns the number of firings by the zone.
fn check_schedules(model: &Model, begin: DateTime<Utc>) -> BTreeMap<String, usize> {
    let (pipelines, mut count) = (pipelines(model), BTreeMap::new());
    // A firing of the last seconds may not have its run yet.
    let end = model.now() - TOLERANCE;
    let first = |runs: &Vec<Document>| at(&runs[0], "created_at").unwrap();
    let runs = runs(model);
    // The archive may begin later, and then at the oldest run.
    let begin = runs.values().map(first).min().unwrap_or(begin).max(begin);
    for (id, pipeline) in &pipelines {
        let runs = runs.get(id).map_or(&[][..], Vec::as_slice);
        let scheduled: Vec<&Document> = runs.iter().filter(|run| run["trigger"]["type"] == "cron").collect();
        let trigger = trigger(pipeline);
        let Some(expression) = trigger["cron_expression"].as_str() else {
            assert!(scheduled.is_empty(), "{pipeline:?}");
            continue;
        };
        let zone = trigger["cron_timezone"].as_str().unwrap();
        for field in ["type", "cron_expression", "cron_timezone"] {
            assert!(scheduled.iter().all(|run| run["trigger"][field] == trigger[field]), "{trigger}");
        }
        let from = begin.max(at(pipeline, "created_at").unwrap());
        let until = match pipeline["active"] {
            Value::Bool(false) => at(pipeline, "updated_at").unwrap(),
            _ => end,
        };
        let due = firings(expression, zone, from, until);
        *count.entry(zone.to_owned()).or_default() += due.len();
        let mut created = scheduled.iter().map(|run| at(run, "created_at").unwrap()).peekable();
        // The firing of the oldest run may be just before it.
        while created.peek().is_some_and(|created| *created < due.first().copied().unwrap_or(until)) {
            let early = created.next().unwrap();
            assert!(early - from < TOLERANCE, "{expression} {zone}: no firing at {early}");
        }
        for due in due {
            let run = created.next().unwrap_or_else(|| panic!("{expression} {zone}: no run for {due}"));
            assert!(due <= run && run - due < TOLERANCE, "{expression} {zone}: {due} has {run}");
        }
        let rest: Vec<_> = created.filter(|created| *created < until).collect();
        assert!(rest.is_empty(), "{expression} {zone}: no firing at {rest:?}");
    }
    count
}

#[test]
fn every_firing_has_one_run_and_every_cron_run_a_firing() {
    for seed in 1..=4 {
        let count = check_schedules(&model(8000, 365, seed), now() - TimeDelta::days(365));
        assert!(count.values().sum::<usize>() > 2000, "{count:?}");
        assert!(count["Europe/Lisbon"] > 100, "{count:?}");
    }
    for (runs, days) in [(60, 30), (300, 30), (1000, 365), (20_000, 60)] {
        check_schedules(&model(runs, days, 7), now() - TimeDelta::days(days));
    }
}

/// The successful runs of a pipeline, by their end.
fn successes(runs: &[Document]) -> Vec<DateTime<Utc>> {
    let succeeded = runs.iter().filter(|run| run["status"] == "success");
    let mut ends: Vec<DateTime<Utc>> = succeeded.map(|run| at(run, "ended_at").unwrap()).collect();
    ends.sort_unstable();
    ends
}

#[test]
fn an_event_follows_successful_parents_only() {
    let (mut any, mut all) = (0, 0);
    for seed in 1..=4 {
        let model = model(8000, 365, seed);
        let (pipelines, runs) = (pipelines(&model), runs(&model));
        for (id, pipeline) in &pipelines {
            let Some(events) = trigger(pipeline)["events"].as_array() else { continue };
            let parents: BTreeSet<Uuid> = events.iter().map(|event| parent(event, &pipelines)).collect();
            assert_eq!(parents.len(), events.len());
            let ends = parents.iter().map(|parent| runs.get(parent).map_or(vec![], |runs| successes(runs)));
            let ends: Vec<Vec<DateTime<Utc>>> = ends.collect();
            let of_events = runs.get(id).into_iter().flatten();
            let of_events = of_events
                .filter(|run| run["trigger"]["type"] == "event" && run["status"] != "pending_events");
            let waits_for_all = trigger(pipeline)["event_rule"] == "all";
            let mut last: Option<DateTime<Utc>> = None;
            for run in of_events {
                let created = at(run, "created_at").unwrap();
                let since = |ends: &Vec<DateTime<Utc>>| {
                    ends.iter().any(|end| *end < created && last.is_none_or(|last| *end + TOLERANCE > last))
                };
                let just = ends.iter().flatten().any(|end| *end < created && created - *end < TOLERANCE);
                assert!(just, "{created} follows no success");
                if waits_for_all {
                    assert!(ends.iter().all(since), "{created} did not wait for all");
                    all += 1;
                } else {
                    any += 1;
                }
                last = Some(created);
            }
        }
    }
    assert!(any > 500 && all > 100, "{any} and {all}");
}

/// The pipeline that an event names, in any of its spellings.
fn parent(event: &Value, pipelines: &BTreeMap<Uuid, Document>) -> Uuid {
    let names = ["source", "destination", "transformation", "pipeline"];
    let name = event.as_str().or_else(|| names.iter().find_map(|name| event[name].as_str())).unwrap();
    let found = pipelines.iter().find(|(id, pipeline)| id.to_string() == name || pipeline["slug"] == name);
    *found.unwrap().0
}

#[test]
fn a_success_has_a_run_of_each_child_that_waits_for_any() {
    let model = model(8000, 365, 3);
    let (pipelines, runs) = (pipelines(&model), runs(&model));
    let (mut count, mut without) = (0, 0);
    for (id, pipeline) in &pipelines {
        let Some(events) = trigger(pipeline)["events"].as_array() else { continue };
        if trigger(pipeline)["event_rule"] == "all" || pipeline["active"] == false {
            continue;
        }
        let created = at(pipeline, "created_at").unwrap();
        let children: Vec<DateTime<Utc>> =
            runs.get(id).into_iter().flatten().map(|run| at(run, "created_at").unwrap()).collect();
        for parent in events.iter().map(|event| parent(event, &pipelines)) {
            for run in runs.get(&parent).into_iter().flatten() {
                let Some(end) = at(run, "ended_at").filter(|end| *end > created) else { continue };
                let followed = children.iter().any(|child| *child > end && *child - end < TOLERANCE);
                if run["status"] == "success" && end + TOLERANCE < model.now() {
                    assert!(followed, "{pipeline:?} did not run after {end}");
                    count += 1;
                } else {
                    without += usize::from(!followed);
                }
            }
        }
    }
    assert!(count > 500 && without > 10, "{count} and {without}");
}
