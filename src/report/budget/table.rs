//! The states of budgets as a table, and what people have to know to read it.

use super::{BudgetRuns, BudgetState, State, Unit};
use crate::report::fx::Amount;
use crate::report::period::Period;
use crate::report::table::{Cell, Table};
use crate::run::{Fixed, Instant, Share, Usd};
use std::collections::BTreeSet;

const COLUMNS: [&str; 22] = [
    "month",
    "state",
    "budget_name",
    "cost_center",
    "pipeline",
    "unit",
    "budget_amount",
    "spent_amount",
    "used_rate",
    "left_amount",
    "forecast_amount",
    "forecast_low_amount",
    "forecast_high_amount",
    "against_budget_amount",
    "per_day_amount",
    "over_on",
    "reached_percent",
    "forecast_reached_percent",
    "runs",
    "runs_unknown",
    "runs_fx_unknown",
    "pipelines_cost_unknown",
];

/// The columns that tables for people leave out.
const ONLY_FOR_PROGRAMS: [&str; 8] = [
    "month",
    "cost_center",
    "pipeline",
    "reached_percent",
    "forecast_reached_percent",
    "runs_unknown",
    "runs_fx_unknown",
    "pipelines_cost_unknown",
];

/// How many budgets that are or will be over have a note with their range: the furthest.
const MAX_LISTED: usize = 2;

/// One row per budget. Budgets of different cost centers in one unit have totals.
pub fn report(states: &[BudgetState]) -> Table {
    Table {
        columns: COLUMNS.map(str::to_owned).to_vec(),
        rows: states.iter().map(row).collect(),
        totals: totals(states),
    }
}

/// Takes the columns from a table for people that only programs need, and the unit if all budgets have the same.
/// Returns the note that says it then.
pub fn for_people(table: &mut Table, states: &[BudgetState]) -> Option<String> {
    let unit = unit_shared_by(states);
    table.retain_columns(|column| {
        !ONLY_FOR_PROGRAMS.contains(&column) && (column != "unit" || unit.is_none())
    });
    unit.map(|unit| format!("Amounts in {unit}"))
}

fn row(state: &BudgetState) -> Vec<Cell> {
    let unit = state.budget.limit.unit();
    let amount = |amount: Option<Amount>| cell(&unit, amount);
    let expected = state.forecast.map(|forecast| forecast.expected);
    let (low, high) = state.forecast.and_then(|forecast| forecast.range).unzip();
    let (center, pipelines) = match &state.budget.runs {
        BudgetRuns::All => (None, None),
        BudgetRuns::CostCenter(name) => (Some(name.clone()), None),
        BudgetRuns::Pipelines(pattern) => (None, Some(pattern.clone())),
    };
    vec![
        Cell::text(&state.month),
        Cell::text(state.state.as_str()),
        Cell::text(&state.budget.name),
        Cell::Text(center),
        Cell::Text(pipelines),
        Cell::text(unit.to_string()),
        amount(Some(state.limit)),
        amount(state.spent),
        Cell::Share(state.spent.and_then(|spent| share(spent, state.limit))),
        amount(state.spent.map(|spent| spent.less(state.limit).negated())),
        amount(expected),
        amount(low),
        amount(high),
        amount(expected.or(state.spent).map(|amount| amount.less(state.limit))),
        amount(state.per_day),
        Cell::Text(state.over_on.clone()),
        Cell::Count(state.reached.map(i64::from)),
        Cell::Count(state.forecast_reached.map(i64::from)),
        Cell::count(state.runs),
        Cell::count(state.runs_unknown),
        Cell::count(state.runs_fx_unknown),
        Cell::count(state.pipelines_cost_unknown),
    ]
}

/// The cell of an amount in the unit. Parts of credits are rounded, halves to even.
fn cell(unit: &Unit, amount: Option<Amount>) -> Cell {
    match unit {
        Unit::Usd => Cell::Usd(amount.map(|amount| Usd::from_units(amount.billionths()))),
        Unit::Credits => Cell::Count(amount.and_then(|amount| {
            let whole = Fixed::<0>::ratio(amount.billionths(), super::forecast::BILLION)?;
            i64::try_from(whole.units()).ok()
        })),
        Unit::Currency(_) => Cell::Converted(amount),
    }
}

fn share(part: Amount, whole: Amount) -> Option<Share> {
    Share::ratio(part.billionths(), whole.billionths())
}

/// Whether no run counts for two of the budgets: they are for different cost centers.
fn are_disjoint(states: &[BudgetState]) -> bool {
    let mut centers = BTreeSet::new();
    states.iter().all(|state| match &state.budget.runs {
        BudgetRuns::CostCenter(name) => centers.insert(name),
        BudgetRuns::All | BudgetRuns::Pipelines(_) => false,
    })
}

/// The unit of all budgets. `None`: there are several, or no budgets.
fn unit_shared_by(states: &[BudgetState]) -> Option<Unit> {
    let mut units = states.iter().map(|state| state.budget.limit.unit());
    let first = units.next()?;
    units.all(|unit| unit == first).then_some(first)
}

/// The totals of budgets in one unit of which no two have a run in common. `None` also if one of the sums is not known,
/// because it would be compared with all of the budgets. Ranges do not add up.
fn totals(states: &[BudgetState]) -> Option<Vec<Cell>> {
    let unit = unit_shared_by(states).filter(|unit| matches!(unit, Unit::Usd | Unit::Credits))?;
    let is_known = states.iter().all(|state| state.spent.is_some());
    if states.len() < 2 || !is_known || !are_disjoint(states) {
        return None;
    }
    let sum = |amount: &dyn Fn(&BudgetState) -> Option<Amount>| -> Option<Amount> {
        let known: Vec<i128> = states.iter().filter_map(amount).map(Amount::billionths).collect();
        (!known.is_empty()).then(|| Amount::from(Usd::from_units(known.iter().sum())))
    };
    let count = |count: fn(&BudgetState) -> u64| Cell::count(states.iter().map(count).sum());
    let expected = |state: &BudgetState| state.forecast.map(|forecast| forecast.expected);
    let limit = sum(&|state| Some(state.limit))?;
    let spent = sum(&|state| state.spent);
    let forecast = sum(&expected);
    let amount = |amount: Option<Amount>| cell(&unit, amount);
    Some(vec![
        Cell::Text(None),
        Cell::Text(None),
        Cell::text(format!("{} budgets", states.len())),
        Cell::Text(None),
        Cell::Text(None),
        Cell::text(unit.to_string()),
        amount(Some(limit)),
        amount(spent),
        Cell::Share(spent.and_then(|spent| share(spent, limit))),
        amount(spent.map(|spent| spent.less(limit).negated())),
        amount(forecast),
        Cell::Text(None),
        Cell::Text(None),
        amount(forecast.or(spent).map(|amount| amount.less(limit))),
        amount(sum(&|state| state.per_day)),
        Cell::Text(None),
        Cell::Text(None),
        Cell::Text(None),
        count(|state| state.runs),
        count(|state| state.runs_unknown),
        count(|state| state.runs_fx_unknown),
        count(|state| state.pipelines_cost_unknown),
    ])
}

/// What people have to know about the budgets of a workspace: what is not known, how much of the month is over, and the
/// ranges of those that are or will be over.
pub(crate) fn notes(states: &[BudgetState], month: &Period, now: Instant) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(note_of_missing_centers(states, month));
    notes.extend(states.iter().filter_map(note_of_no_run).take(MAX_LISTED));
    let unknown = states.iter().filter(|state| state.budget.limit.unit() != Unit::Credits);
    let unknown: Vec<u64> = unknown.map(|state| state.runs_unknown).collect();
    let whole = states
        .iter()
        .find(|state| state.budget.runs == BudgetRuns::All && state.budget.limit.unit() != Unit::Credits);
    let (runs, or_more) = match (whole, are_disjoint(states) || unknown.len() < 2) {
        (Some(whole), _) => (whole.runs_unknown, ""),
        (None, true) => (unknown.iter().sum(), ""),
        // Two budgets can have the same run.
        (None, false) => (unknown.iter().copied().max().unwrap_or_default(), " or more"),
    };
    match runs {
        0 => {}
        1 => notes.push(format!("1 run{or_more}: cost not known")),
        runs => notes.push(format!("{runs} runs{or_more}: cost not known")),
    }
    match states.iter().map(|state| state.pipelines_cost_unknown).max().unwrap_or_default() {
        0 => {}
        1 => notes.push("Not in the forecast: 1 pipeline without a known cost".to_owned()),
        pipelines => notes.push(format!("Not in the forecast: {pipelines} pipelines without a known cost")),
    }
    match states.iter().map(|state| state.runs_fx_unknown).max().unwrap_or_default() {
        0 => {}
        1 => notes.push("1 run with a known cost has no exchange rate".to_owned()),
        runs => notes.push(format!("{runs} runs with a known cost have no exchange rate")),
    }
    if states.iter().any(|state| state.forecast.is_some()) {
        notes.extend(elapsed(month, now).map(|part| format!("{part} of the month is over")));
        notes.push("Forecast: spent, schedules and the pace of the last 30 days".to_owned());
    }
    notes.extend(states.iter().filter_map(note_of_range).take(MAX_LISTED));
    notes
}

/// The cost centers that the close of the month did not know. `None`: it knew all of them.
fn note_of_missing_centers(states: &[BudgetState], month: &Period) -> Option<String> {
    let center = |state: &BudgetState| match &state.budget.runs {
        BudgetRuns::CostCenter(name) if state.lacks_cost_center => Some(name.clone()),
        _ => None,
    };
    let names: BTreeSet<String> = states.iter().filter_map(center).collect();
    let word = match names.len() {
        0 => return None,
        1 => "center",
        _ => "centers",
    };
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    Some(format!("{} was closed without the cost {word} {names}", month.label))
}

/// The pattern that matches no run of the month, which can be a typing error. `None`: it matches one.
fn note_of_no_run(state: &BudgetState) -> Option<String> {
    match &state.budget.runs {
        BudgetRuns::Pipelines(pattern) if state.runs == 0 => {
            Some(format!("{}: no run of a pipeline {pattern}", state.budget.name))
        }
        _ => None,
    }
}

/// The range of a budget that is or will be over: `Data: 44.93 to 46.61 USD at the end of the month, over on
/// 2026-11-29`.
fn note_of_range(state: &BudgetState) -> Option<String> {
    let (low, high) = state.forecast?.range?;
    let unit = state.budget.limit.unit();
    let decimals = if unit == Unit::Credits { 0 } else { 2 };
    let (low, high) = (low.to_fixed(decimals), high.to_fixed(decimals));
    let since = match state.state {
        State::Over => "over since",
        State::WillBeOver => "over on",
        State::Ok | State::Unknown => return None,
    };
    let day = state.over_on.as_ref().map(|day| format!(", {since} {day}")).unwrap_or_default();
    Some(format!("{}: {low} to {high} {unit} at the end of the month{day}", state.budget.name))
}

/// The part of the month that is over: `87.9 %`. `None`: it has no bounds.
fn elapsed(month: &Period, now: Instant) -> Option<String> {
    let seconds = |from: Instant, until: Instant| i128::from((until.to_utc() - from.to_utc()).num_seconds());
    let (start, end) = (month.start?, month.end?);
    Some(Share::ratio(seconds(start, now), seconds(start, end))?.to_percent())
}
