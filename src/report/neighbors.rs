//! The rule that answers which are added up never overlap.
//!
//! A closed month has the bounds of its zone and date basis. An answer in another zone, or by another date basis, that
//! reaches the month's bounds shares runs with it or loses some. Files for finance are refused then; reports warn.

use super::period::{Calendar, Period, Span};
use super::scope::{DateBasis, Scope};
use crate::error::{Error, Result};
use crate::run::Instant;
use crate::store::{Archive, ClosedMonth};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Why an answer and a closed month do not add up, the worst reason first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mismatch {
    /// Some runs are in both.
    SharedRuns,
    /// Some runs between them are in neither.
    LostRuns,
    /// Another instant books the runs: a run can be in both or in neither.
    OtherDateBasis,
}

/// A closed month that an answer does not add up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Conflict<'m> {
    /// The closed month.
    pub month: &'m ClosedMonth,
    /// The reason.
    pub mismatch: Mismatch,
}

/// The closed months that an answer in this scope does not add up with, in the order of `months`. A month is never
/// compared with itself.
pub(crate) fn conflicts<'m>(scope: &Scope, months: &'m [ClosedMonth]) -> Vec<Conflict<'m>> {
    let others = months.iter().filter(|month| scope.period.as_ref() != Some(&month.period));
    others.filter_map(|month| Some(Conflict { month, mismatch: mismatch(scope, month)? })).collect()
}

/// `None`: the answer adjoins the month exactly, has the same months, or does not reach it.
fn mismatch(scope: &Scope, month: &ClosedMonth) -> Option<Mismatch> {
    let same_month = Period::named(&month.period, scope.zone)?;
    // A closed month that starts earlier than here, or ends later, shares runs with the month next to it.
    let borders = [
        (month.starts_at, same_month.start?, Ordering::Less),
        (month.ends_at, same_month.end?, Ordering::Greater),
    ];
    let borders = borders.into_iter().filter_map(|(closed, here, shares)| match closed.cmp(&here) {
        _ if !touches(scope.span, closed.min(here), closed.max(here)) => None,
        Ordering::Equal => None,
        order if order == shares => Some(Mismatch::SharedRuns),
        _ => Some(Mismatch::LostRuns),
    });
    let has_other_basis =
        month.date_basis != scope.date.as_str() && touches(scope.span, month.starts_at, month.ends_at);
    borders.chain(has_other_basis.then_some(Mismatch::OtherDateBasis)).min()
}

/// Whether the scope has the same bounds and date basis for that month.
pub(crate) fn is_booked_alike(scope: &Scope, month: &ClosedMonth) -> bool {
    let here = Period::named(&month.period, scope.zone);
    month.date_basis == scope.date.as_str()
        && here.is_some_and(|here| (here.start, here.end) == (Some(month.starts_at), Some(month.ends_at)))
}

/// Whether the span overlaps or adjoins an interval.
fn touches(span: Span, from: Instant, until: Instant) -> bool {
    span.from.is_none_or(|start| start <= until) && span.until.is_none_or(|end| end >= from)
}

/// Refuses an answer that does not add up with the archive's closed months. For files that finance adds up.
///
/// # Errors
/// [`Error::Usage`] with the remedy. Those of SQLite.
pub(crate) fn refuse_conflicts(scope: &Scope, archive: &Archive) -> Result<()> {
    let months = archive.closed_months(None)?;
    match explanation(scope, &conflicts(scope, &months), &months) {
        Some((what, remedy)) => Err(Error::Usage { what, hint: Some(remedy) }),
        None => Ok(()),
    }
}

/// Warns that an answer does not add up with the archive's closed months.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn warn_of_conflicts(scope: &Scope, archive: &Archive) -> Result<()> {
    let months = archive.closed_months(None)?;
    warn(scope, &conflicts(scope, &months), &months);
    Ok(())
}

/// Warns of each month among `scopes`, all of them closed, that does not add up with an earlier one.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn warn_of_conflicts_between(scopes: &[Scope], archive: &Archive) -> Result<()> {
    let mut months = archive.closed_months(None)?;
    months.retain(|month| scopes.iter().any(|scope| scope.close_id == Some(month.close_id)));
    for scope in scopes {
        let mut conflicts = conflicts(scope, &months);
        conflicts.retain(|conflict| Some(&conflict.month.period) < scope.period.as_ref());
        warn(scope, &conflicts, &months);
    }
    Ok(())
}

fn warn(scope: &Scope, conflicts: &[Conflict<'_>], months: &[ClosedMonth]) {
    if let Some((what, remedy)) = explanation(scope, conflicts, months) {
        tracing::warn!("{what}; {remedy}");
    }
}

/// What does not add up, and the remedy. `None`: there is no conflict.
fn explanation(
    scope: &Scope,
    conflicts: &[Conflict<'_>],
    months: &[ClosedMonth],
) -> Option<(String, String)> {
    let Conflict { month, mismatch } = conflicts.last()?;
    let answer = scope.period.as_deref().unwrap_or("this answer");
    let reason = match mismatch {
        Mismatch::SharedRuns => "some runs are in both",
        Mismatch::LostRuns => "some runs are in neither",
        Mismatch::OtherDateBasis => "a run can be in both or in neither",
    };
    let others = match conflicts.len() - 1 {
        0 => String::new(),
        1 => "; nor with another closed month".to_owned(),
        others => format!("; nor with {others} other closed months"),
    };
    let what = format!(
        "{answer} in {}, booked by {}, does not add up with {}, closed in {}, booked by {}: {reason}{others}",
        scope.zone,
        scope.date.as_str(),
        month.period,
        month.zone,
        month.date_basis
    );
    Some((what, remedy(scope, conflicts, months)))
}

/// The arguments with which the answer adds up. If there are none, the close to make again.
fn remedy(scope: &Scope, conflicts: &[Conflict<'_>], months: &[ClosedMonth]) -> String {
    let involved = conflicts.iter().rev().map(|conflict| conflict.month);
    if scope.close_id.is_none() {
        let adds_up = |month: &&ClosedMonth| {
            booked_like(scope, month).is_some_and(|other| self::conflicts(&other, months).is_empty())
        };
        if let Some(month) = involved.clone().find(adds_up) {
            return format!("add `--zone {} --date-basis {}`", month.zone, month.date_basis);
        }
    }
    let prevailing = prevailing_booking(months);
    let own = months.iter().find(|month| Some(month.close_id) == scope.close_id);
    let mut closed = own.into_iter().chain(involved).chain(months.iter().rev());
    match (prevailing, closed.find(|month| Some(booking(month)) != prevailing)) {
        (Some((zone, date_basis)), Some(ClosedMonth { period, .. })) => format!(
            "close {period} again like the other months: \
             `runledger close --restate {period} --zone {zone} --date-basis {date_basis}`"
        ),
        _ => "`runledger close` lists the closed months".to_owned(),
    }
}

/// The zone and the date basis of a closed month.
fn booking(month: &ClosedMonth) -> (&str, &str) {
    (&month.zone, &month.date_basis)
}

/// The booking of most closed months; of several, that of the close made last. `None`: no month is closed.
fn prevailing_booking(months: &[ClosedMonth]) -> Option<(&str, &str)> {
    let mut bookings: BTreeMap<(&str, &str), (usize, i64)> = BTreeMap::new();
    for month in months {
        let (count, latest) = bookings.entry(booking(month)).or_default();
        (*count, *latest) = (*count + 1, (*latest).max(month.close_id));
    }
    bookings.into_iter().max_by_key(|(_, weight)| *weight).map(|(booking, _)| booking)
}

/// The scope with the same days or the same period, booked like a closed month. `None`: it leaves the calendar, or this
/// version does not know the booking.
fn booked_like(scope: &Scope, month: &ClosedMonth) -> Option<Scope> {
    let (zone, date) = (month.zone.parse().ok()?, DateBasis::named(&month.date_basis)?);
    let start_of_day =
        |at: Instant| Period::named(&Period::around(at, Calendar::Day, scope.zone).label, zone)?.start;
    let span = match &scope.period {
        Some(label) => {
            let Period { start, end, .. } = Period::named(label, zone)?;
            Span { from: start, until: end }
        }
        None => {
            let Span { from, until } = scope.span;
            let moved = |bound: Option<Instant>| match bound {
                Some(at) => start_of_day(at).map(Some),
                None => Some(None),
            };
            Span { from: moved(from)?, until: moved(until)? }
        }
    };
    Some(Scope { span, zone, date, ..scope.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Tz;

    const SAO_PAULO: Tz = Tz::America__Sao_Paulo;

    fn closed(close_id: i64, period: &str, zone: Tz, date: DateBasis) -> ClosedMonth {
        let Period { start, end, .. } = Period::named(period, zone).unwrap();
        ClosedMonth {
            close_id,
            period: period.to_owned(),
            closed_at: Instant::EPOCH,
            known_at: Instant::EPOCH,
            zone: zone.name().to_owned(),
            date_basis: date.as_str().to_owned(),
            starts_at: start.unwrap(),
            ends_at: end.unwrap(),
            total_cost_nanos: None,
        }
    }

    fn september() -> ClosedMonth {
        closed(1, "2026-09", SAO_PAULO, DateBasis::Started)
    }

    /// The scope of a period.
    fn period(label: &str, zone: Tz) -> Scope {
        let Period { start, end, .. } = Period::named(label, zone).unwrap();
        let span = Span { from: start, until: end };
        Scope { span, zone, period: Some(label.to_owned()), ..Scope::default() }
    }

    /// The scope of `--from` and `--until`; empty texts are no bounds.
    fn days(from: &str, until: &str, zone: Tz) -> Scope {
        let start = |day: &str| Period::named(day, zone).and_then(|day| day.start);
        Scope { span: Span { from: start(from), until: start(until) }, zone, ..Scope::default() }
    }

    fn found(scope: &Scope, months: &[ClosedMonth]) -> Option<Mismatch> {
        conflicts(scope, months).last().map(|conflict| conflict.mismatch)
    }

    #[test]
    fn a_neighboring_month_in_another_zone_shares_or_loses_runs() {
        use Mismatch::{LostRuns, SharedRuns};
        let closed = [september()];
        for (label, zone, expected) in [
            ("2026-10", Tz::UTC, Some(SharedRuns)),
            ("2026-08", Tz::UTC, Some(LostRuns)),
            ("2026-10", Tz::America__Denver, Some(LostRuns)),
            ("2026-08", Tz::America__Denver, Some(SharedRuns)),
            ("2026-10", SAO_PAULO, None),
            // Another name of the same offset.
            ("2026-10", Tz::America__Fortaleza, None),
            ("2026-11", Tz::UTC, None),
            ("2026-07", Tz::UTC, None),
            // A month is never compared with itself.
            ("2026-09", Tz::UTC, None),
            ("2026-W40", Tz::UTC, Some(SharedRuns)),
            ("2026-W38", Tz::UTC, None),
            ("2026-10-01", Tz::UTC, Some(SharedRuns)),
            ("2026-10-02", Tz::UTC, None),
        ] {
            assert_eq!(found(&period(label, zone), &closed), expected, "{label} in {zone}");
        }
    }

    #[test]
    fn days_without_a_label_are_compared_with_each_month_they_reach() {
        let closed = [september(), closed(2, "2026-08", SAO_PAULO, DateBasis::Started)];
        for (from, until, zone, expected) in [
            ("", "", Tz::UTC, 2),
            ("", "", SAO_PAULO, 0),
            ("2026-10-01", "", Tz::UTC, 1),
            ("2026-10-02", "", Tz::UTC, 0),
            ("", "2026-08-01", Tz::UTC, 1),
            ("2026-09-10", "2026-09-20", Tz::UTC, 0),
            ("2026-09-15", "2026-10-15", SAO_PAULO, 0),
        ] {
            let scope = days(from, until, zone);
            assert_eq!(conflicts(&scope, &closed).len(), expected, "{from} {until} {zone}");
        }
    }

    #[test]
    fn another_date_basis_conflicts_where_the_answer_reaches_the_month() {
        let closed = [september()];
        let ended = |scope: Scope| Scope { date: DateBasis::Ended, ..scope };
        let other = Some(Mismatch::OtherDateBasis);
        assert_eq!(found(&ended(period("2026-10", SAO_PAULO)), &closed), other);
        assert_eq!(found(&ended(days("2026-09-10", "2026-09-20", SAO_PAULO)), &closed), other);
        assert_eq!(found(&ended(days("", "", SAO_PAULO)), &closed), other);
        assert_eq!(found(&ended(period("2026-11", SAO_PAULO)), &closed), None);
        assert_eq!(found(&ended(period("2026-10", Tz::UTC)), &closed), Some(Mismatch::SharedRuns));
    }

    #[test]
    fn the_remedy_adds_up_or_names_the_close_to_make_again() {
        let months = [september()];
        let october = period("2026-10", Tz::UTC);
        let hint = |scope: &Scope, months: &[ClosedMonth]| remedy(scope, &conflicts(scope, months), months);
        assert_eq!(hint(&october, &months), "add `--zone America/Sao_Paulo --date-basis started`");
        // October lies between closes in two zones: neither zone fits.
        let november = closed(2, "2026-11", Tz::UTC, DateBasis::Started);
        let between = [september(), november.clone()];
        let again = "close 2026-09 again like the other months: `runledger close --restate 2026-09 --zone UTC \
                     --date-basis started`";
        assert_eq!(hint(&october, &between), again);
        // Most months are in one zone: the odd one is to be closed again.
        let august = closed(0, "2026-08", SAO_PAULO, DateBasis::Started);
        let forced = closed(3, "2026-10", Tz::UTC, DateBasis::Started);
        let all = [august, september(), forced];
        for asked in ["2026-09", "2026-10"] {
            let month = all.iter().find(|month| month.period == asked).unwrap();
            let scope =
                Scope { close_id: Some(month.close_id), ..period(asked, month.zone.parse().unwrap()) };
            assert!(hint(&scope, &all).contains("--restate 2026-10 --zone America/Sao_Paulo"), "{asked}");
        }
    }
}
