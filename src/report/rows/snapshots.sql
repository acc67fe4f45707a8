-- What was each distinct state of each run? Ordered by snapshot id.
--
-- :from   only states booked at or after this instant; NULL: no limit
-- :until  only states booked before this instant; NULL: no limit
--
-- Amounts are in whole nano-dollars. Columns named `_usd` are printed as US dollars with nine decimals.
SELECT snapshot_id, run_id, observed_at, superseded_at, sync_id, content_hash, number, created_at, updated_at,
       started_at, ended_at, duration_seconds, status, "trigger", full_sync, extra_config, credit_charge_status,
       el_cost_nanos AS el_cost_usd, el_cost_metadata, transformation_cost_nanos AS transformation_cost_usd,
       transformation_cost_metadata, triggered_by, triggered_by_token, source, destination, transformation, absent,
       unmapped, trigger_type, el_cost_nanos, transformation_cost_nanos
FROM run_snapshots
WHERE (:from IS NULL OR coalesce(started_at, created_at) >= :from)
  AND (:until IS NULL OR coalesce(started_at, created_at) < :until)
ORDER BY snapshot_id;
