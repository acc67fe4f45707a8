-- What a sync could not read, whose workspace it read, and what the system clock said.

-- The system clock when the sync started and ended. `started_at`, `ended_at` and `observed_at` only increase, even
-- when the clock goes back, so they can lie in the future after one sync with a wrong clock. NULL: the sync ran before
-- this column was there, or (`clock_ended_at`) it is running or was killed.
ALTER TABLE syncs ADD COLUMN clock_started_at TEXT;
ALTER TABLE syncs ADD COLUMN clock_ended_at TEXT;

-- What showed that the API serves the workspace of this archive. NULL: the archive had no runs yet, or there was no
-- evidence.
ALTER TABLE syncs ADD COLUMN workspace_evidence TEXT
    CHECK (workspace_evidence IN ('listed run', 'run', 'pipeline', 'accepted'));

-- Archived runs that the whole list lacked and that were not marked as vanished, because there was no evidence that
-- they are deleted. NULL: the sync did not read the whole list.
ALTER TABLE syncs ADD COLUMN runs_suspected INTEGER;

-- Records of the run list that the API fails to return: the list was read above and below them.
CREATE TABLE list_gaps (
    gap_id             INTEGER PRIMARY KEY,
    -- The next newer and the next older run in the list. NULL: the gap is at an end of the list.
    newer_run_id       TEXT,
    newer_created_at   TEXT,
    older_run_id       TEXT,
    older_created_at   TEXT,
    records            INTEGER NOT NULL CHECK (records >= 1),
    -- The first record's place in the list when the gap was last seen, from 1, and the API's number of runs then.
    position           INTEGER NOT NULL CHECK (position >= 1),
    list_count         INTEGER,
    -- The run, if it is known. NULL: the API never returned its id.
    run_id             TEXT,
    -- When the run was last fetched by its id, which can succeed although the list fails. NULL: never.
    fetched_at         TEXT,
    -- How the request for it failed.
    cause              TEXT NOT NULL,
    first_seen_at      TEXT NOT NULL,
    last_seen_at       TEXT NOT NULL,
    -- When the API returned it after all. NULL: it still fails.
    resolved_at        TEXT,
    sync_id            INTEGER NOT NULL REFERENCES syncs (sync_id)
) STRICT;
