//! Folds over runs, in a function that SQLite calls with the columns of each.
//!
//! To read a column of a row, SQLite takes a lock and looks the column up, three times for a text. The arguments of a
//! function are read directly. SQLite keeps the function, so that it owns what it needs.

use super::ledger::Ledger;
use super::metadata_path::MetadataPath;
use super::period::Span;
use super::run_scan::{self, IndexedRun, RunQuery};
use crate::error::Result;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Null;
use std::sync::{Arc, Mutex};

const FUNCTION: &str = "add_run";

/// Folds the runs of a query for a span and paths into a state. `add` adds a run to it; the first error ends the fold.
/// The query has no order: runs come in that of the index, mostly, which is the newest first for the default date basis.
///
/// # Errors
/// Those of `add` and of SQLite.
pub(super) fn fold<T: Send + 'static>(
    ledger: &Ledger<'_>,
    span: Span,
    query: RunQuery,
    paths: &[&MetadataPath],
    state: T,
    add: impl Fn(&mut T, &IndexedRun<'_>) -> Result<()> + Send + 'static,
) -> Result<T> {
    let archive = ledger.connection();
    let sql = query.calling(FUNCTION);
    let folded = Arc::new(Mutex::new((state, Ok(()))));
    let shared = Arc::clone(&folded);
    archive.create_scalar_function(FUNCTION, -1, FunctionFlags::SQLITE_UTF8, move |arguments| {
        // Any error ends the query. The one that is returned is in `outcome`.
        let mut folded = shared.lock().map_err(|_| rusqlite::Error::InvalidQuery)?;
        let (state, outcome) = &mut *folded;
        *outcome = add(state, &query.run_of_arguments(arguments));
        outcome.as_ref().map(|()| Null).map_err(|_| rusqlite::Error::InvalidQuery)
    })?;
    let ended = run(ledger, &sql, span, paths);
    archive.remove_function(FUNCTION, -1)?;
    let folded = Arc::into_inner(folded).and_then(|folded| folded.into_inner().ok());
    let (state, outcome) = folded.expect("the function was removed and did not panic");
    outcome?;
    ended?;
    Ok(state)
}

fn run(ledger: &Ledger<'_>, sql: &str, span: Span, paths: &[&MetadataPath]) -> Result<()> {
    let mut statement = ledger.connection().prepare(sql)?;
    run_scan::bind(&mut statement, span, paths)?;
    statement.raw_query().next()?;
    Ok(())
}
