//! Alerts: what needs attention in an archive now, found by rules.
//!
//! A rule reads the archive and returns findings. The store compares them with the open alerts, so that each is reported
//! when it starts, when it escalates and when it ends.

mod archive_rules;
mod options;
mod unusual;

pub(crate) use options::AlertOptions;

use crate::error::Result;
use crate::export::terminal::local_minute;
use crate::report::Ledger;
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
    /// The latest run of a pipeline cost far more than usual.
    UnusualCost,
    /// The latest run of a pipeline took far longer than usual.
    UnusualDuration,
}

impl Rule {
    /// All rules, in the order of their findings.
    pub(crate) const ALL: [Rule; 5] =
        [Rule::Stale, Rule::Quarantine, Rule::Disappearance, Rule::UnusualCost, Rule::UnusualDuration];

    /// The name in settings, output and the archive.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Rule::Stale => "stale",
            Rule::Quarantine => "quarantine",
            Rule::Disappearance => "disappearance",
            Rule::UnusualCost => "unusual-cost",
            Rule::UnusualDuration => "unusual-duration",
        }
    }

    fn finding(self, subject: String, level: AlertLevel, message: String) -> Finding {
        Finding { rule: self.as_str().to_owned(), subject, level, message }
    }
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
    ledger: &'a Ledger<'a>,
    options: &'a AlertOptions,
    /// The system clock.
    now: Instant,
    /// The archive's own time: the system clock at its latest observation. Runs are judged by it.
    moment: Instant,
}

impl Facts<'_> {
    /// The display name of a pipeline; its id if the catalog has none.
    fn name_of(&self, kind: &str, id: &str) -> Result<String> {
        let name = match crate::store::PipelineKind::parse(kind) {
            Some(kind) => self.archive.pipeline_name(kind, id)?,
            None => None,
        };
        Ok(name.unwrap_or_else(|| id.to_owned()))
    }

    /// An instant in the zone of the ledger.
    fn local(&self, at: Instant) -> String {
        local_minute(at, self.ledger.scope().zone, Some(self.moment))
    }
}

/// Evaluates the rules that are on.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn evaluate(
    archive: &Archive,
    ledger: &Ledger<'_>,
    options: &AlertOptions,
    now: Instant,
) -> Result<Findings> {
    let moment = archive.clock_at_last_observation(None)?.unwrap_or(now);
    let facts = Facts { archive, ledger, options, now, moment };
    let on: Vec<Rule> = Rule::ALL.into_iter().filter(|rule| !options.off.contains(rule)).collect();
    let mut findings = archive_rules::findings(&facts)?;
    findings.extend(unusual::findings(&facts)?);
    findings.retain(|finding| on.iter().any(|rule| rule.as_str() == finding.rule));
    Ok(Findings { findings, rules: on.into_iter().map(Rule::as_str).collect() })
}
