//! A close freezes the plan, purchased credits, invoice issuers and accounts, and every command answers from them.

use super::closed;
use crate::support::command::Ran;
use crate::support::month_end::{MONTH, MonthEnd, questions_of_a_month};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

/// Every setting that can appear in an answer about a month.
const SETTINGS: &str = r#"
zone = "America/Sao_Paulo"

[plan]
fee_usd = "1490.00"
credits = 100

[[credit_purchase]]
date = "2025-02-20"
credits = 30
price_usd = "45.50"

[billed_by]
el = "Nekt"
transformation = "Amazon Web Services"

[account]
billing_id = "acme"
billing_name = "Acme S.A."
sub_id = "data"

[[cost_center]]
cost_center = "Loading"
kind = "source"
"#;

/// A fixture whose month is closed under these settings.
fn closed_under_settings() -> MonthEnd {
    let month_end = MonthEnd::of(60);
    month_end.set(SETTINGS);
    month_end.output(&["close", MONTH]);
    month_end
}

/// The commands whose answer depends on terms, in their formats.
fn questions() -> Vec<Vec<&'static str>> {
    let mut questions: Vec<Vec<&str>> = Vec::new();
    for format in ["table", "csv", "json", "markdown", "xlsx"] {
        questions.push(vec!["report", "credits", "--format", format]);
        questions.push(vec!["report", "credits", "--by", "month,pipeline", "--format", format]);
    }
    questions.push(vec!["report", "html"]);
    questions.push(vec!["report", "cost", "--by", "cost-center", "--format", "csv"]);
    questions.push(vec!["export", "costs"]);
    questions.push(vec!["export", "focus"]);
    questions.push(vec!["export", "focus", "--focus-version", "1.4"]);
    questions.push(vec!["export", "focus", "--focus-version", "1.4", "--focus-dataset", "billing-period"]);
    questions
}

/// The answers about the closed month, and the manifests of some of them.
fn answers(month_end: &MonthEnd) -> BTreeMap<String, Vec<u8>> {
    let mut answers = month_end.answers(&questions(), &["--period", MONTH]);
    for (name, question) in [
        ("credits", &["report", "credits", "--format", "csv"][..]),
        ("focus", &["export", "focus"]),
        ("costs", &["export", "costs"]),
    ] {
        let file = month_end.workspace.file(&format!("{name}.csv"));
        let output = ["--period", MONTH, "--manifest", "--output", file.to_str().unwrap()];
        month_end.output(&[question, &output].concat());
        answers
            .insert(format!("manifest of {name}"), fs::read(file.with_extension("manifest.json")).unwrap());
    }
    // The fee alone is one of the causes that are tried. If it is another fee, no cause explains the invoice.
    let ran = month_end.run(&["reconcile", "--invoice", "1490.00", "--format", "csv", "--period", MONTH]);
    answers.insert("reconcile".to_owned(), format!("{} {}", ran.code, ran.out).into_bytes());
    answers
}

fn differing(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let changed = before.iter().filter(|(question, answer)| after[*question] != **answer);
    changed.map(|(question, _)| question.clone()).collect()
}

#[test]
fn no_setting_changes_an_answer_about_a_closed_month() {
    let month_end = closed_under_settings();
    let before = answers(&month_end);
    assert!(before["reconcile"].starts_with(b"0 "));
    let page = String::from_utf8_lossy(&before["report html"]).into_owned();
    assert!(
        page.contains("490.00 USD a month for 100 credits")
            && page.contains("30 for 45.50 USD on 2025-02-20")
    );
    for (from, to) in [
        ("zone = \"America/Sao_Paulo\"\n", "date_basis = \"ended\"\n"),
        ("fee_usd = \"1490.00\"", "fee_usd = \"9.99\""),
        ("credits = 100", "credits = 7"),
        ("[plan]", "[plan]\nfrom = \"2030-01-01\""),
        ("date = \"2025-02-20\"", "date = \"2025-01-20\""),
        ("credits = 30", "credits = 31"),
        ("price_usd = \"45.50\"", "price_usd = 0"),
        ("el = \"Nekt\"", "el = \"Google Cloud\""),
        ("transformation = \"Amazon Web Services\"\n", ""),
        ("[billed_by]", "[billed_by]\nfrom = \"2030-01-01\""),
        ("billing_id = \"acme\"", "billing_id = \"globex\""),
        ("billing_name = \"Acme S.A.\"\n", ""),
        ("sub_id = \"data\"", "sub_name = \"Other\""),
        ("cost_center = \"Loading\"", "cost_center = \"Other\""),
        (SETTINGS, ""),
    ] {
        assert!(SETTINGS.contains(from), "{from}");
        month_end.set(&SETTINGS.replace(from, to));
        assert_eq!(differing(&before, &answers(&month_end)), [""; 0], "{from:?} became {to:?}");
    }
    assert_eq!(month_end.run(&["check"]).code, 0);
    // A second close adopts the settings of today.
    month_end.set(&SETTINGS.replace("1490.00", "1600.00"));
    month_end.output(&["close", "--restate", MONTH]);
    let focus = String::from_utf8(answers(&month_end).remove("export focus").unwrap()).unwrap();
    assert!(focus.contains("1600.000000000") && !focus.contains("1490.0"), "{focus}");
}

#[test]
fn every_question_about_a_closed_month_ignores_the_terms_of_today() {
    let month_end = closed(40);
    let before = month_end.answers(&questions_of_a_month(), &["--period", MONTH]);
    let settings = fs::read_to_string(month_end.workspace.file("runledger.toml")).unwrap();
    month_end.set(&format!(
        "{}\n[plan]\nfee_usd = 1\ncredits = 1\n[account]\nbilling_id = \"other\"\n",
        settings.replace("billed_by = { el = \"Nekt\" }", "billed_by = { transformation = \"Nekt\" }")
    ));
    assert_eq!(
        differing(&before, &month_end.answers(&questions_of_a_month(), &["--period", MONTH])),
        [""; 0]
    );
}

/// Makes the closes look as earlier versions made them.
fn remove_terms(month_end: &MonthEnd) {
    let archive = Connection::open(month_end.workspace.path()).unwrap();
    archive.execute_batch("UPDATE period_closes SET terms = NULL, terms_sha256 = NULL").unwrap();
}

#[test]
fn a_close_without_terms_answers_with_those_of_today_and_says_so() {
    let month_end = closed_under_settings();
    let frozen = answers(&month_end);
    remove_terms(&month_end);
    assert_eq!(month_end.run(&["check"]).code, 0);
    let note = "2025-02 was closed by a version that froze no plan, purchased credits, billed_by and account";
    let said = |arguments: &[&str]| -> Ran { month_end.run(&[arguments, &["--period", MONTH]].concat()) };
    for arguments in [
        &["report", "credits"][..],
        &["report", "html"],
        &["export", "focus"],
        &["reconcile", "--invoice", "1490.00"],
    ] {
        let ran = said(arguments);
        assert!(ran.code == 0 && ran.err.contains(note), "{arguments:?}: {ran:?}");
    }
    // The cost does not depend on terms.
    for arguments in [&["report", "cost"][..], &["export", "costs"]] {
        assert!(!said(arguments).err.contains(note), "{arguments:?}");
    }
    let todays = answers(&month_end);
    let manifest: Value = serde_json::from_slice(&todays["manifest of credits"]).unwrap();
    let state = manifest["asked"]["close_state"].as_str().unwrap();
    assert!(state.ends_with("close 1, with the plan, billed_by and account of today's settings"), "{state}");
    assert!(String::from_utf8_lossy(&todays["report html"]).contains("account of today"));
    let json: Value = serde_json::from_slice(&todays["report credits --format json"]).unwrap();
    assert_eq!(json["scope"]["close_state"], json!(state));
    // What these files contain beyond the state of the close is the same.
    let data = |answers: &BTreeMap<String, Vec<u8>>| -> BTreeMap<String, Vec<u8>> {
        let mut data = answers.clone();
        data.retain(|name, _| {
            !["manifest", "xlsx", "html", "json"].iter().any(|format| name.contains(format))
        });
        data
    };
    assert_eq!(differing(&data(&frozen), &data(&todays)), [""; 0]);
    month_end.set(&SETTINGS.replace("1490.00", "1600.00").replace("credits = 100", "credits = 50"));
    let changed = differing(&data(&todays), &data(&answers(&month_end)));
    for question in ["report credits --format csv", "export focus", "reconcile"] {
        assert!(changed.iter().any(|name| name == question), "{question}: {changed:?}");
    }
    // The advice of the note freezes them.
    let advice = said(&["report", "credits"]).err.split('`').nth(1).unwrap().to_owned();
    month_end.output(&advice.split(' ').skip(1).collect::<Vec<_>>());
    assert!(!said(&["report", "credits"]).err.contains("was closed by a version"));
    let restated = answers(&month_end);
    month_end.set(SETTINGS);
    assert_eq!(differing(&restated, &answers(&month_end)), [""; 0]);
}

#[test]
fn a_correction_has_the_invoice_issuer_of_the_month_it_corrects() {
    let month_end = closed_under_settings();
    let run = month_end.runs_of_the_month()[0];
    month_end.change(run, json!({"el_cost_usd": 7.5, "transformation_cost_usd": 2.5}));
    month_end.sync();
    // From March on, another company invoices extraction and loading.
    month_end.set(&SETTINGS.replace(
        "[billed_by]",
        "[[billed_by]]\nfrom = \"2025-03-01\"\nel = \"Google Cloud\"\n\n[[billed_by]]",
    ));
    let march = month_end.rows(&["export", "focus", "--period", "2025-03"]);
    let issuer = |class: &str, part: &str| -> Vec<String> {
        let of = march.iter().filter(|row| row["ChargeClass"] == class && row["x_CostPart"] == part);
        let mut issuers: Vec<String> = of.map(|row| row["InvoiceIssuerName"].clone()).collect();
        issuers.dedup();
        issuers
    };
    assert_eq!(issuer("Correction", "el"), ["Nekt"]);
    assert_eq!(issuer("Correction", "transformation"), ["Amazon Web Services"]);
    assert_eq!(issuer("", "el"), ["Google Cloud"]);
}

#[test]
fn a_close_names_who_made_it_and_why() {
    let month_end = MonthEnd::of(40);
    month_end.set(SETTINGS);
    let (by, note) = ("Ana \u{1b}[31m", "fatura 4711\nconferida \u{202e}");
    let printed = month_end.output(&["close", MONTH, "--by", by, "--note", note]);
    assert!(printed.contains("\nClosed by     Ana \\u{1b}[31m\n"), "{printed}");
    assert!(printed.contains("\nNote          fatura 4711\\nconferida \\u{202e}"), "{printed}");
    for line in [
        "Plan          1,490.00 USD a month for 100 credits",
        "Bought        30 credits for 45.50 USD on 2025-02-20",
        "Billed by     el Nekt, transformation Amazon Web Services",
        "Account       billing id acme, billing name Acme S.A., sub id data",
    ] {
        assert!(printed.contains(line), "{line}: {printed}");
    }
    assert_eq!(month_end.table("SELECT closed_by FROM period_closes"), [by]);
    let listed: Value = serde_json::from_str(&month_end.output(&["close", "--json"])).unwrap();
    assert_eq!((&listed[0]["closed_by"], &listed[0]["note"]), (&json!(by), &json!(note)));
    let terms: Value = serde_json::from_str(listed[0]["terms"].as_str().unwrap()).unwrap();
    assert_eq!((&terms["layout"], &terms["plan"]["credits"]), (&json!(1), &json!(100)));
    let list = month_end.output(&["close"]);
    assert!(list.contains("Ana") && list.contains("fatura 4711"), "{list}");
    assert!(!list.contains('\u{1b}') && !list.contains('\u{202e}'), "{list:?}");
    // The manifest of a file about the month has both.
    let file = month_end.workspace.file("costs.csv");
    let export = ["export", "costs", "--period", MONTH, "--manifest", "--output", file.to_str().unwrap()];
    month_end.output(&export);
    let manifest: Value =
        serde_json::from_slice(&fs::read(file.with_extension("manifest.json")).unwrap()).unwrap();
    assert_eq!(
        (&manifest["asked"]["closed_by"], &manifest["asked"]["close_note"]),
        (&json!(by), &json!(note))
    );
    // A second close has its own, or none.
    month_end.output(&["close", "--restate", MONTH]);
    assert_eq!(
        month_end.table("SELECT count(*), count(closed_by), count(note) FROM period_closes"),
        ["2|1|1"]
    );
    for (flag, words) in [("--by", "--by: the text is blank"), ("--note", "--note: the text is blank")] {
        month_end.run(&["close", "--restate", MONTH, flag, " "]).refused(2, &[words]);
        month_end.run(&["close", flag, "x"]).refused(2, &["needs MONTH"]);
    }
}
