//! This is `runledger fetch`: it archives runs by their ids.

use super::connection::Engine;
use super::sync::{Target, attempt};
use crate::cli::FetchArgs;
use crate::error::Result;
use crate::settings::{self, Settings};
use crate::sync::{self, Options};
use std::path::Path;

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
    let engine = Engine::start()?;
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
