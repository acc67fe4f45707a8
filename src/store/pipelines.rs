//! This is the catalogue: the names of sources, destinations and transformations.

use super::Archive;
use crate::error::Result;
use crate::run::Instant;
use rusqlite::{OptionalExtension, params};

/// What a pipeline does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PipelineKind {
    /// It extracts.
    Source,
    /// It loads.
    Destination,
    /// It transforms.
    Transformation,
}

impl PipelineKind {
    /// All of them.
    pub const ALL: [PipelineKind; 3] =
        [PipelineKind::Source, PipelineKind::Destination, PipelineKind::Transformation];

    /// The kind's word in the archive.
    pub fn as_str(self) -> &'static str {
        match self {
            PipelineKind::Source => "source",
            PipelineKind::Destination => "destination",
            PipelineKind::Transformation => "transformation",
        }
    }
}

/// What the catalogue holds of a pipeline. Its configuration is left where it is: it may hold credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// The pipeline's id.
    pub id: String,
    /// Its machine name. `None`: none was sent.
    pub slug: Option<String>,
    /// What people call it: the API's `name`, else its `description`, else its `slug`.
    pub name: Option<String>,
    /// What it is for; in practice often its name.
    pub description: Option<String>,
    /// Whether it runs by itself.
    pub active: Option<bool>,
    /// How it fares, in the API's words.
    pub status: Option<String>,
    /// When it was made.
    pub created_at: Option<Instant>,
    /// When it was last changed.
    pub updated_at: Option<Instant>,
}

impl Archive {
    /// Keeps what is now known of a pipeline. What it was called before stays, with the time for which it was.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn keep_pipeline(&self, kind: PipelineKind, pipeline: &Pipeline, at: Instant) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE pipeline_snapshots SET superseded_at = ?1 \
                 WHERE kind = ?2 AND pipeline_id = ?3 AND superseded_at IS NULL AND observed_at < ?1 \
                   AND (slug IS NOT ?4 OR name IS NOT ?5 OR description IS NOT ?6 OR active IS NOT ?7 \
                        OR gone_at IS NOT NULL)",
            )?
            .execute(params![
                at,
                kind.as_str(),
                pipeline.id,
                pipeline.slug,
                pipeline.name,
                pipeline.description,
                pipeline.active
            ])?;
        // Where the state before was left as it is, this is still that state.
        self.connection
            .prepare_cached(
                "INSERT INTO pipeline_snapshots (kind, pipeline_id, observed_at, slug, name, description, active, status, \
                                                 created_at, updated_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
                 ON CONFLICT (kind, pipeline_id) WHERE superseded_at IS NULL DO UPDATE SET \
                     slug = excluded.slug, name = excluded.name, description = excluded.description, \
                     active = excluded.active, status = excluded.status, created_at = excluded.created_at, \
                     updated_at = excluded.updated_at, gone_at = NULL",
            )?
            .execute(params![
                kind.as_str(),
                pipeline.id,
                at,
                pipeline.slug,
                pipeline.name,
                pipeline.description,
                pipeline.active,
                pipeline.status,
                pipeline.created_at,
                pipeline.updated_at
            ])?;
        Ok(())
    }

    /// Marks the pipelines of a kind that a complete list no longer has. They keep their names.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn mark_gone_pipelines(&self, kind: PipelineKind, listed: &[String], at: Instant) -> Result<()> {
        let listed = serde_json::to_string(listed).expect("texts are always JSON");
        let gone = self.connection.execute(
            "UPDATE pipeline_snapshots SET superseded_at = ?2 \
             WHERE kind = ?1 AND superseded_at IS NULL AND gone_at IS NULL AND observed_at < ?2 \
               AND pipeline_id NOT IN (SELECT value FROM json_each(?3))",
            params![kind.as_str(), at, listed],
        )?;
        if gone > 0 {
            self.connection.execute(
                "INSERT INTO pipeline_snapshots (kind, pipeline_id, observed_at, slug, name, description, active, status, \
                                                 created_at, updated_at, gone_at) \
                 SELECT kind, pipeline_id, ?2, slug, name, description, active, status, created_at, updated_at, ?2 \
                 FROM pipeline_snapshots \
                 WHERE kind = ?1 AND superseded_at = ?2 AND pipeline_id NOT IN (SELECT value FROM json_each(?3))",
                params![kind.as_str(), at, listed],
            )?;
        }
        Ok(())
    }

    /// The name of the pipeline that a run names by id or by slug. `None`: the catalogue has none.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn pipeline_name(&self, kind: PipelineKind, id_or_slug: &str) -> Result<Option<String>> {
        let sql = "SELECT name FROM pipelines WHERE kind = ?1 AND ?2 IN (pipeline_id, slug) \
                   ORDER BY pipeline_id = ?2 DESC, gone_at, pipeline_id LIMIT 1";
        let name = self
            .connection
            .query_row(sql, params![kind.as_str(), id_or_slug], |row| row.get(0))
            .optional()?;
        Ok(name.flatten())
    }
}
