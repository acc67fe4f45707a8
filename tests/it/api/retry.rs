//! This is the test of failing requests: which are retried, and what is kept when the retries are over.

use super::ALL;
use crate::support::fault_scenario::{FaultScenario, RUNS, exit_code, http_date, one_by_one, told};
use crate::support::workspace::{ATTEMPTS, PAGE_SIZE, manners};
use runledger::api::{ClientConfig, RetryPolicy};
use runledger::sandbox::{Fault, FaultPlan, Which};
use runledger::sync::Options;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The statuses that may pass.
const PASSING: [u16; 7] = [408, 425, 429, 500, 502, 503, 504];

#[test]
fn a_failure_that_passes_is_asked_again_and_leaves_no_trace() {
    let plan = PASSING.iter().enumerate().fold(FaultPlan::none(), |plan, (place, status)| {
        plan.and(Which::Page(2), place + 1..=place + 1, Fault::status(*status))
    });
    let scenario = FaultScenario::of(plan);
    let patience = RetryPolicy { attempts: PASSING.len() as u32 + 1, ..manners().patience };
    let summary = scenario.sync_with(ClientConfig { patience, ..manners() }, &one_by_one());
    assert_eq!((exit_code(&summary), scenario.kept()), (0, ALL), "{}", told(&summary));
    assert_eq!(asked_for_page_2(&scenario), PASSING.len() + 1);
    scenario.recovers();
}

#[test]
fn a_failure_that_stays_leaves_what_was_read_above_it() {
    let scenario = FaultScenario::of(FaultPlan::none());
    for (place, status) in PASSING.into_iter().enumerate() {
        scenario.gateway.set_plan(FaultPlan::always(Which::Page(2), Fault::status(status)));
        let summary = scenario.sync();
        assert_eq!((exit_code(&summary), summary.tally.seen), (5, u64::from(PAGE_SIZE)), "{status}");
        assert!(told(&summary).contains(&format!("HTTP {status}")), "{}", told(&summary));
        assert_eq!(scenario.kept(), RUNS[0] + PAGE_SIZE as usize, "the newest page is kept");
        assert_eq!(asked_for_page_2(&scenario), ATTEMPTS as usize * (place + 1));
    }
    scenario.recovers();
}

fn asked_for_page_2(scenario: &FaultScenario) -> usize {
    scenario.gateway.heads().iter().filter(|head| head.contains("page=2&")).count()
}

#[test]
fn failures_by_chance_everywhere_do_no_harm() {
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
        let scenario = FaultScenario::of(FaultPlan::none().and_by_chance(Which::Any, seed, 0.3, faults));
        let patience = RetryPolicy { attempts: 30, ..manners().patience };
        let summary = scenario
            .sync_with(ClientConfig { patience, ..manners() }, &Options { concurrency: 4, ..one_by_one() });
        assert_eq!((exit_code(&summary), scenario.kept()), (0, ALL), "{}", told(&summary));
        assert!(summary.tally.requests > 10, "something went wrong");
        scenario.recovers();
    }
}

#[test]
fn retry_after_is_honoured_in_both_forms_up_to_its_limit() {
    let scenario = FaultScenario::of(FaultPlan::none());
    let waited = |retry_after: String| -> Duration {
        let fault = Fault::status_with(429, "retry-after", retry_after);
        scenario.gateway.set_plan(FaultPlan::once(Which::Page(2), fault));
        let waits = Arc::new(Mutex::new(Vec::new()));
        let clock = Arc::clone(&waits);
        let client = Arc::into_inner(scenario.client(ClientConfig::default())).unwrap();
        let client = client.pausing_with(Box::new(move |wait| {
            clock.lock().unwrap().push(wait);
            Box::pin(async {})
        }));
        let summary = scenario.sync_by(Arc::new(client), &one_by_one());
        assert_eq!((exit_code(&summary), scenario.kept()), (0, ALL));
        let waits = waits.lock().unwrap();
        assert_eq!(waits.len(), 1, "{waits:?}");
        waits[0]
    };
    let seconds = Duration::from_secs;
    assert_eq!(waited("7".to_owned()), seconds(7));
    let by_date = waited(http_date(100));
    assert!((seconds(60)..=seconds(100)).contains(&by_date), "{by_date:?}");
    // Without a wish that can be honoured the first wait is a second at most.
    for no_wish in [http_date(-1000), "soon".to_owned(), "-5".to_owned(), "1e9".to_owned(), String::new()] {
        assert!(waited(no_wish.clone()) <= seconds(1), "{no_wish}");
    }
    let limit = RetryPolicy::default().longest_retry_after;
    for too_long in ["86400".to_owned(), u64::MAX.to_string(), http_date(1_000_000)] {
        assert_eq!(waited(too_long.clone()), limit, "{too_long}");
    }
    scenario.recovers();
}

#[test]
fn a_key_that_is_refused_ends_the_sync_at_once_and_keeps_what_was_read() {
    for status in [401, 403] {
        for (which, seen) in [(Which::Page(1), 0), (Which::Page(2), u64::from(PAGE_SIZE))] {
            let scenario = FaultScenario::of(FaultPlan::always(which.clone(), Fault::status(status)));
            let summary = scenario.sync();
            assert_eq!((exit_code(&summary), summary.tally.seen), (4, seen), "{status} {which:?}");
            let refused = scenario.gateway.heads().len();
            assert_eq!(refused, 3 + if seen == 0 { 1 } else { 2 }, "a refusal is not asked for again");
            scenario.recovers();
        }
    }
}

#[test]
fn a_key_that_is_refused_for_pipelines_alone_costs_their_names_alone() {
    let scenario = FaultScenario::of(FaultPlan::always(Which::Pipelines, Fault::status(403)));
    let summary = scenario.sync();
    assert_eq!((exit_code(&summary), summary.missing.len(), scenario.kept()), (3, 3, ALL));
    assert!(summary.missing[0].contains("the names of sources"), "{:?}", summary.missing);
    scenario.recovers();
}

#[test]
fn pipeline_lists_that_make_no_sense_cost_their_names_alone() {
    for fault in [
        Fault::status(404),
        Fault::status(500),
        Fault::body("<html>"),
        Fault::body(r#"{"results":[null,7,{"slug":"x"}]}"#),
        Fault::status_with(302, "location", "/elsewhere"),
        Fault::Reset,
    ] {
        let scenario = FaultScenario::of(FaultPlan::always(Which::Pipelines, fault));
        let summary = scenario.sync();
        assert_eq!((exit_code(&summary), summary.missing.len(), scenario.kept()), (3, 3, ALL));
        scenario.recovers();
    }
}

#[test]
fn an_api_without_a_run_list_is_unavailable() {
    let scenario = FaultScenario::of(FaultPlan::always(Which::Runs, Fault::status(404)));
    let summary = scenario.sync();
    assert_eq!((exit_code(&summary), scenario.kept()), (5, RUNS[0]));
    assert!(told(&summary).contains("has no run list at /api/v1/runs/"), "{}", told(&summary));
    assert_eq!(summary.tally.vanished, 0, "no run is taken to be gone");
    scenario.recovers();
}

#[test]
fn a_page_that_is_not_found_in_the_middle_is_no_end() {
    let scenario = FaultScenario::of(FaultPlan::once(Which::Page(3), Fault::status(404)));
    let summary = scenario.sync();
    assert_eq!((exit_code(&summary), scenario.kept(), summary.tally.vanished), (0, ALL, 0));
    scenario.recovers();
    let scenario = FaultScenario::of(FaultPlan::always(Which::Page(3), Fault::status(404)));
    let summary = scenario.sync();
    assert_eq!((exit_code(&summary), summary.tally.vanished), (3, 0), "{}", told(&summary));
    scenario.recovers();
}
