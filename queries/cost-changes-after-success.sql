-- Which runs changed their cost after they were first seen in success? Latest change first.
--
-- :from   only runs booked at or after this instant, as stored: '2026-01-01T00:00:00.000000Z'; not set: no limit
-- :until  only runs booked before this instant; not set: no limit
--
-- A cost that was unknown at success and filled in later is such a change; its difference is unknown.
WITH
-- Every state of each run that has more than one, with its cost: the sum of the parts that are known.
states AS (
    SELECT run_id, observed_at, status,
           CASE WHEN el_cost_nanos IS NOT NULL OR transformation_cost_nanos IS NOT NULL
                THEN coalesce(el_cost_nanos, 0) + coalesce(transformation_cost_nanos, 0)
           END AS nanos
    FROM run_snapshots
    WHERE run_id IN (SELECT run_id FROM run_snapshots WHERE superseded_at IS NOT NULL)
),
-- When each of them was first seen in success.
succeeded AS (
    SELECT run_id, min(observed_at) AS succeeded_at
    FROM states
    WHERE status = 'success'
    GROUP BY run_id
),
-- Its states since then, each beside the cost before it and the cost at success.
since AS (
    SELECT s.run_id, s.observed_at, s.nanos, u.succeeded_at,
           lag(s.nanos) OVER w AS nanos_before,
           first_value(s.nanos) OVER w AS nanos_at_success
    FROM states AS s
    JOIN succeeded AS u ON u.run_id = s.run_id AND s.observed_at >= u.succeeded_at
    WINDOW w AS (PARTITION BY s.run_id ORDER BY s.observed_at)
),
-- The runs whose cost moved, how often, and when that was last seen.
changed AS (
    SELECT run_id, succeeded_at, nanos_at_success, count(*) AS changes, max(observed_at) AS changed_at
    FROM since
    WHERE observed_at > succeeded_at AND nanos IS NOT nanos_before
    GROUP BY run_id, succeeded_at, nanos_at_success
),
-- The same runs with what they cost now.
compared AS (
    SELECT c.*, r.pipeline_name, r.pipeline_id, r.pipeline_kind, r.total_cost_nanos AS nanos_now,
           r.total_cost_nanos - c.nanos_at_success AS difference
    FROM changed AS c
    JOIN runs AS r ON r.run_id = c.run_id
    WHERE (:from IS NULL OR r.booked_at >= :from) AND (:until IS NULL OR r.booked_at < :until)
)
SELECT run_id,
       pipeline_name,
       pipeline_id,
       pipeline_kind,
       succeeded_at,
       changed_at,
       changes,
       CASE WHEN nanos_at_success IS NOT NULL
            THEN printf('%s%d.%09d', iif(nanos_at_success < 0, '-', ''), abs(nanos_at_success) / 1000000000,
                        abs(nanos_at_success) % 1000000000)
       END AS cost_at_success_usd,
       CASE WHEN nanos_now IS NOT NULL
            THEN printf('%s%d.%09d', iif(nanos_now < 0, '-', ''), abs(nanos_now) / 1000000000,
                        abs(nanos_now) % 1000000000)
       END AS cost_now_usd,
       CASE WHEN difference IS NOT NULL
            THEN printf('%s%d.%09d', iif(difference < 0, '-', ''), abs(difference) / 1000000000,
                        abs(difference) % 1000000000)
       END AS difference_usd
FROM compared
ORDER BY changed_at DESC, run_id;
