//! The rule about budgets: each threshold that is spent or expected.

use super::{Facts, Rule};
use crate::error::Result;
use crate::report::budget::{BudgetState, Unit, budgets};
use crate::report::fx::Amount;
use crate::report::period::{Calendar, Period, Span};
use crate::store::{AlertLevel, Finding};

/// From this percentage on, the budget is exceeded.
const WHOLE: u32 = 100;

pub(super) fn findings(facts: &Facts<'_>) -> Result<Vec<Finding>> {
    Ok(this_month(facts)?.iter().flat_map(of_budget).collect())
}

/// The budgets of the running month.
pub(super) fn this_month(facts: &Facts<'_>) -> Result<Vec<BudgetState>> {
    let ledger = facts.ledger(Span::default())?;
    let month = Period::around(facts.moment, Calendar::Month, facts.scope.zone);
    budgets(&ledger, facts.budgets, &month, facts.moment)
}

/// A finding for each threshold that is reached, so that each is reported once.
fn of_budget(state: &BudgetState) -> Vec<Finding> {
    let BudgetState { budget, month, reached, forecast_reached, .. } = state;
    let limit = &budget.limit;
    let amount = |amount: Amount| amount.to_fixed(if limit.unit() == Unit::Credits { 0 } else { 2 });
    let mut findings = Vec::new();
    let mut add = |threshold: u32, what: &str, message: String, level| {
        let subject = format!("{} {month} {what} {threshold}", budget.name);
        findings.push(Rule::Budget.finding(subject, level, message));
    };
    if let (Some(spent), Some(reached)) = (state.spent, reached) {
        for threshold in budget.thresholds.iter().filter(|threshold| *threshold <= reached) {
            let level = if *threshold >= WHOLE { AlertLevel::Error } else { AlertLevel::Warning };
            let spent = amount(spent);
            let message = format!(
                "budget {}: {spent} of {limit} are spent in {month} ({threshold} % reached)",
                budget.name
            );
            add(*threshold, "spent", message, level);
        }
    }
    if let (Some(forecast), Some(reached)) = (state.forecast, forecast_reached) {
        for threshold in budget.forecast_thresholds.iter().filter(|threshold| *threshold <= reached) {
            let expected = amount(forecast.expected);
            let over_on =
                state.over_on.as_ref().map(|day| format!("; it is exceeded on {day}")).unwrap_or_default();
            let message = format!(
                "budget {}: {expected} of {limit} are expected by the end of {month} ({threshold} % reached){over_on}",
                budget.name
            );
            add(*threshold, "expected", message, AlertLevel::Warning);
        }
    }
    findings
}
