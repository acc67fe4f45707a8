//! `runledger close`: closes a month, or lists the closed months.

use crate::cli::PeriodArgs;
use crate::close::{CloseRequest, close_month};
use crate::commands::shared::allocation::warn_of_idle_rules;
use crate::commands::shared::output::print_line;
use crate::commands::shared::scope::{booking, defaults};
use crate::digest::to_hex;
use crate::error::Result;
use crate::escape::escape_control;
use crate::export::{Destination, Format, WriteOptions, write_table};
use crate::report::allocation_check::Searched;
use crate::report::scope::ScopeRequest;
use crate::report::{Cell, Table};
use crate::run::Usd;
use crate::settings::Settings;
use crate::store::{Archive, Close, Lock};
use crate::sync::{Clock, SystemClock};
use clap::Args;
use std::path::Path;

/// `runledger close`
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
A close freezes the month's zone, bounds, date basis, pipeline names, cost centers and totals,
and the moment of knowledge. From then on, `--period 2026-01` always gives the same answers.
`runledger restatements` lists what became known later.

Examples:
  runledger close 2026-01 --zone America/Sao_Paulo
  runledger close                     # list the closed months
  runledger close --restate 2026-01   # add a second close; both stay")]
pub struct CloseArgs {
    /// The month, such as 2026-01; without it, list the closed months
    #[arg(value_name = "MONTH")]
    pub period: Option<String>,

    /// Close a closed month again, as known now; the new close names the one before it
    #[arg(long, requires = "period")]
    pub restate: bool,

    /// Close despite objections, such as unsettled runs, and record them
    #[arg(long, requires = "period")]
    pub force: bool,

    /// Which month a run is in.
    #[command(flatten)]
    pub booking: PeriodArgs,

    /// Print a JSON array of objects
    #[arg(long)]
    pub json: bool,
}

/// Closes the month, or lists the closed months when `args` names none.
///
/// # Errors
/// As [`close_month`]; [`crate::error::Error::Locked`] when another command is writing to the archive.
pub(super) fn run(args: &CloseArgs, path: &Path, settings: &Settings) -> Result<()> {
    let Some(month) = &args.period else {
        return list(&Archive::open_for_reading(path)?.closes()?, args.json);
    };
    let booking = booking(&args.booking)?;
    let request = CloseRequest {
        month: month.clone(),
        zone: booking.zone,
        date_basis: booking.date_basis,
        restate: args.restate,
        force: args.force,
    };
    let close = close(&request, &booking, path, settings)?;
    if args.json { list(&[close], true) } else { print_line(&as_text(&close)) }
}

/// Closes the month in the archive at `path`, now.
fn close(request: &CloseRequest, booking: &ScopeRequest, path: &Path, settings: &Settings) -> Result<Close> {
    let now = SystemClock.now();
    // Opening for writing would create a missing archive.
    drop(Archive::open_for_reading(path)?);
    let lock = Lock::acquire(path, now)?;
    let archive = Archive::open(path, &lock)?;
    // A close freezes the rules, so a rule that matches nothing is reported before it.
    warn_of_idle_rules(settings.allocation(), &Searched::archives([&archive]), settings)?;
    close_month(&archive, request, &defaults(booking, settings)?, now)
}

/// One close as text.
pub(super) fn as_text(Close { close_id, frozen }: &Close) -> String {
    let totals = &frozen.totals;
    let usd = |nanos: Option<i64>| match nanos {
        Some(nanos) => format!("{} USD", Usd::from_units(nanos.into())),
        None => "unknown".to_owned(),
    };
    let restates = frozen.restates.map_or_else(String::new, |before| format!(", restates close {before}"));
    let mut lines = vec![
        format!("{} is closed: close {close_id}{restates}", frozen.period),
        format!("zone         {}, booked by {}", frozen.zone, frozen.date_basis),
        format!("bounds       from {} until {}", frozen.starts_at, frozen.ends_at),
        format!("known at     {}", frozen.known_at),
        format!(
            "runs         {}, {} without a known cost, {} credits",
            totals.runs, totals.runs_cost_unknown, totals.credits
        ),
        format!("cost         {}", usd(totals.total_cost_nanos)),
        format!("sha256       {}", to_hex(&totals.rows_sha256)),
    ];
    if let Some(objections) = &frozen.objections {
        lines.push(format!("forced       {}", escape_control(objections)));
    }
    lines.join("\n")
}

/// Prints the closes as a table. The text leaves out the last three columns of the JSON.
fn list(closes: &[Close], as_json: bool) -> Result<()> {
    if closes.is_empty() && !as_json {
        return print_line("no month is closed");
    }
    let columns = [
        "period",
        "close_id",
        "restates",
        "closed_at",
        "zone",
        "date_basis",
        "runs",
        "runs_cost_unknown",
        "total_cost_usd",
        "credits",
        "known_at",
        "rows_sha256",
        "objections",
    ];
    let shown = if as_json { columns.len() } else { columns.len() - 3 };
    let rows = closes.iter().map(|Close { close_id, frozen }| {
        let mut row = vec![
            Cell::text(&frozen.period),
            Cell::Count(Some(*close_id)),
            Cell::Count(frozen.restates),
            Cell::text(frozen.closed_at.as_str()),
            Cell::text(&frozen.zone),
            Cell::text(&frozen.date_basis),
            Cell::count(frozen.totals.runs),
            Cell::count(frozen.totals.runs_cost_unknown),
            Cell::Usd(frozen.totals.total_cost_nanos.map(|nanos| Usd::from_units(nanos.into()))),
            Cell::count(frozen.totals.credits),
            Cell::text(frozen.known_at.as_str()),
            Cell::text(to_hex(&frozen.totals.rows_sha256)),
            Cell::Text(frozen.objections.clone()),
        ];
        row.truncate(shown);
        row
    });
    let columns = columns[..shown].iter().map(|column| (*column).to_owned()).collect();
    let table = Table { columns, rows: rows.collect(), totals: None };
    let format = if as_json { Format::Json } else { Format::Terminal };
    write_table(&table, &WriteOptions::plain(format), &Destination::StandardOutput)
}
