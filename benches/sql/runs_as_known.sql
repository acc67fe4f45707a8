-- The state of each run, as known before the late changes.
SELECT *
FROM run_snapshots
WHERE observed_at <= '8999-01-01T00:00:00.000000Z'
  AND (superseded_at IS NULL OR superseded_at > '8999-01-01T00:00:00.000000Z')
ORDER BY coalesce(started_at, created_at), run_id;
