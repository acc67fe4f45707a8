-- Which runs changed their cost after they were first seen as successful? Latest change first.
--
-- :from   only runs booked at or after this instant; NULL: no limit
-- :until  only runs booked before this instant; NULL: no limit
--
-- A cost that was unknown at success and arrived later counts as a change; its difference is unknown.
WITH
-- All states of the runs with more than one, with their cost: the sum of the known parts.
states AS (
    SELECT run_id, observed_at, status,
           CASE WHEN el_cost_usd_exact IS NOT NULL OR transformation_cost_usd_exact IS NOT NULL
                THEN coalesce(el_cost_usd_exact, 0) + coalesce(transformation_cost_usd_exact, 0)
           END AS cost_usd
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
    SELECT s.run_id, s.observed_at, s.cost_usd, u.succeeded_at,
           lag(s.cost_usd) OVER w AS cost_before_usd,
           first_value(s.cost_usd) OVER w AS cost_at_success_usd
    FROM states AS s
    JOIN first_successes AS u ON u.run_id = s.run_id AND s.observed_at >= u.succeeded_at
    WINDOW w AS (PARTITION BY s.run_id ORDER BY s.observed_at)
),
-- The runs whose cost changed, with the number of changes and the latest one.
changed_runs AS (
    SELECT run_id, succeeded_at, cost_at_success_usd, count(*) AS changes, max(observed_at) AS changed_at
    FROM states_since
    WHERE observed_at > succeeded_at AND NOT cost_usd <=> cost_before_usd
    GROUP BY run_id, succeeded_at, cost_at_success_usd
)
SELECT c.run_id,
       r.pipeline_name,
       r.pipeline_id,
       r.pipeline_kind,
       c.succeeded_at,
       c.changed_at,
       c.changes,
       c.cost_at_success_usd,
       r.total_cost_usd_exact AS cost_now_usd,
       r.total_cost_usd_exact - c.cost_at_success_usd AS difference_usd
FROM changed_runs AS c
JOIN runs AS r ON r.run_id = c.run_id
WHERE (:from IS NULL OR r.booked_at >= CAST(:from AS TIMESTAMP))
      AND (:until IS NULL OR r.booked_at < CAST(:until AS TIMESTAMP))
ORDER BY c.changed_at DESC, c.run_id;
