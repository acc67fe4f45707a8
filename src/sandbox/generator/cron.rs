//! Cron expressions of the generated pipelines, and the instants at which they fire.
//!
//! Independent of the package that the reports use, so that a mistake there shows. Only the rates of [`LADDER`] exist.

use chrono::{DateTime, Datelike, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta};
use chrono::{TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use fastrand::Rng;

/// How often a pipeline fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rate {
    Monthly,
    Weekly,
    Weekdays,
    Daily,
    /// Every few hours: a divisor of 24.
    Hours(u32),
    /// Every few minutes: a divisor of 60.
    Minutes(u32),
}

/// The rates from the lowest to the highest.
pub(super) const LADDER: [Rate; 14] = [
    Rate::Monthly,
    Rate::Weekly,
    Rate::Weekdays,
    Rate::Daily,
    Rate::Hours(12),
    Rate::Hours(6),
    Rate::Hours(4),
    Rate::Hours(3),
    Rate::Hours(2),
    Rate::Hours(1),
    Rate::Minutes(30),
    Rate::Minutes(15),
    Rate::Minutes(10),
    Rate::Minutes(5),
];

impl Rate {
    /// The number of firings in a year of 365 days.
    pub(super) fn per_year(self) -> u32 {
        match self {
            Rate::Monthly => 12,
            Rate::Weekly => 52,
            Rate::Weekdays => 261,
            Rate::Daily => 365,
            Rate::Hours(hours) => 365 * 24 / hours,
            Rate::Minutes(minutes) => 365 * 24 * 60 / minutes,
        }
    }
}

/// The fields of an expression that do not depend on its rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phase {
    minute: u32,
    hour: u32,
    /// The day of the month, 1 to 28.
    day: u32,
    /// The weekday, 0 to 6 from Sunday.
    weekday: u32,
}

impl Phase {
    /// A random phase. Rare runs fire early in the morning, some within the hour of a clock change.
    pub(super) fn new(rng: &mut Rng) -> Phase {
        Phase { minute: rng.u32(..60), hour: rng.u32(1..9), day: rng.u32(1..=28), weekday: rng.u32(..7) }
    }
}

/// A cron expression in a time zone.
#[derive(Clone, Debug)]
pub(super) struct Cron {
    pub(super) expression: String,
    pub(super) zone: Tz,
    pub(super) rate: Rate,
    phase: Phase,
}

impl Cron {
    pub(super) fn new(rate: Rate, phase: Phase, zone: Tz) -> Cron {
        let Phase { minute, hour, day, weekday } = phase;
        let expression = match rate {
            Rate::Monthly => format!("{minute} {hour} {day} * *"),
            Rate::Weekly => format!("{minute} {hour} * * {weekday}"),
            Rate::Weekdays => format!("{minute} {hour} * * 1-5"),
            Rate::Daily => format!("{minute} {hour} * * *"),
            Rate::Hours(1) => format!("{minute} * * * *"),
            Rate::Hours(hours) => format!("{minute} */{hours} * * *"),
            Rate::Minutes(minutes) => format!("*/{minutes} * * * *"),
        };
        Cron { expression, zone, rate, phase }
    }

    /// The expression of a weekly full sync, the first firing of each Sunday.
    pub(super) fn full_sync_expression(&self) -> String {
        let Phase { minute, hour, .. } = self.phase;
        match self.rate {
            Rate::Monthly | Rate::Weekly | Rate::Weekdays | Rate::Daily => format!("{minute} {hour} * * 0"),
            Rate::Hours(_) => format!("{minute} 0 * * 0"),
            Rate::Minutes(_) => "0 0 * * 0".to_owned(),
        }
    }

    /// Whether it fires every Sunday.
    pub(super) fn fires_on_sundays(&self) -> bool {
        !matches!(self.rate, Rate::Monthly | Rate::Weekly | Rate::Weekdays)
    }

    /// Whether a firing is the one of [`Cron::full_sync_expression`].
    pub(super) fn is_full_sync(&self, due: i64) -> bool {
        let Some(at) = DateTime::from_timestamp(due, 0) else { return false };
        let local = at.with_timezone(&self.zone).naive_local();
        local.weekday() == Weekday::Sun
            && self.minutes().next().is_some_and(|first| local.time() == time_of(first))
    }

    /// The firings at or after `from` and before `until`, in seconds since 1970, in order.
    pub(super) fn firings(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<i64> {
        let date = |at: DateTime<Utc>| at.with_timezone(&self.zone).date_naive();
        // A firing in the hour that a clock change skips moves, but never to another date.
        let (mut day, last) = (date(from), date(until));
        let minutes: Vec<u32> = self.minutes().collect();
        let mut firings = Vec::new();
        while day <= last {
            if self.fires_on(day) {
                self.add_firings_of(day, &minutes, &mut firings);
            }
            day = day.succ_opt().expect("a date within the calendar");
        }
        let seconds = |at: DateTime<Utc>| at.timestamp() + i64::from(at.timestamp_subsec_nanos() > 0);
        firings.retain(|due| (seconds(from)..seconds(until)).contains(due));
        firings
    }

    fn add_firings_of(&self, day: NaiveDate, minutes: &[u32], firings: &mut Vec<i64>) {
        let midnight = day.and_time(NaiveTime::MIN);
        let offset_at = |at: NaiveDateTime| self.zone.offset_from_utc_datetime(&at).fix().local_minus_utc();
        let (before, after) = (midnight - TimeDelta::days(1), midnight + TimeDelta::days(2));
        let offset = offset_at(before);
        if offset == offset_at(after) {
            let start = midnight.and_utc().timestamp() - i64::from(offset);
            firings.extend(minutes.iter().map(|minute| start + i64::from(*minute) * 60));
            return;
        }
        // An expression of one fixed time fires once in any day; others follow the clock.
        let is_fixed = minutes.len() == 1;
        let first = firings.len();
        for &minute in minutes {
            let mut local = midnight + TimeDelta::minutes(minute.into());
            match self.zone.from_local_datetime(&local) {
                MappedLocalTime::Single(at) => firings.push(at.timestamp()),
                MappedLocalTime::Ambiguous(earlier, later) => {
                    firings.push(earlier.timestamp());
                    if !is_fixed {
                        firings.push(later.timestamp());
                    }
                }
                MappedLocalTime::None if is_fixed => {
                    // The first instant after the skipped hour.
                    while self.zone.from_local_datetime(&local).earliest().is_none() {
                        local += TimeDelta::minutes(1);
                    }
                    let at = self.zone.from_local_datetime(&local).earliest();
                    firings.push(at.expect("the loop found it").timestamp());
                }
                MappedLocalTime::None => {}
            }
        }
        firings[first..].sort_unstable();
    }

    fn fires_on(&self, day: NaiveDate) -> bool {
        match self.rate {
            Rate::Monthly => day.day() == self.phase.day,
            Rate::Weekly => day.weekday().num_days_from_sunday() == self.phase.weekday,
            Rate::Weekdays => !matches!(day.weekday(), Weekday::Sat | Weekday::Sun),
            Rate::Daily | Rate::Hours(_) | Rate::Minutes(_) => true,
        }
    }

    /// The minutes of a day at which it fires, on the clock.
    fn minutes(&self) -> impl Iterator<Item = u32> + use<> {
        let Phase { minute, hour, .. } = self.phase;
        let (first, step) = match self.rate {
            Rate::Monthly | Rate::Weekly | Rate::Weekdays | Rate::Daily => (hour * 60 + minute, 24 * 60),
            Rate::Hours(hours) => (minute, hours * 60),
            Rate::Minutes(minutes) => (0, minutes),
        };
        (first..24 * 60).step_by(step as usize)
    }
}

fn time_of(minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).expect("a minute of a day")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The firings on a day in Lisbon, by the clock of UTC.
    fn fired(rate: Rate, hour: u32, day: &str) -> Vec<String> {
        let cron = Cron::new(rate, Phase { minute: 30, hour, day: 1, weekday: 0 }, Tz::Europe__Lisbon);
        let from: DateTime<Utc> = format!("{day}T00:00:00Z").parse().unwrap();
        let firings = cron.firings(from, from + TimeDelta::hours(5));
        let time = |due| DateTime::from_timestamp(due, 0).unwrap().format("%H:%M").to_string();
        firings.into_iter().map(time).collect()
    }

    #[test]
    fn a_fixed_time_fires_once_on_a_day_with_a_clock_change() {
        // 01:00 becomes 02:00: the first instant after it.
        assert_eq!(fired(Rate::Daily, 1, "2026-03-29"), ["01:00"]);
        assert_eq!(fired(Rate::Daily, 2, "2026-03-29"), ["01:30"]);
        // 02:00 becomes 01:00: the first of both.
        assert_eq!(fired(Rate::Daily, 1, "2026-10-25"), ["00:30"]);
        assert_eq!(fired(Rate::Daily, 2, "2026-10-25"), ["02:30"]);
    }

    #[test]
    fn an_expression_with_steps_follows_the_clock() {
        assert_eq!(fired(Rate::Hours(1), 0, "2026-03-29"), ["00:30", "01:30", "02:30", "03:30", "04:30"]);
        assert_eq!(fired(Rate::Hours(3), 0, "2026-03-29"), ["00:30", "02:30"]);
        assert_eq!(fired(Rate::Hours(1), 0, "2026-10-25"), ["00:30", "01:30", "02:30", "03:30", "04:30"]);
        assert_eq!(fired(Rate::Hours(3), 0, "2026-10-25"), ["03:30"]);
    }

    #[test]
    fn a_span_includes_its_start_and_excludes_its_end() {
        let cron = Cron::new(Rate::Minutes(15), Phase { minute: 7, hour: 1, day: 1, weekday: 0 }, Tz::UTC);
        let from: DateTime<Utc> = "2026-11-01T00:00:00Z".parse().unwrap();
        let one = TimeDelta::microseconds(1);
        let count = |from, until| cron.firings(from, until).len();
        assert_eq!(count(from, from + TimeDelta::hours(1)), 4);
        assert_eq!(count(from + one, from + TimeDelta::hours(1) + one), 4);
        assert_eq!(cron.expression, "*/15 * * * *");
    }
}
