//! The order of the list, and whether a page continues the walk.

use super::{Acceptance, MAX_STALLS, Order, PageOrder, PageSummary, Walk, page_at};
use crate::run::Instant;
use crate::store::Cursor;
use crate::sync::bisection::{Bisection, Request};

impl Walk {
    /// Removes the runs out of order from the positions of a page.
    pub(super) fn remove_out_of_order(&mut self, summary: &mut PageSummary) -> PageOrder {
        self.positioned_items = summary.positions.len();
        // Items without a position say nothing about the order.
        if summary.items > 0 && summary.positions.is_empty() {
            return PageOrder::default();
        }
        let contains_known = self.out_of_order.remove_known(&mut summary.positions);
        self.remove_at_edge(summary);
        let is_newest_first = self.out_of_order.remove_new(&mut summary.positions);
        PageOrder { is_newest_first, contains_known, hides_overlap: self.out_of_order.has_new() }
    }

    /// Removes runs out of order where one page ends and the next begins.
    pub(super) fn remove_at_edge(&mut self, summary: &mut PageSummary) {
        let (Some(last), Some(cursor)) = (&self.last, self.cursor) else { return };
        let above = &last.positions;
        let follows = self.start_of(summary) == self.start_of_last + last.items as u64;
        let overlaps = summary.positions.iter().any(|position| position.run_id == cursor.run_id);
        if !follows || overlaps || above.last() != Some(&cursor) {
            return;
        }
        let is_unseen = |position: &Cursor, limit: Instant| {
            position.created_at > limit && !above.iter().any(|seen| seen.run_id == position.run_id)
        };
        let mut limit = cursor.created_at;
        let unseen = summary.positions.iter().filter(|position| is_unseen(position, limit)).count();
        let fits = |before: &Cursor| {
            let mut fitting = summary.positions.iter().filter(|run| run.created_at <= before.created_at);
            fitting.any(|run| is_unseen(run, limit))
        };
        if let [.., before, _] = above.as_slice()
            && unseen > 1
            && fits(before)
        {
            // The page above ends with a run that is older than its place.
            limit = before.created_at;
            self.cursor = Some(*before);
            self.progress.cursor = self.cursor;
            self.out_of_order.add(cursor.run_id);
        }
        let out_of_order = &mut self.out_of_order;
        summary.positions.retain(|position| {
            let removes = is_unseen(position, limit);
            if removes {
                out_of_order.add(position.run_id);
            }
            !removes
        });
    }

    /// Handles a requested page that does not exist: the list ends before it.
    pub(in crate::sync) fn page_not_found(&mut self) {
        self.ignores_page = false;
        self.at_end = false;
        self.repeats = false;
        self.keep_ahead = false;
        let page = match self.bisection.as_ref().map(Bisection::request) {
            // The API answers, and that is what the request was for.
            Some(Request::Probe(_)) => {
                self.ignores_page = true;
                return self.probe_answered(Bisection::ended_above);
            }
            Some(Request::Read(block)) => page_at(block.start, self.region(1).end),
            None => self.page,
        };
        if self.bisection.as_ref().is_some_and(|bisection| !bisection.has_page()) {
            // The list ends, but not a single record was returned.
            self.is_down = true;
            return;
        }
        let in_region = self.bisection.take().and_then(|mut bisection| bisection.take_skipped());
        if let Some(skipped) = in_region.or(self.skipped.take())
            && self.count().is_none_or(|count| count <= skipped.end)
        {
            // Nothing is below the records that fail.
            self.at_end = true;
            return self.add_gap(skipped, self.cursor, None);
        }
        // The previous page reported another one, whose runs have moved up onto it since.
        let moved_up = self.last.as_ref().is_some_and(|last| self.has_more(last));
        match self.order {
            Order::Other { ref mut dropped, .. } => {
                *dropped |= moved_up;
                self.at_end = true;
            }
            // Deletions moved the cursor's position up.
            Order::NewestFirst { must_overlap: true, .. } if page > 1 => self.step_back(page),
            Order::NewestFirst { .. } if moved_up => {
                self.order = Order::NewestFirst { base_count: None, must_overlap: true };
                self.step_back(page);
            }
            Order::NewestFirst { .. } => self.at_end = true,
        }
    }

    /// Whether a page reports another one. A `next` that contradicts the page's own `count` is ignored.
    pub(super) fn has_more(&self, page: &PageSummary) -> bool {
        page.has_next && page.count.is_none_or(|count| count > self.items_through(page))
    }

    pub(super) fn abandon_order(&mut self, summary: &PageSummary) {
        let is_first = self.start_of(summary) == 0 && self.block.is_none();
        self.start_pass(1);
        self.progress.newest_first = Some(false);
        if is_first {
            self.page = 2;
        }
    }

    /// Moves on if the page continues the walk safely, else steps back.
    pub(super) fn check_continuity(
        &mut self,
        summary: &PageSummary,
        order: PageOrder,
        base_count: Option<u64>,
        must_overlap: bool,
    ) -> Acceptance {
        let Some(cursor) = self.cursor else {
            // Nothing was seen yet, so nothing can lie between.
            self.start_chain(summary);
            return Acceptance::Below;
        };
        if self.resumed_below.is_none()
            && self.block.is_none()
            && summary.page > 1
            && summary.positions.iter().any(|position| Some(position.created_at) > self.progress.top)
        {
            // At least a whole page of runs created during the walk is less likely than another list order.
            self.abandon_order(summary);
            return Acceptance::Rejected;
        }
        let proves = |position: &&Cursor| !self.rejected.contains(&position.run_id);
        let overlaps =
            order.contains_known
                || summary.positions.iter().filter(proves).any(|position| {
                    position.created_at > cursor.created_at || position.run_id == cursor.run_id
                });
        // Of two runs created at the same moment, either can be the newer one.
        let starts_with_tie =
            summary.positions.first().is_some_and(|position| position.created_at == cursor.created_at);
        let dropped = base_count.zip(summary.count).is_some_and(|(base, now)| now < base);
        let seen = |position: &&Cursor| {
            let newer =
                position.created_at > cursor.created_at && Some(position.created_at) <= self.progress.top;
            newer || self.rejected.contains(&position.run_id)
        };
        self.certainly_seen =
            if self.resumed_below.is_some() { 0 } else { summary.positions.iter().filter(seen).count() };
        if overlaps || self.start_of(summary) == 0 {
            self.start_chain(summary);
            Acceptance::Overlap
        } else if must_overlap || dropped {
            self.order = Order::NewestFirst { base_count: None, must_overlap: true };
            self.keep_ahead = false;
            self.step_back(self.page_number(summary));
            Acceptance::Rejected
        } else if order.hides_overlap || starts_with_tie {
            self.start_chain(summary);
            Acceptance::Below
        } else {
            self.keep_ahead = true;
            self.advance(summary);
            Acceptance::Below
        }
    }

    /// The number of the page in pages of the usual length.
    pub(super) fn page_number(&self, summary: &PageSummary) -> u32 {
        self.block.map_or(summary.page, |block| page_at(block.start, self.region(1).end))
    }

    /// Steps back from a page that is too low: one page at first, then 2, 4, 8 … pages.
    pub(super) fn step_back(&mut self, page: u32) {
        self.bisection = None;
        self.skipped = None;
        self.page = page.saturating_sub(1 << self.stalls.min(10)).max(1);
        self.stalls += 1;
        if self.stalls > MAX_STALLS {
            self.end_incomplete("the list keeps contradicting itself".to_owned());
        }
    }

    /// Starts a chain at a page with no unseen run above it. Pages that were read ahead may be older
    /// than this page, so they are dropped.
    pub(super) fn start_chain(&mut self, summary: &PageSummary) {
        self.order = Order::NewestFirst { base_count: summary.count, must_overlap: false };
        self.keep_ahead = false;
        self.advance(summary);
    }

    pub(super) fn advance(&mut self, summary: &PageSummary) {
        if let Some(last) = summary.positions.last() {
            if self.cursor.is_none_or(|cursor| last.created_at < cursor.created_at) {
                self.stalls = 0;
            }
            if self.cursor.is_none_or(|cursor| last.created_at <= cursor.created_at) {
                self.cursor = Some(*last);
            }
            self.progress.newest_first = Some(true);
            self.progress.cursor = self.cursor;
        }
        if self.progress.top.is_none() {
            self.progress.top = summary.positions.first().map(|position| position.created_at);
        }
        self.move_on(summary);
    }

    /// Moves on to the next page, unless this one is the last.
    pub(super) fn move_on(&mut self, summary: &PageSummary) {
        let newest = summary.positions.iter().map(|position| position.created_at).max();
        self.progress.top = self.progress.top.max(newest);
        let page = self.page_number(summary);
        self.progress.page = Some(page);
        self.page = page + 1;
        // `next` can be missing too early; `count` may show that there is more.
        let more_by_count = summary.items > 0 && summary.count > Some(self.items_through(summary));
        self.at_end = !summary.has_next && !more_by_count;
    }

    /// Number of items on the pages up to and including this one.
    pub(super) fn items_through(&self, summary: &PageSummary) -> u64 {
        self.start_of(summary) + summary.items as u64
    }
}
