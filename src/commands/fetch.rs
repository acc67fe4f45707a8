//! This is `runledger fetch`: it archives runs by their ids.

use super::sync::{Target, attempt};
use crate::cli::{ApiArgs, LockArgs, VerbosityArgs};
use crate::commands::shared::runtime::Runtime;
use crate::error::Result;
use crate::settings::{self, Settings};
use crate::sync::{self, Options};
use clap::Args;
use std::path::Path;
use uuid::Uuid;

/// `runledger fetch`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger fetch 31a52a1f-3907-430d-87fb-995156708555
  runledger fetch 31a52a1f-3907-430d-87fb-995156708555 780070c5-2b82-417c-9546-e17b43c1387b --json")]
pub struct FetchArgs {
    /// The ids (UUIDs) of the runs
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<Uuid>,

    /// How the API is asked.
    #[command(flatten)]
    pub api: ApiArgs,

    /// How the archive's lock is taken.
    #[command(flatten)]
    pub lock: LockArgs,

    /// What is said of it.
    #[command(flatten)]
    pub talk: VerbosityArgs,
}

/// Archives the runs; those that the API does not have are named, the others are kept.
///
/// # Errors
/// [`crate::error::Error::Partial`] when any run could not be had.
pub fn run(args: &FetchArgs, path: &Path, settings: &Settings) -> Result<()> {
    let options = Options {
        concurrency: args.api.concurrency,
        redaction: settings::redaction()?,
        ..Options::default()
    };
    let mut ids = args.ids.clone();
    ids.sort_unstable();
    ids.dedup();
    let engine = Runtime::start()?;
    let attempt = attempt(
        &args.api,
        &args.lock,
        &args.talk,
        &Target::at(path, settings),
        &options,
        &engine,
        |archive, means, options| sync::fetch(archive, means, options, &ids),
    );
    engine.shut_down();
    attempt.result
}
