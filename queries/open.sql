-- Which runs have not ended, and which take longer than their pipeline usually does? Longest in proportion first.
--
-- :from    only runs booked at or after this instant, such as '2026-01-01T00:00:00.000000Z'; unset: no limit
-- :until   only runs booked before this instant; unset: no limit
-- :as_of   the ages are those at the end of the last complete sync until this instant, else at the latest observation;
--          unset: of all
-- :factor  a run is too long if its age is more than this many times its pipeline's 95th percentile; unset: 2
--
-- A run has not ended if it has no end, no final status, and has not vanished from the API. The age of a run is the
-- time since its start, and is compared with durations. The age of a run that has not started is the time since its
-- creation, and is compared with the times from creation to end. Both are those of the pipeline's successful runs:
-- all that are booked in the 90 days before the moment, and at least the newest 20. Fewer than 5 are not compared.
-- Nothing is too long before 10 minutes, and percentiles below a second count as one. Percentiles are those of
-- percentile_cont.
WITH
-- The moment, the start of the 90 days before it, and the factor in thousandths.
moments AS MATERIALIZED (
    SELECT at, strftime('%Y-%m-%dT%H:%M:%S', substr(at, 1, 19), '-90 days') AS recent_from,
           CAST(round(coalesce(CAST(:factor AS REAL), 2) * 1000) AS INTEGER) AS thousandths
    FROM (SELECT coalesce(
                     (SELECT coalesce(clock_ended_at, ended_at) FROM syncs
                      WHERE walk_complete = 1 AND outcome IN ('complete', 'partial') AND (:as_of IS NULL OR ended_at <= :as_of)
                      ORDER BY sync_id DESC LIMIT 1),
                     (SELECT max(iif(:as_of IS NULL, last_observed_at, min(last_observed_at, :as_of))) FROM syncs
                      WHERE :as_of IS NULL OR started_at <= :as_of)) AS at)
),
-- The runs that have not ended, with their age in seconds. A run that begins after the moment has the age zero.
open_runs AS MATERIALIZED (
    SELECT run_id, pipeline_name, pipeline_id, pipeline_kind, status, trigger_type, created_at, started_at,
           started_at IS NOT NULL AS has_started,
           max(unixepoch(substr((SELECT at FROM moments), 1, 19))
                   - unixepoch(substr(coalesce(started_at, created_at), 1, 19)), 0) AS age
    FROM runs
    WHERE (status IS NULL OR (status <> 'success' AND status <> 'failed' AND status <> 'canceled')) AND ended_at IS NULL
      AND run_id NOT IN (SELECT run_id FROM vanished_runs)
      AND (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)
),
-- The successful runs of their pipelines, the newest first.
successes AS (
    SELECT r.pipeline_kind, r.pipeline_id, r.booked_at, r.duration_seconds,
           unixepoch(substr(r.ended_at, 1, 19)) - unixepoch(substr(r.created_at, 1, 19)) AS total_seconds,
           row_number() OVER (PARTITION BY r.pipeline_kind, r.pipeline_id
                              ORDER BY r.booked_at DESC, r.snapshot_id DESC) AS place
    FROM (SELECT DISTINCT pipeline_kind, pipeline_id FROM open_runs WHERE pipeline_id IS NOT NULL) AS o
    JOIN (SELECT pipeline_kind, pipeline_id, booked_at, snapshot_id, duration_seconds, created_at, ended_at
          FROM runs
          WHERE status = 'success' AND duration_seconds >= 0 AND booked_at IS NOT NULL) AS r
      ON r.pipeline_kind = o.pipeline_kind AND r.pipeline_id = o.pipeline_id
),
-- The times to compare with: of runs that have started, and of those that have not.
times AS (
    SELECT 1 AS has_started, pipeline_kind, pipeline_id, duration_seconds AS value
    FROM successes
    WHERE place <= 20 OR booked_at >= (SELECT recent_from FROM moments)
    UNION ALL
    SELECT 0, pipeline_kind, pipeline_id, total_seconds
    FROM successes
    WHERE (place <= 20 OR booked_at >= (SELECT recent_from FROM moments)) AND total_seconds >= 0
),
-- With their places from 0 in the order of size, and the last place.
sorted_times AS (
    SELECT has_started, pipeline_kind, pipeline_id, value,
           row_number() OVER (PARTITION BY has_started, pipeline_kind, pipeline_id ORDER BY value) - 1 AS place,
           count(*) OVER (PARTITION BY has_started, pipeline_kind, pipeline_id) - 1 AS last
    FROM times
),
-- Their percentiles in hundredths of a second: two neighbors, weighted in hundredths by their proximity.
usual_times AS MATERIALIZED (
    SELECT has_started, pipeline_kind, pipeline_id, count(*) AS runs,
           sum(value * CASE place WHEN last * 50 / 100 THEN 100 - last * 50 % 100
                                  WHEN last * 50 / 100 + 1 THEN last * 50 % 100 END) AS p50,
           sum(value * CASE place WHEN last * 95 / 100 THEN 100 - last * 95 % 100
                                  WHEN last * 95 / 100 + 1 THEN last * 95 % 100 END) AS p95,
           sum(value * CASE place WHEN last * 99 / 100 THEN 100 - last * 99 % 100
                                  WHEN last * 99 / 100 + 1 THEN last * 99 % 100 END) AS p99
    FROM sorted_times
    GROUP BY has_started, pipeline_kind, pipeline_id
    HAVING count(*) >= 5
),
-- Each run with what is usual. The multiple is a fraction.
compared_runs AS (
    SELECT o.*, u.runs, u.p50, u.p95, u.p99, o.age * 100 AS dividend, max(u.p95, 100) AS divisor,
           coalesce(o.age >= 600
                    AND o.age * 100 * 1000 > (SELECT thousandths FROM moments) * max(u.p95, 100), 0) AS is_too_long
    FROM open_runs AS o
    LEFT JOIN usual_times AS u
      ON u.has_started = o.has_started AND u.pipeline_kind = o.pipeline_kind AND u.pipeline_id = o.pipeline_id
),
-- With the multiple in millionths, rounded half to even.
with_factor AS (
    SELECT *,
           dividend * 1000000 / divisor
               + (2 * (dividend * 1000000 % divisor) > divisor
                  OR (2 * (dividend * 1000000 % divisor) = divisor AND dividend * 1000000 / divisor % 2 <> 0)) AS factor
    FROM compared_runs
)
SELECT pipeline_name,
       pipeline_id,
       pipeline_kind,
       run_id,
       CASE WHEN is_too_long THEN 'too long'
            WHEN NOT has_started THEN 'queued'
            WHEN divisor IS NULL OR age IS NULL THEN 'unknown'
            ELSE 'ok' END AS state,
       status,
       trigger_type,
       created_at,
       started_at,
       iif(age IS NULL, NULL, printf('%d.000', age)) AS age_seconds,
       iif(p50 IS NULL, NULL, printf('%d.%03d', p50 / 100, p50 % 100 * 10)) AS p50_seconds,
       iif(p95 IS NULL, NULL, printf('%d.%03d', p95 / 100, p95 % 100 * 10)) AS p95_seconds,
       iif(p99 IS NULL, NULL, printf('%d.%03d', p99 / 100, p99 % 100 * 10)) AS p99_seconds,
       iif(factor IS NULL, NULL, printf('%d.%06d000', factor / 1000000, factor % 1000000)) AS p95_factor,
       runs AS runs_before
FROM with_factor
ORDER BY is_too_long DESC, factor DESC NULLS LAST, age DESC NULLS LAST, run_id;
