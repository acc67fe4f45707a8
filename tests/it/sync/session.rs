//! A sync session: its clock, its lock, and the dry run.

use super::{complete, settled, tally};
use crate::support::workspace;
use crate::support::workspace::{Workspace, options};
use chrono::TimeDelta;
use runledger::internal::store::Lock;
use runledger::internal::sync::{Clock, Options};
use serde_json::{Value, json};

#[test]
fn a_clock_that_goes_back_keeps_the_order_of_observations() {
    let workspace = Workspace::of(60);
    let id = workspace.ids()[10];
    for (number, time) in
        [(1, "2026-11-23T16:00:00Z"), (2, "2025-01-01T00:00:00Z"), (3, "2026-11-23T16:00:00Z")]
    {
        workspace.clock.set(time);
        workspace.sandbox.model().change(id, |run| {
            run.insert("number".to_owned(), json!(number));
        });
        complete(&workspace, &options());
    }
    let numbers: Vec<Value> = workspace.states(id).iter().map(|state| state["number"].clone()).collect();
    assert_eq!(numbers, [1, 2, 3]);
    // As of each observation, and as of an instant after all of them.
    let known_on = |moment: &str| {
        workspace.rows(&format!(
            "SELECT number FROM run_snapshots WHERE run_id = '{id}' AND observed_at <= '{moment}'
             AND (superseded_at IS NULL OR superseded_at > '{moment}')"
        ))
    };
    for (entry, number) in workspace.archive().history(id).unwrap().iter().zip(["1", "2", "3"]) {
        assert!(entry.observed_at >= workspace::at("2026-11-23T16:00:00Z"), "{}", entry.observed_at);
        assert_eq!(known_on(entry.observed_at.as_str()), [number]);
    }
    assert_eq!(known_on("2026-11-23T16:00:01.000000Z"), ["3"]);
    assert_eq!(
        known_on("2025-06-01T00:00:00.000000Z"),
        [""; 0],
        "nothing was known before its first observation"
    );
    let out_of_order = "SELECT count(*) FROM (
        SELECT started_at, lag(last_observed_at) OVER (ORDER BY sync_id) AS before FROM syncs
    ) WHERE started_at <= before";
    assert_eq!(workspace.number(out_of_order), 0);
    assert_eq!(workspace.number("SELECT count(*) FROM run_snapshots WHERE superseded_at <= observed_at"), 0);
}

#[test]
fn a_second_sync_at_the_same_time_is_refused() {
    let workspace = Workspace::of(0);
    let now = workspace.clock.now();
    let lock = Lock::acquire(&workspace.path(), now).unwrap();
    assert_eq!(Lock::acquire(&workspace.path(), now).unwrap_err().exit_code(), 11);
    drop(lock);
    complete(&workspace, &options());
}

#[test]
fn a_dry_run_counts_and_stores_nothing() {
    let workspace = Workspace::of(100);
    complete(&workspace, &options());
    let dry = Options { dry_run: true, ..options() };
    workspace.wait(TimeDelta::hours(1));
    {
        let mut model = workspace.sandbox.model();
        let ids = settled(&model);
        model.add();
        for id in &ids[..3] {
            model.change(*id, |run| {
                run.insert("number".to_owned(), json!("another type"));
            });
        }
    }
    let before = (std::fs::read(workspace.path()).unwrap(), workspace.archived());
    for _ in 0..2 {
        let summary = complete(&workspace, &dry);
        assert_eq!((tally(&summary)[..2].to_vec(), summary.new_drift.len()), (vec![1, 3], 1));
        assert_eq!((std::fs::read(workspace.path()).unwrap(), workspace.archived()), before);
        assert_eq!(workspace.number("SELECT count(*) FROM syncs"), 1);
    }
    assert_eq!(tally(&complete(&workspace, &options()))[..2], [1, 3]);
}
