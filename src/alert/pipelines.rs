//! Rules about the runs of pipelines: those that do not come, do not end, or keep failing.

use super::{Facts, Rule, subject_of};
use crate::error::Result;
use crate::export::terminal::duration;
use crate::report::filter::RunFilter;
use crate::report::open::{Factor, OpenRun, open_runs_judged};
use crate::report::overview::FailingPipelineNow;
use crate::report::period::Span;
use crate::report::recovery::{FailingPipeline, recovery};
use crate::report::schedule::punctuality::{PipelinePunctuality, Punctuality};
use crate::run::{Instant, Seconds};
use crate::store::{AlertLevel, Finding};
use chrono::{DateTime, TimeDelta, Utc};

/// A run that did not come is news for this long.
const MISSING_NEWS: TimeDelta = TimeDelta::days(1);

/// Failures are news for this long. A pipeline that no longer runs does not fail forever.
const FAILURE_NEWS: TimeDelta = TimeDelta::days(30);

/// The numbers of failures that remain until a pipeline is disabled, from which on that is a warning and an error.
const FAILURES_LEFT: (u64, u64) = (2, 1);

/// How punctual pipelines are in the time of [`MISSING_NEWS`], with its start. `None`: nothing was archived, or a sync
/// was not complete, so that the runs may exist.
pub(super) fn recent_punctuality(facts: &Facts<'_>) -> Result<Option<(Instant, Punctuality)>> {
    let since = facts.moment.plus(-MISSING_NEWS);
    let ledger = facts.ledger(Span { from: Some(since), until: None })?;
    let found = Punctuality::of(&ledger, &RunFilter::default(), None)?;
    Ok(found.filter(|found| !found.completeness.runs_may_be_absent).map(|found| (since, found)))
}

/// Late and missing runs. `None`: they are not known.
pub(super) fn punctuality(facts: &Facts<'_>) -> Result<Option<Vec<Finding>>> {
    let Some((since, found)) = recent_punctuality(facts)? else { return Ok(None) };
    let mut findings = Vec::new();
    for pipeline in found.overdue() {
        let Some(since) = pipeline.overdue_since else { continue };
        let message = format!("{}: overdue since {}", label(pipeline), facts.local_utc(since));
        findings.push(Rule::Overdue.finding(subject(pipeline), AlertLevel::Error, message));
    }
    for (pipeline, due) in found.missing_since(since.to_utc()) {
        // What is overdue is reported as that.
        let missing: Vec<DateTime<Utc>> =
            due.into_iter().filter(|due| pipeline.overdue_since.is_none_or(|since| *due < since)).collect();
        let Some(last) = missing.last() else { continue };
        let last = facts.local_utc(*last);
        let message = match missing.len() {
            1 => format!("{}: the run that was due {last} did not come", label(pipeline)),
            runs => format!("{}: {runs} runs did not come, the last was due {last}", label(pipeline)),
        };
        findings.push(Rule::Missing.finding(subject(pipeline), AlertLevel::Warning, message));
    }
    Ok(Some(findings))
}

fn label(pipeline: &PipelinePunctuality) -> &str {
    pipeline.name.as_deref().unwrap_or(&pipeline.pipeline_id)
}

fn subject(pipeline: &PipelinePunctuality) -> String {
    subject_of(&pipeline.kind, &pipeline.pipeline_id)
}

/// Runs that have not ended and take far longer than usual.
pub(super) fn open(facts: &Facts<'_>) -> Result<Vec<Finding>> {
    Ok(open_too_long(facts)?.iter().map(|run| too_long(run, facts.options.open_factor)).collect())
}

/// The runs that have not ended and take far longer than usual.
pub(super) fn open_too_long(facts: &Facts<'_>) -> Result<Vec<OpenRun>> {
    let ledger = facts.ledger(Span::default())?;
    let least = facts.options.open_least.num_seconds();
    let mut runs = open_runs_judged(&ledger, facts.options.open_factor)?.runs;
    runs.retain(|run| run.is_too_long() && run.age_seconds.is_some_and(|age| age >= least));
    Ok(runs)
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
pub(super) fn failing(facts: &Facts<'_>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for failing in failing_now(facts)? {
        let FailingPipelineNow { pipeline, failures, left, .. } = &failing;
        let (Some(kind), Some(id)) = (&pipeline.kind, &pipeline.id) else { continue };
        let subject = subject_of(kind, id);
        if is_repeated(facts, &failing) {
            let is_error = *failures >= 2 * facts.options.failures_in_a_row;
            let level = if is_error { AlertLevel::Error } else { AlertLevel::Warning };
            findings.push(Rule::Failing.finding(subject.clone(), level, failing_message(facts, &failing)));
        }
        if let Some((limit, left)) = pipeline.failures_limit.zip(*left) {
            findings.extend(disabling(pipeline, subject, *failures, limit, left));
        }
    }
    Ok(findings)
}

/// The pipelines whose latest runs failed, with failures that are news.
pub(super) fn failing_now(facts: &Facts<'_>) -> Result<Vec<FailingPipelineNow>> {
    let news = facts.moment.plus(-FAILURE_NEWS);
    let ledger = facts.ledger(Span { from: Some(news), until: None })?;
    let found = recovery(&ledger)?;
    let chains = found.chains.iter().filter(|chain| chain.is_failing() && chain.last_failure_at >= news);
    let failing = chains.map(|chain| FailingPipelineNow {
        pipeline: found.pipeline_of(chain).clone(),
        failures: chain.failed_runs,
        since: chain.first_failure_at,
        left: found.failures_left(chain),
    });
    Ok(failing.collect())
}

/// Whether a pipeline fails again and again.
pub(super) fn is_repeated(facts: &Facts<'_>, failing: &FailingPipelineNow) -> bool {
    failing.failures >= facts.options.failures_in_a_row
}

/// Whether a pipeline is about to be disabled. With a low limit, a single failure is near it.
pub(super) fn is_near_limit(failures: u64, left: u64) -> bool {
    left <= FAILURES_LEFT.1 || failures > 1 && left <= FAILURES_LEFT.0
}

fn failing_message(facts: &Facts<'_>, failing: &FailingPipelineNow) -> String {
    let (failures, since) = (failing.failures, facts.local(failing.since));
    format!("{}: {failures} failures in a row since {since}", name(&failing.pipeline))
}

fn name(pipeline: &FailingPipeline) -> &str {
    pipeline.name.as_deref().or(pipeline.id.as_deref()).unwrap_or_default()
}

/// The finding that a pipeline is about to be disabled, or is. `None`: it is far from it.
fn disabling(
    pipeline: &FailingPipeline,
    subject: String,
    failures: u64,
    limit: u64,
    left: u64,
) -> Option<Finding> {
    if !is_near_limit(failures, left) {
        return None;
    }
    let name = name(pipeline);
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
            let left = limit.saturating_sub(failures);
            disabling(&pipeline, "source 7".to_owned(), failures, limit, left)
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
