//! A close freezes the exchange rates of the month, and what it froze decides from then on.

use super::SETTINGS;
use crate::support::command::rows_of_csv;
use crate::support::month_end::{MONTH, MonthEnd, questions_of_a_month};
use fastrand::Rng;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

/// A second currency by a policy, with the rates of `rates.csv`.
fn fx(policy: &str) -> String {
    format!("\n[fx]\ncurrency = \"BRL\"\npolicy = \"{policy}\"\nrates = \"rates.csv\"\n")
}

fn set(month_end: &MonthEnd, policy: &str, rates: &str) {
    month_end.set(&[SETTINGS, "[plan]\nfee_usd = 1490\ncredits = 100\n", &fx(policy)].concat());
    fs::write(month_end.workspace.file("rates.csv"), format!("date,currency,rate,source\n{rates}")).unwrap();
}

/// Rates of working days from the middle of January to the middle of March.
fn rates(rng: &mut Rng) -> String {
    let days =
        (15..32).map(|day| (1, day)).chain((1..29).map(|day| (2, day))).chain((1..15).map(|day| (3, day)));
    let rates = days.filter(|(_, day)| day % 7 < 5);
    rates
        .map(|(month, day)| format!("2025-{month:02}-{day:02},BRL,5.{:04},PTAX venda\n", rng.u32(..10_000)))
        .collect()
}

/// The commands whose answers have amounts in the second currency, and the exports, which have none.
fn questions() -> Vec<Vec<&'static str>> {
    let mut questions: Vec<Vec<&str>> = Vec::new();
    for format in ["table", "csv", "json", "markdown", "xlsx"] {
        questions.push(vec!["report", "cost", "--format", format]);
        questions.push(vec!["report", "cost", "--by", "cost-center,pipeline", "--format", format]);
        questions.push(vec!["report", "change", "--by", "kind", "--format", format]);
        questions.push(vec!["report", "credits", "--format", format]);
    }
    questions.extend([
        vec!["report", "cost", "--by", "day,kind", "--format", "csv"],
        vec!["report", "html"],
        vec!["export", "costs"],
        vec!["export", "focus"],
    ]);
    questions
}

fn answers(month_end: &MonthEnd) -> BTreeMap<String, Vec<u8>> {
    month_end.answers(&questions(), &["--period", MONTH])
}

fn frozen(month_end: &MonthEnd) -> Value {
    let closes: Value = serde_json::from_str(&month_end.output(&["close", "--json"])).unwrap();
    let newest = closes.as_array().unwrap().iter().max_by_key(|close| close["close_id"].as_i64()).unwrap();
    serde_json::from_str(newest["terms"].as_str().unwrap()).unwrap()
}

#[test]
fn a_rate_change_after_a_close_changes_nothing() {
    let mut rng = Rng::with_seed(14);
    for policy in ["invoice", "day", "average"] {
        let month_end = MonthEnd::of(40);
        set(&month_end, policy, &rates(&mut rng));
        month_end.output(&["close", MONTH]);
        let before = answers(&month_end);
        let amounts = month_end.rows(&["report", "cost", "--by", "kind", "--period", MONTH]);
        assert!(amounts.iter().all(|row| !row["total_cost_brl"].is_empty()), "{amounts:?}");
        let others = ["invoice", "day", "average"].map(|policy| (policy, rates(&mut rng)));
        for (policy, rates) in others.iter().chain(&[("day", String::new())]) {
            set(&month_end, policy, rates);
            let after = answers(&month_end);
            // The month before is open, and its rates are those of today.
            let is_of_both = |question: &str| question.contains("change") || question.contains("html");
            for (question, answer) in before.iter().filter(|(question, _)| !is_of_both(question)) {
                assert!(after[question] == *answer, "{question} changed with other rates by {policy}");
            }
        }
        month_end.set(SETTINGS);
        assert_eq!(month_end.rows(&["report", "cost", "--by", "kind", "--period", MONTH]), amounts);
        assert_eq!(month_end.run(&["check"]).code, 0);
    }
}

#[test]
fn a_month_without_rates_is_closed_by_force_only() {
    let month_end = MonthEnd::of(30);
    set(&month_end, "day", "2025-02-28,BRL,5.1,PTAX venda\n");
    month_end
        .run(&["close", MONTH])
        .refused(2, &["2025-02 is not ready to be closed", "with a known cost", "no BRL rate"]);
    month_end.run(&["close", MONTH, "--force"]);
    assert_eq!(month_end.rows(&["report", "cost", "--period", MONTH])[0]["total_cost_brl"], "");
    set(&month_end, "invoice", "2025-02-28,BRL,5.1,PTAX venda\n");
    month_end.output(&["close", "--restate", MONTH]);
    assert_eq!(month_end.rows(&["report", "cost", "--period", MONTH])[0]["fx_rate"], "5.100000000");
}

#[test]
fn a_close_freezes_only_the_rates_that_its_month_needs() {
    let month_end = MonthEnd::of(30);
    let rates = rates(&mut Rng::with_seed(1));
    set(&month_end, "invoice", &rates);
    let closed = month_end.output(&["close", MONTH]);
    assert!(closed.contains("Rates         BRL by invoice, 1 rate of 2025-02-28"), "{closed}");
    let terms = frozen(&month_end);
    assert_eq!((terms["layout"].as_u64(), &terms["fx"]["currency"]), (Some(2), &Value::from("BRL")));
    assert_eq!(terms["fx"]["rates"].as_array().unwrap().len(), 1);
    for (policy, first) in [("day", "2025-01-25"), ("average", "2025-02-01")] {
        set(&month_end, policy, &rates);
        month_end.output(&["close", "--restate", MONTH]);
        let frozen = frozen(&month_end);
        let dates: Vec<&str> = frozen["fx"]["rates"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rate| rate["date"].as_str().unwrap())
            .collect();
        assert!(dates[0] >= first && *dates.last().unwrap() == "2025-02-28", "{policy}: {dates:?}");
    }
}

#[test]
fn a_close_without_a_second_currency_is_spelled_as_before() {
    let month_end = MonthEnd::of(30);
    month_end.set(SETTINGS);
    month_end.output(&["close", MONTH]);
    let terms = frozen(&month_end);
    assert_eq!((terms["layout"].as_u64(), terms.get("fx")), (Some(1), None));
    let before = answers(&month_end);
    // A second currency of today does not reach the closed month, and the command says so.
    month_end.set(&[SETTINGS, &fx("invoice")].concat());
    fs::write(month_end.workspace.file("rates.csv"), "date,currency,rate,source\n2025-02-28,BRL,5.1,PTAX\n")
        .unwrap();
    let after = answers(&month_end);
    let is_of_both = |question: &str| question.contains("change") || question.contains("html");
    for (question, answer) in before.iter().filter(|(question, _)| !is_of_both(question)) {
        assert!(after[question] == *answer, "{question}");
    }
    let note = "2025-02 was closed without exchange rates";
    let ran = month_end.run(&["report", "cost", "--period", MONTH]);
    assert!(ran.err.contains(note) && ran.err.contains("runledger close --restate 2025-02"), "{ran:?}");
    month_end.output(&["close", "--restate", MONTH]);
    let ran = month_end.run(&["report", "cost", "--period", MONTH, "--format", "csv"]);
    assert!(!ran.err.contains(note), "{ran:?}");
    assert_eq!(rows_of_csv(&ran.out)[0]["fx_rate"], "5.100000000");
    assert_eq!(month_end.run(&["check"]).code, 0);
}

#[test]
fn exports_hashes_and_focus_stay_in_us_dollars() {
    let month_end = MonthEnd::of(40);
    month_end.set(SETTINGS);
    let exports: Vec<Vec<&str>> = questions_of_a_month()
        .into_iter()
        .filter(|question| question[0] == "export" || (question[0] == "report" && question[1] != "cost"))
        .filter(|question| !["credits", "change"].contains(&question[1]))
        .collect();
    let before = month_end.answers(&exports, &["--period", MONTH]);
    let hash = |month_end: &MonthEnd| {
        let preview = month_end.output(&["close", MONTH, "--dry-run"]);
        preview.lines().find(|line| line.starts_with("SHA-256")).unwrap().to_owned()
    };
    let hash_before = hash(&month_end);
    let rates = rates(&mut Rng::with_seed(2));
    month_end.set(&[SETTINGS, &fx("day")].concat());
    fs::write(month_end.workspace.file("rates.csv"), format!("date,currency,rate,source\n{rates}")).unwrap();
    assert_eq!(hash(&month_end), hash_before);
    let after = month_end.answers(&exports, &["--period", MONTH]);
    for (question, answer) in &before {
        assert!(after[question] == *answer, "{question}");
    }
}

#[test]
fn answers_about_several_months_use_the_rates_of_closes() {
    let month_end = MonthEnd::of(40);
    let mut rng = Rng::with_seed(3);
    set(&month_end, "day", &rates(&mut rng));
    month_end.output(&["close", MONTH]);
    let of_month = |arguments: &[&str]| {
        let rows = month_end.rows(&[&["report", "cost"], arguments].concat());
        let row = rows.into_iter().find(|row| row["month"] == MONTH).unwrap();
        (row["total_cost_brl"].clone(), row["fx_date"].clone())
    };
    let closed = of_month(&["--period", MONTH]);
    assert_eq!(of_month(&[]), closed);
    set(&month_end, "invoice", &rates(&mut rng));
    assert_eq!(of_month(&[]), closed);
    assert_eq!(of_month(&["--from", "2025-02-01"]), closed);
    // A day without a rate has that of the last day with one.
    let days = month_end.rows(&["report", "cost", "--by", "day", "--period", MONTH]);
    let number = |day: &str| day[8..].parse::<u32>().unwrap();
    let day = days.iter().map(|row| &row["day"]).find(|day| number(day) % 7 > 4).unwrap();
    let rated = number(day) / 7 * 7 + 4;
    let days = month_end.rows(&["report", "cost", "--by", "day", "--period", day]);
    assert_eq!(days[0]["fx_date"], format!("2025-02-{rated:02}"));
    // Before the close, it was not known.
    let open = month_end.rows(&["report", "cost", "--as-of", "2025-03-05T13:30:00Z"]);
    assert_eq!(open[0]["fx_date"], "2025-02-28");
}
