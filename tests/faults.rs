//! This is the test of everything that can go wrong between the API and the archive.
//!
//! What could be read is kept, and a healthy sync ends as if nothing had happened. The table in
//! `docs/reliability.md` names these tests.

#[path = "support/trial.rs"]
mod trial;
#[path = "support/workspace.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod workspace;

use runledger::api::{Limits, Manners, Patience};
use runledger::sandbox::{Answer, Fault, FaultPlan, Gateway, Which};
use runledger::sync::Options;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use trial::{RUNS, Trial, assert_invariants, exit_code, http_date, one_by_one, told};
use workspace::{ATTEMPTS, PAGE_SIZE, Workspace, manners, options};

/// What becomes of a page's JSON.
type Alteration = fn(&mut Value);

/// How many runs there are when something goes wrong.
const ALL: usize = RUNS[0] + RUNS[1];

/// Limits that a test need not wait for.
fn hurried() -> Manners {
    let limits = Limits {
        idle: Duration::from_millis(100),
        total: Duration::from_millis(400),
        body_bytes: 1024 * 1024,
        ..Limits::default()
    };
    Manners { limits, patience: Patience { attempts: 2, ..manners().patience }, ..Manners::default() }
}

// ---- statuses

/// The statuses that may pass.
const PASSING: [u16; 7] = [408, 425, 429, 500, 502, 503, 504];

#[test]
fn a_failure_that_passes_is_asked_again_and_leaves_no_trace() {
    let plan = PASSING.iter().enumerate().fold(FaultPlan::none(), |plan, (place, status)| {
        plan.and(Which::Page(2), place + 1..=place + 1, Fault::status(*status))
    });
    let trial = Trial::of(plan);
    let patience = Patience { attempts: PASSING.len() as u32 + 1, ..manners().patience };
    let summary = trial.sync_with(Manners { patience, ..manners() }, &one_by_one());
    assert_eq!((exit_code(&summary), trial.kept()), (0, ALL), "{}", told(&summary));
    assert_eq!(asked_for_page_2(&trial), PASSING.len() + 1);
    trial.recovers();
}

#[test]
fn a_failure_that_stays_leaves_what_was_read_above_it() {
    let trial = Trial::of(FaultPlan::none());
    for (place, status) in PASSING.into_iter().enumerate() {
        trial.gateway.set_plan(FaultPlan::always(Which::Page(2), Fault::status(status)));
        let summary = trial.sync();
        assert_eq!((exit_code(&summary), summary.tally.seen), (5, u64::from(PAGE_SIZE)), "{status}");
        assert!(told(&summary).contains(&format!("HTTP {status}")), "{}", told(&summary));
        assert_eq!(trial.kept(), RUNS[0] + PAGE_SIZE as usize, "the newest page is kept");
        assert_eq!(asked_for_page_2(&trial), ATTEMPTS as usize * (place + 1));
    }
    trial.recovers();
}

fn asked_for_page_2(trial: &Trial) -> usize {
    trial.gateway.heads().iter().filter(|head| head.contains("page=2&")).count()
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
        let trial = Trial::of(FaultPlan::none().and_by_chance(Which::Any, seed, 0.3, faults));
        let patience = Patience { attempts: 30, ..manners().patience };
        let summary =
            trial.sync_with(Manners { patience, ..manners() }, &Options { concurrency: 4, ..one_by_one() });
        assert_eq!((exit_code(&summary), trial.kept()), (0, ALL), "{}", told(&summary));
        assert!(summary.tally.requests > 10, "something went wrong");
        trial.recovers();
    }
}

#[test]
fn retry_after_is_honoured_in_both_forms_up_to_its_limit() {
    let trial = Trial::of(FaultPlan::none());
    let waited = |retry_after: String| -> Duration {
        let fault = Fault::status_with(429, "retry-after", retry_after);
        trial.gateway.set_plan(FaultPlan::once(Which::Page(2), fault));
        let waits = Arc::new(Mutex::new(Vec::new()));
        let clock = Arc::clone(&waits);
        let client = Arc::into_inner(trial.client(Manners::default())).unwrap();
        let client = client.pausing_with(Box::new(move |wait| {
            clock.lock().unwrap().push(wait);
            Box::pin(async {})
        }));
        let summary = trial.sync_by(Arc::new(client), &one_by_one());
        assert_eq!((exit_code(&summary), trial.kept()), (0, ALL));
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
    let limit = Patience::default().longest_retry_after;
    for too_long in ["86400".to_owned(), u64::MAX.to_string(), http_date(1_000_000)] {
        assert_eq!(waited(too_long.clone()), limit, "{too_long}");
    }
    trial.recovers();
}

#[test]
fn a_key_that_is_refused_ends_the_sync_at_once_and_keeps_what_was_read() {
    for status in [401, 403] {
        for (which, seen) in [(Which::Page(1), 0), (Which::Page(2), u64::from(PAGE_SIZE))] {
            let trial = Trial::of(FaultPlan::always(which.clone(), Fault::status(status)));
            let summary = trial.sync();
            assert_eq!((exit_code(&summary), summary.tally.seen), (4, seen), "{status} {which:?}");
            let refused = trial.gateway.heads().len();
            assert_eq!(refused, 3 + if seen == 0 { 1 } else { 2 }, "a refusal is not asked for again");
            trial.recovers();
        }
    }
}

#[test]
fn a_key_that_is_refused_for_pipelines_alone_costs_their_names_alone() {
    let trial = Trial::of(FaultPlan::always(Which::Pipelines, Fault::status(403)));
    let summary = trial.sync();
    assert_eq!((exit_code(&summary), summary.missing.len(), trial.kept()), (3, 3, ALL));
    assert!(summary.missing[0].contains("the names of sources"), "{:?}", summary.missing);
    trial.recovers();
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
        let trial = Trial::of(FaultPlan::always(Which::Pipelines, fault));
        let summary = trial.sync();
        assert_eq!((exit_code(&summary), summary.missing.len(), trial.kept()), (3, 3, ALL));
        trial.recovers();
    }
}

#[test]
fn an_api_without_a_run_list_is_unavailable() {
    let trial = Trial::of(FaultPlan::always(Which::Runs, Fault::status(404)));
    let summary = trial.sync();
    assert_eq!((exit_code(&summary), trial.kept()), (5, RUNS[0]));
    assert!(told(&summary).contains("has no run list at /api/v1/runs/"), "{}", told(&summary));
    assert_eq!(summary.tally.vanished, 0, "no run is taken to be gone");
    trial.recovers();
}

#[test]
fn a_page_that_is_not_found_in_the_middle_is_no_end() {
    let trial = Trial::of(FaultPlan::once(Which::Page(3), Fault::status(404)));
    let summary = trial.sync();
    assert_eq!((exit_code(&summary), trial.kept(), summary.tally.vanished), (0, ALL, 0));
    trial.recovers();
    let trial = Trial::of(FaultPlan::always(Which::Page(3), Fault::status(404)));
    let summary = trial.sync();
    assert_eq!((exit_code(&summary), summary.tally.vanished), (3, 0), "{}", told(&summary));
    trial.recovers();
}

// ---- connections

#[test]
fn a_connection_that_is_refused_is_named() {
    let trial = Trial::of(FaultPlan::none());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = runledger::api::Address::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    let key = runledger::secret::ApiKey::new("k", "the test").unwrap();
    let nobody = runledger::api::Client::new(address, &key, manners()).unwrap();
    let summary = trial.sync_by(Arc::new(nobody), &one_by_one());
    assert_eq!((exit_code(&summary), trial.kept()), (5, RUNS[0]));
    assert!(told(&summary).contains("refused"), "{}", told(&summary));
    trial.recovers();
}

#[test]
fn a_transfer_that_breaks_once_is_made_again() {
    for fault in [Fault::Reset, Fault::ResetInBody, Fault::ShortBody, Fault::DamagedGzip] {
        let trial = Trial::of(FaultPlan::once(Which::Page(2), fault));
        let summary = trial.sync();
        assert_eq!((exit_code(&summary), trial.kept()), (0, ALL));
        trial.recovers();
    }
}

#[test]
fn a_transfer_that_always_breaks_leaves_what_was_read_above_it() {
    for fault in [Fault::Reset, Fault::ResetInBody, Fault::ShortBody, Fault::DamagedGzip] {
        let trial = Trial::of(FaultPlan::always(Which::Page(3), fault));
        let summary = trial.sync();
        assert_eq!((exit_code(&summary), summary.tally.seen), (5, 2 * u64::from(PAGE_SIZE)));
        trial.recovers();
    }
}

#[test]
fn a_silence_longer_than_the_idle_limit_is_broken_off() {
    for fault in [Fault::Stall, Fault::StallInBody] {
        let trial = Trial::of(FaultPlan::once(Which::Page(2), fault.clone()));
        let summary = trial.sync_with(hurried(), &one_by_one());
        assert_eq!((exit_code(&summary), trial.kept()), (0, ALL));
        trial.recovers();
        let trial = Trial::of(FaultPlan::always(Which::Page(2), fault));
        let summary = trial.sync_with(hurried(), &one_by_one());
        assert_eq!((exit_code(&summary), summary.tally.seen), (5, u64::from(PAGE_SIZE)));
        assert!(told(&summary).contains("no answer in time"), "{}", told(&summary));
        trial.recovers();
    }
}

#[test]
fn a_trickle_that_is_never_silent_ends_at_the_total_limit() {
    let trial = Trial::of(FaultPlan::always(Which::Page(2), Fault::Trickle(Duration::from_millis(20))));
    let summary = trial.sync_with(hurried(), &one_by_one());
    assert_eq!((exit_code(&summary), summary.tally.seen), (5, u64::from(PAGE_SIZE)));
    assert!(told(&summary).contains("no answer in time"), "{}", told(&summary));
    trial.recovers();
}

#[test]
fn what_swells_beyond_the_limit_is_never_swallowed_whole() {
    // Four gibibytes from 26 MB; and an answer without an end.
    for fault in [Fault::GzipBomb { bytes: 1 << 32 }, Fault::Flood] {
        let trial = Trial::of(FaultPlan::always(Which::Runs, fault));
        let summary = trial.sync_with(hurried(), &one_by_one());
        assert_eq!((exit_code(&summary), trial.kept()), (5, RUNS[0]), "{}", told(&summary));
        assert!(told(&summary).contains("larger than 1048576 bytes"), "{}", told(&summary));
        // Pages of 20, 5 and 1: each was asked for once.
        let asked = trial.gateway.heads().iter().filter(|head| head.contains("/runs/")).count();
        assert_eq!(asked, 3);
        // What the system's own buffers hold counts as taken in.
        let each = trial.gateway.swallowed_bytes() / asked as u64;
        assert!(each < 13_000_000, "{each} bytes");
        trial.recovers();
    }
}

#[test]
fn a_page_that_is_too_large_is_read_in_smaller_ones() {
    let trial = Trial::of(FaultPlan::none());
    for id in trial.workspace.ids().iter().skip(25).take(14) {
        trial.workspace.sandbox.model().change(*id, |run| {
            run.insert("extra_config".to_owned(), json!({"text": "x".repeat(100_000)}));
        });
    }
    for concurrency in [1, 4] {
        let options = Options { concurrency, ..one_by_one() };
        let summary = trial.sync_with(hurried(), &options);
        assert_eq!((exit_code(&summary), summary.tally.seen), (0, ALL as u64), "{}", told(&summary));
        assert!(trial.workspace.archived() == trial.workspace.truth());
        let page_size = trial.workspace.number("SELECT page_size FROM syncs ORDER BY sync_id DESC LIMIT 1");
        assert_eq!(page_size, i64::from(PAGE_SIZE / 4));
    }
    trial.recovers();
}

#[test]
fn an_interrupted_first_sync_goes_on_with_pages_of_another_size() {
    for page_size in [1, 3, 7, 20, 50, 500] {
        let workspace = Workspace::of(100);
        let broken = FaultPlan::always(Which::Page(4), Fault::status(500));
        let gateway = workspace.runtime.block_on(Gateway::before(&workspace.sandbox, broken)).unwrap();
        let client = || trial::client(&workspace, &gateway, manners());
        let options = Options { concurrency: 1, ..options() };
        assert_eq!(exit_code(&workspace.sync_by(client(), &options)), 5);
        assert_eq!(workspace.archived().len(), 60);
        gateway.set_plan(FaultPlan::none());
        let summary = workspace.sync_by(client(), &Options { page_size, ..options });
        assert_eq!((exit_code(&summary), summary.tally.new), (0, 40), "{page_size}: {}", told(&summary));
        assert_eq!(workspace.archived(), workspace.truth());
        assert_invariants(&workspace.path());
    }
}

// ---- bodies

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
    let trial = Trial::of(FaultPlan::none());
    for (body, why) in bodies {
        trial.gateway.set_plan(FaultPlan::always(Which::Page(2), Fault::body(body.clone())));
        let summary = trial.sync();
        assert_eq!((exit_code(&summary), summary.tally.seen), (5, u64::from(PAGE_SIZE)), "{why}");
        assert!(told(&summary).contains(why), "{}", told(&summary));
        assert!(!told(&summary).contains('\u{1b}'));
        assert!(told(&summary).len() < 500, "an error quotes no page");
        trial.gateway.set_plan(FaultPlan::once(Which::Page(2), Fault::body(body)));
        let summary = trial.sync_with(manners(), &Options { dry_run: true, ..one_by_one() });
        assert_eq!((exit_code(&summary), summary.tally.seen), (0, ALL as u64), "{why}");
    }
    trial.recovers();
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
        let trial = Trial::of(FaultPlan::always(Which::Runs, Fault::Altered(alter)));
        let summary = trial.sync();
        assert_eq!((exit_code(&summary), trial.kept()), (code, ALL), "{place}: {}", told(&summary));
        trial.recovers();
    }
    let missing: Alteration = |page| drop(page.as_object_mut().unwrap().remove("count"));
    let trial = Trial::of(FaultPlan::always(Which::Runs, Fault::Altered(missing)));
    assert_eq!((exit_code(&trial.sync()), trial.kept()), (0, ALL));
    trial.recovers();
}

#[test]
fn a_next_that_never_ends_is_not_followed_for_ever() {
    let alter: Alteration = |page| page["next"] = json!("http://127.0.0.1/api/v1/runs/?page=2");
    let trial = Trial::of(FaultPlan::always(Which::Runs, Fault::Altered(alter)));
    let summary = trial.sync();
    assert_eq!((exit_code(&summary), trial.kept()), (0, ALL), "{}", told(&summary));
    assert!(summary.tally.requests < 20, "{} requests", summary.tally.requests);
    trial.recovers();
}

#[test]
fn a_list_that_shows_the_same_page_for_ever_is_left_in_doubt() {
    let trial = Trial::of(FaultPlan::none());
    let first = {
        let model = trial.workspace.sandbox.model();
        let runs: Vec<Value> = model.runs().take(20).map(|run| serde_json::from_str(run).unwrap()).collect();
        json!({"count": 1_000_000, "next": "x", "results": runs}).to_string()
    };
    trial.gateway.set_plan(FaultPlan::always(Which::Runs, Fault::body(first)));
    let summary = trial.sync();
    assert_eq!(exit_code(&summary), 3, "{}", told(&summary));
    assert!(summary.tally.requests < 100, "{} requests", summary.tally.requests);
    assert_eq!(summary.tally.vanished, 0, "no run is taken to be gone");
    trial.recovers();
}

#[test]
fn a_next_that_is_missing_too_early_hides_no_run() {
    let alter: Alteration = |page| page["next"] = Value::Null;
    for concurrency in [1, 4] {
        let trial = Trial::of(FaultPlan::always(Which::Runs, Fault::Altered(alter)));
        let summary = trial.sync_with(manners(), &Options { concurrency, ..one_by_one() });
        assert_eq!((exit_code(&summary), trial.kept()), (0, ALL), "{}", told(&summary));
        trial.recovers();
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
            let trial = Trial::of(FaultPlan::once(Which::Page(page), Fault::Altered(alter)));
            let summary = trial.sync_with(manners(), &Options { dry_run: true, ..options.clone() });
            assert_eq!((exit_code(&summary), summary.tally.new), (0, 30), "page {page}: {}", told(&summary));
            trial.gateway.set_plan(FaultPlan::always(Which::Page(page), Fault::Altered(alter)));
            let summary = trial.sync_with(manners(), &options);
            assert_eq!((exit_code(&summary), summary.tally.vanished), (3, 0), "page {page}");
            trial.recovers();
        }
    }
}

// ---- the key goes to one origin

#[test]
fn the_key_never_follows_a_redirect_or_a_next() {
    let hostile = Workspace::of(60);
    let listening = hostile.runtime.block_on(Gateway::before(&hostile.sandbox, FaultPlan::none())).unwrap();
    let elsewhere = format!("{}/api/v1/runs/?page=2&page_size=20", listening.url());
    let trial = Trial::of(FaultPlan::none());
    for status in [301, 302, 303, 307, 308] {
        for target in [elsewhere.clone(), elsewhere.replace("http:", ""), "/api/v1/runs/?page=1".to_owned()] {
            let fault = Fault::status_with(status, "location", target);
            trial.gateway.set_plan(FaultPlan::always(Which::Page(1), fault));
            let before = trial.gateway.heads().len();
            let summary = trial.sync();
            assert_eq!((exit_code(&summary), trial.kept()), (5, RUNS[0]));
            assert!(told(&summary).contains("redirect"), "{}", told(&summary));
            assert_eq!(trial.gateway.heads().len(), before + 3 + 1, "a redirect is not asked for again");
        }
    }
    trial.recovers();
    // A `next`, and a `Location` with 200, that point there.
    let trial = Trial::of(FaultPlan::none());
    let page = {
        let model = trial.workspace.sandbox.model();
        let runs: Vec<Value> = model.runs().take(20).map(|run| serde_json::from_str(run).unwrap()).collect();
        json!({"count": ALL, "next": elsewhere, "previous": elsewhere, "results": runs}).to_string()
    };
    let headers = ["location", "content-location", "refresh"].map(|name| (name, elsewhere.clone())).into();
    let answer = Answer { status: 200, headers, body: page.into() };
    trial.gateway.set_plan(FaultPlan::always(Which::Page(1), Fault::Answer(answer)));
    assert_eq!((exit_code(&trial.sync()), trial.kept()), (0, ALL));
    trial.recovers();
    assert_eq!(listening.heads(), [""; 0], "nobody else was ever asked anything");
    assert!(trial.gateway.heads().iter().all(|head| head.contains("x-api-key: sandbox-key\r\n")));
}

// ---- items

/// What an item becomes, and how it is told.
enum Becomes {
    /// A run, whose `unmapped` has this.
    Run(Option<&'static str>),
    /// An item in quarantine, for this reason.
    Unreadable(&'static str),
}

/// A run's JSON with one field's own text in place of the true one.
fn with(text: &str, field: &str, value: &str) -> String {
    let mut run: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
    run.insert(field.to_owned(), json!("@here@"));
    Value::Object(run).to_string().replace("\"@here@\"", value)
}

#[test]
fn items_that_nobody_promised_are_kept_as_runs_or_in_quarantine() {
    use Becomes::{Run, Unreadable};
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let whole = |item: &'static str| (None, item.to_owned());
    let field = |name: &'static str, value: &str| (Some(name), value.to_owned());
    let items: Vec<((Option<&str>, String), Becomes)> = vec![
        (whole("null"), Unreadable("it is not an object but null")),
        (whole("17"), Unreadable("it is not an object but a number")),
        (whole(r#"{"number":1}"#), Unreadable("it has no id")),
        (whole(r#"{"id":"run-7"}"#), Unreadable("its id is not a UUID")),
        (whole(r#"{"id":{"a":"\ud800"}}"#), Unreadable("its id is not a UUID")),
        (field("extra_config", &deep), Unreadable("it is nested deeper than 128 levels")),
        (field("status", "[1]"), Run(Some(r#"{"status":[1]}"#))),
        (field("full_sync", r#""yes""#), Run(Some(r#"{"full_sync":"yes"}"#))),
        (
            field("started_at", r#""2026-01-31T10:00:00""#),
            Run(Some(r#"{"started_at":"2026-01-31T10:00:00"}"#)),
        ),
        (field("ended_at", r#""2026-02-30T10:00:00Z""#), Run(Some(r#"{"ended_at":"2026-02-30T10:00:00Z"}"#))),
        (
            field("ended_at", r#""9999-12-31T23:59:60+14:00""#),
            Run(Some(r#"{"ended_at":"9999-12-31T23:59:60+14:00"}"#)),
        ),
        (field("number", "9223372036854775808"), Run(Some(r#"{"number":9223372036854775808}"#))),
        (field("number", "-1e400"), Run(Some(r#"{"number":-1e400}"#))),
        (field("duration_seconds", "-5"), Run(None)),
        (field("el_cost_usd", r#""0.25""#), Run(Some(r#"{"el_cost_usd":"0.25"}"#))),
        (field("el_cost_usd", "1e308"), Run(Some(r#"{"el_cost_usd":1e308}"#))),
        (field("el_cost_usd", "1e400"), Run(Some(r#"{"el_cost_usd":1e400}"#))),
        (field("el_cost_usd", "-0.0"), Run(None)),
        (field("el_cost_usd", "-12.5"), Run(None)),
        (field("el_cost_usd", r#""NaN""#), Run(Some(r#"{"el_cost_usd":"NaN"}"#))),
        (field("status", r#""a\u0000b""#), Run(Some(r#"{"status":"a\u0000b"}"#))),
        (field("source", r#""\ud800""#), Run(Some(r#"{"source":"\ud800"}"#))),
        (field("extra_config", r#"{"a":"\u0000","b":"\udfff"}"#), Run(None)),
        (field("\u{1b}[2Jnew", "1"), Run(Some("{\"\\u001b[2Jnew\":1}"))),
    ];
    let trial = Trial::of(FaultPlan::none());
    let ids = trial.workspace.ids();
    let truth: Vec<String> =
        ids.iter().map(|id| trial.workspace.sandbox.model().run(*id).unwrap().to_owned()).collect();
    // Oddities at the first place and the last, on a page's edge and in its middle: none moves the others.
    let places = || (0..).map(|place| place * 4);
    for (place, ((name, value), _)) in places().zip(&items) {
        let text = match name {
            Some(name) => with(&truth[place], name, value),
            None => value.clone(),
        };
        trial.workspace.sandbox.model().set_text(ids[place], &text);
    }
    let summary = trial.sync();
    let unreadable = items.iter().filter(|(_, becomes)| matches!(becomes, Unreadable(_))).count() as u64;
    assert_eq!((exit_code(&summary), summary.tally.quarantined), (3, unreadable), "{}", told(&summary));
    assert!(told(&summary).contains(&format!("{unreadable} items could not be kept as runs")));
    assert_eq!(summary.tally.seen, ALL as u64 - unreadable);
    for (place, ((_, value), becomes)) in places().zip(&items) {
        let rows = |sql: &str| trial.workspace.rows(sql);
        match becomes {
            Run(unmapped) => {
                let id = ids[place];
                let kept = rows(&format!("SELECT unmapped FROM runs WHERE run_id = '{id}'"));
                assert_eq!(kept, [unmapped.unwrap_or("NULL")], "{value}");
                let costs = "typeof(el_cost_usd) || '|' || coalesce(el_cost_nanos, '') || '|' || coalesce(total_cost_nanos, '')";
                assert_eq!(rows(&format!("SELECT {costs} FROM runs WHERE run_id = '{id}'")).len(), 1);
            }
            Unreadable(reason) => {
                assert!(rows("SELECT reason FROM quarantine").contains(&(*reason).to_owned()), "{value}");
            }
        }
    }
    let cost = |place: usize| {
        trial
            .workspace
            .rows(&format!("SELECT el_cost_usd, el_cost_nanos FROM runs WHERE run_id = '{}'", ids[place * 4]))
    };
    assert_eq!(
        (cost(15), cost(17), cost(18)),
        (vec!["NULL|NULL".into()], vec!["0|0".into()], vec!["-12.5|-12500000000".into()])
    );

    // A field that goes away is no change (a poorer view of the run), so the run that grew one keeps it.
    let grown = ids[4 * (items.len() - 1)];
    for (id, text) in ids.iter().zip(&truth).filter(|(id, _)| **id != grown) {
        trial.workspace.sandbox.model().set_text(*id, text);
    }
    // What was odd is history now: it differs from a ledger that never saw it, and ends where that does.
    let summary = trial.sync();
    assert_eq!(exit_code(&summary), 0, "{}", told(&summary));
    assert!(trial.workspace.archived() == trial.workspace.truth());
    assert_eq!(trial.workspace.number("SELECT count(*) FROM quarantine"), unreadable as i64, "it stays");
}

#[test]
fn one_run_in_many_states_on_one_page_keeps_them_all() {
    let many: Alteration = |page| {
        let results = page["results"].as_array_mut().unwrap();
        for place in 1..6 {
            let mut again = results[0].clone();
            again["number"] = json!(1000 + place);
            results.insert(place, again);
        }
    };
    let trial = Trial::of(FaultPlan::always(Which::Page(1), Fault::Altered(many)));
    let newest = trial.workspace.ids()[0];
    assert_eq!((exit_code(&trial.sync()), trial.kept()), (0, ALL));
    let numbers: Vec<Value> =
        trial.workspace.states(newest).iter().map(|state| state["number"].clone()).collect();
    assert_eq!(
        (numbers.len(), &numbers[1..]),
        (6, [1001, 1002, 1003, 1004, 1005].map(Value::from).as_slice())
    );
    trial.gateway.set_plan(FaultPlan::none());
    assert_eq!(exit_code(&trial.sync()), 0);
    assert!(trial.workspace.archived() == trial.workspace.truth());
}

#[test]
fn a_run_of_five_megabytes_is_kept_whole() {
    let trial = Trial::of(FaultPlan::none());
    let id = trial.workspace.ids()[30];
    let lines: Vec<String> =
        (0..50_000).map(|line| format!("{line} {}", "é\u{1f980}\"\\ ".repeat(9))).collect();
    trial
        .workspace
        .sandbox
        .model()
        .change(id, |run| drop(run.insert("extra_config".to_owned(), json!({"log": lines}))));
    assert!(trial.workspace.sandbox.model().run(id).unwrap().len() > 5_000_000);
    assert_eq!((exit_code(&trial.sync()), trial.kept()), (0, ALL));
    assert_eq!(trial.workspace.states(id).last(), trial.workspace.truth().get(&id));
    trial.recovers();
}
