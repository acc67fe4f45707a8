//! The two periods of a comparison: which they are, in which scope each is read, and where one is cut because the other
//! is still running.

use crate::error::{Error, Result};
use crate::report::latest_close::LatestClose;
use crate::report::neighbors::{warn_of_conflicts, warn_of_conflicts_between};
use crate::report::period::{Calendar, Period};
use crate::report::scope::{Scope, ScopeDefaults, ScopeRequest};
use crate::run::Instant;
use crate::store::Archive;
use chrono::TimeDelta;
use chrono_tz::Tz;

/// The period to compare with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Against {
    /// The month, week or day before.
    #[default]
    Previous,
    /// The same month, ISO week or day a year earlier.
    YearBefore,
    /// The one with this label.
    Period(String),
}

impl Against {
    /// Reads `previous`, `year` or the label of a period.
    ///
    /// # Errors
    /// [`Error::Usage`] when the text is none of them.
    pub fn parse(text: &str) -> Result<Against> {
        match text {
            "previous" => Ok(Against::Previous),
            "year" => Ok(Against::YearBefore),
            label if Period::named(label, Tz::UTC).is_some() => Ok(Against::Period(label.to_owned())),
            _ => Err(Error::Usage {
                what: format!("--against {text}: neither previous nor year nor a month, week or day"),
                hint: Some("a period looks like 2026-01, 2026-W05 or 2026-01-31".to_owned()),
            }),
        }
    }

    /// The label of the period that `period` is compared with.
    ///
    /// # Errors
    /// [`Error::Usage`] when `period` is no label, or when there is no such period to compare with.
    pub fn label(&self, period: &str) -> Result<String> {
        Period::parse(period, Tz::UTC)?;
        let refused = |what: String, hint: &str| Error::Usage { what, hint: Some(hint.to_owned()) };
        let none = |flag: &str, hint: &str| {
            refused(format!("--against {flag}: there is no such period for {period}"), hint)
        };
        let label = match self {
            Against::Previous => Period::label_before(period)
                .ok_or_else(|| none("previous", "give a later period with --period"))?,
            Against::YearBefore => Period::label_a_year_before(period)
                .ok_or_else(|| none("year", "name the period to compare with, such as --against 2025-W52"))?,
            Against::Period(label) => label.clone(),
        };
        if label == period {
            return Err(refused(
                format!("{period} cannot be compared with itself"),
                "give another period with --against",
            ));
        }
        if Calendar::of_label(&label) != Calendar::of_label(period) {
            return Err(refused(
                format!("{period} and {label} have different lengths, so their costs cannot be compared"),
                "give two months, two weeks or two days",
            ));
        }
        Ok(label)
    }
}

/// Where the other period is cut because one of both is still running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The period that is still running.
    pub running: Side,
    /// How long it had lasted at the last observation.
    pub elapsed: TimeDelta,
    /// The first instant of the other period that is left out. `None`: that period is shorter, so nothing is left out.
    pub until: Option<Instant>,
}

/// One of both periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The period asked about.
    Period,
    /// The period compared with.
    Against,
}

impl Side {
    /// Both, the period compared with first.
    pub(crate) const BOTH: [Side; 2] = [Side::Against, Side::Period];
}

/// The scopes of both periods in one archive.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedScopes {
    /// The period asked about.
    pub period: Scope,
    /// The period compared with.
    pub against: Scope,
    /// `None`: both periods are over.
    pub cut: Option<Cut>,
    /// A period that begins after the last observation, and that observation by the system clock. `None`: both have
    /// begun.
    pub not_begun: Option<(Side, Instant)>,
}

impl ComparedScopes {
    /// The scope of one of both periods.
    pub(crate) fn scope(&self, side: Side) -> &Scope {
        match side {
            Side::Period => &self.period,
            Side::Against => &self.against,
        }
    }

    /// The scopes of the request's period and of the period `against`; `latest` is as in [`Scope::resolve_like`].
    ///
    /// A closed period is read as it was closed. An open one has the zone and the date basis of a closed one, unless
    /// the request gives them. If the period `against` is open, but was over when the period asked about was closed, it
    /// is read in the scope of that close, so that the answer stays the same.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the flag that is invalid, or that contradicts a closed month. Those of SQLite.
    pub(crate) fn resolve(
        request: &ScopeRequest,
        against: &str,
        defaults: &ScopeDefaults,
        latest: Option<&LatestClose>,
        archive: &Archive,
    ) -> Result<ComparedScopes> {
        let resolve = |request: &ScopeRequest| Scope::resolve_like(request, defaults, latest, archive);
        let closed = |label: &str| -> Result<Option<Scope>> {
            archive.close_of(label)?.map(|close| Scope::of_close(&close)).transpose()
        };
        let closed_period = request.period.as_deref().map(closed).transpose()?.flatten();
        let closed_against = closed(against)?;
        let booked_as = |scope: &Scope| ScopeRequest {
            zone: request.zone.or(Some(scope.zone)),
            date_basis: request.date_basis.or(Some(scope.date)),
            ..request.clone()
        };
        let of_period = match &closed_against {
            Some(scope) if closed_period.is_none() => booked_as(scope),
            _ => request.clone(),
        };
        let period = resolve(&of_period)?;
        let against = Some(against.to_owned());
        let against = if closed_against.is_some() {
            // Zone, date basis and moment of the request are for the open period.
            let given = match closed_period {
                Some(_) => request.clone(),
                None => ScopeRequest { filter: request.filter.clone(), ..ScopeRequest::default() },
            };
            resolve(&ScopeRequest { period: against, ..given })?
        } else {
            let open = ScopeRequest { period: against, ..booked_as(&period) };
            let open = Scope::resolve_open(&open, defaults, latest)?.with_closed_rates(archive)?;
            let over_at_the_close = closed_period.is_some() && open.span.until <= period.as_of;
            if over_at_the_close {
                Scope { span: open.span, period: open.period, close_id: None, ..period.clone() }
            } else {
                open
            }
        };
        ComparedScopes { period, against, cut: None, not_begun: None }.cut(archive)
    }

    /// Warns if one of both periods does not add up with a closed month.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn warn_of_conflicts(&self, archive: &Archive) -> Result<()> {
        let both = [&self.against, &self.period];
        if both.iter().all(|scope| scope.close_id.is_some()) {
            return warn_of_conflicts_between(&both.map(Scope::clone), archive);
        }
        both.into_iter()
            .filter(|scope| scope.close_id.is_none())
            .try_for_each(|scope| warn_of_conflicts(scope, archive))
    }

    /// Cuts the other period to the time that a running one has lasted.
    fn cut(self, archive: &Archive) -> Result<ComparedScopes> {
        let mut scopes = self;
        let period = lasted(&scopes.period, archive)?;
        let against = lasted(&scopes.against, archive)?;
        let running = [(Side::Period, period), (Side::Against, against)];
        for (running, (elapsed, now)) in running.into_iter().filter_map(|(side, at)| Some((side, at?))) {
            if elapsed < TimeDelta::zero() {
                scopes.not_begun = Some((running, now));
            }
            let other = match running {
                Side::Period => &mut scopes.against,
                Side::Against => &mut scopes.period,
            };
            let whole = other.span;
            other.span = whole.beginning(elapsed);
            let until = other.span.until.filter(|_| other.span != whole);
            scopes.cut = Some(Cut { running, elapsed, until });
        }
        Ok(scopes)
    }
}

/// How long a period that is not over had lasted at the last observation, and that observation by the system clock.
/// Negative: it had not begun. `None`: the period is over, or nothing was observed.
fn lasted(scope: &Scope, archive: &Archive) -> Result<Option<(TimeDelta, Instant)>> {
    // A month is over before it is closed.
    if scope.close_id.is_some() {
        return Ok(None);
    }
    let Some(now) = archive.clock_at_last_observation(scope.as_of)? else { return Ok(None) };
    let is_over = scope.span.until.is_some_and(|until| until <= now);
    let from = scope.span.from.filter(|_| !is_over);
    Ok(from.map(|from| (now.to_utc() - from.to_utc(), now)))
}
