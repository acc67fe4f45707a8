//! This is `runledger export focus`: it writes a month's costs as charges of FOCUS.

use crate::cli::{ExportArgs, FocusDataset, FocusVersion, RowFormat};
use crate::error::{Error, Result};
use crate::export::focus::{
    Account, BilledBy, BillingPeriod, Books, CostAndUsage, Version, Written, write_billing_period,
};
use crate::export::{Destination, WriteError};
use crate::report::costed;
use crate::report::period::{Calendar, Period, start_of_day};
use crate::store::Archive;
use chrono::NaiveDate;
use chrono_tz::Tz;
use std::io::Write;

/// Writes the dataset; what it leaves out is told on standard error.
pub fn run(args: &ExportArgs, zone: Tz, archive: &Archive, destination: &Destination) -> Result<()> {
    if args.span.from.is_some() || args.span.until.is_some() {
        return Err(Error::usage("export focus has no --from and no --until: give a month with --period"));
    }
    if args.format.is_some_and(|format| format != RowFormat::Csv) {
        return Err(Error::usage("export focus has no --format but csv"));
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
    let period = month(args.period.as_deref(), zone)?;
    let books = Books {
        period: billing_period(&period)?,
        billed_by: BilledBy::default(),
        account: Account::default(),
        plan: None,
    };
    match dataset {
        FocusDataset::BillingPeriod => destination.write(|out| Ok(write_billing_period(&books, out)?)),
        FocusDataset::CostAndUsage => {
            let mut written = Written::default();
            destination.write(|out| {
                written = write_charges(archive, &period, &books, version, out)?;
                Ok(())
            })?;
            tell(&written, &books);
            Ok(())
        }
    }
}

/// Writes the charges of the runs booked in the period.
fn write_charges(
    archive: &Archive,
    period: &Period,
    books: &Books,
    version: Version,
    out: &mut dyn Write,
) -> Result<Written, WriteError> {
    let mut charges = CostAndUsage::begin(books, version, out)?;
    costed::in_period(archive.connection(), period, |run| -> Result<(), WriteError> {
        Ok(charges.run(&run)?)
    })?;
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

/// The month that `--period` names, in the zone.
fn month(text: Option<&str>, zone: Tz) -> Result<Period> {
    let text = text.ok_or_else(|| Error::Usage {
        what: "export focus needs a month".to_owned(),
        hint: Some("give it with --period, such as --period 2026-01".to_owned()),
    })?;
    NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d")
        .ok()
        .and_then(|first| start_of_day(first, zone))
        .map(|start| Period::around(start, Calendar::Month, zone))
        // chrono reads 2026-1 too; one spelling is enough.
        .filter(|period| period.label == text)
        .ok_or_else(|| Error::usage(format!("--period {text}: not a month of the form YYYY-MM")))
}

/// The month as the books have it.
fn billing_period(period: &Period) -> Result<BillingPeriod> {
    let (Some(start), Some(end)) = (period.start, period.end) else {
        return Err(Error::usage(format!("--period {}: beyond the years 0 to 9999", period.label)));
    };
    Ok(BillingPeriod { label: period.label.clone(), start, end, closed_at: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_has_one_spelling() {
        let period = month(Some("2026-01"), Tz::America__Sao_Paulo).unwrap();
        assert_eq!(period.start.unwrap().as_str(), "2026-01-01T03:00:00.000000Z");
        for text in ["2026-1", "2026-13", "2026", "2026-01-05", "January", "", " 2026-01"] {
            assert!(month(Some(text), Tz::UTC).is_err(), "{text}");
        }
        assert!(billing_period(&month(Some("9999-12"), Tz::UTC).unwrap()).is_err());
    }
}
