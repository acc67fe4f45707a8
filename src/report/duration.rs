//! The duration report: outcomes, durations and queue times of each group of runs.

use super::dimension::Dimension;
use super::group_by::{self, Aggregate};
use super::ledger::Ledger;
use super::ranking::Ranking;
use super::run_scan::{Columns, IndexedRun, Outcome};
use super::table::{Cell, Table};
use super::two_levels::{TwoLevelRequest, TwoLevels};
use crate::error::Result;
use crate::run::{Seconds, Share};
use chrono::NaiveDate;

pub(super) const MICROS_PER_SECOND: i128 = 1_000_000;

/// The durations of the ledger's runs. `report::group_by` defines the grouping and the order of rows.
///
/// Every known duration counts, whatever the status of the run. A run that has not started has no queue time. The
/// success rate is the share of `success` among the final statuses (`success`, `failed`, `canceled`). Percentiles
/// are interpolated linearly at `(n - 1) * p` in the sorted values, as in PostgreSQL's `percentile_cont` and in
/// pandas.
pub fn report(ledger: &Ledger<'_>, by: &[Dimension]) -> Result<Table> {
    group_by::report::<DurationTotals>(ledger, by)
}

/// The same report over several ledgers with the same zone.
pub fn report_across(ledgers: &[Ledger<'_>], by: &[Dimension]) -> Result<Table> {
    group_by::report_across::<DurationTotals>(ledgers, by)
}

/// The same report in an order, with one row for the groups beyond a limit.
///
/// # Errors
/// [`crate::error::Error::Usage`] when no column has the name of the order. Those of SQLite.
pub(crate) fn ranked_across(ledgers: &[Ledger<'_>], by: &[Dimension], ranking: &Ranking) -> Result<Table> {
    group_by::ranked_across::<DurationTotals>(ledgers, by, ranking)
}

/// The same report by two dimensions, for people. Values do not become columns: a group has several figures of equal
/// weight, which do not add up.
///
/// # Errors
/// As [`ranked_across`].
pub(crate) fn two_levels_across(
    ledgers: &[Ledger<'_>],
    by: &[Dimension],
    request: &TwoLevelRequest<'_>,
) -> Result<TwoLevels> {
    let levels = group_by::two_levels_across::<DurationTotals>(ledgers, by, request)?;
    Ok(TwoLevels { columns: None, ..levels })
}

/// The number of the ledger's runs, and how many of them have no known duration.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn counts(ledger: &Ledger<'_>) -> Result<(u64, u64)> {
    let (mut runs, mut unknown) = (0, 0);
    group_by::for_each_run(ledger, Columns::DURATION, |run| {
        runs += 1;
        unknown += u64::from(run.duration_seconds()?.is_none());
        Ok(())
    })?;
    Ok((runs, unknown))
}

/// The outcomes, durations and queue times of some runs.
#[derive(Debug, Default, Clone)]
struct DurationTotals {
    runs: u64,
    final_runs: u64,
    successes: u64,
    durations_seconds: Vec<i64>,
    queued_micros: Vec<i64>,
}

impl Aggregate for DurationTotals {
    const COLUMNS: &'static [&'static str] = &[
        "runs",
        "runs_duration_unknown",
        "success_rate",
        "total_seconds",
        "mean_seconds",
        "p50_seconds",
        "p95_seconds",
        "p99_seconds",
        "max_seconds",
        "queued_mean_seconds",
        "queued_p50_seconds",
        "queued_p95_seconds",
        "queued_max_seconds",
    ];

    const READS: Columns =
        Columns::STATUS.and(Columns::DURATION).and(Columns::CREATED_AT).and(Columns::STARTED_AT);

    fn add(&mut self, run: &IndexedRun<'_>) -> Result<()> {
        self.runs += 1;
        let outcome = run.outcome()?;
        self.successes += u64::from(outcome == Some(Outcome::Succeeded));
        self.final_runs += u64::from(outcome.is_some());
        self.durations_seconds.extend(run.duration_seconds()?);
        if let (Some(created_at), Some(started_at)) = (run.created_at()?, run.started_at()?) {
            self.queued_micros.extend(micros_between(created_at, started_at));
        }
        Ok(())
    }

    fn merge(&mut self, mut other: DurationTotals) {
        self.runs += other.runs;
        self.final_runs += other.final_runs;
        self.successes += other.successes;
        self.durations_seconds.append(&mut other.durations_seconds);
        self.queued_micros.append(&mut other.queued_micros);
    }

    fn cells(&mut self) -> Vec<Cell> {
        let mut durations = Distribution::of(&mut self.durations_seconds, 1);
        let mut queued = Distribution::of(&mut self.queued_micros, MICROS_PER_SECOND);
        vec![
            Cell::count(self.runs),
            Cell::count(self.runs - durations.count()),
            Cell::Share(Share::ratio(self.successes.into(), self.final_runs.into())),
            Cell::Seconds(durations.total()),
            Cell::Seconds(durations.mean()),
            Cell::Seconds(durations.percentile(50)),
            Cell::Seconds(durations.percentile(95)),
            Cell::Seconds(durations.percentile(99)),
            Cell::Seconds(durations.percentile(100)),
            Cell::Seconds(queued.mean()),
            Cell::Seconds(queued.percentile(50)),
            Cell::Seconds(queued.percentile(95)),
            Cell::Seconds(queued.percentile(100)),
        ]
    }
}

/// Times in units of `1 / per_second` seconds. Every statistic is `None` when there are no values.
pub(super) struct Distribution<'v> {
    values: &'v mut [i64],
    per_second: i128,
}

impl Distribution<'_> {
    pub(super) fn of(values: &mut [i64], per_second: i128) -> Distribution<'_> {
        Distribution { values, per_second }
    }

    /// The number of times.
    pub(super) fn count(&self) -> u64 {
        self.values.len() as u64
    }

    fn sum(&self) -> i128 {
        self.values.iter().copied().map(i128::from).sum()
    }

    fn total(&self) -> Option<Seconds> {
        Seconds::ratio(self.sum(), self.per_second).filter(|_| !self.values.is_empty())
    }

    fn mean(&self) -> Option<Seconds> {
        Seconds::ratio(self.sum(), self.per_second * self.values.len() as i128)
    }

    /// The percentile, interpolated linearly between two adjacent values. It reorders the values: finding a few of
    /// them takes less than sorting all.
    pub(super) fn percentile(&mut self, percent: usize) -> Option<Seconds> {
        let hundredths = self.values.len().checked_sub(1)? * percent;
        let (below, fraction) = (hundredths / 100, (hundredths % 100) as i128);
        let (_, lower, above) = self.values.select_nth_unstable(below);
        let lower = i128::from(*lower);
        // At the last value the fraction is zero, and there is no next value.
        let upper = above.iter().min().map_or(lower, |upper| i128::from(*upper));
        Seconds::ratio(lower * (100 - fraction) + upper * fraction, self.per_second * 100)
    }
}

/// The microseconds between two stored instants; `None`: one of them is not an instant.
pub(super) fn micros_between(from: &str, until: &str) -> Option<i64> {
    let days = match (from.get(..10)?, until.get(..10)?) {
        (from, until) if from == until => 0,
        (from, until) => day(until)?.signed_duration_since(day(from)?).num_days(),
    };
    Some(days * 86_400_000_000 + micros_of_day(until)? - micros_of_day(from)?)
}

fn day(date: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()
}

/// The microseconds since midnight of `YYYY-MM-DDTHH:MM:SS.ffffffZ`.
fn micros_of_day(instant: &str) -> Option<i64> {
    let bytes: &[u8; 27] = instant.as_bytes().try_into().ok()?;
    let number = |first: usize| {
        let [tens, ones] = [bytes[first], bytes[first + 1]];
        (tens.is_ascii_digit() && ones.is_ascii_digit())
            .then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
    };
    let seconds = (number(11)? * 60 + number(14)?) * 60 + number(17)?;
    Some(seconds * 1_000_000 + (number(20)? * 100 + number(22)?) * 100 + number(24)?)
}
