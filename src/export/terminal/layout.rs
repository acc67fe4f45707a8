//! The layout of a table: the columns that fit, and their widths; or one block per row, where too few of them do.

use super::Screen;
use super::style::Role;
use super::text::{display_width, isolated, wrap};
use super::view::LAST_OF_STANDARD;
use std::borrow::Cow;
use std::io::{self, Write};

/// The label of the totals.
const TOTAL: &str = "Total";

/// One column of the rule below the headings.
const RULE: &str = "─";

/// On a narrower terminal, each row is a block.
pub(super) const RECORD_BELOW: usize = 50;

/// From this width on, columns beyond the standard ones are shown.
pub(super) const MORE_FROM: usize = 100;

/// The space between two columns.
const GAP: usize = 2;

/// The width that a name keeps on a terminal of 80 columns, and on a narrower one. Other columns are left out first.
const NAME_WIDTH: (usize, usize) = (23, 18);

/// The width that a sentence keeps.
const SENTENCE_WIDTH: usize = 40;

/// A name is not wider, unless everything is shown.
pub(super) const MAX_NAME_WIDTH: usize = 48;

/// Columns up to this priority are in every table; where they do not fit, each row is a block.
pub(super) const NEEDED: usize = 3;

/// Which part of a value is given up where it does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// None: the column is as wide as its widest value.
    Whole,
    /// The end, from this width on.
    Cut(usize),
    /// None, because it continues on the next line.
    Wrap,
}

/// A column to lay out.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// The heading.
    pub heading: String,
    /// 1 is the most important.
    pub priority: usize,
    /// Whether the values end at the right.
    pub is_number: bool,
    /// What happens to wide values.
    pub fit: Fit,
    /// The value of each row, with its role.
    pub values: Vec<(String, Role)>,
    /// The total. `None`: the table has none.
    pub total: Option<String>,
    /// The place among the columns that say what a row is about: 0 is the first. `None`: it has figures.
    pub label: Option<usize>,
}

impl Column {
    /// How a name is fitted on this screen.
    pub(super) fn name(screen: &Screen) -> Fit {
        Fit::Cut(if screen.width < 80 { NAME_WIDTH.1 } else { NAME_WIDTH.0 })
    }

    fn natural_width(&self) -> usize {
        let texts = self.values.iter().map(|(text, _)| text).chain(&self.total).chain([&self.heading]);
        texts.map(|text| display_width(text)).max().unwrap_or(0)
    }

    /// The width that the column keeps, if its widest value is `natural` wide.
    fn min_width(&self, natural: usize) -> usize {
        match self.fit {
            Fit::Whole => natural,
            Fit::Cut(least) => natural.min(least),
            Fit::Wrap => natural.min(SENTENCE_WIDTH),
        }
    }
}

/// The columns that are shown, in their order, with their widths. `None`: too few fit.
pub(super) fn fit(columns: &[Column], screen: &Screen) -> Option<Vec<(usize, usize)>> {
    let natural: Vec<usize> = columns.iter().map(Column::natural_width).collect();
    if screen.wide {
        return Some(natural.into_iter().enumerate().collect());
    }
    if screen.width < RECORD_BELOW {
        return None;
    }
    let width = screen.table_width();
    let mut by_priority: Vec<usize> = (0..columns.len()).collect();
    by_priority.sort_by_key(|index| columns[*index].priority);
    let (mut shown, mut used) = (Vec::new(), 0);
    for index in by_priority {
        let column = &columns[index];
        let least = column.min_width(natural[index]);
        let needed = least + if shown.is_empty() { 0 } else { GAP };
        if column.priority == usize::MAX || (column.priority > LAST_OF_STANDARD && screen.width < MORE_FROM) {
            break;
        }
        if used + needed > width {
            if column.priority <= NEEDED {
                return None;
            }
            break;
        }
        used += needed;
        shown.push((index, least));
    }
    shown.sort_unstable();
    for (index, column_width) in &mut shown {
        let most = match columns[*index].fit {
            Fit::Cut(_) => natural[*index].min(MAX_NAME_WIDTH),
            _ => natural[*index],
        };
        let more = most.saturating_sub(*column_width).min(width - used);
        *column_width += more;
        used += more;
    }
    Some(shown)
}

/// All columns with their widths: the widest texts get narrower until the table is as wide as the screen. `None`: they
/// do not fit.
pub(super) fn fit_all(columns: &[Column], screen: &Screen) -> Option<Vec<(usize, usize)>> {
    let mut widths: Vec<usize> = columns.iter().map(Column::natural_width).collect();
    if !screen.wide {
        let least: Vec<usize> =
            columns.iter().zip(&widths).map(|(column, natural)| column.min_width(*natural)).collect();
        if total_width(&least) > screen.width {
            return None;
        }
        for (width, least) in widths.iter_mut().zip(&least) {
            *width = (*width).min(screen.width).max(*least);
        }
        while total_width(&widths) > screen.width {
            let shrinkable = (0..widths.len()).filter(|index| widths[*index] > least[*index]);
            let widest = shrinkable.max_by_key(|index| widths[*index])?;
            widths[widest] -= 1;
        }
    }
    Some(widths.into_iter().enumerate().collect())
}

/// The width of a table with columns of these widths.
fn total_width(widths: &[usize]) -> usize {
    widths.iter().map(|width| width + GAP).sum::<usize>().saturating_sub(GAP)
}

/// Writes the heading, a rule, the rows and the totals of these columns.
pub(super) fn write_grid(
    columns: &[Column],
    shown: &[(usize, usize)],
    screen: &Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    let line = |texts: &mut dyn FnMut(&Column) -> (String, Role), out: &mut dyn Write| -> io::Result<()> {
        let cells: Vec<(Vec<String>, Role)> = shown
            .iter()
            .map(|(index, width)| {
                let column = &columns[*index];
                let (text, role) = texts(column);
                let lines = match column.fit {
                    // A percentage stays on one line.
                    Fit::Wrap => wrap(text.replace(" %", "\u{a0}%").split(' '), *width)
                        .replace('\u{a0}', " ")
                        .lines()
                        .map(|line| screen.cut(line, *width).into_owned())
                        .collect(),
                    _ => vec![screen.cut(&text, *width).into_owned()],
                };
                (lines, role)
            })
            .collect();
        let height = cells.iter().map(|(lines, _)| lines.len()).max().unwrap_or(0);
        for number in 0..height.max(1) {
            // The spaces before the next text; none at the end of a line.
            let mut spaces = 0;
            for ((index, width), (lines, role)) in shown.iter().zip(&cells) {
                let text = lines.get(number).map_or("", String::as_str);
                let room = width - display_width(text);
                let (before, after) = if columns[*index].is_number { (room, 0) } else { (0, room) };
                spaces += before;
                if !text.is_empty() {
                    // Not `{:spaces$}`, which panics from 65,536 spaces on.
                    write!(
                        out,
                        "{}{}",
                        " ".repeat(spaces),
                        role.paint(&shown_text(text, screen), screen.color)
                    )?;
                    spaces = 0;
                }
                spaces += after + GAP;
            }
            writeln!(out)?;
        }
        Ok(())
    };
    line(&mut |column| (column.heading.clone(), Role::Dim), out)?;
    let width = total_width(&shown.iter().map(|(_, width)| *width).collect::<Vec<_>>());
    writeln!(out, "{}", Role::Dim.paint(&screen.text(RULE).repeat(width), screen.color))?;
    let rows = columns.first().map_or(0, |column| column.values.len());
    for row in 0..rows {
        line(&mut |column| column.values[row].clone(), out)?;
    }
    if columns.iter().any(|column| column.total.is_some()) {
        let can_have_label = |column: &Column| {
            column.total.as_deref() == Some("") && !column.is_number && !column.heading.is_empty()
        };
        // The label is below those of the rows, else in the first text that is shown.
        let is_first = |column: &Column| column.label == Some(0) && can_have_label(column);
        let has_first = shown.iter().any(|(index, _)| is_first(&columns[*index]));
        let mut label = Some(TOTAL);
        let total = |column: &Column| {
            let text = column.total.clone().unwrap_or_default();
            let has_label = if has_first { is_first(column) } else { can_have_label(column) };
            let label = if has_label { label.take() } else { None };
            (label.map_or(text, str::to_owned), Role::Bold)
        };
        line(&mut { total }, out)?;
    }
    Ok(())
}

/// Writes each row as a block of lines, one for each column that has a value in it.
pub(super) fn write_records(columns: &[&Column], screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let label = |column: &Column| match screen.wide {
        true => column.heading.clone(),
        false => screen.cut(&column.heading, screen.width / 2).into_owned(),
    };
    let labels = columns.iter().map(|column| display_width(&label(column))).max().unwrap_or(0);
    let room = screen.width.saturating_sub(labels + GAP).max(1);
    let record =
        |values: &mut dyn FnMut(&Column) -> Option<(String, Role)>, out: &mut dyn Write| -> io::Result<()> {
            for column in columns {
                let Some((text, role)) = values(column) else { continue };
                let text = if column.fit == Fit::Wrap { wrap(text.split(' '), room) } else { text };
                for (number, line) in text.lines().enumerate() {
                    let heading = if number == 0 { label(column) } else { String::new() };
                    let padding = " ".repeat(labels - display_width(&heading) + GAP);
                    let line = if screen.wide { Cow::Borrowed(line) } else { screen.cut(line, room) };
                    let line = role.paint(&shown_text(&line, screen), screen.color);
                    writeln!(out, "{}{padding}{line}", Role::Dim.paint(&heading, screen.color))?;
                }
            }
            Ok(())
        };
    let rows = columns.first().map_or(0, |column| column.values.len());
    for row in 0..rows {
        if row > 0 {
            writeln!(out)?;
        }
        record(&mut |column| Some(column.values[row].clone()), out)?;
    }
    if columns.iter().any(|column| column.total.is_some()) {
        writeln!(out, "\n{}", Role::Bold.paint(TOTAL, screen.color))?;
        let total = |column: &Column| {
            column.total.clone().filter(|text| !text.is_empty()).map(|text| (text, Role::Bold))
        };
        record(&mut { total }, out)?;
    }
    Ok(())
}

/// The text as a terminal gets it. A file gets it as it is.
fn shown_text<'t>(text: &'t str, screen: &Screen) -> Cow<'t, str> {
    if screen.is_terminal { isolated(Cow::Borrowed(text)) } else { Cow::Borrowed(text) }
}
