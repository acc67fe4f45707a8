//! The questions in `queries/`, and every report in every format.

use super::{ALWAYS, answer, exact};
use crate::support::{golden, ledger};
use chrono_tz::Tz;
use runledger::internal::export::json::Layout;
use runledger::internal::export::{Dialect, csv, json, markdown};
use runledger::internal::report::question::{QUESTIONS, Question};
use runledger::internal::report::table::{USD_DECIMALS, USD_DECIMALS_FOR_PEOPLE};

#[test]
fn every_question_file_starts_with_its_question() {
    for question in QUESTIONS {
        assert!(question.title().contains('?'), "queries/{}.sql: {:?}", question.name, question.title());
        assert!(question.sql.starts_with("-- "), "queries/{}.sql", question.name);
    }
}

#[test]
fn query_files_and_questions_match_one_to_one() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".sql").map(str::to_owned))
        .collect();
    let mut questions = QUESTIONS.map(|question| question.name.to_owned()).to_vec();
    files.sort();
    questions.sort();
    assert_eq!(files, questions);
}

#[test]
fn a_limit_applies_only_to_questions_that_have_one() {
    let archive = ledger::small();
    let slowest = Question::named("slowest-runs")
        .unwrap()
        .ask(&ledger::opened(&archive, &ALWAYS, Tz::UTC), Some(2))
        .unwrap();
    let ids: Vec<String> = exact(&slowest).iter().map(|row| row[0].clone()).collect();
    assert_eq!(ids, ["run-04", "run-02"]);
    let refused = Question::named("failures")
        .unwrap()
        .ask(&ledger::opened(&archive, &ALWAYS, Tz::UTC), Some(2))
        .unwrap_err();
    assert_eq!(refused.exit_code(), 2);
}

#[test]
fn a_draft_is_no_pipeline_without_runs() {
    let archive = ledger::small();
    for (settings, is_listed) in [
        ("NULL", true),
        (r#"'{"draft":false,"settings_number_of_retries":2}'"#, true),
        (r#"'{"draft":true}'"#, false),
        (r#"'{"draft_only":true,"trigger":{"type":"manual"}}'"#, false),
    ] {
        let sql = format!("UPDATE pipeline_snapshots SET settings = {settings} WHERE pipeline_id = 's-9'");
        archive.execute_batch(&sql).unwrap();
        let rows = exact(&answer("pipelines-without-runs", &archive));
        assert_eq!(rows.iter().any(|row| row[1] == "s-9"), is_listed, "{settings}");
    }
}

#[test]
fn every_report_matches_its_golden_file_in_every_format() {
    let (small, findings, change) = (ledger::small(), ledger::findings(), ledger::change());
    let monitoring = ledger::monitoring();
    for question in QUESTIONS {
        let archive = match question.name {
            "audit" | "waste" | "anomalies" | "settling" => &findings,
            "change" => &change,
            "open" | "recovery" => &monitoring,
            _ => &small,
        };
        let table = answer(question.name, archive);
        let mut out = Vec::new();
        csv::write_table(&table, &Dialect::MACHINE, USD_DECIMALS, &mut out).unwrap();
        golden::assert_golden(&format!("{}.csv", question.name), &out);
        out.clear();
        for name in ["excel", "excel-br"] {
            let mut dialect = Dialect::named(name).unwrap();
            dialect.zone = Tz::America__Sao_Paulo;
            csv::write_table(&table, &dialect, USD_DECIMALS, &mut out).unwrap();
            golden::assert_golden(&format!("{}.{name}.csv", question.name), &out);
            out.clear();
        }
        json::write_table(&table, Layout::Array, USD_DECIMALS, &mut out).unwrap();
        serde_json::from_slice::<serde_json::Value>(&out).unwrap();
        golden::assert_golden(&format!("{}.json", question.name), &out);
        out.clear();
        markdown::write_table(&table, USD_DECIMALS_FOR_PEOPLE, &mut out).unwrap();
        golden::assert_golden(&format!("{}.md", question.name), &out);
        golden::assert_screens(question.name, &table, &format!("report {}", question.name));
    }
}
