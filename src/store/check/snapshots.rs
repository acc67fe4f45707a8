//! The rules for each row: hashes, derived columns, JSON and instants.

use super::{CheckResult, IS_INSTANT};
use crate::run::fields;
use crate::run::json::Entries;
use crate::run::kind::ColumnType;
use crate::run::{Cost, Field, Instant};
use crate::snapshot::hash;
use crate::store::run_row::{cost_of, run_columns, run_from_row};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use serde_json::value::RawValue;

/// The columns before those of [`run_columns`].
const FIRST_COLUMNS: &str = "snapshot_id, content_hash, trigger_type, observed_at, superseded_at";
const FIRST_COLUMNS_COUNT: usize = 5;

/// Checks hashes, derived columns, JSON and instants, in this order.
pub(super) fn check(archive: &Connection) -> [CheckResult; 4] {
    let mut rows = Rows::new();
    let pass = rows.read_snapshots(archive);
    rows.hashes.end(pass);
    let pass = rows.read_quarantine(archive);
    rows.hashes.end(pass);
    let pass = rows.read_instants(archive);
    rows.instants.end(pass);
    [rows.hashes, rows.derived, rows.json, rows.instants]
}

struct Rows {
    hashes: CheckResult,
    derived: CheckResult,
    json: CheckResult,
    instants: CheckResult,
}

/// A row's name in an example.
struct Name<'r>(&'r str, i64);

impl std::fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "run {}, snapshot {}", self.0, self.1)
    }
}

impl Rows {
    fn new() -> Rows {
        Rows {
            hashes: CheckResult::new(
                "hashes",
                "rows",
                "content_hash is the SHA-256 of the document that the row gives",
            ),
            derived: CheckResult::new(
                "derived",
                "snapshots",
                "trigger_type and nano-dollars follow from the values of the API",
            ),
            json: CheckResult::new("json", "documents", "every JSON column holds valid JSON"),
            instants: CheckResult::new("instants", "instants", "each is UTC with six digits"),
        }
    }

    fn read_snapshots(&mut self, archive: &Connection) -> rusqlite::Result<()> {
        let columns = fields::columns::<Field>().enumerate();
        let mut json: Vec<(&str, usize)> = Vec::new();
        let mut amounts: Vec<(&str, usize)> = Vec::new();
        let mut instants: Vec<(&str, usize)> = vec![("observed_at", 3), ("superseded_at", 4)];
        let mut index_after_fields = FIRST_COLUMNS_COUNT;
        for (index, column) in columns {
            let index = FIRST_COLUMNS_COUNT + index;
            match column.holds {
                ColumnType::Json => json.push((column.name, index)),
                ColumnType::Instant => instants.push((column.name, index)),
                ColumnType::Real => amounts.push((column.name, index)),
                _ => {}
            }
            index_after_fields = index + 1;
        }
        json.extend([("absent", index_after_fields), ("unmapped", index_after_fields + 1)]);
        let sql = format!(
            "SELECT {FIRST_COLUMNS}, {} FROM run_snapshots NOT INDEXED ORDER BY snapshot_id",
            run_columns()
        );
        let mut statement = archive.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id: String = row.get(FIRST_COLUMNS_COUNT)?;
            let name = Name(&id, row.get(0)?);
            for (column, index) in &json {
                if let ValueRef::Text(text) = row.get_ref(*index)? {
                    self.json.examined += 1;
                    let parsed = serde_json::from_slice::<&RawValue>(text);
                    self.json.require(parsed.is_ok(), || format!("{name}: {column} is not JSON"));
                }
            }
            for (column, index) in &instants {
                self.examine_instant(row.get_ref(*index)?, || format!("{name}: {column}"));
            }
            self.examine_run(row, &name, &amounts)?;
        }
        Ok(())
    }

    /// `amounts` are the columns of the amounts' doubles; each is followed by its nano-dollars.
    fn examine_run(
        &mut self,
        row: &Row<'_>,
        name: &Name<'_>,
        amounts: &[(&str, usize)],
    ) -> rusqlite::Result<()> {
        self.hashes.examined += 1;
        let run = match run_from_row(row, FIRST_COLUMNS_COUNT) {
            Ok(run) => run,
            Err(error @ rusqlite::Error::FromSqlConversionFailure(..)) => {
                self.hashes.fail(|| format!("{name}: its document cannot be rebuilt: {error}"));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let stored = row.get_ref(1)?.as_blob().unwrap_or_default();
        self.hashes.require(hash(run.document().as_bytes()) == stored, || {
            format!("{name}: the document has another hash")
        });
        self.derived.examined += 1;
        let trigger_type: Option<String> = row.get(2)?;
        let expected = run.trigger_type();
        self.derived.require(expected.as_ref().map(|word| word.as_str()) == trigger_type.as_deref(), || {
            format!("{name}: trigger_type")
        });
        let unmapped = run.unmapped.as_deref().and_then(Entries::parse);
        for (field, index) in amounts {
            let (usd, nanos): (Option<f64>, Option<i64>) = (row.get(*index)?, row.get(index + 1)?);
            let cost = usd.zip(nanos).map(|(usd, nanos)| Cost { usd, nanos });
            let expected = cost_of(field, cost.map(|cost| cost.usd), unmapped.as_ref());
            self.derived.require(expected == cost, || format!("{name}: the nano-dollars of {field}"));
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
            let (stored, item) = (row.get_ref(1)?.as_blob()?, row.get_ref(2)?.as_bytes()?);
            let rowid: i64 = row.get(0)?;
            self.hashes
                .require(hash(item) == stored, || format!("quarantine {rowid}: the item has another hash"));
        }
        Ok(())
    }

    /// Reads the instants of every table except `run_snapshots`, which was read already.
    fn read_instants(&mut self, archive: &Connection) -> rusqlite::Result<()> {
        let mut columns = archive.prepare(&format!(
            "SELECT t.name, c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c \
             WHERE t.type = 'table' AND t.name <> 'run_snapshots' AND {IS_INSTANT} ORDER BY t.name, c.cid"
        ))?;
        let columns: Vec<(String, String)> =
            columns.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
        for (table, column) in columns {
            // The names come from the schema, not from a user.
            let mut statement = archive.prepare(&format!("SELECT \"{column}\" FROM \"{table}\""))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                self.examine_instant(row.get_ref(0)?, || format!("{table}.{column}"));
            }
        }
        Ok(())
    }
}
