-- What did each run of a period cost? Ordered by booking, then run id.
--
-- :from   only runs booked at or after this instant
-- :until  only runs booked before this instant
--
-- `cost_center` is an SQL function that runledger defines.
SELECT run_id, booked_at, number, pipeline_kind, pipeline_id, pipeline_name, status, trigger_type, created_at,
       started_at, ended_at, duration_seconds, credit_charge_status, el_cost_nanos, transformation_cost_nanos,
       cost_center(pipeline_kind, pipeline_id, trigger_type, booked_at) AS cost_center
FROM runs
WHERE booked_at >= :from AND booked_at < :until
ORDER BY booked_at, run_id;
