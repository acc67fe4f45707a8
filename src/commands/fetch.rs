//! `runledger fetch`: fetches runs by id into the archive.

use super::sync::{Target, attempt};
use crate::cli::{ApiArgs, LockArgs, VerbosityArgs};
use crate::commands::shared::runtime::Runtime;
use crate::error::Result;
use crate::settings::{self, Settings};
use crate::sync::{self, Options};
use clap::Args;
use std::path::Path;
use uuid::Uuid;

/// The arguments of `runledger fetch`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger fetch 31a52a1f-3907-430d-87fb-995156708555
  runledger fetch 31a52a1f-3907-430d-87fb-995156708555 --json")]
pub struct FetchArgs {
    /// Run ids (UUIDs)
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<Uuid>,

    /// How to take the archive's lock.
    #[command(flatten)]
    pub lock: LockArgs,

    /// What to print.
    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    /// How to reach the API.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Fetches the runs. Runs that the API does not have are named; the others are kept.
///
/// # Errors
/// [`crate::error::Error::Partial`] when a run could not be fetched.
pub(super) fn run(args: &FetchArgs, path: &Path, settings: &Settings) -> Result<()> {
    let options = Options {
        concurrency: args.api.concurrency,
        redaction: settings::redaction()?,
        ignored_fields: settings.ignored_fields(),
        ..Options::default()
    };
    let mut ids = args.ids.clone();
    ids.sort_unstable();
    ids.dedup();
    let runtime = Runtime::start()?;
    let attempt = attempt(
        &args.api,
        &args.lock,
        &args.verbosity,
        &Target::at(path, settings),
        &options,
        &runtime,
        |archive, context, options| sync::fetch(archive, context, options, &ids),
    );
    runtime.shut_down();
    attempt.result
}
