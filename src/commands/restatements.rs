//! `runledger restatements`: lists changes to closed months since their close.

use crate::cli::TableArgs;
use crate::commands::shared::output::{print_table, provenance};
use crate::commands::shared::scope::scope_of_all_runs;
use crate::error::{Error, Result};
use crate::export::manifest::Provenance;
use crate::report::allocation::Allocation;
use crate::report::neighbors::warn_of_conflicts_between;
use crate::report::{Ledger, Scope, restatements};
use crate::settings::Settings;
use crate::store::Archive;
use clap::Args;
use std::path::Path;

/// The arguments of `runledger restatements`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger restatements
  runledger restatements --period 2026-01 --totals
  runledger restatements --period 2026-01 --format csv --output late.csv")]
pub struct RestatementsArgs {
    /// Only this month, such as 2026-01
    #[arg(long, value_name = "MONTH")]
    pub period: Option<String>,

    /// One row per month: closed totals, current totals and the difference
    #[arg(long)]
    pub totals: bool,

    /// Use the data as known at this instant (2026-02-01T12:00:00Z), or at the end of this day
    #[arg(long, value_name = "INSTANT|DAY")]
    pub as_of: Option<String>,

    /// How and where to print the table.
    #[command(flatten)]
    pub table: TableArgs,
}

/// Lists the changes, or the totals of each month. For a restated month, the latest close counts.
///
/// # Errors
/// [`Error::Usage`] when the month is not closed.
pub(super) fn run(args: &RestatementsArgs, path: &Path, settings: &Settings) -> Result<()> {
    let table_args = args.table.resolved()?;
    let archive = Archive::open_for_reading(path)?;
    // One read transaction, so that all months show the same state.
    let _reading = archive.connection().unchecked_transaction()?;
    let scope = scope_of_all_runs(args.as_of.as_deref(), settings, &archive)?;
    let (now, zone) = (scope.as_of, scope.zone);
    let ledger = Ledger::open(archive.connection(), Scope { allocation: Allocation::default(), ..scope })?;
    let mut closes = restatements::latest_known_at(archive.closes()?, now);
    if let Some(period) = &args.period {
        closes.retain(|close| close.frozen.period == *period);
        if closes.is_empty() {
            return Err(Error::Usage {
                what: match now {
                    Some(now) => format!("--period {period}: the month is not closed as of {now}"),
                    None => format!("--period {period}: the month is not closed"),
                },
                hint: Some("`runledger close` lists the closed months".to_owned()),
            });
        }
    }
    let scopes = closes.iter().map(Scope::of_close).collect::<Result<Vec<_>>>()?;
    warn_of_conflicts_between(&scopes, &archive)?;
    let table = match args.totals {
        true => restatements::summed(ledger.connection(), &closes, now)?,
        false => restatements::listed(ledger.connection(), &closes, now)?,
    };
    // Each close has its own zone and date basis.
    let provenance = provenance("restatements".to_owned(), ledger.scope(), &archive)?;
    let provenance =
        Provenance { period: args.period.clone(), date_basis: None, notes: Vec::new(), ..provenance };
    print_table(&table, &table_args, settings, zone, provenance)
}
