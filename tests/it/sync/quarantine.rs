//! Data outside the contract: drift, quarantine and unexpected credentials.

use super::{complete, exit_code, full, settled, tally};
use crate::support::workspace::{Workspace, options, page_of};
use runledger::internal::sandbox::TOKEN_PREFIX;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

#[test]
fn unknown_fields_are_kept_and_reported_once() {
    let workspace = Workspace::of(100);
    let ids = settled(&workspace.sandbox.model());
    let unknown = [
        ("status", json!("paused")),
        ("log", json!({"lines": [1, 2]})),
        ("number", json!("seven")),
        ("trigger", json!({"type": "webhook", "url": "x"})),
    ];
    for (id, (field, value)) in ids.iter().skip(10).zip(&unknown) {
        workspace.sandbox.model().change(*id, |run| {
            run.insert((*field).to_owned(), value.clone());
        });
    }
    let summary = complete(&workspace, &options());
    let expected = [
        format!("log|field|object|{}", ids[11]),
        format!("number|type|string|{}", ids[12]),
        format!("status|value|paused|{}", ids[10]),
        format!("trigger.type|value|webhook|{}", ids[13]),
        format!("trigger.url|field|string|{}", ids[13]),
    ];
    let drift = "SELECT field, kind, observed, example_run_id FROM drift ORDER BY field";
    assert_eq!(workspace.rows(drift), expected);
    assert_eq!(summary.new_drift.len(), 5);
    assert_eq!(workspace.archived(), workspace.truth());

    // The same in another run is not new.
    workspace.sandbox.model().change(ids[20], |run| {
        run.insert("status".to_owned(), json!("paused"));
    });
    let summary = complete(&workspace, &full());
    assert_eq!((tally(&summary)[1], summary.new_drift.len()), (1, 0));
    assert_eq!(workspace.rows(drift), expected);
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn undecodable_items_are_quarantined_and_the_walk_continues() {
    let workspace = Workspace::of(100);
    let ids = settled(&workspace.sandbox.model());
    let deep = format!(r#"{{"id":"{}","extra_config":{}{}}}"#, ids[15], "[".repeat(500), "]".repeat(500));
    let unreadable = [
        ("null".to_owned(), "it is not an object but null"),
        ("42".to_owned(), "it is not an object but a number"),
        (r#"{"status":"success"}"#.to_owned(), "it has no id"),
        (r#"{"id":"run-7","number":1}"#.to_owned(), "its id is not a UUID"),
        (format!(r#"{{"id":"{}","number":1,"number":2}}"#, ids[14]), "it names the field `number` twice"),
        (deep, "it is nested deeper than 128 levels"),
    ];
    for (id, (text, _)) in ids.iter().skip(10).zip(&unreadable) {
        workspace.sandbox.model().set_text(*id, text);
    }
    for attempt in 1..=2 {
        let summary = workspace.sync(&full());
        assert_eq!((exit_code(&summary), summary.counts.quarantined), (3, 6), "attempt {attempt}");
        assert_eq!(summary.counts.seen, 94);
        let reasons = workspace.rows("SELECT reason FROM quarantine ORDER BY reason");
        let mut expected = unreadable.each_ref().map(|(_, reason)| (*reason).to_owned());
        expected.sort_unstable();
        assert_eq!(reasons, expected);
    }
    // Every item is stored byte for byte, except the one nested too deep to search for credentials.
    for (text, _) in &unreadable[..5] {
        let found = workspace.rows(&format!("SELECT sync_id FROM quarantine WHERE item = '{text}'"));
        assert_eq!(found, ["2"], "{text}");
    }
    assert_eq!(workspace.rows("SELECT outcome, exit_code FROM syncs"), ["partial|3", "partial|3"]);
    let kept: BTreeSet<Uuid> = workspace.archived().into_keys().collect();
    let readable: BTreeSet<Uuid> =
        workspace.ids().into_iter().filter(|id| !ids[10..16].contains(id)).collect();
    assert_eq!(kept, readable);
}

#[test]
fn a_run_listed_in_two_states_on_a_page_keeps_both() {
    let workspace = Workspace::of(30);
    let ids = settled(&workspace.sandbox.model());
    let (id, other) = (ids[2], ids[3]);
    let mut document = workspace.sandbox.model().document(id).unwrap();
    document.insert("number".to_owned(), json!(4711));
    let text = serde_json::to_string(&document).unwrap();
    // The run is on the page twice, as if it changed while the API built the page.
    let before = workspace.sandbox.model().run(other).unwrap().to_owned();
    workspace.sandbox.model().set_text(other, &text);
    workspace.sandbox.on_request({
        let mut answered = false;
        move |call, model| {
            if page_of(call) == Some(1) && std::mem::replace(&mut answered, true) {
                model.set_text(other, &before);
                model.set_text(id, &text);
            }
            None
        }
    });
    complete(&workspace, &options());
    let numbers: Vec<Value> = workspace.states(id).iter().map(|state| state["number"].clone()).collect();
    assert_eq!((numbers.len(), &numbers[1]), (2, &json!(4711)));
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn unexpected_credentials_never_reach_the_archive() {
    let workspace = Workspace::of(60);
    let secret = format!("{TOKEN_PREFIX}0123456789");
    let ids = settled(&workspace.sandbox.model());
    let token = json!({"id": "4b33ea35-0000-4000-8000-000000000001", "name": "CI", "token": secret});
    {
        let mut model = workspace.sandbox.model();
        for id in &ids[..10] {
            model.change(*id, |run| {
                run.insert("triggered_by_token".to_owned(), token.clone());
            });
        }
        model.change(ids[11], |run| {
            run.insert(
                "extra_config".to_owned(),
                json!({"source": {"api_key": secret, "secrets": [secret]}}),
            );
        });
        model.change(ids[12], |run| {
            run.insert("access_token".to_owned(), json!(secret));
            run.insert("triggered_by_token".to_owned(), json!([secret]));
        });
        let bad = json!({"id": "no-uuid", "triggered_by_token": token});
        model.set_text(ids[13], &bad.to_string());
        model.set_text(ids[14], &json!([token]).to_string());
    }
    for options in [options(), full()] {
        assert_eq!(exit_code(&workspace.sync(&options)), 3, "two items are in quarantine");
    }
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let bytes = std::fs::read(workspace.file(&format!("runledger.db{suffix}"))).unwrap_or_default();
        assert!(!suffix.is_empty() || bytes.len() > 100_000, "the archive was read");
        let found = bytes.windows(TOKEN_PREFIX.len()).any(|window| window == TOKEN_PREFIX.as_bytes());
        assert!(!found, "runledger.db{suffix} contains a credential");
    }
    assert_eq!(workspace.states(ids[0])[0]["triggered_by_token"], "4b33ea35-0000-4000-8000-000000000001");
}

/// A run's document gets a key for each number.
fn add_unknown_keys(workspace: &Workspace, id: Uuid, numbers: std::ops::Range<usize>) {
    workspace.sandbox.model().change(id, |run| {
        run.extend(numbers.map(|number| (format!("unknown_{number:06}"), json!(number))));
    });
}

#[test]
fn unknown_keys_of_any_number_are_kept_and_a_bounded_number_is_listed() {
    let workspace = Workspace::of(60);
    let ids = settled(&workspace.sandbox.model());
    let listed = || {
        ["field", "value"]
            .map(|kind| workspace.number(&format!("SELECT count(*) FROM drift WHERE kind = '{kind}'")))
    };
    add_unknown_keys(&workspace, ids[0], 0..50_000);
    let summary = complete(&workspace, &options());
    assert_eq!((listed(), summary.new_drift.len(), summary.drift_unrecorded), ([100, 0], 100, 49_900));
    assert!(workspace.archived() == workspace.truth(), "the run keeps every key");

    // Reading the run again adds nothing.
    let summary = complete(&workspace, &full());
    assert_eq!((listed(), summary.new_drift.len(), tally(&summary)[1]), ([100, 0], 0, 0));

    // Many runs with other keys fill the list, and hide no unknown status.
    for (place, id) in ids[1..15].iter().enumerate() {
        add_unknown_keys(&workspace, *id, 100_000 + place * 90..100_000 + (place + 1) * 90);
    }
    workspace.sandbox.model().change(*ids.last().unwrap(), |run| {
        run.insert("status".to_owned(), json!("paused"));
    });
    complete(&workspace, &full());
    assert_eq!(listed(), [1000, 1]);
    assert!(workspace.archived() == workspace.truth());
}
