//! The FOCUS export: charges as CSV, in the form of the FinOps Open Cost and Usage Specification.
//!
//! Specification: <https://focus.finops.org>. Instants are `YYYY-MM-DDTHH:MM:SSZ`, amounts of money have nine decimals
//! and no exponent, null is blank. The same ledger gives the same bytes.

mod billing_period;
mod charge;
mod columns;
mod corrections;

pub(crate) use billing_period::BILLING_PERIOD_COLUMNS;
pub use billing_period::{BillingPeriod, write_billing_period};
pub(crate) use charge::Charge;
pub use charge::{Books, Correction};
pub(crate) use corrections::write_charges;

use super::csv::RowWriter;
use crate::report::CostedRun;
use crate::run::Usd;
use columns::Column;
use std::io::{self, Write};

/// The supported versions of FOCUS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1.2, which the validator of the FinOps Foundation supports.
    V1_2,
    /// 1.4, which adds the Billing Period dataset.
    V1_4,
}

/// The count and the sums of the written charges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChargeSummary {
    /// The number of charges.
    pub charges: u64,
    /// The runs without a known cost. They have no charge.
    pub runs_cost_unknown: u64,
    /// The sum of `BilledCost`.
    pub billed: Usd,
    /// The sum of `EffectiveCost`.
    pub effective: Usd,
}

/// The columns of the Cost and Usage dataset in file order.
pub(crate) fn cost_and_usage_columns(version: Version) -> Vec<String> {
    columns::of(version).map(|column| column.name.to_owned()).collect()
}

/// Writes the Cost and Usage dataset: purchases first, then each run and correction it is given.
pub struct CostAndUsage<'b, 'w> {
    books: &'b Books,
    columns: Vec<&'static Column>,
    rows: RowWriter<'w>,
    field: String,
    summary: ChargeSummary,
}

impl<'b, 'w> CostAndUsage<'b, 'w> {
    /// Writes the header and the charges of the plan and of purchased credits.
    pub fn begin(
        books: &'b Books,
        version: Version,
        out: &'w mut dyn Write,
    ) -> io::Result<CostAndUsage<'b, 'w>> {
        let columns: Vec<&Column> = columns::of(version).collect();
        let rows = RowWriter::new(columns.iter().map(|column| column.name), out)?;
        let mut begun =
            CostAndUsage { books, columns, rows, field: String::new(), summary: ChargeSummary::default() };
        books.purchases().try_for_each(|charge| begun.write(&charge))?;
        Ok(begun)
    }

    /// Writes a charge for each known cost of a run of the period.
    pub fn run(&mut self, run: &CostedRun<'_>) -> io::Result<()> {
        self.summary.runs_cost_unknown += u64::from(run.cost_is_unknown());
        let books = self.books;
        books.usage(run).try_for_each(|charge| self.write(&charge))
    }

    /// Writes the correction of a closed period.
    pub fn correction(&mut self, correction: &Correction<'_>) -> io::Result<()> {
        self.write(&charge::correct(correction))
    }

    /// Flushes the rows and returns the summary.
    pub fn finish(self) -> io::Result<ChargeSummary> {
        self.rows.finish()?;
        Ok(self.summary)
    }

    fn write(&mut self, charge: &Charge<'_>) -> io::Result<()> {
        for column in &self.columns {
            self.field.clear();
            (column.value)(charge, self.books, &mut self.field).map_err(io::Error::other)?;
            self.rows.field(&self.field)?;
        }
        self.rows.end()?;
        self.summary.charges += 1;
        self.summary.billed += charge.billed;
        self.summary.effective += charge.effective;
        Ok(())
    }
}
