//! Reports by a path into the metadata.

use super::{ALWAYS, MONTH, exact};
use crate::support::ledger;
use chrono_tz::Tz;
use proptest::prelude::*;
use runledger::internal::report::components::MonetaryNames;
use runledger::internal::report::{Dimension, MetadataPath, Span, Table, cost, duration, metadata};
use runledger::internal::run::Instant;
use rusqlite::Connection;

fn path(text: &str) -> Dimension {
    Dimension::Metadata(MetadataPath::parse(text).unwrap())
}

fn costs(archive: &Connection, by: &[Dimension]) -> Table {
    cost::report(&ledger::opened(archive, &ALWAYS, Tz::UTC), by).unwrap()
}

/// The label and the number of runs of each group.
fn groups(archive: &Connection, text: &str) -> Vec<String> {
    exact(&costs(archive, &[path(text)])).iter().map(|row| row[..2].join(" ")).collect()
}

#[test]
fn costs_by_a_path_match_hand_computed_values() {
    let table = costs(&ledger::metadata(), &[path("el_cost_metadata.compute.instance_type")]);
    assert_eq!(table.columns[0], "el_cost_metadata.compute.instance_type");
    assert_eq!(
        exact(&table).iter().map(|row| row.join("|")).collect::<Vec<_>>(),
        [
            "c5.xlarge|1|0|0.500000000||0.500000000|0|0.500000000",
            "m5.large|2|0|3.000000000||3.000000000|0|1.500000000",
            // A path that is null, a column that is null, and the other column.
            "|3|1|0.250000000|4.000000000|4.250000000|0|2.125000000",
        ]
    );
}

#[test]
fn a_path_combines_with_other_dimensions_and_paths() {
    let archive = ledger::metadata();
    let by = [MONTH, path("el_cost_metadata.spot"), path("el_cost_metadata.size"), Dimension::Kind];
    let labels: Vec<String> = exact(&costs(&archive, &by)).iter().map(|row| row[..5].join("|")).collect();
    assert_eq!(
        labels,
        [
            "2026-01|false|2|source|1",
            "2026-01|true|2|source|1",
            "2026-02||10|source|1",
            "2026-02|||source|2",
            "2026-02|||transformation|1",
        ]
    );
    let span = Span { from: Instant::parse("2026-02-01T00:00:00Z"), until: None };
    let durations =
        duration::report(&ledger::opened(&archive, &span, Tz::UTC), &[path("el_cost_metadata.size")])
            .unwrap();
    let rows = exact(&durations);
    assert_eq!([&rows[0][..2], &rows[1][..2]], [["10", "1"], ["", "3"]]);
}

#[test]
fn arrays_types_and_missing_values_have_defined_groups() {
    let archive = ledger::metadata();
    // An array is one value, and an element has its index.
    assert_eq!(groups(&archive, "el_cost_metadata.zones"), [r#"["a","b"] 1"#, "[] 1", " 4"]);
    assert_eq!(groups(&archive, "el_cost_metadata.zones[1]"), ["b 1", " 5"]);
    assert_eq!(groups(&archive, "el_cost_metadata.items[1].usd"), ["0.2 1", " 5"]);
    // A number and a text with the same digits are one group, and true is not 1.
    assert_eq!(groups(&archive, "el_cost_metadata.size"), ["10 1", "2 2", " 3"]);
    assert_eq!(groups(&archive, "el_cost_metadata.spot"), ["false 1", "true 1", " 4"]);
    assert_eq!(groups(&archive, "el_cost_metadata.network.usd"), ["0.3 1", " 5"]);
    assert_eq!(groups(&archive, r#"extra_config."a b"."é\u002c\"""#), [r#"ü"q 1"#, " 5"]);
    assert_eq!(groups(&archive, "extra_config.nothing.here"), [" 6"]);
}

#[test]
fn every_listed_path_without_elements_is_a_dimension() {
    let archive = ledger::metadata();
    let listed =
        metadata::report(&ledger::opened(&archive, &ALWAYS, Tz::UTC), &MonetaryNames::default()).unwrap();
    let mut tried = 0;
    for row in exact(&listed).iter().filter(|row| !row[0].contains("[*]")) {
        let table = costs(&archive, &[path(&row[0])]);
        let runs: u64 = exact(&table)
            .iter()
            .filter(|row| !row[0].is_empty())
            .map(|row| row[1].parse::<u64>().unwrap())
            .sum();
        // A run with null has the path, but no value.
        let nulls = u64::from(row[1].contains("null"));
        assert_eq!(runs + nulls, row[2].parse::<u64>().unwrap(), "{}", row[0]);
        tried += 1;
    }
    assert_eq!(tried, 19);
}

#[test]
fn a_report_with_too_many_dimensions_is_a_usage_error() {
    let archive = ledger::metadata();
    let by: Vec<Dimension> = (0..17).map(|number| path(&format!("extra_config.a{number}"))).collect();
    let error = cost::report(&ledger::opened(&archive, &ALWAYS, Tz::UTC), &by).unwrap_err();
    assert_eq!((error.exit_code(), error.to_string().contains("at most 16")), (2, true));
    assert_eq!(costs(&archive, &by[1..]).rows.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn groups_by_a_path_are_those_of_json_extract(
        values in prop::collection::vec(prop::option::of("[a-c\"\\\\é ]{0,3}"), 1..12),
        key in "[a-z.\"\\\\, é\\[\\]]{1,4}",
    ) {
        let archive = ledger::empty();
        archive.execute_batch(
            "INSERT INTO syncs (sync_id, kind, started_at, process_id, program_version, api_url, last_observed_at)
             VALUES (1, 'first', '2026-01-01T00:00:00.000000Z', 1, '0.1.0', 'http://h/', '2026-01-01T00:00:01.000000Z')",
        ).unwrap();
        for (number, value) in values.iter().enumerate() {
            let document = value.as_ref().map(|value| serde_json::json!({ &key: value }).to_string());
            archive.execute(
                "INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, created_at, extra_config)
                 VALUES (?1, '2026-01-01T00:00:01.000000Z', 1, zeroblob(32), '2026-01-01T00:00:00.000000Z', ?2)",
                rusqlite::params![format!("run-{number}"), document],
            ).unwrap();
        }
        let quoted = serde_json::to_string(&key).unwrap();
        let table = costs(&archive, &[path(&format!("extra_config.{quoted}"))]);
        let mut found: Vec<(Option<String>, String)> = table
            .rows
            .iter()
            .map(|row| (row[0].exact(), row[1].exact().unwrap()))
            .collect();
        let mut statement = archive
            .prepare(
                "SELECT j.value, CAST(count(*) AS TEXT) FROM run_snapshots AS r
                 LEFT JOIN json_each(r.extra_config) AS j GROUP BY 1",
            )
            .unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let mut expected: Vec<(Option<String>, String)> = rows.map(Result::unwrap).collect();
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
    }
}
