//! This is what a month says when it is closed: its totals, its rows' hash, and what its pipelines are called.

use super::column_totals::ColumnTotals;
use super::csv;
use super::dialect::Dialect;
use crate::digest::{Hash, Hashing};
use crate::error::{Error, Result};
use crate::export::WriteError;
use crate::report::cost::{self, CostTotals};
use crate::report::ledger::NamedPipeline;
use crate::report::table::USD_DECIMALS;
use crate::report::{Ledger, rows};
use crate::run::Usd;
use serde_json::{Value, json};
use std::io;

/// What a month says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseTotals {
    /// The runs booked in it.
    pub runs: u64,
    /// Those of them without a known cost.
    pub runs_cost_unknown: u64,
    /// What extracting and loading cost, in nano-dollars. `None`: it is not known of any run.
    pub el_cost_nanos: Option<i64>,
    /// Likewise transforming.
    pub transformation_cost_nanos: Option<i64>,
    /// Likewise both.
    pub total_cost_nanos: Option<i64>,
    /// The runs that cost a credit.
    pub credits: u64,
    /// SHA-256 of the bytes that `runledger export costs --period` writes.
    pub rows_sha256: Hash,
    /// What its pipelines are called: a JSON array of objects with `kind`, `pipeline_id` and `name`, in that order.
    pub names: String,
}

/// What the ledger's month says.
///
/// # Errors
/// Those of SQLite; [`Error::Internal`] when a sum is beyond what the archive can hold.
pub fn figures(ledger: &Ledger<'_>) -> Result<CloseTotals> {
    let totals: CostTotals = cost::total(ledger)?;
    let nanos = |usd: Option<Usd>| {
        usd.map(|usd| i64::try_from(usd.units()))
            .transpose()
            .map_err(|_| Error::Internal("the month's sum is beyond 9.2 billion USD".to_owned()))
    };
    Ok(CloseTotals {
        runs: totals.runs,
        runs_cost_unknown: totals.runs_cost_unknown,
        el_cost_nanos: nanos(totals.el())?,
        transformation_cost_nanos: nanos(totals.transformation())?,
        total_cost_nanos: nanos(totals.total())?,
        credits: totals.credits,
        rows_sha256: rows_sha256(ledger)?,
        names: names(ledger)?,
    })
}

fn rows_sha256(ledger: &Ledger<'_>) -> Result<Hash> {
    let mut hashing = Hashing::new(io::sink());
    csv::write_rows(
        &mut rows::costs(ledger)?,
        &Dialect::MACHINE,
        USD_DECIMALS,
        &mut ColumnTotals::default(),
        &mut hashing,
    )
    .map_err(|error| match error {
        WriteError::Source(error) => error,
        WriteError::Io(error) => Error::Internal(format!("rows could not be hashed: {error}")),
    })?;
    Ok(hashing.finish().1)
}

fn names(ledger: &Ledger<'_>) -> Result<String> {
    let names = ledger.pipelines()?.into_iter().map(
        |NamedPipeline { kind, pipeline_id, name }| json!({ "kind": kind, "pipeline_id": pipeline_id, "name": name }),
    );
    Ok(Value::from_iter(names).to_string())
}
