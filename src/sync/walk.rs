//! This is the walk of the run list: which page to read next, when a page can be trusted to follow the last, and when to stop.
//!
//! It only decides; reading and storing happen around it.
//!
//! # Why nothing is missed in a list that is newest first
//! While a walk reads, runs are created (they push others onto later pages), deleted (they pull
//! others back) and pages that are read ahead arrive in any order. The walk keeps a *cursor*, the
//! oldest run it has come to, and this promise: every run that exists throughout and is newer than
//! the cursor has been met. A page moves the cursor only if nothing can lie between:
//!
//! - It *overlaps*: it holds the cursor's run, or a newer one. Then all that lies between the cursor
//!   and the page's end is on the page itself.
//! - Or it begins right below the cursor, and `count` is not lower than on the page from which the
//!   chain of such pages began, which was read alone, before any of them. Proof: as creations only
//!   happen at the top, an unmet run between two pages needs more deletions than creations in the
//!   meantime, which lowers `count`; or, for a page that was read ahead, creations which push a run
//!   from the page that came late onto the page that came early. But then that late page overlaps
//!   the page before it, and an overlap ends the chain: what was read ahead is dropped.
//!
//! Otherwise the walk steps back, page by page, until a page overlaps. When nothing changes, each
//! page is asked for once.
//!
//! A list in any other order proves nothing: it is read page after page, again and again, until a
//! pass brings no run that was not met before.

use crate::run::Instant;
use crate::store::{Cursor, FirstWalk, WalkProgress};

/// How many pages in a row may bring nothing new before a list without an end is taken to go round in circles.
const MOST_BARREN_PAGES: u32 = 5;

/// How often a page that is empty, though the list goes on, is asked for again.
const MOST_EMPTY_ANSWERS: u32 = 2;

/// How often a list in no certain order is read before the walk gives up on finding it at rest.
const MOST_PASSES: u32 = 10;

/// How often the walk steps back without coming any further before it takes the list to contradict itself.
const MOST_STALLS: u32 = 30;

/// What the walk needs to know of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageSummary {
    /// Its number.
    pub page: u32,
    /// How many runs the API says there are. `None`: it does not say.
    pub count: Option<u64>,
    /// Whether the API says that there is another page.
    pub has_next: bool,
    /// How many items it has.
    pub items: usize,
    /// The places of the items that have one, in the order of the page.
    pub places: Vec<Cursor>,
}

impl PageSummary {
    fn is_newest_first(&self) -> bool {
        // Items without a place tell nothing of the order.
        (self.items == 0 || !self.places.is_empty())
            && self.places.is_sorted_by(|newer, older| newer.created_at >= older.created_at)
    }
}

/// What storing a page showed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageOutcome {
    /// How many of its runs the walk had not met before.
    pub newly_met: u64,
    /// Whether all of its items were in the archive as they are.
    pub unchanged: bool,
    /// How many distinct runs and unreadable items the walk has met by now.
    pub met: u64,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Read this page.
    Read {
        /// Its number.
        page: u32,
        /// The last page that may be read ahead; `page` itself when none may.
        ahead_to: u32,
        /// Whether what was read ahead before is still good.
        keep_ahead: bool,
    },
    /// The walk is over.
    End,
}

/// How far the walk has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// To the end of the list.
    Whole,
    /// Until a whole page is older than this, and unchanged.
    Until(Instant),
}

/// What is known of the list's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Newest first, as far as it was seen.
    NewestFirst {
        /// `count` on the page from which the chain goes on. `None`: unknown.
        base_count: Option<u64>,
        /// Whether only a page that overlaps the cursor can be trusted.
        must_overlap: bool,
    },
    /// Not newest first.
    Other {
        /// Which pass this is, from 1.
        pass: u32,
        /// How many runs this pass met that no pass before had met.
        newly_met: u64,
        /// Whether `count` dropped in this pass.
        dropped: bool,
    },
}

/// A walk under way.
#[derive(Debug)]
pub struct Walk {
    reach: Extent,
    order: Order,
    /// The page to read next.
    page: u32,
    /// Whether pages that were read ahead are still good.
    keep_ahead: bool,
    cursor: Option<Cursor>,
    /// Where an interrupted walk goes on; its end cannot be compared with `count`.
    resumed: bool,
    progress: WalkProgress,
    /// The page that came last.
    last: Option<PageSummary>,
    /// The fewest runs that the API said there are, in this pass. `None`: it did not say.
    least_count: Option<u64>,
    /// The most items that any page had: the length of a full one.
    page_length: usize,
    /// How many items of the last page must have been met before, if the list is newest first.
    surely_met: usize,
    /// Whether the last page holds the same runs as the one before it.
    repeats: bool,
    barren_pages: u32,
    stalls: u32,
    /// How often the page to read next came back empty, though the list goes on.
    empty_answers: u32,
    /// Whether the last page is to be asked for again: what it showed decides nothing.
    asks_again: bool,
    /// A page that stayed empty, though the list goes on.
    gap: Option<u32>,
    /// Whether the list's end was read.
    at_end: bool,
    ended: bool,
    doubt: Option<String>,
}

impl Walk {
    /// A walk of the whole list.
    pub fn whole() -> Walk {
        Walk::new(Extent::Whole)
    }

    /// A walk that may stop at a whole page of unchanged runs created before `boundary`.
    pub fn until(boundary: Instant) -> Walk {
        Walk::new(Extent::Until(boundary))
    }

    /// A walk of the rest of the list, below where an earlier one was interrupted.
    pub fn resume(first: &FirstWalk) -> Walk {
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

    fn new(reach: Extent) -> Walk {
        Walk {
            reach,
            order: Order::NewestFirst { base_count: None, must_overlap: false },
            page: 1,
            keep_ahead: false,
            cursor: None,
            resumed: false,
            progress: WalkProgress::default(),
            last: None,
            least_count: None,
            page_length: 0,
            surely_met: 0,
            repeats: false,
            barren_pages: 0,
            stalls: 0,
            empty_answers: 0,
            asks_again: false,
            gap: None,
            at_end: false,
            ended: false,
            doubt: None,
        }
    }

    /// What to do next.
    pub fn next(&self) -> Step {
        if self.ended {
            return Step::End;
        }
        Step::Read { page: self.page, ahead_to: self.ahead_to(), keep_ahead: self.keep_ahead }
    }

    /// Reading ahead is of use where the walk is sure to go on, and safe where a chain has begun.
    fn ahead_to(&self) -> u32 {
        let in_chain = matches!(self.order, Order::NewestFirst { base_count: Some(_), must_overlap: false });
        let count = self.last.as_ref().and_then(|last| last.count);
        match count {
            Some(count) if in_chain && self.reach == Extent::Whole && self.page_length > 0 => {
                let pages = count.div_ceil(self.page_length as u64);
                self.page.max(u32::try_from(pages).unwrap_or(u32::MAX))
            }
            _ => self.page,
        }
    }

    /// Takes note of the page that was asked for.
    pub fn page_came(&mut self, outline: PageSummary) {
        self.at_end = false;
        self.surely_met = 0;
        self.page_length = self.page_length.max(outline.items);
        self.asks_again = self.is_hollow(&outline) && self.empty_answers < MOST_EMPTY_ANSWERS;
        if self.asks_again {
            self.empty_answers += 1;
            self.keep_ahead = false;
            return;
        }
        self.empty_answers = 0;
        self.least_count = self.least_count.into_iter().chain(outline.count).min();
        if self.is_hollow(&outline) {
            self.gap = Some(outline.page);
        }
        match self.order {
            Order::NewestFirst { .. } if !outline.is_newest_first() => self.give_up_on_order(outline.page),
            Order::NewestFirst { base_count, must_overlap } => {
                self.follow_cursor(&outline, base_count, must_overlap);
            }
            Order::Other { .. } => self.go_on(&outline),
        }
        if let (Order::Other { dropped, .. }, Some(last)) = (&mut self.order, &self.last) {
            *dropped |= last.count.zip(outline.count).is_some_and(|(before, now)| now < before);
        }
        self.repeats = self
            .last
            .as_ref()
            // Runs that were created meanwhile push the same runs onto this page, and raise the count.
            .is_some_and(|last| last.places == outline.places && last.count == outline.count);
        self.last = Some(outline);
    }

    /// Whether a page is empty though the list goes on: its runs are there, and it hides them.
    fn is_hollow(&self, outline: &PageSummary) -> bool {
        let above = u64::from(outline.page - 1) * self.page_length as u64;
        outline.items == 0 && (outline.has_next || outline.count > Some(above))
    }

    /// Turns to pages of another length: the one that was asked for was too large to be read.
    pub fn turn_to_pages_of(&mut self, page_size: u32, before: u32) {
        let before = if self.page_length > 0 { self.page_length as u64 } else { u64::from(before) };
        // The server may have cut both to the same length.
        let length = before.min(u64::from(page_size));
        self.page_length = length as usize;
        self.last = None;
        self.keep_ahead = false;
        match self.order {
            Order::Other { pass, .. } => self.begin_pass(pass),
            Order::NewestFirst { .. } => {
                let must_overlap = self.cursor.is_some();
                self.order = Order::NewestFirst { base_count: None, must_overlap };
                // The page with the last item above.
                let above = u64::from(self.page - 1) * before;
                self.page = u32::try_from(above.saturating_sub(1) / length + 1).unwrap_or(u32::MAX);
            }
        }
    }

    /// Takes note that the page that was asked for does not exist: the list ends before it.
    pub fn page_is_missing(&mut self) {
        self.asks_again = false;
        self.at_end = false;
        self.repeats = false;
        self.keep_ahead = false;
        match self.order {
            Order::Other { .. } => self.at_end = true,
            // The place to go on from moved up: runs were deleted since.
            Order::NewestFirst { must_overlap: true, .. } if self.page > 1 => self.step_back(self.page),
            // The page before said that there was more: it was pulled back onto that page.
            Order::NewestFirst { .. } if self.last.as_ref().is_some_and(|last| self.goes_on(last)) => {
                self.order = Order::NewestFirst { base_count: None, must_overlap: true };
                self.step_back(self.page);
            }
            Order::NewestFirst { .. } => self.at_end = true,
        }
    }

    /// Whether a page says that there is another. A `next` that the page's own `count` denies says nothing.
    fn goes_on(&self, page: &PageSummary) -> bool {
        page.has_next && page.count.is_none_or(|count| count > self.met_by_position(page))
    }

    fn give_up_on_order(&mut self, page: u32) {
        self.begin_pass(1);
        self.progress.newest_first = Some(false);
        if page == 1 {
            self.page = 2;
        }
    }

    fn follow_cursor(&mut self, outline: &PageSummary, base_count: Option<u64>, must_overlap: bool) {
        let Some(cursor) = self.cursor else {
            // Nothing was met yet, so nothing can lie between.
            self.begin_chain(outline);
            return;
        };
        if !self.resumed
            && outline.page > 1
            && outline.places.iter().any(|place| Some(place.created_at) > self.progress.top)
        {
            // So many runs created within one walk are less likely than a list in another order.
            return self.give_up_on_order(outline.page);
        }
        let overlaps = outline
            .places
            .iter()
            .any(|place| place.created_at > cursor.created_at || place.run_id == cursor.run_id);
        let dropped = base_count.zip(outline.count).is_some_and(|(base, now)| now < base);
        let met = |place: &&Cursor| {
            place.created_at > cursor.created_at && Some(place.created_at) <= self.progress.top
        };
        self.surely_met = if self.resumed { 0 } else { outline.places.iter().filter(met).count() };
        if overlaps || outline.page == 1 {
            self.begin_chain(outline);
        } else if must_overlap || dropped {
            self.order = Order::NewestFirst { base_count: None, must_overlap: true };
            self.keep_ahead = false;
            self.step_back(outline.page);
        } else {
            self.keep_ahead = true;
            self.advance(outline);
        }
    }

    /// Goes back from a page that lies too low: one page at first, then further and further.
    fn step_back(&mut self, page: u32) {
        self.page = page.saturating_sub(1 << self.stalls.min(10)).max(1);
        self.stalls += 1;
        if self.stalls > MOST_STALLS {
            self.end_in_doubt("the list keeps contradicting itself".to_owned());
        }
    }

    /// Goes on from a page that leaves no doubt about what lies above it. What was read ahead of it
    /// may be older than it, so it is dropped.
    fn begin_chain(&mut self, outline: &PageSummary) {
        self.order = Order::NewestFirst { base_count: outline.count, must_overlap: false };
        self.keep_ahead = false;
        self.advance(outline);
    }

    fn advance(&mut self, outline: &PageSummary) {
        if let Some(last) = outline.places.last() {
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
            self.progress.top = outline.places.first().map(|place| place.created_at);
        }
        self.go_on(outline);
    }

    /// Turns to the next page, unless this one is the last.
    fn go_on(&mut self, outline: &PageSummary) {
        let newest = outline.places.iter().map(|place| place.created_at).max();
        self.progress.top = self.progress.top.max(newest);
        self.progress.page = Some(outline.page);
        self.page = outline.page + 1;
        // `next` can be missing too early: `count` may know better.
        let more_by_count = outline.items > 0 && outline.count > Some(self.met_by_position(outline));
        self.at_end = !outline.has_next && !more_by_count;
    }

    /// How many items lie on the pages up to this one.
    fn met_by_position(&self, outline: &PageSummary) -> u64 {
        u64::from(outline.page - 1) * self.page_length as u64 + outline.items as u64
    }

    /// Takes note of what storing the last page showed, and decides whether the walk is over. After a
    /// missing page `effect` is that of an empty one.
    pub fn page_kept(&mut self, effect: PageOutcome) {
        if self.ended || self.asks_again {
            return;
        }
        if let Order::Other { newly_met, .. } = &mut self.order {
            *newly_met += effect.newly_met;
        }
        let Some(last) = &self.last else {
            if self.at_end {
                self.end_pass(effect);
            }
            return;
        };
        if effect.newly_met > (last.items - self.surely_met) as u64 {
            // Runs newer than the cursor turned up that had not been met: the order is another.
            self.begin_pass(1);
            self.progress.newest_first = Some(false);
            return;
        }
        if self.at_end {
            return self.end_pass(effect);
        }
        if let (Extent::Until(boundary), Order::NewestFirst { must_overlap: false, .. }) =
            (self.reach, self.order)
        {
            let all_older = last.places.iter().all(|place| place.created_at < boundary);
            if effect.unchanged && last.items > 0 && last.places.len() == last.items && all_older {
                return self.end();
            }
        }
        let beyond_count = last.count.is_some_and(|count| self.met_by_position(last) > count);
        // A later pass is there to bring nothing new.
        let endless = last.count.is_none() && !matches!(self.order, Order::Other { pass: 2.., .. });
        let idle = self.repeats || last.items == 0 || beyond_count || endless;
        let barren = effect.newly_met == 0 && last.has_next && idle;
        self.barren_pages = if barren { self.barren_pages + 1 } else { 0 };
        if self.barren_pages >= MOST_BARREN_PAGES {
            self.end_in_doubt(format!(
                "the list goes on beyond page {} without bringing anything new",
                last.page
            ));
        }
    }

    fn end_pass(&mut self, effect: PageOutcome) {
        // Runs that were created meanwhile are for the next walk.
        let count = self.least_count.unwrap_or(0);
        let short = !self.resumed && effect.met < count;
        match self.order {
            // By its own count the list has more than it showed: its order may be another than it seems.
            Order::NewestFirst { .. } if short => self.begin_pass(1),
            Order::NewestFirst { .. } => self.end(),
            Order::Other { pass, newly_met: 0, dropped: false } if pass > 1 => {
                self.end();
                if short && self.doubt.is_none() {
                    self.doubt = Some(format!("the API counts {count} runs, and showed {}", effect.met));
                }
            }
            Order::Other { pass, .. } if pass >= MOST_PASSES => {
                self.end_in_doubt(format!("the list did not come to rest in {MOST_PASSES} passes"));
            }
            Order::Other { pass, .. } => self.begin_pass(pass + 1),
        }
    }

    fn begin_pass(&mut self, pass: u32) {
        self.order = Order::Other { pass, newly_met: 0, dropped: false };
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
        self.doubt = self.gap.map(|page| format!("page {page} stayed empty, though the list goes on"));
    }

    fn end_in_doubt(&mut self, doubt: String) {
        self.doubt = Some(doubt);
        self.ended = true;
    }

    /// How far the walk has come.
    pub fn progress(&self) -> WalkProgress {
        self.progress
    }

    /// How many runs the API says there are. `None`: it did not say yet.
    pub fn count(&self) -> Option<u64> {
        self.last.as_ref().and_then(|last| last.count)
    }

    /// Whether the walk read all that it had to read.
    pub fn is_complete(&self) -> bool {
        self.ended && self.gap.is_none() && (self.at_end || self.doubt.is_none())
    }

    /// Whether the walk read the list to its end.
    pub fn reached_end(&self) -> bool {
        self.ended && self.at_end && self.gap.is_none()
    }

    /// Whether the walk itself met every run of the list: one that it did not meet may be gone.
    pub fn met_everything(&self) -> bool {
        self.reached_end() && !self.resumed && self.doubt.is_none()
    }

    /// What makes it doubtful that the walk met everything. `None`: nothing.
    pub fn incomplete_reason(&self) -> Option<&str> {
        self.doubt.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, TimeZone, Utc};
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};
    use uuid::Uuid;

    /// The place of the run that was created as number `number`.
    fn place(number: u64) -> Cursor {
        let created_at =
            Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap() + TimeDelta::seconds(number as i64);
        Cursor {
            created_at: Instant::from_utc(created_at).unwrap(),
            run_id: Uuid::from_u128(u128::from(number)),
        }
    }

    /// A list that changes while it is read.
    #[derive(Debug, Clone)]
    struct List {
        runs: Vec<u64>,
        created: u64,
        page_size: usize,
        newest_first: bool,
    }

    impl List {
        fn new(runs: u64, page_size: usize, newest_first: bool) -> List {
            let mut list = List { runs: (0..runs).collect(), created: runs, page_size, newest_first };
            if newest_first {
                list.runs.reverse();
            }
            list
        }

        fn create(&mut self) {
            self.runs.insert(if self.newest_first { 0 } else { self.runs.len() }, self.created);
            self.created += 1;
        }

        fn delete(&mut self, index: usize) {
            if !self.runs.is_empty() {
                self.runs.remove(index % self.runs.len());
            }
        }

        /// `None`: there is no such page.
        fn page(&self, page: u32) -> Option<(PageSummary, Vec<u64>)> {
            let start = (page as usize - 1) * self.page_size;
            if start >= self.runs.len() && page > 1 {
                return None;
            }
            let end = (start + self.page_size).min(self.runs.len());
            let runs = self.runs[start..end].to_vec();
            let outline = PageSummary {
                page,
                count: Some(self.runs.len() as u64),
                has_next: end < self.runs.len(),
                items: runs.len(),
                places: runs.iter().map(|run| place(*run)).collect(),
            };
            Some((outline, runs))
        }
    }

    /// What happens between two requests.
    #[derive(Debug, Clone, Copy)]
    enum Event {
        Create,
        Delete(usize),
        /// The server answers one of the requests under way.
        Answer(usize),
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let event = prop_oneof![
            Just(Event::Create),
            (0..1000_usize).prop_map(Event::Delete),
            (0..8_usize).prop_map(Event::Answer),
            (0..8_usize).prop_map(Event::Answer),
        ];
        proptest::collection::vec(event, 0..200)
    }

    /// What a walk brought.
    struct Walked {
        met: BTreeSet<u64>,
        requests: usize,
        walk: Walk,
    }

    /// Walks the list while the events happen; when they are used up, the list is at rest.
    fn run(mut walk: Walk, list: &mut List, events: Vec<Event>, concurrency: u32) -> Walked {
        type Answer = Option<(PageSummary, Vec<u64>)>;
        let mut events = events.into_iter();
        let mut under_way: BTreeMap<u32, Option<Answer>> = BTreeMap::new();
        let (mut met, mut requests) = (BTreeSet::new(), 0);
        while let Step::Read { page, ahead_to, keep_ahead } = walk.next() {
            assert!(requests < 20_000, "the walk does not end");
            if !keep_ahead || !under_way.contains_key(&page) {
                under_way.clear();
            }
            for page in page..=ahead_to.min(page + concurrency - 1) {
                under_way.entry(page).or_insert_with(|| {
                    requests += 1;
                    None
                });
            }
            while under_way[&page].is_none() {
                let waiting: Vec<u32> =
                    under_way.iter().filter(|(_, answer)| answer.is_none()).map(|(page, _)| *page).collect();
                match events.next() {
                    Some(Event::Create) => list.create(),
                    Some(Event::Delete(index)) => list.delete(index),
                    Some(Event::Answer(which)) => {
                        let page = waiting[which % waiting.len()];
                        under_way.insert(page, Some(list.page(page)));
                    }
                    None => {
                        under_way.insert(page, Some(list.page(page)));
                    }
                }
            }
            let newly_met = match under_way.remove(&page).unwrap().unwrap() {
                Some((outline, runs)) => {
                    walk.page_came(outline);
                    runs.into_iter().filter(|run| met.insert(*run)).count()
                }
                None => {
                    walk.page_is_missing();
                    0
                }
            };
            walk.page_kept(PageOutcome {
                newly_met: newly_met as u64,
                unchanged: false,
                met: met.len() as u64,
            });
        }
        Walked { met, requests, walk }
    }

    /// The runs that were there from before the first event until after the last.
    fn throughout(before: &List, after: &List) -> BTreeSet<u64> {
        let after: BTreeSet<u64> = after.runs.iter().copied().collect();
        before.runs.iter().copied().filter(|run| after.contains(run)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_run_that_exists_throughout_is_met(
            runs in 0..120_u64, page_size in 1..12_usize, concurrency in 1..6_u32, newest_first in any::<bool>(), events in events(),
        ) {
            let mut list = List::new(runs, page_size, newest_first);
            let before = list.clone();
            let walked = run(Walk::whole(), &mut list, events, concurrency);
            let missed: Vec<_> = throughout(&before, &list).difference(&walked.met).copied().collect();
            prop_assert!(missed.is_empty(), "missed {missed:?}");
            prop_assert!(walked.walk.is_complete(), "{:?}", walked.walk.incomplete_reason());
        }

        #[test]
        fn a_resumed_walk_meets_every_run_below_where_it_stopped(
            runs in 1..120_u64, page_size in 1..12_usize, concurrency in 1..6_u32, stopped in 0..120_u64,
            meanwhile in events(), events in events(),
        ) {
            let mut list = List::new(runs, page_size, true);
            let cursor = place(stopped.min(runs - 1));
            let page = (runs - 1 - stopped.min(runs - 1)) as usize / page_size + 1;
            let first = FirstWalk {
                started_at: cursor.created_at, page_size: page_size as u32, page: page as u32, cursor, top: place(runs - 1).created_at,
            };
            for event in meanwhile {
                match event {
                    Event::Create => list.create(),
                    Event::Delete(index) => list.delete(index),
                    Event::Answer(_) => {}
                }
            }
            let before = list.clone();
            let walked = run(Walk::resume(&first), &mut list, events, concurrency);
            let below = throughout(&before, &list).into_iter().filter(|run| *run < stopped.min(runs - 1));
            let missed: Vec<_> = below.filter(|run| !walked.met.contains(run)).collect();
            prop_assert!(missed.is_empty(), "missed {missed:?}");
        }

        #[test]
        fn a_list_at_rest_is_read_with_one_request_a_page(runs in 1..200_u64, page_size in 2..12_usize, concurrency in 1..6_u32) {
            let mut list = List::new(runs, page_size, true);
            let walked = run(Walk::whole(), &mut list, Vec::new(), concurrency);
            prop_assert_eq!(walked.requests as u64, runs.div_ceil(page_size as u64));
            prop_assert_eq!(walked.met.len() as u64, runs);
        }
    }

    #[test]
    fn runs_that_are_created_meanwhile_are_left_to_the_next_walk() {
        let mut list = List::new(100, 10, true);
        // One is created after each answer.
        let events = (0..20).flat_map(|_| [Event::Answer(0), Event::Create]).collect();
        let walked = run(Walk::whole(), &mut list, events, 1);
        assert!(walked.walk.is_complete() && walked.met.len() >= 100);
        assert!(walked.requests <= 12, "{} requests", walked.requests);
    }

    #[test]
    fn a_list_that_is_not_newest_first_is_read_until_a_pass_brings_nothing_new() {
        let mut list = List::new(50, 10, false);
        let walked = run(Walk::whole(), &mut list, Vec::new(), 4);
        assert_eq!((walked.met.len(), walked.requests), (50, 10));
        assert_eq!(walked.walk.progress().newest_first, Some(false));
        assert_eq!(walked.walk.progress().cursor, None);
    }

    /// Reads page after page of an API that answers `page` with `answer`.
    fn read(
        walk: &mut Walk,
        newly_met: u64,
        unchanged: bool,
        mut answer: impl FnMut(u32) -> PageSummary,
    ) -> Vec<u32> {
        let mut pages = Vec::new();
        let mut met = 0;
        while let Step::Read { page, .. } = walk.next() {
            assert!(pages.len() < 1000, "the walk does not end");
            pages.push(page);
            walk.page_came(answer(page));
            met += newly_met;
            walk.page_kept(PageOutcome { newly_met, unchanged, met });
        }
        pages
    }

    #[test]
    fn a_walk_may_stop_at_a_whole_page_of_old_unchanged_runs() {
        let list = List::new(100, 10, true);
        let mut walk = Walk::until(place(75).created_at);
        assert_eq!(read(&mut walk, 10, true, |page| list.page(page).unwrap().0), [1, 2, 3, 4]);
        assert!(walk.is_complete() && !walk.reached_end());
        let mut walk = Walk::until(place(75).created_at);
        assert_eq!(
            read(&mut walk, 10, false, |page| list.page(page).unwrap().0).len(),
            10,
            "something changed on each page"
        );
    }

    #[test]
    fn with_no_lookback_two_pages_are_enough() {
        let list = List::new(100, 10, true);
        let mut walk = Walk::until(place(99).created_at);
        assert_eq!(read(&mut walk, 10, true, |page| list.page(page).unwrap().0), [1, 2]);
    }

    #[test]
    fn a_list_that_repeats_itself_for_ever_is_left_in_doubt() {
        for count in [None, Some(0), Some(70_000_000)] {
            let mut walk = Walk::whole();
            let again = PageSummary { page: 1, count, has_next: true, items: 1, places: vec![place(1)] };
            let pages = read(&mut walk, 0, true, |page| PageSummary { page, ..again.clone() });
            assert!(
                pages.len() < 10 && walk.incomplete_reason().is_some() && !walk.is_complete(),
                "{count:?}"
            );
        }
    }

    #[test]
    fn a_next_that_ends_too_early_is_not_believed() {
        let list = List::new(30, 10, true);
        let mut walk = Walk::whole();
        let pages =
            read(&mut walk, 10, false, |page| PageSummary { has_next: false, ..list.page(page).unwrap().0 });
        assert_eq!(pages, [1, 2, 3]);
    }
}
