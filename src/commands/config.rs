//! `runledger config`: prints the effective settings and their origins.

use crate::cli::JsonArgs;
use crate::commands::shared::allocation::warn_of_idle_rules;
use crate::commands::shared::facts::from_here;
use crate::commands::shared::output::print_plain_table;
use crate::commands::shared::view::View;
use crate::error::Result;
use crate::report::allocation_check::Searched;
use crate::report::latest_close::LatestClose;
use crate::report::{Cell, Table};
use crate::settings::{Setting, Settings};
use crate::store::Archive;
use crate::sync::{Clock, SystemClock};
use chrono_tz::Tz;
use clap::Args;
use std::path::{Path, PathBuf};

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
    let path = archive.value.clone();
    let in_force = settings.in_force(archive, latest.as_ref())?;
    match args.format.is_json() {
        true => print_plain_table(&as_table(in_force), true)?,
        false => print_settings(&path, in_force)?,
    }
    // The rates are in a file of their own, which the table does not show.
    settings.terms(SystemClock.now())?;
    warn_of_idle_rules(settings.allocation(), &Searched::archives(&opened), settings)
        .or_else(|_| warn_of_idle_rules(settings.allocation(), &Searched::default(), settings))
        .map(drop)
}

/// A setting: its name, and its value as text. `None`: not set.
type Named = (String, Setting<Option<String>>);

fn as_table(settings: Vec<Named>) -> Table {
    let rows = settings.into_iter().map(|(name, setting)| {
        vec![Cell::text(name), Cell::Text(setting.value), Cell::text(setting.origin.to_string())]
    });
    let columns = ["setting", "value", "from"].map(str::to_owned).to_vec();
    Table { columns, rows: rows.collect(), totals: None }
}

/// Prints the settings that have a value, and names the others below. Rules that decide in order are numbered.
fn print_settings(path: &Path, in_force: Vec<Named>) -> Result<()> {
    let (set, unset): (Vec<Named>, Vec<Named>) =
        in_force.into_iter().partition(|(_, setting)| setting.value.is_some());
    let unset: Vec<&str> = unset.iter().map(|(name, _)| name.as_str()).collect();
    let notes = if unset.is_empty() { None } else { Some(format!("Not set: {}", unset.join(", "))) };
    let mut table = as_table(number_rules(set));
    for row in &mut table.rows {
        if let Cell::Text(Some(origin)) = &mut row[2]
            && Path::new(origin.as_str()).is_absolute()
        {
            *origin = from_here(Path::new(origin.as_str()));
        }
    }
    let context = [Some(from_here(path))];
    let notes: Vec<String> = notes.into_iter().collect();
    let view = View { name: "config", subject: "Settings", context: &context, notes: &notes };
    view.print(&table, Tz::UTC, SystemClock.now())
}

/// Numbers the rules of cost centers if there are several.
fn number_rules(mut settings: Vec<Named>) -> Vec<Named> {
    let rules = settings.iter_mut().filter(|(name, _)| name == "cost_center");
    for (index, (name, _)) in rules.enumerate() {
        *name = format!("cost_center {}", index + 1);
    }
    settings
}
