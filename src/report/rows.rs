//! This is a stream of rows as SQLite gives them: one at a time, nothing kept.

use super::ledger::Ledger;
use super::scope::DateBasis;
use super::table::{Cell, Table};
use crate::digest;
use crate::error::{Error, Result};
use crate::run::fields::{self, DocumentedField, FieldColumn};
use crate::run::kind::ColumnType;
use crate::run::{Field, Instant, Run, Usd};
use crate::store::{RowLayout, run_columns, run_from_row};
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::types::ValueRef;
use rusqlite::{Rows, Statement};

/// The current state of each run in a span, in the order of their booking, then of their ids. `settled`
/// is left out: it depends on the day it is asked.
pub const RUNS: &str = include_str!("rows/runs.sql");

/// Every state of each run in a span, in the order they were archived.
pub const SNAPSHOTS: &str = include_str!("rows/snapshots.sql");

/// What each run in a span cost, in the order of [`RUNS`]. A closed month's hash is that of these rows as CSV, so
/// they stay as they are for ever: what more is wanted gets a name of its own.
pub const COSTS: &str = include_str!("rows/costs.sql");

/// How the columns of runs and snapshots end that hold nano-dollars: `rows/*.sql` give these under the name of the
/// amount, so that it is written with all its decimals and none that a double made up.
const USD_ENDING: &str = "_usd";

/// Whether a column of runs or snapshots holds a JSON document.
fn holds_json(name: &str) -> bool {
    let is_json_field = |column: &FieldColumn| column.name == name && column.holds == ColumnType::Json;
    matches!(name, "absent" | "unmapped") || fields::columns::<Field>().any(is_json_field)
}

/// The statement with the documented fields that its file does not name: those added after the file was written.
/// They come before the column `absent`. `select` gives the SQL for the columns of a field.
pub(super) fn with_later_fields<F: DocumentedField>(
    sql: &str,
    select: impl Fn(&[FieldColumn]) -> String,
) -> String {
    let words: Vec<&str> = sql.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
    let later = F::ALL.iter().filter(|field| !words.contains(&field.columns()[0].name));
    let later: String = later.map(|field| format!("{}, ", select(field.columns()))).collect();
    sql.replacen(" absent,", &format!(" {later}absent,"), 1)
}

/// How `rows/*.sql` select a field: an amount is in nano-dollars under both of its names.
fn select_rows(columns: &[FieldColumn]) -> String {
    match columns {
        [usd, nanos] => format!("{} AS {}, {0}", nanos.name, usd.name),
        columns => format!("\"{}\"", columns[0].name),
    }
}

/// A statement with its parameters bound, ready to give its rows.
pub struct Selection<'a> {
    statement: Statement<'a>,
    columns: Vec<Column>,
}

/// A column of a selection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, as SQLite gives it.
    pub name: String,
    /// What its values mean.
    pub meaning: Meaning,
}

/// What the values of a column mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// What they are: words, ids, instants, numbers.
    Plain,
    /// Its texts are JSON documents.
    Json,
    /// Its whole numbers are nano-dollars.
    Nanos,
}

/// A place in a selection: before its first row, at a row, or after the last.
pub struct Cursor<'s> {
    rows: Rows<'s>,
    columns: &'s [Column],
}

impl Cursor<'_> {
    /// Goes on to the next row.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn advance(&mut self) -> Result<()> {
        Ok(self.rows.advance()?)
    }

    /// The row; `None`: before the first, or after the last.
    pub fn row(&self) -> Option<Row<'_>> {
        self.rows.get().map(|row| Row { row, columns: self.columns })
    }
}

/// One row, borrowed from SQLite until the next one is asked for.
pub struct Row<'r> {
    row: &'r rusqlite::Row<'r>,
    columns: &'r [Column],
}

/// One value, borrowed from SQLite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'r> {
    /// Not known.
    Null,
    /// A whole number.
    Integer(i64),
    /// A double; infinite ones only where the SQL made them.
    Real(f64),
    /// Money.
    Usd(Usd),
    /// Words; valid UTF-8 wherever runledger wrote them.
    Text(&'r [u8]),
    /// A JSON document; valid wherever runledger wrote it.
    Json(&'r [u8]),
    /// Bytes.
    Blob(&'r [u8]),
}

impl Value<'_> {
    /// The value as the cell of a table: what it is, with nothing rounded.
    pub fn cell(self) -> Cell {
        match self {
            Value::Null => Cell::Text(None),
            Value::Integer(whole) => Cell::Count(Some(whole)),
            Value::Real(real) => Cell::Real(real),
            Value::Usd(usd) => Cell::Usd(Some(usd)),
            Value::Text(text) | Value::Json(text) => Cell::text(String::from_utf8_lossy(text)),
            Value::Blob(bytes) => Cell::text(digest::to_hex(bytes)),
        }
    }
}

impl<'r> Row<'r> {
    /// The row's values, in the order of the selection's columns.
    pub fn values(&self) -> impl Iterator<Item = Value<'r>> {
        (0..self.columns.len()).map(|index| self.value(index))
    }

    /// The value of the column with that index, which is one of the selection's.
    #[inline]
    pub fn value(&self, index: usize) -> Value<'r> {
        let value = self.row.get_ref(index).expect("a row has each column of its selection");
        match (value, self.columns[index].meaning) {
            (ValueRef::Null, _) => Value::Null,
            (ValueRef::Integer(nanos), Meaning::Nanos) => Value::Usd(Usd::from_units(nanos.into())),
            // Two costs whose sum is beyond 9.2 billion USD: SQL has but a double for that.
            (ValueRef::Real(nanos), Meaning::Nanos) => Value::Usd(Usd::from_units(nanos as i128)),
            (ValueRef::Integer(whole), _) => Value::Integer(whole),
            (ValueRef::Real(real), _) => Value::Real(real),
            (ValueRef::Text(text), Meaning::Json) => Value::Json(text),
            (ValueRef::Text(text), _) => Value::Text(text),
            (ValueRef::Blob(bytes), _) => Value::Blob(bytes),
        }
    }
}

impl<'a> Selection<'a> {
    /// A selection of whatever the statement gives, its parameters already bound.
    pub fn new(statement: Statement<'a>) -> Selection<'a> {
        let columns = statement
            .column_names()
            .map(|name| Column { name: name.to_owned(), meaning: Meaning::Plain })
            .collect();
        Selection { statement, columns }
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Reads all rows, each given to `visit` before the next is read. The first error ends it.
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

    /// A place before the first row, from where rows are read one by one.
    pub fn cursor(&mut self) -> Cursor<'_> {
        Cursor { rows: self.statement.raw_query(), columns: &self.columns }
    }

    /// All rows at once, each value made a cell.
    pub fn table(&mut self, cell: impl Fn(&Column, Value<'_>) -> Cell) -> Result<Table> {
        let columns = self.columns.clone();
        let mut rows = Vec::new();
        self.for_each(|row| -> Result<()> {
            rows.push(columns.iter().zip(row.values()).map(|(column, value)| cell(column, value)).collect());
            Ok(())
        })?;
        Ok(Table { columns: columns.into_iter().map(|column| column.name).collect(), rows, totals: None })
    }

    fn of_the_ledger(mut self) -> Selection<'a> {
        for column in &mut self.columns {
            if holds_json(&column.name) {
                column.meaning = Meaning::Json;
            } else if column.name.ends_with(USD_ENDING) {
                column.meaning = Meaning::Nanos;
            }
        }
        self
    }
}

/// The ledger's runs, in the order of booking, then of their ids.
pub fn runs<'l>(ledger: &'l Ledger<'_>) -> Result<Selection<'l>> {
    stored(ledger, &with_later_fields::<Field>(RUNS, select_rows))
}

/// Every state of each run that is booked in the ledger's span when it is in that state, in the order they were archived.
pub fn snapshots<'l>(ledger: &'l Ledger<'_>) -> Result<Selection<'l>> {
    let sql = with_later_fields::<Field>(SNAPSHOTS, select_rows);
    stored(ledger, &sql.replace(DateBasis::Started.sql(), ledger.scope().date.sql()))
}

/// The cost of each of the ledger's runs and its cost center, in the order of [`runs`] and in the row layout of the
/// ledger's scope.
pub fn costs<'l>(ledger: &'l Ledger<'_>) -> Result<Selection<'l>> {
    let column = |layout: RowLayout| format!(" AS {},", layout.cost_center_column());
    let layout = ledger.scope().row_layout;
    stored(ledger, &COSTS.replacen(&column(RowLayout::default()), &column(layout), 1))
}

/// The ledger's runs as columns that [`run`] reads, in the order of [`runs`].
pub fn documents<'l>(ledger: &'l Ledger<'_>) -> Result<Selection<'l>> {
    let booked = ledger.scope().date.sql();
    let sql = format!(
        "SELECT {} FROM run_snapshots WHERE superseded_at IS NULL \
           AND (:from IS NULL OR {booked} >= :from) AND (:until IS NULL OR {booked} < :until) \
         ORDER BY {booked}, run_id",
        run_columns()
    );
    stored(ledger, &sql)
}

/// The run in a row of [`documents`].
pub fn run(row: &Row<'_>) -> Result<Run> {
    Ok(run_from_row(row.row, 0)?)
}

fn stored<'l>(ledger: &'l Ledger<'_>, sql: &str) -> Result<Selection<'l>> {
    let span = ledger.scope().span;
    let mut statement = ledger.connection().prepare(sql)?;
    for (name, bound) in [(":from", &span.from), (":until", &span.until)] {
        let index = statement.parameter_index(name)?.expect("each selection of rows has both ends of a span");
        statement.raw_bind_parameter(index, bound.as_ref().map(Instant::as_str))?;
    }
    Ok(Selection::new(statement).of_the_ledger())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::fields::extended;

    #[test]
    fn a_new_field_is_selected_before_the_absent_fields() {
        for sql in [RUNS, SNAPSHOTS] {
            assert_eq!(with_later_fields::<Field>(sql, select_rows), sql, "every field is named");
            let extended = with_later_fields::<extended::Field>(sql, select_rows);
            let columns =
                "\"peak_memory_bytes\", spark_cost_nanos AS spark_cost_usd, spark_cost_nanos, absent,";
            assert!(extended.contains(columns), "{extended}");
        }
    }
}
