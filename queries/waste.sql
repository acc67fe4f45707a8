-- Which costs were wasted on failed, canceled or overlapping runs, or on costly full syncs? Highest cost first.
--
-- :from   only runs booked at or after this instant, such as '2026-01-01T00:00:00.000000Z'; unset: no limit
-- :until  only runs booked before this instant; unset: no limit
-- :limit  maximum number of rows; unset: no limit
--
-- Each row is one kind of waste in one pipeline. A run can count as two kinds (failed and overlapping), so do not add
-- up rows of different kinds. A run overlaps if it started before the known end of an earlier run of its pipeline.
-- A `dear full sync` cost at least 5 times the median of the pipeline's other successful runs. At least 5 of those are
-- required; they can be booked at any time.
WITH
-- The pipelines, numbered: runs are sorted several times, and sorting by an integer takes half the time.
pipeline_numbers AS MATERIALIZED (
    SELECT row_number() OVER (ORDER BY pipeline_kind, pipeline_id) AS pipeline, pipeline_kind, pipeline_id
    FROM (SELECT DISTINCT pipeline_kind, pipeline_id FROM runs WHERE pipeline_id IS NOT NULL)
),
-- The current runs with their pipeline's number. NULL: the run has no pipeline.
numbered_runs AS (
    SELECT n.pipeline, r.snapshot_id, r.booked_at, r.started_at, iif(r.started_at IS NULL, NULL, r.ended_at) AS ended_at,
           r.status, r.full_sync, r.total_cost_nanos AS nanos
    FROM runs AS r
    LEFT JOIN pipeline_numbers AS n ON n.pipeline_id = r.pipeline_id AND n.pipeline_kind = r.pipeline_kind
),
-- The runs, with flags: in the time range, and started while the pipeline was still busy.
flagged_runs AS MATERIALIZED (
    SELECT pipeline, snapshot_id, status, full_sync, nanos,
           (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until) AS in_range,
           pipeline IS NOT NULL
               AND started_at < max(ended_at) OVER (PARTITION BY pipeline ORDER BY started_at, snapshot_id
                                                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS overlaps
    FROM numbered_runs
),
-- The number of runs in the time range of each pipeline.
run_counts AS MATERIALIZED (
    SELECT pipeline, count(*) AS runs FROM flagged_runs WHERE in_range GROUP BY pipeline
),
-- The known costs of each pipeline's successful incremental runs, split into a lower and an upper half. A single middle
-- value is in the lower half.
usual_costs AS (
    SELECT pipeline, nanos, ntile(2) OVER (PARTITION BY pipeline ORDER BY nanos) AS half
    FROM flagged_runs
    WHERE full_sync = 0 AND status = 'success' AND nanos IS NOT NULL AND pipeline IS NOT NULL
),
-- Twice their median: the sum of the two middle values, or of the single middle value and itself.
medians AS MATERIALIZED (
    SELECT pipeline, count(*) AS usual_runs,
           max(nanos) FILTER (WHERE half = 1)
               + iif(count(*) % 2, max(nanos) FILTER (WHERE half = 1), min(nanos) FILTER (WHERE half = 2)) AS twice_median
    FROM usual_costs
    GROUP BY pipeline
    HAVING count(*) >= 5 AND twice_median > 0
),
-- One row per run and kind of waste.
wasted_runs (waste, snapshot_id, pipeline, nanos) AS (
    SELECT status, snapshot_id, pipeline, nanos FROM flagged_runs WHERE in_range AND status IN ('failed', 'canceled')
    UNION ALL
    SELECT 'overlapping', snapshot_id, pipeline, nanos FROM flagged_runs WHERE in_range AND overlaps
    UNION ALL
    SELECT 'dear full sync', r.snapshot_id, r.pipeline, r.nanos
    FROM flagged_runs AS r
    JOIN medians AS m ON m.pipeline = r.pipeline
    WHERE r.in_range AND r.full_sync = 1 AND 2 * r.nanos >= 5 * m.twice_median
),
-- The same, numbered by cost, highest first, within each kind and pipeline.
ranked_runs AS (
    SELECT *, row_number() OVER (PARTITION BY waste, pipeline ORDER BY nanos DESC, snapshot_id) AS place
    FROM wasted_runs
),
-- The totals. A row is dropped if all its costs are known and add up to zero.
totals AS (
    SELECT waste, pipeline,
           count(*) AS runs,
           count(*) - count(nanos) AS runs_cost_unknown,
           sum(nanos) AS nanos,
           max(snapshot_id) FILTER (WHERE place = 1 AND nanos IS NOT NULL) AS costliest_snapshot_id,
           max(nanos) AS costliest
    FROM ranked_runs
    GROUP BY waste, pipeline
    HAVING sum(nanos) <> 0 OR count(nanos) < count(*)
)
SELECT s.waste,
       coalesce(
           (SELECT p.name FROM pipelines AS p
            WHERE p.kind = n.pipeline_kind AND p.pipeline_id = n.pipeline_id),
           (SELECT p.name FROM pipelines AS p
            WHERE p.slug = n.pipeline_id AND +p.kind = n.pipeline_kind
            ORDER BY p.gone_at, p.pipeline_id LIMIT 1)
       ) AS pipeline_name,
       n.pipeline_id,
       n.pipeline_kind,
       s.runs,
       s.runs_cost_unknown,
       CASE WHEN s.nanos IS NOT NULL
            THEN printf('%s%d.%09d', iif(s.nanos < 0, '-', ''), abs(s.nanos) / 1000000000, abs(s.nanos) % 1000000000)
       END AS total_cost_usd,
       d.run_id AS costliest_run_id,
       CASE WHEN s.costliest IS NOT NULL
            THEN printf('%s%d.%09d', iif(s.costliest < 0, '-', ''), abs(s.costliest) / 1000000000,
                        abs(s.costliest) % 1000000000)
       END AS costliest_run_usd,
       CASE s.waste
           WHEN 'failed' THEN printf('%d of %d runs failed', s.runs, c.runs)
           WHEN 'canceled' THEN printf('%d of %d runs ended canceled', s.runs, c.runs)
           WHEN 'overlapping' THEN printf('%d of %d runs started before an earlier one had ended', s.runs, c.runs)
           -- Rounded half to even.
           ELSE printf('%d of %d runs synced in full for 5 times the usual cost or more: the median of %d others is %d.%09d USD',
                       s.runs, c.runs, m.usual_runs,
                       (m.twice_median / 2 + (m.twice_median % 4 = 3)) / 1000000000,
                       (m.twice_median / 2 + (m.twice_median % 4 = 3)) % 1000000000)
       END AS why
FROM totals AS s
JOIN run_counts AS c ON c.pipeline IS s.pipeline
LEFT JOIN medians AS m ON m.pipeline = s.pipeline
LEFT JOIN pipeline_numbers AS n ON n.pipeline = s.pipeline
LEFT JOIN run_snapshots AS d ON d.snapshot_id = s.costliest_snapshot_id
ORDER BY s.nanos IS NULL, s.nanos DESC, s.waste, n.pipeline_kind, n.pipeline_id
LIMIT coalesce(:limit, -1);
