//! The calendar of runs per day, as a chart and as a table.

use super::{DataTable, ViewBuilder};
use crate::export::html::chart::{CALENDAR_WEEKS, DayCalendar};
use crate::export::html::number::Number;
use crate::report::overview::calendar::{monday, week_of};
use crate::report::overview::{DayRuns, Series};

impl ViewBuilder<'_> {
    /// The calendar of some days. `None`: the page has no days.
    pub(super) fn calendar(&self, days: &Series<DayRuns>) -> Option<DayCalendar> {
        let title = self.text("Runs by day, one column per week");
        (self.range.days.0 <= self.range.days.1).then(|| DayCalendar::new(title, days, &self.range))
    }

    /// The first of the days with the most runs. `None`: no day of the calendar has runs.
    pub(super) fn busiest_day(&self, days: &Series<DayRuns>) -> Option<String> {
        let days = days.iter().filter(|(day, _)| self.range.has_day(*day));
        let (day, runs) = days.rev().max_by_key(|(_, runs)| runs.cost.runs)?;
        Some(self.filled(
            "Busiest day: {day}, {runs} runs",
            &[("day", &self.range.day(*day)), ("runs", &self.numbers.whole(runs.cost.runs))],
        ))
    }

    pub(super) fn calendar_table(&self) -> DataTable {
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
    pub(super) fn days_note(&self) -> Option<String> {
        let (first, last) = self.range.days;
        let label = if first > last { String::new() } else { self.range.day(last) };
        self.later_note(self.runs_after(last), &label)
    }
}
