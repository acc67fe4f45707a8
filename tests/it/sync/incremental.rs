//! This is the test of what a sync archives, and of the requests that it sends for it.

use super::{complete, full, settled, tally};
use crate::support::workspace;
use crate::support::workspace::{PAGE_SIZE, Workspace, options};
use chrono::TimeDelta;
use runledger::sandbox::Outcome;
use runledger::store::SyncKind;
use runledger::sync::Options;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A run that has ended, with its cost, as old as can be.
fn oldest_settled(workspace: &Workspace) -> Uuid {
    *settled(&workspace.sandbox.model()).last().unwrap()
}

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
