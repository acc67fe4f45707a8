-- Which runs contradict Nekt's charging rules? One row per finding and run, ready to send to Nekt's support.
--
-- :from   only runs booked at or after this instant, such as '2026-01-01T00:00:00.000000Z'; unset: no limit
-- :until  only runs booked before this instant; unset: no limit
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
cutoffs AS MATERIALIZED (
    SELECT strftime('%Y-%m-%dT%H:%M:%S', max(booked_at), '-1 day') AS a_day_before,
           strftime('%Y-%m-%dT%H:%M:%S', max(booked_at), '-30 days') AS a_month_before
    FROM runs
),
-- The few candidates, found with the covering index of the reports alone.
candidates AS MATERIALIZED (
    SELECT snapshot_id
    FROM runs
    WHERE (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)
      AND ((status = 'failed' AND credit_charge_status = 'charged')
           OR (status = 'success' AND credit_charge_status = 'unsuccessful')
           OR el_cost_nanos < 0 OR transformation_cost_nanos < 0
           OR (status IN ('success', 'failed', 'canceled') AND total_cost_nanos <> 0 AND duration_seconds IS NULL))
),
-- Their other columns.
candidate_details AS MATERIALIZED (
    SELECT r.snapshot_id, r.run_id, r.status, r.credit_charge_status, r.ended_at, r.created_at, r.duration_seconds, r.absent,
           r.el_cost_nanos AS el, r.transformation_cost_nanos AS tr, r.total_cost_nanos AS nanos
    FROM candidates AS s
    JOIN runs AS r ON r.snapshot_id = s.snapshot_id
),
-- The few numbers with several charged runs of one pipeline. Counting takes a quarter of the time of ordering.
repeated_numbers AS MATERIALIZED (
    SELECT number, pipeline_id, pipeline_kind
    FROM runs
    WHERE credit_charge_status = 'charged' AND number IS NOT NULL AND pipeline_id IS NOT NULL
    GROUP BY number, pipeline_id, pipeline_kind
    HAVING count(*) > 1
),
-- Their charged runs, in order of booking. CROSS JOIN lets SQLite read the runs once.
charged_runs AS (
    SELECT r.snapshot_id, r.number,
           row_number() OVER w AS place,
           first_value(r.snapshot_id) OVER w AS first_snapshot_id
    FROM runs AS r
    CROSS JOIN repeated_numbers AS n
        ON n.number = r.number AND n.pipeline_id = r.pipeline_id AND n.pipeline_kind = r.pipeline_kind
    WHERE r.credit_charge_status = 'charged'
    WINDOW w AS (PARTITION BY r.number, r.pipeline_id, r.pipeline_kind ORDER BY r.booked_at, r.snapshot_id)
),
-- The runs with more than one observed state.
changed_runs AS MATERIALIZED (
    SELECT DISTINCT run_id FROM run_snapshots WHERE coalesce(superseded_at, '') <> ''
),
-- Their states in which the charge status changed. States without a charge status are skipped.
charge_changes AS (
    SELECT run_id, observed_at, credit_charge_status AS charge
    FROM (
        SELECT run_id, observed_at, credit_charge_status,
               lag(credit_charge_status) OVER (PARTITION BY run_id ORDER BY observed_at) AS charge_before
        FROM run_snapshots
        WHERE run_id IN (SELECT run_id FROM changed_runs) AND credit_charge_status IS NOT NULL
    )
    WHERE credit_charge_status IS NOT charge_before
),
-- The runs that became charged more than once, with the first charge, the last state without one, and the last charge.
recharged_runs AS (
    SELECT run_id,
           min(observed_at) FILTER (WHERE charge = 'charged') AS charged_at,
           max(observed_at) FILTER (WHERE charge <> 'charged') AS not_charged_at,
           max(observed_at) FILTER (WHERE charge = 'charged') AS charged_again_at
    FROM charge_changes
    GROUP BY run_id
    HAVING count(*) FILTER (WHERE charge = 'charged') > 1
),
-- All findings, numbered in display order.
findings (place, finding, snapshot_id, why) AS (
    SELECT 1, 'failed but charged', snapshot_id, 'a credit is charged for a run that failed: failed runs cost none'
    FROM candidate_details
    WHERE status = 'failed' AND credit_charge_status = 'charged'
    UNION ALL
    SELECT 2, 'charged twice', n.snapshot_id,
           printf('number %d of its pipeline was charged before: for run %s', n.number, f.run_id)
    FROM charged_runs AS n
    JOIN runs AS f ON f.snapshot_id = n.first_snapshot_id
    WHERE n.place > 1
    UNION ALL
    SELECT 2, 'charged twice', r.snapshot_id,
           printf('charged when seen at %s, not charged at %s, charged again at %s', c.charged_at, c.not_charged_at,
                  c.charged_again_at)
    FROM recharged_runs AS c
    JOIN runs AS r ON r.run_id = c.run_id
    WHERE r.credit_charge_status = 'charged'
    UNION ALL
    SELECT 3, 'negative cost', snapshot_id,
           'no run costs less than nothing: '
               || iif(el < 0, printf('el_cost_usd is -%d.%09d', -el / 1000000000, -el % 1000000000), '')
               || iif(el < 0 AND tr < 0, ', ', '')
               || iif(tr < 0, printf('transformation_cost_usd is -%d.%09d', -tr / 1000000000, -tr % 1000000000), '')
    FROM candidate_details
    WHERE el < 0 OR tr < 0
    UNION ALL
    -- A duration that the API did not send at all is not a contradiction.
    SELECT 4, 'cost without duration', snapshot_id,
           printf('%s%d.%09d USD for a run that is over and has no duration', iif(nanos < 0, '-', ''),
                  abs(nanos) / 1000000000, abs(nanos) % 1000000000)
    FROM candidate_details
    WHERE status IN ('success', 'failed', 'canceled') AND nanos <> 0 AND duration_seconds IS NULL
      AND coalesce(instr(absent, '"duration_seconds"'), 0) = 0
    UNION ALL
    SELECT 5, 'successful but not charged', snapshot_id, 'no credit is charged for a run that succeeded: successful runs cost one'
    FROM candidate_details, cutoffs
    WHERE status = 'success' AND credit_charge_status = 'unsuccessful'
      AND coalesce(ended_at, created_at) < iif(nanos IS NULL, a_month_before, a_day_before)
      AND NOT EXISTS (SELECT 1 FROM run_snapshots AS s
                      WHERE s.run_id = candidate_details.run_id AND s.credit_charge_status = 'first_extraction')
),
-- With the columns of the runs. Sorting happens below, so that each run is looked up by snapshot_id, also with
-- --as-of.
details AS MATERIALIZED (
    SELECT f.place, f.finding, f.why, r.*
    FROM findings AS f
    JOIN runs AS r ON r.snapshot_id = f.snapshot_id
    WHERE (:from IS NULL OR r.booked_at >= :from) AND (:until IS NULL OR r.booked_at < :until)
)
SELECT finding,
       run_id,
       pipeline_name,
       pipeline_id,
       pipeline_kind,
       number,
       status,
       credit_charge_status,
       booked_at,
       CASE WHEN total_cost_nanos IS NOT NULL
            THEN printf('%s%d.%09d', iif(total_cost_nanos < 0, '-', ''), abs(total_cost_nanos) / 1000000000,
                        abs(total_cost_nanos) % 1000000000)
       END AS total_cost_usd,
       duration_seconds,
       why
FROM details
ORDER BY place, booked_at, run_id, why;
