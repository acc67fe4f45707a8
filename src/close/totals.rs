//! The totals that a close freezes, with the hash of its rows and the names of its pipelines.

use crate::digest::{Hash, HashingWriter};
use crate::error::{Error, Result};
use crate::export::column_totals::ColumnTotals;
use crate::export::{Dialect, WriteError, csv};
use crate::report::cost::{self, CostTotals};
use crate::report::ledger::NamedPipeline;
use crate::report::table::USD_DECIMALS;
use crate::report::{Ledger, rows};
use crate::run::Usd;
use crate::store::CloseTotals;
use serde_json::{Value, json};
use std::io;

/// The totals of the ledger's span.
///
/// # Errors
/// Those of SQLite; [`Error::Usage`] when a sum exceeds what a close can store.
pub fn totals(ledger: &Ledger<'_>) -> Result<CloseTotals> {
    let sums: CostTotals = cost::total(ledger)?;
    let nanos = |usd: Option<Usd>| {
        usd.map(|usd| i64::try_from(usd.units()).map_err(|_| too_much(ledger, usd))).transpose()
    };
    Ok(CloseTotals {
        runs: sums.runs,
        runs_cost_unknown: sums.runs_cost_unknown,
        el_cost_nanos: nanos(sums.el())?,
        transformation_cost_nanos: nanos(sums.transformation())?,
        total_cost_nanos: nanos(sums.total())?,
        credits: sums.credits,
        rows_sha256: rows_sha256(ledger)?,
        names: names(ledger)?,
    })
}

/// The error for a sum beyond 64 bits of nano-dollars. No month costs that much: the API sent wrong costs.
fn too_much(ledger: &Ledger<'_>, sum: Usd) -> Error {
    let month = ledger.scope().period.as_deref().unwrap_or("the month");
    Error::Usage {
        what: format!("{month} costs {sum} USD, and a close stores sums of up to 9.2 billion USD"),
        hint: Some(format!(
            "`runledger report costliest-runs --period {month}` lists the runs; report them to Nekt, and sync once their \
             costs are corrected"
        )),
    }
}

/// The SHA-256 of the bytes that `runledger export costs --period` writes.
fn rows_sha256(ledger: &Ledger<'_>) -> Result<Hash> {
    let mut hashing = HashingWriter::new(io::sink());
    csv::write_rows(
        &mut rows::costs(ledger)?,
        &Dialect::MACHINE,
        USD_DECIMALS,
        &mut ColumnTotals::default(),
        &mut hashing,
    )
    .map_err(|error| match error {
        WriteError::Source(error) => error,
        WriteError::Io(error) => Error::Internal(format!("the rows could not be hashed: {error}")),
    })?;
    Ok(hashing.finish().1)
}

fn names(ledger: &Ledger<'_>) -> Result<String> {
    let names = ledger.pipelines()?.into_iter().map(
        |NamedPipeline { kind, pipeline_id, name }| json!({ "kind": kind, "pipeline_id": pipeline_id, "name": name }),
    );
    Ok(Value::from_iter(names).to_string())
}
