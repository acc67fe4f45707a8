//! Costs that changed long after their run was created, so that only a walk of the whole list found the change.

use super::Archive;
use crate::error::Result;
use crate::run::Instant;
use chrono::TimeDelta;
use rusqlite::named_params;

/// How much of the history is evidence: the API may have behaved otherwise before.
const RECENT_DAYS: i64 = 90;

/// The most superseded states, and the most runs among them, that are read. They bound the time of the query, whatever
/// the size of the archive is.
const MAX_STATES: i64 = 100_000;
const MAX_RUNS: i64 = 1_000;

/// The changes as in `queries/settling.sql`, in the newest part of the history. The first two steps read the covering
/// index of superseded states alone.
const LATE_COSTS: &str = "
WITH recent AS MATERIALIZED (
    SELECT snapshot_id, superseded_at, created_at
    FROM run_snapshots
    WHERE superseded_at IS NOT NULL AND superseded_at >= :since
    ORDER BY superseded_at DESC
    LIMIT :max_states
),
late_runs AS MATERIALIZED (
    SELECT DISTINCT s.run_id
    FROM recent AS r
    JOIN run_snapshots AS s ON s.snapshot_id = r.snapshot_id
    WHERE strftime('%s', substr(r.superseded_at, 1, 19)) - strftime('%s', substr(r.created_at, 1, 19)) > :lookback
    LIMIT :max_runs
),
states AS (
    SELECT run_id, observed_at,
           strftime('%s', substr(observed_at, 1, 19)) - strftime('%s', substr(created_at, 1, 19)) AS since_creation,
           strftime('%s', substr(observed_at, 1, 19)) - strftime('%s', substr(ended_at, 1, 19)) AS since_end,
           el_cost_nanos AS el, transformation_cost_nanos AS transformation,
           lag(el_cost_nanos) OVER w AS el_before,
           lag(transformation_cost_nanos) OVER w AS transformation_before,
           row_number() OVER w AS state
    FROM run_snapshots
    WHERE run_id IN (SELECT run_id FROM late_runs)
    WINDOW w AS (PARTITION BY run_id ORDER BY observed_at)
)
SELECT count(DISTINCT run_id), max(since_creation)
FROM states
WHERE state > 1 AND observed_at >= :since AND since_end > 0 AND since_creation > :lookback
  AND (el IS NOT el_before OR transformation IS NOT transformation_before)
  -- A sync requests a run without a known cost by id until then.
  AND NOT (el_before IS NULL AND transformation_before IS NULL AND since_end <= :settle)";

/// The runs whose cost changed later than a lookback reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LateCosts {
    /// The number of runs.
    pub runs: u64,
    /// The longest time from the creation of a run to the sync that saw the change. Zero: there is no such run.
    pub latest: TimeDelta,
}

impl Archive {
    /// The runs whose cost changed later than `lookback` after their creation, in the 90 days before `now`, and that no
    /// sync would have requested by id. At most the newest 100,000 superseded states are read.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn late_costs(
        &self,
        lookback: TimeDelta,
        settle: TimeDelta,
        now: Instant,
    ) -> Result<LateCosts> {
        let since = now.plus(-TimeDelta::days(RECENT_DAYS));
        let parameters = named_params! {
            ":since": since.as_str(),
            ":lookback": lookback.num_seconds(),
            ":settle": settle.num_seconds(),
            ":max_states": MAX_STATES,
            ":max_runs": MAX_RUNS,
        };
        Ok(self.connection.query_row(LATE_COSTS, parameters, |row| {
            let latest: Option<i64> = row.get(1)?;
            Ok(LateCosts { runs: row.get(0)?, latest: TimeDelta::seconds(latest.unwrap_or_default()) })
        })?)
    }
}
