-- What did the runs of each month cost? Unknown costs are counted, not zero.
--
-- :from   only runs booked at or after this instant; NULL: no limit
-- :until  only runs booked before this instant; NULL: no limit
--
-- Months are those of the dataset. Sums are decimals, so every digit is exact.
WITH
-- The totals of each month. The sum of unknown costs only is NULL.
totals AS (
    SELECT nullif(month, 'unbooked') AS month,
           count(*) AS runs,
           count(total_cost_usd) AS runs_cost_known,
           sum(el_cost_usd_exact) AS el_cost_usd,
           sum(transformation_cost_usd_exact) AS transformation_cost_usd,
           sum(total_cost_usd_exact) AS total_cost_usd,
           count_if(credit_charge_status = 'charged') AS credits
    FROM runs
    WHERE (:from IS NULL OR booked_at >= CAST(:from AS TIMESTAMP))
      AND (:until IS NULL OR booked_at < CAST(:until AS TIMESTAMP))
    GROUP BY month
)
SELECT month,
       runs,
       runs - runs_cost_known AS runs_cost_unknown,
       el_cost_usd,
       transformation_cost_usd,
       total_cost_usd,
       credits,
       -- The mean over the runs with a known cost, rounded half to even.
       bround(total_cost_usd / nullif(runs_cost_known, 0), 9) AS cost_per_run_usd
FROM totals
ORDER BY month NULLS LAST;
