//! The figures of an overview from the runs: one pass over all of them, or two over a part each.

use super::PipelineSummary;
use super::calendar::{DateIndex, DateNumbers};
use super::figures::{DayRuns, RunFacts, Series, Sums, TimeSamples};
use super::headline::Headline;
use super::load::HourlyLoad;
use super::outliers::RecentRuns;
use crate::error::Result;
use crate::report::dimension::Dimension;
use crate::report::interner::Interner;
use crate::report::ledger::Ledger;
use crate::report::period::Span;
use crate::report::run_scan::{Columns, IndexedRun, Outcome};
use crate::run::Instant;

/// The interner's index for runs without exactly one pipeline.
const NO_PIPELINE: u32 = 0;

/// Thirty days before an instant, as the view `runs` writes it.
const SETTLED_BEFORE: &str = "SELECT strftime('%Y-%m-%dT%H:%M:%f', ?1, '-30 days')";

/// The running totals of a pipeline during the pass.
#[derive(Default)]
pub(super) struct PipelineTotals {
    pub summary: PipelineSummary,
    pub weeks: Series<TimeSamples>,
    pub previous_month_to_date: Sums,
    pub recent: RecentRuns,
}

impl PipelineTotals {
    /// Adds the figures of one more pipeline, except its weeks.
    pub(super) fn merge_except_weeks(&mut self, other: &PipelineSummary, previous_month_to_date: Sums) {
        self.summary.total.merge(other.total);
        self.summary.unbooked.merge(other.unbooked);
        self.summary.previous_month.merge(other.previous_month);
        self.previous_month_to_date.merge(previous_month_to_date);
        self.summary.months.merge(&other.months, |own, other| own.merge(other));
        self.summary.days.merge(&other.days, |own, other| own.merge(other));
    }

    /// Adds the figures of earlier runs of the pipeline.
    fn merge_earlier(&mut self, earlier: PipelineTotals) {
        let PipelineTotals { summary, weeks, previous_month_to_date, recent } = earlier;
        self.summary.unbooked.merge(summary.unbooked);
        self.summary.previous_month.merge(summary.previous_month);
        self.previous_month_to_date.merge(previous_month_to_date);
        self.summary.failures.merge(summary.failures);
        self.summary.months.merge_earlier(summary.months, Sums::merge);
        self.summary.days.merge_earlier(summary.days, DayRuns::merge);
        self.weeks.merge_earlier(weeks, TimeSamples::merge);
        self.recent.merge(recent);
    }

    /// The summary. `has_cut`: whether the headline month is compared with a part of a month.
    pub(super) fn into_summary(self, has_cut: bool) -> PipelineSummary {
        let PipelineTotals { mut summary, weeks, previous_month_to_date, .. } = self;
        for (week, mut samples) in weeks.into_pairs() {
            summary.weeks.push(week, samples.times());
        }
        summary.total = summary.unbooked;
        summary.months.iter().for_each(|(_, sums)| summary.total.merge(*sums));
        summary.previous_month_to_date = has_cut.then_some(previous_month_to_date);
        summary
    }

    /// Adds a run. `is_before_cut`: whether it is in the previous month, and then whether it is before the cut.
    fn add_previous(
        &mut self,
        facts: &RunFacts<'_>,
        settled_before: &str,
        is_before_cut: bool,
    ) -> Result<()> {
        self.summary.previous_month.add(facts, settled_before)?;
        if is_before_cut {
            self.previous_month_to_date.add(facts, settled_before)?;
        }
        Ok(())
    }

    fn add_booked(&mut self, facts: &RunFacts<'_>, settled_before: &str, date: DateNumbers) -> Result<()> {
        self.summary.months.entry(date.month).add(facts, settled_before)?;
        self.summary.days.entry(date.day).add(facts);
        Ok(())
    }
}

/// A pass over some of the runs: all of them, or those of a thread.
pub struct Pass {
    span: Span,
    pub(super) interner: Interner,
    dates: DateIndex,
    /// By the interner's index.
    pub(super) totals: Vec<PipelineTotals>,
    /// The number of the month before the headline month. `None`: it is not compared.
    previous_month: Option<i32>,
    /// As [`Headline::cut`].
    pub(super) cut: Option<Instant>,
    settled_before: String,
    /// The day number and the instant of the newest booked run.
    pub(super) newest: Option<(i32, String)>,
    /// The runs by cost center. `None`: there are no allocation rules.
    pub(super) cost_centers: Option<(Interner, Vec<PipelineTotals>)>,
    pub(super) load: HourlyLoad,
}

impl Pass {
    pub(super) fn new(
        ledger: &Ledger<'_>,
        headline: Option<&Headline>,
        known_at: Option<Instant>,
    ) -> Result<Pass> {
        let scope = ledger.scope();
        let now = known_at.map(|now| now.to_string());
        let settled_before: Option<String> =
            ledger.connection().query_row(SETTLED_BEFORE, [now], |row| row.get(0))?;
        let mut interner = Interner::new(Dimension::Pipeline);
        interner.enter_ledger(ledger);
        let cost_centers = ledger.allocator().has_rules().then(|| {
            let mut interner = Interner::new(Dimension::CostCenter);
            interner.enter_ledger(ledger);
            (interner, Vec::new())
        });
        Ok(Pass {
            span: scope.span,
            interner,
            dates: DateIndex::new(scope.zone),
            totals: vec![PipelineTotals::default()],
            previous_month: headline.and_then(Headline::previous_month),
            cut: headline.and_then(|headline| headline.cut),
            settled_before: settled_before.unwrap_or_default(),
            newest: None,
            cost_centers,
            load: HourlyLoad::new(scope.zone),
        })
    }

    /// What [`Pass::add`] reads of a run.
    pub(super) fn reads(&self) -> Columns {
        let times =
            Columns::CREATED_AT.and(Columns::STARTED_AT).and(Columns::ENDED_AT).and(Columns::DURATION);
        let columns = Columns::OUTCOME.and(Columns::CREDIT).and(times).and(Columns::SNAPSHOT);
        match self.cost_centers {
            Some(_) => columns.and(Interner::reads(&Dimension::CostCenter)),
            None => columns,
        }
    }

    pub(super) fn add(&mut self, run: &IndexedRun<'_>) -> Result<()> {
        let index = self.interner.index_of(run)?;
        let totals = totals_at(&mut self.totals, index);
        let mut of_center = None;
        if let Some((interner, totals)) = &mut self.cost_centers {
            of_center = Some(totals_at(totals, interner.index_of(run)?));
        }
        let facts = RunFacts::read(run)?;
        let Some((booked_at, date)) = facts.booked_at.and_then(|at| Some((at, self.dates.numbers_of(at)?)))
        else {
            // Only a span without ends includes runs without a booking date.
            if self.span == Span::default() {
                totals.summary.unbooked.add(&facts, &self.settled_before)?;
                if let Some(of_center) = of_center {
                    of_center.summary.unbooked.add(&facts, &self.settled_before)?;
                }
            }
            return Ok(());
        };
        if self.newest.as_ref().is_none_or(|(day, newest)| *day <= date.day && newest.as_str() < booked_at) {
            self.newest = Some((date.day, booked_at.to_owned()));
        }
        if index != NO_PIPELINE && facts.outcome == Some(Outcome::Succeeded) {
            totals.recent.add(&facts, booked_at, date.day)?;
        }
        if self.previous_month == Some(date.month) {
            let is_before_cut = self.cut.is_some_and(|cut| booked_at.as_bytes() < cut.as_bytes());
            totals.add_previous(&facts, &self.settled_before, is_before_cut)?;
            if let Some(of_center) = &mut of_center {
                of_center.add_previous(&facts, &self.settled_before, is_before_cut)?;
            }
        }
        let Span { from, until } = &self.span;
        if from.is_some_and(|from| booked_at.as_bytes() < from.as_bytes())
            || until.is_some_and(|until| booked_at.as_bytes() >= until.as_bytes())
        {
            return Ok(());
        }
        totals.summary.failures.add(booked_at, date.day, facts.outcome);
        totals.add_booked(&facts, &self.settled_before, date)?;
        if let Some(of_center) = of_center {
            of_center.add_booked(&facts, &self.settled_before, date)?;
            of_center.weeks.entry(date.week).add(&facts);
        }
        self.load.add(booked_at, date.day);
        totals.weeks.entry(date.week).add(&facts);
        Ok(())
    }

    /// Adds a pass of another thread over earlier runs.
    pub(super) fn merge_earlier(&mut self, earlier: Pass) {
        merge_by_label((&mut self.interner, &mut self.totals), (earlier.interner, earlier.totals));
        if let (Some((interner, totals)), Some(earlier)) = (&mut self.cost_centers, earlier.cost_centers) {
            merge_by_label((interner, totals), earlier);
        }
        self.newest = self.newest.take().max(earlier.newest);
        self.load.merge(&earlier.load);
    }
}

/// Adds totals by label to others, whose interner has other indexes.
fn merge_by_label(
    (interner, totals): (&mut Interner, &mut Vec<PipelineTotals>),
    (earlier_interner, earlier): (Interner, Vec<PipelineTotals>),
) {
    for (index, earlier) in (0..).zip(earlier) {
        totals_at(totals, interner.intern(earlier_interner.key(index))).merge_earlier(earlier);
    }
}

/// The totals at an index, made if there are none.
fn totals_at(totals: &mut Vec<PipelineTotals>, index: u32) -> &mut PipelineTotals {
    let index = index as usize;
    if index >= totals.len() {
        totals.resize_with(index + 1, PipelineTotals::default);
    }
    &mut totals[index]
}
