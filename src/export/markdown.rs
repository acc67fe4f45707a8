//! Markdown tables for people: few decimals, a dash for an unknown value.

use super::manifest::Provenance;
use super::terminal::UNKNOWN;
use super::title::Title;
use crate::escape::escape_control;
use crate::report::{Cell, MetadataPath, Table};
use std::io::{self, Write};

/// Writes the table in GitHub's Markdown, amounts with `usd_decimals` decimals, without the totals.
pub fn write_table(table: &Table, usd_decimals: u32, out: &mut dyn Write) -> io::Result<()> {
    let heading = |column: &String| match MetadataPath::is_path(column) && column.contains(['.', '[']) {
        // A path keeps its underscores, so that it can be copied.
        true => escape_markup(column),
        false => escape_markup(&column.replace('_', " ")),
    };
    let headings = table.columns.iter().map(heading);
    writeln!(out, "| {} |", headings.collect::<Vec<_>>().join(" | "))?;
    let rules = (0..table.columns.len()).map(|column| {
        if table.rows.iter().all(|row| row[column].is_number() || row[column] == Cell::Blank) {
            "---:"
        } else {
            "---"
        }
    });
    writeln!(out, "| {} |", rules.collect::<Vec<_>>().join(" | "))?;
    for row in &table.rows {
        writeln!(
            out,
            "| {} |",
            row.iter().map(|cell| cell_text(cell, usd_decimals)).collect::<Vec<_>>().join(" | ")
        )?;
    }
    Ok(())
}

/// Writes the table below the title of the answer, and its notes below the table. Without a provenance,
/// writes the table alone.
pub(crate) fn write_answer(
    table: &Table,
    provenance: Option<&Provenance>,
    usd_decimals: u32,
    out: &mut dyn Write,
) -> io::Result<()> {
    if let Some(Title { subject, context }) = provenance.and_then(Title::of) {
        writeln!(out, "**{}** · {}\n", escape_markup(&subject), escape_markup(&context))?;
    }
    if let Some(summary) = provenance.and_then(|provenance| provenance.summary.as_ref()) {
        writeln!(out, "{}\n", escape_markup(summary))?;
    }
    write_table(table, usd_decimals, out)?;
    let notes = provenance.map_or(&[][..], |provenance| &provenance.notes);
    if !notes.is_empty() {
        writeln!(out)?;
    }
    notes.iter().try_for_each(|note| writeln!(out, "- {}", escape_markup(note)))
}

fn cell_text(cell: &Cell, usd_decimals: u32) -> String {
    match cell {
        Cell::Text(Some(text)) => escape_markup(text),
        _ => cell.rounded(usd_decimals).unwrap_or_else(|| UNKNOWN.to_owned()),
    }
}

/// Puts a backslash before every character that Markdown or HTML interprets.
fn escape_markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in escape_control(text).chars() {
        if matches!(character, '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '~' | '#') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
