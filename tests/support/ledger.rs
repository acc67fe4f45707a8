//! This is a ledger in memory for the tests of reports and exports, with rows written by hand.

use rusqlite::Connection;

/// An archive without a row.
pub fn empty() -> Connection {
    let archive = Connection::open_in_memory().unwrap();
    archive.execute_batch(include_str!("../../migrations/V1__the_ledger.sql")).unwrap();
    archive
}

/// The archive of `ledger.sql`, which says why each row is there.
pub fn small() -> Connection {
    let archive = empty();
    archive.execute_batch(include_str!("ledger.sql")).unwrap();
    archive
}
