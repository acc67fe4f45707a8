//! Changes to the mock API between the two syncs of the demo.

use crate::report::period::Period;
use crate::sandbox::{Document, Model, PipelineKind};
use serde_json::{Value, json};
use uuid::Uuid;

/// The number of runs of the closed month whose costs change.
const CORRECTED_RUNS: usize = 5;

/// The number of runs from which the anomalies are chosen.
const ANOMALY_RANGE: usize = 100;

/// The fields of a run that identify its pipeline.
const PIPELINE_FIELDS: [&str; 3] = ["source", "destination", "transformation"];

/// The number of runs that start in the simulated hour.
const NEW_RUNS: usize = 3;

/// The number of runs that end in it.
const ENDING_RUNS: usize = 6;

/// The changes of the last hour, which the first sync of the demo does not see.
pub(super) struct LastHour {
    started: Vec<(Uuid, Document)>,
    ended: Vec<(Uuid, Document)>,
}

impl LastHour {
    /// Takes the last hour back: its runs have not started, and others have not ended.
    pub(super) fn take_back(model: &mut Model) -> LastHour {
        let document = |model: &Model, id| (id, model.document(id).expect("a generated run is an object"));
        let started: Vec<Uuid> = model.ids().take(NEW_RUNS).collect();
        let started: Vec<(Uuid, Document)> = started.into_iter().map(|id| document(model, id)).collect();
        for (id, _) in &started {
            model.delete(*id);
        }
        let runs = model.ids().map(|id| document(model, id));
        let ended: Vec<(Uuid, Document)> =
            runs.filter(|(_, run)| run["ended_at"].is_string()).take(ENDING_RUNS).collect();
        for (id, _) in &ended {
            model.change(*id, |run| {
                let began = if run["started_at"].is_null() { "created_at" } else { "started_at" };
                let began = run[began].clone();
                let costs =
                    run.iter().filter(|(field, _)| field.contains("_cost_")).map(|(field, _)| field.clone());
                let unknown: Vec<String> =
                    costs.chain(["ended_at", "duration_seconds"].map(str::to_owned)).collect();
                run.extend(unknown.into_iter().map(|field| (field, Value::Null)));
                run.insert("status".to_owned(), json!("running"));
                run.insert("credit_charge_status".to_owned(), json!("unsuccessful"));
                run.insert("started_at".to_owned(), began.clone());
                run.insert("updated_at".to_owned(), began);
            });
        }
        LastHour { started, ended }
    }

    /// Lets the hour pass: runs start and end, costs arrive, costs of the closed month are corrected, and two pipelines
    /// have other settings. Returns a run with a history.
    pub(super) fn pass(self, model: &mut Model, closed: &Period) -> Uuid {
        let waiting = model.costs_unknown();
        // Older runs without a cost stay that way, so that no cost seems to take a year to arrive.
        let is_recent = |id: &Uuid| {
            let run = model.document(*id).unwrap_or_default();
            let created_at = run.get("created_at").and_then(|at| at.as_str()).map(str::to_owned);
            closed.start.zip(created_at).is_some_and(|(start, at)| start.as_str() <= at.as_str())
        };
        let arriving: Vec<Uuid> = waiting.into_iter().filter(is_recent).collect();
        let has_costs = |(_, run): &&(Uuid, Document)| {
            run["status"] == "success"
                && ["el_cost_usd", "transformation_cost_usd"].iter().any(|cost| run[*cost].is_number())
        };
        let example = self.ended.iter().find(has_costs).or(self.ended.first()).or(self.started.first());
        let example = example.expect("a demo has runs").0;
        for (id, run) in self.ended {
            model.change(id, |running| *running = run);
        }
        for id in arriving {
            model.settle(id);
        }
        correct_costs(model, closed);
        add_anomalies(model);
        change_settings(model);
        for (id, run) in self.started {
            model.insert(id, &run);
        }
        example
    }
}

/// Changes some costs of the closed month.
fn correct_costs(model: &mut Model, closed: &Period) {
    let in_closed = |id: &Uuid| {
        let run = model.document(*id).unwrap_or_default();
        run.get("started_at").and_then(|at| at.as_str()).is_some_and(|at| closed.contains(at))
            && run.get("el_cost_usd").is_some_and(|cost| cost.is_number())
    };
    let old: Vec<Uuid> = model.ids().filter(in_closed).step_by(3).take(CORRECTED_RUNS).collect();
    for id in old {
        model.change(id, |run| {
            run.insert("el_cost_usd".to_owned(), json!(0.123_456_789_012_3));
        });
    }
}

/// Gives a transformation more Spark executors, and lets a source run less often.
fn change_settings(model: &mut Model) {
    let incidents = model.incidents();
    let healthy = |model: &Model, kind, is_meant: &dyn Fn(&Document) -> bool| {
        let mut pipelines = model.pipelines(kind);
        let found = pipelines.find(|(id, pipeline)| {
            pipeline["status"] == "active"
                && incidents.iter().all(|(_, other)| other != id)
                && is_meant(pipeline)
        });
        found.map(|(id, _)| id)
    };
    let transformation = healthy(model, PipelineKind::Transformation, &|_| true);
    if let Some(id) = transformation {
        model.change_pipeline(id, |pipeline| {
            pipeline.insert("spark_executor_instances".to_owned(), json!(12));
        });
    }
    let rarer = |pipeline: &Document| {
        let expression = pipeline["pipeline_triggers"][0]["cron_expression"].as_str()?;
        // Each firing of the new expression is one of the old, so that none seems to be missing.
        ["*/2 ", "*/3 ", "*/4 ", "*/6 "]
            .iter()
            .find_map(|often| expression.contains(often).then(|| expression.replace(often, "*/12 ")))
    };
    if let Some(id) = healthy(model, PipelineKind::Source, &|pipeline| rarer(pipeline).is_some()) {
        model.change_pipeline(id, |pipeline| {
            let expression = rarer(pipeline);
            pipeline["pipeline_triggers"][0]["cron_expression"] = json!(expression);
        });
    }
}

/// Adds one run for each finding of `report audit`, if there are enough runs: a charged failure, an uncharged
/// success, a negative cost, a cost without a duration, and a number that is charged twice.
fn add_anomalies(model: &mut Model) {
    // A few days old, within the lookback of a sync.
    let newer = model.count() / 100 + 3;
    let ended = |model: &Model, status: &str| -> Vec<(Uuid, Document)> {
        let runs = model.ids().skip(newer).take(ANOMALY_RANGE);
        let runs = runs.filter_map(|id| Some((id, model.document(id)?)));
        runs.filter(|(_, run)| run["status"] == status && run["el_cost_usd"].is_f64()).collect()
    };
    let failed =
        ended(model, "failed").into_iter().map(|(id, _)| (id, "credit_charge_status", json!("charged")));
    let mut anomalies: Vec<(Uuid, &str, Value)> = failed.take(1).collect();
    let succeeded = ended(model, "success");
    let changes = [
        ("credit_charge_status", json!("unsuccessful")),
        ("el_cost_usd", json!(-0.0312)),
        ("duration_seconds", Value::Null),
    ];
    anomalies.extend(succeeded.iter().zip(changes).map(|((id, _), (field, value))| (*id, field, value)));
    // Use other runs, so that each finding is independent.
    let others = succeeded.get(anomalies.len()..).unwrap_or_default();
    let twice = others.iter().enumerate().find_map(|(place, (id, run))| {
        let same =
            |(_, other): &&(Uuid, Document)| PIPELINE_FIELDS.iter().all(|field| run[*field] == other[*field]);
        Some((*id, "number", others[place + 1..].iter().find(same)?.1["number"].clone()))
    });
    for (id, field, value) in anomalies.into_iter().chain(twice) {
        model.change(id, |run| drop(run.insert(field.to_owned(), value)));
    }
}
