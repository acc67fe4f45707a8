-- Which pipelines' latest runs deviate in cost or duration from their earlier runs? Strongest first.
--
-- :from   only latest runs booked at or after this instant, such as '2026-01-01T00:00:00.000000Z'; unset: the 30 days
--         before the newest run
-- :until  only runs booked before this instant; unset: no limit
-- :limit  maximum number of runs; unset: 10
--
-- Considers successful runs only. For each pipeline, compares the latest known cost (or duration) with a control band
-- around the median of the 10 to 30 known values before it. The half width of the band is the largest of: 5 times the
-- median absolute deviation, a fifth of the median, and 0.01 USD or 60 seconds. The three terms suppress noisy
-- pipelines, small changes, and runs that are cheap and short anyway. Strength is the distance from the median,
-- measured in half widths.
WITH
-- Successful runs of each pipeline, newest first, with running counts of known costs and durations.
successes AS (
    SELECT snapshot_id, pipeline_kind, pipeline_id, booked_at, total_cost_nanos, duration_seconds,
           count(total_cost_nanos) OVER w AS cost_place,
           count(duration_seconds) OVER w AS duration_place
    FROM runs
    WHERE status = 'success' AND pipeline_id IS NOT NULL AND booked_at IS NOT NULL
      AND (:until IS NULL OR booked_at < :until)
    WINDOW w AS (PARTITION BY pipeline_kind, pipeline_id ORDER BY booked_at DESC, snapshot_id DESC
                 ROWS UNBOUNDED PRECEDING)
),
-- The latest value of each pipeline and the 30 before it.
recent_successes AS MATERIALIZED (
    SELECT * FROM successes WHERE cost_place <= 31 OR duration_place <= 31
),
-- Both measures as integers: nano-dollars and milliseconds. The latest value has place 1.
measurements AS MATERIALIZED (
    SELECT 'cost' AS measure, pipeline_kind, pipeline_id, snapshot_id, booked_at, cost_place AS place,
           total_cost_nanos AS value, 10000000 AS least_width
    FROM recent_successes
    WHERE total_cost_nanos IS NOT NULL AND cost_place <= 31
    UNION ALL
    SELECT 'duration', pipeline_kind, pipeline_id, snapshot_id, booked_at, duration_place,
           duration_seconds * 1000, 60000
    FROM recent_successes
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
           sum(value * ((place = last / 2) + (place = (last + 1) / 2))) AS twice
    FROM baseline
    GROUP BY measure, pipeline_kind, pipeline_id
    HAVING count(*) >= 10
),
-- The median, rounded half to even.
medians AS MATERIALIZED (
    SELECT measure, pipeline_kind, pipeline_id, runs_before,
           twice / 2 + (twice % 4 = 3) - (twice % 4 = -3) AS median
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
           sum(deviation * ((place = (runs_before - 1) / 2) + (place = runs_before / 2))) AS twice_mad
    FROM deviations
    GROUP BY measure, pipeline_kind, pipeline_id, runs_before, median
),
-- The latest values with the half width of their band.
with_width AS (
    SELECT v.*, s.runs_before, s.median,
           max(5 * s.twice_mad / 2, abs(s.median) / 5, v.least_width) AS width
    FROM measurements AS v
    JOIN spreads AS s ON s.measure = v.measure AND s.pipeline_kind = v.pipeline_kind AND s.pipeline_id = v.pipeline_id
    WHERE v.place = 1
),
-- With the bounds of the band, not below zero or a negative median, and the strength in thousandths of a half width.
with_band AS (
    SELECT *, max(median - width, min(median, 0)) AS low, median + width AS high,
           abs(value - median) * 1000 / width AS strength
    FROM with_width
),
-- The figures formatted as text.
figures AS (
    SELECT snapshot_id, booked_at, measure, strength, value < low OR value > high AS out_of_band, runs_before,
           CASE measure WHEN 'cost'
                THEN printf('%s%d.%09d', iif(value < 0, '-', ''), abs(value) / 1000000000, abs(value) % 1000000000)
                ELSE printf('%s%d.%03d', iif(value < 0, '-', ''), abs(value) / 1000, abs(value) % 1000)
           END AS value,
           CASE measure WHEN 'cost'
                THEN printf('%s%d.%09d', iif(median < 0, '-', ''), abs(median) / 1000000000, abs(median) % 1000000000)
                ELSE printf('%s%d.%03d', iif(median < 0, '-', ''), abs(median) / 1000, abs(median) % 1000)
           END AS median,
           CASE measure WHEN 'cost'
                THEN printf('%s%d.%09d', iif(low < 0, '-', ''), abs(low) / 1000000000, abs(low) % 1000000000)
                ELSE printf('%s%d.%03d', iif(low < 0, '-', ''), abs(low) / 1000, abs(low) % 1000)
           END AS low,
           CASE measure WHEN 'cost'
                THEN printf('%s%d.%09d', iif(high < 0, '-', ''), abs(high) / 1000000000, abs(high) % 1000000000)
                ELSE printf('%s%d.%03d', iif(high < 0, '-', ''), abs(high) / 1000, abs(high) % 1000)
           END AS high
    FROM with_band
),
-- With a sentence for each measure; trailing zeros are trimmed.
with_words AS (
    SELECT *,
           printf('%s %s against a median of %s (band %s to %s) of %d runs before', measure,
                  rtrim(rtrim(value, '0'), '.') || iif(measure = 'cost', ' USD', ' s'),
                  rtrim(rtrim(median, '0'), '.'), rtrim(rtrim(low, '0'), '.'), rtrim(rtrim(high, '0'), '.'),
                  runs_before) AS words
    FROM figures
),
-- One row per run, because cost and duration often deviate together.
by_run AS (
    SELECT snapshot_id, booked_at,
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
    GROUP BY snapshot_id, booked_at
),
-- The strongest recent deviations.
strongest_runs AS MATERIALIZED (
    SELECT *
    FROM by_run
    WHERE strength IS NOT NULL
      AND booked_at >= coalesce(:from, (SELECT strftime('%Y-%m-%dT%H:%M:%S', max(booked_at), '-30 days') FROM runs
                                        WHERE :until IS NULL OR booked_at < :until))
    ORDER BY strength DESC, booked_at DESC, snapshot_id
    LIMIT coalesce(:limit, 10)
),
-- With the names. Sorting happens below, so that each run is looked up by snapshot_id, also with --as-of.
details AS MATERIALIZED (
    SELECT s.*, r.pipeline_name, r.pipeline_id, r.pipeline_kind, r.run_id
    FROM strongest_runs AS s
    JOIN runs AS r ON r.snapshot_id = s.snapshot_id
)
SELECT pipeline_name,
       pipeline_id,
       pipeline_kind,
       run_id,
       booked_at,
       cost AS cost_usd,
       cost_median AS cost_median_usd,
       cost_low AS cost_low_usd,
       cost_high AS cost_high_usd,
       duration AS duration_seconds,
       duration_median AS duration_median_seconds,
       duration_low AS duration_low_seconds,
       duration_high AS duration_high_seconds,
       coalesce(cost_words || '; ' || duration_words, cost_words, duration_words) AS why
FROM details
ORDER BY strength DESC, booked_at DESC, snapshot_id;
