//! Failure chains: consecutive failed runs of one pipeline, and how they ended.

use crate::run::{Instant, Usd};

/// From this many failed runs on, a chain is broken although it recovered.
pub(crate) const LONG_CHAIN: u64 = 3;

/// A pipeline with this many chains of one failure within [`FLAKY_SECONDS`] is flaky.
pub(crate) const FLAKY_CHAINS: usize = 3;

/// How long before and after a chain others count: 30 days.
const FLAKY_SECONDS: i64 = 30 * 86_400;

/// A successful or failed run. Canceled runs and runs that have not ended say nothing about whether a pipeline works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The instant that assigns the run to a period.
    pub booked_at: Instant,
    /// The id of its current snapshot.
    pub snapshot_id: i64,
    /// When it ended. `None`: not known.
    pub ended_at: Option<Instant>,
    /// Its cost in nano-dollars. `None`: not known.
    pub cost_nanos: Option<i64>,
    /// Whether it succeeded; otherwise it failed.
    pub succeeded: bool,
}

/// Consecutive failed runs of a pipeline, up to the next success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureChain {
    /// The pipeline, as a position in [`super::Recovery::pipelines`].
    pub pipeline: usize,
    /// The number of failed runs.
    pub failed_runs: u64,
    /// When the first one is booked.
    pub first_failure_at: Instant,
    /// When the last one is booked.
    pub last_failure_at: Instant,
    /// The id of the last one's current snapshot.
    pub last_snapshot_id: i64,
    /// When the next successful run is booked. `None`: the pipeline still fails.
    pub recovered_at: Option<Instant>,
    /// When that run ended, if that is known and later.
    pub recovered_until: Option<Instant>,
    /// The known costs of the failed runs. `None`: none is known.
    pub lost: Option<Usd>,
    /// The number of failed runs without a known cost.
    pub runs_cost_unknown: u64,
    /// The seconds from the first failure to the end of the next success, or to the moment of the answer.
    pub lost_seconds: i64,
    /// What the chain says about the pipeline.
    pub state: ChainState,
}

/// What a failure chain says about its pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainState {
    /// It still fails, or recovered only after 3 failures.
    Broken,
    /// It recovered after one failure, which happens often.
    Flaky,
    /// It recovered.
    Recovered,
}

impl ChainState {
    /// The word in the report.
    pub fn as_str(self) -> &'static str {
        match self {
            ChainState::Broken => "broken",
            ChainState::Flaky => "flaky",
            ChainState::Recovered => "recovered",
        }
    }
}

impl FailureChain {
    /// Whether the pipeline has not succeeded since.
    pub fn is_failing(&self) -> bool {
        self.recovered_at.is_none()
    }

    /// How many failures remain until `limit` disables the pipeline. `None`: the pipeline has recovered.
    pub fn failures_left(&self, limit: u64) -> Option<u64> {
        self.is_failing().then(|| limit.saturating_sub(self.failed_runs))
    }

    fn is_single_failure(&self) -> bool {
        self.failed_runs == 1 && !self.is_failing()
    }

    fn add_before(&mut self, failure: &Outcome) {
        self.failed_runs += 1;
        self.first_failure_at = failure.booked_at;
        match failure.cost_nanos {
            Some(nanos) => {
                let cost = Usd::from_units(nanos.into());
                self.lost = Some(self.lost.map_or(cost, |lost| lost + cost));
            }
            None => self.runs_cost_unknown += 1,
        }
    }
}

/// The chains of one pipeline, from its outcomes.
#[derive(Debug, Default)]
pub struct ChainBuilder {
    /// The success after the outcomes to come: when it is booked, and when it ended.
    next_success: Option<(Instant, Instant)>,
    /// The latest first. The last one can still grow while `is_growing`.
    chains: Vec<FailureChain>,
    is_growing: bool,
    /// The latest end of a success.
    last_success_at: Option<Instant>,
}

impl ChainBuilder {
    /// Whether the outcomes so far are failures alone, of which there is one.
    pub fn is_failing(&self) -> bool {
        self.is_growing && self.next_success.is_none()
    }

    /// Adds an outcome that is not later than those before.
    pub fn add(&mut self, outcome: &Outcome) {
        if outcome.succeeded {
            let ended_at = outcome.ended_at.unwrap_or(outcome.booked_at).max(outcome.booked_at);
            self.next_success = Some((outcome.booked_at, ended_at));
            self.last_success_at = self.last_success_at.max(Some(ended_at));
            self.is_growing = false;
            return;
        }
        if !self.is_growing {
            self.chains.push(FailureChain {
                pipeline: 0,
                failed_runs: 0,
                first_failure_at: outcome.booked_at,
                last_failure_at: outcome.booked_at,
                last_snapshot_id: outcome.snapshot_id,
                recovered_at: self.next_success.map(|(booked_at, _)| booked_at),
                recovered_until: self.next_success.map(|(_, ended_at)| ended_at),
                lost: None,
                runs_cost_unknown: 0,
                lost_seconds: 0,
                state: ChainState::Recovered,
            });
            self.is_growing = true;
        }
        self.chains.last_mut().expect("a growing chain was pushed").add_before(outcome);
    }

    /// When the last successful run ended, else when it is booked. `None`: there is none.
    pub fn last_success_at(&self) -> Option<Instant> {
        self.last_success_at
    }

    /// Whether the latest outcome of all is a failure.
    pub fn ends_in_failure(&self) -> bool {
        self.chains.first().is_some_and(FailureChain::is_failing)
    }

    /// The chains, the latest first, of the pipeline with this number. Those that have not recovered last until
    /// `moment`.
    pub fn into_chains(self, pipeline: usize, moment: Instant) -> Vec<FailureChain> {
        let mut chains = self.chains;
        let second = |chain: &FailureChain| chain.first_failure_at.to_utc().timestamp();
        let mut singles: Vec<i64> =
            chains.iter().filter(|chain| chain.is_single_failure()).map(second).collect();
        singles.sort_unstable();
        for chain in &mut chains {
            let until = chain.recovered_until.unwrap_or(moment);
            let lost =
                crate::report::moment::whole_seconds_between(chain.first_failure_at.as_str(), until.as_str());
            chain.lost_seconds = lost.unwrap_or(0).max(0);
            chain.pipeline = pipeline;
            chain.state = match chain.failed_runs {
                _ if chain.is_failing() => ChainState::Broken,
                LONG_CHAIN.. => ChainState::Broken,
                1 if is_often(&singles, second(chain)) => ChainState::Flaky,
                _ => ChainState::Recovered,
            };
        }
        chains
    }
}

/// Whether enough of the sorted instants are near this one.
fn is_often(singles: &[i64], second: i64) -> bool {
    let from = singles.partition_point(|single| *single < second - FLAKY_SECONDS);
    let until = singles.partition_point(|single| *single <= second + FLAKY_SECONDS);
    until - from >= FLAKY_CHAINS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chains of outcomes on consecutive days, the first one on 1 January: `s`uccesses and `f`ailures.
    fn chains(outcomes: &str) -> Vec<FailureChain> {
        let at = |day: usize| Instant::parse(&format!("2026-01-{:02}T00:00:00Z", day + 1)).unwrap();
        let mut builder = ChainBuilder::default();
        for (day, outcome) in outcomes.char_indices().rev() {
            builder.add(&Outcome {
                booked_at: at(day),
                snapshot_id: day as i64,
                ended_at: (outcome == 's')
                    .then(|| Instant::parse(&format!("2026-01-{:02}T01:00:00Z", day + 1)).unwrap()),
                cost_nanos: (day % 2 == 0).then_some(10),
                succeeded: outcome == 's',
            });
        }
        builder.into_chains(7, at(outcomes.len()))
    }

    fn shown(chain: &FailureChain) -> String {
        let lost = chain.lost.map_or(0, Usd::units);
        let FailureChain { failed_runs, lost_seconds, runs_cost_unknown, state, .. } = chain;
        format!("{failed_runs} {} {lost_seconds} {lost} {runs_cost_unknown}", state.as_str())
    }

    #[test]
    fn a_chain_ends_with_the_next_success() {
        let hour = 3_600;
        let found = chains("sfsffsff");
        assert_eq!(
            found.iter().map(shown).collect::<Vec<_>>(),
            [
                format!("2 broken {} 10 1", 48 * hour),
                format!("2 recovered {} 10 1", 49 * hour),
                format!("1 recovered {} 0 1", 25 * hour),
            ]
        );
        assert!(found[0].is_failing() && !found[1].is_failing());
        assert!(found.iter().all(|chain| chain.pipeline == 7));
        assert_eq!(found[1].last_snapshot_id, 4);
    }

    #[test]
    fn a_long_chain_is_broken_although_it_recovered() {
        assert_eq!(chains("fffs").first().map(|chain| chain.state), Some(ChainState::Broken));
        assert_eq!(chains("ffs").first().map(|chain| chain.state), Some(ChainState::Recovered));
        assert_eq!(chains("ssss"), []);
    }

    #[test]
    fn single_failures_are_flaky_if_they_are_often() {
        let states = |outcomes: &str| -> Vec<&str> {
            chains(outcomes).iter().map(|chain| chain.state.as_str()).collect()
        };
        assert_eq!(states("fsfs"), ["recovered", "recovered"]);
        assert_eq!(states("fsfsfsffs"), ["recovered", "flaky", "flaky", "flaky"]);
        // The third one is still failing.
        assert_eq!(states("fsfsf"), ["broken", "recovered", "recovered"]);
        let day = 86_400;
        assert!(is_often(&[0, 30 * day, 60 * day], 30 * day));
        assert!(!is_often(&[0, 30 * day, 60 * day + 1], 30 * day));
        assert!(!is_often(&[0, 30 * day, 60 * day], 0));
    }

    #[test]
    fn the_failures_that_are_left_end_at_zero() {
        let failing = &chains("sff")[0];
        assert_eq!([5, 2, 1].map(|limit| failing.failures_left(limit)), [Some(3), Some(0), Some(0)]);
        assert_eq!(chains("ffs")[0].failures_left(5), None);
    }
}
