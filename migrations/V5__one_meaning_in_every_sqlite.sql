-- One meaning in every version of SQLite and in every reader.

-- json_valid(NULL) is NULL in newer versions of SQLite, and 0 in 3.40: there, the close of a month without objections
-- broke its CHECK, and a reload of `.dump` lost it. SQLite cannot change a CHECK, so the table is created again.
-- The rows wait in a temporary table: renaming the old table would also rename it in the views that users added.
CREATE TEMP TABLE closes_before AS SELECT * FROM main.period_closes;

DROP TABLE main.period_closes;

-- A month that was closed: everything its reports depend on, frozen, and what they said. Rows are only added.
CREATE TABLE period_closes (
    close_id                   INTEGER PRIMARY KEY,
    -- The month, such as `2026-01`.
    period                     TEXT NOT NULL,
    -- The close that this one replaces; NULL: it is the month's first. Both stay.
    restates                   INTEGER UNIQUE REFERENCES period_closes (close_id),
    closed_at                  TEXT NOT NULL,
    -- The moment of knowledge: the month's answers are those "as known on" it.
    known_at                   TEXT NOT NULL,
    -- The IANA time zone of the month, and its bounds: half open.
    zone                       TEXT NOT NULL,
    starts_at                  TEXT NOT NULL,
    ends_at                    TEXT NOT NULL,
    -- Which instant books a run into the month.
    date_basis                 TEXT NOT NULL CHECK (date_basis IN ('started', 'ended', 'created')),
    -- The rules of the cost centers, as a JSON array in their order.
    allocation                 TEXT NOT NULL CHECK (json_valid(allocation)),
    -- The names of the month's pipelines: a JSON array of objects with `kind`, `pipeline_id`, `name`.
    names                      TEXT NOT NULL CHECK (json_valid(names)),
    -- The objections to the close, as a JSON array of sentences; NULL: there were none.
    objections                 TEXT CHECK (objections IS NULL OR json_valid(objections)),
    runs                       INTEGER NOT NULL,
    runs_cost_unknown          INTEGER NOT NULL,
    -- Sums of the known costs; NULL: none was known.
    el_cost_nanos              INTEGER,
    transformation_cost_nanos  INTEGER,
    total_cost_nanos           INTEGER,
    credits                    INTEGER NOT NULL,
    -- SHA-256 of the month's rows, the bytes that `runledger export costs --period` writes.
    rows_sha256                BLOB NOT NULL CHECK (length(rows_sha256) = 32),
    program_version            TEXT NOT NULL,
    -- Which columns the hashed rows have: 1 has `centre`, 2 has `cost_center`.
    row_layout                 INTEGER NOT NULL DEFAULT 1 CHECK (row_layout >= 1),
    CHECK (starts_at < ends_at),
    CHECK (restates < close_id)
) STRICT;

INSERT INTO period_closes
SELECT close_id, period, restates, closed_at, known_at, zone, starts_at, ends_at, date_basis, allocation, names,
       objections, runs, runs_cost_unknown, el_cost_nanos, transformation_cost_nanos, total_cost_nanos, credits,
       rows_sha256, program_version, row_layout
FROM temp.closes_before
ORDER BY close_id;

DROP TABLE temp.closes_before;

-- A month is closed once; each later close names the one before it.
CREATE UNIQUE INDEX period_closes_first ON period_closes (period) WHERE restates IS NULL;

-- DuckDB and Datasette cannot read a view with bytes in a column.
DROP VIEW runs;

-- The current state of each run, with what analysts ask of it most.
CREATE VIEW runs AS
WITH kinded AS (
    SELECT *,
           -- A run belongs to exactly one pipeline; if the API sends none or several, this is NULL.
           CASE WHEN (source IS NOT NULL) + (destination IS NOT NULL) + (transformation IS NOT NULL) <> 1 THEN NULL
                WHEN source IS NOT NULL THEN 'source'
                WHEN destination IS NOT NULL THEN 'destination'
                ELSE 'transformation'
           END AS pipeline_kind,
           CASE WHEN (source IS NOT NULL) + (destination IS NOT NULL) + (transformation IS NOT NULL) = 1
                THEN coalesce(source, destination, transformation)
           END AS pipeline_id
    FROM run_snapshots
    -- The second condition says the same. With it, a lookup by run_id finds one row in the index run_snapshots_of_run,
    -- instead of every state that the run had.
    WHERE superseded_at IS NULL AND coalesce(superseded_at, '') = ''
)
SELECT run_id,
       number,
       pipeline_kind,
       pipeline_id,
       -- Runs name their pipeline by id or by slug: the API does not say which. NULL: not in the catalog.
       coalesce(
           (SELECT p.name FROM pipelines AS p
            WHERE p.kind = kinded.pipeline_kind AND p.pipeline_id = kinded.pipeline_id),
           -- The plus keeps SQLite from reading a whole kind where the slug's index finds the row. Of several pipelines
           -- that had the slug, the one that still exists comes first.
           (SELECT p.name FROM pipelines AS p
            WHERE p.slug = kinded.pipeline_id AND +p.kind = kinded.pipeline_kind
            ORDER BY p.gone_at, p.pipeline_id LIMIT 1)
       ) AS pipeline_name,
       status,
       trigger_type,
       created_at,
       updated_at,
       started_at,
       ended_at,
       -- The instant that puts a run into a month: when it started, else when it was created.
       coalesce(started_at, created_at) AS booked_at,
       duration_seconds,
       -- Created to started, to the microsecond; NULL: not started.
       -- (Whole seconds are cut out first: SQLite would round the fraction into them.)
       (strftime('%s', substr(started_at, 1, 19)) - strftime('%s', substr(created_at, 1, 19)))
           + (substr(started_at, 21, 6) - substr(created_at, 21, 6)) / 1e6 AS queued_seconds,
       full_sync,
       credit_charge_status,
       el_cost_usd,
       transformation_cost_usd,
       -- The sum of the costs that are known; NULL: none is.
       total_cost_nanos / 1e9 AS total_cost_usd,
       el_cost_nanos,
       transformation_cost_nanos,
       total_cost_nanos,
       -- 1 when no change is expected any more: the status is final and a cost is known, or the run ended more than 30
       -- days ago. A run that is over without an end counts as ended when it was created.
       CASE WHEN (status IN ('success', 'failed', 'canceled') AND total_cost_nanos IS NOT NULL)
              OR coalesce(ended_at, CASE WHEN status IN ('success', 'failed', 'canceled') THEN created_at END)
                 < strftime('%Y-%m-%dT%H:%M:%f', 'now', '-30 days')
            THEN 1 ELSE 0
       END AS settled,
       (SELECT v.vanished_at FROM vanished_runs AS v WHERE v.run_id = kinded.run_id) AS vanished_at,
       "trigger",
       extra_config,
       el_cost_metadata,
       transformation_cost_metadata,
       triggered_by,
       triggered_by_token,
       source,
       destination,
       transformation,
       absent,
       unmapped,
       lower(hex(content_hash)) AS content_hash,
       observed_at,
       sync_id,
       snapshot_id
FROM (
    SELECT *,
           CASE WHEN el_cost_nanos IS NOT NULL OR transformation_cost_nanos IS NOT NULL
                THEN coalesce(el_cost_nanos, 0) + coalesce(transformation_cost_nanos, 0)
           END AS total_cost_nanos
    FROM kinded
) AS kinded;
