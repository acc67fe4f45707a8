//! The success rate by month, as a chart and as a table.

use super::{DataTable, ViewBuilder};
use crate::export::html::chart::{Column, ColumnChart, ColumnFrame, ColumnPeriod};
use crate::export::html::scale::{Scale, Unit};
use crate::report::overview::{Series, Sums};

/// The height of a mark, in pixels.
const MARK_HEIGHT: u32 = 3;

impl ViewBuilder<'_> {
    /// The chart of the success rate by month. `None`: no run has ended.
    pub(super) fn success(&self, months: &Series<Sums>) -> Option<ColumnChart> {
        let column = |month: i32| {
            let sums = months.get(month)?;
            let rate = sums.success_rate()?;
            let title = self.filled(
                "{month}: {share} of {runs} ended runs succeeded",
                &[
                    ("month", &self.range.month(month)),
                    ("share", &self.numbers.percent(rate)),
                    ("runs", &self.numbers.whole(sums.ended())),
                ],
            );
            Some(Column { values: vec![rate.units()], title })
        };
        let columns: Vec<Option<Column>> = self.range.months().map(column).collect();
        let min = columns.iter().flatten().flat_map(|column| &column.values).min()?;
        let scale = Scale::new(Unit::Share, *min.min(&990_000), 1_000_000);
        let frame = ColumnFrame {
            id: "success",
            title: self.text("Success rate by month"),
            description: self.text("One line per month."),
            periods: (ColumnPeriod::Month, self.range.months.0),
            classes: &["rate"],
            mark_height: MARK_HEIGHT,
        };
        Some(ColumnChart::new(frame, scale, &columns, self.language()))
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
