-- Gives every fiftieth run an earlier snapshot without costs, as in an archive whose costs arrived late.
-- For benchmarks only: the content hash is not updated.
BEGIN;
CREATE TEMP TABLE changed AS SELECT snapshot_id FROM run_snapshots WHERE superseded_at IS NULL AND snapshot_id % 50 = 0;
INSERT INTO run_snapshots (
    run_id, observed_at, superseded_at, sync_id, content_hash, number, created_at, updated_at, started_at, ended_at,
    duration_seconds, status, "trigger", full_sync, extra_config, credit_charge_status, el_cost_metadata,
    transformation_cost_metadata, triggered_by, triggered_by_token, source, destination, transformation, absent, unmapped,
    trigger_type
)
SELECT run_id, observed_at, '9000-01-01T00:00:00.000000Z', sync_id, content_hash, number, created_at, updated_at, started_at,
       ended_at, duration_seconds, status, "trigger", full_sync, extra_config, credit_charge_status, el_cost_metadata,
       transformation_cost_metadata, triggered_by, triggered_by_token, source, destination, transformation, absent, unmapped,
       trigger_type
FROM run_snapshots
WHERE snapshot_id IN (SELECT snapshot_id FROM changed);
UPDATE run_snapshots SET observed_at = '9000-01-01T00:00:00.000000Z' WHERE snapshot_id IN (SELECT snapshot_id FROM changed);
COMMIT;
