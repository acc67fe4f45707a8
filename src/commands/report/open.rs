//! `runledger report open`: runs that have not ended, and those that take too long.

use super::ReportArgs;
use crate::error::{Error, Result};
use crate::report::Ledger;
use crate::report::open::{self, Factor, OpenReport};

/// The name of the report.
pub(super) const NAME: &str = "open";

/// The factor of the arguments. Other reports than this one have none.
///
/// # Errors
/// [`Error::Usage`] when it is not a factor, or given for another report.
pub(super) fn factor(args: &ReportArgs, name: &str) -> Result<Factor> {
    match args.factor.as_deref() {
        None => Ok(Factor::default()),
        Some(text) if name == NAME => Factor::parse(text),
        Some(_) => Err(Error::usage(format!("--factor only applies to the report {NAME}, not to {name}"))),
    }
}

/// The report in the order and with the number of rows that the arguments give.
///
/// # Errors
/// [`Error::Usage`] for arguments of other reports, and a column that it does not have. Those of SQLite.
pub(super) fn report(args: &ReportArgs, ledgers: &[Ledger<'_>], factor: Factor) -> Result<OpenReport> {
    if !args.by.is_empty() {
        return Err(Error::usage(format!("--by does not apply to the report {NAME}, which lists runs")));
    }
    let mut report = open::report(ledgers, factor)?;
    // The rest has no sums: ages do not add up.
    args.ranking_of_list().apply(&mut report.table, &[""])?;
    Ok(report)
}
