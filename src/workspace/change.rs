//! The comparison of two periods over all workspaces.

use super::{Workspace, in_scopes, require_known_values, shared_latest_close};
use crate::error::{Error, Result};
use crate::report::change::{
    Change, ChangeRequest, ComparedScopes, PeriodCosts, SettingChanges, Side, later_side,
};
use crate::report::latest_close::LatestClose;
use crate::report::period::{Calendar, Period};
use crate::report::scope::ScopeRequest;
use crate::report::{Ledger, Scope};
use crate::run::Instant;

/// Compares the costs of two periods. Each archive is read in one scope after the other: a connection has one ledger at
/// a time.
///
/// # Errors
/// As [`super::ledgers`]; [`Error::Usage`] when a period has not begun, or when the archives are empty and the request
/// names no period.
pub(crate) fn change(workspaces: &[Workspace], request: &ChangeRequest) -> Result<Change> {
    request.validate()?;
    let latest = shared_latest_close(workspaces, &request.scope)?;
    let period = match &request.scope.period {
        Some(period) => period.clone(),
        None => current_month(workspaces, &request.scope, latest.as_ref(), "to compare")?,
    };
    let against = request.against.label(&period)?;
    let scope = ScopeRequest { period: Some(period.clone()), ..request.scope.clone() };
    let mut scopes = Vec::with_capacity(workspaces.len());
    for Workspace { archive, defaults, .. } in workspaces {
        scopes.push(ComparedScopes::resolve(&scope, &against, defaults, latest.as_ref(), archive)?);
    }
    require_begun(&scopes, &period, &against)?;
    for side in Side::BOTH {
        // A cost center of one period need not be one of the other.
        let found =
            require_known_values(workspaces, &request.scope.filter, scopes.iter().map(|one| one.scope(side)));
        if found.is_ok() {
            break;
        } else if side == Side::Period {
            found?;
        }
    }
    let read = |side: Side| -> Result<PeriodCosts> {
        let ledgers = in_scopes(workspaces, scopes.iter().map(|scopes| scopes.scope(side).clone()))?;
        PeriodCosts::read(&ledgers, &request.by)
    };
    let (new, old) = (read(Side::Period)?, read(Side::Against)?);
    let later = scopes.iter().map(|scopes| scopes.scope(later_side(scopes)).clone());
    let settings = SettingChanges::read(&in_scopes(workspaces, later)?, &scopes)?;
    Ok(Change::between(scopes, request.by.clone(), old, new).with_settings(settings))
}

/// The ledgers of the period asked about, for a description of the question.
///
/// # Errors
/// As [`super::ledgers`].
pub(crate) fn ledgers_of<'w>(workspaces: &'w [Workspace], change: &Change) -> Result<Vec<Ledger<'w>>> {
    in_scopes(workspaces, change.scopes.iter().map(|scopes| scopes.period.clone()))
}

/// The month of the last observation in any archive, by the system clock. Without one, that of the as-of moment, which
/// gives the error of a moment before the archive.
///
/// # Errors
/// [`Error::Usage`] when every archive is empty. `purpose` says what the month is for: `to compare`.
pub(super) fn current_month(
    workspaces: &[Workspace],
    request: &ScopeRequest,
    latest: Option<&LatestClose>,
    purpose: &str,
) -> Result<String> {
    let mut newest: Option<(Instant, Scope)> = None;
    for Workspace { archive, defaults, .. } in workspaces {
        let scope = Scope::resolve_open(request, defaults, latest)?;
        let at = archive.clock_at_last_observation(scope.as_of)?.or(scope.as_of);
        if let Some(at) = at
            && newest.as_ref().is_none_or(|(newest, _)| *newest < at)
        {
            newest = Some((at, scope));
        }
    }
    match newest {
        Some((at, scope)) => Ok(Period::around(at, Calendar::Month, scope.zone).label),
        None => Err(Error::Usage {
            what: format!("the archive is empty: there is no month {purpose}"),
            hint: Some("run `runledger sync` first, or name a period with --period".to_owned()),
        }),
    }
}

/// Refuses a comparison with a period that begins after the last observation of every archive.
fn require_begun(scopes: &[ComparedScopes], period: &str, against: &str) -> Result<()> {
    let not_begun =
        scopes.iter().map(|scopes| scopes.not_begun).collect::<Option<Vec<_>>>().unwrap_or_default();
    let Some((side, observed_at)) = not_begun.into_iter().max_by_key(|(_, observed_at)| *observed_at) else {
        return Ok(());
    };
    let label = match side {
        Side::Period => period,
        Side::Against => against,
    };
    Err(Error::Usage {
        what: format!("{label} had not begun at the last observation, {observed_at}"),
        hint: Some("name an earlier period, or run `runledger sync` first".to_owned()),
    })
}
