-- Which pipelines' latest runs cost or lasted other than their own runs before? Strongest first.
--
-- :from   only latest runs booked at or after this instant, as stored: '2026-01-01T00:00:00.000000Z'; not set: those of
--         the last 30 days before the newest run
-- :until  only runs booked before this instant; not set: no limit
-- :limit  at most so many runs; not set: 10
--
-- Only successful runs are looked at, and of each pipeline the latest whose cost (or duration) is known. Its band is
-- the median of up to 30 such runs before it, at least 10, and to both sides the widest of: 5 times their median
-- absolute deviation, a fifth of the median, and 0.01 USD or 60 seconds. So what spreads widely, moves by little, or
-- is cheap and short anyway stays quiet. Strength is the distance from the median in half widths of the band.
WITH
-- The successes of each pipeline, newest first, with how many known costs and durations there are down to each.
ranked AS (
    SELECT snapshot_id, pipeline_kind, pipeline_id, booked_at, total_cost_nanos, duration_seconds,
           count(total_cost_nanos) OVER w AS cost_place,
           count(duration_seconds) OVER w AS duration_place
    FROM runs
    WHERE status = 'success' AND pipeline_id IS NOT NULL AND booked_at IS NOT NULL
      AND (:until IS NULL OR booked_at < :until)
    WINDOW w AS (PARTITION BY pipeline_kind, pipeline_id ORDER BY booked_at DESC, snapshot_id DESC
                 ROWS UNBOUNDED PRECEDING)
),
-- The latest value of each pipeline, and the 30 before it.
recent AS MATERIALIZED (
    SELECT * FROM ranked WHERE cost_place <= 31 OR duration_place <= 31
),
-- Both measures alike as whole numbers: nano-dollars and milliseconds. The latest has place 1.
valued AS MATERIALIZED (
    SELECT 'cost' AS measure, pipeline_kind, pipeline_id, snapshot_id, booked_at, cost_place AS place,
           total_cost_nanos AS value, 10000000 AS least_width
    FROM recent
    WHERE total_cost_nanos IS NOT NULL AND cost_place <= 31
    UNION ALL
    SELECT 'duration', pipeline_kind, pipeline_id, snapshot_id, booked_at, duration_place,
           duration_seconds * 1000, 60000
    FROM recent
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
           sum(value * ((place = last / 2) + (place = (last + 1) / 2))) AS twice
    FROM sorted
    GROUP BY measure, pipeline_kind, pipeline_id
    HAVING count(*) >= 10
),
-- The median, halves to the even one.
medians AS MATERIALIZED (
    SELECT measure, pipeline_kind, pipeline_id, runs_before,
           twice / 2 + (twice % 4 = 3) - (twice % 4 = -3) AS median
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
           sum(deviation * ((place = (runs_before - 1) / 2) + (place = runs_before / 2))) AS twice_mad
    FROM deviations
    GROUP BY measure, pipeline_kind, pipeline_id, runs_before, median
),
-- The latest values, each with the half width of its band.
judged AS (
    SELECT v.*, s.runs_before, s.median,
           max(5 * s.twice_mad / 2, abs(s.median) / 5, v.least_width) AS width
    FROM valued AS v
    JOIN spreads AS s ON s.measure = v.measure AND s.pipeline_kind = v.pipeline_kind AND s.pipeline_id = v.pipeline_id
    WHERE v.place = 1
),
-- Their bands, which do not reach below nothing, and how many thousandths of the half width the value is away.
banded AS (
    SELECT *, max(median - width, min(median, 0)) AS low, median + width AS high,
           abs(value - median) * 1000 / width AS strength
    FROM judged
),
-- What is printed of it.
printed AS (
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
    FROM banded
),
-- The same in words, without the zeros at the end.
told AS (
    SELECT *,
           printf('%s %s against a median of %s (band %s to %s) of %d runs before', measure,
                  rtrim(rtrim(value, '0'), '.') || iif(measure = 'cost', ' USD', ' s'),
                  rtrim(rtrim(median, '0'), '.'), rtrim(rtrim(low, '0'), '.'), rtrim(rtrim(high, '0'), '.'),
                  runs_before) AS words
    FROM printed
),
-- One row a run: cost and duration often go together.
paired AS (
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
    FROM told
    GROUP BY snapshot_id, booked_at
),
-- The strongest of those that left a band lately.
strongest AS MATERIALIZED (
    SELECT *
    FROM paired
    WHERE strength IS NOT NULL
      AND booked_at >= coalesce(:from, (SELECT strftime('%Y-%m-%dT%H:%M:%S', max(booked_at), '-30 days') FROM runs
                                        WHERE :until IS NULL OR booked_at < :until))
    ORDER BY strength DESC, booked_at DESC, snapshot_id
    LIMIT coalesce(:limit, 10)
),
-- What they are called. They are put in order below, so that each is looked up by its number in the past too.
named AS MATERIALIZED (
    SELECT s.*, r.pipeline_name, r.pipeline_id, r.pipeline_kind, r.run_id
    FROM strongest AS s
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
FROM named
ORDER BY strength DESC, booked_at DESC, snapshot_id;
