//! The hint for SQL that names a table or column which the archive does not have.

use crate::error::Result;
use crate::suggest::did_you_mean;
use rusqlite::Connection;

/// SQLite's messages for a name that does not exist, up to the name.
const NO_SUCH_TABLE: &str = "no such table: ";
const NO_SUCH_COLUMN: &str = "no such column: ";

/// Every table and view, also those that users have added.
const TABLES: &str = "
    SELECT name FROM sqlite_schema
    WHERE type IN ('table', 'view')
      AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
      AND name <> 'refinery_schema_history'
    ORDER BY name";

/// The columns of all tables and views, each name once.
const COLUMNS: &str = "
    SELECT DISTINCT columns.name
    FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
    WHERE tables.type IN ('table', 'view') AND tables.name <> 'refinery_schema_history'
    ORDER BY columns.name";

/// The hint for a message of SQLite about a statement: a similar name, else the command that lists the names. `None`:
/// the message is about something else.
pub(crate) fn hint_for_unknown_name(archive: &Connection, message: &str) -> Option<String> {
    let (missing, sql, advice) = match message.strip_prefix(NO_SUCH_TABLE) {
        Some(table) => (table, TABLES, "`runledger schema` lists the tables"),
        None => {
            let column = message.strip_prefix(NO_SUCH_COLUMN)?;
            (column, COLUMNS, "`runledger schema TABLE` lists the columns of a table")
        }
    };
    // `main.rns`, or `runs.costt` with the name that the statement gives the table.
    let missing = missing.rsplit('.').next().unwrap_or(missing);
    // Without the names, for example because of a broken view of the user, the general advice is left.
    let names = names(archive, sql).unwrap_or_default();
    did_you_mean(missing, names.iter().map(String::as_str)).or_else(|| Some(advice.to_owned()))
}

fn names(archive: &Connection, sql: &str) -> Result<Vec<String>> {
    let mut statement = archive.prepare(sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Archive;

    fn hint(message: &str) -> Option<String> {
        hint_for_unknown_name(Archive::temporary().unwrap().connection(), message)
    }

    #[test]
    fn a_mistyped_table_or_column_gets_a_suggestion() {
        for (message, name) in [
            ("no such table: rusn", "runs"),
            ("no such table: main.pipeline", "pipelines"),
            ("no such column: total_cost_usdd", "total_cost_usd"),
            ("no such column: r.booked_a", "booked_at"),
        ] {
            assert_eq!(hint(message).unwrap(), format!("did you mean `{name}`?"), "{message}");
        }
    }

    #[test]
    fn an_unknown_name_without_a_similar_one_gets_the_command_that_lists_them() {
        assert_eq!(hint("no such table: xyzzyxyzzy").unwrap(), "`runledger schema` lists the tables");
        assert!(hint("no such column: xyzzyxyzzy").unwrap().contains("`runledger schema TABLE`"));
        assert_eq!(hint("near \"SELCT\": syntax error"), None);
    }
}
