//! Which unsettled runs to request again: runs that have been open for long, less often.
//!
//! A run that never ends stays unsettled forever, so requesting each in every sync would cost more with each such run.
//! An open run that is older than a day is requested again whenever its age has grown by a 24th: after 30 days, every
//! 30 hours. Each sync derives this from the time of the sync before, so nothing else needs to be recorded.

use crate::run::Instant;
use crate::store::Candidate;
use chrono::TimeDelta;

/// Up to this many old open runs are requested in every sync.
const MAX_IN_EVERY_SYNC: usize = 20;

/// Until this age, an open run is requested in every sync.
const YOUNG: TimeDelta = TimeDelta::days(1);

/// An older run is requested again when its age has grown by this factor.
const GROWTH: f64 = 1.0 + 1.0 / 24.0;

/// The runs to request at `now`. `since` is the start of the sync that requested them before; `None`: request all.
pub(super) fn due(candidates: Vec<Candidate>, since: Option<Instant>, now: Instant) -> Vec<Candidate> {
    let is_old = |run: &Candidate| run.open_since.is_some_and(|created_at| created_at.plus(YOUNG) < now);
    let Some(since) =
        since.filter(|_| candidates.iter().filter(|run| is_old(run)).count() > MAX_IN_EVERY_SYNC)
    else {
        return candidates;
    };
    let is_due = |run: &Candidate| {
        run.open_since
            .filter(|_| is_old(run))
            .is_none_or(|created_at| steps(created_at, since) < steps(created_at, now))
    };
    candidates.into_iter().filter(is_due).collect()
}

/// How often the age of a run has grown by [`GROWTH`] since it was young.
fn steps(created_at: Instant, at: Instant) -> f64 {
    let age = (at.to_utc() - created_at.to_utc()).as_seconds_f64() / YOUNG.as_seconds_f64();
    (age.max(1.0).ln() / GROWTH.ln()).floor()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn runs(count: usize, open_since: impl Fn(usize) -> Option<Instant>) -> Vec<Candidate> {
        let run = |place: usize| Candidate {
            snapshot_id: place as i64,
            run_id: Uuid::from_u128(place as u128),
            open_since: open_since(place),
        };
        (0..count).map(run).collect()
    }

    #[test]
    fn an_old_open_run_is_requested_whenever_its_age_grew_by_a_24th() {
        let begin = at("2026-01-01T00:00:00Z");
        let hour = |hour: i64| begin.plus(TimeDelta::hours(hour));
        // From a minute to two years old.
        let open_since = |place: usize| begin.plus(-TimeDelta::minutes((place * place * 300) as i64));
        let runs = runs(60, |place| Some(open_since(place)));
        let mut last_requested = vec![begin; runs.len()];
        let mut requests = 0;
        for now in (1..=60 * 24).map(hour) {
            let since = now.plus(-TimeDelta::hours(1));
            for run in due(runs.clone(), Some(since), now) {
                last_requested[run.snapshot_id as usize] = now;
                requests += 1;
            }
            for (place, requested) in last_requested.iter().enumerate() {
                let (unseen, age) =
                    (now.to_utc() - requested.to_utc(), now.to_utc() - open_since(place).to_utc());
                assert!(unseen <= age / 24 + TimeDelta::hours(1), "{place}: {unseen} at the age of {age}");
            }
        }
        let every_time = runs.len() * 60 * 24;
        assert!(requests < every_time / 10, "{requests} of {every_time}");
    }

    #[test]
    fn few_old_runs_and_young_or_ended_ones_are_always_requested() {
        let now = at("2026-11-23T16:00:00Z");
        let since = Some(now);
        let old = |_| Some(at("2025-01-01T00:00:00Z"));
        assert_eq!(due(runs(20, old), since, now).len(), 20);
        assert!(due(runs(21, old), since, now).is_empty());
        assert_eq!(due(runs(21, old), None, now).len(), 21);
        let young = |place| if place < 25 { old(place) } else { Some(at("2026-11-22T16:00:00Z")) };
        assert_eq!(due(runs(30, young), since, now).len(), 5);
        let ended = |place| if place < 25 { old(place) } else { None };
        assert_eq!(due(runs(30, ended), since, now).len(), 5);
        let future = |place| if place < 25 { old(place) } else { Some(Instant::MAX) };
        assert_eq!(due(runs(30, future), since, now).len(), 5);
    }
}
