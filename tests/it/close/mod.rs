//! This is the test of what finance signs: a month that is closed, what becomes known of it later, and how the sums meet.

mod closed_month;
mod corrections;
mod objections;
mod restatements;

use crate::support::month_end::{MONTH, MonthEnd};
use std::collections::BTreeMap;

/// Rules of cost centres, so that they are frozen too.
const SETTINGS: &str = "
zone = \"America/Sao_Paulo\"
billed_by = { el = \"Nekt\" }

[[centre]]
centre = \"Loading\"
kind = \"source\"

[[centre]]
centre = \"By hand\"
trigger = \"manual\"
from = \"2025-02-14\"
";

/// An office that has closed the month.
fn closed(runs: usize) -> MonthEnd {
    let month_end = MonthEnd::of(runs);
    month_end.set(SETTINGS);
    month_end.says(&["close", MONTH]);
    month_end
}

/// What `restatements` lists, without the ids of what is not asked about.
fn listed(month_end: &MonthEnd, arguments: &[&str]) -> Vec<BTreeMap<String, String>> {
    month_end.rows(&[&["restatements"], arguments].concat())
}
