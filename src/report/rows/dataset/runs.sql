-- What is the current state of each run? For the Parquet dataset. Ordered by booking, then run id.
--
-- :workspace  name of the archive in the dataset
-- :from       only runs booked at or after this instant
-- :until      only runs booked before this instant
--
-- The column `settled` of the view is omitted because its value depends on the current date.
SELECT :workspace AS workspace, run_id, number, pipeline_kind, pipeline_id, pipeline_name, status, trigger_type,
       created_at, updated_at, started_at, ended_at, booked_at, duration_seconds, queued_seconds, full_sync,
       credit_charge_status, el_cost_usd, transformation_cost_usd, total_cost_usd,
       el_cost_nanos AS el_cost_usd_exact, transformation_cost_nanos AS transformation_cost_usd_exact,
       total_cost_nanos AS total_cost_usd_exact, vanished_at, "trigger", extra_config, el_cost_metadata,
       transformation_cost_metadata, triggered_by, triggered_by_token, source, destination, transformation, absent,
       unmapped, content_hash, observed_at, sync_id, snapshot_id
FROM runs
WHERE booked_at >= :from AND booked_at < :until
ORDER BY booked_at, run_id;
