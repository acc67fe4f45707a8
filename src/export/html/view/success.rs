//! The success rate by month, as a chart and as a table.

use super::{DataTable, ViewBuilder};
use crate::export::html::chart::{ColumnChart, ColumnPeriod, Segment};
use crate::export::html::number::{Number, format_percent, group_thousands};
use crate::export::html::scale::{Scale, Unit};
use crate::report::overview::calendar::month_label;

impl ViewBuilder<'_> {
    pub(super) fn success(&self) -> Option<ColumnChart> {
        let rated = |month: i32| Some((self.sums(month), self.sums(month).success_rate()?));
        let columns: Vec<Vec<Segment>> = self
            .range
            .months()
            .map(|month| {
                let segment = rated(month).map(|(sums, rate)| Segment {
                    from: rate.units(),
                    to: rate.units(),
                    class: "rate",
                    title: format!(
                        "{}: {} of {} ended runs succeeded",
                        month_label(month),
                        format_percent(rate),
                        group_thousands(&sums.ended().to_string())
                    ),
                });
                segment.into_iter().collect()
            })
            .collect();
        let min = columns.iter().flatten().map(|segment| segment.from).min()?;
        let scale = Scale::new(Unit::Share, min.min(990_000), 1_000_000);
        let (title, description) = ("Success rate by month", "One line per month.");
        let first = self.range.months.0;
        Some(ColumnChart::new("success", title, description, (ColumnPeriod::Month, first), scale, &columns))
    }

    pub(super) fn success_table(&self) -> DataTable {
        let rows = self.range.months().map(|month| {
            let sums = self.sums(month);
            let counts = [sums.ended(), sums.succeeded, sums.failed, sums.canceled].map(Number::count);
            let mut cells = counts.to_vec();
            cells.push(Number::share(sums.success_rate()));
            (month_label(month), cells)
        });
        DataTable {
            id: "success",
            summary: "Success rate by month as a table",
            caption: "Ended runs by month".to_owned(),
            headings: vec!["Month", "Ended", "Succeeded", "Failed", "Canceled", "Success rate"],
            rows: rows.collect(),
        }
    }
}
