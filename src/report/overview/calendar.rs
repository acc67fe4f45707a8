//! Day, week and month numbers in a time zone: the keys of the figures in an overview.

use crate::report::period::{Calendar, Period};
use crate::run::Instant;
use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// The numbers of one instant's day, week and month. Consecutive days, weeks and months have consecutive numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DateNumbers {
    /// Days since the first of January of the year 1, which is day 1.
    pub day: i32,
    /// ISO weeks, from Monday to Sunday.
    pub week: i32,
    /// Twelve times the year, plus the month counted from 0.
    pub month: i32,
}

/// The week that contains a day.
pub(crate) fn week_of(day: i32) -> i32 {
    (day - 1).div_euclid(7)
}

/// The Monday of a week.
pub(crate) fn monday(week: i32) -> i32 {
    week * 7 + 1
}

/// The month that contains a day. `None`: the day is outside the calendar.
pub(crate) fn month_of(day: i32) -> Option<i32> {
    let date = NaiveDate::from_num_days_from_ce_opt(day)?;
    Some(date.year() * 12 + date.month0() as i32)
}

/// `2026-01`.
pub fn month_label(month: i32) -> String {
    format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1)
}

/// `2026-W05`.
pub fn week_label(week: i32) -> String {
    format_day(monday(week), "%G-W%V")
}

/// `2026-01-31`.
pub(crate) fn day_label(day: i32) -> String {
    format_day(day, "%Y-%m-%d")
}

fn format_day(day: i32, format: &str) -> String {
    NaiveDate::from_num_days_from_ce_opt(day).map_or_else(String::new, |day| day.format(format).to_string())
}

/// Looks up the date numbers of instants in one zone. Each day is computed once.
pub(crate) struct DateIndex {
    zone: Tz,
    days: Vec<(Period, DateNumbers)>,
    by_start: BTreeMap<Instant, usize>,
    current: usize,
}

impl DateIndex {
    /// An empty index.
    pub(crate) fn new(zone: Tz) -> DateIndex {
        DateIndex { zone, days: Vec::new(), by_start: BTreeMap::new(), current: 0 }
    }

    /// The date numbers of a stored instant. `None`: the text is not an instant.
    pub(crate) fn numbers_of(&mut self, stored: &str) -> Option<DateNumbers> {
        // Runs are mostly read in order of time, so consecutive runs share a day.
        if let Some((day, numbers)) = self.days.get(self.current)
            && day.contains(stored)
        {
            return Some(*numbers);
        }
        let instant = Instant::parse(stored)?;
        let before = self.by_start.range(..=instant).next_back().map(|(_, index)| *index);
        if let Some(known) = before.filter(|known| self.days[*known].0.contains(stored)) {
            self.current = known;
            return Some(self.days[known].1);
        }
        let day = Period::around(instant, Calendar::Day, self.zone);
        let date = NaiveDate::parse_from_str(&day.label, "%Y-%m-%d").ok()?;
        let number = date.num_days_from_ce();
        let numbers = DateNumbers { day: number, week: week_of(number), month: month_of(number)? };
        self.current = self.days.len();
        // The first day of the calendar has no start. It is found again only while it is the current day.
        if let Some(start) = day.start {
            self.by_start.insert(start, self.current);
        }
        self.days.push((day, numbers));
        Some(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_gets_the_day_of_its_zone() {
        let mut dates = DateIndex::new(Tz::America__Sao_Paulo);
        for _ in 0..2 {
            for (instant, day, week, month) in [
                ("2026-02-01T02:59:59.999999Z", "2026-01-31", "2026-W05", "2026-01"),
                ("2026-02-01T03:00:00.000000Z", "2026-02-01", "2026-W05", "2026-02"),
                ("2026-02-02T03:00:00.000000Z", "2026-02-02", "2026-W06", "2026-02"),
                ("2027-01-01T12:00:00.000000Z", "2027-01-01", "2026-W53", "2027-01"),
            ] {
                let numbers = dates.numbers_of(instant).unwrap();
                let labels = (day_label(numbers.day), week_label(numbers.week), month_label(numbers.month));
                assert_eq!(labels, (day.to_owned(), week.to_owned(), month.to_owned()));
                assert!((0..7).contains(&(numbers.day - monday(numbers.week))));
            }
        }
        assert_eq!(dates.days.len(), 4);
        assert_eq!(dates.numbers_of("yesterday"), None);
    }
}
