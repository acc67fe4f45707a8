//! Tests of the walk, against a list that changes while it is read.

use super::*;
use chrono::{TimeDelta, TimeZone, Utc};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The position of the run that was created as number `number`.
fn position(number: u64) -> Cursor {
    let created_at = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap() + TimeDelta::seconds(number as i64);
    Cursor { created_at: Instant::from_utc(created_at).unwrap(), run_id: Uuid::from_u128(u128::from(number)) }
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

    /// `None`: no such page.
    fn page(&self, page: u32) -> Option<(PageSummary, Vec<u64>)> {
        let start = (page as usize - 1) * self.page_size;
        if start >= self.runs.len() && page > 1 {
            return None;
        }
        let end = (start + self.page_size).min(self.runs.len());
        let runs = self.runs[start..end].to_vec();
        let summary = PageSummary {
            page,
            count: Some(self.runs.len() as u64),
            has_next: end < self.runs.len(),
            items: runs.len(),
            positions: runs.iter().map(|run| position(*run)).collect(),
        };
        Some((summary, runs))
    }
}

/// An event between two requests.
#[derive(Debug, Clone, Copy)]
enum Event {
    Create,
    Delete(usize),
    /// The server answers one of the pending requests.
    Respond(usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        Just(Event::Create),
        (0..1000_usize).prop_map(Event::Delete),
        (0..8_usize).prop_map(Event::Respond),
        (0..8_usize).prop_map(Event::Respond),
    ];
    proptest::collection::vec(event, 0..200)
}

/// The result of a walk.
struct WalkResult {
    seen: BTreeSet<u64>,
    requests: usize,
    walk: Walk,
}

/// Walks the list while the events happen. After the last event the list no longer changes.
fn run(mut walk: Walk, list: &mut List, events: Vec<Event>, concurrency: u32) -> WalkResult {
    type Response = Option<(PageSummary, Vec<u64>)>;
    let mut events = events.into_iter();
    let mut pending: BTreeMap<u32, Option<Response>> = BTreeMap::new();
    let (mut seen, mut requests) = (BTreeSet::new(), 0);
    while let Step::Read { page, ahead_to, keep_ahead } = walk.next_step() {
        assert!(requests < 20_000, "the walk does not end");
        if !keep_ahead || !pending.contains_key(&page) {
            pending.clear();
        }
        for page in page..=ahead_to.min(page + concurrency - 1) {
            pending.entry(page).or_insert_with(|| {
                requests += 1;
                None
            });
        }
        while pending[&page].is_none() {
            let waiting: Vec<u32> =
                pending.iter().filter(|(_, response)| response.is_none()).map(|(page, _)| *page).collect();
            match events.next() {
                Some(Event::Create) => list.create(),
                Some(Event::Delete(index)) => list.delete(index),
                Some(Event::Respond(which)) => {
                    let page = waiting[which % waiting.len()];
                    pending.insert(page, Some(list.page(page)));
                }
                None => {
                    pending.insert(page, Some(list.page(page)));
                }
            }
        }
        let newly_seen = match pending.remove(&page).unwrap().unwrap() {
            Some((summary, runs)) => {
                walk.page_received(summary);
                runs.into_iter().filter(|run| seen.insert(*run)).count()
            }
            None => {
                walk.page_not_found();
                0
            }
        };
        walk.page_stored(PageOutcome {
            newly_seen: newly_seen as u64,
            unchanged: false,
            seen: seen.len() as u64,
        });
    }
    WalkResult { seen, requests, walk }
}

/// The runs that existed from before the first event until after the last.
fn throughout(before: &List, after: &List) -> BTreeSet<u64> {
    let after: BTreeSet<u64> = after.runs.iter().copied().collect();
    before.runs.iter().copied().filter(|run| after.contains(run)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_run_that_exists_throughout_is_seen(
        runs in 0..120_u64, page_size in 1..12_usize, concurrency in 1..6_u32, newest_first in any::<bool>(), events in events(),
    ) {
        let mut list = List::new(runs, page_size, newest_first);
        let before = list.clone();
        let result = run(Walk::whole(), &mut list, events, concurrency);
        let missed: Vec<_> = throughout(&before, &list).difference(&result.seen).copied().collect();
        prop_assert!(missed.is_empty(), "missed {missed:?}");
        prop_assert!(result.walk.is_complete(), "{:?}", result.walk.incomplete_reason());
    }

    #[test]
    fn a_resumed_walk_sees_every_run_below_its_starting_point(
        runs in 1..120_u64, page_size in 1..12_usize, concurrency in 1..6_u32, stopped in 0..120_u64,
        meanwhile in events(), events in events(),
    ) {
        let mut list = List::new(runs, page_size, true);
        let cursor = position(stopped.min(runs - 1));
        let page = (runs - 1 - stopped.min(runs - 1)) as usize / page_size + 1;
        let first = FirstWalk {
            started_at: cursor.created_at, page_size: page_size as u32, page: page as u32, cursor, top: position(runs - 1).created_at,
        };
        for event in meanwhile {
            match event {
                Event::Create => list.create(),
                Event::Delete(index) => list.delete(index),
                Event::Respond(_) => {}
            }
        }
        let before = list.clone();
        let result = run(Walk::resume(&first), &mut list, events, concurrency);
        let below = throughout(&before, &list).into_iter().filter(|run| *run < stopped.min(runs - 1));
        let missed: Vec<_> = below.filter(|run| !result.seen.contains(run)).collect();
        prop_assert!(missed.is_empty(), "missed {missed:?}");
    }

    #[test]
    fn an_unchanging_list_takes_one_request_per_page(runs in 1..200_u64, page_size in 2..12_usize, concurrency in 1..6_u32) {
        let mut list = List::new(runs, page_size, true);
        let result = run(Walk::whole(), &mut list, Vec::new(), concurrency);
        prop_assert_eq!(result.requests as u64, runs.div_ceil(page_size as u64));
        prop_assert_eq!(result.seen.len() as u64, runs);
    }
}

#[test]
fn runs_created_during_the_walk_are_left_to_the_next_walk() {
    let mut list = List::new(100, 10, true);
    // A run is created after each response.
    let events = (0..20).flat_map(|_| [Event::Respond(0), Event::Create]).collect();
    let result = run(Walk::whole(), &mut list, events, 1);
    assert!(result.walk.is_complete() && result.seen.len() >= 100);
    assert!(result.requests <= 12, "{} requests", result.requests);
}

#[test]
fn a_list_in_another_order_is_read_until_a_pass_yields_nothing_new() {
    let mut list = List::new(50, 10, false);
    let result = run(Walk::whole(), &mut list, Vec::new(), 4);
    assert_eq!((result.seen.len(), result.requests), (50, 10));
    assert_eq!(result.walk.progress().newest_first, Some(false));
    assert_eq!(result.walk.progress().cursor, None);
}

/// Reads page after page of an API that returns `respond(page)`.
fn read(
    walk: &mut Walk,
    newly_seen: u64,
    unchanged: bool,
    mut respond: impl FnMut(u32) -> PageSummary,
) -> Vec<u32> {
    let mut pages = Vec::new();
    let mut seen = 0;
    while let Step::Read { page, .. } = walk.next_step() {
        assert!(pages.len() < 1000, "the walk does not end");
        pages.push(page);
        walk.page_received(respond(page));
        seen += newly_seen;
        walk.page_stored(PageOutcome { newly_seen, unchanged, seen });
    }
    pages
}

#[test]
fn an_incremental_walk_stops_at_a_page_of_old_unchanged_runs() {
    let list = List::new(100, 10, true);
    let mut walk = Walk::until(position(75).created_at);
    assert_eq!(read(&mut walk, 10, true, |page| list.page(page).unwrap().0), [1, 2, 3, 4]);
    assert!(walk.is_complete() && !walk.reached_end());
    let mut walk = Walk::until(position(75).created_at);
    assert_eq!(
        read(&mut walk, 10, false, |page| list.page(page).unwrap().0).len(),
        10,
        "something changed on each page"
    );
}

#[test]
fn two_pages_are_enough_without_lookback() {
    let list = List::new(100, 10, true);
    let mut walk = Walk::until(position(99).created_at);
    assert_eq!(read(&mut walk, 10, true, |page| list.page(page).unwrap().0), [1, 2]);
}

#[test]
fn an_endless_repeating_list_leaves_the_walk_incomplete() {
    for count in [None, Some(0), Some(70_000_000)] {
        let mut walk = Walk::whole();
        let again = PageSummary { page: 1, count, has_next: true, items: 1, positions: vec![position(1)] };
        let pages = read(&mut walk, 0, true, |page| PageSummary { page, ..again.clone() });
        assert!(pages.len() < 10 && walk.incomplete_reason().is_some() && !walk.is_complete(), "{count:?}");
    }
}

#[test]
fn a_next_that_is_missing_too_early_is_ignored() {
    let list = List::new(30, 10, true);
    let mut walk = Walk::whole();
    let pages =
        read(&mut walk, 10, false, |page| PageSummary { has_next: false, ..list.page(page).unwrap().0 });
    assert_eq!(pages, [1, 2, 3]);
}
