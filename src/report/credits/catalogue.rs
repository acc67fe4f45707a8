//! The pipeline catalogue, as the credits report looks pipelines up in it.

use super::PipelineKey;
use crate::error::{Error, Result};
use crate::suggest::did_you_mean;
use rusqlite::Connection;
use std::collections::{BTreeSet, HashMap};

/// Of several pipelines with one slug, a live one comes first, as in the view `runs`.
const CATALOGUE: &str = "
SELECT kind, pipeline_id, slug, name, coalesce(active, 1) AND gone_at IS NULL
FROM pipelines
ORDER BY kind, gone_at, pipeline_id";

/// A pipeline in the catalogue.
pub(crate) struct CataloguedPipeline {
    pub(crate) kind: String,
    pub(crate) id: String,
    slug: Option<String>,
    pub(crate) name: Option<String>,
    /// Whether the pipeline exists and is not disabled.
    pub(crate) active: bool,
}

impl CataloguedPipeline {
    /// The slug, the name and the id.
    fn names(&self) -> impl Iterator<Item = &str> {
        [self.slug.as_deref(), self.name.as_deref(), Some(self.id.as_str())].into_iter().flatten()
    }

    fn has_name(&self, name: &str) -> bool {
        self.names().any(|own| own == name)
    }
}

/// All pipelines.
pub(crate) struct Catalogue {
    pipelines: Vec<CataloguedPipeline>,
    /// By kind and id, and by kind and slug: positions in `pipelines`.
    by_id: HashMap<(String, String), usize>,
    by_slug: HashMap<(String, String), usize>,
}

impl Catalogue {
    pub(crate) fn read(archive: &Connection) -> Result<Catalogue> {
        let mut statement = archive.prepare(CATALOGUE)?;
        let rows = statement.query_map([], |row| {
            Ok(CataloguedPipeline {
                kind: row.get(0)?,
                id: row.get(1)?,
                slug: row.get(2)?,
                name: row.get(3)?,
                active: row.get(4)?,
            })
        })?;
        let pipelines: Vec<CataloguedPipeline> = rows.collect::<rusqlite::Result<_>>()?;
        let (mut by_id, mut by_slug) = (HashMap::new(), HashMap::new());
        for (position, pipeline) in pipelines.iter().enumerate() {
            by_id.insert((pipeline.kind.clone(), pipeline.id.clone()), position);
            if let Some(slug) = &pipeline.slug {
                by_slug.entry((pipeline.kind.clone(), slug.clone())).or_insert(position);
            }
        }
        Ok(Catalogue { pipelines, by_id, by_slug })
    }

    /// The pipeline of a run, matched by id or else by slug, as in the view `runs`.
    pub(crate) fn find(&self, key: &PipelineKey) -> Option<&CataloguedPipeline> {
        let key = key.as_ref()?;
        let position = self.by_id.get(key).or_else(|| self.by_slug.get(key))?;
        self.pipelines.get(*position)
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
        let has_name = |key: &&PipelineKey| self.find(key).is_some_and(|pipeline| pipeline.has_name(what_if));
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
