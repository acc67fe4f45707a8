-- Which runs cost most? Dearest first.
--
-- :from   only runs booked at or after this instant, as stored: '2026-01-01T00:00:00.000000Z'; not set: no limit
-- :until  only runs booked before this instant; not set: no limit
-- :limit  at most so many runs; not set: 20
WITH
-- The dearest runs, found in the reports' index alone.
dearest AS MATERIALIZED (
    SELECT snapshot_id, total_cost_nanos AS nanos
    FROM runs
    WHERE total_cost_nanos IS NOT NULL
      AND (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)
    ORDER BY total_cost_nanos DESC, booked_at, snapshot_id
    LIMIT coalesce(:limit, 20)
),
-- What else is told of them. They are put in order below, so that each is looked up by its number in the past too.
told AS MATERIALIZED (
    SELECT r.*, d.nanos
    FROM dearest AS d
    JOIN runs AS r ON r.snapshot_id = d.snapshot_id
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
FROM told
ORDER BY nanos DESC, booked_at, snapshot_id;
