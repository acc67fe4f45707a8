//! XLSX spreadsheets: titles, readable headings, typed numbers and dates, Excel tables, print setup, and the manifest
//! on the last sheet.
//!
//! Texts are written as string cells, so no text becomes a formula or a link. Cells contain all digits of an amount,
//! which a spreadsheet reads as the nearest double. The manifest contains the exact sums as texts. A text that exceeds
//! a cell is cut, says so at its end, and is reported on standard error.

pub(crate) mod book;
pub(crate) mod cell_format;
pub(crate) mod column;
mod manifest_sheet;
mod rows;
pub(crate) mod title_block;

#[cfg(feature = "xlsx")]
mod cell_xml;
#[cfg(feature = "xlsx")]
mod package;
#[cfg(feature = "xlsx")]
mod render;
#[cfg(feature = "xlsx")]
mod styles;
#[cfg(feature = "xlsx")]
mod text;
#[cfg(feature = "xlsx")]
mod totals;

use super::destination::WriteError;
use super::manifest::Manifest;
use crate::error::{Error, Result};
use crate::language::{Language, Phrase};
use crate::report::{Cell, Table};
use book::{Book, Content, RowSource, Rows, Sheet, TableContent};
use chrono_tz::Tz;
use column::Column;
pub(crate) use column::letters;
pub(crate) use manifest_sheet::{manifest_sheet, sheet_of};
pub(crate) use rows::Survey;
use std::io::Write;
use title_block::TitleBlock;

/// The most rows of a sheet.
const MAX_ROWS: u64 = 1_048_576;

/// The name of the sheet of a report.
const REPORT: Phrase = Phrase::new("Report", "Relatório");

/// The sentence of a table without rows.
pub(crate) const NO_ROWS: Phrase = Phrase::new("No rows.", "Nenhuma linha.");

/// The form of a spreadsheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpreadsheetForm {
    /// The language of headings, values and dates.
    pub(crate) language: Language,
    /// The zone of instants.
    pub(crate) zone: Tz,
}

/// Writes the table with its totals, and the manifest. Amounts are rounded to `usd_decimals` decimals (`None`:
/// displayed with few decimals but not rounded).
///
/// # Errors
/// [`Error::Usage`] when the table exceeds the limits of a sheet, or without the feature `xlsx`.
pub(crate) fn write_table(
    table: &Table,
    manifest: &Manifest,
    form: SpreadsheetForm,
    usd_decimals: Option<u32>,
    out: &mut dyn Write,
) -> Result<(), WriteError> {
    let SpreadsheetForm { language, .. } = form;
    let notes = manifest.provenance.notes.iter();
    let content = TableContent {
        table_name: "RL_report".to_owned(),
        columns: Column::of_table(table, usd_decimals, language),
        rows: Rows::Cells(table.rows.clone()),
        totals: table.totals.clone(),
        empty: NO_ROWS.text(language).to_owned(),
        notes: notes.map(|note| language.sentence(note).into_owned()).collect(),
        frozen_columns: 1,
        chart: None,
    };
    of_one_sheet(content, manifest, form, usd_decimals).write(out)
}

/// The spreadsheet of rows that are read while they are written, with their totals, and the manifest.
///
/// # Errors
/// [`Error::Usage`] when they are more than a sheet holds.
fn of_rows<'a>(
    columns: Vec<Column>,
    (count, each): (u64, RowSource<'a>),
    totals: Vec<Cell>,
    manifest: &Manifest,
    form: SpreadsheetForm,
    usd_decimals: Option<u32>,
) -> Result<Book<'a>> {
    let content = TableContent {
        table_name: "RL_rows".to_owned(),
        columns,
        rows: Rows::Stream { count, each },
        totals: Some(totals),
        empty: NO_ROWS.text(form.language).to_owned(),
        notes: Vec::new(),
        frozen_columns: 1,
        chart: None,
    };
    let book = of_one_sheet(content, manifest, form, usd_decimals);
    book.require_fit()?;
    Ok(book)
}

/// A spreadsheet with one table and the manifest.
fn of_one_sheet<'a>(
    content: TableContent<'a>,
    manifest: &Manifest,
    form: SpreadsheetForm,
    usd_decimals: Option<u32>,
) -> Book<'a> {
    let SpreadsheetForm { language, zone } = form;
    let title = TitleBlock::of_answer(&manifest.provenance, language).unwrap_or_default();
    let state = title_block::state(&manifest.provenance, language).unwrap_or_default();
    let sheet = Sheet {
        name: REPORT.text(language).to_owned(),
        title: title.clone(),
        content: Content::Table(content),
    };
    Book {
        language,
        zone,
        usd_decimals,
        page_header: [title.subject.clone(), state.clone()],
        page_footer: String::new(),
        title: title.subject,
        state,
        sheets: vec![sheet, manifest_sheet(manifest, language)],
    }
}

impl Book<'_> {
    /// Checks that each table fits into its sheet, before a file is created.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the number of rows.
    pub(crate) fn require_fit(&self) -> Result<()> {
        for Sheet { title, content, .. } in &self.sheets {
            let Content::Table(table) = content else { continue };
            let lines = title.lines.len() as u64;
            // Title, headings, totals, and notes after an empty row.
            let beside = lines + 3 + u64::from(table.totals.is_some()) + table.notes.len() as u64 * 3;
            let rows = table.rows.count();
            if rows + beside > MAX_ROWS {
                return Err(Error::Usage {
                    what: format!(
                        "{rows} rows do not fit into a spreadsheet, which has at most 1,048,576 rows"
                    ),
                    hint: Some(
                        "write several files, with --period or with --from and --until, or use --format csv"
                            .to_owned(),
                    ),
                });
            }
        }
        Ok(())
    }

    /// Writes the spreadsheet.
    ///
    /// # Errors
    /// [`Error::Usage`] when it exceeds a limit of spreadsheets, or without the feature `xlsx`. Those of the output,
    /// and of reading rows.
    pub(crate) fn write(self, out: &mut dyn Write) -> Result<(), WriteError> {
        self.require_fit()?;
        let cut = self.render(out)?;
        if cut > 0 {
            tracing::warn!(
                "{cut} {} longer than the 32,767 characters of a spreadsheet cell and cut; --format csv writes each \
                 text whole",
                if cut == 1 { "text is" } else { "texts are" }
            );
        }
        Ok(())
    }

    #[cfg(feature = "xlsx")]
    fn render(self, out: &mut dyn Write) -> Result<usize, WriteError> {
        render::write(self, out)
    }

    #[cfg(not(feature = "xlsx"))]
    fn render(self, _out: &mut dyn Write) -> Result<usize, WriteError> {
        Err(WriteError::Source(Error::Usage {
            what: "this runledger was built without the format xlsx".to_owned(),
            hint: Some(
                "build it with `cargo install --path . --features xlsx`, or use --format csv".to_owned(),
            ),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::csv::TotalsRow;
    use crate::export::manifest::Provenance;
    use crate::export::xlsx::cell_format::CellFormat;

    #[test]
    fn more_rows_than_a_sheet_holds_are_refused() {
        let form = SpreadsheetForm { language: Language::English, zone: Tz::UTC };
        let provenance = Provenance {
            question: "export runs".to_owned(),
            known_at: Some("2026-11-27T12:06:00.000000Z".to_owned()),
            ..Provenance::default()
        };
        let manifest = Manifest::new("xlsx", None, None, Vec::new(), TotalsRow::Last, provenance);
        let of = |count: u64| {
            let columns = vec![Column::new("run_id", CellFormat::Text, 38.0, Language::English)];
            let totals = vec![Cell::Text(None)];
            of_rows(columns, (count, Box::new(|_| Ok(()))), totals, &manifest, form, None)
        };
        // Three lines of title and an empty one, the headings and the totals.
        assert!(of(MAX_ROWS - 6).is_ok());
        let refused = of(MAX_ROWS - 5).err().expect("one row is too many");
        assert_eq!(refused.exit_code(), 2);
        assert!(refused.to_string().starts_with("1048571 rows do not fit"), "{refused}");
        assert!(refused.hint().is_some_and(|hint| hint.contains("--period")));
    }
}
