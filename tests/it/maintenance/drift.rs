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
    assert!(ran.code == 0 && ran.out.contains("paused") && ran.out.contains(&id), "{}", ran.out);
}
