//! Alerts: what needs attention in an archive now, found by rules.
//!
//! A rule reads the archive and returns findings. The store compares them with the open alerts, so that each is
//! reported when it starts, when it escalates and when it ends.

mod archive_rules;
mod budgets;
mod options;
mod pipelines;
mod unusual;
mod watched;

pub(crate) use options::AlertOptions;
pub(crate) use watched::watched;

use crate::error::Result;
use crate::export::terminal::{local_minute, one_line};
use crate::report::budget::Budget;
use crate::report::period::Span;
use crate::report::{Ledger, Scope};
use crate::run::Instant;
use crate::store::{AlertLevel, Archive, Finding};
use serde::Deserialize;

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rule {
    /// No recent sync was complete.
    Stale,
    /// Items of the API could not be stored as runs.
    Quarantine,
    /// Archived runs are missing from the run list.
    Disappearance,
    /// The latest run of a pipeline that was due has not come.
    Overdue,
    /// A run of a pipeline that was due did not come.
    Missing,
    /// A run has not ended and takes far longer than usual.
    Open,
    /// A pipeline fails again and again.
    Failing,
    /// A pipeline is about to be disabled because of its failures.
    Disabling,
    /// A threshold of a budget is reached.
    Budget,
    /// The latest run of a pipeline cost far more than usual.
    UnusualCost,
    /// The latest run of a pipeline took far longer than usual.
    UnusualDuration,
}

impl Rule {
    /// All rules, in the order of their findings.
    pub(crate) const ALL: [Rule; 11] = [
        Rule::Stale,
        Rule::Quarantine,
        Rule::Disappearance,
        Rule::Overdue,
        Rule::Missing,
        Rule::Open,
        Rule::Failing,
        Rule::Disabling,
        Rule::Budget,
        Rule::UnusualCost,
        Rule::UnusualDuration,
    ];

    /// The name in settings, output and the archive.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Rule::Stale => "stale",
            Rule::Quarantine => "quarantine",
            Rule::Disappearance => "disappearance",
            Rule::Overdue => "overdue",
            Rule::Missing => "missing",
            Rule::Open => "open",
            Rule::Failing => "failing",
            Rule::Disabling => "disabling",
            Rule::Budget => "budget",
            Rule::UnusualCost => "unusual-cost",
            Rule::UnusualDuration => "unusual-duration",
        }
    }

    fn finding(self, subject: String, level: AlertLevel, message: String) -> Finding {
        // A name can have line breaks and control characters.
        Finding { rule: self.as_str().to_owned(), subject, level, message: one_line(&message) }
    }
}

/// The subject of a finding about a pipeline.
fn subject_of(kind: &str, pipeline_id: &str) -> String {
    format!("{kind} {pipeline_id}")
}

/// What the rules found.
#[derive(Debug)]
pub(crate) struct Findings {
    /// The findings.
    pub(crate) findings: Vec<Finding>,
    /// The rules that were evaluated.
    pub(crate) rules: Vec<&'static str>,
}

/// What the rules read.
struct Facts<'a> {
    archive: &'a Archive,
    /// Every run, as known now.
    scope: &'a Scope,
    budgets: &'a [Budget],
    options: &'a AlertOptions,
    /// The system clock.
    now: Instant,
    /// The archive's own time: the system clock at its latest observation. Runs are judged by it.
    moment: Instant,
}

impl<'a> Facts<'a> {
    /// The ledger in a span. A connection has one at a time.
    fn ledger(&self, span: Span) -> Result<Ledger<'a>> {
        Ledger::open(self.archive.connection(), Scope { span, ..self.scope.clone() })
    }

    /// The display name of a pipeline; its id if the catalog has none.
    fn name_of(&self, kind: &str, id: &str) -> Result<String> {
        let name = match crate::store::PipelineKind::parse(kind) {
            Some(kind) => self.archive.pipeline_name(kind, id)?,
            None => None,
        };
        Ok(name.unwrap_or_else(|| id.to_owned()))
    }

    /// An instant in the zone of the scope.
    fn local(&self, at: Instant) -> String {
        local_minute(at, self.scope.zone, Some(self.moment))
    }
}

/// Evaluates the rules that are on. The scope has every run, as known now.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn evaluate(
    archive: &Archive,
    scope: &Scope,
    budgets: &[Budget],
    options: &AlertOptions,
    now: Instant,
) -> Result<Findings> {
    let moment = archive.clock_at_last_observation(None)?.unwrap_or(now);
    let facts = Facts { archive, scope, budgets, options, now, moment };
    let mut on: Vec<Rule> = Rule::ALL.into_iter().filter(|rule| !options.off.contains(rule)).collect();
    let is_on = |rules: &[Rule]| rules.iter().any(|rule| !options.off.contains(rule));
    let mut findings = archive_rules::findings(&facts)?;
    if is_on(&[Rule::Overdue, Rule::Missing]) {
        match pipelines::punctuality(&facts)? {
            Some(found) => findings.extend(found),
            None => on.retain(|rule| !matches!(rule, Rule::Overdue | Rule::Missing)),
        }
    }
    if is_on(&[Rule::Open]) {
        findings.extend(pipelines::open(&facts)?);
    }
    if is_on(&[Rule::Failing, Rule::Disabling]) {
        findings.extend(pipelines::failing(&facts)?);
    }
    if is_on(&[Rule::Budget]) && !budgets.is_empty() {
        findings.extend(self::budgets::findings(&facts)?);
    }
    if is_on(&[Rule::UnusualCost, Rule::UnusualDuration]) {
        findings.extend(unusual::findings(&facts)?);
    }
    findings.retain(|finding| on.iter().any(|rule| rule.as_str() == finding.rule));
    Ok(Findings { findings, rules: on.into_iter().map(Rule::as_str).collect() })
}
