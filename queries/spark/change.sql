-- Why did each pipeline's cost change from one period to another? Largest change first.
--
-- :from           only runs booked at or after this instant; NULL: the start of the month of the latest observation
-- :until          only runs booked before this instant; NULL: one month after :from
-- :against_from   start of the period to compare with; NULL: one month before :from
-- :against_until  end of that period; NULL: one month after :against_from. If the latest observation is before :until,
--                 it is as long after :against_from as that observation is after :from
--
-- The latest observation is that of the newest state of a run. Months are in the session's time zone. volume_usd is the
-- change of the number of runs, times the old cost per run, rounded half to even. price_usd is the remainder: the new
-- number of runs, times the change of the cost per run. Only runs with a known cost count. A pipeline with runs in one
-- period only is in new_usd or gone_usd. A pipeline with runs in both periods, but with a known cost in one of them
-- only, is in unknown_usd. The parts add up to change_usd, and change_usd to the difference of the totals of both
-- periods, to the nano-dollar.
WITH
-- The latest observation, and the start of the period.
starts AS (
    SELECT known_at, coalesce(CAST(:from AS TIMESTAMP), date_trunc('MONTH', known_at)) AS from_at
    FROM (SELECT max(observed_at) AS known_at FROM run_snapshots)
),
-- With the end of the period and the start of the other one.
outer_bounds AS (
    SELECT known_at, from_at,
           coalesce(CAST(:until AS TIMESTAMP), from_at + INTERVAL '1' MONTH) AS until_at,
           coalesce(CAST(:against_from AS TIMESTAMP), from_at - INTERVAL '1' MONTH) AS against_from_at
    FROM starts
),
-- The bounds of both periods.
bounds AS (
    SELECT from_at, until_at, against_from_at,
           coalesce(CAST(:against_until AS TIMESTAMP),
                    CASE WHEN known_at >= from_at AND known_at < until_at
                         THEN least(against_from_at + INTERVAL '1' MONTH, against_from_at + (known_at - from_at))
                         ELSE against_from_at + INTERVAL '1' MONTH END) AS against_until_at
    FROM outer_bounds
),
-- The runs of both periods.
compared_runs AS (
    SELECT pipeline_kind, pipeline_id, pipeline_name, true AS is_new,
           CAST(total_cost_usd_exact * 1000000000 AS BIGINT) AS nanos
    FROM runs
    JOIN bounds ON booked_at >= from_at AND booked_at < until_at
    UNION ALL
    SELECT pipeline_kind, pipeline_id, pipeline_name, false, CAST(total_cost_usd_exact * 1000000000 AS BIGINT)
    FROM runs
    JOIN bounds ON booked_at >= against_from_at AND booked_at < against_until_at
),
-- The totals of each pipeline in both periods. The sum of unknown costs only is NULL.
totals AS (
    SELECT pipeline_kind, pipeline_id, max(pipeline_name) AS pipeline_name,
           count_if(NOT is_new) AS old_runs,
           count_if(is_new) AS new_runs,
           count(nanos) FILTER (WHERE NOT is_new) AS old_known,
           count(nanos) FILTER (WHERE is_new) AS new_known,
           sum(nanos) FILTER (WHERE NOT is_new) AS old_nanos,
           sum(nanos) FILTER (WHERE is_new) AS new_nanos
    FROM compared_runs
    GROUP BY pipeline_kind, pipeline_id
),
-- With the volume of the whole nano-dollars of the old cost per run, and with its remainder, a fraction of old_known.
-- Without old or new costs, they are NULL.
with_remainder AS (
    SELECT *,
           CASE WHEN new_known > 0 AND old_known > 0
                THEN (new_known - old_known) * (old_nanos DIV old_known) END AS whole_nanos,
           CASE WHEN new_known > 0 AND old_known > 0
                THEN (new_known - old_known) * (old_nanos % old_known) END AS fraction
    FROM totals
),
-- With the remainder above the volume rounded down.
with_above AS (
    SELECT *, (fraction % nullif(old_known, 0) + old_known) % nullif(old_known, 0) AS above
    FROM with_remainder
),
-- With the volume rounded down.
with_floor AS (
    SELECT *, whole_nanos + (fraction - above) DIV nullif(old_known, 0) AS floor_nanos
    FROM with_above
),
-- The parts of each pipeline's change, in nano-dollars. NULL: the pipeline has no such part.
parts AS (
    SELECT *,
           CASE WHEN old_known + new_known > 0 THEN coalesce(new_nanos, 0) - coalesce(old_nanos, 0) END AS change_nanos,
           floor_nanos
               + CASE WHEN 2 * above > old_known OR (2 * above = old_known AND floor_nanos % 2 <> 0) THEN 1 ELSE 0 END
               AS volume_nanos,
           CASE WHEN old_runs = 0 THEN new_nanos END AS newcomer_nanos,
           CASE WHEN new_runs = 0 THEN -old_nanos END AS gone_nanos
    FROM with_floor
),
-- With the remaining parts.
details AS (
    SELECT *, change_nanos - volume_nanos AS price_nanos,
           CASE WHEN coalesce(volume_nanos, newcomer_nanos, gone_nanos) IS NULL THEN change_nanos END AS unknown_nanos
    FROM parts
)
SELECT pipeline_name,
       pipeline_id,
       pipeline_kind,
       CAST(CAST(change_nanos AS DECIMAL(20, 0)) / 1000000000L AS DECIMAL(20, 9)) AS change_usd,
       CAST(CAST(volume_nanos AS DECIMAL(20, 0)) / 1000000000L AS DECIMAL(20, 9)) AS volume_usd,
       CAST(CAST(price_nanos AS DECIMAL(20, 0)) / 1000000000L AS DECIMAL(20, 9)) AS price_usd,
       CAST(CAST(newcomer_nanos AS DECIMAL(20, 0)) / 1000000000L AS DECIMAL(20, 9)) AS new_usd,
       CAST(CAST(gone_nanos AS DECIMAL(20, 0)) / 1000000000L AS DECIMAL(20, 9)) AS gone_usd,
       CAST(CAST(unknown_nanos AS DECIMAL(20, 0)) / 1000000000L AS DECIMAL(20, 9)) AS unknown_usd,
       CAST(CAST(old_nanos AS DECIMAL(20, 0)) / 1000000000L AS DECIMAL(20, 9)) AS against_total_cost_usd,
       CAST(CAST(new_nanos AS DECIMAL(20, 0)) / 1000000000L AS DECIMAL(20, 9)) AS total_cost_usd,
       old_runs AS against_runs,
       new_runs AS runs,
       old_runs - old_known AS against_runs_cost_unknown,
       new_runs - new_known AS runs_cost_unknown
FROM details
ORDER BY abs(change_nanos) DESC NULLS LAST, pipeline_name NULLS LAST, pipeline_id NULLS LAST, pipeline_kind NULLS LAST;
