//! This is `runledger reconcile`: it compares an invoice with the ledger and says which usual cause closes the gap.

use super::scope::scope;
use crate::cli::{ReconcileArgs, ScopeArgs, TableFormat};
use crate::error::{Error, Result};
use crate::export::{Destination, csv, json, markdown, terminal};
use crate::report::reconcile::{Invoice, reconcile};
use crate::settings::Settings;
use crate::store::Archive;
use std::path::Path;

/// Tries the causes in turn, each a row.
///
/// # Errors
/// [`Error::Partial`] when none closes the gap.
pub fn run(args: &ReconcileArgs, path: &Path, settings: &Settings) -> Result<()> {
    let invoice = Invoice::parse(&args.invoice)?;
    let archive = Archive::open_for_reading(path)?;
    let asked = ScopeArgs {
        period: Some(args.period.clone()),
        zone: args.zone.clone(),
        date: args.date.clone(),
        as_of: args.as_of.clone(),
        ..ScopeArgs::default()
    };
    let scope = scope(&asked, settings, &archive)?;
    let found = reconcile(archive.connection(), &scope, invoice, settings.plan())?;
    let table = found.table();
    Destination::at(args.output.output.as_deref()).write(|out| {
        Ok(match args.format {
            TableFormat::Table => terminal::write_table(&table, out),
            TableFormat::Csv => csv::write_table(&table, out),
            TableFormat::Json => json::write_table(&table, out),
            TableFormat::Markdown => markdown::write_table(&table, out),
        }?)
    })?;
    if found.explanations().is_empty() {
        return Err(Error::Partial {
            what: format!(
                "no usual cause closes the gap of {} USD between the invoice and the ledger",
                found.gap()
            ),
        });
    }
    Ok(())
}
