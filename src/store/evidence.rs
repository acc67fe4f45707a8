//! What the archive knows about its workspace: evidence that an API serves it, and runs that may be missing there.

use super::run_row::RunId;
use super::{Archive, PipelineKind};
use crate::error::Result;
use crate::run::Instant;
use chrono::TimeDelta;
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

/// What showed that the API serves the workspace of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkspaceEvidence {
    /// The first page of the run list has a run of the archive.
    ListedRun,
    /// The API returned a run of the archive by id.
    Run,
    /// A pipeline list has a pipeline of the archive.
    Pipeline,
    /// Nothing: the user accepted the workspace.
    Accepted,
}

impl WorkspaceEvidence {
    /// The name in the archive.
    pub fn as_str(self) -> &'static str {
        match self {
            WorkspaceEvidence::ListedRun => "listed run",
            WorkspaceEvidence::Run => "run",
            WorkspaceEvidence::Pipeline => "pipeline",
            WorkspaceEvidence::Accepted => "accepted",
        }
    }
}

/// The number of runs that represent the archive.
const REPRESENTATIVES: u32 = 5;

/// How much older than the newest run the others are that represent the archive: upstream may have deleted old runs,
/// and the newest run too.
const AGES_IN_DAYS: [i64; REPRESENTATIVES as usize] = [0, 1, 7, 30, 365];

/// The runs that have not vanished, from an instant on backwards, in the order of the index for reports.
const PRESENT_RUNS_UNTIL: &str = "\
    SELECT run_id, coalesce(started_at, created_at) FROM run_snapshots AS s \
    WHERE superseded_at IS NULL AND coalesce(started_at, created_at) <= ?1 \
      AND NOT EXISTS (SELECT 1 FROM vanishings AS v WHERE v.run_id = s.run_id AND v.returned_at IS NULL) \
    ORDER BY coalesce(started_at, created_at) DESC LIMIT ?2";

impl Archive {
    /// Whether the archive has any run.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn has_runs(&self) -> Result<bool> {
        // Each sync counts its new runs. A damaged run must not keep a sync from being recorded.
        let sql = "SELECT EXISTS (SELECT 1 FROM syncs WHERE runs_new > 0)";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    /// Whether the archive has this run.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn has_run(&self, run_id: Uuid) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM run_snapshots WHERE run_id = ?1)";
        Ok(self.connection.prepare_cached(sql)?.query_row([RunId::of(run_id)], |row| row.get(0))?)
    }

    /// Whether the archive has this pipeline, even if it is gone.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn has_pipeline(&self, kind: PipelineKind, id: &str) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM pipeline_snapshots WHERE kind = ?1 AND pipeline_id = ?2)";
        Ok(self.connection.prepare_cached(sql)?.query_row([kind.as_str(), id], |row| row.get(0))?)
    }

    /// The number of pipelines of a kind that a complete list no longer has, and that are not marked as gone.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn unlisted_pipelines(&self, kind: PipelineKind, listed: &[String]) -> Result<u64> {
        let listed = serde_json::to_string(listed).expect("texts are always JSON");
        let sql = "SELECT count(*) FROM pipeline_snapshots \
                   WHERE kind = ?1 AND superseded_at IS NULL AND gone_at IS NULL \
                     AND pipeline_id NOT IN (SELECT value FROM json_each(?2))";
        Ok(self.connection.query_row(sql, params![kind.as_str(), listed], |row| row.get(0))?)
    }

    /// Up to five runs of different ages that represent the archive. None of them has vanished.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn representative_runs(&self) -> Result<Vec<Uuid>> {
        let latest = Instant::parse("9999-12-31T23:59:59.999999Z").expect("the instant is valid");
        let newest = self.present_runs_until(latest, REPRESENTATIVES)?;
        let Some((_, newest_at)) = newest.first() else { return self.runs_without_an_instant() };
        let mut runs = Vec::new();
        for days in AGES_IN_DAYS {
            runs.extend(self.present_runs_until(newest_at.plus(-TimeDelta::days(days)), 1)?);
        }
        // In a young archive, several ages give the same run.
        runs.extend(newest);
        let mut ids: Vec<Uuid> = Vec::new();
        for (id, _) in runs {
            if ids.len() < AGES_IN_DAYS.len() && !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    fn present_runs_until(&self, until: Instant, most: u32) -> Result<Vec<(Uuid, Instant)>> {
        let mut statement = self.connection.prepare_cached(PRESENT_RUNS_UNTIL)?;
        let runs = statement
            .query_map(params![until, most], |row| Ok((row.get::<_, RunId>(0)?.uuid(), row.get(1)?)))?;
        Ok(runs.collect::<rusqlite::Result<_>>()?)
    }

    /// Up to five runs of an archive in which no run has an instant.
    fn runs_without_an_instant(&self) -> Result<Vec<Uuid>> {
        let sql = "SELECT run_id FROM run_snapshots WHERE superseded_at IS NULL \
                     AND run_id NOT IN (SELECT run_id FROM vanished_runs) LIMIT ?1";
        let mut statement = self.connection.prepare(sql)?;
        let ids = statement.query_map([REPRESENTATIVES], |row| row.get(0).map(RunId::uuid))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// The base URL of the API from which the last sync read runs. `None`: no sync has.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn last_api_url(&self) -> Result<Option<String>> {
        let sql = "SELECT api_url FROM syncs WHERE runs_seen > 0 ORDER BY sync_id DESC LIMIT 1";
        Ok(self.connection.query_row(sql, [], |row| row.get(0)).optional()?)
    }

    /// Records what showed that the API serves the workspace of the archive.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn save_evidence(&self, sync_id: i64, evidence: WorkspaceEvidence) -> Result<()> {
        let sql = "UPDATE syncs SET workspace_evidence = ?2 WHERE sync_id = ?1";
        self.connection.execute(sql, params![sync_id, evidence.as_str()])?;
        Ok(())
    }

    /// Whether no sync has read the whole list since the user accepted its workspace.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn has_unread_workspace(&self) -> Result<bool> {
        let sql = "SELECT EXISTS ( \
                       SELECT 1 FROM syncs AS accepted WHERE workspace_evidence = 'accepted' AND NOT EXISTS ( \
                           SELECT 1 FROM syncs AS later WHERE walk_whole = 1 AND later.sync_id >= accepted.sync_id))";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    /// Records how many archived runs the whole list lacked without being marked as vanished.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn save_suspected_runs(&self, sync_id: i64, runs: u64) -> Result<()> {
        let sql = "UPDATE syncs SET runs_suspected = ?2 WHERE sync_id = ?1";
        self.connection.execute(sql, params![sync_id, runs])?;
        Ok(())
    }

    /// The number of archived runs that the list lacked when it was last read to its end, and that are not marked as
    /// vanished, because nothing showed that they are deleted.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn suspected_runs(&self) -> Result<u64> {
        let sql =
            "SELECT runs_suspected FROM syncs WHERE runs_suspected IS NOT NULL ORDER BY sync_id DESC LIMIT 1";
        Ok(self.connection.query_row(sql, [], |row| row.get(0)).optional()?.unwrap_or(0))
    }

    /// The number of runs that the API lists if its list lacks no run: those that have not vanished, and the records
    /// that are listed but could not be archived.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn expected_list_count(&self) -> Result<u64> {
        let sql = "SELECT (SELECT count(*) FROM quarantine) \
                        + (SELECT coalesce(sum(records), 0) FROM list_gaps WHERE resolved_at IS NULL)";
        let not_archived: u64 = self.connection.query_row(sql, [], |row| row.get(0))?;
        Ok(self.present_runs()? + not_archived)
    }

    /// The vanished runs, those that vanished last first.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn vanished_runs(&self) -> Result<Vec<Uuid>> {
        let sql = "SELECT run_id FROM vanished_runs ORDER BY vanished_at DESC, run_id";
        let mut statement = self.connection.prepare(sql)?;
        let ids = statement.query_map([], |row| row.get(0).map(RunId::uuid))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ignored_fields::IgnoredFields;
    use crate::run::{Redaction, decode};
    use crate::snapshot::Snapshot;
    use crate::store::{Detail, InsertHint, SyncKind};

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    /// An archive with a run for each of these creation instants; run 0 is the first.
    fn archive(created: &[&str]) -> (Archive, i64) {
        let archive = Archive::temporary().unwrap();
        let now = at("2026-02-01T00:00:00Z");
        let sync_id = archive.begin_sync(SyncKind::First, "a test", "http://127.0.0.1:1", None, now).unwrap();
        for (number, created_at) in created.iter().enumerate() {
            let id = Uuid::from_u128(number as u128);
            let document = format!(r#"{{"id":"{id}","created_at":{created_at}}}"#);
            let item = serde_json::from_str(&document).unwrap();
            let snapshot = Snapshot::of(decode(item, &Redaction::default()).unwrap().run);
            archive
                .upsert_run(
                    &snapshot,
                    Detail::Details,
                    InsertHint::New,
                    &IgnoredFields::default(),
                    now,
                    sync_id,
                )
                .unwrap();
        }
        (archive, sync_id)
    }

    fn numbers(archive: &Archive) -> Vec<u128> {
        archive.representative_runs().unwrap().into_iter().map(|id| id.as_u128()).collect()
    }

    #[test]
    fn the_runs_that_represent_an_archive_have_different_ages() {
        let days = ["2020-01-01", "2026-01-01", "2026-01-02", "2026-01-20", "2026-01-29", "2026-01-30"];
        let days = days.map(|day| format!("\"{day}T00:00:00Z\""));
        let created: Vec<&str> = days.iter().map(String::as_str).collect();
        let (archive, sync_id) = archive(&created);
        assert_eq!(numbers(&archive), [5, 4, 3, 0, 2], "the newest one fills the place of a repeated one");
        archive.mark_vanished(Uuid::from_u128(5), at("2026-02-02T00:00:00Z"), sync_id).unwrap();
        assert_eq!(numbers(&archive), [4, 3, 0, 2, 1]);
    }

    #[test]
    fn a_small_archive_is_represented_by_all_its_runs() {
        assert_eq!(numbers(&archive(&[]).0), [0_u128; 0]);
        assert_eq!(numbers(&archive(&["null", "null"]).0), [0, 1]);
        let same = "\"2026-01-01T00:00:00Z\"";
        assert_eq!(numbers(&archive(&[same, same, same]).0).len(), 3);
        assert_eq!(numbers(&archive(&[same; 9]).0).len(), 5);
    }

    #[test]
    fn the_index_of_the_reports_finds_the_newest_runs() {
        let (archive, _) = archive(&[]);
        let mut statement =
            archive.connection.prepare(&format!("EXPLAIN QUERY PLAN {PRESENT_RUNS_UNTIL}")).unwrap();
        let steps = statement.query_map(["", ""], |row| row.get::<_, String>(3)).unwrap();
        let plan = steps.collect::<rusqlite::Result<Vec<_>>>().unwrap().join("; ");
        assert!(plan.contains("SEARCH s USING INDEX run_snapshots_for_reports (<expr>"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE") && !plan.contains("SCAN v"), "{plan}");
    }

    #[test]
    fn an_accepted_workspace_is_unread_until_a_walk_of_the_whole_list() {
        let (archive, first) = archive(&[]);
        let later = at("2026-02-03T00:00:00Z");
        archive.complete_walk(first, true, None, "a test", later).unwrap();
        let accepted =
            archive.begin_sync(SyncKind::Full, "a test", "http://127.0.0.1:2", None, later).unwrap();
        assert!(!archive.has_unread_workspace().unwrap());
        archive.save_evidence(accepted, WorkspaceEvidence::Accepted).unwrap();
        assert!(archive.has_unread_workspace().unwrap());
        archive.complete_walk(accepted, false, None, "a test", later).unwrap();
        assert!(archive.has_unread_workspace().unwrap());
        archive.complete_walk(accepted, true, None, "a test", later).unwrap();
        assert!(!archive.has_unread_workspace().unwrap());
    }
}
