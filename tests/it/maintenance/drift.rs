//! The command `drift`.

use super::{eventful, json_of, run};

#[test]
fn drift_lists_unknown_fields_and_values_with_an_example() {
    let workspace = eventful(60);
    let id = workspace.ids()[2].to_string();
    let printed = json_of(&run(&workspace.path(), &["drift", "--json"]));
    let rows: Vec<_> = printed
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            assert_eq!(row["example_run_id"], id.as_str());
            assert!(row["first_seen_at"].as_str().unwrap().starts_with("2026-11-23T17:00:00."));
            ["field", "kind", "observed"].map(|key| row[key].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(rows, [["colour", "field", "string"], ["status", "value", "paused"]]);
    let ran = run(&workspace.path(), &["drift"]);
    assert!(ran.code == 0 && ran.out.contains("paused") && ran.out.contains(&id[..8]), "{}", ran.out);
}

#[test]
fn a_word_that_an_earlier_version_did_not_know_is_no_drift() {
    let workspace = eventful(60);
    let archive = rusqlite::Connection::open(workspace.path()).unwrap();
    let recorded = archive
        .execute(
            "INSERT INTO drift (field, kind, observed, first_seen_at, sync_id, example_run_id) \
             SELECT 'credit_charge_status', 'value', 'first_extraction', first_seen_at, sync_id, example_run_id \
             FROM drift LIMIT 1",
            [],
        )
        .unwrap();
    assert_eq!(recorded, 1);
    for arguments in [&["drift"][..], &["drift", "--json"], &["status", "--json"]] {
        let ran = run(&workspace.path(), arguments);
        assert!(
            ran.out.contains("paused") && !ran.out.contains("first_extraction"),
            "{arguments:?}: {}",
            ran.out
        );
    }
    let ran = run(&workspace.path(), &["status"]);
    assert!(ran.out.contains("\nAPI drift    2: "), "{}", ran.out);
}
