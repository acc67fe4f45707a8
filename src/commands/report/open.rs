//! `runledger report open`: runs that have not ended, and those that take too long.

use super::{ROWS_FOR_PEOPLE, ReportArgs};
use crate::cli::TableFormat;
use crate::error::{Error, Result};
use crate::report::open::{self, Factor, OpenReport};
use crate::report::ranking::Ranking;
use crate::report::{Ledger, Table};

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

/// The report in the order and with the number of rows that the arguments give, and its notes.
///
/// # Errors
/// [`Error::Usage`] for arguments of other reports, and a column that it does not have. Those of SQLite.
pub(super) fn report(
    args: &ReportArgs,
    ledgers: &[Ledger<'_>],
    factor: Factor,
) -> Result<(Table, Vec<String>)> {
    if !args.by.is_empty() {
        return Err(Error::usage(format!("--by does not apply to the report {NAME}, which lists runs")));
    }
    if !args.what_if.is_empty() {
        return Err(Error::usage(format!("--what-if only applies to the report credits, not to {NAME}")));
    }
    let OpenReport { mut table, notes } = open::report(ledgers, factor)?;
    let default_limit =
        (args.table.format() == TableFormat::Table && !args.all_rows).then_some(ROWS_FOR_PEOPLE);
    let ranking = Ranking {
        sort: args.sort.clone(),
        is_reversed: args.reverse,
        limit: args.limit.and_then(|limit| usize::try_from(limit).ok()).or(default_limit),
    };
    // The rest has no sums: ages do not add up.
    ranking.apply(&mut table, &[""])?;
    Ok((table, notes))
}
