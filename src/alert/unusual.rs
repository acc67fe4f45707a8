//! Rules about the latest run of each pipeline: it cost or took far more than usual.

use super::{Facts, Rule, subject_of};
use crate::error::Result;
use crate::export::terminal;
use crate::report::latest_runs::Compared;
use crate::store::{AlertLevel, Finding};

pub(super) fn findings(facts: &Facts<'_>) -> Result<Vec<Finding>> {
    let limits = facts.inputs.options.unusual_limits();
    let mut findings = Vec::new();
    for run in &facts.readings.latest {
        let (cost, duration) = (limits.unusual_cost(run), limits.unusual_duration(run));
        if cost.is_none() && duration.is_none() {
            continue;
        }
        let name = facts.name_of(run.kind, &run.pipeline_id)?;
        let (subject, at) = (subject_of(run.kind, &run.pipeline_id), facts.local(run.booked_at));
        let cost = cost.map(|Compared { latest, usual }| {
            let [latest, usual] = [latest, usual].map(|usd| usd.to_fixed(2));
            (Rule::UnusualCost, format!("cost {latest} USD, and {usual} USD is usual"))
        });
        let time = duration.map(|Compared { latest, usual }| {
            let [latest, usual] = [latest, usual].map(terminal::duration);
            (Rule::UnusualDuration, format!("took {latest}, and {usual} is usual"))
        });
        findings.extend(cost.into_iter().chain(time).map(|(rule, what)| {
            let message = format!("{name}: the run of {at} {what}");
            rule.finding(subject.clone(), AlertLevel::Warning, message)
        }));
    }
    Ok(findings)
}
