//! Arguments of the commands that send requests to the API or write to the archive.

use super::time_span;
use super::value_parsers::{at_least_one, rate};
use chrono::TimeDelta;
use clap::Args;
use std::path::PathBuf;

/// How to reach the API.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "API")]
pub struct ApiArgs {
    /// Base URL of the API.
    // The help is an attribute because rustdoc rejects a bare URL in a doc comment.
    #[arg(
        long,
        value_name = "URL",
        help = "Base URL of the API [env: RUNLEDGER_API_URL] [default: https://api.nekt.ai]",
        hide_short_help = true
    )]
    pub api_url: Option<String>,

    /// Read the API key from this file instead of the environment variable NEKT_API_KEY
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,

    /// Maximum number of concurrent requests
    #[arg(long, value_name = "N", default_value = "4", value_parser = at_least_one, hide_short_help = true)]
    pub concurrency: usize,

    /// Maximum number of requests started per second [default: unlimited]
    #[arg(long, value_name = "RATE", value_parser = rate, hide_short_help = true)]
    pub max_requests_per_second: Option<f64>,
}

/// How to take the archive's lock.
#[derive(Debug, Clone, Args)]
pub struct LockArgs {
    /// Wait up to this long for another process to release the archive, such as 10m [default: do not wait]
    #[arg(
        long,
        value_name = "SPAN",
        default_value = "0s",
        value_parser = time_span,
        hide_default_value = true,
        hide_short_help = true
    )]
    pub lock_wait: TimeDelta,
}
