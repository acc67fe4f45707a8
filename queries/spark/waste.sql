-- Which costs were wasted on failed, canceled or overlapping runs, or on costly full syncs? Highest cost first.
--
-- :from   only runs booked at or after this instant; NULL: no limit
-- :until  only runs booked before this instant; NULL: no limit
-- :limit  maximum number of rows; NULL: no limit
--
-- Each row is one kind of waste in one pipeline. A run can count as two kinds (failed and overlapping), so do not add
-- up rows of different kinds. A run overlaps if it started before the known end of an earlier run of its pipeline.
-- A `dear full sync` cost at least 5 times the median of the pipeline's other successful runs. At least 5 of those are
-- required; they can be booked at any time.
WITH
-- The current runs, with flags: in the time range, and started while the pipeline was still busy.
flagged_runs AS (
    SELECT pipeline_kind, pipeline_id, pipeline_name, snapshot_id, run_id, status, full_sync,
           total_cost_usd_exact AS cost_usd,
           (:from IS NULL OR booked_at >= CAST(:from AS TIMESTAMP))
      AND (:until IS NULL OR booked_at < CAST(:until AS TIMESTAMP)) AS in_range,
           pipeline_id IS NOT NULL
               AND started_at < max(CASE WHEN started_at IS NOT NULL THEN ended_at END)
                                    OVER (PARTITION BY pipeline_kind, pipeline_id ORDER BY started_at, snapshot_id
                                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS overlaps
    FROM runs
),
-- The number of runs in the time range of each pipeline.
run_counts AS (
    SELECT pipeline_kind, pipeline_id, max(pipeline_name) AS pipeline_name, count(*) AS runs
    FROM flagged_runs
    WHERE in_range
    GROUP BY pipeline_kind, pipeline_id
),
-- The known costs of each pipeline's successful incremental runs, sorted and numbered from 0, with the last number.
usual_costs AS (
    SELECT pipeline_kind, pipeline_id, cost_usd,
           row_number() OVER (PARTITION BY pipeline_kind, pipeline_id ORDER BY cost_usd) - 1 AS place,
           count(*) OVER (PARTITION BY pipeline_kind, pipeline_id) - 1 AS last
    FROM flagged_runs
    WHERE NOT full_sync AND status = 'success' AND cost_usd IS NOT NULL AND pipeline_id IS NOT NULL
),
-- Twice their median: the sum of the two middle values, or of the single middle value and itself.
medians AS (
    SELECT pipeline_kind, pipeline_id, count(*) AS usual_runs,
           coalesce(sum(cost_usd) FILTER (WHERE place = last DIV 2), 0)
               + coalesce(sum(cost_usd) FILTER (WHERE place = (last + 1) DIV 2), 0) AS twice_median
    FROM usual_costs
    GROUP BY pipeline_kind, pipeline_id
    HAVING count(*) >= 5
),
-- One row per run and kind of waste.
wasted_runs (waste, snapshot_id, run_id, pipeline_kind, pipeline_id, cost_usd) AS (
    SELECT status, snapshot_id, run_id, pipeline_kind, pipeline_id, cost_usd
    FROM flagged_runs
    WHERE in_range AND status IN ('failed', 'canceled')
    UNION ALL
    SELECT 'overlapping', snapshot_id, run_id, pipeline_kind, pipeline_id, cost_usd
    FROM flagged_runs
    WHERE in_range AND overlaps
    UNION ALL
    SELECT 'dear full sync', r.snapshot_id, r.run_id, r.pipeline_kind, r.pipeline_id, r.cost_usd
    FROM flagged_runs AS r
    JOIN medians AS m ON m.pipeline_kind = r.pipeline_kind AND m.pipeline_id = r.pipeline_id
    WHERE r.in_range AND r.full_sync AND m.twice_median > 0 AND 2 * r.cost_usd >= 5 * m.twice_median
),
-- The same, numbered by cost, highest first, within each kind and pipeline.
ranked_runs AS (
    SELECT *,
           row_number() OVER (PARTITION BY waste, pipeline_kind, pipeline_id ORDER BY cost_usd DESC, snapshot_id) AS place
    FROM wasted_runs
),
-- The totals. A row is dropped if all its costs are known and add up to zero.
totals AS (
    SELECT waste, pipeline_kind, pipeline_id,
           count(*) AS runs,
           count(*) - count(cost_usd) AS runs_cost_unknown,
           sum(cost_usd) AS total_cost_usd,
           max(run_id) FILTER (WHERE place = 1 AND cost_usd IS NOT NULL) AS costliest_run_id,
           max(cost_usd) AS costliest_run_usd
    FROM ranked_runs
    GROUP BY waste, pipeline_kind, pipeline_id
    HAVING sum(cost_usd) <> 0 OR count(cost_usd) < count(*)
)
SELECT s.waste,
       c.pipeline_name,
       s.pipeline_id,
       s.pipeline_kind,
       s.runs,
       s.runs_cost_unknown,
       s.total_cost_usd,
       s.costliest_run_id,
       s.costliest_run_usd,
       CASE s.waste
           WHEN 'failed' THEN format_string('%d of %d runs failed', s.runs, c.runs)
           WHEN 'canceled' THEN format_string('%d of %d runs ended canceled', s.runs, c.runs)
           WHEN 'overlapping' THEN format_string('%d of %d runs started before an earlier one had ended', s.runs, c.runs)
           -- Rounded half to even.
           ELSE format_string('%d of %d runs synced in full for 5 times the usual cost or more: the median of %d others is %s USD',
                              s.runs, c.runs, m.usual_runs, CAST(bround(m.twice_median / 2, 9) AS STRING))
       END AS why
FROM totals AS s
JOIN run_counts AS c ON c.pipeline_kind <=> s.pipeline_kind AND c.pipeline_id <=> s.pipeline_id
LEFT JOIN medians AS m ON m.pipeline_kind = s.pipeline_kind AND m.pipeline_id = s.pipeline_id
ORDER BY s.total_cost_usd DESC NULLS LAST, s.waste, s.pipeline_kind, s.pipeline_id
LIMIT coalesce(:limit, 2147483647);
