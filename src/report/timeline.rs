//! Values that apply from a day on.

use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// Values by the first day on which each applies, until the next one. `None` comes before every day: the value applies
/// from the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline<T>(BTreeMap<Option<NaiveDate>, T>);

impl<T> Default for Timeline<T> {
    /// No value at any time.
    fn default() -> Timeline<T> {
        Timeline(BTreeMap::new())
    }
}

impl<T> Timeline<T> {
    /// One value at all times.
    pub fn always(value: T) -> Timeline<T> {
        Timeline(BTreeMap::from([(None, value)]))
    }

    /// Adds a value. Returns whether no other value applies from that day.
    #[must_use]
    pub fn insert(&mut self, from: Option<NaiveDate>, value: T) -> bool {
        self.0.insert(from, value).is_none()
    }

    /// The value in force on a day; for `None`, the one from the beginning. `None`: there is none.
    pub(crate) fn on(&self, day: Option<NaiveDate>) -> Option<&T> {
        self.0.range(..=day).next_back().map(|(_, value)| value)
    }

    /// The values with the days from which they apply, the earliest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Option<NaiveDate>, &T)> {
        self.0.iter().map(|(from, value)| (*from, value))
    }

    /// These values, each completed by the one of `base` that is in force at the same time.
    pub(crate) fn over(&self, base: &Timeline<T>, complete: impl Fn(&T, &T) -> T) -> Timeline<T>
    where
        T: Clone,
    {
        let days: BTreeSet<Option<NaiveDate>> = self.0.keys().chain(base.0.keys()).copied().collect();
        let values = days.into_iter().filter_map(|day| {
            let value = match (self.on(day), base.on(day)) {
                (Some(own), Some(base)) => complete(own, base),
                (own, base) => own.or(base)?.clone(),
            };
            Some((day, value))
        });
        Timeline(values.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Option<NaiveDate> {
        Some(text.parse().unwrap())
    }

    fn timeline(entries: &[(Option<&str>, u32)]) -> Timeline<u32> {
        let mut timeline = Timeline::default();
        for (from, value) in entries {
            assert!(timeline.insert(from.and_then(day), *value));
        }
        timeline
    }

    #[test]
    fn the_value_of_the_latest_day_that_has_begun_is_in_force() {
        let timeline = timeline(&[(Some("2026-10-01"), 3), (None, 1), (Some("2026-02-15"), 2)]);
        for (on, value) in
            [("2026-02-14", 1), ("2026-02-15", 2), ("2026-09-30", 2), ("2026-10-01", 3), ("2027-01-01", 3)]
        {
            assert_eq!(timeline.on(day(on)), Some(&value), "{on}");
        }
        assert_eq!(timeline.on(None), Some(&1));
        assert_eq!(Timeline::<u32>::default().on(day("2026-01-01")), None);
    }

    #[test]
    fn two_values_from_the_same_day_are_reported() {
        let mut timeline = Timeline::always(1);
        assert!(timeline.insert(day("2026-01-01"), 2));
        assert!(!timeline.insert(day("2026-01-01"), 3));
        assert!(!timeline.insert(None, 4));
    }

    #[test]
    fn a_timeline_is_completed_by_what_is_in_force_at_the_same_time() {
        let own = timeline(&[(Some("2026-03-01"), 10), (Some("2026-06-01"), 20)]);
        let base = timeline(&[(None, 1), (Some("2026-04-01"), 2)]);
        let sum = own.over(&base, |own, base| own + base);
        let expected =
            [(None, 1), (Some("2026-03-01"), 11), (Some("2026-04-01"), 12), (Some("2026-06-01"), 22)];
        assert_eq!(sum, timeline(&expected));
    }
}
