//! The headline month of an overview, what is expected of it, and the part of the previous month that it is compared
//! with.

use super::calendar::{DateIndex, month_label};
use crate::error::Result;
use crate::report::credits::{self, CreditsOptions};
use crate::report::ledger::Ledger;
use crate::report::period::{Calendar, Period, Span};
use crate::report::scope::Scope;
use crate::report::table::{Cell, Table};
use crate::report::terms::MonthTerms;
use crate::run::Instant;
use chrono::{Datelike, TimeDelta};
use rusqlite::Connection;

/// The month an overview leads with: the month of the latest observation, or the last month of the span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadlineMonth {
    /// The month number.
    pub month: i32,
    /// Whether the month and the span both go on after the latest observation.
    pub is_running: bool,
    /// Whether the span covers the whole month. A partial month is not compared with another one.
    pub is_whole: bool,
}

impl HeadlineMonth {
    /// Of what is known at a moment. `None`: nothing is, or the span begins later.
    pub(crate) fn of(scope: &Scope, known_at: Option<Instant>) -> Option<HeadlineMonth> {
        known_at.and_then(|known_at| Headline::of(scope, known_at)).map(|headline| headline.headline_month)
    }

    /// Whether the month is running, and no day of it is over.
    pub(super) fn is_first_day(&self, scope: &Scope, known_at: Option<Instant>) -> bool {
        let local = known_at.map(|at| at.to_utc().with_timezone(&scope.zone));
        self.is_running && local.is_some_and(|at| at.day() == 1)
    }

    /// The label of the period that is compared with the one before: the period asked about, or this month if the span
    /// covers it. On its first day, the last complete month. `None`: there is none.
    pub fn compared_period(&self, scope: &Scope, known_at: Option<Instant>) -> Option<String> {
        let label = month_label(self.month);
        match &scope.period {
            Some(period) if *period != label => Some(period.clone()),
            _ if !self.is_whole => None,
            _ if self.is_first_day(scope, known_at) => Some(month_label(self.month - 1)),
            _ => Some(label),
        }
    }

    /// Whether the page is about this month, which is running at its moment, with every run.
    pub(crate) fn is_current(&self, scope: &Scope) -> bool {
        self.is_running && self.is_whole && scope.filter.is_empty()
    }
}

/// What is expected of the headline month, as in `runledger report credits`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreditsForecast {
    /// The credits by the end of the month. `None`: the month is over, or nothing is known.
    pub expected: Option<u64>,
    /// The day on which the last available credit is used. `None`: not in this month, or there is no plan.
    pub run_out_on: Option<String>,
}

impl CreditsForecast {
    /// The forecast of an archive in a scope, at the latest observation in it. `None`: there is none.
    ///
    /// # Errors
    /// Those of [`Ledger::open`] and of SQLite.
    pub fn read(archive: &Connection, scope: &Scope, known_at: Option<Instant>) -> Result<CreditsForecast> {
        let headline = known_at.and_then(|known_at| Some((Headline::of(scope, known_at)?, known_at)));
        let Some((Headline { period, .. }, known_at)) = headline else {
            return Ok(CreditsForecast::default());
        };
        let from = period.start.max(scope.span.from);
        let until = [period.end, scope.span.until].into_iter().flatten().min();
        let ledger = Ledger::open(archive, Scope { span: Span { from, until }, ..scope.clone() })?;
        let Table { columns, rows, .. } = credits::report(&ledger, &CreditsOptions::default(), known_at)?;
        let cell = |name: &str| {
            let column = columns.iter().position(|column| column == name)?;
            rows.iter().find(|row| row[0] == Cell::text(&period.label)).map(|row| row[column].clone())
        };
        let expected = match cell("expected_credits") {
            Some(Cell::Count(Some(credits))) => u64::try_from(credits).ok(),
            _ => None,
        };
        let run_out_on = match cell("credits_run_out_on") {
            Some(Cell::Text(day)) => day,
            _ => None,
        };
        Ok(CreditsForecast { expected, run_out_on })
    }
}

/// The headline month and its comparison with the previous month.
pub(super) struct Headline {
    pub headline_month: HeadlineMonth,
    period: Period,
    /// `None`: the headline month is not compared.
    previous: Option<Period>,
    /// The previous month is cut here, as long after its start as the running month has lasted. `None`: the month
    /// is over, or is not compared.
    pub cut: Option<Instant>,
}

impl Headline {
    /// `None`: the span begins after the latest observation.
    pub(super) fn of(scope: &Scope, known_at: Instant) -> Option<Headline> {
        let Span { from, until } = scope.span;
        let last = until.map_or(known_at, |until| known_at.min(until.plus(TimeDelta::microseconds(-1))));
        if from.is_some_and(|from| last < from) {
            return None;
        }
        let period = Period::around(last, Calendar::Month, scope.zone);
        let month = DateIndex::new(scope.zone).numbers_of(last.as_str())?.month;
        let is_running = [period.end, until].into_iter().flatten().all(|end| known_at < end);
        let is_partial = from.is_some_and(|from| period.start.is_none_or(|start| from > start))
            || until.is_some_and(|until| {
                // A span that ends in the future cuts off no known runs.
                until <= known_at && period.end.is_none_or(|end| until < end)
            });
        let previous = period.start.filter(|_| !is_partial).map(|start| {
            Period::around(start.plus(TimeDelta::microseconds(-1)), Calendar::Month, scope.zone)
        });
        let cut = previous.as_ref().filter(|_| is_running).and_then(|previous| {
            let whole = Span { from: previous.start, until: previous.end };
            let beginning = whole.beginning(known_at.to_utc() - period.start?.to_utc());
            beginning.until.filter(|cut| whole.until.is_some_and(|end| *cut < end))
        });
        let headline_month = HeadlineMonth { month, is_running, is_whole: !is_partial };
        Some(Headline { headline_month, period, previous, cut })
    }

    /// The number of the previous month. `None`: the headline month is not compared.
    pub(super) fn previous_month(&self) -> Option<i32> {
        self.previous.as_ref().map(|_| self.headline_month.month - 1)
    }

    /// The terms of the headline month in a scope.
    pub(super) fn terms(&self, scope: &Scope) -> MonthTerms {
        scope.terms_of(&self.period.label)
    }
}
