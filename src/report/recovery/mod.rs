//! Failure chains of every pipeline, what they lost, and how near the pipeline is to being disabled, as
//! `queries/recovery.sql` does.

mod chain;
mod summary;
mod table;

pub use chain::{ChainBuilder, ChainState, FailureChain, Outcome};
pub use summary::report_by_pipeline;
pub use table::{RecoveryReport, name_runs, report};

use super::dimension::Dimension;
use super::group_by::for_each_run_newest_first;
use super::interner::Interner;
use super::ledger::Ledger;
use super::moment::moment_of;
use super::run_scan::IndexedRun;
use crate::error::Result;
use crate::run::Instant;
use rusqlite::named_params;
use rusqlite::types::Value;
use std::cmp::Reverse;

/// Whether a pipeline is active, and the failures in a row that disable it, matched by id or else by slug, as in the
/// view `runs`.
const PIPELINE_STATE: &str = "
SELECT coalesce((SELECT p.active FROM pipelines AS p WHERE p.kind = :kind AND p.pipeline_id = :id),
                (SELECT p.active FROM pipelines AS p WHERE p.slug = :id AND +p.kind = :kind
                 ORDER BY p.gone_at, p.pipeline_id LIMIT 1)),
       coalesce((SELECT json_extract(p.settings, '$.settings_max_consecutive_failures') FROM pipelines AS p
                 WHERE p.kind = :kind AND p.pipeline_id = :id),
                (SELECT json_extract(p.settings, '$.settings_max_consecutive_failures') FROM pipelines AS p
                 WHERE p.slug = :id AND +p.kind = :kind
                 ORDER BY p.gone_at, p.pipeline_id LIMIT 1))";

/// The failure chains of an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The moment up to which chains that have not recovered count. `None`: nothing was archived.
    pub moment: Option<Instant>,
    /// The pipelines with a chain.
    pub pipelines: Vec<FailingPipeline>,
    /// Those that have not recovered first, then those that lost most time.
    pub chains: Vec<FailureChain>,
    /// How the runs of each pipeline ended that has a successful or failed one, whatever the span.
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
}

/// The failure chains of the ledger's pipelines that began before the end of the span, and had not recovered at its
/// start. Each is whole, even if parts of it are outside of the span.
///
/// # Errors
/// Those of SQLite.
pub fn recovery(ledger: &Ledger<'_>) -> Result<Recovery> {
    let Some(moment) = moment_of(ledger)? else { return Ok(Recovery::default()) };
    let mut scan = Scan::new(ledger);
    for_each_run_newest_first(ledger, |run| scan.add(run))?;
    scan.end_instant();
    let Scan { interner, builders, .. } = scan;
    let labels = interner.labels(std::slice::from_ref(ledger))?;
    let span = ledger.scope().span;
    let is_in_span = |chain: &FailureChain| {
        let has_recovered_before = |from| chain.recovered_at.is_some_and(|at| at < from);
        !span.from.is_some_and(has_recovered_before)
            && span.until.is_none_or(|until| chain.first_failure_at < until)
    };
    let mut found = Recovery { moment: Some(moment), ..Recovery::default() };
    for (label, builder) in builders.into_iter().enumerate() {
        if let [_, Some(id), Some(kind)] = labels[label].as_slice() {
            found.outcomes.push(PipelineOutcomes {
                kind: kind.clone(),
                id: id.clone(),
                last_success_at: builder.last_success_at(),
                is_failing: builder.is_failing(),
            });
        }
        let chains = builder.into_chains(found.pipelines.len(), moment);
        let before = found.chains.len();
        found.chains.extend(chains.into_iter().filter(is_in_span));
        if found.chains.len() > before {
            let [name, id, kind] = [0, 1, 2].map(|part| labels[label][part].clone());
            found.pipelines.push(pipeline(ledger, name, id, kind)?);
        }
    }
    found.chains.sort_by_key(sort_key);
    Ok(found)
}

/// The order of `queries/recovery.sql`.
fn sort_key(chain: &FailureChain) -> (bool, Reverse<i64>, Reverse<(Instant, i64)>) {
    let last = (chain.last_failure_at, chain.last_snapshot_id);
    (!chain.is_failing(), Reverse(chain.lost_seconds), Reverse(last))
}

fn pipeline(
    ledger: &Ledger<'_>,
    name: Option<String>,
    id: Option<String>,
    kind: Option<String>,
) -> Result<FailingPipeline> {
    let mut statement = ledger.connection().prepare_cached(PIPELINE_STATE)?;
    let (is_active, limit): (Option<bool>, Value) = statement
        .query_row(named_params! {":kind": kind, ":id": id}, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let failures_limit = match limit {
        Value::Integer(limit) => u64::try_from(limit).ok().filter(|limit| *limit > 0),
        _ => None,
    };
    Ok(FailingPipeline { name, id, kind, is_active, failures_limit })
}

/// The outcomes of every pipeline, read newest first.
struct Scan {
    interner: Interner,
    /// The chains of each pipeline, by its number. The number zero has none.
    builders: Vec<ChainBuilder>,
    /// The runs of one instant, each with the position of its pipeline.
    of_instant: Vec<(usize, Outcome)>,
}

impl Scan {
    fn new(ledger: &Ledger<'_>) -> Scan {
        let mut interner = Interner::new(Dimension::Pipeline);
        interner.enter_ledger(ledger);
        Scan { interner, builders: Vec::new(), of_instant: Vec::new() }
    }

    fn add(&mut self, run: &IndexedRun<'_>) -> Result<()> {
        let succeeded = match run.status()? {
            Some("success") => true,
            Some("failed") => false,
            _ => return Ok(()),
        };
        let Some(booked_at) = run.booked_at()?.and_then(Instant::parse) else { return Ok(()) };
        if run.pipeline()?.is_none() {
            return Ok(());
        }
        let pipeline = self.interner.index_of(run)? as usize;
        if pipeline >= self.builders.len() {
            self.builders.resize_with(pipeline + 1, ChainBuilder::default);
        }
        if self.of_instant.first().is_some_and(|(_, other)| other.booked_at != booked_at) {
            self.end_instant();
        }
        let (el, transformation) = (run.el_cost_nanos()?, run.transformation_cost_nanos()?);
        let cost_nanos = match (el, transformation) {
            (None, None) => None,
            (el, transformation) => Some(el.unwrap_or(0).saturating_add(transformation.unwrap_or(0))),
        };
        let ended_at = if succeeded { run.ended_at()?.and_then(Instant::parse) } else { None };
        let snapshot_id = run.snapshot_id()?;
        self.of_instant.push((pipeline, Outcome { booked_at, snapshot_id, ended_at, cost_nanos, succeeded }));
        Ok(())
    }

    /// Adds the runs of an instant. A success comes after the failures, so that it ends their chain.
    fn end_instant(&mut self) {
        if self.of_instant.len() > 1 {
            self.of_instant.sort_unstable_by_key(|(_, run)| Reverse((run.succeeded, run.snapshot_id)));
        }
        for (pipeline, outcome) in self.of_instant.drain(..) {
            self.builders[pipeline].add(&outcome);
        }
    }
}
