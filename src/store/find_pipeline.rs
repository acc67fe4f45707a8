//! Finding a pipeline by what people know of it: its id, its slug, its name, or the beginning of its id.

use super::find_run::{RunReference, candidates_text, id_prefix, runs_text};
use super::{Archive, PipelineKind};
use crate::error::{Error, Result};
use crate::escape::escape_control;
use crate::excerpt::excerpt;
use crate::run::Instant;
use crate::suggest::did_you_mean;
use rusqlite::{OptionalExtension, Row, named_params};
use std::collections::HashSet;
use uuid::Uuid;

/// How many candidates an error lists.
const MAX_LISTED: usize = 5;

/// The most characters of a name in an error.
const NAME_LENGTH: usize = 60;

/// The catalog, with the pipelines that still exist first, and of those with one slug, the one that runs mean by it.
const CATALOG: &str = "\
SELECT kind, pipeline_id, slug, name, active, created_at, first_seen_at, gone_at FROM pipelines \
ORDER BY gone_at, kind, pipeline_id";

/// The kind of the runs that name a pipeline by a text.
const KIND_OF_RUNS: &str = "\
SELECT CASE WHEN source IS NOT NULL THEN 'source' WHEN destination IS NOT NULL THEN 'destination' \
            ELSE 'transformation' END \
FROM run_snapshots \
WHERE superseded_at IS NULL AND coalesce(source, destination, transformation) = :name \
  AND (source IS NOT NULL) + (destination IS NOT NULL) + (transformation IS NOT NULL) = 1 \
LIMIT 1";

/// A pipeline: one of the catalog, or one that only runs name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownPipeline {
    /// The kind.
    pub(crate) kind: PipelineKind,
    /// The id; of a pipeline that only runs name, what they call it.
    pub(crate) id: String,
    /// The short name for URLs. `None`: none is known.
    pub(crate) slug: Option<String>,
    /// The slug, if runs that name it belong to this pipeline, and not to another one that has it now.
    pub(crate) slug_in_runs: Option<String>,
    /// The display name. `None`: none is known.
    pub(crate) name: Option<String>,
    /// Whether it is active. `None`: not known.
    pub(crate) active: Option<bool>,
    /// When it was created. `None`: not known.
    pub(crate) created_at: Option<Instant>,
    /// When the catalog first had it. `None`: it has it not.
    pub(crate) first_seen_at: Option<Instant>,
    /// When the API no longer had it. `None`: it has it, or the catalog does not.
    pub(crate) gone_at: Option<Instant>,
}

impl KnownPipeline {
    /// A pipeline that only runs name.
    pub(crate) fn of_runs(kind: PipelineKind, name: &str) -> KnownPipeline {
        KnownPipeline {
            kind,
            id: name.to_owned(),
            slug: None,
            slug_in_runs: None,
            name: None,
            active: None,
            created_at: None,
            first_seen_at: None,
            gone_at: None,
        }
    }

    /// The condition in SQL that a run of `run_snapshots` belongs to the pipeline. `:id` is the id, and `:slug` the
    /// slug in runs.
    pub(crate) fn is_of_run(&self) -> String {
        let others = PipelineKind::ALL.into_iter().filter(|kind| *kind != self.kind);
        let others: Vec<String> = others.map(|kind| format!(" AND {} IS NULL", kind.as_str())).collect();
        format!("{} IN (:id, :slug){}", self.kind.as_str(), others.concat())
    }

    /// Whether a run that names a pipeline so belongs to this one.
    pub(crate) fn has_run_of(&self, kind: &str, name: &str) -> bool {
        kind == self.kind.as_str() && (name == self.id || Some(name) == self.slug_in_runs.as_deref())
    }

    fn begins_with(&self, text: &str, prefix: Option<&str>) -> bool {
        let id = self.id.to_lowercase();
        id.starts_with(&text.to_lowercase()) || prefix.is_some_and(|prefix| id.starts_with(prefix))
    }
}

/// What a word means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// A run.
    Run(Uuid),
    /// A pipeline.
    Pipeline(Box<KnownPipeline>),
}

impl Archive {
    /// The run or the pipeline that a text means: first a whole id, slug or name of a pipeline, then PIPELINE#NUMBER,
    /// then the beginning of the id of a run or a pipeline.
    ///
    /// # Errors
    /// [`Error::Usage`] when it means none or several, with the candidates.
    pub(crate) fn find_run_or_pipeline(&self, text: &str) -> Result<Found> {
        if text.trim().is_empty() {
            return Err(Error::Usage {
                what: "the name of the run or pipeline is empty".to_owned(),
                hint: Some("`runledger runs` lists the newest runs".to_owned()),
            });
        }
        let catalog = self.catalog()?;
        if let Some(pipeline) = named(&catalog, text)? {
            return Ok(Found::Pipeline(Box::new(pipeline.clone())));
        }
        let prefix = match RunReference::parse(text)? {
            Some(RunReference::Number { pipeline, number }) => {
                return Ok(Found::Run(self.run_of_number(&pipeline, number)?));
            }
            Some(RunReference::Id(prefix)) => Some(prefix),
            None => None,
        };
        let (count, runs) = match &prefix {
            Some(prefix) => self.runs_beginning_with(prefix)?,
            None => (0, Vec::new()),
        };
        let begun = catalog.iter().filter(|pipeline| pipeline.begins_with(text, prefix.as_deref()));
        let pipelines: Vec<&KnownPipeline> = begun.collect();
        match (count, runs.as_slice(), pipelines.as_slice()) {
            (1, [run], []) => Ok(Found::Run(run.run_id)),
            (0, _, [one]) => Ok(Found::Pipeline(Box::new((*one).clone()))),
            (0, _, []) => match self.pipeline_of_runs(text)? {
                Some(pipeline) => Ok(Found::Pipeline(Box::new(pipeline))),
                None => Err(not_found(text, prefix.as_deref(), &catalog)),
            },
            _ => Err(ambiguous(text, count, &candidates_text(count, &runs), &pipelines)),
        }
    }

    /// The pipeline that a run names by id or by slug.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn pipeline_of_run(&self, kind: PipelineKind, name: &str) -> Result<KnownPipeline> {
        let catalog = self.catalog()?;
        let found = catalog.into_iter().find(|pipeline| pipeline.has_run_of(kind.as_str(), name));
        Ok(found.unwrap_or_else(|| KnownPipeline::of_runs(kind, name)))
    }

    /// The catalog, with the pipelines that still exist first.
    fn catalog(&self) -> Result<Vec<KnownPipeline>> {
        let mut statement = self.connection.prepare(CATALOG)?;
        let mut catalog: Vec<KnownPipeline> =
            statement.query_map([], known_pipeline)?.collect::<rusqlite::Result<_>>()?;
        // As in the view `runs`: an id comes before a slug, and of several pipelines with a slug, the first one.
        let ids: HashSet<(PipelineKind, String)> =
            catalog.iter().map(|pipeline| (pipeline.kind, pipeline.id.clone())).collect();
        let mut slugs = HashSet::new();
        for pipeline in &mut catalog {
            let Some(slug) = &pipeline.slug else { continue };
            let key = (pipeline.kind, slug.clone());
            let is_first = !ids.contains(&key) && slugs.insert(key);
            pipeline.slug_in_runs = is_first.then(|| slug.clone());
        }
        Ok(catalog)
    }

    /// The pipeline that runs name so, and the catalog does not have.
    fn pipeline_of_runs(&self, name: &str) -> Result<Option<KnownPipeline>> {
        let mut statement = self.connection.prepare(KIND_OF_RUNS)?;
        let kind: Option<String> =
            statement.query_row(named_params! {":name": name}, |row| row.get(0)).optional()?;
        let kind = PipelineKind::ALL.into_iter().find(|known| Some(known.as_str()) == kind.as_deref());
        Ok(kind.map(|kind| KnownPipeline::of_runs(kind, name)))
    }
}

fn known_pipeline(row: &Row<'_>) -> rusqlite::Result<KnownPipeline> {
    let kind: String = row.get(0)?;
    Ok(KnownPipeline {
        kind: PipelineKind::ALL
            .into_iter()
            .find(|known| known.as_str() == kind)
            .expect("the schema allows no other kind"),
        id: row.get(1)?,
        slug: row.get(2)?,
        slug_in_runs: None,
        name: row.get(3)?,
        active: row.get(4)?,
        created_at: row.get(5)?,
        first_seen_at: row.get(6)?,
        gone_at: row.get(7)?,
    })
}

/// The pipeline with a whole id, slug or name: an id before a slug before a name, and then in upper or lower case. Of
/// several, those that still exist. `None`: there is none.
fn named<'c>(catalog: &'c [KnownPipeline], text: &str) -> Result<Option<&'c KnownPipeline>> {
    let (plain, lower) = (one_line(text), one_line(text).to_lowercase());
    type Rule<'r> = &'r dyn Fn(&KnownPipeline) -> bool;
    let has_name = |pipeline: &KnownPipeline, is_text: &dyn Fn(&str) -> bool| {
        pipeline.name.as_deref().is_some_and(|name| is_text(&one_line(name)))
    };
    let rules: [Rule<'_>; 4] = [
        &|pipeline| pipeline.id == text,
        &|pipeline| pipeline.slug.as_deref() == Some(text),
        &|pipeline| has_name(pipeline, &|name| name == plain),
        &|pipeline| {
            let texts = [Some(&pipeline.id), pipeline.slug.as_ref()];
            texts.into_iter().flatten().any(|own| own.to_lowercase() == lower)
                || has_name(pipeline, &|name| name.to_lowercase() == lower)
        },
    ];
    for is_meant in rules {
        let mut found: Vec<&KnownPipeline> = catalog.iter().filter(|pipeline| is_meant(pipeline)).collect();
        if found.iter().any(|pipeline| pipeline.gone_at.is_none()) {
            found.retain(|pipeline| pipeline.gone_at.is_none());
        }
        match found.as_slice() {
            [] => {}
            [one] => return Ok(Some(one)),
            several => {
                return Err(Error::Usage {
                    what: format!("{text} is the name of {} pipelines:{}", several.len(), listed(several)),
                    hint: Some("give the slug or the id".to_owned()),
                });
            }
        }
    }
    Ok(None)
}

fn ambiguous(text: &str, runs: u64, candidates: &str, pipelines: &[&KnownPipeline]) -> Error {
    let count = pipelines.len();
    let of_pipelines = format!("{count} pipeline{}", if count == 1 { "" } else { "s" });
    let what = match (runs, count) {
        (_, 0) => format!("{text} is the beginning of {}:{candidates}", runs_text(runs)),
        (0, _) => format!("{text} is the beginning of {of_pipelines}:{}", listed(pipelines)),
        _ => format!(
            "{text} is the beginning of {} and of {of_pipelines}:{candidates}{}",
            runs_text(runs),
            listed(pipelines)
        ),
    };
    let hint = match (runs, id_prefix(text)) {
        (0, _) | (_, None) => "add more of the id, or give the slug".to_owned(),
        (_, Some(prefix)) => format!("add more of the id; `runledger runs --id {prefix}` lists the runs"),
    };
    Error::Usage { what, hint: Some(hint) }
}

fn not_found(text: &str, prefix: Option<&str>, catalog: &[KnownPipeline]) -> Error {
    let similar = || {
        let slugs = catalog.iter().filter_map(|pipeline| pipeline.slug.as_deref());
        let names = || catalog.iter().filter_map(|pipeline| pipeline.name.as_deref());
        did_you_mean(text, slugs).or_else(|| did_you_mean(text, names()))
    };
    if let Some(id) = prefix.and_then(|prefix| Uuid::try_parse(prefix).ok()) {
        return Error::Usage {
            what: format!("the archive has no run and no pipeline {id}"),
            hint: Some(format!("`runledger fetch {id}` fetches a run from the API")),
        };
    }
    match prefix {
        Some(prefix) => Error::Usage {
            what: format!("the archive has no run and no pipeline whose id begins with {prefix}"),
            hint: similar().or_else(|| Some("`runledger runs` lists the newest runs".to_owned())),
        },
        None => Error::Usage {
            what: format!("{text}: no pipeline has such a slug, name or id, and no run such an id"),
            hint: similar().or_else(|| {
                Some("`runledger report cost --by pipeline --all-rows` lists the pipelines".to_owned())
            }),
        },
    }
}

/// The pipelines, one per line.
fn listed(pipelines: &[&KnownPipeline]) -> String {
    let mut text = String::new();
    for KnownPipeline { kind, id, slug, name, gone_at, .. } in pipelines.iter().take(MAX_LISTED) {
        let gone = if gone_at.is_some() { ", deleted" } else { "" };
        let words = [Some(id.as_str()), slug.as_deref(), name.as_deref()];
        let words: Vec<String> = words.into_iter().flatten().map(|word| short(&one_line(word))).collect();
        text.push_str(&format!("\n  {}  {}{gone}", kind.as_str(), words.join("  ")));
    }
    let more = pipelines.len().saturating_sub(MAX_LISTED);
    if more > 0 {
        text.push_str(&format!("\n  {more} more"));
    }
    text
}

/// The beginning of a text for an error, without control characters.
pub(super) fn short(text: &str) -> String {
    escape_control(&excerpt(text, NAME_LENGTH, 0)).into_owned()
}

/// A name as tables show it: with one space for line ends, tabs and several spaces.
pub(super) fn one_line(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(id: &str, slug: &str, name: &str, is_gone: bool) -> KnownPipeline {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        KnownPipeline {
            slug: text(slug),
            name: text(name),
            gone_at: Instant::parse("2026-01-01T00:00:00Z").filter(|_| is_gone),
            ..KnownPipeline::of_runs(PipelineKind::Source, id)
        }
    }

    fn catalog() -> Vec<KnownPipeline> {
        vec![
            pipeline("1a", "notas", "Notas\nfiscais", false),
            pipeline("2b", "cafe", "Café", false),
            pipeline("3c", "old", "Vendas", false),
            pipeline("4d", "new", "Vendas", false),
            pipeline("5e", "cafe", "Café", true),
            pipeline("6f", "", "1a", false),
        ]
    }

    #[test]
    fn an_id_comes_before_a_slug_before_a_name() {
        let catalog = catalog();
        let found = |text| named(&catalog, text).unwrap().map(|pipeline| pipeline.id.as_str());
        assert_eq!([found("1a"), found("notas"), found("Notas fiscais")], [Some("1a"); 3]);
        assert_eq!(
            [found("NOTAS"), found("notas  FISCAIS"), found("2B")],
            [Some("1a"), Some("1a"), Some("2b")]
        );
        assert_eq!([found("no"), found("nota")], [None; 2]);
    }

    #[test]
    fn a_reused_slug_is_that_of_the_pipeline_that_exists() {
        let catalog = catalog();
        assert_eq!(named(&catalog, "cafe").unwrap().unwrap().id, "2b");
        assert_eq!(named(&catalog, "5e").unwrap().unwrap().id, "5e");
    }

    #[test]
    fn a_name_of_two_pipelines_lists_both() {
        let error = named(&catalog(), "vendas").unwrap_err().to_string();
        assert_eq!(
            error,
            "vendas is the name of 2 pipelines:\n  source  3c  old  Vendas\n  source  4d  new  Vendas"
        );
    }

    #[test]
    fn a_long_name_is_short_in_an_error() {
        let long = [pipeline("1", "a", &"x\u{1b}".repeat(100_000), false)];
        let listed = listed(&[&long[0]]);
        assert!(listed.chars().count() < 500 && !listed.contains('\u{1b}'), "{listed}");
    }
}
