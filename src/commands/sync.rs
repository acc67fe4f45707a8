//! This is `runledger sync`: it brings the archive up to date, and says in one line what came.

use super::connection::{SystemClock, client, means, runtime, stop_on_signals};
use super::progress::{Silence, observer};
use super::say;
use crate::cli::{ApiArgs, LockArgs, SyncArgs, TalkArgs};
use crate::error::{Error, Result};
use crate::export::visible;
use crate::settings;
use crate::store::{Archive, Lock, SyncKind};
use crate::sync::{self, Clock, Means, Observer, Options, Stop, Summary};
use chrono::TimeDelta;
use serde_json::json;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// How often a lock that another sync holds is tried again.
const LOCK_POLL: Duration = Duration::from_millis(200);

/// Syncs, and tells the outcome whatever it is.
///
/// # Errors
/// What ended the sync; [`Error::Partial`] when something is missing and the rest is kept.
pub fn run(args: &SyncArgs, path: &Path) -> Result<()> {
    let options = Options {
        full: args.full,
        full_every: args.full_every,
        lookback: args.lookback,
        settle: args.settle,
        page_size: args.page_size,
        concurrency: args.api.concurrency,
        redaction: settings::redaction()?,
        dry_run: args.dry_run,
    };
    attempt(&args.api, &args.lock, &args.talk, path, &options, sync::sync)
}

/// Opens the archive, lets `act` read the API into it, and tells what came.
///
/// # Errors
/// What ended the attempt.
pub(super) fn attempt(
    api: &ApiArgs,
    lock: &LockArgs,
    talk: &TalkArgs,
    path: &Path,
    options: &Options,
    act: impl for<'a> FnOnce(&'a Archive, Means<'a>, &'a Options) -> Result<Summary>,
) -> Result<()> {
    let client = client(api)?;
    let runtime = runtime()?;
    let stop = stop_on_signals(&runtime)?;
    let wait = LockWait { runtime: &runtime, stop: &stop, span: lock.lock_wait, quiet: talk.quiet };
    let (_lock, archive) = open(path, options.dry_run, &wait)?;
    let began = Instant::now();
    let mut observer: Box<dyn Observer> = if talk.quiet { Box::new(Silence) } else { observer() };
    let means = means(client, &runtime, &stop, observer.as_mut());
    let summary = act(&archive, means, options)?;
    drop(observer);
    // Requests still under way have nobody to answer to.
    runtime.shutdown_background();
    tell(&summary, began.elapsed().as_secs_f64(), talk, options.dry_run)?;
    summary.result
}

/// The archive for writing. A dry run of a first sync must not leave a file behind.
fn open(path: &Path, dry_run: bool, wait: &LockWait<'_>) -> Result<(Option<Lock>, Archive)> {
    if dry_run && !path.exists() {
        return Ok((None, Archive::temporary()?));
    }
    let lock = wait.lock(path)?;
    let archive = Archive::open(path, &lock)?;
    Ok((Some(lock), archive))
}

/// The patience with another sync that holds the lock.
struct LockWait<'a> {
    runtime: &'a Runtime,
    stop: &'a Stop,
    span: TimeDelta,
    quiet: bool,
}

impl LockWait<'_> {
    /// Takes the lock as soon as it is free.
    fn lock(&self, path: &Path) -> Result<Lock> {
        let deadline = Instant::now() + self.span.to_std().unwrap_or_default();
        let mut is_told = self.quiet;
        loop {
            let refused = match Lock::acquire(path, SystemClock.now()) {
                Err(Error::Locked { holder }) if Instant::now() < deadline => holder,
                other => return other,
            };
            if !is_told {
                // Nobody may be listening; the waiting goes on all the same.
                let _ = writeln!(std::io::stderr(), "waiting for another sync: {refused}");
                is_told = true;
            }
            self.runtime.block_on(async {
                let pause = LOCK_POLL.min(deadline.saturating_duration_since(Instant::now()));
                tokio::select! {
                    biased;
                    error = self.stop.requested() => Err(error),
                    () = tokio::time::sleep(pause) => Ok(()),
                }
            })?;
        }
    }
}

/// Tells what came: one line, or one JSON object.
fn tell(summary: &Summary, seconds: f64, talk: &TalkArgs, dry_run: bool) -> Result<()> {
    if talk.json {
        return say(&as_json(summary, seconds, dry_run).to_string());
    }
    if talk.quiet && summary.result.is_ok() {
        return Ok(());
    }
    for row in &summary.new_drift {
        let drift = &row.drift;
        say(&format!(
            "unknown {} of `{}`: {} (kept; first seen in run {})",
            drift.kind.as_str(),
            visible(&drift.field),
            visible(&drift.observed),
            row.example_run_id
        ))?;
    }
    say(&line(summary, seconds, dry_run))
}

/// One line for people.
pub(super) fn line(summary: &Summary, seconds: f64, dry_run: bool) -> String {
    let tally = &summary.tally;
    let how = match (&summary.result, dry_run) {
        (Ok(()), false) => "",
        (Ok(()), true) => " (dry run: nothing was stored)",
        (Err(Error::Partial { .. }), _) => " (in part)",
        (Err(_), _) => " (not to the end)",
    };
    format!(
        "{} {}: {} runs seen, {} new, {} changed, {} unchanged, {} vanished; {} requests in {seconds:.1} s{how}",
        summary.kind.as_str(),
        if summary.kind == SyncKind::Fetch { "by id" } else { "sync" },
        tally.seen,
        tally.new,
        tally.changed,
        tally.unchanged,
        tally.vanished,
        tally.requests
    )
}

fn as_json(summary: &Summary, seconds: f64, dry_run: bool) -> serde_json::Value {
    let tally = &summary.tally;
    json!({
        "kind": summary.kind.as_str(),
        "reason": summary.reason,
        "dry_run": dry_run,
        "exit_code": summary.result.as_ref().err().map_or(0, Error::exit_code),
        "error": summary.result.as_ref().err().map(ToString::to_string),
        "runs_seen": tally.seen,
        "runs_new": tally.new,
        "runs_changed": tally.changed,
        "runs_unchanged": tally.unchanged,
        "runs_vanished": tally.vanished,
        "items_quarantined": tally.quarantined,
        "pages": tally.pages,
        "requests": tally.requests,
        "newest_first": summary.newest_first,
        "missing": summary.missing,
        "new_drift": summary.new_drift.iter().map(|row| json!({
            "field": row.drift.field,
            "kind": row.drift.kind.as_str(),
            "observed": row.drift.observed,
            "example_run_id": row.example_run_id,
        })).collect::<Vec<_>>(),
        "seconds": (seconds * 1000.0).round() / 1000.0,
    })
}
