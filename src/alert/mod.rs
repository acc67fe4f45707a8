//! Alerts: what needs attention in an archive now, found by rules.
//!
//! The archive is read once, for the rules and for the metrics. A rule looks at that and returns findings. The store
//! compares them with the open alerts, so that each is reported when it starts, when it escalates and when it ends.

mod archive_rules;
mod attention;
mod budgets;
mod options;
mod pipelines;
mod readings;
mod unusual;

pub(crate) use attention::attention;
pub(crate) use options::AlertOptions;
pub(crate) use pipelines::is_disabled_soon;
pub(crate) use readings::{Inputs, Purpose, Readings, UsedByPipelines};

use crate::error::Result;
use crate::export::terminal::{local_minute, one_line};
use crate::run::Instant;
use crate::store::{AlertLevel, Finding};
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
    /// The rules whose other alerts end: all that were evaluated, and those that are off.
    pub(crate) rules: Vec<&'static str>,
}

/// What a rule looks at.
struct Facts<'a> {
    inputs: &'a Inputs<'a>,
    readings: &'a Readings,
}

impl Facts<'_> {
    /// The display name of a pipeline; its id if the catalog has none.
    fn name_of(&self, kind: &str, id: &str) -> Result<String> {
        let name = match crate::store::PipelineKind::parse(kind) {
            Some(kind) => self.inputs.archive.pipeline_name(kind, id)?,
            None => None,
        };
        Ok(name.unwrap_or_else(|| id.to_owned()))
    }

    /// An instant in the zone of the scope.
    fn local(&self, at: Instant) -> String {
        local_minute(at, self.inputs.scope.zone, Some(self.readings.moment))
    }
}

/// Evaluates the rules that are on.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn evaluate(inputs: &Inputs<'_>, readings: &Readings) -> Result<Findings> {
    let facts = Facts { inputs, readings };
    let is_on = |rule: &Rule| inputs.options.is_on(*rule);
    let is_unknown = |rule: &Rule| {
        is_on(rule) && readings.punctuality.is_none() && matches!(rule, Rule::Overdue | Rule::Missing)
    };
    let mut findings = archive_rules::findings(&facts)?;
    findings.extend(pipelines::punctuality(&facts));
    findings.extend(pipelines::open(&facts));
    findings.extend(pipelines::failing(&facts));
    findings.extend(budgets::findings(&facts));
    findings.extend(unusual::findings(&facts)?);
    findings.retain(|finding| Rule::ALL.iter().any(|rule| is_on(rule) && rule.as_str() == finding.rule));
    let rules = Rule::ALL.into_iter().filter(|rule| !is_unknown(rule)).map(Rule::as_str).collect();
    Ok(Findings { findings, rules })
}
