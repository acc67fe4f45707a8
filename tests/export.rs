//! This is the test of the exports: what is written parses back as what the archive holds, and is written whole.

#[path = "support/ledger.rs"]
mod ledger;

use chrono_tz::Tz;
use clap::Parser;
use proptest::prelude::*;
use runledger::cli::QueryArgs;
use runledger::commands::query;
use runledger::error::{Error, Result};
use runledger::export::column_totals::Tally;
use runledger::export::json::Layout;
use runledger::export::{Destination, Dialect, WriteError, csv, json, markdown, terminal};
use runledger::report::period::Calendar;
use runledger::report::rows::{self, Selection};
use runledger::report::table::USD_DECIMALS;
use runledger::report::{Cell, Dimension, Ledger, Span, cost};
use runledger::run::money::nanos_of_number;
use runledger::run::{Instant, Usd};
use rusqlite::Connection;
use rusqlite::types::Value;
use std::fs;
use std::path::Path;

const ALWAYS: Span = Span { from: None, until: None };

/// The columns' names, and the rows, of the statement behind an export.
type Rows = (Vec<String>, Vec<Vec<Value>>);

fn stored(archive: &Connection, view: &str, columns: &[String], order: &str) -> Vec<Vec<Value>> {
    let names: Vec<String> = columns.iter().map(|column| format!("\"{column}\"")).collect();
    let sql = format!("SELECT {} FROM {view} ORDER BY {order}", names.join(", "));
    let mut statement = archive.prepare(&sql).unwrap();
    let rows =
        statement.query_map([], |row| (0..columns.len()).map(|column| row.get(column)).collect()).unwrap();
    rows.map(rusqlite::Result::unwrap).collect()
}

fn csv_of(selection: &mut Selection<'_>) -> (Vec<String>, Vec<Vec<String>>) {
    let mut out = Vec::new();
    csv::write_rows(selection, &Dialect::MACHINE, USD_DECIMALS, &mut Tally::default(), &mut out).unwrap();
    assert!(!out.contains(&b'\r'));
    let mut reader = ::csv::Reader::from_reader(out.as_slice());
    let columns = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
    (columns, rows)
}

fn ndjson_of(selection: &mut Selection<'_>) -> Vec<serde_json::Value> {
    let mut out = Vec::new();
    json::write_rows(selection, Layout::Lines, USD_DECIMALS, &mut Tally::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn both<'l>(ledger: &'l Ledger<'_>) -> [(Selection<'l>, &'static str, &'static str); 2] {
    [
        (rows::runs(ledger).unwrap(), "runs", "booked_at, run_id"),
        (rows::snapshots(ledger).unwrap(), "run_snapshots", "snapshot_id"),
    ]
}

#[test]
fn exported_csv_parses_back_as_what_the_archive_holds() {
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
fn exported_json_parses_back_as_what_the_archive_holds() {
    let archive = ledger::small();
    for (mut selection, view, order) in both(&ledger::opened(&archive, &ALWAYS, Tz::UTC)) {
        let columns: Vec<String> = selection.columns().iter().map(|column| column.name.clone()).collect();
        let objects = ndjson_of(&mut selection);
        let mut array = Vec::new();
        json::write_rows(&mut selection, Layout::Array, USD_DECIMALS, &mut Tally::default(), &mut array)
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
fn runs_are_exported_in_order_of_booking_then_of_id() {
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
fn an_export_keeps_to_its_span() {
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
fn an_export_holds_no_more_than_the_runs_that_are_booked_at_one_instant() {
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
fn namesakes_get_a_number_in_json() {
    let archive = ledger::empty();
    let statement =
        archive.prepare("SELECT 1 AS a, 2 AS a, 3 AS a_2, 4 AS a, 9e999 AS b, x'00ff' AS c").unwrap();
    let mut out = Vec::new();
    let selection = &mut Selection::new(statement);
    json::write_rows(selection, Layout::Lines, USD_DECIMALS, &mut Tally::default(), &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\"a\":1,\"a_3\":2,\"a_2\":3,\"a_4\":4,\"b\":9e999,\"c\":\"00ff\"}\n"
    );
}

proptest! {
    #[test]
    fn exported_rows_sum_up_to_the_report(costs in prop::collection::vec(
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

fn write_to(path: &Path, text: &str) -> Result<()> {
    Destination::at(Some(path)).write(|out| Ok(out.write_all(text.as_bytes())?))
}

#[test]
fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cost.csv");
    write_to(&path, "old").unwrap();
    write_to(&path, "new").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn after_a_failure_the_old_file_is_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cost.csv");
    write_to(&path, "old").unwrap();
    let failed = Destination::at(Some(&path)).write(|out| {
        out.write_all(b"half of the n")?;
        Err(std::io::Error::other("no space left").into())
    });
    assert_eq!(failed.unwrap_err().exit_code(), 7);
    let failed = Destination::at(Some(&path)).write(|_| Err(Error::usage("stop").into()));
    assert_eq!(failed.unwrap_err().exit_code(), 2);
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A pipe that nobody reads any more.
struct ClosedPipe;

impl std::io::Write for ClosedPipe {
    fn write(&mut self, _bytes: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }
}

#[test]
fn every_format_knows_a_closed_pipe_as_one() {
    let archive = ledger::small();
    let ledger = ledger::opened(&archive, &ALWAYS, Tz::UTC);
    let selection = || rows::snapshots(&ledger).unwrap();
    let table = cost::report(&ledger, &[Dimension::Status]).unwrap();
    let tally = &mut Tally::default();
    for failed in [
        csv::write_rows(&mut selection(), &Dialect::MACHINE, USD_DECIMALS, tally, &mut ClosedPipe)
            .unwrap_err(),
        json::write_rows(&mut selection(), Layout::Array, USD_DECIMALS, tally, &mut ClosedPipe).unwrap_err(),
        json::write_rows(&mut selection(), Layout::Lines, USD_DECIMALS, tally, &mut ClosedPipe).unwrap_err(),
        csv::write_table(&table, &Dialect::MACHINE, USD_DECIMALS, &mut ClosedPipe).unwrap_err().into(),
        json::write_table(&table, Layout::Array, USD_DECIMALS, &mut ClosedPipe).unwrap_err().into(),
        terminal::write_table(&table, USD_DECIMALS, &mut ClosedPipe).unwrap_err().into(),
        markdown::write_table(&table, USD_DECIMALS, &mut ClosedPipe).unwrap_err().into(),
    ] {
        assert!(matches!(failed, WriteError::Io(error) if error.kind() == std::io::ErrorKind::BrokenPipe));
    }
}

#[test]
fn a_folder_that_does_not_exist_is_an_output_error() {
    let folder = tempfile::tempdir().unwrap();
    let failed = write_to(&folder.path().join("none/cost.csv"), "new").unwrap_err();
    assert_eq!(failed.exit_code(), 7);
    assert!(failed.to_string().contains("cost.csv was not written"), "{failed}");
    assert_eq!(write_to(folder.path(), "new").unwrap_err().exit_code(), 7);
}

#[cfg(unix)]
#[test]
fn a_link_and_a_device_stay_what_they_are() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (file, link, plain) =
        (folder.path().join("file"), folder.path().join("link"), folder.path().join("plain"));
    write_to(&file, "old").unwrap();
    symlink(&file, &link).unwrap();
    write_to(&link, "new").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), "new");

    write_to(Path::new("/dev/null"), "new").unwrap();
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());

    // The same permissions as any other file of this process.
    fs::write(&plain, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&file), mode(&plain));
}

/// The arguments as the binary parses them.
#[derive(Parser)]
struct Command {
    #[command(flatten)]
    query: QueryArgs,
}

/// What `runledger query` with these arguments writes.
fn ask(archive: &Connection, arguments: &[&str]) -> Result<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answer");
    let output = ["query", "--output", path.to_str().unwrap()];
    let command = Command::parse_from(output.iter().chain(arguments));
    query::answer(&command.query, archive)?;
    Ok(fs::read_to_string(&path).unwrap())
}

#[test]
fn a_query_gives_its_answer_in_each_format() {
    let archive = ledger::small();
    let sql =
        "SELECT run_id, el_cost_usd, ended_at FROM runs WHERE run_id IN ('run-05', 'run-10') ORDER BY 1";
    let ask = |format: &str| ask(&archive, &[sql, "--format", format]).unwrap();
    let ended = "2026-04-01T00:00:01.000000Z";
    assert_eq!(ask("csv"), format!("run_id,el_cost_usd,ended_at\nrun-05,,\nrun-10,0.000000001,{ended}\n"));
    assert_eq!(
        ask("ndjson"),
        format!(
            "{{\"run_id\":\"run-05\",\"el_cost_usd\":null,\"ended_at\":null}}\n\
             {{\"run_id\":\"run-10\",\"el_cost_usd\":0.000000001,\"ended_at\":\"{ended}\"}}\n"
        )
    );
    assert_eq!(serde_json::from_str::<Vec<serde_json::Value>>(&ask("json")).unwrap().len(), 2);
    assert!(ask("table").contains("0.000000001"));
}

#[test]
fn a_parameter_is_a_number_where_it_can_be() {
    let archive = ledger::empty();
    let sql = "SELECT typeof(:a) AS a, typeof($b) AS b, typeof(@c) AS c, typeof(:d) AS d, :e AS e";
    let params =
        ["--param", "a=7", "--param", "b=-1.5e3", "--param", "c=nan", "--param", "d=", "--param", "e=x=y"];
    let arguments: Vec<&str> = [sql, "--format", "csv"].iter().chain(&params).copied().collect();
    assert_eq!(ask(&archive, &arguments).unwrap(), "a,b,c,d,e\ninteger,real,text,text,x=y\n");
}

#[test]
fn what_is_not_one_reading_statement_is_refused() {
    let archive = ledger::small();
    for (arguments, reason) in [
        (vec!["DELETE FROM syncs"], "would write"),
        (vec!["INSERT INTO quarantine SELECT 1, 2, 3, 4, 5, 6 RETURNING 1"], "would write"),
        (vec!["ATTACH 'x' AS x"], "gives no rows"),
        (vec!["SELECT 1; SELECT 2"], "several statements"),
        (vec!["SELEKT 1"], "syntax error"),
        (vec![""], "no rows"),
        (vec!["SELECT :a"], ":a has no value"),
        (vec!["SELECT :a", "--param", "b=1"], "no parameter :b"),
        (vec!["SELECT :a", "--param", "a=1", "--param", "a=2"], "twice"),
        (vec!["SELECT :a", "--param", "a"], "name=value"),
        (vec!["--file", "no/such.sql"], "no/such.sql"),
    ] {
        let refused = ask(&archive, &arguments).unwrap_err();
        assert_eq!(refused.exit_code(), 2, "{arguments:?}");
        assert!(refused.to_string().contains(reason), "{arguments:?}: {refused}");
    }
    assert_eq!(archive.query_row("SELECT count(*) FROM syncs", [], |row| row.get(0)), Ok(1));
}
