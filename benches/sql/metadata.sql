-- Every path in the metadata, without that of array elements in common.
WITH documents (run_id, booked_at, name, document) AS (
    SELECT run_id, coalesce(started_at, created_at), 'el_cost_metadata', el_cost_metadata
    FROM run_snapshots WHERE superseded_at IS NULL
    UNION ALL
    SELECT run_id, coalesce(started_at, created_at), 'transformation_cost_metadata', transformation_cost_metadata
    FROM run_snapshots WHERE superseded_at IS NULL
    UNION ALL
    SELECT run_id, coalesce(started_at, created_at), 'extra_config', extra_config
    FROM run_snapshots WHERE superseded_at IS NULL
)
SELECT d.name, j.fullkey, min(j.type), max(j.type), count(*) AS runs, min(d.booked_at), max(d.booked_at),
       min(j.atom), max(j.atom), sum(j.atom)
FROM documents AS d, json_tree(d.document) AS j
GROUP BY d.name, j.fullkey
ORDER BY d.name, j.fullkey;
