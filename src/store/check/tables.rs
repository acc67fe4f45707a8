//! The rules for syncs, vanished runs and the pipeline catalog.

use super::CheckResult;
use rusqlite::Connection;

/// SQL: whether outcome, end and exit code of a sync contradict each other.
pub(in crate::store) const CONTRADICTORY_END: &str = "((outcome = 'running') <> (ended_at IS NULL) \
     OR (ended_at IS NULL) <> (exit_code IS NULL) OR coalesce(ended_at < started_at, 0) \
     OR (outcome = 'complete') <> (exit_code IS 0))";

/// SQL: whether a sync suspects missing runs without having read the whole list.
pub(in crate::store) const CONTRADICTORY_SUSPICION: &str =
    "coalesce(runs_suspected < 0 OR (runs_suspected IS NOT NULL AND walk_whole = 0), 0)";

pub(super) fn syncs(archive: &Connection) -> CheckResult {
    let mut checked =
        CheckResult::new("syncs", "syncs", "each has ended, was killed, or is the last and may be running");
    let ended = (|| {
        // A killed process leaves its row `running`, so that is no fault.
        let sql = format!("SELECT sync_id, outcome FROM syncs WHERE {CONTRADICTORY_END}");
        let mut statement = archive.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (sync_id, outcome): (i64, String) = (row.get(0)?, row.get(1)?);
            checked
                .fail(|| format!("sync {sync_id} is {outcome}, but its end or exit code contradicts that"));
        }
        // Only the whole list shows which runs are missing from it.
        let sql = format!("SELECT sync_id FROM syncs WHERE {CONTRADICTORY_SUSPICION}");
        let mut statement = archive.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let sync_id: i64 = row.get(0)?;
            checked
                .fail(|| format!("sync {sync_id} suspects missing runs without having read the whole list"));
        }
        checked.examined = archive.query_row("SELECT count(*) FROM syncs", [], |row| row.get(0))?;
        Ok(())
    })();
    checked.end(ended);
    checked
}

pub(super) fn vanished(archive: &Connection) -> CheckResult {
    let mut checked = CheckResult::new("vanished", "vanished runs", "each is a run of the archive");
    let ended = (|| {
        let mut statement = archive.prepare(
            "SELECT run_id, EXISTS (SELECT 1 FROM run_snapshots AS s WHERE s.run_id = v.run_id) FROM vanishings AS v",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (run_id, has_snapshot): (String, bool) = (row.get(0)?, row.get(1)?);
            checked.examined += 1;
            checked.require(has_snapshot, || format!("run {run_id} has no snapshot"));
        }
        Ok(())
    })();
    checked.end(ended);
    checked
}

/// The history of the pipeline catalog follows the rule of the runs' history.
pub(super) fn catalog(archive: &Connection) -> CheckResult {
    let mut checked = CheckResult::new(
        "catalogue",
        "states of pipelines",
        "each pipeline has one current state, and each earlier one ends where the next begins",
    );
    let ended = (|| {
        let mut statement = archive.prepare(
            "SELECT kind, pipeline_id, superseded_at, lead(observed_at) OVER of_one IS superseded_at \
             FROM pipeline_snapshots \
             WINDOW of_one AS (PARTITION BY kind, pipeline_id ORDER BY observed_at)",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (kind, id, superseded_at): (String, String, Option<String>) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            checked.examined += 1;
            checked.require(row.get(3)?, || match superseded_at {
                Some(at) => format!("{kind} {id}: no state begins at {at}, where one ends"),
                None => format!("{kind} {id}: a state without an end has a successor"),
            });
        }
        Ok(())
    })();
    checked.end(ended);
    checked
}
