//! This is the time of observation: what the clock says, but never earlier than what was observed before.

use crate::run::Instant;

/// Where the time comes from. The commands read the system's clock; tests bring their own.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Instant;
}

/// Gives each observation a later instant than the one before, also when the clock goes backwards:
/// the order of snapshots, and every question "as known on", depend on it.
pub(super) struct Observations<'a> {
    clock: &'a dyn Clock,
    last: Option<Instant>,
}

impl<'a> Observations<'a> {
    /// Goes on after the last instant that the archive holds.
    pub(super) fn after(last: Option<Instant>, clock: &'a dyn Clock) -> Observations<'a> {
        Observations { clock, last }
    }

    /// The instant of the next observation.
    pub(super) fn next(&mut self) -> Instant {
        let now = self.clock.now();
        let instant = self.last.map_or(now, |last| now.max(last.next()));
        self.last = Some(instant);
        instant
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
    fn observations_go_forward_when_the_clock_does_not() {
        let at = |text| Instant::parse(text).unwrap();
        let clock = ManualClock(Cell::new(at("2026-01-01T10:00:00Z")));
        let mut observations = Observations::after(Some(at("2026-01-01T12:00:00Z")), &clock);
        assert_eq!(observations.next(), at("2026-01-01T12:00:00.000001Z"));
        assert_eq!(observations.next(), at("2026-01-01T12:00:00.000002Z"));
        clock.0.set(at("2026-01-01T13:00:00Z"));
        assert_eq!(observations.next(), at("2026-01-01T13:00:00Z"));
    }
}
