//! This is a period: a day, week or month of a time zone as a half-open stretch of UTC instants.

use crate::run::Instant;
use chrono::{Datelike, Days, LocalResult, Months, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

/// Text that sorts before every instant.
pub(super) const BEFORE_EVERYTHING: &str = "";
/// Text that sorts after every instant.
pub(super) const AFTER_EVERYTHING: &str = "~";

/// Which runs a report is about: those booked at or after `from` and before `until`.
///
/// A run is booked when it started, or else when it was created. One that has neither instant is
/// only in a span without ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// The first instant inside; `None`: since ever.
    pub from: Option<Instant>,
    /// The first instant outside; `None`: for ever.
    pub until: Option<Instant>,
}

impl Span {
    /// Both ends as texts that compare with those of instants as the ends do.
    pub fn bounds(&self) -> (&str, &str) {
        (
            self.from.as_ref().map_or(BEFORE_EVERYTHING, Instant::as_str),
            self.until.as_ref().map_or(AFTER_EVERYTHING, Instant::as_str),
        )
    }
}

/// The lengths of time that a report can be split by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Calendar {
    /// `2026-01`
    Month,
    /// ISO 8601, from Monday: `2026-W01`, in the year that has its Thursday.
    Week,
    /// `2026-01-31`
    Day,
}

impl Calendar {
    /// What a period of that name would be: their names differ in length.
    pub fn of_name(name: &str) -> Calendar {
        match name.len() {
            7 => Calendar::Month,
            8 => Calendar::Week,
            _ => Calendar::Day,
        }
    }
}

/// One month, week or day of a time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// The name that reports print; in text order within one calendar.
    pub label: String,
    /// The first instant inside; `None`: before the year 0.
    pub start: Option<Instant>,
    /// The first instant outside; `None`: after the year 9999.
    pub end: Option<Instant>,
}

impl Period {
    /// The period of that name in `zone`: `2026-01`, `2026-W01` or `2026-01-31`. `None`: it is no such name.
    pub fn named(name: &str, zone: Tz) -> Option<Period> {
        let day = |day: &str, form: &str| NaiveDate::parse_from_str(day, form).ok();
        let calendar = Calendar::of_name(name);
        let first = match calendar {
            Calendar::Month => day(&format!("{name}-01"), "%Y-%m-%d")?,
            Calendar::Week => day(&format!("{name}-1"), "%G-W%V-%u")?,
            Calendar::Day => day(name, "%Y-%m-%d")?,
        };
        // chrono reads 2026-1-1 too; one spelling is enough.
        Some(Period::of_day(first, calendar, zone)).filter(|period| period.label == name)
    }

    /// The period of `calendar` in `zone` that `instant` falls into.
    pub fn around(instant: Instant, calendar: Calendar, zone: Tz) -> Period {
        Period::of_day(day_of(instant, zone), calendar, zone)
    }

    fn of_day(day: NaiveDate, calendar: Calendar, zone: Tz) -> Period {
        let (first, next) = match calendar {
            Calendar::Day => (Some(day), day.checked_add_days(Days::new(1))),
            Calendar::Week => {
                let monday = day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into()));
                (monday, monday.and_then(|monday| monday.checked_add_days(Days::new(7))))
            }
            Calendar::Month => {
                let first = day.with_day(1);
                (first, first.and_then(|first| first.checked_add_months(Months::new(1))))
            }
        };
        let label = match calendar {
            Calendar::Day => day.format("%Y-%m-%d").to_string(),
            Calendar::Week => day.format("%G-W%V").to_string(),
            Calendar::Month => day.format("%Y-%m").to_string(),
        };
        let start_of = |day: Option<NaiveDate>| day.and_then(|day| start_of_day(day, zone));
        Period { label, start: start_of(first), end: start_of(next) }
    }

    /// Whether the instant with this text lies in the period. Texts are compared, nothing is parsed.
    pub fn contains(&self, instant: &str) -> bool {
        self.start.is_none_or(|start| start.as_str() <= instant)
            && self.end.is_none_or(|end| instant < end.as_str())
    }
}

/// The first instant of a day in `zone`; `None`: it is outside the years 0 to 9999.
///
/// Where midnight does not exist the day starts when the gap ends, and where midnight comes twice
/// it starts at the first: the rule of Java's `atStartOfDay`.
pub fn start_of_day(day: NaiveDate, zone: Tz) -> Option<Instant> {
    let midnight = day.and_time(NaiveTime::MIN);
    let start = match zone.from_local_datetime(&midnight) {
        LocalResult::Single(start) | LocalResult::Ambiguous(start, _) => start,
        LocalResult::None => GapInfo::new(&midnight, &zone)?.end?,
    };
    Instant::from_utc(start.with_timezone(&Utc))
}

/// The day in `zone` that the instant belongs to, so that each day is one stretch of time.
fn day_of(instant: Instant, zone: Tz) -> NaiveDate {
    let shown = instant.to_utc().with_timezone(&zone).date_naive();
    // A clock put back across midnight shows the old day again for a while, though the new one has begun.
    match shown.checked_add_days(Days::new(1)) {
        Some(next) if start_of_day(next, zone).is_some_and(|start| start <= instant) => next,
        _ => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(instant: &str, calendar: Calendar, zone: Tz) -> (String, String, String) {
        let period = Period::around(Instant::parse(instant).unwrap(), calendar, zone);
        assert!(period.contains(Instant::parse(instant).unwrap().as_str()), "{instant} is in {period:?}");
        (period.label, period.start.unwrap().to_string(), period.end.unwrap().to_string())
    }

    fn expect(label: &str, start: &str, end: &str) -> (String, String, String) {
        (label.to_owned(), format!("{start}.000000Z"), format!("{end}.000000Z"))
    }

    #[test]
    fn a_month_of_sao_paulo_starts_three_hours_after_utc() {
        assert_eq!(
            around("2026-02-01T02:59:59.999999Z", Calendar::Month, Tz::America__Sao_Paulo),
            expect("2026-01", "2026-01-01T03:00:00", "2026-02-01T03:00:00")
        );
        assert_eq!(
            around("2026-02-01T03:00:00Z", Calendar::Month, Tz::America__Sao_Paulo),
            expect("2026-02", "2026-02-01T03:00:00", "2026-03-01T03:00:00")
        );
    }

    #[test]
    fn days_have_23_or_25_hours_when_the_clock_is_changed() {
        assert_eq!(
            around("2026-03-29T12:00:00Z", Calendar::Day, Tz::Europe__Berlin),
            expect("2026-03-29", "2026-03-28T23:00:00", "2026-03-29T22:00:00")
        );
        assert_eq!(
            around("2026-10-25T12:00:00Z", Calendar::Day, Tz::Europe__Berlin),
            expect("2026-10-25", "2026-10-24T22:00:00", "2026-10-25T23:00:00")
        );
    }

    #[test]
    fn a_day_whose_midnight_does_not_exist_starts_when_the_gap_ends() {
        assert_eq!(
            around("2018-11-04T03:00:00Z", Calendar::Day, Tz::America__Sao_Paulo),
            expect("2018-11-04", "2018-11-04T03:00:00", "2018-11-05T02:00:00")
        );
        assert_eq!(around("2018-11-04T02:59:59Z", Calendar::Day, Tz::America__Sao_Paulo).0, "2018-11-03");
    }

    #[test]
    fn a_day_whose_midnight_comes_twice_starts_at_the_first() {
        // St. John's put its clocks back at 00:01, to 23:01 of the day before.
        let zone = Tz::America__St_Johns;
        for instant in ["2010-11-07T02:30:00Z", "2010-11-07T02:31:30Z", "2010-11-07T03:30:00Z"] {
            assert_eq!(
                around(instant, Calendar::Day, zone),
                expect("2010-11-07", "2010-11-07T02:30:00", "2010-11-08T03:30:00")
            );
        }
        assert_eq!(around("2010-11-07T02:29:59Z", Calendar::Day, zone).0, "2010-11-06");
    }

    #[test]
    fn a_day_that_a_zone_skipped_leaves_no_hole() {
        let zone = Tz::Pacific__Apia;
        let before = around("2011-12-30T09:59:59Z", Calendar::Day, zone);
        let after = around("2011-12-30T10:00:00Z", Calendar::Day, zone);
        assert_eq!((before.0.as_str(), after.0.as_str()), ("2011-12-29", "2011-12-31"));
        assert_eq!(before.2, after.1);
    }

    #[test]
    fn odd_offsets_are_kept_to_the_minute() {
        assert_eq!(
            around("2026-05-01T00:00:00Z", Calendar::Day, Tz::Asia__Kathmandu),
            expect("2026-05-01", "2026-04-30T18:15:00", "2026-05-01T18:15:00")
        );
    }

    #[test]
    fn a_week_starts_on_monday_in_the_year_of_its_thursday() {
        assert_eq!(
            around("2027-01-03T23:59:59Z", Calendar::Week, Tz::UTC),
            expect("2026-W53", "2026-12-28T00:00:00", "2027-01-04T00:00:00")
        );
        assert_eq!(around("2027-01-04T00:00:00Z", Calendar::Week, Tz::UTC).0, "2027-W01");
    }

    #[test]
    fn a_period_is_found_by_its_name() {
        for (instant, calendar) in [
            ("2026-02-01T02:59:59Z", Calendar::Month),
            ("2027-01-03T23:59:59Z", Calendar::Week),
            ("2018-11-04T03:00:00Z", Calendar::Day),
        ] {
            let zone = Tz::America__Sao_Paulo;
            let period = Period::around(Instant::parse(instant).unwrap(), calendar, zone);
            assert_eq!(Period::named(&period.label, zone), Some(period));
        }
        for name in [
            "2026",
            "2026-1",
            "2026-13",
            "2026-W54",
            "2025-W53",
            "2026-02-30",
            "2026-1-31",
            "",
            "jan 26",
            "2026–01",
        ] {
            assert_eq!(Period::named(name, Tz::UTC), None, "{name}");
        }
    }

    #[test]
    fn the_ends_of_the_calendar_are_open() {
        let last = Period::around(Instant::parse("9999-12-31T23:00:00Z").unwrap(), Calendar::Month, Tz::UTC);
        assert_eq!((last.label.as_str(), last.end), ("9999-12", None));
        let first =
            Period::around(Instant::parse("0000-01-01T00:00:00Z").unwrap(), Calendar::Day, Tz::Asia__Tokyo);
        assert_eq!(first.start, None);
    }
}
