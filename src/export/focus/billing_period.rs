//! The Billing Period dataset of FOCUS 1.4: whether the books of the period are closed, with one row per issuer.

use super::charge::Books;
use super::columns::Second;
use crate::error::{Error, Result};
use crate::export::csv::RowWriter;
use crate::report::Scope;
use crate::report::period::Calendar;
use crate::run::Instant;
use crate::store::{Close, Frozen};
use std::io::{self, Write};

/// The columns of the Billing Period dataset, by name.
pub(crate) const BILLING_PERIOD_COLUMNS: [&str; 6] = [
    "BillingPeriodCreated",
    "BillingPeriodEnd",
    "BillingPeriodLastUpdated",
    "BillingPeriodStart",
    "BillingPeriodStatus",
    "InvoiceIssuerName",
];

/// A month of the books, as a half-open interval of UTC instants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillingPeriod {
    /// Its label: `2026-01`.
    pub label: String,
    /// The first instant inside.
    pub start: Instant,
    /// The first instant outside.
    pub end: Instant,
    /// When it was last closed. `None`: it is open.
    pub closed_at: Option<Instant>,
}

impl BillingPeriod {
    /// The month of the scope, with the close that answers for it.
    ///
    /// # Errors
    /// [`Error::Usage`] when the scope is not a month.
    pub fn of_scope(scope: &Scope, closes: &[Close]) -> Result<BillingPeriod> {
        let Some(label) = scope.period.clone().filter(|label| Calendar::of_label(label) == Calendar::Month)
        else {
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

    /// The month that the close froze.
    pub fn of_close(close: &Close) -> BillingPeriod {
        let Frozen { period, starts_at, ends_at, closed_at, .. } = &close.frozen;
        BillingPeriod { label: period.clone(), start: *starts_at, end: *ends_at, closed_at: Some(*closed_at) }
    }
}

/// Writes the period once per issuer of its charges and returns the number of rows.
///
/// The record of a period exists since the period began. Only its status changes, when the period is closed.
pub fn write_billing_period(books: &Books, out: &mut dyn Write) -> io::Result<u64> {
    let period = &books.period;
    let status = if period.closed_at.is_some() { "Closed" } else { "Open" };
    let second = |instant| Second(instant).to_string();
    let (start, end) = (second(period.start), second(period.end));
    let updated = second(period.closed_at.unwrap_or(period.start));
    let mut rows = RowWriter::new(BILLING_PERIOD_COLUMNS.into_iter(), out)?;
    let issuers = books.issuers();
    for issuer in &issuers {
        for field in [&start, &end, &updated, &start, status, issuer] {
            rows.field(field)?;
        }
        rows.end()?;
    }
    rows.finish()?;
    Ok(issuers.len() as u64)
}
