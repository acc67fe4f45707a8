//! `runledger export focus`: writes the costs of a month as FOCUS charges.

use crate::cli::{FileType, first_given, require_type};
use crate::commands::export::{ExportArgs, RowFormat};
use crate::commands::shared::output::{print_note, provenance};
use crate::commands::shared::scope::note_unfrozen_terms;
use crate::error::{Error, Result};
use crate::export::focus::{
    BILLING_PERIOD_COLUMNS, Books, ChargeSummary, Version, cost_and_usage_columns, write_billing_period,
    write_charges,
};
use crate::export::{Destination, Dialect, Format, Sidecar, WriteOptions, write_with};
use crate::report::billing::BilledBy;
use crate::report::{Ledger, Scope, ScopeTerms};
use crate::store::Archive;
use crate::wording::counted;
use clap::ValueEnum;

/// The versions of FOCUS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FocusVersion {
    /// The version that most tools read
    #[value(name = "1.2")]
    V1_2,
    /// The version with the Billing Period dataset
    #[value(name = "1.4")]
    V1_4,
}

/// The datasets of FOCUS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FocusDataset {
    /// The charges
    CostAndUsage,
    /// The status of the month's books, one row per invoice issuer; needs FOCUS 1.4
    BillingPeriod,
}

/// Writes the dataset. It reports omissions on standard error.
///
/// # Errors
/// [`Error::Usage`] when the scope is not a month, or when a flag does not apply to FOCUS.
pub(super) fn run(
    args: &ExportArgs,
    ledger: &Ledger<'_>,
    archive: &Archive,
    destination: &Destination,
) -> Result<()> {
    reject_unsupported_flags(args)?;
    let version = match args.focus_version {
        None | Some(FocusVersion::V1_2) => Version::V1_2,
        Some(FocusVersion::V1_4) => Version::V1_4,
    };
    let dataset = args.focus_dataset.unwrap_or(FocusDataset::CostAndUsage);
    if (version, dataset) == (Version::V1_2, FocusDataset::BillingPeriod) {
        return Err(Error::Usage {
            what: "FOCUS 1.2 has no Billing Period dataset".to_owned(),
            hint: Some("add --focus-version 1.4".to_owned()),
        });
    }
    let closes = archive.closes()?;
    let books = Books::of_scope(ledger.scope(), &closes)?;
    note_unfrozen_terms(ledger.scope());
    let provenance = provenance("export focus".to_owned(), ledger.scope(), archive)?;
    let sidecar = if args.format_options.manifest { Sidecar::Manifest } else { Sidecar::None };
    let options = WriteOptions {
        sidecar,
        provenance: Some(provenance),
        ..WriteOptions::plain(Format::Csv(Dialect::MACHINE))
    };
    match dataset {
        FocusDataset::BillingPeriod => {
            let columns = BILLING_PERIOD_COLUMNS.map(str::to_owned).to_vec();
            write_with(columns, &options, destination, |totals, out| {
                totals.add_known_rows(write_billing_period(&books, out)?, &[]);
                Ok(())
            })
        }
        FocusDataset::CostAndUsage => {
            let mut summary = ChargeSummary::default();
            write_with(cost_and_usage_columns(version), &options, destination, |totals, out| {
                summary = write_charges(ledger, &closes, &books, version, out)?;
                let sums = [("BilledCost", summary.billed), ("EffectiveCost", summary.effective)];
                totals.add_known_rows(summary.charges, &sums);
                Ok(())
            })?;
            report_omissions(&summary, &books, ledger.scope());
            Ok(())
        }
    }
}

fn reject_unsupported_flags(args: &ExportArgs) -> Result<()> {
    if args.json || args.format.is_some_and(|format| format != RowFormat::Csv) {
        return Err(Error::usage("export focus supports only --format csv"));
    }
    if args.format_options.decimals.is_some() {
        return Err(Error::usage("export focus does not support --decimals: each amount has nine"));
    }
    let language = first_given(&[("--language", args.format_options.language.language.is_some())]);
    match args.format_options.csv_only_flag().or(language) {
        Some(flag) => {
            Err(Error::usage(format!("export focus does not support {flag}: FOCUS defines the CSV format")))
        }
        None => require_type(args.output.output.as_deref(), FileType::Csv, "export focus"),
    }
}

/// Reports on standard error what a reader could miss in the file.
fn report_omissions(summary: &ChargeSummary, books: &Books, scope: &Scope) {
    if summary.runs_cost_unknown > 0 {
        print_note(&format!("omitted {} without a known cost", counted(summary.runs_cost_unknown, "run")));
    }
    if books.terms.billed_by == BilledBy::default() {
        let cause = match &scope.terms {
            ScopeTerms::Settings(_) => "the setting billed_by names no invoice issuer".to_owned(),
            ScopeTerms::Close(_) => format!(
                "billed_by named no invoice issuer when {} was closed; set it, and `runledger close --restate {0}` \
                 freezes it",
                books.period.label
            ),
        };
        print_note(&format!("BilledCost is zero for every run: {cause}"));
    }
    let account = &books.terms.account;
    let ids = [("BillingAccountId", Some(account.billing_id())), ("SubAccountId", account.sub_id.as_deref())];
    for (column, id) in ids.into_iter().filter_map(|(column, id)| Some((column, id?))) {
        if id.bytes().all(|byte| byte.is_ascii_digit()) {
            print_note(&format!(
                "{column} {id} consists of digits, and CSV has no types: read the column as text, or a program may take \
                 it for a number and drop zeros"
            ));
        }
    }
}
