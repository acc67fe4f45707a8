-- Which pipelines fail, how often, and how many times in a row since their last success? Most failures first.
--
-- :from   only runs booked at or after this instant; NULL: no limit
-- :until  only runs booked before this instant; NULL: no limit
--
-- Lists only pipelines with a failure. The failure rate is the share of `failed` among runs with a final status.
WITH
-- The current runs with a final status.
ended_runs AS (
    SELECT pipeline_kind, pipeline_id, pipeline_name, status, booked_at
    FROM runs
    WHERE status IN ('success', 'failed', 'canceled')
      AND (:from IS NULL OR booked_at >= CAST(:from AS TIMESTAMP))
      AND (:until IS NULL OR booked_at < CAST(:until AS TIMESTAMP))
),
-- The outcomes of each pipeline.
outcomes AS (
    SELECT pipeline_kind, pipeline_id,
           max(pipeline_name) AS pipeline_name,
           count(*) AS final_runs,
           count_if(status = 'failed') AS failed_runs,
           max(booked_at) FILTER (WHERE status = 'failed') AS last_failure_at,
           max(booked_at) FILTER (WHERE status = 'success') AS last_success_at
    FROM ended_runs
    GROUP BY pipeline_kind, pipeline_id
    HAVING count_if(status = 'failed') > 0
),
-- Their failures since the last success.
streaks AS (
    SELECT c.pipeline_kind, c.pipeline_id, count(*) AS failures
    FROM outcomes AS c
    JOIN ended_runs AS e ON e.pipeline_kind <=> c.pipeline_kind AND e.pipeline_id <=> c.pipeline_id
    WHERE e.status = 'failed' AND e.booked_at > coalesce(c.last_success_at, TIMESTAMP '0001-01-01 00:00:00')
    GROUP BY c.pipeline_kind, c.pipeline_id
)
SELECT c.pipeline_name,
       c.pipeline_id,
       c.pipeline_kind,
       c.failed_runs,
       c.final_runs,
       bround(CAST(c.failed_runs AS DECIMAL(20, 0)) / c.final_runs, 6) AS failure_rate,
       coalesce(r.failures, 0) AS failures_in_a_row,
       c.last_failure_at,
       c.last_success_at
FROM outcomes AS c
LEFT JOIN streaks AS r ON r.pipeline_kind <=> c.pipeline_kind AND r.pipeline_id <=> c.pipeline_id
ORDER BY c.failed_runs DESC, c.pipeline_kind, c.pipeline_id;
