//! This is `runledger export focus`: it writes a month's costs as charges of FOCUS.

use crate::commands::export::{ExportArgs, RowFormat};
use crate::commands::shared::output::{asked, dialect_given};
use crate::error::{Error, Result};
use crate::export::focus::{
    BILLING_PERIOD_COLUMNS, BilledBy, BillingPeriod, Books, Correction, CostAndUsage, Version, Written,
    cost_and_usage_columns, write_billing_period,
};
use crate::export::{Destination, Dialect, Format, Sidecar, WriteError, WriteOptions, write_with};
use crate::report::period::Calendar;
use crate::report::restatements::{latest, restatements};
use crate::report::{CostComponent, Ledger, Scope, run_cost};
use crate::settings::Settings;
use crate::store::{Archive, Close, Frozen};
use clap::ValueEnum;
use std::io::Write;

/// The versions of FOCUS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FocusVersion {
    /// The version that most tools read
    #[value(name = "1.2")]
    V1_2,
    /// The version that has billing periods too
    #[value(name = "1.4")]
    V1_4,
}

/// The datasets of FOCUS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FocusDataset {
    /// The charges
    CostAndUsage,
    /// Whether the month's books are closed, for each who invoices; from FOCUS 1.4 on
    BillingPeriod,
}

/// Writes the dataset; what it leaves out is told on standard error.
pub fn run(
    args: &ExportArgs,
    ledger: &Ledger<'_>,
    archive: &Archive,
    settings: &Settings,
    destination: &Destination,
) -> Result<()> {
    if args.format.is_some_and(|format| format != RowFormat::Csv) {
        return Err(Error::usage("export focus has no --format but csv"));
    }
    if args.writing.decimals.is_some() {
        return Err(Error::usage("export focus has no --decimals: each amount has nine"));
    }
    if let Some(flag) = dialect_given(&args.writing) {
        return Err(Error::usage(format!("export focus has no {flag}: its files are as FOCUS has them")));
    }
    let version = match args.focus_version {
        None | Some(FocusVersion::V1_2) => Version::V1_2,
        Some(FocusVersion::V1_4) => Version::V1_4,
    };
    let dataset = args.focus_dataset.unwrap_or(FocusDataset::CostAndUsage);
    if (version, dataset) == (Version::V1_2, FocusDataset::BillingPeriod) {
        return Err(Error::Usage {
            what: "FOCUS 1.2 has no dataset of billing periods".to_owned(),
            hint: Some("add --focus-version 1.4".to_owned()),
        });
    }
    let closes = latest(archive.closes()?);
    let books = Books {
        period: billing_period(ledger.scope(), &closes)?,
        billed_by: settings.billed_by(),
        account: settings.account(),
        plan: settings.plan(),
    };
    let asked = asked("export focus".to_owned(), ledger.scope(), archive)?;
    let beside = if args.writing.manifest { Sidecar::Manifest } else { Sidecar::None };
    let writing = WriteOptions {
        sidecar: beside,
        provenance: asked,
        ..WriteOptions::plain(Format::Csv(Dialect::MACHINE))
    };
    match dataset {
        FocusDataset::BillingPeriod => {
            let columns = BILLING_PERIOD_COLUMNS.map(str::to_owned).to_vec();
            write_with(columns, &writing, destination, |tally, out| {
                tally.add_known_rows(write_billing_period(&books, out)?, &[]);
                Ok(())
            })
        }
        FocusDataset::CostAndUsage => {
            let mut written = Written::default();
            let closes = closes_before(ledger.scope(), archive.closes()?);
            write_with(cost_and_usage_columns(version), &writing, destination, |tally, out| {
                written = write_charges(ledger, &closes, &books, version, out)?;
                let sums = [("BilledCost", written.billed), ("EffectiveCost", written.effective)];
                tally.add_known_rows(written.charges, &sums);
                Ok(())
            })?;
            tell(&written, &books);
            Ok(())
        }
    }
}

/// Writes the charges of the runs booked in the month, then what became known in it of months that were closed.
fn write_charges(
    ledger: &Ledger<'_>,
    closes: &[Close],
    books: &Books,
    version: Version,
    out: &mut dyn Write,
) -> Result<Written, WriteError> {
    let mut charges = CostAndUsage::begin(books, version, out)?;
    run_cost::for_each(ledger, |run| -> Result<(), WriteError> { Ok(charges.run(&run)?) })?;
    let seen_here = books.period.start..books.period.end;
    for close in closes.iter().filter(|close| close.frozen.period != books.period.label) {
        let period = closed_period(close);
        let scope = Scope::of_close(close)?;
        let restated = restatements(ledger.connection(), &scope, ledger.scope().as_of)?;
        for restatement in restated.iter().filter(|restatement| seen_here.contains(&restatement.seen_at)) {
            let (Some(part), Some(difference)) =
                (CostComponent::of_column(restatement.field), restatement.difference)
            else {
                continue;
            };
            let seen_at = restatement.seen_at;
            run_cost::for_run(ledger, &restatement.run_id, |run| -> Result<(), WriteError> {
                Ok(charges.correction(&Correction { period: &period, run, part, difference, seen_at })?)
            })?;
        }
    }
    Ok(charges.finish()?)
}

/// Says what is not in the file though somebody may look for it there.
fn tell(written: &Written, books: &Books) {
    let mut lines = Vec::new();
    match written.runs_cost_unknown {
        0 => {}
        1 => lines.push("1 run without a known cost is left out".to_owned()),
        runs => lines.push(format!("{runs} runs without a known cost are left out")),
    }
    if books.billed_by == BilledBy::default() {
        lines.push(
            "BilledCost is zero for every run: billed_by does not say who invoices their costs".to_owned(),
        );
    }
    let mut stderr = std::io::stderr().lock();
    for line in lines {
        // Whoever closed it does not want to be told.
        let _ = writeln!(stderr, "{line}");
    }
}

/// The month of the scope as the books have it.
fn billing_period(scope: &Scope, closes: &[Close]) -> Result<BillingPeriod> {
    let Some(label) = scope.period.clone().filter(|name| Calendar::of_name(name) == Calendar::Month) else {
        return Err(Error::Usage {
            what: "export focus needs a month".to_owned(),
            hint: Some("give it with --period, such as --period 2026-01".to_owned()),
        });
    };
    let (Some(start), Some(end)) = (scope.span.from, scope.span.until) else {
        return Err(Error::usage(format!("--period {label}: beyond the years 0 to 9999")));
    };
    let close = closes.iter().find(|close| Some(close.close_id) == scope.close_id);
    Ok(BillingPeriod { label, start, end, closed_at: close.map(|close| close.frozen.closed_at) })
}

/// The closes that the scope's month knows of: a closed month those before its own, so that what comes later does not
/// change it; any other those that were made with what was known then.
fn closes_before(scope: &Scope, mut closes: Vec<Close>) -> Vec<Close> {
    closes.retain(|close| match (scope.close_id, scope.as_of) {
        (Some(own), _) => close.close_id < own,
        (None, Some(moment)) => close.frozen.known_at <= moment,
        (None, None) => true,
    });
    latest(closes)
}

/// A closed month as the books have it.
fn closed_period(close: &Close) -> BillingPeriod {
    let Frozen { period, starts_at, ends_at, closed_at, .. } = &close.frozen;
    BillingPeriod { label: period.clone(), start: *starts_at, end: *ends_at, closed_at: Some(*closed_at) }
}
