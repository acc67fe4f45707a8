//! This is Datasette's metadata: an archive's tables in words, and every question as one that a browser can ask.

use crate::report::question::{QUESTIONS, Question};
use crate::store::TableDescription;
use serde::{Serialize, Serializer};
use std::io::{self, Write};

/// An archive that Datasette serves.
#[derive(Debug, Clone)]
pub struct Served {
    /// What Datasette calls it: its file's name without the ending.
    pub name: String,
    /// What is in it.
    pub tables: Vec<TableDescription>,
}

/// What a table is shown by, beside its words.
struct Display {
    table: &'static str,
    /// The column whose greatest values come first.
    sort_desc: &'static str,
    /// Columns of few values, by which one clicks one's way through.
    facets: &'static [&'static str],
}

const DISPLAYS: [Display; 6] = [
    Display {
        table: "runs",
        sort_desc: "booked_at",
        facets: &["status", "pipeline_kind", "trigger_type", "credit_charge_status"],
    },
    Display { table: "run_snapshots", sort_desc: "snapshot_id", facets: &["status", "trigger_type"] },
    Display { table: "pipelines", sort_desc: "first_seen_at", facets: &["kind", "active"] },
    Display { table: "period_closes", sort_desc: "close_id", facets: &[] },
    Display { table: "syncs", sort_desc: "sync_id", facets: &["kind", "outcome"] },
    Display { table: "quarantine", sort_desc: "last_seen_at", facets: &[] },
];

/// The table in which the migrations are recorded: nobody's question.
const HIDDEN: &str = "refinery_schema_history";

/// Writes the metadata of the archives, which Datasette 0.64 and later reads with `--metadata`.
///
/// There are no `units`: Datasette 1.0 has none, and those before write an amount with another prefix and fewer
/// digits. Each column's words name its unit instead.
pub fn write(served: &[Served], out: &mut dyn Write) -> io::Result<()> {
    let databases = served.iter().map(|served| (served.name.as_str(), database(served)));
    let metadata = Metadata {
        title: "runledger",
        description: "What each run of the Nekt data platform cost, how long it took, and what was known of it when. \
                      Instants are UTC; what is not known is blank, never zero.",
        source: "Nekt API",
        databases: InOrder(databases.collect()),
    };
    serde_json::to_writer_pretty(&mut *out, &metadata)?;
    writeln!(out)
}

fn database(served: &Served) -> Database<'_> {
    let queries = QUESTIONS.iter().map(|question| {
        let query = Query {
            title: question.title(),
            description_html: notes(question),
            hide_sql: true,
            sql: for_a_form(question.sql),
        };
        (question.name, query)
    });
    let visible = served.tables.iter().map(|table| {
        let display = DISPLAYS.iter().find(|display| display.table == table.name);
        let columns = table.columns.iter().map(|(column, words)| (column.as_str(), *words));
        let shown = Shown {
            hidden: false,
            description: table.description,
            sort_desc: display.map(|display| display.sort_desc),
            facets: display.map_or(&[], |display| display.facets),
            columns: InOrder(columns.collect()),
        };
        (table.name, shown)
    });
    let hidden = Shown {
        hidden: true,
        description: "Which migrations the archive has had.",
        sort_desc: None,
        facets: &[],
        columns: InOrder(Vec::new()),
    };
    Database {
        // Datasette cannot show a view that has bytes in a column: https://github.com/simonw/datasette/issues/2601
        description_html: format!(
            "An archive of runledger. Start with <a href=\"{}/runs?_nocol=content_hash\">the runs</a>, or with a question.",
            address(&served.name)
        ),
        queries: InOrder(queries.collect()),
        tables: InOrder(visible.chain([(HIDDEN, hidden)]).collect()),
    }
}

/// What the question's file says before its SQL begins, without the question itself, as HTML: each parameter and each
/// paragraph is one.
fn notes(question: &Question) -> String {
    let comments = question.sql.lines().skip(1).map_while(|line| line.strip_prefix("--"));
    let mut paragraphs: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in comments.map(str::trim) {
        let parameter = line.strip_prefix(':').and_then(|line| line.split_once(' '));
        let text = match parameter {
            Some((parameter, words)) => {
                format!("<strong>{parameter}</strong>: {}", escaped(words.trim_start()))
            }
            None => escaped(line),
        };
        match paragraphs.last_mut() {
            _ if line.is_empty() => {}
            Some(paragraph) if goes_on && parameter.is_none() => {
                paragraph.push(' ');
                paragraph.push_str(&text);
            }
            _ => paragraphs.push(text),
        }
        goes_on = !line.is_empty();
    }
    paragraphs.iter().map(|paragraph| format!("<p>{paragraph}</p>\n")).collect()
}

/// The name as Datasette has it in addresses: what is no letter or digit as `~` with its byte.
fn address(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let encoded = name.bytes().map(|byte| match byte {
        byte if plain(byte) => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        byte => format!("~{byte:02X}"),
    });
    encoded.collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The statement for a form whose empty fields come as empty texts: there they are not set. Its parameters in comments
/// and in quotes stay as they are.
fn for_a_form(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len() + 256);
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            // A doubled quote ends one text and begins another: to copy, that is all the same.
            '\'' | '"' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            ':' => {
                let name = rest[1..].find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
                let length = name.map_or(rest.len(), |end| end + 1);
                match &rest[..length] {
                    ":" => text.push(':'),
                    // A form gives texts.
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
    tables: InOrder<'a, Shown<'a>>,
}

#[derive(Serialize)]
struct Query<'a> {
    title: &'a str,
    description_html: String,
    /// A click away: the form and the rows come first.
    hide_sql: bool,
    sql: String,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort_desc: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    facets: &'a [&'a str],
    columns: InOrder<'a, &'a str>,
}

/// An object whose keys stay in the order they are shown in.
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
        let served =
            ["acme", "acme-labs"].map(|name| Served { name: name.to_owned(), tables: tables.clone() });
        let mut text = Vec::new();
        write(&served, &mut text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    #[test]
    fn each_archive_has_every_question_and_every_table() {
        let metadata = metadata();
        for name in ["acme", "acme-labs"] {
            let database = &metadata["databases"][name];
            let runs = format!("<a href=\"{name}/runs?_nocol=content_hash\">");
            assert!(database["description_html"].as_str().unwrap().contains(&runs));
            assert_eq!(database["queries"].as_object().unwrap().len(), QUESTIONS.len());
            assert_eq!(database["queries"]["cost"]["title"], QUESTIONS[0].title());
            assert_eq!(database["tables"]["runs"]["sort_desc"], "booked_at");
            assert_eq!(database["tables"][HIDDEN]["hidden"], true);
            assert_eq!(
                database["tables"]["syncs"]["columns"]["requests"],
                "Requests sent, including failed attempts"
            );
        }
    }

    #[test]
    fn what_a_table_is_shown_by_is_a_column_of_it() {
        let tables = Archive::temporary().unwrap().data_dictionary().unwrap();
        for display in DISPLAYS {
            let table = tables.iter().find(|table| table.name == display.table).unwrap();
            for column in display.facets.iter().chain([&display.sort_desc]) {
                assert!(table.columns.iter().any(|(name, _)| name == column), "{}.{column}", table.name);
            }
        }
    }

    #[test]
    fn a_name_in_an_address_is_written_as_datasette_writes_it() {
        assert_eq!(address("acme-2_x"), "acme-2_x");
        assert_eq!(address("runs.2026 é/"), "runs~2E2026+~C3~A9~2F");
    }

    #[test]
    fn an_empty_field_of_a_form_is_not_set() {
        let connection = Connection::open_in_memory().unwrap();
        let ask = |from: &str, limit: &str| -> (Option<String>, i64) {
            let sql =
                for_a_form("SELECT :from, -- :from, isn't it\n coalesce(:limit, 20), ':limit', '''%H:%M'");
            assert!(sql.ends_with(
                "-- :from, isn't it\n coalesce(CAST(nullif(:limit, '') AS INTEGER), 20), ':limit', '''%H:%M'"
            ));
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            connection.query_row(&sql, &[(":from", from), (":limit", limit)], row).unwrap()
        };
        assert_eq!(ask("", ""), (None, 20));
        assert_eq!(ask("2026-01-01", "5"), (Some("2026-01-01".to_owned()), 5));
    }

    #[test]
    fn the_notes_of_a_question_are_its_parameters_and_paragraphs() {
        let sql = "-- Why?\n--\n-- :from   only < that; not\n--         set: all\n-- :limit  most\n--\n-- One\n-- two.\nSELECT 1";
        assert_eq!(
            notes(&Question { name: "why", sql }),
            "<p><strong>from</strong>: only &lt; that; not set: all</p>\n\
             <p><strong>limit</strong>: most</p>\n<p>One two.</p>\n"
        );
    }

    #[test]
    fn every_question_prepares_as_a_form_asks_it() {
        let archive = Archive::temporary().unwrap();
        for question in QUESTIONS {
            let sql = for_a_form(question.sql);
            archive.connection().prepare(&sql).unwrap_or_else(|error| panic!("{}: {error}", question.name));
            assert!(!notes(&question).is_empty(), "{}", question.name);
        }
    }
}
