-- Which status transitions do runs go through, how often, and how long do they take as observed?
--
-- :from   only runs booked at or after this instant, such as '2026-01-01T00:00:00.000000Z'; unset: no limit
-- :until  only runs booked before this instant; unset: no limit
--
-- Times run from the sync that first saw one status to the sync that first saw the next, so hourly syncs measure in
-- hours. The median is that of percentile_cont: the middle value, or the mean of the two middle values. Times are
-- truncated to milliseconds.
WITH
-- The runs with more than one state, in the time range. Each is looked up once, because it can have many states.
changed_runs AS MATERIALIZED (
    SELECT run_id
    FROM runs
    WHERE run_id IN (SELECT run_id FROM run_snapshots WHERE superseded_at IS NOT NULL)
      AND (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)
),
-- All their states, with the previous status.
states AS (
    SELECT run_id, observed_at, status,
           lag(status) OVER w AS status_before,
           row_number() OVER w AS state
    FROM run_snapshots
    WHERE run_id IN (SELECT run_id FROM changed_runs)
    WINDOW w AS (PARTITION BY run_id ORDER BY observed_at)
),
-- The first observation of each status. States in which only other fields changed are skipped.
sightings AS (
    SELECT run_id, observed_at, status
    FROM states
    WHERE state = 1 OR status IS NOT status_before
),
-- The transitions, with their time in microseconds.
steps AS (
    SELECT from_status, to_status,
           -- Seconds and microseconds are subtracted separately: strftime rounds to milliseconds, which can carry.
           (strftime('%s', substr(observed_at, 1, 19)) - strftime('%s', substr(before_at, 1, 19))) * 1000000
               + substr(observed_at, 21, 6) - substr(before_at, 21, 6) AS micros
    FROM (
        SELECT run_id, status AS to_status, observed_at,
               lag(status) OVER w AS from_status,
               lag(observed_at) OVER w AS before_at,
               row_number() OVER w AS state
        FROM sightings
        WINDOW w AS (PARTITION BY run_id ORDER BY observed_at)
    )
    WHERE state > 1
),
-- The transitions of each kind, sorted by time and numbered from 0, with the last number.
sorted_transitions AS (
    SELECT from_status, to_status, micros,
           row_number() OVER (PARTITION BY from_status, to_status ORDER BY micros) - 1 AS place,
           count(*) OVER (PARTITION BY from_status, to_status) - 1 AS last
    FROM steps
),
-- Their totals: twice the median, the sum and the maximum, in microseconds.
totals AS (
    SELECT from_status, to_status, count(*) AS steps, sum(micros) AS micros, max(micros) AS max_micros,
           sum(micros * ((place = last / 2) + (place = (last + 1) / 2))) AS twice_median_micros
    FROM sorted_transitions
    GROUP BY from_status, to_status
)
SELECT from_status,
       to_status,
       steps,
       printf('%d.%03d', twice_median_micros / 2000000, twice_median_micros / 2000 % 1000) AS median_seconds,
       printf('%d.%03d', micros / steps / 1000000, micros / steps / 1000 % 1000) AS mean_seconds,
       printf('%d.%03d', max_micros / 1000000, max_micros / 1000 % 1000) AS max_seconds
FROM totals
ORDER BY from_status IS NULL, from_status, to_status IS NULL, to_status;
