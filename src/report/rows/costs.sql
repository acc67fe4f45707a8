-- What did each run cost, and whom? In the order of booking, then of ids.
--
-- :from   only runs booked at or after this instant; NULL: no limit
-- :until  only runs booked before this instant; NULL: no limit
--
-- `centre` is a function of runledger's own. An amount is in whole nano-dollars here and printed as US dollars.
SELECT booked_at, run_id, number, pipeline_kind, pipeline_id, pipeline_name,
       centre(pipeline_kind, pipeline_id, trigger_type, booked_at) AS cost_center,
       status, trigger_type, credit_charge_status,
       el_cost_nanos AS el_cost_usd,
       transformation_cost_nanos AS transformation_cost_usd,
       total_cost_nanos AS total_cost_usd,
       content_hash
FROM runs
WHERE (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)
ORDER BY booked_at, run_id;
