//! Pipeline names.

use super::{complete, exit_code};
use crate::support::workspace::{Workspace, options};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use runledger::internal::sandbox::PipelineKind;

#[test]
fn a_deleted_pipeline_keeps_its_newest_name() {
    let workspace = Workspace::of(60);
    let id = workspace.sandbox.model().pipelines(PipelineKind::Source).next().unwrap().0;
    complete(&workspace, &options());
    workspace.sandbox.model().rename_pipeline(id, "Outro nome");
    complete(&workspace, &options());
    let row = |workspace: &Workspace| {
        workspace.rows(&format!("SELECT name, gone_at FROM pipelines WHERE pipeline_id = '{id}'"))
    };
    assert_eq!(row(&workspace), ["Outro nome|NULL"]);
    let document = workspace.sandbox.model().pipelines(PipelineKind::Source).next().unwrap().1.clone();
    workspace.sandbox.model().delete_pipeline(id);
    workspace.clock.set("2026-12-01T00:00:00Z");
    complete(&workspace, &options());
    let gone = row(&workspace);
    assert!(gone[0].starts_with("Outro nome|2026-12-01T00:00:00.00000"), "{gone:?}");
    workspace.clock.set("2026-12-02T00:00:00Z");
    complete(&workspace, &options());
    assert_eq!(row(&workspace), gone, "it vanished then, not now");
    assert_eq!(document["description"], "Outro nome");
    assert_eq!(workspace.number("SELECT count(*) FROM pipelines"), 40);
}

#[test]
fn a_key_without_pipeline_access_still_archives_runs() {
    let workspace = Workspace::of(60);
    workspace.sandbox.on_request(|call, _| {
        (!call.path.starts_with("/api/v1/runs/")).then(|| StatusCode::FORBIDDEN.into_response())
    });
    let summary = workspace.sync(&options());
    assert_eq!((exit_code(&summary), summary.missing.len()), (3, 3), "{:?}", summary.missing);
    assert_eq!(workspace.archived(), workspace.truth());
    assert_eq!(workspace.requested_pipeline_pages(), 3, "a rejected request is not retried");
    workspace.sandbox.on_request(|_, _| None);
    complete(&workspace, &options());
    assert_eq!(workspace.number("SELECT count(*) FROM runs WHERE pipeline_name IS NULL"), 0);
}
