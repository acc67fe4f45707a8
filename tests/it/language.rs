//! Headings, values and sentences in the language of the reader, and what no language changes.

use crate::support::month_end::{MONTH, MonthEnd, ZONE, questions};
use runledger::internal::language::Language;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

const BOTH: [Language; 2] = [Language::English, Language::Portuguese];

/// Every command whose table people read in a spreadsheet, with its CSV as arguments.
fn tables() -> Vec<Vec<&'static str>> {
    let csv = ["--format", "csv"];
    let mut tables: Vec<Vec<&str>> =
        questions().into_iter().filter(|question| question[1] != "documents").collect();
    let split = "month,pipeline,kind,trigger,status,cost-center,workspace";
    tables.extend([
        [&["report", "cost", "--by", split][..], &csv].concat(),
        [&["report", "credits"][..], &csv].concat(),
        [&["report", "credits", "--by", "month,pipeline"][..], &csv].concat(),
        [&["report", "change", "--period", MONTH, "--by", "kind,trigger,cost-center"][..], &csv].concat(),
        [&["restatements"][..], &csv].concat(),
        [&["restatements", "--totals"][..], &csv].concat(),
    ]);
    tables
}

/// A month that was closed and has changed since.
fn changed() -> MonthEnd {
    let month_end = MonthEnd::of(120);
    month_end.set("zone = \"America/Sao_Paulo\"\n[plan]\nfee_usd = \"1490.00\"\ncredits = 100\n");
    month_end.output(&["close", MONTH]);
    let runs = month_end.runs_of_the_month();
    month_end.change(runs[0], json!({"el_cost_usd": 7.5, "status": "failed"}));
    month_end.change(runs[1], json!({"el_cost_usd": null, "transformation_cost_usd": null}));
    month_end.sync();
    month_end
}

#[test]
fn every_column_for_people_has_its_own_heading_in_each_language() {
    let month_end = changed();
    let mut count = 0;
    for table in tables() {
        let csv = month_end.output(&table);
        let columns: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
        for language in BOTH {
            let headings: BTreeSet<String> =
                columns.iter().map(|column| language.heading(column).into_owned()).collect();
            assert_eq!(headings.len(), columns.len(), "{table:?}: {headings:?}");
            for column in &columns {
                assert_ne!(language.heading(column), *column, "{table:?}: no heading in {language:?}");
            }
        }
        count += columns.len();
    }
    assert!(count > 200, "only {count} columns were found");
}

#[test]
fn a_spreadsheet_has_portuguese_headings_and_values() {
    let month_end = changed();
    let costs = ["export", "costs", "--period", MONTH, "--dialect", "excel-br"];
    let file = ["--manifest", "--output", "custos.csv"];
    month_end.output(&[&costs[..], &file].concat());
    let text = fs::read_to_string(month_end.workspace.file("custos.csv")).unwrap();
    let heading = "\u{feff}Data de competência;ID da execução;Número da execução;Tipo;ID do pipeline;Pipeline;\
                   Centro de custo;Situação;Acionamento;Cobrança de crédito;Extração e carga (USD);\
                   Transformação (USD);Custo total (USD);Hash do conteúdo\r\n";
    assert!(text.starts_with(heading), "{:.400}", text);
    for value in ["Não alocado", "Fonte", "Sucesso", "Agendamento", "Cobrada"] {
        assert!(text.contains(&format!(";{value};")), "{value}");
    }
    // The manifest has the fields for programs, and the headings of the file.
    let manifest: Value =
        serde_json::from_slice(&fs::read(month_end.workspace.file("custos.manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["manifest_version"], 2);
    assert_eq!(manifest["dialect"]["headings"], "pt-BR");
    assert_eq!(
        (&manifest["columns"][0], &manifest["headings"][0]),
        (&json!("booked_at"), &json!("Data de competência"))
    );
    let verified = month_end.output(&["verify-file", "custos.csv"]);
    assert!(verified.contains("sum of credit_charge_status: "), "{verified}");
    // A changed word is a changed sum.
    fs::write(month_end.workspace.file("custos.csv"), text.replacen(";Cobrada;", ";Não cobrada;", 1))
        .unwrap();
    let refused = month_end.run(&["verify-file", "custos.csv"]);
    assert_ne!(refused.code, 0);
    assert!(
        refused.out.contains("differs  sum of credit_charge_status")
            || refused.out.contains("but the manifest says")
    );
}

#[test]
fn the_headings_of_a_spreadsheet_can_be_those_for_programs() {
    let month_end = changed();
    let cost = ["report", "cost", "--by", "kind", "--format", "csv"];
    let first_two = |flags: &[&str]| {
        let csv = month_end.output(&[&cost[..], flags].concat());
        csv.lines().take(2).map(|line| line.split([',', ';']).next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(first_two(&["--dialect", "excel"]), ["\u{feff}Kind", "Destination"]);
    assert_eq!(first_two(&["--dialect", "excel", "--language", "pt-BR"]), ["\u{feff}Tipo", "Destino"]);
    assert_eq!(first_two(&["--dialect", "excel-br", "--language", "en"]), ["\u{feff}Kind", "Destination"]);
    assert_eq!(first_two(&["--dialect", "excel-br", "--headings", "en"]), ["\u{feff}Kind", "Destination"]);
    let machine = ["--dialect", "excel-br", "--headings", "machine"];
    assert_eq!(first_two(&machine), ["\u{feff}pipeline_kind", "destination"]);
    assert_eq!(first_two(&["--headings", "machine"]), ["pipeline_kind", "destination"]);
    let file = ["--manifest", "--output", "tipos.csv"];
    month_end.output(&[&cost[..], &machine, &file].concat());
    let manifest = fs::read_to_string(month_end.workspace.file("tipos.manifest.json")).unwrap();
    assert!(manifest.contains("\"manifest_version\": 1,") && !manifest.contains("headings"), "{manifest}");
    month_end.output(&["verify-file", "tipos.csv"]);
}

#[test]
fn a_language_or_headings_without_an_effect_are_refused() {
    let month_end = MonthEnd::of(5);
    let refused = |arguments: &[&str], words: &[&str]| month_end.run(arguments).refused(2, words);
    refused(
        &["report", "cost", "--language", "pt-BR"],
        &["--language only applies to spreadsheets", "excel-br"],
    );
    refused(&["report", "cost", "--format", "json", "--language", "en"], &["and the format is json"]);
    refused(&["export", "costs", "--language", "pt-BR"], &["does not apply to the dialect machine"]);
    refused(&["export", "focus", "--period", MONTH, "--language", "pt-BR"], &["does not support --language"]);
    refused(&["export", "parquet", "--output", "x", "--language", "pt-BR"], &["--language does not apply"]);
    refused(&["export", "costs", "--headings", "pt-BR"], &["does not apply to the dialect machine"]);
    refused(&["report", "cost", "--headings", "machine"], &["--headings only applies to CSV"]);
    refused(
        &["export", "costs", "--dialect", "excel", "--language", "pt-br"],
        &["--language pt-br: must be one of en, pt-BR", "did you mean `pt-BR`?"],
    );
    refused(
        &["export", "costs", "--dialect", "excel", "--headings", "machin"],
        &["--headings machin: must be one of machine, en, pt-BR", "did you mean `machine`?"],
    );
}

#[test]
fn output_for_programs_is_the_same_in_every_language() {
    let month_end = changed();
    let machine = ["--dialect", "machine"];
    let mut asked: Vec<Vec<&str>> =
        tables().into_iter().map(|table| [&table[..], &machine].concat()).collect();
    for format in ["json", "markdown", "table"] {
        asked.push(vec!["report", "cost", "--format", format]);
        asked.push(vec!["restatements", "--format", format]);
    }
    asked.push(vec!["export", "focus", "--period", MONTH]);
    asked.push(vec!["export", "documents"]);
    asked.push(vec!["query", "SELECT status FROM runs", "--format", "csv"]);
    let answers = || asked.iter().map(|asked| month_end.output(asked)).collect::<Vec<_>>();
    let english = answers();
    let zone = "zone = \"America/Sao_Paulo\"\n[plan]\nfee_usd = \"1490.00\"\ncredits = 100\n";
    month_end.set(&format!("language = \"pt-BR\"\ndialect = \"excel-br\"\n{zone}"));
    for ((asked, english), portuguese) in asked.iter().zip(english).zip(answers()) {
        assert_eq!(english, portuguese, "{asked:?}");
    }
}

#[test]
fn an_invoice_is_written_as_in_its_language() {
    let month_end = changed();
    let reconcile = |invoice: &str, flags: &[&str]| {
        let arguments = ["reconcile", "--period", MONTH, "--invoice", invoice, "--format", "json"];
        month_end.run(&[&arguments[..], flags].concat())
    };
    let portuguese = ["--language", "pt-BR"];
    let amount = |invoice: &str, flags: &[&str]| {
        let answer: Value = serde_json::from_str(&reconcile(invoice, flags).out).unwrap();
        assert!(answer["scope"]["question"].as_str().unwrap().starts_with("reconcile --invoice 1234"));
        answer["rows"][0]["invoice_usd"].to_string()
    };
    for invoice in ["1.234,56", "1234,56", "1234.56"] {
        assert_eq!(amount(invoice, &portuguese), "1234.56", "{invoice}");
    }
    assert_eq!(amount("1.234", &portuguese), "1234.0");
    assert_eq!(amount("1234.56", &[]), "1234.56");
    let refused = reconcile("1.234,56", &[]);
    refused.refused(2, &["--invoice 1.234,56: not an amount", "add --language pt-BR"]);
    reconcile("12,3,4", &portuguese).refused(2, &["write the amount as in 1.234,56"]);
    month_end.set(&format!("dialect = \"excel-br\"\nzone = \"{ZONE}\""));
    assert_eq!(amount("1.234,56", &[]), "1234.56", "the language is that of the dialect");
}
