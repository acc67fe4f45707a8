-- Which pipelines have no runs?
--
-- Drafts, which have never been put into service, are left out.
--
-- :from   only consider runs booked at or after this instant; NULL: no limit
-- :until  only consider runs booked before this instant; NULL: no limit
WITH
-- The pipelines that the current runs reference, by id or by slug, with their latest run.
run_references AS (
    SELECT pipeline_kind AS kind, pipeline_id AS reference, max(booked_at) AS last_run_at,
           max(coalesce((:from IS NULL OR booked_at >= CAST(:from AS TIMESTAMP))
                        AND (:until IS NULL OR booked_at < CAST(:until AS TIMESTAMP)), false)) AS ran
    FROM runs
    WHERE pipeline_id IS NOT NULL
    GROUP BY pipeline_kind, pipeline_id
),
-- All pipelines of the catalog, with the runs that reference them by id and by slug. One join with OR, instead of two,
-- would compare every pipeline with every reference.
catalog AS (
    SELECT p.kind, p.pipeline_id, p.name, p.slug, p.active, p.first_seen_at, p.gone_at,
           -- The later of the two; NULL only if both are.
           greatest(i.last_run_at, s.last_run_at) AS last_run_at,
           coalesce(i.ran, false) OR coalesce(s.ran, false) AS ran,
           coalesce(get_json_object(p.settings, '$.draft') = 'true', false)
             OR coalesce(get_json_object(p.settings, '$.draft_only') = 'true', false) AS is_draft
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
ORDER BY pipeline_kind, pipeline_name NULLS LAST, pipeline_id;
