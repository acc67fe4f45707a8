//! The rules that SQLite checks: the pages, the references between tables, and the schema.

use super::CheckResult;
use crate::error::Result;
use crate::store::Archive;
use rusqlite::Connection;

/// The limit of SQLite's findings: high enough to count them all.
const MOST_FINDINGS: u32 = 1_000_000;

pub(super) fn integrity(archive: &Connection) -> CheckResult {
    let mut checked = CheckResult::new("file", "pages", "SQLite's integrity_check reports no fault");
    let ended = (|| {
        checked.examined = archive.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let mut statement = archive.prepare(&format!("PRAGMA integrity_check({MOST_FINDINGS})"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let found: String = row.get(0)?;
            checked.require(found == "ok", || found.replace('\n', "; "));
        }
        Ok(())
    })();
    checked.end(ended);
    checked
}

pub(super) fn references(archive: &Connection) -> CheckResult {
    let mut checked = CheckResult::new("references", "tables", "every referenced row exists");
    let ended = (|| {
        checked.examined = archive.query_row(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%REFERENCES%'",
            [],
            |row| row.get(0),
        )?;
        let mut statement = archive.prepare("PRAGMA foreign_key_check")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (table, rowid, parent): (String, Option<i64>, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let place = rowid.map_or_else(String::new, |rowid| format!(" {rowid}"));
            checked.fail(|| format!("{table}{place} references a missing row of {parent}"));
        }
        Ok(())
    })();
    checked.end(ended);
    checked
}

/// Compares tables, indexes and views with those that the migrations create: the indexes enforce rules. Objects added
/// by others are ignored, and the migration history was checked when the archive was opened.
pub(super) fn schema(archive: &Connection) -> Result<CheckResult> {
    const OBJECTS: &str = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
         AND name <> 'refinery_schema_history'";
    let mut checked =
        CheckResult::new("schema", "tables, indexes and views", "each is as the migrations create it");
    let model = Archive::temporary()?;
    let mut statement = model.connection.prepare(OBJECTS)?;
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
