//! `runledger report recovery`: failures in a row, and how pipelines recovered from them.

use super::ReportArgs;
use crate::error::{Error, Result};
use crate::report::recovery::{self, RecoveryReport};
use crate::report::{Dimension, Ledger, Table};

/// The name of the report.
pub(super) const NAME: &str = "recovery";

/// The columns that the row with the rest adds up.
const ADDITIVE: [&str; 5] = ["chains", "failed_runs", "lost_seconds", "lost_usd", "runs_cost_unknown"];

/// The report in the order and with the number of rows that the arguments give, and its notes.
///
/// # Errors
/// [`Error::Usage`] for arguments of other reports, and a column that it does not have. Those of SQLite.
pub(super) fn report(
    args: &ReportArgs,
    by: &[Dimension],
    ledgers: &[Ledger<'_>],
) -> Result<(Table, Vec<String>)> {
    let RecoveryReport { mut table, notes } = match by {
        _ if args.by.is_empty() => recovery::report(ledgers)?,
        [Dimension::Pipeline] => recovery::report_by_pipeline(ledgers)?,
        _ => {
            return Err(Error::Usage {
                what: format!("the report {NAME} can only be grouped by pipeline"),
                hint: Some(format!("`runledger report {NAME} --by pipeline` adds up the chains of each")),
            });
        }
    };
    let ranking = args.ranking_of_list();
    if ranking.sort.is_some() {
        recovery::name_runs(&mut table, ledgers)?;
    }
    ranking.apply(&mut table, &ADDITIVE)?;
    recovery::name_runs(&mut table, ledgers)?;
    Ok((table, notes))
}
