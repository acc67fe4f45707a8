-- Which runs took longest? Slowest first.
--
-- :from   only runs booked at or after this instant, such as '2026-01-01T00:00:00.000000Z'; unset: no limit
-- :until  only runs booked before this instant; unset: no limit
-- :limit  maximum number of runs; unset: 20
WITH
-- The slowest runs, found with the covering index of the reports alone.
slowest_runs AS MATERIALIZED (
    SELECT snapshot_id, duration_seconds
    FROM runs
    WHERE duration_seconds IS NOT NULL
      AND (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)
    ORDER BY duration_seconds DESC, booked_at, snapshot_id
    LIMIT coalesce(:limit, 20)
),
-- Their other columns. Sorting happens below, so that each run is looked up by snapshot_id, also with --as-of.
details AS MATERIALIZED (
    SELECT r.*
    FROM slowest_runs AS s
    JOIN runs AS r ON r.snapshot_id = s.snapshot_id
)
SELECT run_id,
       pipeline_name,
       pipeline_id,
       pipeline_kind,
       status,
       started_at,
       ended_at,
       duration_seconds,
       CASE WHEN total_cost_nanos IS NOT NULL
            THEN printf('%s%d.%09d', iif(total_cost_nanos < 0, '-', ''), abs(total_cost_nanos) / 1000000000,
                        abs(total_cost_nanos) % 1000000000)
       END AS total_cost_usd
FROM details
ORDER BY duration_seconds DESC, booked_at, snapshot_id;
