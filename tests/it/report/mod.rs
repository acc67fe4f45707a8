//! Reports: compared with hand-computed figures, with SQL and with golden files.

mod allocation;
mod allocation_check;
mod as_of;
mod audit_queries;
mod budget;
mod budget_error;
mod change;
mod cost_and_duration;
mod credits;
mod filter;
mod fx;
mod linear_time;
mod metadata;
mod metadata_dimension;
mod monitoring;
mod neighbors;
mod one_pass;
mod period;
mod question;
mod reconcile;
mod schedule;
mod user_views;

use crate::support::ledger;
use chrono_tz::Tz;
use runledger::internal::report::period::Calendar;
use runledger::internal::report::question::Question;
use runledger::internal::report::{Dimension, Span, Table, cost, duration};
use rusqlite::Connection;

const ALWAYS: Span = Span { from: None, until: None };
const MONTH: Dimension = Dimension::Period(Calendar::Month);

/// The rows in machine format, with `""` for unknown values.
fn exact(table: &Table) -> Vec<Vec<String>> {
    table.rows.iter().map(|row| row.iter().map(|cell| cell.exact().unwrap_or_default()).collect()).collect()
}

fn answer(name: &str, archive: &Connection) -> Table {
    match name {
        "cost" => cost::report(&ledger::opened(archive, &ALWAYS, Tz::UTC), &[MONTH]).unwrap(),
        "change" => change::october(archive, &[Dimension::Pipeline]).table(None),
        "duration" => duration::report(&ledger::opened(archive, &ALWAYS, Tz::UTC), &[MONTH]).unwrap(),
        name => Question::named(name).unwrap().ask(&ledger::opened(archive, &ALWAYS, Tz::UTC), None).unwrap(),
    }
}
