-- The settings of pipelines that explain cost and schedule, the state of alerts, and better indexes of runs.

ALTER TABLE pipeline_snapshots ADD COLUMN
    -- Triggers, full sync schedule, retries, Spark sizes, timeout and draft, as a JSON object with the API's names.
    -- Other settings are never stored. NULL: the API sent none of them, or an earlier version stored this state.
    -- A new state begins when they change.
    settings TEXT CHECK (settings IS NULL OR json_valid(settings));

DROP VIEW pipelines;

-- The sources, destinations and transformations as they were last seen. One that is deleted upstream keeps its row.
CREATE VIEW pipelines AS
SELECT kind, pipeline_id, slug, name, description, active, status, created_at, updated_at,
       (SELECT min(s.observed_at) FROM pipeline_snapshots AS s
        WHERE s.kind = p.kind AND s.pipeline_id = p.pipeline_id) AS first_seen_at,
       gone_at,
       settings
FROM pipeline_snapshots AS p
WHERE superseded_at IS NULL;

-- One row for each time that a rule found something, from the evaluation that found it to the first that no longer did.
CREATE TABLE alerts (
    alert_id         INTEGER PRIMARY KEY,
    -- The rule, such as `overdue` or `budget`.
    rule             TEXT NOT NULL,
    -- What the rule found: a pipeline's kind and id, a budget and its month, a run; empty for the archive itself.
    subject          TEXT NOT NULL,
    -- The highest level that was reached.
    level            TEXT NOT NULL CHECK (level IN ('warning', 'error')),
    -- The finding as last evaluated, in one line.
    message          TEXT NOT NULL,
    started_at       TEXT NOT NULL,
    -- NULL: it has not ended.
    ended_at         TEXT CHECK (ended_at >= started_at),
    -- When a person acknowledged it: it is not repeated then; NULL: not acknowledged.
    acknowledged_at  TEXT
) STRICT;

-- A finding has one open alert.
CREATE UNIQUE INDEX alerts_open ON alerts (rule, subject) WHERE ended_at IS NULL;

-- What is reported of each alert, once. An event that is still pending is reported by the next evaluation.
CREATE TABLE alert_events (
    -- A UUID: a receiver recognizes an event that is sent twice.
    event_id      TEXT PRIMARY KEY,
    alert_id      INTEGER NOT NULL REFERENCES alerts (alert_id),
    kind          TEXT NOT NULL CHECK (kind IN ('started', 'escalated', 'repeated', 'ended')),
    level         TEXT NOT NULL CHECK (level IN ('warning', 'error')),
    message       TEXT NOT NULL,
    happened_at   TEXT NOT NULL,
    -- 1: a webhook was configured, and is sent the event.
    for_webhook   INTEGER NOT NULL CHECK (for_webhook IN (0, 1)),
    -- When it was printed; NULL: not yet.
    printed_at    TEXT,
    -- When the webhook accepted it; NULL: not yet, or it is not for a webhook.
    delivered_at  TEXT
) STRICT;

CREATE INDEX alert_events_of_alert ON alert_events (alert_id, happened_at);

-- The events that are still to be reported.
CREATE INDEX alert_events_pending ON alert_events (happened_at)
WHERE printed_at IS NULL OR (for_webhook = 1 AND delivered_at IS NULL);

-- As before, without NOT IN: SQLite fills a table with a list of three for each row that is inserted.
DROP INDEX run_snapshots_open;
CREATE INDEX run_snapshots_open ON run_snapshots (
    run_id, status, created_at, ended_at, el_cost_nanos, transformation_cost_nanos, superseded_at
)
WHERE superseded_at IS NULL
  AND (status IS NULL OR (status <> 'success' AND status <> 'failed' AND status <> 'canceled')
       OR (el_cost_nanos IS NULL AND transformation_cost_nanos IS NULL));

-- As before, with the columns that find costly full syncs and repeated numbers.
DROP INDEX run_snapshots_for_reports;
CREATE INDEX run_snapshots_for_reports ON run_snapshots (
    coalesce(started_at, created_at) DESC,
    status, credit_charge_status, el_cost_nanos, transformation_cost_nanos, duration_seconds,
    created_at, started_at, ended_at, trigger_type, source, destination, transformation, full_sync, number,
    observed_at, superseded_at
) WHERE superseded_at IS NULL;
