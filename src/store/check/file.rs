//! The rules that SQLite checks: the pages, the references between tables, and the schema.
//!
//! Users may add tables to an archive. A page of theirs that is damaged is damage to the file; a row of theirs that
//! breaks a constraint of theirs is not.

use super::CheckResult;
use crate::error::Result;
use crate::store::Archive;
use crate::store::user_objects::own_tables;
use rusqlite::Connection;
use std::collections::BTreeSet;

/// The limit of SQLite's findings: high enough to count them all.
const MOST_FINDINGS: u32 = 1_000_000;

/// Checks the pages, the references and the schema, in this order.
///
/// # Errors
/// Those of SQLite when the schema cannot be read at all.
pub(super) fn check(archive: &Connection) -> Result<[CheckResult; 3]> {
    let model = Archive::temporary()?;
    let own = own_tables(&model.connection)?;
    Ok([integrity(archive, &own), references(archive, &own), schema(archive, &model.connection)?])
}

fn integrity(archive: &Connection, own: &BTreeSet<String>) -> CheckResult {
    let mut checked = CheckResult::new("file", "pages", "SQLite's integrity_check reports no fault");
    let ended = (|| {
        checked.examined = archive.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let mut statement = archive.prepare(&format!("PRAGMA integrity_check({MOST_FINDINGS})"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let found: String = row.get(0)?;
            let is_fault =
                found != "ok" && table_of_constraint(&found).is_none_or(|table| own.contains(table));
            checked.require(!is_fault, || found.replace('\n', "; "));
        }
        Ok(())
    })();
    checked.end(ended);
    checked
}

/// The table in a message of `integrity_check` about a row that breaks a constraint. `None`: the message is about
/// something else.
fn table_of_constraint(found: &str) -> Option<&str> {
    if let Some(table) = found.strip_prefix("CHECK constraint failed in ") {
        return Some(table);
    }
    let column = ["NULL value in ", "NUMERIC value in ", "TEXT value in "];
    let column = column.iter().find_map(|prefix| found.strip_prefix(prefix))?;
    column.split_once('.').map(|(table, _)| table)
}

fn references(archive: &Connection, own: &BTreeSet<String>) -> CheckResult {
    let mut checked = CheckResult::new("references", "tables", "every referenced row exists");
    let ended = (|| {
        let mut tables = archive
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%REFERENCES%'")?;
        let tables = tables.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
        for table in tables.iter().filter(|table| own.contains(*table)) {
            checked.examined += 1;
            let mut statement = archive.prepare(&format!("PRAGMA foreign_key_check({table})"))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (rowid, parent): (Option<i64>, String) = (row.get(1)?, row.get(2)?);
                let place = rowid.map_or_else(String::new, |rowid| format!(" {rowid}"));
                checked.fail(|| format!("{table}{place} references a missing row of {parent}"));
            }
        }
        Ok(())
    })();
    checked.end(ended);
    checked
}

/// Compares tables, indexes and views with those that the migrations create: the indexes enforce rules. Objects added
/// by others are ignored, and the migration history was checked when the archive was opened.
fn schema(archive: &Connection, model: &Connection) -> Result<CheckResult> {
    const OBJECTS: &str = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
         AND name <> 'refinery_schema_history'";
    let mut checked =
        CheckResult::new("schema", "tables, indexes and views", "each is as the migrations create it");
    let mut statement = model.prepare(OBJECTS)?;
    let mut expected = statement.query([])?;
    while let Some(row) = expected.next()? {
        let (kind, name, sql): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        checked.examined += 1;
        let found = archive.query_row(
            "SELECT sql FROM sqlite_schema WHERE type = ?1 AND name = ?2",
            [&kind, &name],
            |row| row.get::<_, Option<String>>(0),
        );
        match found {
            Ok(Some(found)) if found == sql => {}
            Ok(_) => checked.fail(|| format!("the {kind} {name} was changed")),
            Err(rusqlite::Error::QueryReturnedNoRows) => {
                checked.fail(|| format!("the {kind} {name} is missing"));
            }
            Err(error) => checked.end(Err(error)),
        }
    }
    Ok(checked)
}
