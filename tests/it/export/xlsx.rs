//! Spreadsheets of reports and of rows: typed cells, readable headings, tables, print setup, and the same bytes.

use crate::support::month_end::{MONTH, MonthEnd, ZONE, nanos};
use crate::support::sheet::{cells, column, sheet_names, sheet_xml};
use crate::support::zip::inflated;
use std::fs;

/// A workspace in March, with its February closed in [`ZONE`].
fn closed() -> MonthEnd {
    let month_end = MonthEnd::of(60);
    month_end.output(&["close", MONTH, "--zone", ZONE]);
    month_end
}

/// The spreadsheet that the command writes.
fn book(month_end: &MonthEnd, arguments: &[&str]) -> Vec<u8> {
    month_end.output(&[arguments, &["--format", "xlsx", "--output", "book.xlsx"]].concat());
    fs::read(month_end.workspace.file("book.xlsx")).unwrap()
}

#[test]
fn a_report_is_a_table_with_readable_headings_and_exact_totals() {
    let month_end = closed();
    let report = ["report", "cost", "--by", "pipeline", "--period", MONTH];
    let bytes = book(&month_end, &report);
    assert_eq!(sheet_names(&bytes), ["Report", "Manifest"]);
    let found = cells(&bytes, 1);
    assert_eq!(found["A1"], "Cost by pipeline · February 2025");
    assert!(found["A2"].starts_with("Closed 20"), "{found:?}");
    assert_eq!(found["A3"], "America/Sao_Paulo · by start · USD");
    let rows = month_end.rows(&report);
    let costs = column(&found, 5, "Total cost (USD)");
    let known: Vec<&str> =
        rows.iter().map(|row| row["total_cost_usd"].as_str()).filter(|cost| !cost.is_empty()).collect();
    let (total, costs) = costs.split_last().unwrap();
    assert_eq!(costs.iter().map(|(_, cost)| cost.as_str()).collect::<Vec<_>>(), known, "all nine decimals");
    assert_eq!(nanos(&total.1), known.iter().map(|cost| nanos(cost)).sum::<i128>());
    assert_eq!(found[&format!("A{}", 6 + rows.len())], "Total");
    // An average is not added up, and nor is its total.
    let averages = column(&found, 5, "Cost per run (USD)");
    assert!(averages.iter().all(|(row, _)| *row < 6 + rows.len()), "{averages:?}");

    let xml = sheet_xml(&bytes, 1);
    let last = 6 + rows.len();
    let formula = "SUBTOTAL(109,RL_report[Total cost (USD)])";
    assert!(xml.contains(formula), "{formula} is not in {xml}");
    let table = inflated(&bytes, "xl/tables/table1.xml");
    for words in [format!("ref=\"A5:J{last}\""), format!("<autoFilter ref=\"A5:J{}\"", last - 1)] {
        assert!(table.contains(&words), "{words}: {table}");
    }
    for words in [
        "paperSize=\"9\"",
        "orientation=\"landscape\"",
        "fitToHeight=\"0\"",
        "ySplit=\"5\"",
        "topLeftCell=\"B6\"",
        "Page &amp;P of &amp;N",
    ] {
        assert!(xml.contains(words), "{words}: {xml}");
    }
    assert!(inflated(&bytes, "xl/workbook.xml").contains("Report!$5:$5"), "headings are repeated");
}

#[test]
fn a_report_in_portuguese_has_its_words_and_dates() {
    let month_end = closed();
    let bytes = book(&month_end, &["report", "cost", "--by", "month,kind", "--language", "pt-BR"]);
    assert_eq!(sheet_names(&bytes), ["Relatório", "Manifesto"]);
    let found = cells(&bytes, 1);
    assert_eq!(found["A1"], "Custo por mês, tipo");
    assert!(found["A2"].starts_with("Apurado até 05/03/2025 "), "{found:?}");
    assert_eq!(found["A5"], "Mês");
    // The first day of a month is a date, and a mark is part of its format.
    assert!(column(&found, 5, "Mês").iter().any(|(_, month)| month == "45689"), "{found:?}");
    let styles = inflated(&bytes, "xl/styles.xml");
    assert!(
        styles.contains("mm/yyyy&quot; ◆&quot;") && styles.contains("#,##0.0000;-#,##0.0000"),
        "{styles}"
    );
    let kinds = column(&found, 5, "Tipo");
    assert!(kinds.iter().all(|(_, kind)| ["Fonte", "Destino", "Transformação"].contains(&kind.as_str())));
}

#[test]
fn a_report_without_rows_has_plain_headings() {
    let month_end = closed();
    let bytes = book(&month_end, &["report", "cost", "--by", "day", "--period", "2024-01"]);
    let found = cells(&bytes, 1);
    assert_eq!((found["A5"].as_str(), found["A6"].as_str()), ("Day", "No rows."));
    assert!(!sheet_xml(&bytes, 1).contains("tablePart"), "Excel repairs a table without rows");
}

#[test]
fn exported_rows_are_in_a_sheet_with_their_exact_sums() {
    let month_end = closed();
    for what in ["costs", "runs", "snapshots"] {
        let csv = month_end.rows(&["export", what]);
        let bytes = book(&month_end, &["export", what, "--manifest"]);
        let found = cells(&bytes, 1);
        let mut ids = column(&found, 5, "Run id");
        ids.truncate(csv.len());
        assert!(ids.iter().zip(&csv).all(|((_, id), row)| *id == row["run_id"]), "{what}");
        let costs = column(&found, 5, "Extraction and loading (USD)");
        let sum: i128 = csv.iter().map(|row| nanos(&row["el_cost_usd"])).sum();
        assert_eq!(nanos(&costs.last().unwrap().1), sum, "{what}");
        let manifest = cells(&bytes, 2);
        assert!(manifest.values().any(|value| value.contains(what)), "{manifest:?}");
        month_end.output(&["verify-file", "book.xlsx"]);
        let portuguese = book(&month_end, &["export", what, "--language", "pt-BR"]);
        assert!(column(&cells(&portuguese, 1), 5, "ID da execução").len() >= csv.len());
    }
}

#[test]
fn the_same_archive_and_command_give_the_same_bytes() {
    let month_end = closed();
    for question in [
        vec!["report", "cost", "--by", "pipeline"],
        vec!["report", "change", "--period", MONTH],
        vec!["report", "credits"],
        vec!["export", "runs"],
        vec!["export", "costs", "--language", "pt-BR"],
    ] {
        let first = book(&month_end, &question);
        assert!(first == book(&month_end, &question), "two spreadsheets of {question:?} differ");
    }
}

#[test]
fn every_report_has_a_spreadsheet_in_both_languages() {
    let month_end = closed();
    for (name, _) in runledger::internal::report::question::reports() {
        for language in ["en", "pt-BR"] {
            let bytes = book(&month_end, &["report", name, "--language", language]);
            let found = cells(&bytes, 1);
            let headings: Vec<&String> = found
                .iter()
                .filter(|(place, _)| {
                    place.trim_start_matches(|letter: char| letter.is_ascii_uppercase()) == "5"
                })
                .map(|(_, heading)| heading)
                .collect();
            assert!(!found["A1"].contains('_'), "{name}: {found:?}");
            assert!(headings.iter().all(|heading| !heading.contains('_')), "{name}: {headings:?}");
        }
    }
}

#[test]
fn a_spreadsheet_needs_a_file_and_documents_have_none() {
    let month_end = closed();
    for (arguments, words) in [
        (vec!["export", "runs", "--format", "xlsx"], "the format xlsx needs an output file"),
        (
            vec!["export", "documents", "--format", "xlsx", "--output", "a.xlsx"],
            "does not apply to documents",
        ),
        (vec!["export", "focus", "--format", "xlsx", "--output", "a.xlsx"], "supports only --format csv"),
    ] {
        let ran = month_end.run(&arguments);
        assert!(ran.code == 2 && ran.err.contains(words), "{arguments:?}: {ran:?}");
        assert!(!month_end.workspace.file("a.xlsx").exists());
    }
}
