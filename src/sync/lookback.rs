//! Advice on `--lookback` and `--full-every`, from costs that changed too late for them.
//!
//! An incremental sync finds a change of a run that was created within the lookback. An older run's change waits for
//! the next walk of the whole list, up to `full_every`. More than a day is too long: months are closed meanwhile. Only
//! a walk of the whole list brings new evidence, so only such a sync looks for it.

use super::Options;
use crate::error::Result;
use crate::run::Instant;
use crate::store::{Archive, LateCosts, SyncKind};
use chrono::TimeDelta;

/// The fewest runs that are evidence. Single costs are also corrected by hand.
const MIN_RUNS: u64 = 5;

/// The longest lookback to recommend. Beyond it, a daily walk of the whole list reads less.
const MAX_LOOKBACK_DAYS: i64 = 60;

/// How often a walk of the whole list is often enough.
const DAILY: TimeDelta = TimeDelta::days(1);

/// The recommendation to look back further, or to read the whole list more often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookbackAdvice {
    /// The runs whose cost changed too late, in the last 90 days.
    pub runs: u64,
    /// The longest time from the creation of a run to the sync that saw its change, in whole days, rounded up.
    pub latest_days: i64,
}

impl LookbackAdvice {
    /// The advice for a sync of this kind at `now`. `None`: the options suffice, or there is too little evidence.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn after(
        kind: SyncKind,
        archive: &Archive,
        options: &Options,
        now: Instant,
    ) -> Result<Option<LookbackAdvice>> {
        if kind != SyncKind::Full || options.full_every <= DAILY {
            return Ok(None);
        }
        Ok(LookbackAdvice::of(archive.late_costs(options.lookback, options.settle, now)?))
    }

    fn of(late: LateCosts) -> Option<LookbackAdvice> {
        (late.runs >= MIN_RUNS).then(|| LookbackAdvice {
            runs: late.runs,
            latest_days: (late.latest + DAILY - TimeDelta::seconds(1)).num_days(),
        })
    }

    /// The lookback that would have found every change, in days. `None`: it is longer than a lookback should be.
    pub fn lookback_days(self) -> Option<i64> {
        Some(self.latest_days).filter(|days| *days <= MAX_LOOKBACK_DAYS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(runs: u64, latest: TimeDelta) -> Option<LookbackAdvice> {
        LookbackAdvice::of(LateCosts { runs, latest })
    }

    #[test]
    fn few_late_changes_are_no_evidence() {
        assert_eq!(advice(4, TimeDelta::days(20)), None);
        assert_eq!(advice(5, TimeDelta::days(20)), Some(LookbackAdvice { runs: 5, latest_days: 20 }));
    }

    #[test]
    fn the_recommended_lookback_covers_the_latest_change() {
        let days = |latest| advice(5, latest).unwrap().lookback_days();
        assert_eq!(days(TimeDelta::days(20) + TimeDelta::seconds(1)), Some(21));
        assert_eq!(days(TimeDelta::days(60)), Some(60));
        assert_eq!(days(TimeDelta::days(60) + TimeDelta::seconds(1)), None);
    }
}
