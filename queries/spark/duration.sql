-- How did the runs of each month end, how long did they take, and how long did they wait?
--
-- :from   only runs booked at or after this instant; NULL: no limit
-- :until  only runs booked before this instant; NULL: no limit
--
-- Months are those of the dataset. The success rate is the share of `success` among runs with a final status. The queue
-- time of a run is the time from created to started. Percentiles are computed as doubles; their third decimal can
-- differ by one from the integer arithmetic of the SQLite query.
WITH
-- The runs with their queue time in microseconds.
month_runs AS (
    SELECT nullif(month, 'unbooked') AS month, status, duration_seconds, unix_micros(started_at) - unix_micros(created_at) AS queued_micros
    FROM runs
    WHERE (:from IS NULL OR booked_at >= CAST(:from AS TIMESTAMP))
      AND (:until IS NULL OR booked_at < CAST(:until AS TIMESTAMP))
),
-- The counts, sums and percentiles of each month.
totals AS (
    SELECT month,
           count(*) AS runs,
           count_if(status IN ('success', 'failed', 'canceled')) AS final_runs,
           count_if(status = 'success') AS successes,
           count(duration_seconds) AS timed_runs,
           CAST(sum(duration_seconds) AS DECIMAL(20, 0)) AS seconds,
           percentile(duration_seconds, array(0.5, 0.95, 0.99)) AS percentiles,
           max(duration_seconds) AS max_seconds,
           count(queued_micros) AS queued_runs,
           CAST(sum(queued_micros) AS DECIMAL(20, 0)) AS queued_micros,
           percentile(queued_micros, array(0.5, 0.95)) AS queued_percentiles,
           max(queued_micros) AS queued_max_micros
    FROM month_runs
    GROUP BY month
)
SELECT month,
       runs,
       runs - timed_runs AS runs_duration_unknown,
       bround(CAST(successes AS DECIMAL(20, 0)) / nullif(final_runs, 0), 6) AS success_rate,
       CAST(seconds AS DECIMAL(20, 3)) AS total_seconds,
       bround(seconds / nullif(timed_runs, 0), 3) AS mean_seconds,
       CAST(percentiles[0] AS DECIMAL(20, 3)) AS p50_seconds,
       CAST(percentiles[1] AS DECIMAL(20, 3)) AS p95_seconds,
       CAST(percentiles[2] AS DECIMAL(20, 3)) AS p99_seconds,
       CAST(max_seconds AS DECIMAL(20, 3)) AS max_seconds,
       bround(queued_micros / nullif(queued_runs, 0) / 1000000, 3) AS queued_mean_seconds,
       CAST(queued_percentiles[0] / 1000000 AS DECIMAL(20, 3)) AS queued_p50_seconds,
       CAST(queued_percentiles[1] / 1000000 AS DECIMAL(20, 3)) AS queued_p95_seconds,
       bround(CAST(queued_max_micros AS DECIMAL(20, 0)) / 1000000, 3) AS queued_max_seconds
FROM totals
ORDER BY month NULLS LAST;
