//! This is the check of an archive: what must be true of it, and where it is not.
//!
//! Every snapshot is read twice, once as it lies there and once sorted by run; memory does not grow with
//! their number.

use super::Archive;
use super::run_row::{RUN_COLUMNS, run_from_row};
use crate::error::Result;
use crate::run::json::Entries;
use crate::run::{Cost, Field, Instant};
use crate::snapshot::hash;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use serde_json::value::RawValue;
use std::collections::HashMap;

/// How many examples of one kind are named.
const MOST_EXAMPLES: usize = 5;

/// More of SQLite's own findings than anyone counts.
const MOST_FINDINGS: u32 = 1_000_000;

/// One thing that must be true, and where it is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Its name, one word.
    pub name: &'static str,
    /// What must be true, in words.
    pub rule: &'static str,
    /// How many things were looked at; what they are is in `unit`.
    pub examined: u64,
    /// What was looked at.
    pub unit: &'static str,
    /// Where it is not true.
    pub broken: u64,
    /// The first of these places, in words.
    pub examples: Vec<String>,
}

impl Checked {
    /// Nothing looked at yet.
    pub fn new(name: &'static str, unit: &'static str, rule: &'static str) -> Checked {
        Checked { name, rule, examined: 0, unit, broken: 0, examples: Vec::new() }
    }

    /// Takes note of a place where it is not true.
    pub fn fail(&mut self, example: impl FnOnce() -> String) {
        self.broken += 1;
        if self.examples.len() < MOST_EXAMPLES {
            self.examples.push(example());
        }
    }

    fn require(&mut self, holds: bool, example: impl FnOnce() -> String) {
        if !holds {
            self.fail(example);
        }
    }

    /// Takes in how a pass ended: what cannot be read to its end is broken.
    fn end(&mut self, pass: rusqlite::Result<()>) {
        if let Err(error) = pass {
            self.fail(|| format!("it cannot be read to its end: {error}"));
        }
    }
}

impl Archive {
    /// Checks everything that can be checked without the API, in one moment of the archive: a sync may be
    /// writing meanwhile.
    ///
    /// # Errors
    /// Those of SQLite where not even a first row can be read; whatever else is wrong is in the answer.
    pub fn check(&self) -> Result<Vec<Checked>> {
        // One transaction: the counts must speak of the same moment as the rows.
        self.connection.execute_batch("BEGIN")?;
        let checked = self.check_all();
        self.connection.execute_batch("COMMIT")?;
        checked
    }

    fn check_all(&self) -> Result<Vec<Checked>> {
        let archive = &self.connection;
        let mut checked = vec![integrity(archive), references(archive), schema(archive)?];
        let mut rows = Rows::new();
        let pass = rows.read_snapshots(archive);
        rows.hashes.end(pass);
        let pass = rows.read_quarantine(archive);
        rows.hashes.end(pass);
        let pass = rows.read_instants(archive);
        rows.instants.end(pass);
        let (history, added) = history(archive);
        checked.extend([history, rows.hashes, rows.derived, rows.json, rows.instants]);
        checked.extend([counts(archive, &added), syncs(archive), vanished(archive), catalogue(archive)]);
        Ok(checked)
    }
}

// ---- what SQLite checks

fn integrity(archive: &Connection) -> Checked {
    let mut checked = Checked::new("file", "pages", "SQLite's integrity_check finds nothing");
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

fn references(archive: &Connection) -> Checked {
    let mut checked = Checked::new("references", "tables", "every row that another one names is there");
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
            checked.fail(|| format!("{table}{place} names a row of {parent} that is not there"));
        }
        Ok(())
    })();
    checked.end(ended);
    checked
}

/// The tables, indexes and views as the migrations make them: without its indexes an archive would allow
/// what it must not. What others have added is theirs, and the history was judged when the archive was opened.
fn schema(archive: &Connection) -> Result<Checked> {
    const OBJECTS: &str = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
         AND name <> 'refinery_schema_history'";
    let mut checked =
        Checked::new("schema", "tables, indexes and views", "they are as the migrations make them");
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

// ---- what is true of each row

struct Rows {
    hashes: Checked,
    derived: Checked,
    json: Checked,
    instants: Checked,
}

/// What a row is called in an example.
struct Name<'r>(&'r str, i64);

impl std::fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "run {}, snapshot {}", self.0, self.1)
    }
}

/// Columns that come before those of [`RUN_COLUMNS`].
const BEFORE: &str = "snapshot_id, content_hash, trigger_type, observed_at, superseded_at";
const BEFORE_COUNT: usize = 5;

impl Rows {
    fn new() -> Rows {
        Rows {
            hashes: Checked::new(
                "hashes",
                "rows",
                "content_hash is the SHA-256 of the document that the row gives back",
            ),
            derived: Checked::new(
                "derived",
                "snapshots",
                "trigger_type and nano-dollars are what the API's own values say",
            ),
            json: Checked::new("json", "documents", "what should be JSON is JSON"),
            instants: Checked::new("instants", "instants", "each is UTC with six digits"),
        }
    }

    fn read_snapshots(&mut self, archive: &Connection) -> rusqlite::Result<()> {
        let columns: Vec<&str> =
            RUN_COLUMNS.split(", ").map(|column| column.trim().trim_matches('"')).collect();
        let place = |name: &str| {
            let place = columns.iter().position(|column| *column == name).expect("the column is read");
            BEFORE_COUNT + place
        };
        let json = [
            "trigger",
            "extra_config",
            "el_cost_metadata",
            "transformation_cost_metadata",
            "absent",
            "unmapped",
        ]
        .map(|name| (name, place(name)));
        let instants = ["created_at", "updated_at", "started_at", "ended_at"].map(|name| (name, place(name)));
        let instants: Vec<_> =
            [("observed_at", 3), ("superseded_at", 4)].into_iter().chain(instants).collect();
        let sql =
            format!("SELECT {BEFORE}, {RUN_COLUMNS} FROM run_snapshots NOT INDEXED ORDER BY snapshot_id");
        let mut statement = archive.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id: String = row.get(BEFORE_COUNT)?;
            let name = Name(&id, row.get(0)?);
            for (column, place) in &json {
                if let ValueRef::Text(text) = row.get_ref(*place)? {
                    self.json.examined += 1;
                    let parsed = serde_json::from_slice::<&RawValue>(text);
                    self.json.require(parsed.is_ok(), || format!("{name}: {column} is no JSON"));
                }
            }
            for (column, place) in &instants {
                self.examine_instant(row.get_ref(*place)?, || format!("{name}: {column}"));
            }
            self.examine_run(row, &name)?;
        }
        Ok(())
    }

    fn examine_run(&mut self, row: &Row<'_>, name: &Name<'_>) -> rusqlite::Result<()> {
        self.hashes.examined += 1;
        let run = match run_from_row(row, BEFORE_COUNT) {
            Ok(run) => run,
            Err(error @ rusqlite::Error::FromSqlConversionFailure(..))
            | Err(error @ rusqlite::Error::InvalidColumnType(..)) => {
                self.hashes.fail(|| format!("{name}: its document cannot be rebuilt: {error}"));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let kept = row.get_ref(1)?.as_blob().unwrap_or_default();
        self.hashes.require(hash(run.document().as_bytes()) == kept, || {
            format!("{name}: the document has another hash")
        });
        self.derived.examined += 1;
        let trigger_type: Option<String> = row.get(2)?;
        let expected = run.trigger_type();
        self.derived.require(expected.as_ref().map(|word| word.as_str()) == trigger_type.as_deref(), || {
            format!("{name}: trigger_type")
        });
        let unmapped = run.unmapped.as_deref().and_then(Entries::parse);
        for (field, cost) in
            [(Field::ElCostUsd, run.el_cost_usd), (Field::TransformationCostUsd, run.transformation_cost_usd)]
        {
            let own_text = unmapped.as_ref().and_then(|entries| entries.get(field.name()));
            let expected = match (own_text, cost) {
                (Some(text), _) => Cost::from_number(text.get()),
                (None, Some(cost)) => Cost::from_number(&cost.usd.to_string()),
                (None, None) => None,
            };
            self.derived
                .require(expected == cost, || format!("{name}: the nano-dollars of {}", field.name()));
        }
        Ok(())
    }

    fn examine_instant(&mut self, value: ValueRef<'_>, place: impl FnOnce() -> String) {
        if matches!(value, ValueRef::Null) {
            return;
        }
        self.instants.examined += 1;
        let text = value.as_str().unwrap_or_default();
        let well_formed = Instant::parse(text).is_some_and(|instant| instant.as_str() == text);
        self.instants.require(well_formed, || format!("{}: {}", place(), text.escape_debug()));
    }

    fn read_quarantine(&mut self, archive: &Connection) -> rusqlite::Result<()> {
        let mut statement = archive.prepare("SELECT rowid, item_hash, item FROM quarantine")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            self.hashes.examined += 1;
            let (kept, item) = (row.get_ref(1)?.as_blob()?, row.get_ref(2)?.as_bytes()?);
            let rowid: i64 = row.get(0)?;
            self.hashes
                .require(hash(item) == kept, || format!("quarantine {rowid}: the item has another hash"));
        }
        Ok(())
    }

    /// The instants of every table but the large one, which was read already.
    fn read_instants(&mut self, archive: &Connection) -> rusqlite::Result<()> {
        let mut columns = archive.prepare(
            "SELECT t.name, c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c \
             WHERE t.type = 'table' AND t.name <> 'run_snapshots' \
               AND (c.name LIKE '%\\_at' ESCAPE '\\' OR c.name IN ('walk_top', 'watermark')) \
             ORDER BY t.name, c.cid",
        )?;
        let columns: Vec<(String, String)> =
            columns.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
        for (table, column) in columns {
            // The names come from the schema itself.
            let mut statement = archive.prepare(&format!("SELECT \"{column}\" FROM \"{table}\""))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                self.examine_instant(row.get_ref(0)?, || format!("{table}.{column}"));
            }
        }
        Ok(())
    }
}

// ---- what is true of a run's snapshots

/// For each sync the rows that it added: runs seen for the first time, and changed ones. `None`: they could
/// not all be read.
type Added = Option<HashMap<i64, [u64; 2]>>;

/// One row of a run's history.
struct State {
    run_id: String,
    observed_at: String,
    superseded_at: Option<String>,
    sync_id: i64,
}

fn history(archive: &Connection) -> (Checked, Added) {
    let mut checked = Checked::new(
        "history",
        "runs",
        "each has one current snapshot, and those before end where the next begins",
    );
    let mut added = HashMap::new();
    let ended = read_history(archive, &mut checked, &mut added);
    let whole = ended.is_ok();
    checked.end(ended);
    (checked, whole.then_some(added))
}

fn read_history(
    archive: &Connection,
    checked: &mut Checked,
    added: &mut HashMap<i64, [u64; 2]>,
) -> rusqlite::Result<()> {
    // Read in the table's order and sorted on the side: by the index each row would be a jump.
    let mut statement = archive.prepare(
        "SELECT run_id, observed_at, superseded_at, sync_id FROM run_snapshots NOT INDEXED \
         ORDER BY run_id, observed_at, snapshot_id",
    )?;
    let mut rows = statement.query([])?;
    let mut before: Option<State> = None;
    while let Some(row) = rows.next()? {
        let state = State {
            run_id: row.get(0)?,
            observed_at: row.get(1)?,
            superseded_at: row.get(2)?,
            sync_id: row.get(3)?,
        };
        let follows = before.as_ref().filter(|before| before.run_id == state.run_id);
        added.entry(state.sync_id).or_default()[usize::from(follows.is_some())] += 1;
        let name = || format!("run {}, observed at {}", state.run_id, state.observed_at);
        if state.superseded_at.as_ref().is_some_and(|at| *at <= state.observed_at) {
            checked.fail(|| format!("{}: it ends before it begins", name()));
        }
        match follows.map(|before| before.superseded_at.as_deref()) {
            Some(Some(ended)) if ended == state.observed_at => {}
            Some(Some(ended)) if *ended < *state.observed_at => {
                checked.fail(|| format!("{}: a gap since {ended}", name()));
            }
            Some(Some(_) | None) => checked.fail(|| format!("{}: it overlaps the one before", name())),
            None => {
                checked.examined += 1;
                end_of_run(before.as_ref(), checked);
            }
        }
        before = Some(state);
    }
    end_of_run(before.as_ref(), checked);
    Ok(())
}

fn end_of_run(last: Option<&State>, checked: &mut Checked) {
    if let Some(State { run_id, superseded_at: Some(at), .. }) = last {
        checked.fail(|| format!("run {run_id} has no current snapshot since {at}"));
    }
}

// ---- what is true of the ledger of syncs

fn counts(archive: &Connection, added: &Added) -> Checked {
    let mut checked =
        Checked::new("counts", "syncs", "the runs each says to be new or changed are the rows it added");
    let Some(added) = added else {
        checked.fail(|| "the rows could not all be read".to_owned());
        return checked;
    };
    let ended = (|| {
        let mut statement = archive.prepare("SELECT sync_id, runs_new, runs_changed FROM syncs")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let sync_id: i64 = row.get(0)?;
            let said: [u64; 2] = [row.get(1)?, row.get(2)?];
            let found = added.get(&sync_id).copied().unwrap_or_default();
            checked.examined += 1;
            checked.require(said == found, || {
                format!(
                    "sync {sync_id} says {} new and {} changed; there are {} and {}",
                    said[0], said[1], found[0], found[1]
                )
            });
        }
        Ok(())
    })();
    checked.end(ended);
    checked
}

fn syncs(archive: &Connection) -> Checked {
    let mut checked =
        Checked::new("syncs", "syncs", "each has ended, or was killed, or is the last and may be under way");
    let ended = (|| {
        // A row that says `running` is explained by a kill: nobody was left to write an end.
        let mut statement = archive.prepare(
            "SELECT sync_id, outcome FROM syncs \
             WHERE (outcome = 'running') <> (ended_at IS NULL) OR (ended_at IS NULL) <> (exit_code IS NULL) \
                OR ended_at < started_at OR (outcome = 'complete') <> (exit_code IS 0)",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (sync_id, outcome): (i64, String) = (row.get(0)?, row.get(1)?);
            checked.fail(|| format!("sync {sync_id} is {outcome}, and its end or exit code says otherwise"));
        }
        checked.examined = archive.query_row("SELECT count(*) FROM syncs", [], |row| row.get(0))?;
        Ok(())
    })();
    checked.end(ended);
    checked
}

fn vanished(archive: &Connection) -> Checked {
    let mut checked = Checked::new("vanished", "vanished runs", "each is a run that the archive has");
    let ended = (|| {
        let mut statement = archive.prepare(
            "SELECT run_id, EXISTS (SELECT 1 FROM run_snapshots AS s WHERE s.run_id = v.run_id) FROM vanishings AS v",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (run_id, is_there): (String, bool) = (row.get(0)?, row.get(1)?);
            checked.examined += 1;
            checked.require(is_there, || format!("run {run_id} has no snapshot"));
        }
        Ok(())
    })();
    checked.end(ended);
    checked
}

/// The catalogue's history, by the rule of the runs' own.
fn catalogue(archive: &Connection) -> Checked {
    let mut checked = Checked::new(
        "catalogue",
        "states of pipelines",
        "each pipeline has one current state, and those before end where the next begins",
    );
    let ended = (|| {
        let mut statement = archive.prepare(
            "SELECT kind, pipeline_id, superseded_at, lead(observed_at) OVER of_one IS superseded_at \
             FROM pipeline_snapshots \
             WINDOW of_one AS (PARTITION BY kind, pipeline_id ORDER BY observed_at)",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (kind, id, superseded_at): (String, String, Option<String>) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            checked.examined += 1;
            checked.require(row.get(3)?, || match superseded_at {
                Some(at) => format!("{kind} {id}: no state begins at {at}, where one ends"),
                None => format!("{kind} {id}: a state that does not end has one after it"),
            });
        }
        Ok(())
    })();
    checked.end(ended);
    checked
}
