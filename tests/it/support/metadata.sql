-- Runs with metadata whose figures can be computed by hand. A comment explains each row.
INSERT INTO syncs (sync_id, kind, started_at, ended_at, outcome, process_id, program_version, api_url, last_observed_at)
VALUES (1, 'first', '2026-03-01T00:00:00.000000Z', '2026-03-01T00:01:00.000000Z', 'complete', 1, '0.1.0',
        'http://127.0.0.1:1/', '2026-03-01T00:00:30.000000Z');

INSERT INTO run_snapshots (snapshot_id, run_id, observed_at, sync_id, content_hash, created_at, started_at, duration_seconds,
    status, el_cost_usd, el_cost_nanos, transformation_cost_usd, transformation_cost_nanos, source, transformation,
    el_cost_metadata, transformation_cost_metadata, extra_config) VALUES
    -- A total beside its parts, and one value of each type.
    (1, 'run-1', '2026-03-01T00:00:01.000000Z', 1, zeroblob(32), '2026-01-05T10:00:00.000000Z',
     '2026-01-05T10:00:00.000000Z', 100, 'success', 1.0, 1000000000, NULL, NULL, 's-1', NULL,
     '{"compute":{"instance_type":"m5.large","usd":0.6},"network":{"usd":0.3},"size":2,"spot":true,"total_usd":0.9,"zones":["a","b"]}',
     NULL, NULL),
    -- null instead of an amount, the text "2" instead of the number, an array without elements.
    (2, 'run-2', '2026-03-01T00:00:02.000000Z', 1, zeroblob(32), '2026-01-06T10:00:00.000000Z',
     '2026-01-06T10:00:00.000000Z', 200, 'success', 2.0, 2000000000, NULL, NULL, 's-1', NULL,
     '{"compute":{"instance_type":"m5.large","usd":1.5},"network":{"usd":null},"size":"2","spot":false,"zones":[]}',
     NULL, NULL),
    -- Two amounts in one array.
    (3, 'run-3', '2026-03-01T00:00:03.000000Z', 1, zeroblob(32), '2026-02-01T10:00:00.000000Z',
     '2026-02-01T10:00:00.000000Z', 300, 'success', 0.5, 500000000, NULL, NULL, 's-2', NULL,
     '{"compute":{"instance_type":"c5.xlarge","usd":0.1},"items":[{"usd":0.1},{"usd":0.2}],"size":10}', NULL, NULL),
    -- The other columns, and keys with a space, a dot, a comma and a quote.
    (4, 'run-4', '2026-03-01T00:00:04.000000Z', 1, zeroblob(32), '2026-02-02T10:00:00.000000Z',
     '2026-02-02T10:00:00.000000Z', 400, 'success', NULL, NULL, 4.0, 4000000000, NULL, 't-1', NULL,
     '{"cluster":{"usd":3},"storage_usd":0.000000001}', '{"a b":{"x.y":1,"é,\"":"ü\"q"}}'),
    -- An unknown cost, and null instead of a text.
    (5, 'run-5', '2026-03-01T00:00:05.000000Z', 1, zeroblob(32), '2026-02-03T10:00:00.000000Z',
     '2026-02-03T10:00:00.000000Z', 500, 'success', NULL, NULL, NULL, NULL, 's-1', NULL,
     '{"compute":{"instance_type":null}}', NULL, NULL),
    -- No metadata.
    (6, 'run-6', '2026-03-01T00:00:06.000000Z', 1, zeroblob(32), '2026-02-04T10:00:00.000000Z',
     '2026-02-04T10:00:00.000000Z', 600, 'success', 0.25, 250000000, NULL, NULL, 's-1', NULL, NULL, NULL, NULL);

-- An earlier state of run-3, without the array and on another machine.
INSERT INTO run_snapshots (snapshot_id, run_id, observed_at, superseded_at, sync_id, content_hash, created_at, started_at,
    status, el_cost_usd, el_cost_nanos, source, el_cost_metadata) VALUES
    (103, 'run-3', '2026-03-01T00:00:00.000000Z', '2026-03-01T00:00:03.000000Z', 1, zeroblob(32),
     '2026-02-01T10:00:00.000000Z', '2026-02-01T10:00:00.000000Z', 'success', 0.4, 400000000, 's-2',
     '{"compute":{"instance_type":"t3.micro","usd":0.4}}');
