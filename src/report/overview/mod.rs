//! This is the ledger at a glance: everything that its page shows, gathered in one pass over the current runs.
//!
//! Each figure is that of the report which has it: sums those of `cost`, times those of `duration`, failures those of
//! `failures`, outliers those of `anomalies`, expected credits those of `credits`. Nothing depends on the clock: what
//! may still change is judged by the moment of knowledge.

pub mod calendar;
pub mod figures;
pub mod outliers;

pub use figures::{DayRuns, Failures, Percentiles, Series, Sums, Times};
pub use outliers::{ControlBand, Judged};

use super::credits;
use super::dimension::Dimension;
use super::group_by::for_each_run_with_its_end;
use super::interner::{Interner, Label};
use super::ledger::Ledger;
use super::period::{Calendar, Period, Span};
use super::plan::Plan;
use super::run_scan::BookedRun;
use super::scope::Scope;
use super::table::{Cell, Table};
use crate::error::Result;
use crate::run::{Instant, Usd};
use calendar::Days;
use chrono::TimeDelta;
use figures::{Outcome, RunFacts, Timed};
use outliers::Recent;
use rusqlite::{Connection, OptionalExtension, named_params};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The pipelines' kinds, in the order that people are shown them; `None`: a run has no pipeline, or several.
pub const KINDS: [Option<&str>; 4] = [Some("source"), Some("destination"), Some("transformation"), None];

/// How many outliers are told, as in `queries/anomalies.sql`.
const MOST_OUTLIERS: usize = 10;

/// The place of runs without one pipeline among an interner's labels.
const NO_PIPELINE: usize = 0;

/// When the archive was last fed: the newest sync that read all it had to read.
const FED: &str = "
SELECT started_at, ended_at, kind
FROM syncs
WHERE walk_complete = 1 AND outcome IN ('complete', 'partial') AND (:as_of IS NULL OR ended_at <= :as_of)
ORDER BY sync_id DESC
LIMIT 1";

/// What was not understood, and what is gone.
const ODDITIES: &str = "
SELECT (SELECT count(*) FROM quarantine WHERE :as_of IS NULL OR first_seen_at <= :as_of),
       (SELECT count(*) FROM drift WHERE :as_of IS NULL OR first_seen_at <= :as_of),
       (SELECT count(*) FROM vanished_runs)";

/// Thirty days before, as the view `runs` and `queries/anomalies.sql` spell it.
const SETTLED_BEFORE: &str = "SELECT strftime('%Y-%m-%dT%H:%M:%f', ?1, '-30 days')";
const LATELY: &str = "SELECT strftime('%Y-%m-%dT%H:%M:%S', ?1, '-30 days')";

/// The ledger at a glance.
#[derive(Debug)]
pub struct Overview {
    /// Which runs it is about.
    pub scope: Scope,
    /// The latest observation that it knows. `None`: nothing was archived.
    pub known_at: Option<Instant>,
    /// `None`: no sync was complete by then.
    pub fed: Option<LastSync>,
    /// The month that comes first. `None`: nothing is known of any in the span.
    pub focus: Option<HeadlineMonth>,
    /// What was paid for. `None`: nobody has said.
    pub plan: Option<Plan>,
    /// All runs taken together.
    pub all: Pipeline,
    /// The sums of each of [`KINDS`] by month, and of what is booked in none.
    pub kinds: [(Series<Sums>, Sums); KINDS.len()],
    /// The dearest first, those without a known cost last; then by kind and id.
    pub pipelines: Vec<Pipeline>,
    /// Latest runs that left their pipeline's band, the strongest first.
    pub outliers: Vec<Outlier>,
    /// Items that could not be read as runs.
    pub quarantined: u64,
    /// Things that the API's contract does not know.
    pub drift: u64,
    /// Runs that the API no longer has.
    pub vanished: u64,
}

/// A sync that read all that it had to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSync {
    /// When it began: everything up to then was read.
    pub began_at: Instant,
    /// When it ended.
    pub ended_at: Instant,
    /// `first`, `incremental` or `full`.
    pub kind: String,
}

/// The month that comes first: the one of the moment of knowledge, or the last of the span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadlineMonth {
    /// Its number.
    pub month: i32,
    /// Whether it, and the span, go on after the moment of knowledge.
    pub is_running: bool,
    /// Whether the span has all of its days; otherwise it is held against no other month.
    pub is_whole: bool,
    /// The credits that will have been taken by its end, as `runledger report credits` forecasts them.
    pub expected_credits: Option<u64>,
    /// The day on which the plan's last credit is taken. `None`: it is not in this month, or there is no plan.
    pub credits_run_out_on: Option<String>,
}

/// What is told of one pipeline.
#[derive(Debug, Clone, Default)]
pub struct Pipeline {
    /// `source`, `destination` or `transformation`. `None`: the runs have no pipeline, or several.
    pub kind: Option<String>,
    /// Its id or slug, as its runs name it.
    pub id: Option<String>,
    /// What the catalogue calls it.
    pub name: Option<String>,
    /// All of its runs.
    pub total: Sums,
    /// By month.
    pub months: Series<Sums>,
    /// Those that are booked in no month.
    pub unbooked: Sums,
    /// How long they took, by week.
    pub weeks: Series<Times>,
    /// How many they were, by day.
    pub days: Series<DayRuns>,
    /// The month before the first one, all of it, whether or not the span has it.
    pub before: Sums,
    /// The same up to the point that the running month has come to. `None`: it is over.
    pub before_to_date: Option<Sums>,
    /// When it failed.
    pub failures: Failures,
}

/// A latest run that left its pipeline's band.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlier {
    /// The pipeline's place among [`Overview::pipelines`]; `None`: it has no run in the span.
    pub pipeline: Option<usize>,
    /// What the pipeline is called: name, id, kind.
    pub label: Label,
    /// The run.
    pub run_id: String,
    /// What it did, and what was expected.
    pub judged: Judged,
}

/// What is kept of a pipeline while runs go by.
#[derive(Default)]
struct PipelineTotals {
    told: Pipeline,
    weeks: BTreeMap<i32, Timed>,
    before_to_date: Sums,
    recent: Recent,
}

/// Gathers the archive in a scope. `known_at` is the latest observation in it, `None` when there is none.
///
/// # Errors
/// As [`Ledger::open`]. Those of SQLite.
pub fn gather(
    archive: &Connection,
    scope: &Scope,
    plan: Option<Plan>,
    known_at: Option<Instant>,
) -> Result<Overview> {
    let mut ahead = known_at.and_then(|known_at| Headline::of(scope, known_at));
    if let (Some(ahead), Some(known_at)) = (&mut ahead, known_at) {
        ahead.forecast(archive, scope, plan, known_at)?;
    }
    let ledger = Ledger::open(archive, scope.clone())?;
    let mut pass = Pass::new(&ledger, ahead.as_ref(), known_at)?;
    // What was before the span makes the bands of what is in it, and is what its first month is held against.
    let until = Span { from: None, until: scope.span.until };
    for_each_run_with_its_end(&ledger, until, |run| pass.add(run))?;
    let (fed, [quarantined, drift, vanished]) = account(archive, scope)?;
    let labels = pass.interner.labels(std::slice::from_ref(&ledger))?;
    let newest = pass.newest.map(|(_, newest)| newest);
    let mut all = PipelineTotals::default();
    let mut kinds: [(Series<Sums>, Sums); KINDS.len()] = Default::default();
    let (mut pipelines, mut judged) = (Vec::new(), Vec::new());
    for (place, kept) in pass.kept.into_iter().enumerate() {
        let PipelineTotals { mut told, weeks, before_to_date, recent } = kept;
        judged.extend(recent.judged().into_iter().map(|judged| (place, judged)));
        [told.name, told.id, told.kind] = <[_; 3]>::try_from(labels[place].clone()).unwrap_or_default();
        told.before_to_date = pass.cut.map(|_| before_to_date);
        told.total = told.unbooked;
        told.months.iter().for_each(|(_, sums)| told.total.merge(*sums));
        for (week, mut timed) in weeks {
            told.weeks.push(week, timed.times());
            all.weeks.entry(week).or_default().merge(timed);
        }
        all.take(&told, before_to_date);
        let kind = KINDS.iter().position(|kind| *kind == told.kind.as_deref()).unwrap_or(KINDS.len() - 1);
        for (month, sums) in told.months.iter() {
            kinds[kind].0.at(*month).merge(*sums);
        }
        kinds[kind].1.merge(told.unbooked);
        if told.total.cost.runs > 0 {
            pipelines.push((place, told));
        }
    }
    let PipelineTotals { told: mut total, weeks, before_to_date, .. } = all;
    total.before_to_date = pass.cut.map(|_| before_to_date);
    for (week, mut timed) in weeks {
        total.weeks.push(week, timed.times());
    }
    pipelines.sort_by(|(_, one), (_, other)| dearest(one).cmp(&dearest(other)));
    let places: BTreeMap<usize, usize> =
        pipelines.iter().enumerate().map(|(rank, (place, _))| (*place, rank)).collect();
    let outliers = outliers(archive, scope, judged, newest)?.into_iter().map(|(place, judged, run_id)| {
        Outlier { pipeline: places.get(&place).copied(), label: labels[place].clone(), run_id, judged }
    });
    Ok(Overview {
        outliers: outliers.collect(),
        scope: scope.clone(),
        known_at,
        fed,
        focus: ahead.map(|ahead| ahead.focus),
        plan,
        all: total,
        kinds,
        pipelines: pipelines.into_iter().map(|(_, pipeline)| pipeline).collect(),
        quarantined,
        drift,
        vanished,
    })
}

/// What pipelines are sorted by.
fn dearest(pipeline: &Pipeline) -> (Reverse<Option<Usd>>, bool, &Option<String>, &Option<String>) {
    (Reverse(pipeline.total.cost.total()), pipeline.kind.is_none(), &pipeline.kind, &pipeline.id)
}

/// When the archive was last fed; and how many items it has in quarantine, things that drifted, runs that vanished.
fn account(archive: &Connection, scope: &Scope) -> Result<(Option<LastSync>, [u64; 3])> {
    let as_of = scope.as_of.as_ref().map(Instant::as_str);
    let fed = archive
        .query_row(FED, named_params! {":as_of": as_of}, |row| {
            Ok(LastSync { began_at: row.get(0)?, ended_at: row.get(1)?, kind: row.get(2)? })
        })
        .optional()?;
    let oddities = archive.query_row(ODDITIES, named_params! {":as_of": as_of}, |row| {
        Ok([row.get(0)?, row.get(1)?, row.get(2)?])
    })?;
    Ok((fed, oddities))
}

/// The strongest of the runs that left their bands lately, with their ids.
fn outliers(
    archive: &Connection,
    scope: &Scope,
    judged: Vec<(usize, Judged)>,
    newest: Option<String>,
) -> Result<Vec<(usize, Judged, String)>> {
    let since: Option<String> = match scope.span.from {
        Some(from) => Some(from.to_string()),
        None => archive.query_row(LATELY, [newest], |row| row.get(0))?,
    };
    let mut left: Vec<(i128, usize, Judged)> = judged
        .into_iter()
        .filter(|(_, judged)| since.as_ref().is_some_and(|since| judged.booked_at.as_str() >= since.as_str()))
        .filter_map(|(place, judged)| Some((judged.strength()?, place, judged)))
        .collect();
    left.sort_by_key(|(strength, _, judged)| {
        (Reverse(*strength), Reverse(judged.booked_at), judged.snapshot_id)
    });
    left.truncate(MOST_OUTLIERS);
    let mut id_of = archive.prepare("SELECT run_id FROM run_snapshots WHERE snapshot_id = ?1")?;
    let mut found = Vec::with_capacity(left.len());
    for (_, place, judged) in left {
        let run_id = id_of.query_row([judged.snapshot_id], |row| row.get(0))?;
        found.push((place, judged, run_id));
    }
    Ok(found)
}

impl PipelineTotals {
    /// Takes in what is told of one more pipeline, except its weeks.
    fn take(&mut self, other: &Pipeline, before_to_date: Sums) {
        self.told.total.merge(other.total);
        self.told.unbooked.merge(other.unbooked);
        self.told.before.merge(other.before);
        self.before_to_date.merge(before_to_date);
        for (month, sums) in other.months.iter() {
            self.told.months.at(*month).merge(*sums);
        }
        for (day, runs) in other.days.iter() {
            let all = self.told.days.at(*day);
            all.runs += runs.runs;
            all.failed += runs.failed;
        }
    }
}

/// The month that comes first, and what it is held against.
struct Headline {
    focus: HeadlineMonth,
    month: Period,
    before: Option<Period>,
    /// The point in the month before that the running month has come to. `None`: it is over, or is held against none.
    cut: Option<Instant>,
}

impl Headline {
    /// `None`: the span begins after all that is known.
    fn of(scope: &Scope, known_at: Instant) -> Option<Headline> {
        let Span { from, until } = scope.span;
        let last = until.map_or(known_at, |until| known_at.min(until.plus(TimeDelta::microseconds(-1))));
        if from.is_some_and(|from| last < from) {
            return None;
        }
        let month = Period::around(last, Calendar::Month, scope.zone);
        let number = Days::new(scope.zone).place_of(last.as_str())?.month;
        let is_running = [month.end, until].into_iter().flatten().all(|end| known_at < end);
        let cut_short = from.is_some_and(|from| month.start.is_none_or(|start| from > start))
            || until.is_some_and(|until| {
                // Days that are still to come take nothing away.
                until <= known_at && month.end.is_none_or(|end| until < end)
            });
        let before = month.start.filter(|_| !cut_short).map(|start| {
            Period::around(start.plus(TimeDelta::microseconds(-1)), Calendar::Month, scope.zone)
        });
        let cut = before.as_ref().filter(|_| is_running).and_then(|before| {
            let gone = known_at.to_utc() - month.start?.to_utc();
            let cut = before.start?.plus(gone);
            before.end.filter(|end| cut < *end).map(|_| cut)
        });
        let focus = HeadlineMonth {
            month: number,
            is_running,
            is_whole: !cut_short,
            expected_credits: None,
            credits_run_out_on: None,
        };
        Some(Headline { focus, month, before, cut })
    }

    /// Asks the credits report about the month.
    fn forecast(
        &mut self,
        archive: &Connection,
        scope: &Scope,
        plan: Option<Plan>,
        known_at: Instant,
    ) -> Result<()> {
        let latest = |one: Option<Instant>, other: Option<Instant>| one.max(other);
        let earliest = [self.month.end, scope.span.until].into_iter().flatten().min();
        let span = Span { from: latest(self.month.start, scope.span.from), until: earliest };
        let ledger = Ledger::open(archive, Scope { span, ..scope.clone() })?;
        let question = credits::Question { plan, ..credits::Question::default() };
        let Table { columns, rows, .. } = credits::report(&ledger, &question, known_at)?;
        let cell = |name: &str| {
            let column = columns.iter().position(|column| column == name)?;
            rows.iter().find(|row| row[0] == Cell::text(&self.month.label)).map(|row| row[column].clone())
        };
        if let Some(Cell::Count(Some(credits))) = cell("expected_credits") {
            self.focus.expected_credits = u64::try_from(credits).ok();
        }
        if let Some(Cell::Text(day)) = cell("credits_run_out_on") {
            self.focus.credits_run_out_on = day;
        }
        Ok(())
    }
}

/// The one pass.
struct Pass {
    span: Span,
    interner: Interner,
    days: Days,
    kept: Vec<PipelineTotals>,
    /// The month before the first one.
    before: Option<i32>,
    cut: Option<Instant>,
    settled_before: String,
    newest: Option<(i32, String)>,
}

impl Pass {
    fn new(ledger: &Ledger<'_>, ahead: Option<&Headline>, known_at: Option<Instant>) -> Result<Pass> {
        let scope = ledger.scope();
        let now = known_at.map(|now| now.to_string());
        let settled_before: Option<String> =
            ledger.connection().query_row(SETTLED_BEFORE, [now], |row| row.get(0))?;
        let mut interner = Interner::new(Dimension::Pipeline);
        interner.enter(ledger);
        Ok(Pass {
            span: scope.span,
            interner,
            days: Days::new(scope.zone),
            kept: vec![PipelineTotals::default()],
            before: ahead.filter(|ahead| ahead.before.is_some()).map(|ahead| ahead.focus.month - 1),
            cut: ahead.and_then(|ahead| ahead.cut),
            settled_before: settled_before.unwrap_or_default(),
            newest: None,
        })
    }

    fn add(&mut self, run: &BookedRun<'_>) -> Result<()> {
        let place = self.interner.place_of(run)? as usize;
        if place >= self.kept.len() {
            self.kept.resize_with(place + 1, PipelineTotals::default);
        }
        let kept = &mut self.kept[place];
        let told = RunFacts::read(run)?;
        let Some((booked_at, on)) = run.booked_at()?.and_then(|at| Some((at, self.days.place_of(at)?)))
        else {
            // A run that is booked nowhere is in a span without ends alone.
            if self.span == Span::default() {
                kept.told.unbooked.add(&told, &self.settled_before)?;
            }
            return Ok(());
        };
        if self.newest.as_ref().is_none_or(|(day, newest)| *day <= on.day && newest.as_str() < booked_at) {
            self.newest = Some((on.day, booked_at.to_owned()));
        }
        if place != NO_PIPELINE && told.outcome == Some(Outcome::Succeeded) {
            kept.recent.add(&told, booked_at, on.day)?;
        }
        if self.before == Some(on.month) {
            kept.told.before.add(&told, &self.settled_before)?;
            if self.cut.is_some_and(|cut| booked_at < cut.as_str()) {
                kept.before_to_date.add(&told, &self.settled_before)?;
            }
        }
        let Span { from, until } = &self.span;
        if from.is_some_and(|from| booked_at < from.as_str())
            || until.is_some_and(|until| booked_at >= until.as_str())
        {
            return Ok(());
        }
        kept.told.failures.add(booked_at, on.day, told.outcome);
        kept.told.months.at(on.month).add(&told, &self.settled_before)?;
        let day = kept.told.days.at(on.day);
        day.runs += 1;
        day.failed += u64::from(told.outcome == Some(Outcome::Failed));
        kept.weeks.entry(on.week).or_default().add(&told)
    }
}
