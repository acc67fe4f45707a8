//! Cost-center allocation: rules that assign each run to a cost center.

use super::period::start_of_day;
use crate::error::{Error, Result};
use crate::run::Instant;
use chrono::NaiveDate;
use chrono_tz::Tz;
use glob::{MatchOptions, Pattern};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The cost center of a run that no rule matches. Its cost is not spread over other cost centers.
pub(crate) const UNALLOCATED: &str = "unallocated";

/// An allocation rule. A run that meets all conditions belongs to the cost center. An absent condition is always met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The cost center. Closes made by earlier versions call the key `centre`.
    #[serde(alias = "centre")]
    pub cost_center: String,
    /// A glob pattern for the pipeline's slug or id: `*` matches any text, `?` one character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// `source`, `destination` or `transformation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The trigger type: `manual`, `cron` or `event`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// The first day (YYYY-MM-DD) of the runs that the rule applies to, in the report's zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

impl std::fmt::Display for Rule {
    /// The rule on one line: `Marketing: pipeline google-*, kind source, from 2026-03-01`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let conditions = [
            ("pipeline", &self.pipeline),
            ("kind", &self.kind),
            ("trigger", &self.trigger),
            ("from", &self.from),
        ];
        let present: Vec<String> = conditions
            .iter()
            .filter_map(|(name, condition)| Some(format!("{name} {}", condition.as_ref()?)))
            .collect();
        let conditions = if present.is_empty() { "every run".to_owned() } else { present.join(", ") };
        write!(f, "{}: {conditions}", self.cost_center)
    }
}

/// The rules in order. The last rule that matches a run decides, so a rule with a start day that is appended
/// changes nothing before that day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Allocation(pub Vec<Rule>);

impl Allocation {
    /// Checks that every rule is valid.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the invalid rule.
    pub fn validate(&self) -> Result<()> {
        CompiledRule::compile_all(self, Tz::UTC).map(drop)
    }
}

/// A glob pattern for the slug or the id of a pipeline.
#[derive(Debug)]
pub(super) struct PipelinePattern(Pattern);

impl PipelinePattern {
    /// Compiles the pattern of a rule.
    pub(super) fn new(text: &str) -> Result<PipelinePattern, String> {
        match Pattern::new(text) {
            Ok(pattern) => Ok(PipelinePattern(pattern)),
            Err(error) => Err(format!("invalid pattern {text}: {error}")),
        }
    }

    /// Whether it matches the text.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.0.matches_with(text, MatchOptions::new())
    }

    /// Whether it matches the text if upper and lower case are the same.
    pub(super) fn matches_in_any_case(&self, text: &str) -> bool {
        self.0.matches_with(text, MatchOptions { case_sensitive: false, ..MatchOptions::new() })
    }
}

/// The compiled rules, with the slugs in an archive's pipeline catalogue.
#[derive(Debug)]
pub struct Allocator {
    rules: Vec<CompiledRule>,
    /// The slug by kind and id.
    slugs: HashMap<(String, String), String>,
}

#[derive(Debug)]
struct CompiledRule {
    cost_center: String,
    pipeline: Option<PipelinePattern>,
    kind: Option<String>,
    trigger: Option<String>,
    from: Option<Instant>,
}

impl Allocator {
    /// Compiles the rules and reads the slugs of the archive's pipelines.
    ///
    /// # Errors
    /// [`Error::Usage`] when a rule is invalid. Those of SQLite.
    pub fn new(allocation: &Allocation, zone: Tz, archive: &Connection) -> Result<Allocator> {
        let mut slugs = HashMap::new();
        if !allocation.0.is_empty() {
            let mut statement =
                archive.prepare("SELECT kind, pipeline_id, slug FROM pipelines WHERE slug IS NOT NULL")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                slugs.insert((row.get(0)?, row.get(1)?), row.get(2)?);
            }
        }
        Ok(Allocator { rules: CompiledRule::compile_all(allocation, zone)?, slugs })
    }

    /// Whether there is a rule. Without one, every run is [`UNALLOCATED`].
    pub(crate) fn has_rules(&self) -> bool {
        !self.rules.is_empty()
    }

    /// The instants at which rules begin to apply, ascending.
    pub(crate) fn changes(&self) -> Vec<Instant> {
        let mut changes: Vec<Instant> = self.rules.iter().filter_map(|rule| rule.from).collect();
        changes.sort_unstable();
        changes.dedup();
        changes
    }

    /// The cost center of a run; [`UNALLOCATED`] when no rule matches. `pipeline` is the kind and the id or slug of
    /// the run's only pipeline.
    pub fn cost_center(
        &self,
        pipeline: Option<(&str, &str)>,
        trigger: Option<&str>,
        booked_at: Option<&str>,
    ) -> &str {
        let slug = pipeline
            .filter(|_| !self.slugs.is_empty())
            .and_then(|(kind, id)| self.slugs.get(&(kind.to_owned(), id.to_owned())).map(String::as_str));
        let matches = |rule: &&CompiledRule| {
            rule.kind.as_deref().is_none_or(|kind| pipeline.is_some_and(|(of_run, _)| of_run == kind))
                && rule.trigger.as_deref().is_none_or(|expected| trigger == Some(expected))
                && rule.from.is_none_or(|from| booked_at.is_some_and(|booked_at| from.as_str() <= booked_at))
                && rule.pipeline.as_ref().is_none_or(|pattern| {
                    let id = pipeline.map(|(_, id)| id);
                    [slug, id].into_iter().flatten().any(|name| pattern.matches(name))
                })
        };
        self.rules.iter().rev().find(matches).map_or(UNALLOCATED, |rule| &rule.cost_center)
    }
}

impl CompiledRule {
    fn compile_all(allocation: &Allocation, zone: Tz) -> Result<Vec<CompiledRule>> {
        let rules = (1..).zip(&allocation.0);
        rules
            .map(|(number, rule)| {
                CompiledRule::compile(rule, zone).map_err(|cause| {
                    Error::usage(format!("cost center rule {number} ({}): {cause}", rule.cost_center))
                })
            })
            .collect()
    }

    fn compile(rule: &Rule, zone: Tz) -> Result<CompiledRule, String> {
        if rule.cost_center.is_empty() {
            return Err("the name of the cost center is empty".to_owned());
        }
        if rule.cost_center == UNALLOCATED {
            return Err(format!("`{UNALLOCATED}` is reserved for runs that no rule matches"));
        }
        const KINDS: [&str; 3] = ["source", "destination", "transformation"];
        if let Some(kind) = rule.kind.as_deref().filter(|kind| !KINDS.contains(kind)) {
            return Err(format!("unknown kind {kind}; expected {}", KINDS.join(", ")));
        }
        let pipeline = rule.pipeline.as_deref().map(PipelinePattern::new).transpose()?;
        let from = match &rule.from {
            Some(day) => Some(
                NaiveDate::parse_from_str(day, "%Y-%m-%d")
                    .ok()
                    .filter(|parsed| parsed.to_string() == *day)
                    .and_then(|day| start_of_day(day, zone))
                    .ok_or_else(|| format!("from {day}: not a day of the form YYYY-MM-DD"))?,
            ),
            None => None,
        };
        Ok(CompiledRule {
            cost_center: rule.cost_center.clone(),
            pipeline,
            kind: rule.kind.clone(),
            trigger: rule.trigger.clone(),
            from,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frozen_rules_with_the_old_key_are_read() {
        let old: Allocation =
            serde_json::from_str(r#"[{"centre":"Data","kind":"source"},{"centre":"All"}]"#).unwrap();
        let new = r#"[{"cost_center":"Data","kind":"source"},{"cost_center":"All"}]"#;
        assert_eq!(serde_json::to_string(&old).unwrap(), new);
        assert_eq!(serde_json::from_str::<Allocation>(new).unwrap(), old);
    }
}
