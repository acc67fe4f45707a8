//! The tables, views, indexes and triggers that users added to an archive.

use super::{migrations, unusable};
use crate::error::Result;
use refinery::Migration;
use rusqlite::{Connection, ErrorCode};
use std::collections::BTreeSet;
use std::path::Path;

/// A table, view, index or trigger.
struct Object {
    kind: String,
    name: String,
    sql: String,
}

/// Refuses an archive in which a user's object has a name that a migration from this version needs.
///
/// # Errors
/// [`crate::error::Error::Archive`] naming the object. Those of SQLite.
pub(super) fn reject_needed_names(path: &Path, archive: &Connection, version: i32) -> Result<()> {
    let (own, needed) = names(migrations::migrations(), version)?;
    let taken = |object: &Object| {
        let name = object.name.to_ascii_lowercase();
        needed.contains(&name) && !own.contains(&name)
    };
    let Some(Object { kind, name, .. }) = objects(archive)?.into_iter().find(taken) else { return Ok(()) };
    let advice = match kind.as_str() {
        "table" => format!("ALTER TABLE \"{name}\" RENAME TO \"my_{name}\""),
        _ => format!("DROP {} \"{name}\"", kind.to_uppercase()),
    };
    Err(unusable(
        path,
        format!("the {kind} {name} was added to it, and its next schema version needs that name"),
        Some(format!("run `{advice}` in sqlite3, then run the command again")),
    ))
}

/// The indexes and triggers that users added to an archive, before its migration. A migration that creates a table or a
/// view again drops them.
#[derive(Default)]
pub(super) struct Dependents(Vec<Object>);

impl Dependents {
    /// Reads them from an archive of this version.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn of(archive: &Connection, migrations: &[Migration], version: i32) -> Result<Dependents> {
        let mut dependents = objects(archive)?;
        dependents.retain(|object| matches!(object.kind.as_str(), "index" | "trigger"));
        let (own, _) = names(migrations, version)?;
        dependents.retain(|object| !own.contains(&object.name.to_ascii_lowercase()));
        Ok(Dependents(dependents))
    }

    /// Creates those again that are missing. Warns about each that no longer fits. It runs in the transaction of the
    /// migration, so that no kill comes between the two.
    ///
    /// # Errors
    /// Those of SQLite that concern the archive, not the object: a full disk, for example.
    pub(super) fn create_missing(&self, archive: &Connection) -> rusqlite::Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let present: BTreeSet<String> = objects(archive)?.into_iter().map(|object| object.name).collect();
        for Object { kind, name, sql } in self.0.iter().filter(|object| !present.contains(&object.name)) {
            match archive.execute_batch(sql) {
                Err(error) if no_longer_fits(&error) => tracing::warn!(
                    "the migration removed the {kind} {name}, which was added to the archive: {error}"
                ),
                created => created?,
            }
        }
        Ok(())
    }
}

/// Whether an object could not be created because of its own SQL, or because of the rows that it concerns.
fn no_longer_fits(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqlInputError { .. } => true,
        _ => matches!(error.sqlite_error_code(), Some(ErrorCode::Unknown | ErrorCode::ConstraintViolation)),
    }
}

/// The objects of an archive with their SQL, without those that SQLite creates itself.
fn objects(archive: &Connection) -> rusqlite::Result<Vec<Object>> {
    let mut statement =
        archive.prepare("SELECT type, name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL")?;
    let objects = statement
        .query_map([], |row| Ok(Object { kind: row.get(0)?, name: row.get(1)?, sql: row.get(2)? }))?;
    objects.collect()
}

/// The names of the archive's own objects in a schema version, and those that later migrations need besides, both in
/// lower case.
fn names(migrations: &[Migration], version: i32) -> Result<(BTreeSet<String>, BTreeSet<String>)> {
    let model = Connection::open_in_memory()?;
    let (mut own, mut needed) = (BTreeSet::from(["refinery_schema_history".to_owned()]), BTreeSet::new());
    for migration in migrations {
        // A migration that fails here fails in the archive too, and is reported there.
        if model.execute_batch(migration.sql().unwrap_or_default()).is_err() {
            break;
        }
        let names = objects(&model)?.into_iter().map(|object| object.name.to_ascii_lowercase());
        if migration.version() <= version {
            own.extend(names);
        } else {
            needed.extend(names);
        }
    }
    let needed = needed.difference(&own).cloned().collect();
    Ok((own, needed))
}

/// The names of the tables that this program's migrations create.
///
/// # Errors
/// Those of SQLite.
pub(super) fn own_tables(model: &Connection) -> Result<BTreeSet<String>> {
    let tables = objects(model)?.into_iter().filter(|object| object.kind == "table");
    Ok(tables.map(|object| object.name).collect())
}
