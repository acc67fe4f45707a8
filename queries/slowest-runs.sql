-- Which runs took longest? Slowest first.
--
-- :from   only runs booked at or after this instant, as stored: '2026-01-01T00:00:00.000000Z'; not set: no limit
-- :until  only runs booked before this instant; not set: no limit
-- :limit  at most so many runs; not set: 20
WITH
-- The slowest runs, found in the reports' index alone.
slowest AS MATERIALIZED (
    SELECT snapshot_id, duration_seconds
    FROM runs
    WHERE duration_seconds IS NOT NULL
      AND (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)
    ORDER BY duration_seconds DESC, booked_at, snapshot_id
    LIMIT coalesce(:limit, 20)
),
-- What else is told of them. They are put in order below, so that each is looked up by its number in the past too.
told AS MATERIALIZED (
    SELECT r.*
    FROM slowest AS s
    JOIN runs AS r ON r.snapshot_id = s.snapshot_id
)
SELECT run_id,
       pipeline_name,
       pipeline_id,
       pipeline_kind,
       status,
       started_at,
       ended_at,
       duration_seconds
FROM told
ORDER BY duration_seconds DESC, booked_at, snapshot_id;
