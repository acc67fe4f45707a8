-- A ledger for the audit, waste, settling and anomalies questions, with findings computed by hand. A
-- comment explains each row.
INSERT INTO syncs (sync_id, kind, started_at, ended_at, outcome, process_id, program_version, api_url, last_observed_at)
VALUES (1, 'first', '2026-06-01T00:00:00.000000Z', '2026-06-01T00:01:00.000000Z', 'complete', 1, '0.1.0',
        'http://127.0.0.1:1/', '2026-06-01T00:00:30.000000Z');

INSERT INTO pipeline_snapshots (kind, pipeline_id, slug, name, observed_at) VALUES
    ('source', 'a-1', 'pedidos', 'Pedidos', '2026-06-01T00:00:00.000000Z'),
    ('source', 'n-1', 'estoque', 'Estoque', '2026-06-01T00:00:00.000000Z'),
    ('destination', 'w-1', 'carga', 'Carga', '2026-06-01T00:00:00.000000Z');

-- The current states, to the minute; costs in nano-dollars. A run is created when it starts, otherwise
-- when it ends.
WITH written (run_id, number, started, ended, seconds, status, full_sync, charge, el, tr, kind, pipeline, absent) AS (VALUES
    -- For `audit`. Valid; charged although it failed.
    ('audit-01', 1, '2026-01-01T10:00', '2026-01-01T10:01', 60, 'success', 0, 'charged', 100000000, NULL, 'source', 'a-1', NULL),
    ('audit-02', 2, '2026-01-02T10:00', '2026-01-02T10:01', 60, 'failed', 0, 'charged', 200000000, NULL, 'source', 'a-1', NULL),
    -- The same number: also charged; not charged; of another pipeline; without a number.
    ('audit-03', 2, '2026-01-03T10:00', '2026-01-03T10:01', 60, 'success', 0, 'charged', 100000000, NULL, 'source', 'a-1', NULL),
    ('audit-04', 2, '2026-01-04T10:00', '2026-01-04T10:01', 60, 'failed', 0, 'unsuccessful', NULL, NULL, 'source', 'a-1', NULL),
    ('audit-05', 2, '2026-01-05T10:00', '2026-01-05T10:01', 60, 'success', 0, 'charged', 100000000, NULL, 'source', 'a-2', NULL),
    ('audit-06', NULL, '2026-01-06T10:00', '2026-01-06T10:01', 60, 'success', 0, 'charged', 100000000, NULL, 'source', 'a-2', NULL),
    ('audit-07', NULL, '2026-01-07T10:00', '2026-01-07T10:01', 60, 'success', 0, 'charged', 100000000, NULL, 'source', 'a-2', NULL),
    -- Nekt does not document whether a canceled run is charged.
    ('audit-08', 8, '2026-01-08T10:00', '2026-01-08T10:01', 60, 'canceled', 0, 'charged', 0, NULL, 'source', 'a-1', NULL),
    -- Succeeded but not charged: long ago; less than a day before the newest run; without a cost, 29
    -- and 31 days before it.
    ('audit-09', 9, '2026-01-09T10:00', '2026-01-09T10:01', 60, 'success', 0, 'unsuccessful', 100000000, NULL, 'source', 'a-1', NULL),
    ('audit-10', 10, '2026-05-19T12:00', '2026-05-19T12:01', 60, 'success', 0, 'unsuccessful', 100000000, NULL, 'source', 'a-1', NULL),
    ('audit-11', 11, '2026-04-21T12:00', '2026-04-21T12:01', 60, 'success', 0, 'unsuccessful', NULL, NULL, 'source', 'a-1', NULL),
    ('audit-12', 12, '2026-04-19T12:00', '2026-04-19T12:01', 60, 'success', 0, 'unsuccessful', NULL, NULL, 'source', 'a-1', NULL),
    -- A status of an earlier API version, and no status.
    ('audit-13', 13, '2026-01-13T10:00', '2026-01-13T10:01', 60, 'success', 1, 'first_extraction', 0, NULL, 'source', 'a-1', NULL),
    ('audit-14', 14, '2026-01-14T10:00', '2026-01-14T10:01', 60, 'success', 0, NULL, 100000000, NULL, 'source', 'a-1', NULL),
    -- Negative: one part with a positive sum; both parts, of a running run.
    ('audit-15', 15, '2026-01-15T10:00', '2026-01-15T10:01', 60, 'success', 0, 'charged', -250000000, 500000000, 'source', 'a-1', NULL),
    ('audit-16', 16, '2026-01-16T10:00', NULL, NULL, 'running', 0, NULL, -1, -2000000000, 'source', 'a-1', NULL),
    -- A cost without a duration: of an ended run; a running one; one in an unknown status; one with a
    -- cost of zero; one
    -- without that field in the API's JSON.
    ('audit-17', 17, '2026-01-17T10:00', '2026-01-17T10:01', NULL, 'canceled', 0, 'unsuccessful', 30000000, NULL, 'source', 'a-1', NULL),
    ('audit-18', 18, '2026-01-18T10:00', NULL, NULL, 'running', 0, NULL, 30000000, NULL, 'source', 'a-1', NULL),
    ('audit-19', 19, '2026-01-19T10:00', NULL, NULL, 'paused', 0, NULL, 30000000, NULL, 'source', 'a-1', NULL),
    ('audit-20', 20, NULL, '2026-01-20T10:01', NULL, 'canceled', 0, 'unsuccessful', 0, NULL, 'source', 'a-1', NULL),
    ('audit-21', 21, '2026-01-21T10:00', '2026-01-21T10:01', NULL, 'success', 0, 'charged', 30000000, NULL, 'source', 'a-1', '["duration_seconds"]'),
    -- Charged, not charged, charged; charged, unknown, charged; charged, not charged. Their earlier
    -- states are below.
    ('audit-22', 22, '2026-01-22T10:00', '2026-01-22T10:01', 60, 'success', 0, 'charged', 100000000, NULL, 'source', 'a-1', NULL),
    ('audit-23', 23, '2026-01-23T10:00', '2026-01-23T10:01', 60, 'success', 0, 'charged', 100000000, NULL, 'source', 'a-1', NULL),
    ('audit-24', 24, '2026-01-24T10:00', '2026-01-24T10:01', 60, 'failed', 0, 'unsuccessful', 100000000, NULL, 'source', 'a-1', NULL),

    -- For `waste`. Five usual costs, unsorted: the median is 0.15.
    ('waste-01', 1, '2026-02-01T10:00', '2026-02-01T10:10', 600, 'success', 0, 'charged', 100000000, NULL, 'destination', 'w-1', NULL),
    ('waste-02', 2, '2026-02-02T10:00', '2026-02-02T10:10', 600, 'success', 0, 'charged', 300000000, NULL, 'destination', 'w-1', NULL),
    ('waste-03', 3, '2026-02-03T10:00', '2026-02-03T10:10', 600, 'success', 0, 'charged', 150000000, NULL, 'destination', 'w-1', NULL),
    ('waste-04', 4, '2026-02-04T10:00', '2026-02-04T10:10', 600, 'success', 0, 'charged', 100000000, NULL, 'destination', 'w-1', NULL),
    ('waste-05', 5, '2026-02-05T10:00', '2026-02-05T10:10', 600, 'success', 0, 'charged', 200000000, NULL, 'destination', 'w-1', NULL),
    -- Full syncs: exactly 5 times the median; just below; far above, and failed too.
    ('waste-06', 6, '2026-02-06T10:00', '2026-02-06T10:10', 600, 'success', 1, 'charged', 750000000, NULL, 'destination', 'w-1', NULL),
    ('waste-07', 7, '2026-02-07T10:00', '2026-02-07T10:10', 600, 'success', 1, 'charged', 749999999, NULL, 'destination', 'w-1', NULL),
    ('waste-08', 8, '2026-02-08T10:00', '2026-02-08T10:10', 600, 'failed', 1, 'unsuccessful', 1000000000, NULL, 'destination', 'w-1', NULL),
    -- Failed at an unknown cost; canceled at a cost of zero.
    ('waste-09', 9, '2026-02-09T10:00', '2026-02-09T10:10', 600, 'failed', 0, 'unsuccessful', NULL, NULL, 'destination', 'w-1', NULL),
    ('waste-10', 10, '2026-02-10T10:00', '2026-02-10T10:10', 600, 'canceled', 0, 'unsuccessful', 0, NULL, 'destination', 'w-1', NULL),
    -- Two hours; within them; within them, after the run just before had ended; just after them.
    ('waste-11', 11, '2026-02-11T10:00', '2026-02-11T12:00', 7200, 'success', NULL, 'charged', NULL, NULL, 'destination', 'w-1', NULL),
    ('waste-12', 12, '2026-02-11T10:30', '2026-02-11T10:40', 600, 'success', NULL, 'charged', 50000000, NULL, 'destination', 'w-1', NULL),
    ('waste-13', 13, '2026-02-11T11:00', '2026-02-11T11:10', 600, 'success', NULL, 'charged', 70000000, NULL, 'destination', 'w-1', NULL),
    ('waste-14', 14, '2026-02-11T12:00', '2026-02-11T12:10', 600, 'success', NULL, 'charged', 90000000, NULL, 'destination', 'w-1', NULL),
    -- At the same time in another pipeline; then one without a known end, one after it, and one that
    -- was canceled before it
    -- started and so overlaps nothing.
    ('waste-15', 1, '2026-02-11T10:30', '2026-02-11T10:40', 600, 'success', 0, 'charged', 10000000, NULL, 'destination', 'w-2', NULL),
    ('waste-16', 2, '2026-02-12T10:00', NULL, NULL, 'running', 0, NULL, NULL, NULL, 'destination', 'w-2', NULL),
    ('waste-17', 3, NULL, '2026-02-12T12:00', NULL, 'canceled', 0, 'unsuccessful', NULL, NULL, 'destination', 'w-2', NULL),
    ('waste-18', 4, '2026-02-12T11:00', '2026-02-12T11:10', 600, 'success', 0, 'charged', 10000000, NULL, 'destination', 'w-2', NULL),
    -- Costly, with too few usual runs for a comparison.
    ('waste-19', 5, '2026-02-13T10:00', '2026-02-13T10:10', 600, 'success', 1, 'charged', 9000000000, NULL, 'destination', 'w-2', NULL),
    -- Six usual costs with the median 0.1000000005, and full syncs on both sides of 5 times that.
    ('waste-20', 1, '2026-02-20T10:00', '2026-02-20T10:10', 600, 'success', 0, 'charged', 100000000, NULL, 'source', 'w-3', NULL),
    ('waste-21', 2, '2026-02-21T10:00', '2026-02-21T10:10', 600, 'success', 0, 'charged', 100000000, NULL, 'source', 'w-3', NULL),
    ('waste-22', 3, '2026-02-22T10:00', '2026-02-22T10:10', 600, 'success', 0, 'charged', 100000000, NULL, 'source', 'w-3', NULL),
    ('waste-23', 4, '2026-02-23T10:00', '2026-02-23T10:10', 600, 'success', 0, 'charged', 100000001, NULL, 'source', 'w-3', NULL),
    ('waste-24', 5, '2026-02-24T10:00', '2026-02-24T10:10', 600, 'success', 0, 'charged', 200000000, NULL, 'source', 'w-3', NULL),
    ('waste-25', 6, '2026-02-25T10:00', '2026-02-25T10:10', 600, 'success', 0, 'charged', 300000000, NULL, 'source', 'w-3', NULL),
    ('waste-26', 7, '2026-02-26T10:00', '2026-02-26T10:10', 600, 'success', 1, 'charged', 500000002, NULL, 'source', 'w-3', NULL),
    ('waste-27', 8, '2026-02-27T10:00', '2026-02-27T10:10', 600, 'success', 1, 'charged', 500000003, NULL, 'source', 'w-3', NULL),
    -- Of two pipelines, so of neither; two at the same time, which therefore do not overlap.
    ('waste-28', 1, '2026-02-28T10:00', '2026-02-28T10:10', 600, 'failed', 0, 'unsuccessful', 400000000, NULL, NULL, 'w-4', NULL),
    ('waste-29', 2, '2026-02-28T10:05', '2026-02-28T10:15', 600, 'success', 0, 'charged', 400000000, NULL, NULL, 'w-4', NULL),

    -- For `settling`: the final states; the earlier states are below.
    ('settle-1', 1, '2026-03-01T00:30', '2026-03-01T01:00', 1800, 'success', 0, 'charged', 200000000, NULL, 'source', 'z-1', NULL),
    ('settle-2', 2, '2026-03-01T23:30', '2026-03-02T00:00', 1800, 'success', 0, 'charged', 100000000, NULL, 'source', 'z-1', NULL),
    ('settle-3', 3, '2026-03-05T00:30', '2026-03-05T01:00', 1800, 'success', 0, 'charged', 300000000, NULL, 'source', 'z-1', NULL),
    ('settle-4', 1, '2026-03-01T00:30', '2026-03-01T01:00', 1800, 'success', NULL, 'charged', NULL, 100000000, 'transformation', 'z-2', NULL),
    ('settle-5', 2, '2026-03-02T00:30', '2026-03-02T01:00', 1800, 'success', NULL, 'charged', NULL, 100000000, 'transformation', 'z-2', NULL),
    ('settle-6', 1, '2026-03-10T00:00', '2026-03-10T00:10', 600, 'success', 0, 'charged', NULL, NULL, 'destination', 'z-3', NULL)
)
INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, number, created_at, started_at, ended_at, duration_seconds,
    status, full_sync, credit_charge_status, el_cost_usd, el_cost_nanos, transformation_cost_usd, transformation_cost_nanos,
    source, destination, transformation, absent)
SELECT run_id, '2026-06-01T00:00:00.000000Z', 1, zeroblob(32), number, coalesce(started, ended) || ':00.000000Z',
       started || ':00.000000Z', ended || ':00.000000Z', seconds, status, full_sync, charge, el / 1e9, el, tr / 1e9, tr,
       iif(kind IS NULL OR kind = 'source', pipeline, NULL), iif(kind IS NULL OR kind = 'destination', pipeline, NULL),
       iif(kind = 'transformation', pipeline, NULL), absent
FROM written;

-- For `anomalies`: one run a day per pipeline, the last one on the given day; costs in nano-dollars,
-- durations in seconds.
WITH series (pipeline, last_day, costs, seconds, last_status) AS (VALUES
    -- Median 0.1, deviations 0 0 0 0 .01 .01 .01 .01 .01 .01 .02, so 5 times 0.01 to both sides; 0.16
    -- is above.
    ('n-1', '2026-05-20', '[90e6,110e6,90e6,100e6,110e6,100e6,120e6,100e6,90e6,110e6,100e6,160e6]',
     '[100,100,100,100,100,100,100,100,100,100,100,100]', 'success'),
    -- The same, just within the band.
    ('n-2', '2026-05-20', '[90e6,110e6,90e6,100e6,110e6,100e6,120e6,100e6,90e6,110e6,100e6,150e6]',
     '[100,100,100,100,100,100,100,100,100,100,100,100]', 'success'),
    -- No known cost; all durations equal, so a fifth of them to both sides: 480 to 720.
    ('n-3', '2026-05-19', '[null,null,null,null,null,null,null,null,null,null,null]',
     '[600,600,600,600,600,600,600,600,600,600,721]', 'success'),
    -- Only nine runs before.
    ('n-4', '2026-05-20', '[1e8,1e8,1e8,1e8,1e8,1e8,1e8,1e8,1e8,9e9]', '[600,600,600,600,600,600,600,600,600,9999]', 'success'),
    -- The latest run failed; the latest success is usual.
    ('n-5', '2026-05-20', '[1e8,1e8,1e8,1e8,1e8,1e8,1e8,1e8,1e8,1e8,1e8,9e9]',
     '[600,600,600,600,600,600,600,600,600,600,600,9999]', 'failed'),
    -- Below the band in both: a cost of zero, and a duration whose median is between two values.
    ('n-6', '2026-05-20', '[1e9,1e9,1e9,1e9,1e9,1e9,1e9,1e9,1e9,1e9,0]',
     '[601,602,601,602,601,602,601,602,601,602,10]', 'success'),
    -- It has not run for 31 days before the newest run.
    ('n-7', '2026-04-18', '[1e8,1e8,1e8,1e8,1e8,1e8,1e8,1e8,1e8,1e8,9e9]', '[60,60,60,60,60,60,60,60,60,60,60]', 'success'),
    -- Ten times a tiny amount is still tiny.
    ('n-8', '2026-05-20', '[1e6,1e6,1e6,1e6,1e6,1e6,1e6,1e6,1e6,1e6,10e6]', '[2,2,2,2,2,2,2,2,2,2,20]', 'success'),
    -- The latest cost is not known yet, so the one before is judged.
    ('n-9', '2026-05-20', '[1e8,1e8,1e8,1e8,1e8,1e8,1e8,1e8,1e8,1e8,3e8,null]',
     '[60,60,60,60,60,60,60,60,60,60,60,300]', 'success')
)
INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, number, created_at, started_at, ended_at, duration_seconds,
    status, full_sync, credit_charge_status, el_cost_usd, el_cost_nanos, source)
SELECT printf('%s-run-%02d', pipeline, day + 1), '2026-06-01T00:00:00.000000Z', 1, zeroblob(32), day + 1,
       started, started, strftime('%Y-%m-%dT%H:%M:%S.000000Z', started, printf('+%d seconds', lasted)), lasted,
       final_status, 0, iif(final_status = 'success', 'charged', 'unsuccessful'), nanos / 1e9, nanos, pipeline
FROM (
    SELECT pipeline, key AS day, CAST(value AS INTEGER) AS nanos, json_extract(seconds, '$[' || key || ']') AS lasted,
           strftime('%Y-%m-%dT12:00:00.000000Z', last_day, printf('%d days', key + 1 - json_array_length(costs))) AS started,
           iif(key + 1 = json_array_length(costs), last_status, 'success') AS final_status
    FROM series, json_each(costs)
);

-- A pipeline that once cost ten times as much: it got cheaper 25 runs ago, and the 30 runs before the
-- latest are compared.
WITH RECURSIVE days (day) AS (SELECT 1 UNION ALL SELECT day + 1 FROM days WHERE day < 90)
INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, number, created_at, started_at, ended_at, duration_seconds,
    status, full_sync, credit_charge_status, el_cost_usd, el_cost_nanos, transformation)
SELECT printf('n-10-run-%02d', day), '2026-06-01T00:00:00.000000Z', 1, zeroblob(32), day, started, started, started, 0,
       'success', NULL, 'charged', nanos / 1e9, nanos, 'n-10'
FROM (
    SELECT day, strftime('%Y-%m-%dT12:00:00.000000Z', '2026-02-19', printf('+%d days', day)) AS started,
           CASE WHEN day = 90 THEN 1000000000 WHEN day > 64 THEN 100000000 ELSE 1000000000 END AS nanos
    FROM days
);

-- Earlier states: of each the costs, the charge, and the first and last observation.
WITH states (run_id, observed_at, superseded_at, status, ended, charge, el, tr) AS (VALUES
    ('audit-22', '2026-01-22T10:02:00.000000Z', '2026-01-23T00:00:00.000000Z', 'success', 1, 'charged', 100000000, NULL),
    ('audit-22', '2026-01-23T00:00:00.000000Z', '2026-01-24T00:00:00.000000Z', 'success', 1, 'unsuccessful', 100000000, NULL),
    ('audit-23', '2026-01-23T10:02:00.000000Z', '2026-01-24T00:00:00.000000Z', 'success', 1, 'charged', 100000000, NULL),
    ('audit-23', '2026-01-24T00:00:00.000000Z', '2026-01-25T00:00:00.000000Z', 'success', 1, NULL, 100000000, NULL),
    ('audit-24', '2026-01-24T10:02:00.000000Z', '2026-01-25T00:00:00.000000Z', 'failed', 1, 'charged', 100000000, NULL),
    -- The cost arrived an hour after the end, and was corrected two days after it.
    ('settle-1', '2026-03-01T01:10:00.000000Z', '2026-03-01T02:00:00.000000Z', 'success', 1, 'charged', NULL, NULL),
    ('settle-1', '2026-03-01T02:00:00.000000Z', '2026-03-03T01:00:00.000000Z', 'success', 1, 'charged', 100000000, NULL),
    -- Observed while running, then half a second after its end with its cost.
    ('settle-2', '2026-03-01T23:40:00.000000Z', '2026-03-02T00:00:00.500000Z', 'running', 0, 'unsuccessful', NULL, NULL),
    -- Corrected after ten days: sync looks back seven.
    ('settle-3', '2026-03-05T01:10:00.000000Z', '2026-03-15T01:00:00.000000Z', 'success', 1, 'charged', 100000000, NULL),
    -- The cost arrived after twenty days: until then sync requests the run by id.
    ('settle-4', '2026-03-01T01:10:00.000000Z', '2026-03-21T01:00:00.000000Z', 'success', 1, 'charged', NULL, NULL),
    -- A cost that changed while the run was running, and a charge that arrived later: neither counts
    -- as a change.
    ('settle-5', '2026-03-02T00:40:00.000000Z', '2026-03-02T00:50:00.000000Z', 'running', 0, 'unsuccessful', NULL, 50000000),
    ('settle-5', '2026-03-02T00:50:00.000000Z', '2026-03-02T02:00:00.000000Z', 'running', 0, 'unsuccessful', NULL, 100000000),
    -- A cost that disappeared.
    ('settle-6', '2026-03-10T00:10:10.000000Z', '2026-03-10T00:10:30.000000Z', 'success', 1, 'charged', 100000000, NULL)
)
INSERT INTO run_snapshots (run_id, observed_at, superseded_at, sync_id, content_hash, number, created_at, started_at, ended_at,
    status, credit_charge_status, el_cost_usd, el_cost_nanos, transformation_cost_usd, transformation_cost_nanos,
    source, destination, transformation)
SELECT s.run_id, s.observed_at, s.superseded_at, 1, zeroblob(32), r.number, r.created_at, r.started_at, iif(s.ended, r.ended_at, NULL),
       s.status, s.charge, s.el / 1e9, s.el, s.tr / 1e9, s.tr, r.source, r.destination, r.transformation
FROM states AS s
JOIN run_snapshots AS r ON r.run_id = s.run_id AND r.superseded_at IS NULL;

-- The current state is the next one.
UPDATE run_snapshots
SET observed_at = (SELECT max(b.superseded_at) FROM run_snapshots AS b WHERE b.run_id = run_snapshots.run_id)
WHERE superseded_at IS NULL AND run_id IN (SELECT run_id FROM run_snapshots WHERE superseded_at IS NOT NULL);
