//! This is `runledger reconcile`: it compares an invoice with the ledger and says which usual cause closes the gap.

use crate::cli::ScopeArgs;
use crate::cli::{PeriodArgs, TableArgs};
use crate::commands::shared::output::{asked, print};
use crate::commands::shared::scope::scope;
use crate::error::{Error, Result};
use crate::report::reconcile::{Invoice, Zones, reconcile};
use crate::settings::Settings;
use crate::store::Archive;
use clap::Args;
use std::io::Write;
use std::path::Path;

/// `runledger reconcile`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger reconcile --period 2026-01 --invoice 412.10
  runledger reconcile --period 2026-01 --invoice 412.10 --zone America/Sao_Paulo --every-zone")]
pub struct ReconcileArgs {
    /// The month that is invoiced, such as 2026-01. A closed month answers as it was closed
    #[arg(long, value_name = "PERIOD")]
    pub period: String,

    /// The invoice's amount in US dollars, such as 412.10; its last digit tells how exact it is
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    pub invoice: String,

    /// Try the months of every time zone, not only of those that the ledger knows: some may meet the invoice by chance
    #[arg(long)]
    pub every_zone: bool,

    /// Which month a run is in.
    #[command(flatten)]
    pub booking: PeriodArgs,

    /// Answer as known at this instant (2026-02-01T12:00:00Z), or at the end of this day
    #[arg(long, value_name = "INSTANT|DAY")]
    pub as_of: Option<String>,

    /// How the answer is printed, and where.
    #[command(flatten)]
    pub answer: TableArgs,
}

/// Tries the causes in turn, each a row.
///
/// # Errors
/// [`Error::Partial`] when none closes the gap.
pub fn run(args: &ReconcileArgs, path: &Path, settings: &Settings) -> Result<()> {
    let invoice = Invoice::parse(&args.invoice)?;
    let archive = Archive::open_for_reading(path)?;
    let month = ScopeArgs {
        period: Some(args.period.clone()),
        booking: args.booking.clone(),
        as_of: args.as_of.clone(),
        ..ScopeArgs::default()
    };
    let scope = scope(&month, settings, &archive)?;
    let zones = if args.every_zone { Zones::All } else { Zones::Known };
    let found = reconcile(archive.connection(), &scope, invoice, settings.plan(), zones)?;
    let asked = asked(format!("reconcile --invoice {}", args.invoice), &scope, &archive)?;
    print(&found.table(), &args.answer, settings, scope.zone, asked)?;
    let explanations = found.explanations();
    if explanations.is_empty() {
        let could = match found.possible().as_slice() {
            [] => String::new(),
            causes => format!(" (what could: {})", causes.join("; ")),
        };
        return Err(Error::Partial {
            what: format!(
                "no usual cause closes the gap of {} USD between the invoice and the ledger{could}",
                found.gap()
            ),
        });
    }
    // Whoever closed it does not want to be told.
    let _ = writeln!(std::io::stderr(), "the invoice is met: {}", explanations.join("; or "));
    Ok(())
}
