//! A pipeline's schedule: a cron expression in a time zone.

use super::period::Day;
use crate::run::Instant;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::{Cron, Direction};
use std::str::FromStr;

/// A cron expression in a time zone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schedule {
    expression: String,
    cron: Cron,
    zone: Tz,
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
        Ok(Schedule { expression: expression.to_owned(), cron, zone })
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
        let until = until.to_utc();
        self.times_from(from).take_while(|time| *time < until).count() as u64
    }

    /// The number of trigger times on each of the days, which follow each other.
    pub(super) fn count_by_day(&self, days: &[Day]) -> Vec<u64> {
        let mut counts = vec![0; days.len()];
        let Some(first) = days.first() else { return counts };
        let ends: Vec<DateTime<Utc>> = days.iter().map(|day| day.until.to_utc()).collect();
        let mut day = 0;
        for time in self.times_from(first.from) {
            while ends.get(day).is_some_and(|end| *end <= time) {
                day += 1;
            }
            match counts.get_mut(day) {
                Some(count) => *count += 1,
                None => break,
            }
        }
        counts
    }

    /// The trigger times at or after `from`.
    fn times_from(&self, from: Instant) -> impl Iterator<Item = DateTime<Utc>> {
        let from = from.to_utc();
        // Cron expressions have a resolution of one second.
        let from = match from.timestamp_subsec_nanos() {
            0 => from,
            nanos => from + TimeDelta::nanoseconds(1_000_000_000 - i64::from(nanos)),
        };
        let times = self.cron.iter_from(from.with_timezone(&self.zone), Direction::Forward);
        times.map(|time| time.with_timezone(&Utc))
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

    #[test]
    fn an_invalid_expression_or_zone_is_named_in_the_error() {
        assert!(Schedule::new("rate(5 minutes)", None).unwrap_err().starts_with("rate(5 minutes): "));
        assert!(Schedule::new("0 3 * * *", Some("Mars/Base")).unwrap_err().contains("Mars/Base"));
    }
}
