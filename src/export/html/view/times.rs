//! Duration and queue time by week, as charts and as tables.

use super::{DataTable, ViewBuilder};
use crate::export::html::chart::{Column, ColumnChart, ColumnFrame, ColumnPeriod, HEIGHT};
use crate::export::html::scale::{Scale, Unit};
use crate::report::overview::calendar::monday;
use crate::report::overview::{Percentiles, Series, Times};

/// A time of runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeMeasure {
    /// The id of its chart.
    id: &'static str,
    title: &'static str,
    percentiles: fn(&Times) -> Percentiles,
}

/// From start to end.
pub(super) const DURATION: TimeMeasure =
    TimeMeasure { id: "took", title: "Duration of runs by week", percentiles: |times| times.duration };

/// From creation to start.
pub(super) const QUEUE_TIME: TimeMeasure =
    TimeMeasure { id: "waited", title: "Queue time of runs by week", percentiles: |times| times.queued };

impl ViewBuilder<'_> {
    /// The chart of a time: the median in front of the 95th percentile. `None`: no time is known.
    pub(super) fn times(&self, measure: TimeMeasure, weeks: &Series<Times>) -> Option<ColumnChart> {
        let column = |week: i32| {
            let times = (measure.percentiles)(weeks.get(week)?);
            let (p50, p95) = (times.p50?, times.p95?);
            Some(Column { values: vec![p95.units(), p50.units()], title: self.week_words(week, times)? })
        };
        let columns: Vec<Option<Column>> = self.range.weeks().map(column).collect();
        let max = columns.iter().flatten().flat_map(|column| &column.values).max()?;
        let frame = ColumnFrame {
            id: measure.id,
            title: self.text(measure.title),
            description: self.text(
                "One column per week: the lower part is the median, the full column the 95th percentile.",
            ),
            periods: (ColumnPeriod::Week, self.range.weeks.0),
            classes: &["p95", "p50"],
            mark_height: HEIGHT,
        };
        Some(ColumnChart::new(frame, Scale::new(Unit::Time, 0, *max.max(&0)), &columns, self.language()))
    }

    pub(super) fn times_table(&self, measure: TimeMeasure) -> DataTable {
        let weeks = self.overview.all.weeks.iter().filter(|(week, _)| self.range.has_week(*week));
        let rows = weeks.map(|(week, times)| {
            let Percentiles { runs, p50, p95 } = (measure.percentiles)(times);
            let cells = vec![self.numbers.count(runs), self.numbers.seconds(p50), self.numbers.seconds(p95)];
            (self.range.week(*week), cells)
        });
        DataTable {
            id: measure.id,
            summary: self.language().page("Weeks as a table"),
            caption: self.text(measure.title),
            headings: ["Week", "Runs", "Median", "95th percentile"]
                .map(|heading| self.language().page(heading))
                .to_vec(),
            rows: rows.collect(),
        }
    }

    /// The latest week of the chart with a known time. `None`: no time is known.
    pub(super) fn latest_week(&self, measure: TimeMeasure, weeks: &Series<Times>) -> Option<String> {
        let weeks = weeks.iter().rev().filter(|(week, _)| self.range.has_week(*week));
        weeks
            .map(|(week, times)| self.week_words(*week, (measure.percentiles)(times)))
            .find_map(|words| words)
    }

    /// The note about weeks that are not in the charts.
    pub(super) fn weeks_note(&self) -> Option<String> {
        let (first, last) = self.range.weeks;
        let label = if first > last { String::new() } else { self.range.week(last) };
        self.later_note(self.runs_after(monday(last) + 6), &label)
    }

    /// The times of a week in words. `None`: they are not known.
    fn week_words(&self, week: i32, times: Percentiles) -> Option<String> {
        Some(self.filled(
            "{week}: half of {runs} runs within {p50}, 95% within {p95}",
            &[
                ("week", &self.range.week(week)),
                ("runs", &self.numbers.whole(times.runs)),
                ("p50", &self.numbers.duration(times.p50?.units())),
                ("p95", &self.numbers.duration(times.p95?.units())),
            ],
        ))
    }
}
