//! Days, weeks and months of a time zone, as half-open intervals of UTC instants.

use super::scope_hint;
use crate::error::{Error, Result};
use crate::run::Instant;
use chrono::{Datelike, Days, LocalResult, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::{GapInfo, Tz};

/// A text that sorts before every instant.
pub(super) const BEFORE_EVERYTHING: &str = "";
/// A text that sorts after every instant.
pub(super) const AFTER_EVERYTHING: &str = "~";

/// The runs booked at or after `from` and before `until`.
///
/// A run without an instant that books it is only in a span without bounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// The first instant inside. `None`: no lower bound.
    pub from: Option<Instant>,
    /// The first instant outside. `None`: no upper bound.
    pub until: Option<Instant>,
}

impl Span {
    /// Both bounds as texts, in the order of the texts of instants.
    pub fn bounds(&self) -> (&str, &str) {
        (
            self.from.as_ref().map_or(BEFORE_EVERYTHING, Instant::as_str),
            self.until.as_ref().map_or(AFTER_EVERYTHING, Instant::as_str),
        )
    }

    /// The beginning of this span that lasts `elapsed`: as much as another span has lasted that is still running. The
    /// whole span if it is shorter.
    pub(crate) fn beginning(self, elapsed: TimeDelta) -> Span {
        let Some(from) = self.from else { return self };
        let end = from.plus(elapsed.max(TimeDelta::zero()));
        Span { until: Some(self.until.map_or(end, |until| until.min(end))), ..self }
    }
}

/// The kinds of period that a report can be split by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Calendar {
    /// `2026-01`
    Month,
    /// An ISO 8601 week, from Monday, in the year of its Thursday: `2026-W01`
    Week,
    /// `2026-01-31`
    Day,
}

impl Calendar {
    /// The kind of period that the label has. Labels of each kind have their own length.
    pub fn of_label(label: &str) -> Calendar {
        match label.len() {
            7 => Calendar::Month,
            8 => Calendar::Week,
            _ => Calendar::Day,
        }
    }
}

/// One month, week or day of a time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// The label that reports print. Labels of one kind sort as their periods do.
    pub label: String,
    /// The first instant inside. `None`: before the year 0.
    pub start: Option<Instant>,
    /// The first instant outside. `None`: after the year 9999.
    pub end: Option<Instant>,
}

impl Period {
    /// Reads the label of a period, given with `--period`.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is not the label of a month, week or day.
    pub fn parse(label: &str, zone: Tz) -> Result<Period> {
        Period::named(label, zone).ok_or_else(|| Error::Usage {
            what: format!("--period {label}: not a month, week or day"),
            hint: Some(scope_hint::for_period(label)),
        })
    }

    /// Refuses a text that is not the label of a period, given as the argument MONTH.
    ///
    /// # Errors
    /// [`Error::Usage`] with the spelling of the month.
    pub(crate) fn require_label(month: &str) -> Result<()> {
        Period::named(month, Tz::UTC).map(drop).ok_or_else(|| Error::Usage {
            what: format!("MONTH {month}: not a month"),
            hint: Some(scope_hint::for_month(month)),
        })
    }

    /// The period in `zone` with the label `2026-01`, `2026-W01` or `2026-01-31`. `None`: it is not such a label.
    pub fn named(label: &str, zone: Tz) -> Option<Period> {
        let (calendar, first) = Period::first_day(label)?;
        // chrono reads 2026-1-1 too. One spelling is enough.
        Some(Period::of_day(first, calendar, zone)).filter(|period| period.label == label)
    }

    /// The kind and the first day of the period with this label.
    fn first_day(label: &str) -> Option<(Calendar, NaiveDate)> {
        let day = |day: &str, form: &str| NaiveDate::parse_from_str(day, form).ok();
        let calendar = Calendar::of_label(label);
        let first = match calendar {
            Calendar::Month => day(&format!("{label}-01"), "%Y-%m-%d")?,
            Calendar::Week => day(&format!("{label}-1"), "%G-W%V-%u")?,
            Calendar::Day => day(label, "%Y-%m-%d")?,
        };
        Some((calendar, first))
    }

    /// The label of the period before the one with this label. `None`: there is none in the years from 0 on.
    pub(crate) fn label_before(label: &str) -> Option<String> {
        let (calendar, first) = Period::first_day(label)?;
        Period::label_of(first.pred_opt()?, calendar)
    }

    /// The label of the same month, ISO week or day a year earlier. `None`: that year lacks week 53 or 29 February.
    pub(crate) fn label_a_year_before(label: &str) -> Option<String> {
        let (calendar, first) = Period::first_day(label)?;
        let day = match calendar {
            Calendar::Month | Calendar::Day => first.with_year(first.year() - 1)?,
            Calendar::Week => {
                let week = first.iso_week();
                NaiveDate::from_isoywd_opt(week.year() - 1, week.week(), Weekday::Mon)?
            }
        };
        Period::label_of(day, calendar)
    }

    fn label_of(day: NaiveDate, calendar: Calendar) -> Option<String> {
        (day.year() >= 0).then(|| Period::of_day(day, calendar, Tz::UTC).label)
    }

    /// The period in `zone` that contains `instant`.
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

    /// Whether the instant with this text is in the period. It compares texts and parses nothing.
    pub fn contains(&self, instant: &str) -> bool {
        self.start.is_none_or(|start| start.as_str() <= instant)
            && self.end.is_none_or(|end| instant < end.as_str())
    }
}

/// A day, or the part of it that is in a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Day {
    /// Its label: `2026-01-31`.
    pub label: String,
    /// The first instant.
    pub from: Instant,
    /// The first instant after it.
    pub until: Instant,
}

/// The days in `zone` between two instants. The first and the last can be parts of days.
pub(crate) fn days_between(from: Instant, until: Instant, zone: Tz) -> Vec<Day> {
    let (mut days, mut start) = (Vec::new(), from);
    while start < until {
        let day = Period::around(start, Calendar::Day, zone);
        let end = day.end.map_or(until, |end| end.min(until));
        days.push(Day { label: day.label, from: start, until: end });
        start = end;
    }
    days
}

/// The first instant of a day in `zone`. `None`: it is outside the years 0 to 9999.
///
/// A day without midnight starts at the end of the gap. A day with two midnights starts at the first. Java's
/// `atStartOfDay` has the same rule.
pub(crate) fn start_of_day(day: NaiveDate, zone: Tz) -> Option<Instant> {
    let midnight = day.and_time(NaiveTime::MIN);
    let start = match zone.from_local_datetime(&midnight) {
        LocalResult::Single(start) | LocalResult::Ambiguous(start, _) => start,
        LocalResult::None => GapInfo::new(&midnight, &zone)?.end?,
    };
    Instant::from_utc(start.with_timezone(&Utc))
}

/// The day in `zone` of the instant. Each day is one uninterrupted interval.
fn day_of(instant: Instant, zone: Tz) -> NaiveDate {
    let shown = instant.to_utc().with_timezone(&zone).date_naive();
    // After a clock goes back across midnight, it shows the old day again although the new one has begun.
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
    fn a_day_has_23_or_25_hours_when_the_clock_changes() {
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
    fn a_day_without_midnight_starts_at_the_end_of_the_gap() {
        assert_eq!(
            around("2018-11-04T03:00:00Z", Calendar::Day, Tz::America__Sao_Paulo),
            expect("2018-11-04", "2018-11-04T03:00:00", "2018-11-05T02:00:00")
        );
        assert_eq!(around("2018-11-04T02:59:59Z", Calendar::Day, Tz::America__Sao_Paulo).0, "2018-11-03");
    }

    #[test]
    fn a_day_with_two_midnights_starts_at_the_first() {
        // In St. John's, clocks went back at 00:01, to 23:01 of the day before.
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
    fn an_offset_of_45_minutes_is_exact() {
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
    fn a_label_names_its_period() {
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
    fn the_period_before_and_a_year_before_have_the_same_kind() {
        for (label, before, year_before) in [
            ("2026-10", Some("2026-09"), Some("2025-10")),
            ("2026-01", Some("2025-12"), Some("2025-01")),
            ("2024-02", Some("2024-01"), Some("2023-02")),
            ("2026-W01", Some("2025-W52"), Some("2025-W01")),
            ("2021-W01", Some("2020-W53"), Some("2020-W01")),
            ("2020-W53", Some("2020-W52"), None),
            ("2024-03-01", Some("2024-02-29"), Some("2023-03-01")),
            ("2024-02-29", Some("2024-02-28"), None),
            ("0000-01", None, None),
        ] {
            assert_eq!(Period::label_before(label).as_deref(), before, "{label}");
            assert_eq!(Period::label_a_year_before(label).as_deref(), year_before, "{label}");
        }
    }

    #[test]
    fn the_beginning_of_a_span_is_never_longer_than_the_span() {
        let at = |text| Instant::parse(text).unwrap();
        let february =
            Span { from: Some(at("2026-02-01T00:00:00Z")), until: Some(at("2026-03-01T00:00:00Z")) };
        let until = |elapsed| february.beginning(elapsed).until.unwrap().to_string();
        assert_eq!(until(TimeDelta::hours(36)), "2026-02-02T12:00:00.000000Z");
        assert_eq!(until(TimeDelta::days(30)), "2026-03-01T00:00:00.000000Z");
        assert_eq!(until(TimeDelta::days(-1)), "2026-02-01T00:00:00.000000Z");
    }

    #[test]
    fn periods_at_the_ends_of_the_calendar_have_no_bound() {
        let last = Period::around(Instant::parse("9999-12-31T23:00:00Z").unwrap(), Calendar::Month, Tz::UTC);
        assert_eq!((last.label.as_str(), last.end), ("9999-12", None));
        let first =
            Period::around(Instant::parse("0000-01-01T00:00:00Z").unwrap(), Calendar::Day, Tz::Asia__Tokyo);
        assert_eq!(first.start, None);
    }
}
