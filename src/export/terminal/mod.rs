//! Tables for terminals: the columns that fit, few decimals, a dash for an unknown value.

mod layout;
mod notes;
mod query;
mod style;
mod text;
mod value;
mod view;

pub(crate) use notes::{note_of_unknown, unknown_costs, write_notes};
use notes::{unknown_durations, write_first_notes};
pub(crate) use query::write_query_rows;
pub(crate) use style::Role;
pub(crate) use text::{cut, display_width, in_ascii, isolated, one_line, wrap};
pub(crate) use value::{DECIMALS, duration, local_minute};

use super::manifest::Provenance;
use super::sparkline;
use super::title::Title;
use crate::escape::escape_control;
use crate::report::month_states::is_legend;
use crate::report::two_levels::value_of_column;
use crate::report::{Cell, Table};
use crate::run::Instant;
use chrono_tz::Tz;
use layout::{Column, Fit};
use std::borrow::Cow;
use std::io::{self, Write};
use value::{Context, Form};

/// The text of an unknown value for people; programs get an empty value.
pub const UNKNOWN: &str = "–";

/// The widest table, unless everything is shown: longer lines are hard to follow.
const MAX_WIDTH: usize = 120;

/// The width of bars.
const BAR: usize = 8;

/// The same of bars that are full at 100 %.
const BAR_OF_USED: (usize, usize) = (6, 8);

/// Where a table is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// The columns of the terminal.
    pub width: usize,
    /// Whether everything is shown: each column, whole names and ids, instants in UTC. Lines can be longer than the
    /// terminal.
    pub wide: bool,
    /// Whether colors are used.
    pub color: bool,
    /// Whether it is a terminal, and no file or pipe.
    pub is_terminal: bool,
    /// Whether it shows more than ASCII. Otherwise marks, dashes and rules are ASCII, and there are no bars.
    pub unicode: bool,
    /// The zone of instants. `None`: they stay in UTC, as they are stored.
    pub zone: Option<Tz>,
}

impl Screen {
    /// A file or a pipe: 80 columns, without colors.
    pub const FILE: Screen =
        Screen { width: 80, wide: false, color: false, is_terminal: false, unicode: true, zone: None };

    /// The same screen with another width. `None`: with its own.
    pub(crate) fn with_width(self, width: Option<u16>) -> Screen {
        Screen { width: width.map_or(self.width, usize::from), ..self }
    }

    /// Whether tables have columns beyond the standard ones.
    pub(crate) fn has_more_columns(&self) -> bool {
        self.wide || self.width >= layout::MORE_FROM
    }

    /// The columns that a table, a title or a note can use.
    pub(crate) fn table_width(&self) -> usize {
        self.width.min(MAX_WIDTH)
    }

    /// The text in the characters of the screen.
    pub(crate) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.unicode { Cow::Borrowed(text) } else { in_ascii(text) }
    }

    /// The text if it is at most `width` columns wide, else its beginning and an ellipsis. The label of the rest loses
    /// its hint instead.
    pub(crate) fn cut<'t>(&self, text: &'t str, width: usize) -> Cow<'t, str> {
        let label = text.strip_suffix(value::ALL_ROWS).filter(|label| label.len() <= width);
        if let (Some(label), true) = (label, text.len() > width) {
            return Cow::Borrowed(label);
        }
        if self.unicode { text::cut(text, width) } else { text::cut_in_ascii(text, width) }
    }
}

/// Writes the table with its totals below the title of the answer, and its notes with the number of unknown costs below
/// the table: at most three lines. If everything is shown, all of them are there, also those that only define a word or
/// a default. Without a provenance, writes the table alone. Amounts have `usd_decimals` decimals; with `None`, as many
/// as their size needs.
pub fn write_answer(
    table: &Table,
    provenance: Option<&Provenance>,
    usd_decimals: Option<u32>,
    screen: &Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    if let Some(title) = provenance.and_then(Title::of) {
        for line in title.lines(screen) {
            writeln!(out, "{line}")?;
        }
        writeln!(out)?;
    }
    let width = screen.table_width();
    if let Some(summary) = provenance.and_then(|provenance| provenance.summary.as_ref()) {
        // A percentage stays on one line.
        let summary = screen.text(&escape_control(summary)).replace(" %", "\u{a0}%");
        writeln!(out, "{}\n", wrap(summary.split(' '), width).replace('\u{a0}', " "))?;
    }
    let question = provenance.map_or("", |provenance| provenance.question.as_str());
    let moment = provenance.and_then(|provenance| provenance.as_of.as_ref().or(provenance.known_at.as_ref()));
    let moment = moment.and_then(|moment| Instant::parse(moment));
    let columns = columns_of(table, question, moment, usd_decimals, screen);
    match table.rows.is_empty() {
        true => writeln!(out, "{}", view::empty(question))?,
        false => write_rows(&columns, screen, out)?,
    }
    let notes = provenance.into_iter().flat_map(|provenance| {
        let is_shown = |note: &&String| screen.wide || !provenance.definitions.contains(*note);
        provenance.notes.iter().filter(is_shown)
    });
    // What is not known comes right after the meaning of marks, so that it is always shown.
    let (marks, others): (Vec<&String>, Vec<&String>) = notes.partition(|note| is_legend(note));
    let unknown = [unknown_costs(table), unknown_durations(table)].into_iter().flatten();
    let notes = marks.into_iter().cloned().chain(unknown).chain(others.into_iter().cloned());
    write_first_notes(notes, screen, out)
}

/// Writes a table that answers no question about runs, and the notes below it. `name` decides the order of its columns.
/// Instants are shown with their year if it is not that of `moment`. Without rows, only the notes are written.
pub(crate) fn write_view(
    name: &str,
    table: &Table,
    notes: &[String],
    moment: Option<Instant>,
    screen: &Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    if !table.rows.is_empty() {
        write_rows(&columns_of(table, name, moment, None, screen), screen, out)?;
    }
    write_notes(notes.iter().cloned(), screen, out)
}

/// Whether the table is better than one with more rows: its columns fit, or neither is shown with columns. `question`
/// decides the order of its columns.
pub(crate) fn fits(table: &Table, question: &str, usd_decimals: Option<u32>, screen: &Screen) -> bool {
    let columns = columns_of(table, question, None, usd_decimals, screen);
    !screen.wide && (screen.width < layout::RECORD_BELOW || layout::fit(&columns, screen).is_some())
}

/// Writes the columns that fit, or a block per row if too few do.
fn write_rows(columns: &[Column], screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    match layout::fit(columns, screen) {
        Some(shown) => layout::write_grid(columns, &shown, screen, out),
        None => {
            let standard = columns.iter().filter(|column| column.priority <= view::LAST_OF_STANDARD);
            let mut standard: Vec<&Column> = standard.filter(|column| !column.heading.is_empty()).collect();
            // A block begins with what it is about.
            standard.sort_by_key(|column| column.label.unwrap_or(usize::MAX));
            layout::write_records(&standard, screen, out)
        }
    }
}

/// The columns of the table in the order of their display, with the texts of their cells. `question` decides the order;
/// instants have their year if it is not that of `moment`.
fn columns_of(
    table: &Table,
    question: &str,
    moment: Option<Instant>,
    usd_decimals: Option<u32>,
    screen: &Screen,
) -> Vec<Column> {
    let context = Context { zone: screen.zone, moment, wide: screen.wide };
    let are_compared = table.columns.iter().any(|name| view::is_compared(name));
    let names = table.columns.iter().enumerate();
    let decimals: Vec<u32> = names
        .map(|(index, name)| value::decimals_of(name, table.rows.iter().map(|row| &row[index])))
        .collect();
    // Amounts that are compared have the same decimals, and parts have those of their sum.
    let shared = decimals.iter().copied().max().filter(|_| are_compared);
    let of_sum = |name: &str| {
        let (figure, _) = value_of_column(name)?;
        table.columns.iter().position(|column| column == figure).map(|sum| decimals[sum])
    };
    let (bar_width, bar_priority) = match table.columns.iter().any(|column| column == sparkline::USED) {
        true => BAR_OF_USED,
        false => (BAR, view::bar_priority(question, &table.rows)),
    };
    let arranged = view::arrange(&table.columns, &table.rows, question);
    // Bars are beside the figure that a table is sorted or judged by.
    let is_judged = |index: usize| {
        let is_first = arranged.iter().any(|(column, priority)| (*column, *priority) == (index, 1));
        is_first || table.columns[index] == sparkline::USED
    };
    let bars = sparkline::bars(table, bar_width, is_judged).filter(|_| !screen.wide && screen.unicode);
    let is_of_one_run = table.columns.iter().any(|name| name == "run_id");
    let mut columns = Vec::new();
    for &(index, priority) in &arranged {
        let name = &table.columns[index];
        let cells: Vec<&Cell> = table.rows.iter().chain(&table.totals).map(|row| &row[index]).collect();
        let decimals = usd_decimals.or(shared).or_else(|| of_sum(name)).unwrap_or(decimals[index]);
        let form = view::form_of(name, &cells, decimals);
        let is_number = form.is_number(&cells);
        let total = table.totals.as_ref().map(|totals| match &totals[index] {
            Cell::Text(None) => String::new(),
            cell => screen.text(&value::text_of(cell, form, context)).into_owned(),
        });
        let values = table.rows.iter().map(|row| {
            let cell = &row[index];
            let mut text = value::text_of(cell, form, context);
            if text.is_empty() && name == "pipeline_name" && *cell != Cell::Blank {
                text = short_id(table, row);
            }
            let role = match () {
                () if view::is_group(row) => Role::Bold,
                () if view::is_rest(row) => Role::Dim,
                () => role_of(name, cell, &text),
            };
            (screen.text(&text).into_owned(), role)
        });
        let values: Vec<_> = values.collect();
        let fit = match form {
            Form::Sentence => Fit::Wrap,
            // A path is there to be copied.
            Form::Name if name == "path" => Fit::Cut(layout::MAX_NAME_WIDTH),
            Form::Name => Column::name(screen),
            Form::Plain if !is_number => Column::name(screen),
            _ => Fit::Whole,
        };
        let has_groups = table.rows.iter().any(|row| matches!(row[index], Cell::Group { .. }));
        let label = if index == 0 { Some(0) } else { has_groups.then_some(1) };
        let heading = match name.as_str() {
            "total_cost_usd" if is_of_one_run => "USD".to_owned(),
            name => screen.text(&view::heading(name)).into_owned(),
        };
        // A column without any value is left out, unless the report is about it.
        let is_empty = cells[..table.rows.len()].iter().all(|cell| cell.is_unknown());
        let priority = if is_empty && priority > layout::NEEDED { usize::MAX } else { priority };
        columns.push(Column { heading, priority, is_number, fit, values, total, label });
        if let Some((_, bars)) = bars.as_ref().filter(|(measured, _)| *measured == index) {
            columns.push(Column {
                heading: String::new(),
                priority: bar_priority,
                is_number: false,
                fit: Fit::Whole,
                values: bars.iter().map(|bar| (bar.clone(), Role::Dim)).collect(),
                total: table.totals.as_ref().map(|_| String::new()),
                label: None,
            });
        }
    }
    columns
}

/// The beginning of the pipeline's id, instead of an empty name.
fn short_id(table: &Table, row: &[Cell]) -> String {
    let id = table.columns.iter().position(|column| column == "pipeline_id");
    id.and_then(|id| row[id].exact())
        .map_or_else(String::new, |id| id.chars().take(value::SHORT_ID).collect())
}

/// The role of a value, for its color.
fn role_of(name: &str, cell: &Cell, text: &str) -> Role {
    match (name, text) {
        (_, UNKNOWN) => Role::Dim,
        ("status" | "waste" | "to_status", "failed") | ("result", "broken") => Role::Error,
        ("state", "overdue" | "missing" | "over" | "too long" | "broken") => Role::Error,
        ("state", "late" | "blocked" | "will be over") => Role::Warning,
        ("result" | "state", "ok") => Role::Dim,
        ("status" | "waste" | "to_status", "running" | "canceled" | "cancelling") => Role::Warning,
        _ if matches!(cell, Cell::Usd(_)) && text.starts_with('−') && !view::is_change(name) => Role::Error,
        _ => Role::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Seconds, Share, Usd};
    use proptest::prelude::*;

    fn cell(kind: u8, number: i64, text: &str) -> Cell {
        let known = number % 7 != 0;
        match kind {
            0 => Cell::Text(known.then(|| text.to_owned())),
            1 => Cell::Count(known.then_some(number)),
            2 => Cell::Usd(known.then(|| Usd::from_units(i128::from(number) * 1_000_003))),
            3 => Cell::Seconds(known.then(|| Seconds::from_units(number.into()))),
            _ => Cell::Share(known.then(|| Share::from_units(number.into()))),
        }
    }

    fn shown(table: &Table, question: &str, screen: &Screen) -> String {
        let provenance = Provenance {
            question: question.to_owned(),
            by: ["month", "pipeline", "el_cost_metadata.compute.instance_type_of_the_cluster"]
                .map(str::to_owned)
                .to_vec(),
            zone: "America/Argentina/ComodRivadavia".to_owned(),
            known_at: Some("2026-03-20T12:00:00.000000Z".to_owned()),
            notes: vec![
                "a note of several words".to_owned(),
                "a-word-that-is-wider-than-a-narrow-terminal-or-so".to_owned(),
            ],
            ..Provenance::default()
        };
        let mut out = Vec::new();
        write_answer(table, Some(&provenance), None, screen, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    const NAMES: [(&str, u8); 14] = [
        ("month", 0),
        ("pipeline_name", 0),
        ("status", 0),
        ("run_id", 0),
        ("total_cost_usd", 2),
        ("runs", 1),
        ("duration_seconds", 3),
        ("failure_rate", 4),
        ("change_usd", 2),
        ("why", 0),
        ("total_cost_usd=source", 2),
        ("total_cost_usd=Equipe de faturamento 👩‍🚀", 2),
        ("share_rate", 4),
        ("total_seconds", 3),
    ];

    /// Makes the row the sum of a group, a row of a group, or the rest.
    fn label(row: &mut [Cell], kind: u8) {
        let labels = row.iter_mut().take_while(|cell| matches!(cell, Cell::Text(_)));
        for (place, cell) in labels.enumerate() {
            match (kind, place) {
                (1, 1) => *cell = Cell::Group { rows: 12_345, noun: "cost center" },
                (2, 0) | (3, 1..) => *cell = Cell::Blank,
                (3, 0) => *cell = Cell::Rest(12_345),
                _ => {}
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_line_is_wider_than_the_screen(
            columns in proptest::sample::subsequence(NAMES.to_vec(), 1..14),
            rows in prop::collection::vec((0_i64..10_000_000_000, "\\PC{0,60}|[a-zé👩‍🚀فواتير\u{7}\n ]{0,90}"), 0..6),
            kinds: [u8; 6],
            unicode: bool,
            width in 40_usize..200,
            has_totals: bool,
        ) {
            let mut table = Table {
                columns: columns.iter().map(|(name, _)| (*name).to_owned()).collect(),
                rows: rows.iter().map(|(number, text)| columns.iter().map(|(_, kind)| cell(*kind, *number, text)).collect()).collect(),
                totals: has_totals.then(|| columns.iter().map(|(_, kind)| cell(*kind, 7, "")).collect()),
            };
            let plain = table.clone();
            for (row, kind) in table.rows.iter_mut().zip(kinds) {
                label(row, kind % 4);
            }
            for question in ["report cost", "report duration", "report audit", "report change", ""] {
                let screen = Screen { width, unicode, zone: Some(Tz::UTC), ..Screen::FILE };
                for line in shown(&table, question, &screen).lines() {
                    prop_assert!(display_width(line) <= width, "{width}: {line:?}");
                    prop_assert!(unicode || !line.contains(['…', '◆', '–', '─', '█']), "{line:?}");
                }
                // Everything is there with `--wide`.
                let wide = shown(&plain, question, &Screen { wide: true, unicode: true, ..screen });
                let names = rows.iter().map(|(_, text)| text::one_line(text));
                let has_text = columns.iter().any(|(_, kind)| *kind == 0);
                for ((number, _), name) in rows.iter().zip(names) {
                    prop_assert!(!has_text || number % 7 == 0 || wide.contains(name.trim_end()), "{wide}");
                }
            }
        }
    }

    #[test]
    fn the_rest_and_the_total_are_in_one_column_and_only_the_rest_is_dim() {
        let row = |label: Cell, kind: Cell, runs: u64| vec![label, kind, Cell::count(runs)];
        let table = Table {
            columns: ["pipeline_name", "pipeline_kind", "runs"].map(str::to_owned).to_vec(),
            rows: vec![
                row(Cell::text("5 more"), Cell::text("source"), 3),
                row(Cell::Rest(5), Cell::Blank, 2),
            ],
            totals: Some(row(Cell::Text(None), Cell::Text(None), 5)),
        };
        let screen = Screen { width: 120, color: true, ..Screen::FILE };
        let text = shown(&table, "report cost", &screen);
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.iter().position(|line| line.contains("Total")).unwrap();
        assert!(lines[last - 2].ends_with("  5 more"), "a name is no label: {text}");
        assert!(lines[last - 1].ends_with("\u{1b}[2m5 more (--all-rows)\u{1b}[0m"), "{text}");
        assert!(!lines[last - 1].contains(UNKNOWN), "the rest has no kind: {text}");
        assert!(lines[last].ends_with("\u{1b}[1mTotal\u{1b}[0m"), "{text}");
    }

    #[test]
    fn a_terminal_without_unicode_gets_ascii() {
        let table = Table {
            columns: ["month", "runs", "total_cost_usd"].map(str::to_owned).to_vec(),
            rows: vec![
                vec![
                    Cell::text("2026-02 ◆"),
                    Cell::count(3),
                    Cell::Usd(Some(Usd::from_units(-2_000_000_000))),
                ],
                vec![Cell::text("2026-03 …"), Cell::count(2), Cell::Usd(None)],
                vec![Cell::text("2026-04"), Cell::count(2), Cell::Usd(Some(Usd::from_units(1_000_000_000)))],
            ],
            totals: None,
        };
        let mut out = Vec::new();
        let screen = Screen { unicode: false, ..Screen::FILE };
        let notes = ["◆ closed   … running".to_owned()];
        write_view("report cost", &table, &notes, None, &screen, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "Month        Runs  Total USD\n\
             ----------------------------\n\
             2026-02 *       3      -2.00\n\
             2026-03 ...     2          -\n\
             2026-04         2       1.00\n\
             * closed   ... running\n"
        );
    }

    #[test]
    fn long_sums_of_durations_are_whole_hours_in_the_whole_column() {
        let shown_hours = |longest: i128| {
            let row = |month: &str, seconds: i128| {
                vec![Cell::text(month), Cell::Seconds(Some(Seconds::from_units(seconds * 1_000)))]
            };
            let table = Table {
                columns: ["month", "total_seconds"].map(str::to_owned).to_vec(),
                rows: vec![row("2026-01", longest), row("2026-02", 5_400)],
                totals: None,
            };
            let text = shown(&table, "report duration", &Screen::FILE);
            let values = text.lines().filter_map(|line| line.strip_prefix("2026-0"));
            values.map(|line| line[1..].trim().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(shown_hours(4_000_000), ["1,111 h", "2 h"]);
        assert_eq!(shown_hours(359_999), ["4 d", "1 h 30 min"]);
    }

    #[test]
    fn a_long_name_is_cut_in_time() {
        let long = "é".repeat(300_000);
        let table = Table {
            columns: vec!["pipeline_name".to_owned(), "runs".to_owned()],
            rows: vec![vec![Cell::text(long), Cell::count(1)]],
            totals: None,
        };
        assert!(shown(&table, "report cost", &Screen::FILE).lines().all(|line| display_width(line) <= 80));
        let wide = shown(&table, "report cost", &Screen { wide: true, ..Screen::FILE });
        assert!(wide.lines().any(|line| display_width(line) > 300_000));
    }
}
