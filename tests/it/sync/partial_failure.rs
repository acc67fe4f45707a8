//! Pages and records that fail for good: everything else arrives in the same sync.

use super::{complete, exit_code, full};
use crate::support::workspace::{PAGE_SIZE, Workspace, at, options, places, run_of};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use runledger::internal::close::{CloseRequest, close_month};
use runledger::internal::report::scope::ScopeDefaults;
use runledger::internal::sandbox::{Call, Model, Outcome};
use runledger::internal::store::{Archive, Lock, SyncKind};
use runledger::internal::sync::Options;
use std::collections::BTreeSet;
use uuid::Uuid;

fn failure(status: u16) -> Option<Response> {
    Some(StatusCode::from_u16(status).unwrap().into_response())
}

/// From now on, the API fails to return these runs, in the list and, if `by_id`, also by id.
fn break_runs(workspace: &Workspace, broken: &[Uuid], by_id: bool) {
    let broken: BTreeSet<Uuid> = broken.iter().copied().collect();
    workspace.sandbox.on_request(move |call, model: &mut Model| {
        let listed = places(call).is_some_and(|places| {
            model.ids().skip(places.start).take(places.len()).any(|id| broken.contains(&id))
        });
        let requested = by_id && run_of(call).is_some_and(|id| broken.contains(&id));
        if listed || requested { failure(500) } else { None }
    });
}

fn ids_except(workspace: &Workspace, missing: &[Uuid]) -> BTreeSet<Uuid> {
    workspace.ids().into_iter().filter(|id| !missing.contains(id)).collect()
}

fn archived_ids(workspace: &Workspace) -> BTreeSet<Uuid> {
    workspace.archived().into_keys().collect()
}

#[test]
fn a_record_that_fails_is_named_and_everything_else_archived() {
    let workspace = Workspace::of(250);
    let bad = workspace.ids()[130];
    break_runs(&workspace, &[bad], true);
    let summary = workspace.sync(&options());
    assert_eq!(exit_code(&summary), 3, "{:?}", summary.missing);
    assert_eq!(archived_ids(&workspace), ids_except(&workspace, &[bad]));
    assert!(summary.counts.requests <= 3 + 13 + 60, "{} requests", summary.counts.requests);
    let ids = workspace.ids();
    let missing = summary.missing.join("; ");
    assert!(missing.contains("1 run at position 131 of the list"), "{missing}");
    assert!(missing.contains(&ids[129].to_string()) && missing.contains(&ids[131].to_string()), "{missing}");
    assert!(missing.ends_with("HTTP 500"), "{missing}");

    // The walk counts as complete, and the next one knows where the record is.
    workspace.sandbox.model().add();
    workspace.sandbox.forget_requests();
    let summary = workspace.sync(&options());
    assert_eq!((summary.kind, exit_code(&summary)), (SyncKind::Incremental, 0), "{:?}", summary.missing);
    workspace.sandbox.forget_requests();
    let summary = workspace.sync(&full());
    assert_eq!(exit_code(&summary), 3);
    assert!(summary.counts.requests <= 3 + 13 + 12, "{} requests", summary.counts.requests);
    assert_eq!(workspace.archive().list_gaps().unwrap().len(), 1, "it is the same gap");
}

#[test]
fn a_record_that_is_readable_again_is_archived() {
    let workspace = Workspace::of(100);
    let bad = workspace.ids()[50];
    break_runs(&workspace, &[bad], true);
    assert_eq!(exit_code(&workspace.sync(&options())), 3);
    workspace.sandbox.on_request(|_, _| None);
    complete(&workspace, &full());
    assert_eq!(workspace.archived(), workspace.truth());
    assert!(workspace.archive().list_gaps().unwrap().is_empty());
    assert_eq!(workspace.number("SELECT count(*) FROM list_gaps WHERE resolved_at IS NOT NULL"), 1);
}

#[test]
fn a_known_run_that_the_list_fails_to_return_is_fetched_by_id() {
    let workspace = Workspace::of(100);
    complete(&workspace, &options());
    let bad = workspace.ids()[50];
    workspace.sandbox.model().change(bad, |run| drop(run.insert("extra_config".to_owned(), true.into())));
    break_runs(&workspace, &[bad], false);
    let summary = workspace.sync(&full());
    assert_eq!((exit_code(&summary), summary.counts.changed), (0, 1), "{:?}", summary.missing);
    assert_eq!(workspace.archived(), workspace.truth());
    let gaps = workspace.archive().list_gaps().unwrap();
    assert_eq!((gaps[0].run_id, gaps[0].is_missing()), (Some(bad), false));
}

#[test]
fn several_runs_that_fail_everywhere_are_no_outage_and_not_vanished() {
    let workspace = Workspace::of(200);
    complete(&workspace, &options());
    let ids = workspace.ids();
    let bad = [30, 70, 71, 110, 150].map(|place| ids[place]);
    break_runs(&workspace, &bad, true);
    let summary = workspace.sync(&full());
    assert_eq!((exit_code(&summary), summary.counts.vanished), (3, 0), "{:?}", summary.missing);
    let missing = summary.missing.join("; ");
    for place in [30, 110, 150] {
        assert!(missing.contains(&ids[place].to_string()), "run {place} in {missing}");
    }
    assert_eq!(workspace.archived(), workspace.truth(), "their last known state is kept");
}

#[test]
fn pages_that_are_too_slow_for_a_gateway_become_smaller() {
    let workspace = Workspace::of(250);
    workspace.sandbox.on_request(|call, _| {
        if places(call).is_some_and(|places| places.len() > 12) { failure(504) } else { None }
    });
    let summary = complete(&workspace, &options());
    assert_eq!(workspace.archived(), workspace.truth());
    assert_eq!(workspace.number("SELECT page_size FROM syncs"), 8);
    assert!(summary.counts.requests < 3 + 250 / 8 + 20, "{} requests", summary.counts.requests);
}

#[test]
fn a_list_that_is_refused_below_a_position_is_archived_down_to_it() {
    let workspace = Workspace::of(250);
    let refuse = |call: &Call, _: &mut Model| {
        if places(call).is_some_and(|places| places.end > 130) { failure(400) } else { None }
    };
    workspace.sandbox.on_request(refuse);
    let summary = workspace.sync(&options());
    assert_eq!((exit_code(&summary), workspace.archived().len()), (3, 130));
    let missing = summary.missing.join("; ");
    assert!(missing.contains("position 131"), "{missing}");
    assert_eq!(summary.counts.vanished, 0);

    // New runs are archived all the same, and the refusal costs few requests.
    let new = workspace.sandbox.model().add();
    workspace.sandbox.forget_requests();
    let summary = workspace.sync(&options());
    assert_eq!((exit_code(&summary), summary.counts.new), (3, 1));
    assert!(archived_ids(&workspace).contains(&new));
    assert!(summary.counts.requests <= 40, "{} requests", summary.counts.requests);
    workspace.sandbox.on_request(|_, _| None);
    complete(&workspace, &options());
    assert_eq!(workspace.archived(), workspace.truth());
    assert!(workspace.archive().list_gaps().unwrap().is_empty());
}

#[test]
fn an_api_that_goes_down_is_unavailable_after_few_requests() {
    let workspace = Workspace::of(250);
    let mut down = false;
    workspace.sandbox.on_request(move |call, _| {
        down |= places(call).is_some_and(|places| places.end > 100);
        if down { failure(503) } else { None }
    });
    let summary = workspace.sync(&Options { concurrency: 1, ..options() });
    assert_eq!((exit_code(&summary), workspace.archived().len()), (5, 100));
    assert!(summary.counts.requests <= 3 + 5 + 12, "{} requests", summary.counts.requests);
    let error = summary.result.unwrap_err().to_string();
    assert!(error.contains("/api/v1/runs/ page 6"), "the page that failed first is named: {error}");
}

#[test]
fn a_pipeline_that_fails_costs_only_its_own_name() {
    let workspace = Workspace::of(60);
    workspace.sandbox.on_request(|call, _| {
        let query: Vec<_> = url::form_urlencoded::parse(call.query.as_bytes()).into_owned().collect();
        let value = |key: &str| query.iter().find(|(name, _)| name == key)?.1.parse::<usize>().ok();
        let (Some(page), Some(size)) = (value("page"), value("page_size")) else { return None };
        let contains_third = (page - 1) * size <= 2 && 2 < page * size;
        if call.path == "/api/v1/sources/" && contains_third { failure(500) } else { None }
    });
    let summary = workspace.sync(&options());
    assert_eq!(exit_code(&summary), 3);
    assert!(summary.missing[0].contains("the names of sources: the API fails to return 1 of them: HTTP 500"));
    assert_eq!(workspace.archived(), workspace.truth());
    let kinds = ["source", "destination", "transformation"];
    let archived =
        kinds.map(|kind| workspace.number(&format!("SELECT count(*) FROM pipelines WHERE kind = '{kind}'")));
    let all = runledger::internal::store::PipelineKind::ALL
        .map(|kind| workspace.sandbox.model().pipelines(kind).count() as i64);
    assert_eq!(archived, [all[0] - 1, all[1], all[2]]);
}

#[test]
fn a_month_with_an_unreadable_run_is_closed_by_force_only() {
    let workspace = Workspace::of(100);
    let ids = workspace.ids();
    let october = ids.iter().position(|id| {
        let run = workspace.sandbox.model().document(*id).unwrap();
        run["created_at"].as_str().unwrap() < "2026-10-31"
    });
    let bad = ids[october.unwrap() + 2];
    break_runs(&workspace, &[bad], true);
    let running = workspace.sandbox.model().in_progress();
    for id in running {
        workspace.sandbox.model().finish(id, Outcome::Success);
    }
    let unsettled = workspace.sandbox.model().costs_unknown();
    for id in unsettled {
        workspace.sandbox.model().settle(id);
    }
    assert_eq!(exit_code(&workspace.sync(&options())), 3);
    let now = at("2026-11-24T00:00:00Z");
    let lock = Lock::acquire(&workspace.path(), now).unwrap();
    let archive = Archive::open(&workspace.path(), &lock).unwrap();
    let request = CloseRequest { month: "2026-10".to_owned(), ..CloseRequest::default() };
    let defaults = ScopeDefaults { zone: Some(chrono_tz::Tz::UTC), ..ScopeDefaults::default() };
    let error = close_month(&archive, &request, &defaults, now).unwrap_err().to_string();
    assert!(error.contains("the API fails to return runs of the month: 1 run at position"), "{error}");
    let forced = CloseRequest { force: true, ..request };
    let close = close_month(&archive, &forced, &defaults, now).unwrap();
    assert!(close.frozen.objections.iter().any(|objection| objection.contains("fails to return")));
}

#[test]
fn an_interrupted_first_sync_reads_new_runs_before_the_rest() {
    let workspace = Workspace::of(250);
    let broken_list = |call: &Call, _: &mut Model| {
        if places(call).is_some_and(|places| places.end > 100) { failure(503) } else { None }
    };
    let mut down = false;
    workspace.sandbox.on_request(move |call, model| {
        down |= broken_list(call, model).is_some();
        if down { failure(503) } else { None }
    });
    let one_by_one = Options { concurrency: 1, ..options() };
    assert_eq!(exit_code(&workspace.sync(&one_by_one)), 5);
    let new = workspace.sandbox.model().add();
    let mut down = false;
    workspace.sandbox.on_request(move |call, model| {
        down |= broken_list(call, model).is_some();
        if down { failure(503) } else { None }
    });
    workspace.sandbox.forget_requests();
    assert_eq!(exit_code(&workspace.sync(&one_by_one)), 5);
    assert!(archived_ids(&workspace).contains(&new), "the new run does not wait for the rest");
    assert_eq!(workspace.requested_pages()[..2], [1, 2]);
    workspace.sandbox.on_request(|_, _| None);
    complete(&workspace, &one_by_one);
    assert_eq!(workspace.archived(), workspace.truth());
    assert_eq!(workspace.number("SELECT max(page_size) FROM syncs"), i64::from(PAGE_SIZE));
}
