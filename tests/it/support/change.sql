-- September and October 2026, with one pipeline for each part of a change. A comment explains each pipeline.
INSERT INTO syncs (sync_id, kind, started_at, ended_at, outcome, process_id, program_version, api_url, last_observed_at)
VALUES (1, 'first', '2026-11-02T00:00:00.000000Z', '2026-11-02T00:01:00.000000Z', 'complete', 1, '0.1.0',
        'http://127.0.0.1:1/', '2026-11-02T00:00:30.000000Z');

INSERT INTO pipeline_snapshots (kind, pipeline_id, slug, name, active, observed_at) VALUES
    -- Two runs of 1.50 on average become three of 2.00: volume 1.50, price 1.50.
    ('source', 'p-1', 'vendas', 'Vendas', 1, '2026-11-02T00:00:00.000000Z'),
    -- Three nano-dollars for two runs, and for three: half of three is two, the even one, so the price is minus two.
    ('source', 'p-2', 'centavos', 'Centavos', 1, '2026-11-02T00:00:00.000000Z'),
    -- One run, 5.00 and 4.50. A name that CSV, Markdown, a terminal and a spreadsheet could misread.
    ('destination', 'p-3', NULL, '=1+2|"a, b"' || char(10) || '👩‍🚀 <ação>', 1, '2026-11-02T00:00:00.000000Z'),
    -- New, with a second run of unknown cost.
    ('transformation', 'p-4', 'modelo', 'Modelo novo', 1, '2026-11-02T00:00:00.000000Z'),
    -- Gone.
    ('source', 'p-5', 'antigo', 'Antigo', 0, '2026-11-02T00:00:00.000000Z'),
    -- Unknown in September, in October, and in both.
    ('source', 'p-6', 'sem-antes', 'Sem antes', 1, '2026-11-02T00:00:00.000000Z'),
    ('source', 'p-7', 'sem-depois', 'Sem depois', 1, '2026-11-02T00:00:00.000000Z'),
    ('source', 'p-8', 'sem-custo', NULL, 1, '2026-11-02T00:00:00.000000Z'),
    -- One refund, and two: volume -0.25.
    ('source', 'p-9', 'reembolso', 'Reembolso', 1, '2026-11-02T00:00:00.000000Z');

INSERT INTO run_snapshots (snapshot_id, run_id, observed_at, sync_id, content_hash, number, created_at, started_at, status,
    credit_charge_status, el_cost_usd, el_cost_nanos, transformation_cost_usd, transformation_cost_nanos, source,
    destination, transformation)
SELECT row_number() OVER (), 'run-' || row_number() OVER (), '2026-11-02T00:00:20.000000Z', 1, zeroblob(32), 1,
       started_at, started_at, 'success', 'charged', el / 1e9, el, tr / 1e9, tr, source, destination, transformation
FROM (
    -- Before September, and after October.
    SELECT '2026-08-31T23:59:59.999999Z' AS started_at, 9000000000 AS el, NULL AS tr, 'p-1' AS source,
           NULL AS destination, NULL AS transformation
    UNION ALL SELECT '2026-11-01T00:00:00.000000Z', 9000000000, NULL, 'p-1', NULL, NULL
    -- The first instants of both months.
    UNION ALL SELECT '2026-09-01T00:00:00.000000Z', 1000000000, NULL, 'p-1', NULL, NULL
    UNION ALL SELECT '2026-09-15T10:00:00.000000Z', 1500000000, 500000000, 'p-1', NULL, NULL
    UNION ALL SELECT '2026-10-01T00:00:00.000000Z', 2000000000, NULL, 'p-1', NULL, NULL
    UNION ALL SELECT '2026-10-15T10:00:00.000000Z', NULL, 2000000000, 'p-1', NULL, NULL
    UNION ALL SELECT '2026-10-31T23:59:59.999999Z', 1000000000, 1000000000, 'p-1', NULL, NULL
    UNION ALL SELECT '2026-09-02T10:00:00.000000Z', 1, NULL, 'p-2', NULL, NULL
    UNION ALL SELECT '2026-09-03T10:00:00.000000Z', 2, NULL, 'p-2', NULL, NULL
    UNION ALL SELECT '2026-10-02T10:00:00.000000Z', 1, NULL, 'p-2', NULL, NULL
    UNION ALL SELECT '2026-10-03T10:00:00.000000Z', 1, NULL, 'p-2', NULL, NULL
    UNION ALL SELECT '2026-10-04T10:00:00.000000Z', 1, NULL, 'p-2', NULL, NULL
    UNION ALL SELECT '2026-09-04T10:00:00.000000Z', 5000000000, NULL, NULL, 'p-3', NULL
    UNION ALL SELECT '2026-10-04T10:00:00.000000Z', 4500000000, NULL, NULL, 'p-3', NULL
    UNION ALL SELECT '2026-10-05T10:00:00.000000Z', NULL, 750000000, NULL, NULL, 'p-4'
    UNION ALL SELECT '2026-10-06T10:00:00.000000Z', NULL, NULL, NULL, NULL, 'p-4'
    UNION ALL SELECT '2026-09-05T10:00:00.000000Z', 400000000, NULL, 'p-5', NULL, NULL
    UNION ALL SELECT '2026-09-06T10:00:00.000000Z', NULL, NULL, 'p-6', NULL, NULL
    UNION ALL SELECT '2026-10-06T10:00:00.000000Z', 200000000, NULL, 'p-6', NULL, NULL
    UNION ALL SELECT '2026-09-07T10:00:00.000000Z', 300000000, NULL, 'p-7', NULL, NULL
    UNION ALL SELECT '2026-10-07T10:00:00.000000Z', NULL, NULL, 'p-7', NULL, NULL
    UNION ALL SELECT '2026-09-08T10:00:00.000000Z', NULL, NULL, 'p-8', NULL, NULL
    UNION ALL SELECT '2026-10-08T10:00:00.000000Z', NULL, NULL, 'p-8', NULL, NULL
    UNION ALL SELECT '2026-09-09T10:00:00.000000Z', -250000000, NULL, 'p-9', NULL, NULL
    UNION ALL SELECT '2026-10-09T10:00:00.000000Z', -250000000, NULL, 'p-9', NULL, NULL
    UNION ALL SELECT '2026-10-10T10:00:00.000000Z', -250000000, NULL, 'p-9', NULL, NULL
    -- Two pipelines, so these belong to neither.
    UNION ALL SELECT '2026-09-10T10:00:00.000000Z', 100000000, NULL, 'p-1', 'p-3', NULL
    UNION ALL SELECT '2026-10-10T10:00:00.000000Z', 100000000, NULL, 'p-1', 'p-3', NULL
    UNION ALL SELECT '2026-10-11T10:00:00.000000Z', 100000000, NULL, 'p-1', 'p-3', NULL
);
