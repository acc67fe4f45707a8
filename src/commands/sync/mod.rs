//! `runledger sync`: syncs the archive with the API and prints a summary.

mod after_sync;
pub(super) mod all;
mod attempt;
mod summary;

pub(super) use attempt::{Attempt, attempt};
#[cfg(feature = "sandbox")]
pub(super) use summary::summary_text;

use crate::cli::{ApiArgs, LockArgs, NotificationArgs, VerbosityArgs, time_span};
use crate::commands::alert::ReportingArgs;
use crate::commands::shared::notify;
use crate::commands::shared::runtime::Runtime;
use crate::error::{Error, Result};
use crate::ignored_fields::IgnoredFields;
use crate::notify::SyncReport;
use crate::run::Instant;
use crate::settings::{self, Settings, Workspace};
use crate::sync::{self, Clock, Options, SystemClock};
use after_sync::AfterSync;
use chrono::TimeDelta;
use clap::Args;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  NEKT_API_KEY=… runledger sync
  runledger sync --api-key-file key.txt --db runs.db --quiet
  runledger sync --all            # every [[workspace]] of runledger.toml
  runledger sync --full --max-requests-per-second 2
  runledger sync --dry-run --json
  runledger sync --quiet --ping-url-file ping.txt";

const ENVIRONMENT: &str = "\
Environment:
  NEKT_API_KEY         API key
  RUNLEDGER_PING_URL   URL to ping when the sync starts and ends
  RUNLEDGER_REDACT     more JSON keys whose values are never stored, separated by commas
  HTTPS_PROXY          proxy, such as http://proxy.example:3128; NO_PROXY lists exceptions
  SSL_CERT_FILE        PEM file with the CA certificates to trust instead of the system's";

/// The arguments of `runledger sync`.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{ENVIRONMENT}"))]
pub struct SyncArgs {
    /// Sync every workspace in the settings
    ///
    /// Each has its own key. When one fails, the others are synced.
    #[arg(long)]
    pub all: bool,

    /// Read the whole run list instead of its newest part
    #[arg(long)]
    pub full: bool,

    /// Read the whole run list if the last full read is older than this, to find unannounced cost changes
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = time_span, hide_short_help = true)]
    pub full_every: TimeDelta,

    /// How far back to look for changes to archived runs
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = time_span)]
    pub lookback: TimeDelta,

    /// How long after its end to keep fetching a run without a known cost
    #[arg(long, value_name = "SPAN", default_value = "30d", value_parser = time_span, hide_short_help = true)]
    pub settle: TimeDelta,

    /// Runs to request per page; the API may return fewer
    #[arg(
        long,
        value_name = "N",
        default_value = "500",
        value_parser = clap::value_parser!(u32).range(1..=10_000),
        hide_short_help = true
    )]
    pub page_size: u32,

    /// Sync even if the API shows no run and no pipeline of the archive; use it once, after the workspace moved
    #[arg(long, hide_short_help = true)]
    pub accept_workspace: bool,

    /// Read the whole run list and mark as vanished each missing run that the API does not have, however many
    #[arg(long, hide_short_help = true)]
    pub confirm_vanished: bool,

    /// Print what would be stored, without storing it
    #[arg(long)]
    pub dry_run: bool,

    /// Evaluate the alert rules after the sync
    ///
    /// As `runledger alert` does; the result is that of the sync.
    #[arg(long, conflicts_with = "dry_run")]
    pub alert: bool,

    /// When and where to report alerts.
    #[command(flatten)]
    pub reporting: ReportingArgs,

    /// How to take the archive's lock.
    #[command(flatten)]
    pub lock: LockArgs,

    /// What to print.
    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    /// How to reach the API.
    #[command(flatten)]
    pub api: ApiArgs,

    /// Where to report the sync.
    #[command(flatten)]
    pub notifications: NotificationArgs,
}

/// Syncs, and sends notifications whatever the result.
///
/// # Errors
/// The error that ended the sync; [`Error::Partial`] when something is missing and the rest is kept.
pub(super) fn run(args: &SyncArgs, path: &Path, settings: Result<Settings>) -> Result<()> {
    let runtime = Runtime::start()?;
    let after_sync = AfterSync::of(args)?;
    let notifier = notify::start(args, &runtime)?;
    let result = match settings {
        Ok(settings) => {
            let (report, result) = sync_one(args, &Target::at(path, &settings), &runtime);
            let watched = after_sync.run(None, path, settings.clone(), &runtime);
            let report = SyncReport { watched, ..report };
            notifier.finish(&[report], result)
        }
        Err(error) => notifier.finish(&[], Err(error)),
    };
    runtime.shut_down();
    result
}

/// An archive and the workspace that fills it.
pub(super) struct Target<'a> {
    path: &'a Path,
    /// `None`: the workspace of the key in the arguments or the environment.
    workspace: Option<&'a Workspace>,
    /// What change detection ignores.
    ignored_fields: IgnoredFields,
    /// The settings file, or the place where it belongs.
    settings_file: PathBuf,
    is_one_of_several: bool,
}

impl<'a> Target<'a> {
    /// The archive at `path`, filled by its workspace in the settings if there is one.
    pub(super) fn at(path: &'a Path, settings: &'a Settings) -> Target<'a> {
        Target {
            path,
            workspace: settings.workspace_at(path),
            ignored_fields: settings.ignored_fields(),
            settings_file: settings.path_for(path),
            is_one_of_several: false,
        }
    }

    /// The archive of one of several workspaces, with its settings.
    fn of(workspace: &'a Workspace, settings: &Settings) -> Target<'a> {
        Target {
            path: &workspace.archive,
            workspace: Some(workspace),
            ignored_fields: settings.ignored_fields(),
            settings_file: settings.path_for(&workspace.archive),
            is_one_of_several: true,
        }
    }

    /// The report of a sync that did not start.
    fn not_tried(&self, args: &SyncArgs, exit_code: u8) -> SyncReport<'a> {
        SyncReport {
            workspace: self.name().map(ToOwned::to_owned),
            archive: self.path,
            settle: args.settle,
            began_at: SystemClock.now(),
            seconds: None,
            requests: None,
            exit_code,
            summary: "not tried".to_owned(),
            watched: None,
        }
    }

    /// The name of the workspace in output. `None`: the command syncs a single archive.
    fn name(&self) -> Option<&'a str> {
        self.workspace.filter(|_| self.is_one_of_several).map(|workspace| workspace.name.as_str())
    }
}

/// Syncs one archive and prints the summary. Returns the report for notifications, and the result.
fn sync_one<'a>(args: &SyncArgs, target: &Target<'a>, runtime: &Runtime) -> (SyncReport<'a>, Result<()>) {
    let began_at = SystemClock.now();
    let options = |redaction| Options {
        full: args.full,
        full_every: args.full_every,
        lookback: args.lookback,
        settle: args.settle,
        page_size: args.page_size,
        concurrency: args.api.concurrency,
        redaction,
        ignored_fields: target.ignored_fields.clone(),
        dry_run: args.dry_run,
        accept_workspace: args.accept_workspace,
        confirm_vanished: args.confirm_vanished,
    };
    let attempt = match settings::redaction() {
        Ok(redaction) => {
            let options = options(redaction);
            attempt(&args.api, &args.lock, &args.verbosity, target, &options, runtime, sync::sync)
        }
        Err(error) => Attempt::not_started(error),
    };
    report(args, target, began_at, attempt)
}

/// The report of an attempt for notifications, and its result.
fn report<'a>(
    args: &SyncArgs,
    target: &Target<'a>,
    began_at: Instant,
    attempt: Attempt,
) -> (SyncReport<'a>, Result<()>) {
    let Attempt { text, seconds, requests, result } = attempt;
    let exit_code = result.as_ref().err().map_or(0, Error::exit_code);
    let report =
        SyncReport { began_at, seconds, requests, summary: text, ..target.not_tried(args, exit_code) };
    (report, result)
}
