//! The cost by month, as a stacked chart and as a table.

use super::{DataTable, ViewBuilder, merged};
use crate::report::month_states::legend;
use crate::report::overview::calendar::month_label;
use crate::report::overview::{KINDS, Sums};
use crate::report::table::USD_DECIMALS_FOR_PEOPLE;

impl ViewBuilder<'_> {
    fn has_kind(&self, kind: usize) -> bool {
        self.overview.kinds[kind].total.cost.runs > 0
    }

    pub(super) fn cost_table(&self) -> DataTable {
        let kinds: Vec<usize> = (0..KINDS.len()).filter(|kind| self.has_kind(*kind)).collect();
        let row = |label: String, all: Sums, of_kind: &dyn Fn(usize) -> Sums| {
            let mut cells =
                vec![self.numbers.count(all.cost.runs), self.numbers.count(all.cost.runs_cost_unknown)];
            cells.extend(kinds.iter().map(|kind| self.numbers.usd_exact(of_kind(*kind).cost.total())));
            cells.push(self.numbers.usd_exact(all.cost.total()));
            cells.push(self.numbers.count(all.cost.credits));
            (label, cells)
        };
        let mut rows: Vec<_> = self
            .range
            .months()
            .map(|month| {
                row(self.marked(month), self.sums(month), &|kind| {
                    self.overview.kinds[kind].months.get(month).copied().unwrap_or_default()
                })
            })
            .collect();
        let (first, last) = self.range.months;
        let (is_earlier, is_later) = (|month: i32| month < first, |month: i32| month > last);
        let earlier = merged(&self.overview.all.months, is_earlier);
        if earlier.cost.runs > 0 {
            let label = self.filled("before {month}", &[("month", &self.range.month(first))]);
            rows.insert(
                0,
                row(label, earlier, &|kind| merged(&self.overview.kinds[kind].months, is_earlier)),
            );
        }
        let later = merged(&self.overview.all.months, is_later);
        if later.cost.runs > 0 {
            let label = self.filled("after {month}", &[("month", &self.range.month(last))]);
            rows.push(row(label, later, &|kind| merged(&self.overview.kinds[kind].months, is_later)));
        }
        let unbooked = self.overview.all.unbooked;
        if unbooked.cost.runs > 0 {
            rows.push(row(self.text("no month"), unbooked, &|kind| self.overview.kinds[kind].unbooked));
        }
        let mut headings = vec!["Month", "Runs", "Unknown cost"];
        let kind_headings =
            ["Sources, USD", "Destinations, USD", "Transformations, USD", "No single pipeline, USD"];
        headings.extend(kinds.iter().map(|kind| kind_headings[*kind]));
        headings.extend(["Total, USD", "Credits"]);
        let headings = headings.into_iter().map(|heading| self.language().page(heading)).collect();
        DataTable {
            id: "cost",
            summary: self.language().page("Cost by month as a table"),
            caption: self.text("Cost and credits by month, as in runledger report cost"),
            headings,
            rows,
        }
    }

    /// The label of a month with its mark: `2026-09 ◆` is closed, `2026-11 …` is running.
    fn marked(&self, month: i32) -> String {
        let label = self.range.month(month);
        let mark = self.months.mark(&month_label(month));
        mark.map_or_else(|| label.clone(), |mark| format!("{label} {mark}"))
    }

    /// What the marks mean, what each closed month was closed with, and further notes.
    pub(super) fn month_notes(&self, others: &[String]) -> Vec<String> {
        let marks = self.range.months().filter_map(|month| self.months.mark(&month_label(month)));
        let now = |period: &str| {
            let mut months = self.overview.all.months.iter();
            months.find(|(month, _)| month_label(*month) == period).and_then(|(_, sums)| sums.cost.total())
        };
        let booked = self.months.notes_of_costs(now, USD_DECIMALS_FOR_PEOPLE);
        let notes = legend(marks).into_iter().chain(booked).chain(others.iter().cloned());
        notes.map(|note| self.language().sentence(&note).into_owned()).collect()
    }

    /// The note about months that are not in the chart.
    pub(super) fn months_note(&self) -> Option<String> {
        let (first, last) = self.range.months;
        let is_cut = self.overview.all.months.ends().is_some_and(|(earliest, _)| earliest < first);
        let earlier = is_cut.then(|| {
            self.filled(
                "Months before {month} are included in the total but not shown.",
                &[("month", &self.range.month(first))],
            )
        });
        let later = merged(&self.overview.all.months, |month| month > last).cost.runs;
        let later = self.later_note(later, &self.range.month(last));
        let notes: Vec<String> = earlier.into_iter().chain(later).collect();
        (!notes.is_empty()).then(|| notes.join(" "))
    }
}
