//! Arguments for reporting the start and the result of a sync to monitoring systems.

use crate::secret::PingUrl;
use clap::Args;
use std::path::PathBuf;

/// Where to report the start and the result of a sync. A dry run reports nothing.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Notifications")]
pub struct NotificationArgs {
    /// Ping this healthchecks.io-style URL when the sync starts and ends. Other users of this machine can see the
    /// argument; the file and the environment variable keep it secret
    #[arg(long, value_name = "URL", conflicts_with = "ping_url_file", hide_short_help = true)]
    pub ping_url: Option<PingUrl>,

    /// Read the ping URL from this file instead of the environment variable RUNLEDGER_PING_URL
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub ping_url_file: Option<PathBuf>,

    /// Write metrics for Prometheus's textfile collector to this file, replaced atomically, even after a failed sync
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub metrics_file: Option<PathBuf>,
}
