//! Syncs the archive with the API: reads one page at a time and stores it, so that a sync can stop at any point.
//!
//! The caller's thread decides and writes. Requests and decoding run ahead of it on the tokio
//! runtime. `walk` decides which page to read next; [`crate::api::RetryPolicy`] decides when to give up.

mod bisection;
mod clock;
mod decoded;
mod field_changes;
mod lookback;
mod plan;
mod prefetch;
mod recheck;
mod seen_set;
mod session;
mod verify;
mod walk;

pub use crate::cancel::CancelToken;
pub(crate) use clock::check_clock;
pub use clock::{Clock, SystemClock};
pub(crate) use field_changes::NoisyField;
pub(crate) use lookback::LookbackAdvice;
pub(crate) use verify::{ListHead, Verdict, list_head, verify};
pub(crate) use walk::MAX_OUT_OF_ORDER;

use crate::api::Client;
use crate::error::Result;
use crate::ignored_fields::IgnoredFields;
use crate::run::Redaction;
use crate::store::{Archive, DriftRow, SyncCounts, SyncKind, UnsettledRuns};
use chrono::TimeDelta;
use plan::{Past, Plan};
use session::Session;
use std::sync::Arc;
use tokio::runtime::Handle;
use uuid::Uuid;

/// After this many failed requests by id in a row, the API counts as unavailable.
const MAX_CONSECUTIVE_FAILURES: u32 = 3;

/// The options of a sync.
#[derive(Debug, Clone)]
pub struct Options {
    /// Read the whole list, even if an incremental walk would do.
    pub full: bool,
    /// Read the whole list if the last full walk is older than this.
    pub full_every: TimeDelta,
    /// How far below the watermark an incremental sync looks for changes.
    pub lookback: TimeDelta,
    /// How long after its end a run without a known cost is still requested again.
    pub settle: TimeDelta,
    /// Runs to request per page. The API may return fewer.
    pub page_size: u32,
    /// Maximum number of concurrent requests, at least 1.
    pub concurrency: usize,
    /// What to remove from the API's JSON before it is hashed and stored.
    pub redaction: Redaction,
    /// What change detection ignores.
    pub ignored_fields: IgnoredFields,
    /// Store nothing.
    pub dry_run: bool,
    /// Sync even if nothing shows that the API serves the workspace of the archive.
    pub accept_workspace: bool,
    /// Read the whole list, and mark every missing run as vanished that the API does not have.
    pub confirm_vanished: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            full: false,
            full_every: TimeDelta::days(7),
            lookback: TimeDelta::days(7),
            settle: TimeDelta::days(30),
            page_size: 500,
            concurrency: 4,
            redaction: Redaction::default(),
            ignored_fields: IgnoredFields::default(),
            dry_run: false,
            accept_workspace: false,
            confirm_vanished: false,
        }
    }
}

/// What a sync needs from its caller.
pub struct SyncContext<'a> {
    /// The API client.
    pub client: Arc<Client>,
    /// The runtime for requests. The sync blocks, so it must not be called from within this runtime.
    pub handle: &'a Handle,
    /// The source of the current time.
    pub clock: &'a dyn Clock,
    /// Cancels the sync from another thread.
    pub cancel: &'a CancelToken,
    /// Receives progress reports.
    pub observer: &'a mut dyn Observer,
}

/// Receives progress reports of a sync.
pub trait Observer {
    /// Called after each page and each run that was requested by id.
    fn advanced(&mut self, progress: &Progress);
}

/// How far a sync has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The current phase.
    pub phase: Phase,
    /// Runs processed in this phase.
    pub done: u64,
    /// Runs to process in this phase. `None`: unknown.
    pub total: Option<u64>,
    /// Requests sent so far.
    pub requests: u64,
}

/// The phases of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Walking the run list.
    Walk,
    /// Requesting unsettled runs by id.
    Unsettled,
    /// Requesting runs by id that are missing from the list.
    Vanished,
    /// Requesting the runs that the user named.
    Fetch,
}

/// The outcome of a sync, successful or not.
#[derive(Debug)]
pub struct Summary {
    /// The kind of sync.
    pub kind: SyncKind,
    /// Why the sync read the part of the list that it read.
    pub reason: String,
    /// Counts of runs, pages and requests.
    pub counts: SyncCounts,
    /// Whether the list was newest first. `None`: no page was read.
    pub newest_first: Option<bool>,
    /// What could not be read, one sentence each.
    pub missing: Vec<String>,
    /// Fields and values outside the API contract that appeared for the first time.
    pub new_drift: Vec<DriftRow>,
    /// The most deviations of one run that the table of drift does not list, because it is bounded; the run keeps them.
    pub drift_unrecorded: u64,
    /// The fields in which most changed runs differ, and which may differ in every response.
    pub noisy_fields: Vec<NoisyField>,
    /// The base URL of the API.
    pub api_url: String,
    /// Where earlier syncs read the runs that this sync found at another base URL. `None`: at the same one.
    pub previous_api_url: Option<String>,
    /// The archived runs that the whole list lacked and that were not marked as vanished. `None`: it was not read.
    pub runs_suspected: Option<u64>,
    /// How far the archive's observations were ahead of the system clock when the sync started. Zero: they were not.
    pub observations_ahead: TimeDelta,
    /// Whether the clock of the sync before was ahead of the clock at the start of this one.
    pub clock_went_back: bool,
    /// The size of the archive's write-ahead log in bytes, if a reader keeps it large. `None`: it is small, or free.
    pub held_log_bytes: Option<u64>,
    /// The recommendation for a longer lookback. `None`: this one suffices, or the sync brought no evidence.
    pub lookback_advice: Option<LookbackAdvice>,
    /// The runs that a later sync completes. `None`: the sync did not get that far.
    pub unsettled: Option<UnsettledRuns>,
    /// How the sync ended: [`crate::error::Error::Partial`] if anything is missing.
    pub result: Result<()>,
}

/// Syncs the archive with the API.
///
/// # Errors
/// [`crate::error::Error::Usage`] when the clock is not in the years 1970 to 9998; SQLite errors, and cancellation,
/// before the sync was recorded in the archive. Later errors are in [`Summary::result`].
pub fn sync<'a>(archive: &'a Archive, context: SyncContext<'a>, options: &'a Options) -> Result<Summary> {
    let (cancel, now) = (context.cancel, context.clock.now());
    let begin = || {
        let plan = Plan::new(&Past::of(archive, now)?, options, now);
        Ok((Session::begin(archive, context, options, plan.kind, &plan.reason)?, plan))
    };
    let begun = begin().inspect_err(|error| archive.keep_log_of_damaged(error));
    let (mut session, plan) = begun.map_err(|error| cancel.explain(error))?;
    let result = session.run(&plan);
    session.end(result)
}

/// Archives single runs by id.
///
/// # Errors
/// As [`sync`].
pub fn fetch<'a>(
    archive: &'a Archive,
    context: SyncContext<'a>,
    options: &'a Options,
    ids: &[Uuid],
) -> Result<Summary> {
    let cancel = context.cancel;
    let session = Session::begin(archive, context, options, SyncKind::Fetch, "run ids given by the user");
    let session = session.inspect_err(|error| archive.keep_log_of_damaged(error));
    let mut session = session.map_err(|error| cancel.explain(error))?;
    let result = session.fetch(ids);
    session.end(result)
}
