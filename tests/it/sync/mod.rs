//! The sync: whatever the API does, the archive has what it returned, and no request is superfluous.

mod api_errors;
mod clock;
mod evidence;
mod incremental;
mod interruption;
mod model_based;
mod partial_failure;
mod pipelines;
mod quarantine;
mod recheck;
mod session;
mod vanished;
mod walk;

use crate::support::workspace::{Workspace, options};
use runledger::internal::sandbox::Model;
use runledger::internal::sync::{Options, Summary};
use std::collections::BTreeSet;
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

fn full() -> Options {
    Options { full: true, ..options() }
}

/// The runs that will not change.
fn settled(model: &Model) -> Vec<Uuid> {
    let open: BTreeSet<Uuid> = model.in_progress().into_iter().chain(model.costs_unknown()).collect();
    model.ids().filter(|id| !open.contains(id)).collect()
}
