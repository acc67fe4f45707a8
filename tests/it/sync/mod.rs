//! The sync: whatever the API does, the archive has what it returned, and no request is superfluous.

mod api_errors;
mod clock;
mod evidence;
mod incremental;
mod interruption;
mod lookback;
mod model_based;
mod partial_failure;
mod pipelines;
mod quarantine;
mod recheck;
mod session;
mod vanished;
mod walk;

use crate::support::workspace::{Workspace, options, page_of};
use runledger::internal::sandbox::Model;
use runledger::internal::sync::{CancelToken, Options, Summary};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// The counts: new, changed, unchanged, vanished.
fn tally(summary: &Summary) -> [u64; 4] {
    let tally = &summary.counts;
    assert_eq!(tally.seen, tally.new + tally.changed + tally.unchanged, "each seen run is counted once");
    [tally.new, tally.changed, tally.unchanged, tally.vanished]
}

fn exit_code(summary: &Summary) -> u8 {
    summary.result.as_ref().err().map_or(0, |error| error.exit_code())
}

/// Runs a sync that must succeed.
fn complete(workspace: &Workspace, options: &Options) -> Summary {
    let summary = workspace.sync(options);
    assert!(summary.result.is_ok(), "{:?}", summary.result);
    summary
}

/// Syncs until this page of the run list is requested, then stops as SIGINT does.
fn interrupted_at(workspace: &Workspace, page: u32, options: &Options) -> Summary {
    let stop = Arc::new(CancelToken::default());
    let hand = Arc::clone(&stop);
    workspace.sandbox.on_request(move |call, _| {
        if page_of(call) == Some(page) {
            hand.cancel(2);
        }
        None
    });
    let summary = workspace.sync_until(&stop, options);
    workspace.sandbox.on_request(|_, _| None);
    summary
}

fn full() -> Options {
    Options { full: true, ..options() }
}

/// The runs that will not change.
fn settled(model: &Model) -> Vec<Uuid> {
    let open: BTreeSet<Uuid> = model.in_progress().into_iter().chain(model.costs_unknown()).collect();
    model.ids().filter(|id| !open.contains(id)).collect()
}
