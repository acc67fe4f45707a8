//! The sections of duration and queue time by week.

use super::{DataTable, ViewBuilder};
use crate::export::html::chart::{Column, ColumnChart, ColumnPeriod, Segment, Tooltips};
use crate::export::html::scale::{Scale, Unit};
use crate::report::overview::calendar::monday;
use crate::report::overview::{Percentiles, Series, Times};
use crate::run::Seconds;
use askama::Template;

/// The section of a time by week.
#[derive(Debug, Template)]
#[template(path = "times.html")]
pub(super) struct TimesSection {
    id: &'static str,
    heading: &'static str,
    /// The latest week with a known time.
    summary: Option<String>,
    explanation: &'static str,
    /// `None`: no time is known.
    chart: Option<ColumnChart>,
    /// `None`: the section is about a selection.
    table: Option<DataTable>,
    empty: &'static str,
    note: Option<String>,
}

/// What a section measures.
struct Measure {
    id: &'static str,
    heading: &'static str,
    title: &'static str,
    explanation: &'static str,
    empty: &'static str,
    percentiles: fn(&Times) -> Percentiles,
}

const DURATION: Measure = Measure {
    id: "took",
    heading: "Duration",
    title: "Duration of runs by week",
    explanation: "By week. The lower part of a column is the median, the full column the 95th percentile.",
    empty: "No known duration in the weeks shown.",
    percentiles: |times| times.duration,
};

const QUEUE_TIME: Measure = Measure {
    id: "waited",
    heading: "Queue time",
    title: "Queue time of runs by week",
    explanation: "From creation to start, by week. The lower part of a column is the median, the full column the 95th percentile.",
    empty: "No known queue time in the weeks shown.",
    percentiles: |times| times.queued,
};

impl ViewBuilder<'_> {
    /// The durations of all runs.
    pub(super) fn durations(&self) -> TimesSection {
        self.times_section(&DURATION)
    }

    /// The queue times of all runs.
    pub(super) fn queue_times(&self) -> TimesSection {
        self.times_section(&QUEUE_TIME)
    }

    /// The durations of a selection. `None`: they are not known by week.
    pub(super) fn durations_of(&self, weeks: &Series<Times>) -> Option<TimesSection> {
        weeks.ends().map(|_| self.times_chart(&DURATION, weeks, Tooltips::Omitted))
    }

    fn times_section(&self, measure: &Measure) -> TimesSection {
        TimesSection {
            table: Some(self.times_table(measure)),
            note: self.weeks_note(),
            ..self.times_chart(measure, &self.overview.all.weeks, Tooltips::Shown)
        }
    }

    fn times_chart(&self, measure: &Measure, weeks: &Series<Times>, tooltips: Tooltips) -> TimesSection {
        let words = |english| self.language().page(english);
        TimesSection {
            id: measure.id,
            heading: words(measure.heading),
            summary: self.latest_week(weeks, measure.percentiles),
            explanation: words(measure.explanation),
            chart: self.times(measure, weeks, tooltips),
            table: None,
            empty: words(measure.empty),
            note: None,
        }
    }

    fn times(&self, measure: &Measure, weeks: &Series<Times>, tooltips: Tooltips) -> Option<ColumnChart> {
        let columns: Vec<Column> = self
            .range
            .weeks()
            .map(|week| {
                let times = weeks.get(week).map(measure.percentiles);
                let known = times.and_then(|times| Some((times.runs, times.p50?, times.p95?)));
                known.map_or_else(Column::default, |known| self.column(week, known, tooltips))
            })
            .collect();
        let ends = || columns.iter().flat_map(|column| &column.segments).map(|segment| segment.to);
        let (min, max) = (ends().min()?.min(0), ends().max()?);
        let scale = Scale::new(Unit::Time, min, max);
        let description = self
            .text("One column per week: the lower part is the median, the full column the 95th percentile.");
        let first = self.range.weeks.0;
        Some(ColumnChart::new(
            measure.id,
            self.text(measure.title),
            description,
            (ColumnPeriod::Week, first),
            scale,
            columns,
            self.language(),
        ))
    }

    fn times_table(&self, measure: &Measure) -> DataTable {
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

    /// The note about weeks that are not in the charts.
    fn weeks_note(&self) -> Option<String> {
        let (first, last) = self.range.weeks;
        let label = if first > last { String::new() } else { self.range.week(last) };
        self.later_note(self.runs_after(monday(last) + 6), &label)
    }

    /// The column of a week: the median in front of the 95th percentile.
    fn column(&self, week: i32, (runs, p50, p95): (u64, Seconds, Seconds), tooltips: Tooltips) -> Column {
        let segment = |to: Seconds, class| Segment { from: 0, to: to.units(), class };
        Column {
            segments: vec![segment(p95, "p95"), segment(p50, "p50")],
            title: match tooltips {
                Tooltips::Shown => self.week_times(week, runs, p50, p95),
                Tooltips::Omitted => String::new(),
            },
        }
    }

    /// The latest week of the chart with a known time.
    fn latest_week(&self, weeks: &Series<Times>, percentiles: fn(&Times) -> Percentiles) -> Option<String> {
        let weeks = weeks.iter().rev().filter(|(week, _)| self.range.has_week(*week));
        let mut known = weeks.filter_map(|(week, times)| {
            let Percentiles { runs, p50, p95 } = percentiles(times);
            Some((*week, runs, p50?, p95?))
        });
        let (week, runs, p50, p95) = known.next()?;
        Some(self.week_times(week, runs, p50, p95))
    }

    fn week_times(&self, week: i32, runs: u64, p50: Seconds, p95: Seconds) -> String {
        self.filled(
            "{week}: half of {runs} runs within {p50}, 95% within {p95}",
            &[
                ("week", &self.range.week(week)),
                ("runs", &self.numbers.whole(runs)),
                ("p50", &self.numbers.duration(p50.units())),
                ("p95", &self.numbers.duration(p95.units())),
            ],
        )
    }
}
