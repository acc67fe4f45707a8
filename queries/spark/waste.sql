-- Which money bought nothing: failed, canceled and overlapping runs, and dear full syncs? Most money first.
--
-- :from   only runs booked at or after this instant; NULL: no limit
-- :until  only runs booked before this instant; NULL: no limit
-- :limit  at most so many rows; NULL: every row
--
-- A row is one kind of waste in one pipeline. A run can be wasted in two ways at once (a failed one that also
-- overlapped), so rows of different kinds do not add up. A run overlaps when it started before one of its
-- pipeline that started earlier had ended, as far as that end is known. A full sync is dear when it cost 5 times
-- the median or more of its pipeline's other successful runs, at least 5 of them, whenever they were booked.
WITH
-- Every current run: whether it is asked for, and whether its pipeline was still busy when it started.
met AS (
    SELECT pipeline_kind, pipeline_id, pipeline_name, snapshot_id, run_id, status, full_sync,
           total_cost_usd_exact AS cost_usd,
           (:from IS NULL OR booked_at >= CAST(:from AS TIMESTAMP))
      AND (:until IS NULL OR booked_at < CAST(:until AS TIMESTAMP)) AS asked,
           pipeline_id IS NOT NULL
               AND started_at < max(CASE WHEN started_at IS NOT NULL THEN ended_at END)
                                    OVER (PARTITION BY pipeline_kind, pipeline_id ORDER BY started_at, snapshot_id
                                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS overlaps
    FROM runs
),
-- How many of those asked for each pipeline has.
counted AS (
    SELECT pipeline_kind, pipeline_id, max(pipeline_name) AS pipeline_name, count(*) AS runs
    FROM met
    WHERE asked
    GROUP BY pipeline_kind, pipeline_id
),
-- The known costs of each pipeline's successes that were no full syncs in order, counted from 0, with the place of the last.
usual AS (
    SELECT pipeline_kind, pipeline_id, cost_usd,
           row_number() OVER (PARTITION BY pipeline_kind, pipeline_id ORDER BY cost_usd) - 1 AS place,
           count(*) OVER (PARTITION BY pipeline_kind, pipeline_id) - 1 AS last
    FROM met
    WHERE NOT full_sync AND status = 'success' AND cost_usd IS NOT NULL AND pipeline_id IS NOT NULL
),
-- Twice their median: the middle one and itself, or the middle two.
medians AS (
    SELECT pipeline_kind, pipeline_id, count(*) AS usual_runs,
           coalesce(sum(cost_usd) FILTER (WHERE place = last DIV 2), 0)
               + coalesce(sum(cost_usd) FILTER (WHERE place = (last + 1) DIV 2), 0) AS twice_median
    FROM usual
    GROUP BY pipeline_kind, pipeline_id
    HAVING count(*) >= 5
),
-- Each run once for each way in which it was wasted.
wasted (waste, snapshot_id, run_id, pipeline_kind, pipeline_id, cost_usd) AS (
    SELECT status, snapshot_id, run_id, pipeline_kind, pipeline_id, cost_usd
    FROM met
    WHERE asked AND status IN ('failed', 'canceled')
    UNION ALL
    SELECT 'overlapping', snapshot_id, run_id, pipeline_kind, pipeline_id, cost_usd FROM met WHERE asked AND overlaps
    UNION ALL
    SELECT 'dear full sync', r.snapshot_id, r.run_id, r.pipeline_kind, r.pipeline_id, r.cost_usd
    FROM met AS r
    JOIN medians AS m ON m.pipeline_kind = r.pipeline_kind AND m.pipeline_id = r.pipeline_id
    WHERE r.asked AND r.full_sync AND m.twice_median > 0 AND 2 * r.cost_usd >= 5 * m.twice_median
),
-- The same, the dearest of each row first.
ranked AS (
    SELECT *,
           row_number() OVER (PARTITION BY waste, pipeline_kind, pipeline_id ORDER BY cost_usd DESC, snapshot_id) AS place
    FROM wasted
),
-- The rows; one of which every cost is known to be nothing is no waste.
summed AS (
    SELECT waste, pipeline_kind, pipeline_id,
           count(*) AS runs,
           count(*) - count(cost_usd) AS runs_cost_unknown,
           sum(cost_usd) AS total_cost_usd,
           max(run_id) FILTER (WHERE place = 1 AND cost_usd IS NOT NULL) AS dearest_run_id,
           max(cost_usd) AS dearest_run_usd
    FROM ranked
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
       s.dearest_run_id,
       s.dearest_run_usd,
       CASE s.waste
           WHEN 'failed' THEN format_string('%d of %d runs failed', s.runs, c.runs)
           WHEN 'canceled' THEN format_string('%d of %d runs ended canceled', s.runs, c.runs)
           WHEN 'overlapping' THEN format_string('%d of %d runs started before an earlier one had ended', s.runs, c.runs)
           -- Half a nano-dollar goes to the even one.
           ELSE format_string('%d of %d runs synced in full for 5 times the usual cost or more: the median of %d others is %s USD',
                              s.runs, c.runs, m.usual_runs, CAST(bround(m.twice_median / 2, 9) AS STRING))
       END AS why
FROM summed AS s
JOIN counted AS c ON c.pipeline_kind <=> s.pipeline_kind AND c.pipeline_id <=> s.pipeline_id
LEFT JOIN medians AS m ON m.pipeline_kind = s.pipeline_kind AND m.pipeline_id = s.pipeline_id
ORDER BY s.total_cost_usd DESC NULLS LAST, s.waste, s.pipeline_kind, s.pipeline_id
LIMIT coalesce(:limit, 2147483647);
