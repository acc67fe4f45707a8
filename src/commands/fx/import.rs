//! `runledger fx import`: imports the Banco Central's file of exchange rates.

use crate::cli::OutcomeArgs;
use crate::commands::shared::outcome::print_outcome;
use crate::error::{Error, Result};
use crate::export::Destination;
use crate::report::fx::{Imported, OnConflict, RateFile, import};
use crate::settings::Settings;
use crate::sync::{Clock, SystemClock};
use crate::wording::counted;
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The arguments of `runledger fx import`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
FILE is the CSV file that the Banco Central's PTAX page offers for a currency and a range of days: the
currency \"Dólar dos EUA\", with semicolons, decimal commas and days such as 30102026. The selling rate
(\"taxa venda\") becomes a rate of BRL with the source \"PTAX venda\". Importing a file again changes nothing.

Examples:
  runledger fx import PTAX.csv
  runledger fx import PTAX.csv --rates rates.csv --replace")]
pub(super) struct ImportArgs {
    /// The Banco Central's file, as downloaded
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    /// The CSV file of rates to add to [default: `rates` in [fx]]
    ///
    /// It is created if it is missing. The table fx is that of the settings.
    #[arg(long, value_name = "FILE")]
    pub(super) rates: Option<PathBuf>,

    /// Replace rates of the same days that differ, instead of refusing the file
    #[arg(long)]
    pub(super) replace: bool,

    /// What to print.
    #[command(flatten)]
    pub(super) outcome: OutcomeArgs,
}

/// Adds the rates to the file of rates, and prints what has changed.
///
/// # Errors
/// [`Error::Usage`] when there is no file of rates, or when one of both files is invalid; [`Error::Output`] when the
/// file of rates cannot be written.
pub(super) fn run(args: &ImportArgs, settings: &Settings) -> Result<()> {
    let rates_path = args.rates.as_deref().or(settings.rates_file()).ok_or_else(|| Error::Usage {
        what: "the settings name no file of rates".to_owned(),
        hint: Some(
            "give it with --rates, or add [fx] with currency, policy and rates to runledger.toml".to_owned(),
        ),
    })?;
    let today = settings.today(SystemClock.now())?;
    let mut rates = match rates_path.exists() {
        true => RateFile::read(rates_path, today)?,
        false => RateFile::default(),
    };
    let on_conflict = if args.replace { OnConflict::Replace } else { OnConflict::Refuse };
    let imported = import(&args.file, today, &mut rates, rates_path, on_conflict)?;
    if !imported.added.is_empty() || imported.replaced > 0 {
        Destination::File(rates_path.to_owned()).write(|out| Ok(out.write_all(rates.text().as_bytes())?))?;
    }
    print_outcome(args.outcome, || summary(&imported, rates_path), || as_json(&imported, rates_path))
}

fn as_json(imported: &Imported, rates_path: &Path) -> Value {
    let Imported { added, replaced, unchanged, other_currencies } = imported;
    json!({
        "rates": rates_path.to_string_lossy(),
        "added": added.len(),
        "first_added": added.first().map(ToString::to_string),
        "last_added": added.last().map(ToString::to_string),
        "replaced": replaced,
        "unchanged": unchanged,
        "other_currencies": other_currencies,
    })
}

/// `rates.csv: 21 rates added, from 2026-10-01 to 2026-10-30; 2 unchanged`
fn summary(imported: &Imported, rates_path: &Path) -> String {
    let Imported { added, replaced, unchanged, other_currencies } = imported;
    let mut parts = vec![format!("{} added", counted(added.len() as u64, "rate"))];
    if let (Some(first), Some(last)) = (added.first(), added.last()) {
        parts[0] += &match first == last {
            true => format!(", of {first}"),
            false => format!(", from {first} to {last}"),
        };
    }
    let counts = [(*replaced, "replaced"), (*unchanged, "unchanged")];
    parts
        .extend(counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    if *other_currencies > 0 {
        parts.push(format!("{} of other currencies skipped", counted(*other_currencies, "line")));
    }
    format!("{}: {}", rates_path.display(), parts.join("; "))
}
