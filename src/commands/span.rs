//! This is the reading of `--from`, `--until` and `--zone`.

use crate::cli::SpanArgs;
use crate::error::{Error, Result};
use crate::report::Span;
use crate::report::period::start_of_day;
use crate::run::Instant;
use chrono::NaiveDate;
use chrono_tz::Tz;

/// The span that the arguments mean, and the zone that its days are in.
pub fn span(args: &SpanArgs) -> Result<(Span, Tz)> {
    let zone: Tz = args.zone.parse().map_err(|_| Error::Usage {
        what: format!("--zone {}: there is no such time zone", args.zone),
        hint: Some("give an IANA name such as UTC or America/Sao_Paulo".to_owned()),
    })?;
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
    Ok((Span { from, until }, zone))
}

fn bound(argument: &str, day: &str, zone: Tz) -> Result<Instant> {
    NaiveDate::parse_from_str(day, "%Y-%m-%d")
        .ok()
        // chrono reads 2026-1-1 too; one spelling is enough.
        .filter(|parsed| parsed.to_string() == day)
        .and_then(|day| start_of_day(day, zone))
        .ok_or_else(|| Error::usage(format!("{argument} {day}: not a day of the form YYYY-MM-DD")))
}
