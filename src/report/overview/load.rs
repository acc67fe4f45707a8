//! The load: how many runs each hour of each weekday has.

use super::calendar::{monday, week_of};
use crate::run::Instant;
use chrono::{NaiveDate, TimeDelta, Timelike};
use chrono_tz::Tz;

/// The number of hours of a day by the wall clock.
pub(crate) const HOURS: usize = 24;

/// The runs by weekday, from Monday, and by the hour in which they are booked.
#[derive(Debug, Clone)]
pub(crate) struct HourlyLoad {
    zone: Tz,
    runs: [[u64; HOURS]; 7],
    /// The day of the last run with its offset from UTC in minutes. `None`: the offset changes on that day.
    day: (i32, Option<i32>),
}

impl HourlyLoad {
    /// A load without runs.
    pub(super) fn new(zone: Tz) -> HourlyLoad {
        HourlyLoad { zone, runs: Default::default(), day: (i32::MIN, None) }
    }

    /// Adds a run. `day` is the day number of the stored instant in the zone.
    pub(super) fn add(&mut self, booked_at: &str, day: i32) {
        if self.day.0 != day {
            self.day = (day, constant_offset(self.zone, day));
        }
        let hour = match (self.day.1, minute_of_day(booked_at)) {
            (Some(offset), Some(minute)) => (minute + offset).rem_euclid(24 * 60) / 60,
            _ => {
                let Some(at) = Instant::parse(booked_at) else { return };
                at.to_utc().with_timezone(&self.zone).hour() as i32
            }
        };
        self.runs[(day - monday(week_of(day))) as usize][hour as usize] += 1;
    }

    /// Adds the runs of another load in the same zone.
    pub(super) fn merge(&mut self, other: &HourlyLoad) {
        let hours = self.runs.iter_mut().flatten().zip(other.runs.iter().flatten());
        hours.for_each(|(runs, others)| *runs += others);
    }

    /// The runs of an hour, from 0, of a weekday, from Monday.
    pub(crate) fn runs(&self, weekday: usize, hour: usize) -> u64 {
        self.runs[weekday][hour]
    }

    /// The runs of each hour on all days.
    pub(crate) fn by_hour(&self) -> [u64; HOURS] {
        std::array::from_fn(|hour| self.runs.iter().map(|day| day[hour]).sum())
    }
}

/// The minutes since midnight of a stored instant, which is in UTC: `2026-01-31T09:06:…`.
fn minute_of_day(stored: &str) -> Option<i32> {
    let bytes = stored.as_bytes();
    let part = |first: usize| {
        let (tens, ones) = (bytes.get(first)?, bytes.get(first + 1)?);
        (tens.is_ascii_digit() && ones.is_ascii_digit())
            .then(|| i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
    };
    Some(part(11)? * 60 + part(14)?)
}

/// The offset of the zone from UTC in minutes. `None`: it changes on that day, or is not in whole minutes.
fn constant_offset(zone: Tz, day: i32) -> Option<i32> {
    use chrono::{Offset, TimeZone};
    let midnight = NaiveDate::from_num_days_from_ce_opt(day)?.and_hms_opt(0, 0, 0)?;
    let offset = |at| Some(zone.offset_from_local_datetime(&at).single()?.fix().local_minus_utc());
    let (first, last) = (offset(midnight)?, offset(midnight + TimeDelta::days(1))?);
    (first == last && first % 60 == 0).then_some(first / 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Datelike;

    fn load(zone: Tz, day: (i32, u32, u32), booked_at: &[&str]) -> HourlyLoad {
        let day = NaiveDate::from_ymd_opt(day.0, day.1, day.2).unwrap().num_days_from_ce();
        let mut load = HourlyLoad::new(zone);
        booked_at.iter().for_each(|booked_at| load.add(booked_at, day));
        load
    }

    #[test]
    fn a_run_counts_in_the_hour_of_its_zone() {
        // 27 November 2026 is a Friday.
        let load = load(
            Tz::America__Sao_Paulo,
            (2026, 11, 27),
            &["2026-11-27T03:00:00.000000Z", "2026-11-28T02:59:59.000000Z"],
        );
        assert_eq!((load.runs(4, 0), load.runs(4, 23)), (1, 1));
        assert_eq!(load.by_hour().iter().sum::<u64>(), 2);
    }

    #[test]
    fn a_run_after_a_clock_change_counts_in_the_new_hour() {
        // On Sunday, 29 March 2026, Berlin goes from 02:00 to 03:00.
        let at = ["2026-03-29T00:30:00.000000Z", "2026-03-29T01:30:00.000000Z"];
        let load = load(Tz::Europe__Berlin, (2026, 3, 29), &at);
        assert_eq!((load.runs(6, 1), load.runs(6, 2), load.runs(6, 3)), (1, 0, 1));
    }
}
