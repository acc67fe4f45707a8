//! The outcome of a sync when the API fails.

use super::{complete, exit_code, tally};
use crate::support::workspace::{ATTEMPTS, Workspace, options, page_of, run_of};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use runledger::internal::sandbox::Model;
use runledger::internal::store::SyncKind;
use runledger::internal::sync::Options;
use serde_json::{Value, json};
use uuid::Uuid;

#[test]
fn a_rejected_key_stops_the_sync_at_once() {
    let workspace = Workspace::of(60);
    let summary = workspace.sync_with_key("another-key", &options());
    assert_eq!(exit_code(&summary), 4);
    assert_eq!(workspace.requested_pages(), [1], "the run list is requested once");

    workspace.sandbox.forget_requests();
    workspace.sandbox.on_request(|_, _| Some(StatusCode::UNAUTHORIZED.into_response()));
    let summary = workspace.sync(&options());
    assert_eq!((exit_code(&summary), workspace.sandbox.request_count()), (4, 1));
    assert_eq!(workspace.rows("SELECT outcome, exit_code FROM syncs"), ["failed|4", "failed|4"]);
}

#[test]
fn a_key_rejected_midway_keeps_the_pages_read() {
    for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN] {
        let workspace = Workspace::of(100);
        workspace
            .sandbox
            .on_request(move |call, _| (page_of(call) == Some(3)).then(|| status.into_response()));
        let summary = workspace.sync(&Options { concurrency: 1, ..options() });
        assert_eq!((exit_code(&summary), workspace.archived().len()), (4, 40));
        assert_eq!(workspace.requested_pages(), [1, 2, 3]);
    }
}

#[test]
fn an_api_that_fails_temporarily_is_retried() {
    let truncated = || (StatusCode::OK, r#"{"count":100,"next":null,"results":[{"id":"#).into_response();
    let failures: [fn() -> Response; 12] = [
        || StatusCode::REQUEST_TIMEOUT.into_response(),
        || StatusCode::TOO_EARLY.into_response(),
        || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3600")]).into_response(),
        || StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        || StatusCode::BAD_GATEWAY.into_response(),
        || StatusCode::SERVICE_UNAVAILABLE.into_response(),
        || StatusCode::GATEWAY_TIMEOUT.into_response(),
        || "<html>Please wait</html>".into_response(),
        || "".into_response(),
        || "[]".into_response(),
        || b"\xff\xfe".as_slice().into_response(),
        truncated,
    ];
    for (place, failure) in failures.into_iter().enumerate() {
        let workspace = Workspace::of(60);
        let mut failed = 0;
        workspace.sandbox.on_request(move |call, _| {
            let fails = page_of(call) == Some(2) && failed < ATTEMPTS - 1;
            failed += u32::from(fails);
            fails.then(failure)
        });
        let summary = complete(&workspace, &options());
        assert_eq!(workspace.archived(), workspace.truth(), "failure {place}");
        assert_eq!(workspace.requested_pages_sorted(), [1, 2, 2, 2, 2, 3], "failure {place}");
        assert_eq!(summary.counts.requests as usize, workspace.sandbox.request_count());
    }
}

#[test]
fn an_api_that_fails_permanently_keeps_the_pages_read() {
    let workspace = Workspace::of(100);
    let mut is_down = false;
    workspace.sandbox.on_request(move |call, _| {
        is_down |= page_of(call) == Some(3);
        is_down.then(|| StatusCode::SERVICE_UNAVAILABLE.into_response())
    });
    let summary = workspace.sync(&Options { concurrency: 1, ..options() });
    assert_eq!((exit_code(&summary), summary.counts.new), (5, 40));
    assert_eq!(workspace.archived().len(), 40);
    // A page of 16 runs, and two single runs at the top.
    assert_eq!(workspace.requested_pages(), [1, 2, 3, 3, 3, 3, 3, 3, 1, 1, 2, 2]);
    workspace.sandbox.on_request(|_, _| None);
    workspace.sandbox.forget_requests();
    complete(&workspace, &Options { concurrency: 1, ..options() });
    assert_eq!(workspace.requested_pages(), [1, 2, 2, 3, 4, 5], "it resumes where it failed");
    assert_eq!(workspace.archived(), workspace.truth());
}

/// A page of the run list with the given links and count.
fn page_with(model: &Model, page: u32, count: Option<usize>, next: &str) -> Response {
    let runs: Vec<&str> = model.runs().skip((page as usize - 1) * 20).take(20).collect();
    let next = if model.count() > page as usize * 20 { json!(next) } else { Value::Null };
    let head = json!({ "count": count, "next": next, "previous": null }).to_string();
    let results = format!(r#","results":[{}]}}"#, runs.join(","));
    [head.trim_end_matches('}'), &results].concat().into_response()
}

#[test]
fn next_links_are_not_followed_and_a_count_is_optional() {
    let elsewhere = Workspace::of(0);
    for count in [None, Some(0), Some(60), Some(1_000_000)] {
        let workspace = Workspace::of(110);
        let next = format!("{}/api/v1/runs/?page=2", elsewhere.sandbox.url());
        workspace.sandbox.on_request(move |call, model| {
            let page = page_of(call).filter(|page| *page <= 6)?;
            Some(page_with(model, page, count, &next))
        });
        let summary = workspace.sync(&options());
        assert_eq!(workspace.archived(), workspace.truth(), "count {count:?}");
        // A list that claims a million runs and returns 110 is reported.
        assert_eq!(
            exit_code(&summary),
            if count == Some(1_000_000) { 3 } else { 0 },
            "{:?}",
            summary.missing
        );
    }
    assert_eq!(elsewhere.sandbox.request_count(), 0);
}

#[test]
fn a_redirect_never_receives_the_key() {
    let (workspace, elsewhere) = (Workspace::of(60), Workspace::of(60));
    let target = format!("{}/api/v1/runs/?page=1", elsewhere.sandbox.url());
    workspace.sandbox.on_request(move |call, _| {
        let moved = (StatusCode::FOUND, [("location", target.clone())]);
        page_of(call).map(|_| moved.into_response())
    });
    let summary = workspace.sync(&options());
    assert_eq!(exit_code(&summary), 5);
    assert!(summary.result.unwrap_err().to_string().contains("redirect"));
    assert_eq!(workspace.requested_pages(), [1], "it is not retried");
    assert_eq!(elsewhere.sandbox.request_count(), 0);
}

#[test]
fn failing_details_are_reported_and_the_others_kept() {
    let workspace = Workspace::of(100);
    workspace.sandbox.model().omit_from_lists(&["trigger"]);
    let id = workspace.ids()[30];
    workspace.sandbox.on_request(move |call, _| {
        (run_of(call) == Some(id)).then(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
    });
    let summary = workspace.sync(&options());
    assert_eq!((exit_code(&summary), tally(&summary)), (3, [100, 0, 0, 0]));
    assert!(
        summary.missing.iter().any(|sentence| sentence.contains(&id.to_string())),
        "{:?}",
        summary.missing
    );
    assert!(!workspace.states(id)[0].as_object().unwrap().contains_key("trigger"), "the list's view is kept");
}

#[test]
fn fetch_keeps_known_runs_and_names_unknown_ids() {
    let workspace = Workspace::of(60);
    let ids = workspace.ids();
    let unknown = Uuid::from_u128(7);
    let summary = workspace.fetch(&[ids[5], unknown, ids[50]]);
    assert_eq!((exit_code(&summary), tally(&summary)), (3, [2, 0, 0, 0]));
    assert!(summary.missing[0].contains(&unknown.to_string()), "{:?}", summary.missing);
    let truth = workspace.truth();
    assert_eq!(workspace.archived(), [ids[5], ids[50]].map(|id| (id, truth[&id].clone())).into());
    assert_eq!(complete(&workspace, &options()).kind, SyncKind::First, "a fetch is no walk of the list");
    assert_eq!(workspace.archived(), truth);
}
