//! This is the archive's dictionary: what each table, view and column holds, and in which unit.

use super::Archive;
use crate::error::Result;

/// A table or view of an archive, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its name in SQL.
    pub name: &'static str,
    /// What a row of it is.
    pub words: &'static str,
    /// Its columns in their order, and what each holds; instants are UTC, amounts say their unit.
    pub columns: Vec<(String, &'static str)>,
}

/// A table or view as the dictionary has it.
struct Entry {
    name: &'static str,
    words: &'static str,
    /// What is said of its columns alone, by name. A column that is not here is in [`SHARED`].
    columns: &'static [(&'static str, &'static str)],
}

/// Everything in an archive that is there to be read, in the order in which people ask for it.
const ENTRIES: [Entry; 10] = [
    Entry {
        name: "runs",
        words: "The current state of each run, one row a run: start here.",
        columns: &[
            ("pipeline_kind", "source, destination or transformation; NULL: the run names none, or several"),
            ("pipeline_id", "The pipeline as the run names it, by id or by slug"),
            ("pipeline_name", "What people call the pipeline; NULL: it is not in the catalogue"),
            (
                "booked_at",
                "The instant that puts the run into a month: when it started, else when it was created",
            ),
            ("queued_seconds", "Seconds from created to started; NULL: it has not started"),
            (
                "total_cost_usd",
                "US dollars, the sum of the costs that are known, as a double; NULL: none is known",
            ),
            ("total_cost_nanos", "total_cost_usd in whole nano-dollars (10^-9 USD): sums of it are exact"),
            ("settled", "1: no change is expected any more; 0: status or cost may still change"),
            ("vanished_at", "When the API was found to have the run no more; NULL: it has it"),
            ("observed_at", "When this state of the run was first seen"),
        ],
    },
    Entry {
        name: "run_snapshots",
        words: "Every distinct state of every run, from observed_at until superseded_at (half open).",
        columns: &[
            ("observed_at", "From when on this state was the newest knowledge"),
            ("superseded_at", "Until when it was (itself left out); NULL: it is the current state"),
        ],
    },
    Entry {
        name: "pipelines",
        words: "The sources, destinations and transformations as they were last seen, also those deleted since.",
        columns: &[
            ("first_seen_at", "When the list of pipelines first had it"),
            ("gone_at", "When a complete list first lacked it; NULL: it is listed"),
        ],
    },
    Entry {
        name: "pipeline_snapshots",
        words: "Every state of every pipeline: what it was called when, from observed_at until superseded_at (half open).",
        columns: &[
            ("observed_at", "From when on this state was the newest knowledge"),
            ("superseded_at", "Until when it was (itself left out); NULL: it is the current state"),
            ("gone_at", "When a complete list first lacked it; NULL: it is listed"),
        ],
    },
    Entry {
        name: "period_closes",
        words: "The months that finance has closed: what was frozen, and what came out. Rows are only added.",
        columns: &[
            ("close_id", "Counts the closes, from 1"),
            ("period", "The month, such as 2026-01"),
            ("restates", "The close that this one takes the place of; NULL: it is the month's first"),
            ("closed_at", "When it was closed"),
            ("known_at", "The moment of knowledge: the month's answers are those as known on it"),
            ("zone", "The IANA time zone of the month"),
            ("starts_at", "The month's first instant"),
            ("ends_at", "The first instant after the month"),
            (
                "date_basis",
                "Which instant books a run into the month: started (else created), ended, created",
            ),
            ("allocation", "The cost centres' rules, a JSON array in their order"),
            ("names", "What the month's pipelines were called, a JSON array of objects"),
            ("objections", "What spoke against closing, a JSON array of sentences; NULL: nothing did"),
            ("runs", "How many runs the month has"),
            ("runs_cost_unknown", "Of how many of them no cost was known"),
            ("credits", "Credits: how many of the month's runs were charged"),
            ("total_cost_nanos", "Whole nano-dollars (10^-9 USD), both kinds of cost; NULL: none was known"),
            ("rows_sha256", "SHA-256 of the month's rows, the bytes of `runledger export costs --period`"),
            ("row_layout", "The columns of these rows: 1 has centre, 2 has cost_center"),
            ("program_version", "The version of runledger that closed it"),
        ],
    },
    Entry {
        name: "syncs",
        words: "One row for each attempt to read the API: when, why, how far, what came, how it ended.",
        columns: &[
            ("sync_id", "Counts the syncs, from 1"),
            ("kind", "What was asked for: a first, incremental or full walk of the list, or a fetch by id"),
            ("started_at", "When it began"),
            ("ended_at", "When it ended; NULL: it is running, or was killed"),
            (
                "outcome",
                "running, complete, partial, failed or interrupted; running without a process: it was killed",
            ),
            ("exit_code", "The command's exit code"),
            ("error", "Why it did not end complete; NULL: it did"),
            ("process_id", "The process that wrote"),
            ("program_version", "The version of runledger that wrote"),
            ("api_url", "The API's address"),
            ("last_observed_at", "The latest observation that it gave to anything"),
            ("page_size", "Runs a page that were asked for"),
            ("pages", "Pages that were committed"),
            ("requests", "Requests that were sent, attempts that failed among them"),
            ("newest_first", "1: the list was newest first; NULL: no page was read"),
            ("reason", "Why the walk read what it read"),
            ("walk_top", "When the newest run of the walk was created"),
            ("walk_page", "The last page that was committed"),
            ("walk_cursor_at", "When the oldest run of that page was created"),
            ("walk_cursor_id", "That run"),
            ("walk_started_at", "When the first attempt at the walk began"),
            ("walk_complete", "1: every page that had to be read is committed"),
            ("walk_whole", "1: those pages were the whole list"),
            ("watermark", "All runs created up to here had been read when the walk completed"),
            ("runs_seen", "Distinct runs that were met"),
            ("runs_new", "Runs of which it was the first sight"),
            ("runs_changed", "Runs that had changed: each has a new snapshot"),
            ("runs_unchanged", "Runs that were as they are kept"),
            ("runs_vanished", "Runs that were found to be gone"),
            ("items_quarantined", "Items that could not be kept as runs"),
        ],
    },
    Entry {
        name: "vanished_runs",
        words: "The runs that the API no longer has.",
        columns: &[("vanished_at", "When the API was found to have the run no more")],
    },
    Entry {
        name: "vanishings",
        words: "One row for each time that a run was found to be gone from the API, until it was back (half open).",
        columns: &[
            ("vanished_at", "When the API was found to have the run no more"),
            ("returned_at", "When it was met again; NULL: it is gone"),
        ],
    },
    Entry {
        name: "quarantine",
        words: "Items that could not be stored as a run, whole, each distinct one once.",
        columns: &[
            ("item_hash", "SHA-256 of the item"),
            ("item", "The item's own JSON text"),
            ("reason", "Why it is here"),
            ("first_seen_at", "When it was first met"),
            ("last_seen_at", "When it was last met"),
        ],
    },
    Entry {
        name: "drift",
        words: "The first sight of each thing that the API's contract does not know: a field, a value, a type of value.",
        columns: &[
            ("field", "The field of the API"),
            ("kind", "field, value or type: what about it is not known"),
            ("observed", "What was met: the type of a new field, the new value, the unfit type"),
            ("first_seen_at", "When it was first met"),
            ("example_run_id", "A run that has it"),
        ],
    },
];

/// Columns that mean the same wherever they stand.
const SHARED: [(&str, &str); 35] = [
    ("run_id", "The run's id (UUID)"),
    ("snapshot_id", "Counts the snapshots, from 1"),
    ("sync_id", "The sync that wrote this row"),
    ("content_hash", "SHA-256 of the run's document, the line that `runledger export documents` prints"),
    ("number", "The run's number in its pipeline, from 1"),
    ("created_at", "When it was created, in UTC"),
    ("updated_at", "When the API says it last changed, in UTC"),
    ("started_at", "When it started, in UTC; NULL: it has not"),
    ("ended_at", "When it ended, in UTC; NULL: it has not"),
    ("duration_seconds", "Seconds from start to end, as the API sent them; NULL: not known yet"),
    (
        "status",
        "pending_events, queued, running, success, failed, cancelling or canceled, or what the API has grown since",
    ),
    ("trigger", "What set it off, as the API's JSON"),
    ("trigger_type", "What set it off in a word: cron, manual, event and their like"),
    ("full_sync", "1: it read everything anew; 0: what was new; NULL: not said"),
    ("extra_config", "What was given to this run alone, as the API's JSON, credentials taken out"),
    ("credit_charge_status", "charged: it cost one credit. Whatever else stands here: none"),
    (
        "el_cost_usd",
        "US dollars for extracting and loading, as the API's double; NULL: not known (yet), never 0",
    ),
    ("el_cost_nanos", "el_cost_usd in whole nano-dollars (10^-9 USD): sums of it are exact"),
    ("el_cost_metadata", "What that cost is made of, as the API's JSON"),
    (
        "transformation_cost_usd",
        "US dollars for transforming, as the API's double; NULL: not known (yet), never 0",
    ),
    (
        "transformation_cost_nanos",
        "transformation_cost_usd in whole nano-dollars (10^-9 USD): sums of it are exact",
    ),
    ("transformation_cost_metadata", "What that cost is made of, as the API's JSON"),
    ("triggered_by", "The number of the user who set it off"),
    ("triggered_by_token", "The id of the token that set it off"),
    ("source", "The source that it is a run of, by id or slug"),
    ("destination", "The destination that it is a run of, by id or slug"),
    ("transformation", "The transformation that it is a run of, by id or slug"),
    ("absent", "Documented fields that the API did not send, a JSON array of names; NULL: it sent all"),
    (
        "unmapped",
        "Whatever has no column, or whose column cannot give it back exactly, a JSON object; NULL: nothing",
    ),
    ("kind", "source, destination or transformation"),
    ("pipeline_id", "The pipeline's id (UUID)"),
    ("slug", "Its short name in addresses"),
    ("name", "What people call it; NULL: no name was sent"),
    ("description", "What its makers say of it"),
    ("active", "1: it may run; 0: it is switched off"),
];

impl Archive {
    /// Everything in the archive that is there to be read, in the order in which people ask for it.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn described(&self) -> Result<Vec<Described>> {
        let mut columns = self.connection().prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
        let mut described = Vec::with_capacity(ENTRIES.len());
        for Entry { name, words, columns: own } in ENTRIES {
            let names = columns.query_map([name], |row| row.get::<_, String>(0))?;
            let columns = names
                .map(|column| {
                    let column = column?;
                    let words = words_of(own, &column).unwrap_or_default();
                    Ok((column, words))
                })
                .collect::<Result<_>>()?;
            described.push(Described { name, words, columns });
        }
        Ok(described)
    }
}

/// What a column holds. `None`: nobody has said it yet.
fn words_of(own: &[(&'static str, &'static str)], column: &str) -> Option<&'static str> {
    own.iter().chain(&SHARED).find(|(name, _)| *name == column).map(|(_, words)| *words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_table_and_every_column_of_an_archive_is_in_the_dictionary() {
        let archive = Archive::temporary().unwrap();
        let mut statement = archive
            .connection()
            .prepare(
                "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')
                 AND name NOT LIKE 'sqlite_%' AND name <> 'refinery_schema_history'",
            )
            .unwrap();
        let there: BTreeSet<String> =
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(there, ENTRIES.iter().map(|entry| entry.name.to_owned()).collect());
        for described in archive.described().unwrap() {
            assert!(!described.columns.is_empty(), "{}", described.name);
            for (column, words) in described.columns {
                assert!(!words.is_empty(), "{}.{column} has no words", described.name);
            }
        }
    }

    #[test]
    fn nothing_is_in_the_dictionary_that_no_archive_has() {
        let described = Archive::temporary().unwrap().described().unwrap();
        for entry in ENTRIES {
            let there = described.iter().find(|described| described.name == entry.name).unwrap();
            for (own, _) in entry.columns {
                assert!(there.columns.iter().any(|(column, _)| column == own), "{}.{own}", entry.name);
            }
        }
        for (shared, _) in SHARED {
            let anywhere = described.iter().flat_map(|described| &described.columns);
            assert!(anywhere.clone().any(|(column, _)| column == shared), "{shared}");
        }
    }
}
