//! This is `runledger sync`: it brings the archive up to date, and says in one line what came.

use clap::Args;
pub mod all;

use crate::cli::{WatchArgs, time_span};
use crate::commands::shared::notify;
use crate::commands::shared::output::say;
use crate::commands::shared::progress::{NoProgress, observer};
use crate::commands::shared::runtime::{Runtime, client, means};
use crate::error::render;
use crate::notify::SyncReport;
use crate::sync::SystemClock;

use crate::cli::{ApiArgs, LockArgs, VerbosityArgs};
use crate::error::{Error, Result};
use crate::escape::escape_control;
use crate::secret::ApiKey;
use crate::settings::{self, Settings, Workspace};
use crate::store::{Archive, Lock, SyncKind};
use crate::sync::{self, Clock, Observer, Options, Summary, SyncContext};
use chrono::TimeDelta;
use serde_json::json;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// `runledger sync`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  NEKT_API_KEY=… runledger sync
  runledger sync --api-key-file key.txt --db runs.db --quiet
  runledger sync --all            # every [[workspace]] of runledger.toml
  runledger sync --full --max-requests-per-second 2
  runledger sync --dry-run --json
  runledger sync --quiet --ping-url-file ping.txt --metrics-file runledger.prom

Environment:
  NEKT_API_KEY         the API key
  RUNLEDGER_PING_URL   who is told when the sync begins and how it ended
  RUNLEDGER_REDACT     further keys, with commas, whose values are never stored")]
pub struct SyncArgs {
    /// How the API is asked.
    #[command(flatten)]
    pub api: ApiArgs,

    /// Sync every workspace that the settings name, each with its own key; one that fails does not stop the others
    #[arg(long)]
    pub all: bool,

    /// Read the whole list, not only its newest part
    #[arg(long)]
    pub full: bool,

    /// Read the whole list when the last time is longer ago: costs can change unannounced
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = time_span)]
    pub full_every: TimeDelta,

    /// How far back to look for changes of runs that were seen before
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = time_span)]
    pub lookback: TimeDelta,

    /// How long after its end a run without a known cost is asked for again
    #[arg(long, value_name = "SPAN", default_value = "30d", value_parser = time_span)]
    pub settle: TimeDelta,

    /// Ask for this many runs a page; the API may give fewer
    #[arg(long, value_name = "N", default_value = "500", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub page_size: u32,

    /// Store nothing; tell what would be stored
    #[arg(long)]
    pub dry_run: bool,

    /// How the archive's lock is taken.
    #[command(flatten)]
    pub lock: LockArgs,

    /// What is said of it.
    #[command(flatten)]
    pub talk: VerbosityArgs,

    /// Who else is told.
    #[command(flatten)]
    pub watch: WatchArgs,
}

/// How often a lock that another sync holds is tried again.
const LOCK_POLL: Duration = Duration::from_millis(200);

/// Syncs, and tells the outcome whatever it is.
///
/// # Errors
/// What ended the sync; [`Error::Partial`] when something is missing and the rest is kept.
pub fn run(args: &SyncArgs, path: &Path, settings: Result<Settings>) -> Result<()> {
    let engine = Runtime::start()?;
    let watch = notify::start(args, &engine)?;
    let result = match settings {
        Ok(settings) => {
            let (account, result) = sync_one(args, &Target::at(path, &settings), &engine);
            watch.finish(&[account], result)
        }
        Err(error) => watch.finish(&[], Err(error)),
    };
    engine.shut_down();
    result
}

/// An archive, and whose runs it is to hold.
pub(super) struct Target<'a> {
    path: &'a Path,
    /// `None`: those that the arguments and the environment mean.
    workspace: Option<&'a Workspace>,
    is_one_of_several: bool,
}

impl<'a> Target<'a> {
    /// The archive there: of the workspace that the settings say it is of, else of the one that arguments and environment mean.
    pub fn at(path: &'a Path, settings: &'a Settings) -> Target<'a> {
        Target { path, workspace: settings.workspace_at(path), is_one_of_several: false }
    }

    /// The archive of a workspace, beside others.
    pub fn of(workspace: &'a Workspace) -> Target<'a> {
        Target { path: &workspace.archive, workspace: Some(workspace), is_one_of_several: true }
    }

    /// The account of a sync of it that did not begin.
    pub fn untried(&self, args: &SyncArgs, exit_code: u8) -> SyncReport<'a> {
        SyncReport {
            workspace: self.name().map(ToOwned::to_owned),
            archive: self.path,
            settle: args.settle,
            began_at: SystemClock.now(),
            seconds: None,
            requests: None,
            exit_code,
            summary: "not tried".to_owned(),
        }
    }

    /// What it is called where there are others. `None`: there are none.
    fn name(&self) -> Option<&'a str> {
        self.workspace.filter(|_| self.is_one_of_several).map(|workspace| workspace.name.as_str())
    }
}

/// Syncs one archive and tells what came; gives the account of it to those who wait, and how it ended.
pub(super) fn sync_one<'a>(
    args: &SyncArgs,
    target: &Target<'a>,
    engine: &Runtime,
) -> (SyncReport<'a>, Result<()>) {
    let began_at = SystemClock.now();
    let options = |redaction| Options {
        full: args.full,
        full_every: args.full_every,
        lookback: args.lookback,
        settle: args.settle,
        page_size: args.page_size,
        concurrency: args.api.concurrency,
        redaction,
        dry_run: args.dry_run,
    };
    let Attempt { words, seconds, requests, result } = match settings::redaction() {
        Ok(redaction) => {
            let options = options(redaction);
            attempt(&args.api, &args.lock, &args.talk, target, &options, engine, sync::sync)
        }
        Err(error) => Attempt::ended_by(error),
    };
    let exit_code = result.as_ref().err().map_or(0, Error::exit_code);
    let account =
        SyncReport { began_at, seconds, requests, summary: words, ..target.untried(args, exit_code) };
    (account, result)
}

/// What came of reading the API into an archive.
pub(super) struct Attempt {
    /// What came, in lines for people. No key is in it, whoever may have quoted it.
    pub words: String,
    /// How long it took. `None`: it ended before it could begin.
    pub seconds: Option<f64>,
    /// The requests that it sent. `None`: it ended before it could begin.
    pub requests: Option<u64>,
    /// How it ended.
    pub result: Result<()>,
}

impl Attempt {
    /// One that could not begin.
    fn ended_by(error: Error) -> Attempt {
        Attempt {
            words: render(&error.to_string(), error.hint().as_deref()),
            seconds: None,
            requests: None,
            result: Err(error),
        }
    }
}

/// Opens the archive, lets `act` read the API into it, and tells what came.
pub(super) fn attempt(
    api: &ApiArgs,
    lock: &LockArgs,
    talk: &VerbosityArgs,
    target: &Target<'_>,
    options: &Options,
    engine: &Runtime,
    act: impl for<'a> FnOnce(&'a Archive, SyncContext<'a>, &'a Options) -> Result<Summary>,
) -> Attempt {
    let path = target.path;
    let read = || -> Result<(ApiKey, Summary, f64)> {
        let (key, client) = client(api, target.workspace)?;
        let wait = LockWait { engine, span: lock.lock_wait, quiet: talk.quiet };
        let (_lock, archive) = open(path, options.dry_run, &wait)?;
        let began = Instant::now();
        let mut observer: Box<dyn Observer> = if talk.quiet { Box::new(NoProgress) } else { observer() };
        let means = means(client, &engine.runtime, &engine.stop, observer.as_mut());
        let summary = act(&archive, means, options)?;
        Ok((key, summary, began.elapsed().as_secs_f64()))
    };
    let (key, summary, seconds) = match read() {
        Ok(read) => read,
        Err(error) => {
            let error = error.in_archive(path);
            if let (Some(workspace), true) = (target.name(), talk.json) {
                let told = json!({
                    "workspace": workspace,
                    "kind": null,
                    "exit_code": error.exit_code(),
                    "error": error.to_string(),
                });
                if let Err(refused) = say(&told.to_string()) {
                    return Attempt::ended_by(refused);
                }
            }
            return Attempt::ended_by(error);
        }
    };
    let mut words = line(&summary, seconds, options.dry_run);
    let requests = summary.tally.requests;
    let result = tell(target.name(), &summary, seconds, talk, options.dry_run).and(summary.result);
    let result = result.map_err(|error| error.in_archive(path));
    if let Err(error) = &result {
        words = format!("{words}\n{}", render(&error.to_string(), error.hint().as_deref()));
    }
    Attempt { words: key.hidden_in(&words), seconds: Some(seconds), requests: Some(requests), result }
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
    engine: &'a Runtime,
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
            self.engine.runtime.block_on(async {
                let pause = LOCK_POLL.min(deadline.saturating_duration_since(Instant::now()));
                tokio::select! {
                    biased;
                    error = self.engine.stop.requested() => Err(error),
                    () = tokio::time::sleep(pause) => Ok(()),
                }
            })?;
        }
    }
}

/// Tells what came: one line, or one JSON object.
fn tell(
    workspace: Option<&str>,
    summary: &Summary,
    seconds: f64,
    talk: &VerbosityArgs,
    dry_run: bool,
) -> Result<()> {
    if talk.json {
        let mut told = as_json(summary, seconds, dry_run);
        if let Some(workspace) = workspace {
            told["workspace"] = json!(workspace);
        }
        return say(&told.to_string());
    }
    if talk.quiet && summary.result.is_ok() {
        return Ok(());
    }
    for row in &summary.new_drift {
        let drift = &row.drift;
        say(&under(
            workspace,
            format!(
                "unknown {} of `{}`: {} (kept; first seen in run {})",
                drift.kind.as_str(),
                escape_control(&drift.field),
                escape_control(&drift.observed),
                row.example_run_id
            ),
        ))?;
    }
    say(&under(workspace, line(summary, seconds, dry_run)))
}

/// A line under the name of the workspace that it is about.
fn under(workspace: Option<&str>, line: String) -> String {
    match workspace {
        Some(workspace) => format!("{}: {line}", escape_control(workspace)),
        None => line,
    }
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
