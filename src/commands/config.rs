//! `runledger config`: prints the effective settings and their origins.

use crate::commands::shared::output::print_plain_table;
use crate::error::Result;
use crate::report::latest_close::LatestClose;
use crate::report::{Cell, Table};
use crate::settings::{Setting, Settings};
use crate::store::Archive;
use clap::Args;
use std::path::PathBuf;

/// The arguments of `runledger config`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger config
  runledger config --config /etc/runledger/runledger.toml --json")]
pub struct ConfigArgs {
    /// Print a JSON array of objects
    #[arg(long)]
    pub json: bool,
}

/// Prints each setting, its value and its origin. A secret is printed as `(set)`.
pub(super) fn run(args: &ConfigArgs, archive: Setting<PathBuf>, settings: &Settings) -> Result<()> {
    // Without an archive, or with one that cannot be read, the settings are what there is to print.
    let latest = match archive.value.exists() {
        true => Archive::open_for_reading(&archive.value)
            .and_then(|archive| LatestClose::of(&archive, None))
            .unwrap_or_default(),
        false => None,
    };
    let rows = settings.in_force(archive, latest.as_ref())?.into_iter().map(|(name, setting)| {
        vec![Cell::text(name), Cell::Text(setting.value), Cell::text(setting.origin.to_string())]
    });
    let columns = ["setting", "value", "from"].map(str::to_owned).to_vec();
    let table = Table { columns, rows: rows.collect(), totals: None };
    print_plain_table(&table, args.json)
}
