//! Snapshots of runs: a new state adds a snapshot and supersedes the previous one. Nothing is overwritten.

use super::run_row::{RunId, bind_snapshot, insert_sql, run_columns, run_from_row};
use super::{Archive, settled};
use crate::error::Result;
use crate::ignored_fields::IgnoredFields;
use crate::run::{Instant, Run};
use crate::snapshot::{Comparison, ContentHash, Snapshot, changes, compare, inessential_paths};
use rusqlite::{OptionalExtension, named_params, params};
use uuid::Uuid;

/// Where a state of a run was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// In the list, which may show fewer fields than the details.
    List,
    /// In the details, requested by id.
    Details,
}

/// Whether a run is probably in the archive. It affects speed only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertHint {
    /// The run is probably new: the insert is tried first, which saves a lookup.
    New,
    /// The run is probably known: it is looked up first.
    Known,
}

/// The effect of [`Archive::upsert_run`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upsert {
    /// The run is new.
    New {
        /// Its first snapshot.
        snapshot_id: i64,
    },
    /// The run has changed.
    Changed {
        /// The snapshot that was superseded.
        before: i64,
        /// Its new snapshot.
        snapshot_id: i64,
        /// The paths of the replaced values, at most ten for each field. Empty if a field changed that reports use.
        replaced: Vec<String>,
    },
    /// The run has not changed.
    Unchanged {
        /// Its current snapshot.
        snapshot_id: i64,
    },
    /// The fields in the list have not changed; the archive also has fields that the list does not show.
    UnchangedInPart {
        /// Its current snapshot.
        snapshot_id: i64,
    },
    /// The list shows too few fields. Nothing was stored: the details are needed.
    NeedsDetails,
}

/// A run to request by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Its current snapshot.
    pub snapshot_id: i64,
    /// Its id.
    pub run_id: Uuid,
    /// When it was created, if it is an unsettled run that is not over. `None`: it is over, or this is not known.
    pub open_since: Option<Instant>,
}

/// How many runs are not settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UnsettledRuns {
    /// Those that are not over.
    pub open: u64,
    /// Those that are over, without a known cost.
    pub cost_unknown: u64,
}

impl UnsettledRuns {
    /// All of them.
    pub fn total(self) -> u64 {
        self.open + self.cost_unknown
    }
}

/// A run that a walk of the whole list did not see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnseenRun {
    /// Its id.
    pub run_id: Uuid,
    /// When it was created. `None`: the API did not send it.
    pub created_at: Option<Instant>,
}

/// A snapshot in a run's history.
#[derive(Debug)]
pub struct HistoryEntry {
    /// The state.
    pub run: Run,
    /// When it was first seen.
    pub observed_at: Instant,
    /// When the next state was seen. `None`: this is the current state.
    pub superseded_at: Option<Instant>,
    /// The sync that first saw it.
    pub sync_id: i64,
}

/// The unsettled runs that the API still has, in the order of the partial index that covers them.
fn unsettled_sql() -> String {
    format!(
        "SELECT snapshot_id, run_id, {} FROM run_snapshots \
         WHERE superseded_at IS NULL AND {} AND run_id NOT IN (SELECT run_id FROM vanished_runs) \
         ORDER BY run_id",
        *settled::OPEN_SINCE,
        *settled::UNSETTLED
    )
}

/// The parts of a current snapshot that decide about an upsert.
struct Current {
    snapshot_id: i64,
    content_hash: ContentHash,
    observed_at: Instant,
}

impl Archive {
    /// Stores a state of a run that was seen at `at`, unless it is stored already or differs in `ignored` only.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn upsert_run(
        &self,
        snapshot: &Snapshot,
        detail: Detail,
        hint: InsertHint,
        ignored: &IgnoredFields,
        at: Instant,
        sync_id: i64,
    ) -> Result<Upsert> {
        let run = &snapshot.run;
        let shows_enough = detail == Detail::Details || run.absent.is_empty();
        if hint == InsertHint::New
            && shows_enough
            && let Some(snapshot_id) = self.insert(snapshot, at, sync_id)?
        {
            return Ok(Upsert::New { snapshot_id });
        }
        let Some(current) = self.current(run.id)? else {
            if !shows_enough {
                return Ok(Upsert::NeedsDetails);
            }
            return Ok(Upsert::New { snapshot_id: self.insert_first(snapshot, at, sync_id)? });
        };
        let Current { snapshot_id, content_hash, observed_at } = current;
        if content_hash == snapshot.content_hash {
            return Ok(Upsert::Unchanged { snapshot_id });
        }
        let changes = changes(&self.run_of(snapshot_id)?, run, ignored);
        match (compare(&changes), detail) {
            (Comparison::Known, Detail::List) => return Ok(Upsert::UnchangedInPart { snapshot_id }),
            (Comparison::Known, Detail::Details) => return Ok(Upsert::Unchanged { snapshot_id }),
            (Comparison::DiffersAndShowsLess, Detail::List) => return Ok(Upsert::NeedsDetails),
            (Comparison::DiffersAndShowsLess, Detail::Details) | (Comparison::Differs, _) => {}
        }
        // A run can occur twice in one response, in two states.
        let at = at.max(observed_at.next());
        self.connection
            .prepare_cached("UPDATE run_snapshots SET superseded_at = ?2 WHERE snapshot_id = ?1")?
            .execute(params![snapshot_id, at])?;
        Ok(Upsert::Changed {
            before: snapshot_id,
            snapshot_id: self.insert_first(snapshot, at, sync_id)?,
            replaced: inessential_paths(changes),
        })
    }

    fn current(&self, run_id: Uuid) -> Result<Option<Current>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT snapshot_id, content_hash, observed_at FROM run_snapshots \
             WHERE run_id = ?1 AND coalesce(superseded_at, '') = ''",
        )?;
        let current = statement.query_row([RunId::of(run_id)], |row| {
            Ok(Current { snapshot_id: row.get(0)?, content_hash: row.get(1)?, observed_at: row.get(2)? })
        });
        Ok(current.optional()?)
    }

    /// Inserts the current snapshot of a run. `None`: the run has one, and nothing was inserted.
    fn insert(&self, snapshot: &Snapshot, at: Instant, sync_id: i64) -> Result<Option<i64>> {
        let mut statement = self.connection.prepare_cached(insert_sql())?;
        bind_snapshot(&mut statement, snapshot, at, sync_id)?;
        let inserted = statement.raw_execute()?;
        Ok((inserted > 0).then(|| self.connection.last_insert_rowid()))
    }

    /// Inserts the current snapshot of a run that has none.
    fn insert_first(&self, snapshot: &Snapshot, at: Instant, sync_id: i64) -> Result<i64> {
        Ok(self
            .insert(snapshot, at, sync_id)?
            .expect("this is the only writer, and the run has no current snapshot"))
    }

    fn run_of(&self, snapshot_id: i64) -> Result<Run> {
        let sql = format!("SELECT {} FROM run_snapshots WHERE snapshot_id = ?1", run_columns());
        Ok(self.connection.prepare_cached(&sql)?.query_row([snapshot_id], |row| run_from_row(row, 0))?)
    }

    /// The snapshots of a run, oldest first. Empty: the archive has no such run.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn history(&self, run_id: Uuid) -> Result<Vec<HistoryEntry>> {
        let sql = format!(
            "SELECT observed_at, superseded_at, sync_id, {} FROM run_snapshots \
             WHERE run_id = ?1 ORDER BY observed_at",
            run_columns()
        );
        let mut statement = self.connection.prepare(&sql)?;
        let entries = statement.query_map([RunId::of(run_id)], |row| {
            Ok(HistoryEntry {
                observed_at: row.get(0)?,
                superseded_at: row.get(1)?,
                sync_id: row.get(2)?,
                run: run_from_row(row, 3)?,
            })
        })?;
        Ok(entries.collect::<rusqlite::Result<_>>()?)
    }

    /// The runs that are not settled (`store::settled`), without those that the API no longer has.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn unsettled(&self, settled_before: Instant) -> Result<Vec<Candidate>> {
        let mut statement = self.connection.prepare(&unsettled_sql())?;
        let candidates = statement.query_map(named_params! {":settled_before": settled_before}, |row| {
            Ok(Candidate { open_since: row.get(2)?, ..candidate(row)? })
        })?;
        Ok(candidates.collect::<rusqlite::Result<_>>()?)
    }

    /// Counts the runs that [`Archive::unsettled`] returns.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn unsettled_runs(&self, settled_before: Instant) -> Result<UnsettledRuns> {
        let runs = self.unsettled(settled_before)?;
        let open = runs.iter().filter(|run| run.open_since.is_some()).count() as u64;
        Ok(UnsettledRuns { open, cost_unknown: runs.len() as u64 - open })
    }

    /// The number of runs that have not vanished from the API.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn present_runs(&self) -> Result<u64> {
        // Each sync counts its new runs in the transaction that adds them, so no run needs to be read.
        let sql =
            "SELECT (SELECT coalesce(sum(runs_new), 0) FROM syncs) - (SELECT count(*) FROM vanished_runs)";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    /// The runs whose current snapshot is not `seen`, without those that have vanished.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn unseen_runs(&self, seen: impl Fn(i64) -> bool) -> Result<Vec<UnseenRun>> {
        let mut all =
            self.connection.prepare("SELECT snapshot_id FROM run_snapshots WHERE superseded_at IS NULL")?;
        let mut one = self.connection.prepare(
            "SELECT run_id, created_at FROM run_snapshots AS s \
             WHERE snapshot_id = ?1 AND NOT EXISTS (SELECT 1 FROM vanished_runs AS v WHERE v.run_id = s.run_id)",
        )?;
        let mut unseen = Vec::new();
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            let snapshot_id: i64 = row.get(0)?;
            if !seen(snapshot_id) {
                let run = one.query_row([snapshot_id], |row| {
                    Ok(UnseenRun { run_id: row.get::<_, RunId>(0)?.uuid(), created_at: row.get(1)? })
                });
                unseen.extend(run.optional()?);
            }
        }
        Ok(unseen)
    }

    /// The current snapshot of a run. `None`: the archive has no such run.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn current_snapshot(&self, run_id: Uuid) -> Result<Option<i64>> {
        Ok(self.current(run_id)?.map(|current| current.snapshot_id))
    }

    /// Records that a run has vanished from the API. Returns whether this is new.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn mark_vanished(&self, run_id: Uuid, at: Instant, sync_id: i64) -> Result<bool> {
        let added = self
            .connection
            .prepare_cached(
                "INSERT INTO vanishings (run_id, vanished_at, sync_id) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (run_id) WHERE returned_at IS NULL DO NOTHING",
            )?
            .execute(params![RunId::of(run_id), at, sync_id])?;
        Ok(added > 0)
    }

    /// Records that a vanished run is back. Returns whether it had vanished.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn mark_returned(&self, run_id: Uuid, at: Instant) -> Result<bool> {
        let returned = self
            .connection
            .prepare_cached(
                "UPDATE vanishings SET returned_at = ?2 WHERE run_id = ?1 AND returned_at IS NULL",
            )?
            .execute(params![RunId::of(run_id), at])?;
        Ok(returned > 0)
    }

    /// Whether any run has vanished.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn has_vanished_runs(&self) -> Result<bool> {
        Ok(self.connection.query_row("SELECT EXISTS (SELECT 1 FROM vanished_runs)", [], |row| row.get(0))?)
    }

    /// When a run vanished. `None`: it has not.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn vanished_at(&self, run_id: Uuid) -> Result<Option<Instant>> {
        let sql = "SELECT vanished_at FROM vanished_runs WHERE run_id = ?1";
        Ok(self.connection.query_row(sql, [RunId::of(run_id)], |row| row.get(0)).optional()?)
    }
}

/// A candidate from its snapshot and its id.
pub(super) fn candidate(row: &rusqlite::Row<'_>) -> rusqlite::Result<Candidate> {
    Ok(Candidate { snapshot_id: row.get(0)?, run_id: row.get::<_, RunId>(1)?.uuid(), open_since: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partial_index_covers_the_unsettled_runs() {
        let archive = Archive::temporary().unwrap();
        let mut statement =
            archive.connection.prepare(&format!("EXPLAIN QUERY PLAN {}", unsettled_sql())).unwrap();
        let steps = statement.query_map([""], |row| row.get::<_, String>(3)).unwrap();
        let plan = steps.collect::<rusqlite::Result<Vec<_>>>().unwrap().join("; ");
        assert!(plan.contains("COVERING INDEX run_snapshots_open"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}
