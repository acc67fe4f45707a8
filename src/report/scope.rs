//! The scope of a question: its runs, what books them, and the moment of knowledge.
//!
//! Arguments become a [`ScopeRequest`], settings become [`ScopeDefaults`], and [`Scope::resolve`] combines both with
//! the archive's closes.

use super::allocation::Allocation;
pub use super::date_basis::DateBasis;
use super::filter::RunFilter;
use super::fx::Fx;
use super::last::Last;
use super::latest_close::LatestClose;
use super::period::{Period, Span, start_of_day};
use super::scope_hint;
use super::terms::{MonthTerms, ScopeTerms, Terms};
use crate::error::{Error, Result};
use crate::run::Instant;
use crate::store::{Archive, Close, RowLayout};
use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;

/// Reads an IANA time zone that comes from `origin`: a flag, an environment variable or a key of the settings.
///
/// # Errors
/// [`Error::Usage`] naming `origin` when IANA has no such zone.
pub(crate) fn parse_zone(name: &str, origin: &str) -> Result<Tz> {
    name.parse().map_err(|_| Error::Usage {
        what: format!("{origin} {name}: there is no such time zone"),
        hint: Some(scope_hint::for_zone(name)),
    })
}

/// Reads a day of the form `2026-01-31`, given with `flag`.
///
/// # Errors
/// [`Error::Usage`] naming `flag` when the text is not a day.
pub(crate) fn parse_day(text: &str, flag: &str) -> Result<NaiveDate> {
    day_named(text).ok_or_else(|| not_a_day(text, flag))
}

fn day_named(text: &str) -> Option<NaiveDate> {
    // chrono reads 2026-1-1 too. One spelling is enough.
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|day| day.to_string() == text)
}

fn not_a_day(text: &str, flag: &str) -> Error {
    Error::Usage {
        what: format!("{flag} {text}: not a day of the form YYYY-MM-DD"),
        hint: Some(scope_hint::for_day(text)),
    }
}

/// A moment of knowledge as a user gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// An instant.
    At(Instant),
    /// The last microsecond of a day, in the zone of the question.
    EndOfDay(NaiveDate),
}

impl AsOf {
    /// Reads an instant or a day.
    ///
    /// # Errors
    /// [`Error::Usage`] when the text is neither.
    pub fn parse(text: &str) -> Result<AsOf> {
        match (day_named(text), Instant::parse(text)) {
            (Some(day), _) => Ok(AsOf::EndOfDay(day)),
            (None, Some(instant)) => Ok(AsOf::At(instant)),
            (None, None) => Err(AsOf::invalid(text)),
        }
    }

    /// The instant, with days in `zone`.
    ///
    /// # Errors
    /// [`Error::Usage`] when the day ends beyond the year 9999.
    pub fn instant(self, zone: Tz) -> Result<Instant> {
        match self {
            AsOf::At(instant) => Ok(instant),
            AsOf::EndOfDay(day) => day
                .succ_opt()
                .and_then(|next| start_of_day(next, zone))
                .map(|end| end.plus(TimeDelta::microseconds(-1)))
                .ok_or_else(|| AsOf::invalid(&day.to_string())),
        }
    }

    fn invalid(text: &str) -> Error {
        Error::Usage {
            what: format!("--as-of {text}: neither an instant nor a day"),
            hint: Some(scope_hint::for_moment(text)),
        }
    }
}

/// The scope that a question asks for. `None` leaves zone and date basis to the [`ScopeDefaults`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeRequest {
    /// A month, week or day by its label. It excludes `from` and `until`.
    pub period: Option<String>,
    /// The first day inside. `None`: no lower bound.
    pub from: Option<NaiveDate>,
    /// The first day outside. `None`: no upper bound.
    pub until: Option<NaiveDate>,
    /// The newest part of the archive. `None`: `from` and `until` decide. A `period` excludes it.
    pub last: Option<Last>,
    /// Which of the runs in the span.
    pub filter: RunFilter,
    /// The zone of months, weeks and days.
    pub zone: Option<Tz>,
    /// The instant that books a run.
    pub date_basis: Option<DateBasis>,
    /// The moment of knowledge. `None`: now, or that of a closed month.
    pub as_of: Option<AsOf>,
}

/// The settings that apply where a request is silent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScopeDefaults {
    /// The zone of months, weeks and days. `None`: that of the close made last, else UTC.
    pub zone: Option<Tz>,
    /// The instant that books a run. `None`: that of the close made last, else the start.
    pub date_basis: Option<DateBasis>,
    /// The rules that assign runs to cost centers.
    pub allocation: Allocation,
    /// The terms of the months.
    pub terms: Terms,
}

/// The runs of a question, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// The instants between which the runs are booked.
    pub span: Span,
    /// How the request gave the start of the span. `None`: as a day or a period, or not.
    pub last: Option<Last>,
    /// Which of the runs in the span.
    pub filter: RunFilter,
    /// The zone of months, weeks and days.
    pub zone: Tz,
    /// The instant that books a run.
    pub date: DateBasis,
    /// The closed month whose close gives the zone or the date basis, because neither the request nor the settings
    /// do. `None`: they do, or nothing was closed.
    pub defaults_from_close: Option<String>,
    /// The moment of knowledge. `None`: now.
    pub as_of: Option<Instant>,
    /// The rules that assign runs to cost centers.
    pub allocation: Allocation,
    /// The label of the month, week or day asked for. `None`: the question names none.
    pub period: Option<String>,
    /// The close that answers for the month. `None`: the month is open, or the question names no month.
    pub close_id: Option<i64>,
    /// The layout of the rows of `export costs`: that of the close, else the newest.
    pub row_layout: RowLayout,
    /// The terms of the months: those of the close, else those of the settings.
    pub terms: ScopeTerms,
}

impl Default for Scope {
    /// Every run, in months of UTC, as known now.
    fn default() -> Scope {
        Scope {
            span: Span::default(),
            last: None,
            filter: RunFilter::default(),
            zone: Tz::UTC,
            date: DateBasis::default(),
            defaults_from_close: None,
            as_of: None,
            allocation: Allocation::default(),
            period: None,
            close_id: None,
            row_layout: RowLayout::default(),
            terms: ScopeTerms::default(),
        }
    }
}

impl Scope {
    /// The scope of a request. A closed month answers as it was closed. Where request and defaults are silent, the zone
    /// and the date basis are those of the close made last.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the flag that is invalid, or that contradicts a closed month. Those of SQLite.
    pub fn resolve(request: &ScopeRequest, defaults: &ScopeDefaults, archive: &Archive) -> Result<Scope> {
        let latest = LatestClose::of(archive, request.as_of)?;
        Scope::resolve_like(request, defaults, latest.as_ref(), archive)
    }

    /// The scope of a request, as [`Scope::resolve`] gives it, but with the zone and the date basis of `latest`.
    ///
    /// # Errors
    /// As [`Scope::resolve`].
    pub(crate) fn resolve_like(
        request: &ScopeRequest,
        defaults: &ScopeDefaults,
        latest: Option<&LatestClose>,
        archive: &Archive,
    ) -> Result<Scope> {
        let mut open = Scope::resolve_open(request, defaults, latest)?;
        if let Some(last) = request.last.filter(|_| request.period.is_none()) {
            // An empty archive has no runs to leave out.
            let now = archive.clock_at_last_observation(open.as_of)?;
            open.span = Span { from: now.and_then(|now| last.begins_at(now, open.zone)), until: None };
            open.last = Some(last);
        }
        if let Some(moment) = open.as_of
            && let later @ 1.. = archive.syncs_observed_later(moment)?
        {
            tracing::warn!(
                "--as-of {moment} leaves out syncs that began before it: {later}. They ran after one with a wrong \
                 clock, so their observations are ahead of the system clock"
            );
        }
        match open.period.as_deref().map(|period| archive.close_of(period)).transpose()?.flatten() {
            Some(close) => closed(&close, &open, request),
            None => open.with_closed_rates(archive),
        }
    }

    /// The scope of a request, as if its month were not closed.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the flag that is invalid.
    pub(crate) fn resolve_open(
        request: &ScopeRequest,
        defaults: &ScopeDefaults,
        latest: Option<&LatestClose>,
    ) -> Result<Scope> {
        let zone = request.zone.or(defaults.zone);
        let date = request.date_basis.or(defaults.date_basis);
        let latest = latest.filter(|_| zone.is_none() || date.is_none());
        let zone = zone.or(latest.map(|close| close.zone)).unwrap_or(Tz::UTC);
        let date = date.or(latest.map(|close| close.date)).unwrap_or_default();
        let span = match &request.period {
            Some(label) => {
                let Period { start, end, .. } = Period::parse(label, zone)?;
                Span { from: start, until: end }
            }
            None => span(request, zone)?,
        };
        request.filter.validate()?;
        Ok(Scope {
            span,
            last: None,
            filter: request.filter.clone(),
            zone,
            date,
            defaults_from_close: latest.map(|close| close.period.clone()),
            as_of: request.as_of.map(|as_of| as_of.instant(zone)).transpose()?,
            allocation: defaults.allocation.clone(),
            period: request.period.clone(),
            close_id: None,
            row_layout: RowLayout::default(),
            terms: ScopeTerms::Settings(defaults.terms.clone()),
        })
    }

    /// Whose zone and date basis apply. `None`: those of the request, of the settings or of a closed month, or the
    /// built-in ones.
    pub(crate) fn default_booking(&self) -> Option<String> {
        self.defaults_from_close.as_ref().map(|period| {
            format!(
                "time zone {} and date basis {}, as {period} was closed; --zone and --date-basis set others",
                self.zone,
                self.date.as_str()
            )
        })
    }

    /// The terms of a month of the scope, by its label: `2026-01`.
    pub fn terms_of(&self, month: &str) -> MonthTerms {
        self.terms.of_month(month)
    }

    /// The second currency. `None`: there is none.
    pub(crate) fn fx(&self) -> Option<&Fx> {
        self.terms.fx()
    }

    /// Whether a close answers that froze no terms, so that those of the settings apply.
    pub(crate) fn has_unfrozen_terms(&self) -> bool {
        self.close_id.is_some() && matches!(self.terms, ScopeTerms::Settings(_))
    }

    /// The scope that a close froze. It has no terms if the close froze none.
    ///
    /// # Errors
    /// [`Error::Internal`] when this version cannot read the close.
    pub fn of_close(close: &Close) -> Result<Scope> {
        let frozen = &close.frozen;
        let unreadable = |what: &str| {
            Error::Internal(format!(
                "the close of {} has {what} that this version cannot read",
                frozen.period
            ))
        };
        Ok(Scope {
            span: Span { from: Some(frozen.starts_at), until: Some(frozen.ends_at) },
            last: None,
            filter: RunFilter::default(),
            zone: frozen.zone.parse().map_err(|_| unreadable("a time zone"))?,
            date: DateBasis::named(&frozen.date_basis).ok_or_else(|| unreadable("a date basis"))?,
            defaults_from_close: None,
            as_of: Some(frozen.known_at),
            allocation: serde_json::from_str(&frozen.allocation)
                .map_err(|_| unreadable("allocation rules"))?,
            period: Some(frozen.period.clone()),
            close_id: Some(close.close_id),
            row_layout: frozen.row_layout,
            terms: match &frozen.terms {
                Some(terms) => {
                    ScopeTerms::Close(MonthTerms::frozen(terms).ok_or_else(|| unreadable("terms"))?)
                }
                None => ScopeTerms::default(),
            },
        })
    }
}

/// The scope of the close, unless the request contradicts it. Defaults never contradict: they are for open months.
fn closed(close: &Close, open: &Scope, request: &ScopeRequest) -> Result<Scope> {
    let mut closed = Scope::of_close(close)?;
    if close.frozen.terms.is_none() {
        closed.terms = open.terms.clone();
    }
    // The close froze every run of the month: a filter selects some of its rows.
    closed.filter = open.filter.clone();
    let given = [
        ("--zone", request.zone.is_some() && open.zone != closed.zone),
        ("--date-basis", request.date_basis.is_some() && open.date != closed.date),
        ("--as-of", request.as_of.is_some() && open.as_of != closed.as_of),
    ];
    let Some((flag, _)) = given.into_iter().find(|(_, contradicts)| *contradicts) else {
        return Ok(closed);
    };
    let frozen = &close.frozen;
    Err(Error::Usage {
        what: format!(
            "{} is closed: its runs are booked by {} in {}, as known at {}; {flag} contradicts that",
            frozen.period, frozen.date_basis, frozen.zone, frozen.known_at
        ),
        hint: Some(format!(
            "leave out {flag}; reports with --from and --until answer about the same days without the close"
        )),
    })
}

fn span(request: &ScopeRequest, zone: Tz) -> Result<Span> {
    let bound = |flag: &str, day: Option<NaiveDate>| {
        day.map(|day| start_of_day(day, zone).ok_or_else(|| not_a_day(&day.to_string(), flag))).transpose()
    };
    let (from, until) = (bound("--from", request.from)?, bound("--until", request.until)?);
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        return Err(Error::Usage {
            what: "--from must be before --until".to_owned(),
            hint: Some("--until is exclusive: for a single day, give the next day".to_owned()),
        });
    }
    Ok(Span { from, until })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAO_PAULO: Tz = Tz::America__Sao_Paulo;

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn refused(result: Result<impl std::fmt::Debug>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
        error.to_string()
    }

    #[test]
    fn a_request_overrides_the_defaults() {
        let defaults = ScopeDefaults {
            zone: Some(SAO_PAULO),
            date_basis: Some(DateBasis::Ended),
            ..ScopeDefaults::default()
        };
        let month = ScopeRequest { period: Some("2026-01".to_owned()), ..ScopeRequest::default() };
        let scope = Scope::resolve_open(&month, &defaults, None).unwrap();
        assert_eq!((scope.zone, scope.date), (SAO_PAULO, DateBasis::Ended));
        assert_eq!(scope.span.from, Some(at("2026-01-01T03:00:00Z")));

        let request =
            ScopeRequest { zone: Some(Tz::UTC), date_basis: Some(DateBasis::Created), ..month.clone() };
        let scope = Scope::resolve_open(&request, &defaults, None).unwrap();
        assert_eq!((scope.zone, scope.date), (Tz::UTC, DateBasis::Created));
        assert_eq!(scope.span.until, Some(at("2026-02-01T00:00:00Z")));
    }

    #[test]
    fn days_are_bounds_in_the_zone_of_the_request() {
        let day = |text| Some(parse_day(text, "--from").unwrap());
        let request = ScopeRequest {
            from: day("2026-01-31"),
            until: day("2026-02-01"),
            zone: Some(SAO_PAULO),
            as_of: Some(AsOf::parse("2026-02-01").unwrap()),
            ..ScopeRequest::default()
        };
        let scope = Scope::resolve_open(&request, &ScopeDefaults::default(), None).unwrap();
        let span = Span { from: Some(at("2026-01-31T03:00:00Z")), until: Some(at("2026-02-01T03:00:00Z")) };
        assert_eq!((scope.span, scope.as_of), (span, Some(at("2026-02-02T02:59:59.999999Z"))));

        let empty = ScopeRequest { until: request.from, ..request };
        let error = refused(Scope::resolve_open(&empty, &ScopeDefaults::default(), None));
        assert_eq!(error, "--from must be before --until");
    }

    #[test]
    fn the_latest_close_is_the_default_where_request_and_settings_are_silent() {
        let latest = LatestClose { period: "2026-01".to_owned(), zone: SAO_PAULO, date: DateBasis::Ended };
        let resolved = |request: &ScopeRequest, defaults: &ScopeDefaults| {
            let Scope { zone, date, defaults_from_close, .. } =
                Scope::resolve_open(request, defaults, Some(&latest)).unwrap();
            (zone, date, defaults_from_close.is_some())
        };
        let (silent, none) = (ScopeRequest::default(), ScopeDefaults::default());
        assert_eq!(resolved(&silent, &none), (SAO_PAULO, DateBasis::Ended, true));
        let zone = ScopeRequest { zone: Some(Tz::UTC), ..ScopeRequest::default() };
        assert_eq!(resolved(&zone, &none), (Tz::UTC, DateBasis::Ended, true));
        let basis = ScopeDefaults { date_basis: Some(DateBasis::Created), ..ScopeDefaults::default() };
        assert_eq!(resolved(&silent, &basis), (SAO_PAULO, DateBasis::Created, true));
        assert_eq!(resolved(&zone, &basis), (Tz::UTC, DateBasis::Created, false));
    }

    #[test]
    fn an_invalid_value_is_refused_with_its_origin() {
        assert!(refused(parse_zone("Brasilia", "RUNLEDGER_ZONE")).starts_with("RUNLEDGER_ZONE Brasilia: "));
        assert_eq!(
            refused(DateBasis::parse("paid", "--date-basis")),
            "--date-basis paid: not one of started, ended, created"
        );
        for text in ["2026-1-1", "2026-02-30", "now", ""] {
            assert!(refused(parse_day(text, "--until")).starts_with("--until"), "{text}");
            assert!(refused(AsOf::parse(text)).starts_with("--as-of"), "{text}");
        }
        let last_day = AsOf::parse("9999-12-31").unwrap();
        assert!(refused(last_day.instant(Tz::UTC)).starts_with("--as-of 9999-12-31: "));
    }
}
