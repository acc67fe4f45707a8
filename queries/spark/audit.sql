-- Which runs contradict how Nekt charges, and should be asked about? A row for each finding and run, ready for Nekt's support.
--
-- :from   only runs booked at or after this instant; NULL: no limit
-- :until  only runs booked before this instant; NULL: no limit
--
-- A credit is one run; a failed run costs none. What nobody has promised is no finding: whether a canceled run
-- is charged, and what charge words other than `charged` and `unsuccessful` mean. Nor is what may still come:
-- a run under way has no duration, and a charge may arrive with the costs, so a success counts as not charged
-- only a day after its end, or 30 days where no cost is known. Time is told by the newest run that is archived.
-- A run can have several findings. Of runs that share a number, the first is right and each later one a finding.
WITH
-- How far the ledger has seen.
newest AS (
    SELECT date_trunc('SECOND', max(booked_at) - INTERVAL '1' DAY) AS a_day_before,
           date_trunc('SECOND', max(booked_at) - INTERVAL '30' DAY) AS a_month_before
    FROM runs
),
-- The charged runs of each pipeline and number, the first one first.
numbered AS (
    SELECT run_id, number,
           row_number() OVER w AS place,
           first_value(run_id) OVER w AS first_run_id
    FROM runs
    WHERE credit_charge_status = 'charged' AND number IS NOT NULL AND pipeline_id IS NOT NULL
    WINDOW w AS (PARTITION BY number, pipeline_id, pipeline_kind ORDER BY booked_at, snapshot_id)
),
-- Each state, of the runs of which more than one was seen, in which the charge was another than before; one that does
-- not tell is left out.
charges AS (
    SELECT run_id, date_format(observed_at, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'") AS observed_at, charge
    FROM (
        SELECT run_id, observed_at, credit_charge_status AS charge,
               lag(credit_charge_status) OVER (PARTITION BY run_id ORDER BY observed_at) AS charge_before
        FROM run_snapshots
        WHERE credit_charge_status IS NOT NULL
          AND run_id IN (SELECT run_id FROM run_snapshots WHERE superseded_at IS NOT NULL)
    )
    WHERE NOT charge <=> charge_before
),
-- The runs that came to be charged more than once: the first time, the last time it was not so, and the last time.
recharged AS (
    SELECT run_id,
           min(observed_at) FILTER (WHERE charge = 'charged') AS charged_at,
           max(observed_at) FILTER (WHERE charge <> 'charged') AS not_charged_at,
           max(observed_at) FILTER (WHERE charge = 'charged') AS charged_again_at
    FROM charges
    GROUP BY run_id
    HAVING count_if(charge = 'charged') > 1
),
-- Every finding, in the order in which they are shown.
findings (place, finding, run_id, why) AS (
    SELECT 1, 'failed but charged', run_id, 'a credit is charged for a run that failed: failed runs cost none'
    FROM runs
    WHERE status = 'failed' AND credit_charge_status = 'charged'
    UNION ALL
    SELECT 2, 'charged twice', run_id,
           format_string('number %d of its pipeline was charged before: for run %s', number, first_run_id)
    FROM numbered
    WHERE place > 1
    UNION ALL
    SELECT 2, 'charged twice', r.run_id,
           format_string('charged when seen at %s, not charged at %s, charged again at %s', c.charged_at,
                         c.not_charged_at, c.charged_again_at)
    FROM recharged AS c
    JOIN runs AS r ON r.run_id = c.run_id
    WHERE r.credit_charge_status = 'charged'
    UNION ALL
    SELECT 3, 'negative cost', run_id,
           'no run costs less than nothing: '
               || concat_ws(', ',
                            CASE WHEN el_cost_usd_exact < 0 THEN 'el_cost_usd is ' || el_cost_usd_exact END,
                            CASE WHEN transformation_cost_usd_exact < 0
                                 THEN 'transformation_cost_usd is ' || transformation_cost_usd_exact END)
    FROM runs
    WHERE el_cost_usd_exact < 0 OR transformation_cost_usd_exact < 0
    UNION ALL
    -- A field that the API did not even send contradicts nothing.
    SELECT 4, 'cost without duration', run_id,
           total_cost_usd_exact || ' USD for a run that is over and has no duration'
    FROM runs
    WHERE status IN ('success', 'failed', 'canceled') AND total_cost_usd_exact <> 0 AND duration_seconds IS NULL
      AND coalesce(instr(absent, '"duration_seconds"'), 0) = 0
    UNION ALL
    SELECT 5, 'successful but not charged', run_id, 'no credit is charged for a run that succeeded: successful runs cost one'
    FROM runs
    CROSS JOIN newest
    WHERE status = 'success' AND credit_charge_status = 'unsuccessful'
      AND coalesce(ended_at, created_at) < CASE WHEN total_cost_usd IS NULL THEN a_month_before ELSE a_day_before END
)
SELECT f.finding,
       r.run_id,
       r.pipeline_name,
       r.pipeline_id,
       r.pipeline_kind,
       r.number,
       r.status,
       r.credit_charge_status,
       r.booked_at,
       r.total_cost_usd_exact AS total_cost_usd,
       r.duration_seconds,
       f.why
FROM findings AS f
JOIN runs AS r ON r.run_id = f.run_id
WHERE (:from IS NULL OR r.booked_at >= CAST(:from AS TIMESTAMP))
      AND (:until IS NULL OR r.booked_at < CAST(:until AS TIMESTAMP))
ORDER BY f.place, r.booked_at, r.run_id, f.why;
