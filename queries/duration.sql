-- How did the runs of each month end, how long did they take, and how long did they wait?
--
-- :from   only runs booked at or after this instant, such as '2026-01-01T00:00:00.000000Z'; unset: no limit
-- :until  only runs booked before this instant; unset: no limit
--
-- Months are in UTC. A run is booked when it started, or when it was created if it has not started. The success rate is
-- the share of `success` among runs with a final status. Percentiles are those of percentile_cont: position (n - 1) * p
-- in the sorted values, with linear interpolation. The queue time of a run is the time from created to started.
WITH
-- The current runs with their month, duration and queue time.
month_runs AS MATERIALIZED (
    SELECT substr(booked_at, 1, 7) AS month, status, duration_seconds,
           -- Seconds and microseconds are subtracted separately: strftime rounds to milliseconds, which can carry.
           (strftime('%s', substr(started_at, 1, 19)) - strftime('%s', substr(created_at, 1, 19))) * 1000000
               + substr(started_at, 21, 6) - substr(created_at, 21, 6) AS queued_micros
    FROM runs
    WHERE (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)
),
-- The counts and sums of each month.
totals AS (
    SELECT month,
           count(*) AS runs,
           count(*) FILTER (WHERE status IN ('success', 'failed', 'canceled')) AS final_runs,
           count(*) FILTER (WHERE status = 'success') AS successes,
           count(duration_seconds) AS timed_runs,
           sum(duration_seconds) AS seconds,
           max(duration_seconds) AS max_seconds,
           count(queued_micros) AS queued_runs,
           sum(queued_micros) AS queued_micros,
           max(queued_micros) AS queued_max_micros
    FROM month_runs
    GROUP BY month
),
-- The known durations of each month, sorted and numbered from 0, with the last number.
durations AS (
    SELECT month, duration_seconds AS value,
           row_number() OVER (PARTITION BY month ORDER BY duration_seconds) - 1 AS place,
           count(*) OVER (PARTITION BY month) - 1 AS last
    FROM month_runs
    WHERE duration_seconds IS NOT NULL
),
-- Their percentiles in hundredths of a second: two neighbors, weighted in hundredths by their proximity.
duration_percentiles AS (
    SELECT month,
           sum(value * CASE place WHEN last * 50 / 100 THEN 100 - last * 50 % 100
                                  WHEN last * 50 / 100 + 1 THEN last * 50 % 100 END) AS p50,
           sum(value * CASE place WHEN last * 95 / 100 THEN 100 - last * 95 % 100
                                  WHEN last * 95 / 100 + 1 THEN last * 95 % 100 END) AS p95,
           sum(value * CASE place WHEN last * 99 / 100 THEN 100 - last * 99 % 100
                                  WHEN last * 99 / 100 + 1 THEN last * 99 % 100 END) AS p99
    FROM durations
    GROUP BY month
),
-- The known queue times of each month, in the same way.
queue_times AS (
    SELECT month, queued_micros AS value,
           row_number() OVER (PARTITION BY month ORDER BY queued_micros) - 1 AS place,
           count(*) OVER (PARTITION BY month) - 1 AS last
    FROM month_runs
    WHERE queued_micros IS NOT NULL
),
-- Their percentiles in hundredths of a microsecond.
queue_percentiles AS (
    SELECT month,
           sum(value * CASE place WHEN last * 50 / 100 THEN 100 - last * 50 % 100
                                  WHEN last * 50 / 100 + 1 THEN last * 50 % 100 END) AS p50,
           sum(value * CASE place WHEN last * 95 / 100 THEN 100 - last * 95 % 100
                                  WHEN last * 95 / 100 + 1 THEN last * 95 % 100 END) AS p95
    FROM queue_times
    GROUP BY month
),
-- All figures of each month.
figures AS MATERIALIZED (
    SELECT s.*, d.p50, d.p95, d.p99, w.p50 AS queued_p50, w.p95 AS queued_p95
    FROM totals AS s
    LEFT JOIN duration_percentiles AS d ON d.month IS s.month
    LEFT JOIN queue_percentiles AS w ON w.month IS s.month
),
-- The names of the figures. The unit is a millionth for the rate and a millisecond for the others.
names (figure) AS (
    VALUES ('success'), ('total'), ('mean'), ('p50'), ('p95'), ('p99'), ('max'),
           ('queued_mean'), ('queued_p50'), ('queued_p95'), ('queued_max')
),
-- The figures as fractions.
fractions AS (
    SELECT month, figure,
           CASE figure WHEN 'success' THEN successes * 1000000
                       WHEN 'total' THEN seconds * 1000
                       WHEN 'mean' THEN seconds * 1000
                       WHEN 'p50' THEN p50 * 10
                       WHEN 'p95' THEN p95 * 10
                       WHEN 'p99' THEN p99 * 10
                       WHEN 'max' THEN max_seconds * 1000
                       WHEN 'queued_mean' THEN queued_micros
                       WHEN 'queued_p50' THEN queued_p50
                       WHEN 'queued_p95' THEN queued_p95
                       WHEN 'queued_max' THEN queued_max_micros
           END AS dividend,
           CASE figure WHEN 'success' THEN final_runs
                       WHEN 'mean' THEN timed_runs
                       WHEN 'queued_mean' THEN queued_runs * 1000
                       WHEN 'queued_p50' THEN 100000
                       WHEN 'queued_p95' THEN 100000
                       WHEN 'queued_max' THEN 1000
                       ELSE 1
           END AS divisor
    FROM figures
    CROSS JOIN names
),
-- With the remainder of each division.
with_remainder AS (
    SELECT *, (dividend % divisor + divisor) % divisor AS remainder
    FROM fractions
),
-- The figures as integers, rounded half to even.
whole_figures AS (
    SELECT month, figure,
           (dividend - remainder) / divisor
               + (2 * remainder > divisor
                  OR (2 * remainder = divisor AND (dividend - remainder) / divisor % 2 <> 0)) AS units
    FROM with_remainder
),
-- The figures as decimal text. Unknown values stay NULL.
figure_texts AS (
    SELECT month, figure,
           CASE WHEN units IS NULL THEN NULL
                WHEN figure = 'success' THEN printf('%d.%06d', units / 1000000, units % 1000000)
                ELSE printf('%s%d.%03d', iif(units < 0, '-', ''), abs(units) / 1000, abs(units) % 1000)
           END AS value
    FROM whole_figures
),
-- One row per month.
months AS (
    SELECT month,
           max(value) FILTER (WHERE figure = 'success') AS success_rate,
           max(value) FILTER (WHERE figure = 'total') AS total_seconds,
           max(value) FILTER (WHERE figure = 'mean') AS mean_seconds,
           max(value) FILTER (WHERE figure = 'p50') AS p50_seconds,
           max(value) FILTER (WHERE figure = 'p95') AS p95_seconds,
           max(value) FILTER (WHERE figure = 'p99') AS p99_seconds,
           max(value) FILTER (WHERE figure = 'max') AS max_seconds,
           max(value) FILTER (WHERE figure = 'queued_mean') AS queued_mean_seconds,
           max(value) FILTER (WHERE figure = 'queued_p50') AS queued_p50_seconds,
           max(value) FILTER (WHERE figure = 'queued_p95') AS queued_p95_seconds,
           max(value) FILTER (WHERE figure = 'queued_max') AS queued_max_seconds
    FROM figure_texts
    GROUP BY month
)
SELECT f.month,
       f.runs,
       f.runs - f.timed_runs AS runs_duration_unknown,
       m.success_rate,
       m.total_seconds,
       m.mean_seconds,
       m.p50_seconds,
       m.p95_seconds,
       m.p99_seconds,
       m.max_seconds,
       m.queued_mean_seconds,
       m.queued_p50_seconds,
       m.queued_p95_seconds,
       m.queued_max_seconds
FROM figures AS f
JOIN months AS m ON m.month IS f.month
ORDER BY f.month IS NULL, f.month;
