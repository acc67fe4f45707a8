//! Runs that never end: few requests, and still read again.

use super::{complete, tally};
use crate::support::workspace::{Workspace, options};
use chrono::TimeDelta;
use runledger::internal::sandbox::Outcome;
use runledger::internal::store::SyncKind;
use runledger::internal::sync::Options;
use serde_json::{Value, json};
use uuid::Uuid;

/// The pages of the list, of 50 runs each.
const PAGES: u32 = 12;

/// A workspace whose 200 oldest runs, of 600 in 30 days, never end, and their ids.
fn never_ending() -> (Workspace, Vec<Uuid>, Options) {
    let workspace = Workspace::of(600);
    let ids = workspace.ids()[400..].to_vec();
    for id in &ids {
        workspace.sandbox.model().change(*id, |run| {
            run.insert("status".to_owned(), json!("running"));
            run.insert("ended_at".to_owned(), Value::Null);
        });
    }
    (workspace, ids, Options { page_size: 50, ..options() })
}

#[test]
fn never_ending_runs_cost_no_more_requests_than_the_list() {
    let (workspace, _, options) = never_ending();
    complete(&workspace, &options);
    for hour in 1..=72 {
        workspace.wait(TimeDelta::hours(1));
        let summary = complete(&workspace, &options);
        assert_eq!(summary.kind, SyncKind::Incremental);
        // The three lists of pipelines, and runs that ended without a cost.
        let most = u64::from(PAGES) + 3 + 10;
        assert!(summary.counts.requests <= most, "hour {hour}: {} requests", summary.counts.requests);
    }
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn the_list_is_read_when_that_takes_fewer_requests() {
    let (workspace, ids, options) = never_ending();
    complete(&workspace, &options);
    // The age of each has grown by more than a 24th since the last sync.
    workspace.wait(TimeDelta::days(3));
    for id in &ids[..100] {
        workspace.sandbox.model().finish(*id, Outcome::Success);
        workspace.sandbox.model().settle(*id);
    }
    workspace.sandbox.forget_requests();
    let summary = complete(&workspace, &options);
    assert_eq!((summary.kind, tally(&summary)[1]), (SyncKind::Incremental, 100));
    assert_eq!(workspace.requested_pages_sorted(), Vec::from_iter(1..=PAGES), "each page is read once");
    assert!(workspace.requested_runs().is_empty(), "{:?}", workspace.requested_runs());
    assert!(summary.reason.starts_with("read the rest of the list: 2"), "{}", summary.reason);
    assert_eq!(workspace.rows("SELECT walk_whole FROM syncs"), ["1", "1"]);
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn an_old_run_that_ends_is_noticed_within_a_24th_of_its_age() {
    let (workspace, ids, options) = never_ending();
    complete(&workspace, &options);
    let id = *ids.last().unwrap();
    workspace.wait(TimeDelta::hours(1));
    complete(&workspace, &options);
    workspace.sandbox.model().finish(id, Outcome::Success);
    let archived_status = || workspace.states(id).last().unwrap()["status"].clone();
    let mut hours = 0;
    while archived_status() != "success" {
        hours += 1;
        assert!(hours <= 32, "it is 30 days old");
        workspace.wait(TimeDelta::hours(1));
        complete(&workspace, &options);
    }
}

#[test]
fn few_old_open_runs_are_requested_in_every_sync() {
    let workspace = Workspace::of(250);
    let ids = workspace.ids()[240..].to_vec();
    for id in &ids {
        workspace.sandbox.model().change(*id, |run| {
            run.insert("status".to_owned(), json!("running"));
            run.insert("ended_at".to_owned(), Value::Null);
        });
    }
    // The list has more pages than there are runs to request.
    let small = Options { page_size: 5, ..options() };
    complete(&workspace, &small);
    for _ in 0..3 {
        workspace.sandbox.forget_requests();
        complete(&workspace, &small);
        let requested = workspace.requested_runs();
        assert!(ids.iter().all(|id| requested.contains(id)), "{requested:?}");
    }
}
