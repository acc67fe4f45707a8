-- Why did each pipeline's cost change from one period to another? Largest change first.
--
-- :from           only runs booked at or after this instant, such as '2026-10-01T00:00:00.000000Z'; unset: the start of
--                 the month of the latest observation
-- :until          only runs booked before this instant; unset: one month after :from
-- :against_from   start of the period to compare with; unset: one month before :from
-- :against_until  end of that period; unset: one month after :against_from. If the latest observation is before :until,
--                 it is as long after :against_from as that observation is after :from
--
-- Months are in UTC. volume_usd is the change of the number of runs, times the old cost per run, rounded half to even.
-- price_usd is the remainder: the new number of runs, times the change of the cost per run. Only runs with a known cost
-- count. A pipeline with runs in one period only is in new_usd or gone_usd. A pipeline with runs in both periods, but
-- with a known cost in one of them only, is in unknown_usd. The parts add up to change_usd, and change_usd to the
-- difference of the totals of both periods, to the nano-dollar.
WITH
-- The latest observation, and the start of the period.
starts AS (
    SELECT known_at,
           coalesce(:from, substr(known_at, 1, 7) || '-01T00:00:00.000000Z') AS from_at
    FROM (SELECT max(last_observed_at) AS known_at FROM syncs)
),
-- With the end of the period and the start of the other one.
outer_bounds AS (
    SELECT known_at, from_at,
           coalesce(:until, strftime('%Y-%m-%dT%H:%M:%S', substr(from_at, 1, 19), '+1 month') || substr(from_at, 20))
               AS until_at,
           coalesce(:against_from,
                    strftime('%Y-%m-%dT%H:%M:%S', substr(from_at, 1, 19), '-1 month') || substr(from_at, 20))
               AS against_from_at
    FROM starts
),
-- With the whole length of the other period, and the instant up to which it is compared with a running one, in
-- microseconds since 1970.
with_cut AS (
    SELECT *,
           strftime('%Y-%m-%dT%H:%M:%S', substr(against_from_at, 1, 19), '+1 month') || substr(against_from_at, 20)
               AS against_end_at,
           (unixepoch(substr(against_from_at, 1, 19)) + unixepoch(substr(known_at, 1, 19))
               - unixepoch(substr(from_at, 1, 19))) * 1000000
               + CAST(substr(against_from_at, 21, 6) AS INTEGER) + CAST(substr(known_at, 21, 6) AS INTEGER)
               - CAST(substr(from_at, 21, 6) AS INTEGER) AS cut_micros
    FROM outer_bounds
),
-- The bounds of both periods.
bounds AS MATERIALIZED (
    SELECT from_at, until_at, against_from_at,
           coalesce(:against_until,
                    CASE WHEN known_at >= from_at AND known_at < until_at
                         THEN min(against_end_at,
                                  strftime('%Y-%m-%dT%H:%M:%S', cut_micros / 1000000, 'unixepoch')
                                      || printf('.%06dZ', cut_micros % 1000000))
                         ELSE against_end_at END) AS against_until_at
    FROM with_cut
),
-- The runs of both periods.
compared_runs AS (
    SELECT pipeline_kind, pipeline_id, 1 AS is_new, total_cost_nanos AS nanos
    FROM runs
    WHERE booked_at >= (SELECT from_at FROM bounds) AND booked_at < (SELECT until_at FROM bounds)
    UNION ALL
    SELECT pipeline_kind, pipeline_id, 0, total_cost_nanos
    FROM runs
    WHERE booked_at >= (SELECT against_from_at FROM bounds) AND booked_at < (SELECT against_until_at FROM bounds)
),
-- The totals of each pipeline in both periods. The sum of unknown costs only is NULL.
totals AS MATERIALIZED (
    SELECT pipeline_kind, pipeline_id,
           count(*) FILTER (WHERE NOT is_new) AS old_runs,
           count(*) FILTER (WHERE is_new) AS new_runs,
           count(nanos) FILTER (WHERE NOT is_new) AS old_known,
           count(nanos) FILTER (WHERE is_new) AS new_known,
           sum(nanos) FILTER (WHERE NOT is_new) AS old_nanos,
           sum(nanos) FILTER (WHERE is_new) AS new_nanos
    FROM compared_runs
    GROUP BY pipeline_kind, pipeline_id
),
-- With the volume of the whole nano-dollars of the old cost per run, and with its remainder, a fraction of old_known.
-- Both products stay within 64 bits. Without old or new costs, they are NULL.
with_remainder AS (
    SELECT *,
           iif(new_known > 0, new_known - old_known, NULL) * (old_nanos / old_known) AS whole_nanos,
           iif(new_known > 0, new_known - old_known, NULL) * (old_nanos % old_known) AS fraction
    FROM totals
),
-- With the volume rounded down, and the remainder above it.
with_floor AS (
    SELECT *,
           whole_nanos + (fraction - (fraction % old_known + old_known) % old_known) / old_known AS floor_nanos,
           (fraction % old_known + old_known) % old_known AS above
    FROM with_remainder
),
-- The parts of each pipeline's change, in nano-dollars. NULL: the pipeline has no such part.
parts AS (
    SELECT *,
           CASE WHEN old_known + new_known > 0 THEN coalesce(new_nanos, 0) - coalesce(old_nanos, 0) END AS change_nanos,
           floor_nanos + (2 * above > old_known OR (2 * above = old_known AND floor_nanos % 2 <> 0)) AS volume_nanos,
           iif(old_runs = 0, new_nanos, NULL) AS newcomer_nanos,
           iif(new_runs = 0, -old_nanos, NULL) AS gone_nanos
    FROM with_floor
),
-- With the name of each pipeline and the remaining parts.
details AS MATERIALIZED (
    SELECT coalesce(
               (SELECT p.name FROM pipelines AS p
                WHERE p.kind = t.pipeline_kind AND p.pipeline_id = t.pipeline_id),
               (SELECT p.name FROM pipelines AS p
                WHERE p.slug = t.pipeline_id AND +p.kind = t.pipeline_kind
                ORDER BY p.gone_at, p.pipeline_id LIMIT 1)
           ) AS pipeline_name,
           t.*,
           change_nanos - volume_nanos AS price_nanos,
           CASE WHEN coalesce(volume_nanos, newcomer_nanos, gone_nanos) IS NULL THEN change_nanos END AS unknown_nanos
    FROM parts AS t
)
SELECT pipeline_name,
       pipeline_id,
       pipeline_kind,
       CASE WHEN change_nanos IS NOT NULL
            THEN printf('%s%d.%09d', iif(change_nanos < 0, '-', ''), abs(change_nanos) / 1000000000,
                        abs(change_nanos) % 1000000000)
       END AS change_usd,
       CASE WHEN volume_nanos IS NOT NULL
            THEN printf('%s%d.%09d', iif(volume_nanos < 0, '-', ''), abs(volume_nanos) / 1000000000,
                        abs(volume_nanos) % 1000000000)
       END AS volume_usd,
       CASE WHEN price_nanos IS NOT NULL
            THEN printf('%s%d.%09d', iif(price_nanos < 0, '-', ''), abs(price_nanos) / 1000000000,
                        abs(price_nanos) % 1000000000)
       END AS price_usd,
       CASE WHEN newcomer_nanos IS NOT NULL
            THEN printf('%s%d.%09d', iif(newcomer_nanos < 0, '-', ''), abs(newcomer_nanos) / 1000000000,
                        abs(newcomer_nanos) % 1000000000)
       END AS new_usd,
       CASE WHEN gone_nanos IS NOT NULL
            THEN printf('%s%d.%09d', iif(gone_nanos < 0, '-', ''), abs(gone_nanos) / 1000000000,
                        abs(gone_nanos) % 1000000000)
       END AS gone_usd,
       CASE WHEN unknown_nanos IS NOT NULL
            THEN printf('%s%d.%09d', iif(unknown_nanos < 0, '-', ''), abs(unknown_nanos) / 1000000000,
                        abs(unknown_nanos) % 1000000000)
       END AS unknown_usd,
       CASE WHEN old_nanos IS NOT NULL
            THEN printf('%s%d.%09d', iif(old_nanos < 0, '-', ''), abs(old_nanos) / 1000000000,
                        abs(old_nanos) % 1000000000)
       END AS against_total_cost_usd,
       CASE WHEN new_nanos IS NOT NULL
            THEN printf('%s%d.%09d', iif(new_nanos < 0, '-', ''), abs(new_nanos) / 1000000000,
                        abs(new_nanos) % 1000000000)
       END AS total_cost_usd,
       old_runs AS against_runs,
       new_runs AS runs,
       old_runs - old_known AS against_runs_cost_unknown,
       new_runs - new_known AS runs_cost_unknown
FROM details
ORDER BY change_nanos IS NULL, abs(change_nanos) DESC, pipeline_name IS NULL, pipeline_name, pipeline_id IS NULL,
         pipeline_id, pipeline_kind IS NULL, pipeline_kind;
