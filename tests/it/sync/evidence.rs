//! Evidence that the API serves the workspace of the archive. Without it, a sync stores nothing.

use super::{complete, exit_code, full, interrupted_at, tally};
use crate::support::invariants::contents;
use crate::support::workspace::{PAGE_SIZE, Workspace, foreign, options, run_of};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use runledger::internal::sync::{Options, Summary};

/// The evidence of each sync.
fn evidence(workspace: &Workspace) -> Vec<String> {
    workspace.rows("SELECT workspace_evidence FROM syncs ORDER BY sync_id")
}

fn hint(summary: &Summary) -> String {
    summary.result.as_ref().unwrap_err().hint().unwrap_or_default()
}

/// Answers each request for a run by id with this status.
fn answer_ids(workspace: &Workspace, status: StatusCode) {
    workspace.sandbox.on_request(move |call, _| run_of(call).map(|_| status.into_response()));
}

#[test]
fn a_healthy_sync_sends_no_request_for_evidence() {
    let workspace = Workspace::of(250);
    for _ in 0..2 {
        workspace.sandbox.forget_requests();
        complete(&workspace, &full());
        assert_eq!((workspace.sandbox.request_count(), workspace.requested_runs().len()), (13 + 3, 0));
    }
    workspace.sandbox.forget_requests();
    complete(&workspace, &options());
    assert_eq!((workspace.requested_pages(), workspace.requested_pipeline_pages()), (vec![1, 2], 3));
    assert_eq!(evidence(&workspace), ["NULL", "listed run", "listed run"]);
}

#[test]
fn another_workspace_is_refused_and_nothing_of_it_stored() {
    let workspace = Workspace::of(60);
    complete(&workspace, &options());
    let before = contents(&workspace.path());
    let own = workspace.serve(foreign(60));
    for options in [options(), full(), Options { confirm_vanished: true, ..options() }] {
        workspace.sandbox.forget_requests();
        let summary = workspace.sync(&options);
        assert_eq!((exit_code(&summary), tally(&summary)), (2, [0; 4]), "{:?}", summary.result);
        assert!(hint(&summary).contains("--accept-workspace"), "{}", hint(&summary));
        assert_eq!(contents(&workspace.path()), before);
        // The first page, five runs by id, and the three pipeline lists.
        assert_eq!((workspace.requested_pages(), workspace.requested_runs().len()), (vec![1], 5));
        assert_eq!(workspace.sandbox.request_count(), 9);
    }
    let attempts = "SELECT outcome, exit_code, pages, runs_seen FROM syncs WHERE sync_id > 1";
    assert_eq!(workspace.rows(attempts), ["failed|2|0|0"; 3]);
    let dry = workspace.sync(&Options { dry_run: true, ..options() });
    assert_eq!((exit_code(&dry), workspace.number("SELECT count(*) FROM syncs")), (2, 4));

    workspace.serve(own);
    complete(&workspace, &options());
    assert_eq!(workspace.archived(), workspace.truth());
    assert_eq!(workspace.number("SELECT count(*) FROM pipelines"), 40);
}

#[test]
fn an_interrupted_first_sync_is_not_continued_in_another_workspace() {
    let workspace = Workspace::of(100);
    let one_by_one = Options { concurrency: 1, ..options() };
    assert_eq!(exit_code(&interrupted_at(&workspace, 3, &one_by_one)), 130);
    let before = contents(&workspace.path());
    let own = workspace.serve(foreign(100));
    assert_eq!(exit_code(&workspace.sync(&options())), 2);
    assert_eq!(contents(&workspace.path()), before);
    workspace.serve(own);
    complete(&workspace, &options());
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn a_run_by_id_is_evidence_if_the_first_page_is_new() {
    let workspace = Workspace::of(60);
    complete(&workspace, &options());
    for _ in 0..=PAGE_SIZE {
        workspace.sandbox.model().add();
    }
    workspace.sandbox.forget_requests();
    let summary = complete(&workspace, &full());
    assert_eq!((tally(&summary)[0], evidence(&workspace)), (21, vec!["NULL".into(), "run".into()]));
    assert_eq!(workspace.requested_runs().len(), 1, "one answer is enough");
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn a_pipeline_is_evidence_if_no_archived_run_is_left() {
    let workspace = Workspace::of(60);
    complete(&workspace, &options());
    for id in workspace.ids() {
        workspace.sandbox.model().delete(id);
    }
    for _ in 0..=PAGE_SIZE {
        workspace.sandbox.model().add();
    }
    let summary = complete(&workspace, &options());
    assert_eq!(evidence(&workspace), ["NULL", "pipeline"]);
    assert_eq!(tally(&summary), [21, 0, 0, 60], "upstream retention explains the others");
}

#[test]
fn a_failing_api_is_no_evidence_of_another_workspace() {
    let workspace = Workspace::of(60);
    complete(&workspace, &options());
    let before = contents(&workspace.path());
    let own = workspace.serve(foreign(60));
    for (status, code) in [(StatusCode::INTERNAL_SERVER_ERROR, 5), (StatusCode::FORBIDDEN, 4)] {
        answer_ids(&workspace, status);
        let summary = workspace.sync(&options());
        assert_eq!(exit_code(&summary), code, "{:?}", summary.result);
        assert_eq!(contents(&workspace.path()), before);
    }
    // The pipelines show whose API it is, even if it fails for each run.
    workspace.serve(own);
    for _ in 0..=PAGE_SIZE {
        workspace.sandbox.model().add();
    }
    answer_ids(&workspace, StatusCode::INTERNAL_SERVER_ERROR);
    let summary = workspace.sync(&full());
    assert_eq!((exit_code(&summary), tally(&summary)[0]), (0, 21), "{:?}", summary.result);
    assert_eq!(evidence(&workspace)[3], "pipeline");
}

#[test]
fn a_new_base_url_with_evidence_is_recorded_and_reported() {
    // The same plan gives the same runs, as an API that has moved.
    let (workspace, moved) = (Workspace::of(60), Workspace::of(60));
    assert_eq!(complete(&workspace, &options()).previous_api_url, None);
    for previous in [Some(workspace.sandbox.url()), None] {
        let summary = workspace.sync_by(moved.client(), &options());
        assert_eq!((exit_code(&summary), &summary.api_url), (0, &moved.sandbox.url()));
        assert_eq!(summary.previous_api_url, previous);
    }
    let urls = [workspace.sandbox.url(), moved.sandbox.url(), moved.sandbox.url()];
    assert_eq!(workspace.rows("SELECT api_url FROM syncs ORDER BY sync_id"), urls);
    assert_eq!(evidence(&workspace), ["NULL", "listed run", "listed run"]);
    assert_eq!(workspace.archived(), workspace.truth());
    // Without evidence, the message names both.
    moved.serve(foreign(60));
    let error = workspace.sync_by(moved.client(), &options()).result.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains(&moved.sandbox.url()), "{error}");
}

#[test]
fn an_accepted_workspace_is_archived_whole() {
    let workspace = Workspace::of(15);
    complete(&workspace, &options());
    workspace.serve(foreign(100));
    let accept = Options { accept_workspace: true, ..options() };
    let one_by_one = Options { concurrency: 1, ..accept.clone() };
    assert_eq!(exit_code(&interrupted_at(&workspace, 3, &one_by_one)), 130);
    assert_eq!(evidence(&workspace), ["NULL", "accepted"]);
    // The next sync needs no option, although its first page is archived and unchanged.
    let summary = complete(&workspace, &options());
    assert_eq!(summary.counts.vanished, 15);
    let archived = workspace.archived();
    assert!(workspace.truth().iter().all(|(id, run)| archived.get(id) == Some(run)));
    complete(&workspace, &options());
    assert_eq!(evidence(&workspace)[2..], ["listed run", "listed run"]);
}

#[test]
fn accepting_a_workspace_that_is_known_changes_nothing() {
    let workspace = Workspace::of(60);
    complete(&workspace, &options());
    complete(&workspace, &Options { accept_workspace: true, ..options() });
    assert_eq!(evidence(&workspace), ["NULL", "listed run"]);
}

#[test]
fn a_fetch_from_another_workspace_stores_and_marks_nothing() {
    let workspace = Workspace::of(60);
    let archived = workspace.ids();
    complete(&workspace, &options());
    let before = contents(&workspace.path());
    let own = workspace.serve(foreign(60));
    let unknown = workspace.ids()[3];
    for ids in [&[unknown][..], &[archived[3]], &[archived[3], unknown]] {
        let summary = workspace.fetch(ids);
        assert_eq!((exit_code(&summary), contents(&workspace.path())), (2, before.clone()), "{ids:?}");
    }
    workspace.serve(own);
    let new = workspace.sandbox.model().add();
    workspace.sandbox.forget_requests();
    assert!(workspace.fetch(&[new]).result.is_ok());
    assert_eq!(workspace.sandbox.request_count(), 2, "an archived run shows whose API it is");
    workspace.sandbox.forget_requests();
    assert!(workspace.fetch(&[new, archived[3]]).result.is_ok());
    assert_eq!(workspace.sandbox.request_count(), 2);
    workspace.sandbox.model().delete(archived[3]);
    assert_eq!(exit_code(&workspace.fetch(&[archived[3]])), 3);
    assert_eq!(workspace.rows("SELECT run_id FROM vanished_runs"), [archived[3].to_string()]);
}
