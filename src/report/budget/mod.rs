//! The budget report: how much of each budget is spent, how much will be at the end of the month, and on which day the
//! budget is exceeded.
//!
//! The forecast is what is spent, what pending runs are expected to cost, and what the credits report expects of
//! schedules and pace, times the cost per run. Its range comes from the spread of the days in the last thirty days.

mod days;
mod forecast;
mod month_use;
mod setting;
mod state;
mod table;

pub(crate) use month_use::{MonthUse, PipelineUse};
pub use setting::{Budget, BudgetRuns, Limit, Unit};
pub(crate) use table::notes;
pub use table::{for_people, report};

use super::allocation::UNALLOCATED;
use super::fx::Amount;
use super::ledger::Ledger;
use super::period::Period;
use super::scope::Scope;
use crate::error::Result;
use crate::run::Instant;
use std::fmt;

/// Whether a budget is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// More than the limit is spent.
    Over,
    /// More than the limit will be spent by the end of the month.
    WillBeOver,
    /// Neither.
    Ok,
    /// What is spent is not known.
    Unknown,
}

impl State {
    /// Its word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Over => "over",
            State::WillBeOver => "will be over",
            State::Ok => "ok",
            State::Unknown => "unknown",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A budget in a month. Amounts are in the unit of the budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetState {
    /// The budget.
    pub budget: Budget,
    /// The month: `2026-01`.
    pub month: String,
    /// Whether it is exceeded.
    pub state: State,
    /// The limit.
    pub limit: Amount,
    /// What the runs so far cost. `None`: no cost of theirs is known, or an exchange rate is missing.
    pub spent: Option<Amount>,
    /// The forecast for the end of the month. `None`: the month is over, or nothing is known.
    pub forecast: Option<Forecast>,
    /// What a day cost in the last thirty days, on average. `None`: as for the forecast.
    pub per_day: Option<Amount>,
    /// The day on which the limit was or will be exceeded. `None`: it is not.
    pub over_on: Option<String>,
    /// The highest threshold in percent that is spent. `None`: none is.
    pub reached: Option<u32>,
    /// The highest threshold in percent that the forecast reaches. `None`: it reaches none.
    pub forecast_reached: Option<u32>,
    /// The number of runs so far.
    pub runs: u64,
    /// The runs so far without a known cost; for a budget of credits, those whose charge is not decided.
    pub runs_unknown: u64,
    /// The runs with a known cost that have no exchange rate.
    pub runs_fx_unknown: u64,
    /// Whether the allocation rules of the month lack the cost center of the budget: it was closed before they had it.
    /// Then nothing is known.
    pub lacks_cost_center: bool,
    /// The pipelines whose expected runs are not in the forecast, because none of their costs is known.
    pub pipelines_cost_unknown: u64,
}

/// The forecast of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// What is expected by the end of the month.
    pub expected: Amount,
    /// The range in which the end of the month is in four of five cases. `None`: there are too few days.
    pub range: Option<(Amount, Amount)>,
}

impl BudgetState {
    /// A budget of which nothing is known.
    fn unknown(budget: &Budget, month: &str) -> BudgetState {
        BudgetState {
            budget: budget.clone(),
            month: month.to_owned(),
            state: State::Unknown,
            limit: budget.limit.amount(),
            spent: None,
            forecast: None,
            per_day: None,
            over_on: None,
            reached: None,
            forecast_reached: None,
            runs: 0,
            runs_unknown: 0,
            runs_fx_unknown: 0,
            lacks_cost_center: false,
            pipelines_cost_unknown: 0,
        }
    }

    /// The forecast, else what is spent, as a share of the limit. `None`: neither is known.
    fn share(&self) -> Option<f64> {
        let amount = self.forecast.map(|forecast| forecast.expected).or(self.spent)?;
        Some(amount.billionths() as f64 / self.limit.billionths() as f64)
    }
}

/// The state of each budget that applies to the month, the furthest over first. `now` is the latest observation in
/// scope. A month that was over by then has no forecast.
///
/// # Errors
/// Those of SQLite.
pub fn budgets(
    ledger: &Ledger<'_>,
    budgets: &[Budget],
    month: &Period,
    now: Instant,
) -> Result<Vec<BudgetState>> {
    match Budget::of_month(budgets, &month.label).is_empty() {
        true => Ok(Vec::new()),
        false => MonthUse::read(ledger, month, now)?.budgets(budgets),
    }
}

/// Whether no allocation rule of the scope has the cost center of the budget.
fn lacks_cost_center(budget: &Budget, scope: &Scope) -> bool {
    match &budget.runs {
        BudgetRuns::CostCenter(name) if name != UNALLOCATED => {
            scope.allocation.0.iter().all(|rule| rule.cost_center != *name)
        }
        _ => false,
    }
}
