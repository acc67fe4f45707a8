//! The charges of a month: its own runs, and corrections of closed months that became known in it.

use super::billing_period::BillingPeriod;
use super::charge::{Books, Correction};
use super::{ChargeSummary, CostAndUsage, Version};
use crate::error::Result;
use crate::export::WriteError;
use crate::report::restatements::{latest, latest_known_at, restatements};
use crate::report::run_cost::{self, KeptRun};
use crate::report::{CostComponent, Ledger, Scope, ScopeTerms};
use crate::store::{ClockOffsets, Close};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Write;

/// Writes the charges of the runs booked in the month of the ledger, then the corrections that became known in it.
///
/// `closes` are those of the archive, in any order. A correction belongs to the month in which it was seen, because the
/// books of its own month are closed.
///
/// # Errors
/// Those of SQLite and of `out`; [`crate::error::Error::Internal`] when this version cannot read a close.
pub(crate) fn write_charges(
    ledger: &Ledger<'_>,
    closes: &[Close],
    books: &Books,
    version: Version,
    out: &mut dyn Write,
) -> Result<ChargeSummary, WriteError> {
    let mut charges = CostAndUsage::begin(books, version, out)?;
    run_cost::for_each(ledger, |run| -> Result<(), WriteError> { Ok(charges.run(&run)?) })?;
    let seen_here = books.period.start..books.period.end;
    // A correction is booked by the system clock, which observations can be ahead of.
    let clocks = ClockOffsets::of(ledger.connection())?;
    let known = known_closes(ledger.scope(), closes);
    for close in known.iter().filter(|close| close.frozen.period != books.period.label) {
        let period = BillingPeriod::of_close(close);
        let scope = Scope::of_close(close)?;
        // A close of an earlier version froze no issuers: those of the exported month apply.
        let billed_by = match &scope.terms {
            ScopeTerms::Close(terms) => &terms.billed_by,
            ScopeTerms::Settings(_) => &books.terms.billed_by,
        };
        let changes = restatements(ledger.connection(), &scope, ledger.scope().as_of)?;
        // A run can have many changes, and finding it can mean reading all of its states: it is found once.
        let mut runs: HashMap<&str, Option<KeptRun>> = HashMap::new();
        for change in &changes {
            let seen_at = clocks.clock_at(change.seen_at);
            if !seen_here.contains(&seen_at) {
                continue;
            }
            let (Some(component), Some(difference)) =
                (CostComponent::of_column(change.field), change.difference)
            else {
                continue;
            };
            let run = match runs.entry(&change.run_id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(run_cost::find(ledger, &change.run_id)?),
            };
            if let Some(run) = run {
                let run = run.run()?;
                charges.correction(&Correction {
                    period: &period,
                    billed_by,
                    run,
                    component,
                    difference,
                    seen_at,
                })?;
            }
        }
    }
    Ok(charges.finish()?)
}

/// The closes that the scope's month takes corrections of, one per month.
///
/// A closed month takes those made before its own close, so that later closes do not change it. An open month takes
/// those whose moment of knowledge is not after its own.
fn known_closes(scope: &Scope, closes: &[Close]) -> Vec<Close> {
    match scope.close_id {
        Some(own) => latest(closes.iter().filter(|close| close.close_id < own).cloned()),
        None => latest_known_at(closes.to_vec(), scope.as_of),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{MonthTerms, Span};
    use crate::run::Instant;
    use crate::store::{Archive, CloseTotals, Frozen, RowLayout};
    use rusqlite::functions::FunctionFlags;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn close(close_id: i64, period: &str, starts_at: &str, ends_at: &str, known_at: &str) -> Close {
        let totals = CloseTotals {
            runs: 0,
            runs_cost_unknown: 0,
            el_cost_nanos: None,
            transformation_cost_nanos: None,
            total_cost_nanos: None,
            credits: 0,
            rows_sha256: [0; 32],
            names: "[]".to_owned(),
        };
        let frozen = Frozen {
            period: period.to_owned(),
            restates: None,
            closed_at: at(known_at),
            known_at: at(known_at),
            zone: "UTC".to_owned(),
            starts_at: at(starts_at),
            ends_at: at(ends_at),
            date_basis: "started".to_owned(),
            allocation: "[]".to_owned(),
            objections: None,
            totals,
            row_layout: RowLayout::default(),
            terms: None,
            closed_by: None,
            note: None,
        };
        Close { close_id, frozen }
    }

    fn january(close_id: i64, known_at: &str) -> Close {
        close(close_id, "2026-01", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", known_at)
    }

    #[test]
    fn a_month_knows_the_closes_before_its_own_and_the_latest_of_each_month() {
        let closes = [january(1, "2026-02-02T00:00:00Z"), january(3, "2026-03-02T00:00:00Z")];
        let ids = |scope: &Scope| -> Vec<i64> {
            known_closes(scope, &closes).iter().map(|close| close.close_id).collect()
        };
        assert_eq!(ids(&Scope::default()), [3]);
        assert_eq!(ids(&Scope { close_id: Some(2), ..Scope::default() }), [1]);
        assert_eq!(ids(&Scope { as_of: Some(at("2026-02-15T00:00:00Z")), ..Scope::default() }), [1]);
        assert!(ids(&Scope { as_of: Some(at("2026-02-01T00:00:00Z")), ..Scope::default() }).is_empty());
    }

    /// Asserts that a cost of January, seen on February 10 by the clock, is a correction in February. Observations are
    /// in this year.
    fn assert_corrected_in_february(year_of_observations: &str) {
        let archive = Archive::temporary().unwrap();
        let sql = "INSERT INTO syncs (sync_id, kind, started_at, outcome, process_id, program_version, api_url,
                                    last_observed_at)
                 VALUES (1, 'first', '2026-02-01T00:00:00.000000Z', 'complete', 1, '0.1.0', 'http://h/',
                         '2026-02-20T00:00:00.000000Z');
                 INSERT INTO run_snapshots (run_id, observed_at, superseded_at, sync_id, content_hash, started_at,
                                            status, el_cost_usd, el_cost_nanos, source)
                 VALUES ('run-1', '2026-02-01T00:00:01.000000Z', '2026-02-10T00:00:00.000000Z', 1, zeroblob(32),
                         '2026-01-05T10:00:00.000000Z', 'success', 0.25, 250000000, 's-1'),
                        ('run-1', '2026-02-10T00:00:00.000000Z', NULL, 1, zeroblob(32),
                         '2026-01-05T10:00:00.000000Z', 'success', 0.75, 750000000, 's-1');";
        let seen = |text: &str| text.replace("2026-02", &format!("{year_of_observations}-02"));
        archive.connection().execute_batch(&seen(sql)).unwrap();
        let clock = "UPDATE syncs SET clock_started_at = '2026-02-01T00:00:00.000000Z'";
        archive.connection().execute_batch(clock).unwrap();
        let ledger = Ledger::open(archive.connection(), Scope::default()).unwrap();
        let closes = [january(1, &seen("2026-02-02T00:00:00Z"))];
        for (label, start, end, is_corrected) in [
            ("2026-02", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", true),
            ("2026-03", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", false),
        ] {
            let period =
                BillingPeriod { label: label.to_owned(), start: at(start), end: at(end), closed_at: None };
            let books = Books { period, zone: chrono_tz::Tz::UTC, terms: MonthTerms::default() };
            let mut out = Vec::new();
            write_charges(&ledger, &closes, &books, Version::V1_2, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.contains("Correction of 2026-01: "), is_corrected, "{label}: {text}");
            assert_eq!(text.contains(",0.500000000,"), is_corrected, "{label}: {text}");
        }
    }

    #[test]
    fn a_late_cost_is_a_correction_in_the_month_it_was_seen_in() {
        assert_corrected_in_february("2026");
    }

    #[test]
    fn a_correction_is_booked_by_the_clock_and_not_by_observations_ahead() {
        assert_corrected_in_february("2027");
    }

    #[test]
    fn a_run_with_many_changes_is_found_once() {
        const CHANGES: usize = 40;
        let archive = Archive::temporary().unwrap();
        let sql = "INSERT INTO syncs (sync_id, kind, started_at, outcome, process_id, program_version, api_url,
                                    last_observed_at)
                 VALUES (1, 'first', '2026-02-01T00:00:00.000000Z', 'complete', 1, '0.1.0', 'http://h/',
                         '2026-02-20T00:00:00.000000Z');
                 WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :changes)
                 INSERT INTO run_snapshots (run_id, observed_at, superseded_at, sync_id, content_hash, started_at,
                                            status, el_cost_usd, el_cost_nanos, source)
                 SELECT 'run-1', strftime('%Y-%m-%dT%H:%M:%S.000000Z', '2026-02-01', i || ' hours'),
                        iif(i < :changes, strftime('%Y-%m-%dT%H:%M:%S.000000Z', '2026-02-01', (i + 1) || ' hours'), NULL),
                        1, zeroblob(32), '2026-01-05T10:00:00.000000Z', 'success', i / 1e9, i, 's-1'
                 FROM n";
        archive.connection().execute_batch(&sql.replace(":changes", &CHANGES.to_string())).unwrap();
        let (start, end) = (at("2026-02-01T00:00:00Z"), at("2026-03-01T00:00:00Z"));
        let scope = Scope { span: Span { from: Some(start), until: Some(end) }, ..Scope::default() };
        let ledger = Ledger::open(archive.connection(), scope).unwrap();
        // Each run that is found has its cost center looked up.
        let found = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&found);
        archive
            .connection()
            .create_scalar_function("cost_center", 4, FunctionFlags::SQLITE_UTF8, move |_| {
                counter.fetch_add(1, Ordering::Relaxed);
                Ok("unallocated".to_owned())
            })
            .unwrap();
        let period = BillingPeriod { label: "2026-02".to_owned(), start, end, closed_at: None };
        let books = Books { period, zone: chrono_tz::Tz::UTC, terms: MonthTerms::default() };
        let closes = [january(1, "2026-02-01T00:30:00Z")];
        let mut out = Vec::new();
        write_charges(&ledger, &closes, &books, Version::V1_2, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches("Correction of 2026-01: ").count(), CHANGES);
        assert_eq!(found.load(Ordering::Relaxed), 1);
    }
}
