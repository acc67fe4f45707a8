//! Items that violate the API's contract.

use super::{ALL, Alteration};
use crate::support::fault::{Fault, FaultPlan, Target};
use crate::support::fault_scenario::{FaultScenario, error_text, exit_code};
use serde_json::{Value, json};

/// The outcome of an item.
enum Becomes {
    /// A run whose `unmapped` contains this.
    Run(Option<&'static str>),
    /// An item in quarantine, for this reason.
    DecodeError(&'static str),
}

/// A run's JSON with the raw text of one field replaced.
fn with(text: &str, field: &str, value: &str) -> String {
    let mut run: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
    run.insert(field.to_owned(), json!("@here@"));
    Value::Object(run).to_string().replace("\"@here@\"", value)
}

#[test]
fn unexpected_items_are_kept_as_runs_or_in_quarantine() {
    use Becomes::{DecodeError, Run};
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let whole = |item: &'static str| (None, item.to_owned());
    let field = |name: &'static str, value: &str| (Some(name), value.to_owned());
    let items: Vec<((Option<&str>, String), Becomes)> = vec![
        (whole("null"), DecodeError("it is not an object but null")),
        (whole("17"), DecodeError("it is not an object but a number")),
        (whole(r#"{"number":1}"#), DecodeError("it has no id")),
        (whole(r#"{"id":"run-7"}"#), DecodeError("its id is not a UUID")),
        (whole(r#"{"id":{"a":"\ud800"}}"#), DecodeError("its id is not a UUID")),
        (field("extra_config", &deep), DecodeError("it is nested deeper than 128 levels")),
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
    let scenario = FaultScenario::of(FaultPlan::none());
    let ids = scenario.workspace.ids();
    let truth: Vec<String> =
        ids.iter().map(|id| scenario.workspace.sandbox.model().run(*id).unwrap().to_owned()).collect();
    // Malformed items at the start, the end, a page's edge and its middle: none affects the others.
    let places = || (0..).map(|place| place * 4);
    for (place, ((name, value), _)) in places().zip(&items) {
        let text = match name {
            Some(name) => with(&truth[place], name, value),
            None => value.clone(),
        };
        scenario.workspace.sandbox.model().set_text(ids[place], &text);
    }
    let summary = scenario.sync();
    let unreadable = items.iter().filter(|(_, becomes)| matches!(becomes, DecodeError(_))).count() as u64;
    assert_eq!(
        (exit_code(&summary), summary.counts.quarantined),
        (3, unreadable),
        "{}",
        error_text(&summary)
    );
    assert!(error_text(&summary).contains(&format!("{unreadable} items could not be decoded as runs")));
    assert_eq!(summary.counts.seen, ALL as u64 - unreadable);
    for (place, ((_, value), becomes)) in places().zip(&items) {
        let rows = |sql: &str| scenario.workspace.rows(sql);
        match becomes {
            Run(unmapped) => {
                let id = ids[place];
                let kept = rows(&format!("SELECT unmapped FROM runs WHERE run_id = '{id}'"));
                assert_eq!(kept, [unmapped.unwrap_or("NULL")], "{value}");
                let costs = "typeof(el_cost_usd) || '|' || coalesce(el_cost_nanos, '') || '|' || coalesce(total_cost_nanos, '')";
                assert_eq!(rows(&format!("SELECT {costs} FROM runs WHERE run_id = '{id}'")).len(), 1);
            }
            DecodeError(reason) => {
                assert!(rows("SELECT reason FROM quarantine").contains(&(*reason).to_owned()), "{value}");
            }
        }
    }
    let cost = |place: usize| {
        scenario
            .workspace
            .rows(&format!("SELECT el_cost_usd, el_cost_nanos FROM runs WHERE run_id = '{}'", ids[place * 4]))
    };
    assert_eq!(
        (cost(15), cost(17), cost(18)),
        (vec!["NULL|NULL".into()], vec!["0|0".into()], vec!["-12.5|-12500000000".into()])
    );

    // A missing field is no change (an incomplete view of the run), so the run that gained one keeps it.
    let grown = ids[4 * (items.len() - 1)];
    for (id, text) in ids.iter().zip(&truth).filter(|(id, _)| **id != grown) {
        scenario.workspace.sandbox.model().set_text(*id, text);
    }
    // The malformed state is now history: the ledger differs from an undisturbed one only in that state.
    let summary = scenario.sync();
    assert_eq!(exit_code(&summary), 0, "{}", error_text(&summary));
    assert!(scenario.workspace.archived() == scenario.workspace.truth());
    assert_eq!(
        scenario.workspace.number("SELECT count(*) FROM quarantine"),
        unreadable as i64,
        "the run stays in the archive"
    );
}

#[test]
fn a_run_listed_in_many_states_on_a_page_keeps_them_all() {
    let many: Alteration = |page| {
        let results = page["results"].as_array_mut().unwrap();
        for place in 1..6 {
            let mut again = results[0].clone();
            again["number"] = json!(1000 + place);
            results.insert(place, again);
        }
    };
    let scenario = FaultScenario::of(FaultPlan::always(Target::Page(1), Fault::EditJson(many)));
    let newest = scenario.workspace.ids()[0];
    assert_eq!((exit_code(&scenario.sync()), scenario.run_count()), (0, ALL));
    let numbers: Vec<Value> =
        scenario.workspace.states(newest).iter().map(|state| state["number"].clone()).collect();
    assert_eq!(
        (numbers.len(), &numbers[1..]),
        (6, [1001, 1002, 1003, 1004, 1005].map(Value::from).as_slice())
    );
    scenario.proxy.set_plan(FaultPlan::none());
    assert_eq!(exit_code(&scenario.sync()), 0);
    assert!(scenario.workspace.archived() == scenario.workspace.truth());
}

#[test]
fn a_run_of_5_mb_is_kept_whole() {
    let scenario = FaultScenario::of(FaultPlan::none());
    let id = scenario.workspace.ids()[30];
    let lines: Vec<String> =
        (0..50_000).map(|line| format!("{line} {}", "é\u{1f980}\"\\ ".repeat(9))).collect();
    scenario
        .workspace
        .sandbox
        .model()
        .change(id, |run| drop(run.insert("extra_config".to_owned(), json!({"log": lines}))));
    assert!(scenario.workspace.sandbox.model().run(id).unwrap().len() > 5_000_000);
    assert_eq!((exit_code(&scenario.sync()), scenario.run_count()), (0, ALL));
    assert_eq!(scenario.workspace.states(id).last(), scenario.workspace.truth().get(&id));
    scenario.recovers();
}

#[test]
fn a_run_under_many_spellings_of_its_id_adds_no_snapshots() {
    let spelled: Alteration = |page| {
        let results = page["results"].as_array_mut().unwrap();
        let id = results[0]["id"].as_str().unwrap().to_owned();
        let plain = id.replace('-', "");
        for (place, spelling) in
            [id.to_uppercase(), plain, format!("{{{id}}}"), format!("urn:uuid:{id}")].iter().enumerate()
        {
            let mut again = results[0].clone();
            again["id"] = json!(spelling);
            results.insert(place + 1, again);
        }
    };
    let scenario = FaultScenario::of(FaultPlan::always(Target::Page(1), Fault::EditJson(spelled)));
    let newest = scenario.workspace.ids()[0];
    let snapshots = || scenario.workspace.number("SELECT count(*) FROM run_snapshots");
    assert_eq!((exit_code(&scenario.sync()), scenario.run_count()), (0, ALL));
    assert_eq!(scenario.workspace.states(newest).len(), 1);
    let before = snapshots();
    let summary = scenario.sync();
    assert_eq!((exit_code(&summary), summary.counts.changed, snapshots()), (0, 0, before));
    let drift = "SELECT observed FROM drift WHERE field = 'id'";
    assert_eq!(scenario.workspace.rows(drift), ["a UUID in another spelling"]);
    scenario.recovers();
}
