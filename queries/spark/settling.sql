-- How long after their end do runs still change their cost, and when is a month safe to close?
--
-- :from   only runs booked at or after this instant; NULL: no limit
-- :until  only runs booked before this instant; NULL: no limit
--
-- A change is a cost that was added, changed or removed after its run ended; the first observation of a run is not a
-- change. Times run from the end of the run to the sync that saw the change, so hourly syncs measure in hours.
-- Percentiles are computed as doubles. safe_after_days is the longest time in days from the booking of a run to a
-- change of its cost; it starts at the booking because a run can end in the next month. safe_close_on is that many days
-- after the end of the month (in the session's zone) that contains the newest run. Both are NULL if no change was seen.
WITH
-- The number of runs with a final status in the time range, by kind.
final_runs AS (
    SELECT pipeline_kind, count(*) AS runs
    FROM runs
    WHERE status IN ('success', 'failed', 'canceled')
      AND (:from IS NULL OR booked_at >= CAST(:from AS TIMESTAMP))
      AND (:until IS NULL OR booked_at < CAST(:until AS TIMESTAMP))
    GROUP BY pipeline_kind
),
-- The first day after the month of the newest run.
newest_month AS (
    SELECT add_months(trunc(max(booked_at), 'MM'), 1) AS month_end
    FROM runs
    WHERE (:from IS NULL OR booked_at >= CAST(:from AS TIMESTAMP))
      AND (:until IS NULL OR booked_at < CAST(:until AS TIMESTAMP))
),
-- All states of the runs with more than one, with the previous costs.
states AS (
    SELECT run_id, observed_at, ended_at, el_cost_usd_exact AS el, transformation_cost_usd_exact AS transformation,
           lag(el_cost_usd_exact) OVER w AS el_before,
           lag(transformation_cost_usd_exact) OVER w AS transformation_before,
           row_number() OVER w AS state
    FROM run_snapshots
    WHERE run_id IN (SELECT run_id FROM run_snapshots WHERE superseded_at IS NOT NULL)
    WINDOW w AS (PARTITION BY run_id ORDER BY observed_at)
),
-- The changes of the runs in the time range, with the time since the end, the booking and the creation of the run.
changes AS (
    SELECT r.pipeline_kind, s.run_id,
           unix_micros(s.observed_at) - unix_micros(s.ended_at) AS micros,
           unix_micros(s.observed_at) - unix_micros(r.booked_at) AS micros_booked,
           unix_micros(s.observed_at) - unix_micros(r.created_at) AS micros_created,
           s.el_before IS NULL AND s.transformation_before IS NULL AS is_arrival
    FROM states AS s
    JOIN runs AS r ON r.run_id = s.run_id
    WHERE s.state > 1 AND s.observed_at > s.ended_at
      AND (NOT s.el <=> s.el_before OR NOT s.transformation <=> s.transformation_before)
      AND (:from IS NULL OR r.booked_at >= CAST(:from AS TIMESTAMP))
      AND (:until IS NULL OR r.booked_at < CAST(:until AS TIMESTAMP))
),
-- The kinds, and a row for all of them.
kinds (place, kind, runs) AS (
    SELECT 1, pipeline_kind, runs FROM final_runs
    UNION ALL
    SELECT 2, 'all kinds', sum(runs) FROM final_runs HAVING count(*) > 0
),
-- The changes of each kind. A change is too late if only a full sync finds it: the default lookback of sync is 7 days,
-- but sync also fetches each run without a known cost by id until 30 days after its end.
kind_changes AS (
    SELECT k.place, k.kind, c.run_id, c.micros, c.micros_booked, c.micros_created,
           c.micros_created > 7 * 86400000000 AND (NOT c.is_arrival OR c.micros > 30 * 86400000000) AS too_late
    FROM kinds AS k
    JOIN changes AS c ON k.place = 2 OR c.pipeline_kind <=> k.kind
),
-- Their figures.
totals AS (
    SELECT place, kind,
           count(DISTINCT run_id) AS runs_changed,
           count(*) AS changes,
           percentile(micros, array(0.5, 0.95)) AS percentiles,
           CAST(max(micros) AS DECIMAL(20, 0)) AS longest,
           (max(micros_booked) + 86399999999) DIV 86400000000 AS safe_after_days,
           count_if(too_late) AS too_late,
           (max(micros_created) FILTER (WHERE too_late) + 86399999999) DIV 86400000000 AS latest_days
    FROM kind_changes
    GROUP BY place, kind
)
SELECT k.kind AS pipeline_kind,
       k.runs,
       coalesce(s.runs_changed, 0) AS runs_changed,
       coalesce(s.changes, 0) AS changes,
       CAST(s.percentiles[0] / 1000000 AS DECIMAL(20, 3)) AS p50_seconds,
       CAST(s.percentiles[1] / 1000000 AS DECIMAL(20, 3)) AS p95_seconds,
       bround(s.longest / 1000000, 3) AS max_seconds,
       s.safe_after_days,
       date_add(n.month_end, CAST(s.safe_after_days AS INT)) AS safe_close_on,
       CASE WHEN s.changes IS NULL THEN 'no cost was seen to change yet'
            WHEN s.too_late = 0 THEN 'sync finds such changes with its default --lookback of 7d'
            ELSE format_string('looking 7 days back is too short: %d of %d changes came later, up to %d days after the run was created, and only a full sync finds them; sync --lookback %dd would',
                               s.too_late, s.changes, s.latest_days, s.latest_days)
       END AS lookback
FROM kinds AS k
LEFT JOIN totals AS s ON s.place = k.place AND s.kind <=> k.kind
CROSS JOIN newest_month AS n
ORDER BY k.place, k.kind NULLS LAST;
