-- Which pipelines fail, how often, and how many times in a row by now? Most failures first.
--
-- :from   only runs booked at or after this instant, as stored: '2026-01-01T00:00:00.000000Z'; not set: no limit
-- :until  only runs booked before this instant; not set: no limit
--
-- Only pipelines with a failure are listed. The failure rate is the part of the runs with a final status
-- that failed.
WITH
-- Every current run that has ended, with its pipeline.
ended AS MATERIALIZED (
    SELECT pipeline_kind, pipeline_id, status, booked_at
    FROM runs
    WHERE status IN ('success', 'failed', 'canceled')
      AND (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)
),
-- How each pipeline's runs ended.
counted AS (
    SELECT pipeline_kind, pipeline_id,
           count(*) AS final_runs,
           count(*) FILTER (WHERE status = 'failed') AS failed_runs,
           max(booked_at) FILTER (WHERE status = 'failed') AS last_failure_at,
           max(booked_at) FILTER (WHERE status = 'success') AS last_success_at
    FROM ended
    GROUP BY pipeline_kind, pipeline_id
),
-- The pipelines that failed, and their failures since the last success.
failing AS (
    SELECT c.*,
           (SELECT count(*) FROM ended AS e
            WHERE e.pipeline_kind IS c.pipeline_kind AND e.pipeline_id IS c.pipeline_id
              AND e.status = 'failed' AND e.booked_at > coalesce(c.last_success_at, '')) AS failures_in_a_row,
           -- In millionths, with what is left when they are rounded down.
           failed_runs * 1000000 / final_runs AS millionths,
           failed_runs * 1000000 % final_runs AS rest
    FROM counted AS c
    WHERE failed_runs > 0
),
-- The rate rounded to the nearest millionth, halves to the even one.
rated AS (
    SELECT *, millionths + (2 * rest > final_runs OR (2 * rest = final_runs AND millionths % 2 <> 0)) AS rate
    FROM failing
)
SELECT coalesce(
           (SELECT p.name FROM pipelines AS p
            WHERE p.kind = rated.pipeline_kind AND p.pipeline_id = rated.pipeline_id),
           (SELECT p.name FROM pipelines AS p
            WHERE p.slug = rated.pipeline_id AND +p.kind = rated.pipeline_kind
            ORDER BY p.gone_at, p.pipeline_id LIMIT 1)
       ) AS pipeline_name,
       pipeline_id,
       pipeline_kind,
       failed_runs,
       final_runs,
       printf('%d.%06d', rate / 1000000, rate % 1000000) AS failure_rate,
       failures_in_a_row,
       last_failure_at,
       last_success_at
FROM rated
ORDER BY failed_runs DESC, pipeline_kind, pipeline_id;
