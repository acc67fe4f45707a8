-- A small ledger with figures that can be computed by hand. A comment explains each row.
INSERT INTO syncs (sync_id, kind, started_at, ended_at, outcome, process_id, program_version, api_url, last_observed_at)
VALUES (1, 'first', '2026-06-01T00:00:00.000000Z', '2026-06-01T00:01:00.000000Z', 'complete', 1, '0.1.0',
        'http://127.0.0.1:1/', '2026-06-01T00:00:30.000000Z');

INSERT INTO pipeline_snapshots (kind, pipeline_id, slug, name, active, observed_at) VALUES
    -- Two pipelines with the same name.
    ('source', 's-1', 'vendas', 'Vendas', 1, '2026-06-01T00:00:00.000000Z'),
    ('source', 's-2', 'vendas-2', 'Vendas', 1, '2026-06-01T00:00:00.000000Z'),
    -- A name that CSV, Markdown, a terminal and a spreadsheet could misread.
    ('destination', 'd-1', NULL, '=1+2|"a, b"' || char(10) || '👩‍🚀 <ação>', 1, '2026-06-01T00:00:00.000000Z'),
    ('transformation', 't-1', 'modelo', NULL, 1, '2026-06-01T00:00:00.000000Z'),
    -- Never ran.
    ('source', 's-9', 'parado', 'Parado', 0, '2026-06-01T00:00:00.000000Z');

-- The current states.
INSERT INTO run_snapshots (snapshot_id, run_id, observed_at, sync_id, content_hash, number, created_at, started_at, ended_at,
    duration_seconds, status, "trigger", trigger_type, credit_charge_status, el_cost_usd, el_cost_nanos,
    transformation_cost_usd, transformation_cost_nanos, source, destination, transformation, el_cost_metadata) VALUES
    (1, 'run-01', '2026-01-05T12:30:00.250000Z', 1, zeroblob(32), 1, '2026-01-05T09:59:50.000000Z',
     '2026-01-05T10:00:00.000000Z', '2026-01-05T10:01:40.000000Z', 100, 'success', '{"type":"cron"}', 'cron', 'charged',
     0.1, 100000000, NULL, NULL, 's-1', NULL, NULL, '{"vcpu":0.1,' || char(10) || '"rows":[1,2]}'),
    -- Both costs, in one month with one cost.
    (2, 'run-02', '2026-06-01T00:00:01.000000Z', 1, zeroblob(32), 2, '2026-01-05T10:59:40.000000Z',
     '2026-01-05T11:00:00.000000Z', '2026-01-05T11:03:20.000000Z', 200, 'success', '{"type":"cron"}', 'cron', 'charged',
     0.2, 200000000, 0.05, 50000000, 's-2', NULL, NULL, NULL),
    -- January in UTC and in São Paulo, and a second that SQLite's strftime rounds up.
    (3, 'run-03', '2026-06-01T00:00:02.000000Z', 1, zeroblob(32), 3, '2026-01-31T23:29:59.000000Z',
     '2026-01-31T23:30:00.999700Z', '2026-01-31T23:30:50.999700Z', 50, 'failed', '{"type":"event"}', 'event',
     'not_charged', NULL, NULL, 0.123456789, 123456789, NULL, NULL, 't-1', NULL),
    -- February in UTC, January in São Paulo.
    (4, 'run-04', '2026-06-01T00:00:03.000000Z', 1, zeroblob(32), 4, '2026-02-01T02:29:00.000000Z',
     '2026-02-01T02:30:00.000000Z', '2026-02-01T02:36:40.000000Z', 400, 'success', '{"type":"manual"}', 'manual', 'charged',
     1.000000001, 1000000001, NULL, NULL, NULL, 'd-1', NULL, NULL),
    -- In progress: neither cost nor duration.
    (5, 'run-05', '2026-06-01T00:00:04.000000Z', 1, zeroblob(32), 5, '2026-02-10T08:00:00.000000Z',
     '2026-02-10T08:00:00.000000Z', NULL, NULL, 'running', '{"type":"cron"}', 'cron', NULL,
     NULL, NULL, NULL, NULL, 's-1', NULL, NULL, NULL),
    -- A month with only unknown costs: one run ended, one not started and so booked at its creation.
    (6, 'run-06', '2026-06-01T00:00:05.000000Z', 1, zeroblob(32), 6, '2026-03-15T07:59:59.500000Z',
     '2026-03-15T08:00:00.000000Z', '2026-03-15T08:00:10.000000Z', 10, 'success', '{"type":"cron"}', 'cron', 'charged',
     NULL, NULL, NULL, NULL, 's-1', NULL, NULL, NULL),
    (7, 'run-07', '2026-06-01T00:00:06.000000Z', 1, zeroblob(32), 7, '2026-03-20T08:00:00.000000Z',
     NULL, NULL, NULL, 'queued', '{"type":"cron"}', 'cron', NULL,
     NULL, NULL, NULL, NULL, NULL, NULL, 't-1', NULL),
    -- Without any instant.
    (8, 'run-08', '2026-06-01T00:00:07.000000Z', 1, zeroblob(32), 8, NULL,
     NULL, NULL, NULL, 'failed', NULL, NULL, 'not_charged',
     0.5, 500000000, NULL, NULL, 's-2', NULL, NULL, NULL),
    -- A refund, and a share that is exactly half a nano-dollar: -0.249999999 for two is -0.125000000, the even one.
    (9, 'run-09', '2026-06-01T00:00:08.000000Z', 1, zeroblob(32), 9, '2026-04-01T00:00:00.000000Z',
     '2026-04-01T00:00:00.000000Z', '2026-04-01T00:00:00.000000Z', 0, 'canceled', '{"type":"manual"}', 'manual',
     'not_charged', -0.25, -250000000, NULL, NULL, 's-2', NULL, NULL, NULL),
    (10, 'run-10', '2026-06-01T00:00:09.000000Z', 1, zeroblob(32), 10, '2026-04-01T00:00:00.000000Z',
     '2026-04-01T00:00:00.000000Z', '2026-04-01T00:00:01.000000Z', 1, 'success', '{"type":"manual"}', 'manual', 'charged',
     1e-9, 1, NULL, NULL, 's-2', NULL, NULL, NULL),
    -- Two pipelines, so it belongs to neither; and an unknown status.
    (11, 'run-11', '2026-06-01T00:00:10.000000Z', 1, zeroblob(32), 11, '2026-05-01T00:00:00.000000Z',
     '2026-05-01T00:00:30.000000Z', '2026-05-01T00:01:40.000000Z', 70, 'paused', '{"type":"manual"}', 'manual', 'charged',
     2.0, 2000000000, 0.0, 0, 's-1', 'd-1', NULL, NULL),
    -- Names its pipeline by slug.
    (12, 'run-12', '2026-06-01T00:00:11.000000Z', 1, zeroblob(32), 12, '2026-05-02T00:00:00.000000Z',
     '2026-05-02T00:00:10.000000Z', '2026-05-02T00:00:40.000000Z', 30, 'failed', '{"type":"cron"}', 'cron', 'not_charged',
     0.03, 30000000, NULL, NULL, 'vendas', NULL, NULL, NULL);

-- Earlier states: run-01's cost was unknown at success, then 0.08, then 0.1; run-02 was 0.24 at success.
INSERT INTO run_snapshots (snapshot_id, run_id, observed_at, superseded_at, sync_id, content_hash, created_at, started_at,
    status, el_cost_usd, el_cost_nanos, transformation_cost_usd, transformation_cost_nanos, source) VALUES
    (101, 'run-01', '2026-01-05T09:59:55.000000Z', '2026-01-05T10:00:30.500000Z', 1, zeroblob(32),
     '2026-01-05T09:59:50.000000Z', NULL, 'queued', NULL, NULL, NULL, NULL, 's-1'),
    (102, 'run-01', '2026-01-05T10:00:30.500000Z', '2026-01-05T10:30:00.250000Z', 1, zeroblob(32),
     '2026-01-05T09:59:50.000000Z', '2026-01-05T10:00:00.000000Z', 'running', NULL, NULL, NULL, NULL, 's-1'),
    (103, 'run-01', '2026-01-05T10:30:00.250000Z', '2026-01-05T11:30:00.250000Z', 1, zeroblob(32),
     '2026-01-05T09:59:50.000000Z', '2026-01-05T10:00:00.000000Z', 'success', NULL, NULL, NULL, NULL, 's-1'),
    (104, 'run-01', '2026-01-05T11:30:00.250000Z', '2026-01-05T12:30:00.250000Z', 1, zeroblob(32),
     '2026-01-05T09:59:50.000000Z', '2026-01-05T10:00:00.000000Z', 'success', 0.08, 80000000, NULL, NULL, 's-1'),
    (105, 'run-02', '2026-01-05T11:00:10.000000Z', '2026-01-05T11:04:00.000000Z', 1, zeroblob(32),
     '2026-01-05T10:59:40.000000Z', '2026-01-05T11:00:00.000000Z', 'running', NULL, NULL, NULL, NULL, 's-2'),
    (106, 'run-02', '2026-01-05T11:04:00.000000Z', '2026-06-01T00:00:01.000000Z', 1, zeroblob(32),
     '2026-01-05T10:59:40.000000Z', '2026-01-05T11:00:00.000000Z', 'success', 0.2, 200000000, 0.04, 40000000, 's-2');
