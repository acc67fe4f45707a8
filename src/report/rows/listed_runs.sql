-- Which runs are these? The runs of a list, whose order follows this text.
--
-- `cost_center` is an SQL function that runledger defines. Amounts are in whole nano-dollars and are printed as US
-- dollars.
SELECT r.run_id, r.number, r.pipeline_kind, r.pipeline_id, r.pipeline_name,
       cost_center(r.pipeline_kind, r.pipeline_id, r.trigger_type, r.booked_at) AS cost_center,
       r.status, r.trigger_type, r.created_at, r.started_at, r.ended_at, r.booked_at, r.duration_seconds,
       r.queued_seconds, r.credit_charge_status,
       r.el_cost_nanos AS el_cost_usd,
       r.transformation_cost_nanos AS transformation_cost_usd,
       r.total_cost_nanos AS total_cost_usd
FROM listed AS l
CROSS JOIN runs AS r ON r.snapshot_id = l.snapshot_id
