//! What the rules and the metrics read from an archive, each once.

use super::{AlertOptions, Rule};
use crate::error::Result;
use crate::report::budget::{Budget, BudgetState, MonthUse, PipelineUse, budgets};
use crate::report::catalogue::Catalogue;
use crate::report::filter::RunFilter;
use crate::report::latest_runs::{LatestRun, latest_runs};
use crate::report::open::{OpenRun, open_runs_judged};
use crate::report::period::{Calendar, Period, Span};
use crate::report::recovery::{self, FailingPipeline, FailureChain, Recovery};
use crate::report::schedule::punctuality::{PipelinePunctuality, Punctuality};
use crate::report::{DateBasis, Ledger, Scope};
use crate::run::{Instant, Share};
use crate::store::Archive;
use chrono::{DateTime, TimeDelta, Utc};

/// A run that did not come is news for this long.
const MISSING_NEWS: TimeDelta = TimeDelta::days(1);

/// Failures are news for this long. A pipeline that no longer runs does not fail forever.
const FAILURE_NEWS: TimeDelta = TimeDelta::days(30);

/// An archive, and what the settings say about it.
pub(crate) struct Inputs<'a> {
    /// The archive.
    pub(crate) archive: &'a Archive,
    /// Every run: as known now, or at an earlier moment.
    pub(crate) scope: Scope,
    /// What books runs in a month.
    pub(crate) date_basis: DateBasis,
    /// The budgets of its workspace.
    pub(crate) budgets: Vec<Budget>,
    /// The settings of the rules.
    pub(crate) options: AlertOptions,
    /// The system clock.
    pub(crate) now: Instant,
}

impl<'a> Inputs<'a> {
    /// The ledger in a span. A connection has one at a time.
    fn ledger(&self, span: Span) -> Result<Ledger<'a>> {
        Ledger::open(self.archive.connection(), Scope { span, ..self.scope.clone() })
    }

    /// The ledger of a month, in which runs are booked as in reports.
    fn ledger_of(&self, month: &Period) -> Result<Ledger<'a>> {
        let span = Span { from: month.start, until: month.end };
        Ledger::open(self.archive.connection(), Scope { span, date: self.date_basis, ..self.scope.clone() })
    }
}

/// What an archive is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The rules that are on.
    Rules,
    /// All rules, and the metrics of pipelines and budgets.
    Metrics,
}

/// What was read. What was not needed is empty.
pub(crate) struct Readings {
    /// The archive's own time: the system clock at its latest observation. Runs are judged by it.
    pub(crate) moment: Instant,
    /// The runs that were due. `None`: nothing was archived, or a sync was not complete, so that the runs may exist.
    pub(crate) punctuality: Option<Punctuality>,
    /// The runs that have not ended.
    pub(crate) open: Vec<OpenRun>,
    /// Failure chains, with at least those that have not recovered and failed in the last thirty days.
    pub(crate) recovery: Recovery,
    /// The budgets of the running month.
    pub(crate) budgets: Vec<BudgetState>,
    /// The latest run of each pipeline.
    pub(crate) latest: Vec<LatestRun>,
    /// What each pipeline used in the running month. `None`: it was not needed.
    pub(crate) used: Option<UsedByPipelines>,
}

/// What each pipeline used in the running month.
pub(crate) struct UsedByPipelines {
    /// By pipeline, as in the runs.
    pub(crate) pipelines: Vec<PipelineUse>,
    /// The pipelines in the catalog.
    pub(crate) catalogue: Catalogue,
}

impl Readings {
    /// Reads the archive.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn read(inputs: &Inputs<'_>, purpose: Purpose) -> Result<Readings> {
        let needs = |rules: &[Rule]| {
            purpose == Purpose::Metrics || rules.iter().any(|rule| inputs.options.is_on(*rule))
        };
        let moment = inputs.archive.clock_at_last_observation(inputs.scope.as_of)?.unwrap_or(inputs.now);
        let mut readings = Readings {
            moment,
            punctuality: None,
            open: Vec::new(),
            recovery: Recovery::default(),
            budgets: Vec::new(),
            latest: Vec::new(),
            used: None,
        };
        if needs(&[Rule::Overdue, Rule::Missing]) {
            let ledger = inputs.ledger(Span { from: Some(moment.plus(-MISSING_NEWS)), until: None })?;
            let found = Punctuality::of(&ledger, &RunFilter::default(), None)?;
            readings.punctuality = found.filter(|found| !found.completeness.runs_may_be_absent);
        }
        if needs(&[Rule::Open]) {
            let ledger = inputs.ledger(Span::default())?;
            readings.open = open_runs_judged(&ledger, inputs.options.open_factor)?.runs;
        }
        if needs(&[Rule::Failing, Rule::Disabling]) {
            let from = readings.failure_news();
            readings.recovery = match purpose {
                Purpose::Rules => recovery::failing(&inputs.ledger(Span::default())?, from)?,
                Purpose::Metrics => {
                    recovery::recovery(&inputs.ledger(Span { from: Some(from), until: None })?)?
                }
            };
        }
        if needs(&[Rule::Budget]) {
            readings.read_month(inputs, purpose)?;
        }
        if needs(&[Rule::UnusualCost, Rule::UnusualDuration]) {
            readings.latest = latest_runs(&inputs.ledger(Span::default())?, moment)?;
        }
        Ok(readings)
    }

    fn read_month(&mut self, inputs: &Inputs<'_>, purpose: Purpose) -> Result<()> {
        let month = Period::around(self.moment, Calendar::Month, inputs.scope.zone);
        let ledger = inputs.ledger_of(&month)?;
        if purpose == Purpose::Rules {
            self.budgets = budgets(&ledger, &inputs.budgets, &month, self.moment)?;
            return Ok(());
        }
        let used = MonthUse::read(&ledger, &month, self.moment)?;
        self.budgets = used.budgets(&inputs.budgets)?;
        let catalogue = Catalogue::read(ledger.connection())?;
        self.used = Some(UsedByPipelines { pipelines: used.pipelines()?, catalogue });
        Ok(())
    }

    /// From when on a failure is news.
    fn failure_news(&self) -> Instant {
        self.moment.plus(-FAILURE_NEWS)
    }

    /// The failure chains that are news and have not recovered, each with its pipeline.
    pub(crate) fn failing(&self) -> impl Iterator<Item = (&FailingPipeline, &FailureChain)> {
        let news = self.failure_news();
        let chains = self.recovery.chains.iter();
        chains
            .filter(move |chain| chain.is_failing() && chain.last_failure_at >= news)
            .map(|chain| (self.recovery.pipeline_of(chain), chain))
    }

    /// The due times of the last day that no run of a pipeline came for, without those that are overdue.
    pub(crate) fn missing(&self, pipeline: &PipelinePunctuality) -> Vec<DateTime<Utc>> {
        let since = self.moment.plus(-MISSING_NEWS).to_utc();
        let is_overdue = |due: &DateTime<Utc>| pipeline.overdue_since.is_some_and(|since| since <= *due);
        pipeline.missing_since(since).filter(|due| !is_overdue(due)).collect()
    }
}

impl AlertOptions {
    /// The age of a run that has not ended, as a multiple of what is usual. `None`: it is not known, or the run is too
    /// young to be too long.
    pub(crate) fn open_factor_of(&self, run: &OpenRun) -> Option<Share> {
        let is_old_enough = run.age_seconds? >= self.open_least.num_seconds();
        run.factor().filter(|_| is_old_enough)
    }

    /// Whether a run that has not ended takes far longer than usual.
    pub(crate) fn is_open_too_long(&self, run: &OpenRun) -> bool {
        run.is_too_long() && self.open_factor_of(run).is_some()
    }

    /// Whether a pipeline keeps failing.
    pub(crate) fn fails_too_often(&self, chain: &FailureChain) -> bool {
        chain.failed_runs >= self.failures_in_a_row
    }
}
