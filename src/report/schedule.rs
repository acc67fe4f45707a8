//! A pipeline's schedule: a cron expression in a time zone.
//!
//! Clock changes follow Vixie cron. An expression with one hour and one minute, such as `30 2 * * *`, is due once on
//! each day: if the clock skips that time, at the first instant after the gap, and if the clock repeats it, at the
//! first of both. Any other expression, such as `*/30 * * * *` or `0,30 2 * * *`, is due whenever the clock shows a
//! matching time: never within a gap, and twice within a repeated hour.

pub(crate) mod evidence;
mod known;
pub(crate) mod matching;
mod parents;
pub(crate) mod punctuality;
pub(crate) mod table;

use super::period::Day;
use crate::run::Instant;
use chrono::{DateTime, NaiveDate, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;
use serde::Deserialize;
use std::str::FromStr;
use std::sync::OnceLock;

/// The spans in which a due time before an instant is searched, one after the other.
const SEARCHED: [TimeDelta; 4] =
    [TimeDelta::hours(2), TimeDelta::days(2), TimeDelta::days(40), TimeDelta::days(4 * 366)];

/// A cron expression in a time zone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schedule {
    expression: String,
    cron: Cron,
    zone: Tz,
    /// The times of a day since midnight: the same on each day that matches the expression.
    times_of_day: OnceLock<Vec<TimeDelta>>,
}

/// The trigger in the JSON of a run.
#[derive(Deserialize)]
struct Trigger {
    cron_expression: Option<String>,
    cron_timezone: Option<String>,
}

impl Schedule {
    /// Parses an expression of five fields (or six, with seconds) in an IANA zone; `None` means UTC.
    ///
    /// # Errors
    /// The reason why the expression or the zone is invalid.
    pub(super) fn new(expression: &str, zone: Option<&str>) -> Result<Schedule, String> {
        let cron = Cron::from_str(expression).map_err(|error| format!("{expression}: {error}"))?;
        let zone = match zone {
            Some(name) => name.parse().map_err(|_| format!("{name}: there is no such time zone"))?,
            None => Tz::UTC,
        };
        Ok(Schedule { expression: expression.to_owned(), cron, zone, times_of_day: OnceLock::new() })
    }

    /// The schedule in the JSON of a run's trigger. `None`: it has none, or one that cannot be read.
    pub(super) fn of_trigger(json: &str) -> Option<Schedule> {
        let Trigger { cron_expression, cron_timezone } = serde_json::from_str(json).ok()?;
        Schedule::new(&cron_expression?, cron_timezone.as_deref()).ok()
    }

    /// The same zone with another expression.
    ///
    /// # Errors
    /// The reason why the expression is invalid.
    pub(super) fn with_expression(&self, expression: &str) -> Result<Schedule, String> {
        Schedule::new(expression, Some(self.zone.name()))
    }

    /// The number of trigger times at or after `from` and before `until`.
    pub(super) fn count_between(&self, from: Instant, until: Instant) -> u64 {
        self.due_times(from.to_utc(), until.to_utc()).len() as u64
    }

    /// The number of due times on each of the days, which follow each other.
    pub(super) fn count_by_day(&self, days: &[Day]) -> Vec<u64> {
        let mut counts = vec![0; days.len()];
        let (Some(first), Some(last)) = (days.first(), days.last()) else { return counts };
        let ends: Vec<DateTime<Utc>> = days.iter().map(|day| day.until.to_utc()).collect();
        let mut day = 0;
        for time in self.due_times(first.from.to_utc(), last.until.to_utc()) {
            while ends.get(day).is_some_and(|end| *end <= time) {
                day += 1;
            }
            if let Some(count) = counts.get_mut(day) {
                *count += 1;
            }
        }
        counts
    }

    /// The due times at or after `from` and before `until`, ascending.
    pub(super) fn due_times(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let mut times = Vec::new();
        // Cron expressions have a resolution of one second.
        let mut next = match from.timestamp_subsec_nanos() {
            0 => from,
            nanos => from + TimeDelta::nanoseconds(1_000_000_000 - i64::from(nanos)),
        };
        while next < until {
            let Ok(first) = self.cron.find_next_occurrence(&next.with_timezone(&self.zone), true) else {
                break;
            };
            if first >= until {
                break;
            }
            match self.midnight_of_plain_day(first.date_naive()) {
                Some(midnight) => {
                    let of_day = self.times_of_day().iter().map(|time| midnight + *time);
                    times.extend(of_day.filter(|time| next <= *time && *time < until));
                    next = midnight + TimeDelta::days(1);
                }
                // The clock changes on this day.
                None => {
                    times.push(first.to_utc());
                    next = first.to_utc() + TimeDelta::seconds(1);
                }
            }
        }
        times
    }

    /// The first due time after `at`. `None`: there is none.
    pub(super) fn next_after(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.cron.find_next_occurrence(&at.with_timezone(&self.zone), false).ok().map(|time| time.to_utc())
    }

    /// The last due time at or before `at`. `None`: there is none in the four years before.
    pub(super) fn last_by(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let until = at + TimeDelta::nanoseconds(1);
        SEARCHED.iter().find_map(|span| self.due_times(at.checked_sub_signed(*span)?, until).pop())
    }

    /// Midnight at the start of a day on which the clock does not change. `None`: it changes.
    fn midnight_of_plain_day(&self, day: NaiveDate) -> Option<DateTime<Utc>> {
        let midnight_of =
            |day: NaiveDate| self.zone.from_local_datetime(&day.and_time(NaiveTime::MIN)).single();
        let (start, end) = (midnight_of(day)?, midnight_of(day.succ_opt()?)?);
        (start.offset().fix() == end.offset().fix()).then(|| start.to_utc())
    }

    fn times_of_day(&self) -> &[TimeDelta] {
        self.times_of_day.get_or_init(|| {
            let mut times = Vec::new();
            let mut next = Utc.timestamp_nanos(0);
            let mut midnight = None;
            while let Ok(time) = self.cron.find_next_occurrence(&next, true) {
                let midnight = *midnight.get_or_insert(time.date_naive().and_time(NaiveTime::MIN).and_utc());
                if time - midnight >= TimeDelta::days(1) {
                    break;
                }
                times.push(time - midnight);
                next = time + TimeDelta::seconds(1);
            }
            times
        })
    }
}

impl std::fmt::Display for Schedule {
    /// The expression and its zone: `0 3 * * * America/Sao_Paulo`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.expression, self.zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    #[test]
    fn a_schedule_triggers_in_its_own_zone() {
        let schedule = Schedule::new("30 23 31 1 *", Some("America/Sao_Paulo")).unwrap();
        assert_eq!(schedule.count_between(at("2026-02-01T00:00:00Z"), at("2026-02-01T02:30:00Z")), 0);
        assert_eq!(schedule.count_between(at("2026-02-01T00:00:00Z"), at("2026-02-01T02:30:01Z")), 1);
        assert_eq!(schedule.to_string(), "30 23 31 1 * America/Sao_Paulo");
    }

    #[test]
    fn an_interval_includes_its_start_and_excludes_its_end() {
        let schedule = Schedule::new("0 */2 * * *", None).unwrap();
        assert_eq!(schedule.count_between(at("2026-11-01T00:00:00Z"), at("2026-11-02T00:00:00Z")), 12);
        assert_eq!(
            schedule.count_between(at("2026-11-01T00:00:00.000001Z"), at("2026-11-02T00:00:00.000001Z")),
            12
        );
    }

    fn due(expression: &str, zone: &str, from: &str, until: &str) -> Vec<String> {
        let schedule = Schedule::new(expression, Some(zone)).unwrap();
        let times = schedule.due_times(at(from).to_utc(), at(until).to_utc());
        times.iter().map(|time| time.format("%dT%H:%M").to_string()).collect()
    }

    #[test]
    fn a_fixed_time_in_the_gap_is_due_after_it_and_in_the_fold_once() {
        let spring =
            |expression| due(expression, "Europe/Berlin", "2026-03-28T22:00:00Z", "2026-03-29T02:00:00Z");
        assert_eq!(spring("30 2 * * *"), ["29T01:00"]);
        assert_eq!(
            spring("*/30 * * * *").join(" "),
            "28T22:00 28T22:30 28T23:00 28T23:30 29T00:00 29T00:30 29T01:00 29T01:30"
        );
        let autumn =
            |expression| due(expression, "Europe/Berlin", "2026-10-24T23:00:00Z", "2026-10-25T03:00:00Z");
        assert_eq!(autumn("30 2 * * *"), ["25T00:30"]);
        assert_eq!(autumn("30 * * * *"), ["24T23:30", "25T00:30", "25T01:30", "25T02:30"]);
    }

    #[test]
    fn the_due_times_around_an_instant_are_found() {
        let schedule = Schedule::new("0 3 1 * *", None).unwrap();
        let now = at("2026-11-27T12:00:00Z").to_utc();
        let text = |time: Option<DateTime<Utc>>| time.unwrap().to_rfc3339();
        assert_eq!(text(schedule.last_by(now)), "2026-11-01T03:00:00+00:00");
        assert_eq!(text(schedule.next_after(now)), "2026-12-01T03:00:00+00:00");
        let due_at = schedule.last_by(now).unwrap();
        assert_eq!(schedule.last_by(due_at), Some(due_at), "a due time is at itself");
        assert!(schedule.next_after(due_at).unwrap() > due_at);
    }

    #[test]
    fn an_invalid_expression_or_zone_is_named_in_the_error() {
        assert!(Schedule::new("rate(5 minutes)", None).unwrap_err().starts_with("rate(5 minutes): "));
        assert!(Schedule::new("0 3 * * *", Some("Mars/Base")).unwrap_err().contains("Mars/Base"));
    }
}
