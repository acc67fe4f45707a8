//! This is the credits report: what runs took of the plan's credits, and what they will have taken at the month's end.
//!
//! The forecast is made from what the archive knows: each pipeline's own cron expression, from its newest scheduled
//! run, times the part of the last thirty days' times at which a run was charged; and for everything else (people,
//! events, expressions that cannot be read) the pace of the last thirty days.

use super::booked::BookedRun;
use super::dimension::Dimension;
use super::groups::{for_each_run, for_each_run_in};
use super::ledger::Ledger;
use super::period::{Calendar, Period, Span};
use super::plan::Plan;
use super::schedule::Schedule;
use super::table::{Cell, Table};
use crate::error::{Error, Result};
use crate::run::{Fixed, Instant, Share};
use chrono::TimeDelta;
use rusqlite::named_params;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The `credit_charge_status` of a run that cost a credit.
pub const CHARGED: &str = "charged";

/// How far back the pace is measured. A schedule that set nothing off for longer is no schedule any more.
const PACE: TimeDelta = TimeDelta::days(30);

/// Millionths of a credit, so that parts of credits add up exactly.
type Credits = Fixed<6>;

/// A pipeline: its kind, and its id or slug. `None`: runs that have none, or several.
type Key = Option<(String, String)>;

/// What has set off scheduled runs of late: since when, and how many of them were charged. The newest comes last.
const SCHEDULES: &str = "
SELECT pipeline_kind, pipeline_id, \"trigger\", min(booked_at),
       count(*) FILTER (WHERE credit_charge_status = 'charged')
FROM runs
WHERE trigger_type = 'cron' AND booked_at >= :since AND booked_at < :now AND pipeline_id IS NOT NULL
GROUP BY pipeline_kind, pipeline_id, \"trigger\"
ORDER BY max(booked_at)";

/// What the catalogue says of a pipeline, found as the view `runs` finds it.
const CATALOGUED: &str = "
SELECT name, slug, pipeline_id, coalesce(active, 1) AND gone_at IS NULL
FROM pipelines
WHERE kind = :kind AND :id IN (pipeline_id, slug)
ORDER BY pipeline_id = :id DESC
LIMIT 1";

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// The plan; `None`: nobody has said.
    pub plan: Option<Plan>,
    /// Pipelines (by slug, id or name) with the cron expressions they might have.
    pub what_if: Vec<(String, String)>,
    /// Split by pipeline too.
    pub by_pipeline: bool,
}

/// How many runs of a month, or of one pipeline in it.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    runs: u64,
    charged: u64,
    /// Over, and not charged.
    free: u64,
    /// Not over yet: whether they will be charged is not known.
    undecided: u64,
}

/// What is expected of one pipeline, by what it did in the last thirty days.
#[derive(Default)]
struct Prospect {
    scheduled: Option<Scheduled>,
    /// The runs that were charged and that no schedule explains.
    unscheduled: u64,
}

/// A schedule, and how it did.
struct Scheduled {
    schedule: Schedule,
    /// How often it has gone off since it was first seen.
    times: u64,
    /// How many of these runs were charged.
    charged: u64,
}

/// The credits of each month, and of each pipeline in it where that is asked. `now` is the moment of knowledge.
///
/// # Errors
/// [`Error::Usage`] when a what-if names no pipeline, or no cron expression. Those of SQLite.
pub fn report(ledger: &Ledger<'_>, question: &Question, now: Instant) -> Result<Table> {
    let zone = ledger.scope().zone;
    let current = Period::around(now, Calendar::Month, zone);
    let mut months: BTreeMap<String, BTreeMap<Key, Count>> = BTreeMap::new();
    let mut days: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    let mut place: Option<(Period, Period)> = None;
    for_each_run(ledger, |run| {
        let Some(booked_at) = run.booked_at()? else { return Ok(()) };
        if !place.as_ref().is_some_and(|(day, _)| day.contains(booked_at)) {
            let Some(instant) = Instant::parse(booked_at) else { return Ok(()) };
            let around = |calendar| Period::around(instant, calendar, zone);
            place = Some((around(Calendar::Day), around(Calendar::Month)));
        }
        let Some((day, month)) = &place else { return Ok(()) };
        let count = months.entry(month.label.clone()).or_default().entry(key(run)?).or_default();
        count.add(run)?;
        if run.credit_charge_status()? == Some(CHARGED) {
            *days.entry(month.label.clone()).or_default().entry(day.label.clone()).or_default() += 1;
        }
        Ok(())
    })?;
    let prospects = match ledger.scope().span {
        // What is not asked about is not forecast.
        Span { from, until }
            if from.is_some_and(|from| from > now) || until.is_some_and(|until| until <= now) =>
        {
            BTreeMap::new()
        }
        _ => prospects(ledger, question, now)?,
    };
    if !prospects.is_empty() {
        let counts = months.entry(current.label.clone()).or_default();
        for key in prospects.keys() {
            counts.entry(key.clone()).or_default();
        }
    }
    // What went off at this very moment is archived, or came too late to be.
    let forecast = Forecast { now: now.next(), month: &current, prospects: &prospects };
    if question.by_pipeline {
        by_pipeline(ledger, &months, &forecast, question.plan)
    } else {
        Ok(by_month(&months, &days, &forecast, question.plan, zone))
    }
}

impl Count {
    fn add(&mut self, run: &BookedRun<'_>) -> Result<()> {
        self.runs += 1;
        match (run.credit_charge_status()?, run.status()?) {
            (Some(CHARGED), _) => self.charged += 1,
            (_, Some("success" | "failed" | "canceled")) => self.free += 1,
            _ => self.undecided += 1,
        }
        Ok(())
    }

    fn merge(self, other: Count) -> Count {
        Count {
            runs: self.runs + other.runs,
            charged: self.charged + other.charged,
            free: self.free + other.free,
            undecided: self.undecided + other.undecided,
        }
    }
}

fn key(run: &BookedRun<'_>) -> Result<Key> {
    Ok(run.pipeline()?.map(|(kind, id)| (kind.to_owned(), id.to_owned())))
}

// ---- what is expected

/// The trigger of a scheduled run.
#[derive(Deserialize)]
struct Trigger {
    cron_expression: Option<String>,
    cron_timezone: Option<String>,
}

fn prospects(ledger: &Ledger<'_>, question: &Question, now: Instant) -> Result<BTreeMap<Key, Prospect>> {
    let mut prospects: BTreeMap<Key, Prospect> = BTreeMap::new();
    let since = now.plus(-PACE);
    let archive = ledger.connection();
    for_each_run_in(ledger, Span { from: Some(since), until: Some(now) }, |run| {
        let prospect = prospects.entry(key(run)?).or_default();
        prospect.unscheduled += u64::from(run.credit_charge_status()? == Some(CHARGED));
        Ok(())
    })?;
    let mut statement = archive.prepare(SCHEDULES)?;
    let mut rows = statement.query(named_params! {":since": since.as_str(), ":now": now.as_str()})?;
    while let Some(row) = rows.next()? {
        let prospect = prospects.entry(Some((row.get(0)?, row.get(1)?))).or_default();
        let (trigger, first, charged): (Option<String>, Instant, u64) =
            (row.get(2)?, row.get(3)?, row.get(4)?);
        let trigger = trigger.and_then(|text| serde_json::from_str::<Trigger>(&text).ok());
        let schedule = trigger.and_then(|Trigger { cron_expression, cron_timezone }| {
            Schedule::new(&cron_expression?, cron_timezone.as_deref()).ok()
        });
        if let Some(schedule) = schedule {
            prospect.unscheduled = prospect.unscheduled.saturating_sub(charged);
            // The first run began after its time had come.
            let times = schedule.times_between(first, now) + 1;
            prospect.scheduled = Some(Scheduled { times: times.max(charged), schedule, charged });
        }
    }
    let mut named: Vec<bool> = vec![false; question.what_if.len()];
    let mut catalogued = archive.prepare(CATALOGUED)?;
    let mut gone = Vec::new();
    for (key, prospect) in &mut prospects {
        let Some((kind, id)) = key else { continue };
        let mut rows = catalogued.query(named_params! {":kind": kind, ":id": id})?;
        let mut names = vec![id.clone()];
        if let Some(row) = rows.next()? {
            for column in 0..3 {
                names.extend(row.get::<_, Option<String>>(column)?);
            }
            if !row.get::<_, bool>(3)? {
                gone.push(key.clone());
            }
        }
        for (nth, (pipeline, expression)) in question.what_if.iter().enumerate() {
            if names.contains(pipeline) {
                named[nth] = true;
                let unreadable = |why| Error::usage(format!("--what-if {pipeline}: {why}"));
                match &mut prospect.scheduled {
                    Some(scheduled) => {
                        scheduled.schedule =
                            scheduled.schedule.with_expression(expression).map_err(unreadable)?;
                    }
                    // Of one that has never run by a schedule each run is expected to be charged.
                    none => {
                        let schedule = Schedule::new(expression, None).map_err(unreadable)?;
                        *none = Some(Scheduled { schedule, times: 1, charged: 1 });
                    }
                }
                gone.retain(|other| other != key);
            }
        }
    }
    if let Some(nth) = named.iter().position(|named| !named) {
        return Err(Error::Usage {
            what: format!(
                "--what-if {}: no pipeline of that slug, id or name ran in the last 30 days",
                question.what_if[nth].0
            ),
            hint: Some("`runledger report cost --by pipeline` names them".to_owned()),
        });
    }
    prospects.retain(|key, _| !gone.contains(key));
    Ok(prospects)
}

impl Prospect {
    /// The credits expected between two moments, the first not earlier than now.
    fn credits(&self, from: Instant, until: Instant) -> Credits {
        let lasts = (until.to_utc() - from.to_utc()).num_seconds().max(0);
        let unscheduled =
            Credits::ratio(i128::from(self.unscheduled) * i128::from(lasts), i128::from(PACE.num_seconds()));
        let scheduled = self.scheduled.as_ref().and_then(|Scheduled { schedule, times, charged }| {
            let ahead = i128::from(schedule.times_between(from, until));
            Credits::ratio(ahead * i128::from(*charged), i128::from(*times))
        });
        scheduled.unwrap_or_default() + unscheduled.unwrap_or_default()
    }
}

/// What is expected of the month that is running.
struct Forecast<'p> {
    now: Instant,
    month: &'p Period,
    prospects: &'p BTreeMap<Key, Prospect>,
}

impl Forecast<'_> {
    /// The credits that this pipeline will still take. `None`: the month is over, or not asked about.
    fn of(&self, month: &str, key: &Key) -> Option<Credits> {
        let until = self.month.end.filter(|_| month == self.month.label && !self.prospects.is_empty())?;
        Some(
            self.prospects
                .get(key)
                .map_or_else(Credits::default, |prospect| prospect.credits(self.now, until)),
        )
    }

    fn of_month(&self, month: &str) -> Option<Credits> {
        let keys = self.prospects.keys();
        keys.map(|key| self.of(month, key)).sum::<Option<Credits>>().filter(|_| !self.prospects.is_empty())
    }
}

fn whole(credits: Credits) -> u64 {
    let whole = Fixed::<0>::ratio(credits.units(), 1_000_000).unwrap_or_default();
    u64::try_from(whole.units()).unwrap_or_default()
}

// ---- the tables

const COUNTS: [&str; 6] =
    ["runs", "charged_runs", "free_runs", "undecided_runs", "forecast_credits", "expected_credits"];

fn counts(count: Count, forecast: Option<Credits>) -> Vec<Cell> {
    let forecast = forecast.map(whole);
    vec![
        Cell::count(count.runs),
        Cell::count(count.charged),
        Cell::count(count.free),
        Cell::count(count.undecided),
        forecast.map_or(Cell::Count(None), Cell::count),
        Cell::count(count.charged + forecast.unwrap_or(0)),
    ]
}

fn used(plan: Option<Plan>, credits: u64) -> Cell {
    Cell::Share(plan.and_then(|plan| Share::ratio(credits.into(), plan.credits.into())))
}

fn by_month(
    months: &BTreeMap<String, BTreeMap<Key, Count>>,
    days: &BTreeMap<String, BTreeMap<String, u64>>,
    forecast: &Forecast<'_>,
    plan: Option<Plan>,
    zone: chrono_tz::Tz,
) -> Table {
    let columns =
        ["month"].iter().chain(&COUNTS).chain(&["plan_credits", "plan_used_rate", "credits_run_out_on"]);
    let rows = months.iter().map(|(month, pipelines)| {
        let count = pipelines.values().copied().fold(Count::default(), Count::merge);
        let ahead = forecast.of_month(month);
        let mut row = vec![Cell::text(month)];
        row.extend(counts(count, ahead));
        row.push(plan.map_or(Cell::Count(None), |plan| Cell::count(plan.credits)));
        row.push(used(plan, count.charged + ahead.map_or(0, whole)));
        row.push(Cell::Text(plan.and_then(|plan| runs_out_on(plan, days.get(month), month, forecast, zone))));
        row
    });
    Table {
        columns: columns.map(|column| (*column).to_owned()).collect(),
        rows: rows.collect(),
        totals: None,
    }
}

/// The day on which the plan's last credit is taken. `None`: it is not in this month.
fn runs_out_on(
    plan: Plan,
    days: Option<&BTreeMap<String, u64>>,
    month: &str,
    forecast: &Forecast<'_>,
    zone: chrono_tz::Tz,
) -> Option<String> {
    let mut taken = 0;
    for (day, charged) in days.into_iter().flatten() {
        taken += charged;
        if taken >= plan.credits {
            return Some(day.clone());
        }
    }
    let until = forecast.month.end.filter(|_| month == forecast.month.label)?;
    let mut expected = Credits::from_units(i128::from(taken) * 1_000_000);
    let mut from = forecast.now;
    while from < until {
        let day = Period::around(from, Calendar::Day, zone);
        let end = day.end?.min(until);
        expected += forecast.prospects.values().map(|prospect| prospect.credits(from, end)).sum();
        if expected.units() >= i128::from(plan.credits) * 1_000_000 {
            return Some(day.label);
        }
        from = end;
    }
    None
}

fn by_pipeline(
    ledger: &Ledger<'_>,
    months: &BTreeMap<String, BTreeMap<Key, Count>>,
    forecast: &Forecast<'_>,
    plan: Option<Plan>,
) -> Result<Table> {
    let labels = ["month", "pipeline_name", "pipeline_id", "pipeline_kind"];
    let columns = labels.iter().chain(&COUNTS).chain(&["plan_used_rate", "schedule"]);
    let mut catalogued = ledger.connection().prepare(CATALOGUED)?;
    let mut names: BTreeMap<&Key, Option<String>> = BTreeMap::new();
    let mut rows = Vec::new();
    for (month, pipelines) in months {
        for (key, count) in pipelines {
            let name = match (names.get(key), key) {
                (Some(name), _) => name.clone(),
                (None, Some((kind, id))) => {
                    let mut found = catalogued.query(named_params! {":kind": kind, ":id": id})?;
                    let name = found.next()?.map(|row| row.get(0)).transpose()?.flatten();
                    names.insert(key, name.clone());
                    name
                }
                (None, None) => None,
            };
            let ahead = forecast.of(month, key);
            let (kind, id) = key.clone().unzip();
            let mut row = vec![Cell::text(month), Cell::Text(name), Cell::Text(id), Cell::Text(kind)];
            row.extend(counts(*count, ahead));
            row.push(used(plan, count.charged + ahead.map_or(0, whole)));
            let schedule = forecast.prospects.get(key).filter(|_| ahead.is_some());
            row.push(Cell::Text(
                schedule.and_then(|prospect| Some(prospect.scheduled.as_ref()?.schedule.to_string())),
            ));
            rows.push(row);
        }
    }
    Ok(Table { columns: columns.map(|column| (*column).to_owned()).collect(), rows, totals: None })
}

/// What `credits` can be split by: months always, and pipelines.
pub const DIMENSIONS: [Dimension; 2] = [Dimension::Period(Calendar::Month), Dimension::Pipeline];
