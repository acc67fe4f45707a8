//! The budgets of all workspaces in one month.

use super::change::current_month;
use super::{Workspace, ledgers, shared_latest_close};
use crate::error::{Error, Result};
use crate::report::Ledger;
use crate::report::budget::{BudgetState, budgets};
use crate::report::period::{Calendar, Period};
use crate::report::scope::ScopeRequest;
use crate::run::Instant;

/// The budgets of a month.
pub(crate) struct WorkspaceBudgets<'w> {
    /// The ledger of each workspace, in the month.
    pub(crate) ledgers: Vec<Ledger<'w>>,
    /// The month.
    pub(crate) month: Period,
    /// The latest observation in any archive.
    pub(crate) now: Instant,
    /// The budgets of each workspace.
    pub(crate) states: Vec<Vec<BudgetState>>,
}

/// The state of every budget in the month of the request, else in that of the last observation. Each workspace has its
/// own budgets, and a closed month the figures that it was closed with.
///
/// # Errors
/// As [`ledgers`]; [`Error::Usage`] when the request is for some of the runs of a month, when the month has not begun,
/// or when an archive is empty.
pub(crate) fn budgets_of<'w>(
    workspaces: &'w [Workspace],
    request: &ScopeRequest,
) -> Result<WorkspaceBudgets<'w>> {
    require_month(request)?;
    let latest = shared_latest_close(workspaces, request)?;
    let label = match &request.period {
        Some(period) => period.clone(),
        None => current_month(workspaces, request, latest.as_ref(), "with budgets")?,
    };
    let request = ScopeRequest { period: Some(label.clone()), ..request.clone() };
    let ledgers = ledgers(workspaces, &request)?;
    let month = Period::parse(&label, ledgers[0].scope().zone)?;
    let mut moments = Vec::with_capacity(ledgers.len());
    for (Workspace { name, archive, .. }, ledger) in workspaces.iter().zip(&ledgers) {
        let moment = archive.clock_at_last_observation(ledger.scope().as_of)?;
        moments.push(moment.ok_or_else(|| Error::Usage {
            what: format!("the archive of {name} is empty: there is nothing to compare a budget with"),
            hint: Some("run `runledger sync` first".to_owned()),
        })?);
    }
    let now = moments.iter().copied().max().expect("a question is about at least one workspace");
    if month.start.is_some_and(|start| start > now) {
        return Err(Error::Usage {
            what: format!("{label} had not begun at the last observation, {now}"),
            hint: Some("name an earlier month, or run `runledger sync` first".to_owned()),
        });
    }
    let mut states = Vec::with_capacity(ledgers.len());
    for ((workspace, ledger), moment) in workspaces.iter().zip(&ledgers).zip(moments) {
        let found = budgets(ledger, &workspace.budgets, &month, moment);
        states.push(found.map_err(|error| ledger.with_archive_path(error))?);
    }
    Ok(WorkspaceBudgets { ledgers, month, now, states })
}

/// Refuses a request that is not for a whole month.
fn require_month(request: &ScopeRequest) -> Result<()> {
    let refused = |flag: &str| Error::Usage {
        what: format!("{flag} does not apply to the report budget: a budget is for a month"),
        hint: Some("name the month with --period, such as --period 2026-01".to_owned()),
    };
    if request.last.is_some() {
        return Err(refused("--last"));
    }
    if request.from.is_some() {
        return Err(refused("--from"));
    }
    if request.until.is_some() {
        return Err(refused("--until"));
    }
    match &request.period {
        Some(label) if Calendar::of_label(label) != Calendar::Month => {
            Err(refused(&format!("--period {label}")))
        }
        _ => Ok(()),
    }
}
