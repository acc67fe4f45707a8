-- What did the runs of each month cost? Unknown costs are counted, not zero.
--
-- :from   only runs booked at or after this instant, such as '2026-01-01T00:00:00.000000Z'; unset: no limit
-- :until  only runs booked before this instant; unset: no limit
--
-- Months are in UTC. A run is booked when it started, or when it was created if it has not started. Sums are in whole
-- nano-dollars, so every digit is exact.
WITH
-- The current runs with their month and costs.
month_costs AS (
    SELECT substr(booked_at, 1, 7) AS month, el_cost_nanos, transformation_cost_nanos, total_cost_nanos,
           credit_charge_status
    FROM runs
    WHERE (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)
),
-- The totals of each month. The sum of unknown costs only is NULL.
totals AS (
    SELECT month,
           count(*) AS runs,
           count(total_cost_nanos) AS runs_cost_known,
           sum(el_cost_nanos) AS el_nanos,
           sum(transformation_cost_nanos) AS transformation_nanos,
           sum(total_cost_nanos) AS total_nanos,
           count(*) FILTER (WHERE credit_charge_status = 'charged') AS credits
    FROM month_costs
    GROUP BY month
),
-- With the remainder of the total divided by the number of runs with a known cost.
with_remainder AS (
    SELECT *, (total_nanos % runs_cost_known + runs_cost_known) % runs_cost_known AS remainder_nanos
    FROM totals
),
-- With the mean cost, rounded to the nearest nano-dollar, half to even.
with_mean AS (
    SELECT *,
           (total_nanos - remainder_nanos) / runs_cost_known
               + CASE WHEN 2 * remainder_nanos > runs_cost_known
                        OR (2 * remainder_nanos = runs_cost_known
                            AND (total_nanos - remainder_nanos) / runs_cost_known % 2 <> 0)
                      THEN 1 ELSE 0 END AS per_run_nanos
    FROM with_remainder
)
SELECT month,
       runs,
       runs - runs_cost_known AS runs_cost_unknown,
       CASE WHEN el_nanos IS NOT NULL
            THEN printf('%s%d.%09d', iif(el_nanos < 0, '-', ''), abs(el_nanos) / 1000000000,
                        abs(el_nanos) % 1000000000)
       END AS el_cost_usd,
       CASE WHEN transformation_nanos IS NOT NULL
            THEN printf('%s%d.%09d', iif(transformation_nanos < 0, '-', ''), abs(transformation_nanos) / 1000000000,
                        abs(transformation_nanos) % 1000000000)
       END AS transformation_cost_usd,
       CASE WHEN total_nanos IS NOT NULL
            THEN printf('%s%d.%09d', iif(total_nanos < 0, '-', ''), abs(total_nanos) / 1000000000,
                        abs(total_nanos) % 1000000000)
       END AS total_cost_usd,
       credits,
       CASE WHEN per_run_nanos IS NOT NULL
            THEN printf('%s%d.%09d', iif(per_run_nanos < 0, '-', ''), abs(per_run_nanos) / 1000000000,
                        abs(per_run_nanos) % 1000000000)
       END AS cost_per_run_usd
FROM with_mean
ORDER BY month IS NULL, month;
