//! One pipeline: its months, its last runs, and its place among the other pipelines.

use super::cost::CostTotals;
use super::dimension::Dimension;
use super::group_by::{self, Aggregate};
use super::ledger::Ledger;
use super::outcomes::Outcomes;
use super::period::{Calendar, Period};
use super::run_list;
use super::run_scan::{Columns, IndexedRun, Outcome, RunQuery};
use super::setting_words::SettingWords;
use super::settings_history::{SettingsHistory, SuccessfulRun};
use super::table::{Cell, Table};
use crate::error::Result;
use crate::pipeline_settings::{PipelineTrigger, TRIGGERS};
use crate::run::{Instant, Seconds, Share, Usd};
use crate::store::KnownPipeline;
use rusqlite::named_params;
use serde::Deserialize;
use std::collections::BTreeMap;

/// How many months a profile has: the last ones with runs.
const MONTHS: usize = 6;

/// How many runs a profile has: the last ones.
const LAST_RUNS: usize = 5;

/// What the archive knows of a pipeline.
#[derive(Debug)]
pub(crate) struct PipelineProfile {
    /// The last months with runs, oldest first, by label.
    pub(crate) months: Vec<(String, Figures)>,
    /// The figures of all its runs.
    pub(crate) total: Figures,
    /// How many times in a row it has failed since its last success.
    pub(crate) failures_in_a_row: u64,
    /// Its place among the pipelines with runs by their costs, and their number; 1 is the most expensive. `None`: no
    /// cost is known.
    pub(crate) rank: Option<(u64, u64)>,
    /// Its last runs, newest first, with the columns of a list of runs.
    pub(crate) last_runs: Table,
    /// The schedule in its settings; without triggers there, the one that triggered its last scheduled run. `None`: it
    /// has none.
    pub(crate) schedule: Option<CronTrigger>,
    /// Its settings and their changes.
    pub(crate) settings: SettingsHistory,
    /// The words for the settings.
    pub(crate) setting_words: SettingWords,
    /// The cost center of its last run. `None`: there are no rules, or no runs.
    pub(crate) cost_center: Option<String>,
}

/// The figures of some runs of a pipeline.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// The costs.
    pub(crate) cost: CostTotals,
    /// The number of runs with a final status.
    pub(crate) final_runs: u64,
    outcomes: Outcomes,
}

impl Figures {
    fn add(&mut self, run: &IndexedRun<'_>) -> Result<()> {
        Aggregate::add(&mut self.cost, run)?;
        Aggregate::add(&mut self.outcomes, run)?;
        self.final_runs += u64::from(run.outcome()?.is_some());
        Ok(())
    }

    /// The number of failed runs.
    pub(crate) fn failed_runs(&self) -> u64 {
        self.outcomes.failed_runs()
    }

    /// The cost of failed runs. `None`: no run failed, or no cost is known.
    pub(crate) fn failed_cost(&self) -> Option<Usd> {
        self.outcomes.failed_cost()
    }

    /// The share of failed runs among those with a final status. `None`: there are none.
    pub(crate) fn failure_rate(&self) -> Option<Share> {
        Share::ratio(self.failed_runs().into(), self.final_runs.into())
    }

    /// The cost of a run with a known cost, on average. `None`: no cost is known.
    pub(crate) fn cost_per_run(&self) -> Option<Usd> {
        self.cost.total()?.per(self.cost.runs_cost_known())
    }

    /// A percentile of the known durations. `None`: none is known.
    pub(crate) fn duration(&mut self, percent: usize) -> Option<Seconds> {
        self.outcomes.percentile_of_duration(percent)
    }
}

/// The schedule in the trigger of a run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct CronTrigger {
    /// The cron expression.
    #[serde(rename = "cron_expression")]
    pub(crate) expression: String,
    /// Its time zone. `None`: none was sent.
    #[serde(rename = "cron_timezone")]
    pub(crate) zone: Option<String>,
}

impl PipelineProfile {
    /// The profile of a pipeline in a ledger.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn of(ledger: &Ledger<'_>, pipeline: &KnownPipeline) -> Result<PipelineProfile> {
        let mut months: BTreeMap<String, Figures> = BTreeMap::new();
        let mut total = Figures::default();
        let (mut last_success, mut failures): (Option<String>, Vec<String>) = (None, Vec::new());
        let (mut last_runs, mut last_scheduled, mut cost_center) = (Vec::new(), None, None);
        let mut current: Option<Period> = None;
        let mut settings = SettingsHistory::of(ledger.connection(), pipeline)?;
        let mut successful_runs = Vec::new();
        for_each_run_of(ledger, pipeline, |run| {
            total.add(run)?;
            if !settings.changes.is_empty() {
                successful_runs.extend(SuccessfulRun::of(run)?);
            }
            if last_runs.len() < LAST_RUNS {
                last_runs.push(run.snapshot_id()?);
            }
            if last_scheduled.is_none() && run.trigger_type()? == Some("cron") {
                last_scheduled = Some(run.snapshot_id()?);
            }
            let booked_at = run.booked_at()?;
            if cost_center.is_none() && ledger.allocator().has_rules() {
                let allocator = ledger.allocator();
                cost_center =
                    Some(allocator.cost_center(run.pipeline()?, run.trigger_type()?, booked_at).to_owned());
            }
            let Some(booked_at) = booked_at else { return Ok(()) };
            match run.outcome()? {
                Some(Outcome::Succeeded) if last_success.as_deref() < Some(booked_at) => {
                    last_success = Some(booked_at.to_owned());
                }
                Some(Outcome::Failed) => failures.push(booked_at.to_owned()),
                _ => {}
            }
            if current.as_ref().is_none_or(|period| !period.contains(booked_at)) {
                let zone = ledger.scope().zone;
                current = Instant::parse(booked_at).map(|at| Period::around(at, Calendar::Month, zone));
            }
            match &current {
                Some(period) => months.entry(period.label.clone()).or_default().add(run),
                None => Ok(()),
            }
        })?;
        let failed_since = failures.iter().filter(|booked_at| Some(*booked_at) > last_success.as_ref());
        let skipped = months.len().saturating_sub(MONTHS);
        settings.compare(&successful_runs);
        let schedule = match schedule_in(&settings) {
            Some(schedule) => schedule,
            None => last_scheduled.map(|run| trigger_of(ledger, run)).transpose()?.flatten(),
        };
        Ok(PipelineProfile {
            failures_in_a_row: failed_since.count() as u64,
            months: months.into_iter().skip(skipped).collect(),
            rank: total.cost.total().map(|cost| rank(ledger, pipeline, cost)).transpose()?,
            total,
            last_runs: run_list::of_snapshots(ledger, &last_runs)?,
            schedule,
            settings,
            setting_words: SettingWords::of(ledger)?,
            cost_center,
        })
    }

    /// The months as a table for people, whose `month` has the label.
    pub(crate) fn months_table(&mut self) -> Table {
        const COLUMNS: [&str; 8] = [
            "month",
            "total_cost_usd",
            "runs",
            "failed_runs",
            "cost_per_run_usd",
            "p50_seconds",
            "p95_seconds",
            "credits",
        ];
        let row = |(month, figures): &mut (String, Figures)| {
            vec![
                Cell::text(month.as_str()),
                Cell::Usd(figures.cost.total()),
                Cell::count(figures.cost.runs),
                Cell::count(figures.failed_runs()),
                Cell::Usd(figures.cost_per_run()),
                Cell::Seconds(figures.duration(50)),
                Cell::Seconds(figures.duration(95)),
                Cell::count(figures.cost.credits),
            ]
        };
        let rows = self.months.iter_mut().map(row).collect();
        Table { columns: COLUMNS.map(str::to_owned).to_vec(), rows, totals: None }
    }
}

/// Whether no other status is expected to follow.
/// Passes each run of a pipeline to `visit`, the one that started, else was created, last first. The first error ends
/// the scan of the covering index.
fn for_each_run_of(
    ledger: &Ledger<'_>,
    pipeline: &KnownPipeline,
    mut visit: impl FnMut(&IndexedRun<'_>) -> Result<()>,
) -> Result<()> {
    let scope = ledger.scope();
    let order = "ORDER BY coalesce(started_at, created_at) DESC, snapshot_id DESC";
    let query = RunQuery::new(&scope.span, scope.date, Columns::ALL)
        .and(&format!("AND {} {order}", pipeline.is_of_run()));
    let mut statement = ledger.connection().prepare(&query.sql)?;
    let mut rows = statement.query(named_params! {":id": pipeline.id, ":slug": pipeline.slug_in_runs})?;
    while let Some(row) = rows.next()? {
        visit(&query.run(row))?;
    }
    Ok(())
}

/// The place of a pipeline with these costs, and the number of pipelines with runs.
fn rank(ledger: &Ledger<'_>, pipeline: &KnownPipeline, cost: Usd) -> Result<(u64, u64)> {
    let by = [Dimension::Pipeline];
    let groups = group_by::groups_across::<CostTotals>(std::slice::from_ref(ledger), &by)?.groups;
    let (mut place, mut pipelines) = (1, 1);
    for group in groups {
        // The labels of a pipeline are its name, its id and its kind.
        let [_, Some(id), Some(kind), ..] = group.labels.as_slice() else { continue };
        if pipeline.has_run_of(kind, id) {
            continue;
        }
        pipelines += 1;
        place += u64::from(group.aggregate.total().is_some_and(|other| other > cost));
    }
    Ok((place, pipelines))
}

/// The first schedule among the triggers in the settings. The inner `None`: the settings have triggers, but no
/// schedule. `None`: no trigger is known.
fn schedule_in(settings: &SettingsHistory) -> Option<Option<CronTrigger>> {
    let values: Vec<_> = TRIGGERS.iter().filter_map(|name| settings.value(name)).collect();
    let cron = |trigger| match trigger {
        PipelineTrigger::Cron { expression, zone } => Some(CronTrigger { expression, zone }),
        PipelineTrigger::Event { .. } => None,
    };
    let schedule = values.iter().flat_map(|value| PipelineTrigger::all_of(value)).find_map(cron);
    (!values.is_empty()).then_some(schedule)
}

/// The schedule in the trigger of a run's state. `None`: it has none.
fn trigger_of(ledger: &Ledger<'_>, snapshot_id: i64) -> Result<Option<CronTrigger>> {
    let sql = "SELECT \"trigger\" FROM run_snapshots WHERE snapshot_id = ?1";
    let trigger: Option<String> = ledger.connection().query_row(sql, [snapshot_id], |row| row.get(0))?;
    Ok(trigger.and_then(|json| serde_json::from_str(&json).ok()))
}
