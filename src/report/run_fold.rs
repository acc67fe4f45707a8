//! Folds over runs, in a function that SQLite calls with the columns of each.
//!
//! To read a column of a row, SQLite checks the statement and the column, three times for a text. The arguments of a
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
/// The query has no order. With the default date basis, and no earlier moment, runs come in that of the index: the
/// newest first.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::report::run_scan::Columns;
    use crate::report::{DateBasis, Scope};
    use crate::run::Instant;
    use crate::store::{Archive, Lock};

    #[test]
    fn a_fold_reads_only_the_index_and_ends_with_the_first_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let archive = Archive::open(&path, &Lock::acquire(&path, Instant::MIN).unwrap()).unwrap();
        let connection = archive.connection();
        connection
            .execute_batch(
                "PRAGMA foreign_keys = off;
                 INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, created_at)
                 VALUES (1, '', 1, zeroblob(32), '2026-01-01T00:00:00Z'),
                        (2, '', 1, zeroblob(32), '2026-01-03T00:00:00Z'),
                        (3, '', 1, zeroblob(32), '2026-01-02T00:00:00Z')",
            )
            .unwrap();
        let ledger = Ledger::open(connection, Scope::default()).unwrap();
        let query = || RunQuery::new(&Span::default(), DateBasis::Started, Columns::ALL);
        let ids = |most: usize| {
            fold(&ledger, Span::default(), query(), &[], Vec::new(), move |ids, run| {
                if ids.len() == most {
                    return Err(Error::usage(format!("{most} runs are enough")));
                }
                ids.push(run.snapshot_id()?);
                Ok(())
            })
        };
        assert_eq!(ids(3).unwrap(), [2, 3, 1], "the newest first");
        assert!(ids(2).unwrap_err().to_string().contains("2 runs are enough"));
        assert_eq!(ids(4).unwrap(), [2, 3, 1], "the connection goes on");
        connection.create_scalar_function(FUNCTION, -1, FunctionFlags::SQLITE_UTF8, |_| Ok(Null)).unwrap();
        let plan = format!("EXPLAIN QUERY PLAN {}", query().calling(FUNCTION));
        let plan: String = connection.query_row(&plan, [], |row| row.get("detail")).unwrap();
        assert!(plan.contains("USING COVERING INDEX run_snapshots_for_reports"), "{plan}");
    }
}
