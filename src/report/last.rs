//! The value of `--last`: the newest hours, days, weeks or months of an archive.

use super::period::start_of_day;
use crate::error::{Error, Result};
use crate::run::Instant;
use chrono::{Datelike, Days, Months, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use std::fmt;

/// The newest part of an archive, up to its last observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Last {
    count: u32,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Hours,
    Days,
    Weeks,
    Months,
}

impl Unit {
    const ALL: [(char, Unit, u32); 4] = [
        // The unit's letter, and how many of it are a hundred years.
        ('h', Unit::Hours, 876_000),
        ('d', Unit::Days, 36_500),
        ('w', Unit::Weeks, 5_200),
        ('m', Unit::Months, 1_200),
    ];

    fn letter(self) -> char {
        let found = Unit::ALL.into_iter().find(|(_, unit, _)| *unit == self);
        found.map_or('d', |(letter, _, _)| letter)
    }
}

impl Last {
    /// Reads `24h`, `30d`, `4w` or `6m`.
    ///
    /// # Errors
    /// [`Error::Usage`] when the text is something else, or longer than a hundred years.
    pub fn parse(text: &str) -> Result<Last> {
        let invalid = || Error::Usage {
            what: format!("--last {text}: not a number of hours, days, weeks or months"),
            hint: Some("it looks like 24h, 30d, 4w or 6m".to_owned()),
        };
        let last = text.chars().next_back().ok_or_else(invalid)?;
        let (letter, unit, most) =
            Unit::ALL.into_iter().find(|(letter, _, _)| *letter == last).ok_or_else(invalid)?;
        let number = text.strip_suffix(letter).unwrap_or_default();
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        let count: u32 = number.parse().ok().filter(|_| is_number).ok_or_else(invalid)?;
        if count == 0 || count > most {
            return Err(Error::Usage {
                what: format!("--last {text}: must be from 1{letter} to {most}{letter}"),
                hint: None,
            });
        }
        Ok(Last { count, unit })
    }

    /// Its first instant. Hours count back from `now`; days, weeks of seven days and months begin at midnight in
    /// `zone`, and the last of them is the one that `now` is in.
    pub(crate) fn begins_at(self, now: Instant, zone: Tz) -> Option<Instant> {
        let today = now.to_utc().with_timezone(&zone).date_naive();
        let days = |days: u32| today.checked_sub_days(Days::new(u64::from(days) - 1));
        let first: Option<NaiveDate> = match self.unit {
            Unit::Hours => return Some(now.plus(-TimeDelta::hours(self.count.into()))),
            Unit::Days => days(self.count),
            Unit::Weeks => days(self.count * 7),
            Unit::Months => {
                today.with_day(1).and_then(|first| first.checked_sub_months(Months::new(self.count - 1)))
            }
        };
        start_of_day(first?, zone)
    }

    /// Whether it can begin in the middle of a day.
    pub(crate) fn is_in_hours(self) -> bool {
        self.unit == Unit::Hours
    }
}

impl fmt::Display for Last {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.count, self.unit.letter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begins(text: &str, now: &str) -> String {
        let last = Last::parse(text).unwrap();
        assert_eq!(last.to_string(), text);
        last.begins_at(Instant::parse(now).unwrap(), Tz::America__Sao_Paulo).unwrap().to_string()
    }

    #[test]
    fn days_and_months_begin_at_midnight_and_include_today() {
        // 27 November 23:30 in São Paulo.
        let now = "2026-11-28T02:30:00Z";
        assert_eq!(begins("1d", now), "2026-11-27T03:00:00.000000Z");
        assert_eq!(begins("30d", now), "2026-10-29T03:00:00.000000Z");
        assert_eq!(begins("1w", now), "2026-11-21T03:00:00.000000Z");
        assert_eq!(begins("1m", now), "2026-11-01T03:00:00.000000Z");
        assert_eq!(begins("6m", "2026-03-31T12:00:00Z"), "2025-10-01T03:00:00.000000Z");
    }

    #[test]
    fn hours_count_back_from_the_last_observation() {
        assert_eq!(begins("24h", "2026-11-28T02:30:00Z"), "2026-11-27T02:30:00.000000Z");
    }

    #[test]
    fn another_text_is_refused() {
        for text in ["", "d", "30", "0d", "-1d", "+1d", "1.5h", "30 d", "10y", "40000d", "30é"] {
            let error = Last::parse(text).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().starts_with(&format!("--last {text}: ")), "{error}");
        }
    }
}
