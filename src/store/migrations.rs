//! The migrations, and the migration history of an archive, which is verified before anything is written.

use super::unusable;
use super::user_objects::Dependents;
use crate::error::{Error, Result};
use crate::run::Instant;
use refinery::{Migrate, Migration, Runner};
use refinery_core::traits::sync::{Query, Transaction};
use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use std::path::Path;
use std::sync::LazyLock;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The history of an archive with every migration: version, name and checksum. Opening such an archive compares it with
/// these texts, because refinery compiles a regular expression to name its migrations, a fifth of the time of a small
/// command.
const HISTORY: [(i64, &str, &str); 7] = [
    (1, "the_ledger", "10377433407593129291"),
    (2, "closed_months", "14433403796368358383"),
    (3, "row_layout_of_closes", "17773537792822428189"),
    (4, "partial_failures", "1623060116146105839"),
    (5, "one_meaning_in_every_sqlite", "3023740965016411882"),
    (6, "terms_of_closes", "14672285990956747773"),
    (7, "pipeline_settings_and_alerts", "1039708382057703135"),
];

/// The maximum number of fractional digits in `applied_on`.
const MAX_FRACTION_DIGITS: usize = 9;

/// The state of an archive's schema relative to a list of migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SchemaStatus {
    /// No migration was applied, and the archive has no tables.
    Blank,
    /// Some migrations were applied, up to this version.
    Older(i32),
    /// All migrations were applied.
    Current,
}

/// The migrations of this program, oldest first.
pub(super) fn migrations() -> &'static [Migration] {
    static MIGRATIONS: LazyLock<Vec<Migration>> = LazyLock::new(|| {
        let mut migrations = embedded::migrations::runner().get_migrations().clone();
        migrations.sort();
        migrations
    });
    &MIGRATIONS
}

/// The version of the newest migration.
pub(super) fn newest(migrations: &[Migration]) -> i32 {
    migrations.iter().map(Migration::version).max().expect("a program has its migrations")
}

/// As [`schema_status`], of the migrations of this program.
///
/// # Errors
/// As [`schema_status`].
pub(super) fn own_schema_status(path: &Path, connection: &Connection) -> Result<SchemaStatus> {
    if has_whole_history(connection) {
        return Ok(SchemaStatus::Current);
    }
    schema_status(path, connection, migrations())
}

/// Whether the history is [`HISTORY`]. If it cannot be read, it is not.
fn has_whole_history(connection: &Connection) -> bool {
    let is_entry = |[version, name, applied_on, checksum]: &[Value; 4], expected: &(i64, &str, &str)| {
        (whole(version), text(name), text(checksum)) == (Some(expected.0), Some(expected.1), Some(expected.2))
            && text(applied_on).is_some_and(is_timestamp)
    };
    applied(connection).is_ok_and(|applied| {
        applied.len() == HISTORY.len() && applied.iter().zip(&HISTORY).all(|(entry, of)| is_entry(entry, of))
    })
}

/// Verifies the migration history of an archive without writing. It does not use refinery, which panics on a history
/// that it did not write.
///
/// # Errors
/// [`crate::error::Error::Archive`] when the history is a newer program's, damaged, or edited.
pub(super) fn schema_status(
    path: &Path,
    connection: &Connection,
    migrations: &[Migration],
) -> Result<SchemaStatus> {
    let damaged = |what: String| {
        let hint = "nothing was changed: restore a backup with `runledger restore BACKUP`, or use the version of runledger that \
             wrote the archive";
        unusable(path, format!("its migration history is damaged or edited: {what}"), Some(hint.to_owned()))
    };
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND name <> 'refinery_schema_history'", [], |row| row.get(0))?;
    let has_history: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'refinery_schema_history')",
        [],
        |row| row.get(0),
    )?;
    let applied = if has_history {
        applied(connection).map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::DatabaseBusy) => {
                error.into()
            }
            _ => damaged(error.to_string()),
        })?
    } else {
        Vec::new()
    };
    if applied.is_empty() {
        return match objects {
            0 => Ok(SchemaStatus::Blank),
            _ => Err(damaged("there are tables, but no migration that created them".to_owned())),
        };
    }
    let newest = newest(migrations);
    let latest = applied.iter().filter_map(|[version, ..]| whole(version)).max();
    if let Some(version) = latest.filter(|version| *version > i64::from(newest)) {
        return Err(written_by_newer(path, version, newest));
    }
    for (place, [version, name, applied_on, checksum]) in applied.iter().enumerate() {
        let Some(migration) = migrations.get(place) else {
            return Err(damaged(format!(
                "it has {} entries for {} migrations",
                applied.len(),
                migrations.len()
            )));
        };
        let expected = migration.version();
        if whole(version) != Some(i64::from(expected)) {
            return Err(damaged(format!("version {expected} is missing")));
        }
        if text(name) != Some(migration.name()) {
            return Err(damaged(format!("version {expected} has another name than `{}`", migration.name())));
        }
        if text(checksum) != Some(migration.checksum().to_string().as_str()) {
            return Err(damaged(format!(
                "version {expected} was made by another text of the migration than this program has"
            )));
        }
        if !text(applied_on).is_some_and(is_timestamp) {
            return Err(damaged(format!("when version {expected} was applied is no date and time")));
        }
    }
    Ok(if applied.len() == migrations.len() {
        SchemaStatus::Current
    } else {
        SchemaStatus::Older(migrations[applied.len() - 1].version())
    })
}

/// The error for an archive of a later schema version than the newest that this program knows.
pub(super) fn written_by_newer(path: &Path, version: i64, newest: i32) -> Error {
    unusable(
        path,
        format!("its schema is version {version}, and this program knows versions up to {newest}"),
        Some("use the version of runledger that wrote it, or a newer one".to_owned()),
    )
}

fn applied(connection: &Connection) -> rusqlite::Result<Vec<[Value; 4]>> {
    let mut statement = connection.prepare(
        "SELECT version, name, applied_on, checksum FROM refinery_schema_history ORDER BY version",
    )?;
    let rows = statement.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
    rows.collect()
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(whole) => Some(*whole),
        _ => None,
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Whether it is a date and time in the format of refinery: `2026-11-23T10:15:00.123456789Z`.
fn is_timestamp(text: &str) -> bool {
    let Some((start, rest)) = text.split_at_checked("2026-11-23T10:15:00".len()) else { return false };
    let fraction = rest.strip_suffix('Z').map(|rest| rest.strip_prefix('.').unwrap_or(rest));
    start.as_bytes()[10] == b'T'
        && fraction.is_some_and(|digits| digits.len() <= MAX_FRACTION_DIGITS)
        && Instant::parse(text).is_some()
}

/// Applies the pending migrations, all or none.
///
/// # Errors
/// [`crate::error::Error::Archive`] when one fails, and that of SQLite when another program keeps the archive locked;
/// the archive is unchanged.
pub(super) fn migrate(path: &Path, connection: &mut Connection, migrations: &[Migration]) -> Result<()> {
    let dependents = match schema_status(path, connection, migrations)? {
        SchemaStatus::Older(version) => Dependents::of(connection, migrations, version)?,
        SchemaStatus::Blank | SchemaStatus::Current => Dependents::default(),
    };
    // In one transaction: otherwise a kill between a migration and its entry would leave them inconsistent.
    // It begins with the write lock, because SQLite waits for no lock in the middle of a transaction.
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    // A migration may drop a table and create it again. Tables that users added can refer to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    let migrated = Runner::new(migrations)
        .set_grouped(true)
        .run(&mut Migrating { connection: &mut *connection, dependents });
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    connection.set_transaction_behavior(TransactionBehavior::Deferred);
    migrated.map_err(|error| -> Error {
        // The wait for the lock of another program can have been cancelled.
        if let Some(busy) = sqlite_error(&error).filter(crate::error::is_busy) {
            return busy.into();
        }
        let mut cause = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            // SQLite's message without the whole migration.
            if let Some(rusqlite::Error::SqlInputError { msg, .. }) = inner.downcast_ref() {
                cause = format!("{cause}: {msg}");
                break;
            }
            cause = format!("{cause}: {inner}");
            source = inner.source();
        }
        unusable(path, format!("its schema could not be migrated: {cause}"), hint_of(&error))
    })?;
    Ok(())
}

/// An archive during its migrations. refinery runs all statements of a group through one call of `execute`.
struct Migrating<'a> {
    connection: &'a mut Connection,
    dependents: Dependents,
}

impl Transaction for Migrating<'_> {
    type Error = rusqlite::Error;

    /// Runs the statements in one transaction, and creates in it again what they dropped of the users' objects. Gives
    /// the number of statements.
    fn execute<'a, T: Iterator<Item = &'a str>>(&mut self, statements: T) -> rusqlite::Result<usize> {
        let transaction = self.connection.transaction()?;
        let mut count = 0;
        for statement in statements {
            transaction.execute_batch(statement)?;
            count += 1;
        }
        self.dependents.create_missing(&transaction)?;
        transaction.commit()?;
        Ok(count)
    }
}

impl Query<Vec<Migration>> for Migrating<'_> {
    fn query(&mut self, query: &str) -> rusqlite::Result<Vec<Migration>> {
        self.connection.query(query)
    }
}

impl Migrate for Migrating<'_> {}

/// The hint for a migration that SQLite refused.
fn hint_of(error: &refinery::Error) -> Option<String> {
    Error::from(sqlite_error(error)?).hint()
}

/// The error of SQLite that ended a migration. `None`: the migration failed otherwise.
fn sqlite_error(error: &refinery::Error) -> Option<rusqlite::Error> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(error) = cause {
        match error.downcast_ref::<rusqlite::Error>() {
            Some(rusqlite::Error::SqliteFailure(failure, text)) => {
                return Some(rusqlite::Error::SqliteFailure(*failure, text.clone()));
            }
            _ => cause = error.source(),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_lists_every_migration() {
        let expected: Vec<_> = migrations()
            .iter()
            .map(|migration| {
                let checksum = migration.checksum().to_string();
                (i64::from(migration.version()), migration.name().to_owned(), checksum)
            })
            .collect();
        let listed = HISTORY.map(|(version, name, checksum)| (version, name.to_owned(), checksum.to_owned()));
        assert_eq!(Vec::from(listed), expected);
    }

    #[test]
    fn only_a_whole_history_is_recognized_by_its_texts() {
        let mut archive = Connection::open_in_memory().unwrap();
        assert!(!has_whole_history(&archive));
        migrate(Path::new("(test)"), &mut archive, migrations()).unwrap();
        assert!(has_whole_history(&archive));
        for change in [
            "UPDATE refinery_schema_history SET checksum = '1' WHERE version = 2",
            "UPDATE refinery_schema_history SET name = 'other' WHERE version = 2",
            "UPDATE refinery_schema_history SET applied_on = 'today' WHERE version = 2",
            "DELETE FROM refinery_schema_history WHERE version = 2",
            "INSERT INTO refinery_schema_history SELECT 99, name, applied_on, checksum FROM refinery_schema_history LIMIT 1",
        ] {
            archive.execute_batch(&format!("SAVEPOINT before; {change}")).unwrap();
            assert!(!has_whole_history(&archive), "{change}");
            archive.execute_batch("ROLLBACK TO before; RELEASE before").unwrap();
        }
        assert!(has_whole_history(&archive));
    }
}
