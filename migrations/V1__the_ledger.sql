-- The ledger as first released: every distinct state of every run, the pipelines' names, and an
-- account of each sync. Instants are TEXT `YYYY-MM-DDTHH:MM:SS.ffffffZ`, so text order is time order.
-- JSON is TEXT. Money is the double as the API sent it, and beside it whole nano-dollars (10^-9 USD),
-- which sum exactly in any order.

-- One row for each attempt to read the API: when, why, how far, what came, how it ended.
CREATE TABLE syncs (
    sync_id            INTEGER PRIMARY KEY,
    -- What was asked for: `first`, `incremental` or `full` walks of the list, or a `fetch` by id.
    kind               TEXT NOT NULL CHECK (kind IN ('first', 'incremental', 'full', 'fetch')),
    started_at         TEXT NOT NULL,
    -- NULL while running, and for ever when the process was killed.
    ended_at           TEXT,
    -- `running` until it ends. A `running` row whose process is gone was killed.
    outcome            TEXT NOT NULL DEFAULT 'running'
                       CHECK (outcome IN ('running', 'complete', 'partial', 'failed', 'interrupted')),
    exit_code          INTEGER,
    -- Why it did not end complete, in words; NULL when it did.
    error              TEXT,
    process_id         INTEGER NOT NULL,
    program_version    TEXT NOT NULL,
    api_url            TEXT NOT NULL,
    -- The latest `observed_at` that this sync gave to anything: the next clock reading must be later.
    last_observed_at   TEXT NOT NULL,

    -- How the walk of the list went; it is committed together with the pages it speaks of.
    page_size          INTEGER,
    pages              INTEGER NOT NULL DEFAULT 0,
    requests           INTEGER NOT NULL DEFAULT 0,
    -- Whether the list was seen to be newest first; NULL before any page was read.
    newest_first       INTEGER CHECK (newest_first IN (0, 1)),
    -- Why the walk read what it read: the reason for a full walk, or where an incremental one stopped.
    reason             TEXT,
    -- The `created_at` of the newest run of the walk.
    walk_top           TEXT,
    -- The last page committed, counted in pages of `page_size`, and its oldest run: below it an
    -- interrupted first walk goes on.
    walk_page          INTEGER,
    walk_cursor_at     TEXT,
    walk_cursor_id     TEXT,
    -- When the first attempt at this walk began: what it met is known to be current since then.
    walk_started_at    TEXT,
    -- 1 once every page that the walk had to read is committed.
    walk_complete      INTEGER NOT NULL DEFAULT 0 CHECK (walk_complete IN (0, 1)),
    -- 1 when those pages were the whole list, down to its end.
    walk_whole         INTEGER NOT NULL DEFAULT 0 CHECK (walk_whole IN (0, 1)),
    -- All runs created up to here had been read when the walk completed; NULL before that.
    watermark          TEXT,

    -- What came: distinct runs met; snapshots of runs that were new, and of runs that had changed; runs
    -- that were there as they are; runs found to be gone; items that could not be kept as runs.
    runs_seen          INTEGER NOT NULL DEFAULT 0,
    runs_new           INTEGER NOT NULL DEFAULT 0,
    runs_changed       INTEGER NOT NULL DEFAULT 0,
    runs_unchanged     INTEGER NOT NULL DEFAULT 0,
    runs_vanished      INTEGER NOT NULL DEFAULT 0,
    items_quarantined  INTEGER NOT NULL DEFAULT 0
) STRICT;

-- One row for each distinct state of a run that was seen, from `observed_at` until `superseded_at`
-- (half open; NULL: it is the current state). As known on T:
-- `observed_at <= T AND (superseded_at IS NULL OR superseded_at > T)`.
CREATE TABLE run_snapshots (
    snapshot_id                  INTEGER PRIMARY KEY,
    run_id                       TEXT NOT NULL,
    observed_at                  TEXT NOT NULL,
    superseded_at                TEXT CHECK (superseded_at > observed_at),
    sync_id                      INTEGER NOT NULL REFERENCES syncs (sync_id),
    -- SHA-256 of the run's document, the line that `runledger export documents` prints.
    content_hash                 BLOB NOT NULL CHECK (length(content_hash) = 32),

    -- The run, one column a documented field. NULL: the API sent null, or nothing (then the field
    -- is listed in `absent`), or a value that does not fit (then it is in `unmapped`).
    number                       INTEGER,
    created_at                   TEXT,
    updated_at                   TEXT,
    started_at                   TEXT,
    ended_at                     TEXT,
    duration_seconds             INTEGER,
    status                       TEXT,
    "trigger"                    TEXT CHECK ("trigger" IS NULL OR json_valid("trigger")),
    full_sync                    INTEGER CHECK (full_sync IN (0, 1)),
    extra_config                 TEXT CHECK (extra_config IS NULL OR json_valid(extra_config)),
    credit_charge_status         TEXT,
    el_cost_usd                  REAL,
    el_cost_metadata             TEXT CHECK (el_cost_metadata IS NULL OR json_valid(el_cost_metadata)),
    transformation_cost_usd      REAL,
    transformation_cost_metadata TEXT CHECK (transformation_cost_metadata IS NULL OR json_valid(transformation_cost_metadata)),
    triggered_by                 INTEGER,
    triggered_by_token           TEXT,
    source                       TEXT,
    destination                  TEXT,
    transformation               TEXT,

    -- Documented fields that the document did not have, as a JSON array of names; NULL: it had all.
    absent                       TEXT CHECK (absent IS NULL OR json_valid(absent)),
    -- Whatever has no column, or whose column cannot give it back exactly, as a JSON object; NULL: nothing.
    unmapped                     TEXT CHECK (unmapped IS NULL OR json_valid(unmapped)),

    -- Worked out from the fields above when the row was written, so that sums are exact and the
    -- indexes below can answer reports alone.
    trigger_type                 TEXT,
    el_cost_nanos                INTEGER,
    transformation_cost_nanos    INTEGER,
    CHECK ((el_cost_usd IS NULL) = (el_cost_nanos IS NULL)),
    CHECK ((transformation_cost_usd IS NULL) = (transformation_cost_nanos IS NULL))
) STRICT;

-- A run has one current snapshot, and no two that end at the same instant. As run_id leads, it
-- finds a run's whole history too.
CREATE UNIQUE INDEX run_snapshots_of_run ON run_snapshots (run_id, coalesce(superseded_at, ''));

-- Everything that cost and duration reports read of the current runs, newest first: a report never
-- touches the wide rows, and a walk that arrives newest first appends to it.
CREATE INDEX run_snapshots_for_reports ON run_snapshots (
    coalesce(started_at, created_at) DESC,
    status, credit_charge_status, el_cost_nanos, transformation_cost_nanos, duration_seconds,
    created_at, started_at, trigger_type, source, destination, transformation, superseded_at
) WHERE superseded_at IS NULL;

-- Current runs whose status is not final or whose costs are not known: the few that each sync asks about.
CREATE INDEX run_snapshots_open ON run_snapshots (
    run_id, status, created_at, ended_at, el_cost_nanos, transformation_cost_nanos, superseded_at
)
WHERE superseded_at IS NULL
  AND (status IS NULL OR status NOT IN ('success', 'failed', 'canceled')
       OR (el_cost_nanos IS NULL AND transformation_cost_nanos IS NULL));

-- The names of sources, destinations and transformations, from their lists. A pipeline that is
-- deleted upstream keeps its row.
CREATE TABLE pipelines (
    kind           TEXT NOT NULL CHECK (kind IN ('source', 'destination', 'transformation')),
    pipeline_id    TEXT NOT NULL,
    slug           TEXT,
    -- What people call it: the API's `name`, else its `description`, else its `slug`; NULL: none was sent.
    name           TEXT,
    description    TEXT,
    active         INTEGER CHECK (active IN (0, 1)),
    status         TEXT,
    created_at     TEXT,
    updated_at     TEXT,
    first_seen_at  TEXT NOT NULL,
    -- When a complete list first lacked it; NULL: it is still listed.
    gone_at        TEXT,
    PRIMARY KEY (kind, pipeline_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX pipelines_by_slug ON pipelines (slug, kind);

-- Runs that the API no longer has: it answered 404 when asked by id. The row goes when the run comes back.
CREATE TABLE vanished_runs (
    run_id       TEXT PRIMARY KEY,
    vanished_at  TEXT NOT NULL,
    sync_id      INTEGER NOT NULL REFERENCES syncs (sync_id)
) STRICT, WITHOUT ROWID;

-- Items that could not be stored as a run, whole, each distinct one once.
CREATE TABLE quarantine (
    item_hash      BLOB PRIMARY KEY CHECK (length(item_hash) = 32),
    -- The item's own JSON text. It is not checked: being unreadable may be why it is here.
    item           TEXT NOT NULL,
    reason         TEXT NOT NULL,
    first_seen_at  TEXT NOT NULL,
    last_seen_at   TEXT NOT NULL,
    sync_id        INTEGER NOT NULL REFERENCES syncs (sync_id)
) STRICT;

-- The first sight of each thing that the contract does not know: a field, a value of a known
-- field, a type of value.
CREATE TABLE drift (
    field           TEXT NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN ('field', 'value', 'type')),
    -- What was met: the type of a new field, the new value, the unfit type.
    observed        TEXT NOT NULL,
    first_seen_at   TEXT NOT NULL,
    sync_id         INTEGER NOT NULL REFERENCES syncs (sync_id),
    example_run_id  TEXT NOT NULL,
    PRIMARY KEY (field, kind, observed)
) STRICT, WITHOUT ROWID;

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
           -- The plus keeps SQLite from reading a whole kind where the slug's index finds the row.
           (SELECT p.name FROM pipelines AS p
            WHERE p.slug = kinded.pipeline_id AND +p.kind = kinded.pipeline_kind)
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
