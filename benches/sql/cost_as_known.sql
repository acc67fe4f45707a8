-- Cost by month, as known before the late changes.
SELECT substr(coalesce(started_at, created_at), 1, 7) AS month, count(*) AS runs,
       count(*) FILTER (WHERE el_cost_nanos IS NULL AND transformation_cost_nanos IS NULL) AS runs_cost_unknown,
       sum(el_cost_nanos), sum(transformation_cost_nanos), count(*) FILTER (WHERE credit_charge_status = 'charged') AS credits
FROM run_snapshots
WHERE observed_at <= '8999-01-01T00:00:00.000000Z'
  AND (superseded_at IS NULL OR superseded_at > '8999-01-01T00:00:00.000000Z')
GROUP BY month
ORDER BY month;
