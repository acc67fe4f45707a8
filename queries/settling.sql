-- How long after their end do runs still change their cost, and when is a month safe to close?
--
-- :from   only runs booked at or after this instant, such as '2026-01-01T00:00:00.000000Z'; unset: no limit
-- :until  only runs booked before this instant; unset: no limit
--
-- A change is a cost that was added, changed or removed after its run ended; the first observation of a run is not a
-- change. Times run from the end of the run to the sync that saw the change, so hourly syncs measure in hours.
-- Percentiles are those of percentile_cont. safe_after_days is the longest time in days from the booking of a run to a
-- change of its cost; it starts at the booking because a run can end in the next month. safe_close_on is that many days
-- after the end of the month (UTC) in which the newest run is booked. Both are NULL if no change was seen.
WITH
-- The number of runs with a final status in the time range, by kind.
final_runs AS (
    SELECT pipeline_kind, count(*) AS runs
    FROM runs
    WHERE status IN ('success', 'failed', 'canceled')
      AND (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)
    GROUP BY pipeline_kind
),
-- The first day after the month of the newest run.
newest_month AS MATERIALIZED (
    SELECT date(max(booked_at), 'start of month', '+1 month') AS month_end
    FROM runs
    WHERE (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)
),
-- The ids of the runs with more than one observed state.
changed_run_ids AS MATERIALIZED (
    SELECT DISTINCT run_id FROM run_snapshots WHERE coalesce(superseded_at, '') <> ''
),
-- Those in the time range. Each is looked up once, because it can have many states.
changed_runs AS MATERIALIZED (
    SELECT run_id, pipeline_kind, booked_at, created_at
    FROM runs
    WHERE run_id IN (SELECT run_id FROM changed_run_ids)
      AND (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)
),
-- All their states, with the previous costs.
states AS (
    SELECT run_id, observed_at, ended_at, el_cost_nanos, transformation_cost_nanos,
           lag(el_cost_nanos) OVER w AS el_before,
           lag(transformation_cost_nanos) OVER w AS transformation_before,
           row_number() OVER w AS state
    FROM run_snapshots
    WHERE run_id IN (SELECT run_id FROM changed_runs)
    WINDOW w AS (PARTITION BY run_id ORDER BY observed_at)
),
-- Their changes, with the time since the end, the booking and the creation of the run.
changes AS MATERIALIZED (
    SELECT r.pipeline_kind, s.run_id,
           -- Seconds and microseconds are subtracted separately: strftime rounds to milliseconds, which can carry.
           (strftime('%s', substr(s.observed_at, 1, 19)) - strftime('%s', substr(s.ended_at, 1, 19))) * 1000000
               + substr(s.observed_at, 21, 6) - substr(s.ended_at, 21, 6) AS micros,
           (strftime('%s', substr(s.observed_at, 1, 19)) - strftime('%s', substr(r.booked_at, 1, 19))) * 1000000
               + substr(s.observed_at, 21, 6) - substr(r.booked_at, 21, 6) AS micros_booked,
           (strftime('%s', substr(s.observed_at, 1, 19)) - strftime('%s', substr(r.created_at, 1, 19))) * 1000000
               + substr(s.observed_at, 21, 6) - substr(r.created_at, 21, 6) AS micros_created,
           s.el_before IS NULL AND s.transformation_before IS NULL AS is_arrival
    FROM states AS s
    JOIN changed_runs AS r ON r.run_id = s.run_id
    WHERE s.state > 1 AND s.observed_at > s.ended_at
      AND (s.el_cost_nanos IS NOT s.el_before OR s.transformation_cost_nanos IS NOT s.transformation_before)
),
-- The kinds, and a row for all of them.
kinds (place, kind, runs) AS (
    SELECT 1, pipeline_kind, runs FROM final_runs
    UNION ALL
    SELECT 2, 'all kinds', sum(runs) FROM final_runs HAVING count(*) > 0
),
-- The changes of each kind, sorted by time and numbered from 0, with the last number. A change is too late if only a
-- full sync finds it: the default lookback of sync is 7 days, but sync also fetches each run without a known cost by id
-- until 30 days after its end.
kind_changes AS (
    SELECT k.place AS kind_place, k.kind, c.*,
           row_number() OVER (PARTITION BY k.place, k.kind ORDER BY c.micros) - 1 AS place,
           count(*) OVER (PARTITION BY k.place, k.kind) - 1 AS last,
           c.micros_created > 7 * 86400000000 AND (NOT c.is_arrival OR c.micros > 30 * 86400000000) AS too_late
    FROM kinds AS k
    JOIN changes AS c ON k.place = 2 OR c.pipeline_kind IS k.kind
),
-- Their figures. Percentiles are in hundredths of a microsecond: two neighbors, weighted by their proximity.
totals AS (
    SELECT kind_place, kind,
           count(DISTINCT run_id) AS runs_changed,
           count(*) AS changes,
           sum(micros * CASE place WHEN last * 50 / 100 THEN 100 - last * 50 % 100
                                   WHEN last * 50 / 100 + 1 THEN last * 50 % 100 END) AS p50,
           sum(micros * CASE place WHEN last * 95 / 100 THEN 100 - last * 95 % 100
                                   WHEN last * 95 / 100 + 1 THEN last * 95 % 100 END) AS p95,
           max(micros) * 100 AS longest,
           (max(micros_booked) + 86399999999) / 86400000000 AS safe_after_days,
           count(*) FILTER (WHERE too_late) AS too_late,
           (max(micros_created) FILTER (WHERE too_late) + 86399999999) / 86400000000 AS latest_days
    FROM kind_changes
    GROUP BY kind_place, kind
),
-- With the times in milliseconds, rounded half to even.
with_millis AS (
    SELECT *,
           p50 / 100000 + (p50 % 100000 > 50000 OR (p50 % 100000 = 50000 AND p50 / 100000 % 2 <> 0)) AS p50_millis,
           p95 / 100000 + (p95 % 100000 > 50000 OR (p95 % 100000 = 50000 AND p95 / 100000 % 2 <> 0)) AS p95_millis,
           longest / 100000
               + (longest % 100000 > 50000 OR (longest % 100000 = 50000 AND longest / 100000 % 2 <> 0)) AS max_millis
    FROM totals
)
SELECT k.kind AS pipeline_kind,
       k.runs,
       coalesce(r.runs_changed, 0) AS runs_changed,
       coalesce(r.changes, 0) AS changes,
       CASE WHEN r.changes > 0 THEN printf('%d.%03d', r.p50_millis / 1000, r.p50_millis % 1000) END AS p50_seconds,
       CASE WHEN r.changes > 0 THEN printf('%d.%03d', r.p95_millis / 1000, r.p95_millis % 1000) END AS p95_seconds,
       CASE WHEN r.changes > 0 THEN printf('%d.%03d', r.max_millis / 1000, r.max_millis % 1000) END AS max_seconds,
       r.safe_after_days,
       CASE WHEN r.changes > 0 THEN date(n.month_end, printf('+%d days', r.safe_after_days)) END AS safe_close_on,
       CASE WHEN r.changes IS NULL THEN 'no cost was seen to change yet'
            WHEN r.too_late = 0 THEN 'sync finds such changes with its default --lookback of 7d'
            ELSE printf('looking 7 days back is too short: %d of %d changes came later, up to %d days after the run was created, '
                        || 'and only a full sync finds them; sync --lookback %dd would', r.too_late, r.changes,
                        r.latest_days, r.latest_days)
       END AS lookback
FROM kinds AS k
LEFT JOIN with_millis AS r ON r.kind_place = k.place AND r.kind IS k.kind
CROSS JOIN newest_month AS n
ORDER BY k.place, k.kind IS NULL, k.kind;
