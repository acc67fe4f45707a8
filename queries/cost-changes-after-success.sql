-- Which runs changed their cost after they were first seen as successful? Latest change first.
--
-- :from   only runs booked at or after this instant, such as '2026-01-01T00:00:00.000000Z'; unset: no limit
-- :until  only runs booked before this instant; unset: no limit
--
-- A cost that was unknown at success and arrived later counts as a change; its difference is unknown.
WITH
-- All states of the runs with more than one, with their cost: the sum of the known parts.
states AS (
    SELECT run_id, observed_at, status,
           CASE WHEN el_cost_nanos IS NOT NULL OR transformation_cost_nanos IS NOT NULL
                THEN coalesce(el_cost_nanos, 0) + coalesce(transformation_cost_nanos, 0)
           END AS nanos
    FROM run_snapshots
    WHERE run_id IN (SELECT run_id FROM run_snapshots WHERE superseded_at IS NOT NULL)
),
-- The instant at which each run was first seen as successful.
first_successes AS (
    SELECT run_id, min(observed_at) AS succeeded_at
    FROM states
    WHERE status = 'success'
    GROUP BY run_id
),
-- The states since then, with the previous cost and the cost at success.
states_since AS (
    SELECT s.run_id, s.observed_at, s.nanos, u.succeeded_at,
           lag(s.nanos) OVER w AS nanos_before,
           first_value(s.nanos) OVER w AS nanos_at_success
    FROM states AS s
    JOIN first_successes AS u ON u.run_id = s.run_id AND s.observed_at >= u.succeeded_at
    WINDOW w AS (PARTITION BY s.run_id ORDER BY s.observed_at)
),
-- The runs whose cost changed, with the number of changes and the latest one.
changed_runs AS (
    SELECT run_id, succeeded_at, nanos_at_success, count(*) AS changes, max(observed_at) AS changed_at
    FROM states_since
    WHERE observed_at > succeeded_at AND nanos IS NOT nanos_before
    GROUP BY run_id, succeeded_at, nanos_at_success
),
-- With the current cost.
details AS (
    SELECT c.*, r.pipeline_name, r.pipeline_id, r.pipeline_kind, r.total_cost_nanos AS nanos_now,
           r.total_cost_nanos - c.nanos_at_success AS difference
    FROM changed_runs AS c
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
FROM details
ORDER BY changed_at DESC, run_id;
