//! `runledger config`: prints the effective settings and their origins.

use crate::cli::JsonArgs;
use crate::commands::shared::allocation::warn_of_idle_rules;
use crate::commands::shared::facts::{Facts, from_here, notes, title};
use crate::commands::shared::output::{print_plain_table, print_view};
use crate::commands::shared::terminal::screen;
use crate::error::Result;
use crate::export::terminal::Role;
use crate::report::allocation_check::Searched;
use crate::report::latest_close::LatestClose;
use crate::report::{Cell, Table};
use crate::settings::{Origin, Setting, Settings};
use crate::store::Archive;
use crate::sync::{Clock, SystemClock};
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
    settings.budgets(None)?;
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

/// Prints the settings that have a value, each with its origin, and names the others below. Rules that decide in order
/// are numbered.
fn print_settings(path: &Path, in_force: Vec<Named>) -> Result<()> {
    let screen = screen(None, false, None);
    let (set, unset): (Vec<Named>, Vec<Named>) =
        in_force.into_iter().partition(|(_, setting)| setting.value.is_some());
    let mut facts = Facts::default();
    for (name, Setting { value, origin }) in number_rules(set) {
        let (role, origin) = match origin {
            Origin::Default => (Role::Dim, "default".to_owned()),
            Origin::File(file) => (Role::Plain, from_here(&file)),
            origin => (Role::Plain, origin.to_string()),
        };
        facts.add_as(role, name, format!("{}  ({origin})", value.unwrap_or_default()));
    }
    let mut lines = title("Settings".to_owned(), &[Some(from_here(path))], &screen);
    lines.push(String::new());
    lines.extend(facts.lines(&screen));
    if !unset.is_empty() {
        let unset: Vec<&str> = unset.iter().map(|(name, _)| name.as_str()).collect();
        lines.push(String::new());
        lines.extend(notes(&[&format!("Not set: {}", unset.join(", "))], &screen));
    }
    print_view(&lines.join("\n"))
}

/// Numbers the rules of cost centers if there are several.
fn number_rules(mut settings: Vec<Named>) -> Vec<Named> {
    let rules = settings.iter_mut().filter(|(name, _)| name == "cost_center");
    for (index, (name, _)) in rules.enumerate() {
        *name = format!("cost_center {}", index + 1);
    }
    settings
}
