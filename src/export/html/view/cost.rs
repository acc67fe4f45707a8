//! The cost by month, as a stacked chart and as a table.

use super::{DataTable, KIND_LABELS, ViewBuilder, later_note, merged};
use crate::export::html::chart::{ColumnChart, ColumnPeriod, Segment};
use crate::export::html::number::{FEW_DECIMALS, Number, group_thousands};
use crate::export::html::scale::{Scale, Unit};
use crate::report::month_states::legend;
use crate::report::overview::calendar::month_label;
use crate::report::overview::{KINDS, Sums};
use crate::report::table::USD_DECIMALS_FOR_PEOPLE;

impl ViewBuilder<'_> {
    fn has_kind(&self, kind: usize) -> bool {
        let (months, unbooked) = &self.overview.kinds[kind];
        months.ends().is_some() || unbooked.cost.runs > 0
    }

    /// The legend: the kinds that have runs.
    pub(super) fn kind_labels(&self) -> Vec<(&'static str, &'static str)> {
        let kinds = KIND_LABELS.into_iter().enumerate().filter(|(kind, _)| self.has_kind(*kind));
        kinds.map(|(_, label)| label).collect()
    }

    pub(super) fn cost(&self) -> Option<ColumnChart> {
        let columns: Vec<Vec<Segment>> = self.range.months().map(|month| self.stack(month)).collect();
        let ends = columns.iter().flatten().flat_map(|segment| [segment.from, segment.to]);
        let (low, high) = ends.fold((0, 0), |(low, high), end| (low.min(end), high.max(end)));
        if columns.iter().all(Vec::is_empty) {
            return None;
        }
        let title = "Cost by month, stacked by pipeline kind, in USD";
        let costliest =
            self.range.months().filter_map(|month| Some((self.sums(month).cost.total()?, month))).max();
        let description = costliest.map_or_else(String::new, |(usd, month)| {
            format!(
                "The costliest month is {} with {} USD.",
                month_label(month),
                group_thousands(&usd.to_fixed(FEW_DECIMALS))
            )
        });
        let scale = Scale::new(Unit::Usd, low, high);
        let first = self.range.months.0;
        Some(ColumnChart::new("cost", title, description, (ColumnPeriod::Month, first), scale, &columns))
    }

    /// The kinds of a month on top of each other; refunds are stacked below zero.
    fn stack(&self, month: i32) -> Vec<Segment> {
        let (mut above, mut below) = (0, 0);
        let mut segments = Vec::new();
        for ((months, _), (class, label)) in self.overview.kinds.iter().zip(KIND_LABELS) {
            let Some(usd) = months.get(month).and_then(|sums| sums.cost.total()) else { continue };
            let end = if usd.units() < 0 { &mut below } else { &mut above };
            let from = *end;
            *end += usd.units();
            let title = format!(
                "{}, {label}: {} USD",
                month_label(month),
                group_thousands(&usd.to_fixed(USD_DECIMALS_FOR_PEOPLE))
            );
            segments.push(Segment { from, to: *end, class, title });
        }
        segments
    }

    pub(super) fn cost_table(&self) -> DataTable {
        let kinds: Vec<usize> = (0..KINDS.len()).filter(|kind| self.has_kind(*kind)).collect();
        let row = |label: String, all: Sums, of_kind: &dyn Fn(usize) -> Sums| {
            let mut cells = vec![Number::count(all.cost.runs), Number::count(all.cost.runs_cost_unknown)];
            cells.extend(
                kinds.iter().map(|kind| Number::usd(of_kind(*kind).cost.total(), USD_DECIMALS_FOR_PEOPLE)),
            );
            cells.push(Number::usd(all.cost.total(), USD_DECIMALS_FOR_PEOPLE));
            cells.push(Number::count(all.cost.credits));
            (label, cells)
        };
        let mut rows: Vec<_> = self
            .range
            .months()
            .map(|month| {
                row(self.marked(month), self.sums(month), &|kind| {
                    self.overview.kinds[kind].0.get(month).copied().unwrap_or_default()
                })
            })
            .collect();
        let (first, last) = self.range.months;
        let (is_earlier, is_later) = (|month: i32| month < first, |month: i32| month > last);
        let earlier = merged(&self.overview.all.months, is_earlier);
        if earlier.cost.runs > 0 {
            let label = format!("before {}", month_label(first));
            rows.insert(0, row(label, earlier, &|kind| merged(&self.overview.kinds[kind].0, is_earlier)));
        }
        let later = merged(&self.overview.all.months, is_later);
        if later.cost.runs > 0 {
            let label = format!("after {}", month_label(last));
            rows.push(row(label, later, &|kind| merged(&self.overview.kinds[kind].0, is_later)));
        }
        let unbooked = self.overview.all.unbooked;
        if unbooked.cost.runs > 0 {
            rows.push(row("no month".to_owned(), unbooked, &|kind| self.overview.kinds[kind].1));
        }
        let mut headings = vec!["Month", "Runs", "Unknown cost"];
        let kind_headings =
            ["Sources, USD", "Destinations, USD", "Transformations, USD", "No single pipeline, USD"];
        headings.extend(kinds.iter().map(|kind| kind_headings[*kind]));
        headings.extend(["Total, USD", "Credits"]);
        DataTable {
            id: "cost",
            summary: "Cost by month as a table",
            caption: "Cost and credits by month, as in runledger report cost".to_owned(),
            headings,
            rows,
        }
    }

    /// The label of a month with its mark: `2026-09 ◆` is closed, `2026-11 …` is running.
    fn marked(&self, month: i32) -> String {
        let label = month_label(month);
        self.months.mark(&label).map_or_else(|| label.clone(), |mark| format!("{label} {mark}"))
    }

    /// What the marks mean, what each closed month was closed with, and further notes.
    pub(super) fn month_notes(&self, others: &[String]) -> Vec<String> {
        let marks = self.range.months().filter_map(|month| self.months.mark(&month_label(month)));
        let now = |period: &str| {
            let mut months = self.overview.all.months.iter();
            months.find(|(month, _)| month_label(*month) == period).and_then(|(_, sums)| sums.cost.total())
        };
        let booked = self.months.notes_of_costs(now, USD_DECIMALS_FOR_PEOPLE);
        legend(marks).into_iter().chain(booked).chain(others.iter().cloned()).collect()
    }

    /// The note about months that are not in the chart.
    pub(super) fn months_note(&self) -> Option<String> {
        let (first, last) = self.range.months;
        let is_cut = self.overview.all.months.ends().is_some_and(|(earliest, _)| earliest < first);
        let earlier = is_cut.then(|| {
            format!("Months before {} are included in the total but not shown.", month_label(first))
        });
        let later = merged(&self.overview.all.months, |month| month > last).cost.runs;
        let later = later_note(later, &month_label(last));
        let notes: Vec<String> = earlier.into_iter().chain(later).collect();
        (!notes.is_empty()).then(|| notes.join(" "))
    }
}
