//! This is the credits report: what runs took of the plan's credits, and what they will have taken at the month's end.
//!
//! The forecast is made from what the archive knows: each pipeline's own cron expression, from its newest scheduled
//! run, times the part of the last thirty days' times at which a run was charged; and for everything else (people,
//! events, expressions that cannot be read) the pace of the last thirty days. A run of which it is not decided yet
//! whether it is charged is expected to be: so charged, undecided and forecast add up to what is expected.

use super::cost::CHARGED;
use super::dimension::Dimension;
use super::group_by::{for_each_run, for_each_run_in};
use super::ledger::Ledger;
use super::period::{Calendar, Period, Span};
use super::plan::Plan;
use super::run_scan::IndexedRun;
use super::schedule::Schedule;
use super::table::{Cell, Table};
use crate::error::{Error, Result};
use crate::run::{Fixed, Instant, Share};
use crate::suggest::did_you_mean;
use chrono::TimeDelta;
use chrono_tz::Tz;
use rusqlite::{Connection, named_params};
use serde::Deserialize;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// How far back the pace is measured. A schedule that set nothing off for longer is no schedule any more.
const PACE: TimeDelta = TimeDelta::days(30);

/// Millionths of a credit, so that parts of credits add up exactly.
type Credits = Fixed<6>;

/// A pipeline: its kind, and its id or slug. `None`: runs that have none, or several.
type Key = Option<(String, String)>;

/// What has set off scheduled runs of late: since when, until when, how many, and what became of them.
const SCHEDULES: &str = "
SELECT pipeline_kind, pipeline_id, \"trigger\", credit_charge_status, status, total_cost_nanos IS NOT NULL,
       min(booked_at), max(booked_at), count(*)
FROM runs
WHERE trigger_type = 'cron' AND booked_at >= :since AND booked_at <= :now AND pipeline_id IS NOT NULL
GROUP BY pipeline_kind, pipeline_id, \"trigger\", credit_charge_status, status, total_cost_nanos IS NOT NULL";

const CATALOGUE: &str = "
SELECT kind, pipeline_id, slug, name, coalesce(active, 1) AND gone_at IS NULL
FROM pipelines
ORDER BY kind, pipeline_id";

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct CreditsOptions {
    /// The plan; `None`: nobody has said.
    pub plan: Option<Plan>,
    /// Pipelines (by slug, id or name) with the cron expressions they might have.
    pub what_if: Vec<(String, String)>,
    /// Split by pipeline too.
    pub by_pipeline: bool,
}

/// Whether a run takes a credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charge {
    Charged,
    /// It is over, and none was charged.
    Free,
    /// It is not over, or the API has not said: a charge may come as late as the costs.
    Undecided,
}

impl Charge {
    fn of(charge: Option<&str>, status: Option<&str>, cost_known: bool) -> Charge {
        match (charge, status) {
            (Some(CHARGED), _) => Charge::Charged,
            (Some(_), Some("failed" | "canceled")) => Charge::Free,
            (Some(_), Some("success")) if cost_known => Charge::Free,
            _ => Charge::Undecided,
        }
    }

    fn of_run(run: &IndexedRun<'_>) -> Result<Charge> {
        let cost_known = run.el_cost_nanos()?.is_some() || run.transformation_cost_nanos()?.is_some();
        Ok(Charge::of(run.credit_charge_status()?, run.status()?, cost_known))
    }
}

/// How many runs of a month, or of one pipeline in it.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    runs: u64,
    charged: u64,
    free: u64,
    undecided: u64,
    /// `None`: the month is over, or not asked about.
    forecast: Option<u64>,
}

impl Count {
    fn add(&mut self, charge: Charge) {
        self.runs += 1;
        *match charge {
            Charge::Charged => &mut self.charged,
            Charge::Free => &mut self.free,
            Charge::Undecided => &mut self.undecided,
        } += 1;
    }

    fn merge(self, other: Count) -> Count {
        Count {
            runs: self.runs + other.runs,
            charged: self.charged + other.charged,
            free: self.free + other.free,
            undecided: self.undecided + other.undecided,
            forecast: [self.forecast, other.forecast].into_iter().flatten().reduce(|one, two| one + two),
        }
    }

    /// The credits that will have been taken.
    fn expected(self) -> u64 {
        self.charged + self.undecided + self.forecast.unwrap_or_default()
    }
}

/// A month: its pipelines, and how many credits were taken on each day, those that are not decided yet among them.
#[derive(Default)]
struct Month {
    pipelines: BTreeMap<Key, Count>,
    days: BTreeMap<String, u64>,
}

/// The credits of each month, and of each pipeline in it where that is asked. `now` is the moment of knowledge.
///
/// # Errors
/// [`Error::Usage`] when a what-if names no pipeline, or no cron expression. Those of SQLite.
pub fn report(ledger: &Ledger<'_>, options: &CreditsOptions, now: Instant) -> Result<Table> {
    let zone = ledger.scope().zone;
    let mut months: BTreeMap<String, Month> = BTreeMap::new();
    let mut place: Option<(Period, Period)> = None;
    for_each_run(ledger, |run| {
        let Some(booked_at) = run.booked_at()? else { return Ok(()) };
        if !place.as_ref().is_some_and(|(day, _)| day.contains(booked_at)) {
            let Some(instant) = Instant::parse(booked_at) else { return Ok(()) };
            let around = |calendar| Period::around(instant, calendar, zone);
            place = Some((around(Calendar::Day), around(Calendar::Month)));
        }
        let Some((day, month)) = &place else { return Ok(()) };
        if !months.contains_key(&month.label) {
            months.insert(month.label.clone(), Month::default());
        }
        let Some(month) = months.get_mut(&month.label) else { return Ok(()) };
        let charge = Charge::of_run(run)?;
        month.pipelines.entry(key(run)?).or_default().add(charge);
        if charge != Charge::Free {
            *month.days.entry(day.label.clone()).or_default() += 1;
        }
        Ok(())
    })?;
    let catalogue = Catalogue::read(ledger.connection())?;
    let forecast = Forecast::made(ledger, &catalogue, options, now)?;
    if forecast.is_none() && !options.what_if.is_empty() {
        return Err(Error::Usage {
            what: "--what-if: what is asked about is over, or has not begun: nothing of it is forecast"
                .to_owned(),
            hint: Some("ask about the month that is running".to_owned()),
        });
    }
    if let Some(forecast) = &forecast {
        let month = months.entry(forecast.month.clone()).or_default();
        for (key, credits) in &forecast.credits {
            month.pipelines.entry(key.clone()).or_default().forecast = Some(*credits);
        }
        for count in month.pipelines.values_mut() {
            count.forecast.get_or_insert(0);
        }
        // A pipeline that did nothing and of which nothing is expected says nothing.
        month.pipelines.retain(|_, count| count.runs > 0 || count.expected() > 0);
    }
    Ok(match options.by_pipeline {
        true => by_pipeline(&months, forecast.as_ref(), &catalogue, options.plan),
        false => by_month(&months, forecast.as_ref(), options.plan),
    })
}

fn key(run: &IndexedRun<'_>) -> Result<Key> {
    Ok(run.pipeline()?.map(|(kind, id)| (kind.to_owned(), id.to_owned())))
}

// ---- the pipelines

/// What the catalogue says of a pipeline.
struct Catalogued {
    kind: String,
    id: String,
    slug: Option<String>,
    name: Option<String>,
    /// Whether it is there and may run.
    active: bool,
}

impl Catalogued {
    /// What it can be called by.
    fn names(&self) -> impl Iterator<Item = &str> {
        [self.slug.as_deref(), self.name.as_deref(), Some(self.id.as_str())].into_iter().flatten()
    }

    fn is_called(&self, name: &str) -> bool {
        self.names().any(|own| own == name)
    }
}

struct Catalogue(Vec<Catalogued>);

impl Catalogue {
    fn read(archive: &Connection) -> Result<Catalogue> {
        let mut statement = archive.prepare(CATALOGUE)?;
        let rows = statement.query_map([], |row| {
            Ok(Catalogued {
                kind: row.get(0)?,
                id: row.get(1)?,
                slug: row.get(2)?,
                name: row.get(3)?,
                active: row.get(4)?,
            })
        })?;
        Ok(Catalogue(rows.collect::<rusqlite::Result<_>>()?))
    }

    /// The pipeline that a run names by its id or else by its slug, as the view `runs` finds it.
    fn of(&self, key: &Key) -> Option<&Catalogued> {
        let (kind, id) = key.as_ref()?;
        let mut of_kind = self.0.iter().filter(|pipeline| pipeline.kind == *kind);
        of_kind
            .clone()
            .find(|pipeline| pipeline.id == *id)
            .or_else(|| of_kind.find(|pipeline| pipeline.slug.as_ref() == Some(id)))
    }

    /// The pipeline that a what-if means: one that runs name so, else one that is called so and ran of late, else
    /// one that is called so.
    fn meant<'k>(&self, what_if: &str, ran: impl Iterator<Item = &'k Key> + Clone) -> Result<Key> {
        let named_so = |key: &&Key| key.as_ref().is_some_and(|(_, id)| id == what_if);
        let called_so = |key: &&Key| self.of(key).is_some_and(|pipeline| pipeline.is_called(what_if));
        let mut meant: BTreeSet<Key> = ran.clone().filter(named_so).cloned().collect();
        if meant.is_empty() {
            meant = ran.filter(called_so).cloned().collect();
        }
        if meant.is_empty() {
            let called = self.0.iter().filter(|pipeline| pipeline.is_called(what_if));
            meant = called.map(|pipeline| Some((pipeline.kind.clone(), pipeline.id.clone()))).collect();
        }
        let ids: Vec<String> = meant.iter().flatten().map(|(kind, id)| format!("the {kind} {id}")).collect();
        match (meant.pop_first(), meant.is_empty()) {
            (Some(key), true) => Ok(key),
            (Some(_), false) => Err(Error::Usage {
                what: format!("--what-if {what_if}: several pipelines are called so: {}", ids.join(", ")),
                hint: Some("name the one that you mean by its id".to_owned()),
            }),
            (None, _) => Err(Error::Usage {
                what: format!("--what-if {what_if}: no pipeline has that slug, id or name"),
                hint: did_you_mean(what_if, self.0.iter().flat_map(Catalogued::names))
                    .or_else(|| Some("`runledger report cost --by pipeline` names them".to_owned())),
            }),
        }
    }
}

// ---- what is expected

/// The trigger of a scheduled run.
#[derive(Deserialize)]
struct Trigger {
    cron_expression: Option<String>,
    cron_timezone: Option<String>,
}

/// What is expected of one pipeline, by what it did in the last thirty days.
#[derive(Default)]
struct Prospect {
    /// The credits that its runs took.
    taken: u64,
    /// Those of them that a cron expression set off.
    taken_by_cron: u64,
    /// `None`: none, or none that can be read.
    scheduled: Option<Scheduled>,
}

/// A schedule, and how it did.
struct Scheduled {
    schedule: Schedule,
    /// How often it has gone off since it was first seen.
    times: u64,
    /// How many credits that took.
    taken: u64,
}

/// What one trigger set off.
struct SetOff {
    trigger: Option<String>,
    first: Instant,
    last: Instant,
    taken: u64,
}

impl Prospect {
    /// The credits that are expected when the schedule goes off so many times, and so many seconds go by.
    fn credits(&self, times: u64, seconds: i64) -> Credits {
        let pace = match &self.scheduled {
            Some(_) => self.taken.saturating_sub(self.taken_by_cron),
            None => self.taken,
        };
        let by_pace = Credits::ratio(i128::from(pace) * i128::from(seconds), i128::from(PACE.num_seconds()));
        let by_schedule = self.scheduled.as_ref().and_then(|scheduled| {
            Credits::ratio(i128::from(times) * i128::from(scheduled.taken), i128::from(scheduled.times))
        });
        by_schedule.unwrap_or_default() + by_pace.unwrap_or_default()
    }

    /// The newest of what set it off is its schedule, if it can be read.
    fn learn(&mut self, mut set_off: Vec<SetOff>, now: Instant) {
        self.taken_by_cron = set_off.iter().map(|set_off| set_off.taken).sum();
        set_off.sort_by_key(|set_off| set_off.last);
        let Some(SetOff { trigger, first, taken, .. }) = set_off.pop() else { return };
        let trigger = trigger.and_then(|text| serde_json::from_str::<Trigger>(&text).ok());
        self.scheduled = trigger.and_then(|Trigger { cron_expression, cron_timezone }| {
            let schedule = Schedule::new(&cron_expression?, cron_timezone.as_deref()).ok()?;
            // The first run began when its time had come.
            let times = (schedule.count_between(first.next(), now.next()) + 1).max(taken);
            Some(Scheduled { schedule, times, taken })
        });
    }

    /// The same pipeline with another expression. Of one without a schedule each time is expected to be charged.
    fn what_if(&mut self, expression: &str, zone: Tz) -> Result<(), String> {
        match &mut self.scheduled {
            Some(scheduled) => scheduled.schedule = scheduled.schedule.with_expression(expression)?,
            none => {
                let schedule = Schedule::new(expression, Some(zone.name()))?;
                *none = Some(Scheduled { schedule, times: 1, taken: 1 });
            }
        }
        Ok(())
    }
}

fn prospects(
    ledger: &Ledger<'_>,
    catalogue: &Catalogue,
    what_if: &[(String, String)],
    now: Instant,
) -> Result<BTreeMap<Key, Prospect>> {
    let mut prospects: BTreeMap<Key, Prospect> = BTreeMap::new();
    let since = now.plus(-PACE);
    for_each_run_in(ledger, Span { from: Some(since), until: Some(now.next()) }, |run| {
        let prospect = prospects.entry(key(run)?).or_default();
        prospect.taken += u64::from(Charge::of_run(run)? != Charge::Free);
        Ok(())
    })?;
    for (key, set_off) in set_off(ledger.connection(), since, now)? {
        prospects.entry(key).or_default().learn(set_off, now);
    }
    let mut asked = BTreeSet::new();
    for (pipeline, expression) in what_if {
        let key = catalogue.meant(pipeline, prospects.keys())?;
        prospects.entry(key.clone()).or_default().what_if(expression, ledger.scope().zone).map_err(
            |why| Error::Usage {
                what: format!("--what-if {pipeline}: {why}"),
                hint: Some(
                    "an expression has five fields, such as '0 */2 * * *' for every two hours".to_owned(),
                ),
            },
        )?;
        if !asked.insert(key) {
            return Err(Error::usage(format!(
                "--what-if {pipeline}: that pipeline has one expression already"
            )));
        }
    }
    prospects
        .retain(|key, _| asked.contains(key) || catalogue.of(key).is_none_or(|pipeline| pipeline.active));
    Ok(prospects)
}

fn set_off(archive: &Connection, since: Instant, now: Instant) -> Result<BTreeMap<Key, Vec<SetOff>>> {
    let mut found: BTreeMap<Key, Vec<SetOff>> = BTreeMap::new();
    let mut statement = archive.prepare(SCHEDULES)?;
    let mut rows = statement.query(named_params! {":since": since.as_str(), ":now": now.as_str()})?;
    while let Some(row) = rows.next()? {
        let (charge, status): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
        let charge = Charge::of(charge.as_deref(), status.as_deref(), row.get(5)?);
        let (first, last, runs): (Instant, Instant, u64) = (row.get(6)?, row.get(7)?, row.get(8)?);
        let trigger: Option<String> = row.get(2)?;
        let taken = if charge == Charge::Free { 0 } else { runs };
        let of_pipeline = found.entry(Some((row.get(0)?, row.get(1)?))).or_default();
        match of_pipeline.iter_mut().find(|set_off| set_off.trigger == trigger) {
            Some(set_off) => {
                set_off.first = set_off.first.min(first);
                set_off.last = set_off.last.max(last);
                set_off.taken += taken;
            }
            None => of_pipeline.push(SetOff { trigger, first, last, taken }),
        }
    }
    Ok(found)
}

/// What is expected of the month that is running, from now on.
struct Forecast {
    month: String,
    /// The whole credits of each pipeline, which make up those of the month.
    credits: BTreeMap<Key, u64>,
    /// The whole credits until the end of each day.
    days: Vec<(String, u64)>,
    schedules: BTreeMap<Key, String>,
}

impl Forecast {
    /// `None`: what is asked about does not go on after now.
    fn made(
        ledger: &Ledger<'_>,
        catalogue: &Catalogue,
        options: &CreditsOptions,
        now: Instant,
    ) -> Result<Option<Forecast>> {
        let scope = ledger.scope();
        let month = Period::around(now, Calendar::Month, scope.zone);
        // What went off at this very moment is archived, or came too late to be.
        let from = now.next();
        let until = [month.end, scope.span.until].into_iter().flatten().min();
        let Some(until) =
            until.filter(|until| from < *until && scope.span.from.is_none_or(|start| start <= now))
        else {
            return Ok(None);
        };
        let prospects = prospects(ledger, catalogue, &options.what_if, now)?;
        let mut times = vec![0; prospects.len()];
        let mut credits = vec![Credits::default(); prospects.len()];
        let (mut days, mut start) = (Vec::new(), from);
        while start < until {
            let day = Period::around(start, Calendar::Day, scope.zone);
            let end = day.end.map_or(until, |end| end.min(until));
            let seconds = (end.to_utc() - from.to_utc()).num_seconds();
            for (place, prospect) in prospects.values().enumerate() {
                if let Some(Scheduled { schedule, .. }) = &prospect.scheduled {
                    times[place] += schedule.count_between(start, end);
                }
                credits[place] = prospect.credits(times[place], seconds);
            }
            days.push((day.label, whole(credits.iter().copied().sum())));
            start = end;
        }
        let schedules = prospects.iter().filter_map(|(key, prospect)| {
            Some((key.clone(), prospect.scheduled.as_ref()?.schedule.to_string()))
        });
        Ok(Some(Forecast {
            month: month.label,
            schedules: schedules.collect(),
            credits: prospects.keys().cloned().zip(apportioned(&credits)).collect(),
            days,
        }))
    }
}

/// Whole credits for each part, which add up to those of the whole: what rounding leaves goes to the largest
/// remainders, and to the first of equals.
fn apportioned(parts: &[Credits]) -> Vec<u64> {
    let (units, one) = (|part: &Credits| part.units(), 1_000_000);
    let mut shares: Vec<i128> = parts.iter().map(|part| units(part) / one).collect();
    let left = i128::from(whole(parts.iter().copied().sum())) - shares.iter().sum::<i128>();
    let mut places: Vec<usize> = (0..parts.len()).collect();
    places.sort_by_key(|&place| Reverse(units(&parts[place]) % one));
    for &place in places.iter().take(usize::try_from(left).unwrap_or_default()) {
        shares[place] += 1;
    }
    shares.into_iter().map(|share| u64::try_from(share).unwrap_or_default()).collect()
}

fn whole(credits: Credits) -> u64 {
    let whole = Fixed::<0>::ratio(credits.units(), 1_000_000).unwrap_or_default();
    u64::try_from(whole.units()).unwrap_or_default()
}

// ---- the tables

const COUNTS: [&str; 6] =
    ["runs", "charged_runs", "free_runs", "undecided_runs", "forecast_credits", "expected_credits"];

fn counts(count: Count) -> [Cell; 6] {
    [
        Cell::count(count.runs),
        Cell::count(count.charged),
        Cell::count(count.free),
        Cell::count(count.undecided),
        count.forecast.map_or(Cell::Count(None), Cell::count),
        Cell::count(count.expected()),
    ]
}

fn used(plan: Option<Plan>, count: Count) -> Cell {
    Cell::Share(plan.and_then(|plan| Share::ratio(count.expected().into(), plan.credits.into())))
}

fn columns(before: &[&str], after: &[&str]) -> Vec<String> {
    before.iter().chain(&COUNTS).chain(after).map(|column| (*column).to_owned()).collect()
}

fn by_month(months: &BTreeMap<String, Month>, forecast: Option<&Forecast>, plan: Option<Plan>) -> Table {
    let rows = months.iter().map(|(label, month)| {
        let mut count = month.pipelines.values().copied().fold(Count::default(), Count::merge);
        let forecast = forecast.filter(|forecast| forecast.month == *label);
        if forecast.is_some() {
            count.forecast.get_or_insert(0);
        }
        let ahead = forecast.map_or(&[][..], |forecast| &forecast.days);
        let mut row = vec![Cell::text(label)];
        row.extend(counts(count));
        row.push(plan.map_or(Cell::Count(None), |plan| Cell::count(plan.credits)));
        row.push(used(plan, count));
        row.push(Cell::Text(plan.and_then(|plan| runs_out_on(plan, &month.days, ahead))));
        row
    });
    Table {
        columns: columns(&["month"], &["plan_credits", "plan_used_rate", "credits_run_out_on"]),
        rows: rows.collect(),
        totals: None,
    }
}

/// The day on which the plan's last credit is taken. `None`: it is not in this month.
fn runs_out_on(plan: Plan, days: &BTreeMap<String, u64>, ahead: &[(String, u64)]) -> Option<String> {
    let mut taken = 0;
    for (day, credits) in days {
        taken += credits;
        if taken >= plan.credits {
            return Some(day.clone());
        }
    }
    let day = ahead.iter().find(|(_, credits)| taken + credits >= plan.credits);
    day.map(|(day, _)| day.clone())
}

/// The pipelines of each month, those that take most first; and all of them taken together.
fn by_pipeline(
    months: &BTreeMap<String, Month>,
    forecast: Option<&Forecast>,
    catalogue: &Catalogue,
    plan: Option<Plan>,
) -> Table {
    let (mut rows, mut all) = (Vec::new(), Count::default());
    for (label, month) in months {
        let mut pipelines: Vec<(&Key, Count)> =
            month.pipelines.iter().map(|(key, count)| (key, *count)).collect();
        pipelines.sort_by_key(|(_, count)| Reverse(count.expected()));
        for (key, count) in pipelines {
            let (kind, id) = key.clone().unzip();
            let name = catalogue.of(key).and_then(|pipeline| pipeline.name.clone());
            let mut row = vec![Cell::text(label), Cell::Text(name), Cell::Text(id), Cell::Text(kind)];
            row.extend(counts(count));
            row.push(used(plan, count));
            let schedule = forecast.filter(|forecast| forecast.month == *label);
            row.push(Cell::Text(schedule.and_then(|forecast| forecast.schedules.get(key).cloned())));
            rows.push(row);
            all = all.merge(count);
        }
    }
    let totals = (rows.len() > 1).then(|| {
        let mut totals = vec![Cell::Text(None); 4];
        totals.extend(counts(all));
        // One month's plan says nothing of several.
        totals.push(used(plan.filter(|_| months.len() == 1), all));
        totals.push(Cell::Text(None));
        totals
    });
    let columns =
        columns(&["month", "pipeline_name", "pipeline_id", "pipeline_kind"], &["plan_used_rate", "schedule"]);
    Table { columns, rows, totals }
}

/// What `credits` can be split by: months always, and pipelines.
pub const DIMENSIONS: [Dimension; 2] = [Dimension::Period(Calendar::Month), Dimension::Pipeline];
