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

/// The lines of 80 columns that notes below a table fill at most.
const MAX_LINES: usize = 3;

/// Writes notes below a view, several on one line where they fit.
pub(crate) fn write_notes(
    notes: impl Iterator<Item = String>,
    screen: &Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    let notes: Vec<String> = notes.map(|note| shown(&note, screen)).collect();
    write_lines(&lines(&notes, screen), screen, out)
}

/// Writes the first notes below a table, and how many there are besides. All of them if everything is shown.
pub(super) fn write_first_notes(
    notes: impl Iterator<Item = String>,
    screen: &Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    let notes: Vec<String> = notes.map(|note| shown(&note, screen)).collect();
    let most = match screen.wide {
        true => usize::MAX,
        false => (MAX_LINES * Screen::FILE.width).div_ceil(screen.table_width()).max(MAX_LINES),
    };
    let (mut first, mut drawn) = (notes.len(), lines(&notes, screen));
    // A note is shown whole or not at all.
    while drawn.len() > most && first > 1 {
        first -= 1;
        let others = match notes.len() - first {
            1 => "1 more note (--wide)".to_owned(),
            others => format!("{others} more notes (--wide)"),
        };
        drawn = lines(&[&notes[..first], &[others]].concat(), screen);
    }
    write_lines(&drawn, screen, out)
}

/// The note in the characters of the screen.
fn shown(note: &str, screen: &Screen) -> String {
    screen.text(&escape_control(note)).into_owned()
}

/// The notes in lines, several on one where they fit.
fn lines(notes: &[String], screen: &Screen) -> Vec<String> {
    let width = screen.table_width();
    let mut joined: Vec<String> = Vec::new();
    for note in notes {
        match joined.last_mut() {
            Some(line) if display_width(line) + NOTE_GAP.len() + display_width(note) <= width => {
                line.push_str(NOTE_GAP);
                line.push_str(note);
            }
            _ => joined.push(note.clone()),
        }
    }
    joined
        .iter()
        .flat_map(|line| wrap(line.split(' '), width).lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

fn write_lines(lines: &[String], screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let width = screen.table_width();
    lines
        .iter()
        .try_for_each(|line| writeln!(out, "{}", Role::Dim.paint(&screen.cut(line, width), screen.color)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below(notes: &[&str], screen: &Screen) -> Vec<String> {
        let mut out = Vec::new();
        write_first_notes(notes.iter().map(|note| (*note).to_owned()), screen, &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn notes_below_a_table_fill_three_lines_and_count_the_others() {
        let long = "a note of some words that is about as long as one line of a terminal can be";
        assert_eq!(below(&["one", "two", long], &Screen::FILE), ["one   two", long]);
        let notes = [long, "one", long, "two", long, long];
        assert_eq!(below(&notes, &Screen { wide: true, ..Screen::FILE }).len(), 6);
        assert_eq!(below(&notes, &Screen::FILE), [long, "one   4 more notes (--wide)"]);
    }
}
