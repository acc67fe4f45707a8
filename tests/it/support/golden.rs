//! Comparison with golden files, which a person has reviewed.

use chrono_tz::Tz;
use runledger::internal::export::manifest::Provenance;
use runledger::internal::export::terminal::{self, Screen};
use runledger::internal::report::Table;
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// Compares with the golden file of that name. `RUNLEDGER_BLESS=1 cargo test` writes it instead:
/// review the difference before you commit it.
pub fn assert_golden(name: &str, bytes: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("RUNLEDGER_BLESS").is_some() {
        fs::write(&path, bytes).unwrap();
    }
    let expected = fs::read(&path).unwrap_or_default();
    assert_eq!(String::from_utf8_lossy(bytes), String::from_utf8_lossy(&expected), "tests/golden/{name}");
}

/// Compares the table as terminals of 60, 80, 120 and 200 columns show it with a golden file.
pub(crate) fn assert_screens(name: &str, table: &Table, question: &str) {
    let provenance = Provenance {
        question: question.to_owned(),
        zone: "America/Sao_Paulo".to_owned(),
        known_at: Some("2026-03-20T12:00:00.000000Z".to_owned()),
        ..Provenance::default()
    };
    let mut out = Vec::new();
    for width in [60, 80, 120, 200] {
        let screen = Screen { width, zone: Some(Tz::America__Sao_Paulo), ..Screen::FILE };
        writeln!(out, "{width} columns:\n").unwrap();
        terminal::write_answer(table, Some(&provenance), None, &screen, &mut out).unwrap();
        writeln!(out, "\n").unwrap();
    }
    let text = String::from_utf8(out).unwrap();
    assert_golden(&format!("{name}.txt"), text.trim_end().as_bytes());
}
