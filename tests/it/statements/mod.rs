//! Statements: their rows, their sums against the reports, their files, and the check of a folder.

mod check;
mod files;
mod folder;

use crate::support::month_end::{MONTH, MonthEnd, ZONE};
use crate::support::workspace::at;
use crate::support::{golden, ledger};
use chrono::TimeDelta;
use proptest::prelude::*;
use runledger::internal::export::{Dialect, csv};
use runledger::internal::report::allocation::{Allocation, Rule};
use runledger::internal::report::change::{Change, ComparedScopes, PeriodCosts};
use runledger::internal::report::{Cell, Dimension, Ledger, Scope, Span, cost};
use runledger::internal::run::{Instant, Usd};
use runledger::internal::statements::{DIMENSIONS, Statement, Statements};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

const SEPTEMBER: &str = "2026-09-01T00:00:00.000000Z";
const OCTOBER: &str = "2026-10-01T00:00:00.000000Z";
const NOVEMBER: &str = "2026-11-01T00:00:00.000000Z";

/// Rules whose cost centers are hard to name files after.
const RULES: &str = r#"
[[cost_center]]
cost_center = "Data"
kind = "source"

[[cost_center]]
cost_center = "data"
kind = "destination"

[[cost_center]]
cost_center = "../=Operações: CON"
kind = "transformation"
trigger = "cron"
"#;

/// A month end with [`RULES`], its month closed.
fn closed(runs: usize) -> MonthEnd {
    let month_end = MonthEnd::of(runs);
    month_end.set(RULES);
    month_end.output(&["close", MONTH, "--zone", ZONE]);
    month_end
}

/// Writes the statements of the month to a folder. Returns its path.
fn written(month_end: &MonthEnd, folder: &str) -> PathBuf {
    month_end.output(&["statements", "--period", MONTH, "--output", folder]);
    month_end.workspace.file(folder)
}

/// The name of the files of a cost center, without extension.
fn stem_of(cost_center: &str) -> String {
    runledger::internal::statements::stem(MONTH, cost_center)
}

/// The files of a folder by name.
fn files(folder: &PathBuf) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

fn rule(cost_center: &str, pipeline: &str) -> Rule {
    Rule { cost_center: cost_center.to_owned(), pipeline: Some(pipeline.to_owned()), ..Rule::default() }
}

fn month(from: &str, until: &str, allocation: &Allocation) -> Scope {
    Scope {
        span: Span { from: Some(at(from)), until: Some(at(until)) },
        period: Some(from[..7].to_owned()),
        allocation: allocation.clone(),
        ..Scope::default()
    }
}

/// The statements of October 2026, in UTC.
fn october(archive: &Connection, allocation: &Allocation) -> Statements {
    let read =
        |scope: Scope| PeriodCosts::read(&[Ledger::open(archive, scope).unwrap()], &DIMENSIONS).unwrap();
    let against = month(SEPTEMBER, OCTOBER, allocation);
    let period = month(OCTOBER, NOVEMBER, allocation);
    let (old, new) = (read(against.clone()), read(period.clone()));
    let scopes = ComparedScopes { period, against, cut: None, not_begun: None };
    Statements::of(Change::between(vec![scopes], DIMENSIONS.to_vec(), old, new))
}

fn csv_of(statement: &Statement, dialect: &str) -> String {
    let mut bytes = Vec::new();
    let dialect = Dialect::named(dialect).unwrap();
    csv::write_table(&statement.table(), &dialect, 9, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn statements_match_their_golden_files() {
    let rules = Allocation(vec![rule("Comércio", "p-[1-6]"), rule("finance", "p-9")]);
    let statements = october(&ledger::change(), &rules);
    let names: Vec<&str> =
        statements.statements.iter().map(|statement| statement.cost_center.as_str()).collect();
    assert_eq!(names, ["Comércio", "finance", "unallocated"]);
    for dialect in ["machine", "excel-br"] {
        let all: Vec<String> =
            statements.statements.iter().map(|statement| csv_of(statement, dialect)).collect();
        golden::assert_golden(&format!("statements.{dialect}.csv"), all.concat().as_bytes());
    }
    assert_eq!(
        statements.statements[0].change.summary(),
        "October cost 3.05 USD more than September: 50 % more runs with a known cost, 9 % lower cost per run, \
         1 new pipeline, 1 pipeline gone, 1 pipeline unknown"
    );
}

#[test]
fn a_month_without_runs_has_an_empty_statement() {
    let statements = october(&ledger::empty(), &Allocation::default());
    let [only] = statements.statements.as_slice() else { panic!("{statements:?}") };
    let table = only.table();
    assert_eq!((only.cost_center.as_str(), table.rows.len(), &table.totals), ("unallocated", 0, &None));
}

/// A run's pipeline, the hours after the start of September at which it started, and two costs.
type Generated = (usize, i64, Option<i64>, Option<i64>);

fn archive_of(runs: Vec<Generated>) -> Connection {
    let archive = ledger::empty();
    archive.pragma_update(None, "foreign_keys", false).unwrap();
    for (nth, (pipeline, hours, el, transformation)) in (0..).zip(runs) {
        let started_at = at(SEPTEMBER).to_utc() + TimeDelta::hours(hours);
        let pipeline = ["p-1", "p-2", "p-3", "p-4"].get(pipeline);
        let row = (nth, Instant::from_utc(started_at).unwrap().to_string(), el, transformation, pipeline);
        archive
            .execute(
                "INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, status, started_at, el_cost_usd,
                     el_cost_nanos, transformation_cost_usd, transformation_cost_nanos, source)
                 VALUES (?1, '', 1, zeroblob(32), 'success', ?2, ?3 / 1e9, ?3, ?4 / 1e9, ?4, ?5)",
                row,
            )
            .unwrap();
    }
    archive
}

/// The known costs, the runs, and the runs without a known cost.
type Sums = (i128, u64, u64);

fn sums(totals: &cost::CostTotals) -> Sums {
    (totals.total().map_or(0, Usd::units), totals.runs, totals.runs_cost_unknown)
}

fn added((cost, runs, unknown): Sums, other: Sums) -> Sums {
    (cost + other.0, runs + other.1, unknown + other.2)
}

/// `report cost --by cost-center`.
fn cost_by_center(archive: &Connection, scope: Scope) -> BTreeMap<String, Sums> {
    let table = cost::report(&Ledger::open(archive, scope).unwrap(), &[Dimension::CostCenter]).unwrap();
    let of = |name: &str| table.columns.iter().position(|column| column == name).unwrap();
    let (cost, runs, unknown) = (of("total_cost_usd"), of("runs"), of("runs_cost_unknown"));
    let count = |cell: &Cell| match cell {
        Cell::Count(count) => u64::try_from(count.unwrap()).unwrap(),
        cell => panic!("{cell:?}"),
    };
    let rows = table.rows.iter().map(|row| {
        let Cell::Usd(usd) = row[cost] else { panic!("{row:?}") };
        (row[0].exact().unwrap(), (usd.map_or(0, Usd::units), count(&row[runs]), count(&row[unknown])))
    });
    rows.collect()
}

proptest! {
    #[test]
    fn statements_of_any_runs_and_rules_add_up_to_report_cost(
        runs in prop::collection::vec((
            0..5_usize,
            0..1464_i64,
            prop::option::of(-5_000_000_000..5_000_000_000_i64),
            prop::option::of(-3..3_i64),
        ), 0..60),
        rules in prop::collection::vec((0..4_usize, 0..5_usize), 0..5),
    ) {
        let centers = ["Data", "data", "a/../b", "\u{1F4B0}"];
        let rules = rules.into_iter().map(|(center, pipeline)| rule(centers[center], &format!("p-{pipeline}")));
        let rules = Allocation(rules.collect());
        let archive = archive_of(runs);
        let statements = october(&archive, &rules);
        let mut all = [Sums::default(); 2];
        let mut rows = 0;
        let costs = [(SEPTEMBER, OCTOBER), (OCTOBER, NOVEMBER)]
            .map(|(from, until)| cost_by_center(&archive, month(from, until, &rules)));
        for Statement { cost_center, change } in &statements.statements {
            let both = [&change.all.old, &change.all.new].map(sums);
            for ((all, sums), costs) in all.iter_mut().zip(both).zip(&costs) {
                prop_assert_eq!(sums, costs.get(cost_center).copied().unwrap_or_default(), "{}", cost_center);
                *all = added(*all, sums);
            }
            let parts = change.all.effects.total().map_or(0, Usd::units);
            prop_assert_eq!(parts, both[1].0 - both[0].0);
            rows += change.groups.len();
        }
        for ((from, until), all) in [(SEPTEMBER, OCTOBER), (OCTOBER, NOVEMBER)].into_iter().zip(all) {
            let total = cost::total(&Ledger::open(&archive, month(from, until, &rules)).unwrap()).unwrap();
            prop_assert_eq!(all, sums(&total));
        }
        prop_assert_eq!(rows, statements.whole.groups.len());
        let mut centers = costs.iter().flat_map(BTreeMap::keys);
        let has_statement = |center: &String| {
            statements.statements.iter().any(|statement| statement.cost_center == *center)
        };
        prop_assert!(centers.all(has_statement));
    }
}
