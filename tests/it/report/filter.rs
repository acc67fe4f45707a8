//! Filters: each value of a dimension alone adds up to the answer without a filter, also in a closed month.

use super::{ALWAYS, MONTH as BY_MONTH, exact};
use crate::support::command::rows_of_csv;
use crate::support::ledger;
use crate::support::month_end::{MONTH, MonthEnd, ZONE, nanos};
use chrono_tz::Tz;
use runledger::internal::report::allocation::{Allocation, Rule};
use runledger::internal::report::filter::RunFilter;
use runledger::internal::report::question::{QUESTIONS, Question};
use runledger::internal::report::{DateBasis, Dimension, Ledger, Scope, cost, rows};
use runledger::internal::run::Instant;
use rusqlite::Connection;
use std::fs;

/// The rules of the tests: one for a pipeline, one that splits another pipeline, one with a day.
fn rules() -> Allocation {
    let rule = |cost_center: &str| Rule { cost_center: cost_center.to_owned(), ..Rule::default() };
    let text = |text: &str| Some(text.to_owned());
    Allocation(vec![
        Rule { pipeline: text("vendas*"), ..rule("Sales") },
        Rule { trigger: text("manual"), ..rule("People") },
        Rule { kind: text("source"), from: text("2026-04-15"), ..rule("Later") },
    ])
}

fn only(dimension: &Dimension, value: &str) -> RunFilter {
    let values = vec![value.to_owned()];
    match dimension {
        Dimension::Pipeline => RunFilter { pipeline: values, ..RunFilter::default() },
        Dimension::Kind => RunFilter { kind: values, ..RunFilter::default() },
        Dimension::Status => RunFilter { status: values, ..RunFilter::default() },
        Dimension::Trigger => RunFilter { trigger: values, ..RunFilter::default() },
        Dimension::CostCenter => RunFilter { cost_center: values, ..RunFilter::default() },
        _ => panic!("there is no filter for {dimension:?}"),
    }
}

fn filtered<'a>(archive: &'a Connection, scope: &Scope, filter: RunFilter) -> Ledger<'a> {
    Ledger::open(archive, Scope { filter, ..scope.clone() }).unwrap()
}

/// The runs, those without a known cost, and the known nano-dollars.
fn figures(ledger: &Ledger<'_>) -> (u64, u64, i128) {
    let total = cost::total(ledger).unwrap();
    (total.runs, total.runs_cost_unknown, total.total().map_or(0, |usd| usd.units()))
}

/// The values of a dimension; unknown ones by their word.
fn values(archive: &Connection, scope: &Scope, dimension: &Dimension) -> Vec<String> {
    let ledger = Ledger::open(archive, scope.clone()).unwrap();
    let table = cost::report(&ledger, std::slice::from_ref(dimension)).unwrap();
    // The first column of a pipeline is its name, which two pipelines can share.
    let column = usize::from(*dimension == Dimension::Pipeline);
    let known = exact(&table).into_iter().map(|row| row[column].clone());
    known.map(|value| if value.is_empty() { "unknown".to_owned() } else { value }).collect()
}

#[test]
fn the_values_of_a_dimension_add_up_to_all_runs() {
    let archive = ledger::small();
    let as_of = Instant::parse("2026-06-01T00:00:08Z");
    let scopes = [
        Scope::default(),
        Scope { as_of, ..Scope::default() },
        Scope { date: DateBasis::Created, zone: Tz::America__Sao_Paulo, ..Scope::default() },
    ];
    for scope in scopes.map(|scope| Scope { allocation: rules(), ..scope }) {
        let all = figures(&Ledger::open(&archive, scope.clone()).unwrap());
        assert!(all.0 > 7, "{all:?}");
        for dimension in [Dimension::Kind, Dimension::Status, Dimension::Trigger, Dimension::CostCenter] {
            let values = values(&archive, &scope, &dimension);
            assert!(values.len() > 2, "{values:?}");
            let parts: Vec<_> = values
                .iter()
                .map(|value| figures(&filtered(&archive, &scope, only(&dimension, value))))
                .collect();
            assert!(parts.iter().all(|(runs, ..)| *runs > 0 && *runs < all.0), "{dimension:?} {parts:?}");
            let sum =
                parts.iter().fold((0, 0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1, sum.2 + part.2));
            assert_eq!(sum, all, "{dimension:?}");
            // All values at once are no filter.
            let every = values.iter().fold(RunFilter::default(), |every, value| {
                let one = only(&dimension, value);
                RunFilter {
                    pipeline: [every.pipeline, one.pipeline].concat(),
                    kind: [every.kind, one.kind].concat(),
                    status: [every.status, one.status].concat(),
                    trigger: [every.trigger, one.trigger].concat(),
                    cost_center: [every.cost_center, one.cost_center].concat(),
                }
            });
            assert_eq!(figures(&filtered(&archive, &scope, every)), all, "{dimension:?}");
        }
        // A run without a pipeline matches no pattern. One that names its pipeline by slug counts with the id.
        let pipelines = values(&archive, &scope, &Dimension::Pipeline);
        let named: u64 = pipelines
            .iter()
            .filter(|id| !["unknown", "vendas"].contains(&id.as_str()))
            .map(|id| figures(&filtered(&archive, &scope, only(&Dimension::Pipeline, id))).0)
            .sum();
        let without = figures(&filtered(&archive, &scope, only(&Dimension::Kind, "unknown"))).0;
        assert_eq!(named + without, all.0);
    }
}

#[test]
fn a_pattern_matches_slug_id_and_name_in_any_case() {
    let archive = ledger::small();
    let runs = |pattern: &str| {
        figures(&filtered(&archive, &Scope::default(), only(&Dimension::Pipeline, pattern))).0
    };
    // s-1 and s-2 are called Vendas; their slugs are vendas and vendas-2. One run names s-1 by its slug.
    assert_eq!([runs("s-1"), runs("s-2"), runs("VENDAS"), runs("vendas-*")], [4, 4, 8, 4]);
    assert_eq!([runs("*"), runs("t-?"), runs("=1+2*"), runs("s-9"), runs("none")], [11, 2, 1, 0, 0]);
}

#[test]
fn every_answer_of_a_ledger_is_filtered() {
    let archive = ledger::small();
    let failed = || filtered(&archive, &Scope::default(), only(&Dimension::Status, "failed"));
    let ids = |column: usize, rows: Vec<Vec<String>>| -> Vec<String> {
        let mut ids: Vec<String> = rows.into_iter().map(|row| row[column].clone()).collect();
        ids.sort();
        ids
    };
    let ledger = failed();
    let by_month = exact(&cost::report(&ledger, &[BY_MONTH]).unwrap());
    assert_eq!(by_month.iter().map(|row| row[1].parse::<u64>().unwrap()).sum::<u64>(), figures(&ledger).0);
    let streamed = rows::runs(&ledger).unwrap().table(|_, value| value.cell()).unwrap();
    let costly = Question::named("costliest-runs").unwrap().ask(&ledger, None).unwrap();
    assert_eq!(ids(0, exact(&streamed)), ["run-03", "run-08", "run-12"]);
    assert!(ids(0, exact(&costly)).iter().all(|id| ["run-03", "run-08", "run-12"].contains(&id.as_str())));
    drop(ledger);
    // Each question runs, and the next ledger without a filter has every run again.
    for question in QUESTIONS {
        if question.name != "change" {
            question.ask(&failed(), None).unwrap();
        }
    }
    assert_eq!(figures(&ledger::opened(&archive, &ALWAYS, Tz::UTC)).0, 12);
}

#[test]
fn a_filter_of_a_closed_month_reads_its_frozen_rows_and_rules() {
    let month_end = MonthEnd::of(120);
    let settings = |rules: &str| month_end.set(&format!("zone = \"{ZONE}\"\n{rules}"));
    settings("[[cost_center]]\ncost_center = \"Data\"\nkind = \"source\"\n");
    month_end.output(&["close", MONTH]);
    let cost_of = |args: &[&str]| -> i128 {
        let rows = rows_of_csv(month_end.output(&[&["export", "costs", "--period", MONTH], args].concat()));
        rows.iter().map(|row| nanos(&row["total_cost_usd"])).sum()
    };
    let all = cost_of(&[]);
    let parts =
        |flag: &str, values: &[&str]| -> i128 { values.iter().map(|value| cost_of(&[flag, value])).sum() };
    let data = cost_of(&["--cost-center", "Data"]);
    assert!(data > 0 && data < all, "{data} of {all}");
    // Afterwards, the rules, the costs and the names change.
    settings("[[cost_center]]\ncost_center = \"Finance\"\nkind = \"destination\"\n");
    month_end.upset(&mut fastrand::Rng::with_seed(7));
    month_end.sync();
    assert_eq!(cost_of(&[]), all);
    assert_eq!(cost_of(&["--cost-center", "Data"]), data);
    assert_eq!(parts("--cost-center", &["Data", "unallocated"]), all);
    assert_eq!(parts("--kind", &["source", "destination", "transformation", "unknown"]), all);
    let statuses = "success,failed,canceled,running,queued,pending_events,cancelling,unknown";
    assert_eq!(parts("--status", &statuses.split(',').collect::<Vec<_>>()), all);
    assert_eq!(cost_of(&["--status", statuses]), all);
    assert_eq!(parts("--trigger", &["manual", "cron", "event", "unknown"]), all);
    let refused = month_end.run(&["export", "costs", "--period", MONTH, "--cost-center", "Finance"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.err.contains(&format!("the rules that {MONTH} was closed with have no such")),
        "{refused:?}"
    );
}

#[test]
fn title_and_manifest_name_the_filter() {
    let month_end = MonthEnd::of(60);
    month_end.set(&format!("zone = \"{ZONE}\""));
    month_end.output(&["close", MONTH]);
    let title = |args: &[&str]| {
        let page = month_end.output(&[&["report", "cost"], args].concat());
        page.lines().next().unwrap().trim_end().to_owned()
    };
    let filter = ["--kind", "source", "--status", "success,failed"];
    let by_kind = title(&[&["--period", MONTH][..], &filter].concat());
    assert!(
        by_kind.starts_with("Cost by month: 2025-02, kind source, status success or failed"),
        "{by_kind}"
    );
    let newest = title(&["--last", "30d"]);
    assert!(newest.starts_with("Cost by month: last 30d, 2025-02-04 to 2025-03-05"), "{newest}");
    let output = month_end.workspace.file("failed.csv");
    let output = output.to_str().unwrap();
    month_end.output(
        &[&["export", "costs", "--last", "2w", "--manifest", "--output", output][..], &filter].concat(),
    );
    let manifest = fs::read_to_string(month_end.workspace.file("failed.manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let text = manifest.to_string();
    assert!(text.contains(r#""filter":{"kind":["source"],"status":["success","failed"]}"#), "{text}");
    assert!(text.contains(r#""last":"2w""#), "{text}");
    month_end.output(&["verify-file", output]);
}

#[test]
fn a_filtered_answer_does_not_claim_what_its_month_was_closed_with() {
    let month_end = MonthEnd::of(60);
    month_end.set(&format!("zone = \"{ZONE}\""));
    month_end.output(&["close", MONTH]);
    let whole = month_end.output(&["report", "cost"]);
    assert!(whole.contains("◆ closed with"), "{whole}");
    let filtered = month_end.output(&["report", "cost", "--kind", "source"]);
    assert!(!filtered.contains("closed with"), "{filtered}");
    assert!(filtered.contains("is closed, but shown as known now"), "{filtered}");
}

#[test]
fn a_mistyped_filter_is_refused_with_a_suggestion() {
    let month_end = MonthEnd::of(60);
    for (args, what) in [
        (["--status", "fialed"], "did you mean `failed`?"),
        (["--trigger", "crom"], "did you mean `cron`?"),
        (["--kind", "sources"], "did you mean `source`?"),
        (["--pipeline", "no-such-*"], "no pipeline has such a slug, id or name"),
        (["--cost-center", "unalocated"], "did you mean `unallocated`?"),
        (["--last", "30"], "it looks like 24h, 30d, 4w or 6m"),
    ] {
        for command in [&["report", "cost"][..], &["export", "costs"], &["runs"]] {
            let ran = month_end.run(&[command, &args].concat());
            assert!(ran.code == 2 && ran.err.contains(what), "{command:?} {args:?} {ran:?}");
        }
    }
    for (args, what) in [
        (&["report", "credits", "--kind", "source"][..], "which needs every run"),
        (&["report", "waste", "--status", "failed"], "which compares the runs of a pipeline"),
        (&["export", "focus", "--period", MONTH, "--kind", "source"], "which needs every run"),
        (&["report", "change", "--period", MONTH, "--last", "30d"], "cannot be combined"),
    ] {
        let ran = month_end.run(args);
        assert!(ran.code == 2 && ran.err.contains(what), "{args:?} {ran:?}");
    }
}
