//! Tests of the model and its changes.

use super::*;
use serde_json::json;

fn plan(runs: usize) -> Plan {
    Plan { runs, ..Plan::ending_at("2026-11-23T16:00:00Z".parse().unwrap()) }
}

fn texts(model: &Model) -> Vec<&str> {
    model.runs().collect()
}

fn status(model: &Model, id: Uuid) -> Value {
    model.document(id).unwrap()["status"].clone()
}

#[test]
fn the_same_plan_and_the_same_changes_give_the_same_bytes() {
    let changed = || {
        let mut model = Model::new(&plan(200));
        let new = model.add();
        model.advance(TimeDelta::minutes(3));
        model.finish(new, Outcome::Success);
        model.settle(new);
        model
    };
    assert_eq!(texts(&changed()), texts(&changed()));
    let other = Model::new(&Plan { seed: 8, ..plan(200) });
    assert_ne!(texts(&other), texts(&Model::new(&plan(200))));
}

#[test]
fn a_new_run_is_at_the_top_even_if_the_clock_does_not_move() {
    let mut model = Model::new(&plan(20));
    let first = model.add();
    let second = model.add();
    assert_eq!(model.ids().take(2).collect::<Vec<_>>(), [second, first]);
    assert_eq!(model.count(), 22);
    assert_eq!(status(&model, second), "running");
}

#[test]
fn a_run_succeeds_before_its_costs_are_known() {
    let mut model = Model::new(&plan(0));
    let id = model.add();
    assert_eq!(model.in_progress(), [id]);

    model.advance(TimeDelta::seconds(90));
    model.finish(id, Outcome::Success);
    assert_eq!((model.in_progress(), model.costs_unknown()), (vec![], vec![id]));
    let finished = model.document(id).unwrap();
    assert_eq!(finished["status"], "success");
    assert_eq!(finished["duration_seconds"], 90);
    assert_eq!(finished["ended_at"], format_instant(model.now()));
    assert_eq!(finished["credit_charge_status"], "unsuccessful");

    model.settle(id);
    assert!(model.costs_unknown().is_empty());
    let settled = model.document(id).unwrap();
    assert_eq!(settled["credit_charge_status"], "charged");
    assert!(settled["el_cost_usd"].is_f64() || settled["transformation_cost_usd"].is_f64());
}

#[test]
fn a_failed_run_is_never_charged() {
    let mut model = Model::new(&plan(0));
    let id = model.add();
    model.finish(id, Outcome::Failed);
    model.settle(id);
    assert_eq!(model.document(id).unwrap()["credit_charge_status"], "unsuccessful");
}

#[test]
fn an_edit_that_changes_nothing_leaves_the_same_bytes() {
    let mut model = Model::new(&plan(300));
    let before: Vec<String> = model.runs().map(str::to_string).collect();
    for id in model.ids().collect::<Vec<_>>() {
        model.change(id, |_| {});
    }
    assert_eq!(texts(&model), before);
}

#[test]
fn an_edit_may_write_fields_outside_the_contract() {
    let mut model = Model::new(&plan(3));
    let id = model.ids().next().unwrap();
    model.change(id, |run| {
        run.insert("status".into(), json!("hibernating"));
        run.insert("mood".into(), json!(["bom", 0.1]));
        run.remove("number");
    });
    let text = model.run(id).unwrap();
    assert!(text.ends_with(r#""mood":["bom",0.1]}"#), "{text}");
    assert!(!text.contains("number"), "{text}");
}

#[test]
fn a_changed_creation_time_moves_the_run_in_the_list() {
    let mut model = Model::new(&plan(10));
    let newest = model.ids().next().unwrap();
    model.change(newest, |run| {
        run.insert("created_at".into(), json!("2001-01-01T00:00:00.000001Z"));
    });
    assert_eq!(model.ids().last(), Some(newest));
    assert_eq!(model.count(), 10);
}

#[test]
fn deleting_a_run_leaves_the_others_in_place() {
    let mut model = Model::new(&plan(10));
    let ids: Vec<Uuid> = model.ids().collect();
    model.delete(ids[4]);
    assert_eq!(model.run(ids[4]), None);
    assert_eq!(model.count(), 9);
    for id in ids.iter().filter(|&id| *id != ids[4]) {
        assert!(model.run(*id).unwrap().contains(&id.to_string()));
    }
}

#[test]
fn the_list_can_have_any_order() {
    let mut model = Model::new(&plan(50));
    let newest_first: Vec<Uuid> = model.ids().collect();
    model.set_order(Order::OldestFirst);
    assert!(model.ids().eq(newest_first.iter().rev().copied()));

    model.set_order(Order::Shuffled(1));
    let shuffled: Vec<Uuid> = model.ids().collect();
    assert_ne!(shuffled, newest_first);
    let added = model.add();
    model.delete(added);
    assert!(model.ids().eq(shuffled));

    model.set_order(Order::NewestFirst);
    assert!(model.ids().eq(newest_first));
}

#[test]
fn a_custom_run_is_listed_by_its_creation_time() {
    let mut model = Model::new(&plan(5));
    let id = Uuid::from_u128(1);
    let document = json!({ "id": id, "created_at": "2000-01-01T00:00:00Z", "extra": 1 });
    model.insert(id, document.as_object().unwrap());
    assert_eq!(model.ids().last(), Some(id));
    model.insert(id, json!({ "id": id }).as_object().unwrap());
    assert_eq!(model.ids().next(), Some(id));
    assert_eq!(model.count(), 6);
}

#[test]
fn a_renamed_or_deleted_pipeline_keeps_its_runs() {
    let mut model = Model::new(&plan(100));
    let (id, _) = model.pipelines(PipelineKind::Source).next().unwrap();
    model.rename_pipeline(id, "Outro nome");
    assert_eq!(model.pipelines(PipelineKind::Source).next().unwrap().1["description"], "Outro nome");
    model.delete_pipeline(id);
    assert!(model.pipelines(PipelineKind::Source).all(|(other, _)| other != id));
    assert_eq!(model.count(), 100);
}
