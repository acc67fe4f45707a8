//! The hint for SQL that names a table or column which the archive does not have.

use crate::error::Result;
use crate::suggest::did_you_mean;
use rusqlite::Connection;

/// SQLite's messages for a name that does not exist, up to the name.
const NO_SUCH_TABLE: &str = "no such table: ";
const NO_SUCH_COLUMN: &str = "no such column: ";

/// Every table and view with its columns, also those that users have added.
const COLUMNS: &str = "
    SELECT tables.name, columns.name
    FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
    WHERE tables.type IN ('table', 'view')
      AND tables.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
      AND tables.name <> 'refinery_schema_history'";

/// The hint for a message of SQLite about a statement: a similar name, else the command that lists the names. `None`:
/// the message is about something else.
pub(crate) fn hint_for_unknown_name(archive: &Connection, message: &str) -> Option<String> {
    let (missing, is_table) = match message.strip_prefix(NO_SUCH_TABLE) {
        Some(table) => (table, true),
        None => (message.strip_prefix(NO_SUCH_COLUMN)?, false),
    };
    // `main.rns`, or `runs.costt` with the name that the statement gives the table.
    let missing = missing.rsplit('.').next().unwrap_or(missing);
    // Without the names, for example because of a broken view of the user, the general advice is left.
    let names = names(archive).unwrap_or_default();
    let known = names.iter().map(|(table, column)| if is_table { table.as_str() } else { column.as_str() });
    did_you_mean(missing, known).or_else(|| {
        Some(match is_table {
            true => "`runledger schema` lists the tables".to_owned(),
            false => "`runledger schema TABLE` lists the columns of a table".to_owned(),
        })
    })
}

/// Each column after its table.
fn names(archive: &Connection) -> Result<Vec<(String, String)>> {
    let mut statement = archive.prepare(COLUMNS)?;
    let names = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
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
