-- Which pipelines failed several times in a row, how did they recover, and what did it cost? Still failing first.
--
-- :from   only chains that had not recovered at this instant, such as '2026-01-01T00:00:00.000000Z'; unset: no limit
-- :until  only chains that began before this instant; unset: no limit
-- :as_of  chains that have not recovered count up to the end of the last complete sync until this instant, else up to
--         the latest observation; unset: of all
--
-- A chain is every failed run of a pipeline between two successes. It ends with the first success after it, and is
-- whole even if parts of it are outside of :from and :until. Canceled runs and runs that have not ended say nothing
-- about whether the pipeline works, so they neither extend nor end a chain. A chain is broken if it has not
-- recovered, or has 3 failed runs or more. It is flaky if it recovered after one failure, and the pipeline had 3 or
-- more such chains in the 30 days before and after. The time lost is that from the first failure to the end of the
-- success, or to the moment. failures_left is how many failures remain until Nekt disables the pipeline, if it has
-- not recovered.
WITH
-- The moment.
moments AS MATERIALIZED (
    SELECT coalesce(
               (SELECT coalesce(clock_ended_at, ended_at) FROM syncs
                WHERE walk_complete = 1 AND outcome IN ('complete', 'partial') AND (:as_of IS NULL OR ended_at <= :as_of)
                ORDER BY sync_id DESC LIMIT 1),
               (SELECT max(iif(:as_of IS NULL, last_observed_at, min(last_observed_at, :as_of))) FROM syncs
                WHERE :as_of IS NULL OR started_at <= :as_of)
           ) AS at
),
-- The successful and failed runs. At one instant, failures come before successes.
outcomes AS (
    SELECT pipeline_kind, pipeline_id, snapshot_id, booked_at, ended_at, total_cost_nanos, status = 'success' AS succeeded,
           -- The number of successes before.
           coalesce(sum(status = 'success') OVER (
               PARTITION BY pipeline_kind, pipeline_id ORDER BY booked_at, status = 'success', snapshot_id
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS successes
    FROM runs
    WHERE (status = 'success' OR status = 'failed') AND pipeline_id IS NOT NULL AND booked_at IS NOT NULL
),
-- The failed runs and the success between two others: at most one success, which is the last.
chains AS (
    SELECT pipeline_kind, pipeline_id,
           count(*) FILTER (WHERE NOT succeeded) AS failed_runs,
           min(booked_at) FILTER (WHERE NOT succeeded) AS first_failure_at,
           max(booked_at) FILTER (WHERE NOT succeeded) AS last_failure_at,
           max(booked_at) FILTER (WHERE succeeded) AS recovered_at,
           max(max(booked_at, coalesce(ended_at, booked_at))) FILTER (WHERE succeeded) AS recovered_until,
           sum(total_cost_nanos) FILTER (WHERE NOT succeeded) AS lost_nanos,
           count(*) FILTER (WHERE NOT succeeded AND total_cost_nanos IS NULL) AS runs_cost_unknown,
           -- The last failed run: the place of its instant is larger than any number of snapshots.
           max(printf('%s %020d', booked_at, snapshot_id)) FILTER (WHERE NOT succeeded) AS last_failure
    FROM outcomes
    GROUP BY pipeline_kind, pipeline_id, successes
    HAVING count(*) FILTER (WHERE NOT succeeded) > 0
),
-- With the number of chains that recovered after one failure, in the 30 days before and after.
with_flaky AS (
    SELECT *,
           count(*) FILTER (WHERE failed_runs = 1 AND recovered_at IS NOT NULL) OVER (
               PARTITION BY pipeline_kind, pipeline_id ORDER BY unixepoch(substr(first_failure_at, 1, 19))
               RANGE BETWEEN 2592000 PRECEDING AND 2592000 FOLLOWING) AS single_failures
    FROM chains
),
-- The chains of the span, with the settings of their pipelines.
chains_in_span AS MATERIALIZED (
    SELECT *,
           max(unixepoch(substr(coalesce(recovered_until, (SELECT at FROM moments)), 1, 19))
                   - unixepoch(substr(first_failure_at, 1, 19)), 0) AS lost_seconds,
           (SELECT json_extract(p.settings, '$.settings_max_consecutive_failures') FROM pipelines AS p
            WHERE p.kind = with_flaky.pipeline_kind AND p.pipeline_id = with_flaky.pipeline_id) AS limit_by_id,
           (SELECT json_extract(p.settings, '$.settings_max_consecutive_failures') FROM pipelines AS p
            WHERE p.slug = with_flaky.pipeline_id AND +p.kind = with_flaky.pipeline_kind
            ORDER BY p.gone_at, p.pipeline_id LIMIT 1) AS limit_by_slug
    FROM with_flaky
    WHERE (:from IS NULL OR recovered_at IS NULL OR recovered_at >= :from)
      AND (:until IS NULL OR first_failure_at < :until)
),
-- With the failures that disable the pipeline. Zero is no limit.
with_limit AS (
    SELECT *, iif(typeof(failures_limit) = 'integer' AND failures_limit > 0, failures_limit, NULL) AS most
    FROM (SELECT *, coalesce(limit_by_id, limit_by_slug) AS failures_limit FROM chains_in_span)
)
SELECT r.pipeline_name,
       c.pipeline_id,
       c.pipeline_kind,
       CASE WHEN c.recovered_at IS NULL OR c.failed_runs >= 3 THEN 'broken'
            WHEN c.failed_runs = 1 AND c.single_failures >= 3 THEN 'flaky'
            ELSE 'recovered' END AS state,
       c.failed_runs,
       c.first_failure_at,
       c.last_failure_at,
       c.recovered_at,
       printf('%d.000', c.lost_seconds) AS lost_seconds,
       iif(c.lost_nanos IS NULL, NULL,
           printf('%s%d.%09d', iif(c.lost_nanos < 0, '-', ''), abs(c.lost_nanos) / 1000000000,
                  abs(c.lost_nanos) % 1000000000)) AS lost_usd,
       c.runs_cost_unknown,
       c.most AS failures_limit,
       iif(c.recovered_at IS NULL, max(c.most - c.failed_runs, 0), NULL) AS failures_left,
       r.run_id
FROM with_limit AS c
JOIN runs AS r ON r.snapshot_id = CAST(substr(c.last_failure, 29) AS INTEGER)
ORDER BY c.recovered_at IS NOT NULL, c.lost_seconds DESC, c.last_failure DESC;
