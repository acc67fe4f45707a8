//! The range of months, weeks and days that the charts show.

use crate::language::Language;
use crate::report::overview::calendar::{DateIndex, day_label, month_label, week_label};
use crate::report::overview::{Overview, Series};
use crate::run::Instant;
use chrono::NaiveDate;
use chrono_tz::Tz;

/// The maximum numbers of months, weeks and days: five years, three years, and three years.
const MAX_MONTHS: i32 = 60;
const MAX_WEEKS: i32 = 157;
const MAX_DAYS: i32 = 1097;

/// The number of months that the dashboard charts: a year, and the month that they are compared with.
const DASHBOARD_MONTHS: i32 = 13;

/// The first and last month, week and day of the charts, by their numbers. The last is before the
/// first if there are none.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChartRange {
    /// The months.
    pub months: (i32, i32),
    /// The weeks.
    pub weeks: (i32, i32),
    /// The days.
    pub days: (i32, i32),
    /// The month that the page leads with. `None`: there is none.
    pub headline: Option<i32>,
    /// The time zone of the page.
    pub zone: Tz,
    /// The language of the page.
    pub language: Language,
}

impl ChartRange {
    /// The latest periods with runs, always including the headline month. They end at most one
    /// month, week or day after the last observation. Otherwise a single run far in the future
    /// would displace all others.
    pub(super) fn new(overview: &Overview, language: Language) -> ChartRange {
        let (all, zone) = (&overview.all, overview.scope.zone);
        let headline = overview.headline_month.as_ref().map(|headline| headline.month);
        // Without a headline month, every run is after the last observation, so there is no limit.
        let known = overview.known_at.filter(|_| headline.is_some());
        let known = known.and_then(|known_at| DateIndex::new(zone).numbers_of(known_at.as_str()));
        ChartRange {
            months: bounds(&all.months, MAX_MONTHS, known.map(|known| known.month), headline),
            weeks: bounds(&all.weeks, MAX_WEEKS, known.map(|known| known.week), None),
            days: bounds(&all.days, MAX_DAYS, known.map(|known| known.day), None),
            headline,
            zone,
            language,
        }
    }

    /// Whether the charts show the week.
    pub(super) fn has_week(self, week: i32) -> bool {
        (self.weeks.0..=self.weeks.1).contains(&week)
    }

    /// Whether the charts show the day.
    pub(super) fn has_day(self, day: i32) -> bool {
        (self.days.0..=self.days.1).contains(&day)
    }

    /// The numbers of the months.
    pub(super) fn months(self) -> impl DoubleEndedIterator<Item = i32> {
        self.months.0..=self.months.1
    }

    /// The numbers of the weeks.
    pub(super) fn weeks(self) -> impl DoubleEndedIterator<Item = i32> {
        self.weeks.0..=self.weeks.1
    }

    /// The months of the dashboard: the latest, at most thirteen, always with the headline month.
    pub(super) fn dashboard(self) -> impl DoubleEndedIterator<Item = i32> {
        let first = self.months.1.saturating_sub(DASHBOARD_MONTHS - 1).min(self.headline.unwrap_or(i32::MAX));
        first.max(self.months.0)..=self.months.1
    }

    /// `October`, or `outubro`.
    pub(super) fn month_word(self, month: i32) -> &'static str {
        self.language.month_name(month.rem_euclid(12) as u32 + 1).unwrap_or_default()
    }

    /// `October 2026`, or `outubro de 2026`.
    pub(super) fn month_name(self, month: i32) -> String {
        self.language.period(&month_label(month))
    }

    /// `Oct 2026`, or `out 2026`.
    pub(super) fn short_month(self, month: i32) -> String {
        let word: String = self.month_word(month).chars().take(3).collect();
        format!("{word} {}", month.div_euclid(12))
    }

    /// `27 Nov 2026`, or `27/11/2026`.
    pub(super) fn long_day(self, day: NaiveDate) -> String {
        match self.language {
            Language::English => day.format("%-d %b %Y").to_string(),
            Language::Portuguese => self.language.day(day),
        }
    }

    /// `27 Nov`, or `27/11`.
    pub(super) fn short_day(self, day: i32) -> String {
        let day = NaiveDate::from_num_days_from_ce_opt(day);
        day.map_or_else(String::new, |day| self.language.day_of_month(day))
    }

    /// `27 Nov 2026, 09:06`, or `27/11/2026 09:06`, in the time zone of the page.
    pub(super) fn moment(self, at: Instant) -> String {
        let at = at.to_utc().with_timezone(&self.zone).naive_local();
        match self.language {
            Language::English => at.format("%-d %b %Y, %H:%M").to_string(),
            Language::Portuguese => self.language.moment(at),
        }
    }

    /// `27 Nov, 09:06`, or `27/11 09:06`, in the time zone of the page.
    pub(super) fn short_moment(self, at: Instant) -> String {
        let at = at.to_utc().with_timezone(&self.zone).naive_local();
        match self.language {
            Language::English => at.format("%-d %b, %H:%M").to_string(),
            Language::Portuguese => at.format("%d/%m %H:%M").to_string(),
        }
    }

    /// The name of a month: `2026-10`, or `outubro de 2026`.
    pub(super) fn month(self, month: i32) -> String {
        self.period(&month_label(month))
    }

    /// The name of a week: `2026-W47`, or `semana 47 de 2026`.
    pub(super) fn week(self, week: i32) -> String {
        self.period(&week_label(week))
    }

    /// A day: `2026-10-31`, or `31/10/2026`.
    pub(super) fn day(self, day: i32) -> String {
        self.period(&day_label(day))
    }

    /// The name of a period by its label. English keeps the label.
    pub(super) fn period(self, label: &str) -> String {
        match self.language {
            Language::English => label.to_owned(),
            Language::Portuguese => self.language.period(label),
        }
    }

    /// Formats an instant to the minute, in the time zone of the page.
    pub(super) fn format_instant(self, at: Instant) -> String {
        let at = at.to_utc().with_timezone(&self.zone);
        format!("{} {}", self.language.moment(at.naive_local()), at.format("%Z"))
    }
}

/// The first and last period of a chart: the latest `max` periods, from the first of them with a
/// run to at most one after `known`. `headline` is always included. The last is before the first if
/// there are none.
fn bounds<T>(series: &Series<T>, max: i32, known: Option<i32>, headline: Option<i32>) -> (i32, i32) {
    let limit = known.map_or(i32::MAX, |known| known.saturating_add(1));
    let numbers = || series.iter().map(|(number, _)| *number).filter(|number| *number <= limit);
    let Some(last) = numbers().next_back().max(headline) else { return (0, -1) };
    let first = numbers().find(|number| *number > last.saturating_sub(max)).unwrap_or(last);
    (headline.map_or(first, |headline| first.min(headline)), last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: &[i32], known: Option<i32>, headline: Option<i32>) -> (i32, i32) {
        bounds(&numbers.iter().map(|number| (*number, ())).collect(), 10, known, headline)
    }

    #[test]
    fn the_range_starts_with_a_run_and_ends_after_the_last_observation() {
        assert_eq!(
            of(&[1, 95, 97, 100], Some(100), Some(100)),
            (95, 100),
            "an old run does not compress the others"
        );
        assert_eq!(
            of(&[95, 97, 101, 102, 900], Some(100), Some(100)),
            (95, 101),
            "a late run does not displace the others"
        );
        assert_eq!(of(&[1, 900], Some(100), Some(100)), (100, 100), "the headline month is included");
        assert_eq!(of(&[101], Some(100), Some(100)), (100, 101));
        assert_eq!(of(&[900], Some(100), None), (0, -1));
        assert_eq!(of(&[900, 905], None, None), (900, 905));
        assert_eq!(of(&[i32::MIN, i32::MAX], None, None), (i32::MAX, i32::MAX));
    }
}
