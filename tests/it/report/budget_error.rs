//! How far the forecasts of budgets are off, on past months of the demo's runs.

use crate::support::workspace::{Workspace, at, options};
use chrono::TimeDelta;
use chrono_tz::Tz;
use runledger::internal::report::allocation::{Allocation, Rule};
use runledger::internal::report::budget::{Budget, BudgetRuns, Limit, budgets};
use runledger::internal::report::period::{Calendar, Period};
use runledger::internal::report::{Ledger, Scope};
use runledger::internal::run::Usd;
use runledger::internal::sandbox::{Options as SandboxOptions, Plan};
use runledger::internal::store::Archive;
use runledger::internal::sync::Options;
use std::collections::BTreeMap;

/// The days of a month after which its end is forecast.
const DAYS: [i64; 5] = [5, 10, 15, 20, 25];

const ZONE: Tz = Tz::America__Sao_Paulo;

/// The end of the demo's year.
const END: &str = "2026-11-27T12:00:00Z";

/// The errors of some forecasts, and how many ranges contain the outcome.
#[derive(Default)]
struct Errors {
    /// In percent of the outcome.
    errors: Vec<f64>,
    hits: usize,
}

impl Errors {
    fn median(&mut self) -> f64 {
        self.errors.sort_by(f64::total_cmp);
        self.errors[self.errors.len() / 2]
    }
}

fn budget(name: &str, runs: BudgetRuns) -> Budget {
    Budget {
        name: name.to_owned(),
        runs,
        limit: Limit::Usd(Usd::from_units(1_000_000_000)),
        from: None,
        until: None,
        thresholds: Vec::new(),
        forecast_thresholds: Vec::new(),
        workspace: None,
    }
}

/// Prints the median absolute percentage error by day, for the workspace and for each kind of pipeline.
/// `cargo test --test it forecasts_of_past_months -- --ignored --nocapture` is the command.
#[test]
#[ignore = "it measures; docs/finance.md has the figures"]
#[expect(clippy::print_stderr, reason = "it prints what it measured")]
fn forecasts_of_past_months_are_close_to_what_was_spent() {
    let plan = Plan { runs: 12_000, ..Plan::ending_at(at(END).to_utc()) };
    let workspace = Workspace::of_plan(&plan, SandboxOptions::default());
    workspace.sync(&Options { page_size: 500, ..options() }).result.unwrap();
    let archive = Archive::open_for_reading(&workspace.path()).unwrap();
    let kinds = ["source", "destination", "transformation"];
    let rules = kinds.map(|kind| Rule {
        cost_center: kind.to_owned(),
        kind: Some(kind.to_owned()),
        ..Rule::default()
    });
    let mut asked = vec![budget("workspace", BudgetRuns::All)];
    asked.extend(kinds.map(|kind| budget(kind, BudgetRuns::CostCenter(kind.to_owned()))));
    let scope = Scope { zone: ZONE, allocation: Allocation(rules.to_vec()), ..Scope::default() };
    let ledger = Ledger::open(archive.connection(), scope).unwrap();
    let amount = |text: String| text.parse::<f64>().unwrap();

    let mut found: BTreeMap<(String, i64), Errors> = BTreeMap::new();
    // The year begins on 27 November, and a forecast needs thirty days before it.
    for month in (1..=10).map(|month| format!("2026-{month:02}")) {
        let month = Period::named(&month, ZONE).unwrap();
        let outcomes: BTreeMap<String, f64> = budgets(&ledger, &asked, &month, at(END))
            .unwrap()
            .into_iter()
            .map(|state| (state.budget.name, amount(state.spent.unwrap().to_fixed(9))))
            .collect();
        for day in DAYS {
            let now = month.start.unwrap().plus(TimeDelta::days(day));
            assert_eq!(Period::around(now, Calendar::Month, ZONE), month);
            for state in budgets(&ledger, &asked, &month, now).unwrap() {
                let outcome = outcomes[&state.budget.name];
                let forecast = state.forecast.unwrap();
                let off = (amount(forecast.expected.to_fixed(9)) - outcome).abs() / outcome * 100.0;
                let (low, high) = forecast.range.unwrap();
                let errors = found.entry((state.budget.name, day)).or_default();
                errors.errors.push(off);
                let is_in_range = (amount(low.to_fixed(9))..=amount(high.to_fixed(9))).contains(&outcome);
                errors.hits += usize::from(is_in_range);
            }
        }
    }
    let (mut hits, mut all) = (0, 0);
    for ((name, day), mut errors) in found {
        let (median, count) = (errors.median(), errors.errors.len());
        eprintln!("{name:15} after {day:2} days: {median:5.1} % off, {} of {count} in range", errors.hits);
        assert!(name != "workspace" || median < 20.0, "{name} after {day} days: {median} %");
        (hits, all) = (hits + errors.hits, all + count);
    }
    eprintln!("{hits} of {all} outcomes are in the range");
    assert!(hits * 10 > all * 5, "{hits} of {all} outcomes are in the range");
}
