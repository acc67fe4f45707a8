//! This is `runledger sandbox`: it serves the look-alike of the API until it is stopped.

use super::connection::runtime;
use super::say;
use crate::cli::SandboxArgs;
use crate::error::{Error, Result};
use crate::sandbox::{Model, Options, Plan, Sandbox};
use crate::settings::{API_KEY_VARIABLE, API_URL_VARIABLE};
use chrono::Utc;
use std::time::Duration;

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
/// [`Error::Unforeseen`] when the port cannot be had.
pub fn run(args: &SandboxArgs) -> Result<()> {
    let plan = Plan { seed: args.seed, runs: args.runs, ..Plan::ending_at(Utc::now()) };
    let options = Options {
        port: args.port,
        latency: Duration::from_millis(args.latency_ms),
        max_page_size: args.max_page_size,
        log: false,
        ..Options::default()
    };
    let runtime = runtime()?;
    let stop = super::connection::stop_on_signals(&runtime)?;
    let sandbox = runtime.block_on(Sandbox::start(Model::new(&plan), options)).map_err(|cause| {
        Error::Unforeseen(format!("port {} of this machine cannot be served: {cause}", args.port))
    })?;
    say(&format!("{} key {}", sandbox.url(), sandbox.api_key()))?;
    say(&format!(
        "{} runs; try: {API_KEY_VARIABLE}={} {API_URL_VARIABLE}={} runledger sync",
        args.runs,
        sandbox.api_key(),
        sandbox.url()
    ))?;
    runtime.block_on(stop.requested());
    Ok(())
}
