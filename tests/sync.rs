//! This is the test of the sync: whatever the API does, the archive has what it showed, and no request too many is sent.

#[path = "support/workspace.rs"]
mod workspace;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use runledger::sandbox::{Kind, Model, Options as SandboxOptions, Order, Outcome, TOKEN_PREFIX};
use runledger::store::{Lock, SyncKind};
use runledger::sync::{Clock, Options, Stop, Summary};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;
use workspace::{ATTEMPTS, PAGE_SIZE, Workspace, archived_in, options, page_of, run_of};

/// New, changed, unchanged, vanished.
fn tally(summary: &Summary) -> [u64; 4] {
    let tally = &summary.tally;
    assert_eq!(
        tally.seen,
        tally.new + tally.changed + tally.unchanged,
        "each run that was seen is counted once"
    );
    [tally.new, tally.changed, tally.unchanged, tally.vanished]
}

fn exit_code(summary: &Summary) -> u8 {
    summary.result.as_ref().err().map_or(0, |error| error.exit_code())
}

/// A sync that has to end well.
fn complete(workspace: &Workspace, options: &Options) -> Summary {
    let summary = workspace.sync(options);
    assert!(summary.result.is_ok(), "{:?}", summary.result);
    summary
}

fn full() -> Options {
    Options { full: true, ..options() }
}

/// The runs that can be expected to stay as they are.
fn settled(model: &Model) -> Vec<Uuid> {
    let open: BTreeSet<Uuid> = model.in_progress().into_iter().chain(model.costs_unknown()).collect();
    model.ids().filter(|id| !open.contains(id)).collect()
}

/// A run that has ended, with its cost, as old as can be.
fn oldest_settled(workspace: &Workspace) -> Uuid {
    *settled(&workspace.sandbox.model()).last().unwrap()
}

// ---- what is archived

#[test]
fn a_first_sync_archives_every_run_as_it_is() {
    let workspace = Workspace::of(250);
    let summary = complete(&workspace, &options());
    assert_eq!((summary.kind, tally(&summary)), (SyncKind::First, [250, 0, 0, 0]));
    assert_eq!(summary.newest_first, Some(true));
    assert_eq!(workspace.archived(), workspace.truth());
    assert_eq!(workspace.number("SELECT count(*) FROM run_snapshots"), 250);
    assert_eq!(
        workspace.rows(
            "SELECT kind, outcome, exit_code, error, pages, runs_new, walk_complete, walk_whole, newest_first FROM syncs"
        ),
        ["first|complete|0|NULL|13|250|1|1|1"]
    );
    assert_eq!(workspace.number("SELECT count(*) FROM pipelines WHERE gone_at IS NULL"), 40);
    assert_eq!(workspace.number("SELECT requests FROM syncs"), workspace.sandbox.request_count() as i64);
}

#[test]
fn an_empty_workspace_is_archived_too() {
    let workspace = Workspace::of(0);
    for _ in 0..2 {
        assert_eq!(tally(&complete(&workspace, &options())), [0; 4]);
    }
    workspace.sandbox.model().add();
    assert_eq!(tally(&complete(&workspace, &options())), [1, 0, 0, 0]);
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn a_full_walk_of_an_unchanged_list_is_one_request_a_page_and_adds_nothing() {
    for concurrency in [1, 4] {
        let workspace = Workspace::of(250);
        let options = Options { concurrency, ..full() };
        for new in [250, 0] {
            workspace.sandbox.forget_requests();
            let summary = complete(&workspace, &options);
            assert_eq!(tally(&summary), [new, 0, 250 - new, 0]);
            assert_eq!(workspace.pages_asked_sorted(), Vec::from_iter(1..=13));
            assert!(workspace.runs_asked().is_empty());
            assert_eq!(workspace.sandbox.request_count(), 13 + 3);
            assert_eq!(summary.tally.requests, 13 + 3);
        }
        assert_eq!(workspace.number("SELECT count(*) FROM run_snapshots"), 250);
    }
}

#[test]
fn a_sync_with_nothing_new_and_no_lookback_asks_for_two_pages() {
    let workspace = Workspace::of(250);
    complete(&workspace, &options());
    for _ in 0..3 {
        workspace.sandbox.forget_requests();
        let summary = complete(&workspace, &options());
        assert_eq!((summary.kind, workspace.pages_asked()), (SyncKind::Incremental, vec![1, 2]));
        assert_eq!(workspace.pipeline_pages_asked(), 3);
        assert_eq!(tally(&summary)[..2], [0, 0]);
    }
    assert_eq!(workspace.number("SELECT count(*) FROM run_snapshots"), 250);
}

#[test]
fn a_sync_with_nothing_new_asks_for_the_pages_that_the_lookback_covers() {
    let workspace = Workspace::of(250);
    let options = Options { lookback: TimeDelta::days(7), ..options() };
    complete(&workspace, &options);
    workspace.sandbox.forget_requests();
    let summary = complete(&workspace, &options);
    let created: Vec<String> = {
        let model = workspace.sandbox.model();
        let created = |id| model.document(id).unwrap()["created_at"].as_str().unwrap().to_owned();
        model.ids().map(created).collect()
    };
    let boundary = workspace::at(&created[0]).plus(-TimeDelta::days(7));
    let inside = created.iter().filter(|text| workspace::at(text) >= boundary).count() as u32;
    // The first page that lies wholly below the boundary is the last that is read.
    let last = inside.div_ceil(PAGE_SIZE) + 1;
    assert!((3..=12).contains(&last), "the test needs a boundary inside of the list");
    assert_eq!(workspace.pages_asked(), Vec::from_iter(1..=last));
    assert_eq!((tally(&summary)[..2].to_vec(), summary.tally.pages), (vec![0, 0], u64::from(last)));
}

#[test]
fn a_changed_run_adds_a_snapshot_and_closes_the_one_before() {
    let workspace = Workspace::of(100);
    let id = workspace.ids()[3];
    complete(&workspace, &options());
    let mut documents = vec![workspace.truth()[&id].clone()];
    for number in [1001, 1002] {
        workspace.wait(TimeDelta::hours(1));
        workspace.sandbox.model().change(id, |run| {
            run.insert("number".to_owned(), json!(number));
        });
        documents.push(workspace.truth()[&id].clone());
        assert_eq!(tally(&complete(&workspace, &options()))[..2], [0, 1]);
    }
    assert_eq!(workspace.states(id), documents);
    assert_eq!(workspace.number("SELECT count(*) FROM run_snapshots"), 102);

    let history = workspace.archive().history(id).unwrap();
    for pair in history.windows(2) {
        assert_eq!(pair[0].superseded_at, Some(pair[1].observed_at));
    }
    assert_eq!(history.last().unwrap().superseded_at, None);
    // As known on each of these moments, and a moment before.
    let known_on = |moment: &str| {
        workspace.rows(&format!(
            "SELECT number FROM run_snapshots WHERE run_id = '{id}' AND observed_at <= '{moment}'
             AND (superseded_at IS NULL OR superseded_at > '{moment}')"
        ))
    };
    let first = [documents[0]["number"].to_string()];
    assert_eq!(known_on("2026-11-23T15:59:59.999999Z"), [""; 0]);
    assert_eq!(known_on(history[0].observed_at.as_str()), first);
    assert_eq!(known_on("2026-11-23T16:59:59.999999Z"), first);
    assert_eq!(known_on(history[1].observed_at.as_str()), ["1001"]);
    assert_eq!(known_on("2026-11-23T17:59:59.999999Z"), ["1001"]);
    assert_eq!(known_on("2027-01-01T00:00:00.000000Z"), ["1002"]);
}

#[test]
fn runs_that_finish_and_settle_later_are_followed() {
    let workspace = Workspace::of(100);
    complete(&workspace, &options());
    let running = workspace.sandbox.model().in_progress();
    assert_eq!(running.len(), 6);
    workspace.wait(TimeDelta::hours(1));
    for id in &running {
        workspace.sandbox.model().finish(*id, Outcome::Success);
    }
    assert_eq!(tally(&complete(&workspace, &options()))[..2], [0, 6]);
    workspace.wait(TimeDelta::hours(1));
    let waiting = workspace.sandbox.model().costs_unknown();
    assert!(waiting.len() >= running.len());
    for id in &waiting {
        workspace.sandbox.model().settle(*id);
    }
    assert_eq!(tally(&complete(&workspace, &options()))[..2], [0, waiting.len() as u64]);
    assert_eq!(workspace.archived(), workspace.truth());
    for id in running {
        let statuses: Vec<Value> = workspace.states(id).iter().map(|state| state["status"].clone()).collect();
        assert_eq!(statuses[1..], ["success", "success"]);
    }
}

// ---- what the walk of the newest pages cannot see

#[test]
fn unsettled_runs_below_the_pages_that_were_read_are_asked_for_by_id() {
    let workspace = Workspace::of(250);
    let id = oldest_settled(&workspace);
    workspace.sandbox.model().change(id, |run| {
        run.insert("status".to_owned(), json!("running"));
        run.insert("ended_at".to_owned(), Value::Null);
    });
    complete(&workspace, &options());
    let unsettled: BTreeSet<Uuid> = {
        let model = workspace.sandbox.model();
        let newest: BTreeSet<Uuid> = model.ids().take(2 * PAGE_SIZE as usize).collect();
        let open = |id: &Uuid| {
            let run = model.document(*id).unwrap();
            let ended = ["success", "failed", "canceled"].contains(&run["status"].as_str().unwrap());
            !ended || (run["el_cost_usd"].is_null() && run["transformation_cost_usd"].is_null())
        };
        model.ids().filter(|id| !newest.contains(id) && open(id)).collect()
    };
    assert!(unsettled.contains(&id));

    workspace.sandbox.forget_requests();
    assert_eq!(tally(&complete(&workspace, &options()))[..2], [0, 0]);
    assert_eq!(workspace.runs_asked(), Vec::from_iter(unsettled));

    workspace.sandbox.model().finish(id, Outcome::Failed);
    workspace.sandbox.model().settle(id);
    assert_eq!(tally(&complete(&workspace, &options()))[..2], [0, 1]);
    assert_eq!(workspace.archived(), workspace.truth());
    workspace.sandbox.forget_requests();
    complete(&workspace, &options());
    assert!(!workspace.runs_asked().contains(&id), "it is settled now");
}

#[test]
fn a_run_without_a_cost_is_asked_for_until_the_time_to_settle_is_over() {
    let workspace = Workspace::of(250);
    let id = oldest_settled(&workspace);
    let ended_at = workspace.sandbox.model().document(id).unwrap()["ended_at"].as_str().unwrap().to_owned();
    workspace.sandbox.model().change(id, |run| {
        run.insert("el_cost_usd".to_owned(), Value::Null);
        run.insert("transformation_cost_usd".to_owned(), Value::Null);
    });
    complete(&workspace, &options());
    let age = workspace::at("2026-11-23T16:00:00Z").to_utc() - workspace::at(&ended_at).to_utc();
    for (settle, asked) in [(age + TimeDelta::minutes(1), true), (age - TimeDelta::minutes(1), false)] {
        workspace.sandbox.forget_requests();
        complete(&workspace, &Options { settle, ..options() });
        assert_eq!(workspace.runs_asked().contains(&id), asked);
    }
}

#[test]
fn a_cost_that_changes_without_a_trace_is_found_by_the_full_walk_that_is_due() {
    let workspace = Workspace::of(250);
    complete(&workspace, &options());
    let id = oldest_settled(&workspace);
    workspace.sandbox.model().change(id, |run| {
        run.insert("el_cost_usd".to_owned(), json!(0.987654321));
    });
    for days in [3, 4] {
        workspace.wait(TimeDelta::days(days));
        let summary = complete(&workspace, &options());
        assert_eq!((summary.kind, tally(&summary)[1]), (SyncKind::Incremental, 0), "a week is not over yet");
    }
    workspace.wait(TimeDelta::seconds(1));
    let summary = complete(&workspace, &options());
    assert_eq!((summary.kind, tally(&summary)[1]), (SyncKind::Full, 1));
    assert_eq!(workspace.states(id)[1]["el_cost_usd"], json!(0.987654321));
    assert_eq!(complete(&workspace, &options()).kind, SyncKind::Incremental, "the week begins anew");
}

#[test]
fn a_run_that_the_api_no_longer_has_is_marked_and_unmarked_when_it_comes_back() {
    let workspace = Workspace::of(250);
    complete(&workspace, &options());
    let id = oldest_settled(&workspace);
    let document = workspace.sandbox.model().document(id).unwrap();
    workspace.sandbox.model().delete(id);
    assert_eq!(tally(&complete(&workspace, &options()))[3], 0, "a partial walk marks nothing");
    workspace.sandbox.forget_requests();
    assert_eq!(tally(&complete(&workspace, &full())), [0, 0, 249, 1]);
    assert_eq!(workspace.runs_asked(), [id]);
    let marked =
        |workspace: &Workspace| workspace.rows("SELECT run_id FROM runs WHERE vanished_at IS NOT NULL");
    assert_eq!(marked(&workspace), [id.to_string()]);
    workspace.sandbox.forget_requests();
    assert_eq!(tally(&complete(&workspace, &full()))[3], 0, "it is news only once");
    assert!(workspace.runs_asked().is_empty(), "nor is it asked for again");
    assert_eq!(workspace.archived().len(), 250, "it stays in the archive");

    workspace.sandbox.model().insert(id, &document);
    assert_eq!(tally(&complete(&workspace, &full())), [0, 0, 250, 0]);
    assert_eq!(marked(&workspace), [""; 0]);
}

#[test]
fn an_unsettled_run_that_is_gone_is_marked_by_any_sync() {
    let workspace = Workspace::of(250);
    complete(&workspace, &options());
    let id = workspace.sandbox.model().in_progress()[0];
    workspace.sandbox.model().delete(id);
    assert_eq!(tally(&complete(&workspace, &options()))[3], 1);
    assert_eq!(workspace.rows("SELECT run_id FROM vanished_runs"), [id.to_string()]);
}

#[test]
fn a_run_that_was_canceled_without_an_end_is_not_asked_for_for_ever() {
    let workspace = Workspace::of(250);
    let id = oldest_settled(&workspace);
    workspace.sandbox.model().change(id, |run| {
        run.insert("status".to_owned(), json!("canceled"));
        for field in ["started_at", "ended_at", "el_cost_usd", "transformation_cost_usd"] {
            run.insert(field.to_owned(), Value::Null);
        }
    });
    complete(&workspace, &options());
    workspace.wait(TimeDelta::days(400));
    complete(&workspace, &full());
    workspace.sandbox.forget_requests();
    assert_eq!(complete(&workspace, &options()).kind, SyncKind::Incremental);
    assert!(!workspace.runs_asked().contains(&id), "it is settled as much as it will ever be");
}

// ---- lists as the contract does not promise them

#[test]
fn list_items_that_lack_fields_are_completed_by_id_once() {
    let workspace = Workspace::of(60);
    workspace.sandbox.model().leave_out_of_lists(&["el_cost_metadata", "trigger"]);
    let summary = complete(&workspace, &options());
    assert_eq!(tally(&summary), [60, 0, 0, 0]);
    assert_eq!(workspace.runs_asked().len(), 60);
    assert_eq!(workspace.archived(), workspace.truth());

    workspace.sandbox.forget_requests();
    assert_eq!(tally(&complete(&workspace, &full())), [0, 0, 60, 0]);
    assert!(workspace.runs_asked().is_empty(), "items that did not change need no details");

    let id = workspace.ids()[30];
    workspace.sandbox.model().change(id, |run| {
        run.insert("number".to_owned(), json!(77_777));
    });
    workspace.sandbox.forget_requests();
    assert_eq!(tally(&complete(&workspace, &full())), [0, 1, 59, 0]);
    assert_eq!(workspace.runs_asked(), [id]);
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn a_cost_that_the_list_does_not_show_is_asked_for_until_it_is_known() {
    let workspace = Workspace::of(60);
    workspace.sandbox.model().leave_out_of_lists(&["el_cost_usd", "transformation_cost_usd"]);
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
    assert!(!workspace.runs_asked().contains(&id), "its cost is known now");
}

#[test]
fn a_list_that_is_not_newest_first_is_read_whole_each_time() {
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
fn a_list_that_loses_its_order_later_is_read_whole_again() {
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
fn pages_that_the_server_cuts_are_all_read() {
    let workspace = Workspace::serving(100, SandboxOptions { max_page_size: 7, ..SandboxOptions::default() });
    let options = Options { page_size: 500, ..options() };
    complete(&workspace, &options);
    assert_eq!(workspace.archived(), workspace.truth());
    assert_eq!(workspace.pages_asked_sorted(), Vec::from_iter(1..=15));
    workspace.sandbox.forget_requests();
    complete(&workspace, &options);
    assert_eq!(workspace.pages_asked(), [1, 2]);
}

#[test]
fn runs_created_and_deleted_between_pages_hide_no_other() {
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
            assert!(throughout.len() < before.len(), "something was deleted");
            for id in throughout {
                assert_eq!(archived.get(id), truth.get(id), "seed {seed}, concurrency {concurrency}");
            }
            // What was pushed off the top meanwhile is met by the next sync at the latest.
            complete(&workspace, &Options { concurrency, ..options() });
            let archived = workspace.archived();
            assert!(workspace.truth().keys().all(|id| archived.contains_key(id)), "seed {seed}");
        }
    }
}

// ---- interrupted syncs

/// Syncs until this page of the run list is asked for, then stops as SIGINT does.
fn interrupted_at(workspace: &Workspace, page: u32, options: &Options) -> Summary {
    let stop = Arc::new(Stop::default());
    let hand = Arc::clone(&stop);
    workspace.sandbox.on_request(move |call, _| {
        if page_of(call) == Some(page) {
            hand.request(2);
        }
        None
    });
    let summary = workspace.sync_until(&stop, options);
    workspace.sandbox.on_request(|_, _| None);
    summary
}

#[test]
fn an_interrupted_first_sync_keeps_its_pages_and_goes_on_below_them() {
    let workspace = Workspace::of(250);
    let one_by_one = Options { concurrency: 1, ..options() };
    let summary = interrupted_at(&workspace, 6, &one_by_one);
    assert_eq!((exit_code(&summary), summary.tally.new), (130, 100));
    assert_eq!(workspace.archived().len(), 100);
    assert_eq!(
        workspace.rows("SELECT kind, outcome, exit_code, pages, walk_page, walk_complete FROM syncs"),
        ["first|interrupted|130|5|5|0"]
    );

    workspace.sandbox.forget_requests();
    let summary = complete(&workspace, &one_by_one);
    assert_eq!((summary.kind, summary.tally.new), (SyncKind::First, 150));
    // The page before for the overlap, what is left, then the top for what was created meanwhile.
    assert_eq!(workspace.pages_asked(), Vec::from_iter((5..=13).chain([1, 2])));
    assert_eq!(workspace.archived(), workspace.truth());

    workspace.sandbox.forget_requests();
    assert_eq!(complete(&workspace, &one_by_one).kind, SyncKind::Incremental, "the first walk is complete");
    assert_eq!(workspace.pages_asked(), [1, 2]);
    let undisturbed = workspace.file("undisturbed.db");
    assert!(workspace.sync_into(&undisturbed, &one_by_one).result.is_ok());
    assert_eq!(workspace.archived(), archived_in(&undisturbed));
}

#[test]
fn an_interrupted_first_sync_that_read_ahead_goes_on_below_the_last_page_it_kept() {
    let workspace = Workspace::of(250);
    let summary = interrupted_at(&workspace, 9, &options());
    assert_eq!(exit_code(&summary), 130);
    let kept = u32::try_from(workspace.number("SELECT coalesce(walk_page, 0) FROM syncs")).unwrap();
    assert!((4..9).contains(&kept), "page 9 is asked for when page 5 is waited for at the earliest: {kept}");
    assert_eq!(workspace.archived().len() as u32, kept * PAGE_SIZE);
    workspace.sandbox.forget_requests();
    complete(&workspace, &options());
    // Requests of the interrupted sync may still come in: they are for pages further down.
    let asked = BTreeSet::from_iter(workspace.pages_asked());
    assert_eq!(asked, BTreeSet::from_iter((kept..=13).chain([1, 2])));
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn a_first_sync_interrupted_twice_ends_as_if_nothing_had_happened() {
    let workspace = Workspace::of(250);
    let one_by_one = Options { concurrency: 1, ..options() };
    for (page, asked) in [(4, 1..=4), (9, 3..=9)] {
        workspace.sandbox.forget_requests();
        assert_eq!(exit_code(&interrupted_at(&workspace, page, &one_by_one)), 130);
        assert_eq!(workspace.pages_asked(), Vec::from_iter(asked));
    }
    workspace.sandbox.forget_requests();
    complete(&workspace, &one_by_one);
    assert_eq!(workspace.pages_asked(), Vec::from_iter((8..=13).chain([1, 2])));
    assert_eq!(workspace.archived(), workspace.truth());
    assert_eq!(workspace.number("SELECT count(*) FROM run_snapshots"), 250);
    assert_eq!(
        workspace.rows("SELECT outcome, runs_new FROM syncs ORDER BY sync_id"),
        ["interrupted|60", "interrupted|100", "complete|90"]
    );
}

#[test]
fn a_first_sync_stopped_at_any_moment_has_whole_pages_and_the_progress_they_mean() {
    for reading in 1.. {
        let workspace = Workspace::of(60);
        workspace.sandbox.model().leave_out_of_lists(if reading % 2 == 0 { &["trigger"] } else { &[] });
        let one_by_one = Options { concurrency: 1, ..options() };
        let stop = Arc::new(Stop::default());
        workspace.clock.stop_at(reading, Arc::clone(&stop));
        let summary = workspace.sync_until(&stop, &one_by_one);
        if summary.result.is_ok() {
            assert!(reading > 10, "the clock is read for each page");
            break;
        }
        assert_eq!(exit_code(&summary), 143);
        let [pages, page, runs] = ["pages", "coalesce(walk_page, 0)", "runs_new"]
            .map(|column| workspace.number(&format!("SELECT {column} FROM syncs")));
        assert_eq!((page, workspace.archived().len()), (pages, runs as usize), "reading {reading}");
        if reading % 2 == 1 {
            assert_eq!(runs, pages * i64::from(PAGE_SIZE), "reading {reading}");
        }
        complete(&workspace, &one_by_one);
        assert_eq!(workspace.archived(), workspace.truth(), "reading {reading}");
        assert_eq!(workspace.number("SELECT count(*) FROM run_snapshots"), 60);
    }
}

#[test]
fn a_first_sync_interrupted_again_and_again_ends_complete() {
    for seed in 0..3 {
        let workspace = Workspace::of(150);
        let mut rng = fastrand::Rng::with_seed(seed);
        let one_by_one = Options { concurrency: 1, ..options() };
        let mut deleted = BTreeSet::new();
        for attempt in 1.. {
            assert!(attempt < 30, "each attempt gets further");
            let stop = Arc::new(Stop::default());
            // The runs that are asked for by id at the end are asked for anew each time.
            workspace.clock.stop_at(attempt + rng.u32(8..11), Arc::clone(&stop));
            let summary = workspace.sync_until(&stop, &one_by_one);
            if summary.result.is_ok() {
                assert!(attempt > 2, "it was interrupted");
                break;
            }
            assert_eq!(exit_code(&summary), 143);
            let mut model = workspace.sandbox.model();
            for _ in 0..rng.usize(..3) {
                model.add();
                let place = rng.usize(..model.count());
                let id = model.ids().nth(place).unwrap();
                model.delete(id);
                deleted.insert(id);
            }
        }
        complete(&workspace, &one_by_one);
        let mut archived = workspace.archived();
        archived.retain(|id, _| !deleted.contains(id));
        assert_eq!(archived, workspace.truth(), "seed {seed}");
    }
}

#[test]
fn attempts_that_read_no_page_do_not_hide_where_a_first_sync_was_interrupted() {
    let workspace = Workspace::of(150);
    let one_by_one = Options { concurrency: 1, ..options() };
    interrupted_at(&workspace, 5, &one_by_one);
    assert_eq!(exit_code(&workspace.sync_with_key("another-key", &one_by_one)), 4);
    assert!(workspace.fetch(&[workspace.ids()[140]]).result.is_ok());
    workspace.sandbox.forget_requests();
    complete(&workspace, &one_by_one);
    assert_eq!(workspace.pages_asked(), Vec::from_iter((4..=8).chain([1, 2])));
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn an_interrupted_first_sync_of_a_list_in_no_order_begins_again() {
    let workspace = Workspace::of(150);
    workspace.sandbox.model().set_order(Order::Shuffled(11));
    let one_by_one = Options { concurrency: 1, ..options() };
    assert_eq!(exit_code(&interrupted_at(&workspace, 5, &one_by_one)), 130);
    workspace.sandbox.forget_requests();
    let summary = complete(&workspace, &one_by_one);
    assert_eq!((summary.kind, summary.newest_first), (SyncKind::First, Some(false)));
    assert_eq!(workspace.pages_asked()[..8], [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(workspace.archived(), workspace.truth());
}

/// What a sync has to find: runs that are new, changed, ended and gone, all over the list.
fn live_on(workspace: &Workspace) {
    workspace.wait(TimeDelta::hours(1));
    let mut model = workspace.sandbox.model();
    let (settled, running) = (settled(&model), model.in_progress());
    model.delete(settled[5]);
    model.delete(settled[35]);
    for place in [1, 20, 30] {
        model.change(settled[place], |run| {
            run.insert("number".to_owned(), json!(4711));
        });
    }
    model.finish(running[0], Outcome::Success);
    model.delete(running[1]);
    model.add();
}

/// Every state of every run, in order, and which runs are gone.
fn story(workspace: &Workspace) -> [Vec<String>; 2] {
    [
        "SELECT run_id, content_hash, superseded_at IS NULL FROM run_snapshots ORDER BY run_id, observed_at",
        "SELECT run_id FROM vanished_runs ORDER BY run_id",
    ]
    .map(|sql| workspace.rows(sql))
}

/// The account of each sync adds up to what is in the archive.
fn assert_accounts_add_up(workspace: &Workspace) {
    let contents = workspace.archive().contents(workspace::at("2026-01-01T00:00:00Z")).unwrap();
    assert_eq!(contents.runs as i64, workspace.number("SELECT count(*) FROM runs"));
    assert_eq!(contents.snapshots as i64, workspace.number("SELECT count(*) FROM run_snapshots"));
}

#[test]
fn a_full_sync_stopped_at_any_moment_and_repeated_ends_as_if_nothing_had_happened() {
    let undisturbed = Workspace::of(60);
    complete(&undisturbed, &options());
    live_on(&undisturbed);
    assert_eq!(tally(&complete(&undisturbed, &full())), [1, 4, 53, 3]);
    let expected = story(&undisturbed);
    for reading in 1.. {
        let workspace = Workspace::of(60);
        complete(&workspace, &options());
        live_on(&workspace);
        let stop = Arc::new(Stop::default());
        workspace.clock.stop_at(reading, Arc::clone(&stop));
        let summary = workspace.sync_until(&stop, &full());
        assert_accounts_add_up(&workspace);
        if summary.result.is_ok() {
            assert!(reading > 15, "the clock is read for each page, and each run that is asked for");
            assert_eq!(story(&workspace), expected);
            break;
        }
        complete(&workspace, &full());
        assert_eq!(story(&workspace), expected, "reading {reading}");
        assert_accounts_add_up(&workspace);
    }
}

#[test]
fn what_is_committed_while_details_are_waited_for_is_counted() {
    let workspace = Workspace::of(20);
    let id = workspace.ids()[10];
    workspace.sandbox.model().change(id, |run| drop(run.remove("trigger")));
    let (path, count) = (workspace.path(), Arc::new(std::sync::Mutex::new(None)));
    let seen = Arc::clone(&count);
    workspace.sandbox.on_request(move |call, _| {
        // The answer is kept back until what came before it is committed: after a second it is. Meanwhile the
        // runtime gets another thread, or nobody would tell it that the second is over.
        tokio::task::block_in_place(|| {
            while run_of(call).is_some() && seen.lock().unwrap().is_none() {
                let sql = "SELECT (SELECT count(*) FROM run_snapshots), (SELECT sum(runs_new) FROM syncs)";
                let row = workspace::rows_of(&path, sql).remove(0);
                if row != "0|0" {
                    *seen.lock().unwrap() = Some(row);
                }
                std::thread::yield_now();
            }
        });
        None
    });
    complete(&workspace, &options());
    assert_eq!(
        count.lock().unwrap().as_deref(),
        Some("19|19"),
        "a kill here would leave a wrong account for ever"
    );
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn an_interrupted_first_sync_misses_nothing_that_changed_meanwhile() {
    for seed in 0..6 {
        let workspace = Workspace::of(250);
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut deleted = BTreeSet::new();
        for page in [3, 8] {
            interrupted_at(&workspace, page, &options());
            workspace.wait(TimeDelta::hours(1));
            let mut model = workspace.sandbox.model();
            for _ in 0..rng.usize(..50) {
                model.add();
            }
            for _ in 0..rng.usize(..50) {
                let place = rng.usize(..model.count());
                let id = model.ids().nth(place).unwrap();
                model.delete(id);
                deleted.insert(id);
            }
        }
        complete(&workspace, &options());
        let mut archived = workspace.archived();
        archived.retain(|id, _| !deleted.contains(id));
        assert_eq!(archived, workspace.truth(), "seed {seed}");
    }
}

#[test]
fn a_full_sync_that_is_asked_for_does_not_go_on_with_an_interrupted_one() {
    let workspace = Workspace::of(100);
    interrupted_at(&workspace, 3, &Options { concurrency: 1, ..options() });
    workspace.sandbox.forget_requests();
    complete(&workspace, &full());
    assert_eq!(workspace.pages_asked_sorted(), Vec::from_iter(1..=5));
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn an_interrupted_incremental_sync_does_not_move_the_watermark() {
    let workspace = Workspace::of(100);
    complete(&workspace, &options());
    workspace.wait(TimeDelta::hours(1));
    for _ in 0..50 {
        workspace.sandbox.model().add();
    }
    let one_by_one = Options { concurrency: 1, ..options() };
    assert_eq!(exit_code(&interrupted_at(&workspace, 2, &one_by_one)), 130);
    assert_eq!(workspace.archived().len(), 120);
    workspace.sandbox.forget_requests();
    assert_eq!(tally(&complete(&workspace, &one_by_one))[0], 30);
    assert_eq!(workspace.archived(), workspace.truth());
}

// ---- what the contract does not know

#[test]
fn what_the_contract_does_not_know_is_kept_and_named_once() {
    let workspace = Workspace::of(100);
    let ids = settled(&workspace.sandbox.model());
    let unknown = [
        ("status", json!("paused")),
        ("log", json!({"lines": [1, 2]})),
        ("number", json!("seven")),
        ("trigger", json!({"type": "webhook", "url": "x"})),
    ];
    for (id, (field, value)) in ids.iter().skip(10).zip(&unknown) {
        workspace.sandbox.model().change(*id, |run| {
            run.insert((*field).to_owned(), value.clone());
        });
    }
    let summary = complete(&workspace, &options());
    let expected = [
        format!("log|field|object|{}", ids[11]),
        format!("number|type|string|{}", ids[12]),
        format!("status|value|paused|{}", ids[10]),
        format!("trigger.type|value|webhook|{}", ids[13]),
        format!("trigger.url|field|string|{}", ids[13]),
    ];
    let drift = "SELECT field, kind, observed, example_run_id FROM drift ORDER BY field";
    assert_eq!(workspace.rows(drift), expected);
    assert_eq!(summary.new_drift.len(), 5);
    assert_eq!(workspace.archived(), workspace.truth());

    // Another run shows the same: that is no news.
    workspace.sandbox.model().change(ids[20], |run| {
        run.insert("status".to_owned(), json!("paused"));
    });
    let summary = complete(&workspace, &full());
    assert_eq!((tally(&summary)[1], summary.new_drift.len()), (1, 0));
    assert_eq!(workspace.rows(drift), expected);
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn items_that_cannot_be_read_are_quarantined_whole_and_the_walk_goes_on() {
    let workspace = Workspace::of(100);
    let ids = settled(&workspace.sandbox.model());
    let deep = format!(r#"{{"id":"{}","extra_config":{}{}}}"#, ids[15], "[".repeat(500), "]".repeat(500));
    let unreadable = [
        ("null".to_owned(), "it is not an object but null"),
        ("42".to_owned(), "it is not an object but a number"),
        (r#"{"status":"success"}"#.to_owned(), "it has no id"),
        (r#"{"id":"run-7","number":1}"#.to_owned(), "its id is not a UUID"),
        (format!(r#"{{"id":"{}","number":1,"number":2}}"#, ids[14]), "it names the field `number` twice"),
        (deep, "it is nested deeper than 128 levels"),
    ];
    for (id, (text, _)) in ids.iter().skip(10).zip(&unreadable) {
        workspace.sandbox.model().set_text(*id, text);
    }
    for attempt in 1..=2 {
        let summary = workspace.sync(&full());
        assert_eq!((exit_code(&summary), summary.tally.quarantined), (3, 6), "attempt {attempt}");
        assert_eq!(summary.tally.seen, 94);
        let reasons = workspace.rows("SELECT reason FROM quarantine ORDER BY reason");
        let mut expected = unreadable.each_ref().map(|(_, reason)| (*reason).to_owned());
        expected.sort_unstable();
        assert_eq!(reasons, expected);
    }
    // All but the one that is too deep to be searched for credentials is there letter by letter.
    for (text, _) in &unreadable[..5] {
        let found = workspace.rows(&format!("SELECT sync_id FROM quarantine WHERE item = '{text}'"));
        assert_eq!(found, ["2"], "{text}");
    }
    assert_eq!(workspace.rows("SELECT outcome, exit_code FROM syncs"), ["partial|3", "partial|3"]);
    let kept: BTreeSet<Uuid> = workspace.archived().into_keys().collect();
    let readable: BTreeSet<Uuid> =
        workspace.ids().into_iter().filter(|id| !ids[10..16].contains(id)).collect();
    assert_eq!(kept, readable);
}

#[test]
fn one_run_in_two_states_on_one_page_keeps_both() {
    let workspace = Workspace::of(30);
    let ids = settled(&workspace.sandbox.model());
    let (id, other) = (ids[2], ids[3]);
    let mut document = workspace.sandbox.model().document(id).unwrap();
    document.insert("number".to_owned(), json!(4711));
    let text = serde_json::to_string(&document).unwrap();
    // The run is on the page twice, as when it changes while the page is put together.
    let before = workspace.sandbox.model().run(other).unwrap().to_owned();
    workspace.sandbox.model().set_text(other, &text);
    workspace.sandbox.on_request({
        let mut answered = false;
        move |call, model| {
            if page_of(call) == Some(1) && std::mem::replace(&mut answered, true) {
                model.set_text(other, &before);
                model.set_text(id, &text);
            }
            None
        }
    });
    complete(&workspace, &options());
    let numbers: Vec<Value> = workspace.states(id).iter().map(|state| state["number"].clone()).collect();
    assert_eq!((numbers.len(), &numbers[1]), (2, &json!(4711)));
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn credentials_that_come_unasked_reach_no_byte_of_the_archive() {
    let workspace = Workspace::of(60);
    let secret = format!("{TOKEN_PREFIX}0123456789");
    let ids = settled(&workspace.sandbox.model());
    let token = json!({"id": "4b33ea35-0000-4000-8000-000000000001", "name": "CI", "token": secret});
    {
        let mut model = workspace.sandbox.model();
        for id in &ids[..10] {
            model.change(*id, |run| {
                run.insert("triggered_by_token".to_owned(), token.clone());
            });
        }
        model.change(ids[11], |run| {
            run.insert(
                "extra_config".to_owned(),
                json!({"source": {"api_key": secret, "secrets": [secret]}}),
            );
        });
        model.change(ids[12], |run| {
            run.insert("access_token".to_owned(), json!(secret));
            run.insert("triggered_by_token".to_owned(), json!([secret]));
        });
        let bad = json!({"id": "no-uuid", "triggered_by_token": token});
        model.set_text(ids[13], &bad.to_string());
        model.set_text(ids[14], &json!([token]).to_string());
    }
    for options in [options(), full()] {
        assert_eq!(exit_code(&workspace.sync(&options)), 3, "two items are in quarantine");
    }
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let bytes = std::fs::read(workspace.file(&format!("runledger.db{suffix}"))).unwrap_or_default();
        assert!(!suffix.is_empty() || bytes.len() > 100_000, "the archive was read");
        let found = bytes.windows(TOKEN_PREFIX.len()).any(|window| window == TOKEN_PREFIX.as_bytes());
        assert!(!found, "runledger.db{suffix} holds a credential");
    }
    assert_eq!(workspace.states(ids[0])[0]["triggered_by_token"], "4b33ea35-0000-4000-8000-000000000001");
}

// ---- pipelines

#[test]
fn a_pipeline_keeps_its_newest_name_also_when_it_is_gone() {
    let workspace = Workspace::of(60);
    let id = workspace.sandbox.model().pipelines(Kind::Source).next().unwrap().0;
    complete(&workspace, &options());
    workspace.sandbox.model().rename_pipeline(id, "Outro nome");
    complete(&workspace, &options());
    let row = |workspace: &Workspace| {
        workspace.rows(&format!("SELECT name, gone_at FROM pipelines WHERE pipeline_id = '{id}'"))
    };
    assert_eq!(row(&workspace), ["Outro nome|NULL"]);
    let document = workspace.sandbox.model().pipelines(Kind::Source).next().unwrap().1.clone();
    workspace.sandbox.model().delete_pipeline(id);
    workspace.clock.set("2026-12-01T00:00:00Z");
    complete(&workspace, &options());
    let gone = row(&workspace);
    assert!(gone[0].starts_with("Outro nome|2026-12-01T00:00:00.00000"), "{gone:?}");
    workspace.clock.set("2026-12-02T00:00:00Z");
    complete(&workspace, &options());
    assert_eq!(row(&workspace), gone, "it is gone since then, not since now");
    assert_eq!(document["description"], "Outro nome");
    assert_eq!(workspace.number("SELECT count(*) FROM pipelines"), 40);
}

#[test]
fn a_key_that_may_not_read_pipelines_still_archives_the_runs() {
    let workspace = Workspace::of(60);
    workspace.sandbox.on_request(|call, _| {
        (!call.path.starts_with("/api/v1/runs/")).then(|| StatusCode::FORBIDDEN.into_response())
    });
    let summary = workspace.sync(&options());
    assert_eq!((exit_code(&summary), summary.missing.len()), (3, 3), "{:?}", summary.missing);
    assert_eq!(workspace.archived(), workspace.truth());
    assert_eq!(workspace.pipeline_pages_asked(), 3, "a refusal is not asked for again");
    workspace.sandbox.on_request(|_, _| None);
    complete(&workspace, &options());
    assert_eq!(workspace.number("SELECT count(*) FROM runs WHERE pipeline_name IS NULL"), 0);
}

// ---- failures

#[test]
fn a_key_that_is_refused_ends_the_sync_at_once() {
    let workspace = Workspace::of(60);
    let summary = workspace.sync_with_key("another-key", &options());
    assert_eq!(exit_code(&summary), 4);
    assert_eq!(workspace.pages_asked(), [1], "the run list is asked for once");

    workspace.sandbox.forget_requests();
    workspace.sandbox.on_request(|_, _| Some(StatusCode::UNAUTHORIZED.into_response()));
    let summary = workspace.sync(&options());
    assert_eq!((exit_code(&summary), workspace.sandbox.request_count()), (4, 1));
    assert_eq!(workspace.rows("SELECT outcome, exit_code FROM syncs"), ["failed|4", "failed|4"]);
}

#[test]
fn a_key_that_is_refused_halfway_leaves_what_was_read() {
    for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN] {
        let workspace = Workspace::of(100);
        workspace
            .sandbox
            .on_request(move |call, _| (page_of(call) == Some(3)).then(|| status.into_response()));
        let summary = workspace.sync(&Options { concurrency: 1, ..options() });
        assert_eq!((exit_code(&summary), workspace.archived().len()), (4, 40));
        assert_eq!(workspace.pages_asked(), [1, 2, 3]);
    }
}

#[test]
fn an_api_that_fails_for_a_while_is_asked_again() {
    let truncated = || (StatusCode::OK, r#"{"count":100,"next":null,"results":[{"id":"#).into_response();
    let failures: [fn() -> Response; 12] = [
        || StatusCode::REQUEST_TIMEOUT.into_response(),
        || StatusCode::TOO_EARLY.into_response(),
        || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3600")]).into_response(),
        || StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        || StatusCode::BAD_GATEWAY.into_response(),
        || StatusCode::SERVICE_UNAVAILABLE.into_response(),
        || StatusCode::GATEWAY_TIMEOUT.into_response(),
        || "<html>Please wait</html>".into_response(),
        || "".into_response(),
        || "[]".into_response(),
        || b"\xff\xfe".as_slice().into_response(),
        truncated,
    ];
    for (place, failure) in failures.into_iter().enumerate() {
        let workspace = Workspace::of(60);
        let mut failed = 0;
        workspace.sandbox.on_request(move |call, _| {
            let fails = page_of(call) == Some(2) && failed < ATTEMPTS - 1;
            failed += u32::from(fails);
            fails.then(failure)
        });
        let summary = complete(&workspace, &options());
        assert_eq!(workspace.archived(), workspace.truth(), "failure {place}");
        assert_eq!(workspace.pages_asked_sorted(), [1, 2, 2, 2, 2, 3], "failure {place}");
        assert_eq!(summary.tally.requests as usize, workspace.sandbox.request_count());
    }
}

#[test]
fn an_api_that_fails_for_ever_leaves_what_was_read() {
    let workspace = Workspace::of(100);
    workspace.sandbox.on_request(|call, _| {
        (page_of(call) == Some(3)).then(|| StatusCode::SERVICE_UNAVAILABLE.into_response())
    });
    let summary = workspace.sync(&Options { concurrency: 1, ..options() });
    assert_eq!((exit_code(&summary), summary.tally.new), (5, 40));
    assert_eq!(workspace.archived().len(), 40);
    assert_eq!(workspace.pages_asked(), [1, 2, 3, 3, 3, 3]);
    workspace.sandbox.on_request(|_, _| None);
    workspace.sandbox.forget_requests();
    complete(&workspace, &Options { concurrency: 1, ..options() });
    assert_eq!(workspace.pages_asked(), [2, 3, 4, 5, 1, 2], "it goes on where it failed");
    assert_eq!(workspace.archived(), workspace.truth());
}

/// A page of the run list with links and a count of the test's own making.
fn page_with(model: &Model, page: u32, count: Option<usize>, next: &str) -> Response {
    let runs: Vec<&str> = model.runs().skip((page as usize - 1) * 20).take(20).collect();
    let next = if model.count() > page as usize * 20 { json!(next) } else { Value::Null };
    let head = json!({ "count": count, "next": next, "previous": null }).to_string();
    let results = format!(r#","results":[{}]}}"#, runs.join(","));
    [head.trim_end_matches('}'), &results].concat().into_response()
}

#[test]
fn links_are_never_followed_and_a_count_is_not_needed() {
    let elsewhere = Workspace::of(0);
    for count in [None, Some(0), Some(60), Some(1_000_000)] {
        let workspace = Workspace::of(110);
        let next = format!("{}/api/v1/runs/?page=2", elsewhere.sandbox.url());
        workspace.sandbox.on_request(move |call, model| {
            let page = page_of(call).filter(|page| *page <= 6)?;
            Some(page_with(model, page, count, &next))
        });
        let summary = workspace.sync(&options());
        assert_eq!(workspace.archived(), workspace.truth(), "count {count:?}");
        // A list that claims a million runs and shows 110 is told of.
        assert_eq!(
            exit_code(&summary),
            if count == Some(1_000_000) { 3 } else { 0 },
            "{:?}",
            summary.missing
        );
    }
    assert_eq!(elsewhere.sandbox.request_count(), 0);
}

#[test]
fn a_redirect_is_not_followed_and_the_key_goes_nowhere_else() {
    let (workspace, elsewhere) = (Workspace::of(60), Workspace::of(60));
    let target = format!("{}/api/v1/runs/?page=1", elsewhere.sandbox.url());
    workspace.sandbox.on_request(move |call, _| {
        let moved = (StatusCode::FOUND, [("location", target.clone())]);
        page_of(call).map(|_| moved.into_response())
    });
    let summary = workspace.sync(&options());
    assert_eq!(exit_code(&summary), 5);
    assert!(summary.result.unwrap_err().to_string().contains("redirect"));
    assert_eq!(workspace.pages_asked(), [1], "it is not asked for again either");
    assert_eq!(elsewhere.sandbox.request_count(), 0);
}

#[test]
fn details_that_fail_are_named_and_the_others_are_kept() {
    let workspace = Workspace::of(100);
    workspace.sandbox.model().leave_out_of_lists(&["trigger"]);
    let id = workspace.ids()[30];
    workspace.sandbox.on_request(move |call, _| {
        (run_of(call) == Some(id)).then(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
    });
    let summary = workspace.sync(&options());
    assert_eq!((exit_code(&summary), tally(&summary)), (3, [100, 0, 0, 0]));
    assert!(
        summary.missing.iter().any(|sentence| sentence.contains(&id.to_string())),
        "{:?}",
        summary.missing
    );
    assert!(!workspace.states(id)[0].as_object().unwrap().contains_key("trigger"), "the list's view is kept");
}

#[test]
fn runs_fetched_by_id_are_kept_and_unknown_ones_are_named() {
    let workspace = Workspace::of(60);
    let ids = workspace.ids();
    let unknown = Uuid::from_u128(7);
    let summary = workspace.fetch(&[ids[5], unknown, ids[50]]);
    assert_eq!((exit_code(&summary), tally(&summary)), (3, [2, 0, 0, 0]));
    assert!(summary.missing[0].contains(&unknown.to_string()), "{:?}", summary.missing);
    let truth = workspace.truth();
    assert_eq!(workspace.archived(), [ids[5], ids[50]].map(|id| (id, truth[&id].clone())).into());
    assert_eq!(complete(&workspace, &options()).kind, SyncKind::First, "a fetch is no walk of the list");
    assert_eq!(workspace.archived(), truth);
}

// ---- the clock, the lock, the dry run

#[test]
fn a_clock_that_goes_backwards_keeps_the_order_of_what_was_seen() {
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
    // As known on the moment of each observation, and on any moment after them all.
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
    assert_eq!(known_on("2025-06-01T00:00:00.000000Z"), [""; 0], "nothing was known before it was seen");
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
