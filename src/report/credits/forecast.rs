//! The forecast for the rest of the running month.
//!
//! A pipeline with a schedule is expected to use credits at its next trigger times, at the rate of the last thirty
//! days. Everything else (manual runs, events, unreadable expressions) continues at the pace of the last thirty days.

use super::catalogue::Catalogue;
use super::{Charge, CreditsOptions, PipelineKey, key};
use crate::error::{Error, Result};
use crate::report::group_by::for_each_run_in;
use crate::report::ledger::Ledger;
use crate::report::period::{Calendar, Period, Span};
use crate::report::schedule::Schedule;
use crate::run::{Fixed, Instant};
use chrono::TimeDelta;
use chrono_tz::Tz;
use rusqlite::{Connection, named_params};
use serde::Deserialize;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The window in which the pace is measured. A schedule without runs in it is ignored.
const PACE_WINDOW: TimeDelta = TimeDelta::days(30);

/// Millionths of a credit, so that fractions of credits add up exactly.
type Credits = Fixed<6>;

/// The scheduled runs in the window, by pipeline, trigger and everything that decides whether a run is charged.
const SCHEDULED_RUNS: &str = "
SELECT pipeline_kind, pipeline_id, \"trigger\", credit_charge_status, status, total_cost_nanos IS NOT NULL,
       min(booked_at), max(booked_at), count(*)
FROM runs
WHERE trigger_type = 'cron' AND booked_at >= :since AND booked_at <= :now AND pipeline_id IS NOT NULL
GROUP BY pipeline_kind, pipeline_id, \"trigger\", credit_charge_status, status, total_cost_nanos IS NOT NULL";

/// The forecast from now to the end of the running month.
pub(super) struct Forecast {
    /// The label of the running month.
    pub month: String,
    /// Whole credits by pipeline. They add up to the whole credits of the month.
    pub credits: BTreeMap<PipelineKey, u64>,
    /// Cumulative whole credits by the end of each day.
    pub days: Vec<(String, u64)>,
    /// The schedules, as text.
    pub schedules: BTreeMap<PipelineKey, String>,
}

impl Forecast {
    /// `None`: the ledger's span does not go on after `now`.
    pub(super) fn compute(
        ledger: &Ledger<'_>,
        catalogue: &Catalogue,
        options: &CreditsOptions,
        now: Instant,
    ) -> Result<Option<Forecast>> {
        let scope = ledger.scope();
        let month = Period::around(now, Calendar::Month, scope.zone);
        // A run that triggers exactly at `now` counts as archived already.
        let from = now.next();
        let until = [month.end, scope.span.until].into_iter().flatten().min();
        let Some(until) =
            until.filter(|until| from < *until && scope.span.from.is_none_or(|start| start <= now))
        else {
            return Ok(None);
        };
        let usages = recent_usage(ledger, catalogue, &options.what_if, now)?;
        let mut triggers = vec![0; usages.len()];
        let mut credits = vec![Credits::default(); usages.len()];
        let (mut days, mut start) = (Vec::new(), from);
        while start < until {
            let day = Period::around(start, Calendar::Day, scope.zone);
            let end = day.end.map_or(until, |end| end.min(until));
            let seconds = (end.to_utc() - from.to_utc()).num_seconds();
            for (index, usage) in usages.values().enumerate() {
                if let Some(ScheduleUsage { schedule, .. }) = &usage.schedule {
                    triggers[index] += schedule.count_between(start, end);
                }
                credits[index] = usage.expected_credits(triggers[index], seconds);
            }
            days.push((day.label, round(credits.iter().copied().sum())));
            start = end;
        }
        let schedules = usages
            .iter()
            .filter_map(|(key, usage)| Some((key.clone(), usage.schedule.as_ref()?.schedule.to_string())));
        Ok(Some(Forecast {
            month: month.label,
            schedules: schedules.collect(),
            credits: usages.keys().cloned().zip(apportion(&credits)).collect(),
            days,
        }))
    }
}

/// The credits that a pipeline used in the window.
#[derive(Default)]
struct Usage {
    /// All credits.
    credits: u64,
    /// The credits of scheduled runs.
    scheduled_credits: u64,
    /// The current schedule. `None`: there is none, or it is unreadable.
    schedule: Option<ScheduleUsage>,
}

/// A schedule and the credits that it used.
struct ScheduleUsage {
    schedule: Schedule,
    /// The number of trigger times since its first run.
    triggers: u64,
    /// The credits of its runs.
    credits: u64,
}

/// The runs of one trigger document.
struct TriggerUsage {
    /// The `trigger` of the runs, as JSON.
    trigger: Option<String>,
    first: Instant,
    last: Instant,
    credits: u64,
}

/// The `trigger` of a scheduled run.
#[derive(Deserialize)]
struct Trigger {
    cron_expression: Option<String>,
    cron_timezone: Option<String>,
}

impl Usage {
    /// The credits expected after a number of trigger times and seconds.
    fn expected_credits(&self, triggers: u64, seconds: i64) -> Credits {
        let unscheduled = match &self.schedule {
            Some(_) => self.credits.saturating_sub(self.scheduled_credits),
            None => self.credits,
        };
        let by_pace = Credits::ratio(
            i128::from(unscheduled) * i128::from(seconds),
            i128::from(PACE_WINDOW.num_seconds()),
        );
        let by_schedule = self.schedule.as_ref().and_then(|usage| {
            Credits::ratio(i128::from(triggers) * i128::from(usage.credits), i128::from(usage.triggers))
        });
        by_schedule.unwrap_or_default() + by_pace.unwrap_or_default()
    }

    /// Takes the schedule from the newest trigger, if it is readable.
    fn set_schedule(&mut self, mut usages: Vec<TriggerUsage>, now: Instant) {
        self.scheduled_credits = usages.iter().map(|usage| usage.credits).sum();
        usages.sort_by_key(|usage| usage.last);
        let Some(TriggerUsage { trigger, first, credits, .. }) = usages.pop() else { return };
        let trigger = trigger.and_then(|text| serde_json::from_str::<Trigger>(&text).ok());
        self.schedule = trigger.and_then(|Trigger { cron_expression, cron_timezone }| {
            let schedule = Schedule::new(&cron_expression?, cron_timezone.as_deref()).ok()?;
            // Plus one for the trigger time of the first run, which is not after that run.
            let triggers = (schedule.count_between(first.next(), now.next()) + 1).max(credits);
            Some(ScheduleUsage { schedule, triggers, credits })
        });
    }

    /// Replaces the cron expression. Without a schedule so far, every run is expected to be charged.
    fn set_expression(&mut self, expression: &str, zone: Tz) -> Result<(), String> {
        match &mut self.schedule {
            Some(usage) => usage.schedule = usage.schedule.with_expression(expression)?,
            none => {
                let schedule = Schedule::new(expression, Some(zone.name()))?;
                *none = Some(ScheduleUsage { schedule, triggers: 1, credits: 1 });
            }
        }
        Ok(())
    }
}

/// The usage of each pipeline in the window, with the what-if expressions applied. Inactive pipelines are left out.
fn recent_usage(
    ledger: &Ledger<'_>,
    catalogue: &Catalogue,
    what_if: &[(String, String)],
    now: Instant,
) -> Result<BTreeMap<PipelineKey, Usage>> {
    let mut usages: BTreeMap<PipelineKey, Usage> = BTreeMap::new();
    let since = now.plus(-PACE_WINDOW);
    for_each_run_in(ledger, Span { from: Some(since), until: Some(now.next()) }, |run| {
        let usage = usages.entry(key(run)?).or_default();
        usage.credits += u64::from(Charge::of_run(run)? != Charge::Free);
        Ok(())
    })?;
    for (key, triggers) in trigger_usage(ledger.connection(), since, now)? {
        usages.entry(key).or_default().set_schedule(triggers, now);
    }
    let mut changed = BTreeSet::new();
    for (pipeline, expression) in what_if {
        let key = catalogue.resolve(pipeline, usages.keys())?;
        let usage = usages.entry(key.clone()).or_default();
        usage.set_expression(expression, ledger.scope().zone).map_err(|cause| Error::Usage {
            what: format!("--what-if {pipeline}: {cause}"),
            hint: Some("an expression has five fields, such as '0 */2 * * *' for every two hours".to_owned()),
        })?;
        if !changed.insert(key) {
            return Err(Error::usage(format!(
                "--what-if {pipeline}: that pipeline already has an expression"
            )));
        }
    }
    usages
        .retain(|key, _| changed.contains(key) || catalogue.find(key).is_none_or(|pipeline| pipeline.active));
    Ok(usages)
}

fn trigger_usage(
    archive: &Connection,
    since: Instant,
    now: Instant,
) -> Result<BTreeMap<PipelineKey, Vec<TriggerUsage>>> {
    let mut usages: BTreeMap<PipelineKey, Vec<TriggerUsage>> = BTreeMap::new();
    let mut statement = archive.prepare(SCHEDULED_RUNS)?;
    let mut rows = statement.query(named_params! {":since": since.as_str(), ":now": now.as_str()})?;
    while let Some(row) = rows.next()? {
        let (charge, status): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
        let charge = Charge::of(charge.as_deref(), status.as_deref(), row.get(5)?);
        let (first, last, runs): (Instant, Instant, u64) = (row.get(6)?, row.get(7)?, row.get(8)?);
        let trigger: Option<String> = row.get(2)?;
        let credits = if charge == Charge::Free { 0 } else { runs };
        let of_pipeline = usages.entry(Some((row.get(0)?, row.get(1)?))).or_default();
        match of_pipeline.iter_mut().find(|usage| usage.trigger == trigger) {
            Some(usage) => {
                usage.first = usage.first.min(first);
                usage.last = usage.last.max(last);
                usage.credits += credits;
            }
            None => of_pipeline.push(TriggerUsage { trigger, first, last, credits }),
        }
    }
    Ok(usages)
}

/// Rounds each part to whole credits that add up to the rounded total. The largest remainders are rounded up; of equal
/// remainders, the first.
fn apportion(parts: &[Credits]) -> Vec<u64> {
    let (units, one) = (|part: &Credits| part.units(), 1_000_000);
    let mut shares: Vec<i128> = parts.iter().map(|part| units(part) / one).collect();
    let remaining = i128::from(round(parts.iter().copied().sum())) - shares.iter().sum::<i128>();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&index| Reverse(units(&parts[index]) % one));
    for &index in order.iter().take(usize::try_from(remaining).unwrap_or_default()) {
        shares[index] += 1;
    }
    shares.into_iter().map(|share| u64::try_from(share).unwrap_or_default()).collect()
}

fn round(credits: Credits) -> u64 {
    let whole = Fixed::<0>::ratio(credits.units(), 1_000_000).unwrap_or_default();
    u64::try_from(whole.units()).unwrap_or_default()
}
