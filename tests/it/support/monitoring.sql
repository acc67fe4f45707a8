-- A ledger for the questions about runs that have not ended and about recovery, with figures computed by hand. A
-- comment explains each row. The moment is the end of the last complete sync: 1 June 2026, 12:00 UTC.
INSERT INTO syncs (sync_id, kind, started_at, ended_at, outcome, walk_complete, process_id, program_version, api_url,
                   last_observed_at) VALUES
    (1, 'first', '2026-06-01T11:59:00.000000Z', '2026-06-01T12:00:00.500000Z', 'complete', 1, 1, '0.1.0',
     'http://127.0.0.1:1/', '2026-06-01T12:00:00.400000Z'),
    (2, 'incremental', '2026-06-01T12:30:00.000000Z', '2026-06-01T12:31:00.000000Z', 'failed', 0, 1, '0.1.0',
     'http://127.0.0.1:1/', '2026-06-01T12:30:00.000000Z');

INSERT INTO pipeline_snapshots (kind, pipeline_id, slug, name, active, observed_at, settings) VALUES
    -- Disabled after five failures in a row, three, and without a limit.
    ('source', 'p-1', 'pedidos', 'Pedidos', 1, '2026-06-01T11:59:00.000000Z', '{"settings_max_consecutive_failures":5}'),
    ('source', 'p-2', 'estoque', 'Estoque 📦', 1, '2026-06-01T11:59:00.000000Z', '{"settings_max_consecutive_failures":3}'),
    ('transformation', 'p-3', 'receita', 'Receita', 0, '2026-06-01T11:59:00.000000Z', '{"settings_max_consecutive_failures":0}'),
    ('destination', 'p-4', 'carga', 'Carga', 1, '2026-06-01T11:59:00.000000Z', NULL);

-- Successful runs of p-1, daily at midnight, from 1 January on: 1 s, 2 s, … 100 s. The newest is of 10 April. The last
-- 90 days before the moment begin on 3 March at 12:00, so the 38 from 4 March on are recent: 63 s to 100 s. Each waited
-- a minute.
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, number, created_at, started_at, ended_at,
                           duration_seconds, status, trigger_type, credit_charge_status, el_cost_usd, el_cost_nanos, source)
SELECT printf('day-%03d', i), '2026-06-01T11:59:00.000000Z', 1, zeroblob(32), i,
       strftime('%Y-%m-%dT%H:%M:%S.000000Z', '2025-12-31T23:59:00', (i - 1) || ' days'),
       strftime('%Y-%m-%dT%H:%M:%S.000000Z', '2026-01-01', (i - 1) || ' days'),
       strftime('%Y-%m-%dT%H:%M:%S.000000Z', '2026-01-01', (i - 1) || ' days', i || ' seconds'),
       i, 'success', 'cron', 'charged', 0.01, 10000000, 'p-1'
FROM n;

-- The other states, to the minute; costs in nano-dollars.
WITH written (run_id, created, started, ended, seconds, status, cost, kind, pipeline) AS (VALUES
    -- For `open`. p-2 ran four times, which is too few; p-3 five times, 10 minutes each, long ago, after no wait.
    ('few-1', '2026-05-01T08:00', '2026-05-01T08:00', '2026-05-01T08:10', 600, 'success', 1, 'source', 'p-2'),
    ('few-2', '2026-05-02T08:00', '2026-05-02T08:00', '2026-05-02T08:10', 600, 'success', 1, 'source', 'p-2'),
    ('few-3', '2026-05-03T08:00', '2026-05-03T08:00', '2026-05-03T08:10', 600, 'success', 1, 'source', 'p-2'),
    ('few-4', '2026-05-04T08:00', '2026-05-04T08:00', '2026-05-04T08:10', 600, 'success', 1, 'source', 'p-2'),
    ('old-1', '2025-05-01T08:00', '2025-05-01T08:00', '2025-05-01T08:10', 600, 'success', 1, 'transformation', 'p-3'),
    ('old-2', '2025-05-02T08:00', '2025-05-02T08:00', '2025-05-02T08:10', 600, 'success', 1, 'transformation', 'p-3'),
    ('old-3', '2025-05-03T08:00', '2025-05-03T08:00', '2025-05-03T08:10', 600, 'success', 1, 'transformation', 'p-3'),
    ('old-4', '2025-05-04T08:00', '2025-05-04T08:00', '2025-05-04T08:10', 600, 'success', 1, 'transformation', 'p-3'),
    ('old-5', '2025-05-05T08:00', '2025-05-05T08:00', '2025-05-05T08:10', 600, 'success', 1, 'transformation', 'p-3'),
    -- Running for 15 minutes; queued for 3 minutes; cancelling for two hours.
    ('open-1', '2026-06-01T11:40', '2026-06-01T11:45', NULL, NULL, 'running', NULL, 'source', 'p-1'),
    ('open-2', '2026-06-01T11:57', NULL, NULL, NULL, 'queued', NULL, 'source', 'p-1'),
    ('open-3', '2026-06-01T09:59', '2026-06-01T10:00', NULL, NULL, 'cancelling', NULL, 'source', 'p-1'),
    -- Too few runs to compare with; exactly twice as long as usual; waiting for three times as long.
    ('open-4', '2026-06-01T06:00', '2026-06-01T06:00', NULL, NULL, 'running', NULL, 'source', 'p-2'),
    ('open-5', '2026-06-01T11:40', '2026-06-01T11:40', NULL, NULL, 'running', NULL, 'transformation', 'p-3'),
    ('open-6', '2026-06-01T11:30', NULL, NULL, NULL, 'pending_events', NULL, 'transformation', 'p-3'),
    -- An unknown status, without a pipeline; no status; begun after the moment; without any instant.
    ('open-7', '2026-06-01T11:00', '2026-06-01T11:00', NULL, NULL, 'retrying', NULL, NULL, NULL),
    ('open-8', '2026-06-01T11:59', '2026-06-01T11:59', NULL, NULL, NULL, NULL, 'source', 'p-1'),
    ('open-9', '2026-06-01T12:20', '2026-06-01T12:20', NULL, NULL, 'running', NULL, 'source', 'p-1'),
    ('open-A', NULL, NULL, NULL, NULL, 'queued', NULL, 'destination', 'p-4'),
    -- Ended, although the status is unknown; vanished from the API.
    ('over-1', '2026-06-01T11:00', '2026-06-01T11:00', '2026-06-01T11:10', 600, 'retrying', 1, 'source', 'p-1'),
    ('over-2', '2026-06-01T08:00', '2026-06-01T08:00', NULL, NULL, 'running', NULL, 'source', 'p-1'),
    -- For `recovery`. p-1 has failed three times since its last success; a canceled run changes nothing.
    ('fail-1', '2026-05-30T00:00', '2026-05-30T00:00', '2026-05-30T00:30', 1800, 'failed', 100000000, 'source', 'p-1'),
    ('fail-2', '2026-05-31T00:00', '2026-05-31T00:00', '2026-05-31T00:30', 1800, 'failed', NULL, 'source', 'p-1'),
    ('stop-1', '2026-05-31T12:00', '2026-05-31T12:00', '2026-05-31T12:01', 60, 'canceled', 5000000, 'source', 'p-1'),
    ('fail-3', '2026-06-01T00:00', '2026-06-01T00:00', '2026-06-01T00:30', 1800, 'failed', 200000000, 'source', 'p-1'),
    -- Four failures of the pipeline with the slug estoque, one more than the limit, and no success.
    ('slug-1', '2026-05-31T09:00', '2026-05-31T09:00', '2026-05-31T09:01', 60, 'failed', 1, 'source', 'estoque'),
    ('slug-2', '2026-05-31T10:00', '2026-05-31T10:00', '2026-05-31T10:01', 60, 'failed', 1, 'source', 'estoque'),
    ('slug-3', '2026-05-31T11:00', '2026-05-31T11:00', '2026-05-31T11:01', 60, 'failed', 1, 'source', 'estoque'),
    ('slug-4', '2026-05-31T12:00', '2026-05-31T12:00', '2026-05-31T12:01', 60, 'failed', 1, 'source', 'estoque'),
    -- One failure of a pipeline without a limit, at an unknown cost; one at the instant of the success that ends it.
    ('none-1', '2026-05-20T08:00', '2026-05-20T08:00', '2026-05-20T08:01', 60, 'failed', NULL, 'transformation', 'p-3'),
    ('same-1', '2025-05-03T08:00', '2025-05-03T08:00', '2025-05-03T08:01', 60, 'failed', 30000000, 'transformation', 'p-3'),
    -- Three single failures within 30 days, of which one costs less than nothing.
    ('flak-1', '2026-03-01T08:00', '2026-03-01T08:00', '2026-03-01T08:01', 60, 'failed', 10000000, 'destination', 'p-4'),
    ('good-1', '2026-03-01T09:00', '2026-03-01T09:00', '2026-03-01T09:10', 600, 'success', 1, 'destination', 'p-4'),
    ('flak-2', '2026-03-10T08:00', '2026-03-10T08:00', '2026-03-10T08:01', 60, 'failed', -20000000, 'destination', 'p-4'),
    ('good-2', '2026-03-10T09:00', '2026-03-10T09:00', '2026-03-10T09:10', 600, 'success', 1, 'destination', 'p-4'),
    ('flak-3', '2026-03-20T08:00', '2026-03-20T08:00', '2026-03-20T08:01', 60, 'failed', 10000000, 'destination', 'p-4'),
    -- The success ended at an unknown time.
    ('good-3', '2026-03-20T09:00', '2026-03-20T09:00', NULL, 600, 'success', 1, 'destination', 'p-4'),
    -- Two in a row; three in a row with a canceled run between; a single failure, long after the others.
    ('pair-1', '2026-03-21T08:00', '2026-03-21T08:00', '2026-03-21T08:01', 60, 'failed', 10000000, 'destination', 'p-4'),
    ('pair-2', '2026-03-21T09:00', '2026-03-21T09:00', '2026-03-21T09:01', 60, 'failed', 10000000, 'destination', 'p-4'),
    ('good-4', '2026-03-21T10:00', '2026-03-21T10:00', '2026-03-21T10:10', 600, 'success', 1, 'destination', 'p-4'),
    ('long-1', '2026-04-01T08:00', '2026-04-01T08:00', '2026-04-01T08:01', 60, 'failed', 10000000, 'destination', 'p-4'),
    ('long-2', '2026-04-01T09:00', '2026-04-01T09:00', '2026-04-01T09:01', 60, 'failed', 10000000, 'destination', 'p-4'),
    ('stop-2', '2026-04-01T10:00', '2026-04-01T10:00', '2026-04-01T10:01', 60, 'canceled', 10000000, 'destination', 'p-4'),
    ('long-3', '2026-04-01T11:00', '2026-04-01T11:00', '2026-04-01T11:01', 60, 'failed', 10000000, 'destination', 'p-4'),
    ('good-5', '2026-04-02T08:00', '2026-04-02T08:00', '2026-04-02T08:10', 600, 'success', 1, 'destination', 'p-4'),
    ('once-1', '2026-05-15T08:00', '2026-05-15T08:00', '2026-05-15T08:01', 60, 'failed', 10000000, 'destination', 'p-4'),
    ('good-6', '2026-05-15T09:00', '2026-05-15T09:00', '2026-05-15T09:10', 600, 'success', 1, 'destination', 'p-4'),
    -- Of no pipeline, and without any date.
    ('lost-1', '2026-05-15T08:00', '2026-05-15T08:00', '2026-05-15T08:01', 60, 'failed', 1, NULL, NULL),
    ('lost-2', NULL, NULL, NULL, 60, 'failed', 1, 'destination', 'p-4')
)
INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, created_at, started_at, ended_at,
                           duration_seconds, status, trigger_type, el_cost_usd, el_cost_nanos, source, destination,
                           transformation)
SELECT run_id, '2026-06-01T11:59:00.000000Z', 1, zeroblob(32), created || ':00.000000Z', started || ':00.000000Z',
       ended || ':00.000000Z', seconds, status, 'cron', cost / 1e9, cost,
       iif(kind = 'source', pipeline, NULL), iif(kind = 'destination', pipeline, NULL),
       iif(kind = 'transformation', pipeline, NULL)
FROM written;

INSERT INTO vanishings (run_id, vanished_at, returned_at, sync_id)
VALUES ('over-2', '2026-06-01T11:59:30.000000Z', NULL, 1);
