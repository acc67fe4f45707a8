-- Which runs took longest? Slowest first.
--
-- :from   only runs booked at or after this instant; NULL: no limit
-- :until  only runs booked before this instant; NULL: no limit
-- :limit  maximum number of runs; NULL: 20
SELECT run_id,
       pipeline_name,
       pipeline_id,
       pipeline_kind,
       status,
       started_at,
       ended_at,
       duration_seconds,
       total_cost_usd_exact AS total_cost_usd
FROM runs
WHERE duration_seconds IS NOT NULL
      AND (:from IS NULL OR booked_at >= CAST(:from AS TIMESTAMP))
      AND (:until IS NULL OR booked_at < CAST(:until AS TIMESTAMP))
ORDER BY duration_seconds DESC, booked_at, snapshot_id
LIMIT coalesce(:limit, 20);
