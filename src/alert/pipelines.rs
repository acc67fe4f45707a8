//! Rules about the runs of pipelines: those that do not come, do not end, or keep failing.

use super::{Facts, Rule, subject_of};
use crate::export::terminal::duration;
use crate::report::open::{Factor, OpenRun};
use crate::report::recovery::{FailingPipeline, FailureChain};
use crate::report::schedule::punctuality::PipelinePunctuality;
use crate::run::{Instant, Seconds};
use crate::store::{AlertLevel, Finding};
use chrono::{DateTime, Utc};

/// The numbers of failures that remain until a pipeline is disabled, from which on that is a warning and an error.
const FAILURES_LEFT: (u64, u64) = (2, 1);

/// Late and missing runs.
pub(super) fn punctuality(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for pipeline in facts.readings.punctuality.iter().flat_map(|found| &found.pipelines) {
        if let Some(since) = pipeline.overdue_since {
            let message = format!("{}: overdue since {}", label(pipeline), facts.local_utc(since));
            findings.push(Rule::Overdue.finding(subject(pipeline), AlertLevel::Error, message));
        }
        let missing = facts.readings.missing(pipeline);
        let Some(last) = missing.last() else { continue };
        let last = facts.local_utc(*last);
        let message = match missing.len() {
            1 => format!("{}: the run that was due {last} did not come", label(pipeline)),
            runs => format!("{}: {runs} runs did not come, the last was due {last}", label(pipeline)),
        };
        findings.push(Rule::Missing.finding(subject(pipeline), AlertLevel::Warning, message));
    }
    findings
}

fn label(pipeline: &PipelinePunctuality) -> &str {
    pipeline.name.as_deref().unwrap_or(&pipeline.pipeline_id)
}

fn subject(pipeline: &PipelinePunctuality) -> String {
    subject_of(&pipeline.kind, &pipeline.pipeline_id)
}

/// Runs that have not ended and take far longer than usual.
pub(super) fn open(facts: &Facts<'_>) -> Vec<Finding> {
    let options = &facts.inputs.options;
    let runs = facts.readings.open.iter().filter(|run| options.is_open_too_long(run));
    runs.map(|run| too_long(run, options.open_factor)).collect()
}

fn too_long(run: &OpenRun, factor: Factor) -> Finding {
    let pipeline =
        run.pipeline_name.as_deref().or(run.pipeline_id.as_deref()).unwrap_or("a run without a pipeline");
    let age = duration(Seconds::whole(run.age_seconds.unwrap_or(0)));
    let usual = run.usual.as_ref().map(|usual| duration(usual.p95)).unwrap_or_default();
    let verb = if run.started_at.is_some() { "running" } else { "waiting" };
    let id: String = run.run_id.chars().take(8).collect();
    // Twice the limit.
    let is_error = run.factor().is_some_and(|times| times.units() as f64 / 1e6 > 2.0 * factor.as_f64());
    let level = if is_error { AlertLevel::Error } else { AlertLevel::Warning };
    let message =
        format!("{pipeline}: run {id} has been {verb} for {age}; 95 % of the runs take at most {usual}");
    Rule::Open.finding(run.run_id.clone(), level, message)
}

/// Pipelines that keep failing, and those that are about to be disabled for it.
pub(super) fn failing(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let options = &facts.inputs.options;
    for (pipeline, chain) in facts.readings.failing() {
        let (Some(kind), Some(id)) = (&pipeline.kind, &pipeline.id) else { continue };
        let subject = subject_of(kind, id);
        if options.fails_too_often(chain) {
            let is_error = chain.failed_runs >= 2 * options.failures_in_a_row;
            let level = if is_error { AlertLevel::Error } else { AlertLevel::Warning };
            let since = facts.local(chain.first_failure_at);
            let message = failing_message(name(pipeline), chain.failed_runs, &since);
            findings.push(Rule::Failing.finding(subject.clone(), level, message));
        }
        if let Some((limit, left)) = pipeline.failures_limit.zip(facts.readings.recovery.failures_left(chain))
        {
            findings.extend(disabling(pipeline, subject, chain, limit, left));
        }
    }
    findings
}

fn failing_message(name: &str, failures: u64, since: &str) -> String {
    match failures {
        1 => format!("{name}: failed on {since}"),
        _ => format!("{name}: {failures} failures in a row since {since}"),
    }
}

fn name(pipeline: &FailingPipeline) -> &str {
    pipeline.name.as_deref().or(pipeline.id.as_deref()).unwrap_or_default()
}

/// Whether so few failures are left that a pipeline is about to be disabled.
pub(crate) fn is_disabled_soon(chain: &FailureChain, left: u64) -> bool {
    // With a low limit, a single failure is near it.
    left <= FAILURES_LEFT.1 || chain.failed_runs >= 2 && left <= FAILURES_LEFT.0
}

/// The finding that a pipeline is about to be disabled, or is. `None`: it is far from it.
fn disabling(
    pipeline: &FailingPipeline,
    subject: String,
    chain: &FailureChain,
    limit: u64,
    left: u64,
) -> Option<Finding> {
    if !is_disabled_soon(chain, left) {
        return None;
    }
    let (name, failures) = (name(pipeline), chain.failed_runs);
    let message = match left {
        0 => format!("{name}: {failures} failures in a row disable it (limit {limit})"),
        1 => format!("{name}: 1 more failure disables it ({failures} of {limit})"),
        left => format!("{name}: {left} more failures disable it ({failures} of {limit})"),
    };
    let level = if left <= FAILURES_LEFT.1 { AlertLevel::Error } else { AlertLevel::Warning };
    Some(Rule::Disabling.finding(subject, level, message))
}

impl Facts<'_> {
    fn local_utc(&self, at: DateTime<Utc>) -> String {
        Instant::from_utc(at).map_or_else(|| at.to_string(), |at| self.local(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::recovery::{ChainBuilder, Outcome};

    fn chain_of(failures: u64) -> FailureChain {
        let booked_at = Instant::parse("2026-11-27T12:00:00Z").unwrap();
        let failure =
            Outcome { booked_at, snapshot_id: 1, ended_at: None, cost_nanos: None, succeeded: false };
        let mut builder = ChainBuilder::default();
        (0..failures).for_each(|_| builder.add(&failure));
        builder.into_chains(0, booked_at).remove(0)
    }

    #[test]
    fn one_failure_is_not_in_a_row() {
        let of = |failures| failing_message("CRM", failures, "27 Nov 12:00");
        assert_eq!(
            [of(1), of(2)],
            ["CRM: failed on 27 Nov 12:00", "CRM: 2 failures in a row since 27 Nov 12:00"]
        );
    }

    #[test]
    fn a_pipeline_near_its_limit_is_reported_with_what_is_left() {
        let pipeline = FailingPipeline {
            name: Some("CRM".to_owned()),
            id: Some("7".to_owned()),
            kind: Some("source".to_owned()),
            is_active: Some(true),
            failures_limit: Some(5),
        };
        let of = |failures: u64, limit: u64| {
            let chain = chain_of(failures);
            let left = chain.failures_left(limit).unwrap();
            disabling(&pipeline, "source 7".to_owned(), &chain, limit, left)
                .map(|finding| (finding.level, finding.message))
        };
        assert_eq!(of(2, 5), None);
        assert_eq!(
            of(3, 5),
            Some((AlertLevel::Warning, "CRM: 2 more failures disable it (3 of 5)".to_owned()))
        );
        assert_eq!(
            of(4, 5),
            Some((AlertLevel::Error, "CRM: 1 more failure disables it (4 of 5)".to_owned()))
        );
        assert_eq!(
            of(6, 5),
            Some((AlertLevel::Error, "CRM: 6 failures in a row disable it (limit 5)".to_owned()))
        );
        assert_eq!(of(1, 3), None, "one failure says little");
        assert_eq!(
            of(1, 2),
            Some((AlertLevel::Error, "CRM: 1 more failure disables it (1 of 2)".to_owned()))
        );
    }
}
