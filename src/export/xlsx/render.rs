//! The parts of a book that are not rows: styles, titles, headings, totals, notes, tables and print setup.

use super::book::{Book, Chart, Content, Form, FormCell, Look, Sheet, TableContent};
use super::cell_format::CellFormat;
use super::cell_xml::{ColumnStyles, RowWriter, Value, value};
use super::column::{Column, Total, letters, unique_headings};
use super::package::{self, SheetRows};
use super::styles::Styles;
use super::text::{fit, lines_in, wrap};
use super::totals::adds_up;
use crate::error::Error;
use crate::export::destination::WriteError;
use crate::language::{Language, phrases};
use crate::report::Cell;
use crate::report::table::USD_DECIMALS;
use chrono_tz::Tz;
use rust_xlsxwriter::{
    Chart as ColumnChart, ChartType, ConditionalFormatCell, ConditionalFormatCellRule, DocProperties,
    ExcelDateTime, Formula, Table, TableColumn, TableFunction, TableStyle, Workbook, Worksheet, XlsxError,
};
use std::io::Write;

/// The number of the paper size A4.
const A4: u8 = 9;

/// The margins of a page and of its header, in inches: 1.5 cm and 0.7 cm.
const MARGIN: f64 = 0.59;
const HEADER_MARGIN: f64 = 0.28;

/// The most width, in digits, that is readable on one A4 page.
const MAX_PAGE_WIDTH: f64 = 320.0;

/// The limits of a note's lines, in letters.
const MIN_NOTE_WIDTH: f64 = 60.0;
const MAX_NOTE_WIDTH: f64 = 150.0;

/// The height of a line, in points.
pub(super) const LINE_HEIGHT: f64 = 15.0;

/// The most points of a row.
pub(super) const MAX_ROW_HEIGHT: f64 = 409.0;

/// What a wrapped text leaves free at the sides of its cell, in digits.
pub(super) const WRAP_MARGIN: f64 = 4.0;

/// The width of a filter button and the wider letters of a heading, in digits.
const FILTER_BUTTON: f64 = 4.0;

/// The size of a chart: 16 × 7 cm, in pixels.
const CHART_SIZE: (u32, u32) = (605, 265);

/// Writes the book. Returns the number of texts that were cut.
///
/// # Errors
/// [`Error::Usage`] when the book exceeds a limit of spreadsheets. Those of the output, and of reading the rows.
pub(super) fn write(book: Book<'_>, out: &mut dyn Write) -> Result<usize, WriteError> {
    let (bytes, rows) = skeleton(book).map_err(|cause| {
        WriteError::Source(Error::Usage {
            what: format!("the table does not fit into a spreadsheet: {cause}"),
            hint: Some("use --format csv".to_owned()),
        })
    })?;
    package::write(bytes, rows, out)
}

/// The book without the rows of its tables, and these rows.
fn skeleton(book: Book<'_>) -> Result<(Vec<u8>, Vec<SheetRows<'_>>), XlsxError> {
    let mut workbook = Workbook::new();
    // The creation time is fixed, as it is mandatory: the first that the format allows.
    let created_at = ExcelDateTime::from_ymd(1980, 1, 1)?;
    let properties = DocProperties::new()
        .set_title(one_page_line(&book.title))
        .set_status(one_page_line(&book.state))
        .set_author("runledger")
        .set_creation_datetime(&created_at);
    workbook.set_properties(&properties);
    let styles = Styles::of(&book);
    // Rows refer to their styles by number, so these are registered before any other.
    styles.body().iter().for_each(|format| workbook.register_format(format));
    let page = Page {
        header: format!("&L{}&R{}", page_text(&book.page_header[0]), page_text(&book.page_header[1])),
        footer: footer(&book.page_footer, book.language),
    };
    let form = Context {
        language: book.language,
        zone: book.zone,
        usd_decimals: book.usd_decimals,
        styles: &styles,
    };
    let mut rows: Vec<SheetRows<'_>> = Vec::new();
    for (index, sheet) in book.sheets.into_iter().enumerate() {
        let reference = sheet.reference();
        let Sheet { name, title, content } = sheet;
        let header_row = title.header_row();
        let sheet = workbook.add_worksheet().set_name(&name)?;
        page.set_up(sheet)?;
        write_title(sheet, &title.subject, &title.lines, &styles)?;
        match content {
            Content::Form(lines) => {
                sheet.set_portrait().set_print_fit_to_pages(1, 1);
                for (cell_name, place) in form.write_form(sheet, header_row, &lines)? {
                    workbook.define_name(cell_name, &format!("={reference}!{place}"))?;
                }
            }
            Content::Table(table) => {
                sheet.set_landscape();
                form.write_table(sheet, &name, header_row, &table)?;
                if table.rows.count() > 0 {
                    rows.push(form.rows_of(index + 1, rows.len() + 1, header_row, table));
                }
            }
        }
    }
    Ok((workbook.save_to_buffer()?, rows))
}

/// The print setup of every sheet.
struct Page {
    header: String,
    footer: String,
}

impl Page {
    fn set_up(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        sheet
            .set_paper_size(A4)
            .set_margins(MARGIN, MARGIN, 2.0 * MARGIN, 2.0 * MARGIN, HEADER_MARGIN, HEADER_MARGIN)
            .set_print_center_horizontally(true)
            .set_header(&self.header)
            .set_footer(&self.footer);
        Ok(())
    }
}

/// What the cells of every sheet depend on.
struct Context<'s> {
    language: Language,
    zone: Tz,
    usd_decimals: Option<u32>,
    styles: &'s Styles,
}

impl Context<'_> {
    /// Writes headings, totals, notes and what is around a table; its rows are inserted later.
    fn write_table(
        &self,
        sheet: &mut Worksheet,
        name: &str,
        header_row: u32,
        table: &TableContent<'_>,
    ) -> Result<(), XlsxError> {
        let count = row_number(table.rows.count())?;
        let last = column_number(table.columns.len() - 1);
        let headings = unique_headings(&table.columns);
        let widths: Vec<f64> =
            table.columns.iter().zip(&headings).map(|(column, heading)| width(column, heading)).collect();
        for (index, (column, width)) in (0..).zip(table.columns.iter().zip(&widths)) {
            sheet.set_column_width(index, *width)?;
            if column.is_folded {
                sheet.group_columns_collapsed(index, index)?;
            }
        }
        let lines =
            headings.iter().zip(&widths).map(|(heading, width)| lines_in(heading, width - FILTER_BUTTON));
        sheet.set_row_height(header_row, LINE_HEIGHT * lines.max().unwrap_or(1) as f64)?;
        let totals = table.totals.as_ref().filter(|_| count > 0);
        let totals_row = header_row + 1 + count;
        if count == 0 {
            for (column, heading) in (0..).zip(&headings) {
                let format = self.styles.heading(table.columns[usize::from(column)].format);
                sheet.write_string_with_format(header_row, column, fit(heading), &format)?;
            }
            sheet.write_string_with_format(header_row + 1, 0, fit(&table.empty), &self.styles.remark())?;
        } else {
            let excel_table = self.excel_table(table, &headings, totals.is_some());
            // One row; the range of all rows is set when they are inserted.
            let table_end = header_row + 1 + u32::from(totals.is_some());
            sheet.add_table(header_row, 0, table_end, last, &excel_table)?;
            for column in 0..=last {
                sheet.clear_cell(header_row + 2, column);
            }
        }
        if let Some(totals) = totals {
            self.write_totals(sheet, totals_row, table, &headings, totals)?;
        }
        self.mark_unknown(sheet, header_row, count, &table.columns)?;
        let end = totals_row + u32::from(totals.is_some()) + u32::from(count == 0);
        write_notes(sheet, end + 1, table, self.styles)?;
        sheet.set_freeze_panes(header_row + 1, table.frozen_columns)?;
        sheet.set_repeat_rows(header_row, header_row)?;
        if widths.iter().sum::<f64>() <= MAX_PAGE_WIDTH {
            sheet.set_print_fit_to_pages(1, 0);
        } else {
            sheet.set_repeat_columns(0, 0)?;
        }
        match table.chart.filter(|_| count > 0) {
            Some(chart) => insert_chart(sheet, name, header_row, count, chart, last),
            None => Ok(()),
        }
    }

    fn excel_table(&self, table: &TableContent<'_>, headings: &[String], has_totals: bool) -> Table {
        let columns: Vec<TableColumn> = (table.columns.iter().zip(headings).enumerate())
            .map(|(index, (column, heading))| {
                let excel = TableColumn::new()
                    .set_header(heading)
                    .set_header_format(self.styles.heading(column.format));
                match self.total(table, index) {
                    TotalCell::Label if has_totals => excel.set_total_label(self.label()),
                    TotalCell::Sum(_) if has_totals => excel.set_total_function(TableFunction::Sum),
                    TotalCell::Constant(number) if has_totals => {
                        excel.set_total_function(TableFunction::Custom(Formula::new(number)))
                    }
                    _ => excel,
                }
            })
            .collect();
        Table::new()
            .set_name(&table.table_name)
            .set_style(TableStyle::Light1)
            .set_banded_rows(false)
            .set_columns(&columns)
            .set_total_row(has_totals)
    }

    /// Writes the totals: formulas of the shown rows, with the exact sums as values.
    fn write_totals(
        &self,
        sheet: &mut Worksheet,
        row: u32,
        table: &TableContent<'_>,
        headings: &[String],
        totals: &[Cell],
    ) -> Result<(), XlsxError> {
        for (index, _) in totals.iter().enumerate() {
            let column = column_number(index);
            let format = self.styles.total(table.columns[index].format);
            match self.total(table, index) {
                TotalCell::Label => sheet.write_string_with_format(row, column, self.label(), &format)?,
                TotalCell::Sum(number) => {
                    let heading = in_reference(&headings[index]);
                    let formula = Formula::new(format!("SUBTOTAL(109,{}[{heading}])", table.table_name));
                    sheet.write_formula_with_format(row, column, formula.set_result(number), &format)?
                }
                TotalCell::Constant(number) => {
                    let formula = Formula::new(&number).set_result(&number);
                    sheet.write_formula_with_format(row, column, formula, &format)?
                }
                TotalCell::None => sheet.write_blank(row, column, &format)?,
            };
        }
        Ok(())
    }

    fn label(&self) -> &'static str {
        phrases::TOTAL.text(self.language)
    }

    /// What the row of totals has in a column.
    fn total(&self, table: &TableContent<'_>, index: usize) -> TotalCell {
        let Some(cell) = table.totals.as_ref().map(|totals| &totals[index]) else { return TotalCell::None };
        if index == 0 && matches!(cell, Cell::Text(_)) {
            return TotalCell::Label;
        }
        let Column { total, format, .. } = &table.columns[index];
        let decimals = self.usd_decimals.unwrap_or(USD_DECIMALS);
        match (total, value(cell, *format, self.zone, decimals)) {
            (Total::Sum, Some(Value::Number(number))) => match adds_up(&table.rows, index, cell, decimals) {
                true => TotalCell::Sum(number),
                // The rows are only some of what the total counts, or rounded.
                false => TotalCell::Constant(number),
            },
            _ => TotalCell::None,
        }
    }

    /// Marks counts of unknown values above zero.
    fn mark_unknown(
        &self,
        sheet: &mut Worksheet,
        header_row: u32,
        count: u32,
        columns: &[Column],
    ) -> Result<(), XlsxError> {
        for (index, column) in columns.iter().enumerate() {
            if count > 0 && column.field.ends_with("_unknown") && column.format == CellFormat::Count {
                let index = column_number(index);
                let attention = ConditionalFormatCell::new()
                    .set_rule(ConditionalFormatCellRule::GreaterThan(0))
                    .set_format(self.styles.attention());
                sheet.add_conditional_format(header_row + 1, index, header_row + count, index, &attention)?;
            }
        }
        Ok(())
    }

    /// The rows of a table, for insertion into the sheet of that number.
    fn rows_of<'a>(
        &self,
        sheet: usize,
        table_number: usize,
        header_row: u32,
        table: TableContent<'a>,
    ) -> SheetRows<'a> {
        let styles = |column: &Column| match column.format {
            CellFormat::Month => ColumnStyles {
                usual: self.styles.number_of(CellFormat::Month),
                closed: self.styles.number_of(CellFormat::ClosedMonth),
                running: self.styles.number_of(CellFormat::RunningMonth),
            },
            format => {
                let number = self.styles.number_of(format);
                ColumnStyles { usual: number, closed: number, running: number }
            }
        };
        let columns: Vec<(&Column, ColumnStyles)> =
            table.columns.iter().map(|column| (column, styles(column))).collect();
        let writer = RowWriter::new(&columns, self.language, self.zone, self.usd_decimals, header_row);
        let has_totals = table.totals.is_some();
        let notes = note_lines(&table);
        let below = if notes.is_empty() { 0 } else { 1 + notes.len() };
        let rows = table.rows.count() as u32;
        SheetRows {
            sheet,
            header_row,
            last_row: header_row + rows + u32::from(has_totals) + below as u32,
            columns: table.columns.len(),
            rows: table.rows,
            writer,
            table: table_number,
            has_totals,
        }
    }

    /// Writes the lines of a form. Returns the defined names with their cells.
    fn write_form(
        &self,
        sheet: &mut Worksheet,
        first_row: u32,
        form: &Form,
    ) -> Result<Vec<(&'static str, String)>, XlsxError> {
        for (column, width) in (0..).zip(&form.widths) {
            sheet.set_column_width(column, *width)?;
        }
        let mut names = Vec::new();
        for (row, line) in (first_row..).zip(&form.lines) {
            let lines = line.iter().zip(&form.widths).map(|(cell, width)| match &cell.value {
                Cell::Text(Some(text)) if cell.format == CellFormat::Wrapped => {
                    lines_in(text, width - WRAP_MARGIN)
                }
                _ => 1,
            });
            if let Some(lines @ 2..) = lines.max() {
                sheet.set_row_height(row, (LINE_HEIGHT * lines as f64).min(MAX_ROW_HEIGHT))?;
            }
            for (column, cell) in (0..).zip(line) {
                self.write_form_cell(sheet, row, column, cell)?;
                if let Some(name) = cell.defined_name {
                    names.push((name, format!("${}${}", letters(usize::from(column)), row + 1)));
                }
            }
        }
        Ok(names)
    }

    fn write_form_cell(
        &self,
        sheet: &mut Worksheet,
        row: u32,
        column: u16,
        cell: &FormCell,
    ) -> Result<(), XlsxError> {
        let format = self.styles.form(cell.format, cell.look);
        let decimals = self.usd_decimals.unwrap_or(USD_DECIMALS);
        let found = value(&cell.value, cell.format, self.zone, decimals);
        match (found, &cell.formula) {
            (None, _) => {
                if cell.look == Look::Attention {
                    sheet.write_blank(row, column, &format)?;
                }
            }
            (Some(Value::Number(text) | Value::Month(text, _) | Value::Text(text)), Some(formula)) => {
                let formula = Formula::new(formula).set_result(text);
                sheet.write_formula_with_format(row, column, formula, &format)?;
            }
            (Some(Value::Text(text)), None) => {
                sheet.write_string_with_format(row, column, fit(&text), &format)?;
            }
            (Some(Value::Number(number) | Value::Month(number, _)), None) => match number.parse::<f64>() {
                Ok(number) => {
                    sheet.write_number_with_format(row, column, number, &format)?;
                }
                Err(_) => {
                    sheet.write_string_with_format(row, column, number, &format)?;
                }
            },
        }
        Ok(())
    }
}

/// A cell in the row of totals. Numbers have all of their digits.
enum TotalCell {
    None,
    Label,
    /// The sum of the rows.
    Sum(String),
    /// A total that is not the sum of the rows.
    Constant(String),
}

fn write_title(
    sheet: &mut Worksheet,
    subject: &str,
    lines: &[String],
    styles: &Styles,
) -> Result<(), XlsxError> {
    if !subject.is_empty() {
        sheet.write_string_with_format(0, 0, fit(subject), &styles.title())?;
    }
    for (row, line) in (1..).zip(lines) {
        sheet.write_string_with_format(row, 0, fit(line), &styles.remark())?;
    }
    Ok(())
}

fn write_notes(
    sheet: &mut Worksheet,
    first_row: u32,
    table: &TableContent<'_>,
    styles: &Styles,
) -> Result<(), XlsxError> {
    for (row, line) in (first_row..).zip(note_lines(table)) {
        sheet.write_string_with_format(row, 0, fit(&line), &styles.remark())?;
    }
    Ok(())
}

/// The width of a column, which has room for each word of its heading.
fn width(column: &Column, heading: &str) -> f64 {
    let word = heading.split_whitespace().map(|word| word.chars().count()).max().unwrap_or_default();
    column.width.max(word as f64 + FILTER_BUTTON)
}

/// The notes in lines as wide as the table.
pub(super) fn note_lines(table: &TableContent<'_>) -> Vec<String> {
    let shown = table.columns.iter().filter(|column| !column.is_folded);
    let width = shown.map(|column| column.width).sum::<f64>().clamp(MIN_NOTE_WIDTH, MAX_NOTE_WIDTH);
    table.notes.iter().flat_map(|note| wrap(note, width as usize)).collect()
}

fn insert_chart(
    sheet: &mut Worksheet,
    name: &str,
    header_row: u32,
    count: u32,
    chart: Chart,
    last_column: u16,
) -> Result<(), XlsxError> {
    let column = column_number(chart.column);
    let (first, last) = (header_row + 1, header_row + count);
    let mut picture = ColumnChart::new(ChartType::Column);
    picture
        .add_series()
        .set_categories((name, first, 0, last, 0))
        .set_values((name, first, column, last, column))
        .set_name((name, header_row, column));
    picture.legend().set_hidden();
    picture.set_width(CHART_SIZE.0).set_height(CHART_SIZE.1);
    sheet.insert_chart(first, last_column + 2, &picture)?;
    Ok(())
}

/// A heading in a structured reference.
fn in_reference(heading: &str) -> String {
    heading.replace('\'', "''").replace('#', "'#").replace(']', "']").replace('[', "'[")
}

/// A text in the header or footer of a page, in which `&` begins a code. Excel permits 255 characters in all.
fn page_text(text: &str) -> String {
    one_page_line(text).replace('&', "&&")
}

fn one_page_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(100).collect()
}

fn footer(hash: &str, language: Language) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let hash = if hash.is_empty() { String::new() } else { format!(" · {}", page_text(hash)) };
    format!("&Lrunledger {version}{hash}&R{}", phrases::PAGE_OF.text(language))
}

fn row_number(count: u64) -> Result<u32, XlsxError> {
    u32::try_from(count).map_err(|_| XlsxError::RowColumnLimitError)
}

fn column_number(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}
