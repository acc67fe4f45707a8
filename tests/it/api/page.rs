//! Malformed pages, wrong counts, and links to other places.

use super::{ALL, Alteration};
use crate::support::fault::{Fault, FaultPlan, Response, Target};
use crate::support::fault_proxy::FaultProxy;
use crate::support::fault_scenario::{FaultScenario, RUNS, error_text, exit_code, one_by_one};
use crate::support::workspace::{PAGE_SIZE, Workspace, manners};
use runledger::internal::sync::Options;
use serde_json::{Value, json};

#[test]
fn a_malformed_page_is_retried_and_then_reported() {
    let deep = format!(r#"{{"count":1,"next":null,"x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let bodies: [(Vec<u8>, &str); 11] = [
        (
            "<html><body>Just a moment…</body></html>".into(),
            "HTML instead of JSON: a proxy or firewall answered",
        ),
        ("".into(), "it is not a JSON object"),
        (b"{\"count\":1,\"results\":[\"\xff\xfe\"]}".into(), "it is not UTF-8"),
        (r#"{"count":130,"results":[{"id":"#.into(), "it is not a page: EOF"),
        (r#"{"count":1,"results":[]} trailing"#.into(), "trailing characters"),
        ("[]".into(), "it is not a JSON object"),
        (deep.into(), "it has no `results`"),
        ("[".repeat(10_000).into(), "it is not a JSON object"),
        (r#"{"count":1,"next":null}"#.into(), "it has no `results`"),
        (r#"{"count":1,"results":"\u001b[31mall of them"}"#.into(), "expected an array of results"),
        (r#"{"count":1,"results":null}"#.into(), "it has no `results`"),
    ];
    let scenario = FaultScenario::of(FaultPlan::none());
    for (body, why) in bodies {
        let fault = Fault::body(body.clone());
        scenario.proxy.set_plan(FaultPlan::none().and(Target::Runs, 2..=usize::MAX, fault));
        let summary = scenario.sync();
        assert_eq!((exit_code(&summary), summary.counts.seen), (5, u64::from(PAGE_SIZE)), "{why}");
        assert!(error_text(&summary).contains(why), "{}", error_text(&summary));
        assert!(!error_text(&summary).contains('\u{1b}'));
        assert!(error_text(&summary).len() < 500, "an error does not quote a whole page");
        scenario.proxy.set_plan(FaultPlan::once(Target::Page(2), Fault::body(body)));
        let summary = scenario.sync_with(manners(), &Options { dry_run: true, ..one_by_one() });
        assert_eq!((exit_code(&summary), summary.counts.seen), (0, ALL as u64), "{why}");
    }
    scenario.recovers();
}

#[test]
fn a_wrong_count_hides_no_run() {
    let alterations: [(Alteration, u8); 6] = [
        (|page| page["count"] = json!(1_000_000), 3),
        (|page| page["count"] = json!(3), 0),
        (|page| page["count"] = json!(0), 0),
        (|page| page["count"] = json!(-7), 0),
        (|page| page["count"] = json!("many"), 0),
        (|page| page["count"] = Value::Null, 0),
    ];
    for (place, (alter, code)) in alterations.into_iter().enumerate() {
        let scenario = FaultScenario::of(FaultPlan::always(Target::Runs, Fault::EditJson(alter)));
        let summary = scenario.sync();
        assert_eq!(
            (exit_code(&summary), scenario.run_count()),
            (code, ALL),
            "{place}: {}",
            error_text(&summary)
        );
        scenario.recovers();
    }
    let missing: Alteration = |page| drop(page.as_object_mut().unwrap().remove("count"));
    let scenario = FaultScenario::of(FaultPlan::always(Target::Runs, Fault::EditJson(missing)));
    assert_eq!((exit_code(&scenario.sync()), scenario.run_count()), (0, ALL));
    scenario.recovers();
}

#[test]
fn an_endless_next_link_is_not_followed() {
    let alter: Alteration = |page| page["next"] = json!("http://127.0.0.1/api/v1/runs/?page=2");
    let scenario = FaultScenario::of(FaultPlan::always(Target::Runs, Fault::EditJson(alter)));
    let summary = scenario.sync();
    assert_eq!((exit_code(&summary), scenario.run_count()), (0, ALL), "{}", error_text(&summary));
    assert!(summary.counts.requests < 20, "{} requests", summary.counts.requests);
    scenario.recovers();
}

#[test]
fn an_endlessly_repeated_page_leaves_the_walk_incomplete() {
    let scenario = FaultScenario::of(FaultPlan::none());
    let first = {
        let model = scenario.workspace.sandbox.model();
        let runs: Vec<Value> = model.runs().take(20).map(|run| serde_json::from_str(run).unwrap()).collect();
        json!({"count": 1_000_000, "next": "x", "results": runs}).to_string()
    };
    scenario.proxy.set_plan(FaultPlan::always(Target::Runs, Fault::body(first)));
    let summary = scenario.sync();
    assert_eq!(exit_code(&summary), 3, "{}", error_text(&summary));
    assert!(summary.counts.requests < 100, "{} requests", summary.counts.requests);
    assert_eq!(summary.counts.vanished, 0, "no run is marked as vanished");
    scenario.recovers();
}

#[test]
fn a_missing_next_link_hides_no_run() {
    let alter: Alteration = |page| page["next"] = Value::Null;
    for concurrency in [1, 4] {
        let scenario = FaultScenario::of(FaultPlan::always(Target::Runs, Fault::EditJson(alter)));
        let summary = scenario.sync_with(manners(), &Options { concurrency, ..one_by_one() });
        assert_eq!((exit_code(&summary), scenario.run_count()), (0, ALL), "{}", error_text(&summary));
        scenario.recovers();
    }
}

#[test]
fn an_empty_page_in_the_middle_hides_no_run() {
    let empty: Alteration = |page| page["results"] = json!([]);
    let end: Alteration = |page| {
        page["results"] = json!([]);
        page["next"] = Value::Null;
    };
    // An incremental sync reads the first pages; the whole list has five.
    for (page, full) in [(1, true), (3, true), (1, false), (2, false)] {
        for alter in [empty, end] {
            let options = Options { full, ..one_by_one() };
            let scenario = FaultScenario::of(FaultPlan::once(Target::Page(page), Fault::EditJson(alter)));
            let summary = scenario.sync_with(manners(), &Options { dry_run: true, ..options.clone() });
            assert_eq!(
                (exit_code(&summary), summary.counts.new),
                (0, 30),
                "page {page}: {}",
                error_text(&summary)
            );
            scenario.proxy.set_plan(FaultPlan::always(Target::Page(page), Fault::EditJson(alter)));
            let summary = scenario.sync_with(manners(), &options);
            assert_eq!((exit_code(&summary), summary.counts.vanished), (3, 0), "page {page}");
            scenario.recovers();
        }
    }
}

#[test]
fn the_key_is_never_sent_to_a_redirect_or_next_link() {
    let hostile = Workspace::of(60);
    let listening = hostile.runtime.block_on(FaultProxy::start(&hostile.sandbox, FaultPlan::none())).unwrap();
    let elsewhere = format!("{}/api/v1/runs/?page=2&page_size=20", listening.url());
    let scenario = FaultScenario::of(FaultPlan::none());
    for status in [301, 302, 303, 307, 308] {
        for target in [elsewhere.clone(), elsewhere.replace("http:", ""), "/api/v1/runs/?page=1".to_owned()] {
            let fault = Fault::status_with(status, "location", target);
            scenario.proxy.set_plan(FaultPlan::always(Target::Page(1), fault));
            let before = scenario.proxy.request_heads().len();
            let summary = scenario.sync();
            assert_eq!((exit_code(&summary), scenario.run_count()), (5, RUNS[0]));
            assert!(error_text(&summary).contains("redirect"), "{}", error_text(&summary));
            assert_eq!(scenario.proxy.request_heads().len(), before + 3 + 1, "a redirect is not retried");
        }
    }
    scenario.recovers();
    // A `next` link, and a `Location` with status 200, to the hostile server.
    let scenario = FaultScenario::of(FaultPlan::none());
    let page = {
        let model = scenario.workspace.sandbox.model();
        let runs: Vec<Value> = model.runs().take(20).map(|run| serde_json::from_str(run).unwrap()).collect();
        json!({"count": ALL, "next": elsewhere, "previous": elsewhere, "results": runs}).to_string()
    };
    let headers = ["location", "content-location", "refresh"].map(|name| (name, elsewhere.clone())).into();
    let answer = Response { status: 200, headers, body: page.into() };
    scenario.proxy.set_plan(FaultPlan::always(Target::Page(1), Fault::Respond(answer)));
    assert_eq!((exit_code(&scenario.sync()), scenario.run_count()), (0, ALL));
    scenario.recovers();
    assert_eq!(listening.request_heads(), [""; 0], "the hostile server received no request");
    assert!(scenario.proxy.request_heads().iter().all(|head| head.contains("x-api-key: sandbox-key\r\n")));
}

#[test]
fn a_long_text_in_place_of_the_list_is_quoted_in_part() {
    let body = format!(r#"{{"count":1,"results":"{}"}}"#, "x".repeat(1_000_000));
    let scenario = FaultScenario::of(FaultPlan::always(Target::Runs, Fault::body(body.clone())));
    let summary = scenario.sync();
    let error = error_text(&summary);
    assert_eq!(exit_code(&summary), 5, "{error}");
    assert!(error.len() < 500 && error.contains("xxx…") && error.contains("expected an array"), "{error}");
    assert!(scenario.workspace.number("SELECT max(length(error)) FROM syncs") < 500);
    assert!(summary.missing.iter().all(|missing| missing.len() < 500));
    scenario.recovers();

    // The names of pipelines are missing only; the sentence about them is as short.
    scenario.proxy.set_plan(FaultPlan::always(Target::Pipelines, Fault::body(body)));
    let error = error_text(&scenario.sync());
    assert!(error.len() < 2000 && error.contains("the names of "), "{error}");
}
