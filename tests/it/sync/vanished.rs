//! Archived runs that the API no longer shows: few are requested, many need an explanation or a confirmation.

use super::{complete, exit_code, full, settled, tally};
use crate::support::workspace::{Workspace, hide_from_list, options, page_of, revoke_role, run_of};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::TimeDelta;
use runledger::internal::sandbox::{Document, PipelineKind};
use runledger::internal::sync::{Options, Summary};
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

fn confirm() -> Options {
    Options { confirm_vanished: true, ..options() }
}

fn vanished(workspace: &Workspace) -> i64 {
    workspace.number("SELECT count(*) FROM vanished_runs")
}

/// A synced workspace of 250 runs.
fn synced() -> Workspace {
    let workspace = Workspace::of(250);
    complete(&workspace, &options());
    workspace.sandbox.forget_requests();
    workspace
}

/// Deletes runs, and returns what brings them back.
fn delete(workspace: &Workspace, ids: impl IntoIterator<Item = Uuid>) -> Vec<(Uuid, Document)> {
    let mut model = workspace.sandbox.model();
    let take = |id| {
        let document = model.document(id).unwrap();
        model.delete(id);
        (id, document)
    };
    ids.into_iter().map(take).collect()
}

fn bring_back(workspace: &Workspace, deleted: &[(Uuid, Document)]) {
    let mut model = workspace.sandbox.model();
    deleted.iter().for_each(|(id, document)| model.insert(*id, document));
}

/// Every tenth run, from the newest on.
fn scattered(workspace: &Workspace, count: usize) -> Vec<Uuid> {
    workspace.ids().into_iter().step_by(250 / count).take(count).collect()
}

fn oldest(workspace: &Workspace, count: usize) -> Vec<Uuid> {
    workspace.ids().into_iter().rev().take(count).collect()
}

/// Asserts that a sync reported this many suspected runs and marked none.
fn assert_suspects(workspace: &Workspace, summary: &Summary, runs: u64) {
    assert_eq!((exit_code(summary), summary.runs_suspected), (3, Some(runs)), "{:?}", summary.result);
    assert!(summary.missing.iter().any(|what| what.contains("--confirm-vanished")), "{:?}", summary.missing);
    assert_eq!((vanished(workspace), summary.counts.vanished), (0, 0));
}

#[test]
fn twenty_missing_runs_are_requested_one_by_one() {
    let workspace = synced();
    let deleted: Vec<Uuid> = scattered(&workspace, 20);
    delete(&workspace, deleted.clone());
    let summary = complete(&workspace, &full());
    assert_eq!((tally(&summary)[3], summary.runs_suspected), (20, Some(0)));
    assert_eq!(BTreeSet::from_iter(workspace.requested_runs()), BTreeSet::from_iter(deleted));
    assert_eq!(workspace.requested_runs().len(), 20);
}

#[test]
fn a_mass_disappearance_marks_nothing_until_it_is_explained() {
    let workspace = synced();
    let deleted = delete(&workspace, scattered(&workspace, 21));
    let summary = workspace.sync(&full());
    assert_suspects(&workspace, &summary, 21);
    assert!(workspace.requested_runs().is_empty(), "a mass disappearance costs no request");
    // The next sync reports it again, and marks nothing by itself.
    let summary = workspace.sync(&options());
    assert_eq!((exit_code(&summary), summary.runs_suspected, vanished(&workspace)), (3, None, 0));
    assert_eq!(workspace.archive().suspected_runs().unwrap(), 21);

    bring_back(&workspace, &deleted);
    let summary = complete(&workspace, &options());
    assert_eq!((summary.runs_suspected, vanished(&workspace)), (Some(0), 0));
    assert_eq!(workspace.archived(), workspace.truth());
    workspace.sandbox.forget_requests();
    complete(&workspace, &options());
    assert_eq!(workspace.requested_pages(), [1, 2], "then syncs are incremental again");
}

#[test]
fn a_confirmation_marks_only_runs_that_answer_404() {
    let workspace = synced();
    let hidden = scattered(&workspace, 50);
    delete(&workspace, hidden[..30].to_vec());
    hide_from_list(&workspace, hidden[30..].iter().copied().collect());
    assert_suspects(&workspace, &workspace.sync(&full()), 50);
    workspace.sandbox.forget_requests();
    let summary = complete(&workspace, &confirm());
    assert_eq!((summary.counts.vanished, summary.runs_suspected), (30, Some(0)));
    assert_eq!(workspace.requested_runs().len(), 50);
    let marked = workspace.rows("SELECT run_id FROM vanished_runs ORDER BY run_id");
    let mut deleted: Vec<String> = hidden[..30].iter().map(Uuid::to_string).collect();
    deleted.sort_unstable();
    assert_eq!(marked, deleted);
    assert_eq!(complete(&workspace, &options()).counts.vanished, 0);
}

#[test]
fn upstream_retention_marks_all_after_twenty_probes() {
    let workspace = synced();
    delete(&workspace, oldest(&workspace, 60));
    let summary = complete(&workspace, &full());
    assert_eq!((tally(&summary), summary.runs_suspected), ([0, 0, 190, 60], Some(0)));
    assert_eq!((workspace.requested_runs().len(), vanished(&workspace)), (20, 60));
    workspace.sandbox.forget_requests();
    complete(&workspace, &full());
    assert!(workspace.requested_runs().is_empty(), "marked runs are not requested again");
}

#[test]
fn retention_is_not_believed_if_a_probe_does_not_answer_404() {
    // The list lacks the oldest runs, but the API has them; or it fails for one of them.
    let workspace = synced();
    hide_from_list(&workspace, oldest(&workspace, 60).into_iter().collect());
    assert_suspects(&workspace, &workspace.sync(&full()), 60);
    assert_eq!(workspace.requested_runs().len(), 20);

    let workspace = synced();
    let last = oldest(&workspace, 1)[0];
    delete(&workspace, oldest(&workspace, 60));
    workspace.sandbox.on_request(move |call, _| {
        (run_of(call) == Some(last)).then(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
    });
    assert_suspects(&workspace, &workspace.sync(&full()), 60);
    workspace.sandbox.on_request(|_, _| None);
    assert_eq!(complete(&workspace, &full()).counts.vanished, 60, "without the failure, it is retention");
}

#[test]
fn a_revoked_role_marks_nothing_and_its_return_needs_no_option() {
    for runs in [5, 250] {
        let workspace = Workspace::of(runs);
        complete(&workspace, &options());
        revoke_role(&workspace);
        for options in [options(), full(), options()] {
            workspace.sandbox.forget_requests();
            assert_suspects(&workspace, &workspace.sync(&options), runs as u64);
            assert_eq!(workspace.sandbox.request_count(), 3 + 1 + 5, "{runs} runs");
        }
        let evidence = "SELECT DISTINCT workspace_evidence FROM syncs WHERE sync_id > 1";
        assert_eq!(workspace.rows(evidence), ["pipeline"]);
        workspace.sandbox.on_request(|_, _| None);
        let summary = complete(&workspace, &options());
        assert_eq!((summary.runs_suspected, vanished(&workspace)), (Some(0), 0));
        assert_eq!(workspace.archived(), workspace.truth());
    }
}

#[test]
fn runs_that_come_back_are_unmarked_in_the_same_sync() {
    let workspace = synced();
    revoke_role(&workspace);
    assert_eq!(complete(&workspace, &confirm()).counts.vanished, 250);
    // An empty list is no news then.
    complete(&workspace, &options());
    workspace.sandbox.on_request(|_, _| None);
    complete(&workspace, &options());
    assert_eq!(vanished(&workspace), 0);
    assert_eq!(workspace.archived(), workspace.truth());
    workspace.sandbox.forget_requests();
    complete(&workspace, &options());
    assert_eq!(workspace.requested_pages(), [1, 2]);
}

#[test]
fn runs_that_come_back_below_the_read_pages_are_unmarked() {
    let workspace = synced();
    let deleted = delete(&workspace, oldest(&workspace, 60));
    complete(&workspace, &full());
    workspace.sandbox.forget_requests();
    complete(&workspace, &options());
    assert_eq!(workspace.requested_pages(), [1, 2], "the count shows that none is back");
    bring_back(&workspace, &deleted);
    complete(&workspace, &options());
    assert_eq!(vanished(&workspace), 0);

    // Few are requested instead of the list.
    let deleted = delete(&workspace, oldest(&workspace, 3));
    complete(&workspace, &full());
    assert_eq!(vanished(&workspace), 3);
    bring_back(&workspace, &deleted[..2]);
    workspace.sandbox.forget_requests();
    complete(&workspace, &options());
    assert_eq!((workspace.requested_pages(), vanished(&workspace)), (vec![1, 2], 1));
}

/// A synced workspace whose `count` oldest runs are running.
fn with_old_open_runs(count: usize) -> (Workspace, Vec<Uuid>) {
    let workspace = Workspace::of(250);
    let open = oldest(&workspace, count);
    for id in &open {
        workspace.sandbox.model().change(*id, |run| {
            run.insert("status".to_owned(), json!("running"));
            run.insert("ended_at".to_owned(), json!(null));
        });
    }
    complete(&workspace, &options());
    workspace.sandbox.forget_requests();
    // Long enough for each old run to be due.
    workspace.wait(TimeDelta::days(2));
    (workspace, open)
}

#[test]
fn a_run_that_the_list_shows_is_not_marked_as_vanished() {
    let (workspace, _) = with_old_open_runs(150);
    workspace.sandbox.on_request(|call, _| run_of(call).map(|_| StatusCode::NOT_FOUND.into_response()));
    complete(&workspace, &options());
    assert_eq!(vanished(&workspace), 0);
    assert!(workspace.requested_runs().len() <= 100, "{}", workspace.requested_runs().len());
    assert!(workspace.requested_pages().contains(&13), "the whole list decides");
}

#[test]
fn many_unsettled_runs_that_answer_404_are_not_marked() {
    let (workspace, open) = with_old_open_runs(60);
    // The oldest run stays, so upstream retention explains nothing.
    delete(&workspace, open[1..].to_vec());
    assert_suspects(&workspace, &workspace.sync(&options()), 59);
    assert_eq!(complete(&workspace, &confirm()).counts.vanished, 59);

    let (workspace, open) = with_old_open_runs(60);
    delete(&workspace, open);
    assert_eq!(complete(&workspace, &options()).counts.vanished, 60, "here it does");
}

#[test]
fn a_fetch_of_many_runs_that_answer_404_marks_none() {
    let workspace = synced();
    let ids = workspace.ids();
    revoke_role(&workspace);
    let summary = workspace.fetch(&ids[..30]);
    assert_eq!((exit_code(&summary), vanished(&workspace)), (3, 0));
    assert!(summary.missing.iter().any(|what| what.contains("--confirm-vanished")), "{:?}", summary.missing);
}

#[test]
fn pipeline_lists_that_lack_many_pipelines_mark_none_as_gone() {
    let workspace = synced();
    let gone = "SELECT count(*) FROM pipelines WHERE gone_at IS NOT NULL";
    let pipelines: Vec<Uuid> = {
        let model = workspace.sandbox.model();
        PipelineKind::ALL.iter().flat_map(|kind| model.pipelines(*kind)).map(|(id, _)| id).collect()
    };
    for id in &pipelines[..20] {
        workspace.sandbox.model().delete_pipeline(*id);
    }
    complete(&workspace, &options());
    assert_eq!(workspace.number(gone), 20);

    let workspace = synced();
    for id in &pipelines[..21] {
        workspace.sandbox.model().delete_pipeline(*id);
    }
    let summary = workspace.sync(&options());
    assert_eq!((exit_code(&summary), workspace.number(gone)), (3, 0), "{:?}", summary.missing);
    complete(&workspace, &confirm());
    assert_eq!(workspace.number(gone), 21);
}

#[test]
fn an_incomplete_walk_suspects_nothing() {
    let workspace = synced();
    let runs = settled(&workspace.sandbox.model());
    delete(&workspace, runs.into_iter().step_by(4).take(50));
    workspace.sandbox.on_request(|call, _| {
        let empty = r#"{"count":200,"next":"x","results":[]}"#;
        (page_of(call) == Some(5)).then(|| empty.into_response())
    });
    let summary = workspace.sync(&full());
    assert_eq!((exit_code(&summary), summary.runs_suspected, vanished(&workspace)), (3, None, 0));
}
