//! `runledger reconcile`: compares an invoice with the ledger and explains the difference.

use crate::cli::{LanguageArgs, PeriodArgs, ScopeArgs, TableArgs, TableFormat};
use crate::commands::shared::output::{language, print_note, print_table, provenance};
use crate::commands::shared::scope::{note_unfrozen_terms, scope};
use crate::error::{Error, Result};
use crate::report::month_states::MonthStates;
use crate::report::neighbors::warn_of_conflicts;
use crate::report::reconcile::{Invoice, Zones, reconcile};
use crate::report::table::USD_DECIMALS_FOR_PEOPLE;
use crate::settings::Settings;
use crate::store::Archive;
use clap::Args;
use std::path::Path;

/// The arguments of `runledger reconcile`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger reconcile --period 2026-01 --invoice 412.10
  runledger reconcile --period 2026-01 --invoice 1.412,10 --language pt-BR
  runledger reconcile --period 2026-01 --invoice 412.10 --every-zone")]
pub struct ReconcileArgs {
    /// Invoiced month, such as 2026-01
    ///
    /// A closed month gives the numbers it was closed with.
    #[arg(long, value_name = "PERIOD")]
    pub period: String,

    /// Invoiced amount in US dollars, such as 412.10
    ///
    /// In Portuguese, such as 1.234,56. Its last digit sets the precision of the comparison.
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    pub invoice: String,

    /// Try every time zone instead of those in the ledger
    ///
    /// Some may match the invoice by chance.
    #[arg(long)]
    pub every_zone: bool,

    /// How to assign a run to a period.
    #[command(flatten)]
    pub booking: PeriodArgs,

    /// Use the data as known at this instant or day
    ///
    /// An instant such as 2026-02-01T12:00:00Z; a day counts up to its end.
    #[arg(long, value_name = "INSTANT|DAY")]
    pub as_of: Option<String>,

    /// How and where to print the table.
    #[command(flatten)]
    pub table: TableArgs,
}

/// Prints one row per possible cause.
///
/// # Errors
/// [`Error::Partial`] when no cause explains the difference.
pub(super) fn run(args: &ReconcileArgs, path: &Path, settings: &Settings) -> Result<()> {
    let mut table_args = args.table.resolved()?;
    let invoice = Invoice::parse(&args.invoice, language(&args.table.format_options, settings)?)?;
    let archive = Archive::open_for_reading(path)?;
    let month = ScopeArgs {
        period: Some(args.period.clone()),
        booking: args.booking.clone(),
        as_of: args.as_of.clone(),
        ..ScopeArgs::default()
    };
    let scope = scope(&month, settings, &archive)?;
    warn_of_conflicts(&scope, &archive)?;
    let zones = if args.every_zone { Zones::All } else { Zones::Known };
    let found = reconcile(archive.connection(), &scope, invoice, zones)?;
    note_unfrozen_terms(&scope);
    let is_table = table_args.format() == TableFormat::Table;
    let table = if is_table { found.table_with_best_first() } else { found.table() };
    let months = MonthStates::of(&[(&scope, &archive)])?;
    let mut provenance = provenance(format!("reconcile --invoice {}", invoice.text()), &scope, &archive)?;
    provenance.notes.splice(..0, months.notes(&table, USD_DECIMALS_FOR_PEOPLE));
    if matches!(table_args.format(), TableFormat::Table | TableFormat::Json | TableFormat::Markdown) {
        // Here the language is that of the amount alone.
        table_args.format_options.language = LanguageArgs::default();
    }
    print_table(&table, &table_args, settings, scope.zone, provenance)?;
    let explanations = found.explanations();
    if explanations.is_empty() {
        let candidates = match found.possible().as_slice() {
            [] => String::new(),
            causes => format!(" (possible causes: {})", causes.join("; ")),
        };
        return Err(Error::Partial {
            what: format!(
                "no known cause explains the difference of {} USD between the invoice and the ledger{candidates}",
                found.gap()
            ),
        });
    }
    print_note(&format!("the invoice matches: {}", explanations.join("; or ")));
    Ok(())
}
