//! The times of pipelines, of kinds and of all runs by week, of which two threads calculate one measure each.

use super::KINDS;
use super::figures::{Percentiles, Series, TimeSamples, Times};
use crate::report::duration::{Distribution, MICROS_PER_SECOND};
use std::{panic, thread};

/// Figures by week.
pub(super) struct WeekTimes<T = Times> {
    /// By pipeline.
    pub pipelines: Vec<Series<T>>,
    /// By kind.
    pub kinds: [Series<T>; KINDS.len()],
    /// Of all runs.
    pub all: Series<T>,
}

impl WeekTimes {
    /// The times of each pipeline's samples, which come with the position of its kind.
    pub(super) fn of(samples: Vec<(usize, Series<TimeSamples>)>) -> WeekTimes {
        let (mut durations, mut queued) =
            (Vec::with_capacity(samples.len()), Vec::with_capacity(samples.len()));
        for (kind, weeks) in samples {
            let (mut own_durations, mut own_queued) = (Series::default(), Series::default());
            for (week, samples) in weeks.into_pairs() {
                own_durations.push(week, samples.durations_seconds);
                own_queued.push(week, samples.queued_micros);
            }
            durations.push((kind, own_durations));
            queued.push((kind, own_queued));
        }
        let (durations, queued) = thread::scope(|threads| {
            let durations = threads.spawn(|| WeekTimes::measure(durations, 1));
            let queued = WeekTimes::measure(queued, MICROS_PER_SECOND);
            (durations.join().unwrap_or_else(|error| panic::resume_unwind(error)), queued)
        });
        let mut kinds = durations.kinds.into_iter().zip(queued.kinds).map(times);
        WeekTimes {
            pipelines: durations.pipelines.into_iter().zip(queued.pipelines).map(times).collect(),
            kinds: std::array::from_fn(|_| kinds.next().unwrap_or_default()),
            all: times((durations.all, queued.all)),
        }
    }

    /// The percentiles of one measure.
    fn measure(values: Vec<(usize, Series<Vec<i64>>)>, per_second: i128) -> WeekTimes<Percentiles> {
        let mut of_kinds: [Series<Vec<i64>>; KINDS.len()] = Default::default();
        let pipelines =
            values.into_iter().map(|(kind, weeks)| percentiles(weeks, per_second, &mut of_kinds[kind]));
        let pipelines = pipelines.collect();
        let mut of_all = Series::default();
        let kinds = of_kinds.map(|weeks| percentiles(weeks, per_second, &mut of_all));
        WeekTimes { pipelines, kinds, all: percentiles(of_all, per_second, &mut Series::default()) }
    }
}

/// The percentiles of each week. Their values go into those of `whole`.
fn percentiles(
    weeks: Series<Vec<i64>>,
    per_second: i128,
    whole: &mut Series<Vec<i64>>,
) -> Series<Percentiles> {
    let mut found = Series::default();
    for (week, mut values) in weeks.into_pairs() {
        found.push(week, Percentiles::of(Distribution::of(&mut values, per_second)));
        match whole.entry(week) {
            empty if empty.is_empty() => *empty = values,
            others => others.append(&mut values),
        }
    }
    found
}

/// Both measures of the same weeks.
fn times((durations, queued): (Series<Percentiles>, Series<Percentiles>)) -> Series<Times> {
    let weeks = durations.into_pairs().zip(queued.into_pairs());
    weeks.map(|((week, duration), (_, queued))| (week, Times { duration, queued })).collect()
}
