//! This is the test of the sync: whatever the API does, the archive has what it showed, and no request too many is sent.

mod api_errors;
mod incremental;
mod interruption;
mod model_based;
mod pipelines;
mod quarantine;
mod session;
mod walk;

use crate::support::workspace::{Workspace, options};
use runledger::sandbox::Model;
use runledger::sync::{Options, Summary};
use std::collections::BTreeSet;
use uuid::Uuid;

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
