//! This is `runledger reconcile`: it compares an invoice with the ledger and says which usual cause closes the gap.

use super::scope::scope;
use super::writing::{asked, print};
use crate::cli::{ReconcileArgs, ScopeArgs};
use crate::error::{Error, Result};
use crate::report::reconcile::{Invoice, Zones, reconcile};
use crate::settings::Settings;
use crate::store::Archive;
use std::io::Write;
use std::path::Path;

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
