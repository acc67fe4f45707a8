//! This is the test of pages that are none, wrong counts, and links that lead elsewhere.

use super::{ALL, Alteration};
use crate::support::fault_scenario::{FaultScenario, RUNS, exit_code, one_by_one, told};
use crate::support::workspace::{PAGE_SIZE, Workspace, manners};
use runledger::sandbox::{Answer, Fault, FaultPlan, Gateway, Which};
use runledger::sync::Options;
use serde_json::{Value, json};

#[test]
fn a_body_that_is_no_page_is_asked_for_again_and_then_named() {
    let deep = format!(r#"{{"count":1,"next":null,"x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let bodies: [(Vec<u8>, &str); 11] = [
        ("<html><body>Just a moment…</body></html>".into(), "it is not a JSON object"),
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
        scenario.gateway.set_plan(FaultPlan::always(Which::Page(2), Fault::body(body.clone())));
        let summary = scenario.sync();
        assert_eq!((exit_code(&summary), summary.tally.seen), (5, u64::from(PAGE_SIZE)), "{why}");
        assert!(told(&summary).contains(why), "{}", told(&summary));
        assert!(!told(&summary).contains('\u{1b}'));
        assert!(told(&summary).len() < 500, "an error quotes no page");
        scenario.gateway.set_plan(FaultPlan::once(Which::Page(2), Fault::body(body)));
        let summary = scenario.sync_with(manners(), &Options { dry_run: true, ..one_by_one() });
        assert_eq!((exit_code(&summary), summary.tally.seen), (0, ALL as u64), "{why}");
    }
    scenario.recovers();
}

#[test]
fn a_count_that_is_wrong_hides_no_run() {
    let alterations: [(Alteration, u8); 6] = [
        (|page| page["count"] = json!(1_000_000), 3),
        (|page| page["count"] = json!(3), 0),
        (|page| page["count"] = json!(0), 0),
        (|page| page["count"] = json!(-7), 0),
        (|page| page["count"] = json!("many"), 0),
        (|page| page["count"] = Value::Null, 0),
    ];
    for (place, (alter, code)) in alterations.into_iter().enumerate() {
        let scenario = FaultScenario::of(FaultPlan::always(Which::Runs, Fault::Altered(alter)));
        let summary = scenario.sync();
        assert_eq!((exit_code(&summary), scenario.kept()), (code, ALL), "{place}: {}", told(&summary));
        scenario.recovers();
    }
    let missing: Alteration = |page| drop(page.as_object_mut().unwrap().remove("count"));
    let scenario = FaultScenario::of(FaultPlan::always(Which::Runs, Fault::Altered(missing)));
    assert_eq!((exit_code(&scenario.sync()), scenario.kept()), (0, ALL));
    scenario.recovers();
}

#[test]
fn a_next_that_never_ends_is_not_followed_for_ever() {
    let alter: Alteration = |page| page["next"] = json!("http://127.0.0.1/api/v1/runs/?page=2");
    let scenario = FaultScenario::of(FaultPlan::always(Which::Runs, Fault::Altered(alter)));
    let summary = scenario.sync();
    assert_eq!((exit_code(&summary), scenario.kept()), (0, ALL), "{}", told(&summary));
    assert!(summary.tally.requests < 20, "{} requests", summary.tally.requests);
    scenario.recovers();
}

#[test]
fn a_list_that_shows_the_same_page_for_ever_is_left_in_doubt() {
    let scenario = FaultScenario::of(FaultPlan::none());
    let first = {
        let model = scenario.workspace.sandbox.model();
        let runs: Vec<Value> = model.runs().take(20).map(|run| serde_json::from_str(run).unwrap()).collect();
        json!({"count": 1_000_000, "next": "x", "results": runs}).to_string()
    };
    scenario.gateway.set_plan(FaultPlan::always(Which::Runs, Fault::body(first)));
    let summary = scenario.sync();
    assert_eq!(exit_code(&summary), 3, "{}", told(&summary));
    assert!(summary.tally.requests < 100, "{} requests", summary.tally.requests);
    assert_eq!(summary.tally.vanished, 0, "no run is taken to be gone");
    scenario.recovers();
}

#[test]
fn a_next_that_is_missing_too_early_hides_no_run() {
    let alter: Alteration = |page| page["next"] = Value::Null;
    for concurrency in [1, 4] {
        let scenario = FaultScenario::of(FaultPlan::always(Which::Runs, Fault::Altered(alter)));
        let summary = scenario.sync_with(manners(), &Options { concurrency, ..one_by_one() });
        assert_eq!((exit_code(&summary), scenario.kept()), (0, ALL), "{}", told(&summary));
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
            let scenario = FaultScenario::of(FaultPlan::once(Which::Page(page), Fault::Altered(alter)));
            let summary = scenario.sync_with(manners(), &Options { dry_run: true, ..options.clone() });
            assert_eq!((exit_code(&summary), summary.tally.new), (0, 30), "page {page}: {}", told(&summary));
            scenario.gateway.set_plan(FaultPlan::always(Which::Page(page), Fault::Altered(alter)));
            let summary = scenario.sync_with(manners(), &options);
            assert_eq!((exit_code(&summary), summary.tally.vanished), (3, 0), "page {page}");
            scenario.recovers();
        }
    }
}

#[test]
fn the_key_never_follows_a_redirect_or_a_next() {
    let hostile = Workspace::of(60);
    let listening = hostile.runtime.block_on(Gateway::before(&hostile.sandbox, FaultPlan::none())).unwrap();
    let elsewhere = format!("{}/api/v1/runs/?page=2&page_size=20", listening.url());
    let scenario = FaultScenario::of(FaultPlan::none());
    for status in [301, 302, 303, 307, 308] {
        for target in [elsewhere.clone(), elsewhere.replace("http:", ""), "/api/v1/runs/?page=1".to_owned()] {
            let fault = Fault::status_with(status, "location", target);
            scenario.gateway.set_plan(FaultPlan::always(Which::Page(1), fault));
            let before = scenario.gateway.heads().len();
            let summary = scenario.sync();
            assert_eq!((exit_code(&summary), scenario.kept()), (5, RUNS[0]));
            assert!(told(&summary).contains("redirect"), "{}", told(&summary));
            assert_eq!(scenario.gateway.heads().len(), before + 3 + 1, "a redirect is not asked for again");
        }
    }
    scenario.recovers();
    // A `next`, and a `Location` with 200, that point there.
    let scenario = FaultScenario::of(FaultPlan::none());
    let page = {
        let model = scenario.workspace.sandbox.model();
        let runs: Vec<Value> = model.runs().take(20).map(|run| serde_json::from_str(run).unwrap()).collect();
        json!({"count": ALL, "next": elsewhere, "previous": elsewhere, "results": runs}).to_string()
    };
    let headers = ["location", "content-location", "refresh"].map(|name| (name, elsewhere.clone())).into();
    let answer = Answer { status: 200, headers, body: page.into() };
    scenario.gateway.set_plan(FaultPlan::always(Which::Page(1), Fault::Answer(answer)));
    assert_eq!((exit_code(&scenario.sync()), scenario.kept()), (0, ALL));
    scenario.recovers();
    assert_eq!(listening.heads(), [""; 0], "nobody else was ever asked anything");
    assert!(scenario.gateway.heads().iter().all(|head| head.contains("x-api-key: sandbox-key\r\n")));
}
