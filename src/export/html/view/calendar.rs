//! The calendar of runs per day, as a chart and as a table.

use super::{DataTable, ViewBuilder};
use crate::export::html::chart::{CALENDAR_WEEKS, DayCalendar};
use crate::export::html::number::Number;
use crate::report::overview::calendar::{monday, week_of};

impl ViewBuilder<'_> {
    pub(super) fn calendar(&self) -> Option<DayCalendar> {
        if self.range.days.0 > self.range.days.1 {
            return None;
        }
        Some(DayCalendar::new(
            self.text("Runs by day, one column per week"),
            &self.overview.all.days,
            &self.range,
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

/// The legend: the CSS class of each shade, and its runs per day.
pub(super) fn shades(calendar: &DayCalendar) -> Vec<(&'static str, String)> {
    let classes = ["d1", "d2", "d3", "d4"];
    let skipped = classes.len() - calendar.shades.len();
    let label =
        |(from, to): &(u64, u64)| if from == to { from.to_string() } else { format!("{from}–{to}") };
    let mut shades = vec![("d0", "0".to_owned())];
    // With few runs per day, the lightest shades are not used.
    shades.extend(classes[skipped..].iter().copied().zip(calendar.shades.iter().map(label)));
    shades
}
