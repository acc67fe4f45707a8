-- Which pipelines fail, how often, and how many times in a row since their last success? Most failures first.
--
-- :from   only runs booked at or after this instant, such as '2026-01-01T00:00:00.000000Z'; unset: no limit
-- :until  only runs booked before this instant; unset: no limit
--
-- Lists only pipelines with a failure. The failure rate is the share of `failed` among runs with a final status.
WITH
-- The current runs with a final status.
ended_runs AS MATERIALIZED (
    SELECT pipeline_kind, pipeline_id, status, booked_at
    FROM runs
    WHERE status IN ('success', 'failed', 'canceled')
      AND (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)
),
-- The outcomes of each pipeline.
outcomes AS MATERIALIZED (
    SELECT pipeline_kind, pipeline_id,
           count(*) AS final_runs,
           count(*) FILTER (WHERE status = 'failed') AS failed_runs,
           max(booked_at) FILTER (WHERE status = 'failed') AS last_failure_at,
           max(booked_at) FILTER (WHERE status = 'success') AS last_success_at
    FROM ended_runs
    GROUP BY pipeline_kind, pipeline_id
),
-- The failures of each pipeline since its last success. CROSS JOIN lets SQLite read the runs once, and look up the
-- pipeline of each.
streaks AS MATERIALIZED (
    SELECT e.pipeline_kind, e.pipeline_id, count(*) AS failures
    FROM ended_runs AS e
    CROSS JOIN outcomes AS c ON c.pipeline_kind IS e.pipeline_kind AND c.pipeline_id IS e.pipeline_id
    WHERE e.status = 'failed' AND e.booked_at > coalesce(c.last_success_at, '')
    GROUP BY e.pipeline_kind, e.pipeline_id
),
-- The pipelines with a failure.
failing_pipelines AS (
    SELECT c.*,
           coalesce(s.failures, 0) AS failures_in_a_row,
           -- The rate in millionths, rounded down, and the remainder.
           c.failed_runs * 1000000 / c.final_runs AS millionths,
           c.failed_runs * 1000000 % c.final_runs AS remainder
    FROM outcomes AS c
    LEFT JOIN streaks AS s ON s.pipeline_kind IS c.pipeline_kind AND s.pipeline_id IS c.pipeline_id
    WHERE c.failed_runs > 0
),
-- With the rate rounded to the nearest millionth, half to even.
with_rate AS (
    SELECT *, millionths + (2 * remainder > final_runs OR (2 * remainder = final_runs AND millionths % 2 <> 0)) AS rate
    FROM failing_pipelines
)
SELECT coalesce(
           (SELECT p.name FROM pipelines AS p
            WHERE p.kind = with_rate.pipeline_kind AND p.pipeline_id = with_rate.pipeline_id),
           (SELECT p.name FROM pipelines AS p
            WHERE p.slug = with_rate.pipeline_id AND +p.kind = with_rate.pipeline_kind
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
FROM with_rate
ORDER BY failed_runs DESC, pipeline_kind, pipeline_id;
