//! Files for spreadsheets: what the program would convert, cut or not open.

use crate::support::month_end::{MONTH, MonthEnd};
use runledger::internal::export::column_totals::ColumnTotals;
use runledger::internal::export::{Dialect, csv};
use runledger::internal::report::rows::RowStream;
use rusqlite::Connection;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

/// The CSV of a statement's rows.
fn csv_of(sql: &str, dialect: &str) -> String {
    let archive = Connection::open_in_memory().unwrap();
    let mut out = Vec::new();
    let mut rows = RowStream::new(archive.prepare(sql).unwrap());
    let dialect = Dialect::named(dialect).unwrap();
    csv::write_rows(&mut rows, &dialect, 9, &mut ColumnTotals::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_name_that_looks_like_a_number_or_a_date_stays_a_text() {
    let row = "SELECT '00123' AS pipeline_name, '1/2' AS slug, '1E5' AS workspace, 'TRUE' AS status, '=1' AS name, \
                      'Vendas' AS kind, '2026-01' AS month, '2026-02-03' AS safe_close_on, 5 AS runs";
    for (dialect, separator) in [("excel", ","), ("excel-br", ";")] {
        let text = csv_of(row, dialect);
        let expected = ["'00123", "'1/2", "'1E5", "'TRUE", "'=1", "Vendas", "2026-01", "2026-02-03", "5"]
            .join(separator);
        assert_eq!(text.lines().nth(1).unwrap(), expected, "{dialect}");
    }
    let expected = "00123,1/2,1E5,TRUE,=1,Vendas,2026-01,2026-02-03,5";
    assert_eq!(csv_of(row, "machine").lines().nth(1).unwrap(), expected);
}

#[test]
fn a_file_with_escaped_names_matches_its_manifest() {
    let month_end = MonthEnd::of(40);
    {
        let mut model = month_end.workspace.sandbox.model();
        for kind in runledger::internal::sandbox::PipelineKind::ALL {
            let ids: Vec<_> = model.pipelines(kind).map(|(id, _)| id).collect();
            for (id, name) in ids.into_iter().zip(["00123", "1/2", "1E5", "=1", "a\r\nb"].iter().cycle()) {
                model.rename_pipeline(id, name);
            }
        }
    }
    month_end.sync();
    for dialect in ["excel", "excel-br", "machine"] {
        for arguments in [&["export", "runs"][..], &["report", "cost", "--by", "pipeline", "--format", "csv"]]
        {
            let file = ["--dialect", dialect, "--manifest", "--output", "names.csv"];
            month_end.output(&[arguments, &file].concat());
            month_end.output(&["verify-file", "names.csv"]);
        }
    }
    let text = std::fs::read_to_string(month_end.workspace.file("names.csv")).unwrap();
    assert!(text.contains("00123") && !text.contains("'00123"), "{text}");
}

#[test]
fn a_focus_account_id_of_digits_stays_a_text_and_is_noted() {
    let month_end = MonthEnd::of(20);
    let export = ["export", "focus", "--period", MONTH];
    for (id, is_noted) in [("000123456789", true), ("acme-1", false)] {
        month_end.set(&format!("[account]\nbilling_id = \"{id}\"\nsub_id = \"{id}\"\n"));
        let rows = month_end.rows(&export);
        assert!(rows.iter().all(|row| row["BillingAccountId"] == id && row["SubAccountId"] == id));
        let err = month_end.run(&export).err;
        for column in ["BillingAccountId", "SubAccountId"] {
            assert_eq!(err.contains(&format!("{column} {id} consists of digits")), is_noted, "{err}");
        }
    }
}

/// Collects what a subscriber writes.
#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Vec<u8>>>);

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn more_rows_than_a_sheet_has_are_a_warning() {
    let warning_of = |rows: u32, dialect: &str| {
        let collected = Collected::default();
        let writer = collected.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            let numbers = format!("SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}");
            csv_of(&format!("WITH RECURSIVE n (i) AS ({numbers}) SELECT i FROM n"), dialect);
        });
        String::from_utf8(collected.0.lock().unwrap().clone()).unwrap()
    };
    // With the heading, one row too many.
    let warning = warning_of(1_048_576, "excel");
    assert!(warning.contains("the file has 1048577 rows with its heading"), "{warning}");
    assert_eq!(warning_of(1_048_575, "excel-br"), "");
    assert_eq!(warning_of(1_048_576, "machine"), "");
}
