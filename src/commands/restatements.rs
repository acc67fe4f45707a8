//! `runledger restatements`: lists changes to closed months since their close.

use crate::cli::{TableArgs, TableFormat};
use crate::commands::shared::output::{print_table, provenance};
use crate::commands::shared::scope::scope_of_all_runs;
use crate::error::{Error, Result};
use crate::export::manifest::Provenance;
use crate::export::terminal;
use crate::language::Language;
use crate::report::allocation::Allocation;
use crate::report::month_states::CLOSED;
use crate::report::neighbors::warn_of_conflicts_between;
use crate::report::{Cell, Ledger, Scope, Table, restatements};
use crate::run::Usd;
use crate::settings::Settings;
use crate::store::{Archive, Close};
use clap::Args;
use std::cmp::Reverse;
use std::path::Path;

/// The arguments of `runledger restatements`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger restatements
  runledger restatements --period 2026-01 --totals
  runledger restatements --period 2026-01 --format csv --output late.csv")]
pub struct RestatementsArgs {
    /// Only this month, such as 2026-01
    #[arg(long, value_name = "MONTH")]
    pub period: Option<String>,

    /// One row per month: closed totals, current totals and the difference
    #[arg(long)]
    pub totals: bool,

    /// Use the data as known at this instant or day
    ///
    /// An instant such as 2026-02-01T12:00:00Z; a day counts up to its end.
    #[arg(long, value_name = "INSTANT|DAY")]
    pub as_of: Option<String>,

    /// How and where to print the table.
    #[command(flatten)]
    pub table: TableArgs,
}

/// Lists the changes, or the totals of each month. For a restated month, the latest close counts.
///
/// # Errors
/// [`Error::Usage`] when the month is not closed.
pub(super) fn run(args: &RestatementsArgs, path: &Path, settings: &Settings) -> Result<()> {
    let table_args = args.table.resolved()?;
    let archive = Archive::open_for_reading(path)?;
    // One read transaction, so that all months show the same state.
    let _reading = archive.connection().unchecked_transaction()?;
    let scope = scope_of_all_runs(args.as_of.as_deref(), settings, &archive)?;
    let (now, zone) = (scope.as_of, scope.zone);
    let ledger = Ledger::open(archive.connection(), Scope { allocation: Allocation::default(), ..scope })?;
    let mut closes = restatements::latest_known_at(archive.closes()?, now);
    if let Some(period) = &args.period {
        closes.retain(|close| close.frozen.period == *period);
        if closes.is_empty() {
            return Err(Error::Usage {
                what: match now {
                    Some(now) => format!("--period {period}: the month is not closed as of {now}"),
                    None => format!("--period {period}: the month is not closed"),
                },
                hint: Some("`runledger close` lists the closed months".to_owned()),
            });
        }
    }
    let scopes = closes.iter().map(Scope::of_close).collect::<Result<Vec<_>>>()?;
    warn_of_conflicts_between(&scopes, &archive)?;
    let mut table = match args.totals {
        true => restatements::summed(ledger.connection(), &closes, now)?,
        false => restatements::listed(ledger.connection(), &closes, now)?,
    };
    let mut notes = Vec::new();
    let mut period = args.period.clone();
    if args.totals && table_args.is_for_terminal() {
        name_for_people(&mut table);
    }
    if table_args.format() == TableFormat::Table && !args.totals {
        notes = booked_and_now(&table, &closes);
        largest_first(&mut table);
        if table_args.is_brief()
            && let Some(month) = only_month(&table)
        {
            leave_out_month(&mut table);
            period = Some(month);
        }
    }
    // Each close has its own zone and date basis.
    let provenance = provenance("restatements".to_owned(), ledger.scope(), &archive)?;
    let provenance = Provenance { period, date_basis: None, notes, ..provenance };
    print_table(&table, &table_args, settings, zone, provenance)
}

/// How many changed months have a note: the latest.
const MAX_NOTES: usize = 2;

/// What each changed month was closed with, what it is now, and how to book that.
fn booked_and_now(table: &Table, closes: &[Close]) -> Vec<String> {
    let column = |name: &str| table.columns.iter().position(|column| column == name);
    let (Some(period), Some(difference)) = (column("period"), column("difference_usd")) else {
        return Vec::new();
    };
    let change_of = |month: &str| {
        let rows = table.rows.iter().filter(|row| row[period] == Cell::text(month));
        let changes = rows.filter_map(|row| match row[difference] {
            Cell::Usd(change) => change,
            _ => None,
        });
        changes.reduce(|one, other| one + other)
    };
    let usd = |amount: Usd| Language::English.number(&amount.to_fixed(terminal::DECIMALS));
    let mut notes: Vec<String> = closes
        .iter()
        .rev()
        .filter_map(|Close { close_id, frozen }| {
            let change = change_of(&frozen.period).filter(|change| change.units() != 0)?;
            let booked = Usd::from_units(frozen.totals.total_cost_nanos.unwrap_or_default().into());
            let (month, now) = (&frozen.period, usd(booked + change));
            Some(format!("{month}: booked {} (close {close_id}), now {now}", usd(booked)))
        })
        .take(MAX_NOTES)
        .collect();
    if !notes.is_empty() {
        let month = only_month(table).unwrap_or_else(|| "MONTH".to_owned());
        notes.push(format!("To book what is known now: runledger close --restate {month}"));
    }
    notes
}

/// The month of every row. `None`: there are several, or no row.
fn only_month(table: &Table) -> Option<String> {
    let period = table.columns.iter().position(|column| column == "period")?;
    let mut months: Vec<_> = table.rows.iter().filter_map(|row| row[period].exact()).collect();
    months.dedup();
    if months.len() == 1 { months.pop() } else { None }
}

/// Leaves out the month, which the title has, and the close, which a note has. The name comes first, so that the totals
/// have their label there.
fn leave_out_month(table: &mut Table) {
    table.retain_columns(|name| !["period", "close_id"].contains(&name));
    table.put_first("pipeline_name");
}

/// Names the columns of the totals for people, and marks the months, each of which is closed.
fn name_for_people(table: &mut Table) {
    for column in &mut table.columns {
        match column.as_str() {
            "period" => "month".clone_into(column),
            "total_cost_usd" => "now_usd".clone_into(column),
            _ => {}
        }
    }
    for row in &mut table.rows {
        if let Some(Cell::Text(Some(month))) = row.first_mut() {
            month.push_str(&format!(" {CLOSED}"));
        }
    }
}

/// Sorts the rows for people: the newest month first, then the largest change, and names the parts of a cost.
fn largest_first(table: &mut Table) {
    let column = |name: &str| table.columns.iter().position(|column| column == name);
    let places = [column("period"), column("difference_usd"), column("field")];
    let [Some(period), Some(difference), Some(field)] = places else { return };
    let size = |row: &[Cell]| match row[difference] {
        Cell::Usd(Some(change)) => change.units().abs(),
        _ => 0,
    };
    "part".clone_into(&mut table.columns[field]);
    table.rows.sort_by_cached_key(|row| Reverse((row[period].exact(), size(row))));
    for row in &mut table.rows {
        let part = match row[field].exact().as_deref() {
            Some("el_cost_usd") => "extract",
            Some("transformation_cost_usd") => "transform",
            _ => continue,
        };
        row[field] = Cell::text(part);
    }
}
