//! What the metrics say about pipelines and budgets: figures of a bounded number of pipelines, and one sum of the rest.

use crate::alert::{AlertOptions, Readings, UsedByPipelines, is_disabled_soon};
use crate::report::budget::{BudgetState, PipelineUse};
use crate::report::catalogue::Catalogue;
use crate::report::latest_runs::LatestRun;
use crate::report::schedule::punctuality::Punctuality;
use crate::run::{Fixed, Instant, Seconds, Share, Usd};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Add;

/// The most pipelines with figures of their own.
const MAX_PIPELINES: usize = 50;

/// The id and the name of the rest. It has no kind, so no pipeline can be mistaken for it.
const REST: &str = "other";

/// The figures of pipelines and budgets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Watched {
    /// Those that need attention first, then the costliest; the rest last.
    pub(super) pipelines: Vec<PipelineFigures>,
    /// The budgets of the running month.
    pub(super) budgets: Vec<BudgetFigures>,
}

/// The figures of a pipeline, or those of all others together. `None`: not known, or there is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct PipelineFigures {
    /// `source`, `destination` or `transformation`. Empty: the rest.
    pub(super) kind: String,
    /// The id in the catalog, else the id or slug in the runs.
    pub(super) id: String,
    /// The name; the id if the catalog has none.
    pub(super) name: String,
    /// When the last successful run ended.
    pub(super) last_success_at: Option<Instant>,
    /// The failures since then.
    pub(super) consecutive_failures: Option<u64>,
    /// How many more failures disable the pipeline.
    pub(super) failures_until_disabled: Option<u64>,
    /// How long the latest due run is overdue. Zero: it came.
    pub(super) overdue_seconds: Option<i64>,
    /// The due runs of the last day that did not come, without those that are overdue.
    pub(super) missing_runs: Option<u64>,
    /// The age of the oldest run that has not ended.
    pub(super) longest_open_run_seconds: Option<i64>,
    /// The age of an open run as a multiple of what is usual, the largest.
    pub(super) open_run_factor: Option<Share>,
    /// The cost of the month.
    pub(super) month_cost: Option<Usd>,
    /// The runs of the month without a known cost.
    pub(super) month_runs_cost_unknown: Option<u64>,
    /// The charged runs of the month.
    pub(super) month_credits: Option<u64>,
    /// The cost that is expected by the end of the month.
    pub(super) month_expected_cost: Option<Usd>,
    /// The credits that are expected by then.
    pub(super) month_expected_credits: Option<Fixed<9>>,
    /// The cost of the latest successful run.
    pub(super) last_run_cost: Option<Usd>,
    /// The median cost of the runs before it.
    pub(super) usual_run_cost: Option<Usd>,
    /// The duration of the latest successful run.
    pub(super) last_run_duration: Option<Seconds>,
    /// The median duration of the runs before it.
    pub(super) usual_run_duration: Option<Seconds>,
    /// Whether a rule of alerts finds something, so that the pipeline needs figures of its own.
    needs_attention: bool,
}

/// The figures of a budget.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BudgetFigures {
    /// Its name.
    pub(super) name: String,
    /// What is spent, as a share of the limit. `None`: not known.
    pub(super) spent: Option<Fixed<9>>,
    /// What is expected by the end of the month, as a share of the limit. `None`: not known.
    pub(super) expected: Option<Fixed<9>>,
}

impl Watched {
    /// The figures of what was read. `None`: it was not read for metrics.
    pub(crate) fn of(readings: &Readings, options: &AlertOptions) -> Option<Watched> {
        let UsedByPipelines { pipelines: used, catalogue } = readings.used.as_ref()?;
        let mut found = Found { catalogue, pipelines: BTreeMap::new() };
        let mut rest = found.add_use(used);
        found.add_punctuality(readings);
        found.add_open_runs(readings, options);
        found.add_outcomes(readings, options);
        for run in &readings.latest {
            found.add_latest(run, options);
        }
        let mut pipelines: Vec<PipelineFigures> = found.pipelines.into_values().collect();
        pipelines.sort_by_key(|one| {
            let cost = one.month_expected_cost.or(one.month_cost).unwrap_or_default();
            (!one.needs_attention, Reverse(cost))
        });
        for other in pipelines.drain(MAX_PIPELINES.min(pipelines.len())..) {
            rest.get_or_insert_default().add(&other);
        }
        let named = |rest| PipelineFigures { id: REST.to_owned(), name: REST.to_owned(), ..rest };
        pipelines.extend(rest.map(named));
        Some(Watched { pipelines, budgets: readings.budgets.iter().map(BudgetFigures::of).collect() })
    }
}

impl BudgetFigures {
    fn of(state: &BudgetState) -> BudgetFigures {
        let share = |part: i128| Fixed::ratio(part, state.limit.billionths());
        BudgetFigures {
            name: state.budget.name.clone(),
            spent: state.spent.and_then(|spent| share(spent.billionths())),
            expected: state.forecast.and_then(|forecast| share(forecast.expected.billionths())),
        }
    }
}

/// The pipelines that were found.
struct Found<'c> {
    catalogue: &'c Catalogue,
    /// By kind and id.
    pipelines: BTreeMap<(String, String), PipelineFigures>,
}

impl Found<'_> {
    /// Adds what the pipelines used in the month. Returns what runs without a pipeline used.
    fn add_use(&mut self, all: &[PipelineUse]) -> Option<PipelineFigures> {
        let mut rest = None;
        for used in all {
            let figures = PipelineFigures {
                month_cost: used.cost,
                month_runs_cost_unknown: Some(used.runs_cost_unknown),
                month_credits: Some(used.credits),
                month_expected_cost: used.expected_cost,
                month_expected_credits: used.expected_credits,
                ..PipelineFigures::default()
            };
            match &used.pipeline {
                Some((kind, id)) => self.pipeline(kind, id).add(&figures),
                None => rest = Some(figures),
            }
        }
        rest
    }

    fn add_punctuality(&mut self, readings: &Readings) {
        let Some(Punctuality { completeness, pipelines, .. }) = &readings.punctuality else { return };
        for punctual in pipelines {
            let overdue =
                punctual.overdue_since.map_or(0, |since| (completeness.until - since).num_seconds());
            let missing = readings.missing(punctual).len() as u64;
            let pipeline = self.pipeline(&punctual.kind, &punctual.pipeline_id);
            // A schedule and events can both start a pipeline.
            pipeline.overdue_seconds = pipeline.overdue_seconds.max(Some(overdue));
            pipeline.missing_runs = sum(pipeline.missing_runs, Some(missing));
            pipeline.needs_attention |= overdue > 0 || missing > 0;
        }
    }

    fn add_open_runs(&mut self, readings: &Readings, options: &AlertOptions) {
        for run in &readings.open {
            let (Some(kind), Some(id)) = (&run.pipeline_kind, &run.pipeline_id) else { continue };
            let pipeline = self.pipeline(kind, id);
            let factor = options.open_factor_of(run);
            pipeline.longest_open_run_seconds = pipeline.longest_open_run_seconds.max(run.age_seconds);
            pipeline.open_run_factor = pipeline.open_run_factor.max(factor);
            pipeline.needs_attention |= options.is_open_too_long(run);
        }
    }

    /// Adds the last successes, and the failures since.
    fn add_outcomes(&mut self, readings: &Readings, options: &AlertOptions) {
        for (failing, chain) in readings.failing() {
            let (Some(kind), Some(id)) = (&failing.kind, &failing.id) else { continue };
            let left = readings.recovery.failures_left(chain);
            let pipeline = self.pipeline(kind, id);
            pipeline.consecutive_failures = pipeline.consecutive_failures.max(Some(chain.failed_runs));
            pipeline.failures_until_disabled = least(pipeline.failures_until_disabled, left);
            pipeline.needs_attention |=
                options.fails_too_often(chain) || left.is_some_and(|left| is_disabled_soon(chain, left));
        }
        for outcomes in &readings.recovery.outcomes {
            // A pipeline that has not run for long, and is not due, is not watched.
            let Some(pipeline) = self.known(&outcomes.kind, &outcomes.id) else { continue };
            pipeline.last_success_at = pipeline.last_success_at.max(outcomes.last_success_at);
            if !outcomes.is_failing {
                pipeline.consecutive_failures = pipeline.consecutive_failures.or(Some(0));
            }
        }
    }

    fn add_latest(&mut self, run: &LatestRun, options: &AlertOptions) {
        let limits = options.unusual_limits();
        let Some(pipeline) = self.known(run.kind, &run.pipeline_id) else { return };
        pipeline.last_run_cost = run.cost.map(|cost| cost.latest);
        pipeline.usual_run_cost = run.cost.map(|cost| cost.usual);
        pipeline.last_run_duration = run.duration.map(|duration| duration.latest);
        pipeline.usual_run_duration = run.duration.map(|duration| duration.usual);
        pipeline.needs_attention |=
            limits.unusual_cost(run).is_some() || limits.unusual_duration(run).is_some();
    }

    /// The pipeline of a run, matched by id or else by slug.
    fn key(&self, kind: &str, id: &str) -> (String, String) {
        match self.catalogue.find(kind, id) {
            Some(pipeline) => (pipeline.kind.clone(), pipeline.id.clone()),
            None => (kind.to_owned(), id.to_owned()),
        }
    }

    /// The figures of a pipeline, if it was found before.
    fn known(&mut self, kind: &str, id: &str) -> Option<&mut PipelineFigures> {
        self.pipelines.get_mut(&self.key(kind, id))
    }

    /// The figures of a pipeline, which are empty at first.
    fn pipeline(&mut self, kind: &str, id: &str) -> &mut PipelineFigures {
        let key = self.key(kind, id);
        let name = || {
            let pipeline = self.catalogue.find(&key.0, &key.1);
            pipeline.and_then(|pipeline| pipeline.name.clone()).unwrap_or_else(|| key.1.clone())
        };
        let (kind, id) = key.clone();
        let new = || PipelineFigures { kind, id, name: name(), ..PipelineFigures::default() };
        self.pipelines.entry(key.clone()).or_insert_with(new)
    }
}

impl PipelineFigures {
    /// Adds another pipeline: its money and its runs to the sums, and the rest where it is worse. The latest runs of
    /// several pipelines cannot be compared with what is usual.
    fn add(&mut self, other: &PipelineFigures) {
        self.last_success_at = least(self.last_success_at, other.last_success_at);
        self.consecutive_failures = self.consecutive_failures.max(other.consecutive_failures);
        self.failures_until_disabled = least(self.failures_until_disabled, other.failures_until_disabled);
        self.overdue_seconds = self.overdue_seconds.max(other.overdue_seconds);
        self.missing_runs = sum(self.missing_runs, other.missing_runs);
        self.longest_open_run_seconds = self.longest_open_run_seconds.max(other.longest_open_run_seconds);
        self.open_run_factor = self.open_run_factor.max(other.open_run_factor);
        self.month_cost = sum(self.month_cost, other.month_cost);
        self.month_runs_cost_unknown = sum(self.month_runs_cost_unknown, other.month_runs_cost_unknown);
        self.month_credits = sum(self.month_credits, other.month_credits);
        self.month_expected_cost = sum(self.month_expected_cost, other.month_expected_cost);
        self.month_expected_credits = sum(self.month_expected_credits, other.month_expected_credits);
    }
}

/// The smaller of two values; the known one if one is not known.
fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    [one, other].into_iter().flatten().min()
}

/// The sum of two values; the known one if one is not known.
fn sum<T: Add<Output = T>>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one + other),
        (one, other) => one.or(other),
    }
}
