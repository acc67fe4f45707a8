//! Model-based tests of the whole sync.
//!
//! Runs change between any two requests, requests fail, some runs fail whenever they are requested, and the clock can
//! be wrong. Still, a run that exists throughout and does not fail is archived, and the archive at rest equals the
//! sandbox.
//!
//! The list as a whole lies: it is another workspace's, empty, or lacks many runs. Still, no run that exists is marked
//! as vanished, and no foreign run is archived.

use super::exit_code;
use crate::support::invariants::contents;
use crate::support::workspace::{
    Workspace, foreign, hide_from_list, normal, options, places, revoke_role, run_of,
};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::TimeDelta;
use proptest::prelude::*;
use runledger::internal::error::Error;
use runledger::internal::run::Instant;
use runledger::internal::sandbox::{Call, Model, Outcome};
use runledger::internal::store::ListGap;
use runledger::internal::sync::{Clock, Options, Summary};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// An event between two requests.
#[derive(Debug, Clone, Copy)]
enum Event {
    Nothing,
    Create,
    Change(usize),
    Finish(usize),
    Settle(usize),
    Delete(usize),
    /// The request fails temporarily.
    Fail(u16),
}

fn event() -> impl Strategy<Value = Event> {
    let place = || 0..1000_usize;
    prop_oneof![
        3 => Just(Event::Nothing),
        3 => Just(Event::Create),
        2 => place().prop_map(Event::Change),
        1 => place().prop_map(Event::Finish),
        1 => place().prop_map(Event::Settle),
        3 => place().prop_map(Event::Delete),
        1 => prop_oneof![Just(429), Just(500), Just(503)].prop_map(Event::Fail),
    ]
}

/// One sync: its options, and the events before each of its requests.
#[derive(Debug, Clone)]
struct Round {
    page_size: u32,
    concurrency: usize,
    full: bool,
    /// By how many days the clock is wrong.
    clock_days: i64,
    /// The places of runs that the API fails to return in this sync.
    broken: Vec<usize>,
    events: Vec<Event>,
}

fn round() -> impl Strategy<Value = Round> {
    let events = proptest::collection::vec(event(), 0..60);
    let broken = prop_oneof![2 => Just(Vec::new()), 1 => proptest::collection::vec(0..1000_usize, 1..4)];
    let clock_days = prop_oneof![3 => Just(0), 1 => Just(365), 1 => Just(-365)];
    (1..12_u32, 1..5_usize, any::<bool>(), clock_days, broken, events).prop_map(
        |(page_size, concurrency, full, clock_days, broken, events)| Round {
            page_size,
            concurrency,
            full,
            clock_days,
            broken,
            events,
        },
    )
}

/// Every state of each run, oldest first.
type States = BTreeMap<Uuid, Vec<Value>>;

fn some(ids: &[Uuid], place: usize) -> Option<Uuid> {
    (!ids.is_empty()).then(|| ids[place % ids.len()])
}

/// Applies the event and records the resulting state. `Some`: a status instead of a response.
fn happen(event: Event, model: &mut Model, states: &mut States) -> Option<StatusCode> {
    model.advance(TimeDelta::seconds(1));
    let ids: Vec<Uuid> = model.ids().collect();
    let touched = match event {
        Event::Nothing => None,
        Event::Create => Some(model.add()),
        Event::Change(place) => some(&ids, place).inspect(|id| {
            model.change(*id, |run| drop(run.insert("extra_config".to_owned(), json!({ "change": place }))));
        }),
        Event::Finish(place) => some(&model.in_progress(), place).inspect(|id| {
            model.finish(*id, if place % 3 == 0 { Outcome::Failed } else { Outcome::Success });
        }),
        Event::Settle(place) => some(&model.costs_unknown(), place).inspect(|id| model.settle(*id)),
        Event::Delete(place) => {
            if let Some(id) = some(&ids, place) {
                model.delete(id);
            }
            None
        }
        Event::Fail(status) => return StatusCode::from_u16(status).ok(),
    };
    if let Some(id) = touched {
        states.entry(id).or_default().push(normal(model.run(id).expect("the run exists")));
    }
    None
}

/// Whether the last sync read all that it had to read.
const COMPLETE: &str = "SELECT walk_complete FROM syncs ORDER BY sync_id DESC LIMIT 1";

/// Whether a request asks for one of these runs, in the list or by id.
fn includes(call: &Call, model: &Model, runs: &BTreeSet<Uuid>) -> bool {
    let listed = places(call)
        .is_some_and(|places| model.ids().skip(places.start).take(places.len()).any(|id| runs.contains(&id)));
    listed || run_of(call).is_some_and(|id| runs.contains(&id))
}

/// Whether a run is between the neighbors of a gap.
fn lies_in(run: &Value, gap: &ListGap) -> bool {
    let created_at = Instant::parse(run["created_at"].as_str().unwrap()).unwrap();
    gap.newer.is_none_or(|newer| created_at <= newer.created_at)
        && gap.older.is_none_or(|older| created_at >= older.created_at)
}

fn states_of(workspace: &Workspace) -> States {
    workspace.truth().into_iter().map(|(id, run)| (id, vec![run])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn runs_that_exist_throughout_a_sync_are_archived(
        runs in 0..60_usize, rounds in proptest::collection::vec(round(), 1..4),
    ) {
        let workspace = Workspace::of(runs);
        for Round { page_size, concurrency, full, clock_days, broken, events } in rounds {
            let before: BTreeSet<Uuid> = workspace.ids().into_iter().collect();
            let ids = workspace.ids();
            let broken: BTreeSet<Uuid> = broken.into_iter().filter_map(|place| some(&ids, place)).collect();
            let fails = broken.clone();
            // The states of each run since this sync started: the archive must have one of them.
            let states = Arc::new(Mutex::new(states_of(&workspace)));
            let mut events = events.into_iter();
            let seen = Arc::clone(&states);
            workspace.sandbox.on_request(move |call, model| {
                let event = events.next().unwrap_or(Event::Nothing);
                let status = happen(event, model, &mut seen.lock().unwrap());
                let is_broken = includes(call, model, &fails).then_some(StatusCode::INTERNAL_SERVER_ERROR);
                is_broken.or(status).map(IntoResponse::into_response)
            });
            let options = Options { page_size, concurrency, full, ..options() };
            let right = workspace.clock.now();
            workspace.clock.set(right.plus(TimeDelta::days(clock_days)).as_str());
            let summary = workspace.sync(&options);
            workspace.clock.set(right.as_str());
            workspace.sandbox.on_request(|_, _| None);
            workspace.wait(TimeDelta::minutes(10));
            match summary.result {
                Ok(()) => {}
                Err(Error::Partial { .. }) if workspace.number(COMPLETE) == 1 => {}
                Err(_) => continue,
            }
            let (truth, archived, states) = (workspace.truth(), workspace.archived(), states.lock().unwrap());
            let gaps = workspace.archive().list_gaps().unwrap();
            for id in before.iter().filter(|id| truth.contains_key(id) && !broken.contains(id)) {
                let is_in_gap = gaps.iter().any(|gap| lies_in(&truth[id], gap));
                prop_assert!(archived.contains_key(id) || is_in_gap, "{id} existed throughout");
                if is_in_gap {
                    continue;
                }
                if summary.kind != runledger::internal::store::SyncKind::Incremental {
                    prop_assert!(states[id].contains(&archived[id]), "{id} is in a state of this sync");
                }
            }
        }
        at_rest(&workspace)?;
        // With the clock repaired, the archive is fresh as of now, and the lookback starts there at the latest.
        let now = workspace.clock.now();
        let last = "SELECT clock_started_at, watermark IS NULL OR watermark <= clock_started_at FROM syncs \
                    ORDER BY sync_id DESC LIMIT 1";
        prop_assert_eq!(workspace.rows(last), [format!("{now}|1")]);
        prop_assert_eq!(workspace.number("SELECT count(*) FROM run_snapshots WHERE superseded_at <= observed_at"), 0);
    }

    #[test]
    fn a_list_that_lies_neither_adds_nor_removes_runs(
        runs in 1..120_usize, rounds in proptest::collection::vec(lying_round(), 1..6),
    ) {
        let workspace = Workspace::of(runs);
        prop_assert!(workspace.sync(&options()).result.is_ok());
        let mut own: BTreeSet<Uuid> = workspace.ids().into_iter().collect();
        for LyingRound { lie, full, confirm, created } in rounds {
            workspace.wait(TimeDelta::hours(1));
            own.extend((0..created).map(|_| workspace.sandbox.model().add()));
            let (before, marked) = (contents(&workspace.path()), vanished(&workspace));
            let options = Options { full, confirm_vanished: confirm, ..options() };
            let summary = tell(lie, &workspace, || workspace.sync(&options));
            let (truth, now) = (workspace.truth(), vanished(&workspace));
            match lie {
                Lie::Foreign(_) => {
                    prop_assert_eq!(exit_code(&summary), 2);
                    prop_assert!(contents(&workspace.path()) == before, "the archive is as it was");
                }
                // The user confirmed what is not true.
                Lie::Revoked if confirm => prop_assert_eq!(exit_code(&summary), 0),
                Lie::Nothing => {
                    prop_assert!(matches!(exit_code(&summary), 0 | 3), "{:?}", summary.result);
                    prop_assert!(now.iter().all(|id| !truth.contains_key(id)), "runs that are back are unmarked");
                }
                _ => {
                    prop_assert!(matches!(exit_code(&summary), 0 | 3), "{:?}", summary.result);
                    prop_assert!(now.difference(&marked).all(|id| !truth.contains_key(id)), "{summary:?}");
                }
            }
            prop_assert!(workspace.archived().keys().all(|id| own.contains(id)), "no foreign run is archived");
        }
        let summary = workspace.sync(&options());
        prop_assert!(matches!(exit_code(&summary), 0 | 3), "{:?}", summary.result);
        prop_assert!(vanished(&workspace).iter().all(|id| !workspace.truth().contains_key(id)));
        at_rest(&workspace)?;
    }
}

fn vanished(workspace: &Workspace) -> BTreeSet<Uuid> {
    workspace.rows("SELECT run_id FROM vanished_runs").iter().map(|id| id.parse().unwrap()).collect()
}

/// Asserts that after a whole walk, the archive equals the sandbox plus the vanished runs.
fn at_rest(workspace: &Workspace) -> Result<(), TestCaseError> {
    let summary = workspace.sync(&Options { confirm_vanished: true, ..options() });
    prop_assert!(summary.result.is_ok(), "{:?}", summary.result);
    let (truth, mut archived) = (workspace.truth(), workspace.archived());
    let gone: BTreeSet<Uuid> = archived.keys().filter(|id| !truth.contains_key(id)).copied().collect();
    prop_assert_eq!(vanished(workspace), gone);
    archived.retain(|id, _| truth.contains_key(id));
    prop_assert!(archived == truth, "the archive equals the API");
    Ok(())
}

/// How the list as a whole lies during a sync.
#[derive(Debug, Clone, Copy)]
enum Lie {
    Nothing,
    /// Another workspace answers, with this many runs.
    Foreign(usize),
    /// The list is empty, and each run answers 404.
    Revoked,
    /// The list lacks each run whose place is a multiple of this; by id, the API has it.
    Hidden(usize),
    /// No lie: upstream has deleted this many of the oldest runs.
    Retention(usize),
    /// No lie: each run whose place is a multiple of this was deleted.
    Purge(usize),
}

/// A sync, and what happens before it and while it runs.
#[derive(Debug, Clone)]
struct LyingRound {
    lie: Lie,
    full: bool,
    confirm: bool,
    created: usize,
}

fn lying_round() -> impl Strategy<Value = LyingRound> {
    let lie = prop_oneof![
        2 => Just(Lie::Nothing),
        2 => (0..80_usize).prop_map(Lie::Foreign),
        2 => Just(Lie::Revoked),
        2 => (1..6_usize).prop_map(Lie::Hidden),
        1 => (1..80_usize).prop_map(Lie::Retention),
        1 => (1..6_usize).prop_map(Lie::Purge),
    ];
    let created = prop_oneof![2 => 0..3_usize, 1 => 0..50_usize];
    (lie, any::<bool>(), proptest::bool::weighted(0.2), created)
        .prop_map(|(lie, full, confirm, created)| LyingRound { lie, full, confirm, created })
}

/// Syncs while the list lies.
fn tell(lie: Lie, workspace: &Workspace, sync: impl FnOnce() -> Summary) -> Summary {
    let ids = workspace.ids();
    let deleted: Vec<Uuid> = match lie {
        Lie::Retention(count) => ids.iter().rev().take(count).copied().collect(),
        Lie::Purge(step) => ids.iter().step_by(step).copied().collect(),
        _ => Vec::new(),
    };
    deleted.into_iter().for_each(|id| workspace.sandbox.model().delete(id));
    match lie {
        Lie::Foreign(runs) => {
            let own = workspace.serve(foreign(runs));
            let summary = sync();
            workspace.serve(own);
            return summary;
        }
        Lie::Revoked => revoke_role(workspace),
        Lie::Hidden(step) => hide_from_list(workspace, ids.into_iter().step_by(step).collect()),
        Lie::Nothing | Lie::Retention(_) | Lie::Purge(_) => {}
    }
    let summary = sync();
    workspace.sandbox.on_request(|_, _| None);
    summary
}
