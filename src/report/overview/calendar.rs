//! This is the numbering of days, weeks and months in a zone, by which an overview keeps its figures.

use crate::report::period::{Calendar, Period};
use crate::run::Instant;
use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// The places of one instant. Each number grows by one from a day, week or month to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Days since the first of January of the year 1, which is day 1.
    pub day: i32,
    /// Weeks, from Monday to Sunday.
    pub week: i32,
    /// Months: twelve times the year, and the month from 0.
    pub month: i32,
}

/// The week of a day.
pub fn week_of(day: i32) -> i32 {
    (day - 1).div_euclid(7)
}

/// The day that is a week's Monday.
pub fn monday(week: i32) -> i32 {
    week * 7 + 1
}

/// The month of a day. `None`: it is outside of the calendar.
pub fn month_of(day: i32) -> Option<i32> {
    let date = NaiveDate::from_num_days_from_ce_opt(day)?;
    Some(date.year() * 12 + date.month0() as i32)
}

/// `2026-01`.
pub fn month_label(month: i32) -> String {
    format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1)
}

/// `2026-W05`.
pub fn week_label(week: i32) -> String {
    labelled(monday(week), "%G-W%V")
}

/// `2026-01-31`.
pub fn day_label(day: i32) -> String {
    labelled(day, "%Y-%m-%d")
}

fn labelled(day: i32, form: &str) -> String {
    NaiveDate::from_num_days_from_ce_opt(day).map_or_else(String::new, |day| day.format(form).to_string())
}

/// The days met so far, so that each is worked out once.
pub struct Days {
    zone: Tz,
    met: Vec<(Period, Place)>,
    by_start: BTreeMap<Instant, usize>,
    current: usize,
}

impl Days {
    /// None met yet.
    pub fn new(zone: Tz) -> Days {
        Days { zone, met: Vec::new(), by_start: BTreeMap::new(), current: 0 }
    }

    /// The place of an instant as it is stored. `None`: it is none.
    pub fn place_of(&mut self, stored: &str) -> Option<Place> {
        // Runs mostly come in the order of time, so the next one shares the day of the last.
        if let Some((day, place)) = self.met.get(self.current)
            && day.contains(stored)
        {
            return Some(*place);
        }
        let instant = Instant::parse(stored)?;
        let before = self.by_start.range(..=instant).next_back().map(|(_, place)| *place);
        if let Some(known) = before.filter(|known| self.met[*known].0.contains(stored)) {
            self.current = known;
            return Some(self.met[known].1);
        }
        let day = Period::around(instant, Calendar::Day, self.zone);
        let date = NaiveDate::parse_from_str(&day.label, "%Y-%m-%d").ok()?;
        let number = date.num_days_from_ce();
        let place = Place { day: number, week: week_of(number), month: month_of(number)? };
        self.current = self.met.len();
        // A day without a start is the calendar's first; it is found again only as the current one.
        if let Some(start) = day.start {
            self.by_start.insert(start, self.current);
        }
        self.met.push((day, place));
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_placed_in_the_days_of_the_zone() {
        let mut days = Days::new(Tz::America__Sao_Paulo);
        for _ in 0..2 {
            for (instant, day, week, month) in [
                ("2026-02-01T02:59:59.999999Z", "2026-01-31", "2026-W05", "2026-01"),
                ("2026-02-01T03:00:00.000000Z", "2026-02-01", "2026-W05", "2026-02"),
                ("2026-02-02T03:00:00.000000Z", "2026-02-02", "2026-W06", "2026-02"),
                ("2027-01-01T12:00:00.000000Z", "2027-01-01", "2026-W53", "2027-01"),
            ] {
                let place = days.place_of(instant).unwrap();
                let labels = (day_label(place.day), week_label(place.week), month_label(place.month));
                assert_eq!(labels, (day.to_owned(), week.to_owned(), month.to_owned()));
                assert!((0..7).contains(&(place.day - monday(place.week))));
            }
        }
        assert_eq!(days.met.len(), 4);
        assert_eq!(days.place_of("yesterday"), None);
    }
}
