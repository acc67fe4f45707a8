//! Row streams for exports: rows are read from SQLite one at a time, and none is kept.

pub mod dataset;

use super::ledger::Ledger;
use super::scope::DateBasis;
use super::table::{Cell, Table};
use crate::digest::to_hex;
use crate::error::{Error, Result};
use crate::run::fields::{self, DocumentedField, FieldColumn};
use crate::run::kind::ColumnType;
use crate::run::{Field, Instant, Run, Usd};
use crate::store::{RowLayout, run_columns, run_from_row};
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::types::ValueRef;
use rusqlite::{Rows, Statement};

/// The current state of each run in a span, ordered by booking date and id. `settled` is left out, because it depends
/// on the current time.
pub const RUNS: &str = include_str!("runs.sql");

/// Every snapshot of the runs in a span, in the order of archiving.
pub const SNAPSHOTS: &str = include_str!("snapshots.sql");

/// The cost of each run in a span, in the order of [`RUNS`]. The hash of a closed month covers these rows as CSV, so
/// every change needs a new [`RowLayout`].
pub const COSTS: &str = include_str!("costs.sql");

/// What people need of each run in a span, in the order of [`RUNS`].
const BOOKED_RUNS: &str = include_str!("booked_runs.sql");

/// The suffix of columns with money. In `rows/*.sql` their values are nano-dollars, so that amounts are exact.
const USD_SUFFIX: &str = "_usd";

/// Whether a column of runs or snapshots holds a JSON document.
fn holds_json(name: &str) -> bool {
    let is_json_field = |column: &FieldColumn| column.name == name && column.holds == ColumnType::Json;
    matches!(name, "absent" | "unmapped") || fields::columns::<Field>().any(is_json_field)
}

/// The statement with the documented fields that its file does not name: those added after the file was written.
/// They come before the column `absent`. `select` gives the SQL for the columns of a field.
fn with_later_fields<F: DocumentedField>(sql: &str, select: impl Fn(&[FieldColumn]) -> String) -> String {
    let words: Vec<&str> = sql.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
    let later = F::ALL.iter().filter(|field| !words.contains(&field.columns()[0].name));
    let later: String = later.map(|field| format!("{}, ", select(field.columns()))).collect();
    sql.replacen(" absent,", &format!(" {later}absent,"), 1)
}

/// How `rows/*.sql` select a field: an amount is in nano-dollars under both of its names.
fn select_field(columns: &[FieldColumn]) -> String {
    match columns {
        [usd, nanos] => format!("{} AS {}, {0}", nanos.name, usd.name),
        columns => format!("\"{}\"", columns[0].name),
    }
}

/// A prepared statement with its parameters bound.
pub struct RowStream<'a> {
    statement: Statement<'a>,
    columns: Vec<Column>,
}

/// A column of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name.
    pub name: String,
    /// How to interpret the values.
    pub kind: ColumnKind,
}

/// How to interpret the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Texts, ids, instants and numbers as stored.
    Plain,
    /// Texts are JSON documents.
    Json,
    /// Integers are nano-dollars.
    Nanos,
}

/// A position in a stream: before the first row, at a row, or after the last row.
pub struct Cursor<'s> {
    rows: Rows<'s>,
    columns: &'s [Column],
}

impl Cursor<'_> {
    /// Moves to the next row.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn advance(&mut self) -> Result<()> {
        Ok(self.rows.advance()?)
    }

    /// The current row; `None`: before the first row, or after the last.
    pub fn row(&self) -> Option<Row<'_>> {
        self.rows.get().map(|row| Row { row, columns: self.columns })
    }
}

/// One row, borrowed from SQLite until the next one is read.
pub struct Row<'r> {
    row: &'r rusqlite::Row<'r>,
    columns: &'r [Column],
}

/// One value, borrowed from SQLite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'r> {
    /// Not known.
    Null,
    /// An integer.
    Integer(i64),
    /// A floating-point number; infinite only if the SQL computed it.
    Real(f64),
    /// Money.
    Usd(Usd),
    /// A text; valid UTF-8 if runledger wrote it.
    Text(&'r [u8]),
    /// A JSON document; valid if runledger wrote it.
    Json(&'r [u8]),
    /// A blob.
    Blob(&'r [u8]),
}

impl Value<'_> {
    /// The value as a cell of a table, without rounding.
    pub fn cell(self) -> Cell {
        match self {
            Value::Null => Cell::Text(None),
            Value::Integer(whole) => Cell::Count(Some(whole)),
            Value::Real(real) => Cell::Real(real),
            Value::Usd(usd) => Cell::Usd(Some(usd)),
            Value::Text(text) | Value::Json(text) => Cell::text(String::from_utf8_lossy(text)),
            Value::Blob(bytes) => Cell::text(to_hex(bytes)),
        }
    }
}

impl<'r> Row<'r> {
    /// The values in the order of the stream's columns.
    pub fn values(&self) -> impl Iterator<Item = Value<'r>> {
        (0..self.columns.len()).map(|index| self.value(index))
    }

    /// The value of a column. Panics if the index is out of range.
    #[inline]
    pub fn value(&self, index: usize) -> Value<'r> {
        let value = self.row.get_ref(index).expect("a row has every column of its stream");
        match (value, self.columns[index].kind) {
            (ValueRef::Null, _) => Value::Null,
            (ValueRef::Integer(nanos), ColumnKind::Nanos) => Value::Usd(Usd::from_units(nanos.into())),
            // The sum of two costs above 9.2 billion USD overflows SQL integers and becomes a floating-point number.
            (ValueRef::Real(nanos), ColumnKind::Nanos) => Value::Usd(Usd::from_units(nanos as i128)),
            (ValueRef::Integer(whole), _) => Value::Integer(whole),
            (ValueRef::Real(real), _) => Value::Real(real),
            (ValueRef::Text(text), ColumnKind::Json) => Value::Json(text),
            (ValueRef::Text(text), _) => Value::Text(text),
            (ValueRef::Blob(bytes), _) => Value::Blob(bytes),
        }
    }
}

impl<'a> RowStream<'a> {
    /// A stream of the rows of a statement. Its parameters must be bound already.
    pub fn new(statement: Statement<'a>) -> RowStream<'a> {
        let columns = statement
            .column_names()
            .map(|name| Column { name: name.to_owned(), kind: ColumnKind::Plain })
            .collect();
        RowStream { statement, columns }
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Passes each row to `visit` before the next one is read. The first error ends the scan.
    pub fn for_each<E: From<Error>>(
        &mut self,
        mut visit: impl FnMut(Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let columns = &self.columns;
        let mut rows = self.statement.raw_query();
        while let Some(row) = rows.next().map_err(Error::from)? {
            visit(Row { row, columns })?;
        }
        Ok(())
    }

    /// A cursor before the first row.
    pub fn cursor(&mut self) -> Cursor<'_> {
        Cursor { rows: self.statement.raw_query(), columns: &self.columns }
    }

    /// Reads all rows into a table. `cell` converts each value.
    pub fn table(&mut self, cell: impl Fn(&Column, Value<'_>) -> Cell) -> Result<Table> {
        let columns = self.columns.clone();
        let mut rows = Vec::new();
        self.for_each(|row| -> Result<()> {
            rows.push(columns.iter().zip(row.values()).map(|(column, value)| cell(column, value)).collect());
            Ok(())
        })?;
        Ok(Table { columns: columns.into_iter().map(|column| column.name).collect(), rows, totals: None })
    }

    /// Sets the column kinds of runs and snapshots by column name.
    pub(super) fn with_run_columns(mut self) -> RowStream<'a> {
        for column in &mut self.columns {
            if holds_json(&column.name) {
                column.kind = ColumnKind::Json;
            } else if column.name.ends_with(USD_SUFFIX) {
                column.kind = ColumnKind::Nanos;
            }
        }
        self
    }
}

/// The ledger's runs, ordered by booking date and id.
pub fn runs<'l>(ledger: &'l Ledger<'_>) -> Result<RowStream<'l>> {
    in_span(ledger, &with_later_fields::<Field>(RUNS, select_field))
}

/// Every snapshot that is booked in the ledger's span, in the order of archiving.
pub fn snapshots<'l>(ledger: &'l Ledger<'_>) -> Result<RowStream<'l>> {
    let sql = with_later_fields::<Field>(SNAPSHOTS, select_field);
    in_span(ledger, &sql.replace(DateBasis::Started.sql(), ledger.scope().date.sql()))
}

/// The cost of each of the ledger's runs and its cost center, in the order of [`runs`] and in the row layout of the
/// ledger's scope.
pub fn costs<'l>(ledger: &'l Ledger<'_>) -> Result<RowStream<'l>> {
    let column = |layout: RowLayout| format!(" AS {},", layout.cost_center_column());
    let layout = ledger.scope().row_layout;
    in_span(ledger, &COSTS.replacen(&column(RowLayout::default()), &column(layout), 1))
}

/// What people need of each of the ledger's runs, in the order of [`runs`].
pub(crate) fn booked_runs<'l>(ledger: &'l Ledger<'_>) -> Result<RowStream<'l>> {
    in_span(ledger, BOOKED_RUNS)
}

/// The ledger's runs as columns for [`read_run`], in the order of [`runs`].
pub fn documents<'l>(ledger: &'l Ledger<'_>) -> Result<RowStream<'l>> {
    let booked_at = ledger.scope().date.sql();
    let sql = format!(
        "SELECT {} FROM run_snapshots WHERE superseded_at IS NULL \
           AND (:from IS NULL OR {booked_at} >= :from) AND (:until IS NULL OR {booked_at} < :until) \
         ORDER BY {booked_at}, run_id",
        run_columns()
    );
    in_span(ledger, &sql)
}

/// Reads the run in a row of [`documents`].
pub fn read_run(row: &Row<'_>) -> Result<Run> {
    Ok(run_from_row(row.row, 0)?)
}

fn in_span<'l>(ledger: &'l Ledger<'_>, sql: &str) -> Result<RowStream<'l>> {
    let span = ledger.scope().span;
    let mut statement = ledger.connection().prepare(sql)?;
    for (name, bound) in [(":from", &span.from), (":until", &span.until)] {
        let index = statement.parameter_index(name)?.expect("each query in `rows` has both ends of a span");
        statement.raw_bind_parameter(index, bound.as_ref().map(Instant::as_str))?;
    }
    Ok(RowStream::new(statement).with_run_columns())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::fields::extended;

    #[test]
    fn a_new_field_is_selected_before_the_absent_fields() {
        for sql in [RUNS, SNAPSHOTS] {
            assert_eq!(with_later_fields::<Field>(sql, select_field), sql, "every field is named");
            let extended = with_later_fields::<extended::Field>(sql, select_field);
            let columns =
                "\"peak_memory_bytes\", spark_cost_nanos AS spark_cost_usd, spark_cost_nanos, absent,";
            assert!(extended.contains(columns), "{extended}");
        }
    }
}
