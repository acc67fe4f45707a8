//! The moment of an answer about the present: the archive's own time, and not that of the clock.

use super::ledger::Ledger;
use crate::error::Result;
use crate::run::Instant;
use rusqlite::OptionalExtension;

/// The end of the last complete sync by the system clock, as in `queries/open.sql`.
const LAST_COMPLETE: &str = "
SELECT coalesce(clock_ended_at, ended_at) FROM main.syncs
WHERE walk_complete = 1 AND outcome IN ('complete', 'partial') AND (?1 IS NULL OR ended_at <= ?1)
ORDER BY sync_id DESC LIMIT 1";

/// The latest observation, for an archive whose first sync is not complete.
const LAST_OBSERVED: &str = "
SELECT max(iif(?1 IS NULL, last_observed_at, min(last_observed_at, ?1))) FROM main.syncs
WHERE ?1 IS NULL OR started_at <= ?1";

/// The end of the last complete sync, else the latest observation. A ledger as of a moment has the syncs until then: an
/// answer is the same as it was at that moment. `None`: nothing was archived.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn moment_of(ledger: &Ledger<'_>) -> Result<Option<Instant>> {
    let (archive, as_of) = (ledger.connection(), ledger.scope().as_of);
    let complete =
        archive.query_row(LAST_COMPLETE, [as_of], |row| row.get::<_, Option<Instant>>(0)).optional()?;
    match complete.flatten() {
        Some(at) => Ok(Some(at)),
        None => Ok(archive.query_row(LAST_OBSERVED, [as_of], |row| row.get(0))?),
    }
}

/// The whole seconds between two stored instants, each without its fraction. `None`: one of them is not an instant.
pub(super) fn whole_seconds_between(from: &str, until: &str) -> Option<i64> {
    let fraction = |instant: &str| instant.get(20..26)?.parse::<i64>().ok();
    let micros = super::duration::micros_between(from, until)?;
    Some((micros - fraction(until)? + fraction(from)?) / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_of_a_second_do_not_count() {
        let between = whole_seconds_between;
        assert_eq!(between("2026-01-01T00:00:00.900000Z", "2026-01-01T00:00:01.100000Z"), Some(1));
        assert_eq!(between("2026-01-01T23:59:59.000001Z", "2026-01-02T00:00:00.000000Z"), Some(1));
        assert_eq!(between("2026-01-01T00:00:05.000000Z", "2026-01-01T00:00:01.100000Z"), Some(-4));
        assert_eq!(between("soon", "2026-01-01T00:00:01.100000Z"), None);
    }
}
