//! The files of statements: their names, rows and sums, and the index.

use super::{MONTH, MonthEnd, RULES, ZONE, closed, files, written};
use crate::support::command::rows_of_csv;
use crate::support::month_end::nanos;
use crate::support::sheet::{cells, sheet_names};
use runledger::internal::digest::{hash, to_hex};
use runledger::internal::statements::{INDEX_FILE, stem};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

fn index(folder: &PathBuf) -> Value {
    serde_json::from_slice(&files(folder)[INDEX_FILE]).unwrap()
}

/// The sums of the rows of all CSV files in a folder, by column, in nano-dollars.
fn sum(folder: &PathBuf, column: &str) -> i128 {
    let files = files(folder);
    let csv = files.iter().filter(|(name, _)| name.ends_with(".csv"));
    csv.flat_map(|(_, bytes)| rows_of_csv(bytes)).map(|row| nanos(&row[column])).sum()
}

#[test]
fn statements_of_a_closed_month_add_up_to_its_close() {
    let month_end = closed(200);
    let folder = written(&month_end, "out");
    let closes: Value = serde_json::from_str(&month_end.output(&["close", "--json"])).unwrap();
    let total = nanos(&closes[0]["total_cost_usd"].to_string());
    assert_eq!(sum(&folder, "total_cost_usd"), total);
    assert_ne!(total, 0);
    let cost = ["report", "cost", "--by", "kind", "--period", MONTH];
    assert_eq!(sum(&folder, "runs"), month_end.sum(&cost, "runs"));
    // The rows of all statements are those of the report change.
    let change = ["report", "change", "--by", "cost-center,pipeline", "--period", MONTH];
    for column in ["change_usd", "volume_usd", "price_usd", "new_usd", "gone_usd", "against_total_cost_usd"] {
        assert_eq!(sum(&folder, column), month_end.sum(&change, column), "{column}");
    }
    for row in month_end.rows(&change) {
        let name = format!("{}.csv", stem(MONTH, &row["cost_center"]));
        let mut own = rows_of_csv(&files(&folder)[&name]);
        own.retain(|own| own["pipeline_id"] == row["pipeline_id"]);
        assert_eq!(own.len(), 1, "{row:?}");
        assert_eq!(own[0].remove("month").unwrap(), MONTH);
        assert_eq!(own[0], row);
    }
}

#[test]
fn each_cost_center_has_its_files_and_so_have_runs_without_one() {
    let month_end = closed(200);
    let folder = written(&month_end, "out");
    let mut expected = vec![INDEX_FILE.to_owned()];
    for center in ["Data", "data", "../=Operações: CON", "unallocated"] {
        for extension in ["csv", "manifest.json", "xlsx"] {
            expected.push(format!("{}.{extension}", stem(MONTH, center)));
        }
    }
    expected.sort_unstable();
    assert_eq!(files(&folder).into_keys().collect::<Vec<_>>(), expected);
    for name in expected.iter().filter(|name| name.ends_with(".csv")) {
        month_end.output(&["verify-file", &format!("out/{name}")]);
    }
    let index = index(&folder);
    assert_eq!(index["period"], MONTH);
    assert_eq!((&index["zone"], &index["date_basis"]), (&json!(ZONE), &json!("started")));
    assert_eq!(index["archives"][0]["close_id"], 1);
    let statements = index["statements"].as_array().unwrap();
    assert_eq!(statements.last().unwrap()["cost_center"], "unallocated");
    for statement in statements {
        for file in statement["files"].as_array().unwrap() {
            let bytes = &files(&folder)[file["file"].as_str().unwrap()];
            assert_eq!(file["sha256"], to_hex(&hash(bytes)));
            assert_eq!(file["bytes"], bytes.len());
        }
    }
    let costs: BTreeMap<String, String> = month_end
        .rows(&["report", "cost", "--by", "cost-center", "--period", MONTH])
        .into_iter()
        .map(|row| (row["cost_center"].clone(), row["total_cost_usd"].clone()))
        .collect();
    for statement in statements {
        let center = statement["cost_center"].as_str().unwrap();
        assert_eq!(statement["total_cost_usd"], costs[center], "{center}");
    }
}

#[test]
fn a_closed_month_gives_the_same_bytes_whatever_becomes_known() {
    let month_end = closed(150);
    let before = files(&written(&month_end, "before"));
    month_end.change(month_end.runs_of_the_month()[0], json!({"el_cost_usd": 99.5}));
    month_end.sync();
    month_end.set("[[cost_center]]\ncost_center = \"All\"\n");
    assert_eq!(files(&written(&month_end, "after")), before);
    // Written over, too.
    assert_eq!(files(&written(&month_end, "before")), before);
}

#[test]
fn the_files_of_a_center_do_not_depend_on_other_centers() {
    let month_end = MonthEnd::of(120);
    let data = "[[cost_center]]\ncost_center = \"Data\"\nkind = \"source\"\n";
    month_end.set(data);
    let alone = files(&written(&month_end, "alone"));
    month_end.set(&format!("{data}[[cost_center]]\ncost_center = \"data\"\nkind = \"destination\"\n"));
    let together = files(&written(&month_end, "together"));
    let csv = format!("{}.csv", stem(MONTH, "Data"));
    assert_eq!(alone[&csv], together[&csv]);
    assert!(together.len() > alone.len());
}

#[test]
fn a_statement_in_a_spreadsheet_dialect_verifies_and_adds_up() {
    let month_end = closed(120);
    month_end.output(&["statements", "--period", MONTH, "--output", "br", "--dialect", "excel-br"]);
    let folder = month_end.workspace.file("br");
    for (name, bytes) in files(&folder).iter().filter(|(name, _)| name.ends_with(".csv")) {
        assert!(bytes.starts_with("\u{feff}".as_bytes()), "{name}");
        month_end.output(&["verify-file", &format!("br/{name}")]);
    }
    month_end.output(&["statements", "--check", "br"]);
}

#[test]
fn statements_are_of_whole_months_and_by_cost_center() {
    let month_end = MonthEnd::of(40);
    let run = |arguments: &[&str]| month_end.run(&[&["statements", "--output", "out"], arguments].concat());
    for period in ["2025-W08", "2025-02-20"] {
        run(&["--period", period]).refused(2, &["statements are of whole months", "report change --period"]);
    }
    run(&["--period", "2025-2"]).refused(2, &["not a month, week or day"]);
    run(&["--period", "2025-09"]).refused(2, &["had not begun at the last observation"]);
    run(&["--period", MONTH, "--by", "pipeline"]).refused(2, &["statements are by cost center"]);
    run(&["--period", MONTH, "--by", "cost-centre"]).refused(2, &["did you mean `cost-center`?"]);
    assert!(!month_end.workspace.file("out").exists());
}

#[test]
fn statements_of_an_open_month_are_as_known_at_a_moment() {
    let month_end = MonthEnd::of(120);
    month_end.set("[[cost_center]]\ncost_center = \"Data\"\nkind = \"source\"\n");
    let known_at = month_end.known_at();
    let before = files(&written(&month_end, "before"));
    month_end.change(month_end.runs_of_the_month()[0], json!({"el_cost_usd": 99.5}));
    month_end.sync();
    let now = files(&written(&month_end, "now"));
    month_end.output(&["statements", "--period", MONTH, "--output", "then", "--as-of", &known_at]);
    let then = files(&month_end.workspace.file("then"));
    let csv = |files: &BTreeMap<String, Vec<u8>>| -> Vec<Vec<u8>> {
        files.iter().filter(|(name, _)| name.ends_with(".csv")).map(|(_, bytes)| bytes.clone()).collect()
    };
    assert_eq!(csv(&then), csv(&before));
    assert_ne!(csv(&now), csv(&before));
    month_end.output(&["statements", "--check", "then"]);
}

/// Sets a second currency with one rate for the month.
fn set_rate(month_end: &MonthEnd, rate: &str) {
    let fx = "[fx]\ncurrency = \"BRL\"\npolicy = \"invoice\"\nrates = \"rates.csv\"\n";
    month_end.set(&[RULES, fx].concat());
    let rates = format!("date,currency,rate,source\n2025-01-31,BRL,5.5,PTAX\n2025-02-28,BRL,{rate},PTAX\n");
    fs::write(month_end.workspace.file("rates.csv"), rates).unwrap();
}

#[test]
fn a_rate_change_after_a_close_changes_no_statement() {
    let month_end = MonthEnd::of(120);
    set_rate(&month_end, "6.25");
    month_end.output(&["close", MONTH, "--zone", ZONE]);
    let before = files(&written(&month_end, "before"));
    for row in rows_of_csv(&before[&format!("{}.csv", stem(MONTH, "Data"))]) {
        if row["runs_cost_unknown"] != row["runs"] {
            let exact = nanos(&row["total_cost_usd"]) * 25;
            let shown = nanos(&row["total_cost_brl"]) * 4;
            assert!((exact - shown).abs() <= 2, "{row:?}");
            assert_eq!((nanos(&row["fx_rate"]), row["fx_source"].as_str()), (6_250_000_000, "PTAX"));
            assert_eq!(row["fx_date"], "2025-02-28");
        }
    }
    month_end.output(&["statements", "--check", "before"]);
    set_rate(&month_end, "7.5");
    assert_eq!(files(&written(&month_end, "after")), before);
}

#[test]
#[cfg_attr(not(feature = "xlsx"), ignore = "it reads a spreadsheet")]
fn a_spreadsheet_has_one_page_in_the_language_of_its_reader() {
    let month_end = closed(150);
    let headings = |book: &[u8]| -> Vec<String> {
        let cells = cells(book, 1);
        ["A", "B", "C", "D", "E"].map(|letter| cells[&format!("{letter}6")].clone()).to_vec()
    };
    for (language, name, title, first, total) in [
        (
            "en",
            "Statement",
            "Statement of Data · February 2025 against January 2025",
            ["Pipeline", "Kind", "This month (USD)", "Month before (USD)", "Change (USD)"],
            "Total",
        ),
        (
            "pt-BR",
            "Demonstrativo",
            "Demonstrativo de Data · fevereiro de 2025 em relação a janeiro de 2025",
            ["Pipeline", "Tipo", "Mês atual (USD)", "Mês anterior (USD)", "Variação (USD)"],
            "Total",
        ),
    ] {
        month_end.output(&["statements", "--period", MONTH, "--output", language, "--language", language]);
        let folder = month_end.workspace.file(language);
        let book = &files(&folder)[&format!("{}.xlsx", stem(MONTH, "Data"))];
        assert_eq!(sheet_names(book)[0], name);
        let cells = cells(book, 1);
        assert_eq!(cells["A1"], title);
        assert_eq!(headings(book), first, "{language}");
        let rows = rows_of_csv(&files(&folder)[&format!("{}.csv", stem(MONTH, "Data"))]);
        // The rows of the sheet are those of the CSV, and then the totals.
        let last = 6 + rows.len();
        assert_eq!(cells[&format!("A{}", last + 1)], total);
        for (row, place) in rows.iter().zip(7..) {
            assert_eq!(nanos(&cells[&format!("C{place}")]), nanos(&row["total_cost_usd"]), "{row:?}");
        }
        let sum: i128 = rows.iter().map(|row| nanos(&row["total_cost_usd"])).sum();
        assert_eq!(nanos(&cells[&format!("C{}", last + 1)]), sum);
        month_end.output(&["statements", "--check", language]);
    }
}
