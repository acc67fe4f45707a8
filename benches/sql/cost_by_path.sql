-- Cost by a value in the metadata.
SELECT json_extract(el_cost_metadata, '$.attempts') AS attempts, count(*) AS runs,
       count(*) FILTER (WHERE el_cost_nanos IS NULL AND transformation_cost_nanos IS NULL) AS runs_cost_unknown,
       sum(el_cost_nanos), sum(transformation_cost_nanos), count(*) FILTER (WHERE credit_charge_status = 'charged') AS credits
FROM run_snapshots
WHERE superseded_at IS NULL
GROUP BY attempts
ORDER BY attempts;
