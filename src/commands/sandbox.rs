//! This is `runledger sandbox`: it serves the look-alike of the API until it is stopped.

use crate::cli::at_least_one;
use crate::commands::shared::output::say;
use crate::commands::shared::runtime::runtime;
use crate::error::{Error, Result};
use crate::sandbox::{Model, Options, Plan, Sandbox};
use crate::settings::{API_KEY_VARIABLE, API_URL_VARIABLE};
use chrono::Utc;
use clap::Args;
use std::time::Duration;

/// `runledger sandbox`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger sandbox --port 8080 --runs 100000 --latency-ms 50
  NEKT_API_KEY=sandbox-key RUNLEDGER_API_URL=http://127.0.0.1:8080 runledger sync --db try.db")]
pub struct SandboxArgs {
    /// The port on 127.0.0.1; 0 takes any that is free
    #[arg(long, default_value_t = 8080)]
    pub port: u16,

    /// How many runs to make up
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub runs: usize,

    /// What to make them up from: the same seed makes the same runs
    #[arg(long, default_value_t = 7, value_name = "N")]
    pub seed: u64,

    /// How long each answer takes, in milliseconds
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub latency_ms: u64,

    /// The most runs on a page; a larger page_size is cut without a word
    #[arg(long, default_value = "500", value_name = "N", value_parser = at_least_one)]
    pub max_page_size: usize,
}

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
/// [`Error::Internal`] when the port cannot be had.
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
    let stop = crate::commands::shared::runtime::stop_on_signals(&runtime)?;
    let sandbox = runtime.block_on(Sandbox::start(Model::new(&plan), options)).map_err(|cause| {
        Error::Internal(format!("port {} of this machine cannot be served: {cause}", args.port))
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
