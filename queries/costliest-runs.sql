-- Which runs cost most? Costliest first.
--
-- :from   only runs booked at or after this instant, such as '2026-01-01T00:00:00.000000Z'; unset: no limit
-- :until  only runs booked before this instant; unset: no limit
-- :limit  maximum number of runs; unset: 20
WITH
-- The costliest runs, found with the covering index of the reports alone.
costliest_runs AS MATERIALIZED (
    SELECT snapshot_id, total_cost_nanos AS nanos
    FROM runs
    WHERE total_cost_nanos IS NOT NULL
      AND (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)
    ORDER BY total_cost_nanos DESC, booked_at, snapshot_id
    LIMIT coalesce(:limit, 20)
),
-- Their other columns. Sorting happens below, so that each run is looked up by snapshot_id, also with --as-of.
details AS MATERIALIZED (
    SELECT r.*, c.nanos
    FROM costliest_runs AS c
    JOIN runs AS r ON r.snapshot_id = c.snapshot_id
)
SELECT run_id,
       pipeline_name,
       pipeline_id,
       pipeline_kind,
       status,
       started_at,
       duration_seconds,
       printf('%s%d.%09d', iif(nanos < 0, '-', ''), abs(nanos) / 1000000000, abs(nanos) % 1000000000)
           AS total_cost_usd
FROM details
ORDER BY nanos DESC, booked_at, snapshot_id;
