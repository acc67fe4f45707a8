//! The views that users added to an archive, as a ledger sees them.
//!
//! A view reads the tables and views of its own database, so one that a user added over `runs` knows nothing of the
//! temporary views of a ledger: it would give the answer of today, whatever moment was asked for. Temporary copies of
//! these views read the temporary views.

use crate::error::{Error, Result};
use rusqlite::Connection;
use std::collections::BTreeSet;

/// Creates a temporary copy of each view of the archive that has none yet.
///
/// # Errors
/// [`Error::Usage`] naming a view that cannot be copied. Those of SQLite.
pub(super) fn create_copies(archive: &Connection) -> Result<()> {
    let mut statement = archive.prepare(
        "SELECT name, sql FROM main.sqlite_schema \
         WHERE type = 'view' AND name NOT IN (SELECT name FROM temp.sqlite_schema)",
    )?;
    let views = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let views: Vec<(String, String)> = views.collect::<rusqlite::Result<_>>()?;
    if views.is_empty() {
        return Ok(());
    }
    let mut shadowed: BTreeSet<String> = temporary_views(archive)?.into_iter().collect();
    shadowed.extend(views.iter().map(|(name, _)| name.to_ascii_lowercase()));
    for (name, sql) in views {
        let copied = match sql.strip_prefix("CREATE VIEW ") {
            Some(rest) => {
                let sql = format!("CREATE TEMP VIEW {}", without_main(rest, &shadowed));
                archive.execute_batch(&sql).map_err(|error| error.to_string())
            }
            None => Err("its definition is not that of a view".to_owned()),
        };
        copied.map_err(|cause| Error::Usage {
            what: format!(
                "the view {name} in the archive cannot be read as of another moment, or filtered: {cause}"
            ),
            hint: Some("drop the view, or create it again, in sqlite3".to_owned()),
        })?;
    }
    Ok(())
}

/// Drops the temporary views that shadow tables or views of the archive.
///
/// # Errors
/// Those of SQLite.
pub(super) fn drop_shadows(archive: &Connection) -> Result<()> {
    for name in temporary_views(archive)? {
        archive.execute_batch(&format!("DROP VIEW temp.\"{}\"", name.replace('"', "\"\"")))?;
    }
    Ok(())
}

/// The names of the temporary views that shadow tables or views of the archive, in lower case.
fn temporary_views(archive: &Connection) -> Result<Vec<String>> {
    let mut statement = archive.prepare(
        "SELECT lower(name) FROM temp.sqlite_schema WHERE type = 'view' \
           AND lower(name) IN (SELECT lower(name) FROM main.sqlite_schema)",
    )?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// The SQL without the qualifier `main` before the names in `shadowed`, which are in lower case.
fn without_main(sql: &str, shadowed: &BTreeSet<String>) -> String {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while !rest.is_empty() {
        let (token, after) = rest.split_at(token_length(rest));
        tokens.push(token);
        rest = after;
    }
    let next_after = |place: usize| (place + 1..tokens.len()).find(|place| !is_space(tokens[*place]));
    let (mut output, mut place) = (String::with_capacity(sql.len()), 0);
    while place < tokens.len() {
        let qualified = (name_of(tokens[place]).as_deref() == Some("main"))
            .then(|| next_after(place).filter(|dot| tokens[*dot] == ".").and_then(next_after))
            .flatten()
            .filter(|name| name_of(tokens[*name]).is_some_and(|name| shadowed.contains(&name)));
        if qualified.is_none() {
            output.push_str(tokens[place]);
        }
        place = qualified.unwrap_or(place + 1);
    }
    output
}

/// The length of the first token of SQL that is not empty.
fn token_length(sql: &str) -> usize {
    let is_word =
        |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$') || !letter.is_ascii();
    let up_to = |end: &str, from: usize| sql[from..].find(end).map_or(sql.len(), |at| from + at + end.len());
    match sql.chars().next() {
        Some('-') if sql.starts_with("--") => up_to("\n", 2),
        Some('/') if sql.starts_with("/*") => up_to("*/", 2),
        // A doubled quote ends one literal and starts the next one.
        Some('\'') => up_to("'", 1),
        Some('"') => up_to("\"", 1),
        Some('`') => up_to("`", 1),
        Some('[') => up_to("]", 1),
        Some(letter) if is_word(letter) => sql.find(|letter| !is_word(letter)).unwrap_or(sql.len()),
        Some(letter) => letter.len_utf8(),
        None => 0,
    }
}

/// Whether a token separates others only.
fn is_space(token: &str) -> bool {
    token.trim().is_empty() || token.starts_with("--") || token.starts_with("/*")
}

/// The name that a token can be, in lower case and without quotes. `None`: it is no name.
fn name_of(token: &str) -> Option<String> {
    let quotes = [('"', '"'), ('\'', '\''), ('`', '`'), ('[', ']')];
    let unquoted = quotes.iter().find_map(|(open, close)| token.strip_prefix(*open)?.strip_suffix(*close));
    let name = unquoted.unwrap_or(token);
    (!is_space(token) && name != ".").then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_qualifier_main_is_removed_before_shadowed_names_only() {
        let shadowed = BTreeSet::from(["runs".to_owned(), "my view".to_owned()]);
        for (sql, expected) in [
            ("v AS SELECT * FROM main.runs", "v AS SELECT * FROM runs"),
            ("v AS SELECT * FROM \"MAIN\" . [Runs] AS r", "v AS SELECT * FROM [Runs] AS r"),
            (
                "v AS SELECT main.runs.status FROM main /* x */ .`my view`",
                "v AS SELECT runs.status FROM `my view`",
            ),
            ("v AS SELECT * FROM main.syncs", "v AS SELECT * FROM main.syncs"),
            (
                "v AS SELECT 'main.runs', \"main.runs\" -- main.runs",
                "v AS SELECT 'main.runs', \"main.runs\" -- main.runs",
            ),
            ("v AS SELECT 'it''s main.runs' /* main.runs", "v AS SELECT 'it''s main.runs' /* main.runs"),
            ("domain.runs é main.", "domain.runs é main."),
        ] {
            assert_eq!(without_main(sql, &shadowed), expected);
        }
    }
}
