//! This is `runledger config`: the settings in force, and where each comes from.

use crate::error::Result;
use crate::export::{Destination, Format, WriteOptions, write_table};
use crate::report::{Cell, Table};
use crate::settings::{Setting, Settings};
use clap::Args;
use std::path::PathBuf;

/// `runledger config`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger config
  runledger config --config /etc/runledger/runledger.toml --json")]
pub struct ConfigArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Prints each setting, its value and its origin. Of a credential only whether it is there.
pub fn run(args: &ConfigArgs, archive: Setting<PathBuf>, settings: &Settings) -> Result<()> {
    let rows = settings.in_force(archive)?.into_iter().map(|(name, setting)| {
        vec![Cell::text(name), Cell::Text(setting.value), Cell::text(setting.origin.to_string())]
    });
    let columns = ["setting", "value", "from"].map(str::to_owned).to_vec();
    let table = Table { columns, rows: rows.collect(), totals: None };
    let format = if args.json { Format::Json } else { Format::Terminal };
    write_table(&table, &WriteOptions::plain(format), &Destination::StandardOutput)
}
