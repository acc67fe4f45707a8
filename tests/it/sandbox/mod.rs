//! The generated workspace of the sandbox.

mod incidents;
mod schedule;
mod settings;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::{Cron, Direction};
use runledger::internal::sandbox::{Document, Model, PipelineKind, Plan};
use serde_json::Value;
use std::collections::BTreeMap;
use std::str::FromStr;
use uuid::Uuid;

/// Both clock changes of a year in Lisbon, on 29 March and 25 October 2026, are before it.
fn now() -> DateTime<Utc> {
    "2026-11-28T16:00:00Z".parse().unwrap()
}

fn model(runs: usize, days: i64, seed: u64) -> Model {
    Model::new(&Plan { runs, seed, span: TimeDelta::days(days), ..Plan::ending_at(now()) })
}

/// The trigger in a pipeline's settings. A source has a list of them.
fn trigger(pipeline: &Document) -> &Value {
    pipeline.get("trigger").unwrap_or_else(|| &pipeline["pipeline_triggers"][0])
}

fn pipelines(model: &Model) -> BTreeMap<Uuid, Document> {
    let all = PipelineKind::ALL.into_iter().flat_map(|kind| model.pipelines(kind));
    all.map(|(id, document)| (id, document.clone())).collect()
}

fn at(document: &Document, field: &str) -> Option<DateTime<Utc>> {
    Some(document[field].as_str()?.parse().unwrap())
}

/// The runs of each pipeline, oldest first.
fn runs(model: &Model) -> BTreeMap<Uuid, Vec<Document>> {
    let mut runs: BTreeMap<Uuid, Vec<Document>> = BTreeMap::new();
    for text in model.runs() {
        let run: Document = serde_json::from_str(text).unwrap();
        let pipeline = PipelineKind::ALL.iter().find_map(|kind| run[kind.as_str()].as_str()).unwrap();
        runs.entry(pipeline.parse().unwrap()).or_default().push(run);
    }
    runs.values_mut().for_each(|runs| runs.reverse());
    runs
}

/// The firings of an expression in a span.
fn firings(expression: &str, zone: &str, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let (cron, zone) = (Cron::from_str(expression).unwrap(), Tz::from_str(zone).unwrap());
    let times = cron.iter_from(from.with_timezone(&zone), Direction::Forward).map(|at| at.to_utc());
    times.skip_while(|at| *at < from).take_while(|at| *at < until).collect()
}
