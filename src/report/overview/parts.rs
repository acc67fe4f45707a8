//! The runs of an overview in parts, which two threads share.

use crate::error::Result;
use crate::report::group_by::{booked_ends, fold_runs_in, fold_runs_without_date};
use crate::report::ledger::Ledger;
use crate::report::period::{Calendar, Period, Span};
use crate::report::run_scan::{Columns, IndexedRun};
use crate::report::scope::DateBasis;
use crate::run::Instant;
use chrono::TimeDelta;
use chrono_tz::Tz;
use std::sync::Mutex;

/// The most weeks that are parts of their own. The part before them has what is left: a run with a date in the distant
/// past makes no thousands of parts.
const MAX_WEEKS: usize = 200;

/// A part of the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The runs booked in a span.
    Booked(Span),
    /// The runs that nothing books.
    WithoutDate,
}

impl Part {
    /// Folds its runs into a state, the newest first if the index has that order.
    pub(super) fn fold<T: Send + 'static>(
        self,
        ledger: &Ledger<'_>,
        columns: Columns,
        state: T,
        add: fn(&mut T, &IndexedRun<'_>) -> Result<()>,
    ) -> Result<T> {
        match self {
            Part::Booked(span) => fold_runs_in(ledger, span, columns, state, add),
            Part::WithoutDate => fold_runs_without_date(ledger, columns, state, add),
        }
    }
}

/// The parts that no thread has taken, the oldest first.
pub(super) struct Parts(Mutex<Vec<Part>>);

impl Parts {
    /// The runs until the end of the ledger's span: those before it define the control bands, and the month that the
    /// headline month is compared with. Weeks are parts if the index of reports has the order of their runs.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn of(ledger: &Ledger<'_>) -> Result<Parts> {
        let scope = ledger.scope();
        let whole = Span { from: None, until: scope.span.until };
        let is_ordered = scope.date == DateBasis::Started && scope.as_of.is_none();
        let ends = match is_ordered {
            true => booked_ends(ledger, whole)?,
            false => None,
        };
        let mut parts = match ends {
            Some((first, last)) => weeks(whole, first, last, scope.zone),
            None => vec![Part::Booked(whole)],
        };
        parts.reverse();
        Ok(Parts(Mutex::new(parts)))
    }

    /// Takes the newest part. `None`: none is left.
    pub(super) fn take_newest(&self) -> Option<Part> {
        self.0.lock().expect("no thread panics while it takes parts").pop()
    }

    /// Takes the older half of the parts, the oldest first.
    pub(super) fn take_older_half(&self) -> Vec<Part> {
        let mut parts = self.0.lock().expect("no thread panics while it takes parts");
        let half = parts.len() / 2;
        parts.drain(..half).collect()
    }
}

/// The weeks of a span from that of its last run back to that of its first, and the runs without a date if the span has
/// them.
fn weeks(whole: Span, first: Instant, last: Instant, zone: Tz) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut until = whole.until;
    let mut week = Period::around(last, Calendar::Week, zone);
    while let Some(from) = week.start.filter(|start| first < *start && parts.len() < MAX_WEEKS) {
        parts.push(Part::Booked(Span { from: Some(from), until }));
        until = Some(from);
        week = Period::around(from.plus(TimeDelta::microseconds(-1)), Calendar::Week, zone);
    }
    parts.push(Part::Booked(Span { from: None, until }));
    // A span with an end has no runs without a date. One without ends has them itself, if it is the only part.
    if whole.until.is_none() && until.is_some() {
        parts.push(Part::WithoutDate);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_follow_each_other_and_leave_nothing_out() {
        let at = |text: &str| Instant::parse(text).unwrap();
        let (first, last) = (at("2026-10-01T08:00:00Z"), at("2026-11-27T12:00:00Z"));
        for until in [None, Some(at("2026-12-01T00:00:00Z"))] {
            let parts = weeks(Span { from: None, until }, first, last, Tz::America__Sao_Paulo);
            let mut spans = Vec::new();
            for part in &parts {
                match part {
                    Part::Booked(span) => spans.push(*span),
                    Part::WithoutDate => assert_eq!(until, None),
                }
            }
            assert_eq!((spans.len(), parts.contains(&Part::WithoutDate)), (9, until.is_none()));
            assert_eq!(spans[0], Span { from: Some(at("2026-11-23T03:00:00Z")), until });
            assert!(spans.windows(2).all(|pair| pair[0].from == pair[1].until && pair[0].from.is_some()));
            assert_eq!(spans[8], Span { from: None, until: Some(at("2026-10-05T03:00:00Z")) });
        }
    }

    #[test]
    fn a_date_in_the_distant_past_makes_few_parts() {
        let at = |text: &str| Instant::parse(text).unwrap();
        let (first, last) = (at("0001-01-01T00:00:00Z"), at("2026-11-27T12:00:00Z"));
        assert_eq!(weeks(Span::default(), first, last, Tz::UTC).len(), MAX_WEEKS + 2);
        let one = weeks(Span::default(), last, last, Tz::UTC);
        assert_eq!(one, [Part::Booked(Span::default())], "it has the runs without a date");
    }
}
