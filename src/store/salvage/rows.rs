//! The rows of the new archive. Each is verified before it is stored.

use super::layout::{Layout, TableLayout};
use crate::error::Result;
use crate::run::Instant;
use crate::run::fields;
use crate::run::json::Entries;
use crate::run::kind::ColumnType;
use crate::run::{Cost, Field, Run};
use crate::snapshot::hash;
use crate::store::run_row::{cost_of, run_from_values};
use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID};
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, params_from_iter};

/// The largest number of a row that is believed: a sync keeps one bit for each number of a snapshot.
const LARGEST_NUMBER: i64 = 1 << 32;

/// The values of a row in the order of the table's columns. `None`: the row has no value there, so the default holds.
type Row = Vec<Option<Value>>;

/// What became of a stored row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is in the new archive, or will be.
    Kept,
    /// The new archive has this row already, in this state or a later one.
    Known,
    /// Rows of the table have another number of values.
    OtherShape,
    /// Why it is no row that the archive wrote.
    Rejected(String),
}

/// The tables of the new archive while they are filled.
#[derive(Debug)]
pub(super) struct Rows<'t> {
    pub(super) archive: &'t Connection,
    pub(super) layout: &'t Layout,
    /// Snapshots whose number is damaged, or that of another snapshot. They get new numbers when all others are there.
    unnumbered: Vec<Row>,
}

impl<'t> Rows<'t> {
    pub(super) fn of(archive: &'t Connection, layout: &'t Layout) -> Rows<'t> {
        Rows { archive, layout, unnumbered: Vec::new() }
    }

    /// Stores a row of the table at that place, if it is one.
    ///
    /// # Errors
    /// Those of SQLite when the new archive cannot be written.
    pub(super) fn offer(&mut self, place: usize, rowid: Option<i64>, stored: Vec<Value>) -> Result<Verdict> {
        let table = &self.layout.tables[place];
        let Some(mut row) = arrange(table, rowid, stored) else { return Ok(Verdict::OtherShape) };
        let is_snapshot = table.name == "run_snapshots";
        if is_snapshot {
            forget_wrong_end(table, &mut row);
        }
        if let Some(column) = damaged_instant(table, &row) {
            return Ok(Verdict::Rejected(format!("{} is no instant", table.columns[column].name)));
        }
        let verified = match table.name.as_str() {
            "run_snapshots" => verify_snapshot(table, &mut row),
            "quarantine" => verify_item(table, &row),
            _ => Ok(()),
        };
        if let Err(reason) = verified {
            return Ok(Verdict::Rejected(reason));
        }
        let has_number = table.rowid.is_none_or(|number| {
            matches!(row[number], Some(Value::Integer(number)) if (1..=LARGEST_NUMBER).contains(&number))
        });
        match has_number {
            true => {}
            false if is_snapshot => {
                self.unnumbered.push(row);
                return Ok(Verdict::Kept);
            }
            false => return Ok(Verdict::Rejected("its number is damaged".to_owned())),
        }
        match self.insert(table, &row) {
            Ok(()) => Ok(Verdict::Kept),
            Err(error) if is_taken(&error) && is_snapshot => self.settle_number(table, row),
            Err(error) if is_taken(&error) => self.keep_later(table, &row),
            Err(error) => {
                let reason = error.to_string();
                ignore_violation(error)?;
                Ok(Verdict::Rejected(reason))
            }
        }
    }

    /// Stores the snapshots without a number under new ones.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn number_the_rest(&mut self) -> Result<()> {
        let Some(table) = self.layout.table("run_snapshots") else { return Ok(()) };
        for mut row in std::mem::take(&mut self.unnumbered) {
            row[table.rowid.expect("a snapshot has a number")] = None;
            // Two states of a run at one instant are removed later.
            self.insert(table, &row).or_else(ignore_violation)?;
        }
        Ok(())
    }

    /// Whether the new archive has the row with that primary key.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn has(&self, table: &TableLayout, key: &[&Value]) -> Result<bool> {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM \"{}\" WHERE {})", table.name, key_terms(table));
        Ok(self.archive.prepare_cached(&sql)?.query_row(params_from_iter(key), |row| row.get(0))?)
    }

    fn insert(&self, table: &TableLayout, row: &Row) -> rusqlite::Result<()> {
        let given =
            || table.columns.iter().zip(row).filter_map(|(column, value)| Some((column, value.as_ref()?)));
        let columns: Vec<String> = given().map(|(column, _)| format!("\"{}\"", column.name)).collect();
        let sql = format!(
            "INSERT INTO \"{}\" ({}) VALUES ({})",
            table.name,
            columns.join(", "),
            vec!["?"; columns.len()].join(", ")
        );
        let mut statement = self.archive.prepare_cached(&sql)?;
        statement.execute(params_from_iter(given().map(|(_, value)| value))).map(drop)
    }

    /// A snapshot whose number is taken: by itself, from another copy of its page, or by another snapshot.
    fn settle_number(&mut self, table: &TableLayout, row: Row) -> Result<Verdict> {
        let sql =
            format!("SELECT run_id, observed_at, content_hash FROM run_snapshots WHERE {}", key_terms(table));
        let key = params_from_iter(key_of(table, &row));
        let taken = self.archive.prepare_cached(&sql)?.query_row(key, |row| {
            (0..3).map(|column| row.get(column)).collect::<rusqlite::Result<Vec<Value>>>()
        })?;
        let own = ["run_id", "observed_at", "content_hash"].map(|name| value(table, &row, name).clone());
        if own.as_slice() == taken.as_slice() {
            return Ok(Verdict::Known);
        }
        self.unnumbered.push(row);
        Ok(Verdict::Kept)
    }

    /// Of two states of a row, keeps the one with the latest instant: each change of a row sets one to the present.
    fn keep_later(&self, table: &TableLayout, row: &Row) -> Result<Verdict> {
        let instants = || table.columns.iter().enumerate().filter(|(_, column)| column.is_instant);
        let columns: Vec<String> =
            instants().map(|(_, column)| format!("coalesce(\"{}\", '')", column.name)).collect();
        let sql = format!(
            "SELECT max('', {}) FROM \"{}\" WHERE {}",
            columns.join(", "),
            table.name,
            key_terms(table)
        );
        let key = || params_from_iter(key_of(table, row));
        let kept: String = self.archive.prepare_cached(&sql)?.query_row(key(), |row| row.get(0))?;
        let texts = instants().filter_map(|(place, _)| match &row[place] {
            Some(Value::Text(text)) => Some(text.as_str()),
            _ => None,
        });
        if texts.max().unwrap_or_default() <= kept.as_str() {
            return Ok(Verdict::Known);
        }
        let delete = format!("DELETE FROM \"{}\" WHERE {}", table.name, key_terms(table));
        self.archive.execute_batch("SAVEPOINT before")?;
        self.archive.prepare_cached(&delete)?.execute(key())?;
        if let Err(error) = self.insert(table, row) {
            ignore_violation(error)?;
            self.archive.execute_batch("ROLLBACK TO before")?;
        }
        self.archive.execute_batch("RELEASE before")?;
        Ok(Verdict::Known)
    }
}

/// The values of a stored row, each in its column. `None`: rows of the table have another number of values.
fn arrange(table: &TableLayout, rowid: Option<i64>, stored: Vec<Value>) -> Option<Row> {
    if !(table.fewest..=table.columns.len()).contains(&stored.len()) {
        return None;
    }
    let mut row: Row = vec![None; table.columns.len()];
    for (place, value) in table.stored.iter().zip(stored) {
        row[*place] = Some(match value {
            Value::Null if table.rowid == Some(*place) => Value::Integer(rowid?),
            Value::Integer(whole) if table.columns[*place].is_real => Value::Real(whole as f64),
            value => value,
        });
    }
    Some(row)
}

/// The first column whose value should be an instant and is none.
fn damaged_instant(table: &TableLayout, row: &Row) -> Option<usize> {
    row.iter().enumerate().find_map(|(place, value)| match value {
        Some(Value::Text(text)) if table.columns[place].is_instant => {
            (!is_stored_instant(text)).then_some(place)
        }
        _ => None,
    })
}

fn is_stored_instant(text: &str) -> bool {
    Instant::parse(text).is_some_and(|instant| instant.as_str() == text)
}

/// Verifies the hash of a snapshot's document, and derives again what the hash does not cover.
fn verify_snapshot(table: &TableLayout, row: &mut Row) -> Result<(), String> {
    let columns = fields::columns::<Field>().map(|column| column.name).chain(["absent", "unmapped"]);
    let run = run_from_values(columns.map(|name| value(table, row, name)));
    let name = match value(table, row, "run_id") {
        Value::Text(id) => format!("a snapshot of run {id}"),
        _ => "a snapshot".to_owned(),
    };
    let Some(run) = run else { return Err(format!("{name} has values that give no run")) };
    let stored = match value(table, row, "content_hash") {
        Value::Blob(stored) => stored.as_slice(),
        _ => &[],
    };
    if hash(run.document().as_bytes()) != stored {
        return Err(format!("{name} has another hash than its document"));
    }
    derive(table, row, &run);
    Ok(())
}

fn derive(table: &TableLayout, row: &mut Row, run: &Run) {
    let trigger_type = run.trigger_type().map_or(Value::Null, |word| Value::Text(word.as_str().to_owned()));
    set(table, row, "trigger_type", trigger_type);
    let unmapped = run.unmapped.as_deref().and_then(Entries::parse);
    let mut columns = fields::columns::<Field>().peekable();
    while let Some(amount) = columns.next() {
        let Some(nanos) = columns.next_if(|nanos| nanos.holds == ColumnType::Nanos) else { continue };
        let usd = match value(table, row, amount.name) {
            Value::Real(usd) => Some(*usd),
            _ => None,
        };
        let cost = cost_of(amount.name, usd, unmapped.as_ref());
        set(table, row, amount.name, cost.map_or(Value::Null, |Cost { usd, .. }| Value::Real(usd)));
        set(table, row, nanos.name, cost.map_or(Value::Null, |Cost { nanos, .. }| Value::Integer(nanos)));
    }
}

/// Verifies the hash of an item in quarantine.
fn verify_item(table: &TableLayout, row: &Row) -> Result<(), String> {
    match (value(table, row, "item_hash"), value(table, row, "item")) {
        (Value::Blob(stored), Value::Text(item)) if *stored == hash(item.as_bytes()) => Ok(()),
        _ => Err("an item has another hash than its text".to_owned()),
    }
}

/// The value in a column; NULL if the row has none.
fn value<'r>(table: &TableLayout, row: &'r Row, column: &str) -> &'r Value {
    let place = table.columns.iter().position(|other| other.name == column);
    place.and_then(|place| row[place].as_ref()).unwrap_or(&Value::Null)
}

fn set(table: &TableLayout, row: &mut Row, column: &str, value: Value) {
    if let Some(place) = table.columns.iter().position(|other| other.name == column) {
        row[place] = Some(value);
    }
}

fn key_of<'r>(table: &TableLayout, row: &'r Row) -> impl Iterator<Item = &'r Value> {
    table.key.iter().map(|place| row[*place].as_ref().unwrap_or(&Value::Null))
}

/// The condition that selects a row by its primary key.
fn key_terms(table: &TableLayout) -> String {
    let terms: Vec<String> =
        table.key.iter().map(|place| format!("\"{}\" IS ?", table.columns[*place].name)).collect();
    terms.join(" AND ")
}

/// Takes an end that cannot be right from a snapshot. No hash covers it, and the states of the run give it again.
fn forget_wrong_end(table: &TableLayout, row: &mut Row) {
    let is_right = match (value(table, row, "observed_at"), value(table, row, "superseded_at")) {
        (Value::Text(begin), Value::Text(end)) => end > begin && is_stored_instant(end),
        (_, end) => *end == Value::Null,
    };
    if !is_right {
        set(table, row, "superseded_at", Value::Null);
    }
}

/// Lets a row that violates a constraint be. Other errors concern the new archive.
fn ignore_violation(error: rusqlite::Error) -> Result<(), rusqlite::Error> {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => Ok(()),
        _ => Err(error),
    }
}

/// Whether another row has the primary key.
fn is_taken(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(code, Some(SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_ROWID))
}
