//! This is `runledger restatements`: what became known of closed months after their close.

use crate::cli::TableArgs;
use crate::commands::shared::output::{asked, print};
use crate::commands::shared::scope::as_of;
use crate::error::{Error, Result};
use crate::export::manifest::Provenance;
use crate::report::{Ledger, Scope, restatements};
use crate::settings::Settings;
use crate::store::Archive;
use clap::Args;
use std::path::Path;

/// `runledger restatements`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger restatements
  runledger restatements --period 2026-01 --totals
  runledger restatements --period 2026-01 --format csv --output late.csv")]
pub struct RestatementsArgs {
    /// Only of this month, such as 2026-01
    #[arg(long, value_name = "MONTH")]
    pub period: Option<String>,

    /// One row a month: what was closed, what is known now, and the difference
    #[arg(long)]
    pub totals: bool,

    /// As known at this instant (2026-02-01T12:00:00Z), or at the end of this day
    #[arg(long, value_name = "INSTANT|DAY")]
    pub as_of: Option<String>,

    /// How the answer is printed, and where.
    #[command(flatten)]
    pub answer: TableArgs,
}

/// Lists what became known, or one row a month. Of a month that was closed again the latest close answers.
///
/// # Errors
/// [`Error::Usage`] when the month that is asked for is not closed.
pub fn run(args: &RestatementsArgs, path: &Path, settings: &Settings) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    // One moment for every month.
    let _reading = archive.connection().unchecked_transaction()?;
    let zone = settings.zone(None)?.value;
    let now = args.as_of.as_deref().map(|moment| as_of(moment, zone)).transpose()?;
    let ledger = Ledger::open(archive.connection(), Scope { as_of: now, zone, ..Scope::default() })?;
    let mut closes = archive.closes()?;
    // A month that was closed with later knowledge was not closed so then.
    closes.retain(|close| now.is_none_or(|now| close.frozen.known_at <= now));
    let mut closes = restatements::latest(closes);
    if let Some(period) = &args.period {
        closes.retain(|close| close.frozen.period == *period);
        if closes.is_empty() {
            return Err(Error::Usage {
                what: match now {
                    Some(now) => format!("--period {period}: it is not closed with what was known at {now}"),
                    None => format!("--period {period}: it is not closed"),
                },
                hint: Some("`runledger close` lists the closed months".to_owned()),
            });
        }
    }
    let table = match args.totals {
        true => restatements::summed(ledger.connection(), &closes, now)?,
        false => restatements::listed(ledger.connection(), &closes, now)?,
    };
    let asked = asked("restatements".to_owned(), ledger.scope(), &archive)?;
    let asked = Provenance { period: args.period.clone(), ..asked };
    print(&table, &args.answer, settings, zone, asked)
}
