-- Which runs contradict Nekt's charging rules? One row per finding and run, ready to send to Nekt's support.
--
-- :from   only runs booked at or after this instant; NULL: no limit
-- :until  only runs booked before this instant; NULL: no limit
--
-- One run costs one credit; a failed run costs none. Undocumented behavior is not a finding: whether a canceled run is
-- charged, and the meaning of unknown charge statuses. `first_extraction` is a known one, which the API has withdrawn:
-- a success that has it, or had it before the API replaced it, cost no credit and is not a finding. Values that may
-- still arrive are not findings either: a running run has no duration, and the charge may arrive with the costs. A
-- success therefore counts as not charged only one day after its end, or 30 days if no cost is known, relative to the
-- newest run.
-- A run can have several findings. Among runs that share a number, each one after the first is a finding.
WITH
-- The cutoffs for a missing charge, counted back from the newest run.
cutoffs AS (
    SELECT date_trunc('SECOND', max(booked_at) - INTERVAL '1' DAY) AS a_day_before,
           date_trunc('SECOND', max(booked_at) - INTERVAL '30' DAY) AS a_month_before
    FROM runs
),
-- The charged runs of each pipeline and number, in order of booking.
charged_runs AS (
    SELECT run_id, number,
           row_number() OVER w AS place,
           first_value(run_id) OVER w AS first_run_id
    FROM runs
    WHERE credit_charge_status = 'charged' AND number IS NOT NULL AND pipeline_id IS NOT NULL
    WINDOW w AS (PARTITION BY number, pipeline_id, pipeline_kind ORDER BY booked_at, snapshot_id)
),
-- The states in which the charge status changed, for runs with more than one observed state. States without a charge
-- status are skipped.
charge_changes AS (
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
-- The runs that became charged more than once, with the first charge, the last state without one, and the last charge.
recharged_runs AS (
    SELECT run_id,
           min(observed_at) FILTER (WHERE charge = 'charged') AS charged_at,
           max(observed_at) FILTER (WHERE charge <> 'charged') AS not_charged_at,
           max(observed_at) FILTER (WHERE charge = 'charged') AS charged_again_at
    FROM charge_changes
    GROUP BY run_id
    HAVING count_if(charge = 'charged') > 1
),
-- All findings, numbered in display order.
findings (place, finding, run_id, why) AS (
    SELECT 1, 'failed but charged', run_id, 'a credit is charged for a run that failed: failed runs cost none'
    FROM runs
    WHERE status = 'failed' AND credit_charge_status = 'charged'
    UNION ALL
    SELECT 2, 'charged twice', run_id,
           format_string('number %d of its pipeline was charged before: for run %s', number, first_run_id)
    FROM charged_runs
    WHERE place > 1
    UNION ALL
    SELECT 2, 'charged twice', r.run_id,
           format_string('charged when seen at %s, not charged at %s, charged again at %s', c.charged_at,
                         c.not_charged_at, c.charged_again_at)
    FROM recharged_runs AS c
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
    -- A duration that the API did not send at all is not a contradiction.
    SELECT 4, 'cost without duration', run_id,
           total_cost_usd_exact || ' USD for a run that is over and has no duration'
    FROM runs
    WHERE status IN ('success', 'failed', 'canceled') AND total_cost_usd_exact <> 0 AND duration_seconds IS NULL
      AND coalesce(instr(absent, '"duration_seconds"'), 0) = 0
    UNION ALL
    SELECT 5, 'successful but not charged', run_id, 'no credit is charged for a run that succeeded: successful runs cost one'
    FROM runs
    CROSS JOIN cutoffs
    WHERE status = 'success' AND credit_charge_status = 'unsuccessful'
      AND coalesce(ended_at, created_at) < CASE WHEN total_cost_usd IS NULL THEN a_month_before ELSE a_day_before END
      AND run_id NOT IN (SELECT run_id FROM run_snapshots WHERE credit_charge_status = 'first_extraction')
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
