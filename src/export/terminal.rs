//! This is a table for people at a terminal: aligned, few decimals, a dash for what is not known.

use crate::escape::escape_control;
use crate::report::{Cell, Table};
use comfy_table::{CellAlignment, LineStyle, TableStyle, presets};
use std::io::{self, Write};

/// What people see where a machine gets a blank.
pub const UNKNOWN: &str = "–";

/// The greatest width of a line of a column's heading; a longer word stays whole.
const HEADING_WIDTH: usize = 9;

/// The greatest width of a line of a text: sentences take several lines, a longer word stays whole.
const TEXT_WIDTH: usize = 64;

/// Lines above, below the heading and below, none between rows.
const STYLE: TableStyle = presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none());

/// Writes the table with its totals, money with so many decimals, and says how many costs are not known. The same
/// table gives the same bytes on every terminal and off it.
pub fn write_table(table: &Table, usd_decimals: u32, out: &mut dyn Write) -> io::Result<()> {
    let lines = lines(table, usd_decimals);
    // Totals have no long text: they stand on the last line but the border, which is drawn above them too.
    let totals_line = table.totals.as_ref().map(|_| lines.len() - 2);
    for (place, line) in lines.iter().enumerate() {
        if totals_line == Some(place) {
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

/// How many letters wide the table is drawn.
pub fn width(table: &Table, usd_decimals: u32) -> usize {
    // The border is as wide as the table, and of letters that are one wide.
    lines(table, usd_decimals).first().map_or(0, |border| border.chars().count())
}

fn lines(table: &Table, usd_decimals: u32) -> Vec<String> {
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
    let shown = |cell: &Cell| -> String {
        match cell.rounded(usd_decimals) {
            Some(text) => on_lines(escape_control(&text).split(' '), TEXT_WIDTH),
            None => UNKNOWN.to_owned(),
        }
    };
    drawn.set_header(cells(table.columns.iter().map(|column| heading(column)).collect()));
    for row in &table.rows {
        drawn.add_row(cells(row.iter().map(shown).collect()));
    }
    if let Some(totals) = &table.totals_row() {
        let text = |cell: &Cell| match cell {
            Cell::Text(None) => String::new(),
            cell => shown(cell),
        };
        drawn.add_row(cells(totals.iter().map(text).collect()));
    }
    drawn.lines().collect()
}

/// A column's name in words, on as many lines as keep it narrow.
fn heading(column: &str) -> String {
    on_lines(escape_control(column).split('_'), HEADING_WIDTH)
}

/// The words with spaces between them, and a line end where a line would be wider.
fn on_lines<'w>(words: impl Iterator<Item = &'w str>, greatest: usize) -> String {
    let (mut text, mut width) = (String::new(), 0);
    for (nth, word) in words.enumerate() {
        let letters = word.chars().count();
        if nth > 0 && width > 0 && width + 1 + letters > greatest {
            text.push('\n');
            width = 0;
        } else if nth > 0 {
            text.push(' ');
            width += 1;
        }
        text.push_str(word);
        width += letters;
    }
    text
}
