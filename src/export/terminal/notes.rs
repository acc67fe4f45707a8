//! The notes below a table.

use super::text::{display_width, wrap};
use super::{Role, Screen, value};
use crate::escape::escape_control;
use crate::report::Table;
use std::io::{self, Write};

/// Between short notes on one line.
const NOTE_GAP: &str = "   ";

/// The note on runs without a known cost. `None`: there are none.
pub(crate) fn unknown_costs(table: &Table) -> Option<String> {
    note_of_unknown(u64::try_from(table.unknown_costs()?).ok()?, "cost")
}

/// The note on runs without a known duration. `None`: there are none.
pub(super) fn unknown_durations(table: &Table) -> Option<String> {
    note_of_unknown(u64::try_from(table.unknown_durations()?).ok()?, "duration")
}

/// The note on runs of which something is not known. `None`: there are none.
pub(crate) fn note_of_unknown(runs: u64, what: &str) -> Option<String> {
    match runs {
        0 => None,
        1 => Some(format!("1 run: {what} not known")),
        runs => Some(format!("{} runs: {what} not known", value::number(&runs.to_string()))),
    }
}

/// Writes notes below a table, several on one line where they fit.
pub(crate) fn write_notes(
    notes: impl Iterator<Item = String>,
    screen: &Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    let width = screen.table_width();
    let mut line = String::new();
    let mut lines = Vec::new();
    for note in notes {
        let note = screen.text(&escape_control(&note)).into_owned();
        if line.is_empty() {
            line = note;
        } else if display_width(&line) + NOTE_GAP.len() + display_width(&note) <= width {
            line = format!("{line}{NOTE_GAP}{note}");
        } else {
            lines.push(std::mem::replace(&mut line, note));
        }
    }
    lines.extend(Some(line).filter(|line| !line.is_empty()));
    for line in lines {
        for part in wrap(line.split(' '), width).lines() {
            writeln!(out, "{}", Role::Dim.paint(&screen.cut(part, width), screen.color))?;
        }
    }
    Ok(())
}
