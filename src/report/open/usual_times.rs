//! What is usual for the runs of a pipeline, and whether a run takes longer.

use crate::error::{Error, Result};
use crate::run::{Seconds, Share};

/// The fewest successful runs that say what is usual.
pub(crate) const MIN_RUNS: usize = 5;

/// No run is too long before this age: the times between two syncs are no finding.
pub(crate) const TOO_LONG_FROM_SECONDS: i64 = 600;

/// A multiple in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factor(u32);

impl Default for Factor {
    fn default() -> Factor {
        Factor(2_000)
    }
}

impl Factor {
    /// Reads a number such as `3` or `2.5`.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is not a number from 1 to 1000.
    pub fn parse(text: &str) -> Result<Factor> {
        text.parse().ok().and_then(Factor::new).ok_or_else(|| Error::Usage {
            what: format!("--factor {text}: not a number from 1 to 1000"),
            hint: Some("--factor 3 finds runs that take more than 3 times as long as usual".to_owned()),
        })
    }

    /// The factor of a number. `None`: it is not from 1 to 1000.
    pub fn new(number: f64) -> Option<Factor> {
        (1.0..=1_000.0).contains(&number).then(|| Factor((number * 1_000.0).round() as u32))
    }

    /// The number for the SQL parameter `:factor`.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 1_000.0
    }
}

impl std::fmt::Display for Factor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.as_f64())
    }
}

/// The times that the successful runs of a pipeline took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsualTimes {
    /// The median.
    pub p50: Seconds,
    /// The 95th percentile.
    pub p95: Seconds,
    /// The 99th percentile.
    pub p99: Seconds,
    /// The number of runs.
    pub runs: u64,
}

impl UsualTimes {
    /// The percentiles of some times in seconds. `None`: there are fewer than [`MIN_RUNS`].
    pub fn of(seconds: Vec<i64>) -> Option<UsualTimes> {
        if seconds.len() < MIN_RUNS {
            return None;
        }
        let mut seconds = seconds;
        let mut times = crate::report::duration::Distribution::of(&mut seconds, 1);
        Some(UsualTimes {
            p50: times.percentile(50)?,
            p95: times.percentile(95)?,
            p99: times.percentile(99)?,
            runs: times.count(),
        })
    }

    /// An age as a multiple of the 95th percentile. Below a second, that counts as one.
    pub fn factor_of(&self, age_seconds: i64) -> Option<Share> {
        Share::ratio(i128::from(age_seconds) * 1_000, self.p95.units().max(1_000))
    }

    fn is_exceeded(&self, age_seconds: i64, factor: Factor) -> bool {
        age_seconds >= TOO_LONG_FROM_SECONDS
            && i128::from(age_seconds) * 1_000_000 > i128::from(factor.0) * self.p95.units().max(1_000)
    }
}

/// What an age says about a run that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenState {
    /// It takes longer than is usual.
    TooLong,
    /// It has started, and takes as long as is usual.
    Ok,
    /// It has not started, and does not take longer than is usual.
    Queued,
    /// It has started, and there are too few runs to compare it with.
    Unknown,
}

impl OpenState {
    /// The state of a run of this age.
    pub fn of(
        age_seconds: Option<i64>,
        has_started: bool,
        usual: Option<&UsualTimes>,
        factor: Factor,
    ) -> OpenState {
        match age_seconds.zip(usual) {
            Some((age, usual)) if usual.is_exceeded(age, factor) => OpenState::TooLong,
            _ if !has_started => OpenState::Queued,
            Some(_) => OpenState::Ok,
            None => OpenState::Unknown,
        }
    }

    /// The word in the report.
    pub fn as_str(self) -> &'static str {
        match self {
            OpenState::TooLong => "too long",
            OpenState::Ok => "ok",
            OpenState::Queued => "queued",
            OpenState::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual(seconds: i64) -> UsualTimes {
        UsualTimes::of(vec![seconds; MIN_RUNS]).unwrap()
    }

    fn state(age: i64, usual: &UsualTimes, factor: &str) -> OpenState {
        OpenState::of(Some(age), true, Some(usual), Factor::parse(factor).unwrap())
    }

    #[test]
    fn a_run_is_too_long_beyond_the_factor() {
        let hour = usual(3_600);
        assert_eq!([state(7_200, &hour, "2"), state(7_201, &hour, "2")], [OpenState::Ok, OpenState::TooLong]);
        assert_eq!(
            [state(9_000, &hour, "2.5"), state(9_001, &hour, "2.5")],
            [OpenState::Ok, OpenState::TooLong]
        );
        assert_eq!(hour.factor_of(9_000).unwrap().to_string(), "2.500000");
    }

    #[test]
    fn a_short_run_is_not_too_long_in_its_first_ten_minutes() {
        let short = usual(1);
        assert_eq!([state(599, &short, "2"), state(600, &short, "2")], [OpenState::Ok, OpenState::TooLong]);
        let instant = usual(0);
        assert_eq!(state(600, &instant, "1000"), OpenState::Ok);
        assert_eq!(state(1_001, &instant, "1000"), OpenState::TooLong);
        assert_eq!(instant.factor_of(1_001).unwrap().to_string(), "1001.000000");
    }

    #[test]
    fn what_is_not_known_is_not_too_long() {
        let of = |age, has_started, usual: Option<&UsualTimes>| {
            OpenState::of(age, has_started, usual, Factor::default())
        };
        assert_eq!(UsualTimes::of(vec![1; MIN_RUNS - 1]), None);
        let second = usual(1);
        assert_eq!(of(Some(1_000_000), true, None), OpenState::Unknown);
        assert_eq!(of(None, true, Some(&second)), OpenState::Unknown);
        assert_eq!(of(Some(1_000_000), false, None), OpenState::Queued);
        assert_eq!(of(Some(1_000_000), false, Some(&second)), OpenState::TooLong);
        assert_eq!(of(Some(1), false, Some(&second)), OpenState::Queued);
    }

    #[test]
    fn a_factor_is_a_number_from_one_to_a_thousand() {
        assert_eq!(Factor::parse("3").unwrap().to_string(), "3");
        assert_eq!(Factor::parse("2.5").unwrap().as_f64().to_string(), "2.5");
        for text in ["", "0", "0.5", "-2", "1001", "NaN", "inf", "twice"] {
            assert_eq!(Factor::parse(text).unwrap_err().exit_code(), 2, "{text}");
        }
    }
}
