//! Duration and queue time by week, as charts and as tables.

use super::{DataTable, ViewBuilder};
use crate::export::html::chart::{ColumnChart, ColumnPeriod, Segment};
use crate::export::html::scale::{Scale, Unit};
use crate::report::overview::calendar::monday;
use crate::report::overview::{Percentiles, Times};
use crate::run::Seconds;

impl ViewBuilder<'_> {
    pub(super) fn times(
        &self,
        id: &'static str,
        title: &str,
        percentiles: fn(&Times) -> Percentiles,
    ) -> Option<ColumnChart> {
        let weeks = &self.overview.all.weeks;
        let columns: Vec<Vec<Segment>> = self
            .range
            .weeks()
            .map(|week| {
                let times = weeks.get(week).map(percentiles);
                let known = times.and_then(|times| Some((times.runs, times.p50?, times.p95?)));
                known.map_or_else(Vec::new, |(runs, p50, p95)| self.column(week, runs, p50, p95))
            })
            .collect();
        let max = columns.iter().flatten().map(|segment| segment.to).max()?;
        let min = columns.iter().flatten().map(|segment| segment.to).min()?.min(0);
        let scale = Scale::new(Unit::Time, min, max);
        let description = self
            .text("One column per week: the lower part is the median, the full column the 95th percentile.");
        let first = self.range.weeks.0;
        Some(ColumnChart::new(
            id,
            title,
            description,
            (ColumnPeriod::Week, first),
            scale,
            &columns,
            self.language(),
        ))
    }

    pub(super) fn times_table(
        &self,
        id: &'static str,
        title: &str,
        percentiles: fn(&Times) -> Percentiles,
    ) -> DataTable {
        let weeks = self.overview.all.weeks.iter().filter(|(week, _)| self.range.has_week(*week));
        let rows = weeks.map(|(week, times)| {
            let Percentiles { runs, p50, p95 } = percentiles(times);
            let cells = vec![self.numbers.count(runs), self.numbers.seconds(p50), self.numbers.seconds(p95)];
            (self.range.week(*week), cells)
        });
        DataTable {
            id,
            summary: self.language().page("Weeks as a table"),
            caption: title.to_owned(),
            headings: ["Week", "Runs", "Median", "95th percentile"]
                .map(|heading| self.language().page(heading))
                .to_vec(),
            rows: rows.collect(),
        }
    }

    /// The note about weeks that are not in the charts.
    pub(super) fn weeks_note(&self) -> Option<String> {
        let (first, last) = self.range.weeks;
        let label = if first > last { String::new() } else { self.range.week(last) };
        self.later_note(self.runs_after(monday(last) + 6), &label)
    }

    /// The column of a week: the median in front of the 95th percentile.
    fn column(&self, week: i32, runs: u64, p50: Seconds, p95: Seconds) -> Vec<Segment> {
        let title = self.filled(
            "{week}: half of {runs} runs within {p50}, 95% within {p95}",
            &[
                ("week", &self.range.week(week)),
                ("runs", &self.numbers.whole(runs)),
                ("p50", &self.numbers.duration(p50.units())),
                ("p95", &self.numbers.duration(p95.units())),
            ],
        );
        let segment = |to: i128, class: &'static str| Segment { from: 0, to, class, title: title.clone() };
        vec![segment(p95.units(), "p95"), segment(p50.units(), "p50")]
    }
}
