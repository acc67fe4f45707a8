//! This is a ledger in memory for the tests of reports and exports, with rows written by hand.

use rusqlite::Connection;

/// An archive without a row.
pub fn empty() -> Connection {
    let archive = Connection::open_in_memory().unwrap();
    archive.execute_batch(include_str!("../../migrations/V1__the_ledger.sql")).unwrap();
    archive
}

/// The archive of `ledger.sql`, which says why each row is there.
#[allow(dead_code, reason = "not every test asks it")]
pub fn small() -> Connection {
    let archive = empty();
    archive.execute_batch(include_str!("ledger.sql")).unwrap();
    archive
}

/// The archive of `findings.sql`, which says why each row is there.
#[allow(dead_code, reason = "not every test looks for what is odd")]
pub fn findings() -> Connection {
    let archive = empty();
    archive.execute_batch(include_str!("findings.sql")).unwrap();
    archive
}
