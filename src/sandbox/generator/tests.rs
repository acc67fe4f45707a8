//! Tests of the properties of generated workspaces.

use super::*;
use crate::sandbox::model::Model;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

fn model(runs: usize) -> Model {
    let now = "2026-11-23T00:30:00Z".parse().unwrap();
    Model::new(&Plan { runs, ..Plan::ending_at(now) })
}

/// The runs, newest first.
fn documents(model: &Model) -> Vec<Document> {
    model.runs().map(|text| serde_json::from_str(text).unwrap()).collect()
}

fn text<'a>(run: &'a Document, field: &str) -> &'a str {
    run[field].as_str().unwrap_or_default()
}

#[test]
fn a_run_is_as_large_as_a_real_one() {
    let model = model(5000);
    let mean = model.runs().map(str::len).sum::<usize>() / model.count();
    assert!((1150..1250).contains(&mean), "{mean} bytes");
}

#[test]
fn creation_times_decrease_strictly_over_the_whole_span() {
    let model = model(3000);
    let runs = documents(&model);
    let created: Vec<&str> = runs.iter().map(|run| text(run, "created_at")).collect();
    assert!(created.is_sorted_by(|newer, older| newer > older));
    assert!(created[0] < "2026-11-23T00:30:00" && created[0] > "2026-11-23T00:10:00");
    assert!(created[2999] > "2025-11-23T00:30:00" && created[2999] < "2025-11-25");
}

#[test]
fn a_run_has_its_instants_in_order_and_none_in_the_future() {
    for run in documents(&model(2000)) {
        let instants = ["created_at", "started_at", "ended_at", "updated_at"];
        let known: Vec<&str> = instants.iter().filter_map(|field| run[*field].as_str()).collect();
        assert!(known.is_sorted(), "{run:?}");
        assert!(known.iter().all(|at| at.len() == 27 && at.ends_with('Z')), "{run:?}");
        assert!(known.last() <= Some(&"2026-11-23T00:30:00.000000Z"), "{run:?}");
    }
}

#[test]
fn only_the_newest_runs_are_in_progress() {
    let model = model(1000);
    assert!(model.in_progress().into_iter().eq(model.ids().take(IN_PROGRESS_STATUSES.len())));
}

#[test]
fn recent_runs_await_costs_and_a_few_old_ones_never_get_any() {
    let model = model(20_000);
    let unknown = model.costs_unknown();
    let newest: HashSet<Uuid> = model.ids().take(IN_PROGRESS_STATUSES.len() + RUNS_AWAITING_COSTS).collect();
    let (recent, old): (Vec<Uuid>, Vec<Uuid>) = unknown.iter().partition(|id| newest.contains(id));
    assert!(recent.len() > 10, "{}", recent.len());
    assert!((5..100).contains(&old.len()), "{}", old.len());
    for id in old {
        let run = model.document(id).unwrap();
        assert!(text(&run, "ended_at") < "2026-10-20", "{run:?}");
    }
}

#[test]
fn a_run_belongs_to_one_pipeline_and_is_numbered_within_it() {
    let mut counts: HashMap<String, u64> = HashMap::new();
    for run in documents(&model(2000)).iter().rev() {
        let named: Vec<&Value> =
            PipelineKind::ALL.iter().map(|kind| &run[kind.as_str()]).filter(|v| v.is_string()).collect();
        let [pipeline] = named[..] else { panic!("{run:?}") };
        let count = counts.entry(pipeline.to_string()).or_default();
        *count += 1;
        assert_eq!(run["number"], *count);
    }
    assert!(counts.len() > 30);
}

#[test]
fn every_status_and_every_kind_of_trigger_occurs() {
    let runs = documents(&model(3000));
    let distinct =
        |field: &dyn Fn(&Document) -> String| -> HashSet<String> { runs.iter().map(field).collect() };
    let statuses = distinct(&|run| text(run, "status").to_string());
    assert_eq!(statuses.len(), 7, "{statuses:?}");
    let triggers = distinct(&|run| run["trigger"]["type"].to_string());
    assert_eq!(triggers.len(), 3, "{triggers:?}");
    for run in &runs {
        let trigger = &run["trigger"];
        let kind = trigger["type"].as_str().unwrap();
        assert_eq!(trigger["cron_expression"].is_string(), kind == "cron");
        assert_eq!(trigger["event_rule"].is_string(), kind == "event");
        let has_actor = run["triggered_by"].is_u64() ^ run["triggered_by_token"].is_string();
        assert_eq!(has_actor, kind == "manual");
    }
}

#[test]
fn costs_come_with_metadata_and_fit_the_kind_of_pipeline() {
    let runs = documents(&model(3000));
    for run in &runs {
        for cost in ["el_cost", "transformation_cost"] {
            let details = &run[&format!("{cost}_metadata")];
            assert_eq!(run[&format!("{cost}_usd")].is_f64(), details.is_object(), "{run:?}");
            let keys = details.to_string().matches("\":").count();
            assert!(details.is_null() || (10..=15).contains(&keys), "{details}");
        }
        assert!(run["source"].is_string() || !run["el_cost_usd"].is_f64() || run["destination"].is_string());
        let charged = text(run, "credit_charge_status") == "charged";
        assert!(!charged || text(run, "status") == "success", "{run:?}");
    }
    let both = |run: &&Document| run["el_cost_usd"].is_f64() && run["transformation_cost_usd"].is_f64();
    assert!(runs.iter().any(|run| both(&run)));
    assert!(runs.iter().any(|run| run["el_cost_usd"] == 0.0));
}

#[test]
fn names_contain_characters_that_break_careless_programs() {
    let model = model(0);
    let names: Vec<String> = PipelineKind::ALL
        .iter()
        .flat_map(|&kind| model.pipelines(kind))
        .map(|(_, pipeline)| text(pipeline, "description").to_string())
        .collect();
    assert_eq!(names.len(), 40);
    for start in ["=", "+", "-", "@"] {
        assert!(names.iter().any(|name| name.starts_with(start)), "{start}");
    }
    for part in [",", "\"", "\n", ";", "ç", "🚀", "<", "'"] {
        assert!(names.iter().any(|name| name.contains(part)), "{part}");
    }
}

#[test]
fn the_smallest_workspaces_are_valid() {
    for runs in [0, 1, 2, 9, 10, 11] {
        assert_eq!(model(runs).count(), runs);
    }
    let now = "2026-11-23T00:30:00Z".parse().unwrap();
    let crowded = Plan { runs: 300, span: TimeDelta::zero(), ..Plan::ending_at(now) };
    assert_eq!(Model::new(&crowded).count(), 300);
}

#[test]
fn a_larger_workspace_has_more_pipelines_with_slugs_of_their_own() {
    let now = "2026-11-23T00:30:00Z".parse().unwrap();
    let model = Model::new(&Plan { runs: 5000, pipelines: 130, ..Plan::ending_at(now) });
    let pipelines = PipelineKind::ALL.iter().flat_map(|&kind| model.pipelines(kind));
    let slugs: HashSet<String> = pipelines.map(|(_, pipeline)| text(pipeline, "slug").to_string()).collect();
    assert_eq!(slugs.len(), 130);
    assert!(slugs.contains("pix") && slugs.contains("pix-2") && slugs.contains("pix-3"));
    let of_run = |run: &Document| PipelineKind::ALL.map(|kind| text(run, kind.as_str()).to_string()).concat();
    let with_runs: HashSet<String> = documents(&model).iter().map(of_run).collect();
    assert!(with_runs.len() > 100, "{}", with_runs.len());
}
