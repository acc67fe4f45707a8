//! Incremental and full syncs: what they archive, and the requests that they send.

use super::{complete, full, settled, tally};
use crate::support::workspace;
use crate::support::workspace::{PAGE_SIZE, Workspace, options};
use chrono::TimeDelta;
use runledger::internal::sandbox::Outcome;
use runledger::internal::store::SyncKind;
use runledger::internal::sync::Options;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The oldest ended run that has a cost.
fn oldest_settled(workspace: &Workspace) -> Uuid {
    *settled(&workspace.sandbox.model()).last().unwrap()
}

#[test]
fn a_first_sync_archives_every_run_unchanged() {
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
fn an_empty_workspace_is_archived() {
    let workspace = Workspace::of(0);
    for _ in 0..2 {
        assert_eq!(tally(&complete(&workspace, &options())), [0; 4]);
    }
    workspace.sandbox.model().add();
    assert_eq!(tally(&complete(&workspace, &options())), [1, 0, 0, 0]);
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn a_full_walk_of_an_unchanged_list_sends_one_request_per_page() {
    for concurrency in [1, 4] {
        let workspace = Workspace::of(250);
        let options = Options { concurrency, ..full() };
        for new in [250, 0] {
            workspace.sandbox.forget_requests();
            let summary = complete(&workspace, &options);
            assert_eq!(tally(&summary), [new, 0, 250 - new, 0]);
            assert_eq!(workspace.requested_pages_sorted(), Vec::from_iter(1..=13));
            assert!(workspace.requested_runs().is_empty());
            assert_eq!(workspace.sandbox.request_count(), 13 + 3);
            assert_eq!(summary.counts.requests, 13 + 3);
        }
        assert_eq!(workspace.number("SELECT count(*) FROM run_snapshots"), 250);
    }
}

#[test]
fn a_sync_without_news_or_lookback_requests_two_pages() {
    let workspace = Workspace::of(250);
    complete(&workspace, &options());
    for _ in 0..3 {
        workspace.sandbox.forget_requests();
        let summary = complete(&workspace, &options());
        assert_eq!((summary.kind, workspace.requested_pages()), (SyncKind::Incremental, vec![1, 2]));
        assert_eq!(workspace.requested_pipeline_pages(), 3);
        assert_eq!(tally(&summary)[..2], [0, 0]);
    }
    assert_eq!(workspace.number("SELECT count(*) FROM run_snapshots"), 250);
}

#[test]
fn a_sync_without_news_requests_the_pages_of_the_lookback() {
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
    // The first page that is wholly below the boundary is the last one read.
    let last = inside.div_ceil(PAGE_SIZE) + 1;
    assert!((3..=12).contains(&last), "the test needs a boundary inside of the list");
    assert_eq!(workspace.requested_pages(), Vec::from_iter(1..=last));
    assert_eq!((tally(&summary)[..2].to_vec(), summary.counts.pages), (vec![0, 0], u64::from(last)));
}

#[test]
fn a_changed_run_adds_a_snapshot_and_ends_the_previous_one() {
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
    // As of each of these instants, and of an instant before.
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
fn unfinished_and_unsettled_runs_are_updated() {
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
fn unsettled_runs_below_the_read_pages_are_requested_by_id() {
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
    assert_eq!(workspace.requested_runs(), Vec::from_iter(unsettled));

    workspace.sandbox.model().finish(id, Outcome::Failed);
    workspace.sandbox.model().settle(id);
    assert_eq!(tally(&complete(&workspace, &options()))[..2], [0, 1]);
    assert_eq!(workspace.archived(), workspace.truth());
    workspace.sandbox.forget_requests();
    complete(&workspace, &options());
    assert!(!workspace.requested_runs().contains(&id), "the run is settled");
}

#[test]
fn a_run_without_cost_is_requested_until_it_settles() {
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
        assert_eq!(workspace.requested_runs().contains(&id), asked);
    }
}

#[test]
fn the_next_full_walk_finds_a_silently_changed_cost() {
    let workspace = Workspace::of(250);
    complete(&workspace, &options());
    let id = oldest_settled(&workspace);
    workspace.sandbox.model().change(id, |run| {
        run.insert("el_cost_usd".to_owned(), json!(0.987654321));
    });
    for days in [3, 4] {
        workspace.wait(TimeDelta::days(days));
        let summary = complete(&workspace, &options());
        assert_eq!((summary.kind, tally(&summary)[1]), (SyncKind::Incremental, 0), "the week is not over");
    }
    workspace.wait(TimeDelta::seconds(1));
    let summary = complete(&workspace, &options());
    assert_eq!((summary.kind, tally(&summary)[1]), (SyncKind::Full, 1));
    assert_eq!(workspace.states(id)[1]["el_cost_usd"], json!(0.987654321));
    assert_eq!(complete(&workspace, &options()).kind, SyncKind::Incremental, "the week starts again");
}

#[test]
fn a_vanished_run_is_marked_until_it_returns() {
    let workspace = Workspace::of(250);
    complete(&workspace, &options());
    let id = oldest_settled(&workspace);
    let document = workspace.sandbox.model().document(id).unwrap();
    workspace.sandbox.model().delete(id);
    assert_eq!(tally(&complete(&workspace, &options()))[3], 0, "a partial walk marks nothing");
    workspace.sandbox.forget_requests();
    assert_eq!(tally(&complete(&workspace, &full())), [0, 0, 249, 1]);
    assert_eq!(workspace.requested_runs(), [id]);
    let marked =
        |workspace: &Workspace| workspace.rows("SELECT run_id FROM runs WHERE vanished_at IS NOT NULL");
    assert_eq!(marked(&workspace), [id.to_string()]);
    workspace.sandbox.forget_requests();
    assert_eq!(tally(&complete(&workspace, &full()))[3], 0, "it counts as vanished once");
    assert!(workspace.requested_runs().is_empty(), "it is not requested again");
    assert_eq!(workspace.archived().len(), 250, "it stays in the archive");

    workspace.sandbox.model().insert(id, &document);
    assert_eq!(tally(&complete(&workspace, &full())), [0, 0, 250, 0]);
    assert_eq!(marked(&workspace), [""; 0]);
}

#[test]
fn any_sync_marks_a_vanished_unsettled_run() {
    let workspace = Workspace::of(250);
    complete(&workspace, &options());
    let id = workspace.sandbox.model().in_progress()[0];
    workspace.sandbox.model().delete(id);
    assert_eq!(tally(&complete(&workspace, &options()))[3], 1);
    assert_eq!(workspace.rows("SELECT run_id FROM vanished_runs"), [id.to_string()]);
}

#[test]
fn a_canceled_run_without_an_end_eventually_settles() {
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
    assert!(!workspace.requested_runs().contains(&id), "its settling time is over");
}
