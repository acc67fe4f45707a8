//! The pipeline catalogue, in which reports look the pipelines of runs up.

use super::credits::PipelineKey;
use crate::error::{Error, Result};
use crate::suggest::did_you_mean;
use rusqlite::Connection;
use rusqlite::types::Value;
use std::collections::{BTreeSet, HashMap};

/// Of several pipelines that had a slug, the one that still exists comes first, as in the view `runs`.
const CATALOGUE: &str = "
SELECT kind, pipeline_id, slug, name, active, gone_at IS NOT NULL,
       json_extract(settings, '$.settings_max_consecutive_failures')
FROM pipelines
ORDER BY kind, gone_at, pipeline_id";

/// A pipeline in the catalogue.
pub(crate) struct CataloguedPipeline {
    pub(crate) kind: String,
    pub(crate) id: String,
    slug: Option<String>,
    pub(crate) name: Option<String>,
    /// As sent. `None`: not known.
    pub(crate) is_active: Option<bool>,
    is_gone: bool,
    /// The failures in a row that disable it. `None`: not known, or no limit.
    pub(crate) failures_limit: Option<u64>,
}

impl CataloguedPipeline {
    /// Whether the pipeline exists and is not disabled.
    pub(crate) fn can_run(&self) -> bool {
        self.is_active.unwrap_or(true) && !self.is_gone
    }

    /// The slug, the name and the id.
    fn names(&self) -> impl Iterator<Item = &str> {
        [self.slug.as_deref(), self.name.as_deref(), Some(self.id.as_str())].into_iter().flatten()
    }

    fn has_name(&self, name: &str) -> bool {
        self.names().any(|own| own == name)
    }
}

/// Positions in the list of pipelines by kind and name.
type Places = HashMap<String, HashMap<String, usize>>;

/// All pipelines of an archive.
pub(crate) struct Catalogue {
    pipelines: Vec<CataloguedPipeline>,
    by_id: Places,
    by_slug: Places,
}

impl Catalogue {
    /// Reads the pipelines as the views of the connection show them.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn read(archive: &Connection) -> Result<Catalogue> {
        let mut statement = archive.prepare(CATALOGUE)?;
        let rows = statement.query_map([], |row| {
            Ok(CataloguedPipeline {
                kind: row.get(0)?,
                id: row.get(1)?,
                slug: row.get(2)?,
                name: row.get(3)?,
                is_active: row.get(4)?,
                is_gone: row.get(5)?,
                failures_limit: match row.get(6)? {
                    Value::Integer(limit) => u64::try_from(limit).ok().filter(|limit| *limit > 0),
                    _ => None,
                },
            })
        })?;
        let pipelines: Vec<CataloguedPipeline> = rows.collect::<rusqlite::Result<_>>()?;
        let (mut by_id, mut by_slug) = (Places::new(), Places::new());
        for (place, pipeline) in pipelines.iter().enumerate() {
            let names = [(&mut by_id, Some(&pipeline.id)), (&mut by_slug, pipeline.slug.as_ref())];
            for (places, name) in names {
                let Some(name) = name else { continue };
                places.entry(pipeline.kind.clone()).or_default().entry(name.clone()).or_insert(place);
            }
        }
        Ok(Catalogue { pipelines, by_id, by_slug })
    }

    /// The pipeline of a run, matched by id or else by slug, as in the view `runs`. `None`: not in the catalogue.
    pub(crate) fn find(&self, kind: &str, id: &str) -> Option<&CataloguedPipeline> {
        let place = |places: &Places| places.get(kind)?.get(id).copied();
        place(&self.by_id).or_else(|| place(&self.by_slug)).map(|place| &self.pipelines[place])
    }

    /// The pipeline of a key.
    pub(crate) fn find_key(&self, key: &PipelineKey) -> Option<&CataloguedPipeline> {
        key.as_ref().and_then(|(kind, id)| self.find(kind, id))
    }

    /// Resolves the pipeline of a what-if. Candidates in order: the id or slug in recent runs, any name of a pipeline
    /// with recent runs, any name of a pipeline in the catalogue.
    ///
    /// # Errors
    /// [`Error::Usage`] when no pipeline or more than one matches.
    pub(crate) fn resolve<'k>(
        &self,
        what_if: &str,
        recent: impl Iterator<Item = &'k PipelineKey> + Clone,
    ) -> Result<PipelineKey> {
        let has_id = |key: &&PipelineKey| key.as_ref().is_some_and(|(_, id)| id == what_if);
        let has_name =
            |key: &&PipelineKey| self.find_key(key).is_some_and(|pipeline| pipeline.has_name(what_if));
        let mut matches: BTreeSet<PipelineKey> = recent.clone().filter(has_id).cloned().collect();
        if matches.is_empty() {
            matches = recent.filter(has_name).cloned().collect();
        }
        if matches.is_empty() {
            let named = self.pipelines.iter().filter(|pipeline| pipeline.has_name(what_if));
            matches = named.map(|pipeline| Some((pipeline.kind.clone(), pipeline.id.clone()))).collect();
        }
        let ids: Vec<String> =
            matches.iter().flatten().map(|(kind, id)| format!("the {kind} {id}")).collect();
        match (matches.pop_first(), matches.is_empty()) {
            (Some(key), true) => Ok(key),
            (Some(_), false) => Err(Error::Usage {
                what: format!("--what-if {what_if}: several pipelines match: {}", ids.join(", ")),
                hint: Some("give the id of the pipeline".to_owned()),
            }),
            (None, _) => Err(Error::Usage {
                what: format!("--what-if {what_if}: no pipeline has that slug, id or name"),
                hint: did_you_mean(what_if, self.pipelines.iter().flat_map(CataloguedPipeline::names))
                    .or_else(|| Some("list them with `runledger report cost --by pipeline`".to_owned())),
            }),
        }
    }
}
