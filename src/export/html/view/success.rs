//! The success rate by month, as a chart and as a table.

use super::{DataTable, ViewBuilder};
use crate::export::html::chart::{ColumnChart, ColumnPeriod, Segment};
use crate::export::html::scale::{Scale, Unit};

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
                    title: self.filled(
                        "{month}: {share} of {runs} ended runs succeeded",
                        &[
                            ("month", &self.range.month(month)),
                            ("share", &self.numbers.percent(rate)),
                            ("runs", &self.numbers.whole(sums.ended())),
                        ],
                    ),
                });
                segment.into_iter().collect()
            })
            .collect();
        let min = columns.iter().flatten().map(|segment| segment.from).min()?;
        let scale = Scale::new(Unit::Share, min.min(990_000), 1_000_000);
        let (title, description) = (self.text("Success rate by month"), self.text("One line per month."));
        let first = self.range.months.0;
        Some(ColumnChart::new(
            "success",
            title,
            description,
            (ColumnPeriod::Month, first),
            scale,
            &columns,
            self.language(),
        ))
    }

    pub(super) fn success_table(&self) -> DataTable {
        let rows = self.range.months().map(|month| {
            let sums = self.sums(month);
            let counts = [sums.ended(), sums.succeeded, sums.failed, sums.canceled];
            let counts = counts.map(|count| self.numbers.count(count));
            let mut cells = counts.to_vec();
            cells.push(self.numbers.share(sums.success_rate()));
            (self.range.month(month), cells)
        });
        DataTable {
            id: "success",
            summary: self.language().page("Success rate by month as a table"),
            caption: self.text("Ended runs by month"),
            headings: ["Month", "Ended", "Succeeded", "Failed", "Canceled", "Success rate"]
                .map(|heading| self.language().page(heading))
                .to_vec(),
            rows: rows.collect(),
        }
    }
}
