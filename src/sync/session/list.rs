//! The walk of the run list: reads the pages that [`Walk`] asks for and stores them.

use super::Session;
use super::details::Details;
use crate::error::{Error, Result};
use crate::run::Instant;
use crate::snapshot::Snapshot;
use crate::store::{Detail, FirstWalk, SyncKind, Upsert, WalkProgress, WorkspaceEvidence};
use crate::sync::Phase;
use crate::sync::decoded::{DecodedPage, Item};
use crate::sync::prefetch::Wait;
use crate::sync::walk::{PageOutcome, Step, Walk};
use std::collections::VecDeque;

impl Session<'_> {
    /// Walks the list until the walk ends, and returns the walk.
    pub(super) fn walk(&mut self, mut walk: Walk) -> Result<Walk> {
        walk = walk.with_known_gaps(self.archive.list_gaps()?);
        let mut page_size = walk.page_size();
        let mut first_failure = None;
        while let Step::Read { request, ahead_to, keep_ahead } = walk.next_step() {
            self.check_cancelled()?;
            self.prefetcher.prepare_page(request, ahead_to, keep_ahead);
            let received = match self.wait_for_page() {
                Ok(received) => received,
                Err(error @ (Error::ApiUnavailable { .. } | Error::ResponseTooLarge { .. })) => {
                    let cause = error.cause().into_owned();
                    tracing::info!(
                        page = request.page,
                        page_size = request.page_size,
                        cause,
                        "a page failed"
                    );
                    self.prefetcher.clear_pages();
                    walk.page_failed(&cause, self.seen_items());
                    if walk.is_down() {
                        return Err(first_failure.unwrap_or(error));
                    }
                    first_failure.get_or_insert(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            if request.attempts.is_none() {
                first_failure = None;
            }
            if walk.page_size() != page_size {
                page_size = walk.page_size();
                self.ensure_transaction()?;
                self.archive.save_page_size(self.sync_id, page_size)?;
            }
            let outcome = match received {
                Some(DecodedPage { summary, items }) => {
                    self.examine_page(&items)?;
                    walk.page_received(summary);
                    if let Step::Read { request, ahead_to, keep_ahead: true } = walk.next_step()
                        && ahead_to > request.page
                    {
                        // The next pages are requested while this one is stored.
                        self.prefetcher.prepare_page(request, ahead_to, true);
                    }
                    let outcome = self.store_page(items)?;
                    self.counts.pages += 1;
                    outcome
                }
                None => {
                    walk.page_not_found();
                    PageOutcome { newly_seen: 0, unchanged: false, seen: self.seen_items() }
                }
            };
            if walk.is_down()
                && let Some(error) = first_failure
            {
                return Err(error);
            }
            walk.page_stored(outcome);
            self.walk_progress = self.resume_point.unwrap_or_else(|| walk.progress());
            self.report_progress(Phase::Walk, self.walked_runs(), walk.count());
            self.commit_if_due()?;
        }
        if let Some(reason) = walk.incomplete_reason() {
            self.missing.push(format!("the run list: {reason}"));
        }
        // A walk may end without any page.
        self.require_evidence(&[], WorkspaceEvidence::ListedRun)?;
        self.handle_gaps(&walk)?;
        Ok(walk)
    }

    /// Resumes an interrupted first walk, after a walk from the top: new runs must not wait for the rest of the list.
    pub(super) fn resume(&mut self, from_top: Walk, first: &FirstWalk) -> Result<Walk> {
        self.archive.resume_walk(self.sync_id, first)?;
        self.stored_before = Some(self.archive.present_runs()?);
        self.resume_point = Some(WalkProgress {
            newest_first: Some(true),
            top: Some(first.top),
            page: Some(first.page),
            cursor: Some(first.cursor),
        });
        let from_top = self.walk(from_top)?;
        self.resume_point = None;
        let top = from_top.progress().top.max(Some(first.top)).filter(|_| from_top.is_complete());
        if from_top.reached_end() {
            self.complete_walk(&from_top, top)?;
            return Ok(from_top);
        }
        let rest = FirstWalk { top: top.unwrap_or(first.top), ..first.in_pages_of(self.options.page_size) };
        let rest = self.walk(Walk::resume(&rest))?;
        if from_top.is_complete() && rest.is_complete() {
            self.complete_walk(&rest, top)?;
        }
        Ok(rest)
    }

    /// Records that a walk is complete.
    pub(super) fn complete_walk(&mut self, walk: &Walk, top: Option<Instant>) -> Result<()> {
        if self.kind == SyncKind::Incremental {
            self.reason = match (walk.progress().newest_first, walk.reached_end()) {
                (Some(false), _) => "the list is not newest first, so all of it was read".to_owned(),
                (_, true) if !walk.is_extended() => "the list ended before a safe stopping point".to_owned(),
                _ => std::mem::take(&mut self.reason),
            };
        }
        self.record_walk(walk, top)
    }

    /// As [`Session::complete_walk`], with the reason as it is.
    pub(super) fn record_walk(&mut self, walk: &Walk, top: Option<Instant>) -> Result<()> {
        self.ensure_transaction()?;
        let now = self.observations.clock_at();
        self.archive.complete_walk(self.sync_id, walk.reached_end(), top, &self.reason, now)
    }

    /// Waits for the prepared page. `None`: the list ends before it.
    fn wait_for_page(&mut self) -> Result<Option<DecodedPage>> {
        loop {
            match self.prefetcher.page(self.commit_deadline())? {
                Wait::Ready(received) => return Ok(received),
                Wait::TimedOut => self.commit()?,
            }
        }
    }

    fn store_page(&mut self, items: Vec<Item>) -> Result<PageOutcome> {
        self.begin_observation()?;
        let before = self.seen_items();
        let mut unchanged = true;
        let mut incomplete = VecDeque::new();
        for item in items {
            match item {
                Item::Run(snapshot, drift) => {
                    self.record_drift(&drift, snapshot.run.id)?;
                    match self.upsert(&snapshot, Detail::List)? {
                        Upsert::Unchanged { .. } | Upsert::UnchangedInPart { .. } => {}
                        Upsert::New { .. } | Upsert::Changed { .. } => unchanged = false,
                        Upsert::NeedsDetails => {
                            unchanged = false;
                            incomplete.push_back(*snapshot);
                        }
                    }
                }
                Item::DecodeError { text, reason } => {
                    unchanged = false;
                    self.quarantine(&text, &reason)?;
                }
            }
        }
        // Requests by id can be cancelled. A page that needs none must still reach its progress update.
        if !incomplete.is_empty() {
            self.complete(incomplete)?;
        }
        let seen = self.seen_items();
        Ok(PageOutcome { newly_seen: seen - before, unchanged, seen })
    }

    /// Requests the details of runs for which the list omits too much.
    fn complete(&mut self, mut listed: VecDeque<Snapshot>) -> Result<()> {
        let ids = listed.iter().map(|snapshot| snapshot.run.id).collect();
        self.fetch_details(ids, |session, id, details| {
            let listed = listed.pop_front().expect("responses come in the order of the requests");
            match details {
                Details::Found(item) => session.store_details(*item),
                // The list item is better than nothing.
                Details::Gone => session.upsert(&listed, Detail::Details).map(drop),
                Details::Failed(cause) => {
                    session.add_missing_run(id, &cause);
                    session.upsert(&listed, Detail::Details).map(drop)
                }
            }
        })
    }
}
