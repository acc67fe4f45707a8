//! The walk of the run list: reads the pages that [`Walk`] asks for and stores them.

use super::Session;
use super::details::Details;
use crate::error::{Error, Result};
use crate::snapshot::Snapshot;
use crate::store::{Detail, SyncKind, Upsert};
use crate::sync::Phase;
use crate::sync::decoded::{DecodedPage, Item};
use crate::sync::prefetch::Wait;
use crate::sync::walk::{PageOutcome, Step, Walk};
use std::collections::VecDeque;

/// A page that is too large to read is requested again in pages smaller by this factor.
const PAGE_SIZE_DIVISOR: u32 = 4;

impl Session<'_> {
    /// Walks the list until the walk ends, and returns the walk.
    pub(super) fn walk(&mut self, mut walk: Walk) -> Result<Walk> {
        'walk: while let Step::Read { page, ahead_to, keep_ahead } = walk.next_step() {
            self.check_cancelled()?;
            self.prefetcher.prepare_page(page, ahead_to, keep_ahead);
            let received = loop {
                match self.prefetcher.page(self.commit_deadline()) {
                    Ok(Wait::Ready(received)) => break received,
                    Ok(Wait::TimedOut) => self.commit()?,
                    Err(Error::ResponseTooLarge { .. }) if self.prefetcher.page_size() > 1 => {
                        self.shrink_pages(&mut walk)?;
                        continue 'walk;
                    }
                    Err(error) => return Err(error),
                }
            };
            let outcome = match received {
                Some(DecodedPage { summary, items }) => {
                    walk.page_received(summary);
                    if let Step::Read { page, ahead_to, keep_ahead: true } = walk.next_step()
                        && ahead_to > page
                    {
                        // The next pages are requested while this one is stored.
                        self.prefetcher.prepare_page(page, ahead_to, true);
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
            walk.page_stored(outcome);
            self.walk_progress = walk.progress();
            self.report_progress(Phase::Walk, self.seen.count(), walk.count());
            self.commit_if_due()?;
        }
        if let Some(reason) = walk.incomplete_reason() {
            self.missing.push(format!("the run list: {reason}"));
        }
        if walk.is_complete() {
            let top = walk.progress().top;
            if self.kind == SyncKind::Incremental {
                self.reason = match (walk.progress().newest_first, walk.reached_end()) {
                    (Some(false), _) => "the list is not newest first, so all of it was read".to_owned(),
                    (_, true) if !walk.is_extended() => {
                        "the list ended before a safe stopping point".to_owned()
                    }
                    _ => std::mem::take(&mut self.reason),
                };
            }
            let now = self.observations.clock_at();
            self.archive.complete_walk(self.sync_id, walk.reached_end(), top, &self.reason, now)?;
        }
        Ok(walk)
    }

    /// Continues with smaller pages after one was too large to read.
    fn shrink_pages(&mut self, walk: &mut Walk) -> Result<()> {
        let before = self.prefetcher.page_size();
        let page_size = (before / PAGE_SIZE_DIVISOR).max(1);
        tracing::warn!(page_size, "the page is too large; continuing with smaller pages");
        walk.change_page_size(page_size, before);
        self.prefetcher.set_page_size(page_size);
        self.ensure_transaction()?;
        self.archive.save_page_size(self.sync_id, page_size)
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
