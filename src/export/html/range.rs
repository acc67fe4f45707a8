//! This is the stretch of time that the page draws: which months, weeks and days, and what they are called.

use crate::report::overview::calendar::{DateIndex, month_label, week_label};
use crate::report::overview::{Overview, Series};
use crate::run::Instant;
use chrono_tz::Tz;

/// The most months, weeks and days that are drawn: five years, three years, and three years.
const MONTHS: i32 = 60;
const WEEKS: i32 = 157;
const DAYS: i32 = 1097;

/// The months, weeks and days that are drawn: the first and the last of each.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    /// Months by their numbers.
    pub months: (i32, i32),
    /// Weeks by their numbers.
    pub weeks: (i32, i32),
    /// Days by their numbers.
    pub days: (i32, i32),
    /// The zone that instants are told in.
    pub zone: Tz,
}

impl Shown {
    /// All that have runs, or the latest of them; with the month that comes first, and at most a month, a week or a day
    /// after the last observation, so that one run far in the future does not push all others out.
    pub fn of(overview: &Overview) -> Shown {
        let (all, zone) = (&overview.all, overview.scope.zone);
        let focus = overview.headline_month.as_ref().map(|focus| focus.month);
        // A span that begins after all that is known has nothing but such runs.
        let known = overview.known_at.filter(|_| focus.is_some());
        let known = known.and_then(|known_at| DateIndex::new(zone).numbers_of(known_at.as_str()));
        Shown {
            months: stretch(&all.months, MONTHS, known.map(|known| known.month), focus),
            weeks: stretch(&all.weeks, WEEKS, known.map(|known| known.week), None),
            days: stretch(&all.days, DAYS, known.map(|known| known.day), None),
            zone,
        }
    }

    /// Whether the month is drawn.
    pub fn has_month(self, month: i32) -> bool {
        (self.months.0..=self.months.1).contains(&month)
    }

    /// Whether the week is drawn.
    pub fn has_week(self, week: i32) -> bool {
        (self.weeks.0..=self.weeks.1).contains(&week)
    }

    /// Whether the day is drawn.
    pub fn has_day(self, day: i32) -> bool {
        (self.days.0..=self.days.1).contains(&day)
    }

    /// The months' numbers.
    pub fn months(self) -> impl DoubleEndedIterator<Item = i32> {
        self.months.0..=self.months.1
    }

    /// The weeks' numbers.
    pub fn weeks(self) -> impl DoubleEndedIterator<Item = i32> {
        self.weeks.0..=self.weeks.1
    }

    /// The months' names.
    pub fn month_labels(self) -> Vec<String> {
        self.months().map(month_label).collect()
    }

    /// The weeks' names.
    pub fn week_labels(self) -> Vec<String> {
        self.weeks().map(week_label).collect()
    }

    /// An instant to the minute, in the zone of the page.
    pub fn told(self, at: Instant) -> String {
        at.to_utc().with_timezone(&self.zone).format("%Y-%m-%d %H:%M %Z").to_string()
    }
}

/// The first and the last that are drawn: from the first with a run among the `most` latest, up to one after `known`,
/// `kept` among them. The last is before the first where there are none.
fn stretch<T>(figures: &Series<T>, most: i32, known: Option<i32>, kept: Option<i32>) -> (i32, i32) {
    let limit = known.map_or(i32::MAX, |known| known.saturating_add(1));
    let numbers = || figures.iter().map(|(number, _)| *number).filter(|number| *number <= limit);
    let Some(last) = numbers().next_back().max(kept) else { return (0, -1) };
    let first = numbers().find(|number| *number > last.saturating_sub(most)).unwrap_or(last);
    (kept.map_or(first, |kept| first.min(kept)), last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: &[i32], known: Option<i32>, kept: Option<i32>) -> (i32, i32) {
        stretch(&numbers.iter().map(|number| (*number, ())).collect(), 10, known, kept)
    }

    #[test]
    fn what_is_drawn_begins_with_a_run_and_ends_with_what_is_known() {
        assert_eq!(
            of(&[1, 95, 97, 100], Some(100), Some(100)),
            (95, 100),
            "an old one does not squeeze the others"
        );
        assert_eq!(
            of(&[95, 97, 101, 102, 900], Some(100), Some(100)),
            (95, 101),
            "a late one does not push them out"
        );
        assert_eq!(of(&[1, 900], Some(100), Some(100)), (100, 100), "the month that comes first is drawn");
        assert_eq!(of(&[101], Some(100), Some(100)), (100, 101));
        assert_eq!(of(&[900], Some(100), None), (0, -1));
        assert_eq!(of(&[900, 905], None, None), (900, 905));
        assert_eq!(of(&[i32::MIN, i32::MAX], None, None), (i32::MAX, i32::MAX));
    }
}
