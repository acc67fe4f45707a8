//! The reports on metadata, against hand-computed figures.

use super::{ALWAYS, MONTH, exact};
use crate::support::workspace::at;
use crate::support::{golden, ledger};
use chrono_tz::Tz;
use proptest::prelude::*;
use runledger::internal::export::json::Layout;
use runledger::internal::export::{Dialect, csv, json, markdown};
use runledger::internal::report::components::{self, MonetaryNames};
use runledger::internal::report::table::{USD_DECIMALS, USD_DECIMALS_FOR_PEOPLE};
use runledger::internal::report::{Cell, Dimension, Ledger, MetadataPath, Scope, Table, cost, metadata};
use std::collections::BTreeMap;

/// The rows in machine format, cells joined by `|`.
fn lines(table: &Table) -> Vec<String> {
    exact(table).iter().map(|row| row.join("|")).collect()
}

fn components_by(by: &[Dimension], names: &MonetaryNames) -> Table {
    let archive = ledger::metadata();
    let ledger = ledger::opened(&archive, &ALWAYS, Tz::UTC);
    components::report_across(&[ledger], by, names).unwrap()
}

#[test]
fn every_path_is_listed_with_its_types_and_figures() {
    let archive = ledger::metadata();
    let table =
        metadata::report(&ledger::opened(&archive, &ALWAYS, Tz::UTC), &MonetaryNames::default()).unwrap();
    let first_and_last = ["first_booked_at", "last_booked_at"]
        .map(|name| table.columns.iter().position(|column| column == name).unwrap());
    let days = |row: &[String]| {
        let days = first_and_last.map(|column| row[column][5..10].to_owned());
        [&row[..3], &days[..], &row[5..]].concat().join("|")
    };
    assert_eq!(
        exact(&table).iter().map(|row| days(row)).collect::<Vec<_>>(),
        [
            "el_cost_metadata|object|4|01-05|02-03||||",
            "el_cost_metadata.compute|object|4|01-05|02-03||||",
            "el_cost_metadata.compute.instance_type|null, string|4|01-05|02-03||||c5.xlarge",
            "el_cost_metadata.compute.usd|number|3|01-05|02-01|0.100000000|1.500000000|2.200000000|",
            "el_cost_metadata.items|array|1|02-01|02-01||||",
            "el_cost_metadata.items[*]|object|1|02-01|02-01||||",
            "el_cost_metadata.items[*].usd|number|1|02-01|02-01|0.100000000|0.200000000|0.300000000|",
            "el_cost_metadata.network|object|2|01-05|01-06||||",
            "el_cost_metadata.network.usd|null, number|2|01-05|01-06|0.300000000|0.300000000|0.300000000|",
            "el_cost_metadata.size|number, string|3|01-05|02-01|2|10|12|",
            "el_cost_metadata.spot|boolean|2|01-05|01-06||||false",
            "el_cost_metadata.total_usd|number|1|01-05|01-05|0.900000000|0.900000000|0.900000000|",
            "el_cost_metadata.zones|array|2|01-05|01-06||||",
            "el_cost_metadata.zones[*]|string|1|01-05|01-05||||a",
            "transformation_cost_metadata|object|1|02-02|02-02||||",
            "transformation_cost_metadata.cluster|object|1|02-02|02-02||||",
            "transformation_cost_metadata.cluster.usd|number|1|02-02|02-02|3.000000000|3.000000000|3.000000000|",
            "transformation_cost_metadata.storage_usd|number|1|02-02|02-02|0.000000001|0.000000001|0.000000001|",
            "extra_config|object|1|02-02|02-02||||",
            r#"extra_config."a b"|object|1|02-02|02-02||||"#,
            r#"extra_config."a b"."x.y"|number|1|02-02|02-02|1|1|1|"#,
            r#"extra_config."a b"."é\u002c\""|string|1|02-02|02-02||||ü"q"#,
        ]
    );
}

#[test]
fn amounts_in_metadata_are_listed_by_path_next_to_the_cost() {
    let table = components_by(&[MONTH], &MonetaryNames::default());
    assert_eq!(
        table.columns.join("|"),
        "month|path|runs_with_path|group_runs|group_runs_cost_unknown|component_usd|group_cost_usd|explained_rate"
    );
    assert_eq!(
        lines(&table),
        [
            "2026-01|el_cost_metadata.compute.usd|2|2|0|2.100000000|3.000000000|0.700000",
            "2026-01|el_cost_metadata.network.usd|1|2|0|0.300000000|3.000000000|0.100000",
            "2026-01|el_cost_metadata.total_usd|1|2|0|0.900000000|3.000000000|0.300000",
            "2026-02|el_cost_metadata.compute.usd|1|4|1|0.100000000|0.750000000|0.133333",
            "2026-02|el_cost_metadata.items[*].usd|1|4|1|0.300000000|0.750000000|0.400000",
            "2026-02|transformation_cost_metadata.cluster.usd|1|4|1|3.000000000|4.000000000|0.750000",
            "2026-02|transformation_cost_metadata.storage_usd|1|4|1|0.000000001|4.000000000|0.000000",
        ]
    );
    // total_usd contains the other two.
    assert_eq!(table.totals, None);
}

#[test]
fn a_group_without_amounts_still_shows_its_cost() {
    let names = MonetaryNames::try_from(vec!["storage_usd".to_owned()]).unwrap();
    let table = components_by(&[Dimension::Kind], &names);
    assert_eq!(
        lines(&table),
        [
            "source||0|5|1||3.750000000|",
            "transformation|transformation_cost_metadata.storage_usd|1|1|0|0.000000001|4.000000000|0.000000",
        ]
    );
}

#[test]
fn metadata_is_as_known_at_the_moment() {
    let archive = ledger::metadata();
    let scope = Scope { as_of: Some(at("2026-03-01T00:00:02.500000Z")), ..Scope::default() };
    let ledger = Ledger::open(&archive, scope).unwrap();
    let table = metadata::report(&ledger, &MonetaryNames::default()).unwrap();
    let instance_types = table.rows.iter().find(|row| row[0].exact().unwrap().ends_with("instance_type"));
    assert_eq!(instance_types.unwrap().last(), Some(&Cell::text("m5.large")));
    assert!(!lines(&table).iter().any(|line| line.contains("items")), "the array came later");
    let components =
        components::report_across(&[ledger], &[Dimension::Pipeline], &MonetaryNames::default()).unwrap();
    assert!(lines(&components).iter().any(|line| line.ends_with("|0.400000000|0.400000000|1.000000")));
}

#[test]
fn reports_on_metadata_match_their_golden_files_in_every_format() {
    let archive = ledger::metadata();
    let ledger = ledger::opened(&archive, &ALWAYS, Tz::America__Sao_Paulo);
    let path = MetadataPath::parse("el_cost_metadata.compute.instance_type").unwrap();
    let paths = metadata::report(&ledger, &MonetaryNames::default()).unwrap();
    let paths_for_people = metadata::for_people(&paths, Tz::America__Sao_Paulo);
    let by_path = cost::report(&ledger, &[MONTH, Dimension::Metadata(path)]).unwrap();
    let amounts = components::report_across(&[ledger], &[MONTH], &MonetaryNames::default()).unwrap();
    for (name, table, for_people) in [
        ("metadata", &paths, &paths_for_people),
        ("components", &amounts, &amounts),
        ("cost-by-path", &by_path, &by_path),
    ] {
        let mut outputs: [Vec<u8>; 4] = Default::default();
        let [csv_text, excel, json_text, md] = &mut outputs;
        golden::assert_screens(name, for_people, &format!("report {}", name.split('-').next().unwrap()));
        csv::write_table(table, &Dialect::MACHINE, USD_DECIMALS, csv_text).unwrap();
        csv::write_table(table, &Dialect::named("excel-br").unwrap(), USD_DECIMALS, excel).unwrap();
        json::write_table(table, Layout::Array, USD_DECIMALS, json_text).unwrap();
        markdown::write_table(for_people, USD_DECIMALS_FOR_PEOPLE, md).unwrap();
        for (ending, bytes) in ["csv", "excel-br.csv", "json", "md"].iter().zip(&outputs) {
            golden::assert_golden(&format!("{name}.{ending}"), bytes);
        }
    }
}

/// JSON documents with amounts at any depth, in whole thousandths.
fn document() -> impl Strategy<Value = serde_json::Value> {
    let thousandths = |number: i32| serde_json::json!(f64::from(number) / 1000.0);
    let leaf = prop_oneof![
        (-99_999..99_999).prop_map(thousandths),
        Just(serde_json::Value::Null),
        Just(serde_json::json!("1.5")),
        any::<bool>().prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::hash_map(
                prop::sample::select(vec!["usd", "a_usd", "total", "part-1"]).prop_map(str::to_owned),
                inner,
                0..4
            )
            .prop_map(serde_json::Value::from_iter),
        ]
    })
}

/// Adds the amounts below a value to the sums by path, in nano-dollars.
fn add_amounts(value: &serde_json::Value, path: &str, name: &str, sums: &mut BTreeMap<String, i64>) {
    match value {
        serde_json::Value::Object(entries) => {
            entries.iter().for_each(|(key, value)| add_amounts(value, &format!("{path}.{key}"), key, sums));
        }
        serde_json::Value::Array(elements) => {
            elements.iter().for_each(|element| add_amounts(element, &format!("{path}[*]"), name, sums));
        }
        serde_json::Value::Number(number) if name.ends_with("usd") => {
            let thousandths = (number.as_f64().unwrap() * 1000.0).round() as i64;
            *sums.entry(path.to_owned()).or_default() += thousandths * 1_000_000;
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn amounts_of_any_document_are_summed_by_path_exactly(documents in prop::collection::vec(document(), 1..8)) {
        let archive = ledger::empty();
        archive.execute_batch(
            "INSERT INTO syncs (sync_id, kind, started_at, process_id, program_version, api_url, last_observed_at)
             VALUES (1, 'first', '2026-01-01T00:00:00.000000Z', 1, '0.1.0', 'http://h/', '2026-01-01T00:00:01.000000Z')",
        ).unwrap();
        let mut expected = BTreeMap::new();
        for (number, document) in documents.iter().enumerate() {
            archive.execute(
                "INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, created_at, el_cost_metadata)
                 VALUES (?1, '2026-01-01T00:00:01.000000Z', 1, zeroblob(32), '2026-01-01T00:00:00.000000Z', ?2)",
                rusqlite::params![format!("run-{number}"), document.to_string()],
            ).unwrap();
            add_amounts(document, "el_cost_metadata", "", &mut expected);
        }
        let ledger = ledger::opened(&archive, &ALWAYS, Tz::UTC);
        let table = components::report_across(&[ledger], &[MONTH], &MonetaryNames::default()).unwrap();
        let found: BTreeMap<String, i64> = exact(&table)
            .iter()
            .filter(|row| !row[1].is_empty())
            .map(|row| (row[1].clone(), row[5].replace('.', "").parse().unwrap()))
            .collect();
        prop_assert_eq!(found, expected);
    }
}
