-- Which money bought nothing: failed, canceled and overlapping runs, and dear full syncs? Most money first.
--
-- :from   only runs booked at or after this instant, as stored: '2026-01-01T00:00:00.000000Z'; not set: no limit
-- :until  only runs booked before this instant; not set: no limit
-- :limit  at most so many rows; not set: every row
--
-- A row is one kind of waste in one pipeline. A run can be wasted in two ways at once (a failed one that also
-- overlapped), so rows of different kinds do not add up. A run overlaps when it started before one of its
-- pipeline that started earlier had ended, as far as that end is known. A full sync is dear when it cost 5 times
-- the median or more of its pipeline's other successful runs, at least 5 of them, whenever they were booked.
WITH
-- The pipelines with a number each: runs are sorted several times, and by a number that takes half the time.
numbered AS MATERIALIZED (
    SELECT row_number() OVER (ORDER BY pipeline_kind, pipeline_id) AS pipeline, pipeline_kind, pipeline_id
    FROM (SELECT DISTINCT pipeline_kind, pipeline_id FROM runs WHERE pipeline_id IS NOT NULL)
),
-- Every current run with its pipeline's number; NULL: it belongs to none.
ran AS (
    SELECT n.pipeline, r.snapshot_id, r.booked_at, r.started_at, iif(r.started_at IS NULL, NULL, r.ended_at) AS ended_at,
           r.status, r.full_sync, r.total_cost_nanos AS nanos
    FROM runs AS r
    LEFT JOIN numbered AS n ON n.pipeline_id = r.pipeline_id AND n.pipeline_kind = r.pipeline_kind
),
-- The same: whether it is asked for, and whether its pipeline was still busy when it started.
met AS MATERIALIZED (
    SELECT pipeline, snapshot_id, status, full_sync, nanos,
           (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until) AS asked,
           pipeline IS NOT NULL
               AND started_at < max(ended_at) OVER (PARTITION BY pipeline ORDER BY started_at, snapshot_id
                                                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS overlaps
    FROM ran
),
-- How many of those asked for each pipeline has.
counted AS MATERIALIZED (
    SELECT pipeline, count(*) AS runs FROM met WHERE asked GROUP BY pipeline
),
-- The known costs of each pipeline's successes that were no full syncs, in a cheaper half and a dearer one; the
-- middle one, where there is one, is in the cheaper.
usual AS (
    SELECT pipeline, nanos, ntile(2) OVER (PARTITION BY pipeline ORDER BY nanos) AS half
    FROM met
    WHERE full_sync = 0 AND status = 'success' AND nanos IS NOT NULL AND pipeline IS NOT NULL
),
-- Twice their median: the middle one and itself, or the middle two.
medians AS MATERIALIZED (
    SELECT pipeline, count(*) AS usual_runs,
           max(nanos) FILTER (WHERE half = 1)
               + iif(count(*) % 2, max(nanos) FILTER (WHERE half = 1), min(nanos) FILTER (WHERE half = 2)) AS twice_median
    FROM usual
    GROUP BY pipeline
    HAVING count(*) >= 5 AND twice_median > 0
),
-- Each run once for each way in which it was wasted.
wasted (waste, snapshot_id, pipeline, nanos) AS (
    SELECT status, snapshot_id, pipeline, nanos FROM met WHERE asked AND status IN ('failed', 'canceled')
    UNION ALL
    SELECT 'overlapping', snapshot_id, pipeline, nanos FROM met WHERE asked AND overlaps
    UNION ALL
    SELECT 'dear full sync', r.snapshot_id, r.pipeline, r.nanos
    FROM met AS r
    JOIN medians AS m ON m.pipeline = r.pipeline
    WHERE r.asked AND r.full_sync = 1 AND 2 * r.nanos >= 5 * m.twice_median
),
-- The same, the dearest of each row first.
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY waste, pipeline ORDER BY nanos DESC, snapshot_id) AS place
    FROM wasted
),
-- The rows; one of which every cost is known to be nothing is no waste.
summed AS (
    SELECT waste, pipeline,
           count(*) AS runs,
           count(*) - count(nanos) AS runs_cost_unknown,
           sum(nanos) AS nanos,
           max(snapshot_id) FILTER (WHERE place = 1 AND nanos IS NOT NULL) AS dearest_snapshot_id,
           max(nanos) AS dearest
    FROM ranked
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
       d.run_id AS dearest_run_id,
       CASE WHEN s.dearest IS NOT NULL
            THEN printf('%s%d.%09d', iif(s.dearest < 0, '-', ''), abs(s.dearest) / 1000000000,
                        abs(s.dearest) % 1000000000)
       END AS dearest_run_usd,
       CASE s.waste
           WHEN 'failed' THEN printf('%d of %d runs failed', s.runs, c.runs)
           WHEN 'canceled' THEN printf('%d of %d runs ended canceled', s.runs, c.runs)
           WHEN 'overlapping' THEN printf('%d of %d runs started before an earlier one had ended', s.runs, c.runs)
           -- Half a nano-dollar goes to the even one.
           ELSE printf('%d of %d runs synced in full for 5 times the usual cost or more: the median of %d others is %d.%09d USD',
                       s.runs, c.runs, m.usual_runs,
                       (m.twice_median / 2 + (m.twice_median % 4 = 3)) / 1000000000,
                       (m.twice_median / 2 + (m.twice_median % 4 = 3)) % 1000000000)
       END AS why
FROM summed AS s
JOIN counted AS c ON c.pipeline IS s.pipeline
LEFT JOIN medians AS m ON m.pipeline = s.pipeline
LEFT JOIN numbered AS n ON n.pipeline = s.pipeline
LEFT JOIN run_snapshots AS d ON d.snapshot_id = s.dearest_snapshot_id
ORDER BY s.nanos IS NULL, s.nanos DESC, s.waste, n.pipeline_kind, n.pipeline_id
LIMIT coalesce(:limit, -1);
