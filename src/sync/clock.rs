//! The clock, and strictly increasing instants of observation.

use crate::run::Instant;
use chrono::Utc;

/// A source of the current time. Commands use [`SystemClock`], tests a clock of their own.
pub trait Clock {
    /// The current time.
    fn now(&self) -> Instant;
}

/// Gives each observation a later instant than the one before, also when the clock goes backwards. The order of
/// snapshots and every `--as-of` question depend on it.
pub(super) struct Observations<'a> {
    clock: &'a dyn Clock,
    last: Option<Instant>,
}

impl<'a> Observations<'a> {
    /// Continues after the last instant in the archive. `None`: the archive is empty.
    pub(super) fn after(last: Option<Instant>, clock: &'a dyn Clock) -> Observations<'a> {
        Observations { clock, last }
    }

    /// Returns the instant of the next observation.
    pub(super) fn next(&mut self) -> Instant {
        let now = self.clock.now();
        let instant = self.last.map_or(now, |last| now.max(last.next()));
        self.last = Some(instant);
        instant
    }
}

/// The clock of the system.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::from_utc(Utc::now()).expect("the year has four digits")
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
}
