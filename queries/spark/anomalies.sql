-- Which pipelines' latest runs cost or lasted other than their own runs before? Strongest first.
--
-- :from   only latest runs booked at or after this instant; NULL: those of the last 30 days before the newest run
-- :until  only runs booked before this instant; NULL: no limit
-- :limit  at most so many runs; NULL: 10
--
-- Only successful runs are looked at, and of each pipeline the latest whose cost (or duration) is known. Its band is
-- the median of up to 30 such runs before it, at least 10, and to both sides the widest of: 5 times their median
-- absolute deviation, a fifth of the median, and 0.01 USD or 60 seconds. So what spreads widely, moves by little, or
-- is cheap and short anyway stays quiet. Strength is the distance from the median in half widths of the band.
WITH
-- The successes of each pipeline, newest first, with how many known costs and durations there are down to each.
ranked AS (
    SELECT run_id, snapshot_id, pipeline_kind, pipeline_id, booked_at, total_cost_usd_exact, duration_seconds,
           count(total_cost_usd_exact) OVER w AS cost_place,
           count(duration_seconds) OVER w AS duration_place
    FROM runs
    WHERE status = 'success' AND pipeline_id IS NOT NULL AND booked_at IS NOT NULL
      AND (:until IS NULL OR booked_at < CAST(:until AS TIMESTAMP))
    WINDOW w AS (PARTITION BY pipeline_kind, pipeline_id ORDER BY booked_at DESC, snapshot_id DESC
                 ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
-- Both measures alike as whole numbers: nano-dollars and milliseconds. The latest has place 1; 30 are before it.
valued AS (
    SELECT 'cost' AS measure, pipeline_kind, pipeline_id, run_id, snapshot_id, booked_at, cost_place AS place,
           CAST(total_cost_usd_exact * 1000000000 AS BIGINT) AS value, 10000000L AS least_width
    FROM ranked
    WHERE total_cost_usd_exact IS NOT NULL AND cost_place <= 31
    UNION ALL
    SELECT 'duration', pipeline_kind, pipeline_id, run_id, snapshot_id, booked_at, duration_place,
           duration_seconds * 1000, 60000L
    FROM ranked
    WHERE duration_seconds IS NOT NULL AND duration_place <= 31
),
-- The values before the latest in order, counted from 0, with the place of the last.
sorted AS (
    SELECT measure, pipeline_kind, pipeline_id, value,
           row_number() OVER (PARTITION BY measure, pipeline_kind, pipeline_id ORDER BY value) - 1 AS place,
           count(*) OVER (PARTITION BY measure, pipeline_kind, pipeline_id) - 1 AS last
    FROM valued
    WHERE place > 1
),
-- Twice their median: the middle one and itself, or the middle two.
doubled AS (
    SELECT measure, pipeline_kind, pipeline_id, count(*) AS runs_before,
           sum(value) FILTER (WHERE place = last DIV 2) + sum(value) FILTER (WHERE place = (last + 1) DIV 2) AS twice
    FROM sorted
    GROUP BY measure, pipeline_kind, pipeline_id
    HAVING count(*) >= 10
),
-- The median, halves to the even one.
medians AS (
    SELECT measure, pipeline_kind, pipeline_id, runs_before,
           twice DIV 2 + CASE twice % 4 WHEN 3 THEN 1 WHEN -3 THEN -1 ELSE 0 END AS median
    FROM doubled
),
-- How far each value before the latest lies from it, in order.
deviations AS (
    SELECT v.measure, v.pipeline_kind, v.pipeline_id, m.runs_before, m.median, abs(v.value - m.median) AS deviation,
           row_number() OVER (PARTITION BY v.measure, v.pipeline_kind, v.pipeline_id
                              ORDER BY abs(v.value - m.median)) - 1 AS place
    FROM valued AS v
    JOIN medians AS m ON m.measure = v.measure AND m.pipeline_kind = v.pipeline_kind AND m.pipeline_id = v.pipeline_id
    WHERE v.place > 1
),
-- Twice the median of those.
spreads AS (
    SELECT measure, pipeline_kind, pipeline_id, runs_before, median,
           sum(deviation) FILTER (WHERE place = (runs_before - 1) DIV 2)
               + sum(deviation) FILTER (WHERE place = runs_before DIV 2) AS twice_mad
    FROM deviations
    GROUP BY measure, pipeline_kind, pipeline_id, runs_before, median
),
-- The latest values, each with the half width of its band.
judged AS (
    SELECT v.*, s.runs_before, s.median,
           greatest(5 * s.twice_mad DIV 2, abs(s.median) DIV 5, v.least_width) AS width
    FROM valued AS v
    JOIN spreads AS s ON s.measure = v.measure AND s.pipeline_kind = v.pipeline_kind AND s.pipeline_id = v.pipeline_id
    WHERE v.place = 1
),
-- Their bands, which do not reach below nothing, and how many thousandths of the half width the value is away.
banded AS (
    SELECT *, greatest(median - width, least(median, 0L)) AS low, median + width AS high,
           CAST(abs(value - median) AS DECIMAL(20, 0)) * 1000 DIV width AS strength
    FROM judged
),
-- The same in dollars and seconds.
told AS (
    SELECT run_id, snapshot_id, booked_at, measure, strength, value < low OR value > high AS out_of_band, runs_before,
           CAST(value AS DECIMAL(20, 0)) / unit AS value, CAST(median AS DECIMAL(20, 0)) / unit AS median,
           CAST(low AS DECIMAL(20, 0)) / unit AS low, CAST(high AS DECIMAL(20, 0)) / unit AS high
    FROM (SELECT *, CASE measure WHEN 'cost' THEN 1000000000L ELSE 1000L END AS unit FROM banded)
),
-- The same in words, without the zeros at the end.
worded AS (
    SELECT *,
           format_string('%s %s against a median of %s (band %s to %s) of %d runs before', measure,
                         trim(TRAILING '.' FROM trim(TRAILING '0' FROM CAST(value AS STRING)))
                             || CASE measure WHEN 'cost' THEN ' USD' ELSE ' s' END,
                         trim(TRAILING '.' FROM trim(TRAILING '0' FROM CAST(median AS STRING))),
                         trim(TRAILING '.' FROM trim(TRAILING '0' FROM CAST(low AS STRING))),
                         trim(TRAILING '.' FROM trim(TRAILING '0' FROM CAST(high AS STRING))),
                         runs_before) AS words
    FROM told
),
-- One row a run: cost and duration often go together.
paired AS (
    SELECT run_id, snapshot_id, booked_at,
           max(strength) FILTER (WHERE out_of_band) AS strength,
           max(value) FILTER (WHERE measure = 'cost') AS cost,
           max(median) FILTER (WHERE measure = 'cost') AS cost_median,
           max(low) FILTER (WHERE measure = 'cost') AS cost_low,
           max(high) FILTER (WHERE measure = 'cost') AS cost_high,
           max(value) FILTER (WHERE measure = 'duration') AS duration,
           max(median) FILTER (WHERE measure = 'duration') AS duration_median,
           max(low) FILTER (WHERE measure = 'duration') AS duration_low,
           max(high) FILTER (WHERE measure = 'duration') AS duration_high,
           max(words) FILTER (WHERE measure = 'cost' AND out_of_band) AS cost_words,
           max(words) FILTER (WHERE measure = 'duration' AND out_of_band) AS duration_words
    FROM worded
    GROUP BY run_id, snapshot_id, booked_at
),
-- Since when a run is a late one.
lately AS (
    SELECT coalesce(CAST(:from AS TIMESTAMP), date_trunc('SECOND', max(booked_at) - INTERVAL '30' DAY)) AS since
    FROM runs
    WHERE :until IS NULL OR booked_at < CAST(:until AS TIMESTAMP)
)
SELECT r.pipeline_name,
       r.pipeline_id,
       r.pipeline_kind,
       r.run_id,
       r.booked_at,
       CAST(p.cost AS DECIMAL(20, 9)) AS cost_usd,
       CAST(p.cost_median AS DECIMAL(20, 9)) AS cost_median_usd,
       CAST(p.cost_low AS DECIMAL(20, 9)) AS cost_low_usd,
       CAST(p.cost_high AS DECIMAL(20, 9)) AS cost_high_usd,
       CAST(p.duration AS DECIMAL(20, 3)) AS duration_seconds,
       CAST(p.duration_median AS DECIMAL(20, 3)) AS duration_median_seconds,
       CAST(p.duration_low AS DECIMAL(20, 3)) AS duration_low_seconds,
       CAST(p.duration_high AS DECIMAL(20, 3)) AS duration_high_seconds,
       concat_ws('; ', p.cost_words, p.duration_words) AS why
FROM paired AS p
CROSS JOIN lately AS l
JOIN runs AS r ON r.run_id = p.run_id
WHERE p.strength IS NOT NULL AND p.booked_at >= l.since
ORDER BY p.strength DESC, p.booked_at DESC, p.snapshot_id
LIMIT coalesce(:limit, 10);
