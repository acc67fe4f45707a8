//! Metadata for Datasette: descriptions of an archive's tables, and every report as a query.

use crate::report::question::{QUESTIONS, Question};
use crate::store::TableDescription;
use serde::{Serialize, Serializer};
use std::io::{self, Write};

/// An archive that Datasette serves.
#[derive(Debug, Clone)]
pub(crate) struct ServedArchive {
    /// The name in Datasette: the file name without its extension.
    pub name: String,
    /// The tables, with descriptions.
    pub tables: Vec<TableDescription>,
}

/// How Datasette displays a table.
struct TableDisplay {
    table: &'static str,
    /// The column that rows are sorted by, in descending order.
    sort_desc: &'static str,
    /// Columns with few distinct values, offered as filters.
    facets: &'static [&'static str],
}

const DISPLAYS: [TableDisplay; 6] = [
    TableDisplay {
        table: "runs",
        sort_desc: "booked_at",
        facets: &["status", "pipeline_kind", "trigger_type", "credit_charge_status"],
    },
    TableDisplay { table: "run_snapshots", sort_desc: "snapshot_id", facets: &["status", "trigger_type"] },
    TableDisplay { table: "pipelines", sort_desc: "first_seen_at", facets: &["kind", "active"] },
    TableDisplay { table: "period_closes", sort_desc: "close_id", facets: &[] },
    TableDisplay { table: "syncs", sort_desc: "sync_id", facets: &["kind", "outcome"] },
    TableDisplay { table: "quarantine", sort_desc: "last_seen_at", facets: &[] },
];

/// The table of the migration history, which Datasette hides.
const HIDDEN: &str = "refinery_schema_history";

/// Writes the metadata of the archives, for the option `--metadata` of Datasette 0.64 and later.
///
/// The metadata has no `units`: Datasette 1.0 does not support them, and earlier versions display
/// amounts with SI prefixes and fewer digits. The description of each column names its unit
/// instead.
pub(crate) fn write(archives: &[ServedArchive], out: &mut dyn Write) -> io::Result<()> {
    let databases = archives.iter().map(|archive| (archive.name.as_str(), database(archive)));
    let metadata = Metadata {
        title: "runledger",
        description: "Cost, duration and history of every run of the Nekt data platform. \
                      Instants are UTC. An unknown value is empty, never zero.",
        source: "Nekt API",
        databases: InOrder(databases.collect()),
    };
    serde_json::to_writer_pretty(&mut *out, &metadata)?;
    writeln!(out)
}

fn database(archive: &ServedArchive) -> Database<'_> {
    let queries = QUESTIONS.iter().map(|question| {
        let query = Query {
            title: question.title(),
            description_html: notes(question),
            hide_sql: true,
            sql: for_a_form(question.sql),
        };
        (question.name, query)
    });
    let visible = archive.tables.iter().map(|table| {
        let display = DISPLAYS.iter().find(|display| display.table == table.name);
        let columns = table.columns.iter().map(|column| (column.name.as_str(), column.description));
        let metadata = TableMetadata {
            hidden: false,
            description: table.description,
            sort_desc: display.map(|display| display.sort_desc),
            facets: display.map_or(&[], |display| display.facets),
            columns: InOrder(columns.collect()),
        };
        (table.name, metadata)
    });
    let hidden = TableMetadata {
        hidden: true,
        description: "The schema migrations of the archive.",
        sort_desc: None,
        facets: &[],
        columns: InOrder(Vec::new()),
    };
    Database {
        description_html: format!(
            "A runledger archive. Start with <a href=\"{}/runs\">the runs</a> or one of the queries.",
            url_path(&archive.name)
        ),
        queries: InOrder(queries.collect()),
        tables: InOrder(visible.chain([(HIDDEN, hidden)]).collect()),
    }
}

/// The comment at the top of a question file as HTML, without its title: one paragraph per
/// parameter and per paragraph.
fn notes(question: &Question) -> String {
    let comments = question.sql.lines().skip(1).map_while(|line| line.strip_prefix("--"));
    let mut paragraphs: Vec<String> = Vec::new();
    let mut continues = false;
    for line in comments.map(str::trim) {
        let parameter = line.strip_prefix(':').and_then(|line| line.split_once(' '));
        let text = match parameter {
            Some((parameter, meaning)) => {
                format!("<strong>{parameter}</strong>: {}", escape_html(meaning.trim_start()))
            }
            None => escape_html(line),
        };
        match paragraphs.last_mut() {
            _ if line.is_empty() => {}
            Some(paragraph) if continues && parameter.is_none() => {
                paragraph.push(' ');
                paragraph.push_str(&text);
            }
            _ => paragraphs.push(text),
        }
        continues = !line.is_empty();
    }
    paragraphs.iter().map(|paragraph| format!("<p>{paragraph}</p>\n")).collect()
}

/// Encodes the name for a Datasette URL: tilde encoding, which is percent encoding with `~`.
fn url_path(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let encoded = name.bytes().map(|byte| match byte {
        byte if plain(byte) => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        byte => format!("~{byte:02X}"),
    });
    encoded.collect()
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Rewrites the statement for an HTML form, which sends an unset parameter as an empty text.
/// Parameters in comments and in quotes are unchanged.
fn for_a_form(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len() + 256);
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            // A doubled quote ends one literal and starts another, which makes no difference for
            // copying.
            '\'' | '"' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            ':' => {
                let name = rest[1..].find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
                let length = name.map_or(rest.len(), |end| end + 1);
                match &rest[..length] {
                    ":" => text.push(':'),
                    // A form sends texts.
                    ":limit" => text.push_str("CAST(nullif(:limit, '') AS INTEGER)"),
                    parameter => text.push_str(&format!("nullif({parameter}, '')")),
                }
                rest = &rest[length..];
                continue;
            }
            other => other.len_utf8(),
        };
        text.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    text
}

#[derive(Serialize)]
struct Metadata<'a> {
    title: &'a str,
    description: &'a str,
    source: &'a str,
    databases: InOrder<'a, Database<'a>>,
}

#[derive(Serialize)]
struct Database<'a> {
    description_html: String,
    queries: InOrder<'a, Query<'a>>,
    tables: InOrder<'a, TableMetadata<'a>>,
}

#[derive(Serialize)]
struct Query<'a> {
    title: &'a str,
    description_html: String,
    /// Collapses the SQL, so that the form and the rows come first.
    hide_sql: bool,
    sql: String,
}

#[derive(Serialize)]
struct TableMetadata<'a> {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort_desc: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    facets: &'a [&'a str],
    columns: InOrder<'a, &'a str>,
}

/// A JSON object with its keys in this order, which Datasette keeps.
struct InOrder<'a, T>(Vec<(&'a str, T)>);

impl<T: Serialize> Serialize for InOrder<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Archive;
    use rusqlite::Connection;

    fn metadata() -> serde_json::Value {
        let tables = Archive::temporary().unwrap().data_dictionary().unwrap();
        let archives =
            ["acme", "acme-labs"].map(|name| ServedArchive { name: name.to_owned(), tables: tables.clone() });
        let mut text = Vec::new();
        write(&archives, &mut text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    #[test]
    fn each_archive_has_every_query_and_every_table() {
        let metadata = metadata();
        for name in ["acme", "acme-labs"] {
            let database = &metadata["databases"][name];
            let runs = format!("<a href=\"{name}/runs\">");
            assert!(database["description_html"].as_str().unwrap().contains(&runs));
            assert_eq!(database["queries"].as_object().unwrap().len(), QUESTIONS.len());
            assert_eq!(database["queries"]["cost"]["title"], QUESTIONS[0].title());
            assert_eq!(database["tables"]["runs"]["sort_desc"], "booked_at");
            assert_eq!(database["tables"][HIDDEN]["hidden"], true);
            assert!(database["tables"]["syncs"]["columns"]["requests"].is_string());
        }
    }

    #[test]
    fn sort_and_facet_columns_exist() {
        let tables = Archive::temporary().unwrap().data_dictionary().unwrap();
        for display in DISPLAYS {
            let table = tables.iter().find(|table| table.name == display.table).unwrap();
            for column in display.facets.iter().chain([&display.sort_desc]) {
                assert!(table.columns.iter().any(|own| own.name == **column), "{}.{column}", table.name);
            }
        }
    }

    #[test]
    fn names_in_urls_have_tilde_encoding() {
        assert_eq!(url_path("acme-2_x"), "acme-2_x");
        assert_eq!(url_path("runs.2026 é/"), "runs~2E2026+~C3~A9~2F");
    }

    #[test]
    fn an_empty_form_field_is_null() {
        let connection = Connection::open_in_memory().unwrap();
        let query = |from: &str, limit: &str| -> (Option<String>, i64) {
            let sql =
                for_a_form("SELECT :from, -- :from, isn't it\n coalesce(:limit, 20), ':limit', '''%H:%M'");
            assert!(sql.ends_with(
                "-- :from, isn't it\n coalesce(CAST(nullif(:limit, '') AS INTEGER), 20), ':limit', '''%H:%M'"
            ));
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            connection.query_row(&sql, &[(":from", from), (":limit", limit)], row).unwrap()
        };
        assert_eq!(query("", ""), (None, 20));
        assert_eq!(query("2026-01-01", "5"), (Some("2026-01-01".to_owned()), 5));
    }

    #[test]
    fn notes_have_a_paragraph_per_parameter_and_paragraph() {
        let sql = "-- Why?\n--\n-- :from   only < that; not\n--         set: all\n-- :limit  most\n--\n-- One\n-- two.\nSELECT 1";
        assert_eq!(
            notes(&Question { name: "why", sql }),
            "<p><strong>from</strong>: only &lt; that; not set: all</p>\n\
             <p><strong>limit</strong>: most</p>\n<p>One two.</p>\n"
        );
    }

    #[test]
    fn every_query_prepares_with_form_parameters() {
        let archive = Archive::temporary().unwrap();
        for question in QUESTIONS {
            let sql = for_a_form(question.sql);
            archive.connection().prepare(&sql).unwrap_or_else(|error| panic!("{}: {error}", question.name));
            assert!(!notes(&question).is_empty(), "{}", question.name);
        }
    }
}
