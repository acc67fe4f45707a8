//! Rules about the latest run of each pipeline: it cost or took far more than usual.

use super::{Facts, Rule, subject_of};
use crate::error::Result;
use crate::export::terminal::duration;
use crate::report::period::Span;
use crate::report::unusual::{UnusualLimits, unusual_runs};
use crate::store::{AlertLevel, Finding};

pub(super) fn findings(facts: &Facts<'_>) -> Result<Vec<Finding>> {
    let options = facts.options;
    let limits = UnusualLimits {
        factor: options.unusual_factor,
        excess: options.unusual_usd,
        excess_duration: options.unusual_duration,
    };
    let mut findings = Vec::new();
    let ledger = facts.ledger(Span::default())?;
    for run in unusual_runs(&ledger, facts.moment, limits)? {
        let name = facts.name_of(run.kind, &run.pipeline_id)?;
        let (subject, at) = (subject_of(run.kind, &run.pipeline_id), facts.local(run.booked_at));
        let cost = run.cost.map(|(value, median)| {
            let [value, median] = [value, median].map(|usd| usd.to_fixed(2));
            (Rule::UnusualCost, format!("cost {value} USD, and {median} USD is usual"))
        });
        let time = run.duration.map(|(value, median)| {
            let [value, median] = [value, median].map(duration);
            (Rule::UnusualDuration, format!("took {value}, and {median} is usual"))
        });
        findings.extend(cost.into_iter().chain(time).map(|(rule, what)| {
            let message = format!("{name}: the run of {at} {what}");
            rule.finding(subject.clone(), AlertLevel::Warning, message)
        }));
    }
    Ok(findings)
}
