//! Rules about the archive itself: its age, and what the API failed to show.

use super::{Facts, Rule};
use crate::error::Result;
use crate::store::{AlertLevel, Finding, LastComplete, QuarantinedOnDay};
use crate::wording::counted;
use chrono::TimeDelta;

/// How long an item in quarantine is news.
const QUARANTINE_NEWS: TimeDelta = TimeDelta::days(7);

pub(super) fn findings(facts: &Facts<'_>) -> Result<Vec<Finding>> {
    let mut findings = quarantine(facts)?;
    findings.extend(stale(facts)?);
    findings.extend(disappearance(facts)?);
    Ok(findings)
}

fn stale(facts: &Facts<'_>) -> Result<Option<Finding>> {
    let limit = facts.inputs.options.stale_after;
    let (level, message) = match facts.inputs.archive.freshness(facts.inputs.now)?.last_complete {
        LastComplete::Never => (AlertLevel::Error, "no sync has completed yet".to_owned()),
        LastComplete::InFuture(at) => (
            AlertLevel::Error,
            format!("the last complete sync is in the future ({at}): its clock was wrong"),
        ),
        LastComplete::At(at) => {
            let age = facts.inputs.now.to_utc() - at.to_utc();
            let level = match age {
                age if age > limit * 2 => AlertLevel::Error,
                age if age > limit => AlertLevel::Warning,
                _ => return Ok(None),
            };
            (level, format!("the archive is stale: its last complete sync began {}", facts.local(at)))
        }
    };
    Ok(Some(Rule::Stale.finding(String::new(), level, message)))
}

/// One finding for each day with new items.
fn quarantine(facts: &Facts<'_>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for QuarantinedOnDay { day, items, last_at } in
        facts.inputs.archive.quarantined_since(facts.readings.moment.plus(-QUARANTINE_NEWS))?
    {
        let items = counted(items, "item");
        let message =
            format!("{items} of the API could not be stored as runs, the last {}", facts.local(last_at));
        findings.push(Rule::Quarantine.finding(day, AlertLevel::Warning, message));
    }
    Ok(findings)
}

fn disappearance(facts: &Facts<'_>) -> Result<Option<Finding>> {
    let suspected = facts.inputs.archive.suspected_runs()?;
    Ok((suspected > 0).then(|| {
        let (runs, verb) = (counted(suspected, "archived run"), if suspected == 1 { "is" } else { "are" });
        let message = format!("{runs} {verb} missing from the run list, and not known to be deleted");
        Rule::Disappearance.finding(String::new(), AlertLevel::Error, message)
    }))
}
