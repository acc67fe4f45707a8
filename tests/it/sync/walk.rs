//! Run lists whose order or page size violates the contract.

use super::{complete, exit_code, full, settled, tally};
use crate::support::workspace::{Workspace, options, page_of};
use chrono::TimeDelta;
use runledger::internal::sandbox::{Options as SandboxOptions, Order};
use runledger::internal::store::SyncKind;
use runledger::internal::sync::Options;
use serde_json::{Value, json};
use uuid::Uuid;

#[test]
fn incomplete_list_items_are_completed_by_id_once() {
    let workspace = Workspace::of(60);
    workspace.sandbox.model().omit_from_lists(&["el_cost_metadata", "trigger"]);
    let summary = complete(&workspace, &options());
    assert_eq!(tally(&summary), [60, 0, 0, 0]);
    assert_eq!(workspace.requested_runs().len(), 60);
    assert_eq!(workspace.archived(), workspace.truth());

    workspace.sandbox.forget_requests();
    assert_eq!(tally(&complete(&workspace, &full())), [0, 0, 60, 0]);
    assert!(workspace.requested_runs().is_empty(), "unchanged items need no details");

    let id = workspace.ids()[30];
    workspace.sandbox.model().change(id, |run| {
        run.insert("number".to_owned(), json!(77_777));
    });
    workspace.sandbox.forget_requests();
    assert_eq!(tally(&complete(&workspace, &full())), [0, 1, 59, 0]);
    assert_eq!(workspace.requested_runs(), [id]);
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn a_cost_missing_from_the_list_is_requested_until_known() {
    let workspace = Workspace::of(60);
    workspace.sandbox.model().omit_from_lists(&["el_cost_usd", "transformation_cost_usd"]);
    let id = workspace.ids()[10];
    workspace.sandbox.model().change(id, |run| {
        run.insert("status".to_owned(), json!("success"));
        run.insert("el_cost_usd".to_owned(), Value::Null);
        run.insert("transformation_cost_usd".to_owned(), Value::Null);
    });
    complete(&workspace, &options());
    workspace.sandbox.model().change(id, |run| {
        run.insert("el_cost_usd".to_owned(), json!(0.25));
    });
    assert_eq!(tally(&complete(&workspace, &options()))[..2], [0, 1]);
    assert_eq!(workspace.archived(), workspace.truth());
    workspace.sandbox.forget_requests();
    complete(&workspace, &options());
    assert!(!workspace.requested_runs().contains(&id), "its cost is known now");
}

#[test]
fn an_unsorted_list_is_read_whole_each_time() {
    for order in [Order::OldestFirst, Order::Shuffled(3)] {
        let workspace = Workspace::of(130);
        workspace.sandbox.model().set_order(order);
        let summary = complete(&workspace, &options());
        assert_eq!((summary.newest_first, tally(&summary)), (Some(false), [130, 0, 0, 0]), "{order:?}");
        assert_eq!(workspace.archived(), workspace.truth());
        workspace.wait(TimeDelta::hours(1));
        let (added, old) = {
            let mut model = workspace.sandbox.model();
            let added = [model.add(), model.add()];
            let old = settled(&model)[60];
            model.change(old, |run| {
                run.insert("number".to_owned(), json!(4711));
            });
            (added, old)
        };
        let summary = complete(&workspace, &options());
        assert_eq!((summary.newest_first, tally(&summary)), (Some(false), [2, 1, 129, 0]), "{order:?}");
        assert_eq!(workspace.archived(), workspace.truth());
        assert!(added.iter().chain([&old]).all(|id| workspace.archived().contains_key(id)));
    }
}

#[test]
fn a_run_out_of_order_costs_no_request() {
    let workspace = Workspace::of(130);
    let ids = workspace.ids();
    for (place, created_at) in
        [(5, "2020-01-01T00:00:00Z"), (19, "2020-01-01T00:00:00Z"), (60, "2026-11-23T15:59:59Z")]
    {
        let mut run = workspace.sandbox.model().document(ids[place]).unwrap();
        run.insert("created_at".to_owned(), json!(created_at));
        workspace.sandbox.model().set_text(ids[place], &Value::Object(run).to_string());
    }
    let one_by_one = Options { concurrency: 1, ..options() };
    let summary = complete(&workspace, &one_by_one);
    assert_eq!((summary.newest_first, workspace.requested_pages()), (Some(true), Vec::from_iter(1..=7)));
    assert_eq!(workspace.archived(), workspace.truth());
    workspace.sandbox.forget_requests();
    complete(&workspace, &options());
    assert_eq!(workspace.requested_pages(), [1, 2]);
}

#[test]
fn a_page_of_invalid_items_is_counted_once() {
    let workspace = Workspace::of(60);
    for id in workspace.ids().iter().take(20) {
        workspace.sandbox.model().set_text(*id, &format!(r#"{{"id":7,"of":"{id}"}}"#));
    }
    let summary = workspace.sync(&options());
    assert_eq!((exit_code(&summary), summary.counts.quarantined, summary.counts.seen), (3, 20, 40));
    let pages = workspace.requested_pages().len();
    assert!(pages <= 6, "{pages} pages");
}

#[test]
fn a_list_that_loses_its_order_is_read_whole_again() {
    let workspace = Workspace::of(130);
    assert_eq!(complete(&workspace, &options()).newest_first, Some(true));
    workspace.sandbox.model().set_order(Order::Shuffled(5));
    workspace.wait(TimeDelta::hours(1));
    workspace.sandbox.model().add();
    let summary = complete(&workspace, &options());
    assert_eq!((summary.kind, summary.newest_first), (SyncKind::Incremental, Some(false)));
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn pages_shortened_by_the_server_are_all_read() {
    let workspace = Workspace::serving(100, SandboxOptions { max_page_size: 7, ..SandboxOptions::default() });
    let options = Options { page_size: 500, ..options() };
    complete(&workspace, &options);
    assert_eq!(workspace.archived(), workspace.truth());
    assert_eq!(workspace.requested_pages_sorted(), Vec::from_iter(1..=15));
    workspace.sandbox.forget_requests();
    complete(&workspace, &options);
    assert_eq!(workspace.requested_pages(), [1, 2]);
}

#[test]
fn runs_created_or_deleted_between_pages_hide_no_other() {
    for concurrency in [1, 4] {
        for seed in 0..6 {
            let workspace = Workspace::of(200);
            let before = workspace.ids();
            let mut rng = fastrand::Rng::with_seed(seed);
            workspace.sandbox.on_request(move |call, model| {
                if page_of(call).is_some() && call.number < 40 {
                    for _ in 0..rng.usize(..4) {
                        model.add();
                    }
                    for _ in 0..rng.usize(..4) {
                        let place = rng.usize(..model.count());
                        let id = model.ids().nth(place).unwrap();
                        model.delete(id);
                    }
                }
                None
            });
            complete(&workspace, &Options { concurrency, ..options() });
            let (truth, archived) = (workspace.truth(), workspace.archived());
            let throughout: Vec<&Uuid> = before.iter().filter(|id| truth.contains_key(id)).collect();
            assert!(throughout.len() < before.len(), "some runs were deleted");
            for id in throughout {
                assert_eq!(archived.get(id), truth.get(id), "seed {seed}, concurrency {concurrency}");
            }
            // The next sync finds a run that was pushed off the top meanwhile. Many deleted runs are suspected.
            let summary = workspace.sync(&Options { concurrency, ..options() });
            assert!(matches!(exit_code(&summary), 0 | 3), "{:?}", summary.result);
            let archived = workspace.archived();
            assert!(workspace.truth().keys().all(|id| archived.contains_key(id)), "seed {seed}");
        }
    }
}
