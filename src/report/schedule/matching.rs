//! Matching of due times to runs: which run came for which due time, on plain values.
//!
//! One pass over both lists in order of time. The window of a due time begins at it and ends where that of the next
//! one begins; windows begin up to [`EARLIEST`] early, because clocks differ. The first run created in a window came
//! for its due time. Any other run in the window came for none: a run is never matched to an earlier or a later due
//! time, so one missing run cannot shift the matches after it.

use chrono::{DateTime, TimeDelta, Utc};

/// How long before its due time a run can be created, at most half the time since the due time before.
pub const EARLIEST: TimeDelta = TimeDelta::seconds(5);

/// How a due time was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// A run was created within the grace period.
    OnTime,
    /// A run was created after the grace period.
    Late,
    /// No run was created, and the grace period had passed when the archive was last known to be complete.
    Missing,
    /// No run was created yet, and the archive cannot show that it will not be.
    Pending,
}

/// For each due time, the position of the run that came for it. Both lists are ascending. Add the due time after the
/// last one of interest: it ends that one's window.
pub fn match_runs(due_times: &[DateTime<Utc>], created: &[DateTime<Utc>]) -> Vec<Option<usize>> {
    let mut matches = vec![None; due_times.len()];
    let (mut current, mut next) = (None, 0);
    for (run, created_at) in created.iter().enumerate() {
        while next < due_times.len() && window_begins_at(due_times, next) <= *created_at {
            current = Some(next);
            next += 1;
        }
        if let Some(due) = current {
            matches[due].get_or_insert(run);
        }
    }
    matches
}

fn window_begins_at(due_times: &[DateTime<Utc>], place: usize) -> DateTime<Utc> {
    let due_at = due_times[place];
    let before = place.checked_sub(1).map(|before| (due_at - due_times[before]) / 2);
    due_at - before.map_or(EARLIEST, |half| half.min(EARLIEST))
}

/// The outcome of a due time with its run's creation. Every run created by `complete_until` is known.
pub fn outcome(
    due_at: DateTime<Utc>,
    created_at: Option<DateTime<Utc>>,
    grace: TimeDelta,
    complete_until: DateTime<Utc>,
) -> Outcome {
    match created_at {
        Some(created_at) if created_at - due_at > grace => Outcome::Late,
        Some(_) => Outcome::OnTime,
        None if due_at + grace < complete_until => Outcome::Missing,
        None => Outcome::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64, second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute) + TimeDelta::seconds(second)
    }

    #[test]
    fn a_missing_run_does_not_shift_the_matches_after_it() {
        let due = [at(0, 0), at(60, 0), at(120, 0), at(180, 0)];
        assert_eq!(match_runs(&due, &[at(0, 2), at(120, 2)]), [Some(0), None, Some(1), None]);
        assert_eq!(match_runs(&due, &[at(119, 50)]), [None, Some(0), None, None]);
        assert_eq!(match_runs(&due, &[]), [None; 4]);
        assert_eq!(match_runs(&[], &[at(0, 0)]), []);
    }

    #[test]
    fn a_run_satisfies_one_due_time_and_a_second_run_none() {
        let due = [at(0, 0), at(60, 0), at(120, 0)];
        assert_eq!(match_runs(&due, &[at(60, 1), at(60, 30), at(61, 0)]), [None, Some(0), None]);
    }

    #[test]
    fn a_run_can_be_a_little_early() {
        let due = [at(10, 0), at(11, 0)];
        assert_eq!(match_runs(&due, &[at(9, 55), at(10, 55)]), [Some(0), Some(1)]);
        assert_eq!(match_runs(&due, &[at(9, 54)]), [None, None]);
        let each_second = [at(0, 0), at(0, 1), at(0, 2)];
        assert_eq!(match_runs(&each_second, &[at(0, 0), at(0, 1)]), [Some(0), Some(1), None]);
    }

    #[test]
    fn a_run_is_missing_once_the_archive_shows_it() {
        let grace = TimeDelta::minutes(15);
        let outcome = |created: Option<DateTime<Utc>>, known| outcome(at(0, 0), created, grace, known);
        assert_eq!(outcome(Some(at(15, 0)), at(60, 0)), Outcome::OnTime);
        assert_eq!(outcome(Some(at(15, 1)), at(60, 0)), Outcome::Late);
        assert_eq!(outcome(None, at(15, 0)), Outcome::Pending);
        assert_eq!(outcome(None, at(15, 1)), Outcome::Missing);
    }
}
