//! A ledger in memory for the tests of reports and exports, with rows written by hand.

use chrono_tz::Tz;
use runledger::internal::report::{Ledger, Scope, Span};
use rusqlite::Connection;

/// The archive's schema: all migrations in order.
const MIGRATIONS: [&str; 7] = [
    include_str!("../../../migrations/V1__the_ledger.sql"),
    include_str!("../../../migrations/V2__closed_months.sql"),
    include_str!("../../../migrations/V3__row_layout_of_closes.sql"),
    include_str!("../../../migrations/V4__partial_failures.sql"),
    include_str!("../../../migrations/V5__one_meaning_in_every_sqlite.sql"),
    include_str!("../../../migrations/V6__terms_of_closes.sql"),
    include_str!("../../../migrations/V7__pipeline_settings_and_alerts.sql"),
];

/// An empty archive.
pub fn empty() -> Connection {
    with("")
}

/// The archive of `ledger.sql`, which explains each row.
pub fn small() -> Connection {
    with(include_str!("ledger.sql"))
}

/// An archive with these rows.
fn with(rows: &str) -> Connection {
    let archive = Connection::open_in_memory().unwrap();
    archive.execute_batch(&MIGRATIONS.concat()).unwrap();
    archive.execute_batch(rows).unwrap();
    archive
}

/// A ledger over the archive, in a span and a zone.
pub fn opened<'a>(archive: &'a Connection, span: &Span, zone: Tz) -> Ledger<'a> {
    Ledger::open(archive, Scope { span: *span, zone, ..Scope::default() }).unwrap()
}

/// The archive of `findings.sql`, which explains each row.
pub fn findings() -> Connection {
    with(include_str!("findings.sql"))
}

/// The archive of `change.sql`, which explains each row.
pub fn change() -> Connection {
    with(include_str!("change.sql"))
}

/// The archive of `monitoring.sql`, which explains each row.
pub fn monitoring() -> Connection {
    with(include_str!("monitoring.sql"))
}

/// The archive of `metadata.sql`, which explains each row.
pub fn metadata() -> Connection {
    with(include_str!("metadata.sql"))
}
