-- Cost by month in São Paulo, which is three hours behind UTC all year.
SELECT strftime('%Y-%m', substr(coalesce(started_at, created_at), 1, 19), '-3 hours') AS month, count(*) AS runs,
       count(*) FILTER (WHERE el_cost_nanos IS NULL AND transformation_cost_nanos IS NULL) AS runs_cost_unknown,
       sum(el_cost_nanos), sum(transformation_cost_nanos), count(*) FILTER (WHERE credit_charge_status = 'charged') AS credits
FROM run_snapshots
WHERE superseded_at IS NULL
GROUP BY month
ORDER BY month;
