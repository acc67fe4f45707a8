//! Why the cost differs from that of the period before.

use super::ViewBuilder;
use super::pipelines::{Name, name};
use crate::export::html::data::TOP;
use crate::export::html::number::Number;
use crate::report::change::{Change, ChangedGroup, Effects};
use crate::report::period::Calendar;
use crate::report::table::USD_DECIMALS_FOR_PEOPLE;
use crate::run::Usd;

/// The section with the comparison.
#[derive(Debug)]
pub(super) struct ChangeSection {
    pub(super) heading: String,
    pub(super) summary: String,
    pub(super) notes: Vec<String>,
    pub(super) headings: Vec<String>,
    /// The pipelines with the largest changes, then the others together.
    pub(super) rows: Vec<(Name, Vec<Number>)>,
    pub(super) totals: Vec<Number>,
}

/// A part of the change, as a column.
struct Part {
    heading: &'static str,
    of: fn(&Effects) -> Option<Usd>,
}

/// Every part. A column without any value is left out.
const PARTS: [Part; 5] = [
    Part { heading: "More or fewer runs", of: |effects| effects.volume },
    Part { heading: "Cost of a run", of: |effects| effects.price },
    Part { heading: "New", of: |effects| effects.new },
    Part { heading: "No longer run", of: |effects| effects.gone },
    Part { heading: "Unknown", of: |effects| effects.unknown },
];

impl ViewBuilder<'_> {
    /// `None`: the page compares nothing.
    pub(super) fn change(&self) -> Option<ChangeSection> {
        match self.overview.change.as_ref()? {
            Ok(change) => self.compared(change),
            Err(reason) => Some(ChangeSection {
                heading: self.text("Why the cost differs"),
                summary: self.filled("Not compared: {reason}.", &[("reason", reason)]),
                notes: Vec::new(),
                headings: Vec::new(),
                rows: Vec::new(),
                totals: Vec::new(),
            }),
        }
    }

    fn compared(&self, change: &Change) -> Option<ChangeSection> {
        if change.groups.is_empty() {
            return None;
        }
        let parts: Vec<&Part> =
            PARTS.iter().filter(|part| (part.of)(&change.all.effects).is_some()).collect();
        let cells = |group: &ChangedGroup| {
            let ChangedGroup { old, new, effects, .. } = group;
            let mut cells = vec![self.numbers.usd_change(effects.total(), USD_DECIMALS_FOR_PEOPLE)];
            cells.extend(
                parts.iter().map(|part| self.numbers.usd_change((part.of)(effects), USD_DECIMALS_FOR_PEOPLE)),
            );
            cells.extend([old, new].map(|costs| self.numbers.usd(costs.total(), USD_DECIMALS_FOR_PEOPLE)));
            cells
        };
        let mut rows: Vec<(Name, Vec<Number>)> = Vec::new();
        for group in change.groups.iter().take(TOP) {
            let part = |index: usize| group.labels.get(index).and_then(Option::as_ref);
            rows.push((name(part(0), part(1), part(2), self.language()), cells(group)));
        }
        if let Some((count, rest)) = change.rest(TOP) {
            let count = self.filled("{count} more", &[("count", &self.numbers.whole(count as u64))]);
            rows.push((name(Some(&count), None, None, self.language()), cells(&rest)));
        }
        let mut headings = vec![self.text("Change, USD")];
        headings.extend(parts.iter().map(|part| self.text(part.heading)));
        headings.extend(
            [&change.against, &change.period]
                .map(|label| self.filled("{period}, USD", &[("period", &self.range.period(label))])),
        );
        Some(ChangeSection {
            heading: self.text(heading(change)),
            summary: format!("{}.", self.language().sentence(&change.summary())),
            notes: change.notes().iter().map(|note| format!("{}.", self.language().sentence(note))).collect(),
            headings,
            rows,
            totals: cells(&change.all),
        })
    }
}

fn heading(change: &Change) -> &'static str {
    match Calendar::of_label(&change.period) {
        Calendar::Month => "Why the cost differs from the month before",
        Calendar::Week => "Why the cost differs from the week before",
        Calendar::Day => "Why the cost differs from the day before",
    }
}
