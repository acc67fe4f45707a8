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
    /// Keeps what is now known of a pipeline.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn keep_pipeline(&self, kind: PipelineKind, pipeline: &Pipeline, at: Instant) -> Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO pipelines (kind, pipeline_id, slug, name, description, active, status, created_at, \
                                        updated_at, first_seen_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
                 ON CONFLICT (kind, pipeline_id) DO UPDATE SET \
                     slug = excluded.slug, name = excluded.name, description = excluded.description, \
                     active = excluded.active, status = excluded.status, created_at = excluded.created_at, \
                     updated_at = excluded.updated_at, gone_at = NULL",
            )?
            .execute(params![
                kind.as_str(),
                pipeline.id,
                pipeline.slug,
                pipeline.name,
                pipeline.description,
                pipeline.active,
                pipeline.status,
                pipeline.created_at,
                pipeline.updated_at,
                at
            ])?;
        Ok(())
    }

    /// Marks the pipelines of a kind that a complete list no longer has. They keep their names.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn mark_gone_pipelines(&self, kind: PipelineKind, listed: &[String], at: Instant) -> Result<()> {
        let listed = serde_json::to_string(listed).expect("texts are always JSON");
        self.connection.execute(
            "UPDATE pipelines SET gone_at = ?2 WHERE kind = ?1 AND gone_at IS NULL \
             AND pipeline_id NOT IN (SELECT value FROM json_each(?3))",
            params![kind.as_str(), at, listed],
        )?;
        Ok(())
    }

    /// The name of the pipeline that a run names by id or by slug. `None`: the catalogue has none.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn pipeline_name(&self, kind: PipelineKind, id_or_slug: &str) -> Result<Option<String>> {
        let sql = "SELECT name FROM pipelines WHERE kind = ?1 AND ?2 IN (pipeline_id, slug) \
                   ORDER BY pipeline_id = ?2 DESC LIMIT 1";
        let name = self
            .connection
            .query_row(sql, params![kind.as_str(), id_or_slug], |row| row.get(0))
            .optional()?;
        Ok(name.flatten())
    }
}
