//! A run as a row of `run_snapshots`: the columns, and how they are bound and read.

use crate::run::fields::{self, DocumentedField, Record};
use crate::run::json::Entries;
use crate::run::kind::{ColumnSink, ColumnSource, ColumnValue};
use crate::run::{Cost, Field, FieldSet, Instant, Run};
use crate::snapshot::Snapshot;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Type, Value, ValueRef};
use rusqlite::{Row, Statement};
use std::sync::LazyLock;
use uuid::Uuid;

impl ToSql for Instant {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.as_bytes())))
    }
}

impl FromSql for Instant {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Instant> {
        Instant::parse(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}

/// A run's id as the archive writes it: lower case, with hyphens.
pub(super) struct RunId([u8; uuid::fmt::Hyphenated::LENGTH]);

impl RunId {
    pub(super) fn of(id: Uuid) -> RunId {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        id.hyphenated().encode_lower(&mut text);
        RunId(text)
    }

    pub(super) fn uuid(self) -> Uuid {
        Uuid::try_parse_ascii(&self.0).expect("it was made from a UUID")
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a UUID is ASCII")
    }
}

impl ToSql for RunId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(&self.0)))
    }
}

impl FromSql for RunId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<RunId> {
        let id = Uuid::try_parse(value.as_str()?).map_err(|error| FromSqlError::Other(error.into()))?;
        Ok(RunId::of(id))
    }
}

/// The columns that [`run_from_row`] reads, in its order, for a SELECT.
pub fn run_columns() -> &'static str {
    static COLUMNS: LazyLock<String> = LazyLock::new(columns_of::<Field>);
    &COLUMNS
}

/// The columns of a record: its id, its fields, `absent` and `unmapped`.
fn columns_of<F: DocumentedField>() -> String {
    let mut columns = String::new();
    for column in fields::columns::<F>() {
        columns.push_str(&format!("\"{}\", ", column.name));
    }
    columns + "absent, unmapped"
}

/// The columns of a snapshot besides those of its run.
const SNAPSHOT_COLUMNS: &str = "trigger_type, content_hash, observed_at, sync_id";

/// The statement that inserts a snapshot unless its run has a current one; [`bind_snapshot`] binds its values.
pub(super) fn insert_sql() -> &'static str {
    static INSERT: LazyLock<String> = LazyLock::new(|| {
        let columns = format!("{}, {SNAPSHOT_COLUMNS}", run_columns());
        let placeholders = vec!["?"; columns.split(", ").count()].join(", ");
        format!(
            "INSERT INTO run_snapshots ({columns}) VALUES ({placeholders}) \
             ON CONFLICT (run_id, coalesce(superseded_at, '')) DO NOTHING"
        )
    });
    &INSERT
}

/// Binds every value of [`insert_sql`].
pub(super) fn bind_snapshot(
    statement: &mut Statement<'_>,
    snapshot: &Snapshot,
    observed_at: Instant,
    sync_id: i64,
) -> rusqlite::Result<()> {
    let mut parameters = Parameters { statement, index: 0 };
    bind_record(&mut parameters, &snapshot.run)?;
    parameters.bind(snapshot.trigger_type.as_ref().map(|word| word.as_str()))?;
    parameters.bind(snapshot.content_hash)?;
    parameters.bind(observed_at)?;
    parameters.bind(sync_id)
}

fn bind_record<R: Record>(parameters: &mut Parameters<'_, '_>, record: &R) -> rusqlite::Result<()> {
    parameters.put(ColumnValue::Text(RunId::of(record.id()).as_str()))?;
    record.store(parameters)?;
    parameters.bind(record.absent().to_json::<R::Field>())?;
    parameters.bind(record.unmapped())
}

/// The run in a row of [`run_columns`], which begin at column `first`.
///
/// # Errors
/// Those of SQLite, also for a value that the archive does not write.
pub fn run_from_row(row: &Row<'_>, first: usize) -> rusqlite::Result<Run> {
    record_from_row(row, first)
}

fn record_from_row<R: Record>(row: &Row<'_>, first: usize) -> rusqlite::Result<R> {
    let mut columns = Columns { row, index: first };
    let record = read_record(&mut columns)?;
    record.ok_or_else(|| Columns { row, index: first + 1 }.unexpected())
}

/// The run in values of the columns that [`run_columns`] lists, in its order. `None`: the archive writes no such
/// values.
pub(super) fn run_from_values<'v>(values: impl Iterator<Item = &'v Value>) -> Option<Run> {
    read_record(&mut Values(values)).ok().flatten()
}

/// Reads a record. `None`: it has no id.
fn read_record<R: Record, S: ColumnSource>(columns: &mut S) -> Result<Option<R>, S::Error> {
    let id = columns.take(|value| match value {
        ColumnValue::Text(text) => Uuid::try_parse(text).ok(),
        _ => None,
    })?;
    let Some(id) = id else { return Ok(None) };
    let mut record = R::blank(id);
    record.load(columns)?;
    let absent = columns.take(|value| match value {
        ColumnValue::Text(names) => FieldSet::from_json::<R::Field>(names),
        _ => None,
    })?;
    let unmapped = columns.take(|value| match value {
        ColumnValue::Text(object) => Entries::parse(object).map(|_| object.to_owned()),
        _ => None,
    })?;
    record.set_rest(absent.unwrap_or_default(), unmapped);
    Ok(Some(record))
}

/// The cost in an amount's column and in `unmapped`, which has the API's own text where the column cannot reproduce it.
pub(super) fn cost_of(field: &str, usd: Option<f64>, unmapped: Option<&Entries<'_>>) -> Option<Cost> {
    match (unmapped.and_then(|entries| entries.get(field)), usd) {
        (Some(text), _) => Cost::from_number(text.get()),
        (None, Some(usd)) => Cost::from_number(&usd.to_string()),
        (None, None) => None,
    }
}

/// The parameters of a statement, bound one after the other.
struct Parameters<'s, 'c> {
    statement: &'s mut Statement<'c>,
    /// The index of the parameter that was bound last.
    index: usize,
}

impl Parameters<'_, '_> {
    fn bind(&mut self, value: impl ToSql) -> rusqlite::Result<()> {
        self.index += 1;
        self.statement.raw_bind_parameter(self.index, value)
    }
}

impl ColumnSink for Parameters<'_, '_> {
    type Error = rusqlite::Error;

    fn put(&mut self, value: ColumnValue<'_>) -> rusqlite::Result<()> {
        self.bind(ToSqlOutput::Borrowed(match value {
            ColumnValue::Null => ValueRef::Null,
            ColumnValue::Integer(value) => ValueRef::Integer(value),
            ColumnValue::Real(value) => ValueRef::Real(value),
            ColumnValue::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// The columns of a row, read one after the other.
struct Columns<'r> {
    row: &'r Row<'r>,
    /// The index of the column that is read next.
    index: usize,
}

impl Columns<'_> {
    /// The error for the column that was read last.
    fn unexpected(&self) -> rusqlite::Error {
        rusqlite::Error::FromSqlConversionFailure(
            self.index.saturating_sub(1),
            Type::Text,
            "it is not as the archive writes it".into(),
        )
    }
}

impl ColumnSource for Columns<'_> {
    type Error = rusqlite::Error;

    fn take<T>(&mut self, read: impl FnOnce(ColumnValue<'_>) -> Option<T>) -> rusqlite::Result<Option<T>> {
        let value = self.row.get_ref(self.index)?;
        self.index += 1;
        let value = match value {
            ValueRef::Null => return Ok(None),
            ValueRef::Integer(value) => ColumnValue::Integer(value),
            ValueRef::Real(value) => ColumnValue::Real(value),
            ValueRef::Text(bytes) => {
                ColumnValue::Text(std::str::from_utf8(bytes).map_err(|_| self.unexpected())?)
            }
            ValueRef::Blob(_) => return Err(self.unexpected()),
        };
        read(value).map(Some).ok_or_else(|| self.unexpected())
    }
}

/// Values of columns, read one after the other.
struct Values<I>(I);

impl<'v, I: Iterator<Item = &'v Value>> ColumnSource for Values<I> {
    type Error = UnexpectedValue;

    fn take<T>(
        &mut self,
        read: impl FnOnce(ColumnValue<'_>) -> Option<T>,
    ) -> Result<Option<T>, UnexpectedValue> {
        let value = match self.0.next().ok_or(UnexpectedValue)? {
            Value::Null => return Ok(None),
            Value::Integer(value) => ColumnValue::Integer(*value),
            Value::Real(value) => ColumnValue::Real(*value),
            Value::Text(text) => ColumnValue::Text(text),
            Value::Blob(_) => return Err(UnexpectedValue),
        };
        read(value).map(Some).ok_or(UnexpectedValue)
    }
}

/// A value that the archive does not write.
struct UnexpectedValue;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Redaction;
    use crate::run::decode::decode_record;
    use crate::run::document::document;
    use crate::run::fields::extended;
    use rusqlite::Connection;

    /// A table with the columns of a record.
    fn table_of<F: DocumentedField>() -> Connection {
        let columns: Vec<String> = fields::columns::<F>()
            .map(|column| format!("\"{}\" {}", column.name, column.holds.sql()))
            .collect();
        let connection = Connection::open_in_memory().unwrap();
        let columns = columns.join(", ");
        connection
            .execute_batch(&format!("CREATE TABLE records ({columns}, absent TEXT, unmapped TEXT) STRICT"))
            .unwrap();
        connection
    }

    #[test]
    fn a_new_field_takes_one_line_to_be_decoded_stored_and_exported() {
        const DOCUMENT: &str = concat!(
            r#"{"id":"6f6b9a4e-58a3-4e6f-9d5c-2d6f3c0a9b11","number":7,"status":"success","el_cost_usd":0.1,"#,
            r#""peak_memory_bytes":4096,"spark_cost_usd":0.25,"log":"x"}"#
        );
        let item = serde_json::from_str(DOCUMENT).unwrap();
        let (run, drift) = decode_record::<extended::Run>(item, &Redaction::default()).unwrap();
        assert_eq!((run.peak_memory_bytes, run.spark_cost_usd.unwrap().nanos), (Some(4096), 250_000_000));
        assert_eq!(drift.len(), 1, "only `log` is undocumented: {drift:?}");

        let connection = table_of::<extended::Field>();
        let columns = columns_of::<extended::Field>();
        let placeholders = vec!["?"; columns.split(", ").count()].join(", ");
        let mut statement =
            connection.prepare(&format!("INSERT INTO records ({columns}) VALUES ({placeholders})")).unwrap();
        bind_record(&mut Parameters { statement: &mut statement, index: 0 }, &run).unwrap();
        statement.raw_execute().unwrap();
        let read: extended::Run = connection
            .query_row(&format!("SELECT {columns} FROM records"), [], |row| record_from_row(row, 0))
            .unwrap();
        assert_eq!(read, run);
        assert_eq!(document(&read), DOCUMENT);
    }

    #[test]
    fn the_archive_has_a_column_for_each_field() {
        let archive = crate::store::Archive::temporary().unwrap();
        for column in fields::columns::<Field>() {
            let sql_type: String = archive
                .connection()
                .query_row(
                    "SELECT type FROM pragma_table_info('run_snapshots') WHERE name = ?1",
                    [column.name],
                    |row| row.get(0),
                )
                .unwrap_or_else(|error| panic!("{}: {error}", column.name));
            assert_eq!(sql_type, column.holds.sql(), "{}", column.name);
        }
    }
}
