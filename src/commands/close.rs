//! This is `runledger close`: it freezes a month, so that its answers stay what finance has booked.

use crate::cli::{PeriodArgs, ScopeArgs};
use crate::commands::shared::output::say;
use crate::commands::shared::scope::{open_scope, period};
use crate::digest::to_hex;
use crate::error::{Error, Result};
use crate::escape::escape_control;
use crate::export::closed::{CloseTotals, figures};
use crate::export::{Destination, Format, WriteOptions, write_table};
use crate::report::period::{Calendar, Period};
use crate::report::restatements::{Restatement, latest, restatements};
use crate::report::{Cell, Ledger, Scope, Table};
use crate::run::{Instant, Usd};
use crate::settings::Settings;
use crate::store::{Archive, Close, Frozen, Lock};
use crate::sync::Clock;
use crate::sync::SystemClock;
use chrono_tz::Tz;
use clap::Args;
use std::path::Path;

/// `runledger close`
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
A close freezes the month's zone, bounds, date basis, pipeline names, cost centres and totals,
and the moment of knowledge. From then on `--period 2026-01` gives the same answers for ever,
whatever becomes known; what does is listed by `runledger restatements`.

Examples:
  runledger close 2026-01 --zone America/Sao_Paulo
  runledger close                     # which months are closed
  runledger close --restate 2026-01   # a second close beside the first; both stay")]
pub struct CloseArgs {
    /// The month, such as 2026-01
    #[arg(value_name = "MONTH")]
    pub period: Option<String>,

    /// Close a closed month again, as known now; the new close names the one before it
    #[arg(long, requires = "period")]
    pub restate: bool,

    /// Close it though something speaks against it, such as unsettled runs; what does is recorded
    #[arg(long, requires = "period")]
    pub force: bool,

    /// Which month a run is in.
    #[command(flatten)]
    pub booking: PeriodArgs,

    /// Print an array of objects
    #[arg(long)]
    pub json: bool,
}

impl CloseArgs {
    /// A first close of that month of a zone.
    pub fn of(month: &str, zone: Tz) -> CloseArgs {
        let booking = PeriodArgs { zone: Some(zone.to_string()), date: None };
        CloseArgs { period: Some(month.to_owned()), booking, ..CloseArgs::default() }
    }
}

/// How many unsettled runs are named to people.
const MOST_NAMED: usize = 20;

/// Closes the month, or lists the closed ones when none is named.
///
/// # Errors
/// [`Error::Usage`] when the month is running, is closed already, or something speaks against closing it and it is not
/// forced.
pub fn run(args: &CloseArgs, path: &Path, settings: &Settings) -> Result<()> {
    let Some(name) = &args.period else {
        return list(&Archive::open_for_reading(path)?.closes()?, args.json);
    };
    let now = SystemClock.now();
    // Nothing is made where nothing was.
    drop(Archive::open_for_reading(path)?);
    let lock = Lock::acquire(path, now)?;
    let archive = Archive::open(path, &lock)?;
    let close_id = close(&archive, name, args, settings, now)?;
    let closes: Vec<Close> =
        archive.closes()?.into_iter().filter(|close| close.close_id == close_id).collect();
    if args.json {
        return list(&closes, true);
    }
    closes.iter().try_for_each(|close| say(&as_text(close)))
}

fn close(archive: &Archive, name: &str, args: &CloseArgs, settings: &Settings, now: Instant) -> Result<i64> {
    let before = archive.close_of(name)?;
    // A month that is closed again stays the month that it was, unless it is asked to be another.
    let was = before.as_ref().map(|close| &close.frozen);
    let asked = ScopeArgs {
        period: Some(name.to_owned()),
        booking: PeriodArgs {
            zone: args.booking.zone.clone().or_else(|| was.map(|frozen| frozen.zone.clone())),
            date: args.booking.date.clone().or_else(|| was.map(|frozen| frozen.date_basis.clone())),
        },
        ..ScopeArgs::default()
    };
    let scope = open_scope(&asked, settings)?;
    let no_month = || Error::usage(format!("{name} is no month: a month is closed whole, such as 2026-01"));
    let (starts_at, ends_at) = match period(name, scope.zone)? {
        Period { start: Some(start), end: Some(end), .. } if Calendar::of_name(name) == Calendar::Month => {
            (start, end)
        }
        _ => return Err(no_month()),
    };
    let restates = match (&before, args.restate) {
        (Some(before), true) => Some(before.close_id),
        (None, false) => None,
        (Some(before), false) => {
            return Err(Error::Usage {
                what: format!("{name} was closed at {}", before.frozen.closed_at),
                hint: Some(format!(
                    "a close stays; `runledger restatements --period {name}` lists what became known since, and \
                     `runledger close --restate {name}` writes a second one beside it"
                )),
            });
        }
        (None, true) => {
            return Err(Error::usage(format!("{name} is not closed: there is nothing to restate")));
        }
    };
    if now < ends_at {
        return Err(Error::Usage {
            what: format!("{name} is still running in {}: it ends at {ends_at}", scope.zone),
            hint: Some("close it when it is over and its runs have settled".to_owned()),
        });
    }
    let Some(known_at) = archive.last_observed_at()? else {
        return Err(Error::usage("nothing is archived yet: there is nothing to close"));
    };
    let (zone, date, row_layout) = (scope.zone, scope.date, scope.row_layout);
    let allocation = serde_json::to_string(&scope.allocation).expect("rules are always JSON");
    let ledger = Ledger::open(archive.connection(), Scope { as_of: Some(known_at), ..scope })?;
    let mut objections = objections(archive, &ledger, name, starts_at, ends_at)?;
    if let Some(before) = &before {
        objections.extend(corrected_elsewhere(archive, before, known_at)?);
    }
    if !objections.is_empty() && !args.force {
        return Err(Error::Usage {
            what: format!("{name} is not ready to be closed: {}", objections.join("; ")),
            hint: Some("sync again later, or close it with --force, which is recorded".to_owned()),
        });
    }
    let CloseTotals {
        runs,
        runs_cost_unknown,
        el_cost_nanos,
        transformation_cost_nanos,
        total_cost_nanos,
        credits,
        rows_sha256,
        names,
    } = figures(&ledger)?;
    drop(ledger);
    archive.insert_close(&Frozen {
        period: name.to_owned(),
        restates,
        closed_at: now,
        known_at,
        zone: zone.to_string(),
        starts_at,
        ends_at,
        date_basis: date.as_str().to_owned(),
        allocation,
        names,
        objections: (!objections.is_empty())
            .then(|| serde_json::to_string(&objections).expect("texts are always JSON")),
        runs,
        runs_cost_unknown,
        el_cost_nanos,
        transformation_cost_nanos,
        total_cost_nanos,
        credits,
        rows_sha256,
        row_layout,
    })
}

/// What speaks against closing the month, in sentences.
fn objections(
    archive: &Archive,
    ledger: &Ledger<'_>,
    name: &str,
    starts_at: Instant,
    ends_at: Instant,
) -> Result<Vec<String>> {
    let mut objections = Vec::new();
    // A run of the month's last minute is there only if a sync began after it, and read all it had to.
    match archive.last_complete_sync()?.map(|sync| sync.started_at) {
        Some(began) if began >= ends_at => {}
        Some(began) => objections
            .push(format!("the last complete sync began at {began}, before the month ended at {ends_at}")),
        None => objections.push("no sync has been complete yet".to_owned()),
    }
    let unsettled = ledger.unsettled()?;
    if !unsettled.is_empty() {
        let more = match unsettled.len().saturating_sub(MOST_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = unsettled[..unsettled.len().min(MOST_NAMED)].join(", ");
        let runs = if unsettled.len() == 1 { "1 run is" } else { &format!("{} runs are", unsettled.len()) };
        objections.push(format!("{runs} unsettled: {named}{more}"));
    }
    for other in latest(archive.closes()?) {
        let Frozen { period, starts_at: other_starts, ends_at: other_ends, date_basis, .. } = &other.frozen;
        let (before, after) = match period.as_str() {
            other if other < name => (*other_ends, starts_at),
            other if other > name => (ends_at, *other_starts),
            _ => continue,
        };
        if before > after {
            objections
                .push(format!("{period} was closed in {}: the two would share runs", other.frozen.zone));
        } else if before != after && before.plus(chrono::TimeDelta::days(2)) > after {
            objections.push(format!(
                "{period} was closed in {}: between the two runs would be lost",
                other.frozen.zone
            ));
        } else if before == after && *date_basis != ledger.scope().date.as_str() {
            objections.push(format!(
                "{period} was closed with runs booked by {date_basis}: a run may be in both, or in neither"
            ));
        }
    }
    Ok(objections)
}

/// The closed months that hold what became known since the close before, as corrections: with the second close it is
/// in both.
fn corrected_elsewhere(archive: &Archive, before: &Close, known_at: Instant) -> Result<Vec<String>> {
    let since = restatements(archive.connection(), &Scope::of_close(before)?, Some(known_at))?;
    let mut objections = Vec::new();
    for other in latest(archive.closes()?).iter().filter(|other| other.close_id > before.close_id) {
        let Frozen { period, starts_at, ends_at, .. } = &other.frozen;
        let here = |change: &Restatement| {
            (*starts_at..*ends_at).contains(&change.seen_at)
                && change.difference.is_some_and(|difference| difference != Usd::default())
        };
        if since.iter().any(here) {
            objections.push(format!(
                "{period} was closed with corrections of {}, which count twice until it is restated too",
                before.frozen.period
            ));
        }
    }
    Ok(objections)
}

/// One close for people.
fn as_text(Close { close_id, frozen }: &Close) -> String {
    let usd = |nanos: Option<i64>| match nanos {
        Some(nanos) => format!("{} USD", Usd::from_units(nanos.into())),
        None => "not known".to_owned(),
    };
    let restates = frozen.restates.map_or_else(String::new, |before| format!(", restates close {before}"));
    let mut lines = vec![
        format!("{} is closed: close {close_id}{restates}", frozen.period),
        format!("zone         {}, booked by {}", frozen.zone, frozen.date_basis),
        format!("bounds       from {} until {}", frozen.starts_at, frozen.ends_at),
        format!("known at     {}", frozen.known_at),
        format!(
            "runs         {}, {} without a known cost, {} credits",
            frozen.runs, frozen.runs_cost_unknown, frozen.credits
        ),
        format!("cost         {}", usd(frozen.total_cost_nanos)),
        format!("sha256       {}", to_hex(&frozen.rows_sha256)),
    ];
    if let Some(objections) = &frozen.objections {
        lines.push(format!("forced       {}", escape_control(objections)));
    }
    lines.join("\n")
}

/// The closes as a table. People get what tells them apart; programs get all that was frozen but names and rules.
fn list(closes: &[Close], as_json: bool) -> Result<()> {
    if closes.is_empty() && !as_json {
        return say("no month is closed");
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
            Cell::count(frozen.runs),
            Cell::count(frozen.runs_cost_unknown),
            Cell::Usd(frozen.total_cost_nanos.map(|nanos| Usd::from_units(nanos.into()))),
            Cell::count(frozen.credits),
            Cell::text(frozen.known_at.as_str()),
            Cell::text(to_hex(&frozen.rows_sha256)),
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
