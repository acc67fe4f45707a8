//! What the rest of the month is expected to use, for each set of runs and day, and how far off that can be.

use super::days::{Figures, RunDays, Slot};
use crate::error::Result;
use crate::report::catalogue::Catalogue;
use crate::report::credits::PipelineKey;
pub(super) use crate::report::credits::usage::PACE_WINDOW;
use crate::report::credits::usage::{Usage, recent_usage, retain_active};
use crate::report::fx::Amount;
use crate::report::ledger::Ledger;
use crate::report::period::{Day, days_between};
use crate::run::{Fixed, Instant};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The billionths in 1.
pub(super) const BILLION: i128 = 1_000_000_000;

/// Millionths of a credit as billionths.
const THOUSAND: i128 = 1_000;

/// The part of a normal distribution within this many standard deviations is four fifths.
const FOUR_FIFTHS: f64 = 1.281_551_565_545;

/// The fewest whole days from which a spread is measured.
const FEWEST_DAYS: usize = 7;

/// The hours of a day in seconds.
const DAY_SECONDS: i64 = 86_400;

/// The expected rest of the month.
pub(super) struct Expected {
    /// The days from now to the end of the month.
    pub(super) days: Vec<Day>,
    /// Their number; a part of a day counts as a fraction.
    pub(super) days_left: f64,
    /// By set of runs.
    pub(super) rests: Vec<Rest>,
}

/// The rest of the month of a set of runs: those of a budget, or of a pipeline.
#[derive(Debug, Clone, Default)]
pub(super) struct Rest {
    /// What the runs without a cost are expected to cost that have begun, in nano-dollars.
    pub(super) pending_nanos: i128,
    /// Nano-dollars and billionths of a credit by the end of each day, cumulative.
    pub(super) by_day: Vec<(i128, i128)>,
    /// The pipelines that are expected to run, but have no known cost.
    unknown: BTreeSet<PipelineKey>,
    /// Whether a cost is expected of a pipeline whose costs are known.
    has_known: bool,
}

impl Rest {
    pub(super) fn pipelines_cost_unknown(&self) -> u64 {
        self.unknown.len() as u64
    }

    /// Whether the expected costs say anything.
    pub(super) fn is_known(&self) -> bool {
        self.has_known || self.unknown.is_empty()
    }

    /// The mean of a day in the window: nano-dollars and billionths of a credit.
    pub(super) fn mean_day(&self, slots: &[Slot], sums: &[Figures]) -> (i128, i128) {
        let mut all = Figures::default();
        slots.iter().zip(sums).filter(|(slot, _)| slot.is_in_window).for_each(|(_, sum)| all.add(*sum));
        let per_day = |total: i128| {
            let mean = Fixed::<0>::ratio(total, i128::from(PACE_WINDOW.num_days()));
            mean.map(Fixed::units).unwrap_or_default()
        };
        (per_day(all.used.nanos), per_day(i128::from(all.used.credits) * BILLION))
    }

    /// How far the rest of the month is from the forecast at most, in four of five cases: nano-dollars, or billionths
    /// of a credit. It follows from the spread of the whole days in the window, as the prediction interval of a sum of
    /// `days_left` days whose mean is measured too. `None`: there are too few days.
    pub(super) fn margin(
        &self,
        slots: &[Slot],
        sums: &[Figures],
        is_credits: bool,
        days_left: f64,
    ) -> Option<i128> {
        // The slots at both ends of the window are parts of days, and so are those at the start of the month.
        let mut by_day: BTreeMap<&str, (i64, f64)> = BTreeMap::new();
        for (slot, sum) in slots.iter().zip(sums).filter(|(slot, _)| slot.is_in_window) {
            let day = by_day.entry(&slot.day.label).or_default();
            day.0 += (slot.day.until.to_utc() - slot.day.from.to_utc()).num_seconds();
            day.1 += match is_credits {
                true => (i128::from(sum.used.credits) * BILLION) as f64,
                false => sum.used.nanos as f64,
            };
        }
        // A day on which the clock changes has 23 hours or more.
        let whole = by_day.values().filter(|(seconds, _)| *seconds >= DAY_SECONDS - 3_600);
        let values: Vec<f64> = whole.map(|(_, value)| *value).collect();
        if values.len() < FEWEST_DAYS {
            return None;
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance =
            values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (count - 1.0);
        let margin = FOUR_FIFTHS * (variance * days_left * (1.0 + days_left / count)).sqrt();
        Some(margin.round() as i128)
    }
}

/// The range of a forecast. It never begins below what is spent, unless the forecast does.
pub(super) fn range(low: Amount, high: Amount, expected: Amount, spent: Amount) -> (Amount, Amount) {
    (low.max(spent).min(expected), high.max(expected))
}

impl Expected {
    /// The rest of the month from `now` to `until` for a number of sets of runs. `sets_of` returns the positions of the
    /// sets that have the runs of a pipeline, with that type of trigger, at an instant.
    pub(super) fn of(
        ledger: &Ledger<'_>,
        days: &RunDays,
        sets: usize,
        sets_of: &mut impl FnMut(&PipelineKey, Option<&str>, Instant) -> Rc<[usize]>,
        now: Instant,
        until: Instant,
    ) -> Result<Expected> {
        let from = now.next();
        let rest = days_between(from, until, ledger.scope().zone);
        let mut all = vec![Rest { by_day: vec![(0, 0); rest.len()], ..Rest::default() }; sets];
        let mut usages = recent_usage(ledger, now)?;
        expect_pending(days, sets_of, &usages, &mut all);
        retain_active(&mut usages, &Catalogue::read(ledger.connection())?, &BTreeSet::new());
        for (key, usage) in &usages {
            let counts = usage.schedule().map(|schedule| schedule.count_by_day(&rest)).unwrap_or_default();
            for trigger in usage.triggers() {
                let (mut triggers, mut before) = (0, (0, 0));
                for (number, day) in rest.iter().enumerate() {
                    triggers += counts.get(number).copied().unwrap_or_default();
                    let seconds = (day.until.to_utc() - from.to_utc()).num_seconds();
                    let credits = usage.expected_credits_of(trigger, triggers, seconds).units() * THOUSAND;
                    let nanos = usage.expected_cost_of(trigger, triggers, seconds);
                    for place in sets_of(key, trigger, day.from).iter() {
                        let rest = &mut all[*place];
                        match nanos {
                            Some(0) => {}
                            Some(_) => rest.has_known = true,
                            None => drop(rest.unknown.insert(key.clone())),
                        }
                        let by_day = &mut rest.by_day[number];
                        by_day.0 += nanos.map_or(0, |nanos| nanos - before.0);
                        by_day.1 += credits - before.1;
                    }
                    before = (nanos.unwrap_or_default(), credits);
                }
            }
        }
        for rest in &mut all {
            let mut sum = (0, 0);
            for day in &mut rest.by_day {
                sum = (sum.0 + day.0, sum.1 + day.1);
                *day = sum;
            }
        }
        let seconds = (until.to_utc() - from.to_utc()).num_seconds();
        Ok(Expected { days: rest, days_left: seconds as f64 / DAY_SECONDS as f64, rests: all })
    }
}

/// Adds what the month's runs without a cost are expected to cost, as far as one can still arrive.
fn expect_pending(
    days: &RunDays,
    sets_of: &mut impl FnMut(&PipelineKey, Option<&str>, Instant) -> Rc<[usize]>,
    usages: &BTreeMap<PipelineKey, Usage>,
    all: &mut [Rest],
) {
    for stream in &days.streams {
        let trigger = stream.trigger.as_deref();
        for (slot, figures) in days.slots.iter().zip(&stream.figures) {
            if !slot.is_in_month || figures.used.pending == 0 {
                continue;
            }
            let usage = usages.get(&stream.pipeline);
            let nanos = usage.and_then(|usage| usage.expected_cost_of_pending(trigger, figures.used.pending));
            for place in sets_of(&stream.pipeline, trigger, slot.day.from).iter() {
                match nanos {
                    Some(nanos) => {
                        all[*place].pending_nanos += nanos;
                        all[*place].has_known = true;
                    }
                    None => drop(all[*place].unknown.insert(stream.pipeline.clone())),
                }
            }
        }
    }
}
