//! Tables for terminals: aligned, few decimals, a dash for an unknown value.

use super::manifest::Provenance;
use super::title::Title;
use crate::escape::escape_control;
use crate::report::table::USD_DECIMALS;
use crate::report::{Cell, MetadataPath, Table};
use comfy_table::{CellAlignment, LineStyle, TableStyle, presets};
use std::io::{self, Write};

/// The text of an unknown value for people; programs get an empty value.
pub const UNKNOWN: &str = "–";

/// The maximum line width of a column heading; a longer word is not broken.
const HEADING_WIDTH: usize = 9;

/// The maximum line width of a text; a longer word is not broken.
const TEXT_WIDTH: usize = 64;

/// The maximum line width of a note; a longer word is not broken.
const NOTE_WIDTH: usize = 80;

/// Horizontal lines around the table and below the heading, none between rows.
const STYLE: TableStyle = presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none());

/// Writes the table with its totals, amounts with `usd_decimals` decimals, and the number of
/// unknown costs. The output does not depend on the terminal.
pub fn write_table(table: &Table, usd_decimals: u32, out: &mut dyn Write) -> io::Result<()> {
    write_lines(table, &lines(table, usd_decimals, heading), out)
}

/// Writes the rows of a query. The names of its columns are those of the SQL, so that they can be copied into the next
/// query.
pub(crate) fn write_query_rows(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    let as_given = |column: &str| escape_control(column).into_owned();
    write_lines(table, &lines(table, USD_DECIMALS, as_given), out)
}

fn write_lines(table: &Table, lines: &[String], out: &mut dyn Write) -> io::Result<()> {
    // Totals have no long texts, so they are one line: the last before the border, which is
    // repeated above them.
    let totals_line = table.totals.as_ref().map(|_| lines.len() - 2);
    for (index, line) in lines.iter().enumerate() {
        if totals_line == Some(index) {
            writeln!(out, "{}", lines[lines.len() - 1])?;
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    if table.rows.is_empty() {
        writeln!(out, "(no rows)")?;
    }
    match table.unknown_costs() {
        None | Some(0) => Ok(()),
        Some(1) => writeln!(out, "1 run without a known cost"),
        Some(runs) => writeln!(out, "{runs} runs without a known cost"),
    }
}

/// Writes the table below the title of the answer, and its notes below the table. Without a provenance,
/// writes the table alone.
pub(crate) fn write_answer(
    table: &Table,
    provenance: Option<&Provenance>,
    usd_decimals: u32,
    out: &mut dyn Write,
) -> io::Result<()> {
    if let Some(title) = provenance.and_then(Title::of) {
        for line in title.lines() {
            writeln!(out, "{line}")?;
        }
        writeln!(out)?;
    }
    if let Some(summary) = provenance.and_then(|provenance| provenance.summary.as_ref()) {
        // A percentage stays on one line.
        let summary = escape_control(summary).replace(" %", "\u{a0}%");
        writeln!(out, "{}\n", wrap(summary.split(' '), NOTE_WIDTH).replace('\u{a0}', " "))?;
    }
    write_table(table, usd_decimals, out)?;
    for note in provenance.iter().flat_map(|provenance| &provenance.notes) {
        writeln!(out, "{}", wrap(escape_control(note).split(' '), NOTE_WIDTH))?;
    }
    Ok(())
}

/// The width of the table in characters.
pub fn width(table: &Table, usd_decimals: u32) -> usize {
    // The border is as wide as the table, and its characters are one column wide.
    lines(table, usd_decimals, heading).first().map_or(0, |border| border.chars().count())
}

fn lines(table: &Table, usd_decimals: u32, heading: impl Fn(&str) -> String) -> Vec<String> {
    let mut drawn = comfy_table::Table::new();
    drawn.load_style(STYLE);
    let numbers: Vec<bool> = (0..table.columns.len())
        .map(|column| table.rows.iter().chain(&table.totals).all(|row| row[column].is_number()))
        .collect();
    let alignment = |column: usize| if numbers[column] { CellAlignment::Right } else { CellAlignment::Left };
    let cells = |texts: Vec<String>| -> Vec<comfy_table::Cell> {
        let align =
            |(column, text): (usize, String)| comfy_table::Cell::new(text).set_alignment(alignment(column));
        texts.into_iter().enumerate().map(align).collect()
    };
    let cell_text = |cell: &Cell| -> String {
        match cell.rounded(usd_decimals) {
            Some(text) => wrap(escape_control(&text).split(' '), TEXT_WIDTH),
            None => UNKNOWN.to_owned(),
        }
    };
    drawn.set_header(cells(table.columns.iter().map(|column| heading(column)).collect()));
    for row in &table.rows {
        drawn.add_row(cells(row.iter().map(cell_text).collect()));
    }
    if let Some(totals) = &table.totals_row() {
        let text = |cell: &Cell| match cell {
            Cell::Text(None) => String::new(),
            cell => cell_text(cell),
        };
        drawn.add_row(cells(totals.iter().map(text).collect()));
    }
    drawn.lines().collect()
}

/// The column name as words, wrapped to keep the column narrow.
fn heading(column: &str) -> String {
    // A path keeps its underscores, so that it can be copied.
    if MetadataPath::is_path(column) && column.contains(['.', '[']) {
        return escape_control(column).replace('.', "\n.");
    }
    wrap(escape_control(column).split('_'), HEADING_WIDTH)
}

/// Joins the words, with a line break where a line would exceed `max_width` characters.
pub(crate) fn wrap<'w>(words: impl Iterator<Item = &'w str>, max_width: usize) -> String {
    let (mut text, mut width) = (String::new(), 0);
    for (index, word) in words.enumerate() {
        let length = word.chars().count();
        if index > 0 && width > 0 && width + 1 + length > max_width {
            text.push('\n');
            width = 0;
        } else if index > 0 {
            text.push(' ');
            width += 1;
        }
        text.push_str(word);
        width += length;
    }
    text
}
