//! This is the Billing Period dataset of FOCUS 1.4: whether the books of the period are closed, a line for each issuer.

use super::charge::Books;
use super::columns::Second;
use crate::export::csv::RowWriter;
use std::io::{self, Write};

/// The columns of the Billing Period dataset, by their names.
pub const BILLING_PERIOD_COLUMNS: [&str; 6] = [
    "BillingPeriodCreated",
    "BillingPeriodEnd",
    "BillingPeriodLastUpdated",
    "BillingPeriodStart",
    "BillingPeriodStatus",
    "InvoiceIssuerName",
];

/// Writes the period once for each issuer that its charges may have. The record of a period exists since the period
/// began, and the one thing that ever changes in it is its status, when it is closed. Gives how many lines there are.
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
