-- What are the pipelines called, for the dataset? By kind and id.
--
-- :workspace  what the archive is called in the dataset
SELECT :workspace AS workspace, kind, pipeline_id, slug, name, description, active, status, created_at, updated_at,
       first_seen_at, gone_at
FROM pipelines
ORDER BY kind, pipeline_id;
