-- Which pipelines have no runs?
--
-- :from   look for runs booked at or after this instant; NULL: no limit
-- :until  look for runs booked before this instant; NULL: no limit
WITH
-- The pipelines that the current runs name, by id or by slug, and when each last ran.
named AS (
    SELECT pipeline_kind AS kind, pipeline_id AS named_by, max(booked_at) AS last_run_at,
           max(coalesce((:from IS NULL OR booked_at >= CAST(:from AS TIMESTAMP))
                        AND (:until IS NULL OR booked_at < CAST(:until AS TIMESTAMP)), false)) AS ran
    FROM runs
    WHERE pipeline_id IS NOT NULL
    GROUP BY pipeline_kind, pipeline_id
),
-- Every pipeline of the catalogue with its runs, whichever way they name it.
matched AS (
    SELECT p.kind, p.pipeline_id, p.name, p.slug, p.active, p.first_seen_at, p.gone_at,
           max(n.last_run_at) AS last_run_at,
           coalesce(max(n.ran), false) AS ran
    FROM pipelines AS p
    LEFT JOIN named AS n ON n.kind = p.kind AND (n.named_by = p.pipeline_id OR n.named_by = p.slug)
    GROUP BY p.kind, p.pipeline_id, p.name, p.slug, p.active, p.first_seen_at, p.gone_at
)
SELECT name AS pipeline_name,
       pipeline_id,
       kind AS pipeline_kind,
       slug,
       active,
       first_seen_at,
       gone_at,
       last_run_at
FROM matched
WHERE NOT ran
ORDER BY pipeline_kind, pipeline_name NULLS LAST, pipeline_id;
