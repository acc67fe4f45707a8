//! Month-end close: closed months, their restatements and corrections, and how the totals reconcile.

mod closed_month;
mod corrections;
mod exchange_rates;
mod frozen_terms;
mod objections;
mod preview;
mod question;
mod restatements;

use crate::support::month_end::{MONTH, MonthEnd};
use std::collections::BTreeMap;

/// Rules of cost centers, which the close freezes too.
const SETTINGS: &str = "
zone = \"America/Sao_Paulo\"
billed_by = { el = \"Nekt\" }

[[cost_center]]
cost_center = \"Loading\"
kind = \"source\"

[[cost_center]]
cost_center = \"By hand\"
trigger = \"manual\"
from = \"2025-02-14\"
";

/// A month-end fixture whose month is closed.
fn closed(runs: usize) -> MonthEnd {
    let month_end = MonthEnd::of(runs);
    month_end.set(SETTINGS);
    month_end.output(&["close", MONTH]);
    month_end
}

/// The rows of `restatements`, without the ids of unrelated runs.
fn listed(month_end: &MonthEnd, arguments: &[&str]) -> Vec<BTreeMap<String, String>> {
    month_end.rows(&[&["restatements"], arguments].concat())
}
