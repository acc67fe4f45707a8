//! The clock, and strictly increasing instants of observation.

use crate::error::{Error, Result};
use crate::run::Instant;
use chrono::TimeDelta;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A source of the current time. Commands use [`SystemClock`], tests a clock of their own.
pub trait Clock {
    /// The current time.
    fn now(&self) -> Instant;
}

/// A clock must be before this. A year is left in the calendar, so that each observation has room after the last.
const CLOCK_END: Instant = Instant::START_OF_9999;

/// Checks that the clock is at a time that this program and its libraries can handle.
///
/// # Errors
/// [`Error::Usage`] when it is before 1970 or after 9998.
pub(crate) fn check_clock(now: Instant) -> Result<()> {
    if (Instant::EPOCH..CLOCK_END).contains(&now) {
        return Ok(());
    }
    Err(Error::Usage {
        what: format!("the system clock is at {now}, which is not in the years 1970 to 9998"),
        hint: Some("set the clock of this machine, then run the command again".to_owned()),
    })
}

/// Gives each observation a later instant than the one before, also when the clock goes backwards. The order of
/// snapshots and every `--as-of` question depend on it.
pub(super) struct Observations<'a> {
    clock: &'a dyn Clock,
    last: Option<Instant>,
    /// The clock at the last observation.
    clock_at: Instant,
}

impl<'a> Observations<'a> {
    /// Continues after the last instant in the archive. `None`: the archive is empty.
    pub(super) fn after(last: Option<Instant>, clock: &'a dyn Clock) -> Observations<'a> {
        Observations { clock, last, clock_at: clock.now() }
    }

    /// Returns the instant of the next observation.
    pub(super) fn next(&mut self) -> Instant {
        self.clock_at = self.clock.now();
        let now = self.clock_at.min(CLOCK_END);
        let instant = self.last.map_or(now, |last| now.max(last.next()));
        self.last = Some(instant);
        instant
    }

    /// The system clock at the last observation. Observations can be ahead of it.
    pub(super) fn clock_at(&self) -> Instant {
        self.clock_at
    }
}

/// The clock of the system. It stops at the ends of the calendar, the years 0 and 9999.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        instant_of(SystemTime::now())
    }
}

fn instant_of(time: SystemTime) -> Instant {
    let span = |span: Duration| TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => Instant::EPOCH.plus(span(after)),
        Err(before) => Instant::EPOCH.plus(-span(before.duration())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    struct ManualClock(Cell<Instant>);

    impl Clock for ManualClock {
        fn now(&self) -> Instant {
            self.0.get()
        }
    }

    #[test]
    fn observations_increase_when_the_clock_does_not() {
        let at = |text| Instant::parse(text).unwrap();
        let clock = ManualClock(Cell::new(at("2026-01-01T10:00:00Z")));
        let mut observations = Observations::after(Some(at("2026-01-01T12:00:00Z")), &clock);
        assert_eq!(observations.next(), at("2026-01-01T12:00:00.000001Z"));
        assert_eq!(observations.next(), at("2026-01-01T12:00:00.000002Z"));
        clock.0.set(at("2026-01-01T13:00:00Z"));
        assert_eq!(observations.next(), at("2026-01-01T13:00:00Z"));
    }

    #[test]
    fn the_system_clock_stops_at_the_ends_of_the_calendar() {
        let year = Duration::from_secs(366 * 24 * 60 * 60);
        for (time, instant) in [
            (UNIX_EPOCH, "1970-01-01T00:00:00.000000Z"),
            (UNIX_EPOCH + Duration::from_nanos(1_795_449_600_123_456_789), "2026-11-23T16:00:00.123456Z"),
            (UNIX_EPOCH - Duration::from_millis(1500), "1969-12-31T23:59:58.500000Z"),
            (UNIX_EPOCH + 8_030 * year, "9999-12-31T23:59:59.999999Z"),
            (UNIX_EPOCH + Duration::from_secs(i64::MAX as u64), "9999-12-31T23:59:59.999999Z"),
            (UNIX_EPOCH - 2_000 * year, "0000-01-01T00:00:00.000000Z"),
        ] {
            assert_eq!(instant_of(time).as_str(), instant);
        }
    }

    #[test]
    fn a_clock_outside_of_the_years_1970_to_9998_is_refused() {
        let at = |text| Instant::parse(text).unwrap();
        for text in ["1970-01-01T00:00:00Z", "2026-11-23T16:00:00Z", "9998-12-31T23:59:59Z"] {
            assert!(check_clock(at(text)).is_ok(), "{text}");
        }
        for text in
            ["1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
        {
            let error = check_clock(at(text)).unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().contains(&text[..10]), "{error}");
        }
    }

    #[test]
    fn observations_have_room_after_a_clock_at_the_end_of_the_calendar() {
        let clock = ManualClock(Cell::new(Instant::MAX));
        let mut observations = Observations::after(None, &clock);
        let first = observations.next();
        assert!(observations.next() > first);
        assert_eq!(observations.clock_at(), Instant::MAX);
    }
}
