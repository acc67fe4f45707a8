//! The section of the calendar: runs per day.

use super::{DataTable, ViewBuilder};
use crate::export::html::chart::{CALENDAR_WEEKS, DayCalendar, Tooltips};
use crate::export::html::number::Number;
use crate::report::overview::calendar::{monday, week_of};
use crate::report::overview::{DayRuns, Series};
use askama::Template;

/// The section of the calendar.
#[derive(Debug, Template)]
#[template(path = "days.html")]
pub(super) struct CalendarSection {
    heading: &'static str,
    /// The busiest day.
    summary: Option<String>,
    per_day: &'static str,
    failing: &'static str,
    /// `None`: the chart has no days.
    calendar: Option<DayCalendar>,
    /// `None`: the section is about a selection.
    table: Option<DataTable>,
    empty: &'static str,
    note: Option<String>,
}

impl CalendarSection {
    fn shades(&self) -> Vec<(&'static str, String)> {
        self.calendar.as_ref().map(shades).unwrap_or_default()
    }
}

impl ViewBuilder<'_> {
    /// The calendar of all runs.
    pub(super) fn calendar(&self) -> CalendarSection {
        CalendarSection {
            table: Some(self.calendar_table()),
            note: self.days_note(),
            ..self.calendar_chart(&self.overview.all.days, Tooltips::Shown)
        }
    }

    /// The calendar of a selection.
    pub(super) fn calendar_of(&self, days: &Series<DayRuns>) -> CalendarSection {
        self.calendar_chart(days, Tooltips::Omitted)
    }

    fn calendar_chart(&self, days: &Series<DayRuns>, tooltips: Tooltips) -> CalendarSection {
        let words = |english| self.language().page(english);
        let title = words("Runs by day, one column per week");
        let (first, last) = self.range.days;
        CalendarSection {
            heading: words("Calendar"),
            summary: self.busiest_day(days),
            per_day: words("Runs per day: "),
            failing: words("at least one in five failed"),
            calendar: (first <= last).then(|| DayCalendar::new(title, days, &self.range, tooltips)),
            table: None,
            empty: words("No runs on the days shown."),
            note: None,
        }
    }

    /// The first of the days with the most runs.
    fn busiest_day(&self, days: &Series<DayRuns>) -> Option<String> {
        let days = days.iter().filter(|(day, _)| self.range.has_day(*day));
        let (day, runs) = days.rev().max_by_key(|(_, runs)| runs.cost.runs)?;
        Some(self.filled(
            "Busiest day: {day}, {runs} runs",
            &[("day", &self.range.day(*day)), ("runs", &self.numbers.whole(runs.cost.runs))],
        ))
    }

    fn calendar_table(&self) -> DataTable {
        let (first, last) = self.range.days;
        let first_week = week_of(first).max(week_of(last) - CALENDAR_WEEKS + 1);
        let weeks = if first > last { 0..0 } else { first_week..week_of(last) + 1 };
        let rows = weeks.map(|week| {
            let days = (monday(week)..monday(week) + 7).map(|day| {
                if day < first || day > last {
                    return Number::blank();
                }
                self.numbers.count(self.overview.all.days.get(day).map_or(0, |day| day.cost.runs))
            });
            (self.range.day(monday(week)), days.collect())
        });
        DataTable {
            id: "calendar",
            summary: self.language().page("Days as a table"),
            caption: self.text("Runs by day"),
            headings: ["Week of", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
                .map(|heading| self.language().page(heading))
                .to_vec(),
            rows: rows.collect(),
        }
    }

    /// The note about days that are not in the calendar.
    fn days_note(&self) -> Option<String> {
        let (first, last) = self.range.days;
        let label = if first > last { String::new() } else { self.range.day(last) };
        self.later_note(self.runs_after(last), &label)
    }
}

/// The legend: the CSS class of each shade, and its runs per day.
fn shades(calendar: &DayCalendar) -> Vec<(&'static str, String)> {
    let label = |from: u64, to: u64| if from == to { from.to_string() } else { format!("{from}–{to}") };
    let mut shades = vec![("d0", "0".to_owned())];
    shades.extend(calendar.shades.iter().map(|(class, from, to)| (*class, label(*from, *to))));
    shades
}
