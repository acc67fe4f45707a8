-- From which status to which do runs go, how often, and how long does it take as far as was seen?
--
-- :from   only runs booked at or after this instant, as stored: '2026-01-01T00:00:00.000000Z'; not set: no limit
-- :until  only runs booked before this instant; not set: no limit
--
-- Time counts from the sync that first saw one status to the sync that first saw the next: a sync
-- every hour sees hours. The median is percentile_cont's: the middle, or halfway between the middle two.
-- Times are cut to the millisecond.
WITH
-- Every state of each run that has more than one, beside the status before it.
states AS (
    SELECT run_id, observed_at, status,
           lag(status) OVER w AS status_before,
           row_number() OVER w AS state
    FROM run_snapshots
    WHERE run_id IN (SELECT run_id FROM run_snapshots WHERE superseded_at IS NOT NULL)
    WINDOW w AS (PARTITION BY run_id ORDER BY observed_at)
),
-- The first sight of each status: states that changed something else are left out.
sights AS (
    SELECT run_id, observed_at, status
    FROM states
    WHERE state = 1 OR status IS NOT status_before
),
-- Each step from one status to the next, with its time to the microsecond.
steps AS (
    SELECT run_id, state, from_status, to_status,
           -- Whole seconds and microseconds apart: strftime rounds to the millisecond, across the second too.
           (strftime('%s', substr(observed_at, 1, 19)) - strftime('%s', substr(before_at, 1, 19))) * 1000000
               + substr(observed_at, 21, 6) - substr(before_at, 21, 6) AS micros
    FROM (
        SELECT run_id, status AS to_status, observed_at,
               lag(status) OVER w AS from_status,
               lag(observed_at) OVER w AS before_at,
               row_number() OVER w AS state
        FROM sights
        WINDOW w AS (PARTITION BY run_id ORDER BY observed_at)
    )
    WHERE state > 1
),
-- The steps of the runs asked for.
booked AS (
    SELECT s.*
    FROM steps AS s
    JOIN runs AS r ON r.run_id = s.run_id
    WHERE (:from IS NULL OR r.booked_at >= :from) AND (:until IS NULL OR r.booked_at < :until)
),
-- The steps of each kind in order of their time, counted from 0, with the place of the last.
ranked AS (
    SELECT from_status, to_status, micros,
           row_number() OVER (PARTITION BY from_status, to_status ORDER BY micros) - 1 AS place,
           count(*) OVER (PARTITION BY from_status, to_status) - 1 AS last
    FROM booked
),
-- Their figures: twice the median, the sum and the longest, in microseconds.
summed AS (
    SELECT from_status, to_status, count(*) AS steps, sum(micros) AS micros, max(micros) AS max_micros,
           sum(micros * ((place = last / 2) + (place = (last + 1) / 2))) AS twice_median_micros
    FROM ranked
    GROUP BY from_status, to_status
)
SELECT from_status,
       to_status,
       steps,
       printf('%d.%03d', twice_median_micros / 2000000, twice_median_micros / 2000 % 1000) AS median_seconds,
       printf('%d.%03d', micros / steps / 1000000, micros / steps / 1000 % 1000) AS mean_seconds,
       printf('%d.%03d', max_micros / 1000000, max_micros / 1000 % 1000) AS max_seconds
FROM summed
ORDER BY from_status IS NULL, from_status, to_status IS NULL, to_status;
