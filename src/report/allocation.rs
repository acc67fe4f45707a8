//! This is the allocation: which cost centre each run belongs to, by rules that finance writes.

use super::period::start_of_day;
use crate::error::{Error, Result};
use crate::run::Instant;
use chrono::NaiveDate;
use chrono_tz::Tz;
use glob::{MatchOptions, Pattern};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What is said of a run that no rule meets. Its cost is never spread over others.
pub const UNALLOCATED: &str = "unallocated";

/// One rule: runs that meet all it says belong to its centre. What it does not say every run meets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The cost centre.
    pub centre: String,
    /// The pipeline's slug, or its id, with `*` for any letters and `?` for any one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// `source`, `destination` or `transformation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What set the run off: `manual`, `cron`, `event`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// The first day (YYYY-MM-DD) of the runs that it is for, in the zone of the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

impl std::fmt::Display for Rule {
    /// The rule on one line: `Marketing: pipeline google-*, kind source, from 2026-03-01`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [
            ("pipeline", &self.pipeline),
            ("kind", &self.kind),
            ("trigger", &self.trigger),
            ("from", &self.from),
        ];
        let said: Vec<String> =
            parts.iter().filter_map(|(name, part)| Some(format!("{name} {}", part.as_ref()?))).collect();
        let said = if said.is_empty() { "every run".to_owned() } else { said.join(", ") };
        write!(f, "{}: {said}", self.centre)
    }
}

/// The rules in their order. The last one that a run meets decides, so a rule with a day on it that is added
/// at the end changes nothing before that day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Allocation(pub Vec<Rule>);

impl Allocation {
    /// Finds what a rule cannot mean.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the rule.
    pub fn validate(&self) -> Result<()> {
        Compiled::all(self, Tz::UTC).map(drop)
    }
}

/// The rules made ready, with the slugs of the catalogue.
#[derive(Debug)]
pub struct Allocator {
    rules: Vec<Compiled>,
    /// The slug of each pipeline that the catalogue knows by an id, for each kind.
    slugs: HashMap<(String, String), String>,
}

#[derive(Debug)]
struct Compiled {
    centre: String,
    pipeline: Option<Pattern>,
    kind: Option<String>,
    trigger: Option<String>,
    from: Option<Instant>,
}

impl Allocator {
    /// Makes the rules ready for runs whose pipelines the archive's catalogue knows.
    ///
    /// # Errors
    /// [`Error::Usage`] when a rule cannot be meant. Those of SQLite.
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
        Ok(Allocator { rules: Compiled::all(allocation, zone)?, slugs })
    }

    /// The centre of a run, [`UNALLOCATED`] when no rule meets it. `pipeline` is the run's one pipeline: its kind,
    /// and its id or slug.
    pub fn centre(
        &self,
        pipeline: Option<(&str, &str)>,
        trigger: Option<&str>,
        booked_at: Option<&str>,
    ) -> &str {
        let slug = pipeline
            .filter(|_| !self.slugs.is_empty())
            .and_then(|(kind, id)| self.slugs.get(&(kind.to_owned(), id.to_owned())).map(String::as_str));
        let meets = |rule: &&Compiled| {
            rule.kind.as_deref().is_none_or(|kind| pipeline.is_some_and(|(of_run, _)| of_run == kind))
                && rule.trigger.as_deref().is_none_or(|word| trigger == Some(word))
                && rule.from.is_none_or(|from| booked_at.is_some_and(|booked_at| from.as_str() <= booked_at))
                && rule.pipeline.as_ref().is_none_or(|pattern| {
                    let id = pipeline.map(|(_, id)| id);
                    [slug, id]
                        .into_iter()
                        .flatten()
                        .any(|name| pattern.matches_with(name, MatchOptions::new()))
                })
        };
        self.rules.iter().rev().find(meets).map_or(UNALLOCATED, |rule| &rule.centre)
    }
}

impl Compiled {
    fn all(allocation: &Allocation, zone: Tz) -> Result<Vec<Compiled>> {
        let rules = (1..).zip(&allocation.0);
        rules
            .map(|(nth, rule)| {
                Compiled::new(rule, zone).map_err(|why| {
                    Error::usage(format!("the cost centres' rule {nth} ({}): {why}", rule.centre))
                })
            })
            .collect()
    }

    fn new(rule: &Rule, zone: Tz) -> Result<Compiled, String> {
        if rule.centre.is_empty() || rule.centre == UNALLOCATED {
            return Err(format!("a centre has a name, and not {UNALLOCATED}"));
        }
        let known = |what: &str, word: &Option<String>, words: &[&str]| match word {
            Some(word) if !words.contains(&word.as_str()) => {
                Err(format!("there is no {what} {word}: it is one of {}", words.join(", ")))
            }
            _ => Ok(()),
        };
        known("kind", &rule.kind, &["source", "destination", "transformation"])?;
        let pipeline = match &rule.pipeline {
            Some(pattern) => {
                Some(Pattern::new(pattern).map_err(|error| format!("the pattern {pattern}: {error}"))?)
            }
            None => None,
        };
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
        Ok(Compiled {
            centre: rule.centre.clone(),
            pipeline,
            kind: rule.kind.clone(),
            trigger: rule.trigger.clone(),
            from,
        })
    }
}
