//! `runledger config`: prints the effective settings and their origins.

use crate::cli::JsonArgs;
use crate::commands::shared::allocation::warn_of_idle_rules;
use crate::commands::shared::output::print_plain_table;
use crate::error::Result;
use crate::report::allocation_check::Searched;
use crate::report::latest_close::LatestClose;
use crate::report::{Cell, Table};
use crate::settings::{Setting, Settings};
use crate::store::Archive;
use crate::sync::{Clock, SystemClock};
use clap::Args;
use std::path::PathBuf;

/// The arguments of `runledger config`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger config
  runledger config --config /etc/runledger/runledger.toml --json")]
pub struct ConfigArgs {
    /// Text or JSON.
    #[command(flatten)]
    pub format: JsonArgs,
}

/// Prints each setting, its value and its origin. A secret is printed as `(set)`. Reports cost-center rules that match
/// nothing.
///
/// # Errors
/// [`crate::error::Error::Usage`] when a setting or an exchange rate is invalid.
pub(super) fn run(args: &ConfigArgs, archive: Setting<PathBuf>, settings: &Settings) -> Result<()> {
    // The settings can be written before the first sync, and an archive can be unreadable.
    let opened = Archive::open_for_reading(&archive.value).ok();
    let latest = opened.as_ref().and_then(|archive| LatestClose::of(archive, None).ok().flatten());
    let rows = settings.in_force(archive, latest.as_ref())?.into_iter().map(|(name, setting)| {
        vec![Cell::text(name), Cell::Text(setting.value), Cell::text(setting.origin.to_string())]
    });
    let columns = ["setting", "value", "from"].map(str::to_owned).to_vec();
    let table = Table { columns, rows: rows.collect(), totals: None };
    print_plain_table(&table, args.format.is_json())?;
    // The rates are in a file of their own, which the table does not show.
    settings.terms(SystemClock.now())?;
    warn_of_idle_rules(settings.allocation(), &Searched::archives(&opened), settings)
        .or_else(|_| warn_of_idle_rules(settings.allocation(), &Searched::default(), settings))
        .map(drop)
}
