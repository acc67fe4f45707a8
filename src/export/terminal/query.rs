//! The rows of a query: names and values as SQL gives them, so that they can be copied into the next query.

use super::layout::{self, Column, Fit};
use super::style::Role;
use super::value::Form;
use super::{Screen, UNKNOWN};
use crate::escape::escape_control;
use crate::report::{Cell, Table};
use std::io::{self, Write};

/// The width that a text keeps; where it does not fit, each row is a block.
const TEXT_WIDTH: usize = 12;

/// Writes the rows. Values that do not fit are cut, unless everything is shown.
pub(crate) fn write_query_rows(table: &Table, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let columns: Vec<Column> = (0..table.columns.len()).map(|index| column(table, index, screen)).collect();
    // A table of a query may be as wide as the terminal.
    match layout::fit_all(&columns, screen) {
        Some(shown) => layout::write_grid(&columns, &shown, screen, out)?,
        None => layout::write_records(&columns.iter().collect::<Vec<_>>(), screen, out)?,
    }
    let rows = match table.rows.len() {
        0 => "no rows".to_owned(),
        1 => "1 row".to_owned(),
        rows => format!("{rows} rows"),
    };
    writeln!(out, "{}", Role::Dim.paint(&rows, screen.color))
}

fn column(table: &Table, index: usize, screen: &Screen) -> Column {
    let values = table.rows.iter().map(|row| match row[index].exact() {
        None => (screen.text(UNKNOWN).into_owned(), Role::Dim),
        Some(text) => (escape_control(&text).into_owned(), Role::Plain),
    });
    let cells: Vec<&Cell> = table.rows.iter().map(|row| &row[index]).collect();
    let is_number = Form::Plain.is_number(&cells);
    Column {
        heading: escape_control(&table.columns[index]).into_owned(),
        priority: 1,
        is_number,
        fit: if is_number { Fit::Whole } else { Fit::Cut(TEXT_WIDTH) },
        values: values.collect(),
        total: None,
        label: None,
    }
}
