//! Tests of the walk, against a list that changes while it is read.

use super::*;
use chrono::{TimeDelta, TimeZone, Utc};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The page size of the tests without a random one.
const PAGE_SIZE: u32 = 10;

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
    /// Runs that the API fails to return, alone or on a page.
    bad: BTreeSet<u64>,
    /// Runs that are listed with another creation date than their place suggests, and that date's run.
    misdated: BTreeMap<u64, u64>,
    /// The API refuses every page that ends below this position.
    refused_from: Option<usize>,
}

/// The response to a request.
#[derive(Debug, Clone)]
enum Response {
    Page(PageSummary, Vec<u64>),
    NoSuchPage,
    Failure,
}

impl List {
    fn new(runs: u64, page_size: usize, newest_first: bool) -> List {
        let mut list = List {
            runs: (0..runs).collect(),
            created: runs,
            page_size,
            newest_first,
            bad: BTreeSet::new(),
            misdated: BTreeMap::new(),
            refused_from: None,
        };
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

    /// A page of the usual size.
    fn page(&self, page: u32) -> Option<(PageSummary, Vec<u64>)> {
        match self.respond(page, self.page_size) {
            Response::Page(summary, runs) => Some((summary, runs)),
            Response::NoSuchPage | Response::Failure => None,
        }
    }

    fn position(&self, run: u64) -> Cursor {
        let created_at = position(self.misdated.get(&run).copied().unwrap_or(run)).created_at;
        Cursor { created_at, run_id: position(run).run_id }
    }

    fn respond(&self, page: u32, page_size: usize) -> Response {
        let page_size = page_size.min(self.page_size);
        let start = (page as usize - 1) * page_size;
        if start >= self.runs.len() && page > 1 {
            return Response::NoSuchPage;
        }
        let end = (start + page_size).min(self.runs.len());
        let runs = self.runs[start..end].to_vec();
        if self.refused_from.is_some_and(|refused| end > refused)
            || runs.iter().any(|run| self.bad.contains(run))
        {
            return Response::Failure;
        }
        let summary = PageSummary {
            page,
            count: Some(self.runs.len() as u64),
            has_next: end < self.runs.len(),
            items: runs.len(),
            positions: runs.iter().map(|run| self.position(*run)).collect(),
        };
        Response::Page(summary, runs)
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
    outage: bool,
}

/// Walks the list while the events happen. After the last event the list no longer changes.
fn run(walk: Walk, list: &mut List, events: Vec<Event>, concurrency: u32) -> WalkResult {
    go_on(walk, BTreeSet::new(), list, events, concurrency)
}

/// Continues a walk that has seen some runs, as [`run`] does.
fn go_on(
    mut walk: Walk,
    mut seen: BTreeSet<u64>,
    list: &mut List,
    events: Vec<Event>,
    concurrency: u32,
) -> WalkResult {
    let mut events = events.into_iter();
    let mut pending: BTreeMap<u32, Option<Response>> = BTreeMap::new();
    let mut pending_size = 0;
    let mut requests = 0;
    while let Step::Read { request, ahead_to, keep_ahead } = walk.next_step() {
        assert!(requests < 20_000, "the walk does not end");
        if !keep_ahead || !pending.contains_key(&request.page) || pending_size != request.page_size {
            pending.clear();
        }
        pending_size = request.page_size;
        for page in request.page..=ahead_to.min(request.page + concurrency - 1) {
            pending.entry(page).or_insert_with(|| {
                requests += 1;
                None
            });
        }
        while pending[&request.page].is_none() {
            let waiting: Vec<u32> =
                pending.iter().filter(|(_, response)| response.is_none()).map(|(page, _)| *page).collect();
            let answered = match events.next() {
                Some(Event::Create) => {
                    list.create();
                    continue;
                }
                Some(Event::Delete(index)) => {
                    list.delete(index);
                    continue;
                }
                Some(Event::Respond(which)) => waiting[which % waiting.len()],
                None => request.page,
            };
            pending.insert(answered, Some(list.respond(answered, request.page_size as usize)));
        }
        let newly_seen = match pending.remove(&request.page).unwrap().unwrap() {
            Response::Page(summary, runs) => {
                walk.page_received(summary);
                runs.into_iter().filter(|run| seen.insert(*run)).count()
            }
            Response::NoSuchPage => {
                walk.page_not_found();
                if walk.is_down() {
                    return WalkResult { seen, requests, walk, outage: true };
                }
                0
            }
            Response::Failure => {
                // A page that the walk does not expect to fail is tried again.
                requests += request.attempts.unwrap_or(6) as usize - 1;
                pending.clear();
                walk.page_failed("HTTP 500", seen.len() as u64);
                if walk.is_down() {
                    return WalkResult { seen, requests, walk, outage: true };
                }
                continue;
            }
        };
        walk.page_stored(PageOutcome {
            newly_seen: newly_seen as u64,
            unchanged: false,
            seen: seen.len() as u64,
        });
    }
    WalkResult { seen, requests, walk, outage: false }
}

/// Whether a gap of the walk accounts for a run that it missed.
fn is_in_a_gap(walk: &Walk, run: u64) -> bool {
    let at = position(run).created_at;
    walk.gaps().iter().any(|gap| {
        gap.newer.is_none_or(|newer| at < newer.created_at)
            && gap.older.is_none_or(|older| at > older.created_at)
    })
}

/// The runs that existed from before the first event until after the last.
fn throughout(before: &List, after: &List) -> BTreeSet<u64> {
    let after: BTreeSet<u64> = after.runs.iter().copied().collect();
    before.runs.iter().copied().filter(|run| after.contains(run)).collect()
}

/// Checks that a walk has missed no run that existed throughout, or says that it may have.
fn check_nothing_missed(before: &List, after: &List, result: &WalkResult) -> Result<(), TestCaseError> {
    let missed: Vec<_> = throughout(before, after).difference(&result.seen).copied().collect();
    prop_assert!(missed.is_empty() || result.walk.incomplete_reason().is_some(), "missed {missed:?}");
    Ok(())
}

/// Whether so little happens that a walk must not give up: fewer changes than steps back.
fn is_calm(events: &[Event]) -> bool {
    let changes = events.iter().filter(|event| !matches!(event, Event::Respond(_)));
    changes.count() < MAX_STALLS as usize
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_run_that_exists_throughout_is_seen(
        runs in 0..120_u64, page_size in 1..12_usize, concurrency in 1..6_u32, newest_first in any::<bool>(), events in events(),
    ) {
        let mut list = List::new(runs, page_size, newest_first);
        let before = list.clone();
        let is_calm = is_calm(&events);
        let result = run(Walk::whole(page_size as u32), &mut list, events, concurrency);
        check_nothing_missed(&before, &list, &result)?;
        prop_assert!(!is_calm || result.walk.is_complete(), "{:?}", result.walk.incomplete_reason());
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
        prop_assert!(missed.is_empty() || result.walk.incomplete_reason().is_some(), "missed {missed:?}");
    }

    #[test]
    fn a_walk_that_continues_below_its_boundary_misses_no_run(
        runs in 1..120_u64, page_size in 1..12_usize, concurrency in 1..6_u32, boundary in 0..120_u64,
        meanwhile in events(), events in events(),
    ) {
        let mut list = List::new(runs, page_size, true);
        let before = list.clone();
        let mut walk = Walk::until(position(boundary).created_at, page_size as u32);
        let mut seen = BTreeSet::new();
        while let Step::Read { request, .. } = walk.next_step() {
            let (summary, page) = list.page(request.page).unwrap();
            walk.page_received(summary);
            let newly_seen = page.into_iter().filter(|run| seen.insert(*run)).count() as u64;
            walk.page_stored(PageOutcome { newly_seen, unchanged: true, seen: seen.len() as u64 });
        }
        let pages = (runs as usize).div_ceil(page_size) - seen.len().div_ceil(page_size);
        prop_assert_eq!(walk.pages_left(), (!walk.reached_end()).then_some(pages as u64));
        if walk.pages_left().is_none() {
            return Ok(());
        }
        for event in meanwhile {
            match event {
                Event::Create => list.create(),
                Event::Delete(index) => list.delete(index),
                Event::Respond(_) => {}
            }
        }
        walk.extend();
        let is_calm = is_calm(&events);
        let result = go_on(walk, seen, &mut list, events, concurrency);
        check_nothing_missed(&before, &list, &result)?;
        prop_assert!(!is_calm || result.walk.reached_end(), "{:?}", result.walk.incomplete_reason());
    }

    #[test]
    fn every_run_that_the_api_returns_is_seen_around_those_that_fail(
        runs in 1..120_u64, page_size in 1..12_usize, concurrency in 1..6_u32, newest_first in any::<bool>(),
        bad in proptest::collection::btree_set(0..120_u64, 0..4), events in events(),
    ) {
        let mut list = List { bad, ..List::new(runs, page_size, newest_first) };
        let before = list.clone();
        let result = run(Walk::whole(page_size as u32), &mut list, events, concurrency);
        if result.outage {
            // The control request can meet a record that fails, too.
            return Ok(());
        }
        let throughout = throughout(&before, &list);
        let missed: Vec<u64> = throughout.difference(&result.seen).copied().collect();
        if newest_first && result.walk.progress().newest_first == Some(true) {
            let unnamed: Vec<_> = missed.iter().filter(|run| !is_in_a_gap(&result.walk, **run)).collect();
            prop_assert!(unnamed.is_empty(), "missed {unnamed:?}, gaps {:?}", result.walk.gaps());
        } else {
            let good: Vec<_> = missed.iter().filter(|run| !list.bad.contains(run)).collect();
            prop_assert!(good.is_empty() || result.walk.incomplete_reason().is_some(), "missed {good:?}");
        }
    }

    #[test]
    fn every_run_is_seen_in_a_list_with_runs_out_of_order(
        runs in 1..120_u64, page_size in 1..12_usize, concurrency in 1..6_u32,
        misdated in proptest::collection::btree_map(0..120_u64, 0..150_u64, 0..8), events in events(),
    ) {
        let mut list = List { misdated, ..List::new(runs, page_size, true) };
        let before = list.clone();
        let is_calm = is_calm(&events);
        let result = run(Walk::whole(page_size as u32), &mut list, events, concurrency);
        check_nothing_missed(&before, &list, &result)?;
        prop_assert!(!is_calm || result.walk.is_complete(), "{:?}", result.walk.incomplete_reason());
    }

    #[test]
    fn five_runs_out_of_order_cost_no_request(
        page_size in 20..60_u64, misdated in proptest::collection::vec((0..40_u64, 0..500_u64), 0..=5),
    ) {
        // One in each hundred, and at most one in a page: two in one page can look like another order.
        let misdated = misdated.into_iter().enumerate().map(|(hundred, (run, date))| (hundred as u64 * 100 + run, date));
        let mut list = List { misdated: misdated.collect(), ..List::new(500, page_size as usize, true) };
        let result = run(Walk::whole(page_size as u32), &mut list, Vec::new(), 1);
        prop_assert_eq!(result.seen.len(), 500);
        prop_assert_eq!(result.requests as u64, 500_u64.div_ceil(page_size));
    }

    #[test]
    fn records_that_fail_in_an_unchanging_list_are_skipped_and_named(
        runs in 2..400_u64, page_size in 2..60_usize, bad in proptest::collection::btree_set(0..400_u64, 1..4),
    ) {
        let bad: BTreeSet<u64> = bad.into_iter().map(|run| run % runs).collect();
        let neighbors = bad.iter().any(|run| bad.contains(&(run + 1)));
        let mut list = List { bad: bad.clone(), ..List::new(runs, page_size, true) };
        // Without a readable record elsewhere, a failure looks like an outage.
        prop_assume!(!bad.contains(&(runs - 1)) && !neighbors);
        let result = run(Walk::whole(page_size as u32), &mut list, Vec::new(), 1);
        prop_assert!(!result.outage && result.walk.is_complete(), "{:?}", result.walk.incomplete_reason());
        let expected: BTreeSet<u64> = (0..runs).filter(|run| !bad.contains(run)).collect();
        prop_assert_eq!(&result.seen, &expected);
        let mut named: Vec<u64> = result.walk.gaps().iter().map(|gap| runs - gap.position).collect();
        named.sort_unstable();
        prop_assert_eq!(named, Vec::from_iter(bad.iter().copied()));
        prop_assert!(result.walk.gaps().iter().all(|gap| gap.records == 1));

        // The next walk knows where they are.
        let pages = runs.div_ceil(page_size as u64);
        let known = result.walk.gaps().to_vec();
        list.create();
        let again = run(Walk::whole(page_size as u32).with_known_gaps(known), &mut list, Vec::new(), 1);
        prop_assert_eq!(again.walk.gaps().len(), bad.len());
        let extra = again.requests as u64 - pages;
        prop_assert!(extra <= 14 * bad.len() as u64 + 2, "{extra} more requests for {} records", bad.len());
    }

    #[test]
    fn a_list_that_is_refused_below_a_position_is_read_down_to_it(
        runs in 100..400_u64, page_size in 1..60_usize, refused in 60..300_usize,
    ) {
        let refused = refused.min(runs as usize - 30);
        let mut list = List { refused_from: Some(refused), ..List::new(runs, page_size, true) };
        let result = run(Walk::whole(page_size as u32), &mut list, Vec::new(), 4);
        prop_assert_eq!(result.seen.len(), refused);
        prop_assert!(!result.outage && !result.walk.is_complete());
        let gap = result.walk.gaps().last().unwrap();
        prop_assert_eq!((gap.position, gap.records), (refused as u64 + 1, runs - refused as u64));
    }

    #[test]
    fn an_unchanging_list_takes_one_request_per_page(runs in 1..200_u64, page_size in 2..12_usize, concurrency in 1..6_u32) {
        let mut list = List::new(runs, page_size, true);
        let result = run(Walk::whole(page_size as u32), &mut list, Vec::new(), concurrency);
        prop_assert_eq!(result.requests as u64, runs.div_ceil(page_size as u64));
        prop_assert_eq!(result.seen.len() as u64, runs);
    }
}

#[test]
fn a_list_that_shrank_above_the_next_page_is_read_again() {
    use Event::{Delete, Respond};
    let mut list = List::new(5, 2, false);
    let events = vec![Respond(0), Respond(0), Delete(0), Respond(0), Respond(0), Delete(0), Delete(0)];
    let result = run(Walk::whole(2), &mut list, events, 1);
    assert_eq!(list.runs, [3, 4]);
    assert!(result.seen.contains(&4) && result.walk.is_complete());
}

#[test]
fn a_run_on_a_rejected_page_proves_no_overlap() {
    use Event::{Delete, Respond};
    let mut list = List { misdated: BTreeMap::from([(3, 8)]), ..List::new(10, 2, true) };
    let events = vec![
        Respond(0),
        Respond(0),
        // Runs 5 and 4 move up above the next page, which begins with the misdated run 3.
        Delete(0),
        Delete(0),
        Respond(0),
        // Run 3 moves up onto the page to which the walk steps back.
        Delete(0),
        Delete(0),
    ];
    let result = run(Walk::whole(2), &mut list, events, 1);
    assert_eq!(list.runs, [5, 4, 3, 2, 1, 0]);
    assert_eq!(result.seen, (0..10).collect());
}

#[test]
fn a_run_created_at_the_same_moment_ends_reading_ahead() {
    use Event::{Create, Delete, Respond};
    let mut list = List { misdated: BTreeMap::from([(2, 3)]), ..List::new(3, 1, true) };
    let events = vec![Respond(0), Create, Respond(2), Delete(1), Create, Respond(1), Create, Respond(0)];
    let result = run(Walk::whole(1), &mut list, events, 2);
    assert_eq!(list.runs, [5, 4, 3, 1, 0]);
    assert!(result.seen.contains(&1), "{:?}", result.seen);
}

#[test]
fn one_bad_record_costs_at_most_sixty_requests() {
    for page_size in [20, 500, 10_000] {
        for place in [0, 1, 7, page_size / 2, page_size - 1, page_size, page_size * 2 - 1] {
            let runs = page_size * 3;
            let mut list = List::new(runs, page_size as usize, true);
            list.bad.insert(runs - 1 - place);
            let result = run(Walk::whole(page_size as u32), &mut list, Vec::new(), 4);
            assert!(result.walk.is_complete() && !result.outage);
            assert_eq!(result.seen.len() as u64, runs - 1);
            assert!(result.requests <= 60 + 3, "{} requests, place {place} of {page_size}", result.requests);
            let known = result.walk.gaps().to_vec();
            let again = run(Walk::whole(page_size as u32).with_known_gaps(known), &mut list, Vec::new(), 4);
            assert!(again.requests <= 25, "{} requests the second time", again.requests);
        }
    }
}

#[test]
fn an_api_that_fails_from_some_moment_on_is_down() {
    let mut list = List::new(100, 10, true);
    list.bad.extend(0..100);
    let result = run(Walk::whole(PAGE_SIZE), &mut list, Vec::new(), 4);
    assert!(result.outage && result.requests <= 14, "{} requests", result.requests);
}

#[test]
fn runs_created_during_the_walk_are_left_to_the_next_walk() {
    let mut list = List::new(100, 10, true);
    // A run is created after each response.
    let events = (0..20).flat_map(|_| [Event::Respond(0), Event::Create]).collect();
    let result = run(Walk::whole(PAGE_SIZE), &mut list, events, 1);
    assert!(result.walk.is_complete() && result.seen.len() >= 100);
    assert!(result.requests <= 12, "{} requests", result.requests);
}

#[test]
fn a_list_in_another_order_is_read_until_a_pass_yields_nothing_new() {
    let mut list = List::new(50, 10, false);
    let result = run(Walk::whole(PAGE_SIZE), &mut list, Vec::new(), 4);
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
    while let Step::Read { request, .. } = walk.next_step() {
        assert!(pages.len() < 1000, "the walk does not end");
        let page = request.page;
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
    let mut walk = Walk::until(position(75).created_at, PAGE_SIZE);
    assert_eq!(read(&mut walk, 10, true, |page| list.page(page).unwrap().0), [1, 2, 3, 4]);
    assert!(walk.is_complete() && !walk.reached_end());
    let mut walk = Walk::until(position(75).created_at, PAGE_SIZE);
    assert_eq!(
        read(&mut walk, 10, false, |page| list.page(page).unwrap().0).len(),
        10,
        "something changed on each page"
    );
}

#[test]
fn two_pages_are_enough_without_lookback() {
    let list = List::new(100, 10, true);
    let mut walk = Walk::until(position(99).created_at, PAGE_SIZE);
    assert_eq!(read(&mut walk, 10, true, |page| list.page(page).unwrap().0), [1, 2]);
}

#[test]
fn an_endless_repeating_list_leaves_the_walk_incomplete() {
    for count in [None, Some(0), Some(70_000_000)] {
        let mut walk = Walk::whole(PAGE_SIZE);
        let again = PageSummary { page: 1, count, has_next: true, items: 1, positions: vec![position(1)] };
        let pages = read(&mut walk, 0, true, |page| PageSummary { page, ..again.clone() });
        assert!(pages.len() < 10 && walk.incomplete_reason().is_some() && !walk.is_complete(), "{count:?}");
    }
}

#[test]
fn a_huge_count_without_a_next_link_is_not_believed() {
    let list = List::new(10, 10, true);
    let mut walk = Walk::whole(PAGE_SIZE);
    let pages = read(&mut walk, 0, true, |page| PageSummary {
        page,
        count: Some(u64::MAX),
        has_next: false,
        ..list.page(1).unwrap().0
    });
    assert!(pages.len() < 30 && !walk.is_complete(), "{} pages", pages.len());
}

#[test]
fn a_next_that_is_missing_too_early_is_ignored() {
    let list = List::new(30, 10, true);
    let mut walk = Walk::whole(PAGE_SIZE);
    let pages =
        read(&mut walk, 10, false, |page| PageSummary { has_next: false, ..list.page(page).unwrap().0 });
    assert_eq!(pages, [1, 2, 3]);
}
