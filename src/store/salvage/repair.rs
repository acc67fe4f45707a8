//! What the loss of rows breaks in an archive, and how it is made consistent again.

use crate::error::Result;
use crate::store::check::{CONTRADICTORY_END, CONTRADICTORY_SUSPICION};
use rusqlite::{Connection, params};

/// The error in a rebuilt row of `syncs`.
const REBUILT: &str = "the row was lost; `runledger salvage` rebuilt it from the rows that this sync stored";

/// What was changed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Repairs {
    /// States of runs and of pipelines that now last until the next recovered state: the one after them is lost.
    pub prolonged: u64,
    /// The syncs whose rows were rebuilt.
    pub rebuilt_syncs: Vec<i64>,
    /// How many snapshots the recovered syncs stored and the archive lacks.
    pub missing_snapshots: u64,
    /// Absences of runs of which no snapshot is left.
    pub removed_absences: u64,
    /// Closes that name another close as the one before them.
    pub relinked_closes: u64,
}

/// Connects the states of each run and of each pipeline: one ends where the next begins, and the last is current. It
/// works in every version of the schema, and needs no index.
pub(super) fn connect_states(archive: &Connection, repairs: &mut Repairs) -> Result<()> {
    // Two copies of a state under two numbers.
    archive.execute_batch(
        "DELETE FROM run_snapshots WHERE snapshot_id IN (
             SELECT snapshot_id FROM (
                 SELECT snapshot_id, row_number() OVER (PARTITION BY run_id, observed_at ORDER BY snapshot_id) AS copy
                 FROM run_snapshots
             ) WHERE copy > 1
         )",
    )?;
    repairs.prolonged += archive.execute(
        "UPDATE run_snapshots SET superseded_at = states.next_at FROM (
             SELECT snapshot_id AS number,
                    lead(observed_at) OVER (PARTITION BY run_id ORDER BY observed_at) AS next_at
             FROM run_snapshots
         ) AS states
         WHERE snapshot_id = states.number AND superseded_at IS NOT states.next_at",
        [],
    )? as u64;
    if archive.table_exists(None, "pipeline_snapshots")? {
        repairs.prolonged += archive.execute(
            "UPDATE pipeline_snapshots AS own SET superseded_at = states.next_at FROM (
                 SELECT kind, pipeline_id, observed_at,
                        lead(observed_at) OVER (PARTITION BY kind, pipeline_id ORDER BY observed_at) AS next_at
                 FROM pipeline_snapshots
             ) AS states
             WHERE own.kind = states.kind AND own.pipeline_id = states.pipeline_id
               AND own.observed_at = states.observed_at AND own.superseded_at IS NOT states.next_at",
            [],
        )? as u64;
    }
    if archive.table_exists(None, "vanishings")? {
        // A run is absent once at a time: it was back before it vanished again.
        repairs.prolonged += archive.execute(
            "UPDATE vanishings AS own SET returned_at = absences.next_at FROM (
                 SELECT run_id, vanished_at,
                        lead(vanished_at) OVER (PARTITION BY run_id ORDER BY vanished_at) AS next_at
                 FROM vanishings
             ) AS absences
             WHERE own.run_id = absences.run_id AND own.vanished_at = absences.vanished_at
               AND absences.next_at IS NOT NULL AND (own.returned_at IS NULL OR own.returned_at > absences.next_at)",
            [],
        )? as u64;
    }
    Ok(())
}

/// Makes an archive of the newest schema consistent, whose states are connected.
pub(super) fn make_consistent(archive: &Connection, repairs: &mut Repairs) -> Result<()> {
    let removed = "DELETE FROM vanishings WHERE run_id NOT IN (SELECT run_id FROM run_snapshots)";
    repairs.removed_absences = archive.execute(removed, [])? as u64;
    archive.execute_batch(&format!(
        "DELETE FROM syncs WHERE {CONTRADICTORY_END} OR {CONTRADICTORY_SUSPICION}"
    ))?;
    repairs.rebuilt_syncs = rebuild_syncs(archive)?;
    repairs.missing_snapshots = recount(archive)?;
    repairs.relinked_closes = archive.execute(
        "UPDATE period_closes AS own SET restates = closes.before FROM (
             SELECT close_id, lag(close_id) OVER (PARTITION BY period ORDER BY close_id) AS before FROM period_closes
         ) AS closes
         WHERE own.close_id = closes.close_id AND own.restates IS NOT closes.before",
        [],
    )? as u64;
    Ok(())
}

/// Adds a row for each sync that others refer to. It claims the least: no walk, and an end that is not complete.
fn rebuild_syncs(archive: &Connection) -> Result<Vec<i64>> {
    let mut statement = archive.prepare(
        "INSERT INTO syncs (sync_id, kind, started_at, ended_at, outcome, exit_code, error, process_id,
                            program_version, api_url, last_observed_at)
         SELECT sync_id, 'fetch', min(at), max(at), 'partial', 3, ?1, 0, ?2, '', max(at) FROM (
             SELECT sync_id, observed_at AS at FROM run_snapshots
             UNION ALL SELECT sync_id, vanished_at FROM vanishings
             UNION ALL SELECT sync_id, last_seen_at FROM quarantine
             UNION ALL SELECT sync_id, first_seen_at FROM drift
             UNION ALL SELECT sync_id, last_seen_at FROM list_gaps
         )
         WHERE sync_id NOT IN (SELECT sync_id FROM syncs)
         GROUP BY sync_id
         RETURNING sync_id",
    )?;
    let rebuilt = statement.query_map(params![REBUILT, env!("CARGO_PKG_VERSION")], |row| row.get(0))?;
    Ok(rebuilt.collect::<rusqlite::Result<_>>()?)
}

/// Sets the counts of each sync to the snapshots that are there. Returns how many were counted and are not.
fn recount(archive: &Connection) -> Result<u64> {
    archive.execute_batch(
        "CREATE TEMP TABLE added AS
         SELECT sync_id, sum(is_first) AS new, count(*) - sum(is_first) AS changed FROM (
             SELECT sync_id, row_number() OVER (PARTITION BY run_id ORDER BY observed_at, snapshot_id) = 1 AS is_first
             FROM run_snapshots
         ) GROUP BY sync_id",
    )?;
    let missing = archive.query_row(
        "SELECT coalesce(sum(max(0, runs_new + runs_changed - coalesce(new + changed, 0))), 0)
         FROM syncs LEFT JOIN added USING (sync_id)",
        [],
        |row| row.get(0),
    )?;
    archive.execute_batch(
        "UPDATE syncs SET runs_new = counts.new, runs_changed = counts.changed FROM (
             SELECT sync_id, coalesce(new, 0) AS new, coalesce(changed, 0) AS changed
             FROM syncs LEFT JOIN added USING (sync_id)
         ) AS counts
         WHERE syncs.sync_id = counts.sync_id
           AND (runs_new IS NOT counts.new OR runs_changed IS NOT counts.changed);
         DROP TABLE added",
    )?;
    Ok(missing)
}
