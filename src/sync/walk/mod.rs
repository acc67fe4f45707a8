//! The walk of the run list: which page to read next, whether it safely continues the last one, and when to stop.
//!
//! The walk only decides; the session reads and stores the pages.
//!
//! # Why a newest-first walk misses no run
//! The list changes while the walk reads it. Created runs push others onto later pages, deleted runs
//! pull others back, and pages that are read ahead arrive in any order.
//!
//! The walk keeps a *cursor*, the oldest run it has reached, and this invariant: it has seen every
//! run that exists throughout the walk and is newer than the cursor. A page moves the cursor only
//! if no unseen run can lie between the cursor and the page. There are two such cases:
//!
//! 1. The page *overlaps*: it contains the cursor's run or a newer one. Then every run between the
//!    cursor and the end of the page is on the page itself.
//! 2. The page starts directly below the cursor, as a link of a *chain* of such pages, and its
//!    `count` is not lower than `count` on the page that started the chain. That first page was read
//!    alone, before any other page of the chain.
//!
//! Proof of case 2: runs are created only at the top of the list. An unseen run between two pages
//! of the chain therefore requires one of these:
//!
//! - More deletions than creations between the two reads. That lowers `count`, so the page is rejected.
//! - A page that was read ahead, and creations that pushed a run from the page that arrived late
//!   onto the page that had arrived early. But then the late page overlaps the page before it, and
//!   an overlap ends the chain: the walk drops what was read ahead.
//!
//! In any other case the walk steps back, page by page, until a page overlaps. While nothing
//! changes, each page is requested once.
//!
//! A list in any other order allows no such proof. The walk reads it again and again, page after
//! page, until a pass yields no run that an earlier pass had not seen.

use crate::run::Instant;
use crate::store::{Cursor, FirstWalk, WalkProgress};

/// After this many pages in a row without a new run, a list without an end counts as circular.
const MAX_FUTILE_PAGES: u32 = 5;

/// How often to request a page again that is empty although the list continues.
const MAX_EMPTY_RESPONSES: u32 = 2;

/// How often to read a list without a known order before giving up on a pass without new runs.
const MAX_PASSES: u32 = 10;

/// After this many steps back without progress, the list counts as inconsistent.
const MAX_STALLS: u32 = 30;

/// The facts about a page that the walk needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PageSummary {
    /// The page's number, from 1.
    pub page: u32,
    /// The API's total number of runs. `None`: not given.
    pub count: Option<u64>,
    /// Whether the API reports another page.
    pub has_next: bool,
    /// Number of items on the page.
    pub items: usize,
    /// The positions of the items that have one, in the order of the page.
    pub positions: Vec<Cursor>,
}

impl PageSummary {
    fn is_newest_first(&self) -> bool {
        // Items without a position say nothing about the order.
        (self.items == 0 || !self.positions.is_empty())
            && self.positions.is_sorted_by(|newer, older| newer.created_at >= older.created_at)
    }
}

/// The result of storing a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PageOutcome {
    /// Runs on the page that the walk had not seen before.
    pub newly_seen: u64,
    /// Whether the archive already had all items in this state.
    pub unchanged: bool,
    /// Distinct runs and undecodable items that the walk has seen so far.
    pub seen: u64,
}

/// What the session does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Read a page.
    Read {
        /// The page's number.
        page: u32,
        /// The last page that may be read ahead; `page` itself if none may.
        ahead_to: u32,
        /// Whether pages that were read ahead earlier are still valid.
        keep_ahead: bool,
    },
    /// The walk is over.
    End,
}

/// How far the walk must go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// To the end of the list.
    Whole,
    /// Until a whole page is unchanged and older than this.
    Until(Instant),
}

/// What is known about the list's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Newest first, as far as the list was read.
    NewestFirst {
        /// `count` on the page that started the chain. `None`: unknown.
        base_count: Option<u64>,
        /// Whether only a page that overlaps the cursor is safe.
        must_overlap: bool,
    },
    /// Not newest first.
    Other {
        /// The number of the pass, from 1.
        pass: u32,
        /// Runs seen in this pass and in no earlier one.
        newly_seen: u64,
        /// Whether `count` dropped in this pass.
        dropped: bool,
    },
}

/// A walk under way.
#[derive(Debug)]
pub(super) struct Walk {
    extent: Extent,
    order: Order,
    /// The page to read next.
    page: u32,
    /// Whether pages that were read ahead are still valid.
    keep_ahead: bool,
    cursor: Option<Cursor>,
    /// Whether this walk resumes an interrupted one. What it sees cannot be compared with `count`.
    resumed: bool,
    progress: WalkProgress,
    /// The page received last.
    last: Option<PageSummary>,
    /// The lowest `count` in this pass. `None`: not given.
    least_count: Option<u64>,
    /// The most items on any page so far: the length of a full page.
    page_length: usize,
    /// Items of the last page that were certainly seen before, if the list is newest first.
    certainly_seen: usize,
    /// Whether the last page holds the same runs as the one before it.
    repeats: bool,
    futile_pages: u32,
    stalls: u32,
    /// How often the current page came back empty although the list continues.
    empty_responses: u32,
    /// Whether to request the last page again and ignore its content.
    retries_page: bool,
    /// A page that stayed empty although the list continues.
    gap: Option<u32>,
    /// Whether the end of the list was read.
    at_end: bool,
    /// Whether the walk continued beyond its boundary.
    extended: bool,
    ended: bool,
    incomplete_reason: Option<String>,
}

impl Walk {
    /// A walk of the whole list.
    pub(super) fn whole() -> Walk {
        Walk::new(Extent::Whole)
    }

    /// A walk that may stop at a whole page of unchanged runs created before `boundary`.
    pub(super) fn until(boundary: Instant) -> Walk {
        Walk::new(Extent::Until(boundary))
    }

    /// A walk of the rest of the list, below the point where an earlier walk was interrupted.
    pub(super) fn resume(first: &FirstWalk) -> Walk {
        let mut walk = Walk::new(Extent::Whole);
        walk.order = Order::NewestFirst { base_count: None, must_overlap: true };
        walk.page = first.page;
        walk.cursor = Some(first.cursor);
        walk.resumed = true;
        walk.progress = WalkProgress {
            newest_first: Some(true),
            top: Some(first.top),
            page: Some(first.page),
            cursor: Some(first.cursor),
        };
        walk
    }

    fn new(extent: Extent) -> Walk {
        Walk {
            extent,
            order: Order::NewestFirst { base_count: None, must_overlap: false },
            page: 1,
            keep_ahead: false,
            cursor: None,
            resumed: false,
            progress: WalkProgress::default(),
            last: None,
            least_count: None,
            page_length: 0,
            certainly_seen: 0,
            repeats: false,
            futile_pages: 0,
            stalls: 0,
            empty_responses: 0,
            retries_page: false,
            gap: None,
            at_end: false,
            extended: false,
            ended: false,
            incomplete_reason: None,
        }
    }

    /// The number of pages below the boundary at which the walk stopped. `None`: it stopped elsewhere, or the list has
    /// no known end.
    pub(super) fn pages_left(&self) -> Option<u64> {
        let stopped = self.is_complete() && !self.at_end && matches!(self.extent, Extent::Until(_));
        let last = self.last.as_ref().filter(|_| stopped && self.page_length > 0)?;
        Some(last.count?.div_ceil(self.page_length as u64).saturating_sub(u64::from(last.page)))
    }

    /// Continues a walk that stopped at its boundary, to the end of the list.
    pub(super) fn extend(&mut self) {
        self.extent = Extent::Whole;
        self.extended = true;
        self.ended = false;
    }

    /// Whether the walk continued beyond its boundary.
    pub(super) fn is_extended(&self) -> bool {
        self.extended
    }

    /// The next page to read, or the end of the walk.
    pub(super) fn next_step(&self) -> Step {
        if self.ended {
            return Step::End;
        }
        Step::Read { page: self.page, ahead_to: self.ahead_to(), keep_ahead: self.keep_ahead }
    }

    /// Reading ahead is useful if the walk certainly continues, and safe within a chain.
    fn ahead_to(&self) -> u32 {
        let in_chain = matches!(self.order, Order::NewestFirst { base_count: Some(_), must_overlap: false });
        let count = self.last.as_ref().and_then(|last| last.count);
        match count {
            Some(count) if in_chain && self.extent == Extent::Whole && self.page_length > 0 => {
                let pages = count.div_ceil(self.page_length as u64);
                self.page.max(u32::try_from(pages).unwrap_or(u32::MAX))
            }
            _ => self.page,
        }
    }

    /// Handles a received page, before it is stored.
    pub(super) fn page_received(&mut self, summary: PageSummary) {
        self.at_end = false;
        self.certainly_seen = 0;
        self.page_length = self.page_length.max(summary.items);
        self.retries_page =
            self.is_unexpectedly_empty(&summary) && self.empty_responses < MAX_EMPTY_RESPONSES;
        if self.retries_page {
            self.empty_responses += 1;
            self.keep_ahead = false;
            return;
        }
        self.empty_responses = 0;
        self.least_count = self.least_count.into_iter().chain(summary.count).min();
        if self.is_unexpectedly_empty(&summary) {
            self.gap = Some(summary.page);
        }
        match self.order {
            Order::NewestFirst { .. } if !summary.is_newest_first() => self.abandon_order(summary.page),
            Order::NewestFirst { base_count, must_overlap } => {
                self.check_continuity(&summary, base_count, must_overlap);
            }
            Order::Other { .. } => self.move_on(&summary),
        }
        if let (Order::Other { dropped, .. }, Some(last)) = (&mut self.order, &self.last) {
            *dropped |= last.count.zip(summary.count).is_some_and(|(before, now)| now < before);
        }
        self.repeats = self
            .last
            .as_ref()
            // Runs created meanwhile can push the same runs onto this page, but they also raise `count`.
            .is_some_and(|last| last.positions == summary.positions && last.count == summary.count);
        self.last = Some(summary);
    }

    /// Whether a page is empty although the list continues: the API omits its runs.
    fn is_unexpectedly_empty(&self, summary: &PageSummary) -> bool {
        let above = u64::from(summary.page - 1) * self.page_length as u64;
        summary.items == 0 && (summary.has_next || summary.count > Some(above))
    }

    /// Continues with another page size, because the requested page was too large to read.
    pub(super) fn change_page_size(&mut self, page_size: u32, before: u32) {
        let before = if self.page_length > 0 { self.page_length as u64 } else { u64::from(before) };
        // The server may have capped both sizes to the same length.
        let length = before.min(u64::from(page_size));
        self.page_length = length as usize;
        self.last = None;
        self.keep_ahead = false;
        match self.order {
            Order::Other { pass, .. } => self.start_pass(pass),
            Order::NewestFirst { .. } => {
                let must_overlap = self.cursor.is_some();
                self.order = Order::NewestFirst { base_count: None, must_overlap };
                // The page that contains the last item above.
                let above = u64::from(self.page - 1) * before;
                self.page = u32::try_from(above.saturating_sub(1) / length + 1).unwrap_or(u32::MAX);
            }
        }
    }

    /// Handles a requested page that does not exist: the list ends before it.
    pub(super) fn page_not_found(&mut self) {
        self.retries_page = false;
        self.at_end = false;
        self.repeats = false;
        self.keep_ahead = false;
        match self.order {
            Order::Other { .. } => self.at_end = true,
            // Deletions moved the cursor's position up.
            Order::NewestFirst { must_overlap: true, .. } if self.page > 1 => self.step_back(self.page),
            // The previous page reported another one, whose runs have moved up onto it since.
            Order::NewestFirst { .. } if self.last.as_ref().is_some_and(|last| self.has_more(last)) => {
                self.order = Order::NewestFirst { base_count: None, must_overlap: true };
                self.step_back(self.page);
            }
            Order::NewestFirst { .. } => self.at_end = true,
        }
    }

    /// Whether a page reports another one. A `next` that contradicts the page's own `count` is ignored.
    fn has_more(&self, page: &PageSummary) -> bool {
        page.has_next && page.count.is_none_or(|count| count > self.items_through(page))
    }

    fn abandon_order(&mut self, page: u32) {
        self.start_pass(1);
        self.progress.newest_first = Some(false);
        if page == 1 {
            self.page = 2;
        }
    }

    fn check_continuity(&mut self, summary: &PageSummary, base_count: Option<u64>, must_overlap: bool) {
        let Some(cursor) = self.cursor else {
            // Nothing was seen yet, so nothing can lie between.
            self.start_chain(summary);
            return;
        };
        if !self.resumed
            && summary.page > 1
            && summary.positions.iter().any(|position| Some(position.created_at) > self.progress.top)
        {
            // At least a whole page of runs created during the walk is less likely than another list order.
            return self.abandon_order(summary.page);
        }
        let overlaps = summary
            .positions
            .iter()
            .any(|position| position.created_at > cursor.created_at || position.run_id == cursor.run_id);
        let dropped = base_count.zip(summary.count).is_some_and(|(base, now)| now < base);
        let seen = |position: &&Cursor| {
            position.created_at > cursor.created_at && Some(position.created_at) <= self.progress.top
        };
        self.certainly_seen = if self.resumed { 0 } else { summary.positions.iter().filter(seen).count() };
        if overlaps || summary.page == 1 {
            self.start_chain(summary);
        } else if must_overlap || dropped {
            self.order = Order::NewestFirst { base_count: None, must_overlap: true };
            self.keep_ahead = false;
            self.step_back(summary.page);
        } else {
            self.keep_ahead = true;
            self.advance(summary);
        }
    }

    /// Steps back from a page that is too low: one page at first, then 2, 4, 8 … pages.
    fn step_back(&mut self, page: u32) {
        self.page = page.saturating_sub(1 << self.stalls.min(10)).max(1);
        self.stalls += 1;
        if self.stalls > MAX_STALLS {
            self.end_incomplete("the list keeps contradicting itself".to_owned());
        }
    }

    /// Starts a chain at a page with no unseen run above it. Pages that were read ahead may be older
    /// than this page, so they are dropped.
    fn start_chain(&mut self, summary: &PageSummary) {
        self.order = Order::NewestFirst { base_count: summary.count, must_overlap: false };
        self.keep_ahead = false;
        self.advance(summary);
    }

    fn advance(&mut self, summary: &PageSummary) {
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
    fn move_on(&mut self, summary: &PageSummary) {
        let newest = summary.positions.iter().map(|position| position.created_at).max();
        self.progress.top = self.progress.top.max(newest);
        self.progress.page = Some(summary.page);
        self.page = summary.page + 1;
        // `next` can be missing too early; `count` may show that there is more.
        let more_by_count = summary.items > 0 && summary.count > Some(self.items_through(summary));
        self.at_end = !summary.has_next && !more_by_count;
    }

    /// Number of items on the pages up to and including this one.
    fn items_through(&self, summary: &PageSummary) -> u64 {
        u64::from(summary.page - 1) * self.page_length as u64 + summary.items as u64
    }

    /// Handles the result of storing the last page and decides whether the walk is over. A page that does
    /// not exist counts as empty.
    pub(super) fn page_stored(&mut self, outcome: PageOutcome) {
        if self.ended || self.retries_page {
            return;
        }
        if let Order::Other { newly_seen, .. } = &mut self.order {
            *newly_seen += outcome.newly_seen;
        }
        let Some(last) = &self.last else {
            if self.at_end {
                self.end_pass(outcome);
            }
            return;
        };
        if outcome.newly_seen > (last.items - self.certainly_seen) as u64 {
            // The page has unseen runs newer than the cursor, so the list has another order.
            self.start_pass(1);
            self.progress.newest_first = Some(false);
            return;
        }
        if self.at_end {
            return self.end_pass(outcome);
        }
        if let (Extent::Until(boundary), Order::NewestFirst { must_overlap: false, .. }) =
            (self.extent, self.order)
        {
            let all_older = last.positions.iter().all(|position| position.created_at < boundary);
            if outcome.unchanged && last.items > 0 && last.positions.len() == last.items && all_older {
                return self.end();
            }
        }
        let beyond_count = last.count.is_some_and(|count| self.items_through(last) > count);
        // A later pass is expected to bring nothing new.
        let endless = last.count.is_none() && !matches!(self.order, Order::Other { pass: 2.., .. });
        let idle = self.repeats || last.items == 0 || beyond_count || endless;
        let futile = outcome.newly_seen == 0 && last.has_next && idle;
        self.futile_pages = if futile { self.futile_pages + 1 } else { 0 };
        if self.futile_pages >= MAX_FUTILE_PAGES {
            self.end_incomplete(format!("the list continues beyond page {} without new runs", last.page));
        }
    }

    fn end_pass(&mut self, outcome: PageOutcome) {
        // Runs created meanwhile are left to the next walk.
        let count = self.least_count.unwrap_or(0);
        let short = !self.resumed && outcome.seen < count;
        match self.order {
            // The list showed fewer runs than it counts: its order may differ from what it seems.
            Order::NewestFirst { .. } if short => self.start_pass(1),
            Order::NewestFirst { .. } => self.end(),
            Order::Other { pass, newly_seen: 0, dropped: false } if pass > 1 => {
                self.end();
                if short && self.incomplete_reason.is_none() {
                    self.incomplete_reason =
                        Some(format!("the API counts {count} runs but listed {}", outcome.seen));
                }
            }
            Order::Other { pass, .. } if pass >= MAX_PASSES => {
                self.end_incomplete(format!("the list was still changing after {MAX_PASSES} passes"));
            }
            Order::Other { pass, .. } => self.start_pass(pass + 1),
        }
    }

    fn start_pass(&mut self, pass: u32) {
        self.order = Order::Other { pass, newly_seen: 0, dropped: false };
        self.gap = None;
        self.page = 1;
        self.cursor = None;
        self.progress.cursor = None;
        self.last = None;
        self.least_count = None;
        self.at_end = false;
        self.keep_ahead = false;
    }

    fn end(&mut self) {
        self.ended = true;
        self.incomplete_reason =
            self.gap.map(|page| format!("page {page} stayed empty although the list continues"));
    }

    fn end_incomplete(&mut self, reason: String) {
        self.incomplete_reason = Some(reason);
        self.ended = true;
    }

    /// The progress to store, from which a later sync can resume.
    pub(super) fn progress(&self) -> WalkProgress {
        self.progress
    }

    /// The API's latest total number of runs. `None`: not given yet.
    pub(super) fn count(&self) -> Option<u64> {
        self.last.as_ref().and_then(|last| last.count)
    }

    /// Whether the walk read its whole extent.
    pub(super) fn is_complete(&self) -> bool {
        self.ended && self.gap.is_none() && (self.at_end || self.incomplete_reason.is_none())
    }

    /// Whether the walk read the list to its end.
    pub(super) fn reached_end(&self) -> bool {
        self.ended && self.at_end && self.gap.is_none()
    }

    /// Whether the walk itself saw every run of the list, so that an unseen run may be deleted.
    pub(super) fn saw_everything(&self) -> bool {
        self.reached_end() && !self.resumed && self.incomplete_reason.is_none()
    }

    /// Why the walk may have missed runs. `None`: no reason to think so.
    pub(super) fn incomplete_reason(&self) -> Option<&str> {
        self.incomplete_reason.as_deref()
    }
}

#[cfg(test)]
mod tests;
