//! The credits report: the credits used so far, of the plan and of those bought in addition, and a forecast for the end
//! of the running month.
//!
//! Expected credits are the sum of charged, undecided and forecast ones: a run is expected to be charged until the
//! API has decided.

mod fees;
mod forecast;
pub(crate) mod usage;

use super::by_pipeline::ByPipeline;
use super::catalogue::Catalogue;
use super::cost::CHARGED;
use super::dimension::Dimension;
use super::fx::Currency;
use super::group_by::fold_runs_in;
use super::ledger::Ledger;
use super::period::{Calendar, Period};
use super::run_scan::{Columns, IndexedRun, Outcome};
use super::scope::Scope;
use super::table::{Cell, Table};
use super::terms::MonthTerms;
use crate::error::{Error, Result};
use crate::run::{Instant, Share};
use chrono_tz::Tz;
use forecast::Forecast;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The dimensions that the report can be split by: always months, optionally pipelines.
pub(crate) const DIMENSIONS: [Dimension; 2] = [Dimension::Period(Calendar::Month), Dimension::Pipeline];

/// A pipeline's kind, and its id or slug. `None`: runs without exactly one pipeline.
pub(crate) type PipelineKey = Option<(String, String)>;

/// The options of the report.
#[derive(Debug, Clone, Default)]
pub struct CreditsOptions {
    /// Pipelines (by slug, id or name) with hypothetical cron expressions.
    pub what_if: Vec<(String, String)>,
    /// Whether to split by pipeline too.
    pub by_pipeline: bool,
    /// The second currency, in which months have their plan's fee and the price of purchased credits. `None`: there is
    /// none.
    pub currency: Option<Currency>,
}

/// Whether a run uses a credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charge {
    Charged,
    /// The run is over and was not charged.
    Free,
    /// The run is not over, or the API has not decided: a charge can arrive as late as the costs.
    Undecided,
}

impl Charge {
    fn of(charge: Option<&str>, outcome: Option<Outcome>, cost_known: bool) -> Charge {
        match (charge, outcome) {
            (Some(CHARGED), _) => Charge::Charged,
            (Some(_), Some(Outcome::Failed | Outcome::Canceled)) => Charge::Free,
            (Some(_), Some(Outcome::Succeeded)) if cost_known => Charge::Free,
            _ => Charge::Undecided,
        }
    }

    /// What [`Charge::of_run`] reads.
    const READS: Columns = Columns::STATUS.and(Columns::CREDIT).and(Columns::COSTS);

    pub(crate) fn of_run(run: &IndexedRun<'_>) -> Result<Charge> {
        let cost_known = run.el_cost_nanos()?.is_some() || run.transformation_cost_nanos()?.is_some();
        Ok(Charge::of(run.credit_charge_status()?, run.outcome()?, cost_known))
    }
}

/// Run and credit counts of a month, or of one pipeline in it.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    runs: u64,
    charged: u64,
    free: u64,
    undecided: u64,
    /// `None`: the month is over, or out of scope.
    forecast: Option<u64>,
}

impl Counts {
    const COLUMNS: [&str; 6] =
        ["runs", "charged_runs", "free_runs", "undecided_runs", "forecast_credits", "expected_credits"];

    fn add(&mut self, charge: Charge) {
        self.runs += 1;
        *match charge {
            Charge::Charged => &mut self.charged,
            Charge::Free => &mut self.free,
            Charge::Undecided => &mut self.undecided,
        } += 1;
    }

    fn merge(self, other: Counts) -> Counts {
        Counts {
            runs: self.runs + other.runs,
            charged: self.charged + other.charged,
            free: self.free + other.free,
            undecided: self.undecided + other.undecided,
            forecast: [self.forecast, other.forecast].into_iter().flatten().reduce(|one, two| one + two),
        }
    }

    /// The credits that will have been used by the end of the month.
    fn expected(self) -> u64 {
        self.charged + self.undecided + self.forecast.unwrap_or_default()
    }

    /// The cells of [`Counts::COLUMNS`].
    fn cells(self) -> [Cell; 6] {
        [
            Cell::count(self.runs),
            Cell::count(self.charged),
            Cell::count(self.free),
            Cell::count(self.undecided),
            self.forecast.map_or(Cell::Count(None), Cell::count),
            Cell::count(self.expected()),
        ]
    }

    /// The share of the plan's credits.
    fn plan_share(self, terms: Option<&MonthTerms>) -> Cell {
        let plan = terms.and_then(|terms| terms.plan);
        Cell::Share(plan.and_then(|plan| Share::ratio(self.expected().into(), plan.credits.into())))
    }
}

/// The pipelines of a month, and the credits used on each day, undecided ones included.
#[derive(Default)]
struct Month<P = BTreeMap<PipelineKey, Counts>> {
    pipelines: P,
    days: BTreeMap<String, u64>,
}

/// The credits of each month, optionally split by pipeline. `now` is the latest observation in scope.
///
/// # Errors
/// [`Error::Usage`] when a what-if has no matching pipeline, an invalid cron expression, or nothing to forecast.
/// Those of SQLite.
pub fn report(ledger: &Ledger<'_>, options: &CreditsOptions, now: Instant) -> Result<Table> {
    let mut months = count_runs(ledger)?;
    let catalogue = Catalogue::read(ledger.connection())?;
    let forecast = Forecast::compute(ledger, &catalogue, options, now)?;
    if forecast.is_none() && !options.what_if.is_empty() {
        return Err(Error::Usage {
            what: "--what-if: the period is over or has not begun, so there is no forecast".to_owned(),
            hint: Some("use a period that includes the running month".to_owned()),
        });
    }
    if let Some(forecast) = &forecast {
        let month = months.entry(forecast.month.clone()).or_default();
        for (key, credits) in &forecast.credits {
            month.pipelines.entry(key.clone()).or_default().forecast = Some(*credits);
        }
        for counts in month.pipelines.values_mut() {
            counts.forecast.get_or_insert(0);
        }
        // A pipeline without runs and without expected credits has no row.
        month.pipelines.retain(|_, counts| counts.runs > 0 || counts.expected() > 0);
    }
    Ok(match options.by_pipeline {
        true => by_pipeline(&months, forecast.as_ref(), &catalogue, ledger.scope()),
        false => by_month(&months, forecast.as_ref(), options.currency.as_ref(), ledger.scope()),
    })
}

fn count_runs(ledger: &Ledger<'_>) -> Result<BTreeMap<String, Month>> {
    let columns = Charge::READS.and(Columns::BOOKED_AT).and(Columns::PIPELINE);
    let (zone, span) = (ledger.scope().zone, ledger.scope().span);
    let counter = MonthCounter { zone, months: BTreeMap::new(), current: None };
    let counted = fold_runs_in(ledger, span, columns, counter, MonthCounter::add)?;
    let months = counted.months.into_iter().map(|(label, Month { pipelines, days })| {
        (label, Month { pipelines: pipelines.into_keys().collect(), days })
    });
    Ok(months.collect())
}

/// Counts runs by month, pipeline and day.
struct MonthCounter {
    zone: Tz,
    months: BTreeMap<String, Month<ByPipeline<Counts>>>,
    /// The day and the month of the last run.
    current: Option<(Period, Period)>,
}

impl MonthCounter {
    fn add(&mut self, run: &IndexedRun<'_>) -> Result<()> {
        let Some(booked_at) = run.booked_at()? else { return Ok(()) };
        if !self.current.as_ref().is_some_and(|(day, _)| day.contains(booked_at)) {
            let Some(instant) = Instant::parse(booked_at) else { return Ok(()) };
            let around = |calendar| Period::around(instant, calendar, self.zone);
            self.current = Some((around(Calendar::Day), around(Calendar::Month)));
        }
        let Some((day, month)) = &self.current else { return Ok(()) };
        // Most runs find their month, and so need no copy of its label.
        if !self.months.contains_key(&month.label) {
            self.months.insert(month.label.clone(), Month::default());
        }
        let Some(month) = self.months.get_mut(&month.label) else { return Ok(()) };
        let charge = Charge::of_run(run)?;
        month.pipelines.of_run(run)?.add(charge);
        if charge != Charge::Free {
            match month.days.get_mut(&day.label) {
                Some(credits) => *credits += 1,
                None => _ = month.days.insert(day.label.clone(), 1),
            }
        }
        Ok(())
    }
}

fn columns(before: &[&str], after: &[&str]) -> Vec<String> {
    before.iter().chain(&Counts::COLUMNS).chain(after).map(|column| (*column).to_owned()).collect()
}

fn by_month(
    months: &BTreeMap<String, Month>,
    forecast: Option<&Forecast>,
    currency: Option<&Currency>,
    scope: &Scope,
) -> Table {
    let rows = months.iter().map(|(label, month)| {
        let terms = scope.terms_of(label);
        let mut counts = month.pipelines.values().copied().fold(Counts::default(), Counts::merge);
        let forecast = forecast.filter(|forecast| forecast.month == *label);
        if forecast.is_some() {
            counts.forecast.get_or_insert(0);
        }
        let forecast_days = forecast.map_or(&[][..], |forecast| &forecast.days);
        let mut row = vec![Cell::text(label)];
        row.extend(counts.cells());
        row.push(terms.plan.map_or(Cell::Count(None), |plan| Cell::count(plan.credits)));
        row.push(terms.purchased_credits().map_or(Cell::Count(None), Cell::count));
        row.push(counts.plan_share(Some(&terms)));
        let available = terms.available_credits();
        row.push(Cell::Text(available.and_then(|credits| runs_out_on(credits, &month.days, forecast_days))));
        row.extend(currency.iter().flat_map(|_| fees::cells(&terms, label)));
        row
    });
    let mut columns =
        columns(&["month"], &["plan_credits", "purchased_credits", "plan_used_rate", "credits_run_out_on"]);
    columns.extend(currency.into_iter().flat_map(fees::columns));
    Table { columns, rows: rows.collect(), totals: None }
}

/// The day on which the last available credit is used. `None`: not in this month. `forecast` is cumulative.
fn runs_out_on(available: u64, days: &BTreeMap<String, u64>, forecast: &[(String, u64)]) -> Option<String> {
    let mut used = 0;
    for (day, credits) in days {
        used += credits;
        if used >= available {
            return Some(day.clone());
        }
    }
    let day = forecast.iter().find(|(_, credits)| used + credits >= available);
    day.map(|(day, _)| day.clone())
}

/// The pipelines of each month by expected credits, descending; the totals cover all of them.
fn by_pipeline(
    months: &BTreeMap<String, Month>,
    forecast: Option<&Forecast>,
    catalogue: &Catalogue,
    scope: &Scope,
) -> Table {
    let (mut rows, mut all) = (Vec::new(), Counts::default());
    for (label, month) in months {
        let terms = scope.terms_of(label);
        let mut pipelines: Vec<(&PipelineKey, Counts)> =
            month.pipelines.iter().map(|(key, counts)| (key, *counts)).collect();
        pipelines.sort_by_key(|(_, counts)| Reverse(counts.expected()));
        for (key, counts) in pipelines {
            let (kind, id) = key.clone().unzip();
            let name = catalogue.find_key(key).and_then(|pipeline| pipeline.name.clone());
            let mut row = vec![Cell::text(label), Cell::Text(name), Cell::Text(id), Cell::Text(kind)];
            row.extend(counts.cells());
            row.push(counts.plan_share(Some(&terms)));
            let schedule = forecast.filter(|forecast| forecast.month == *label);
            row.push(Cell::Text(schedule.and_then(|forecast| forecast.schedules.get(key).cloned())));
            rows.push(row);
            all = all.merge(counts);
        }
    }
    let totals = (rows.len() > 1).then(|| {
        let mut totals = vec![Cell::Text(None); 4];
        totals.extend(all.cells());
        // The plan is monthly, so the share is undefined for several months.
        let terms = months.keys().next().filter(|_| months.len() == 1).map(|label| scope.terms_of(label));
        totals.push(all.plan_share(terms.as_ref()));
        totals.push(Cell::Text(None));
        totals
    });
    let columns =
        columns(&["month", "pipeline_name", "pipeline_id", "pipeline_kind"], &["plan_used_rate", "schedule"]);
    Table { columns, rows, totals }
}
