//! `runledger sandbox`: serves a mock API until it is interrupted.

use crate::cli::at_least_one;
use crate::commands::shared::output::print_line;
use crate::commands::shared::runtime::Runtime;
use crate::error::{Error, Result};
use crate::sandbox::{Incident, Model, Options, Plan, Sandbox};
use crate::settings::{API_KEY_VARIABLE, API_URL_VARIABLE};
use chrono::Utc;
use clap::{Args, ValueEnum, value_parser};
use std::time::Duration;

/// The arguments of `runledger sandbox`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger sandbox --port 8080 --runs 100000 --latency-ms 50
  runledger sandbox --port 8080 --incidents skipped,delayed,hung,failing
  NEKT_API_KEY=sandbox-key RUNLEDGER_API_URL=http://127.0.0.1:8080 runledger sync --db try.db")]
pub struct SandboxArgs {
    /// Port on 127.0.0.1; 0 picks a free port
    #[arg(long, default_value_t = 8080)]
    pub port: u16,

    /// Number of runs to generate
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub runs: usize,

    /// Number of pipelines, at least 40
    #[arg(long, default_value_t = 40, value_name = "N", value_parser = value_parser!(u32).range(40..))]
    pub pipelines: u32,

    /// Seed of the generator; the same seed generates the same runs
    #[arg(long, default_value_t = 7, value_name = "N")]
    pub seed: u64,

    /// What goes wrong with the newest runs, each with another pipeline; several are separated by commas
    #[arg(long, value_delimiter = ',', value_name = "WHAT")]
    pub incidents: Vec<IncidentName>,

    /// Delay of each response, in milliseconds
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub latency_ms: u64,

    /// Maximum number of runs per page; a larger page_size is silently reduced
    #[arg(long, default_value = "500", value_name = "N", value_parser = at_least_one)]
    pub max_page_size: usize,
}

/// What can go wrong with the newest runs of a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IncidentName {
    /// The last three firings have no runs
    Skipped,
    /// A run was created 47 minutes late
    Delayed,
    /// A run has been running for hours
    Hung,
    /// The last runs failed, and one more failure disables the pipeline
    Failing,
}

impl From<IncidentName> for Incident {
    fn from(incident: IncidentName) -> Incident {
        match incident {
            IncidentName::Skipped => Incident::Skipped,
            IncidentName::Delayed => Incident::Delayed,
            IncidentName::Hung => Incident::Hung,
            IncidentName::Failing => Incident::Failing,
        }
    }
}

/// Serves until SIGHUP, SIGINT or SIGTERM.
///
/// # Errors
/// [`Error::Internal`] when the port is not available.
pub(super) fn run(args: &SandboxArgs) -> Result<()> {
    let incidents = args.incidents.iter().copied().map(Incident::from).collect();
    let plan = Plan {
        seed: args.seed,
        runs: args.runs,
        pipelines: args.pipelines as usize,
        incidents,
        ..Plan::ending_at(Utc::now())
    };
    let options = Options {
        port: args.port,
        latency: Duration::from_millis(args.latency_ms),
        max_page_size: args.max_page_size,
        log: false,
        ..Options::default()
    };
    let Runtime { runtime, cancel } = Runtime::start()?;
    let sandbox = runtime
        .block_on(Sandbox::start(Model::new(&plan), options))
        .map_err(|cause| Error::Internal(format!("cannot listen on port {}: {cause}", args.port)))?;
    print_line(&format!("{} key {}", sandbox.url(), sandbox.api_key()))?;
    print_line(&format!(
        "{} runs; try: {API_KEY_VARIABLE}={} {API_URL_VARIABLE}={} runledger sync",
        args.runs,
        sandbox.api_key(),
        sandbox.url()
    ))?;
    for incident in &args.incidents {
        let model = sandbox.model();
        let pipeline = model.incidents().into_iter().find(|(found, _)| *found == Incident::from(*incident));
        let slug = pipeline.and_then(|(_, id)| model.pipeline_slug(id)).unwrap_or("no pipeline suits");
        let name = incident.to_possible_value().expect("no incident is hidden");
        print_line(&format!("{}: {slug}", name.get_name()))?;
    }
    runtime.block_on(cancel.cancelled());
    Ok(())
}
