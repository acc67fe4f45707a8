//! The pipeline catalog: the names of sources, destinations and transformations, with their history.

use super::Archive;
use crate::error::Result;
use crate::pipeline_settings::PipelineSettings;
use crate::run::Instant;
use rusqlite::{OptionalExtension, params};

/// The kind of a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PipelineKind {
    /// It extracts data.
    Source,
    /// It loads data.
    Destination,
    /// It transforms data.
    Transformation,
}

impl PipelineKind {
    /// All kinds.
    pub const ALL: [PipelineKind; 3] =
        [PipelineKind::Source, PipelineKind::Destination, PipelineKind::Transformation];

    /// The kind's name in the archive and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            PipelineKind::Source => "source",
            PipelineKind::Destination => "destination",
            PipelineKind::Transformation => "transformation",
        }
    }
}

/// A pipeline in the catalog. Of its configuration, only [`PipelineSettings`] are read, because the rest may contain
/// credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// The id.
    pub id: String,
    /// The short name for URLs. `None`: none was sent.
    pub slug: Option<String>,
    /// The display name: the API's `name`, else its `description`, else its `slug`.
    pub name: Option<String>,
    /// The description; in practice often the name.
    pub description: Option<String>,
    /// Whether it is active.
    pub active: Option<bool>,
    /// The status, in the API's words.
    pub status: Option<String>,
    /// When it was created.
    pub created_at: Option<Instant>,
    /// When the API last changed it.
    pub updated_at: Option<Instant>,
    /// The settings that explain its costs and its schedule. `None`: none was sent.
    pub settings: Option<PipelineSettings>,
}

impl Archive {
    /// Stores the current state of a pipeline. Its earlier states stay, each with its period.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn upsert_pipeline(&self, kind: PipelineKind, pipeline: &Pipeline, at: Instant) -> Result<()> {
        let settings = pipeline.settings.as_ref().map(PipelineSettings::to_json);
        self.connection
            .prepare_cached(
                "UPDATE pipeline_snapshots SET superseded_at = ?1 \
                 WHERE kind = ?2 AND pipeline_id = ?3 AND superseded_at IS NULL AND observed_at < ?1 \
                   AND (slug IS NOT ?4 OR name IS NOT ?5 OR description IS NOT ?6 OR active IS NOT ?7 \
                        OR settings IS NOT ?8 OR gone_at IS NOT NULL)",
            )?
            .execute(params![
                at,
                kind.as_str(),
                pipeline.id,
                pipeline.slug,
                pipeline.name,
                pipeline.description,
                pipeline.active,
                settings
            ])?;
        // If the update superseded no row, the state is the same, and its row is updated in place.
        self.connection
            .prepare_cached(
                "INSERT INTO pipeline_snapshots (kind, pipeline_id, observed_at, slug, name, description, active, status, \
                                                 created_at, updated_at, settings) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
                 ON CONFLICT (kind, pipeline_id) WHERE superseded_at IS NULL DO UPDATE SET \
                     slug = excluded.slug, name = excluded.name, description = excluded.description, \
                     active = excluded.active, status = excluded.status, created_at = excluded.created_at, \
                     updated_at = excluded.updated_at, gone_at = NULL, settings = excluded.settings",
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
                pipeline.updated_at,
                settings
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
                                                 created_at, updated_at, gone_at, settings) \
                 SELECT kind, pipeline_id, ?2, slug, name, description, active, status, created_at, updated_at, ?2, settings \
                 FROM pipeline_snapshots \
                 WHERE kind = ?1 AND superseded_at = ?2 AND pipeline_id NOT IN (SELECT value FROM json_each(?3))",
                params![kind.as_str(), at, listed],
            )?;
        }
        Ok(())
    }

    /// The display name of a pipeline, by id or slug. `None`: the catalog has none.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(document: &str) -> Pipeline {
        Pipeline {
            id: "1".to_owned(),
            slug: None,
            name: None,
            description: None,
            active: None,
            status: None,
            created_at: None,
            updated_at: None,
            settings: PipelineSettings::of_document(serde_json::from_str(document).unwrap()),
        }
    }

    #[test]
    fn a_change_of_settings_begins_a_new_state() {
        let archive = Archive::temporary().unwrap();
        let sent = [
            "{}",
            r#"{"spark_executor_instances": 2}"#,
            r#"{"code": "x", "spark_executor_instances": 2}"#,
            r#"{"spark_executor_instances": 8}"#,
        ];
        for (day, document) in (1..).zip(sent) {
            let at = Instant::parse(&format!("2026-11-0{day}T00:00:00Z")).unwrap();
            archive.upsert_pipeline(PipelineKind::Source, &pipeline(document), at).unwrap();
        }
        let at = Instant::parse("2026-11-05T00:00:00Z").unwrap();
        archive.mark_gone_pipelines(PipelineKind::Source, &[], at).unwrap();
        let sql = "SELECT group_concat(substr(observed_at, 9, 2) || coalesce(settings, ' none'), '; ') \
                   FROM pipeline_snapshots";
        let states: String = archive.connection().query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(
            states,
            r#"01 none; 02{"spark_executor_instances":2}; 04{"spark_executor_instances":8}; 05{"spark_executor_instances":8}"#
        );
    }
}
