-- What is the current state of each run? Ordered by booking, then run id.
--
-- :from   only runs booked at or after this instant; NULL: no limit
-- :until  only runs booked before this instant; NULL: no limit
--
-- Amounts are in whole nano-dollars. Columns named `_usd` are printed as US dollars with nine decimals.
-- The column `settled` of the view is omitted because its value depends on the current date.
SELECT run_id, number, pipeline_kind, pipeline_id, pipeline_name, status, trigger_type, created_at, updated_at,
       started_at, ended_at, booked_at, duration_seconds, queued_seconds, full_sync, credit_charge_status,
       el_cost_nanos AS el_cost_usd, transformation_cost_nanos AS transformation_cost_usd,
       total_cost_nanos AS total_cost_usd, el_cost_nanos, transformation_cost_nanos, total_cost_nanos,
       vanished_at, "trigger", extra_config, el_cost_metadata, transformation_cost_metadata, triggered_by,
       triggered_by_token, source, destination, transformation, absent, unmapped, content_hash,
       observed_at, sync_id, snapshot_id
FROM runs
WHERE (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)
ORDER BY booked_at, run_id;
