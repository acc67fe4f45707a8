//! Export formats: golden files of each dialect, spreadsheets, and manifests that match or do not.

use crate::support::{golden, ledger};
use assert_cmd::Command;
use chrono_tz::Tz;
use proptest::prelude::*;
use runledger::internal::error::Result;
use runledger::internal::export::manifest::{Manifest, Provenance};
use runledger::internal::export::terminal::Screen;
use runledger::internal::export::verify::{FileCheck, compare};
use runledger::internal::export::{
    Destination, Dialect, Format, Sidecar, WriteOptions, escape_for_spreadsheet, write_documents, write_rows,
    write_table,
};
use runledger::internal::report::period::Calendar;
use runledger::internal::report::{Cell, Dimension, Span, Table, cost, rows};
use runledger::internal::run::Usd;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const ALWAYS: Span = Span { from: None, until: None };
const MONTH: [Dimension; 1] = [Dimension::Period(Calendar::Month)];
const ZONE: Tz = Tz::America__Sao_Paulo;

fn dialect(name: &str) -> Dialect {
    let mut dialect = Dialect::named(name).unwrap();
    if dialect.is_for_spreadsheets() {
        dialect.zone = ZONE;
    }
    dialect
}

/// Every format that can be verified.
fn formats() -> Vec<Format> {
    let mut formats: Vec<Format> = Dialect::NAMES.map(|name| Format::Csv(dialect(name))).to_vec();
    formats.extend([Format::Json, Format::Ndjson]);
    formats
}

/// The table written in the format.
fn bytes_of(format: Format, write: impl FnOnce(&WriteOptions, &Destination) -> Result<()>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    write(&WriteOptions::plain(format), &Destination::at(Some(&path))).unwrap();
    fs::read(&path).unwrap()
}

#[test]
fn every_dialect_of_a_report_matches_its_golden_file() {
    let table = cost::report(&ledger::opened(&ledger::small(), &ALWAYS, Tz::UTC), &MONTH).unwrap();
    for name in Dialect::NAMES {
        let bytes = bytes_of(Format::Csv(dialect(name)), |writing, to| write_table(&table, writing, to));
        let golden = if name == "machine" { "cost.csv".to_owned() } else { format!("cost.{name}.csv") };
        golden::assert_golden(&golden, &bytes);
    }
}

#[test]
fn every_dialect_of_the_runs_matches_its_golden_file() {
    let archive = ledger::small();
    for name in Dialect::NAMES {
        let bytes = bytes_of(Format::Csv(dialect(name)), |writing, to| {
            write_rows(&mut rows::runs(&ledger::opened(&archive, &ALWAYS, Tz::UTC)).unwrap(), writing, to)
        });
        golden::assert_golden(&format!("runs.{name}.csv"), &bytes);
    }
}

#[test]
fn each_part_of_a_dialect_is_set_independently() {
    let table = Table {
        columns: ["name", "cost_usd"].map(str::to_owned).to_vec(),
        rows: vec![vec![Cell::text("a;b,c"), Cell::Usd(Some(Usd::from_units(-1_500_000_000)))]],
        totals: None,
    };
    let mut dialect = dialect("machine");
    (dialect.separator, dialect.decimal_mark, dialect.bom) = (b';', b',', true);
    let bytes = bytes_of(Format::Csv(dialect), |writing, to| write_table(&table, writing, to));
    assert_eq!(String::from_utf8(bytes).unwrap(), "\u{feff}name;cost_usd\n\"a;b,c\";-1,500000000\n");
}

#[test]
fn every_format_rounds_decimals_once_half_to_even() {
    let amounts = [1_005_000_000, 1_015_000_000, -4_999_999];
    let table = Table {
        columns: vec!["cost_usd".to_owned()],
        rows: amounts.map(|nanos| vec![Cell::Usd(Some(Usd::from_units(nanos)))]).to_vec(),
        totals: None,
    };
    let mut all = formats();
    all.extend([Format::Terminal(Screen::FILE), Format::Markdown]);
    for format in all {
        let bytes = bytes_of(format, |writing, to| {
            write_table(&table, &WriteOptions { usd_decimals: Some(2), ..writing.clone() }, to)
        });
        let text = String::from_utf8(bytes).unwrap().replace(',', ".");
        for amount in ["1.00", "1.02", "0.00"] {
            assert!(text.contains(amount), "{format:?}: {text}");
        }
        assert!(!text.contains("-0.00") && !text.contains("1.01"), "{format:?}: {text}");
    }
}

/// A folder of files with manifests.
struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(
        &self,
        name: &str,
        format: Format,
        usd_decimals: Option<u32>,
        write: impl FnOnce(&WriteOptions, &Destination) -> Result<()>,
    ) -> PathBuf {
        let path = self.path(name);
        let writing = WriteOptions {
            usd_decimals,
            sidecar: Sidecar::Manifest,
            provenance: Some(Provenance::default()),
            ..WriteOptions::plain(format)
        };
        write(&writing, &Destination::File(path.clone())).unwrap();
        path
    }
}

/// The mismatches of the file.
fn differing(path: &Path) -> Vec<String> {
    let findings = compare(path, &Manifest::for_file(path).unwrap()).unwrap();
    let printed = |finding| match finding {
        FileCheck::Differs(printed) => Some(printed),
        FileCheck::Matches(_) => None,
        FileCheck::Skipped(why) => panic!("{why}"),
    };
    findings.into_iter().filter_map(printed).collect()
}

#[test]
fn every_file_matches_its_manifest() {
    let archive = ledger::small();
    let table = cost::report(&ledger::opened(&archive, &ALWAYS, ZONE), &MONTH).unwrap();
    for format in formats() {
        for decimals in [None, Some(0), Some(4)] {
            let folder = Folder::new();
            let files = [
                folder.write("cost.x", format, decimals, |writing, to| write_table(&table, writing, to)),
                folder.write("runs.x", format, decimals, |writing, to| {
                    write_rows(
                        &mut rows::runs(&ledger::opened(&archive, &ALWAYS, Tz::UTC)).unwrap(),
                        writing,
                        to,
                    )
                }),
                folder.write("snapshots.x", format, decimals, |writing, to| {
                    write_rows(
                        &mut rows::snapshots(&ledger::opened(&archive, &ALWAYS, Tz::UTC)).unwrap(),
                        writing,
                        to,
                    )
                }),
            ];
            for file in files {
                assert_eq!(
                    differing(&file),
                    Vec::<String>::new(),
                    "{format:?} {decimals:?} {}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn a_manifest_has_the_ledgers_sums_and_unknown_counts() {
    let (archive, folder) = (ledger::small(), Folder::new());
    let path = folder.write("runs.csv", Format::Csv(Dialect::MACHINE), Some(1), |writing, to| {
        write_rows(&mut rows::runs(&ledger::opened(&archive, &ALWAYS, Tz::UTC)).unwrap(), writing, to)
    });
    assert!(folder.path("runs.manifest.json").exists());
    let manifest = Manifest::for_file(&path).unwrap();
    let sums: Vec<(&str, Option<&str>, u64)> =
        manifest.sums.iter().map(|sum| (sum.column.as_str(), sum.sum.as_deref(), sum.unknown)).collect();
    assert_eq!(
        sums,
        [
            ("credit_charge_status", Some("6"), 2),
            ("el_cost_usd", Some("3.580000002"), 4),
            ("transformation_cost_usd", Some("0.173456789"), 9),
            ("total_cost_usd", Some("3.753456791"), 3),
        ]
    );
    assert_eq!((manifest.rows, manifest.usd_decimals), (12, Some(1)));
}

#[test]
fn any_change_to_a_file_is_reported() {
    let (archive, folder) = (ledger::small(), Folder::new());
    let table = cost::report(&ledger::opened(&archive, &ALWAYS, Tz::UTC), &MONTH).unwrap();
    let path = folder.write("cost.csv", Format::Csv(dialect("excel-br")), None, |writing, to| {
        write_table(&table, writing, to)
    });
    let text = fs::read_to_string(&path).unwrap();
    for (from, to, printed) in [
        ("2,030000000", "2,030000001", "sum of el_cost_usd: 3.580000003, but the manifest says 3.580000002"),
        ("2026-03;2;2;;;", "2026-03;2;2;0,0;;", "unknown el_cost_usd: 0, but the manifest says 1"),
        ("2026-04;2", "2026-04;2;0;0;0;0;0;0\r\n2026-04;2", "rows: 7, but the manifest says 6"),
        ("Total;", "Tudo;", "SHA-256"),
        ("2026-05;2;0;", "2026-05;2;0;0;", "the rows cannot be read: line "),
        ("Extração e carga", "Extração", "there is no column Extração e carga (USD)"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        fs::write(&path, changed).unwrap();
        let differing = differing(&path);
        assert!(differing.iter().any(|line| line.contains(printed)), "{printed}: {differing:?}");
    }
}

#[test]
fn exported_documents_are_verified_against_their_manifest() {
    let archive = runledger::internal::store::Archive::temporary().unwrap();
    let folder = Folder::new();
    let connection = archive.connection();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection
        .execute_batch(
            "INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, created_at, credit_charge_status,
                 el_cost_usd, el_cost_nanos)
             VALUES ('00000000-0000-0000-0000-000000000001', '2026-01-01T00:00:00.000000Z', 1, zeroblob(32),
                     '2026-01-01T00:00:00.000000Z', 'charged', 0.1234567891234567, 123456789),
                    ('00000000-0000-0000-0000-000000000002', '2026-01-01T00:00:01.000000Z', 1, zeroblob(32),
                     '2026-01-01T00:00:00.000000Z', NULL, NULL, NULL)",
        )
        .unwrap();
    let path = folder.write("runs.ndjson", Format::Ndjson, None, |writing, to| {
        write_documents(
            &mut rows::documents(&ledger::opened(connection, &ALWAYS, Tz::UTC)).unwrap(),
            writing,
            to,
        )
    });
    assert_eq!(differing(&path), Vec::<String>::new());
    let manifest = Manifest::for_file(&path).unwrap();
    assert_eq!((manifest.rows, manifest.sums[1].sum.as_deref()), (2, Some("0.123456789")));
}

#[test]
fn a_manifest_of_another_file_is_rejected_and_kept() {
    let (archive, folder) = (ledger::small(), Folder::new());
    let table = cost::report(&ledger::opened(&archive, &ALWAYS, Tz::UTC), &MONTH).unwrap();
    folder.write("cost.csv", Format::Csv(Dialect::MACHINE), None, |writing, to| {
        write_table(&table, writing, to)
    });
    let before = fs::read(folder.path("cost.manifest.json")).unwrap();
    fs::write(folder.path("cost.json"), "[]").unwrap();
    let refused = Manifest::for_file(&folder.path("cost.json")).unwrap_err();
    assert!(refused.to_string().contains("describes cost.csv, not cost.json"), "{refused}");
    let writing = WriteOptions { sidecar: Sidecar::Manifest, ..WriteOptions::plain(Format::Json) };
    let refused = write_table(&table, &writing, &Destination::File(folder.path("cost.json"))).unwrap_err();
    assert_eq!(refused.exit_code(), 2);
    assert!(refused.to_string().contains("the manifest of cost.csv"), "{refused}");
    assert_eq!(fs::read(folder.path("cost.manifest.json")).unwrap(), before);
    assert_eq!(fs::read(folder.path("cost.json")).unwrap(), b"[]");
}

#[test]
fn an_invalid_manifest_is_named() {
    let folder = Folder::new();
    fs::write(folder.path("a.csv"), "x\n").unwrap();
    for (text, printed) in [
        (None, "cannot be read"),
        (Some("{"), "not a valid manifest of runledger"),
        (Some(r#"{"manifest_version":3}"#), "newer version"),
    ] {
        if let Some(text) = text {
            fs::write(folder.path("a.manifest.json"), text).unwrap();
        }
        let refused = Manifest::for_file(&folder.path("a.csv")).unwrap_err();
        assert_eq!(refused.exit_code(), 2);
        assert!(refused.to_string().contains(printed) && refused.hint().is_some(), "{refused}");
    }
}

#[cfg(feature = "xlsx")]
#[test]
fn the_same_table_gives_the_same_spreadsheet() {
    let table =
        cost::report(&ledger::opened(&ledger::small(), &ALWAYS, Tz::UTC), &[Dimension::Pipeline]).unwrap();
    let book = || bytes_of(Format::Xlsx(ZONE), |writing, to| write_table(&table, writing, to));
    let first = book();
    assert!(first.starts_with(b"PK"));
    assert!(book() == first, "two spreadsheets of one table differ");
}

proptest! {
    #[test]
    fn any_texts_and_amounts_match_their_manifest(
        rows in prop::collection::vec((".*", prop::option::of(any::<i64>())), 0..20),
        decimals in prop::option::of(0_u32..=9),
    ) {
        let usd = |nanos: Option<i64>| Cell::Usd(nanos.map(|nanos| Usd::from_units(nanos.into())));
        let table = Table {
            columns: ["pipeline_name", "cost_usd"].map(str::to_owned).to_vec(),
            rows: rows.iter().map(|(text, nanos)| vec![Cell::text(text.as_str()), usd(*nanos)]).collect(),
            totals: None,
        };
        for format in formats() {
            let folder = Folder::new();
            let path = folder.write("a.x", format, decimals, |writing, to| write_table(&table, writing, to));
            prop_assert_eq!(differing(&path), Vec::<String>::new());
            let Format::Csv(dialect) = format else { continue };
            let bytes = fs::read(&path).unwrap();
            let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
            let mut reader = csv::ReaderBuilder::new().delimiter(dialect.separator).from_reader(text);
            for (record, (text, _)) in reader.records().zip(&rows) {
                let expected = if dialect.is_for_spreadsheets() { escape_for_spreadsheet(text).into_owned() } else { text.clone() };
                let record = record.unwrap();
                prop_assert_eq!(record.get(0), Some(expected.as_str()));
            }
        }
    }
}

// ---- the command

/// The command on a small demo archive.
struct Demo(TempDir);

impl Demo {
    fn new() -> Demo {
        let demo = Demo(tempfile::tempdir().unwrap());
        demo.run(&["demo", "--runs", "120"], 0);
        demo
    }

    /// Runs it and returns standard output and standard error.
    fn run(&self, arguments: &[&str], code: i32) -> (String, String) {
        let mut command = Command::cargo_bin("runledger").unwrap();
        let command = command.current_dir(self.0.path()).env("RUNLEDGER_DB", "a.db").args(arguments);
        let command = if arguments[0] == "demo" { command.args(["--db", "a.db"]) } else { command };
        let ended = command.assert().code(code);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (text(&ended.get_output().stdout), text(&ended.get_output().stderr))
    }
}

#[test]
fn a_file_is_verified_without_the_archive() {
    let demo = Demo::new();
    let report =
        ["report", "cost", "--by", "month,kind", "--zone", "America/Sao_Paulo", "--from", "2026-01-01"];
    demo.run(&[&report[..], &["--format", "csv", "--output", "cost.csv", "--manifest"]].concat(), 0);
    let manifest = Manifest::for_file(&demo.0.path().join("cost.csv")).unwrap();
    let provenance = &manifest.provenance;
    assert_eq!(
        (provenance.question.as_str(), provenance.by.join(",").as_str()),
        ("report cost", "month,kind")
    );
    assert_eq!(provenance.from.as_deref(), Some("2026-01-01T03:00:00.000000Z"));
    assert_eq!((provenance.zone.as_str(), provenance.until.as_deref()), ("America/Sao_Paulo", None));
    assert!(provenance.known_at.is_some() && provenance.schema_version.is_some());
    // A second export gives the same manifest.
    let path = demo.0.path().join("cost.manifest.json");
    let before = fs::read(&path).unwrap();
    demo.run(&[&report[..], &["--format", "csv", "--output", "cost.csv", "--manifest"]].concat(), 0);
    assert_eq!(fs::read(&path).unwrap(), before);

    fs::remove_file(demo.0.path().join("a.db")).unwrap();
    let (out, _) = demo.run(&["verify-file", "cost.csv"], 0);
    assert!(out.lines().count() > 10 && out.lines().all(|line| line.starts_with("ok ")), "{out}");
    fs::write(demo.0.path().join("cost.csv"), "month\n").unwrap();
    let (out, err) = demo.run(&["verify-file", "cost.csv"], 3);
    assert!(out.contains("DIFFERS  bytes: 6, but the manifest says"), "{out}");
    assert!(err.contains("cost.csv does not match its manifest"), "{err}");
    demo.run(&["verify-file", "none.csv"], 2);
}

#[test]
fn unsupported_format_options_are_usage_errors() {
    let demo = Demo::new();
    for (arguments, printed) in [
        (vec!["report", "cost", "--dialect", "excel"], "--dialect only applies to CSV"),
        (vec!["report", "cost", "--format", "json", "--bom", "yes"], "--bom only applies to CSV"),
        (vec!["export", "runs", "--format", "ndjson", "--separator", ";"], "--separator only applies to CSV"),
        (vec!["export", "documents", "--decimal-mark", ","], "--decimal-mark only applies to CSV"),
        (vec!["export", "documents", "--decimals", "2"], "--decimals does not apply to documents"),
        (vec!["export", "runs", "--decimal-mark", ","], "must differ: both are ,"),
        (vec!["export", "runs", "--separator", "ab"], "must be one of"),
        (vec!["export", "runs", "--decimals", "10"], "the least is 0, the most is 9"),
        (vec!["export", "runs", "--manifest"], "--output"),
        (vec!["export", "runs", "--manifest", "--output", "/dev/null"], "cannot have a manifest"),
        (vec!["report", "cost", "--format", "xlsx"], "--output"),
    ] {
        let (_, err) = demo.run(&arguments, 2);
        assert!(err.contains(printed), "{arguments:?}: {err}");
    }
}

#[test]
fn a_terminal_table_counts_unknown_costs() {
    let table = cost::report(&ledger::opened(&ledger::small(), &ALWAYS, Tz::UTC), &MONTH).unwrap();
    let shown = |table: &Table| {
        String::from_utf8(bytes_of(Format::Terminal(Screen::FILE), |writing, to| {
            write_table(table, writing, to)
        }))
        .unwrap()
    };
    assert!(shown(&table).ends_with("\n3 runs: cost not known\n"));
    let one = Table { rows: table.rows[1..2].to_vec(), totals: None, ..table.clone() };
    assert!(shown(&one).ends_with("\n1 run: cost not known\n"));
    let none = Table { rows: table.rows[..1].to_vec(), totals: None, ..table };
    assert!(!shown(&none).contains("not known"));
}
