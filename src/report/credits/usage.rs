//! What pipelines used in the last thirty days, and what to expect from that: credits and costs.
//!
//! A pipeline with a schedule is expected to run at its next trigger times, at the rate of the last thirty days.
//! Everything else (manual runs, events, unreadable expressions) continues at the pace of the last thirty days.

use super::{Charge, PipelineKey};
use crate::error::Result;
use crate::report::by_pipeline::ByPipeline;
use crate::report::catalogue::{Catalogue, CataloguedPipeline};
use crate::report::ledger::Ledger;
use crate::report::period::Span;
use crate::report::run_fold::fold;
use crate::report::run_scan::{Columns, IndexedRun, Outcome, RunQuery};
use crate::report::schedule::Schedule;
use crate::run::{Fixed, Instant};
use chrono::TimeDelta;
use chrono_tz::Tz;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The window in which the pace is measured. A schedule without runs in it is ignored.
pub(crate) const PACE_WINDOW: TimeDelta = TimeDelta::days(30);

/// The type of the triggers of scheduled runs.
const CRON: &str = "cron";

/// Millionths of a credit, so that fractions of credits add up exactly.
pub(crate) type Credits = Fixed<6>;

/// The JSON of a scheduled run's trigger.
const TRIGGER_OF_SCHEDULE: &str = "CASE WHEN trigger_type = 'cron' THEN \"trigger\" END";

/// What some runs used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Use {
    /// The runs that were charged a credit, or can still be.
    pub credits: u64,
    /// The known costs, in nano-dollars.
    pub nanos: i128,
    /// The runs with a known cost.
    pub priced: u64,
    /// The runs without a known cost that have not failed, so that one can still arrive.
    pub pending: u64,
}

impl Use {
    /// What [`Use::of_run`] reads.
    pub(crate) const READS: Columns = Charge::READS.and(Columns::STATUS).and(Columns::COSTS);

    /// What a run used.
    pub(crate) fn of_run(run: &IndexedRun<'_>) -> Result<Use> {
        let (el, transformation) = (run.el_cost_nanos()?, run.transformation_cost_nanos()?);
        let is_priced = el.is_some() || transformation.is_some();
        let is_over = matches!(run.outcome()?, Some(Outcome::Failed | Outcome::Canceled));
        Ok(Use {
            credits: u64::from(Charge::of_run(run)? != Charge::Free),
            nanos: i128::from(el.unwrap_or_default()) + i128::from(transformation.unwrap_or_default()),
            priced: u64::from(is_priced),
            pending: u64::from(!is_priced && !is_over),
        })
    }

    /// Adds what other runs used.
    pub(crate) fn add(&mut self, other: Use) {
        self.credits += other.credits;
        self.nanos += other.nanos;
        self.priced += other.priced;
        self.pending += other.pending;
    }

    /// The cost of these runs, if those that can still get a cost get the mean of `priced`. `numerator` and
    /// `denominator` scale it. `None`: `priced` has no known cost.
    fn scaled_cost(self, priced: Use, numerator: i128, denominator: i128) -> Option<i128> {
        let runs = i128::from(self.priced + self.pending);
        if runs == 0 {
            return Some(0);
        }
        let divisor = i128::from(priced.priced) * denominator;
        Fixed::<0>::ratio(priced.nanos * runs * numerator, divisor).map(Fixed::units)
    }
}

/// What a pipeline used in the window.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    /// By the type of the trigger, of which there are few.
    by_trigger: Vec<(Option<String>, Use)>,
    /// The current schedule. `None`: there is none, or it is unreadable.
    schedule: Option<ScheduleUsage>,
}

/// Schedules by the JSON of a trigger. `None`: it is not readable.
type Schedules = HashMap<String, Option<Arc<Schedule>>>;

/// A schedule and what it used.
#[derive(Debug, Clone)]
struct ScheduleUsage {
    schedule: Arc<Schedule>,
    /// The number of trigger times since its first run.
    triggers: u64,
    /// What its runs used.
    used: Use,
}

/// The runs of one trigger document.
struct TriggerUsage {
    /// The `trigger` of the runs, as JSON.
    trigger: Option<String>,
    first: Instant,
    last: Instant,
    used: Use,
}

impl Usage {
    /// Adds what runs with that type of trigger used.
    pub(crate) fn add(&mut self, trigger: Option<&str>, used: Use) {
        match self.by_trigger.iter_mut().find(|(known, _)| known.as_deref() == trigger) {
            Some((_, sum)) => sum.add(used),
            None => self.by_trigger.push((trigger.map(str::to_owned), used)),
        }
    }

    /// The current schedule.
    pub(crate) fn schedule(&self) -> Option<&Schedule> {
        self.schedule.as_ref().map(|usage| usage.schedule.as_ref())
    }

    /// The types of the triggers from which runs are expected.
    pub(crate) fn triggers(&self) -> impl Iterator<Item = Option<&str>> {
        let scheduled = self.schedule.as_ref().map(|_| Some(CRON));
        let others = self.by_trigger.iter().map(|(trigger, _)| trigger.as_deref());
        scheduled.into_iter().chain(others.filter(move |trigger| Some(*trigger) != scheduled))
    }

    /// The schedule, if it starts the runs with that type of trigger.
    fn schedule_of(&self, trigger: Option<&str>) -> Option<&ScheduleUsage> {
        self.schedule.as_ref().filter(|_| trigger == Some(CRON))
    }

    fn used(&self, trigger: Option<&str>) -> Use {
        let known = self.by_trigger.iter().find(|(known, _)| known.as_deref() == trigger);
        known.map(|(_, used)| *used).unwrap_or_default()
    }

    /// The credits expected after a number of trigger times and seconds.
    pub(crate) fn expected_credits(&self, triggers: u64, seconds: i64) -> Credits {
        self.triggers().map(|trigger| self.expected_credits_of(trigger, triggers, seconds)).sum()
    }

    /// The credits expected of the runs with that type of trigger.
    pub(crate) fn expected_credits_of(&self, trigger: Option<&str>, triggers: u64, seconds: i64) -> Credits {
        let expected = match self.schedule_of(trigger) {
            Some(usage) => Credits::ratio(
                i128::from(triggers) * i128::from(usage.used.credits),
                i128::from(usage.triggers),
            ),
            None => Credits::ratio(
                i128::from(self.used(trigger).credits) * i128::from(seconds),
                i128::from(PACE_WINDOW.num_seconds()),
            ),
        };
        expected.unwrap_or_default()
    }

    /// The cost expected of the runs with that type of trigger, in nano-dollars. `None`: runs are expected, but the
    /// pipeline has no known cost.
    pub(crate) fn expected_cost_of(
        &self,
        trigger: Option<&str>,
        triggers: u64,
        seconds: i64,
    ) -> Option<i128> {
        let (used, numerator, denominator) = match self.schedule_of(trigger) {
            Some(usage) => (usage.used, i128::from(triggers), i128::from(usage.triggers)),
            None => (self.used(trigger), i128::from(seconds), i128::from(PACE_WINDOW.num_seconds())),
        };
        let priced = if used.priced > 0 { used } else { self.all() };
        used.scaled_cost(priced, numerator, denominator)
    }

    /// The cost expected of runs that can still get one. `None`: the pipeline has no known cost.
    pub(crate) fn expected_cost_of_pending(&self, trigger: Option<&str>, pending: u64) -> Option<i128> {
        let used = self.used(trigger);
        let priced = if used.priced > 0 { used } else { self.all() };
        Use { pending, ..Use::default() }.scaled_cost(priced, 1, 1)
    }

    /// What all runs used.
    fn all(&self) -> Use {
        let mut all = Use::default();
        self.by_trigger.iter().for_each(|(_, used)| all.add(*used));
        all
    }

    /// Takes the schedule from the newest trigger, if it is readable. Pipelines share what `schedules` has.
    fn set_schedule(&mut self, mut usages: Vec<TriggerUsage>, now: Instant, schedules: &mut Schedules) {
        usages.sort_by_key(|usage| usage.last);
        let Some(TriggerUsage { trigger: Some(trigger), first, used, .. }) = usages.pop() else { return };
        let schedule = schedules
            .entry(trigger)
            .or_insert_with_key(|trigger| Schedule::of_trigger(trigger).map(Arc::new));
        self.schedule = schedule.clone().map(|schedule| {
            // Plus one for the trigger time of the first run, which is not after that run.
            let triggers = (schedule.count_between(first.next(), now.next()) + 1).max(used.credits);
            ScheduleUsage { schedule, triggers, used }
        });
    }

    /// Replaces the cron expression. Without a schedule so far, every run is expected to be charged.
    ///
    /// # Errors
    /// The reason why the expression is invalid.
    pub(crate) fn set_expression(&mut self, expression: &str, zone: Tz) -> Result<(), String> {
        match &mut self.schedule {
            Some(usage) => usage.schedule = Arc::new(usage.schedule.with_expression(expression)?),
            none => {
                let schedule = Arc::new(Schedule::new(expression, Some(zone.name()))?);
                let used = Use { credits: 1, ..Use::default() };
                *none = Some(ScheduleUsage { schedule, triggers: 1, used });
            }
        }
        Ok(())
    }
}

/// What each pipeline used in the window before `now`, with its schedule from its newest trigger in it.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn recent_usage(ledger: &Ledger<'_>, now: Instant) -> Result<BTreeMap<PipelineKey, Usage>> {
    let window = Span { from: Some(now.plus(-PACE_WINDOW)), until: Some(now.next()) };
    let columns = Use::READS.and(Columns::BOOKED_AT).and(Columns::TRIGGER).and(Columns::PIPELINE);
    let query = RunQuery::with_json(&window, ledger.scope().date, columns, &[TRIGGER_OF_SCHEDULE], &[]);
    let recent: ByPipeline<RecentUse> = ByPipeline::default();
    let recent = fold(ledger, window, query, &[], recent, |recent, run| recent.of_run(run)?.add(run))?;
    let mut schedules = HashMap::new();
    let usages = recent.into_keys().map(|(key, RecentUse { mut usage, triggers })| {
        // Runs without a pipeline, or of several, have no schedule of their own.
        if key.is_some() {
            usage.set_schedule(triggers, now, &mut schedules);
        }
        (key, usage)
    });
    Ok(usages.collect())
}

/// A pipeline's runs in the window.
#[derive(Default)]
struct RecentUse {
    usage: Usage,
    /// The scheduled runs, by trigger.
    triggers: Vec<TriggerUsage>,
}

impl RecentUse {
    fn add(&mut self, run: &IndexedRun<'_>) -> Result<()> {
        let (trigger_type, used) = (run.trigger_type()?, Use::of_run(run)?);
        self.usage.add(trigger_type, used);
        if trigger_type != Some(CRON) {
            return Ok(());
        }
        let Some(booked_at) = run.booked_at()?.and_then(Instant::parse) else { return Ok(()) };
        let trigger = run.json(0)?;
        match self.triggers.iter_mut().find(|usage| usage.trigger.as_deref() == trigger) {
            Some(usage) => {
                usage.first = usage.first.min(booked_at);
                usage.last = usage.last.max(booked_at);
                usage.used.add(used);
            }
            None => self.triggers.push(TriggerUsage {
                trigger: trigger.map(str::to_owned),
                first: booked_at,
                last: booked_at,
                used,
            }),
        }
        Ok(())
    }
}

/// Leaves out inactive pipelines, unless they are among `kept`.
pub(crate) fn retain_active(
    usages: &mut BTreeMap<PipelineKey, Usage>,
    catalogue: &Catalogue,
    kept: &BTreeSet<PipelineKey>,
) {
    usages.retain(|key, _| {
        kept.contains(key) || catalogue.find_key(key).is_none_or(CataloguedPipeline::can_run)
    });
}
