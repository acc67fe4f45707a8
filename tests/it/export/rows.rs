//! Exported rows parse back to the archive's rows.

use crate::support::ledger;
use chrono_tz::Tz;
use proptest::prelude::*;
use runledger::internal::export::column_totals::ColumnTotals;
use runledger::internal::export::json::Layout;
use runledger::internal::export::{Dialect, csv, json};
use runledger::internal::report::period::Calendar;
use runledger::internal::report::rows::{self, RowStream};
use runledger::internal::report::table::USD_DECIMALS;
use runledger::internal::report::{Cell, Dimension, Ledger, Span, cost};
use runledger::internal::run::money::nanos_of_number;
use runledger::internal::run::{Instant, Usd};
use rusqlite::Connection;
use rusqlite::types::Value;

const ALWAYS: Span = Span { from: None, until: None };

/// The columns and rows of the statement behind an export.
type Rows = (Vec<String>, Vec<Vec<Value>>);

fn stored(archive: &Connection, view: &str, columns: &[String], order: &str) -> Vec<Vec<Value>> {
    let names: Vec<String> = columns.iter().map(|column| format!("\"{column}\"")).collect();
    let sql = format!("SELECT {} FROM {view} ORDER BY {order}", names.join(", "));
    let mut statement = archive.prepare(&sql).unwrap();
    let rows =
        statement.query_map([], |row| (0..columns.len()).map(|column| row.get(column)).collect()).unwrap();
    rows.map(rusqlite::Result::unwrap).collect()
}

fn csv_of(selection: &mut RowStream<'_>) -> (Vec<String>, Vec<Vec<String>>) {
    let mut out = Vec::new();
    csv::write_rows(selection, &Dialect::MACHINE, USD_DECIMALS, &mut ColumnTotals::default(), &mut out)
        .unwrap();
    assert!(!out.contains(&b'\r'));
    let mut reader = ::csv::Reader::from_reader(out.as_slice());
    let columns = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
    (columns, rows)
}

fn ndjson_of(selection: &mut RowStream<'_>) -> Vec<serde_json::Value> {
    let mut out = Vec::new();
    json::write_rows(selection, Layout::Lines, USD_DECIMALS, &mut ColumnTotals::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn both<'l>(ledger: &'l Ledger<'_>) -> [(RowStream<'l>, &'static str, &'static str); 2] {
    [
        (rows::runs(ledger).unwrap(), "runs", "booked_at, run_id"),
        (rows::snapshots(ledger).unwrap(), "run_snapshots", "snapshot_id"),
    ]
}

#[test]
fn exported_csv_parses_back_to_the_archives_rows() {
    let archive = ledger::small();
    for (mut selection, view, order) in both(&ledger::opened(&archive, &ALWAYS, Tz::UTC)) {
        let (columns, rows) = csv_of(&mut selection);
        let stored: Rows = (columns.clone(), stored(&archive, view, &columns, order));
        assert_eq!(rows.len(), stored.1.len());
        for (row, stored) in rows.iter().zip(stored.1) {
            for ((column, text), value) in columns.iter().zip(row).zip(stored) {
                match value {
                    Value::Null => assert_eq!(text, "", "{column}"),
                    Value::Integer(whole) => assert_eq!(text.parse(), Ok(whole), "{column}"),
                    Value::Real(real) if column.ends_with("_usd") => {
                        let nanos = nanos_of_number(text).unwrap();
                        assert_eq!(nanos as f64 / 1e9, real, "{column}: {text}");
                        assert_eq!(text.split_once('.').unwrap().1.len(), 9, "{column}: {text}");
                    }
                    Value::Real(real) => {
                        assert_eq!(text.parse::<f64>().unwrap().to_bits(), real.to_bits(), "{column}");
                        assert!(!text.contains(['e', 'E']), "{column}: {text}");
                    }
                    Value::Text(stored) => assert_eq!(*text, stored, "{column}"),
                    Value::Blob(bytes) => assert_eq!(text.len(), bytes.len() * 2, "{column}"),
                }
            }
        }
    }
}

#[test]
fn exported_json_parses_back_to_the_archives_rows() {
    let archive = ledger::small();
    for (mut selection, view, order) in both(&ledger::opened(&archive, &ALWAYS, Tz::UTC)) {
        let columns: Vec<String> = selection.columns().iter().map(|column| column.name.clone()).collect();
        let objects = ndjson_of(&mut selection);
        let mut array = Vec::new();
        json::write_rows(
            &mut selection,
            Layout::Array,
            USD_DECIMALS,
            &mut ColumnTotals::default(),
            &mut array,
        )
        .unwrap();
        assert_eq!(serde_json::from_slice::<Vec<serde_json::Value>>(&array).unwrap(), objects);
        let stored = stored(&archive, view, &columns, order);
        assert_eq!(objects.len(), stored.len());
        for (object, stored) in objects.iter().zip(stored) {
            for (column, value) in columns.iter().zip(stored) {
                let exported = &object[column];
                match value {
                    Value::Null => assert!(exported.is_null(), "{column}"),
                    Value::Integer(whole) => assert_eq!(exported.as_i64(), Some(whole), "{column}"),
                    Value::Real(real) => {
                        assert_eq!(exported.as_f64().map(f64::to_bits), Some(real.to_bits()), "{column}");
                    }
                    Value::Text(text) if exported.is_string() => assert_eq!(exported.as_str(), Some(&*text)),
                    Value::Text(text) => {
                        assert_eq!(
                            *exported,
                            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
                            "{column}"
                        );
                    }
                    Value::Blob(bytes) => assert_eq!(exported.as_str().unwrap().len(), bytes.len() * 2),
                }
            }
        }
    }
}

#[test]
fn json_columns_become_real_json_on_one_line() {
    let archive = ledger::small();
    let objects = ndjson_of(&mut rows::runs(&ledger::opened(&archive, &ALWAYS, Tz::UTC)).unwrap());
    let run = objects.iter().find(|object| object["run_id"] == "run-01").unwrap();
    assert_eq!(run["trigger"]["type"], "cron");
    assert_eq!(run["el_cost_metadata"]["rows"][1], 2);
    assert_eq!(run["unmapped"], serde_json::Value::Null);
}

#[test]
fn runs_are_sorted_by_booking_then_id() {
    let archive = ledger::small();
    let (columns, rows) = csv_of(&mut rows::runs(&ledger::opened(&archive, &ALWAYS, Tz::UTC)).unwrap());
    assert_eq!(columns[0], "run_id");
    let ids: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(
        ids,
        [
            "run-08", "run-01", "run-02", "run-03", "run-04", "run-05", "run-06", "run-07", "run-09",
            "run-10", "run-11", "run-12"
        ]
    );
}

#[test]
fn an_export_contains_only_its_span() {
    let archive = ledger::small();
    let january =
        Span { from: Instant::parse("2026-01-01T00:00:00Z"), until: Instant::parse("2026-02-01T00:00:00Z") };
    assert_eq!(csv_of(&mut rows::runs(&ledger::opened(&archive, &january, Tz::UTC)).unwrap()).1.len(), 3);
    assert_eq!(
        csv_of(&mut rows::snapshots(&ledger::opened(&archive, &january, Tz::UTC)).unwrap()).1.len(),
        9
    );
}

#[test]
fn an_export_buffers_only_runs_booked_at_one_instant() {
    let archive = ledger::small();
    let mut statement = archive.prepare(&["EXPLAIN QUERY PLAN ", rows::RUNS].concat()).unwrap();
    let mut plan = Vec::new();
    let mut steps = statement.raw_query();
    while let Some(step) = steps.next().unwrap() {
        plan.push(step.get::<_, String>("detail").unwrap());
    }
    assert!(plan[0].contains("USING INDEX run_snapshots_for_reports"), "{plan:?}");
    let sorts: Vec<&String> = plan.iter().filter(|step| step.contains("TEMP B-TREE")).collect();
    assert_eq!(sorts, ["USE TEMP B-TREE FOR LAST TERM OF ORDER BY"], "{plan:?}");
}

#[test]
fn duplicate_column_names_get_a_number_in_json() {
    let archive = ledger::empty();
    let statement =
        archive.prepare("SELECT 1 AS a, 2 AS a, 3 AS a_2, 4 AS a, 9e999 AS b, x'00ff' AS c").unwrap();
    let mut out = Vec::new();
    let selection = &mut RowStream::new(statement);
    json::write_rows(selection, Layout::Lines, USD_DECIMALS, &mut ColumnTotals::default(), &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\"a\":1,\"a_3\":2,\"a_2\":3,\"a_4\":4,\"b\":9e999,\"c\":\"00ff\"}\n"
    );
}

proptest! {
    #[test]
    fn exported_rows_sum_to_the_report(costs in prop::collection::vec(
        (any::<Option<i32>>(), any::<Option<i32>>(), 0_u32..500), 1..40)
    ) {
        let archive = ledger::empty();
        archive.pragma_update(None, "foreign_keys", false).unwrap();
        for (nth, (el, transformation, day)) in costs.iter().enumerate() {
            archive.execute(
                "INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, created_at, el_cost_usd,
                     el_cost_nanos, transformation_cost_usd, transformation_cost_nanos)
                 VALUES (?1, '', 1, zeroblob(32), strftime('%Y-%m-%dT%H:%M:%S', '2025-01-01', ?2) || '.000000Z',
                     ?3 / 1e9, ?3, ?4 / 1e9, ?4)",
                (format!("run-{nth}"), format!("+{day} days"), el, transformation),
            ).unwrap();
        }
        let (columns, rows) = csv_of(&mut rows::runs(&ledger::opened(&archive, &ALWAYS, Tz::UTC)).unwrap());
        let exported = |name: &str| -> i128 {
            let column = columns.iter().position(|column| column == name).unwrap();
            rows.iter().filter_map(|row| nanos_of_number(&row[column])).sum()
        };

        let by = [Dimension::Period(Calendar::Month)];
        let report = cost::report(&ledger::opened(&archive, &ALWAYS, Tz::Asia__Kathmandu), &by).unwrap();
        for name in ["el_cost_usd", "transformation_cost_usd", "total_cost_usd"] {
            let place = report.columns.iter().position(|column| column == name).unwrap();
            let reported: Usd = report.rows.iter().map(|row| match row[place] {
                Cell::Usd(usd) => usd.unwrap_or_default(),
                _ => unreachable!("{name} is money"),
            }).sum();
            prop_assert_eq!(reported, Usd::from_units(exported(name)));
        }
    }
}
