//! Runs requested by id: unsettled ones, ones missing from the list, and ones that the user named.

use super::{MAX_LISTED_IDS, Session};
use crate::error::{Error, Result};
use crate::store::{Candidate, Detail, WorkspaceEvidence};
use crate::sync::decoded::Item;
use crate::sync::prefetch::Wait;
use crate::sync::recheck::due;
use crate::sync::walk::Walk;
use crate::sync::{MAX_CONSECUTIVE_FAILURES, Phase};
use std::collections::VecDeque;
use uuid::Uuid;

/// Runs to request before the answers decide whether to go on.
const RUNS_PER_PART: usize = 100;

/// The response to a request by id.
pub(super) enum Details {
    Found(Box<Item>),
    Gone,
    /// No usable response, for this reason.
    Failed(String),
}

impl<'a> Session<'a> {
    /// Requests unsettled runs that the walk did not see in full, or reads the rest of the list if that takes fewer
    /// requests. Returns the walk.
    pub(super) fn fetch_unsettled_runs(&mut self, mut walk: Walk) -> Result<Walk> {
        let mut runs = self.due_runs()?;
        // Where the list omits what settles a run, reading more of it does not help.
        let pages = walk.pages_left().filter(|_| self.seen_partially.count() == 0);
        if let Some(pages) = pages.filter(|pages| *pages < runs.len() as u64) {
            self.reason = format!(
                "read the rest of the list: {} unsettled runs would take more requests than its {pages} pages",
                runs.len()
            );
            walk.extend();
            walk = self.walk(walk)?;
            if walk.is_complete() {
                self.complete_walk(&walk, walk.progress().top)?;
            }
            runs = self.due_runs()?;
        }
        self.fetch_runs(runs.into_iter().map(|run| run.run_id).collect(), Phase::Unsettled)?;
        Ok(walk)
    }

    /// The unsettled runs to request now, except those that the walk saw in full.
    fn due_runs(&mut self) -> Result<Vec<Candidate>> {
        // The clock, because observations can be ahead of it.
        self.observations.next();
        let now = self.observations.clock_at();
        let candidates = self.archive.unsettled(now.plus(-self.options.settle))?;
        let unseen = candidates
            .into_iter()
            .filter(|run| !self.was_seen_in_full(run.snapshot_id) && !self.unreadable.contains(&run.run_id))
            .collect();
        Ok(due(unseen, self.last_recheck_at, now))
    }

    /// As [`Session::fetch_unsettled_runs`], without the runs that the list lacks.
    pub(super) fn fetch_listed_unsettled_runs(&mut self) -> Result<()> {
        let mut runs = self.due_runs()?;
        runs.retain(|run| self.seen_partially.contains(run.snapshot_id));
        self.fetch_runs(runs.into_iter().map(|run| run.run_id).collect(), Phase::Unsettled)
    }

    /// Whether the walk saw every field that can settle the run.
    fn was_seen_in_full(&self, snapshot_id: i64) -> bool {
        self.seen.contains(snapshot_id) && !self.seen_partially.contains(snapshot_id)
    }

    /// Requests runs by id and stores those that the API has. Stops once more answer 404 than can be deleted.
    pub(super) fn fetch_runs(&mut self, ids: Vec<Uuid>, phase: Phase) -> Result<()> {
        let total = ids.len() as u64;
        let mut done = 0;
        for part in ids.chunks(RUNS_PER_PART) {
            self.fetch_details(part.iter().copied().collect(), |session, id, details| {
                match details {
                    Details::Found(item) => session.store_details(*item)?,
                    Details::Gone => session.note_gone_run(id)?,
                    Details::Failed(cause) => session.add_missing_run(id, &cause),
                }
                done += 1;
                session.report_progress(phase, done, Some(total));
                Ok(())
            })?;
            if self.has_unexplained_runs() {
                break;
            }
        }
        Ok(())
    }

    /// Archives the runs that the user named.
    pub(in crate::sync) fn fetch(&mut self, ids: &[Uuid]) -> Result<()> {
        let mut archived = VecDeque::new();
        let mut others = VecDeque::new();
        for id in ids {
            if self.archive.has_run(*id)? { archived.push_back(*id) } else { others.push_back(*id) }
        }
        // The response to an archived run shows whether the API serves the archive's workspace.
        archived.append(&mut others);
        self.fetch_details(archived, |session, id, details| {
            match details {
                Details::Found(item) => {
                    session.require_evidence(std::slice::from_ref(&*item), WorkspaceEvidence::Run)?;
                    session.store_details(*item)?;
                }
                Details::Gone => {
                    session.require_evidence(&[], WorkspaceEvidence::Run)?;
                    session.missing.push(format!("run {id}: the API has no such run"));
                    if session.archive.has_run(id)? {
                        session.note_gone_run(id)?;
                    }
                }
                Details::Failed(cause) => session.add_missing_run(id, &cause),
            }
            session.report_progress(Phase::Fetch, session.seen.count(), None);
            Ok(())
        })?;
        self.mark_gone_runs()
    }

    /// Requests runs by id, several at a time, and calls `handle` with the responses in the order of `ids`.
    pub(super) fn fetch_details(
        &mut self,
        mut ids: VecDeque<Uuid>,
        mut handle: impl FnMut(&mut Session<'a>, Uuid, Details) -> Result<()>,
    ) -> Result<()> {
        let mut failures = 0;
        loop {
            self.check_cancelled()?;
            self.prefetcher.prepare_details(&mut ids);
            let Some(id) = self.prefetcher.next_details() else { return Ok(()) };
            let details = match self.prefetcher.details(self.commit_deadline()) {
                Ok(Wait::TimedOut) => {
                    self.commit()?;
                    continue;
                }
                Ok(Wait::Ready(Some(item))) => Details::Found(Box::new(item)),
                Ok(Wait::Ready(None)) => Details::Gone,
                Err(error @ (Error::ApiUnavailable { .. } | Error::ApiMoved { .. })) => {
                    failures += 1;
                    if failures >= MAX_CONSECUTIVE_FAILURES {
                        return Err(error);
                    }
                    Details::Failed(error.on_one_line())
                }
                // A response that is too large does not mean that the API is failing.
                Err(error @ Error::ResponseTooLarge { .. }) => Details::Failed(error.on_one_line()),
                Err(error) => return Err(error),
            };
            if !matches!(details, Details::Failed(_)) {
                failures = 0;
            }
            self.begin_observation()?;
            handle(self, id, details)?;
            self.commit_if_due()?;
        }
    }

    pub(super) fn store_details(&mut self, item: Item) -> Result<()> {
        match item {
            Item::Run(snapshot, drift) => {
                self.record_drift(&drift, snapshot.run.id)?;
                self.upsert(&snapshot, Detail::Details).map(drop)
            }
            Item::DecodeError { text, reason } => self.quarantine(&text, &reason),
        }
    }

    pub(super) fn add_missing_run(&mut self, id: Uuid, cause: &str) {
        if self.missing.len() < MAX_LISTED_IDS {
            self.missing.push(format!("run {id}: {cause}"));
        }
    }
}
