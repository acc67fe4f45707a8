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
            Ok(change) => compared(change),
            Err(reason) => Some(ChangeSection {
                heading: "Why the cost differs".to_owned(),
                summary: format!("Not compared: {reason}."),
                notes: Vec::new(),
                headings: Vec::new(),
                rows: Vec::new(),
                totals: Vec::new(),
            }),
        }
    }
}

fn compared(change: &Change) -> Option<ChangeSection> {
    if change.groups.is_empty() {
        return None;
    }
    let parts: Vec<&Part> = PARTS.iter().filter(|part| (part.of)(&change.all.effects).is_some()).collect();
    let cells = |group: &ChangedGroup| {
        let ChangedGroup { old, new, effects, .. } = group;
        let mut cells = vec![Number::usd_change(effects.total(), USD_DECIMALS_FOR_PEOPLE)];
        cells
            .extend(parts.iter().map(|part| Number::usd_change((part.of)(effects), USD_DECIMALS_FOR_PEOPLE)));
        cells.extend([old, new].map(|costs| Number::usd(costs.total(), USD_DECIMALS_FOR_PEOPLE)));
        cells
    };
    let mut rows: Vec<(Name, Vec<Number>)> = Vec::new();
    for group in change.groups.iter().take(TOP) {
        let part = |index: usize| group.labels.get(index).and_then(Option::as_ref);
        rows.push((name(part(0), part(1), part(2)), cells(group)));
    }
    if let Some((count, rest)) = change.rest(TOP) {
        rows.push((name(Some(&format!("{count} more")), None, None), cells(&rest)));
    }
    let mut headings = vec!["Change, USD".to_owned()];
    headings.extend(parts.iter().map(|part| part.heading.to_owned()));
    headings.extend([&change.against, &change.period].map(|label| format!("{label}, USD")));
    Some(ChangeSection {
        heading: heading(change),
        summary: format!("{}.", change.summary()),
        notes: change.notes().into_iter().map(|note| format!("{note}.")).collect(),
        headings,
        rows,
        totals: cells(&change.all),
    })
}

fn heading(change: &Change) -> String {
    let before = match Calendar::of_label(&change.period) {
        Calendar::Month => "month",
        Calendar::Week => "week",
        Calendar::Day => "day",
    };
    format!("Why the cost differs from the {before} before")
}
