-- What are the pipelines? For the Parquet dataset. Ordered by kind, then pipeline id.
--
-- :workspace  name of the archive in the dataset
SELECT :workspace AS workspace, kind, pipeline_id, slug, name, description, active, status, created_at, updated_at,
       first_seen_at, gone_at, settings
FROM pipelines
ORDER BY kind, pipeline_id;
