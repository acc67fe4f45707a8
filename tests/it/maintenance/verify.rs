//! The command `verify`: settled runs compared with the API.

use super::{command, json_of, ran, run_online};
use crate::support::workspace::{Workspace, at, options};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use uuid::Uuid;

#[test]
fn verify_compares_settled_runs_with_the_api() {
    let workspace = Workspace::of(100);
    workspace.sync(&options());
    let before = fs::read(workspace.path()).unwrap();
    let ran = run_online(&workspace, &["verify", "--sample", "1000"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let open: BTreeSet<Uuid> = {
        let model = workspace.sandbox.model();
        model.in_progress().into_iter().chain(model.costs_unknown()).collect()
    };
    let settled: Vec<Uuid> = workspace.ids().into_iter().filter(|id| !open.contains(id)).collect();
    let printed = json_of(&run_online(&workspace, &["verify", "--sample", "1000", "--json"]));
    assert_eq!(printed["same"], printed["compared"]);
    assert!(printed["compared"].as_u64().unwrap() >= settled.len() as u64);

    let (corrected, gone) = (settled[10], settled[20]);
    workspace.sandbox.model().change(corrected, |run| {
        run.insert("el_cost_usd".to_owned(), json!(0.5));
    });
    workspace.sandbox.model().delete(gone);
    let ran = run_online(&workspace, &["verify", "--sample", "1000"]);
    assert_eq!(ran.code, 3);
    assert!(ran.out.contains(&format!("run {corrected}\n")), "{}", ran.out);
    assert!(ran.out.contains("  el_cost_usd\n") && ran.out.contains("    API now   0.5\n"), "{}", ran.out);
    assert!(ran.out.contains(&format!("run {gone}: missing from the API\n")), "{}", ran.out);
    assert!(ran.err.contains("1 differ from the API, 1 are missing from the API"), "{}", ran.err);
    let printed = json_of(&run_online(&workspace, &["verify", "--sample", "1000", "--json"]));
    let runs = printed["runs"].as_array().unwrap();
    let verdicts: BTreeSet<(&str, &str)> =
        runs.iter().map(|run| (run["run_id"].as_str().unwrap(), run["verdict"].as_str().unwrap())).collect();
    let (corrected, gone) = (corrected.to_string(), gone.to_string());
    assert_eq!(verdicts, BTreeSet::from([(corrected.as_str(), "differs"), (gone.as_str(), "gone")]));
    assert!(runs.iter().any(|run| run["differences"].to_string().contains(r#""api":0.5"#)), "{printed}");
    assert!(fs::read(workspace.path()).unwrap() == before, "verify stores nothing");
}

#[test]
fn a_seed_samples_the_same_runs_again() {
    let workspace = Workspace::of(200);
    workspace.sync(&options());
    let archive = workspace.archive();
    let draw = |size, seed| archive.settled_sample(at("2026-11-01T00:00:00Z"), size, seed).unwrap();
    assert_eq!(draw(10, 1), draw(10, 1));
    assert_ne!(draw(10, 1), draw(10, 2));
    let all = draw(1000, 1);
    let distinct: BTreeSet<&Uuid> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    assert!(draw(10, 3).iter().all(|id| distinct.contains(id)));
    // Every run is sampled by some seed.
    let drawn: BTreeSet<Uuid> = (0..200).flat_map(|seed| draw(20, seed)).collect();
    assert_eq!(drawn.len(), all.len());
    let unsettled = archive.unsettled(at("2026-11-01T00:00:00Z")).unwrap();
    assert_eq!(all.len() + unsettled.len(), 200);
    assert!(unsettled.iter().all(|run| !distinct.contains(&run.run_id)));
}

#[test]
fn verify_with_a_rejected_key_stops_at_once() {
    let workspace = Workspace::of(50);
    workspace.sync(&options());
    let mut command = command(&workspace.path(), &["verify", "--sample", "5"]);
    command.env("NEKT_API_KEY", "wrong").env("RUNLEDGER_API_URL", workspace.sandbox.url());
    assert_eq!(ran(command).code, 4);
}
