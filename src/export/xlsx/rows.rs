//! Spreadsheets of exported rows. The rows are read twice: to count and add them up, and to write them. No row is kept.

use super::book::Book;
use super::column::{Column, Total};
use super::{SpreadsheetForm, of_rows};
use crate::error::Result;
use crate::export::column_totals::ColumnTotals;
use crate::export::manifest::Manifest;
use crate::report::Cell;
use crate::report::rows::{RowStream, Value};
use crate::run::Usd;

/// What a first pass over the rows finds.
pub(crate) struct Survey {
    /// The count and the sums.
    pub totals: ColumnTotals,
    /// A known value of each column. `None`: it has none.
    samples: Vec<Option<Cell>>,
}

impl Survey {
    /// Reads every row.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn of(rows: &mut RowStream<'_>) -> Result<Survey> {
        let names: Vec<String> = rows.columns().iter().map(|column| column.name.clone()).collect();
        let mut totals = ColumnTotals::new(names.iter().map(String::as_str));
        let mut samples: Vec<Option<Cell>> = vec![None; names.len()];
        rows.for_each(|row| -> Result<()> {
            totals.add_row(&row);
            for (sample, value) in samples.iter_mut().zip(row.values()) {
                if sample.is_none() && value != Value::Null {
                    *sample = Some(value.cell());
                }
            }
            Ok(())
        })?;
        Ok(Survey { totals, samples })
    }

    /// The spreadsheet of the rows, which are read again when it is written.
    ///
    /// # Errors
    /// [`crate::error::Error::Usage`] when they are more than a sheet holds.
    pub(crate) fn book<'a>(
        &self,
        rows: &'a mut RowStream<'_>,
        manifest: &Manifest,
        form: SpreadsheetForm,
        usd_decimals: Option<u32>,
    ) -> Result<Book<'a>> {
        let columns = (manifest.columns.iter().zip(&self.samples))
            .map(|(field, sample)| Column::of_export(field, sample.as_ref(), usd_decimals, form.language))
            .collect::<Vec<_>>();
        let totals = columns.iter().map(|column| self.total(column)).collect();
        let mut cells: Vec<Cell> = Vec::with_capacity(columns.len());
        let each = Box::new(move |sink: &mut super::book::RowSink<'_>| {
            rows.for_each(|row| {
                cells.clear();
                cells.extend(row.values().map(Value::cell));
                sink(&cells)
            })
        });
        of_rows(columns, (self.totals.rows, each), totals, manifest, form, usd_decimals)
    }

    /// The exact total of a column of amounts; unknown for any other.
    fn total(&self, column: &Column) -> Cell {
        let sum = self.totals.sums.iter().find(|sum| sum.column == column.field);
        match (column.total, sum) {
            (Total::Sum, Some(sum)) if sum.known > 0 => Cell::Usd(Some(Usd::from_units(sum.total))),
            _ => Cell::Text(None),
        }
    }
}
