//! This is the reading of what a question is about: `--period`, `--from`, `--until`, `--zone`, `--date`, `--as-of`.

use crate::cli::ScopeArgs;
use crate::error::{Error, Result};
use crate::report::period::{Period, start_of_day};
use crate::report::{Scope, Span};
use crate::run::Instant;
use crate::settings::Settings;
use crate::store::{Archive, Close};
use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;

/// What the arguments and the settings mean. A month that is closed is taken as it was closed.
///
/// # Errors
/// [`Error::Usage`] naming the argument that cannot be meant, or that a closed month contradicts.
pub fn scope(args: &ScopeArgs, settings: &Settings, archive: &Archive) -> Result<Scope> {
    let open = open_scope(args, settings)?;
    let Some(period) = &open.period else { return Ok(open) };
    match archive.close_of(period)? {
        Some(close) => closed_scope(&close, &open, args),
        None => Ok(open),
    }
}

/// What the arguments and the settings mean, whether or not a month is closed.
///
/// # Errors
/// [`Error::Usage`] naming the argument that cannot be meant.
pub fn open_scope(args: &ScopeArgs, settings: &Settings) -> Result<Scope> {
    let zone = settings.zone(args.booking.zone.as_deref())?.value;
    let date = settings.date(args.booking.date.as_deref())?.value;
    let span = match &args.period {
        Some(name) => {
            let Period { start, end, .. } = period(name, zone)?;
            Span { from: start, until: end }
        }
        None => span(args, zone)?,
    };
    let as_of = args.as_of.as_deref().map(|moment| as_of(moment, zone)).transpose()?;
    let allocation = settings.allocation().clone();
    Ok(Scope { span, zone, date, as_of, allocation, period: args.period.clone(), ..Scope::default() })
}

/// The period of that name.
///
/// # Errors
/// [`Error::Usage`] when it is none.
pub fn period(name: &str, zone: Tz) -> Result<Period> {
    Period::named(name, zone).ok_or_else(|| Error::Usage {
        what: format!("--period {name}: no month, week or day"),
        hint: Some("a period looks like 2026-01, 2026-W05 or 2026-01-31".to_owned()),
    })
}

/// What a closed month was closed with.
fn closed_scope(close: &Close, open: &Scope, args: &ScopeArgs) -> Result<Scope> {
    let closed = Scope::of_close(close)?;
    let asked = [
        ("--zone", args.booking.zone.is_some() && open.zone != closed.zone),
        ("--date", args.booking.date.is_some() && open.date != closed.date),
        ("--as-of", args.as_of.is_some() && open.as_of != closed.as_of),
    ];
    if let Some((argument, _)) = asked.iter().find(|(_, contradicts)| *contradicts) {
        let frozen = &close.frozen;
        return Err(Error::Usage {
            what: format!(
                "{} is closed: its runs are booked by {} in {}, as known at {}; {argument} contradicts that",
                frozen.period, frozen.date_basis, frozen.zone, frozen.known_at
            ),
            hint: Some("--from and --until ask about the same days without the close".to_owned()),
        });
    }
    Ok(closed)
}

fn span(args: &ScopeArgs, zone: Tz) -> Result<Span> {
    let from = args.from.as_deref().map(|day| bound("--from", day, zone)).transpose()?;
    let until = args.until.as_deref().map(|day| bound("--until", day, zone)).transpose()?;
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        return Err(Error::Usage {
            what: "--from must be before --until".to_owned(),
            hint: Some("the day of --until is left out: for one day give the next".to_owned()),
        });
    }
    Ok(Span { from, until })
}

fn bound(argument: &str, day: &str, zone: Tz) -> Result<Instant> {
    day_named(day)
        .and_then(|day| start_of_day(day, zone))
        .ok_or_else(|| Error::usage(format!("{argument} {day}: not a day of the form YYYY-MM-DD")))
}

/// The moment, or the end of the day: everything seen on that day was known then.
///
/// # Errors
/// [`Error::Usage`] when it is neither.
pub fn as_of(moment: &str, zone: Tz) -> Result<Instant> {
    let end_of =
        |day: NaiveDate| Some(start_of_day(day.succ_opt()?, zone)?.plus(TimeDelta::microseconds(-1)));
    day_named(moment).and_then(end_of).or_else(|| Instant::parse(moment)).ok_or_else(|| Error::Usage {
        what: format!("--as-of {moment}: neither an instant nor a day"),
        hint: Some("an instant looks like 2026-02-01T12:00:00Z, a day like 2026-01-31".to_owned()),
    })
}

fn day_named(day: &str) -> Option<NaiveDate> {
    // chrono reads 2026-1-1 too; one spelling is enough.
    NaiveDate::parse_from_str(day, "%Y-%m-%d").ok().filter(|parsed| parsed.to_string() == day)
}
