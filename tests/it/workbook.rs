//! The month-end workbook: sheets that add up, in both languages, and the same bytes for a closed month.

use crate::support::golden;
use crate::support::month_end::{MONTH, MonthEnd, ZONE, nanos};
use crate::support::sheet::{cells, column, dump, sheet_names, sheet_xml};
use crate::support::zip::inflated;
use fastrand::Rng;
use std::collections::BTreeMap;
use std::fs;

const SETTINGS: &str = r#"
zone = "America/Sao_Paulo"

[account]
billing_name = "Acme S.A."

[plan]
fee_usd = "1490.00"
credits = 1200

[[cost_center]]
cost_center = "Data"
kind = "transformation"
"#;

/// A workspace in March, with a plan and a cost center.
fn month_end() -> MonthEnd {
    let month_end = MonthEnd::of(60);
    month_end.set(SETTINGS);
    month_end
}

/// The workbook of the month.
fn workbook(month_end: &MonthEnd, arguments: &[&str]) -> Vec<u8> {
    let command = ["export", "workbook", "--period", MONTH, "--output", "close.xlsx"];
    month_end.output(&[&command[..], arguments].concat());
    fs::read(month_end.workspace.file("close.xlsx")).unwrap()
}

/// The sum of a column's rows, and its total, in nano-dollars.
fn sums(cells: &BTreeMap<String, String>, heading: &str) -> (i128, i128) {
    let mut found = column(cells, 5, heading);
    let labels = column(cells, 5, &cells["A5"]);
    let total_row = labels.iter().find(|(_, label)| label == "Total").unwrap().0;
    found.retain(|(row, _)| *row <= total_row);
    let (total, rows) = found.split_last().unwrap();
    assert_eq!(total.0, total_row);
    (rows.iter().map(|(_, amount)| nanos(amount)).sum(), nanos(&total.1))
}

#[test]
fn every_sheet_adds_up_to_the_total_of_the_month() {
    let month_end = month_end();
    let total = month_end.sum(&["report", "cost", "--period", MONTH], "total_cost_usd");
    let bytes = workbook(&month_end, &[]);
    for sheet in [2, 3, 5, 9] {
        let found = cells(&bytes, sheet);
        assert_eq!(sums(&found, "Total cost (USD)"), (total, total), "{}", found["A1"]);
    }
    let centers = cells(&bytes, 2);
    let (booked, to_book) = sums(&centers, "Amount to book (USD)");
    assert!(booked == to_book && booked % 10_000_000 == 0 && (booked - total).abs() <= 5_000_000);
    let change = cells(&bytes, 4);
    let parts = [
        "Volume effect (USD)",
        "Price effect (USD)",
        "New pipelines (USD)",
        "Gone pipelines (USD)",
        "Without a known cost in one period (USD)",
    ];
    let has_total = |heading: &&&str| !column(&change, 5, heading).is_empty();
    let parts: i128 = parts.iter().filter(has_total).map(|heading| sums(&change, heading).1).sum();
    assert_eq!(sums(&change, "Change (USD)"), (parts, parts));
}

#[test]
fn the_summary_checks_itself_with_formulas_and_values() {
    let month_end = month_end();
    let bytes = workbook(&month_end, &[]);
    let found = cells(&bytes, 1);
    assert_eq!(found["A1"], "Summary · February 2025");
    assert!(found["A2"].starts_with("Not closed, known until 2025-03-05 "), "{found:?}");
    assert_eq!(found["A3"], "Acme S.A. · America/Sao_Paulo · by start · USD");
    assert_eq!(found["A5"], "Total cost (USD)");
    assert_eq!(found.values().filter(|text| *text == "OK").count(), 4, "{found:?}");
    let xml = sheet_xml(&bytes, 1);
    assert!(xml.contains("IF(ABS(SUM('Cost centers'!C6:C"), "{xml}");
    assert!(xml.contains("orientation=\"portrait\"") && xml.contains("fitToPage"), "{xml}");
    let book = inflated(&bytes, "xl/workbook.xml");
    for name in ["RL_total_usd", "RL_credits_count", "RL_runs_count", "RL_period"] {
        assert!(book.contains(name), "{name}: {book}");
    }
    let manifest = cells(&bytes, 11);
    let value = |field: &str| {
        let place = manifest.iter().find(|(_, text)| *text == field).unwrap().0.replace('A', "B");
        manifest[&place].clone()
    };
    let costs = month_end.output(&["export", "costs", "--period", MONTH]);
    assert_eq!(
        value("rows_sha256"),
        runledger::internal::digest::to_hex(&runledger::internal::digest::hash(costs.as_bytes()))
    );
    assert_eq!(value("RL_runs.rows"), month_end.runs_of_the_month().len().to_string());
    assert_eq!(nanos(&value("RL_runs.total_cost_usd")), nanos(&found["B5"]));
}

#[test]
fn a_workbook_in_portuguese_has_its_sheets_and_words() {
    let month_end = month_end();
    let english = workbook(&month_end, &[]);
    let portuguese = workbook(&month_end, &["--language", "pt-BR"]);
    assert_eq!(
        sheet_names(&portuguese),
        [
            "Resumo",
            "Centros de custo",
            "Pipelines",
            "Variação",
            "Dias",
            "Créditos",
            "Após o fechamento",
            "Pendências",
            "Execuções",
            "Notas",
            "Manifesto",
        ]
    );
    assert_eq!(sheet_names(&english).len(), 11);
    let found = cells(&portuguese, 1);
    assert_eq!(found["A1"], "Resumo · fevereiro de 2025");
    assert!(found["A2"].starts_with("Não fechado, apurado até 05/03/2025 "), "{found:?}");
    assert_eq!(found["A3"], "Acme S.A. · America/Sao_Paulo · pelo início da execução · USD");
    let english = cells(&english, 9);
    let portuguese = cells(&portuguese, 9);
    assert_eq!(column(&english, 5, "Run id"), column(&portuguese, 5, "ID da execução"));
    assert!(column(&portuguese, 5, "Situação").iter().any(|(_, status)| status == "Sucesso"));
    for sheet in 2..=9 {
        let words = cells(&workbook(&month_end, &["--language", "pt-BR"]), sheet);
        let headings = words.iter().filter(|(place, _)| place.ends_with('5') && place.len() == 2);
        assert!(headings.clone().count() > 4);
        assert!(headings.clone().all(|(_, heading)| !heading.contains('_')), "{words:?}");
    }
}

#[test]
fn a_workbook_matches_its_golden_file_in_each_language() {
    let month_end = MonthEnd::of(20);
    month_end.set(SETTINGS);
    for language in ["en", "pt-BR"] {
        let bytes = workbook(&month_end, &["--language", language]);
        golden::assert_golden(&format!("workbook.{language}.txt"), dump(&bytes).as_bytes());
    }
}

#[test]
fn the_workbook_of_a_closed_month_never_changes() {
    let month_end = month_end();
    month_end.output(&["close", MONTH, "--zone", ZONE]);
    let before = workbook(&month_end, &[]);
    assert!(cells(&before, 1)["A2"].starts_with("Closed 20"));
    assert!(before == workbook(&month_end, &[]), "two workbooks of one archive differ");
    let mut rng = Rng::with_seed(7);
    for _ in 0..3 {
        month_end.upset(&mut rng);
        month_end.sync();
    }
    month_end.set("zone = \"America/Sao_Paulo\"\n[account]\nbilling_name = \"Other\"\n");
    assert!(before == workbook(&month_end, &[]), "a closed month has changed");
}

#[test]
fn corrections_of_earlier_months_are_on_their_own_sheet() {
    let month_end = month_end();
    month_end.output(&["close", MONTH, "--zone", ZONE]);
    let run = month_end.runs_of_the_month()[0];
    let run_id = run.to_string();
    month_end.change(run, serde_json::json!({"el_cost_usd": 12.5}));
    month_end.sync();
    let command = ["export", "workbook", "--period", "2025-03", "--output", "march.xlsx"];
    month_end.output(&command);
    let found = cells(&fs::read(month_end.workspace.file("march.xlsx")).unwrap(), 7);
    assert_eq!(found["A1"], "After close · March 2025");
    assert_eq!(column(&found, 5, "Run id"), [(6, run_id)]);
    let restated = month_end.sum(&["restatements"], "difference_usd");
    assert_eq!(sums(&found, "Difference (USD)"), (restated, restated));
    let items = cells(&fs::read(month_end.workspace.file("march.xlsx")).unwrap(), 8);
    assert!(items.values().any(|text| text == "Changes of closed months"), "{items:?}");
}

#[test]
fn cost_centers_are_booked_in_a_second_currency() {
    let month_end = month_end();
    let settings =
        format!("{SETTINGS}\n[fx]\ncurrency = \"BRL\"\npolicy = \"invoice\"\nrates = \"rates.csv\"\n");
    month_end.set(&settings);
    let rates = "date,currency,rate,source\n2025-02-28,BRL,5.8491,PTAX venda\n";
    fs::write(month_end.workspace.file("rates.csv"), rates).unwrap();
    let bytes = workbook(&month_end, &["--language", "pt-BR"]);
    let centers = cells(&bytes, 2);
    let (booked, to_book) = sums(&centers, "Valor a contabilizar (BRL)");
    let reais = month_end.rows(&["report", "cost", "--period", MONTH]).remove(0)["total_cost_brl"].clone();
    assert!(booked == to_book && booked % 10_000_000 == 0, "{booked} {to_book}");
    assert!((booked - nanos(&reais)).abs() <= 5_000_000, "{booked} {reais}");
    assert_eq!(column(&centers, 5, "Taxa de câmbio")[0].1, "5.849100000");
    assert_eq!(column(&centers, 5, "Fonte da taxa")[0].1, "PTAX venda");
    assert!(cells(&bytes, 1).values().any(|text| text == "28/02/2025 · PTAX venda"));
    assert!(inflated(&bytes, "xl/styles.xml").contains("[$R$-416] #,##0.00"));
}

#[test]
fn a_workbook_needs_a_month_and_an_xlsx_file() {
    let month_end = month_end();
    for (arguments, words) in [
        (vec!["--output", "a.xlsx"], "a workbook is about a month"),
        (vec!["--period", "2025-W07", "--output", "a.xlsx"], "2025-W07 is not a month"),
        (vec!["--from", "2025-02-01", "--output", "a.xlsx"], "--from and --until do not apply"),
        (vec!["--period", MONTH], "needs a file to write to"),
        (vec!["--period", MONTH, "--output", "a.csv"], "does not end in .xlsx"),
        (vec!["--period", MONTH, "--output", "a.xlsx", "--format", "csv"], "--format does not apply"),
        (vec!["--period", MONTH, "--output", "a.xlsx", "--decimals", "2"], "--decimals does not apply"),
    ] {
        let ran = month_end.run(&[&["export", "workbook"], &arguments[..]].concat());
        assert!(ran.code == 2 && ran.err.contains(words), "{arguments:?}: {ran:?}");
        assert!(!month_end.workspace.file("a.xlsx").exists() && !month_end.workspace.file("a.csv").exists());
    }
}

#[test]
fn a_workbook_matches_its_manifest_and_a_full_disk_is_one_error() {
    let month_end = month_end();
    workbook(&month_end, &["--manifest"]);
    month_end.output(&["verify-file", "close.xlsx"]);
    std::os::unix::fs::symlink("/dev/full", month_end.workspace.file("full.xlsx")).unwrap();
    let ran = month_end.run(&["export", "workbook", "--period", MONTH, "--output", "full.xlsx"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    assert!(
        ran.err.lines().any(|line| line.starts_with("error: ")) && !ran.err.contains("ZipWriter"),
        "{ran:?}"
    );
    let ran = month_end.run(&[
        "export",
        "workbook",
        "--period",
        MONTH,
        "--as-of",
        "2020-01-01",
        "--output",
        "early.xlsx",
    ]);
    assert!(ran.code == 2 && ran.err.contains("nothing was known yet"), "{ran:?}");
}

#[test]
fn a_month_without_runs_keeps_every_sheet() {
    let month_end = month_end();
    month_end.output(&["export", "workbook", "--period", "2024-01", "--output", "empty.xlsx"]);
    let bytes = fs::read(month_end.workspace.file("empty.xlsx")).unwrap();
    assert_eq!(sheet_names(&bytes).len(), 11);
    assert_eq!(cells(&bytes, 7)["A6"], "No closed month has changed.");
    assert_eq!(cells(&bytes, 9)["A6"], "The month has no runs.");
}
