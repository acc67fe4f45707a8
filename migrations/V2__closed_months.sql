-- Months that finance has closed, and a catalogue that keeps its history: what a pipeline was called when.
-- The reports' index learns when a run ended and since when its state is known, so that reports by the end of
-- runs and "as known on" an earlier moment read it alone too.

-- Views name the tables that are replaced here.
DROP VIEW runs;

-- One row for each state of a pipeline that was seen in the lists, from `observed_at` until `superseded_at` (half
-- open; NULL: it is the current state). A new row begins when its slug, name, description or activity changes,
-- when it is gone, or when it is back; `status` and `updated_at` are kept up to date in the current row.
CREATE TABLE pipeline_snapshots (
    kind           TEXT NOT NULL CHECK (kind IN ('source', 'destination', 'transformation')),
    pipeline_id    TEXT NOT NULL,
    observed_at    TEXT NOT NULL,
    superseded_at  TEXT CHECK (superseded_at > observed_at),
    slug           TEXT,
    -- What people call it: the API's `name`, else its `description`, else its `slug`; NULL: none was sent.
    name           TEXT,
    description    TEXT,
    active         INTEGER CHECK (active IN (0, 1)),
    status         TEXT,
    created_at     TEXT,
    updated_at     TEXT,
    -- When a complete list first lacked it; NULL: it is listed.
    gone_at        TEXT,
    PRIMARY KEY (kind, pipeline_id, observed_at)
) STRICT, WITHOUT ROWID;

-- What was known before this table was there: each pipeline as it was last seen, since it was first seen.
INSERT INTO pipeline_snapshots
SELECT kind, pipeline_id, first_seen_at, iif(gone_at > first_seen_at, gone_at, NULL), slug, name, description, active,
       status, created_at, updated_at, iif(gone_at > first_seen_at, NULL, gone_at)
FROM pipelines;

-- And those that are gone, since they are.
INSERT INTO pipeline_snapshots
SELECT kind, pipeline_id, gone_at, NULL, slug, name, description, active, status, created_at, updated_at, gone_at
FROM pipelines
WHERE gone_at > first_seen_at;

DROP TABLE pipelines;

-- A pipeline has one current state.
CREATE UNIQUE INDEX pipeline_snapshots_current ON pipeline_snapshots (kind, pipeline_id) WHERE superseded_at IS NULL;

-- Of the pipelines that had one slug after each other, the one that is still there comes first.
CREATE INDEX pipeline_snapshots_by_slug ON pipeline_snapshots (slug, gone_at, pipeline_id, superseded_at);

-- The sources, destinations and transformations as they were last seen. One that is deleted upstream keeps its row.
CREATE VIEW pipelines AS
SELECT kind, pipeline_id, slug, name, description, active, status, created_at, updated_at,
       (SELECT min(s.observed_at) FROM pipeline_snapshots AS s
        WHERE s.kind = p.kind AND s.pipeline_id = p.pipeline_id) AS first_seen_at,
       gone_at
FROM pipeline_snapshots AS p
WHERE superseded_at IS NULL;

-- One row for each time that a run was found to be gone from the API, until it was back (half open; NULL: it is
-- gone). "As known on" an earlier moment it is gone as it was then.
CREATE TABLE vanishings (
    run_id       TEXT NOT NULL,
    vanished_at  TEXT NOT NULL,
    returned_at  TEXT CHECK (returned_at > vanished_at),
    sync_id      INTEGER NOT NULL REFERENCES syncs (sync_id),
    PRIMARY KEY (run_id, vanished_at)
) STRICT, WITHOUT ROWID;

INSERT INTO vanishings SELECT run_id, vanished_at, NULL, sync_id FROM vanished_runs;

DROP TABLE vanished_runs;

-- A run is gone once at a time.
CREATE UNIQUE INDEX vanishings_current ON vanishings (run_id) WHERE returned_at IS NULL;

-- The runs that the API no longer has.
CREATE VIEW vanished_runs AS
SELECT run_id, vanished_at, sync_id FROM vanishings WHERE returned_at IS NULL;

DROP INDEX run_snapshots_for_reports;

-- Everything that cost and duration reports read of the current runs, newest first: a report never
-- touches the wide rows, and a walk that arrives newest first appends to it.
CREATE INDEX run_snapshots_for_reports ON run_snapshots (
    coalesce(started_at, created_at) DESC,
    status, credit_charge_status, el_cost_nanos, transformation_cost_nanos, duration_seconds,
    created_at, started_at, ended_at, trigger_type, source, destination, transformation, observed_at, superseded_at
) WHERE superseded_at IS NULL;

-- The same of the states that are history by now: what "as known on" an earlier moment needs beside the current ones.
CREATE INDEX run_snapshots_superseded ON run_snapshots (
    superseded_at, observed_at,
    status, credit_charge_status, el_cost_nanos, transformation_cost_nanos, duration_seconds,
    created_at, started_at, ended_at, trigger_type, source, destination, transformation
) WHERE superseded_at IS NOT NULL;

-- A month that was closed: everything its reports depend on, frozen, and what they said. Rows are only added.
CREATE TABLE period_closes (
    close_id                   INTEGER PRIMARY KEY,
    -- The month, such as `2026-01`.
    period                     TEXT NOT NULL,
    -- The close that this one takes the place of; NULL: it is the month's first. Both stay.
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
    -- The cost centres' rules, as a JSON array in their order.
    allocation                 TEXT NOT NULL CHECK (json_valid(allocation)),
    -- What the month's pipelines were called: a JSON array of objects with `kind`, `pipeline_id`, `name`.
    names                      TEXT NOT NULL CHECK (json_valid(names)),
    -- What spoke against closing, as a JSON array of sentences; NULL: nothing did, or else it was forced.
    objections                 TEXT CHECK (json_valid(objections)),
    runs                       INTEGER NOT NULL,
    runs_cost_unknown          INTEGER NOT NULL,
    -- Sums of the costs that were known; NULL: none was.
    el_cost_nanos              INTEGER,
    transformation_cost_nanos  INTEGER,
    total_cost_nanos           INTEGER,
    credits                    INTEGER NOT NULL,
    -- SHA-256 of the month's rows, the bytes that `runledger export costs --period` writes.
    rows_sha256                BLOB NOT NULL CHECK (length(rows_sha256) = 32),
    program_version            TEXT NOT NULL,
    CHECK (starts_at < ends_at),
    CHECK (restates < close_id)
) STRICT;

-- A month is closed once; whatever comes later names the close before it.
CREATE UNIQUE INDEX period_closes_first ON period_closes (period) WHERE restates IS NULL;

-- The current state of each run, with what analysts ask of it most.
CREATE VIEW runs AS
WITH kinded AS (
    SELECT *,
           -- A run belongs to exactly one pipeline; where the API says otherwise none is guessed.
           CASE WHEN (source IS NOT NULL) + (destination IS NOT NULL) + (transformation IS NOT NULL) <> 1 THEN NULL
                WHEN source IS NOT NULL THEN 'source'
                WHEN destination IS NOT NULL THEN 'destination'
                ELSE 'transformation'
           END AS pipeline_kind,
           CASE WHEN (source IS NOT NULL) + (destination IS NOT NULL) + (transformation IS NOT NULL) = 1
                THEN coalesce(source, destination, transformation)
           END AS pipeline_id
    FROM run_snapshots
    WHERE superseded_at IS NULL
)
SELECT run_id,
       number,
       pipeline_kind,
       pipeline_id,
       -- Runs name their pipeline by id or by slug: the API does not say which. NULL: not in the catalogue.
       coalesce(
           (SELECT p.name FROM pipelines AS p
            WHERE p.kind = kinded.pipeline_kind AND p.pipeline_id = kinded.pipeline_id),
           -- The plus keeps SQLite from reading a whole kind where the slug's index finds the row. A slug may have
           -- been another pipeline's before: the one that is still there is meant.
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
       -- 1 when no change is expected any more: the status is final and a cost is known, or the run
       -- ended more than 30 days ago; of one that is over and does not say since when, its creation counts.
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
       content_hash,
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
