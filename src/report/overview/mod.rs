//! The data of the HTML report, most of it gathered in one pass over the current runs.
//!
//! Each figure equals that of the report it comes from: sums of `cost`, times of `duration`, failures of `failures`,
//! outliers of `anomalies`, expected credits of `credits`. Nothing depends on the clock: whether a run may still
//! change depends on the latest observation.

mod attention;
pub(crate) mod calendar;
pub(crate) mod figures;
mod headline;
pub(crate) mod load;
pub(crate) mod outliers;
mod parts;
mod pass;
mod week_times;

pub(crate) use attention::{Attention, FailingPipelineNow, OverduePipeline};
pub use figures::Sums;
pub(crate) use figures::{DayRuns, Failures, Percentiles, Series, Times};
pub use headline::CreditsForecast;
pub(crate) use headline::HeadlineMonth;
pub use outliers::ControlBand;
pub(crate) use outliers::Outlier;

use super::change::Change;
use super::cost;
use super::dimension::Dimension;
use super::ledger::Ledger;
use super::period::Calendar;
use super::scope::Scope;
use super::table::Table;
use super::terms::MonthTerms;
use crate::error::Result;
use crate::run::{Instant, Usd};
use crate::store::is_unknown_drift;
use headline::Headline;
use load::HourlyLoad;
use outliers::MAX_OUTLIERS;
use parts::{Part, Parts};
pub(crate) use pass::Pass;
use pass::PipelineTotals;
use rusqlite::{Connection, OptionalExtension, named_params};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use week_times::WeekTimes;

/// The pipeline kinds in display order; `None`: a run has no pipeline, or several.
pub(crate) const KINDS: [Option<&str>; 4] =
    [Some("source"), Some("destination"), Some("transformation"), None];

/// The newest sync that read everything in its extent.
const LAST_SYNC: &str = "
SELECT coalesce(clock_started_at, started_at), coalesce(clock_ended_at, ended_at), kind
FROM syncs
WHERE walk_complete = 1 AND outcome IN ('complete', 'partial') AND (:as_of IS NULL OR ended_at <= :as_of)
ORDER BY sync_id DESC
LIMIT 1";

/// The numbers of quarantined items, of drift entries that meet a condition, and of vanished runs.
fn issue_counts_sql(is_drift: &str) -> String {
    format!(
        "SELECT (SELECT count(*) FROM quarantine WHERE :as_of IS NULL OR first_seen_at <= :as_of), \
                (SELECT count(*) FROM drift WHERE (:as_of IS NULL OR first_seen_at <= :as_of) AND {is_drift}), \
                (SELECT count(*) FROM vanished_runs)"
    )
}

/// The data of the HTML report.
#[derive(Debug)]
pub struct Overview {
    /// Which runs it covers.
    pub scope: Scope,
    /// The latest observation in scope. `None`: nothing was archived.
    pub known_at: Option<Instant>,
    /// The last complete sync. `None`: no sync was complete by then.
    pub last_sync: Option<LastSync>,
    /// The month the report leads with. `None`: the span has no known runs.
    pub headline_month: Option<HeadlineMonth>,
    /// The terms of the headline month; without one, neither a plan nor purchases.
    pub terms: MonthTerms,
    /// What is expected of the headline month.
    pub forecast: CreditsForecast,
    /// Why the cost differs from that of the period before, or why both are not compared. `None`: there is no such
    /// period, see `HeadlineMonth::compared_period`.
    pub change: Option<std::result::Result<Change, String>>,
    /// The cost report by month, with the columns of the second currency. `None`: there is no second currency.
    pub(crate) converted: Option<Table>,
    /// All runs taken together.
    pub all: PipelineSummary,
    /// The runs of each of the kinds of pipelines.
    pub kinds: [PipelineSummary; KINDS.len()],
    /// The runs of each cost center by name. Empty: there are no allocation rules.
    pub cost_centers: Vec<(String, PipelineSummary)>,
    /// The runs by weekday and hour.
    pub(crate) load: HourlyLoad,
    /// By total cost, descending, unknown costs last; then by kind and id.
    pub pipelines: Vec<PipelineSummary>,
    /// The latest runs outside their pipeline's band, the strongest first.
    pub outliers: Vec<Outlier>,
    /// What the rules of the alerts find. Nothing is asked unless the page is about the month that is running.
    pub(crate) attention: Attention,
    /// The number of items that could not be read as runs.
    pub quarantined: u64,
    /// The number of differences from the API's contract.
    pub drift: u64,
    /// The number of runs that the API no longer returns.
    pub vanished: u64,
}

impl Overview {
    /// Whether the headline month is running, and no day of it is over.
    pub(crate) fn is_first_day(&self) -> bool {
        self.headline_month.as_ref().is_some_and(|month| month.is_first_day(&self.scope, self.known_at))
    }
}

/// A sync that read everything in its extent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSync {
    /// When it started. Everything up to this instant was read.
    pub started_at: Instant,
    /// When it ended.
    pub ended_at: Instant,
    /// `first`, `incremental` or `full`.
    pub kind: String,
}

/// The figures of one pipeline.
#[derive(Debug, Clone, Default)]
pub struct PipelineSummary {
    /// `source`, `destination` or `transformation`. `None`: the runs have no pipeline, or several.
    pub kind: Option<String>,
    /// The id or slug in the runs.
    pub id: Option<String>,
    /// The name in the catalogue.
    pub name: Option<String>,
    /// All runs.
    pub total: Sums,
    /// Runs by month.
    pub months: Series<Sums>,
    /// Runs without a month.
    pub unbooked: Sums,
    /// Durations and queue times by week.
    pub weeks: Series<Times>,
    /// Run counts by day.
    pub days: Series<DayRuns>,
    /// The whole month before the headline month, even if it is outside the span.
    pub previous_month: Sums,
    /// The same, cut at the point that the running month has reached. `None`: the headline month is over.
    pub previous_month_to_date: Option<Sums>,
    /// The failures.
    pub failures: Failures,
}

/// Gathers the overview of an archive in a scope, in one thread. `known_at` is the latest observation in it, by the
/// system clock; `None`: there is none. The forecast, the change and what needs attention are not read: the page reads
/// them itself.
///
/// # Errors
/// Those of [`Ledger::open`] and of SQLite.
pub fn gather(archive: &Connection, scope: &Scope, known_at: Option<Instant>) -> Result<Overview> {
    let gathering = Gathering::new(archive, scope, known_at)?;
    let pass = gathering.read(archive)?;
    gathering.overview(archive, pass, None)
}

/// An overview that two threads can gather, each with a connection of its own to the same state of the archive.
pub struct Gathering<'s> {
    scope: &'s Scope,
    known_at: Option<Instant>,
    headline: Option<Headline>,
    parts: Parts,
}

impl<'s> Gathering<'s> {
    /// The overview that [`gather`] gathers.
    ///
    /// # Errors
    /// Those of [`Ledger::open`] and of SQLite.
    pub fn new(archive: &Connection, scope: &'s Scope, known_at: Option<Instant>) -> Result<Gathering<'s>> {
        let headline = known_at.and_then(|known_at| Headline::of(scope, known_at));
        let parts = Parts::of(&Ledger::open(archive, scope.clone())?)?;
        Ok(Gathering { scope, known_at, headline, parts })
    }

    /// Reads the runs, the newest first, without those that another thread takes.
    ///
    /// # Errors
    /// Those of [`Ledger::open`] and of SQLite.
    pub fn read(&self, archive: &Connection) -> Result<Pass> {
        self.read_parts(archive, std::iter::from_fn(|| self.parts.take_newest()))
    }

    /// Reads the older half of the runs that are left, and again, until too few are. `None`: too few were left.
    ///
    /// # Errors
    /// Those of [`Ledger::open`] and of SQLite.
    pub fn help(&self, archive: &Connection) -> Result<Option<Pass>> {
        let halves = || Some(self.parts.take_older_half()).filter(|half| !half.is_empty());
        let Some(first) = halves() else { return Ok(None) };
        let others = std::iter::from_fn(halves);
        let parts = std::iter::once(first).chain(others).flat_map(|half| half.into_iter().rev());
        self.read_parts(archive, parts).map(Some)
    }

    fn read_parts(&self, archive: &Connection, parts: impl Iterator<Item = Part>) -> Result<Pass> {
        let ledger = Ledger::open(archive, self.scope.clone())?;
        let mut pass = Pass::new(&ledger, self.headline.as_ref(), self.known_at)?;
        for part in parts {
            pass = part.fold(&ledger, pass.reads(), pass, Pass::add)?;
        }
        Ok(pass)
    }

    /// The overview, from the runs that were read, and from those that another thread read.
    ///
    /// # Errors
    /// Those of [`Ledger::open`] and of SQLite.
    pub fn overview(self, archive: &Connection, mut pass: Pass, helped: Option<Pass>) -> Result<Overview> {
        let Gathering { scope, known_at, headline, .. } = self;
        let ledger = Ledger::open(archive, scope.clone())?;
        if let Some(helped) = helped {
            pass.merge_earlier(helped);
        }
        overview(&ledger, known_at, headline, pass)
    }
}

/// The overview from the figures of all runs.
fn overview(
    ledger: &Ledger<'_>,
    known_at: Option<Instant>,
    headline: Option<Headline>,
    pass: Pass,
) -> Result<Overview> {
    let (archive, scope) = (ledger.connection(), ledger.scope());
    let last_sync = last_sync(archive, scope)?;
    let [quarantined, drift, vanished] = issue_counts(archive, scope)?;
    let labels = pass.interner.labels(std::slice::from_ref(ledger))?;
    let newest_booked_at = pass.newest.map(|(_, newest)| newest);
    let mut all = PipelineTotals::default();
    let mut kinds: [PipelineTotals; KINDS.len()] = Default::default();
    let (mut pipelines, mut samples, mut scored) = (Vec::new(), Vec::new(), Vec::new());
    for (index, totals) in pass.totals.into_iter().enumerate() {
        let PipelineTotals { mut summary, weeks, previous_month_to_date, recent } = totals;
        scored.extend(recent.into_scored().into_iter().map(|run| (index, run)));
        [summary.name, summary.id, summary.kind] =
            <[_; 3]>::try_from(labels[index].clone()).unwrap_or_default();
        summary.previous_month_to_date = pass.cut.map(|_| previous_month_to_date);
        summary.total = summary.unbooked;
        summary.months.iter().for_each(|(_, sums)| summary.total.merge(*sums));
        let kind = KINDS.iter().position(|kind| *kind == summary.kind.as_deref()).unwrap_or(KINDS.len() - 1);
        samples.push((kind, weeks));
        kinds[kind].merge_except_weeks(&summary, previous_month_to_date);
        all.merge_except_weeks(&summary, previous_month_to_date);
        pipelines.push((index, summary));
    }
    let weeks = WeekTimes::of(samples);
    pipelines.iter_mut().zip(weeks.pipelines).for_each(|((_, summary), weeks)| summary.weeks = weeks);
    kinds.iter_mut().zip(weeks.kinds).for_each(|(totals, weeks)| totals.summary.weeks = weeks);
    all.summary.weeks = weeks.all;
    pipelines.retain(|(_, summary): &(usize, PipelineSummary)| summary.total.cost.runs > 0);
    let has_cut = pass.cut.is_some();
    let mut cost_centers = Vec::new();
    if let Some((interner, totals)) = pass.cost_centers {
        let names = interner.labels(std::slice::from_ref(ledger))?;
        let named = names.into_iter().map(|label| label.into_iter().flatten().next().unwrap_or_default());
        cost_centers = named.zip(totals.into_iter().map(|totals| totals.into_summary(has_cut))).collect();
        cost_centers.retain(|(_, summary): &(String, PipelineSummary)| summary.total.cost.runs > 0);
        cost_centers.sort_by(|(left, _), (right, _)| left.cmp(right));
    }
    pipelines.sort_by(|(_, left), (_, right)| cost_rank(left).cmp(&cost_rank(right)));
    let positions: BTreeMap<usize, usize> =
        pipelines.iter().enumerate().map(|(position, (index, _))| (*index, position)).collect();
    let strongest = match outliers::first_moment(ledger, newest_booked_at)? {
        Some(since) => outliers::strongest(ledger, scored, &since, MAX_OUTLIERS)?,
        None => Vec::new(),
    };
    let outliers = strongest.into_iter().map(|(index, scored, run_id)| Outlier {
        pipeline: positions.get(&index).copied(),
        label: labels[index].clone(),
        run_id,
        scored,
    });
    let converted = match scope.fx() {
        Some(_) => Some(cost::report(ledger, &[Dimension::Period(Calendar::Month)])?),
        None => None,
    };
    Ok(Overview {
        converted,
        outliers: outliers.collect(),
        scope: scope.clone(),
        known_at,
        last_sync,
        terms: headline.as_ref().map(|headline| headline.terms(scope)).unwrap_or_default(),
        headline_month: headline.map(|headline| headline.headline_month),
        forecast: CreditsForecast::default(),
        change: None,
        all: all.into_summary(has_cut),
        kinds: kinds.map(|totals| totals.into_summary(has_cut)),
        cost_centers,
        load: pass.load,
        pipelines: pipelines.into_iter().map(|(_, pipeline)| pipeline).collect(),
        attention: Attention::default(),
        quarantined,
        drift,
        vanished,
    })
}

/// The sort key of pipelines: total cost descending, then kind and id.
fn cost_rank(pipeline: &PipelineSummary) -> (Reverse<Option<Usd>>, bool, &Option<String>, &Option<String>) {
    (Reverse(pipeline.total.cost.total()), pipeline.kind.is_none(), &pipeline.kind, &pipeline.id)
}

fn last_sync(archive: &Connection, scope: &Scope) -> Result<Option<LastSync>> {
    let as_of = scope.as_of.as_ref().map(Instant::as_str);
    let last_sync = archive.query_row(LAST_SYNC, named_params! {":as_of": as_of}, |row| {
        Ok(LastSync { started_at: row.get(0)?, ended_at: row.get(1)?, kind: row.get(2)? })
    });
    Ok(last_sync.optional()?)
}

fn issue_counts(archive: &Connection, scope: &Scope) -> Result<[u64; 3]> {
    let as_of = scope.as_of.as_ref().map(Instant::as_str);
    Ok(archive.query_row(&issue_counts_sql(&is_unknown_drift()), named_params! {":as_of": as_of}, |row| {
        Ok([row.get(0)?, row.get(1)?, row.get(2)?])
    })?)
}
