-- Which pipelines have no runs?
--
-- Drafts, which have never been put into service, are left out.
--
-- :from   only consider runs booked at or after this instant, such as '2026-01-01T00:00:00.000000Z'; unset: no limit
-- :until  only consider runs booked before this instant; unset: no limit
WITH
-- The pipelines that the current runs reference, by id or by slug, with their latest run. CAST lets SQLite look them up
-- with an index.
run_references AS MATERIALIZED (
    SELECT CAST(pipeline_kind AS TEXT) AS kind, CAST(pipeline_id AS TEXT) AS reference, max(booked_at) AS last_run_at,
           max((:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)) AS ran
    FROM runs
    WHERE pipeline_id IS NOT NULL
    GROUP BY pipeline_kind, pipeline_id
),
-- All pipelines of the catalog, with the runs that reference them by id and by slug. One join with OR, instead of two,
-- would compare every pipeline with every reference.
catalog AS (
    SELECT p.kind, p.pipeline_id, p.name, p.slug, p.active, p.first_seen_at, p.gone_at,
           max(coalesce(i.last_run_at, s.last_run_at), coalesce(s.last_run_at, i.last_run_at)) AS last_run_at,
           coalesce(i.ran, 0) OR coalesce(s.ran, 0) AS ran,
           -- Only a boolean counts, so `json_type` and not `json_extract`.
           coalesce('true' IN (json_type(p.settings, '$.draft'), json_type(p.settings, '$.draft_only')), 0) AS is_draft
    FROM pipelines AS p
    LEFT JOIN run_references AS i ON i.kind = p.kind AND i.reference = p.pipeline_id
    LEFT JOIN run_references AS s ON s.kind = p.kind AND s.reference = p.slug
)
SELECT name AS pipeline_name,
       pipeline_id,
       kind AS pipeline_kind,
       slug,
       active,
       first_seen_at,
       gone_at,
       last_run_at
FROM catalog
WHERE NOT ran AND NOT is_draft
ORDER BY pipeline_kind, name IS NULL, name, pipeline_id;
