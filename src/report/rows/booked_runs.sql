-- Which runs make up the figures of a month? Ordered by booking, then run id.
--
-- :from   only runs booked at or after this instant; NULL: no limit
-- :until  only runs booked before this instant; NULL: no limit
--
-- `cost_center` is an SQL function that runledger defines. Amounts are in whole nano-dollars.
SELECT booked_at, pipeline_name,
       cost_center(pipeline_kind, pipeline_id, trigger_type, booked_at) AS cost_center,
       pipeline_kind, status, trigger_type,
       el_cost_nanos AS el_cost_usd,
       transformation_cost_nanos AS transformation_cost_usd,
       total_cost_nanos AS total_cost_usd,
       CASE WHEN credit_charge_status IS NOT NULL THEN credit_charge_status = 'charged' END AS credits,
       duration_seconds, ended_at, number, run_id
FROM runs
WHERE (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)
ORDER BY booked_at, run_id;
