//! The data dictionary: what each table, view and column of an archive holds, and in which unit.
//!
//! Datasette's metadata, the Parquet schema and `docs/data-model.md` take their descriptions from here. The columns of
//! documented fields are described where the fields are defined: in `run/fields.rs`.

use super::Archive;
use crate::error::Result;
use crate::run::Field;
use crate::run::fields::{self, DocumentedField};

/// The description of a table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDescription {
    /// The name in SQL.
    pub name: &'static str,
    /// What a row is.
    pub description: &'static str,
    /// The columns in order.
    pub columns: Vec<ColumnDescription>,
}

/// The description of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDescription {
    /// The name in SQL.
    pub name: String,
    /// The type of its values in SQLite: `TEXT`, `INTEGER`, `REAL` or `BLOB`. Any of them can be NULL.
    pub sql_type: String,
    /// Its meaning, its unit, and what NULL means. Instants are UTC.
    pub description: &'static str,
}

/// A table or view in the dictionary.
struct Entry {
    name: &'static str,
    description: &'static str,
    /// Descriptions of this table's columns, by name. A column that is not here is in [`SHARED`] or a documented field.
    columns: &'static [(&'static str, &'static str)],
}

const KIND: &str = "source, destination or transformation";
const OBSERVED_AT: &str = "When this state was first seen";
const SUPERSEDED_AT: &str = "When the next state was seen; NULL: this is the current state";
const GONE_AT: &str = "When a complete list no longer had it; NULL: it is listed";
const SETTINGS: &str = "Settings that explain cost and schedule, a JSON object with the API's names; NULL: none was sent, or stored before \
                        version 7 of the schema";
const VANISHED_AT: &str = "When the API no longer had the run; NULL: it has it";

/// Every table and view that users read, in the order in which they need them.
const ENTRIES: [Entry; 13] = [
    Entry {
        name: "runs",
        description: "The current state of each run, one row per run: start here.",
        columns: &[
            ("pipeline_kind", "source, destination or transformation; NULL: the run names none, or several"),
            (
                "pipeline_id",
                "Pipeline as the run names it, by id or slug; NULL: the run names none, or several",
            ),
            ("pipeline_name", "Display name of the pipeline; NULL: it is not in the catalog"),
            (
                "booked_at",
                "Instant that puts the run into a month: when it started, else when it was created",
            ),
            ("queued_seconds", "Seconds from created to started; NULL: not started"),
            (
                "total_cost_usd",
                "Sum of the known costs in US dollars, as a double; NULL: no cost is known (yet)",
            ),
            ("total_cost_nanos", "total_cost_usd in whole nano-dollars (10^-9 USD); sums are exact"),
            ("settled", "1: no change is expected any more; 0: status or cost may still change"),
            ("vanished_at", VANISHED_AT),
            (
                "content_hash",
                "SHA-256 of the run's document, the line printed by `runledger export documents`, in hexadecimal",
            ),
        ],
    },
    Entry {
        name: "run_snapshots",
        description: "Every distinct state of every run, from observed_at until superseded_at (half open).",
        columns: &[("superseded_at", SUPERSEDED_AT)],
    },
    Entry {
        name: "pipelines",
        description: "The sources, destinations and transformations as last seen, including those deleted since.",
        columns: &[
            ("first_seen_at", "When the list of pipelines first had it"),
            ("gone_at", GONE_AT),
            ("settings", SETTINGS),
        ],
    },
    Entry {
        name: "pipeline_snapshots",
        description: "Every state of every pipeline, such as its names, from observed_at until superseded_at (half open).",
        columns: &[("superseded_at", SUPERSEDED_AT), ("gone_at", GONE_AT), ("settings", SETTINGS)],
    },
    Entry {
        name: "period_closes",
        description: "The closed months: what each close froze, and the totals. Rows are only added.",
        columns: &[
            ("close_id", "Number of the close, from 1"),
            ("period", "The month, such as 2026-01"),
            ("restates", "The close that this one replaces; NULL: it is the first of its month"),
            ("closed_at", "When the month was closed"),
            ("known_at", "Moment of knowledge: the month is reported as known at this instant"),
            ("zone", "IANA time zone of the month"),
            ("starts_at", "First instant of the month"),
            ("ends_at", "First instant after the month"),
            (
                "date_basis",
                "Instant that books a run into the month: started (else created), ended, or created",
            ),
            ("allocation", "Allocation rules, a JSON array in their order"),
            ("names", "Names of the month's pipelines, a JSON array of objects"),
            ("objections", "Objections to the close, a JSON array of sentences; NULL: there were none"),
            ("runs", "Number of runs in the month"),
            ("runs_cost_unknown", "Number of runs without a known cost"),
            ("credits", "Number of runs that cost a credit"),
            (
                "el_cost_nanos",
                "Sum of the known costs of extracting and loading in nano-dollars; NULL: none is known",
            ),
            (
                "transformation_cost_nanos",
                "Sum of the known costs of transforming in nano-dollars; NULL: none is known",
            ),
            ("total_cost_nanos", "Sum of the known costs in nano-dollars (10^-9 USD); NULL: none is known"),
            ("rows_sha256", "SHA-256 of the month's rows as written by `runledger export costs --period`"),
            ("row_layout", "Columns of these rows: 1 has centre, 2 has cost_center"),
            ("program_version", "Version of runledger that closed the month"),
            (
                "terms",
                "Plan, purchased credits, invoice issuers, account and exchange rates, a JSON object; NULL: closed before \
                 version 6 of the schema, which froze none",
            ),
            ("terms_sha256", "SHA-256 of terms; NULL: there are none"),
            ("closed_by", "Who closed the month; NULL: not given"),
            ("note", "Remark of who closed the month; NULL: none"),
        ],
    },
    Entry {
        name: "syncs",
        description: "One row for each attempt to read the API: when, why, how far, what was read, how it ended.",
        columns: &[
            ("sync_id", "Number of the sync, from 1"),
            ("kind", "first, incremental or full: a walk of the run list; fetch: runs by id"),
            ("started_at", "When the sync started"),
            ("ended_at", "When the sync ended; NULL: it is running, or was killed"),
            (
                "outcome",
                "running, complete, partial, failed or interrupted; running without a process: it was killed",
            ),
            ("exit_code", "Exit code of the command"),
            ("error", "Why the outcome is not complete; NULL: it is"),
            ("process_id", "Process that wrote the row"),
            ("program_version", "Version of runledger that wrote the row"),
            ("api_url", "Base URL of the API"),
            ("last_observed_at", "Latest observation of the sync"),
            ("page_size", "Runs per page requested"),
            ("pages", "Pages committed"),
            ("requests", "Requests sent, including failed attempts"),
            ("newest_first", "1: the list was newest first; NULL: no page was read"),
            ("reason", "Why the walk was full, or why it stopped"),
            ("walk_top", "When the newest run of the walk was created"),
            ("walk_page", "Last page committed"),
            ("walk_cursor_at", "When the oldest run of that page was created"),
            ("walk_cursor_id", "Id of that run"),
            ("walk_started_at", "When the first attempt at the walk began"),
            ("walk_complete", "1: every page that the walk needed is committed"),
            ("walk_whole", "1: these pages were the whole list"),
            ("watermark", "All runs created up to this instant had been read when the walk completed"),
            ("runs_seen", "Distinct runs seen"),
            ("runs_new", "Runs that were not in the archive"),
            ("runs_changed", "Runs that had changed: each has a new snapshot"),
            ("runs_unchanged", "Runs that had not changed"),
            ("runs_vanished", "Runs that the API no longer had"),
            ("items_quarantined", "Items that could not be stored as runs"),
            ("clock_started_at", "System clock when the sync started; NULL: an older version of runledger"),
            (
                "clock_ended_at",
                "System clock when the sync ended; NULL: it is running, was killed, or an older version of runledger",
            ),
            (
                "workspace_evidence",
                "What showed that the API serves this workspace: listed run, run, pipeline or accepted; NULL: nothing",
            ),
            (
                "runs_suspected",
                "Archived runs that the list lacked and that were not marked as vanished; NULL: part of the list was read",
            ),
        ],
    },
    Entry {
        name: "vanished_runs",
        description: "The runs that the API no longer has.",
        columns: &[("vanished_at", "When the API no longer had the run")],
    },
    Entry {
        name: "vanishings",
        description: "One row for each time that a run vanished from the API, until it was back (half open).",
        columns: &[
            ("vanished_at", "When the API no longer had the run"),
            ("returned_at", "When the API had the run again; NULL: it is gone"),
        ],
    },
    Entry {
        name: "quarantine",
        description: "Items that could not be stored as runs, as the API sent them, equal items once.",
        columns: &[
            ("item_hash", "SHA-256 of the item"),
            ("item", "The item's JSON text"),
            ("reason", "Why it could not be stored as a run"),
            ("first_seen_at", "When it was first seen"),
            ("last_seen_at", "When it was last seen"),
        ],
    },
    Entry {
        name: "list_gaps",
        description: "Records of the run list that the API fails to return, between two runs that it returns.",
        columns: &[
            ("gap_id", "Number of the gap, from 1"),
            ("newer_run_id", "Next newer run in the list; NULL: the gap is at the top of the list"),
            ("newer_created_at", "When that run was created"),
            ("older_run_id", "Next older run in the list; NULL: the gap is at the end of the list"),
            ("older_created_at", "When that run was created"),
            ("records", "Number of records in the gap"),
            ("position", "Place of its first record in the list when it was last seen, from 1"),
            ("list_count", "Number of runs in the list then; NULL: not sent"),
            ("run_id", "Id of the run, if it is known; NULL: the API never returned it"),
            (
                "fetched_at",
                "When the run was last fetched by id; NULL: never, so it is missing or out of date",
            ),
            ("cause", "How the request for the list failed"),
            ("first_seen_at", "When it was first seen"),
            ("last_seen_at", "When it was last seen"),
            ("resolved_at", "When the API returned it after all; NULL: it still fails"),
            ("sync_id", "Sync that last saw it"),
        ],
    },
    Entry {
        name: "alerts",
        description: "One row for each time that a rule found something, until it no longer did.",
        columns: &[
            ("alert_id", "Number of the alert, from 1"),
            ("rule", "Rule that found it, such as overdue or budget"),
            (
                "subject",
                "What it is about: kind and id of a pipeline, name of a budget, id of a run; empty: the archive",
            ),
            ("level", "warning or error: the highest level that was reached"),
            ("message", "The finding as last evaluated"),
            ("started_at", "When it was first found"),
            ("ended_at", "When it was no longer found; NULL: it is open"),
            ("acknowledged_at", "When a person acknowledged it; NULL: not acknowledged"),
        ],
    },
    Entry {
        name: "alert_events",
        description: "What is reported of each alert: that it started, escalated, repeated or ended.",
        columns: &[
            ("event_id", "Id of the event (UUID), the same when it is sent again"),
            ("alert_id", "Alert that the event belongs to"),
            ("kind", "started, escalated, repeated or ended"),
            ("level", "warning or error: the level at the event"),
            ("message", "The finding at the event"),
            ("happened_at", "When it happened"),
            ("for_webhook", "1: a webhook was configured, and is sent the event"),
            ("printed_at", "When it was printed; NULL: not yet"),
            ("delivered_at", "When the webhook accepted it; NULL: not yet, or it is not for a webhook"),
        ],
    },
    Entry {
        name: "drift",
        description: "Deviations of the API from its contract: fields, words and types, each with its first observation.",
        columns: &[
            ("field", "Field of the API"),
            ("kind", "field, value or type: what about the field is unknown"),
            ("observed", "Type of a new field, the new word, or the type that does not fit"),
            ("first_seen_at", "When it was first seen"),
            ("example_run_id", "A run that has it"),
        ],
    },
];

/// Columns with the same meaning in every table.
const SHARED: [(&str, &str); 18] = [
    ("snapshot_id", "Number of the snapshot in this archive, from 1"),
    ("sync_id", "Sync that wrote this row"),
    ("observed_at", OBSERVED_AT),
    ("content_hash", "SHA-256 of the run's document, the line printed by `runledger export documents`"),
    ("created_at", "When it was created; NULL: not sent"),
    ("updated_at", "When the API last changed it; NULL: not sent"),
    ("status", "Status in the API's list; NULL: not sent"),
    ("trigger_type", "Type of the trigger: manual, cron, event, or a new word; NULL: not sent"),
    ("absent", "Documented fields that the API did not send, a JSON array of names; NULL: it sent all"),
    (
        "unmapped",
        "Values without a column, or that their column cannot reproduce exactly, a JSON object; NULL: none",
    ),
    ("kind", KIND),
    ("pipeline_id", "Id of the pipeline (UUID)"),
    ("slug", "Short name for URLs; NULL: none was sent"),
    ("name", "Display name: the API's name, else its description, else its slug; NULL: none was sent"),
    ("description", "Description from the API; NULL: none was sent"),
    ("active", "Whether it is active; NULL: not sent"),
    ("first_seen_at", "When it was first seen"),
    ("gone_at", GONE_AT),
];

/// The types of columns that a view computes and that are no texts. SQLite declares none for a computed column.
const COMPUTED_TYPES: [(&str, &str); 4] = [
    ("queued_seconds", "REAL"),
    ("total_cost_usd", "REAL"),
    ("total_cost_nanos", "INTEGER"),
    ("settled", "INTEGER"),
];

/// The type of a column whose view declares none.
fn computed_type(column: &str) -> &'static str {
    COMPUTED_TYPES.iter().find(|(name, _)| *name == column).map_or("TEXT", |(_, sql_type)| sql_type)
}

impl Archive {
    /// Describes every table and view that users read.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn data_dictionary(&self) -> Result<Vec<TableDescription>> {
        let mut columns =
            self.connection().prepare("SELECT name, type FROM pragma_table_info(?1) ORDER BY cid")?;
        let mut tables = Vec::with_capacity(ENTRIES.len());
        for Entry { name, description, .. } in ENTRIES {
            let found =
                columns.query_map([name], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            let columns = found
                .map(|column| {
                    let (column, declared) = column?;
                    let description = description_of::<Field>(name, &column).unwrap_or_default();
                    let sql_type =
                        if declared.is_empty() { computed_type(&column).to_owned() } else { declared };
                    Ok(ColumnDescription { name: column, sql_type, description })
                })
                .collect::<Result<_>>()?;
            tables.push(TableDescription { name, description, columns });
        }
        Ok(tables)
    }
}

/// The description of a column, with the fields of `F`. `None`: the dictionary has none.
pub(crate) fn description_of<F: DocumentedField>(table: &str, column: &str) -> Option<&'static str> {
    let own = ENTRIES.iter().find(|entry| entry.name == table)?.columns;
    let find_in = |list: &[(&'static str, &'static str)]| {
        list.iter().find(|(name, _)| *name == column).map(|(_, description)| *description)
    };
    let of_field = || {
        let of_a_run = matches!(table, "runs" | "run_snapshots") || column == "run_id";
        let mut fields = fields::columns::<F>();
        fields.find(|field| of_a_run && field.name == column).map(|field| field.description)
    };
    find_in(own).or_else(of_field).or_else(|| find_in(&SHARED))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::fields::extended;
    use std::collections::BTreeSet;

    #[test]
    fn every_table_and_column_of_an_archive_is_described() {
        let archive = Archive::temporary().unwrap();
        let mut statement = archive
            .connection()
            .prepare(
                "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')
                 AND name NOT LIKE 'sqlite_%' AND name <> 'refinery_schema_history'",
            )
            .unwrap();
        let tables: BTreeSet<String> =
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(tables, ENTRIES.iter().map(|entry| entry.name.to_owned()).collect());
        for described in archive.data_dictionary().unwrap() {
            assert!(!described.columns.is_empty(), "{}", described.name);
            for column in described.columns {
                assert!(!column.description.is_empty(), "{}.{}", described.name, column.name);
            }
        }
    }

    #[test]
    fn every_computed_type_belongs_to_a_column_without_a_declared_one() {
        let archive = Archive::temporary().unwrap();
        let undeclared =
            "SELECT count(*) FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
                          WHERE tables.type = 'view' AND columns.name = ?1 AND columns.type = ''";
        for (column, _) in COMPUTED_TYPES {
            let found: i64 = archive.connection().query_row(undeclared, [column], |row| row.get(0)).unwrap();
            assert_eq!(found, 1, "{column}");
        }
        let known = ["TEXT", "INTEGER", "REAL", "BLOB"];
        for table in archive.data_dictionary().unwrap() {
            for column in table.columns {
                assert!(known.contains(&column.sql_type.as_str()), "{}: {column:?}", table.name);
            }
        }
    }

    #[test]
    fn every_description_belongs_to_a_column() {
        let described = Archive::temporary().unwrap().data_dictionary().unwrap();
        for entry in ENTRIES {
            let table = described.iter().find(|described| described.name == entry.name).unwrap();
            for (own, _) in entry.columns {
                assert!(table.columns.iter().any(|column| column.name == *own), "{}.{own}", entry.name);
            }
        }
        for (shared, words) in SHARED {
            let mut columns = described.iter().flat_map(|described| &described.columns);
            assert!(columns.any(|column| column.name == shared && column.description == words), "{shared}");
        }
    }

    #[test]
    fn a_new_field_is_described_where_it_is_defined() {
        let description = |column| description_of::<extended::Field>("run_snapshots", column);
        assert_eq!(description("peak_memory_bytes"), Some("Peak memory of the run in bytes; NULL: not sent"));
        let nanos = "spark_cost_usd in whole nano-dollars (10^-9 USD); sums are exact";
        assert_eq!(description("spark_cost_nanos"), Some(nanos));
    }
}
