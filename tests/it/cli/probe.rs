//! `runledger probe`: what the API answers, without storing anything.

use super::{command_with, files, run, with};
use crate::support::workspace::{Workspace, places};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use runledger::internal::sandbox::Order;
use runledger::internal::store::PipelineKind;
use serde_json::Value;
use uuid::Uuid;

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap()
}

fn report(workspace: &Workspace) -> (i32, Value) {
    let ran = with(workspace, &["probe", "--json"]);
    (ran.code, serde_json::from_str(&ran.out).unwrap())
}

#[test]
fn a_healthy_api_is_as_expected_in_a_dozen_requests() {
    let workspace = Workspace::of(1200);
    let ran = with(&workspace, &["probe"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    assert!(ran.out.contains("order of the list: newest first"), "{}", ran.out);
    assert!(ran.out.contains("page of 1,000 runs: cut to 500 runs"), "{}", ran.out);
    assert!((10..=14).contains(&workspace.sandbox.request_count()), "{}", workspace.sandbox.request_count());
    assert!(files(&workspace).is_empty(), "it stores nothing");
}

#[test]
fn a_probe_prints_no_name_id_or_key() {
    let workspace = Workspace::of(60);
    let mut private: Vec<String> = workspace.ids().iter().map(Uuid::to_string).collect();
    for kind in PipelineKind::ALL {
        for (id, document) in workspace.sandbox.model().pipelines(kind) {
            private.push(id.to_string());
            private.extend(document.get("description").and_then(Value::as_str).map(str::to_owned));
        }
    }
    private.push(workspace.sandbox.api_key().to_owned());
    for args in [&["probe"][..], &["probe", "--json"], &["probe", "-vvv"]] {
        let ran = with(&workspace, args);
        for secret in &private {
            assert!(!ran.out.contains(secret.as_str()) && !ran.err.contains(secret.as_str()), "{secret}");
        }
    }
}

#[test]
fn a_deviation_is_named_with_its_meaning() {
    let workspace = Workspace::of(1200);
    workspace.sandbox.model().set_order(Order::OldestFirst);
    workspace.sandbox.on_request(|call, _| {
        let refused = places(call).is_some_and(|places| places.len() > 100 || places.end > 1000);
        let status = if call.path == "/api/v1/sources/" {
            StatusCode::INTERNAL_SERVER_ERROR
        } else if refused {
            StatusCode::BAD_REQUEST
        } else {
            return None;
        };
        Some(status.into_response())
    });
    let (code, report) = report(&workspace);
    assert_eq!((code, &report["as_expected"]), (3, &Value::Bool(false)));
    assert_eq!(check(&report, "sources")["observed"], "HTTP 500");
    assert_eq!(check(&report, "order of the list")["observed"], "oldest first");
    assert_eq!(check(&report, "page of 500 runs")["observed"], "HTTP 400");
    for name in ["sources", "order of the list", "page of 500 runs"] {
        assert_eq!(check(&report, name)["as_expected"], false, "{name}");
        assert!(!check(&report, name)["meaning"].as_str().unwrap().is_empty());
    }
    assert_eq!(check(&report, "destinations")["as_expected"], true);
}

#[test]
fn a_refused_key_and_an_unreachable_api_have_their_own_codes() {
    let workspace = Workspace::of(10);
    let mut refused = command_with(&workspace, &["probe"]);
    refused.env("NEKT_API_KEY", "another-key-of-someone");
    assert_eq!(run(refused).code, 4);
    assert_eq!(workspace.sandbox.request_count(), 1, "a refused key is not tried again");
    let mut unreachable = command_with(&workspace, &["probe"]);
    unreachable.env("RUNLEDGER_API_URL", "http://127.0.0.1:9");
    assert_eq!(run(unreachable).code, 5);
}
