-- Which status transitions do runs go through, how often, and how long do they take as observed?
--
-- :from   only runs booked at or after this instant; NULL: no limit
-- :until  only runs booked before this instant; NULL: no limit
--
-- Times run from the sync that first saw one status to the sync that first saw the next, so hourly syncs measure in
-- hours. The median is that of percentile_cont: the middle value, or the mean of the two middle values. Times are
-- truncated to milliseconds.
WITH
-- All states of the runs with more than one, with the previous status.
states AS (
    SELECT run_id, observed_at, status,
           lag(status) OVER w AS status_before,
           row_number() OVER w AS state
    FROM run_snapshots
    WHERE run_id IN (SELECT run_id FROM run_snapshots WHERE superseded_at IS NOT NULL)
    WINDOW w AS (PARTITION BY run_id ORDER BY observed_at)
),
-- The first observation of each status. States in which only other fields changed are skipped.
sightings AS (
    SELECT run_id, status AS to_status, observed_at,
           lag(status) OVER w AS from_status,
           lag(observed_at) OVER w AS before_at,
           row_number() OVER w AS state
    FROM states
    WHERE state = 1 OR NOT status <=> status_before
    WINDOW w AS (PARTITION BY run_id ORDER BY observed_at)
),
-- The transitions of the runs in the time range, with their time in microseconds.
steps AS (
    SELECT s.from_status, s.to_status, unix_micros(s.observed_at) - unix_micros(s.before_at) AS micros
    FROM sightings AS s
    JOIN runs AS r ON r.run_id = s.run_id
    WHERE s.state > 1
      AND (:from IS NULL OR r.booked_at >= CAST(:from AS TIMESTAMP))
      AND (:until IS NULL OR r.booked_at < CAST(:until AS TIMESTAMP))
),
-- Their totals in whole milliseconds.
totals AS (
    SELECT from_status, to_status, count(*) AS steps,
           CAST(floor(percentile(micros, 0.5) / 1000) AS DECIMAL(20, 0)) AS median_millis,
           CAST(sum(micros) DIV count(*) DIV 1000 AS DECIMAL(20, 0)) AS mean_millis,
           CAST(max(micros) DIV 1000 AS DECIMAL(20, 0)) AS max_millis
    FROM steps
    GROUP BY from_status, to_status
)
SELECT from_status,
       to_status,
       steps,
       CAST(median_millis / 1000 AS DECIMAL(20, 3)) AS median_seconds,
       CAST(mean_millis / 1000 AS DECIMAL(20, 3)) AS mean_seconds,
       CAST(max_millis / 1000 AS DECIMAL(20, 3)) AS max_seconds
FROM totals
ORDER BY from_status NULLS LAST, to_status NULLS LAST;
