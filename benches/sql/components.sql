-- The amounts in the metadata by month and path.
WITH documents (month, name, document) AS (
    SELECT substr(coalesce(started_at, created_at), 1, 7), 'el_cost_metadata', el_cost_metadata
    FROM run_snapshots WHERE superseded_at IS NULL
    UNION ALL
    SELECT substr(coalesce(started_at, created_at), 1, 7), 'transformation_cost_metadata', transformation_cost_metadata
    FROM run_snapshots WHERE superseded_at IS NULL
)
SELECT d.month, d.name, j.fullkey, count(*) AS runs, sum(CAST(round(j.atom * 1e9) AS INTEGER)) AS nanos
FROM documents AS d, json_tree(d.document) AS j
WHERE j.key LIKE '%usd' AND j.type IN ('integer', 'real')
GROUP BY d.month, d.name, j.fullkey
ORDER BY d.month, d.name, j.fullkey;
