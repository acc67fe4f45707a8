//! An instant in UTC to the microsecond, as the text that the archive stores.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike, Utc};
use std::fmt;

/// The length of the text in bytes.
const LENGTH: usize = 27;

/// The least and the greatest byte at each place of the text.
const LEAST: &[u8; LENGTH] = b"0000-00-00T00:00:00.000000Z";
const MOST: &[u8; LENGTH] = b"9999-99-99T99:99:99.999999Z";

/// The last day of each month, which count from 1, in every year.
const LAST_DAYS: [u8; 13] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// An instant as `YYYY-MM-DDTHH:MM:SS.ffffffZ`. It always has six digits, so text order is time order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant([u8; LENGTH]);

impl Instant {
    /// The first instant of the calendar.
    pub(crate) const MIN: Instant = Instant(*b"0000-01-01T00:00:00.000000Z");

    /// The last instant of the calendar.
    pub(crate) const MAX: Instant = Instant(*b"9999-12-31T23:59:59.999999Z");

    /// The start of the last year of the calendar.
    pub(crate) const START_OF_9999: Instant = Instant(*b"9999-01-01T00:00:00.000000Z");

    /// The instant from which Unix counts.
    pub(crate) const EPOCH: Instant = Instant(*b"1970-01-01T00:00:00.000000Z");

    /// The instant, truncated to the microsecond. `None`: the year is outside 0 to 9999, or it is a leap second.
    pub fn from_utc(instant: DateTime<Utc>) -> Option<Instant> {
        let (year, nanos) = (u32::try_from(instant.year()).ok()?, instant.nanosecond());
        // chrono represents a leap second as a nanosecond of 1,000,000,000 or more.
        if year > 9999 || nanos >= 1_000_000_000 {
            return None;
        }
        let mut text = *LEAST;
        let parts = [
            (0, 4, year),
            (5, 2, instant.month()),
            (8, 2, instant.day()),
            (11, 2, instant.hour()),
            (14, 2, instant.minute()),
            (17, 2, instant.second()),
            (20, 6, nanos / 1000),
        ];
        for (start, width, mut value) in parts {
            for place in (start..start + width).rev() {
                text[place] = b'0' + (value % 10) as u8;
                value /= 10;
            }
        }
        Some(Instant(text))
    }

    /// Parses an RFC 3339 date and time with a zone, truncated to the microsecond.
    /// `None`: it is something else, has no zone, or the archive's format cannot represent it.
    pub fn parse(text: &str) -> Option<Instant> {
        if let Some(instant) = Instant::parse_stored(text) {
            return Some(instant);
        }
        let instant = DateTime::parse_from_rfc3339(text).ok()?;
        Instant::from_utc(instant.with_timezone(&Utc))
    }

    /// The fast path for the archive's format, which the API uses, too.
    /// `None`: it has another format, or is on a 29 February, which needs a calendar.
    fn parse_stored(text: &str) -> Option<Instant> {
        let bytes: [u8; LENGTH] = text.as_bytes().try_into().ok()?;
        // Every byte is compared, without a branch for each.
        let has_form = (0..LENGTH)
            .fold(true, |fits, place| fits & (LEAST[place] <= bytes[place]) & (bytes[place] <= MOST[place]));
        let number = |place: usize| (bytes[place] - b'0') * 10 + (bytes[place + 1] - b'0');
        let is_instant = has_form
            && (1..=12).contains(&number(5))
            && (1..=LAST_DAYS[usize::from(number(5))]).contains(&number(8))
            && number(11) < 24
            && number(14) < 60
            && number(17) < 60;
        is_instant.then_some(Instant(bytes))
    }

    /// The instant one microsecond later. The last instant of the calendar has none, and stays.
    pub fn next(self) -> Instant {
        self.plus(TimeDelta::microseconds(1))
    }

    /// The instant later by `span`, or earlier if it is negative. It stops at the ends of the calendar, the years 0
    /// and 9999.
    pub fn plus(self, span: TimeDelta) -> Instant {
        let end = if span < TimeDelta::zero() { Instant::MIN } else { Instant::MAX };
        self.to_utc().checked_add_signed(span).and_then(Instant::from_utc).unwrap_or(end)
    }

    /// The text as the archive stores it, as ASCII bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text as the archive stores it.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an instant is ASCII")
    }

    /// The instant as a chrono value.
    pub fn to_utc(self) -> DateTime<Utc> {
        let number = |start: usize, width: usize| {
            self.0[start..start + width].iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
        };
        let day = NaiveDate::from_ymd_opt(number(0, 4) as i32, number(5, 2), number(8, 2));
        day.and_then(|day| day.and_hms_micro_opt(number(11, 2), number(14, 2), number(17, 2), number(20, 6)))
            .expect("an instant is in the calendar")
            .and_utc()
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<String> {
        Instant::parse(text).map(|instant| instant.to_string())
    }

    #[test]
    fn every_format_of_an_instant_is_stored_in_one() {
        for spelling in
            ["2026-01-31T23:30:00Z", "2026-01-31T20:30:00-03:00", "2026-01-31T23:30:00.000000+00:00"]
        {
            assert_eq!(text(spelling).as_deref(), Some("2026-01-31T23:30:00.000000Z"), "{spelling}");
        }
        assert_eq!(text("2026-01-31T23:30:00.1234567Z").as_deref(), Some("2026-01-31T23:30:00.123456Z"));
    }

    #[test]
    fn the_last_day_of_each_month_is_an_instant_and_the_next_is_not() {
        for year in [2023, 2024] {
            for month in 1..=12 {
                let exists = |day| NaiveDate::from_ymd_opt(year, month, day).is_some();
                for day in 28..=32 {
                    let spelling = format!("{year}-{month:02}-{day:02}T23:30:00.000000Z");
                    assert_eq!(text(&spelling).is_some(), exists(day), "{spelling}");
                }
            }
        }
    }

    #[test]
    fn a_text_that_is_no_certain_instant_is_refused() {
        for spelling in
            ["2026-01-31T23:30:00", "2026-02-30T00:00:00Z", "2016-12-31T23:59:60Z", "yesterday", ""]
        {
            assert_eq!(text(spelling), None, "{spelling}");
        }
    }

    #[test]
    fn an_instant_survives_conversion_to_chrono() {
        for text in
            ["2026-11-23T16:25:28.000123Z", "0000-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"]
        {
            let instant = Instant::parse(text).unwrap();
            assert_eq!(Instant::from_utc(instant.to_utc()), Some(instant));
            assert_eq!(instant.to_utc().to_rfc3339_opts(chrono::SecondsFormat::Micros, true), text);
        }
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_the_calendar() {
        let (first, last) = (Instant::MIN, Instant::MAX);
        assert_eq!(
            (first.as_str(), last.as_str()),
            ("0000-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z")
        );
        let now = Instant::parse("2026-11-23T16:00:00Z").unwrap();
        for (span, end) in
            [(TimeDelta::MAX, last), (TimeDelta::MIN, first), (TimeDelta::days(-800_000), first)]
        {
            assert_eq!(now.plus(span), end, "{span}");
        }
        assert_eq!((last.next(), first.plus(TimeDelta::microseconds(-1))), (last, first));
        assert_eq!(Instant::EPOCH.to_utc().timestamp(), 0);
    }
}
