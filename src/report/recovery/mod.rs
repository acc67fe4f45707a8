//! Failure chains of every pipeline, what they lost, and how near the pipeline is to being disabled, as
//! `queries/recovery.sql` does.

mod chain;
mod summary;
mod table;

pub use chain::{ChainBuilder, ChainState, FailureChain, Outcome};
pub use summary::report_by_pipeline;
pub use table::{RecoveryReport, name_runs, report};

use super::catalogue::Catalogue;
use super::dimension::Dimension;
use super::group_by::for_each_outcome_newest_first;
use super::interner::Interner;
use super::ledger::Ledger;
use super::moment::moment_of;
use super::run_scan::{self, IndexedRun, Pipelines};
use crate::error::Result;
use crate::run::Instant;
use std::cmp::Reverse;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::thread;

/// The failure chains of an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The moment up to which chains that have not recovered count. `None`: nothing was archived.
    pub moment: Option<Instant>,
    /// The pipelines with a chain.
    pub pipelines: Vec<FailingPipeline>,
    /// Those that have not recovered first, then those that lost most time.
    pub chains: Vec<FailureChain>,
    /// How the runs of each pipeline ended that has a successful or failed one, whatever the span. Empty from
    /// [`failing`], which does not read all of them.
    pub outcomes: Vec<PipelineOutcomes>,
}

/// How the runs of a pipeline ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineOutcomes {
    /// `source`, `destination` or `transformation`.
    pub kind: String,
    /// The id or slug in the runs.
    pub id: String,
    /// When the last successful run ended, else when it is booked. `None`: none was successful.
    pub last_success_at: Option<Instant>,
    /// Whether the pipeline has failed since.
    pub is_failing: bool,
}

/// A pipeline with a failure chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingPipeline {
    /// The name. `None`: not in the catalog.
    pub name: Option<String>,
    /// The id or slug in the runs.
    pub id: Option<String>,
    /// `source`, `destination` or `transformation`.
    pub kind: Option<String>,
    /// Whether it is active. `None`: not known.
    pub is_active: Option<bool>,
    /// The failures in a row that disable it. `None`: not known, or no limit.
    pub failures_limit: Option<u64>,
}

impl Recovery {
    /// The pipeline of a chain.
    pub fn pipeline_of(&self, chain: &FailureChain) -> &FailingPipeline {
        &self.pipelines[chain.pipeline]
    }

    /// How many failures remain until Nekt disables the pipeline of a chain. `None`: it has recovered, or the limit is
    /// not known.
    pub fn failures_left(&self, chain: &FailureChain) -> Option<u64> {
        chain.failures_left(self.pipeline_of(chain).failures_limit?)
    }

    /// The same of other pipelines, too.
    fn and(mut self, others: Recovery) -> Recovery {
        let first = self.pipelines.len();
        self.pipelines.extend(others.pipelines);
        let chains = others.chains.into_iter();
        self.chains.extend(chains.map(|chain| FailureChain { pipeline: first + chain.pipeline, ..chain }));
        self.chains.sort_by_cached_key(sort_key);
        self.outcomes.extend(others.outcomes);
        self
    }
}

/// The failure chains of the ledger's pipelines that began before the end of the span, and had not recovered at its
/// start. Each is whole, even if parts of it are outside of the span.
///
/// If the ledger has a second connection, two threads read the archive: the chains of a pipeline depend on no other.
///
/// # Errors
/// Those of SQLite.
pub fn recovery(ledger: &Ledger<'_>) -> Result<Recovery> {
    let Some(moment) = moment_of(ledger)? else { return Ok(Recovery::default()) };
    let span = ledger.scope().span;
    let is_in_span = |chain: &FailureChain| {
        let has_recovered_before = |from| chain.recovered_at.is_some_and(|at| at < from);
        !span.from.is_some_and(has_recovered_before)
            && span.until.is_none_or(|until| chain.first_failure_at < until)
    };
    let part = |ledger: &Ledger<'_>, pipelines: Pipelines| {
        Scan::read(ledger, pipelines, None)?.into_recovery(ledger, moment, is_in_span)
    };
    let Some(second) = ledger.take_second_connection() else { return part(ledger, Pipelines::All) };
    let scope = ledger.scope();
    let (sources, others) = thread::scope(|threads| {
        let sources = threads.spawn(|| {
            let second = second;
            part(&Ledger::open(&second, scope.clone())?, Pipelines::Sources)
        });
        let others = part(ledger, Pipelines::Others);
        (sources.join().unwrap_or_else(|panic| resume_unwind(panic)), others)
    });
    Ok(sources?.and(others?))
}

/// The failure chains, each whole, of the ledger's pipelines that still fail and last failed at or after `since`,
/// whatever the span. It reads the newest runs, until each chain has begun.
///
/// # Errors
/// Those of SQLite.
pub fn failing(ledger: &Ledger<'_>, since: Instant) -> Result<Recovery> {
    let Some(moment) = moment_of(ledger)? else { return Ok(Recovery::default()) };
    let is_found = |chain: &FailureChain| chain.is_failing() && chain.last_failure_at >= since;
    let found = Scan::read(ledger, Pipelines::All, Some(since))?.into_recovery(ledger, moment, is_found)?;
    Ok(Recovery { outcomes: Vec::new(), ..found })
}

/// The order of `queries/recovery.sql`.
fn sort_key(chain: &FailureChain) -> (bool, Reverse<i64>, Reverse<(Instant, i64)>) {
    let last = (chain.last_failure_at, chain.last_snapshot_id);
    (!chain.is_failing(), Reverse(chain.lost_seconds), Reverse(last))
}

/// The outcomes of every pipeline, read newest first.
struct Scan {
    interner: Interner,
    /// The chains of each pipeline, by its number. The number zero has none.
    builders: Vec<ChainBuilder>,
    /// The runs of one instant, each with the position of its pipeline.
    of_instant: Vec<(usize, Outcome)>,
    /// The number of pipelines that have not succeeded since their last failure.
    failing: usize,
}

impl Scan {
    /// Reads the outcomes of these pipelines. Before `since`, those of the ones that fail since are enough.
    fn read(ledger: &Ledger<'_>, pipelines: Pipelines, since: Option<Instant>) -> Result<Scan> {
        let mut interner = Interner::new(Dimension::Pipeline);
        interner.enter_ledger(ledger);
        let mut scan = Scan { interner, builders: Vec::new(), of_instant: Vec::new(), failing: 0 };
        for_each_outcome_newest_first(ledger, pipelines, |run| scan.add(run, since))?;
        scan.end_instant();
        Ok(scan)
    }

    fn add(&mut self, run: &IndexedRun<'_>, since: Option<Instant>) -> Result<ControlFlow<()>> {
        let succeeded = match run.outcome()? {
            Some(run_scan::Outcome::Succeeded) => true,
            Some(run_scan::Outcome::Failed) => false,
            _ => return Ok(ControlFlow::Continue(())),
        };
        let Some(booked_at) = run.booked_at()?.and_then(Instant::parse) else {
            return Ok(ControlFlow::Continue(()));
        };
        if self.of_instant.first().is_some_and(|(_, other)| other.booked_at != booked_at) {
            self.end_instant();
        }
        let is_before = since.is_some_and(|since| booked_at < since);
        if is_before && self.failing == 0 {
            return Ok(ControlFlow::Break(()));
        }
        let pipeline = self.interner.index_of(run)? as usize;
        if pipeline >= self.builders.len() {
            self.builders.resize_with(pipeline + 1, ChainBuilder::default);
        }
        if pipeline == 0 || is_before && !self.builders[pipeline].is_failing() {
            return Ok(ControlFlow::Continue(()));
        }
        let mut outcome = Outcome {
            booked_at,
            snapshot_id: run.snapshot_id()?,
            ended_at: None,
            cost_nanos: None,
            succeeded,
        };
        if succeeded {
            outcome.ended_at = run.ended_at()?.and_then(Instant::parse);
        } else {
            outcome.cost_nanos = run.total_cost_nanos()?;
        }
        self.of_instant.push((pipeline, outcome));
        Ok(ControlFlow::Continue(()))
    }

    /// Adds the runs of an instant. A success comes after the failures, so that it ends their chain.
    fn end_instant(&mut self) {
        if self.of_instant.len() > 1 {
            self.of_instant.sort_unstable_by_key(|(_, run)| Reverse((run.succeeded, run.snapshot_id)));
        }
        for (pipeline, outcome) in self.of_instant.drain(..) {
            let builder = &mut self.builders[pipeline];
            let was_failing = builder.is_failing();
            builder.add(&outcome);
            self.failing += usize::from(builder.is_failing());
            self.failing -= usize::from(was_failing);
        }
    }

    /// The wanted chains, with their pipelines. Those that have not recovered last until `moment`.
    fn into_recovery(
        self,
        ledger: &Ledger<'_>,
        moment: Instant,
        is_wanted: impl Fn(&FailureChain) -> bool,
    ) -> Result<Recovery> {
        let labels = self.interner.labels(std::slice::from_ref(ledger))?;
        let catalogue = Catalogue::read(ledger.connection())?;
        let mut found = Recovery { moment: Some(moment), ..Recovery::default() };
        for (label, builder) in self.builders.into_iter().enumerate() {
            if let [_, Some(id), Some(kind)] = labels[label].as_slice() {
                found.outcomes.push(PipelineOutcomes {
                    kind: kind.clone(),
                    id: id.clone(),
                    last_success_at: builder.last_success_at(),
                    is_failing: builder.ends_in_failure(),
                });
            }
            let chains = builder.into_chains(found.pipelines.len(), moment);
            let before = found.chains.len();
            found.chains.extend(chains.into_iter().filter(&is_wanted));
            if found.chains.len() > before {
                let [name, id, kind] = [0, 1, 2].map(|part| labels[label][part].clone());
                let pipeline =
                    kind.as_deref().zip(id.as_deref()).and_then(|(kind, id)| catalogue.find(kind, id));
                found.pipelines.push(FailingPipeline {
                    is_active: pipeline.and_then(|pipeline| pipeline.is_active),
                    failures_limit: pipeline.and_then(|pipeline| pipeline.failures_limit),
                    name,
                    id,
                    kind,
                });
            }
        }
        found.chains.sort_by_cached_key(sort_key);
        Ok(found)
    }
}
