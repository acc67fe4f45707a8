//! Marks of closed and running months in tables for people.

use crate::commands::shared::numbers::signed;
use crate::export::terminal::DECIMALS;
use crate::language::Language;
use crate::report::Table;
use crate::report::month_states::{CLOSED, MonthStates};

/// Marks the months, weeks or days of a table. Returns what the marks mean, and whether that says with what the only
/// closed month was closed: `◆ closed with 111.25, +0.82 since`.
pub(crate) fn mark_months(months: &MonthStates, table: &mut Table) -> (Option<String>, bool) {
    let booked = months.only_closed(table).map(|(booked, change)| {
        let booked = booked.map_or_else(
            || "no known cost".to_owned(),
            |booked| Language::English.number(&booked.to_fixed(DECIMALS)),
        );
        let since = if change.units() == 0 { "unchanged".to_owned() } else { signed(change) };
        format!("{CLOSED} closed with {booked}, {since} since")
    });
    let legend = months.mark_table(table);
    match (legend, booked) {
        (Some(legend), Some(booked)) if legend.starts_with(CLOSED) => {
            (Some(legend.replacen(&format!("{CLOSED} closed"), &booked, 1)), true)
        }
        (legend, _) => (legend, false),
    }
}
