-- What was each distinct state of each run? For the Parquet dataset. Ordered by booking, run id and snapshot id.
--
-- :workspace  name of the archive in the dataset
-- :from       only states booked at or after this instant
-- :until      only states booked before this instant
SELECT :workspace AS workspace, snapshot_id, run_id, observed_at, superseded_at, sync_id, content_hash, number,
       created_at, updated_at, started_at, ended_at, coalesce(started_at, created_at) AS booked_at, duration_seconds,
       status, "trigger", trigger_type, full_sync, extra_config, credit_charge_status, el_cost_usd,
       transformation_cost_usd, el_cost_nanos AS el_cost_usd_exact,
       transformation_cost_nanos AS transformation_cost_usd_exact, el_cost_metadata, transformation_cost_metadata,
       triggered_by, triggered_by_token, source, destination, transformation, absent, unmapped
FROM run_snapshots
WHERE coalesce(started_at, created_at) >= :from AND coalesce(started_at, created_at) < :until
ORDER BY coalesce(started_at, created_at), run_id, snapshot_id;
