//! This is the FOCUS export: charges as the FinOps Open Cost and Usage Specification has them, as CSV.
//!
//! <https://focus.finops.org>. Instants are `YYYY-MM-DDTHH:MM:SSZ`, amounts of money have nine decimals and
//! never an exponent, null is blank. The same ledger gives the same bytes.

mod billing_period;
mod charge;
mod columns;
mod terms;

pub use billing_period::{BILLING_PERIOD_COLUMNS, write_billing_period};
pub use charge::{BillingPeriod, Books, Charge, Correction, For};
pub use terms::{Account, BilledBy, Issuer, NEKT};

use super::csv::RowWriter;
use crate::report::CostedRun;
use crate::run::Usd;
use columns::Column;
use std::io::{self, Write};

/// The versions of FOCUS that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1.2, which the FinOps Foundation's validator knows.
    V1_2,
    /// 1.4, which has the Billing Period dataset too.
    V1_4,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// How many charges.
    pub charges: u64,
    /// How many runs have neither cost, and so no charge.
    pub runs_cost_unknown: u64,
    /// The sum of `BilledCost`.
    pub billed: Usd,
    /// The sum of `EffectiveCost`.
    pub effective: Usd,
}

/// The columns of the Cost and Usage dataset in that version, in their order.
pub fn cost_and_usage_columns(version: Version) -> Vec<String> {
    columns::of(version).map(|column| column.name.to_owned()).collect()
}

/// The Cost and Usage dataset on its way into a file: the plan first, then whatever is handed over.
pub struct CostAndUsage<'b, 'w> {
    books: &'b Books,
    columns: Vec<&'static Column>,
    rows: RowWriter<'w>,
    field: String,
    written: Written,
}

impl<'b, 'w> CostAndUsage<'b, 'w> {
    /// Writes the heading and the plan.
    pub fn begin(
        books: &'b Books,
        version: Version,
        out: &'w mut dyn Write,
    ) -> io::Result<CostAndUsage<'b, 'w>> {
        let columns: Vec<&Column> = columns::of(version).collect();
        let rows = RowWriter::new(columns.iter().map(|column| column.name), out)?;
        let mut begun =
            CostAndUsage { books, columns, rows, field: String::new(), written: Written::default() };
        if let Some(charge) = books.purchase() {
            begun.write(&charge)?;
        }
        Ok(begun)
    }

    /// Writes a charge for each cost of a run of the period that is known.
    pub fn run(&mut self, run: &CostedRun<'_>) -> io::Result<()> {
        self.written.runs_cost_unknown += u64::from(run.cost_is_unknown());
        let books = self.books;
        books.usage(run).try_for_each(|charge| self.write(&charge))
    }

    /// Writes a correction of a closed period.
    pub fn correction(&mut self, correction: &Correction<'_>) -> io::Result<()> {
        let books = self.books;
        self.write(&books.correction(correction))
    }

    /// Writes what is left, and tells what was written.
    pub fn finish(self) -> io::Result<Written> {
        self.rows.finish()?;
        Ok(self.written)
    }

    fn write(&mut self, charge: &Charge<'_>) -> io::Result<()> {
        for column in &self.columns {
            self.field.clear();
            (column.value)(charge, self.books, &mut self.field).map_err(io::Error::other)?;
            self.rows.field(&self.field)?;
        }
        self.rows.end()?;
        self.written.charges += 1;
        self.written.billed += charge.billed;
        self.written.effective += charge.effective;
        Ok(())
    }
}
