-- Which pipelines' latest runs deviate in cost or duration from their earlier runs? Strongest first.
--
-- :from   only latest runs booked at or after this instant; NULL: the 30 days before the newest run
-- :until  only runs booked before this instant; NULL: no limit
-- :limit  maximum number of runs; NULL: 10
--
-- Considers successful runs only. For each pipeline, compares the latest known cost (or duration) with a control band
-- around the median of the 10 to 30 known values before it. The half width of the band is the largest of: 5 times the
-- median absolute deviation, a fifth of the median, and 0.01 USD or 60 seconds. The three terms suppress noisy
-- pipelines, small changes, and runs that are cheap and short anyway. Strength is the distance from the median,
-- measured in half widths.
WITH
-- Successful runs of each pipeline, newest first, with running counts of known costs and durations.
successes AS (
    SELECT run_id, snapshot_id, pipeline_kind, pipeline_id, booked_at, total_cost_usd_exact, duration_seconds,
           count(total_cost_usd_exact) OVER w AS cost_place,
           count(duration_seconds) OVER w AS duration_place
    FROM runs
    WHERE status = 'success' AND pipeline_id IS NOT NULL AND booked_at IS NOT NULL
      AND (:until IS NULL OR booked_at < CAST(:until AS TIMESTAMP))
    WINDOW w AS (PARTITION BY pipeline_kind, pipeline_id ORDER BY booked_at DESC, snapshot_id DESC
                 ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
-- Both measures as integers: nano-dollars and milliseconds. The latest value has place 1; up to 30 precede it.
measurements AS (
    SELECT 'cost' AS measure, pipeline_kind, pipeline_id, run_id, snapshot_id, booked_at, cost_place AS place,
           CAST(total_cost_usd_exact * 1000000000 AS BIGINT) AS value, 10000000L AS least_width
    FROM successes
    WHERE total_cost_usd_exact IS NOT NULL AND cost_place <= 31
    UNION ALL
    SELECT 'duration', pipeline_kind, pipeline_id, run_id, snapshot_id, booked_at, duration_place,
           duration_seconds * 1000, 60000L
    FROM successes
    WHERE duration_seconds IS NOT NULL AND duration_place <= 31
),
-- The values before the latest, sorted and numbered from 0, with the last number.
baseline AS (
    SELECT measure, pipeline_kind, pipeline_id, value,
           row_number() OVER (PARTITION BY measure, pipeline_kind, pipeline_id ORDER BY value) - 1 AS place,
           count(*) OVER (PARTITION BY measure, pipeline_kind, pipeline_id) - 1 AS last
    FROM measurements
    WHERE place > 1
),
-- Twice their median: the sum of the two middle values, or of the single middle value and itself.
double_medians AS (
    SELECT measure, pipeline_kind, pipeline_id, count(*) AS runs_before,
           sum(value) FILTER (WHERE place = last DIV 2) + sum(value) FILTER (WHERE place = (last + 1) DIV 2) AS twice
    FROM baseline
    GROUP BY measure, pipeline_kind, pipeline_id
    HAVING count(*) >= 10
),
-- The median, rounded half to even.
medians AS (
    SELECT measure, pipeline_kind, pipeline_id, runs_before,
           twice DIV 2 + CASE twice % 4 WHEN 3 THEN 1 WHEN -3 THEN -1 ELSE 0 END AS median
    FROM double_medians
),
-- Absolute deviations of those values from the median, sorted.
deviations AS (
    SELECT v.measure, v.pipeline_kind, v.pipeline_id, m.runs_before, m.median, abs(v.value - m.median) AS deviation,
           row_number() OVER (PARTITION BY v.measure, v.pipeline_kind, v.pipeline_id
                              ORDER BY abs(v.value - m.median)) - 1 AS place
    FROM measurements AS v
    JOIN medians AS m ON m.measure = v.measure AND m.pipeline_kind = v.pipeline_kind AND m.pipeline_id = v.pipeline_id
    WHERE v.place > 1
),
-- Twice the median absolute deviation.
spreads AS (
    SELECT measure, pipeline_kind, pipeline_id, runs_before, median,
           sum(deviation) FILTER (WHERE place = (runs_before - 1) DIV 2)
               + sum(deviation) FILTER (WHERE place = runs_before DIV 2) AS twice_mad
    FROM deviations
    GROUP BY measure, pipeline_kind, pipeline_id, runs_before, median
),
-- The latest values with the half width of their band.
with_width AS (
    SELECT v.*, s.runs_before, s.median,
           greatest(5 * s.twice_mad DIV 2, abs(s.median) DIV 5, v.least_width) AS width
    FROM measurements AS v
    JOIN spreads AS s ON s.measure = v.measure AND s.pipeline_kind = v.pipeline_kind AND s.pipeline_id = v.pipeline_id
    WHERE v.place = 1
),
-- With the bounds of the band, not below zero or a negative median, and the strength in thousandths of a half width.
with_band AS (
    SELECT *, greatest(median - width, least(median, 0L)) AS low, median + width AS high,
           CAST(abs(value - median) AS DECIMAL(20, 0)) * 1000 DIV width AS strength
    FROM with_width
),
-- The figures in dollars and seconds.
figures AS (
    SELECT run_id, snapshot_id, booked_at, measure, strength, value < low OR value > high AS out_of_band, runs_before,
           CAST(value AS DECIMAL(20, 0)) / unit AS value, CAST(median AS DECIMAL(20, 0)) / unit AS median,
           CAST(low AS DECIMAL(20, 0)) / unit AS low, CAST(high AS DECIMAL(20, 0)) / unit AS high
    FROM (SELECT *, CASE measure WHEN 'cost' THEN 1000000000L ELSE 1000L END AS unit FROM with_band)
),
-- With a sentence for each measure; trailing zeros are trimmed.
with_words AS (
    SELECT *,
           format_string('%s %s against a median of %s (band %s to %s) of %d runs before', measure,
                         trim(TRAILING '.' FROM trim(TRAILING '0' FROM CAST(value AS STRING)))
                             || CASE measure WHEN 'cost' THEN ' USD' ELSE ' s' END,
                         trim(TRAILING '.' FROM trim(TRAILING '0' FROM CAST(median AS STRING))),
                         trim(TRAILING '.' FROM trim(TRAILING '0' FROM CAST(low AS STRING))),
                         trim(TRAILING '.' FROM trim(TRAILING '0' FROM CAST(high AS STRING))),
                         runs_before) AS words
    FROM figures
),
-- One row per run, because cost and duration often deviate together.
by_run AS (
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
    FROM with_words
    GROUP BY run_id, snapshot_id, booked_at
),
-- The earliest booking that counts as recent.
lower_bound AS (
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
FROM by_run AS p
CROSS JOIN lower_bound AS l
JOIN runs AS r ON r.run_id = p.run_id
WHERE p.strength IS NOT NULL AND p.booked_at >= l.since
ORDER BY p.strength DESC, p.booked_at DESC, p.snapshot_id
LIMIT coalesce(:limit, 10);
