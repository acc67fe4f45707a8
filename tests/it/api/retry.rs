//! Failing requests: which are retried, and what is kept when retries are exhausted.

use super::ALL;
use crate::support::fault::{Fault, FaultPlan, Response, Target};
use crate::support::fault_scenario::{FaultScenario, RUNS, error_text, exit_code, http_date, one_by_one};
use crate::support::workspace::{ATTEMPTS, PAGE_SIZE, manners};
use runledger::internal::api::{ClientConfig, RetryPolicy};
use runledger::internal::sync::Options;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The transient statuses.
const PASSING: [u16; 7] = [408, 425, 429, 500, 502, 503, 504];

#[test]
fn a_transient_failure_is_retried_and_leaves_no_trace() {
    let plan = PASSING.iter().enumerate().fold(FaultPlan::none(), |plan, (place, status)| {
        plan.and(Target::Page(2), place + 1..=place + 1, Fault::status(*status))
    });
    let scenario = FaultScenario::of(plan);
    let retry = RetryPolicy { attempts: PASSING.len() as u32 + 1, ..manners().retry };
    let summary = scenario.sync_with(ClientConfig { retry, ..manners() }, &one_by_one());
    assert_eq!((exit_code(&summary), scenario.run_count()), (0, ALL), "{}", error_text(&summary));
    assert_eq!(requests_for_page_2(&scenario), PASSING.len() + 1);
    scenario.recovers();
}

#[test]
fn a_permanent_failure_keeps_the_pages_above_it() {
    let scenario = FaultScenario::of(FaultPlan::none());
    for (place, status) in PASSING.into_iter().enumerate() {
        scenario.proxy.set_plan(FaultPlan::none().and(Target::Runs, 2..=usize::MAX, Fault::status(status)));
        let summary = scenario.sync();
        assert_eq!((exit_code(&summary), summary.counts.seen), (5, u64::from(PAGE_SIZE)), "{status}");
        assert!(error_text(&summary).contains(&format!("HTTP {status}")), "{}", error_text(&summary));
        assert_eq!(scenario.run_count(), RUNS[0] + PAGE_SIZE as usize, "the newest page is kept");
        // At first, all runs on the first page are new: one more is requested as evidence of the workspace.
        let evidence = u64::from(place == 0);
        // A smaller page and two control requests are tried twice each.
        assert_eq!(summary.counts.requests, 4 + evidence + u64::from(ATTEMPTS) + 2 + 2 * 2);
    }
    scenario.recovers();
}

#[test]
fn a_page_that_always_fails_is_read_in_smaller_pages() {
    for status in PASSING {
        let scenario = FaultScenario::of(FaultPlan::always(Target::Page(2), Fault::status(status)));
        let summary = scenario.sync();
        assert_eq!((exit_code(&summary), scenario.run_count()), (0, ALL), "{}", error_text(&summary));
        assert!(summary.counts.requests <= 3 + 60, "{} requests", summary.counts.requests);
        scenario.recovers();
    }
}

fn requests_for_page_2(scenario: &FaultScenario) -> usize {
    scenario.proxy.request_heads().iter().filter(|head| head.contains("page=2&")).count()
}

#[test]
fn random_failures_on_any_request_do_no_harm() {
    for seed in 0..2 {
        let faults = vec![
            Fault::status(503),
            Fault::Reset,
            Fault::ResetInBody,
            Fault::ShortBody,
            Fault::DamagedGzip,
            Fault::body("<html>busy</html>"),
            Fault::status(429),
        ];
        let scenario = FaultScenario::of(FaultPlan::none().and_randomly(Target::Any, seed, 0.3, faults));
        let retry = RetryPolicy { attempts: 30, ..manners().retry };
        let summary = scenario
            .sync_with(ClientConfig { retry, ..manners() }, &Options { concurrency: 4, ..one_by_one() });
        assert_eq!((exit_code(&summary), scenario.run_count()), (0, ALL), "{}", error_text(&summary));
        assert!(summary.counts.requests > 10, "some requests failed");
        scenario.recovers();
    }
}

#[test]
fn retry_after_is_honored_in_both_forms_up_to_its_limit() {
    let scenario = FaultScenario::of(FaultPlan::none());
    let waited = |retry_after: String| -> Duration {
        let fault = Fault::status_with(429, "retry-after", retry_after);
        scenario.proxy.set_plan(FaultPlan::once(Target::Page(2), fault));
        let waits = Arc::new(Mutex::new(Vec::new()));
        let clock = Arc::clone(&waits);
        let client = Arc::into_inner(scenario.client(ClientConfig::default())).unwrap();
        let client = client.with_sleeper(Box::new(move |wait| {
            clock.lock().unwrap().push(wait);
            Box::pin(async {})
        }));
        let summary = scenario.sync_by(Arc::new(client), &one_by_one());
        assert_eq!((exit_code(&summary), scenario.run_count()), (0, ALL));
        let waits = waits.lock().unwrap();
        assert_eq!(waits.len(), 1, "{waits:?}");
        waits[0]
    };
    let seconds = Duration::from_secs;
    assert_eq!(waited("7".to_owned()), seconds(7));
    let by_date = waited(http_date(100));
    assert!((seconds(60)..=seconds(100)).contains(&by_date), "{by_date:?}");
    // Without a valid Retry-After, the first wait is at most one second.
    for no_wish in [http_date(-1000), "soon".to_owned(), "-5".to_owned(), "1e9".to_owned(), String::new()] {
        assert!(waited(no_wish.clone()) <= seconds(1), "{no_wish}");
    }
    let limit = RetryPolicy::default().max_retry_after;
    for too_long in ["86400".to_owned(), u64::MAX.to_string(), http_date(1_000_000)] {
        assert_eq!(waited(too_long.clone()), limit, "{too_long}");
    }
    scenario.recovers();
}

#[test]
fn a_rejected_key_stops_the_sync_and_keeps_the_pages_above_it() {
    for status in [401, 403] {
        for (which, seen) in [(Target::Page(1), 0), (Target::Page(2), u64::from(PAGE_SIZE))] {
            let scenario = FaultScenario::of(FaultPlan::always(which.clone(), Fault::status(status)));
            let summary = scenario.sync();
            assert_eq!((exit_code(&summary), summary.counts.seen), (4, seen), "{status} {which:?}");
            let refused = scenario.proxy.request_heads().len();
            // All runs on the first page are new, so one more is requested as evidence of the workspace.
            assert_eq!(refused, 3 + if seen == 0 { 1 } else { 3 }, "a rejected key is not retried");
            scenario.recovers();
        }
    }
}

#[test]
fn the_servers_explanation_is_reported() {
    let html = "<!DOCTYPE html><html><title>Blocked</title></html>";
    let html_reported = "HTML instead of JSON: a proxy or firewall answered";
    let long = format!(r#"{{"detail":"\u001b[2J\u202e{}"}}"#, "x".repeat(5000));
    for (status, body, code, words) in [
        (403, r#"{"detail":"Your plan has no API access."}"#, 4, "(HTTP 403: Your plan has no API access.)"),
        (401, r#"{"detail":{"code":["expired"]}}"#, 4, "(HTTP 401: code: expired)"),
        (400, r#"{"page_size":["Too large."]}"#, 5, "HTTP 400: page_size: Too large."),
        (500, r#"{"detail":"Cannot render run 7."}"#, 5, "HTTP 500: Cannot render run 7."),
        (504, "upstream request timeout\n", 5, "HTTP 504: upstream request timeout"),
        (418, &long, 5, "HTTP 418: \\u{1b}[2J\\u{202e}xxx"),
        // A firewall says nothing about the key, nor about the list.
        (403, html, 5, html_reported),
        (404, html, 5, html_reported),
        (502, html, 5, html_reported),
        (200, html, 5, html_reported),
        (400, "{}", 5, "cause: HTTP 400"),
    ] {
        let answer = Response { status, headers: Vec::new(), body: body.into() };
        let scenario = FaultScenario::of(FaultPlan::always(Target::Runs, Fault::Respond(answer)));
        let summary = scenario.sync();
        let text = error_text(&summary);
        assert_eq!(exit_code(&summary), code, "{status} {body}: {text}");
        assert!(text.contains(words) && text.len() < 500, "{words:?} is not in {text}");
        let stored = &scenario.workspace.rows("SELECT error FROM syncs ORDER BY sync_id DESC LIMIT 1")[0];
        assert_eq!(stored, &text);
        scenario.recovers();
    }
}

#[test]
fn an_html_404_for_a_run_does_not_mark_it_as_vanished() {
    let html = Response { status: 404, headers: Vec::new(), body: b"<html><h1>Not Found</h1>".into() };
    let scenario = FaultScenario::of(FaultPlan::always(Target::Details, Fault::Respond(html)));
    let deleted = scenario.workspace.ids()[40];
    scenario.workspace.sandbox.model().delete(deleted);
    let summary = scenario.sync();
    assert_eq!((exit_code(&summary), summary.counts.vanished), (3, 0), "{}", error_text(&summary));
    assert!(error_text(&summary).contains("HTML instead of JSON"), "{}", error_text(&summary));
    scenario.proxy.set_plan(FaultPlan::none());
    assert_eq!(scenario.sync().counts.vanished, 1);
}

#[test]
fn a_403_with_retry_after_is_a_rate_limit() {
    for wait in ["1", "soon"] {
        let fault = Fault::status_with(403, "retry-after", wait);
        let scenario = FaultScenario::of(FaultPlan::once(Target::Page(2), fault.clone()));
        let summary = scenario.sync();
        assert_eq!((exit_code(&summary), scenario.run_count()), (0, ALL), "{}", error_text(&summary));
        scenario.recovers();
        scenario.proxy.set_plan(FaultPlan::always(Target::Page(2), fault));
        let summary = scenario.sync();
        assert_eq!(exit_code(&summary), 5, "{}", error_text(&summary));
        assert!(
            error_text(&summary).contains(&format!("in {ATTEMPTS} attempts")),
            "{}",
            error_text(&summary)
        );
        scenario.recovers();
    }
}

#[test]
fn a_key_rejected_for_pipelines_loses_only_their_names() {
    let scenario = FaultScenario::of(FaultPlan::always(Target::Pipelines, Fault::status(403)));
    let summary = scenario.sync();
    assert_eq!((exit_code(&summary), summary.missing.len(), scenario.run_count()), (3, 3, ALL));
    assert!(summary.missing[0].contains("the names of sources"), "{:?}", summary.missing);
    scenario.recovers();
}

#[test]
fn malformed_pipeline_lists_lose_only_their_names() {
    for fault in [
        Fault::status(404),
        Fault::status(500),
        Fault::body("<html>"),
        Fault::body(r#"{"results":[null,7,{"slug":"x"}]}"#),
        Fault::status_with(302, "location", "/elsewhere"),
        Fault::Reset,
    ] {
        let scenario = FaultScenario::of(FaultPlan::always(Target::Pipelines, fault));
        let summary = scenario.sync();
        assert_eq!((exit_code(&summary), summary.missing.len(), scenario.run_count()), (3, 3, ALL));
        scenario.recovers();
    }
}

#[test]
fn an_api_without_a_run_list_is_unavailable() {
    let scenario = FaultScenario::of(FaultPlan::always(Target::Runs, Fault::status(404)));
    let summary = scenario.sync();
    assert_eq!((exit_code(&summary), scenario.run_count()), (5, RUNS[0]));
    assert!(error_text(&summary).contains("has no run list at /api/v1/runs/"), "{}", error_text(&summary));
    assert_eq!(summary.counts.vanished, 0, "no run is marked as vanished");
    scenario.recovers();
}

#[test]
fn a_404_page_in_the_middle_does_not_end_the_list() {
    let scenario = FaultScenario::of(FaultPlan::once(Target::Page(3), Fault::status(404)));
    let summary = scenario.sync();
    assert_eq!((exit_code(&summary), scenario.run_count(), summary.counts.vanished), (0, ALL, 0));
    scenario.recovers();
    let scenario = FaultScenario::of(FaultPlan::always(Target::Page(3), Fault::status(404)));
    let summary = scenario.sync();
    assert_eq!((exit_code(&summary), summary.counts.vanished), (3, 0), "{}", error_text(&summary));
    scenario.recovers();
}
