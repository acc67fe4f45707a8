-- Which runs contradict how Nekt charges, and should be asked about? A row for each finding and run, ready for Nekt's support.
--
-- :from   only runs booked at or after this instant, as stored: '2026-01-01T00:00:00.000000Z'; not set: no limit
-- :until  only runs booked before this instant; not set: no limit
--
-- A credit is one run; a failed run costs none. What nobody has promised is no finding: whether a canceled run
-- is charged, and what charge words other than `charged` and `unsuccessful` mean. Nor is what may still come:
-- a run under way has no duration, and a charge may arrive with the costs, so a success counts as not charged
-- only a day after its end, or 30 days where no cost is known. Time is told by the newest run that is archived.
-- A run can have several findings. Of runs that share a number, the first is right and each later one a finding.
WITH
-- How far the ledger has seen.
newest AS MATERIALIZED (
    SELECT strftime('%Y-%m-%dT%H:%M:%S', max(booked_at), '-1 day') AS a_day_before,
           strftime('%Y-%m-%dT%H:%M:%S', max(booked_at), '-30 days') AS a_month_before
    FROM runs
),
-- The few runs that may have a finding of their own, found in the reports' index alone.
suspects AS MATERIALIZED (
    SELECT snapshot_id
    FROM runs
    WHERE (:from IS NULL OR booked_at >= :from) AND (:until IS NULL OR booked_at < :until)
      AND ((status = 'failed' AND credit_charge_status = 'charged')
           OR (status = 'success' AND credit_charge_status = 'unsuccessful')
           OR el_cost_nanos < 0 OR transformation_cost_nanos < 0
           OR (status IN ('success', 'failed', 'canceled') AND total_cost_nanos <> 0 AND duration_seconds IS NULL))
),
-- The same with all that is known of them.
suspected AS MATERIALIZED (
    SELECT r.snapshot_id, r.status, r.credit_charge_status, r.ended_at, r.created_at, r.duration_seconds, r.absent,
           r.el_cost_nanos AS el, r.transformation_cost_nanos AS tr, r.total_cost_nanos AS nanos
    FROM suspects AS s
    JOIN runs AS r ON r.snapshot_id = s.snapshot_id
),
-- The charged runs of each pipeline and number, the first one first.
numbered AS (
    SELECT snapshot_id, number,
           row_number() OVER w AS place,
           first_value(snapshot_id) OVER w AS first_snapshot_id
    FROM runs
    WHERE credit_charge_status = 'charged' AND number IS NOT NULL AND pipeline_id IS NOT NULL
    WINDOW w AS (PARTITION BY number, pipeline_id, pipeline_kind ORDER BY booked_at, snapshot_id)
),
-- The runs of which more than one state was seen.
changed AS MATERIALIZED (
    SELECT DISTINCT run_id FROM run_snapshots WHERE coalesce(superseded_at, '') <> ''
),
-- Each state of them in which the charge was another than before; one that does not tell is left out.
charges AS (
    SELECT run_id, observed_at, credit_charge_status AS charge
    FROM (
        SELECT run_id, observed_at, credit_charge_status,
               lag(credit_charge_status) OVER (PARTITION BY run_id ORDER BY observed_at) AS charge_before
        FROM run_snapshots
        WHERE run_id IN (SELECT run_id FROM changed) AND credit_charge_status IS NOT NULL
    )
    WHERE credit_charge_status IS NOT charge_before
),
-- The runs that came to be charged more than once: the first time, the last time it was not so, and the last time.
recharged AS (
    SELECT run_id,
           min(observed_at) FILTER (WHERE charge = 'charged') AS charged_at,
           max(observed_at) FILTER (WHERE charge <> 'charged') AS not_charged_at,
           max(observed_at) FILTER (WHERE charge = 'charged') AS charged_again_at
    FROM charges
    GROUP BY run_id
    HAVING count(*) FILTER (WHERE charge = 'charged') > 1
),
-- Every finding, in the order in which they are shown.
findings (place, finding, snapshot_id, why) AS (
    SELECT 1, 'failed but charged', snapshot_id, 'a credit is charged for a run that failed: failed runs cost none'
    FROM suspected
    WHERE status = 'failed' AND credit_charge_status = 'charged'
    UNION ALL
    SELECT 2, 'charged twice', n.snapshot_id,
           printf('number %d of its pipeline was charged before: for run %s', n.number, f.run_id)
    FROM numbered AS n
    JOIN runs AS f ON f.snapshot_id = n.first_snapshot_id
    WHERE n.place > 1
    UNION ALL
    SELECT 2, 'charged twice', r.snapshot_id,
           printf('charged when seen at %s, not charged at %s, charged again at %s', c.charged_at, c.not_charged_at,
                  c.charged_again_at)
    FROM recharged AS c
    JOIN runs AS r ON r.run_id = c.run_id
    WHERE r.credit_charge_status = 'charged'
    UNION ALL
    SELECT 3, 'negative cost', snapshot_id,
           'no run costs less than nothing: '
               || iif(el < 0, printf('el_cost_usd is -%d.%09d', -el / 1000000000, -el % 1000000000), '')
               || iif(el < 0 AND tr < 0, ', ', '')
               || iif(tr < 0, printf('transformation_cost_usd is -%d.%09d', -tr / 1000000000, -tr % 1000000000), '')
    FROM suspected
    WHERE el < 0 OR tr < 0
    UNION ALL
    -- A field that the API did not even send contradicts nothing.
    SELECT 4, 'cost without duration', snapshot_id,
           printf('%s%d.%09d USD for a run that is over and has no duration', iif(nanos < 0, '-', ''),
                  abs(nanos) / 1000000000, abs(nanos) % 1000000000)
    FROM suspected
    WHERE status IN ('success', 'failed', 'canceled') AND nanos <> 0 AND duration_seconds IS NULL
      AND coalesce(instr(absent, '"duration_seconds"'), 0) = 0
    UNION ALL
    SELECT 5, 'successful but not charged', snapshot_id, 'no credit is charged for a run that succeeded: successful runs cost one'
    FROM suspected, newest
    WHERE status = 'success' AND credit_charge_status = 'unsuccessful'
      AND coalesce(ended_at, created_at) < iif(nanos IS NULL, a_month_before, a_day_before)
),
-- What else is told of the runs. They are put in order below, so that each is looked up by its number in the past too.
told AS MATERIALIZED (
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
FROM told
ORDER BY place, booked_at, run_id, why;
