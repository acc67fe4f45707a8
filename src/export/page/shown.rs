//! This is the stretch of time that the page draws: which months, weeks and days, and what they are called.

use crate::report::overview::Overview;
use crate::report::overview::calendar::{month_label, week_label};
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
    /// All that have runs, or the latest of them.
    pub fn of(overview: &Overview) -> Shown {
        let ends = |ends: Option<(i32, i32)>, most: i32| {
            let (first, last) = ends.unwrap_or((0, -1));
            (first.max(last.saturating_sub(most - 1)), last)
        };
        let (all, focus) = (&overview.all, overview.focus.as_ref());
        let months = match (all.months.ends(), focus) {
            (Some((first, last)), Some(focus)) => Some((first, last.max(focus.month))),
            (ends, _) => ends,
        };
        Shown {
            months: ends(months, MONTHS),
            weeks: ends(all.weeks.ends(), WEEKS),
            days: ends(all.days.ends(), DAYS),
            zone: overview.scope.zone,
        }
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
