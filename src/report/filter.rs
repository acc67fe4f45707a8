//! Filters: which of the runs in a span a question is about.
//!
//! A [`RunFilter`] is part of a scope. The views of a ledger have only the runs that its [`RunSelector`] selects, so
//! every answer is filtered alike, and a closed month by the names and rules that its close froze.

use super::allocation::{Allocator, PipelinePattern, UNALLOCATED};
use super::scope::{DateBasis, Scope};
use crate::error::{Error, Result};
use crate::run::{Status, TriggerType};
use crate::store::PipelineKind;
use crate::suggest::did_you_mean;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The word for runs without the value: without a kind, a trigger or a status.
pub(crate) const UNKNOWN: &str = "unknown";

/// The SQL function that decides about a row of `run_snapshots`.
const FUNCTION: &str = "is_selected";

/// The names of the pipelines of runs, those that still exist first.
const PIPELINES: &str =
    "SELECT kind, pipeline_id, slug, name FROM pipelines ORDER BY gone_at IS NOT NULL, gone_at, pipeline_id";

/// The pipelines that runs name, in the whole archive.
const PIPELINES_OF_RUNS: &str = "SELECT DISTINCT coalesce(source, destination, transformation) \
     FROM main.run_snapshots WHERE superseded_at IS NULL";

/// Which runs a question is about: those that meet every condition. An empty condition is always met, another one by
/// any of its values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFilter {
    /// Glob patterns for the slug, the id or the name of the pipeline, in upper or lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pipeline: Vec<String>,
    /// `source`, `destination`, `transformation`, or `unknown` for runs with no pipeline or several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kind: Vec<String>,
    /// Statuses, or `unknown`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<String>,
    /// Trigger types, or `unknown`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trigger: Vec<String>,
    /// Cost centers, or `unallocated`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cost_center: Vec<String>,
}

/// The conditions that an answer can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FilterSupport {
    /// Every condition: the answer is about single runs, or adds them up.
    Every,
    /// `pipeline` and `kind`: the answer compares the runs or the states of a pipeline with each other, so it needs all
    /// of them.
    WholePipelines,
    /// None: the answer is about all runs, or not about runs.
    None,
}

impl FilterSupport {
    /// The conditions that a report can have.
    pub(crate) fn of_report(name: &str) -> FilterSupport {
        match name {
            "cost" | "change" | "duration" | "components" | "metadata" | "slowest-runs"
            | "costliest-runs" => FilterSupport::Every,
            "schedule"
            | "failures"
            | "open"
            | "recovery"
            | "audit"
            | "waste"
            | "anomalies"
            | "settling"
            | "cost-changes-after-success"
            | "status-transitions" => FilterSupport::WholePipelines,
            _ => FilterSupport::None,
        }
    }
}

impl RunFilter {
    /// Whether every run is selected.
    pub fn is_empty(&self) -> bool {
        *self == RunFilter::default()
    }

    /// The values of each condition, with its name: that of its dimension.
    pub(crate) fn conditions(&self) -> [(&'static str, &[String]); 5] {
        [
            ("pipeline", &self.pipeline),
            ("kind", &self.kind),
            ("status", &self.status),
            ("trigger", &self.trigger),
            ("cost-center", &self.cost_center),
        ]
    }

    /// Checks what does not depend on an archive.
    ///
    /// # Errors
    /// [`Error::Usage`] naming a pattern that is invalid, or a kind that does not exist.
    pub fn validate(&self) -> Result<()> {
        for pattern in &self.pipeline {
            PipelinePattern::new(pattern).map_err(|cause| Error::Usage {
                what: format!("--pipeline {pattern}: {cause}"),
                hint: Some("`*` matches any text, `?` one character, and `[[]` a bracket".to_owned()),
            })?;
        }
        let kinds = || PipelineKind::ALL.map(PipelineKind::as_str).into_iter().chain([UNKNOWN]);
        match self.kind.iter().find(|kind| kinds().all(|known| known != *kind)) {
            None => Ok(()),
            Some(kind) => Err(Error::Usage {
                what: format!("--kind {kind}: not one of {}", kinds().collect::<Vec<_>>().join(", ")),
                hint: did_you_mean(kind, kinds()),
            }),
        }
    }

    /// Refuses conditions that an answer cannot have. `answer` names it: `report failures`.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the flag of the first such condition.
    pub(crate) fn require(&self, support: FilterSupport, answer: &str) -> Result<()> {
        let supported = |name: &str| match support {
            FilterSupport::Every => true,
            FilterSupport::WholePipelines => matches!(name, "pipeline" | "kind"),
            FilterSupport::None => false,
        };
        let mut given = self.conditions().into_iter().filter(|(_, values)| !values.is_empty());
        let Some((flag, _)) = given.find(|(name, _)| !supported(name)) else { return Ok(()) };
        Err(match support {
            FilterSupport::WholePipelines => Error::Usage {
                what: format!(
                    "--{flag} does not apply to {answer}, which compares the runs of a pipeline with each other"
                ),
                hint: Some("--pipeline and --kind select all runs of a pipeline".to_owned()),
            },
            _ => Error::Usage {
                what: format!("--{flag} does not apply to {answer}, which needs every run"),
                hint: Some(
                    "the filters apply to `runledger runs`, to `runledger report cost`, change and duration, and to \
                     `runledger export costs` and runs"
                        .to_owned(),
                ),
            },
        })
    }

    /// The condition in SQL over the columns of `run_snapshots`. `None`: every run is selected.
    pub(super) fn sql(&self, date: DateBasis) -> Option<String> {
        (!self.is_empty()).then(|| {
            let booked_at = date.sql();
            format!("{FUNCTION}(status, trigger_type, source, destination, transformation, {booked_at})")
        })
    }
}

impl fmt::Display for RunFilter {
    /// The conditions on one line: `pipeline google-*, status failed or canceled`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = self.conditions().into_iter().filter(|(_, values)| !values.is_empty());
        let words: Vec<String> = given
            .map(|(name, values)| format!("{} {}", name.replace('-', " "), values.join(" or ")))
            .collect();
        f.write_str(&words.join(", "))
    }
}

/// Refuses a filter with a value that selects nothing in any of the archives, because it is probably mistyped.
///
/// # Errors
/// [`Error::Usage`] naming the value, with a similar one. Those of SQLite.
pub(crate) fn require_known(filter: &RunFilter, archives: &[(&Scope, &Connection)]) -> Result<()> {
    for center in &filter.cost_center {
        let known = || {
            let rules = archives.iter().flat_map(|(scope, _)| &scope.allocation.0);
            rules.map(|rule| rule.cost_center.as_str()).chain([UNALLOCATED])
        };
        if known().all(|known| known != center) {
            let closed = archives.iter().find_map(|(scope, _)| scope.close_id.and(scope.period.as_deref()));
            let rules = match closed {
                Some(month) => format!("the rules that {month} was closed with"),
                None => "the rules in the settings".to_owned(),
            };
            let mut names: Vec<&str> = known().collect();
            names.dedup();
            return Err(Error::Usage {
                what: format!("--cost-center {center}: {rules} have no such cost center"),
                hint: did_you_mean(center, known()).or(Some(format!("there are {}", names.join(", ")))),
            });
        }
    }
    for (flag, column, values, words) in [
        ("--status", "status", &filter.status, Status::WORDS),
        ("--trigger", "trigger_type", &filter.trigger, TriggerType::WORDS),
    ] {
        let words = || words.iter().copied().chain([UNKNOWN]);
        for value in values.iter().filter(|value| words().all(|word| word != *value)) {
            // The API can send words that this version does not know.
            let sql = format!(
                "SELECT EXISTS (SELECT 1 FROM main.run_snapshots WHERE superseded_at IS NULL AND {column} = ?1)"
            );
            let mut is_known = false;
            for (_, archive) in archives {
                is_known = is_known || archive.query_row(&sql, [value], |row| row.get(0))?;
            }
            if !is_known {
                return Err(Error::Usage {
                    what: format!("{flag} {value}: no run has it"),
                    hint: did_you_mean(value, words())
                        .or(Some(format!("the API sends {}", words().collect::<Vec<_>>().join(", ")))),
                });
            }
        }
    }
    filter.pipeline.iter().try_for_each(|pattern| require_pipeline(pattern, archives))
}

/// Refuses a pattern that matches no pipeline of any archive.
fn require_pipeline(text: &str, archives: &[(&Scope, &Connection)]) -> Result<()> {
    let pattern = PipelineMatcher::new(text)?;
    let mut names: Vec<String> = Vec::new();
    for (_, archive) in archives {
        let mut statement = archive.prepare("SELECT pipeline_id, slug, name FROM main.pipelines")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..3 {
                names.extend(row.get::<_, Option<String>>(column)?);
            }
        }
        if names.iter().any(|name| pattern.matches(name)) {
            return Ok(());
        }
        let mut statement = archive.prepare(PIPELINES_OF_RUNS)?;
        let of_runs =
            statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<Option<String>>>>()?;
        if of_runs.iter().flatten().any(|name| pattern.matches(name)) {
            return Ok(());
        }
    }
    Err(Error::Usage {
        what: format!("--pipeline {text}: no pipeline has such a slug, id or name"),
        hint: did_you_mean(text, names.iter().map(String::as_str)).or_else(|| {
            Some("`runledger report cost --by pipeline --all-rows` lists the pipelines with runs".to_owned())
        }),
    })
}

/// A pattern of a filter, or the whole text that it is.
#[derive(Debug)]
struct PipelineMatcher {
    text: String,
    pattern: PipelinePattern,
}

impl PipelineMatcher {
    fn new(text: &str) -> Result<PipelineMatcher> {
        let pattern = PipelinePattern::new(text).map_err(Error::usage)?;
        Ok(PipelineMatcher { text: text.to_owned(), pattern })
    }

    /// A name can contain the characters of patterns.
    fn matches(&self, text: &str) -> bool {
        self.text == text || self.pattern.matches_in_any_case(text)
    }
}

/// Decides about the runs of an archive.
#[derive(Debug)]
pub(super) struct RunSelector {
    filter: RunFilter,
    pipelines: Vec<PipelineMatcher>,
    /// Whether each pipeline of the catalogue is selected, by kind and by id or slug.
    catalogue: HashMap<String, HashMap<String, bool>>,
    allocator: Arc<Allocator>,
}

/// What a selector needs of a run.
struct SelectedBy<'r> {
    status: Option<&'r str>,
    trigger: Option<&'r str>,
    /// The kind and the id or slug of the run's only pipeline.
    pipeline: Option<(&'static str, &'r str)>,
    booked_at: Option<&'r str>,
}

impl RunSelector {
    /// Compiles the filter, and reads the names of the pipelines that the view `pipelines` has.
    ///
    /// # Errors
    /// [`Error::Usage`] when a pattern is invalid. Those of SQLite.
    pub(super) fn new(
        filter: &RunFilter,
        allocator: Arc<Allocator>,
        archive: &Connection,
    ) -> Result<RunSelector> {
        let pipelines =
            filter.pipeline.iter().map(|text| PipelineMatcher::new(text)).collect::<Result<Vec<_>>>()?;
        let mut catalogue: HashMap<String, HashMap<String, bool>> = HashMap::new();
        let mut slugs = Vec::new();
        if !pipelines.is_empty() {
            let mut statement = archive.prepare(PIPELINES)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (kind, id): (String, String) = (row.get(0)?, row.get(1)?);
                let (slug, name): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
                let names = [Some(&id), slug.as_ref(), name.as_ref()];
                let is_selected =
                    names.into_iter().flatten().any(|name| pipelines.iter().any(|one| one.matches(name)));
                slugs.extend(slug.map(|slug| (kind.clone(), slug, is_selected)));
                catalogue.entry(kind).or_default().insert(id, is_selected);
            }
        }
        for (kind, slug, is_selected) in slugs {
            catalogue.entry(kind).or_default().entry(slug).or_insert(is_selected);
        }
        Ok(RunSelector { filter: filter.clone(), pipelines, catalogue, allocator })
    }

    /// Adds the function of [`RunFilter::sql`] to the connection.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn add_to(self, archive: &Connection) -> Result<()> {
        let flags = FunctionFlags::SQLITE_UTF8
            | FunctionFlags::SQLITE_DETERMINISTIC
            | FunctionFlags::SQLITE_INNOCUOUS;
        archive.create_scalar_function(FUNCTION, 6, flags, move |arguments| {
            let text = |index: usize| match arguments.get_raw(index) {
                ValueRef::Text(text) => std::str::from_utf8(text).ok(),
                _ => None,
            };
            let mut pipelines = PipelineKind::ALL
                .into_iter()
                .zip(2..)
                .filter_map(|(kind, index)| Some((kind.as_str(), text(index)?)));
            let pipeline = pipelines.next().filter(|_| pipelines.next().is_none());
            Ok(self.selects(&SelectedBy { status: text(0), trigger: text(1), pipeline, booked_at: text(5) }))
        })?;
        Ok(())
    }

    fn selects(&self, run: &SelectedBy<'_>) -> bool {
        let filter = &self.filter;
        has(&filter.status, run.status)
            && has(&filter.trigger, run.trigger)
            && has(&filter.kind, run.pipeline.map(|(kind, _)| kind))
            && (self.pipelines.is_empty()
                || run.pipeline.is_some_and(|(kind, id)| self.selects_pipeline(kind, id)))
            && (filter.cost_center.is_empty()
                || has(
                    &filter.cost_center,
                    Some(self.allocator.cost_center(run.pipeline, run.trigger, run.booked_at)),
                ))
    }

    /// Whether the conditions on pipelines and kinds are met by a pipeline.
    pub(super) fn selects_all_runs_of(&self, kind: &str, id: &str) -> bool {
        has(&self.filter.kind, Some(kind)) && (self.pipelines.is_empty() || self.selects_pipeline(kind, id))
    }

    fn selects_pipeline(&self, kind: &str, id: &str) -> bool {
        match self.catalogue.get(kind).and_then(|pipelines| pipelines.get(id)) {
            Some(is_selected) => *is_selected,
            None => self.pipelines.iter().any(|one| one.matches(id)),
        }
    }
}

/// Whether a condition with these values is met.
fn has(values: &[String], value: Option<&str>) -> bool {
    values.is_empty() || values.iter().any(|expected| expected == value.unwrap_or(UNKNOWN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(flag: &str, value: &str) -> RunFilter {
        let values = vec![value.to_owned()];
        match flag {
            "--pipeline" => RunFilter { pipeline: values, ..RunFilter::default() },
            "--kind" => RunFilter { kind: values, ..RunFilter::default() },
            "--status" => RunFilter { status: values, ..RunFilter::default() },
            "--trigger" => RunFilter { trigger: values, ..RunFilter::default() },
            _ => RunFilter { cost_center: values, ..RunFilter::default() },
        }
    }

    #[test]
    fn a_report_refuses_the_filters_that_would_falsify_it() {
        let refused = |report: &str, flag: &str| {
            filter(flag, "x").require(FilterSupport::of_report(report), &format!("report {report}")).is_err()
        };
        for flag in ["--pipeline", "--kind", "--status", "--trigger", "--cost-center"] {
            assert!(!refused("cost", flag) && !refused("costliest-runs", flag), "{flag}");
            let splits_pipelines = !matches!(flag, "--pipeline" | "--kind");
            assert_eq!(refused("waste", flag), splits_pipelines, "{flag}");
            assert!(refused("credits", flag) && refused("pipelines-without-runs", flag), "{flag}");
        }
    }

    #[test]
    fn an_invalid_filter_is_refused_before_an_archive_is_opened() {
        let refused = |flag, value| filter(flag, value).validate().unwrap_err().to_string();
        assert!(refused("--pipeline", "a[").starts_with("--pipeline a[: invalid pattern"));
        assert_eq!(
            refused("--kind", "sources"),
            "--kind sources: not one of source, destination, transformation, unknown"
        );
        assert!(filter("--status", "retrying").validate().is_ok(), "the API can send new words");
    }

    #[test]
    fn a_filter_is_one_line_of_words() {
        let both = RunFilter {
            pipeline: vec!["google-*".to_owned()],
            status: vec!["failed".to_owned(), "canceled".to_owned()],
            ..filter("--cost-center", "Finance")
        };
        assert_eq!(both.to_string(), "pipeline google-*, status failed or canceled, cost center Finance");
        assert_eq!(RunFilter::default().to_string(), "");
    }
}
