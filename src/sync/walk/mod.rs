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
//! Whether a page overlaps shows in its dates, and a run out of order has a wrong one. So the session says
//! after storing the page how many of its runs are new. If there are more than the walk accounts for, a run
//! that seemed to overlap was never seen, and the list is read as one in another order. The runs of rejected
//! pages are seen although runs above them may not be. They prove no overlap until a page with them is accepted.
//!
//! # Records that the API fails to return
//! A page that fails is bisected ([`Bisection`]): smaller pages take its place, and records that
//! fail alone are skipped. The invariant then excepts the records of each [`ListGap`]. A block below
//! skipped records is accepted like a page that starts directly below the cursor: if its `count` is
//! not lower than at the start of the chain, no more runs than were skipped lie between the cursor
//! and the block. It starts a new chain, because it could have overlapped the cursor without the
//! skipped records. Any other block is rejected, together with the gap above it.
//!
//! # Other orders
//! A list in any other order allows no such proof. The walk reads it again and again, page after
//! page, until a pass yields no run that an earlier pass had not seen.

mod continuity;
mod failure;
mod out_of_order;

pub(crate) use out_of_order::MAX_RUNS as MAX_OUT_OF_ORDER;

use crate::run::Instant;
use crate::store::{Cursor, FirstWalk, ListGap, WalkProgress};
use crate::sync::bisection::{Bisection, Block, Request};
use out_of_order::OutOfOrder;
use std::collections::HashSet;
use std::ops::Range;
use uuid::Uuid;

/// After this many pages in a row without a new run, a list without an end counts as circular.
const MAX_FUTILE_PAGES: u32 = 5;

/// How often to request a page again that is empty although the list continues.
const MAX_EMPTY_RESPONSES: u32 = 2;

/// How often to read a list without a known order before giving up on a pass without new runs.
const MAX_PASSES: u32 = 10;

/// A walk that skips more records than this is incomplete.
const MAX_SKIPPED_RECORDS: u64 = 20;

/// After this many gaps, a walk gives up.
const MAX_GAPS: usize = 100;

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
    /// The positions of the items that have one, in the order of the page. The walk removes those out of order.
    pub positions: Vec<Cursor>,
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
        /// The page.
        request: PageRequest,
        /// The last page that may be read ahead; `request.page` itself if none may.
        ahead_to: u32,
        /// Whether pages that were read ahead earlier are still valid.
        keep_ahead: bool,
    },
    /// The walk is over.
    End,
}

/// A page to request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageRequest {
    /// The page's number, from 1, in pages of `page_size`.
    pub page: u32,
    /// Runs per page.
    pub page_size: u32,
    /// The most attempts. `None`: as many as the retry policy allows.
    pub attempts: Option<u32>,
}

/// How far the walk must go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// To the end of the list.
    Whole,
    /// Until a whole page is unchanged and older than this.
    Until(Instant),
}

/// The order of a page.
#[derive(Debug, Clone, Copy, Default)]
struct PageOrder {
    /// Whether it is newest first, but for a few runs.
    is_newest_first: bool,
    /// Whether it contains a run out of order that the walk has seen above.
    contains_known: bool,
    /// Whether it can overlap the cursor without showing it, because runs out of order were removed or records skipped.
    hides_overlap: bool,
}

/// Whether a page continues the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Acceptance {
    /// It starts directly below the cursor, or below records that were skipped.
    Below,
    /// It overlaps what was seen.
    Overlap,
    /// Unseen runs can be above it.
    Rejected,
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
    /// The requested page size.
    page_size: u32,
    /// The page to read next, unless a bisection is under way.
    page: u32,
    bisection: Option<Bisection>,
    /// The place of the last page, if it was read by a bisection.
    block: Option<Block>,
    /// Records skipped at the end of a bisected region, directly above the next page.
    skipped: Option<Range<u64>>,
    /// The API's latest total number of runs. `None`: not given yet.
    list_count: Option<u64>,
    /// Whether all pages of the bisected region were unchanged and older than the extent's boundary.
    region_is_old: bool,
    /// Whether a record of the bisected region was skipped.
    region_has_gap: bool,
    /// The gaps found so far.
    gaps: Vec<ListGap>,
    /// The gaps that earlier walks found.
    known_gaps: Vec<ListGap>,
    /// Whether the length of the list must be learned first, to predict where a known gap is.
    needs_count: bool,
    /// How the last failed request failed.
    last_cause: String,
    /// Whether pages that were read ahead are still valid.
    keep_ahead: bool,
    cursor: Option<Cursor>,
    /// When the run was created below which this walk resumes an interrupted one: what it sees cannot be compared with
    /// `count`. `None`: it begins at the top.
    resumed_below: Option<Instant>,
    progress: WalkProgress,
    /// The page received last.
    last: Option<PageSummary>,
    /// The position of its first item, from 0.
    start_of_last: u64,
    /// Its items that have a position, including those out of order.
    positioned_items: usize,
    out_of_order: OutOfOrder,
    /// The runs of rejected pages that no accepted page has had since.
    rejected: HashSet<Uuid>,
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
    /// Whether the content of the last page is not part of the walk.
    ignores_page: bool,
    /// A page that stayed empty although the list continues.
    empty_page: Option<u32>,
    /// Whether the end of the list was read.
    at_end: bool,
    /// Whether the walk continued beyond its boundary.
    extended: bool,
    /// Whether the API was found to be down.
    is_down: bool,
    ended: bool,
    incomplete_reason: Option<String>,
}

impl Walk {
    /// A walk of the whole list.
    pub(super) fn whole(page_size: u32) -> Walk {
        Walk::new(Extent::Whole, page_size)
    }

    /// A walk that may stop at a whole page of unchanged runs created before `boundary`.
    pub(super) fn until(boundary: Instant, page_size: u32) -> Walk {
        Walk::new(Extent::Until(boundary), page_size)
    }

    /// A walk of the rest of the list, below the point where an earlier walk was interrupted.
    pub(super) fn resume(first: &FirstWalk) -> Walk {
        let mut walk = Walk::new(Extent::Whole, first.page_size);
        walk.order = Order::NewestFirst { base_count: None, must_overlap: true };
        walk.page = first.page;
        walk.cursor = Some(first.cursor);
        walk.resumed_below = Some(first.cursor.created_at);
        walk.progress = WalkProgress {
            newest_first: Some(true),
            top: Some(first.top),
            page: Some(first.page),
            cursor: Some(first.cursor),
        };
        walk
    }

    fn new(extent: Extent, page_size: u32) -> Walk {
        Walk {
            extent,
            order: Order::NewestFirst { base_count: None, must_overlap: false },
            page_size,
            page: 1,
            bisection: None,
            block: None,
            skipped: None,
            list_count: None,
            region_is_old: false,
            region_has_gap: false,
            gaps: Vec::new(),
            known_gaps: Vec::new(),
            needs_count: false,
            last_cause: String::new(),
            keep_ahead: false,
            cursor: None,
            resumed_below: None,
            progress: WalkProgress::default(),
            last: None,
            start_of_last: 0,
            positioned_items: 0,
            out_of_order: OutOfOrder::default(),
            rejected: HashSet::new(),
            least_count: None,
            page_length: 0,
            certainly_seen: 0,
            repeats: false,
            futile_pages: 0,
            stalls: 0,
            empty_responses: 0,
            ignores_page: false,
            empty_page: None,
            at_end: false,
            extended: false,
            is_down: false,
            ended: false,
            incomplete_reason: None,
        }
    }

    /// The number of pages below the boundary at which the walk stopped. `None`: it stopped elsewhere, or the list has
    /// no known end.
    pub(super) fn pages_left(&self) -> Option<u64> {
        let stopped = self.is_complete() && !self.at_end && matches!(self.extent, Extent::Until(_));
        // The gaps of the walk are handled already.
        let count = self.count().filter(|_| stopped && self.gaps.is_empty() && self.page_length > 0)?;
        Some(count.div_ceil(self.page_length as u64).saturating_sub(u64::from(self.page) - 1))
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
    pub(super) fn next_step(&mut self) -> Step {
        if self.ended {
            return Step::End;
        }
        self.bisect_around_known_gaps();
        let request = |block: Block, attempts| Step::Read {
            request: PageRequest { page: block.page(), page_size: block.length, attempts: Some(attempts) },
            ahead_to: block.page(),
            keep_ahead: false,
        };
        if self.needs_count {
            return request(Block { start: 0, length: 1 }, 1);
        }
        if let Some(bisection) = &self.bisection {
            let (Request::Read(block) | Request::Probe(block)) = bisection.request();
            return request(block, if bisection.expects_failure() { 1 } else { 2 });
        }
        Step::Read {
            request: PageRequest { page: self.page, page_size: self.page_size, attempts: None },
            ahead_to: self.ahead_to(),
            keep_ahead: self.keep_ahead,
        }
    }

    /// Reading ahead is useful if the walk certainly continues, and safe within a chain.
    fn ahead_to(&self) -> u32 {
        let in_chain = matches!(self.order, Order::NewestFirst { base_count: Some(_), must_overlap: false });
        let count = self.last.as_ref().and_then(|last| last.count);
        match count {
            Some(count) if in_chain && self.extent == Extent::Whole && self.page_length > 0 => {
                let start = self.region(self.page).start;
                let next_gap =
                    self.expected_gaps().map(|gap| gap.position).filter(|position| *position >= start).min();
                // The page with the gap is bisected.
                let end = next_gap
                    .map_or(count.div_ceil(self.page_length as u64), |gap| gap / self.page_length as u64);
                self.page.max(u32::try_from(end).unwrap_or(u32::MAX))
            }
            _ => self.page,
        }
    }

    /// Handles a received page, before it is stored.
    pub(super) fn page_received(&mut self, mut summary: PageSummary) {
        self.at_end = false;
        self.certainly_seen = 0;
        self.list_count = summary.count.or(self.list_count);
        let request = self.bisection.as_ref().map(Bisection::request);
        if self.needs_count || matches!(request, Some(Request::Probe(_))) {
            self.ignores_page = true;
            return self.probe_answered(Bisection::answered);
        }
        self.block = match request {
            Some(Request::Read(block)) => Some(block),
            _ => None,
        };
        if let Some(block) = self.block.filter(|block| is_capped(&summary, *block)) {
            // The server returns shorter pages, so the failed page was another one than it seemed.
            self.bisection = None;
            self.block = None;
            self.change_page_size(u32::try_from(summary.items).unwrap_or(u32::MAX), block.start);
            self.ignores_page = block.start > 0;
            if self.ignores_page {
                return;
            }
        }
        if self.block.is_none() {
            self.page_length = self.page_length.max(summary.items);
        }
        self.ignores_page =
            self.is_unexpectedly_empty(&summary) && self.empty_responses < MAX_EMPTY_RESPONSES;
        if self.ignores_page {
            self.empty_responses += 1;
            self.keep_ahead = false;
            return;
        }
        self.empty_responses = 0;
        self.least_count = self.least_count.into_iter().chain(summary.count).min();
        if self.is_unexpectedly_empty(&summary) {
            self.empty_page = Some(summary.page);
        }
        let skipped = match &mut self.bisection {
            Some(bisection) => bisection.take_skipped(),
            None => self.skipped.take(),
        };
        let newer = self.cursor.or_else(|| self.last.as_ref()?.positions.last().copied());
        let runs: Vec<Uuid> = summary.positions.iter().map(|position| position.run_id).collect();
        let mut order = match self.order {
            Order::NewestFirst { .. } => self.remove_out_of_order(&mut summary),
            Order::Other { .. } => PageOrder::default(),
        };
        let accepted = match self.order {
            Order::NewestFirst { .. } if !order.is_newest_first => {
                self.abandon_order(&summary);
                Acceptance::Rejected
            }
            Order::NewestFirst { base_count, must_overlap } => {
                order.hides_overlap |= skipped.is_some();
                self.check_continuity(&summary, order, base_count, must_overlap)
            }
            Order::Other { .. } => {
                self.move_on(&summary);
                Acceptance::Below
            }
        };
        self.out_of_order.settle(accepted != Acceptance::Rejected);
        if accepted == Acceptance::Rejected {
            self.rejected.extend(runs);
        } else if !self.rejected.is_empty() {
            self.rejected.retain(|run| !runs.contains(run));
        }
        if let (Some(skipped), Acceptance::Below) = (skipped, accepted) {
            self.add_gap(skipped, newer, summary.positions.first().copied());
        }
        if let (Order::Other { dropped, .. }, Some(last)) = (&mut self.order, &self.last) {
            *dropped |= last.count.zip(summary.count).is_some_and(|(before, now)| now < before);
        }
        self.repeats = self
            .last
            .as_ref()
            // Runs created meanwhile can push the same runs onto this page, but they also raise `count`.
            .is_some_and(|last| last.positions == summary.positions && last.count == summary.count);
        self.start_of_last = self.start_of(&summary);
        self.last = Some(summary);
        if let Some(bisection) = &mut self.bisection {
            let finding = bisection.answered();
            self.follow(finding);
        }
    }

    /// Whether a page is empty although the list continues: the API omits its runs.
    fn is_unexpectedly_empty(&self, summary: &PageSummary) -> bool {
        summary.items == 0 && (summary.has_next || summary.count > Some(self.start_of(summary)))
    }

    /// The position of the first item on the last page, from 0.
    fn start_of(&self, summary: &PageSummary) -> u64 {
        self.block.map_or(u64::from(summary.page - 1) * self.page_length as u64, |block| block.start)
    }

    /// When the run above the first page was created, if the walk resumes below it. `None`: the walk began at the top.
    pub(super) fn starts_below(&self) -> Option<Instant> {
        self.resumed_below
    }

    /// The page size of the next page.
    pub(super) fn page_size(&self) -> u32 {
        self.page_size
    }

    /// Handles the result of storing the last page and decides whether the walk is over. A page that does
    /// not exist counts as empty.
    pub(super) fn page_stored(&mut self, outcome: PageOutcome) {
        if self.ended {
            return;
        }
        if self.ignores_page {
            if self.at_end {
                self.end_pass(outcome);
            }
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
            let is_old =
                outcome.unchanged && last.items > 0 && self.positioned_items == last.items && all_older;
            // A small page proves little, so a bisected page counts as a whole.
            let is_old = match self.block {
                Some(_) => {
                    self.region_is_old &= is_old;
                    self.region_is_old && self.bisection.is_none()
                }
                None => is_old,
            };
            if is_old {
                return self.end();
            }
        }
        let beyond_count = last.count.is_some_and(|count| self.items_through(last) > count);
        // A later pass is expected to bring nothing new.
        let endless = last.count.is_none() && !matches!(self.order, Order::Other { pass: 2.., .. });
        let idle = self.repeats || last.items == 0 || beyond_count || endless;
        let futile = outcome.newly_seen == 0 && idle;
        self.futile_pages = if futile { self.futile_pages + 1 } else { 0 };
        if self.futile_pages >= MAX_FUTILE_PAGES {
            self.end_incomplete(format!("the list continues beyond page {} without new runs", last.page));
        }
    }

    fn end_pass(&mut self, outcome: PageOutcome) {
        // Runs created meanwhile are left to the next walk.
        let count = self.least_count.unwrap_or(0);
        let short = self.resumed_below.is_none() && outcome.seen + self.skipped_records() < count;
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
        self.bisection = None;
        self.skipped = None;
        self.rejected.clear();
        self.gaps.clear();
        self.empty_page = None;
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
            self.empty_page.map(|page| format!("page {page} stayed empty although the list continues"));
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
        self.list_count
    }

    /// The API's lowest total number of runs in the walk. `None`: not given.
    pub(super) fn least_count(&self) -> Option<u64> {
        self.least_count
    }

    /// Whether the API was found to be down.
    pub(super) fn is_down(&self) -> bool {
        self.is_down
    }

    /// Whether the walk read its whole extent, except a few records that the API fails to return.
    pub(super) fn is_complete(&self) -> bool {
        self.ended && !self.has_large_gap() && (self.at_end || self.incomplete_reason.is_none())
    }

    /// Whether the walk read the list to its end, except a few records that the API fails to return.
    pub(super) fn reached_end(&self) -> bool {
        self.ended && self.at_end && !self.has_large_gap()
    }

    fn has_large_gap(&self) -> bool {
        self.empty_page.is_some() || self.skipped_records() > MAX_SKIPPED_RECORDS
    }

    /// Whether the walk itself saw every run of the list, so that an unseen run may be deleted.
    pub(super) fn saw_everything(&self) -> bool {
        self.reached_end() && self.resumed_below.is_none() && self.incomplete_reason.is_none()
    }

    /// Why the walk may have missed runs. `None`: no reason to think so.
    pub(super) fn incomplete_reason(&self) -> Option<&str> {
        self.incomplete_reason.as_deref()
    }
}

/// The number of the page that contains a position, from 1.
fn page_at(position: u64, page_length: u64) -> u32 {
    u32::try_from(position / page_length.max(1)).map_or(u32::MAX, |page| page.saturating_add(1))
}

/// Whether the server returned fewer records than requested although the list continues.
fn is_capped(summary: &PageSummary, block: Block) -> bool {
    summary.items > 0 && summary.items < block.length as usize && summary.has_next
}

#[cfg(test)]
mod tests;
