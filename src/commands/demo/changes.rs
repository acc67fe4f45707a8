//! Changes to the mock API between the two syncs of the demo.

use crate::report::period::Period;
use crate::sandbox::{Document, Model, Outcome};
use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

/// The number of runs of the closed month whose costs change.
const CORRECTED_RUNS: usize = 5;

/// The number of runs from which the anomalies are chosen.
const ANOMALY_RANGE: usize = 100;

/// The fields of a run that identify its pipeline.
const PIPELINE_FIELDS: [&str; 3] = ["source", "destination", "transformation"];

/// Simulates one hour: runs end, costs arrive, costs of the closed month are corrected. Returns a run with a history.
pub(super) fn simulate_hour(model: &mut Model, closed: &Period) -> Uuid {
    let (waiting, in_progress) = (model.costs_unknown(), model.in_progress());
    model.advance(TimeDelta::minutes(20));
    for (place, id) in in_progress.iter().enumerate() {
        model.finish(*id, if place == 1 { Outcome::Failed } else { Outcome::Success });
    }
    model.advance(TimeDelta::minutes(40));
    // Older runs without a cost stay that way, so that no cost seems to take a year to arrive.
    let is_recent = |id: &&Uuid| {
        let run = model.document(**id).unwrap_or_default();
        let created_at = run.get("created_at").and_then(|at| at.as_str()).map(str::to_owned);
        closed.start.zip(created_at).is_some_and(|(start, at)| start.as_str() <= at.as_str())
    };
    let arriving: Vec<Uuid> = waiting.iter().filter(is_recent).chain(in_progress.first()).copied().collect();
    for id in arriving {
        model.settle(id);
    }
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
    add_anomalies(model);
    for _ in 0..3 {
        model.add();
    }
    in_progress.first().copied().unwrap_or_else(|| model.ids().next().expect("a demo has runs"))
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
