//! A spreadsheet as data: its sheets, their columns and rows. [`Book::write`] gives it its form.

use super::cell_format::CellFormat;
use super::column::Column;
use super::title_block::TitleBlock;
use crate::export::destination::WriteError;
use crate::language::Language;
use crate::report::Cell;
use chrono_tz::Tz;

/// A spreadsheet. It has no time of creation and no random part: the same book gives the same bytes.
pub(crate) struct Book<'a> {
    /// The language of headings, values, dates and page numbers.
    pub language: Language,
    /// The zone of instants.
    pub zone: Tz,
    /// The decimals that amounts are rounded to. `None`: cells have the exact amount, and their format shows fewer.
    pub usd_decimals: Option<u32>,
    /// The title in the properties of the file.
    pub title: String,
    /// The state of the answer in the properties of the file: `Not closed, known until …`.
    pub state: String,
    /// The left and the right half of each page's header.
    pub page_header: [String; 2],
    /// The hash of the rows, in each page's footer. Empty: none.
    pub page_footer: String,
    /// The sheets in order. The first one is open.
    pub sheets: Vec<Sheet<'a>>,
}

/// A sheet.
pub(crate) struct Sheet<'a> {
    /// Its name: at most 31 characters, unique in the book whatever the case, without `[ ] : * ? / \`.
    pub name: String,
    /// What it shows.
    pub title: TitleBlock,
    /// What is below the title.
    pub content: Content<'a>,
}

/// What a sheet contains.
pub(crate) enum Content<'a> {
    /// A table, printed on A4 landscape with repeated headings.
    Table(TableContent<'a>),
    /// Labels with values, or text: one page of A4 portrait.
    Form(Form),
}

/// A table, and what is around it.
pub(crate) struct TableContent<'a> {
    /// The name of the Excel table, unique in the book: ASCII letters, digits and underscores.
    pub table_name: String,
    /// The columns, at least one.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Rows<'a>,
    /// The totals, one cell for each column. Columns without a total have an unknown value. `None`: nothing is added
    /// up.
    pub totals: Option<Vec<Cell>>,
    /// The sentence in place of rows if there are none.
    pub empty: String,
    /// Sentences below the table.
    pub notes: Vec<String>,
    /// The columns that stay in view, from the left.
    pub frozen_columns: u16,
    /// Whether a column chart of one column is next to the table.
    pub chart: Option<Chart>,
}

/// Rows of a table.
pub(crate) enum Rows<'a> {
    /// Rows in memory.
    Cells(Vec<Vec<Cell>>),
    /// Rows that are read while they are written.
    Stream {
        /// Their number, which is counted before the file is created.
        count: u64,
        /// Passes each row to its argument.
        each: RowSource<'a>,
    },
}

/// Receives one row of a table: a cell for each column.
pub(crate) type RowSink<'s> = dyn FnMut(&[Cell]) -> Result<(), WriteError> + 's;

/// Passes rows to a sink, in order.
pub(crate) type RowSource<'a> = Box<dyn FnOnce(&mut RowSink<'_>) -> Result<(), WriteError> + 'a>;

/// A column chart of a table's column, by the first column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chart {
    /// The index of the column.
    pub column: usize,
}

/// Lines of cells.
pub(crate) struct Form {
    /// The widths of the columns, in digits.
    pub widths: Vec<f64>,
    /// The lines, below the title.
    pub lines: Vec<Vec<FormCell>>,
}

/// A cell of a form.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FormCell {
    /// The value; unknown: an empty cell.
    pub value: Cell,
    /// The number format.
    pub format: CellFormat,
    /// How it looks.
    pub look: Look,
    /// A formula that gives the value, without its equals sign. `None`: the value is a constant.
    pub formula: Option<String>,
    /// A name for other workbooks. `None`: it has none.
    pub defined_name: Option<&'static str>,
}

/// How a cell of a form looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Look {
    /// As the default of the workbook.
    #[default]
    Plain,
    /// Bold.
    Strong,
    /// A text among numbers.
    Result,
    /// Grey: a remark.
    Remark,
    /// On pale yellow: it needs attention.
    Attention,
}

impl Sheet<'_> {
    /// The name of the sheet in a formula.
    pub(crate) fn reference(&self) -> String {
        format!("'{}'", self.name.replace('\'', "''"))
    }
}

impl Rows<'_> {
    /// The number of rows.
    pub(crate) fn count(&self) -> u64 {
        match self {
            Rows::Cells(rows) => rows.len() as u64,
            Rows::Stream { count, .. } => *count,
        }
    }
}

impl FormCell {
    /// A text.
    pub(crate) fn text(text: impl Into<String>) -> FormCell {
        FormCell::new(Cell::text(text), CellFormat::Text)
    }

    /// A value in a format.
    pub(crate) fn new(value: Cell, format: CellFormat) -> FormCell {
        FormCell { value, format, look: Look::Plain, formula: None, defined_name: None }
    }

    /// The cell with another look.
    pub(crate) fn looking(self, look: Look) -> FormCell {
        FormCell { look, ..self }
    }

    /// The cell with a name for other workbooks.
    pub(crate) fn named(self, name: &'static str) -> FormCell {
        FormCell { defined_name: Some(name), ..self }
    }

    /// The cell with a formula that gives its value.
    pub(crate) fn computed_by(self, formula: String) -> FormCell {
        FormCell { formula: Some(formula), ..self }
    }
}
