//! Values and column types of a Parquet dataset.

use super::{counted, files, options, rows_of, write, write_in};
use crate::support::ledger;
use ::parquet::basic::{LogicalType, TimeUnit};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use chrono_tz::Tz;
use runledger::internal::error::Error;
use runledger::internal::export::parquet::schema;
use runledger::internal::report::rows::Value;
use runledger::internal::report::rows::dataset::{DatasetTable, RowRange, rows};
use runledger::internal::report::{Ledger, Scope};
use runledger::internal::run::{Instant, Usd};
use std::fs::File;
use std::path::PathBuf;

/// Converts a value of the archive to a value of a file.
fn same(value: Value<'_>, field: &Field) -> bool {
    let nanos = |field: &Field| match field {
        Field::Decimal(decimal) => {
            assert_eq!((decimal.precision(), decimal.scale()), (18, 9));
            decimal
                .data()
                .iter()
                .fold(if decimal.data()[0] & 128 == 128 { -1_i128 } else { 0 }, |nanos, byte| {
                    nanos << 8 | i128::from(*byte)
                })
        }
        other => panic!("not an amount: {other:?}"),
    };
    match (value, field) {
        (Value::Null, Field::Null) => true,
        (Value::Integer(whole), Field::Long(there)) => whole == *there,
        (Value::Integer(flag), Field::Bool(there)) => (flag == 1) == *there,
        (Value::Integer(whole), Field::Decimal(_)) => i128::from(whole) == nanos(field),
        (Value::Integer(whole), Field::Double(there)) => whole as f64 == *there,
        (Value::Real(real), Field::Double(there)) => real.to_bits() == there.to_bits(),
        (Value::Text(text), Field::Str(there)) => text == there.as_bytes(),
        (Value::Blob(blob), Field::Str(there)) => {
            *there == blob.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        }
        (Value::Text(text), Field::TimestampMicros(there)) => {
            let at = Instant::parse(std::str::from_utf8(text).unwrap()).unwrap();
            at.to_utc().timestamp_micros() == *there
        }
        (value, field) => panic!("{value:?} was written as {field:?}"),
    }
}

#[test]
fn every_value_round_trips_through_the_file_of_its_month() {
    let archive = ledger::small();
    let folder = tempfile::tempdir().unwrap();
    let zone = Tz::America__Sao_Paulo;
    let scope = Scope { zone, ..Scope::default() };
    write_in(&archive, folder.path(), scope.clone(), &options(&DatasetTable::ALL, None)).unwrap();
    let ledger = Ledger::open(&archive, scope).unwrap();
    for table in DatasetTable::ALL {
        let stretches = match table {
            DatasetTable::Pipelines => vec![RowRange::All],
            _ => vec![RowRange::Booked(None, None), RowRange::Unbooked],
        };
        let mut paths: Vec<PathBuf> = files(folder.path())
            .keys()
            .filter(|name| name.starts_with(&format!("{}/", table.name())))
            .map(|name| folder.path().join(name))
            .collect();
        // Rows without a booking instant come last in both.
        paths.sort_by_key(|path| (path.to_str().unwrap().contains("__HIVE"), path.clone()));
        let there: Vec<Vec<(String, Field)>> = paths.iter().flat_map(|path| rows_of(path)).collect();
        let mut there = there.iter();
        for stretch in stretches {
            let mut selection = rows(&ledger, table, stretch, "small").unwrap();
            let names: Vec<&str> = selection.columns().iter().map(|column| column.name.as_str()).collect();
            let columns: Vec<&str> =
                schema::columns(table).iter().map(|column| column.name.as_str()).collect();
            assert_eq!(names, columns, "the schema has the columns of the query");
            selection
                .for_each(|row| -> Result<(), Error> {
                    let fields = there.next().unwrap();
                    for (value, (name, field)) in row.values().zip(fields) {
                        assert!(same(value, field), "{name}: {value:?} was written as {field:?}");
                    }
                    Ok(())
                })
                .unwrap();
        }
        assert!(there.next().is_none());
    }
    let of_february = rows_of(&folder.path().join("runs/month=2026-02/part-0.parquet"));
    assert_eq!(of_february.len(), 1, "run-04 started in February in UTC, in January in the zone");
    assert_eq!(rows_of(&folder.path().join("runs/month=unbooked/part-0.parquet")).len(), 1);
}

#[test]
fn column_types_are_readable_by_every_engine() {
    let folder = tempfile::tempdir().unwrap();
    write(&ledger::small(), folder.path());
    for table in ["runs/month=2026-01", "run_snapshots/month=2026-01", "pipelines"] {
        let path = folder.path().join(table).join("part-0.parquet");
        let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
        let group = reader.metadata().row_group(0);
        assert!(!group.sorting_columns().unwrap().is_empty());
        for column in group.columns() {
            let name = column.column_path().string();
            let logical = column.column_descr().logical_type_ref().cloned();
            let expected = match column.column_descr().physical_type().to_string().as_str() {
                "BYTE_ARRAY" => Some(LogicalType::String),
                _ if name.ends_with("_at") => Some(LogicalType::timestamp(true, TimeUnit::MICROS)),
                _ if name.ends_with("_exact") => Some(LogicalType::decimal(9, 18)),
                _ => None,
            };
            assert_eq!(logical, expected, "{name}");
            assert!(column.statistics().is_some(), "{name} has statistics");
        }
    }
}

#[test]
fn an_oversized_amount_is_counted_and_kept_as_a_double() {
    let archive = ledger::small();
    let folder = tempfile::tempdir().unwrap();
    archive
        .execute_batch(
            "UPDATE run_snapshots SET el_cost_usd = 1e9, el_cost_nanos = 1000000000000000000 WHERE snapshot_id = 4",
        )
        .unwrap();
    let runs = options(&[DatasetTable::Runs], None);
    let done = write_in(&archive, folder.path(), Scope::default(), &runs).unwrap();
    // The cost, and with it the total.
    assert_eq!(done.amounts_too_large, 2);
    let row = &rows_of(&folder.path().join("runs/month=2026-02/part-0.parquet"))[0];
    let cell = |name: &str| row.iter().find(|(column, _)| column == name).unwrap().1.clone();
    assert_eq!((cell("el_cost_usd"), cell("el_cost_usd_exact")), (Field::Double(1e9), Field::Null));
    let again = write_in(&archive, folder.path(), Scope::default(), &runs).unwrap();
    assert_eq!(again.amounts_too_large, 2, "every export counts it");
}

#[test]
fn sums_of_exact_amounts_equal_the_report() {
    let archive = ledger::small();
    let folder = tempfile::tempdir().unwrap();
    write(&archive, folder.path());
    let ledger = ledger::opened(&archive, &Default::default(), Tz::UTC);
    let total = runledger::internal::report::cost::total(&ledger).unwrap().total();
    let mut sum = 0_i128;
    for name in files(folder.path()).keys().filter(|name| name.starts_with("runs/")) {
        for row in rows_of(&folder.path().join(name)) {
            if let (_, Field::Decimal(decimal)) =
                row.iter().find(|(column, _)| column == "total_cost_usd_exact").unwrap()
            {
                sum += i128::from(i64::from_be_bytes(decimal.data().try_into().unwrap()));
            }
        }
    }
    assert_eq!(Some(Usd::from_units(sum)), total);
}

#[test]
fn every_table_of_the_parquet_docs_matches_the_schema() {
    use schema::Type;
    let page = include_str!("../../../../docs/parquet.md");
    let engines = ["### Spark", "### Trino", "### Athena", "### BigQuery"];
    for engine in engines {
        let block =
            page.split(engine).nth(1).unwrap().split("```sql\n").nth(1).unwrap().split("```").next().unwrap();
        for table in DatasetTable::ALL {
            let named = [format!("TABLE {} (", table.name()), format!(".{} (", table.name())];
            let (_, rest) = named.iter().find_map(|name| block.split_once(name)).unwrap();
            let listed = rest.split_once("\n)").unwrap().0.trim().split(",\n");
            let mut listed: Vec<String> = listed.map(|line| line.trim().replace(['"', '`'], "")).collect();
            let has_months = table != DatasetTable::Pipelines;
            if has_months && ["### Spark", "### Trino"].contains(&engine) {
                assert!(listed.pop().unwrap().starts_with("month "), "{engine}");
            }
            let expected: Vec<String> = schema::columns(table)
                .iter()
                .map(|column| {
                    let words = match (engine, column.is) {
                        ("### Spark", Type::Text | Type::Json | Type::Hex) => "STRING",
                        ("### Spark", Type::Whole) => "BIGINT",
                        ("### Spark", Type::Double) => "DOUBLE",
                        ("### Spark", Type::Usd) => "DECIMAL(18,9)",
                        ("### Spark" | "### BigQuery", Type::Instant) => "TIMESTAMP",
                        ("### Spark", Type::Flag) => "BOOLEAN",
                        ("### BigQuery", Type::Text | Type::Json | Type::Hex) => "STRING",
                        ("### BigQuery", Type::Whole) => "INT64",
                        ("### BigQuery", Type::Double) => "FLOAT64",
                        ("### BigQuery", Type::Usd) => "NUMERIC(18, 9)",
                        ("### BigQuery", Type::Flag) => "BOOL",
                        ("### Trino", Type::Text | Type::Json | Type::Hex) => "varchar",
                        ("### Trino", Type::Instant) => "timestamp(6)",
                        (_, Type::Text | Type::Json | Type::Hex) => "string",
                        (_, Type::Instant) => "timestamp",
                        (_, Type::Whole) => "bigint",
                        (_, Type::Double) => "double",
                        (_, Type::Usd) => "decimal(18,9)",
                        (_, Type::Flag) => "boolean",
                    };
                    format!("{} {words}", column.name)
                })
                .collect();
            assert_eq!(listed, expected, "{engine}, {}", table.name());
        }
    }
}

#[test]
fn an_archive_without_runs_gives_all_tables() {
    let archive = runledger::internal::store::Archive::temporary().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("lake");
    write(archive.connection(), &place);
    for table in ["pipelines/", "runs/", "run_snapshots/"] {
        assert_eq!(counted(&place, table).0, 0);
        assert_eq!(files(&place).keys().filter(|name| name.starts_with(table)).count(), 1, "{table}");
    }
    let again = write(archive.connection(), &place);
    assert!(again.values().all(|summary| summary.written == 0 && summary.removed == 0), "{again:?}");
}
